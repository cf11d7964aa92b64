//! Two peers over a model network: delays, refusals, breaks and silence from a seed, in virtual time.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::*;

/// A peer's end of a connection.
type End = (usize, ConnId);

/// What happens at a time.
#[derive(Debug)]
enum Happening {
    /// An input, if that end still exists; those without a connection always do.
    Arrives(usize, Input),
    /// A dial reaches the other side.
    Syn(End),
    /// The network cuts all connections, with a word to both ends or without.
    Cut { silent: bool },
}

struct Network {
    now: Time,
    entropy: fastrand::Rng,
    longest: u64,
    peers: [Peer; 2],
    queue: BTreeMap<(Time, u64), Happening>,
    count: u64,
    accepted: u64,
    /// Each end of a live connection, and its other end.
    other: HashMap<End, End>,
    /// Dials that were given up.
    given_up: HashSet<End>,
    /// When the last octets arrive at an end: TCP keeps the order.
    last: HashMap<End, Time>,
    /// Until then the network is unkind.
    calm_from: Time,
    up: [Option<ConnId>; 2],
    log: Vec<String>,
}

fn arrives_on(input: &Input) -> Option<ConnId> {
    match input {
        Input::Start | Input::Stop(_) | Input::Restart(_) | Input::DialNow | Input::Refresh(_) => None,
        Input::Leave(_) | Input::Announce(_) => None,
        Input::Configure(_) | Input::ConnectFailed { .. } => None,
        Input::Connected { conn }
        | Input::Accepted { conn }
        | Input::Octets { conn, .. }
        | Input::Lost { conn, .. }
        | Input::Measured { conn, .. }
        | Input::Sent { conn, .. } => Some(*conn),
    }
}

impl Network {
    /// Two peers that start at about the same time, and nothing that goes wrong.
    fn new(seed: u64) -> Self {
        let mut entropy = fastrand::Rng::with_seed(seed);
        let passive = entropy.u8(0..4);
        let peer = |side: u8, local: u32, remote: u32, id: u8, seed: u64| {
            let settings = Settings {
                local_asn: Asn::new(local),
                remote_asn: Asn::new(remote),
                other_asns: Vec::new(),
                router_id: router_id(id),
                passive: passive == side,
                ..settings()
            };
            Peer::new(PeerId(u32::from(side)), settings, seed)
        };
        let id = entropy.u8(1..4);
        let peers = [peer(0, LOCAL, REMOTE, 2, entropy.u64(..)), peer(1, REMOTE, LOCAL, id, entropy.u64(..))];
        let mut network = Self {
            now: Time::START,
            longest: *[1, 50, 400, 2000].get(entropy.usize(0..4)).unwrap(),
            entropy,
            peers,
            queue: BTreeMap::new(),
            count: 0,
            accepted: 1 << 63,
            other: HashMap::new(),
            given_up: HashSet::new(),
            last: HashMap::new(),
            calm_from: Time::START,
            up: [None, None],
            log: Vec::new(),
        };
        for side in 0..2 {
            let when = network.delay();
            network.put(when, Happening::Arrives(side, Input::Start));
        }
        network
    }

    /// Adds what an unkind network and an operator do in the first two minutes.
    fn unkind(seed: u64) -> Self {
        let mut network = Self::new(seed);
        network.calm_from = at(120.0);
        for _ in 0..network.entropy.u8(0..5) {
            let when = Time::from_start(Duration::from_millis(network.entropy.u64(0..120_000)));
            let silent = network.entropy.bool();
            network.put(when, Happening::Cut { silent });
        }
        for _ in 0..network.entropy.u8(0..3) {
            let when = Time::from_start(Duration::from_millis(network.entropy.u64(0..120_000)));
            let side = network.entropy.usize(0..2);
            let input =
                if network.entropy.bool() { Input::DialNow } else { Input::Restart(Cease::AdministrativeReset.into()) };
            network.put(when, Happening::Arrives(side, input));
        }
        network
    }

    fn delay(&mut self) -> Time {
        self.now + Duration::from_micros(self.entropy.u64(0..self.longest * 1000))
    }

    fn put(&mut self, when: Time, happening: Happening) {
        self.count += 1;
        self.queue.insert((when, self.count), happening);
    }

    /// Arrives at an end after all that was sent to it before.
    fn deliver(&mut self, end: End, input: Input) {
        let when = self.delay().max(self.last.get(&end).copied().unwrap_or_default());
        self.last.insert(end, when);
        self.put(when, Happening::Arrives(end.0, input));
    }

