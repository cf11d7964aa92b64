//! What makes two groups the same: their members, in one order.

use std::net::IpAddr;

use smallvec::SmallVec;

use crate::types::Family;
use crate::types::Hop;
use crate::types::LinkIndex;
use crate::types::Weight;

/// What makes two next hop objects the same.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct HopKey {
    /// The interface.
    pub link: LinkIndex,
    /// The far end, if the interface needs one.
    pub gateway: Option<IpAddr>,
    /// The family of the object: the gateway's, else that of the routes.
    pub family: Family,
}

/// A hop of a group with its share.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Member {
    /// The hop.
    pub hop: HopKey,
    /// Its share.
    pub weight: Weight,
}

/// Routes with equal keys share a group, so that a lost tunnel is one message whatever the number of routes.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct GroupKey {
    /// The hops that carry traffic while all is well: sorted, each hop once, never empty.
    pub primaries: SmallVec<[Member; 4]>,
}

impl GroupKey {
    /// The key of a hop set for routes of a family; at most `max` hops. `None` if there are none.
    #[must_use]
    pub fn new(family: Family, hops: &[Hop], max: usize) -> Option<Self> {
        let members = hops.iter().map(|hop| Member {
            hop: HopKey { link: hop.link, gateway: hop.gateway, family: hop.gateway.map_or(family, Family::of) },
            weight: hop.weight,
        });
        Self::of_members(members, max)
    }

    /// The key of members in any order.
    #[must_use]
    pub fn of_members(members: impl Iterator<Item = Member>, max: usize) -> Option<Self> {
        let mut primaries: SmallVec<[Member; 4]> = members.collect();
        primaries.sort_unstable();
        primaries.dedup_by_key(|member| member.hop);
        primaries.truncate(max.max(1));
        (!primaries.is_empty()).then_some(Self { primaries })
    }
}
