//! Two tables and a way between them that loses, delays and reorders; all of it out of a seed.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use crate::bfd::{Algorithm, Arrival, Discard, Effect, Key, Path, Settings, State, Status, Table, Wanted, Wire};
use crate::types::Time;

const LINK: u32 = 5;

fn address(side: usize) -> IpAddr {
    IpAddr::from([169, 254, 21, side as u8 + 1])
}

fn path(side: usize, hops: u8) -> Path {
    let interface = (hops == 1).then(|| "tun0".to_owned());
    Path { local: address(side), remote: address(1 - side), interface, hops }
}

struct Network {
    now: Time,
    sides: [Table; 2],
    settings: [Settings; 2],
    hops: u8,
    /// In order of arrival.
    way: BTreeMap<(Time, u64), (usize, Wire)>,
    counted: u64,
    entropy: fastrand::Rng,
    /// Of a thousand packets.
    loss: u64,
    delay: std::ops::RangeInclusive<u64>,
    cut: bool,
    /// A packet may overtake another. On a link none does, and BFD flaps where many do while it comes up.
    overtaking: bool,
}

impl Network {
    fn new(seed: u64, settings: [Settings; 2], hops: u8) -> Self {
        let mut network = Self {
            now: Time::START,
            sides: [Table::new(seed), Table::new(seed + 1)],
            settings,
            hops,
            way: BTreeMap::new(),
            counted: 0,
            entropy: fastrand::Rng::with_seed(seed + 2),
            loss: 0,
            delay: 1..=5,
            cut: false,
            overtaking: false,
        };
        network.begin(0);
        network.begin(1);
        network
    }

    fn begin(&mut self, side: usize) {
        let wanted = Wanted { path: path(side, self.hops), settings: self.settings[side].clone() };
        self.want(side, vec![wanted]);
    }

    fn want(&mut self, side: usize, wanted: Vec<Wanted>) {
        let mut out = Vec::new();
        self.sides[side].want(self.now, wanted, &mut out);
        let ids: Vec<u32> = self.sides[side].ids().collect();
        for id in ids {
            self.sides[side].set_link(id, Some(LINK));
        }
        self.carry(side, out);
    }

    /// A process that died and one that begins anew.
    fn restart(&mut self, side: usize) {
        let seed = self.entropy.u64(..);
        self.sides[side] = Table::new(seed);
        self.begin(side);
    }

    /// Another process goes on with what the one before hands over, as octets.
    fn replace(&mut self, side: usize) {
        let carried = serde_json::to_vec(&self.sides[side].carry(self.now)).unwrap();
        let (seed, mut out) = (self.entropy.u64(..), Vec::new());
        self.sides[side] = Table::new(seed);
        self.sides[side].resume(self.now, serde_json::from_slice(&carried).unwrap(), &mut out);
        self.carry(side, out);
        self.begin(side);
    }

    fn carry(&mut self, from: usize, effects: Vec<Effect>) {
        for effect in effects {
            let Effect::Send(_, wire) = effect else { continue };
            if self.cut || self.entropy.u64(0..1000) < self.loss {
                continue;
            }
            let delay = Duration::from_millis(self.entropy.u64(self.delay.clone()));
            let behind = self.way.iter().filter(|(_, (to, _))| *to != from).map(|((at, _), _)| *at).max();
            let behind = behind.filter(|_| !self.overtaking).unwrap_or_default();
            self.counted += 1;
            self.way.insert((behind.max(self.now + delay), self.counted), (1 - from, wire));
        }
    }

    fn arrive(&mut self, side: usize, wire: Wire, ttl: u8, multihop: bool) -> Result<(), Discard> {
        let arrival = Arrival { local: address(side), remote: address(1 - side), link: LINK, ttl, multihop };
        let mut out = Vec::new();
        let result = self.sides[side].receive(self.now, &arrival, wire.as_slice(), &mut out);
        self.carry(side, out);
        result
    }

