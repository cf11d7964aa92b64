//! `GET /v1/fib` and `GET /v1/fib/routes`: what is wanted in the kernel and what is there.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Moment;
use super::Sysctl;
use crate::types::{Family, Name, Prefix};

/// The kernel's side, without the routes themselves.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Fib {
    /// The kernel's routing table, 1 to 4,294,967,295; 254 is `main`.
    pub table: u32,
    /// The protocol number that marks our routes, 1 to 255.
    pub protocol: u8,
    /// The metric of our routes.
    pub metric: u32,
    /// How much there is.
    pub totals: FibTotals,
    /// True if nothing is left to do.
    pub settled: bool,
    /// The last operation that the kernel refused since the daemon started.
    pub last_fault: Option<KernelFault>,
    /// The nexthop groups, by id.
    pub groups: Vec<FibGroup>,
    /// What happened since the daemon started.
    #[serde(default)]
    pub counters: FibCounters,
    /// What the last reading of the kernel came to; `null` before the first.
    #[serde(default)]
    pub last_check: Option<FibCheck>,
    /// The kernel's lack of room or memory; `null` while it has enough.
    #[serde(default)]
    pub no_room: Option<FibNoRoom>,
    /// The kernel settings that the routes rely on.
    #[serde(default)]
    pub sysctls: Vec<Sysctl>,
}

/// A kernel that has no room or no memory for all that is wanted.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct FibNoRoom {
    /// When it first refused something for that.
    pub since: Moment,
    /// The error number that it gave last, such as 12 for ENOMEM.
    pub errno: i32,
    /// Its own words, or else the error number's.
    pub text: String,
    /// Operations that it has refused for that since.
    pub refused: u64,
    /// Routes that wait for room.
    pub routes: u64,
    /// Groups, next hops and host routes that it had none for.
    pub objects: u64,
    /// When some of the routes are tried again; `null` while they are.
    pub retry: Option<Moment>,
}

/// What happened since the daemon started.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct FibCounters {
    /// Operations that the kernel was asked for.
    pub operations: u64,
    /// Of them, those that it refused.
    pub failures: u64,
    /// What others had changed and was put back.
    pub repairs: u64,
    /// How often changes by others came too fast to be read.
    pub changes_lost: u64,
    /// How often the kernel was read and compared with what is wanted.
    pub checks: u64,
}

/// How many routes are where.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct FibTotals {
    /// Routes that should be there.
    pub wanted: u64,
    /// Of them, those that the kernel has.
    pub present: u64,
    /// Of them, those on their way.
    pub in_flight: u64,
    /// Of them, those that the kernel refused; they are tried again.
    pub failed: u64,
}

/// One nexthop group.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct FibGroup {
    /// Its id in the kernel: `ip nexthop show id ID`.
    pub id: u32,
    /// The family of the prefixes that use it.
    pub family: Family,
    /// Routes that use it.
    pub routes: u64,
    /// Buckets, 1 to 65,535: what flows are spread over.
    pub buckets: u16,
    /// How long a bucket must be idle before its flows may be moved.
    pub idle_timer_seconds: u64,
    /// Whether the kernel has it as wanted.
    pub state: InstallState,
    /// The ways out of it; empty while every tunnel of it is down.
    pub members: Vec<FibMember>,
    /// The ways out of it while none of those can be used: the twin, or the next best path.
    #[serde(default)]
    pub backups: Vec<FibMember>,
    /// True while its backups carry.
    #[serde(default)]
    pub on_backups: bool,
}

/// One way out of a group.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct FibMember {
    /// The id of the next hop in the kernel.
    pub id: u32,
    /// The interface's name; `null` if it is gone.
    pub interface: Option<String>,
    /// The interface's index.
    pub interface_index: u32,
    /// The neighbor on the interface; `null` where it has only one far end.
    pub gateway: Option<IpAddr>,
    /// Its share, 1 to 255.
    pub weight: u16,
    /// The tunnel that the interface belongs to; `null` for another kind of interface.
    pub tunnel: Option<Name>,
}

/// Where something stands between wish and kernel.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstallState {
    /// The kernel has it.
    Present,
    /// On its way.
    InFlight,
    /// The kernel refused it; it is tried again.
    Failed,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

/// An operation that the kernel refused.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct KernelFault {
    /// When; `null` if that was not noted.
    pub at: Option<Moment>,
    /// The error number, such as 22 for EINVAL.
    pub errno: i32,
    /// The kernel's own words, or else the error number's.
    pub text: String,
    /// What was asked of it, such as `route 10.52.0.0/24`; `null` where the fault stands beside its object.
    pub operation: Option<String>,
}

/// The kernel as it is, read for this question and compared with what is wanted.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct FibCheck {
    /// True if the kernel holds what is wanted, but for what waits for a tunnel, and nothing else of ours.
    pub ok: bool,
    /// When it was read.
    pub at: Moment,
    /// Prefixes that should have a route.
    pub wanted: u64,
    /// Of them, those that the kernel leads as wanted.
    pub present: u64,
    /// Of them, those that lead elsewhere.
    pub different: u64,
    /// Of them, those without a route of ours.
    pub missing: u64,
    /// Of them, those that have no tunnel that is up.
    pub waiting: u64,
    /// Those that changed while the kernel was read: neither right nor wrong.
    pub moving: u64,
    /// Routes of ours that nobody wants.
    pub unwanted: u64,
    /// Next hops and groups that are missing, different or unwanted.
    pub objects: u64,
    /// What was not as it had been left, and is put right now.
    pub repaired: u64,
    /// The first 100 of what is not as it should be.
    pub differences: Vec<FibDifference>,
}

/// Something in the kernel that is not as it should be.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct FibDifference {
    /// The prefix of a route; `null` for a next hop or group.
    pub prefix: Option<Prefix>,
    /// The id of a next hop or group; `null` for a route.
    pub id: Option<u32>,
    /// What is wrong with it.
    pub kind: DifferenceKind,
    /// Why, if the kernel refused it.
    pub fault: Option<KernelFault>,
}

/// How the kernel differs from what is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// It is not there.
    Missing,
    /// It is not as wanted.
    Different,
    /// It is there and not wanted.
    Unwanted,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

/// One page of our routes in the kernel, in the order of the prefixes.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct FibRoutes {
    /// All of them, whatever was asked for.
    pub totals: FibTotals,
    /// The page.
    pub routes: Vec<FibRoute>,
    /// What to give as `after` for the next page; `null` on the last one.
    pub next: Option<Prefix>,
}

/// One of our routes in the kernel.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct FibRoute {
    /// The prefix.
    pub prefix: Prefix,
    /// The group that it goes through; `null` for a route straight to an interface.
    pub group: Option<u32>,
    /// The interface of a route without a group: the host route to a neighbor.
    pub interface: Option<String>,
    /// Where it stands.
    pub state: InstallState,
    /// Why the kernel refused it; `null` unless it did.
    pub fault: Option<KernelFault>,
}
