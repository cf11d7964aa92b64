//! What makes two groups the same, and how the kernel is told of one.
//!
//! Beside those that carry traffic, a group has a keeper where it can: a member whose share is so small that it gets no
//! bucket. When the kernel drops the last hop that carried, the group and its routes stay, and lead over the keeper.

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
    /// A second object of the same hop, to be the keeper where there is no other.
    pub copy: bool,
}

impl HopKey {
    /// The same hop as the other object of it.
    pub(super) fn other(self) -> Self {
        Self { copy: !self.copy, ..self }
    }
}

/// A hop of a group with its share.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Member {
    /// The hop.
    pub hop: HopKey,
    /// Its share.
    pub weight: Weight,
}

/// Routes with equal keys share a group, so that a lost tunnel, and falling back when it was the last one, is one
/// message whatever the number of routes.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct GroupKey {
    /// The hops that carry traffic while one of them can: sorted, each hop once, never empty.
    pub primaries: SmallVec<[Member; 4]>,
    /// The hops that carry it while none of them can: sorted, each once, none of the primaries.
    pub backups: SmallVec<[Member; 1]>,
}

impl GroupKey {
    /// The key of hop sets for routes of a family; at most `max` hops each. Without primaries the backups are the
    /// primaries; `None` if there are none at all.
    #[must_use]
    pub fn new(family: Family, primaries: &[Hop], backups: &[Hop], max: usize) -> Option<Self> {
        let member = |hop: &Hop| Member {
            hop: HopKey {
                link: hop.link,
                gateway: hop.gateway,
                family: hop.gateway.map_or(family, Family::of),
                copy: false,
            },
            weight: hop.weight,
        };
        Self::of_members(primaries.iter().map(member), backups.iter().map(member), max)
    }

    /// The key of members in any order.
    #[must_use]
    pub fn of_members(
        primaries: impl Iterator<Item = Member>,
        backups: impl Iterator<Item = Member>,
        max: usize,
    ) -> Option<Self> {
        let (primaries, mut backups) = (sorted(primaries.collect(), max), sorted::<1>(backups.collect(), max));
        if primaries.is_empty() {
            let primaries: SmallVec<[Member; 4]> = backups.into_iter().collect();
            return (!primaries.is_empty()).then_some(Self { primaries, backups: SmallVec::new() });
        }
        backups.retain(|backup| primaries.iter().all(|primary| primary.hop != backup.hop));
        Some(Self { primaries, backups })
    }
}

fn sorted<const N: usize>(mut members: SmallVec<[Member; N]>, max: usize) -> SmallVec<[Member; N]>
where
    [Member; N]: smallvec::Array<Item = Member>,
{
    members.sort_unstable();
    members.dedup_by_key(|member| member.hop);
    members.truncate(max.max(1));
    members
}

/// The members as the kernel is told of them: those that carry in the smallest numbers of their ratio, or, with a
/// keeper, in numbers beside which its share of one is less than half a bucket, which is none.
///
/// Every one of them is made so large that this holds also when it is the only one left, as far as `most` allows: the
/// largest number that this kernel takes.
pub(super) fn shares(carrying: &[(u32, Weight)], keeper: Option<u32>, buckets: u16, most: u16) -> Vec<(u32, Weight)> {
    let common = carrying.iter().fold(0, |common, (_, weight)| divisor(common, weight.get())).max(1);
    let least = carrying.iter().map(|(_, weight)| weight.get() / common).min().unwrap_or(1).max(1);
    let heaviest = carrying.iter().map(|(_, weight)| weight.get() / common).max().unwrap_or(1).max(1);
    let factor = match keeper {
        None => 1,
        Some(_) => {
            let none = (2 * u32::from(buckets)) / u32::from(least) + 1;
            // Tools that know the lower eight bits only show such a share as 256.
            none.next_multiple_of(u32::from(CONFIGURED) + 1).min(u32::from((most / heaviest).max(1)))
        }
    };
    let scaled = |weight: Weight| {
        let weight = u32::from(weight.get() / common) * factor;
        u16::try_from(weight).ok().and_then(Weight::new).unwrap_or(weight_max())
    };
    let carrying = carrying.iter().map(|(id, weight)| (*id, scaled(*weight)));
    carrying.chain(keeper.map(|keeper| (keeper, Weight::ONE))).collect()
}

