//! Operations on next hops and groups: which come next, and what became of them.

use std::{mem, time::Duration};

use super::hash::HashSet;
use smallvec::SmallVec;

use crate::types::Time;

use super::Fib;
use super::Group;
use super::KernelError;
use super::Lane;
use super::Op;
use super::group::carrying;
use super::group::demotes;
use super::group::shares;
use super::machine::OBJECTS;
use super::machine::Retry;
use super::objects::Held;
use super::objects::Members;
use super::objects::Phase;
use super::objects::Trouble;
use super::objects::object;
use super::routes::FAILED;
use super::routes::FLYING;
use super::routes::Ref;
use super::routes::To;
use super::routes::UNSURE;

impl Fib {
    pub(super) fn object_ops(&mut self, now: Time, ops: &mut Vec<Op>) {
        for id in mem::take(&mut self.objects.dirty_hops) {
            self.hop_op(now, id, ops);
        }
        let mut revived = HashSet::default();
        while ops.len() < OBJECTS
            && let Some(id) = self.objects.dirty_groups.pop_first()
        {
            self.group_op(now, id, ops, &mut revived);
        }
        if self.lost {
            self.detour(ops);
            self.lost = self.with_kernel(Lane::Objects) > 0;
        }
        if !revived.is_empty() {
            self.revive(&revived);
            self.room_was_left(now);
        }
    }

    fn hop_op(&mut self, now: Time, id: u32, ops: &mut Vec<Op>) {
        let Some(hop) = self.objects.hops.get_mut(&id) else { return };
        if !hop.users.is_empty() {
            // One that no group needs now may have no other moment in which its state becomes certain.
            if hop.phase == Phase::Unsure {
                self.usable(now, id, ops);
            }
            self.objects.touch_users(id);
            return;
        }
        if !self.swept || hop.trouble.as_ref().is_some_and(|trouble| trouble.retry > now) {
            return;
        }
        match hop.phase {
            Phase::Adding | Phase::Deleting => {} // looked at again when that is done
            Phase::Absent => self.objects.forget_hop(id),
            Phase::Present | Phase::Unsure => {
                hop.phase = Phase::Deleting;
                let key = hop.key;
                self.objects.unlist_hop(&key, id);
                ops.push(Op::DeleteNextHop(self.settings.first_id + id));
            }
        }
    }

    fn group_op(&mut self, now: Time, id: u32, ops: &mut Vec<Op>, revived: &mut HashSet<u32>) {
        let first = self.settings.first_id;
        let Some(group) = self.objects.groups.get_mut(&id) else { return };
        if group.busy || group.trouble.as_ref().is_some_and(|trouble| trouble.retry > now) {
            return;
        }
        if !group.is_used() {
            if group.adopted && !self.swept {
                return;
            }
            if group.have.is_some() {
                group.busy = true;
                group.deleting = true;
                self.objects.unlist_group(id);
                ops.push(Op::DeleteGroup(first + id));
            } else {
                self.objects.forget_group(id);
            }
            return;
        }
        // Until the sweep, prefixes keep the routes that they have: a group that nobody waits for may never be needed.
        if !self.swept && group.have.is_none() && !group.vanished && group.waiting.is_empty() && group.coming == 0 {
            return;
        }
        let barred = self.barred(id);
        let Some(group) = self.objects.groups.get(&id) else { return };
        let forsaken = group.forsaken && !self.swept;
        if group.wanted == 0 && (barred.is_empty() || group.label.is_none()) && !forsaken {
            return; // its routes are leaving, or have not been asked for yet
        }
        let mut wanted = self.members(now, id, &barred, ops);
        let settings = &self.settings;
        let Some(group) = self.objects.groups.get_mut(&id) else { return };
        if wanted.is_empty() {
            if (!barred.is_empty() || forsaken) && group.have.as_ref().is_some_and(|held| !group.vanished || !held.sure)
            {
                // Nothing is left to lead to: its routes go with it, as they do when a link takes the last hop.
                self.events += 1;
                group.vanished = true;
                group.vanished_at = self.events;
                group.have = Some(Held { members: wanted, idle: settings.idle_timer, sure: true });
                group.busy = true;
                ops.push(Op::DeleteGroup(first + id));
            }
            return;
        }
        let held = group.have.as_ref().filter(|_| !group.vanished);
        if held.is_some_and(|held| held.sure && held.members == wanted && held.idle == settings.idle_timer) {
            self.queue.append(mem::take(&mut group.waiting));
            self.objects.release(id);
            return;
        }
        let held = held.filter(|held| !held.members.is_empty());
        let carry = |members: &Members, of: &Members| members.iter().any(|(id, _)| of.iter().any(|(one, _)| one == id));
        // Home from the backups: at once, also for busy flows. A backup that lost its own way would send them back here.
        let home = held.is_some_and(|held| {
            !carry(&held.members, &group.listed.primaries) && carry(&wanted, &group.listed.primaries)
        });
        // What carried and is to be the keeper only: the kernel would leave busy flows with it. A group without it for a moment
        // moves these and no others; where nothing else stays, there are no others.
        let demoted = held.is_some_and(|held| demotes(&held.members, &wanted));
        let (others, _) = carrying(&wanted);
        let apart = demoted && held.is_some_and(|held| carry(&held.members, &others));
        let idle = if home || (demoted && !apart) { Duration::ZERO } else { settings.idle_timer };
        if apart && !home {
            wanted.pop();
        }
        // No hop stays: should the kernel have dropped the last one meanwhile, this makes a new group without routes.
        if held.is_some_and(|held| !carry(&held.members, &wanted)) {
            self.events += 1;
            group.vanished = true;
            group.vanished_at = self.events;
        }
        ops.push(Op::SetGroup(object(settings, id, &wanted, group.buckets, idle)));
        group.busy = true;
        if mem::take(&mut group.vanished) {
            group.have = Some(Held { members: Members::new(), idle, sure: false });
            revived.insert(id);
        }
    }

