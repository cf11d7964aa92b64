//! One speaker with neighbors that are played by hand: no socket, no clock, and a kernel of values.
//!
//! Owns what the shell would own: connections, time, the kernel's answers. Holds every message of the speaker against
//! the rules of a connection, so that whoever drives it need not. Names no fault and no test: `tests/malformed` and
//! the fuzz target `connection` both include it by path.

#![allow(dead_code)] // each of its users needs a part of it

mod far;
mod file;

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    time::Duration,
};

use bytes::Bytes;
use twinspan::config::Config;
use twinspan::control::api::{ApiError, Neighbor, NeighborDetail, Reply, Request, SessionState};
use twinspan::fib::{Batch, Failure, KernelError, Table};
use twinspan::speaker::{Effect, Event, Input, Link, Speaker};
use twinspan::types::{ConnId, LinkIndex, Name, Prefix, Time};
use twinspan::wire::{Context, Deframer, Message, MessageKind};

use crate::kernel::ModelKernel;
#[allow(unused_imports, reason = "each of its users needs a part of it")]
pub use far::{Far, encode, message};
use far::{address, keepalive};
#[allow(unused_imports, reason = "each of its users needs a part of it")]
pub use file::{OWN, config};

/// The neighbor that the faults come from: another AS, at the end of a tunnel.
pub const SUBJECT: usize = 0;
/// The neighbor that must not notice: yet another AS, at the end of another tunnel. Hears what the subject teaches.
pub const WITNESS: usize = 1;
/// A neighbor of the own AS: where the attributes that stay inside it mean something.
pub const INTERNAL: usize = 2;

/// A connection, as the shell sees it.
pub struct Wire {
    pub far: usize,
    /// Dials are not connected until somebody answers.
    pub connected: bool,
    /// The speaker wants no more of it, or it broke.
    pub over: bool,
    deframer: Deframer,
    context: Context,
    /// What the speaker said on it.
    pub heard: Vec<MessageKind>,
    /// The last NOTIFICATION on it: code, subcode, data.
    pub notification: Option<(u8, u8, Bytes)>,
    /// Octets that the speaker sent on it.
    pub octets: usize,
    /// When a lively neighbor says that it is still there.
    due: Option<Time>,
}

/// A speaker and its world.
pub struct Rig {
    pub now: Time,
    pub speaker: Speaker,
    pub kernel: ModelKernel,
    pub fars: Vec<Far>,
    pub wires: BTreeMap<ConnId, Wire>,
    pub events: Vec<Event>,
    /// The kernel refuses whatever it is asked.
    pub refusing: bool,
    /// The kernel answers later, when this is false again.
    pub slow: bool,
    /// Batches that wait for a slow kernel.
    held: VecDeque<Batch>,
    effects: VecDeque<Effect>,
    accepted: u64,
    stopped: bool,
}

impl Rig {
    /// A speaker that does not run yet. `adjust` says how the neighbors differ from the usual.
    pub fn new(config: &Config, adjust: impl FnOnce(&mut [Far])) -> Self {
        let mut fars = vec![
            Far::new("subject/in-0", "tun1", 21, 65010),
            Far::new("witness/in-0", "tun2", 22, 65011),
            Far::new("internal", "tun3", 23, 65515),
        ];
        adjust(&mut fars);
        Self::with(config, fars)
    }

    /// The same with neighbors of one's own, each of which the file has.
    pub fn with(config: &Config, fars: Vec<Far>) -> Self {
        let instance = Name::new("in-0").expect("a name");
        let speaker = Speaker::new(config.clone(), &instance, 7, Duration::ZERO).expect("the file has it");
        Self {
            now: Time::START,
            speaker,
            kernel: ModelKernel::default(),
            fars,
            wires: BTreeMap::new(),
            events: Vec::new(),
            refusing: false,
            slow: false,
            held: VecDeque::new(),
            effects: VecDeque::new(),
            accepted: 1 << 63,
            stopped: false,
        }
    }

    /// All interfaces are there and the kernel is empty: the neighbors that are lively come up.
    pub fn begin(&mut self) {
        for far in 0..self.fars.len() {
            self.set_link(far, true);
        }
        self.tell(Input::Begin(Table::default()));
        self.pass(Duration::from_secs(5));
    }

