//! The objects of the kernel, as values: next hops, groups, routes, and the operations on them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
    time::Duration,
};

use crate::types::Family;
use crate::types::LinkIndex;
use crate::types::Prefix;
use crate::types::Weight;

/// How many ids we count: next hops and groups share [`Settings::first_id`] and the 2^24 - 1 numbers behind it.
pub const IDS: u32 = 1 << 24;

/// The first of our ids, high up: those of others are usually counted from 1.
pub const FIRST_ID: u32 = 0x7400_0000;

/// Where our routes go in the kernel, and what marks them as ours.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// The routing table; 254 is main.
    pub table: u32,
    /// The protocol number of every route, group and next hop of ours. Ours alone: it decides what we may delete.
    pub protocol: u8,
    /// The metric of our routes.
    pub metric: u32,
    /// The first id of our range of next hops and groups.
    pub first_id: u32,
    /// Buckets of a resilient group. The kernel refuses to change them while a group lives.
    pub buckets: u16,
    /// How long a bucket must be idle before it may move to another hop. The kernel counts in 1/100 s.
    pub idle_timer: Duration,
    /// The most hops in one group; what is over is left out, last in the order of interface and gateway.
    pub max_paths: usize,
    /// The largest share that the kernel takes: 65,535 since Linux 6.12, 256 before.
    pub max_weight: u16,
}

impl Default for Settings {
    /// The defaults of the configuration file.
    fn default() -> Self {
        Self {
            table: 254,
            protocol: 179,
            metric: 20,
            first_id: FIRST_ID,
            buckets: 256,
            idle_timer: Duration::from_secs(120),
            max_paths: 64,
            max_weight: u16::MAX,
        }
    }
}

impl Settings {
    /// True for an id out of our range.
    #[must_use]
    pub fn owns(&self, id: u32) -> bool {
        id > self.first_id && id - self.first_id < IDS
    }
}

/// A next hop object: an interface, and the gateway on it if it needs one.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct NextHop {
    /// The kernel's id of it.
    pub id: u32,
    /// The family of the object. One with an IPv6 gateway serves IPv4 routes too, never the other way round.
    pub family: Family,
    /// The interface.
    pub link: LinkIndex,
    /// The far end; reached on the interface without asking the routing table.
    pub gateway: Option<IpAddr>,
}

/// A resilient group of next hops.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Group {
    /// The kernel's id of it.
    pub id: u32,
    /// Ids of next hops with their shares.
    pub members: Vec<(u32, Weight)>,
    /// Buckets; 0 in a dump says that the group is not resilient.
    pub buckets: u16,
    /// See [`Settings::idle_timer`].
    pub idle_timer: Duration,
}

impl Group {
    /// The members that carry, with the smallest numbers of the ratio of their shares: without a keeper, whose share
    /// is no bucket.
    #[must_use]
    pub fn carrying(&self) -> Vec<(u32, Weight)> {
        super::group::carrying(&self.members).0
    }
}

/// Where a route leads.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Target {
    /// Over a group, by its id.
    Group(u32),
    /// Straight out of an interface: a host route to the far end of a tunnel.
    Link(LinkIndex),
    /// Somewhere else, though it carries our protocol number. Found in dumps, never wanted.
    Other,
}

/// Everything of ours in a kernel, or everything that should be there.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Table {
    /// Next hops by id.
    pub next_hops: BTreeMap<u32, NextHop>,
    /// Groups by id.
    pub groups: BTreeMap<u32, Group>,
    /// Routes by prefix.
    pub routes: BTreeMap<Prefix, Target>,
    /// Ids of our range that somebody else uses: we count around them.
    pub taken: BTreeSet<u32>,
}

/// One change to the kernel. Each is safe to repeat.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Op {
    /// Create the next hop, or put it right.
    AddNextHop(NextHop),
    /// Create the group, or replace its members.
    SetGroup(Group),
    /// Create a route that we do not hold. Refused if somebody else's is in the way.
    AddRoute(Prefix, Target),
    /// Lead a route that we hold somewhere else, in one step.
    ReplaceRoute(Prefix, Target),
    /// Delete our route; somebody else's of the same prefix and metric stays.
    DeleteRoute(Prefix),
    /// Delete a route of an earlier run under other settings; somebody else's in its place stays.
    DeleteOld(super::OldRoute),
    /// Delete a group that no route uses.
    DeleteGroup(u32),
    /// Delete a next hop that no group uses.
    DeleteNextHop(u32),
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddNextHop(hop) => write!(f, "next hop {}", hop.id),
            Self::SetGroup(group) => write!(f, "group {}", group.id),
            Self::AddRoute(prefix, _) | Self::ReplaceRoute(prefix, _) => write!(f, "route {prefix}"),
            Self::DeleteRoute(prefix) => write!(f, "the deletion of route {prefix}"),
            Self::DeleteOld(route) => write!(f, "the deletion of the old route {}", route.prefix),
            Self::DeleteGroup(id) => write!(f, "the deletion of group {id}"),
            Self::DeleteNextHop(id) => write!(f, "the deletion of next hop {id}"),
        }
    }
}