    /// The hops of a group that must carry nothing, though their links may be up.
    fn barred(&self, group: u32) -> SmallVec<[u32; 4]> {
        let Some(group) = self.objects.groups.get(&group).filter(|_| !self.bars.is_empty()) else {
            return SmallVec::new();
        };
        let key = |hop: &u32| self.objects.hops.get(hop).map(|hop| hop.key);
        let is_barred = |hop: &u32| key(hop).is_some_and(|key| self.bars.iter().any(|bar| bar.holds(&key)));
        group.listed.iter().filter(is_barred).collect()
    }

    /// The members that a group should have now, as the kernel is told of them: its primaries, or while none of them
    /// can carry its backups. Hops that it needs for that and that are not there are added first.
    fn members(&mut self, now: Time, group: u32, barred: &[u32], ops: &mut Vec<Op>) -> Members {
        let Some(listed) = self.objects.groups.get(&group).map(|group| group.listed.clone()) else {
            return Members::new();
        };
        let mut usable = |hop: u32| !barred.contains(&hop) && self.usable(now, hop, ops);
        let mut carrying = listed.primaries.clone();
        carrying.retain(|(hop, _)| usable(*hop));
        let mut backups = listed.backups;
        backups.retain(|(hop, _)| usable(*hop));
        let keeper = match (carrying.as_slice(), backups.first()) {
            ([], _) => None,
            (_, Some((backup, _))) => Some(*backup),
            // The kernel takes no note of who is busy in a group of one, and would move all when a second one comes.
            ([(one, _)], None) => {
                let at = listed.primaries.iter().position(|(hop, _)| hop == one);
                at.and_then(|at| listed.copies.get(at).copied()).filter(|copy| usable(*copy))
            }
            (_, None) => None,
        };
        let carrying = if carrying.is_empty() { backups } else { carrying };
        let Some(group) = self.objects.groups.get(&group).filter(|_| !carrying.is_empty()) else {
            return Members::new();
        };
        shares(&carrying, keeper, group.buckets, self.settings.max_weight)
    }

    /// True if the hop is there, or will be before what follows it.
    fn usable(&mut self, now: Time, id: u32, ops: &mut Vec<Op>) -> bool {
        let Some(hop) = self.objects.hops.get_mut(&id) else { return false };
        if self.down.contains(&hop.key.link) {
            return false;
        }
        let well = hop.trouble.is_none();
        let due = hop.trouble.as_ref().is_none_or(|trouble| trouble.retry <= now);
        match hop.phase {
            Phase::Present => true,
            Phase::Adding => well,
            Phase::Absent | Phase::Unsure if due => {
                hop.phase = Phase::Adding;
                ops.push(Op::AddNextHop(hop.object(self.settings.first_id + id)));
                well // one that failed before must first succeed, so that it cannot take the group with it
            }
            Phase::Absent | Phase::Unsure | Phase::Deleting => false,
        }
    }

    /// Groups that vanished are on their way back, empty: routes that were on them are wanted anew.
    fn revive(&mut self, groups: &HashSet<u32>) {
        let Self { routes, queue, objects, .. } = self;
        routes.change_all(|prefix, cell| {
            if let To::Group(id) = cell.have.to()
                && groups.contains(&id)
            {
                cell.have = Ref::NONE;
                cell.set(UNSURE, true); // still there, if the news of its link was late
                if let Some(group) = objects.groups.get_mut(&id) {
                    group.held -= 1;
                }
                if !cell.is(FLYING) {
                    queue.push(&prefix);
                }
            } else if let To::Group(id) = cell.want.to()
                && cell.is(FAILED)
                && groups.contains(&id)
            {
                cell.set(FAILED, false); // it was refused for want of the group
                queue.push(&prefix);
            }
        });
    }

