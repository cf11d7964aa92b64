//! Both sides dial at once: every order in which what they send can arrive.

use std::collections::VecDeque;

use super::*;

/// What is on its way to one end of a connection, in order.
#[derive(Debug)]
enum Parcel {
    Connected,
    Message(Bytes),
    Gone,
}

/// A connection: which side dialled it, and what is on its way to each side.
struct Line {
    by: usize,
    ids: [ConnId; 2],
    /// The dial has not reached the other side yet.
    syn: bool,
    to: [VecDeque<Parcel>; 2],
    open: [bool; 2],
}

/// What one side saw of one connection, as steps of the run.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    their_open: Option<usize>,
    established: Option<usize>,
}

struct Run {
    peers: [Peer; 2],
    lines: Vec<Line>,
    seen: [[Seen; 2]; 2],
    up: [Option<ConnId>; 2],
    now: Time,
    step: usize,
    log: Vec<String>,
}

impl Run {
    /// Each has begun to dial; their identifiers end in these.
    fn new(ids: [u8; 2]) -> Self {
        let peer = |side: u32, local, remote, id| {
            let settings = Settings {
                local_asn: Asn::new(local),
                remote_asn: Asn::new(remote),
                router_id: router_id(id),
                ..settings()
            };
            Peer::new(PeerId(side), settings, u64::from(side))
        };
        let peers = [peer(0, LOCAL, REMOTE, ids[0]), peer(1, REMOTE, LOCAL, ids[1])];
        let mut run = Self {
            peers,
            lines: Vec::new(),
            seen: Default::default(),
            up: [None, None],
            now: Time::START,
            step: 0,
            log: Vec::new(),
        };
        for side in 0..2 {
            run.input(side, Input::Start);
        }
        run
    }

    fn input(&mut self, side: usize, input: Input) {
        let mut out = Vec::new();
        self.peers[side].handle(self.now, input, &mut out);
        self.obey(side, out);
    }

    fn line(&self, side: usize, conn: ConnId) -> usize {
        self.lines.iter().position(|line| line.ids[side] == conn).expect("a connection of this run")
    }

    fn obey(&mut self, side: usize, out: Vec<Output>) {
        for output in out {
            self.log.push(format!("{} side {side}: {output:?}", self.now));
            match output {
                Output::Dial { conn } => {
                    let mut ids = [conn; 2];
                    ids[1 - side] = ConnId((1 << 63) + self.lines.len() as u64);
                    let line = Line { by: side, ids, syn: true, to: Default::default(), open: [false; 2] };
                    self.lines.push(line);
                }
                Output::Send { conn, octets } => {
                    let at = self.line(side, conn);
                    if self.lines[at].open[1 - side] {
                        self.lines[at].to[1 - side].push_back(Parcel::Message(octets));
                    }
                }
                Output::Close { conn } | Output::Abort { conn } => {
                    let at = self.line(side, conn);
                    let line = &mut self.lines[at];
                    line.open[side] = false;
                    line.to[side].clear();
                    if std::mem::take(&mut line.syn) {
                        continue; // it never got through
                    }
                    if line.open[1 - side] {
                        line.to[1 - side].push_back(Parcel::Gone);
                    }
                }
                Output::Established(agreed) => {
                    assert_eq!(self.up[side].replace(agreed.conn), None, "two sessions at once");
                    let at = self.line(side, agreed.conn);
                    if let Some(seen) = self.seen[side].get_mut(at) {
                        seen.established = seen.established.or(Some(self.step));
                    }
                }
                Output::Down(_) => assert!(self.up[side].take().is_some()),
                Output::Measure { conn } => {
                    self.input(side, Input::Measured { conn, waiting: 0, taken: 0, silent: None })
                }
                Output::Failed(_) | Output::Update(_) | Output::Refresh(_) => {}
            }
        }
    }

    /// What can happen next: a dial gets through, or the first parcel of a queue arrives.
    fn options(&self) -> Vec<(usize, Option<usize>)> {
        let mut options = Vec::new();
        for (at, line) in self.lines.iter().enumerate() {
            if line.syn {
                options.push((at, None));
            }
            options.extend((0..2).filter(|side| !line.to[*side].is_empty()).map(|side| (at, Some(side))));
        }
        options
    }