    fn run(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let arrives = self.way.first_key_value().map(|((at, _), _)| *at);
            let due = self.sides.iter().filter_map(Table::deadline).min();
            let Some(next) = arrives.into_iter().chain(due).min().filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            if arrives.is_some_and(|at| at <= self.now) {
                let (_, (to, wire)) = self.way.pop_first().unwrap();
                let _ = self.arrive(to, wire, if self.hops > 1 { 250 } else { 255 }, self.hops > 1);
                continue;
            }
            for side in 0..2 {
                let mut out = Vec::new();
                self.sides[side].tick(self.now, &mut out);
                self.carry(side, out);
            }
        }
        self.now = until;
    }

    fn status(&self, side: usize) -> Status {
        self.sides[side].reports(self.now).next().unwrap().status
    }

    fn states(&self) -> [State; 2] {
        [self.status(0).state, self.status(1).state]
    }
}

fn settings(interval: u64, multiplier: u8) -> Settings {
    Settings { interval: Duration::from_millis(interval), multiplier, passive: false, key: None }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn two_ends_come_up_agree_and_notice_a_cut_within_the_detection_time() {
    for seed in 0..200 {
        let mut network = Network::new(seed, [settings(100, 3), settings(50, 5)], 1);
        network.run(seconds(5));
        assert_eq!(network.states(), [State::Up; 2], "seed {seed}");
        let [ours, theirs] = [network.status(0), network.status(1)];
        assert_eq!(ours.detection_time, Duration::from_millis(500), "seed {seed}");
        assert_eq!(theirs.detection_time, Duration::from_millis(300), "seed {seed}");
        network.cut = true;
        network.run(Duration::from_millis(200));
        assert_eq!(network.states(), [State::Up; 2], "seed {seed}: too early");
        network.run(Duration::from_millis(310));
        assert_eq!(network.states(), [State::Down; 2], "seed {seed}");
        network.cut = false;
        network.run(seconds(5));
        assert_eq!(network.states(), [State::Up; 2], "seed {seed}");
        assert_eq!((network.status(0).flaps, network.status(0).ups), (1, 2), "seed {seed}");
    }
}

#[test]
fn whatever_was_lost_both_ends_are_up_in_the_end_and_stay_so() {
    for seed in 0..200 {
        let mut network = Network::new(seed, [settings(100, 3), settings(300, 3)], 1);
        network.loss = 400;
        network.delay = 1..=200;
        network.overtaking = true;
        for _ in 0..4 {
            network.run(seconds(3));
            if network.entropy.bool() {
                let side = network.entropy.usize(0..2);
                network.restart(side);
            }
            let interval = network.entropy.u64(20..500);
            network.settings[0] = settings(interval, 3);
            network.begin(0);
        }
        network.loss = 0;
        network.delay = 1..=5;
        network.overtaking = false;
        network.run(seconds(8));
        assert_eq!(network.states(), [State::Up; 2], "seed {seed}");
        let flaps = network.status(0).flaps + network.status(1).flaps;
        network.run(seconds(20));
        assert_eq!(network.states(), [State::Up; 2], "seed {seed}");
        assert_eq!(network.status(0).flaps + network.status(1).flaps, flaps, "seed {seed}");
        let agreed = network.settings[0].interval.max(network.settings[1].interval);
        assert_eq!(network.status(0).transmit_interval, agreed, "seed {seed}");
    }
}

#[test]
fn timers_change_without_a_flap() {
    for seed in 0..100 {
        let mut network = Network::new(seed, [settings(100, 3), settings(100, 3)], 1);
        network.run(seconds(4));
        for _ in 0..20 {
            let side = network.entropy.usize(0..2);
            network.settings[side] = settings([10, 50, 100, 300, 1000][network.entropy.usize(0..5)], 3);
            network.begin(side);
            let wait = Duration::from_millis(network.entropy.u64(1..1500));
            network.run(wait);
        }
        network.run(seconds(4));
        assert_eq!(network.states(), [State::Up; 2], "seed {seed}");
        assert_eq!((network.status(0).flaps, network.status(1).flaps), (0, 0), "seed {seed}");
        let slower = network.settings[0].interval.max(network.settings[1].interval);
        assert_eq!(network.status(0).transmit_interval, slower, "seed {seed}");
        assert_eq!(network.status(1).detection_time, slower * 3, "seed {seed}");
    }
}

#[test]
fn an_end_that_restarts_is_noticed_at_once_and_comes_back() {
    let mut network = Network::new(1, [settings(1000, 5), settings(1000, 5)], 1);
    network.run(seconds(10));
    network.restart(1);
    network.run(Duration::from_millis(100));
    assert_eq!(network.status(0).flaps, 1, "its first packet says Down");
    network.run(seconds(8));
    assert_eq!(network.states(), [State::Up; 2]);
}

#[test]
fn an_end_that_is_not_wanted_any_more_says_so_and_is_forgotten() {
    let mut network = Network::new(1, [settings(100, 3), settings(100, 3)], 1);
    network.run(seconds(5));
    network.want(1, Vec::new());
    network.run(Duration::from_millis(50));
    assert_eq!((network.status(0).state, network.status(0).remote_state), (State::Down, State::AdminDown));
    network.run(seconds(4));
    assert!(network.sides[1].is_empty());
    network.begin(1);
    network.run(seconds(5));
    assert_eq!(network.states(), [State::Up; 2]);
}

#[test]
fn sessions_that_are_failed_take_the_peer_down_and_begin_again_when_wanted() {
    let mut network = Network::new(1, [settings(100, 3), settings(100, 3)], 1);
    network.run(seconds(5));
    let mut out = Vec::new();
    network.sides[1].fail(network.now, &path(1, 1), &mut out);
    network.carry(1, out);
    network.run(Duration::from_millis(50));
    assert_eq!((network.status(0).state, network.status(0).remote_state), (State::Down, State::Down));
    network.begin(1);
    network.run(seconds(5));
    assert_eq!(network.states(), [State::Up; 2]);
}

#[test]
fn the_same_wish_again_changes_nothing() {
    let mut network = Network::new(1, [settings(100, 3), settings(100, 3)], 1);
    network.run(seconds(5));
    let before = network.status(0);
    network.begin(0);
    network.run(seconds(5));
    assert_eq!(network.status(0), before);
}

#[test]
fn with_keys_sessions_come_up_and_with_different_ones_they_do_not() {
    let keyed = |secret: &[u8], algorithm| Settings { key: Key::new(1, algorithm, secret), ..settings(100, 3) };
    for algorithm in [Algorithm::KeyedSha1, Algorithm::MeticulousKeyedSha1] {
        for seed in 0..50 {
            let mut network = Network::new(seed, [keyed(b"one", algorithm), keyed(b"one", algorithm)], 1);
            network.loss = 100;
            network.run(seconds(10));
            network.loss = 0;
            network.run(seconds(10));
            assert_eq!(network.states(), [State::Up; 2], "seed {seed}");
            network.restart(1);
            network.run(seconds(15));
            assert_eq!(network.states(), [State::Up; 2], "seed {seed}: a new sequence is taken after a silence");
        }
        let mut network = Network::new(1, [keyed(b"one", algorithm), keyed(b"two", algorithm)], 1);
        network.run(seconds(10));
        assert_eq!(network.states(), [State::Down; 2]);
        assert_eq!(network.sides[0].discarded().1, Some(Discard::Digest));
    }
}

#[test]
fn another_process_goes_on_with_a_session_and_the_peer_sees_nothing() {
    let key = || Key::new(1, Algorithm::MeticulousKeyedSha1, b"one");
    for seed in 0..50 {
        let keyed = |interval| Settings { key: key(), ..settings(interval, 3) };
        let mut network = Network::new(seed, [keyed(50), keyed(100)], 1);
        network.run(seconds(5));
        for _ in 0..20 {
            let side = network.entropy.usize(0..2);
            let before = network.status(side);
            network.replace(side);
            assert_eq!(network.status(side), before, "seed {seed}");
            let wait = Duration::from_millis(network.entropy.u64(1..400));
            network.run(wait);
        }
        assert_eq!(network.states(), [State::Up; 2], "seed {seed}");
        assert_eq!((network.status(0).flaps, network.status(1).flaps), (0, 0), "seed {seed}");
    }
}

#[test]
fn another_process_goes_on_with_a_session_that_comes_up_or_leaves() {
    for seed in 0..50 {
        let mut network = Network::new(seed, [settings(100, 3), settings(100, 3)], 1);
        for _ in 0..10 {
            network.run(Duration::from_millis(300));
            network.replace(0);
        }
        network.run(seconds(2));
        assert_eq!(network.states(), [State::Up; 2], "seed {seed}");
        network.want(1, Vec::new());
        let carried = network.sides[1].carry(network.now);
        network.sides[1] = Table::new(seed);
        network.sides[1].resume(network.now, carried, &mut Vec::new());
        network.run(Duration::from_millis(1_500));
        assert_eq!(network.status(0).remote_state, State::AdminDown, "seed {seed}");
        network.run(seconds(4));
        assert!(network.sides[1].is_empty(), "seed {seed}");
    }
}

#[test]
fn keys_change_on_both_ends_without_a_flap_although_one_is_first() {
    let keyed =
        |id, secret: &[u8]| Settings { key: Key::new(id, Algorithm::MeticulousKeyedSha1, secret), ..settings(100, 3) };
    // Another number, or the same.
    for id in [1, 2] {
        let mut network = Network::new(1, [keyed(1, b"one"), keyed(1, b"one")], 1);
        network.run(seconds(5));
        for side in [0, 1] {
            network.settings[side] = keyed(id, b"two");
            network.begin(side);
            network.run(seconds(30));
        }
        network.run(seconds(60));
        assert_eq!(network.states(), [State::Up; 2]);
        assert_eq!((network.status(0).flaps, network.status(1).flaps), (0, 0));
        // Both have gone over: the old key proves nothing any more.
        network.settings[0] = keyed(1, b"one");
        network.restart(0);
        network.run(seconds(5));
        assert_eq!(network.states(), [State::Down; 2]);
    }
}

#[test]
fn an_end_that_does_not_go_over_to_the_new_key_within_a_minute_is_lost() {
    let keyed = |secret: &[u8]| Settings { key: Key::new(1, Algorithm::KeyedSha1, secret), ..settings(100, 3) };
    let mut network = Network::new(1, [keyed(b"one"), keyed(b"one")], 1);
    network.run(seconds(5));
    network.settings[0] = keyed(b"two");
    network.begin(0);
    network.run(seconds(59));
    assert_eq!(network.states(), [State::Up; 2]);
    network.run(seconds(2));
    assert_eq!(network.states(), [State::Down; 2]);
}

#[test]
fn a_packet_from_too_far_away_is_not_believed() {
    let mut network = Network::new(1, [settings(100, 3), settings(100, 3)], 1);
    network.cut = true;
    network.run(seconds(1));
    let mut out = Vec::new();
    network.sides[1].tick(network.now + seconds(1), &mut out);
    let Some(Effect::Send(_, wire)) = out.first().cloned() else { panic!("{out:?}") };
    assert_eq!(network.arrive(0, wire, 254, false), Err(Discard::Ttl(254)));
    assert_eq!(network.arrive(0, wire, 255, true), Err(Discard::Stranger));
    assert_eq!(network.arrive(0, wire, 255, false), Ok(()));
    assert_eq!(network.sides[0].discarded().0, 2);

    let mut far = Network::new(1, [settings(100, 3), settings(100, 3)], 8);
    far.run(seconds(5));
    assert_eq!(far.states(), [State::Up; 2], "five hops are fewer than eight");
    assert_eq!(far.arrive(0, wire, 246, true), Err(Discard::Ttl(246)));
}

#[test]
fn a_packet_by_another_interface_is_nobodys() {
    let mut network = Network::new(1, [settings(100, 3), settings(100, 3)], 1);
    let mut out = Vec::new();
    network.sides[1].tick(network.now + seconds(1), &mut out);
    let Some(Effect::Send(_, wire)) = out.first().cloned() else { panic!("{out:?}") };
    let arrival = Arrival { local: address(0), remote: address(1), link: LINK + 1, ttl: 255, multihop: false };
    let result = network.sides[0].receive(network.now, &arrival, wire.as_slice(), &mut Vec::new());
    assert_eq!(result, Err(Discard::Stranger));
}
