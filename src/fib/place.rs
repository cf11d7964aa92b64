//! Which group a prefix is on, so that flows stay where they are.
//!
//! A prefix wants a set of hops, its *key*; a group has one, its *label*. Buckets belong to a group: a prefix that goes to
//! another group takes its flows along, and they are dealt out anew. So a prefix stays on its group while the hops that
//! carry there are the ones that it wants, or are among them: it can wait for more. Only what would send packets to a
//! hop that is not wanted moves at once.
//!
//! [`Fib::settle`] ends the waiting: the group gets the label that most of its prefixes want, in one message and under
//! its id, and those that want something else move. A table that comes back prefix by prefix is then one message.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use smallvec::SmallVec;

use crate::types::Prefix;

use super::Bar;
use super::Fib;
use super::GroupKey;
use super::HopKey;
use super::Member;
use super::objects::GroupState;
use super::routes::FAILED;
use super::routes::FLYING;
use super::routes::Queue;
use super::routes::Ref;
use super::routes::To;
use super::routes::UNSURE;

/// Groups with equal labels: when there are as many, a group is emptied instead of becoming one more.
const EQUALS: usize = 32;

/// What a key means while some hops are down.
#[derive(PartialEq)]
struct Live {
    /// The hops that carry, in the smallest numbers of their shares.
    carrying: SmallVec<[(HopKey, u16); 4]>,
    /// The live backups behind them.
    backups: SmallVec<[(HopKey, u16); 2]>,
    /// Backups carry.
    fallen: bool,
}

/// What is known of who does not sit where it wants to.
#[derive(Default)]
pub(super) struct Unsettled {
    /// Groups on which some prefix wants something else than the label.
    pub(super) groups: BTreeSet<u32>,
    /// Prefixes that came to want something else than their group's label, some of them more than once.
    restless: Queue,
    /// Groups whose new label waits for routes to leave.
    pub(super) growing: BTreeSet<u32>,
    /// The last answer of [`Fib::fits`]: prefixes that change one after the other mostly ask the same.
    last: Option<(u32, u32, bool)>,
}

impl Unsettled {
    /// Labels or live hops are others than before.
    pub(super) fn forget(&mut self) {
        self.last = None;
    }
}

