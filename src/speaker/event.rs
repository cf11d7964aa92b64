//! What people are told: events with stable names and typed fields.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;

use crate::config::{Fate, Plan};
use crate::control::api;
use crate::drain::{Step, Target};
use crate::fib::{Author, Harm, KernelError};
use crate::gateway::LimitAction;
use crate::session::DownReason;
use crate::twin;
use crate::types::{Asn, Family, HoldTime, Name, Prefix};
use crate::vpn::{Entry, Source, Word};
use crate::wire::Fault;

/// A line names so many prefixes of a faulty UPDATE; the message in it holds them all.
const PREFIXES_SHOWN: usize = 20;

/// How much an event matters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Weight {
    /// As it should be.
    Info,
    /// Somebody should look.
    Warning,
}

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

impl Event {
    /// The stable name: `area.what`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::SessionUp { .. } => "session.up",
            Self::SessionDown { .. } => "session.down",
            Self::SessionFailed { .. } => "session.failed",
            Self::EndOfRib { .. } => "session.end_of_rib",
            Self::Softened { .. } => "session.fault_softened",
            Self::RoutesKept { .. } => "session.routes_kept",
            Self::RoutesDropped { .. } => "session.routes_dropped",
            Self::PrefixesNear { .. } => "session.prefixes_near",
            Self::PrefixesOver { .. } => "session.prefixes_over",
            Self::Refreshed { .. } => "session.refreshed",
            Self::RefreshLate { .. } => "session.refresh_late",
            Self::RefreshIgnored { .. } => "session.refresh_ignored",
            Self::Tunnel { change, .. } => match change.word {
                Word::Up => "tunnel.up",
                Word::Down => "tunnel.down",
                Word::Objected => "tunnel.objected",
                Word::Agreed => "tunnel.agreed",
                Word::Damped => "tunnel.damped",
            },
            Self::InterfaceUp { .. } => "session.interface_up",
            Self::InterfaceDown { .. } => "session.interface_down",
            Self::Stranger { .. } => "session.stranger",
            Self::WrongInterface { .. } => "session.wrong_interface",
            Self::RangeFull { .. } => "session.range_full",
            Self::KernelRefused { .. } => "kernel.refused",
            Self::KernelFull { .. } => "kernel.full",
            Self::KernelRoom { .. } => "kernel.room",
            Self::Leftovers { .. } => "kernel.leftovers",
            Self::LeftoversGone => "kernel.leftovers_gone",
            Self::Tampered { harm: Harm::Replaced, .. } => "kernel.displaced",
            Self::Tampered { .. } => "kernel.repaired",
            Self::Repaired { .. } => "kernel.corrected",
            Self::ForeignMissed => "kernel.changes_lost",
            Self::Compared { .. } => "kernel.compared",
            Self::Unread { .. } => "kernel.unread",
            Self::Adopted { .. } => "kernel.adopted",
            Self::Converged { .. } => "kernel.converged",
            Self::NotListening { .. } => "instance.not_listening",
            Self::BfdUp { .. } => "bfd.up",
            Self::BfdDown { .. } => "bfd.down",
            Self::BfdSilent { .. } => "bfd.silent",
            Self::BfdAgentLost { .. } => "bfd.agent_lost",
            Self::Unfit { .. } => "instance.unfit",
            Self::Fit { .. } => "instance.fit",
            Self::DrainBegins { .. } => "drain.begun",
            Self::DrainStep { step, .. } => match step {
                Step::Moving => "drain.moving",
                Step::Withdrawing => "drain.withdrawing",
                Step::Closing => "drain.closing",
                Step::Drained => "drain.drained",
                Step::Returning => "drain.returning",
                Step::Returned => "drain.returned",
            },
            Self::DrainYields { .. } => "drain.yielded",
            Self::ProbeAnswered { .. } => "probe.answered",
            Self::ProbeSilent { .. } => "probe.silent",
            Self::Role { active: true, .. } => "role.active",
            Self::Role { active: false, .. } => "role.standby",
            Self::StaysStandby { .. } => "role.stays",
            Self::RoleNotTaken => "role.not_taken",
            Self::AddressRefused { .. } => "role.address",
            Self::HookFailed { .. } => "role.hook_failed",
            Self::Twin { news, .. } => match news {
                twin::News::Appeared { .. } => "twin.appeared",
                twin::News::Silent(_) => "twin.silent",
                twin::News::Returned(_) => "twin.returned",
                twin::News::Restarted { .. } => "twin.restarted",
                twin::News::Leaving => "twin.leaving",
                twin::News::Slow { .. } => "twin.slow",
                twin::News::Steady => "twin.steady",
                twin::News::Deaf(_) => "twin.deaf",
                twin::News::Hears => "twin.hears",
                twin::News::OtherFile => "twin.other_file",
                twin::News::SameFile => "twin.same_file",
                twin::News::OtherVersion(_) => "twin.other_version",
                twin::News::SameVersion(_) => "twin.same_version",
                twin::News::Stranger { .. } => "twin.stranger",
                twin::News::Unreadable(_) => "twin.unreadable",
                twin::News::Changed { .. } => "twin.changed",
            },
            Self::Reloaded { .. } => "config.reloaded",
            Self::ReloadRefused { .. } => "config.reload_refused",
            Self::Reverted { .. } => "config.reverted",
            Self::Confirmed => "config.confirmed",
            Self::InstanceReset { .. } => "instance.reset",
            Self::Stopping => "instance.stopping",
        }
    }

    /// The neighbor or tunnel that it is about.
    #[must_use]
    pub fn about(&self) -> Option<&Name> {
        match self {
            Self::SessionUp { neighbor, .. }
            | Self::BfdUp { neighbor, .. }
            | Self::BfdDown { neighbor, .. }
            | Self::BfdSilent { neighbor, .. }
            | Self::SessionDown { neighbor, .. }
            | Self::SessionFailed { neighbor, .. }
            | Self::EndOfRib { neighbor, .. }
            | Self::PrefixesNear { neighbor, .. }
            | Self::PrefixesOver { neighbor, .. }
            | Self::Softened { neighbor, .. }
            | Self::RoutesKept { neighbor, .. }
            | Self::RoutesDropped { neighbor, .. }
            | Self::WrongInterface { neighbor, .. }
            | Self::RangeFull { range: neighbor, .. }
            | Self::Refreshed { neighbor, .. }
            | Self::RefreshLate { neighbor, .. }
            | Self::RefreshIgnored { neighbor, .. } => Some(neighbor),
            Self::InterfaceUp { neighbor, .. } | Self::InterfaceDown { neighbor, .. } => Some(neighbor),
            Self::Tunnel { tunnel, .. } | Self::ProbeAnswered { tunnel } | Self::ProbeSilent { tunnel, .. } => {
                Some(tunnel)
            }
            Self::Twin { twin, .. } => Some(twin),
            Self::Unfit { instance, .. } | Self::Fit { instance } => Some(instance),
            Self::DrainYields { instance, .. } => Some(instance),
            Self::DrainBegins { instance, target, .. } | Self::DrainStep { instance, target, .. } => match target {
                Target::Instance => Some(instance),
                Target::Tunnel(name) | Target::Device(name) => Some(name),
            },
            Self::Role { .. }
            | Self::StaysStandby { .. }
            | Self::RoleNotTaken
            | Self::AddressRefused { .. }
            | Self::HookFailed { .. }
            | Self::Stranger { .. }
            | Self::KernelRefused { .. }
            | Self::KernelFull { .. }
            | Self::KernelRoom { .. }
            | Self::Leftovers { .. }
            | Self::LeftoversGone
            | Self::Tampered { .. }
            | Self::Repaired { .. }
            | Self::ForeignMissed
            | Self::Compared { .. }
            | Self::Unread { .. }
            | Self::Adopted { .. }
            | Self::Converged { .. }
            | Self::NotListening { .. }
            | Self::BfdAgentLost { .. }
            | Self::Reloaded { .. }
            | Self::ReloadRefused { .. }
            | Self::Reverted { .. }
            | Self::Confirmed
            | Self::InstanceReset { .. }
            | Self::Stopping => None,
        }
    }

    /// How much it matters.
    #[must_use]
    pub fn weight(&self) -> Weight {
        match self {
            Self::SessionDown { .. }
            | Self::BfdDown { .. }
            | Self::ProbeSilent { .. }
            | Self::BfdAgentLost { .. }
            | Self::SessionFailed { .. }
            | Self::Softened { .. }
            | Self::RoutesKept { .. }
            | Self::RoutesDropped { .. }
            | Self::PrefixesNear { .. }
            | Self::PrefixesOver { .. }
            | Self::RefreshLate { .. }
            | Self::RefreshIgnored { .. }
            | Self::InterfaceDown { .. }
            | Self::Stranger { .. }
            | Self::WrongInterface { .. }
            | Self::RangeFull { .. }
            | Self::KernelRefused { .. }
            | Self::KernelFull { .. }
            | Self::NotListening { .. }
            | Self::ReloadRefused { .. }
            | Self::Reverted { .. }
            | Self::Tampered { .. }
            | Self::Repaired { .. }
            | Self::ForeignMissed
            | Self::Unfit { .. }
            | Self::DrainYields { .. }
            | Self::StaysStandby { .. }
            | Self::RoleNotTaken
            | Self::AddressRefused { .. }
            | Self::HookFailed { .. }
            | Self::Role { active: false, .. }
            | Self::Unread { .. } => Weight::Warning,
            Self::DrainBegins { against, .. } if !against.is_empty() => Weight::Warning,
            Self::DrainStep { moved: Some(false), step: Step::Withdrawing, .. } => Weight::Warning,
            Self::Converged { missing } if !missing.is_empty() => Weight::Warning,
            Self::Twin { news, .. } if news.is_warning() => Weight::Warning,
            Self::Tunnel { change, .. } => match change.word {
                Word::Down | Word::Objected => Weight::Warning,
                Word::Up | Word::Agreed | Word::Damped => Weight::Info,
            },
            Self::Twin { .. }
            | Self::Role { .. }
            | Self::SessionUp { .. }
            | Self::KernelRoom { .. }
            | Self::Leftovers { .. }
            | Self::LeftoversGone
            | Self::EndOfRib { .. }
            | Self::Refreshed { .. }
            | Self::InterfaceUp { .. }
            | Self::Adopted { .. }
            | Self::Compared { .. }
            | Self::Converged { .. }
            | Self::BfdUp { .. }
            | Self::ProbeAnswered { .. }
            | Self::BfdSilent { .. }
            | Self::Fit { .. }
            | Self::DrainBegins { .. }
            | Self::DrainStep { .. }
            | Self::Reloaded { .. }
            | Self::Confirmed
            | Self::InstanceReset { .. }
            | Self::Stopping => Weight::Info,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SessionUp { neighbor, asn, hold_time, families } => {
                let families: Vec<_> = families.iter().map(Family::to_string).collect();
                write!(f, "{neighbor} (AS {asn}) is Established: {}, hold time {hold_time}", families.join(" and "))
            }
            Self::SessionDown { neighbor, reason, message } => {
                write!(f, "{neighbor} is down: {reason}")?;
                message.iter().try_for_each(|message| write!(f, "; the message was {message:x}"))
            }
            Self::SessionFailed { neighbor, reason } => write!(f, "no session with {neighbor}: {reason}"),
            Self::EndOfRib { neighbor, family, received } => {
                write!(f, "{neighbor} has sent all of {family}: {received} prefixes")
            }
            Self::Softened { neighbor, fault, update, silent } => {
                write!(f, "{neighbor} sent a faulty UPDATE: {}", fault.reason)?;
                if let Some(code) = fault.attribute {
                    write!(f, " (attribute {code})")?;
                }
                f.write_str(match fault.action {
                    crate::wire::FaultAction::AttributeDiscard => "; the attribute is left out",
                    crate::wire::FaultAction::TreatAsWithdraw => "; its routes are taken as withdrawn",
                })?;
                if let Some((prefixes, message)) = update {
                    let shown: Vec<_> = prefixes.iter().take(PREFIXES_SHOWN).map(Prefix::to_string).collect();
                    write!(
                        f,
                        "; it was about {}",
                        if shown.is_empty() { "no prefix".into() } else { shown.join(" ") }
                    )?;
                    if prefixes.len() > PREFIXES_SHOWN {
                        write!(f, " and {} more", prefixes.len() - PREFIXES_SHOWN)?;
                    }
                    write!(f, "; the message was {message:x}")?;
                }
                more(*silent, f)
            }
            Self::Unfit { instance, reasons } => {
                write!(f, "{instance} cannot do its work: {}; it withdraws what it cannot do", reasons.join("; "))
            }
            Self::Fit { instance } => write!(f, "{instance} does its work again: it offers its routes"),
            Self::DrainBegins { instance, target, reason, against } => {
                write!(f, "{} is to be drained", named(instance, target))?;
                reason.iter().try_for_each(|reason| write!(f, " ({reason})"))?;
                if against.is_empty() { Ok(()) } else { write!(f, ", although {}", against.join("; ")) }
            }
            Self::DrainStep { instance, target, step, moved, took, lost } => {
                let what = named(instance, target);
                let seconds = || took.map_or_else(String::new, |took| format!(" after {:.1} s", took.as_secs_f64()));
                let lost = || match lost {
                    Some(0) => ": no packet was lost here".to_owned(),
                    Some(lost) => format!(": {lost} packets were lost here"),
                    None => String::new(),
                };
                match (step, moved) {
                    (Step::Moving, _) => write!(f, "{what}: its neighbors are told that every route is about to go"),
                    (Step::Withdrawing, Some(false)) => {
                        write!(f, "{what}: not all traffic has moved within the limit; all routes are withdrawn")
                    }
                    (Step::Withdrawing, _) => write!(f, "{what}: traffic has moved; all routes are withdrawn"),
                    (Step::Closing, _) => write!(f, "{what}: sessions are ended"),
                    (Step::Drained, _) => write!(f, "{what} is drained{}{}", seconds(), lost()),
                    (Step::Returning, _) => {
                        write!(f, "{what}: sessions come back, and routes go into the kernel first")
                    }
                    (Step::Returned, _) => write!(f, "{what} is back in service{}{}", seconds(), lost()),
                }
            }
            Self::DrainYields { instance, twin } => {
                write!(f, "{instance} is not drained: {twin} is, and never both are")
            }
            Self::RoutesKept { neighbor, routes, limit } => {
                write!(
                    f,
                    "{neighbor} may be restarting: its {routes} routes are kept, for {}s at most",
                    limit.as_secs()
                )
            }
            Self::RoutesDropped { neighbor, routes, why } => {
                write!(f, "{routes} routes that were kept of {neighbor} are used no longer: {why}")
            }
            Self::PrefixesNear { neighbor, family, received, limit } => {
                write!(f, "{neighbor} teaches {received} {family} prefixes, and may teach {limit}")
            }
            Self::PrefixesOver { neighbor, family, received, limit, action, restart } => {
                write!(f, "{neighbor} teaches {received} {family} prefixes, more than the {limit} that it may: ")?;
                match (action, restart) {
                    (LimitAction::Warn, _) => f.write_str("all are taken"),
                    (LimitAction::Trim, _) => f.write_str("those above are refused"),
                    (LimitAction::Drop, Some(wait)) => {
                        write!(f, "dropped, and may come back after {} s", wait.as_secs())
                    }
                    (LimitAction::Drop, None) => {
                        write!(f, "dropped; it comes back by `twinspan reset neighbor {neighbor}`")
                    }
                }
            }
            Self::Refreshed { neighbor, family, gone: 0 } => write!(f, "{neighbor} has sent all of {family} again"),
            Self::Refreshed { neighbor, family, gone } => {
                write!(f, "{neighbor} has sent all of {family} again, without {gone} of its routes: they go")
            }
            Self::RefreshLate { neighbor, family, limit } => {
                write!(f, "{neighbor} began to send all of {family} again and did not end within {}s", limit.as_secs())
            }
            Self::RefreshIgnored { neighbor, why, silent } => {
                write!(f, "{neighbor} sent a ROUTE-REFRESH that is ignored: {why}")?;
                more(*silent, f)
            }
            Self::Tunnel { tunnel, interface, change, down_for } => {
                let (reason, source) = (&change.reason, change.source.map_or("damping", Source::as_str));
                match (change.word, down_for) {
                    (Word::Up, Some(time)) => {
                        write!(f, "tunnel {tunnel} is up again after {}: {reason} ({source})", seconds(*time))
                    }
                    (Word::Up, None) => write!(f, "tunnel {tunnel} is up: interface {interface} is up"),
                    (Word::Down, _) => write!(f, "tunnel {tunnel} is down: {reason} ({source})"),
                    (Word::Objected, _) => {
                        write!(f, "tunnel {tunnel} is down for one more reason: {reason} ({source})")
                    }
                    (Word::Agreed, _) => write!(f, "tunnel {tunnel} is still down, but {reason} ({source})"),
                    (Word::Damped, _) => write!(f, "tunnel {tunnel} has flapped: {reason} ({source})"),
                }
            }
            Self::InterfaceUp { neighbor, interface } => write!(f, "{neighbor}: interface {interface} is up"),
            Self::InterfaceDown { neighbor, interface, what } => {
                write!(f, "{neighbor}: interface {interface} {what}; its session waits for it")
            }
            Self::Stranger { remote, local, silent } => {
                write!(f, "{remote} dialled {local} and is no neighbor of ours: closed")?;
                more(*silent, f)
            }
            Self::WrongInterface { neighbor, remote, came_by, silent } => {
                let came_by = came_by.as_deref().unwrap_or("another interface");
                write!(
                    f,
                    "{remote} has the address of {neighbor} and came by {came_by}, not by its interface: closed"
                )?;
                more(*silent, f)
            }
            Self::RangeFull { range, remote, limit, silent } => {
                write!(f, "{remote} is one too many in the range {range}, which may have {limit}: rejected")?;
                more(*silent, f)
            }
            Self::KernelRefused { refused, first, error, silent } => {
                write!(f, "the kernel refused {first}: {error}")?;
                if *refused > 1 {
                    write!(f, " (and {} more)", refused - 1)?;
                }
                more(*silent, f)
            }
            Self::KernelFull { error, waiting, objects, present } => {
                write!(f, "the kernel has no room: {error}; it has {present} of our routes, {waiting} wait")?;
                if *objects > 0 {
                    write!(f, ", and {objects} groups, next hops or host routes")?;
                }
                f.write_str("; they are tried again from time to time, and all else goes on")
            }
            Self::KernelRoom { refused, lasted } => {
                let lasted = lasted.as_secs();
                write!(f, "the kernel has room again after {lasted} s in which it refused {refused} operations")
            }
            Self::Leftovers { routes, objects, one } => {
                write!(f, "an earlier run has left {routes} routes where none of ours go now")?;
                if let Some((table, protocol, metric)) = one {
                    write!(f, ", such as in table {table} under protocol {protocol} and metric {metric}")?;
                }
                if *objects > 0 {
                    write!(f, ", and {objects} groups and next hops")?;
                }
                f.write_str(": they stay until what is wanted is in the kernel")
            }
            Self::LeftoversGone => f.write_str("what an earlier run had left elsewhere in the kernel is gone"),
            Self::Tampered { what, harm, by, silent } => {
                match harm {
                    Harm::Deleted => write!(f, "{by} deleted {what}: put back")?,
                    Harm::Changed => write!(f, "{by} changed {what}: put right")?,
                    Harm::Added => write!(f, "{by} added {what} under our protocol number: taken out")?,
                    Harm::Replaced => write!(f, "{by} put a {what} of its own in the place of ours: left alone")?,
                }
                more(*silent, f)
            }
            Self::Repaired { found } => {
                write!(f, "{found} routes, next hops or groups in the kernel were not as we had left them: put right")
            }
            Self::ForeignMissed => {
                f.write_str("others changed routes or next hops faster than could be read: all of ours are compared")
            }
            Self::Compared { routes } => {
                write!(f, "news was lost: the {routes} routes in the kernel were compared with the wanted")
            }
            Self::Unread { reason } => write!(f, "cannot read the kernel's routes, trying again: {reason}"),
            Self::Adopted { routes, groups } => {
                write!(
                    f,
                    "found {routes} routes and {groups} groups of an earlier run: kept until the neighbors are back"
                )
            }
            Self::Converged { missing } if missing.is_empty() => {
                f.write_str("all neighbors have sent their routes: the kernel follows the RIB now")
            }
            Self::Converged { missing } => {
                let names: Vec<_> = missing.iter().map(Name::as_str).collect();
                write!(f, "the limit has passed without {}: the kernel follows the RIB now", names.join(", "))
            }
            Self::NotListening { family, reason } => {
                write!(f, "cannot accept connections over {family}: {reason}; neighbors there are still dialled")
            }
            Self::BfdUp { neighbor, detection } => {
                write!(f, "BFD with {neighbor} is up: a silence of {} ms is a failure", detection.as_millis())
            }
            Self::BfdDown { neighbor, diag, silent, .. } if !silent.is_zero() => {
                write!(f, "BFD with {neighbor} is down: {diag} ({} ms): no route leads over it", silent.as_millis())
            }
            Self::BfdDown { neighbor, diag, remote, .. } => {
                write!(f, "BFD with {neighbor} is down: {diag} (it says: {remote}): no route leads over it")
            }
            Self::ProbeAnswered { tunnel } => write!(f, "the far end of tunnel {tunnel} answers"),
            Self::ProbeSilent { tunnel, remote, count, silent } => write!(
                f,
                "the far end of tunnel {tunnel}, {remote}, does not answer: {count} requests in a row, silent for {:.1} s \
                 at most",
                silent.as_secs_f64()
            ),
            Self::BfdSilent { neighbor, what } => write!(f, "BFD with {neighbor} says nothing any more: {what}"),
            Self::BfdAgentLost { reason } => {
                write!(f, "the BFD agent is lost: {reason}; it is started again, and until then nothing is concluded")
            }
            Self::Role { active: true, why, term } => write!(f, "this instance is active (term {term}): {why}"),
            Self::Role { active: false, why, .. } => write!(f, "this instance is no longer active: {why}"),
            Self::StaysStandby { who } => write!(
                f,
                "the twin is silent, but {who} answers for the shared address: this instance stays standby as long as \
                 that is so"
            ),
            Self::RoleNotTaken => f.write_str("the twin did not take over; this instance stays active"),
            Self::AddressRefused { reason } => write!(f, "the shared address: {reason}"),
            Self::HookFailed { hook, about, ran } => {
                write!(f, "the hook {hook}{}{about}: {ran}", if about.is_empty() { "" } else { " of " })
            }
            Self::Twin { twin, news, silent } => {
                write!(f, "the twin, {twin}, {news}")?;
                more(*silent, f)
            }
            Self::Reloaded { plan, confirm_within } => {
                write!(f, "reloaded: {}", summary(plan))?;
                match confirm_within {
                    Some(seconds) => write!(f, "; goes back in {seconds} s unless it is confirmed"),
                    None => Ok(()),
                }
            }
            Self::ReloadRefused { reason, faults } => {
                write!(f, "not reloaded: {reason}")?;
                faults.iter().try_for_each(|fault| write!(f, "; {fault}"))
            }
            Self::Reverted { plan } => write!(f, "the reload was not confirmed and has gone back: {}", summary(plan)),
            Self::Confirmed => f.write_str("the last reload was confirmed"),
            Self::InstanceReset { sessions, by } => {
                let whom = by.as_ref().map_or("a person".to_owned(), |twin| format!("the twin, {twin},"));
                write!(f, "{whom} has this instance reset: {sessions} sessions end and are opened anew")
            }
            Self::Stopping => f.write_str("stopping: every neighbor is told"),
        }
    }
}

