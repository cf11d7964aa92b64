//! Next hops and groups: who uses them, what the kernel holds of them, and their ids.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::hash::HashMap;
use smallvec::SmallVec;

use crate::types::LinkIndex;
use crate::types::Time;
use crate::types::Weight;

use super::Group;
use super::GroupKey;
use super::HopKey;
use super::KernelError;
use super::NextHop;
use super::Settings;
use super::group::Member;
use super::group::carrying;
use super::keys::Keys;
use super::routes::Queue;
use super::routes::Ref;

/// What failed, how often, and when it is tried again.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) error: KernelError,
    pub(super) count: u32,
    pub(super) retry: Time,
}

/// What the kernel holds of a next hop.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    Absent,
    Adding,
    Present,
    /// Perhaps there: an operation was overtaken by an event.
    Unsure,
    Deleting,
}

/// A next hop object.
#[derive(Debug)]
pub(super) struct HopState {
    pub(super) key: HopKey,
    /// Groups of ours that list it, whether or not it can be in them now.
    pub(super) users: BTreeSet<u32>,
    pub(super) phase: Phase,
    /// When the kernel last dropped it by itself, on the count of such events.
    pub(super) dropped_at: u64,
    /// Somebody else made another next hop of it, which may be there still if ours is refused.
    pub(super) strange: bool,
    /// Where it leads instead for as long as a batch takes: what happens to that link happens to it too.
    pub(super) detour: Option<LinkIndex>,
    pub(super) trouble: Option<Trouble>,
}

impl HopState {
    pub(super) fn object(&self, id: u32) -> NextHop {
        NextHop { id, family: self.key.family, link: self.key.link, gateway: self.key.gateway }
    }
}

/// Members as offsets, in the order of the group's key.
pub(super) type Members = Vec<(u32, Weight)>;

/// What a group may have for members: of its key, by offset.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Listed {
    pub(super) primaries: Members,
    pub(super) backups: Members,
    /// The second objects of the primaries, in their order.
    pub(super) copies: Vec<u32>,
}

impl Listed {
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        let hop = |(hop, _): &(u32, Weight)| *hop;
        self.primaries.iter().map(hop).chain(self.backups.iter().map(hop)).chain(self.copies.iter().copied())
    }
}

/// What the kernel holds of a group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Held {
    /// As told, the keeper last. Empty if it vanished, as far as we know.
    pub(super) members: Members,
    pub(super) idle: Duration,
    /// False if an operation was overtaken by an event: it must be set again to be certain.
    pub(super) sure: bool,
}

/// A group.
#[derive(Default)]
pub(super) struct GroupState {
    /// The number of its key; `None` for a group that was found and cannot be one of ours.
    pub(super) label: Option<u32>,
    /// The label that it gets when those that want something else have left.
    pub(super) grows_to: Option<u32>,
    /// How many those are.
    pub(super) leaving: u32,
    /// The label was changed without asking the prefixes: any of them may want something else.
    pub(super) stripped: bool,
    /// What the prefixes want that shall be on it, and how many each.
    pub(super) wants: SmallVec<[(u32, u32); 2]>,
    /// Hops of former labels that the kernel may still have in it.
    pub(super) former: Vec<u32>,
    /// The hops that it may have for members.
    pub(super) listed: Listed,
    pub(super) buckets: u16,
    pub(super) have: Option<Held>,
    /// The kernel deleted it and its routes by itself; cells that still name it hold nothing.
    pub(super) vanished: bool,
    /// When that was, on the count of such events.
    pub(super) vanished_at: u64,
    /// When somebody else changed it, on the same count.
    pub(super) touched_at: u64,
    pub(super) busy: bool,
    pub(super) deleting: bool,
    /// Routes that want it.
    pub(super) wanted: u32,
    /// Routes that the kernel has on it.
    pub(super) held: u32,
    /// Operations on their way that put a route on it.
    pub(super) coming: u32,
    /// Routes of an earlier run under other settings that are on it.
    pub(super) past: u32,
    pub(super) trouble: Option<Trouble>,
    /// Routes that can go on only when it is in the kernel.
    pub(super) waiting: Queue,
    /// Found at the start, and not to be deleted before the sweep.
    pub(super) adopted: bool,
    /// A hop of it counts no more, which is not left to the sweep though nobody may want the group yet.
    pub(super) forsaken: bool,
}

impl GroupState {
    pub(super) fn is_used(&self) -> bool {
        self.wanted > 0 || self.held > 0 || self.coming > 0 || self.past > 0
    }

    /// True if a route may be put on it.
    pub(super) fn is_ready(&self) -> bool {
        let there = self.have.as_ref().is_some_and(|held| !held.members.is_empty());
        there && !self.vanished && !self.deleting
    }
}

/// All objects, by the offset of their id from [`Settings::first_id`].
#[derive(Default)]
pub(super) struct Objects {
    pub(super) hops: BTreeMap<u32, HopState>,
    pub(super) groups: HashMap<u32, GroupState>,
    pub(super) hop_by_key: HashMap<HopKey, u32>,
    pub(super) keys: Keys,
    /// Ids of somebody else in our range.
    pub(super) taken: BTreeSet<u32>,
    last: u32,
    /// Groups and next hops to look at.
    pub(super) dirty_groups: BTreeSet<u32>,
    pub(super) dirty_hops: BTreeSet<u32>,
}