    /// The interface to a neighbor goes up or down.
    pub fn set_link(&mut self, far: usize, up: bool) {
        let index = index(far);
        if up {
            self.kernel.link_up(index)
        } else {
            self.kernel.link_down(index, false)
        }
        let Far { interface, ours, .. } = &self.fars[far];
        // The IPv6 one is what IPv6 routes have as next hop.
        let six = address(&format!("fd00:{}::2", index.get()));
        let network = |own, bits| (own, Prefix::truncated(own, bits).expect("the bits are not too many"));
        let addresses = vec![network(*ours, 30), network(six, 64)];
        self.tell(Input::Link(Link { index, name: (*interface).to_owned(), up, addresses }));
    }

    /// One input and all that follows from it now.
    pub fn tell(&mut self, input: Input) {
        self.input(input);
        self.settle();
    }

    /// Time passes; whatever becomes due in it happens in its order.
    pub fn pass(&mut self, so_long: Duration) {
        let end = self.now + so_long;
        self.settle();
        loop {
            let alive = self.wires.values().filter(|wire| !wire.over).filter_map(|wire| wire.due).min();
            let due = self.speaker.deadline().into_iter().chain(alive).min();
            let Some(due) = due.filter(|due| *due <= end) else { break };
            self.now = self.now.max(due);
            let silent = |wire: &Wire| !wire.over && wire.due.is_some_and(|due| due <= self.now);
            let conns = self.wires.iter().filter(|(_, wire)| silent(wire)).map(|(conn, _)| *conn);
            let conns: Vec<ConnId> = conns.collect();
            for conn in conns {
                self.keep_alive(conn);
            }
            self.tick();
            assert!(
                self.speaker.deadline().is_none_or(|next| next > self.now),
                "what was due at {} was not done",
                self.now
            );
        }
        self.now = end;
        self.tick();
    }

    fn tick(&mut self) {
        let mut effects = Vec::new();
        self.speaker.tick(self.now, &mut effects);
        self.effects.extend(effects);
        self.settle();
    }

    fn input(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.speaker.handle(self.now, input, &mut effects);
        self.effects.extend(effects);
    }

    /// Carries out effects and lets the speaker work until there is nothing more to be done now.
    pub fn settle(&mut self) {
        let mut rounds = 0;
        loop {
            while let Some(effect) = self.effects.pop_front() {
                self.obey(effect);
            }
            if !self.speaker.busy() {
                if self.effects.is_empty() {
                    return;
                }
                continue;
            }
            rounds += 1;
            assert!(rounds < 100_000, "the work never ends");
            let mut effects = Vec::new();
            self.speaker.work(self.now, &mut effects);
            self.effects.extend(effects);
        }
    }

    fn obey(&mut self, effect: Effect) {
        match effect {
            Effect::Kernel(batch) if self.slow => self.held.push_back(batch),
            Effect::Kernel(batch) => self.apply(&batch),
            Effect::Audit(_) | Effect::Checked => {}
            Effect::Dump => self.input(Input::Dumped(Ok(self.kernel.table.clone()))),
            Effect::Flush(id) => self.input(Input::Flushed(id)),
            Effect::Dial { conn, to } => {
                let far = self.fars.iter().position(|far| far.address == to.remote.ip());
                self.wire(conn, far.expect("every dial is to a neighbor"), false);
                if self.fars[self.wires[&conn].far].lively {
                    self.answer(conn, true);
                }
            }
            Effect::Adopt { conn, .. } => assert!(self.wires.contains_key(&conn), "{conn} was not accepted"),
            Effect::Abort(conn) | Effect::Close(conn) => {
                let wire = self.wires.get_mut(&conn).expect("only what exists can be closed");
                assert!(!wire.over, "{conn} is closed twice");
                wire.over = true;
                if self.fars[wire.far].lively {
                    self.forget(conn);
                }
            }
            Effect::Send { conn, octets } => self.hear(conn, &octets),
            Effect::Tell(event) => self.events.push(event),
            Effect::Stopped => self.stopped = true,
            #[allow(unreachable_patterns)] // whatever else the shell is asked for has no part in this
            _ => {}
        }
    }