    fn take(&mut self, (at, side): (usize, Option<usize>)) {
        self.step += 1;
        let line = &mut self.lines[at];
        let Some(side) = side else {
            let (by, far) = (line.by, 1 - line.by);
            line.syn = false;
            line.open = [true; 2];
            line.to[by].push_back(Parcel::Connected);
            let conn = line.ids[far];
            return self.input(far, Input::Accepted { conn });
        };
        let conn = line.ids[side];
        match line.to[side].pop_front().expect("it was an option") {
            Parcel::Connected => self.input(side, Input::Connected { conn }),
            Parcel::Message(octets) => {
                if octets[18] == 1
                    && let Some(seen) = self.seen[side].get_mut(at)
                {
                    seen.their_open = Some(self.step);
                }
                self.input(side, Input::Octets { conn, octets });
            }
            Parcel::Gone => {
                self.lines[at].open[side] = false;
                self.input(side, Input::Lost { conn, reason: "closed by the peer".to_owned() });
            }
        }
    }

    /// Takes choices until nothing is on its way and no timer would change anything; the options there were each time.
    fn go(&mut self, choices: &[usize]) -> Vec<usize> {
        let mut widths = Vec::new();
        loop {
            let options = self.options();
            if let Some(first) = options.first() {
                let choice = choices.get(widths.len()).copied().unwrap_or(0);
                widths.push(options.len());
                self.take(*options.get(choice).unwrap_or(first));
                continue;
            }
            let due = self.peers.iter().filter_map(Peer::deadline).min();
            let Some(due) = due.filter(|due| *due < at(20.0)) else { return widths };
            self.now = due;
            for side in 0..2 {
                let mut out = Vec::new();
                self.peers[side].tick(due, &mut out);
                self.obey(side, out);
            }
        }
    }

    /// Which connection the rule names: that of the side with the higher identifier; the other one only if both had it
    /// Established before they knew of this one (RFC 4271 §6.8, decision 0003).
    fn named(&self, winner: usize) -> usize {
        let late = |side: usize| {
            let (right, wrong) = (self.seen[side][winner], self.seen[side][1 - winner]);
            wrong.established.is_some_and(|up| right.their_open.is_none_or(|open| up < open))
        };
        if late(0) && late(1) { 1 - winner } else { winner }
    }
}

/// The most orders that are tried; there are fewer.
const ORDERS: usize = 1_000_000;

/// Tries all orders; how often each side's connection was kept.
fn all_orders(ids: [u8; 2], winner: usize) -> [usize; 2] {
    let (mut choices, mut orders, mut kept) = (Vec::new(), 0, [0; 2]);
    loop {
        let mut run = Run::new(ids);
        let widths = run.go(&choices);
        let story = || format!("{choices:?}\n{}", run.log.join("\n"));
        let open: Vec<_> = run.lines.iter().filter(|line| line.open == [true; 2]).collect();
        assert_eq!(open.len(), 1, "{}", story());
        assert_eq!(run.up.map(|up| up.unwrap()), open[0].ids, "{}", story());
        assert_eq!(run.lines.len(), 2, "nobody had to dial again\n{}", story());
        assert_eq!(open[0].by, run.named(winner), "{:?}\n{}", run.seen, story());
        for peer in &run.peers {
            assert_eq!((peer.conns_open(), peer.status().failed_attempts), (1, 0), "{}", story());
        }
        kept[open[0].by] += 1;
        orders += 1;
        assert!(orders < ORDERS, "too many orders to try");
        // The next choices in order: the last one that can be raised.
        choices.resize(widths.len(), 0);
        while let Some((last, width)) = choices.pop().zip(widths.get(choices.len())) {
            if last + 1 < *width {
                choices.push(last + 1);
                break;
            }
        }
        if choices.is_empty() {
            return kept;
        }
    }
}

#[test]
fn in_every_order_of_arrival_one_session_is_left_on_the_connection_that_the_rule_names() {
    // The higher identifier, and between equal ones the higher AS, which is side 0's (RFC 6286 §2.3).
    for (ids, winner) in [([9, 2], 0), ([2, 9], 1), ([5, 5], 0)] {
        let kept = all_orders(ids, winner);
        assert!(kept[winner] > 1000 && kept[1 - winner] > 100, "{ids:?}: {kept:?}");
    }
}