impl Objects {
    /// The next free id: counted, so that an id comes back only after all others were used.
    fn fresh(&mut self) -> u32 {
        loop {
            self.last = if self.last + 1 < Ref::LINKS { self.last + 1 } else { 1 };
            let id = self.last;
            if !self.hops.contains_key(&id) && !self.groups.contains_key(&id) && !self.taken.contains(&id) {
                return id;
            }
        }
    }

    /// Ids are counted on from here.
    pub(super) fn seen(&mut self, id: u32) {
        self.last = self.last.max(id);
    }

    fn hop(&mut self, key: HopKey) -> u32 {
        if let Some(id) = self.hop_by_key.get(&key) {
            return *id;
        }
        let id = self.fresh();
        self.add_hop(id, key, Phase::Absent);
        id
    }

    pub(super) fn add_hop(&mut self, id: u32, key: HopKey, phase: Phase) {
        let state =
            HopState { key, users: BTreeSet::new(), phase, dropped_at: 0, strange: false, detour: None, trouble: None };
        self.hops.insert(id, state);
        self.hop_by_key.entry(key).or_insert(id);
    }

    /// A new group for a key.
    pub(super) fn group(&mut self, key: u32, settings: &Settings) -> u32 {
        let listed = self.keys.get(key).map(|state| state.key.clone()).map(|key| self.listed(&key)).unwrap_or_default();
        let id = self.fresh();
        self.keys.join(key, id);
        let state = GroupState { label: Some(key), buckets: settings.buckets, ..GroupState::default() };
        self.add_group(id, listed, state);
        self.dirty_groups.insert(id);
        id
    }

    /// The hops of a key, made if they are new.
    pub(super) fn listed(&mut self, key: &GroupKey) -> Listed {
        Listed {
            primaries: key.primaries.iter().map(|member| (self.hop(member.hop), member.weight)).collect(),
            backups: key.backups.iter().map(|member| (self.hop(member.hop), member.weight)).collect(),
            copies: key.primaries.iter().map(|member| self.hop(member.hop.other())).collect(),
        }
    }

    pub(super) fn add_group(&mut self, id: u32, listed: Listed, state: GroupState) {
        for hop in listed.iter() {
            if let Some(hop) = self.hops.get_mut(&hop) {
                hop.users.insert(id);
            }
        }
        self.groups.insert(id, GroupState { listed, ..state });
    }

    /// The group is not in the kernel any more and nobody wants it.
    pub(super) fn forget_group(&mut self, id: u32) {
        let Some(group) = self.groups.remove(&id) else { return };
        if let Some(label) = group.label {
            self.keys.leave(label, id);
        }
        for hop in group.listed.iter().chain(group.former) {
            self.leave_hop(hop, id);
        }
    }

    /// From now on the key gets a new group.
    pub(super) fn unlist_group(&mut self, id: u32) {
        if let Some(label) = self.groups.get(&id).and_then(|group| group.label) {
            self.keys.leave(label, id);
        }
    }

    /// Hops of former labels that the kernel has in the group no more are not kept for it.
    pub(super) fn release(&mut self, id: u32) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let Some(held) = group.have.as_ref().filter(|held| held.sure) else { return };
        let has = |hop: &u32| held.members.iter().any(|(member, _)| member == hop);
        let former: Vec<u32> = group.former.extract_if(.., |hop| !has(hop)).collect();
        for hop in former {
            if self.groups.get(&id).is_some_and(|group| group.listed.iter().all(|listed| listed != hop)) {
                self.leave_hop(hop, id);
            }
        }
    }

    /// The group lists the hop no longer.
    fn leave_hop(&mut self, hop: u32, group: u32) {
        if let Some(state) = self.hops.get_mut(&hop) {
            state.users.remove(&group);
            if state.users.is_empty() {
                self.dirty_hops.insert(hop);
            }
        }
    }

    pub(super) fn forget_hop(&mut self, id: u32) {
        let Some(hop) = self.hops.remove(&id) else { return };
        self.unlist_hop(&hop.key, id);
    }

    pub(super) fn unlist_hop(&mut self, key: &HopKey, id: u32) {
        if self.hop_by_key.get(key) == Some(&id) {
            self.hop_by_key.remove(key);
        }
    }

    /// True if there is an object to look at.
    pub(super) fn is_dirty(&self) -> bool {
        !self.dirty_groups.is_empty() || !self.dirty_hops.is_empty()
    }

    /// Every group that lists the hop is to be looked at.
    pub(super) fn touch_users(&mut self, hop: u32) {
        if let Some(state) = self.hops.get(&hop) {
            self.dirty_groups.extend(state.users.iter().copied());
        }
    }

    /// The key of members found in a kernel, if all of them are known.
    pub(super) fn key_of(&self, members: &[(u32, Weight)], max: usize) -> Option<GroupKey> {
        let (carrying, keeper) = carrying(members);
        let member = |(id, weight): &(u32, Weight)| {
            let hop = self.hops.get(id)?.key;
            Some(Member { hop: HopKey { copy: false, ..hop }, weight: *weight })
        };
        let primaries: Option<Vec<Member>> = carrying.iter().map(member).collect();
        let backups: Option<Vec<Member>> = keeper.iter().map(|keeper| member(&(*keeper, Weight::ONE))).collect();
        GroupKey::of_members(primaries?.into_iter(), backups?.into_iter(), max)
    }
}

/// A group as the kernel is told of it.
pub(super) fn object(settings: &Settings, id: u32, members: &[(u32, Weight)], buckets: u16, idle: Duration) -> Group {
    Group {
        id: settings.first_id + id,
        members: members.iter().map(|(hop, weight)| (settings.first_id + hop, *weight)).collect(),
        buckets,
        idle_timer: idle,
    }
}