    fn apply(&mut self, batch: &Batch) {
        let failures = if self.refusing {
            let error = KernelError { errno: KernelError::ENOBUFS, text: "No buffer space available".to_owned() };
            (0..batch.ops.len()).map(|index| Failure { index, error: error.clone() }).collect()
        } else {
            self.kernel.carry_out(&batch.ops)
        };
        self.input(Input::KernelDone { batch: batch.id, failures });
    }

    /// A slow kernel gets to what waits for it.
    pub fn catch_up(&mut self) {
        self.slow = false;
        while let Some(batch) = self.held.pop_front() {
            self.apply(&batch);
            self.settle();
        }
    }

    fn wire(&mut self, conn: ConnId, far: usize, connected: bool) {
        let mut deframer = Deframer::new();
        deframer.allow_extended();
        let wire = Wire {
            far,
            connected,
            over: false,
            deframer,
            context: self.fars[far].context(),
            heard: Vec::new(),
            notification: None,
            octets: 0,
            due: None,
        };
        assert!(self.wires.insert(conn, wire).is_none(), "{conn} is there twice");
    }

    /// Answers a dial.
    pub fn answer(&mut self, conn: ConnId, well: bool) {
        let wire = self.wires.get_mut(&conn).expect("only what was dialled can be answered");
        if wire.connected || wire.over {
            return;
        }
        let ours = self.fars[wire.far].ours;
        if well {
            wire.connected = true;
            self.input(Input::Connected { conn, local: SocketAddr::new(ours, 40_000) });
        } else {
            wire.over = true;
            self.input(Input::ConnectFailed { conn, reason: "Connection refused".to_owned() });
        }
    }

    /// A neighbor dials.
    pub fn accept(&mut self, far: usize) -> ConnId {
        self.accepted += 1;
        let conn = ConnId(self.accepted);
        self.wire(conn, far, true);
        let Far { address, ours, .. } = self.fars[far];
        let (local, remote) = (SocketAddr::new(ours, 179), SocketAddr::new(address, 40_000));
        self.tell(Input::Accepted { conn, local, remote, interface: Some(index(far)) });
        conn
    }

    /// A neighbor is lively from now on, and answers what waits for it.
    pub fn revive(&mut self, far: usize) {
        self.fars[far].lively = true;
        let waits = |wire: &Wire| wire.far == far && !wire.connected && !wire.over;
        let conns: Vec<ConnId> = self.wires.iter().filter(|(_, wire)| waits(wire)).map(|(conn, _)| *conn).collect();
        for conn in conns {
            self.answer(conn, true);
        }
        self.settle();
    }

    /// A connection breaks.
    pub fn lose(&mut self, conn: ConnId) {
        if let Some(wire) = self.wires.get_mut(&conn).filter(|wire| wire.connected && !wire.over) {
            wire.over = true;
            self.tell(Input::Lost { conn, reason: "Connection reset by peer".to_owned() });
        }
    }

    /// The neighbor sends octets, if it still can.
    pub fn feed(&mut self, conn: ConnId, octets: &[u8]) {
        self.hand_in(conn, octets);
        self.settle();
    }

    /// The same, and the work that follows waits for [`Rig::settle`].
    pub fn hand_in(&mut self, conn: ConnId, octets: &[u8]) {
        let open = self.wires.get(&conn).is_some_and(|wire| wire.connected && !wire.over);
        if open && !octets.is_empty() {
            self.input(Input::Octets { conn, octets: Bytes::copy_from_slice(octets) });
        }
    }

