//! What was lost leads over somebody else, until its groups are set: one message, however many groups there are.

use std::collections::BTreeSet;

use super::Fib;
use super::NextHop;
use super::Op;
use super::group::carrying;
use super::objects::Members;
use super::objects::Phase;

use crate::types::Weight;

impl Fib {
    /// Puts a message before these operations, if they take a next hop out of several groups at once and one of those that
    /// stay is in all of them: until then the next hop leads where that one does. A group takes the kernel 0.1 ms and more,
    /// one after the other; a next hop changes in all of them at once. A message behind them undoes it.
    ///
    /// Its packets all go one way for that moment, and then each group deals out its buckets as it would have without.
    pub(super) fn detour(&mut self, ops: &mut Vec<Op>) {
        let first = self.settings.first_id;
        let mut set = Vec::new();
        for op in ops.iter() {
            if let Op::SetGroup(group) = op {
                let members: Vec<_> = group.members.iter().map(|(hop, weight)| (hop - first, *weight)).collect();
                set.push((group.id - first, members));
            }
        }
        if set.len() < 2 {
            return;
        }
        let held = |group: &u32| self.objects.groups.get(group).and_then(|group| group.have.as_ref());
        let held = set.iter().filter_map(|(group, _)| held(group));
        let carried: BTreeSet<u32> = held.flat_map(|held| carrying(&held.members).0).map(|(hop, _)| hop).collect();
        let lost = carried.into_iter().filter(|hop| self.is_present(*hop) && self.leaves_all(*hop, &set));
        let lost: Vec<u32> = lost.collect();
        let (mut before, mut behind) = (Vec::new(), Vec::new());
        for hop in lost {
            let Some(over) = self.over(hop, &set) else { continue };
            let Some(over) = self.objects.hops.get(&over).map(|state| state.key) else { continue };
            let Some(state) = self.objects.hops.get_mut(&hop) else { continue };
            let own = state.object(first + hop);
            state.phase = Phase::Adding;
            state.strange = true; // it is there, should the last message be refused
            state.detour = Some(over.link);
            before.push(Op::AddNextHop(NextHop { link: over.link, gateway: over.gateway, ..own }));
            behind.push(Op::AddNextHop(own));
        }
        ops.splice(0..0, before);
        ops.append(&mut behind);
    }

    /// True if it is not how the next hop is wanted.
    pub(super) fn is_detour(&self, object: &NextHop) -> bool {
        let state = self.objects.hops.get(&(object.id - self.settings.first_id));
        state.is_some_and(|state| state.object(object.id) != *object)
    }

    /// True if the kernel has it for certain.
    fn is_present(&self, hop: u32) -> bool {
        self.objects.hops.get(&hop).is_some_and(|state| state.phase == Phase::Present && state.trouble.is_none())
    }

    /// True if all groups that may have the next hop are among these two or more, and none keeps it.
    fn leaves_all(&self, hop: u32, set: &[(u32, Members)]) -> bool {
        let Some(state) = self.objects.hops.get(&hop) else { return false };
        let mut count = 0;
        state.users.iter().all(|user| {
            let Some(group) = self.objects.groups.get(user) else { return true };
            let has = |members: &[(u32, Weight)]| members.iter().any(|(member, _)| *member == hop);
            match set.iter().find(|(id, _)| id == user) {
                Some((_, members)) => {
                    count += 1;
                    !has(members)
                }
                None => !group.busy && group.have.as_ref().is_none_or(|held| held.sure && !has(&held.members)),
            }
        }) && count > 1
    }

    /// A next hop that carries in all of these groups that have the lost one, and is there.
    fn over(&self, lost: u32, set: &[(u32, Members)]) -> Option<u32> {
        let users = &self.objects.hops.get(&lost)?.users;
        let mut left = set.iter().filter(|(group, _)| users.contains(group)).map(|(_, members)| carrying(members).0);
        let first = left.next()?;
        let rest: Vec<_> = left.collect();
        let family = self.objects.hops.get(&lost)?.key.family;
        first.into_iter().map(|(hop, _)| hop).find(|hop| {
            self.objects.hops.get(hop).is_some_and(|state| state.phase == Phase::Present && state.key.family == family)
                && rest.iter().all(|members| members.iter().any(|(member, _)| member == hop))
        })
    }
}
