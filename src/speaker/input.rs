//! What the machine is told, and what it wants done. The shell turns the world into the one and obeys the other.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;

use super::drains::Counted;
use super::event::Event;
use super::link::Link;
use crate::bfd::{Plan, Report};
use crate::config::Hash;
use crate::drain::Kept;
use crate::fib::{Batch, BatchId, Failure, Foreign, Lead, Leftovers, Part, Table};
use crate::gateway::Ttl;
use crate::hook;
use crate::hook::RunId;
use crate::probe;
use crate::role;
use crate::twin;
use crate::types::{ConnId, Family, LinkIndex, Name};
use crate::vpn::Source;

/// A tunnel that a hook took down: no traffic leaves by it until the hook says otherwise, whatever else happens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Held {
    /// Which.
    pub tunnel: Name,
    /// Why, in words for people.
    pub reason: String,
}

/// One fact about the world, or one wish of a person.
#[derive(Debug)]
pub enum Input {
    /// Once, when every interface that exists has been told of: what the kernel holds under our protocol and ids, from
    /// a run before this one. Nothing is done before.
    Begin(Table),
    /// Before [`Input::Begin`], if at all: what hooks held down in a run before this one.
    Held(Vec<Held>),
    /// Before [`Input::Begin`], if at all: what runs before this one left under another table, metric or protocol number.
    Leftovers(Leftovers),
    /// Somebody outside knows something of a tunnel: a VPN daemon, or a probe. Hooks come by [`super::Speaker::ask`]. One
    /// of a tunnel that is not there is ignored.
    Tunnel {
        /// Which.
        tunnel: Name,
        /// Who knows it.
        source: Source,
        /// What is against it, in words for people; `None` if nothing is.
        objection: Option<String>,
    },
    /// An interface appeared or changed.
    Link(Link),
    /// An interface was deleted.
    LinkGone(LinkIndex),
    /// News of interfaces was lost. What differs now is told of as always; what the kernel dropped in between is not
    /// known, and is looked up by [`Effect::Dump`].
    LinksMissed,
    /// Others have changed what may be ours in the kernel: in this order, and none of it was our doing.
    Foreign(Vec<Foreign>),
    /// News of such changes was lost. What the kernel holds is looked up by [`Effect::Audit`].
    ForeignMissed,
    /// A part of what [`Effect::Audit`] with this number has read.
    Audited(u32, Part),
    /// Somebody wants to know whether the kernel holds what it should; answered by [`Effect::Checked`].
    Check,
    /// What the kernel holds of ours, as [`Effect::Dump`] asked, after every batch before it; or why it cannot be read.
    Dumped(Result<Table, String>),
    /// What we dialled is connected.
    Connected {
        /// Which dial.
        conn: ConnId,
        /// Our end.
        local: SocketAddr,
    },
    /// What we dialled is not to be had.
    ConnectFailed {
        /// Which dial.
        conn: ConnId,
        /// Why, for people.
        reason: String,
    },
    /// Somebody dialled us; answered by [`Effect::Adopt`] or [`Effect::Abort`].
    Accepted {
        /// Counted by the listener, with bit 63 set.
        conn: ConnId,
        /// Our end.
        local: SocketAddr,
        /// Their end.
        remote: SocketAddr,
        /// The interface that it came in by, if the shell can tell.
        interface: Option<LinkIndex>,
    },
    /// Octets, in order, any number.
    Octets {
        /// On which connection.
        conn: ConnId,
        /// At least one.
        octets: Bytes,
    },
    /// A connection ended without our doing.
    Lost {
        /// Which.
        conn: ConnId,
        /// Why, for people.
        reason: String,
    },
    /// More is queued for a connection than the peer takes: no more UPDATEs until [`Input::Drained`].
    Congested(ConnId),
    /// The queue of a connection is short again.
    Drained(ConnId),
    /// The answer to [`Effect::Measure`].
    Measured {
        /// Which connection.
        conn: ConnId,
        /// Octets that the peer has not taken, queued here or in the kernel.
        waiting: u64,
        /// Octets that it has taken since the connection came up.
        taken: u64,
        /// How long nothing came from the peer's host, if that owes an answer to what is on the wire.
        silent: Option<Duration>,
    },
    /// The kernel has answered a batch; what is not among the failures was done.
    KernelDone {
        /// Which.
        batch: BatchId,
        /// What was refused.
        failures: Vec<Failure>,
    },
    /// A person wants a session closed and dialled again.
    Reset(Name),
    /// What the BFD agent says of a session.
    Bfd(Report),
    /// There is no BFD agent any more, and why; another is looked for.
    BfdLost(String),
    /// The kernel's routes, but for ours and default ones, lead to an address of [`Effect::Resolve`] in this way from
    /// now on; or not at all.
    Resolved {
        /// Which.
        address: IpAddr,
        /// How.
        lead: Option<Lead>,
    },
    /// The far end of a tunnel has answered, or has stopped to.
    Probe(probe::Report),
    /// What became of [`Effect::Role`].
    Role(role::Done),
    /// Octets from the twin's address, over the twin-link, that have passed no router.
    Hello(Bytes),
    /// Before [`Input::Begin`], if at all: what was drained, or was to be, in a run before this one.
    Drains(Vec<Kept>),
    /// The answer to [`Effect::Count`].
    Counted(Counted),
    /// What became of [`Effect::Run`]. One that nobody asked for is ignored.
    Ran {
        /// Which.
        id: RunId,
        /// How it ended.
        ran: hook::Ran,
    },
    /// A person, or the system, wants a clean end.
    Stop,
    /// What [`Effect::Flush`] asked for is done.
    Flushed(FlushId),
    /// [`Effect::Listen`] is not to be had. The neighbors of the family can only be dialled.
    NotListening {
        /// The family.
        family: Family,
        /// Why, for people.
        reason: String,
    },
}