/// How many went untold.
fn more(silent: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if silent > 0 { write!(f, " ({silent} more like it since the last line)") } else { Ok(()) }
}

/// A time for a sentence.
fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} s", time.as_secs())
    }
}

/// What is drained, for a sentence.
fn named(instance: &Name, target: &Target) -> String {
    match target {
        Target::Instance => instance.to_string(),
        Target::Tunnel(_) | Target::Device(_) => target.to_string(),
    }
}

/// What a plan does, in one line.
fn summary(plan: &Plan) -> String {
    if plan.is_empty() {
        return "nothing differs for anybody".to_owned();
    }
    let count = |fate: Fate| plan.sessions.iter().filter(|session| session.fate == fate).count();
    let words = [("kept", Fate::Kept), ("soft", Fate::Soft), ("reset", Fate::Reset), ("added", Fate::Added)];
    let counts = words.into_iter().chain([("removed", Fate::Removed)]).map(|(word, fate)| (count(fate), word));
    let counts: Vec<_> =
        counts.filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let prefixes = match (plan.announced.len(), plan.withdrawn.len()) {
        (0, 0) => String::new(),
        (new, gone) => format!("; {new} prefixes new, {gone} gone"),
    };
    format!("sessions: {}{prefixes}", counts.join(", "))
}