    pub(super) fn hop_added(&mut self, now: Time, events: u64, id: u32, error: Option<KernelError>) {
        let Some(hop) = self.objects.hops.get_mut(&id) else { return };
        hop.detour = None;
        let overtaken = hop.dropped_at > events;
        match error {
            None => {
                hop.phase = if overtaken { Phase::Unsure } else { Phase::Present };
                hop.strange &= overtaken;
                hop.trouble = None;
            }
            Some(error) => {
                hop.phase = if overtaken || hop.strange || error.is_unknown() { Phase::Unsure } else { Phase::Absent };
                if !overtaken {
                    let count = hop.trouble.as_ref().map_or(0, |trouble| trouble.count);
                    let retry = now + Self::wait(count, &error);
                    hop.trouble = Some(Trouble { error, count: count + 1, retry });
                    self.retries.insert((retry, Retry::Hop(id)));
                }
            }
        }
        if hop.users.is_empty() || hop.phase == Phase::Unsure {
            self.objects.dirty_hops.insert(id);
        }
        self.objects.touch_users(id);
    }

    pub(super) fn group_set(&mut self, now: Time, events: u64, set: &Group, error: Option<KernelError>) {
        let id = set.id - self.settings.first_id;
        let mut members: Members =
            set.members.iter().map(|(hop, weight)| (hop - self.settings.first_id, *weight)).collect();
        let all = members.len();
        let hops = &self.objects.hops;
        members.retain(|(hop, _)| hops.get(hop).is_some_and(|hop| hop.dropped_at <= events));
        let overtaken = members.len() < all;
        let missing = members.iter().any(|(hop, _)| hops.get(hop).is_none_or(|hop| hop.phase != Phase::Present));
        let Some(group) = self.objects.groups.get_mut(&id) else { return };
        group.busy = false;
        self.objects.dirty_groups.insert(id);
        match error {
            None => {
                group.trouble = None;
                if members.is_empty() {
                    group.vanished = true;
                    group.vanished_at = self.events;
                }
                let sure = !overtaken && group.touched_at <= events;
                group.have = Some(Held { members, idle: set.idle_timer, sure });
                if !group.vanished {
                    self.queue.append(mem::take(&mut group.waiting));
                }
                self.objects.release(id);
            }
            Some(error) => {
                if let Some(held) = &mut group.have {
                    held.sure &= !(error.is_unknown() || overtaken);
                } else if error.is_unknown() || overtaken {
                    group.have = Some(Held { members: Members::new(), idle: set.idle_timer, sure: false });
                    group.vanished = true;
                    group.vanished_at = self.events;
                }
                if !(overtaken || missing) {
                    let count = group.trouble.as_ref().map_or(0, |trouble| trouble.count);
                    let retry = now + Self::wait(count, &error);
                    group.trouble = Some(Trouble { error, count: count + 1, retry });
                    self.retries.insert((retry, Retry::Group(id)));
                }
            }
        }
    }

    pub(super) fn group_deleted(&mut self, now: Time, id: u32, error: Option<KernelError>) {
        let Some(group) = self.objects.groups.get_mut(&id) else { return };
        match error {
            None if group.deleting => self.objects.forget_group(id),
            None => {
                // All of its hops were barred; its routes may still be wanted.
                group.busy = false;
                self.objects.dirty_groups.insert(id);
            }
            Some(error) => {
                group.busy = false;
                if !mem::take(&mut group.deleting)
                    && let Some(held) = &mut group.have
                {
                    held.sure = false;
                }
                let count = group.trouble.as_ref().map_or(0, |trouble| trouble.count);
                let retry = now + Self::wait(count, &error);
                group.trouble = Some(Trouble { error, count: count + 1, retry });
                self.retries.insert((retry, Retry::Group(id)));
            }
        }
    }

    pub(super) fn hop_deleted(&mut self, now: Time, id: u32, error: Option<KernelError>) {
        let Some(hop) = self.objects.hops.get_mut(&id) else { return };
        match error {
            None => self.objects.forget_hop(id),
            Some(error) => {
                hop.phase = Phase::Unsure;
                let count = hop.trouble.as_ref().map_or(0, |trouble| trouble.count);
                let retry = now + Self::wait(count, &error);
                hop.trouble = Some(Trouble { error, count: count + 1, retry });
                self.retries.insert((retry, Retry::Hop(id)));
            }
        }
    }
}