fn weight_max() -> Weight {
    Weight::new(u16::MAX).unwrap_or(Weight::ONE)
}

/// What [`shares`] made the members of: those that carry, and the keeper. A guess where the kernel takes no numbers
/// that tell a keeper for certain.
pub(super) fn carrying(members: &[(u32, Weight)]) -> (Vec<(u32, Weight)>, Option<u32>) {
    let (keeper, rest) = match members.split_last() {
        Some((&(last, Weight::ONE), rest)) if rest.iter().any(|(_, weight)| weight.get() > CONFIGURED) => {
            (Some(last), rest)
        }
        _ => (None, members),
    };
    (shares(rest, None, 0, u16::MAX), keeper)
}

/// True if the keeper of `wanted` is one that carries in `held`.
pub(super) fn demotes(held: &[(u32, Weight)], wanted: &[(u32, Weight)]) -> bool {
    let ((before, _), (_, keeper)) = (carrying(held), carrying(wanted));
    keeper.is_some_and(|keeper| before.iter().any(|(id, _)| *id == keeper))
}

/// No configured share is larger.
const CONFIGURED: u16 = 255;

fn divisor(a: u16, b: u16) -> u16 {
    if b == 0 { a } else { divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Buckets of each member, as the kernel counts them (nh_res_group_rebalance).
    fn buckets(members: &[(u32, Weight)], all: u16) -> Vec<u64> {
        let total: u64 = members.iter().map(|(_, weight)| u64::from(weight.get())).sum();
        let (mut sum, mut before) = (0, 0);
        let mut of = |weight: Weight| {
            sum += u64::from(weight.get());
            let upper = (u64::from(all) * sum + total / 2) / total;
            upper - std::mem::replace(&mut before, upper)
        };
        members.iter().map(|(_, weight)| of(*weight)).collect()
    }

    proptest! {
        #[test]
        fn a_keeper_gets_no_bucket_whoever_of_the_others_is_left(
            weights in proptest::collection::vec(1_u16..32, 1..9), all in 1_u16..=512,
            gone in proptest::collection::vec(any::<bool>(), 9),
        ) {
            let members: Vec<_> = (1..).zip(weights).map(|(id, weight)| (id, Weight::new(weight).unwrap())).collect();
            let mut told = shares(&members, Some(99), all, u16::MAX);
            let (found, keeper) = carrying(&told);
            prop_assert_eq!((found, keeper), (shares(&members, None, all, u16::MAX), Some(99)));
            let mut at = gone.into_iter();
            told.retain(|(id, _)| *id == 99 || !at.next().unwrap_or(false));
            let held = buckets(&told, all);
            prop_assert_eq!(held.iter().sum::<u64>(), u64::from(all));
            prop_assert!(told.len() == 1 || held.last() == Some(&0), "{:?} {:?}", told, held);
        }
    }

    #[test]
    fn without_a_keeper_shares_are_the_smallest_numbers_of_their_ratio() {
        let of = |weights: [u16; 2]| {
            let members: Vec<_> = (1..).zip(weights).map(|(id, weight)| (id, Weight::new(weight).unwrap())).collect();
            shares(&members, None, 256, 256).into_iter().map(|(_, weight)| weight.get()).collect::<Vec<_>>()
        };
        assert_eq!(of([4, 6]), [2, 3]);
        assert_eq!(of([255, 1]), [255, 1]);
    }

    #[test]
    fn a_kernel_that_takes_small_numbers_only_gives_a_keeper_one_bucket_of_256_at_most() {
        let one = |buckets_of| buckets(&shares(&[(1, Weight::ONE)], Some(2), buckets_of, 256), buckets_of);
        assert_eq!(one(256), [255, 1]);
        assert_eq!(one(128), [128, 0]);
        let two = shares(&[(1, Weight::ONE), (2, Weight::ONE)], Some(3), 256, 256);
        assert_eq!(buckets(&two, 256), [128, 128, 0]);
    }
}
