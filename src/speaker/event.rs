//! What people are told: events with stable names and typed fields.

mod name;
mod weight;
mod words;

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;

pub use weight::Weight;

use crate::config::Plan;
use crate::control::api;
use crate::drain::{Step, Target};
use crate::fib::{Author, Harm, KernelError};
use crate::gateway::LimitAction;
use crate::session::DownReason;
use crate::twin;
use crate::types::{Asn, Family, HoldTime, Name, Prefix};
use crate::vpn::Entry;
use crate::wire::Fault;

/// Something that happened. Its display is one line with cause and effect.
#[derive(Clone, Debug)]
pub enum Event {
    /// A session is Established.
    SessionUp {
        /// The neighbor.
        neighbor: Name,
        /// Its AS.
        asn: Asn,
        /// What both agreed on.
        hold_time: HoldTime,
        /// What is exchanged.
        families: Vec<Family>,
    },
    /// A session has ended.
    SessionDown {
        /// The neighbor.
        neighbor: Name,
        /// Why.
        reason: DownReason,
        /// The body of the message that ended it, if it was one that nothing could be made of.
        message: Option<Bytes>,
    },
    /// An attempt at a session failed, and not as the one before it did.
    SessionFailed {
        /// The neighbor.
        neighbor: Name,
        /// Why.
        reason: DownReason,
    },
    /// A neighbor has sent all that it has of a family.
    EndOfRib {
        /// The neighbor.
        neighbor: Name,
        /// The family.
        family: Family,
        /// How many prefixes it has sent.
        received: usize,
    },
    /// An UPDATE had a fault that RFC 7606 softens.
    Softened {
        /// The neighbor.
        neighbor: Name,
        /// What was wrong, and what was done.
        fault: Fault,
        /// The prefixes that were in it, and its body; of several faults in one UPDATE the first has them.
        update: Option<(Vec<Prefix>, Bytes)>,
        /// How many more were not told of since the last one.
        silent: u64,
    },
    /// A session was lost, and what it taught is used on while the neighbor restarts (RFC 4724).
    RoutesKept {
        /// The neighbor.
        neighbor: Name,
        /// How many routes.
        routes: usize,
        /// How long it has to come back.
        limit: Duration,
    },
    /// Routes that were kept of a lost session are used no longer.
    RoutesDropped {
        /// The neighbor.
        neighbor: Name,
        /// How many routes.
        routes: usize,
        /// Why.
        why: &'static str,
    },
    /// A neighbor teaches nearly as many prefixes as it may.
    PrefixesNear {
        /// The neighbor.
        neighbor: Name,
        /// Of which family.
        family: Family,
        /// How many it teaches.
        received: usize,
        /// How many it may.
        limit: u32,
    },
    /// A neighbor teaches more prefixes than it may.
    PrefixesOver {
        /// The neighbor.
        neighbor: Name,
        /// Of which family.
        family: Family,
        /// How many it teaches.
        received: usize,
        /// How many it may.
        limit: u32,
        /// What is done about it.
        action: LimitAction,
        /// After a drop: how long it stays away.
        restart: Option<Duration>,
    },
    /// A neighbor has sent all of a family again (RFC 7313), or was no longer waited for.
    Refreshed {
        /// The neighbor.
        neighbor: Name,
        /// The family.
        family: Family,
        /// How many of its routes were not among them, and go.
        gone: usize,
    },
    /// A neighbor began to send a family again and did not end in time.
    RefreshLate {
        /// The neighbor.
        neighbor: Name,
        /// The family.
        family: Family,
        /// How long it had.
        limit: Duration,
    },
    /// A ROUTE-REFRESH that means nothing.
    RefreshIgnored {
        /// The neighbor.
        neighbor: Name,
        /// What was wrong with it.
        why: &'static str,
        /// How many more were not told of since the last one.
        silent: u64,
    },
    /// A tunnel has become something else, or one more knows something against it, or one less.
    Tunnel {
        /// The tunnel.
        tunnel: Name,
        /// Its interface.
        interface: String,
        /// What, who brought it about, and why.
        change: Entry,
        /// How long it has been down by now, if it was.
        down_for: Option<Duration>,
    },
    /// The interface of a neighbor that is in no tunnel is up.
    InterfaceUp {
        /// The neighbor bound to it.
        neighbor: Name,
        /// The interface.
        interface: String,
    },
    /// The interface of a neighbor that is in no tunnel is down or gone.
    InterfaceDown {
        /// The neighbor bound to it.
        neighbor: Name,
        /// The interface.
        interface: String,
        /// "is down" or "does not exist".
        what: &'static str,
    },
    /// Somebody dialled who is no neighbor.
    Stranger {
        /// Their end.
        remote: SocketAddr,
        /// Our end.
        local: SocketAddr,
        /// How many more were not told of since the last one.
        silent: u64,
    },
    /// Somebody with a neighbor's address dialled over another interface than the neighbor's.
    WrongInterface {
        /// The neighbor whose address it has.
        neighbor: Name,
        /// Their end.
        remote: SocketAddr,
        /// The interface's name, if it is known.
        came_by: Option<String>,
        /// How many more were not told of since the last one.
        silent: u64,
    },
    /// Somebody dialled from a range that has as many neighbors as it may have: it was told so.
    RangeFull {
        /// The range.
        range: Name,
        /// Their end.
        remote: SocketAddr,
        /// How many there may be.
        limit: usize,
        /// How many more were not told of since the last one.
        silent: u64,
    },
    /// The kernel refused something; it will be tried again.
    KernelRefused {
        /// How many operations of the batch were refused.
        refused: usize,
        /// What the first of them was, for people.
        first: String,
        /// What the kernel said to that.
        error: KernelError,
        /// How many more batches with refusals were not told of since the last one.
        silent: u64,
    },
    /// The kernel has no room for more; what it refused is tried again now and then, and the rest goes on.
    KernelFull {
        /// What it said.
        error: KernelError,
        /// Routes that wait for room.
        waiting: usize,
        /// Next hops, groups and host routes that it had none for.
        objects: usize,
        /// Routes of ours that it has.
        present: usize,
    },
    /// The kernel has room again, and all that is wanted.
    KernelRoom {
        /// Operations that it had refused meanwhile.
        refused: u64,
        /// How long that lasted.
        lasted: Duration,
    },
    /// Another program has changed what is ours in the kernel.
    Tampered {
        /// The object, for people.
        what: String,
        /// What that meant, and what is done about it.
        harm: Harm,
        /// Who it was.
        by: Author,
        /// How many more such changes were not told of since the last one.
        silent: u64,
    },
    /// What the kernel held was not what we thought, and is put right.
    Repaired {
        /// How many routes, next hops and groups.
        found: usize,
    },
    /// Others changed so much at once that not all of it could be read.
    ForeignMissed,
    /// News was lost, and what the kernel holds was compared with what is wanted.
    Compared {
        /// Routes of ours that were there.
        routes: usize,
    },
    /// What the kernel holds could not be read; it is tried again.
    Unread {
        /// Why, for people.
        reason: String,
    },
    /// Routes of a run before this one are in the kernel, and stay until the neighbors are back.
    Adopted {
        /// How many routes.
        routes: usize,
        /// How many groups.
        groups: usize,
    },
    /// Runs before this one left something under other settings of `[kernel]`: it stays until what is wanted is there.
    Leftovers {
        /// How many routes.
        routes: usize,
        /// How many groups and next hops under another protocol number.
        objects: usize,
        /// Table, protocol number and metric of the first of the routes.
        one: Option<(u32, u8, u32)>,
    },
    /// It is gone.
    LeftoversGone,
    /// All neighbors are back, or the limit has passed: the kernel follows the RIB from now on.
    Converged {
        /// Neighbors that were not back when the limit passed.
        missing: Vec<Name>,
    },
    /// Connections of a family cannot be accepted; neighbors of it are still dialled.
    NotListening {
        /// The family.
        family: Family,
        /// Why, for people.
        reason: String,
    },
    /// BFD says that the way to a neighbor is alive.
    BfdUp {
        /// The neighbor.
        neighbor: Name,
        /// How long a silence is a failure from now on.
        detection: Duration,
    },
    /// BFD says that the way to a neighbor is dead.
    BfdDown {
        /// The neighbor.
        neighbor: Name,
        /// Why, in the RFC's words.
        diag: String,
        /// Why the peer last left Up, as it last said.
        remote: String,
        /// How long nothing came, if that was why; else zero.
        silent: Duration,
    },
    /// BFD says nothing of the way to a neighbor any more, which is no failure.
    BfdSilent {
        /// The neighbor.
        neighbor: Name,
        /// Why.
        what: &'static str,
    },
    /// The instance cannot do its work: it offers what it cannot do to nobody.
    Unfit {
        /// Which.
        instance: Name,
        /// Why.
        reasons: Vec<String>,
    },
    /// The instance does its work again.
    Fit {
        /// Which.
        instance: Name,
    },
    /// A person wants something to be drained.
    DrainBegins {
        /// Where.
        instance: Name,
        /// What.
        target: Target,
        /// Why, if that was said.
        reason: Option<String>,
        /// What speaks against it, and was not heeded.
        against: Vec<String>,
    },
    /// A drain, or the way back, is one step further.
    DrainStep {
        /// Where.
        instance: Name,
        /// What.
        target: Target,
        /// What begins now.
        step: Step,
        /// Whether the counters showed that neighbors had moved.
        moved: Option<bool>,
        /// How long it took, if it is done.
        took: Option<Duration>,
        /// Packets that were lost here, by the counters.
        lost: Option<u64>,
    },
    /// Both instances were to be drained at the same time, and this one is brought back.
    DrainYields {
        /// This one.
        instance: Name,
        /// The other.
        twin: Name,
    },
    /// The process that runs BFD has ended, or cannot be started.
    BfdAgentLost {
        /// Why, for people.
        reason: String,
    },
    /// The far end of a probed tunnel answers, for the first time or again.
    ProbeAnswered {
        /// The tunnel.
        tunnel: Name,
    },
    /// The far end of a probed tunnel answers no longer.
    ProbeSilent {
        /// The tunnel.
        tunnel: Name,
        /// The far end.
        remote: IpAddr,
        /// So many requests in a row were not answered.
        count: u8,
        /// How long ago the last answer can have been.
        silent: Duration,
    },
    /// Something is known of the twin that was not.
    Twin {
        /// The other instance.
        twin: Name,
        /// What has become of it.
        news: twin::News,
        /// How many more of this kind were not told of since the last one.
        silent: u64,
    },
    /// This instance is active now, or is no longer.
    Role {
        /// Which of the two.
        active: bool,
        /// Why.
        why: String,
        /// The claim.
        term: u64,
    },
    /// The twin is silent, but somebody answers for the shared address: this instance stays standby.
    StaysStandby {
        /// The hardware address of that host.
        who: String,
    },
    /// The twin did not take the role that it was handed.
    RoleNotTaken,
    /// The shared address cannot be put there, or taken away.
    AddressRefused {
        /// Why.
        reason: String,
    },
    /// A command of `[hooks]` did not do its work.
    HookFailed {
        /// Which.
        hook: &'static str,
        /// For which tunnel; empty if it is for none.
        about: String,
        /// What became of it.
        ran: String,
    },
    /// Another configuration is in force.
    Reloaded {
        /// What has changed.
        plan: Box<Plan>,
        /// In how many seconds it goes back by itself.
        confirm_within: Option<u64>,
    },
    /// Another configuration was not taken; nothing has changed.
    ReloadRefused {
        /// Why, for people.
        reason: String,
        /// What is wrong with the file.
        faults: Vec<api::Fault>,
    },
    /// Nobody confirmed the last reload: the configuration of before is in force again.
    Reverted {
        /// What has changed by that.
        plan: Box<Plan>,
    },
    /// The last reload was confirmed.
    Confirmed,
    /// All sessions of this instance but that with its twin are reset.
    InstanceReset {
        /// How many of them were up.
        sessions: usize,
        /// The twin, if it asked for that.
        by: Option<Name>,
    },
    /// A clean stop has begun.
    Stopping,
}