/// One [`Effect::Flush`]; counted.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FlushId(pub u32);

/// Where to dial.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    /// Their end.
    pub remote: SocketAddr,
    /// Our address.
    pub local: IpAddr,
    /// The interface to be bound to.
    pub interface: Option<String>,
    /// How far away the peer may be.
    pub ttl: Ttl,
}

/// One thing to be done, in order.
#[derive(Debug)]
pub enum Effect {
    /// Send these to the kernel, and answer with [`Input::KernelDone`].
    Kernel(Batch),
    /// Read what the kernel holds of ours, behind all batches, and answer with [`Input::Dumped`].
    Dump,
    /// Read what the kernel holds of ours while everything else goes on, and hand it in by [`Input::Audited`], in order.
    Audit(u32),
    /// What [`Input::Check`] asked for can be shown now.
    Checked,
    /// Dial; answered by [`Input::Connected`] or [`Input::ConnectFailed`].
    Dial {
        /// The name of this attempt.
        conn: ConnId,
        /// Where.
        to: Endpoint,
    },
    /// An accepted connection belongs to a neighbor: read from it, and hold its packets to this.
    Adopt {
        /// Which.
        conn: ConnId,
        /// How far away the peer may be.
        ttl: Ttl,
        /// The interface that its packets must go and come by.
        interface: Option<String>,
    },
    /// End a connection at once and forget what was queued: it belongs to nobody, or its peer takes nothing.
    Abort(ConnId),
    /// Look how much of a connection's octets wait, and answer with [`Input::Measured`].
    Measure(ConnId),
    /// Queue these octets.
    Send {
        /// Where.
        conn: ConnId,
        /// Whole messages.
        octets: Bytes,
    },
    /// End a connection, or the attempt at one, when what was queued is sent.
    Close(ConnId),
    /// Answer with [`Input::Flushed`] when every connection that was ended so far is, or has had its time.
    Flush(FlushId),
    /// Accept connections of this family too, on all addresses; else answer [`Input::NotListening`].
    Listen(Family),
    /// Let BFD run these sessions and no others; answered by [`Input::Bfd`] whenever one changes.
    Bfd(Vec<Plan>),
    /// Look where the kernel's routes lead to these addresses, and to no others; answered by [`Input::Resolved`] whenever
    /// that changes for one. At first none leads anywhere.
    Resolve(Vec<IpAddr>),
    /// Ask these far ends and no others; answered by [`Input::Probe`] whenever one changes.
    Probe(Vec<probe::Plan>),
    /// The shared address, or the lease that stands for it: answered by [`Input::Role`].
    Role(role::Work),
    /// The way of hellos from now on; `None` if there is none any more.
    TwinLink(Option<twin::Link>),
    /// Send these octets to the twin, over the way of hellos; nothing says whether they arrive.
    Hello(Vec<u8>),
    /// Read the keys of [`super::Speaker::signatures`] again: who signs, or how, has changed. What was sent before goes out
    /// as it was signed before.
    Sign,
    /// Hooks hold these tunnels down from now on, and no others: to be kept over a restart.
    Hold(Vec<Held>),
    /// Nothing of runs before this one under other settings is in the kernel any more.
    Alone,
    /// What a flow is to the kernel is this from now on.
    Hash(Hash),
    /// This is what a next run must know of drains: to be kept over a restart.
    Keep(Vec<Kept>),
    /// Look at the counters of these interfaces, and answer with [`Input::Counted`].
    Count(Vec<String>),
    /// Run this command, and answer with [`Input::Ran`]; killed with all that it started when it lasts longer.
    Run {
        /// The name of this run.
        id: RunId,
        /// What to run.
        command: hook::Command,
        /// How long it may last.
        limit: Duration,
    },
    /// Tell people.
    Tell(Event),
    /// A clean stop is complete: all sessions are closed, and the kernel holds what it shall.
    Stopped,
}