impl Fib {
    /// True if [`Fib::settle`] would look at something.
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        self.swept && !self.unsettled.groups.is_empty()
    }

    /// What was wanted so far is complete: groups become what most of their prefixes want, and the others move.
    pub fn settle(&mut self) {
        if !self.swept {
            return;
        }
        let groups = mem::take(&mut self.unsettled.groups);
        let mut restless = mem::take(&mut self.unsettled.restless);
        let mut strays: BTreeMap<u32, SmallVec<[u32; 4]>> = BTreeMap::new();
        let mut all = false;
        for id in groups {
            let (keys, known) = self.settle_group(id);
            if !keys.is_empty() {
                strays.insert(id, keys);
                all |= !known;
            }
        }
        if strays.is_empty() {
            return;
        }
        let mut moving: Vec<Prefix> = Vec::new();
        let astray = |want: Ref, key: Ref| match (want.to(), key.to()) {
            (To::Group(group), To::Group(key)) => strays.get(&group).is_some_and(|keys| keys.contains(&key)),
            _ => false,
        };
        if all {
            self.routes.change_all(|prefix, cell| {
                if astray(cell.want, cell.key) {
                    moving.push(prefix);
                }
            });
        } else {
            while let Some(prefix) = restless.pop() {
                if self.routes.get(&prefix).is_some_and(|cell| astray(cell.want, cell.key)) {
                    moving.push(prefix);
                }
            }
        }
        for prefix in moving {
            let Some((want, key)) = self.routes.get(&prefix).map(|cell| (cell.want, cell.key)) else { continue };
            let (To::Group(from), To::Group(wanted)) = (want.to(), key.to()) else { continue };
            if !strays.get(&from).is_some_and(|keys| keys.contains(&wanted)) {
                continue; // it came twice, and has moved
            }
            let to = self.home(wanted, Some(from));
            let held = self.routes.get(&prefix).is_some_and(|cell| cell.have == want);
            if held && let Some(group) = self.objects.groups.get_mut(&from) {
                group.leaving += 1;
            }
            self.assign(prefix, key, Ref::group(to));
        }
        for id in strays.into_keys() {
            self.grow_if_alone(id);
        }
    }

    /// Nothing that was learned over these hops counts any more: their groups go on without them, in one message each,
    /// and stay so until prefixes want them again. Prefixes need not be told of first, nor touched.
    ///
    /// A group that has no other hop stays as it is, until its prefixes are wanted elsewhere or nowhere. One that was found
    /// at the start and has no other goes at once with its routes: who wants those is not known before the sweep.
    pub fn strip(&mut self, of: Bar) {
        self.lost = true;
        let ids: Vec<u32> = self.objects.groups.keys().copied().collect();
        for id in ids {
            let Some(group) = self.objects.groups.get_mut(&id).filter(|group| !group.deleting) else { continue };
            let found = group.adopted && !self.swept;
            if group.grows_to.take().is_some() {
                // It is judged anew, without them; who was to stay is not among the restless any more.
                group.stripped = true;
                self.unsettled.groups.insert(id);
            }
            let Some(key) = group.label.and_then(|label| self.objects.keys.get(label)).map(|state| &state.key) else {
                continue;
            };
            let left = |members: &[Member]| {
                members.iter().filter(|member| !of.holds(&member.hop)).copied().collect::<Vec<_>>()
            };
            let (primaries, backups) = (left(&key.primaries), left(&key.backups));
            if primaries.len() + backups.len() == key.primaries.len() + key.backups.len() {
                continue;
            }
            let Some(key) = GroupKey::of_members(primaries.into_iter(), backups.into_iter(), self.settings.max_paths)
            else {
                if found {
                    self.abandon(id);
                }
                continue;
            };
            if let (true, Some(group)) = (found, self.objects.groups.get_mut(&id)) {
                group.forsaken = true;
            }
            let label = self.objects.keys.id(key);
            self.relabel(id, label);
        }
    }

    /// Nothing is left that the group could lead to.
    fn abandon(&mut self, id: u32) {
        let Some(group) = self.objects.groups.get_mut(&id) else { return };
        group.forsaken = true;
        let former = mem::take(&mut group.listed);
        group.former.extend(former.iter());
        let old = group.label.take();
        if !group.wants.is_empty() {
            self.unsettled.groups.insert(id); // those are asked again
        }
        if let Some(old) = old {
            self.objects.keys.leave(old, id);
        }
        self.objects.dirty_groups.insert(id);
        self.unsettled.forget();
    }

    /// Where a prefix shall be that wants a key and is, or was, on a group.
    pub(super) fn place(&mut self, prefix: Prefix, key: Ref) {
        let cell = self.routes.get(&prefix).copied();
        let To::Group(wanted) = key.to() else {
            if cell.is_some() {
                self.assign(prefix, Ref::NONE, Ref::NONE);
            }
            return;
        };
        let on = match cell.map(|cell| (cell.want.to(), cell.have.to())) {
            Some((To::Group(group), _) | (To::Nowhere, To::Group(group))) => Some(group),
            _ => None,
        };
        if cell.is_some_and(|cell| cell.key == key) && on.is_some() {
            return;
        }
        let to = match on.filter(|on| self.fits(*on, wanted)) {
            Some(on) => on,
            None => self.home(wanted, None),
        };
        let label = self.objects.groups.get(&to).and_then(|group| group.label);
        if label != Some(wanted) {
            self.unsettled.groups.insert(to);
            let known = cell.is_some_and(|cell| {
                let content = matches!(cell.key.to(), To::Group(old) if label == Some(old));
                cell.want == Ref::group(to) && !content
            });
            if !known {
                self.unsettled.restless.push(&prefix);
            }
        }
        self.assign(prefix, key, Ref::group(to));
    }

    /// Writes down what a prefix wants and where it shall be.
    pub(super) fn assign(&mut self, prefix: Prefix, key: Ref, to: Ref) {
        if to == Ref::NONE && self.full.is_some() {
            self.unhold(&prefix);
        }
        let (before, failed) = self.routes.change(&prefix, |cell| {
            let before = *cell;
            (cell.key, cell.want) = (key, to);
            if matches!(cell.have.to(), To::Link(_)) && cell.have != to {
                cell.set(UNSURE, true); // what becomes of its link is not told to it any more
            }
            let failed = before.want != to && cell.is(FAILED);
            if failed {
                cell.set(FAILED, false);
            }
            (before, failed)
        });
        let old = before.want;
        if (old, before.key) != (to, key) {
            self.count_key(to, key, true);
            self.count_key(old, before.key, false);
        }
        if old == to && (to != Ref::NONE || self.swept) {
            return;
        }
        if failed || (old != to && !self.failed.is_empty()) {
            self.failed.remove(&prefix);
        }
        self.wanted = self.wanted + usize::from(to != Ref::NONE) - usize::from(old != Ref::NONE);
        self.count_want(old, to);
        if let To::Group(back) = to.to()
            && before.have == to
        {
            self.left(back); // it was on its way out
        }
        if !before.is(FLYING) {
            self.queue.push(&prefix);
        }
    }

    /// Counts a prefix in or out, among those that want its key and those on its group.
    fn count_key(&mut self, on: Ref, key: Ref, more: bool) {
        let To::Group(key) = key.to() else { return };
        self.objects.keys.count(key, more);
        let To::Group(group) = on.to() else { return };
        let Some(group) = self.objects.groups.get_mut(&group) else { return };
        match group.wants.iter_mut().position(|(of, _)| *of == key) {
            Some(at) if more => group.wants[at].1 += 1,
            Some(at) => {
                group.wants[at].1 -= 1;
                if group.wants[at].1 == 0 {
                    group.wants.swap_remove(at);
                }
            }
            None if more => group.wants.push((key, 1)),
            None => {}
        }
    }

    /// True if a prefix that wants the key may stay on the group.
    fn fits(&mut self, group: u32, key: u32) -> bool {
        if let Some((of, wanted, answer)) = self.unsettled.last
            && (of, wanted) == (group, key)
        {
            return answer;
        }
        let answer = self.judge(group, key);
        self.unsettled.last = Some((group, key, answer));
        answer
    }

    fn judge(&self, group: u32, key: u32) -> bool {
        let Some(state) = self.objects.groups.get(&group).filter(|group| !group.deleting) else { return false };
        let Some(label) = state.grows_to.or(state.label) else { return false };
        // What an earlier run left is not touched before all is known.
        if label == key || (!self.swept && state.adopted) {
            return true;
        }
        let (Some(has), Some(wants)) = (self.objects.keys.get(label), self.objects.keys.get(key)) else { return false };
        let has = self.live(&has.key);
        if has == self.live(&wants.key) {
            return true;
        }
        let wanted =
            |hop: &HopKey| wants.key.primaries.iter().chain(&wants.key.backups).any(|member| member.hop == *hop);
        state.trouble.is_none() && !has.carrying.is_empty() && has.carrying.iter().all(|(hop, _)| wanted(hop))
    }

    /// A group for a prefix that wants the key; not the one that it leaves.
    fn home(&mut self, key: u32, leaves: Option<u32>) -> u32 {
        let groups = &self.objects.groups;
        let stays = |group: &GroupState| !group.deleting && group.grows_to.is_none();
        let open = |id: &u32| Some(*id) != leaves && groups.get(id).is_some_and(stays);
        let Some(state) = self.objects.keys.get(key) else { return self.objects.group(key, &self.settings) };
        if let Some(id) = state.groups.iter().copied().find(|id| open(id)) {
            return id;
        }
        let live = self.live(&state.key);
        let equal = |group: &GroupState| {
            let label = group.label.and_then(|label| self.objects.keys.get(label));
            label.is_some_and(|label| self.live(&label.key) == live)
        };
        let equals = groups.iter().filter(|(id, group)| open(id) && !live.carrying.is_empty() && equal(group));
        if let Some(id) = equals.map(|(id, _)| *id).min() {
            self.unsettled.groups.insert(id);
            self.shuffled(id, true);
            return id;
        }
        self.unsettled.forget();
        self.objects.group(key, &self.settings)
    }

    /// Gives the group the label that most of its prefixes want. The keys of those that must go elsewhere, and whether
    /// each of them is among the restless.
    fn settle_group(&mut self, id: u32) -> (SmallVec<[u32; 4]>, bool) {
        let none = (SmallVec::new(), true);
        let due = |group: &&GroupState| !group.deleting && group.grows_to.is_none();
        let Some(group) = self.objects.groups.get(&id).filter(due) else { return none };
        let (wants, label) = (group.wants.clone(), group.label);
        let known = !group.stripped;
        if wants.iter().all(|(key, _)| Some(*key) == label) {
            self.shuffled(id, false);
            return none;
        }
        let live = |key: u32| self.objects.keys.get(key).map(|state| self.live(&state.key));
        let mut classes: Vec<(Live, u64)> = Vec::new();
        for (key, count) in &wants {
            let Some(live) = live(*key) else { continue };
            match classes.iter_mut().find(|(class, _)| *class == live) {
                Some((_, sum)) => *sum += u64::from(*count),
                None => classes.push((live, u64::from(*count))),
            }
        }
        let now = label.and_then(live);
        // Who has most, and if two have as many the one that needs no message.
        let Some((best, _)) = classes.into_iter().max_by_key(|(class, sum)| (*sum, Some(class) == now.as_ref())) else {
            return none;
        };
        let mut stays: SmallVec<[(u32, u32); 4]> = SmallVec::new();
        let mut goes: SmallVec<[u32; 4]> = SmallVec::new();
        for (key, count) in wants {
            if live(key).as_ref() == Some(&best) { stays.push((key, count)) } else { goes.push(key) }
        }
        let Some((chosen, _)) = stays.iter().copied().max_by_key(|(key, count)| (*count, Some(*key) == label)) else {
            return none;
        };
        if label != Some(chosen) {
            let equals = self.objects.keys.get(chosen).map_or(0, |state| state.groups.len());
            if equals >= EQUALS {
                goes.extend(stays.into_iter().map(|(key, _)| key));
                return (goes, false);
            }
            if goes.is_empty() || now.as_ref() == Some(&best) {
                self.relabel(id, chosen);
            } else if let Some(group) = self.objects.groups.get_mut(&id) {
                group.grows_to = Some(chosen); // when those have left
                self.unsettled.growing.insert(id);
                self.unsettled.forget();
            }
            return (goes, false);
        }
        self.shuffled(id, stays.len() > 1);
        (goes, known)
    }

    /// A route has left the group, or will not: it may have been the last that was in the way of its new label.
    pub(super) fn left(&mut self, id: u32) {
        if let Some(group) = self.objects.groups.get_mut(&id)
            && group.leaving > 0
        {
            group.leaving -= 1;
            self.grow_if_alone(id);
        }
    }

    fn grow_if_alone(&mut self, id: u32) {
        if let Some(group) = self.objects.groups.get_mut(&id)
            && group.leaving == 0
            && let Some(label) = group.grows_to.take()
        {
            self.unsettled.growing.remove(&id);
            if self.objects.keys.get(label).is_some() {
                self.relabel(id, label);
                return;
            }
            // Nobody wants that any more: those who stay are asked again.
            self.shuffled(id, true);
            self.unsettled.groups.insert(id);
            self.unsettled.forget();
        }
    }

    /// Nothing is in line any more: who has not left by now does not leave.
    pub(super) fn grow_all(&mut self) {
        for id in mem::take(&mut self.unsettled.growing) {
            if let Some(group) = self.objects.groups.get_mut(&id) {
                group.leaving = 0;
            }
            self.grow_if_alone(id);
        }
    }

    /// Whether any prefix of the group may want something else than the label without being among the restless.
    fn shuffled(&mut self, id: u32, shuffled: bool) {
        if let Some(group) = self.objects.groups.get_mut(&id) {
            group.stripped = shuffled;
        }
    }

    /// The group shall have other members, under its id.
    pub(super) fn relabel(&mut self, id: u32, label: u32) {
        let Some(key) = self.objects.keys.get(label).map(|state| state.key.clone()) else { return };
        let listed = self.objects.listed(&key);
        let Some(group) = self.objects.groups.get_mut(&id) else { return };
        let old = group.label.replace(label);
        let former = mem::replace(&mut group.listed, listed.clone());
        // The kernel may still have them in the group.
        group.former.extend(former.iter());
        group.stripped = true;
        if group.wants.iter().any(|(key, _)| *key != label) {
            self.unsettled.groups.insert(id);
        }
        for hop in listed.iter() {
            if let Some(hop) = self.objects.hops.get_mut(&hop) {
                hop.users.insert(id);
            }
        }
        self.objects.keys.join(label, id);
        if let Some(old) = old.filter(|old| *old != label) {
            self.objects.keys.leave(old, id);
        }
        self.objects.dirty_groups.insert(id);
        self.unsettled.forget();
    }

    /// Hops that can carry are others than before: prefixes that meant the same may not any more.
    pub(super) fn unsettle(&mut self) {
        self.unsettled.forget();
        let mixed = |group: &GroupState| group.wants.iter().any(|(key, _)| Some(*key) != group.label);
        let mixed = self.objects.groups.iter().filter(|(_, group)| mixed(group)).map(|(id, _)| *id);
        self.unsettled.groups.extend(mixed);
    }

    fn can_carry(&self, hop: &HopKey) -> bool {
        !self.down.contains(&hop.link) && !self.bars.iter().any(|bar| bar.holds(hop))
    }

    fn live(&self, key: &GroupKey) -> Live {
        let live = |members: &[Member]| {
            let live: SmallVec<[Member; 4]> =
                members.iter().filter(|member| self.can_carry(&member.hop)).copied().collect();
            let all = live.iter().fold(0, |all, member| common(all, member.weight.get())).max(1);
            live.into_iter().map(move |member| (member.hop, member.weight.get() / all))
        };
        let carrying: SmallVec<[_; 4]> = live(&key.primaries).collect();
        if carrying.is_empty() {
            return Live { carrying: live(&key.backups).collect(), backups: SmallVec::new(), fallen: true };
        }
        Live { carrying, backups: live(&key.backups).collect(), fallen: false }
    }
}

fn common(a: u16, b: u16) -> u16 {
    if b == 0 { a } else { common(b, a % b) }
}