    fn run(&mut self, end: Time) {
        loop {
            let arrival = self.queue.keys().next().map(|(when, _)| *when);
            let deadline = self.peers.iter().filter_map(Peer::deadline).min();
            let Some(next) = arrival.into_iter().chain(deadline).min().filter(|next| *next <= end) else { return };
            assert!(next >= self.now);
            self.now = next;
            // Octets that were received count before a timer does.
            if arrival == Some(next) {
                let (_, happening) = self.queue.pop_first().unwrap();
                self.happen(happening);
            } else {
                for side in 0..2 {
                    let mut out = Vec::new();
                    self.peers[side].tick(next, &mut out);
                    self.obey(side, out);
                }
            }
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Arrives(side, input) => {
                if let Some(conn) = arrives_on(&input) {
                    if let Input::Lost { .. } = input {
                        self.other.remove(&(side, conn));
                    } else if !self.other.contains_key(&(side, conn)) {
                        return;
                    }
                }
                let mut out = Vec::new();
                self.peers[side].handle(self.now, input, &mut out);
                self.obey(side, out);
            }
            Happening::Syn(from) => {
                if self.given_up.contains(&from) {
                    return;
                }
                if self.now < self.calm_from && self.entropy.u8(0..3) == 0 {
                    let reason = "Connection refused".to_owned();
                    return self.deliver(from, Input::ConnectFailed { conn: from.1, reason });
                }
                let end = (1 - from.0, ConnId(self.accepted));
                self.accepted += 1;
                self.other.insert(from, end);
                self.other.insert(end, from);
                self.deliver(from, Input::Connected { conn: from.1 });
                self.put(self.now, Happening::Arrives(end.0, Input::Accepted { conn: end.1 }));
            }
            Happening::Cut { silent } => {
                let mut ends: Vec<_> = self.other.keys().copied().collect();
                ends.sort_unstable();
                for end in ends {
                    if silent {
                        // Each end believes to be connected to something that never answers.
                        self.other.insert(end, (2, end.1));
                    } else {
                        self.deliver(end, Input::Lost { conn: end.1, reason: "cut".to_owned() });
                    }
                }
            }
        }
    }

    fn obey(&mut self, side: usize, out: Vec<Output>) {
        for output in out {
            self.log.push(format!("{} {side} {output:?}", self.now));
            match output {
                Output::Dial { conn } => {
                    let when = self.delay();
                    self.put(when, Happening::Syn((side, conn)));
                }
                Output::Send { conn, octets } => {
                    let Some(end) = self.other.get(&(side, conn)).copied().filter(|end| end.0 < 2) else { continue };
                    let cut = self.entropy.usize(0..=octets.len());
                    for octets in [octets.slice(..cut), octets.slice(cut..)] {
                        self.deliver(end, Input::Octets { conn: end.1, octets });
                    }
                }
                Output::Measure { conn } => self.put(
                    self.now,
                    Happening::Arrives(side, Input::Measured { conn, waiting: 0, taken: 0, silent: None }),
                ),
                Output::Close { conn } | Output::Abort { conn } => {
                    self.given_up.insert((side, conn));
                    if let Some(end) = self.other.remove(&(side, conn)).filter(|end| end.0 < 2) {
                        self.deliver(end, Input::Lost { conn: end.1, reason: "closed by the peer".to_owned() });
                    }
                }
                Output::Established(agreed) => {
                    assert_eq!(self.up[side].replace(agreed.conn), None, "one session at a time");
                }
                Output::Down(_) => assert!(self.up[side].take().is_some(), "down only after up"),
                Output::Failed(_) | Output::Update(_) | Output::Refresh(_) => {}
            }
        }
    }
}

/// How many seeds the properties try.
const SEEDS: u64 = 3000;

#[test]
fn whatever_the_network_does_one_connection_is_established_in_the_end() {
    for seed in 0..SEEDS {
        let mut network = Network::unkind(seed);
        network.run(at(900.0));
        let log = || network.log.iter().rev().take(40).rev().cloned().collect::<Vec<_>>().join("\n");
        let [Some(a), Some(b)] = network.up else { panic!("seed {seed}: {:?}\n{}", network.up, log()) };
        assert_eq!(network.other.get(&(0, a)), Some(&(1, b)), "seed {seed}: two connections\n{}", log());
        for peer in &network.peers {
            assert_eq!(peer.state(), StateName::Established);
            assert_eq!(peer.status().retry_at, None, "seed {seed}");
            assert_eq!(peer.conns_open(), 1, "seed {seed}\n{}", log());
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..50 {
        let [one, two] = [(); 2].map(|()| {
            let mut network = Network::unkind(seed);
            network.run(at(900.0));
            network.log
        });
        assert_eq!(one, two, "seed {seed}");
    }
}

#[test]
fn peers_that_dial_each_other_at_once_need_no_second_attempt() {
    for seed in 0..SEEDS {
        let mut network = Network::new(seed);
        // Slower than that, the retry timer is part of the story.
        network.longest = network.longest.min(400);
        network.queue.clear();
        for side in 0..2 {
            network.put(Time::START, Happening::Arrives(side, Input::Start));
        }
        network.run(at(6.0));
        let log = || network.log.join("\n");
        assert!(network.up.iter().all(Option::is_some), "seed {seed}\n{}", log());
        for (side, peer) in network.peers.iter().enumerate() {
            let dials = network.log.iter().filter(|line| line.contains(&format!(" {side} Dial"))).count();
            assert!(dials <= 1, "seed {seed}: {dials} dials by {side}\n{}", log());
            assert_eq!((peer.status().failed_attempts, peer.conns_open()), (0, 1), "seed {seed}\n{}", log());
        }
    }
}