    /// What the speaker says: messages, in an order that a connection can have.
    fn hear(&mut self, conn: ConnId, octets: &[u8]) {
        let wire = self.wires.get_mut(&conn).expect("octets go out where there is a connection");
        assert!(wire.connected && !wire.over, "octets for {conn}, which is not up");
        let lively = self.fars[wire.far].lively;
        wire.octets += octets.len();
        wire.deframer.push(octets);
        loop {
            let wire = self.wires.get_mut(&conn).expect("it was there");
            let Some(frame) = wire.deframer.next().expect("what the speaker says has a good header") else { break };
            let kind = frame.kind();
            assert!(wire.notification.is_none(), "{kind:?} after a NOTIFICATION");
            let first = matches!(kind, MessageKind::Open | MessageKind::Notification);
            assert!(first || !wire.heard.is_empty(), "{kind:?} before OPEN");
            wire.heard.push(kind);
            if kind == MessageKind::Notification {
                let body = frame.body();
                wire.notification = Some((body[0], body[1], body.slice(2..)));
            }
            if lively {
                let message = Message::decode(&frame, &wire.context).expect("what the speaker says can be read");
                self.respond(conn, message);
            }
        }
        let wire = self.wires.get(&conn).expect("it was there");
        assert_eq!(wire.deframer.pending(), 0, "the speaker sends whole messages");
    }

    /// What a lively neighbor does about a message.
    fn respond(&mut self, conn: ConnId, message: Message) {
        let wire = self.wires.get_mut(&conn).expect("it was there");
        let far = &mut self.fars[wire.far];
        match message {
            Message::Open(_) => {
                wire.due = Some(self.now + Duration::from_secs(20));
                let mut octets = far.open_octets().to_vec();
                octets.extend(keepalive());
                self.input(Input::Octets { conn, octets: octets.into() });
            }
            Message::Update(update) => {
                assert_eq!(update.faults, [], "what the speaker says has no faults");
                for prefix in update.withdrawn {
                    assert!(far.told.remove(&prefix).is_some(), "{prefix} is withdrawn and was not told");
                }
                for reach in update.reach {
                    for prefix in reach.prefixes {
                        far.told.insert(prefix, (update.attributes.clone(), reach.next_hop));
                    }
                }
                far.ends.extend(update.end_of_rib);
            }
            Message::Notification(_) | Message::Keepalive | Message::Refresh(_) => {}
        }
    }

    fn keep_alive(&mut self, conn: ConnId) {
        let now = self.now;
        let Some(wire) = self.wires.get_mut(&conn).filter(|wire| !wire.over) else { return };
        wire.due = Some(now + Duration::from_secs(20));
        self.input(Input::Octets { conn, octets: keepalive().into() });
    }

    /// A lively neighbor's session is over: so is what it was told in it.
    fn forget(&mut self, conn: ConnId) {
        let far = self.wires[&conn].far;
        let alive = |(other, wire): (&ConnId, &Wire)| *other != conn && wire.far == far && !wire.over && wire.connected;
        if !self.wires.iter().any(alive) {
            self.fars[far].told.clear();
            self.fars[far].ends.clear();
        }
    }

    /// The connection that a neighbor has now; the newest if there are several.
    pub fn conn(&self, far: usize) -> Option<ConnId> {
        let up = self.wires.iter().filter(|(_, wire)| wire.far == far && wire.connected && !wire.over);
        up.map(|(conn, _)| *conn).next_back()
    }

    /// Asks as an operator does.
    pub fn ask(&mut self, request: &Request) -> Result<Reply, ApiError> {
        let mut effects = Vec::new();
        let reply = self.speaker.ask(self.now, request, &(), &mut effects);
        self.effects.extend(effects);
        self.settle();
        reply
    }

    /// What an operator sees of a neighbor.
    pub fn detail(&mut self, far: usize) -> NeighborDetail {
        match self.ask(&Request::Neighbor(self.fars[far].name.clone())) {
            Ok(Reply::Neighbor(detail)) => *detail,
            other => panic!("{other:?}"),
        }
    }

    /// The same in short.
    pub fn neighbor(&mut self, far: usize) -> Neighbor {
        self.detail(far).neighbor
    }

    /// True if the operator sees the session up.
    pub fn is_up(&mut self, far: usize) -> bool {
        self.neighbor(far).state == SessionState::Established
    }

    /// True after a clean stop.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }
}

fn index(far: usize) -> LinkIndex {
    LinkIndex::new(u32::try_from(far).expect("there are few") + 2).expect("not 0")
}
