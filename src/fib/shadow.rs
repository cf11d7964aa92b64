//! Second next hops: what makes the kernel note which flows are busy in a group of one hop.
//!
//! Linux marks a bucket as used only where it has a choice: an IPv4 route over a group with one member never marks one
//! (`fib_select_path` looks at the number of members first). When a second hop joins, every bucket then looks idle and
//! half of the flows move. So a group that is left with one hop gets a second next hop with the same interface and
//! gateway, its *shadow*: the buckets are shared between the two, packets go where they went, and are noted. The shadow
//! stays as long as its hop is in the group, since the buckets that it holds would otherwise be dealt out anew.

use super::Fib;
use super::GroupKey;
use super::HopKey;
use super::Op;
use super::objects::Members;
use super::objects::Objects;
use super::objects::Phase;

use crate::types::Time;
use crate::types::Weight;

/// Members with the share of one of them divided between it and its shadow, which comes last.
pub(super) fn divided(members: &[(u32, Weight)], of: u32, shadow: u32) -> Members {
    let share = members.iter().find(|(id, _)| *id == of).map_or(1, |(_, weight)| weight.get());
    // A share of one cannot be divided: then everybody's doubles, as far as the kernel can count.
    let (own, second, double) = if share > 1 { (share - share / 2, share / 2, 1) } else { (1, 1, 2) };
    let weight = |share: u16| Weight::new(share.min(256)).unwrap_or(Weight::ONE);
    let shared = members.iter().map(|(id, share)| match *id == of {
        true => (*id, weight(own)),
        false => (*id, weight(share.get().saturating_mul(double))),
    });
    shared.chain([(shadow, weight(second))]).collect()
}

/// The key of members as found in a kernel: what hop and shadow have between them is the hop's, in the smallest numbers.
pub(super) fn joined(members: &[(HopKey, Weight)], max: usize) -> Option<GroupKey> {
    let mut shares: Vec<(HopKey, u16)> = Vec::new();
    for (key, weight) in members {
        match shares.iter_mut().find(|(known, _)| known == key) {
            Some((_, share)) => *share += weight.get(),
            None => shares.push((*key, weight.get())),
        }
    }
    let all = shares.iter().map(|(_, share)| *share).fold(0, common).max(1);
    let all = if shares.len() < members.len() { all } else { 1 };
    let member = |(hop, share): &(HopKey, u16)| super::Member {
        hop: *hop,
        weight: Weight::new((share / all).min(256)).unwrap_or(Weight::ONE),
    };
    GroupKey::of_members(shares.iter().map(member), max)
}

fn common(a: u16, b: u16) -> u16 {
    if b == 0 { a } else { common(b, a % b) }
}

impl Objects {
    /// The shadow of a hop, made if it is new.
    fn shadow(&mut self, hop: u32) -> Option<u32> {
        let key = self.hops.get(&hop)?.key;
        if let Some(id) = self.shadow_by_key.get(&key) {
            return Some(*id);
        }
        let id = self.fresh();
        self.add_hop(id, key, Phase::Absent);
        self.shadow_by_key.insert(key, id);
        Some(id)
    }

    pub(super) fn is_shadow(&self, id: u32) -> bool {
        self.hops.get(&id).is_some_and(|hop| self.shadow_by_key.get(&hop.key) == Some(&id))
    }

    /// Shadows that the group has no more are not kept for it.
    pub(super) fn release_shadows(&mut self, group: u32) {
        let Some(state) = self.groups.get_mut(&group) else { return };
        let Some(held) = state.have.as_ref().filter(|held| held.sure) else { return };
        let has = |shadow: u32| held.members.iter().any(|(id, _)| *id == shadow);
        let gone: Vec<u32> = state.shadows.extract_if(.., |shadow| !has(*shadow)).collect();
        for shadow in gone {
            self.leave_hop(shadow, group);
        }
    }
}

impl Fib {
    /// What the kernel is to be told of a group that shall have these members: with a shadow beside a hop that is alone,
    /// and beside one that was when it still has its shadow.
    pub(super) fn with_shadow(&mut self, now: Time, id: u32, members: Members, ops: &mut Vec<Op>) -> Members {
        let Some(group) = self.objects.groups.get(&id) else { return members };
        let held = group.have.as_ref().map(|held| held.members.as_slice()).unwrap_or_default();
        let of = match members.as_slice() {
            [(only, _)] => Some(*only),
            _ => members.iter().map(|(id, _)| *id).find(|member| {
                let Some(hop) = self.objects.hops.get(member) else { return false };
                let shadow = self.objects.shadow_by_key.get(&hop.key);
                shadow.is_some_and(|shadow| held.iter().any(|(id, _)| id == shadow))
            }),
        };
        let Some((of, shadow)) = of.and_then(|of| Some((of, self.objects.shadow(of)?))) else { return members };
        self.objects.join_hop(shadow, id);
        if let Some(group) = self.objects.groups.get_mut(&id)
            && !group.shadows.contains(&shadow)
        {
            group.shadows.push(shadow);
        }
        if self.usable(now, shadow, ops) { divided(&members, of, shadow) } else { members }
    }

    /// What the kernel holds of a group, in the words of what is wanted: without shadows, as if there were none.
    pub(super) fn without_shadow(&self, id: u32) -> Members {
        let Some(group) = self.objects.groups.get(&id) else { return Members::new() };
        let held = group.have.as_ref().map(|held| held.members.as_slice()).unwrap_or_default();
        let Some((shadow, _)) = held.iter().find(|(id, _)| self.objects.is_shadow(*id)) else { return held.to_vec() };
        let key = self.objects.hops.get(shadow).map(|hop| hop.key);
        let wanted = |id: u32| group.members.iter().find(|(member, _)| *member == id).map(|(_, weight)| *weight);
        let mut members: Members = held
            .iter()
            .filter(|(id, _)| id != shadow)
            .map(|(id, weight)| (*id, wanted(*id).unwrap_or(*weight)))
            .collect();
        let of = members.iter().map(|(id, _)| *id).find(|id| self.objects.hops.get(id).map(|hop| hop.key) == key);
        if of.is_none_or(|of| divided(&members, of, *shadow) != *held) {
            members = held.iter().filter(|(id, _)| id != shadow).copied().collect();
        }
        members
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(weight: u16) -> Weight {
        Weight::new(weight).unwrap()
    }

    fn shares(members: &[(u32, u16)]) -> Members {
        members.iter().map(|(id, share)| (*id, weight(*share))).collect()
    }

    #[test]
    fn a_hop_and_its_shadow_have_between_them_what_the_hop_would_have() {
        assert_eq!(divided(&shares(&[(1, 1)]), 1, 9), shares(&[(1, 1), (9, 1)]));
        assert_eq!(divided(&shares(&[(1, 1), (2, 1)]), 1, 9), shares(&[(1, 1), (2, 2), (9, 1)]));
        assert_eq!(divided(&shares(&[(1, 5), (2, 3)]), 1, 9), shares(&[(1, 3), (2, 3), (9, 2)]));
        assert_eq!(divided(&shares(&[(1, 1), (2, 200)]), 1, 9), shares(&[(1, 1), (2, 256), (9, 1)]));
    }
}
