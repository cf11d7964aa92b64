//! Next hops and groups: who uses them, what the kernel holds of them, and their ids.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use crate::types::Time;
use crate::types::Weight;

use super::Group;
use super::GroupKey;
use super::HopKey;
use super::KernelError;
use super::NextHop;
use super::Settings;
use super::routes::Queue;
use super::routes::Ref;
use super::shadow::joined;

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
    pub(super) trouble: Option<Trouble>,
}

impl HopState {
    pub(super) fn object(&self, id: u32) -> NextHop {
        NextHop { id, family: self.key.family, link: self.key.link, gateway: self.key.gateway }
    }
}

/// Members as offsets, in the order of the group's key; a shadow comes last.
pub(super) type Members = Vec<(u32, Weight)>;

/// What the kernel holds of a group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Held {
    /// Empty if it vanished, as far as we know.
    pub(super) members: Members,
    pub(super) idle: std::time::Duration,
    /// False if an operation was overtaken by an event: it must be set again to be certain.
    pub(super) sure: bool,
}

/// A group.
#[derive(Default)]
pub(super) struct GroupState {
    /// `None` for a group that was found and cannot be one of ours.
    pub(super) key: Option<GroupKey>,
    /// All members that it should have while every link is up.
    pub(super) members: Members,
    /// Shadows that it has or is to get.
    pub(super) shadows: Vec<u32>,
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
    pub(super) trouble: Option<Trouble>,
    /// Routes that can go on only when it is in the kernel.
    pub(super) waiting: Queue,
    /// Found at the start, and not to be deleted before the sweep.
    pub(super) adopted: bool,
}

impl GroupState {
    pub(super) fn is_used(&self) -> bool {
        self.wanted > 0 || self.held > 0 || self.coming > 0
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
    /// Second next hops of the same keys.
    pub(super) shadow_by_key: HashMap<HopKey, u32>,
    pub(super) group_by_key: HashMap<GroupKey, u32>,
    /// Ids of somebody else in our range.
    pub(super) taken: BTreeSet<u32>,
    last: u32,
    /// Groups and next hops to look at.
    pub(super) dirty_groups: BTreeSet<u32>,
    pub(super) dirty_hops: BTreeSet<u32>,
}

impl Objects {
    /// The next free id: counted, so that an id comes back only after all others were used.
    pub(super) fn fresh(&mut self) -> u32 {
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
        self.hop_by_key.insert(key, id);
        id
    }

    pub(super) fn add_hop(&mut self, id: u32, key: HopKey, phase: Phase) {
        let state = HopState { key, users: BTreeSet::new(), phase, dropped_at: 0, strange: false, trouble: None };
        self.hops.insert(id, state);
    }

    /// The group lists the hop from now on.
    pub(super) fn join_hop(&mut self, hop: u32, group: u32) {
        if let Some(state) = self.hops.get_mut(&hop) {
            state.users.insert(group);
        }
    }

    /// The group lists the hop no longer.
    pub(super) fn leave_hop(&mut self, hop: u32, group: u32) {
        if let Some(state) = self.hops.get_mut(&hop) {
            state.users.remove(&group);
            if state.users.is_empty() {
                self.dirty_hops.insert(hop);
            }
        }
    }

    /// The next hops of a key, made where they are new.
    pub(super) fn members(&mut self, key: &GroupKey) -> Members {
        key.primaries.iter().map(|member| (self.hop(member.hop), member.weight)).collect()
    }

    /// The group of a key, made if it is new.
    pub(super) fn group(&mut self, key: &GroupKey, settings: &Settings) -> u32 {
        if let Some(id) = self.group_by_key.get(key) {
            return *id;
        }
        let members = self.members(key);
        let id = self.fresh();
        self.group_by_key.insert(key.clone(), id);
        let state = GroupState { key: Some(key.clone()), buckets: settings.buckets, ..GroupState::default() };
        self.add_group(id, members, state);
        self.dirty_groups.insert(id);
        id
    }

    pub(super) fn add_group(&mut self, id: u32, members: Members, state: GroupState) {
        for hop in members.iter().map(|(hop, _)| *hop).chain(state.shadows.iter().copied()) {
            self.join_hop(hop, id);
        }
        self.groups.insert(id, GroupState { members, ..state });
    }

    /// The group is not in the kernel any more and nobody wants it.
    pub(super) fn forget_group(&mut self, id: u32) {
        let Some(group) = self.groups.remove(&id) else { return };
        self.unlist_group(&group.key, id);
        for hop in group.members.into_iter().map(|(hop, _)| hop).chain(group.shadows) {
            self.leave_hop(hop, id);
        }
    }

    /// From now on the key gets a new group.
    pub(super) fn unlist_group(&mut self, key: &Option<GroupKey>, id: u32) {
        if let Some(key) = key
            && self.group_by_key.get(key) == Some(&id)
        {
            self.group_by_key.remove(key);
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
        if self.shadow_by_key.get(key) == Some(&id) {
            self.shadow_by_key.remove(key);
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
        let known: Option<Vec<_>> =
            members.iter().map(|(id, weight)| self.hops.get(id).map(|hop| (hop.key, *weight))).collect();
        joined(&known?, max)
    }
}

/// A group as the kernel is told of it.
pub(super) fn object(settings: &Settings, id: u32, members: &[(u32, Weight)], buckets: u16) -> Group {
    Group {
        id: settings.first_id + id,
        members: members.iter().map(|(hop, weight)| (settings.first_id + hop, *weight)).collect(),
        buckets,
        idle_timer: settings.idle_timer,
    }
}
