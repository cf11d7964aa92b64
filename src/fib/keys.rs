//! The hop sets that prefixes want, by number, so that a prefix needs three octets to say which.

use super::hash::HashMap;
use smallvec::SmallVec;

use super::GroupKey;
use super::routes::Ref;

/// A hop set that somebody wants, or that a group has.
#[derive(Debug)]
pub(super) struct KeyState {
    pub(super) key: GroupKey,
    /// Prefixes that want it, wherever they are.
    pub(super) wanted: u32,
    /// Groups that are to have these hops: the first takes new prefixes.
    pub(super) groups: SmallVec<[u32; 1]>,
}

/// All of them.
#[derive(Default)]
pub(super) struct Keys {
    ids: HashMap<GroupKey, u32>,
    states: HashMap<u32, KeyState>,
    last: u32,
}

impl Keys {
    /// The number of a key, which is made if it is new.
    pub(super) fn id(&mut self, key: GroupKey) -> u32 {
        if let Some(id) = self.ids.get(&key) {
            return *id;
        }
        loop {
            self.last = if self.last + 1 < Ref::LINKS { self.last + 1 } else { 1 };
            if !self.states.contains_key(&self.last) {
                break;
            }
        }
        self.ids.insert(key.clone(), self.last);
        self.states.insert(self.last, KeyState { key, wanted: 0, groups: SmallVec::new() });
        self.last
    }

    pub(super) fn get(&self, id: u32) -> Option<&KeyState> {
        self.states.get(&id)
    }

    /// Prefixes more or fewer want it.
    pub(super) fn count(&mut self, id: u32, more: bool) {
        if let Some(state) = self.states.get_mut(&id) {
            state.wanted = if more { state.wanted + 1 } else { state.wanted - 1 };
        }
        if !more {
            self.drop_if_unused(id);
        }
    }

    /// The group has that key from now on.
    pub(super) fn join(&mut self, id: u32, group: u32) {
        if let Some(state) = self.states.get_mut(&id)
            && !state.groups.contains(&group)
        {
            state.groups.push(group);
        }
    }

    /// The group has it no longer, or takes no prefixes.
    pub(super) fn leave(&mut self, id: u32, group: u32) {
        if let Some(state) = self.states.get_mut(&id) {
            state.groups.retain(|of| *of != group);
        }
        self.drop_if_unused(id);
    }

    /// Forgets a key that nobody wants and no group has.
    pub(super) fn drop_if_unused(&mut self, id: u32) {
        if self.states.get(&id).is_some_and(|state| state.wanted == 0 && state.groups.is_empty())
            && let Some(state) = self.states.remove(&id)
        {
            self.ids.remove(&state.key);
        }
    }
}
