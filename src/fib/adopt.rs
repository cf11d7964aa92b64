//! Taking over what a kernel holds: at the start, and after anything was missed.

use std::time::Duration;

use super::hash::HashSet;

use crate::types::Prefix;

use super::Fib;
use super::Group;
use super::HopKey;
use super::NextHop;
use super::Table;
use super::objects::GroupState;
use super::objects::Held;
use super::objects::Listed;
use super::objects::Members;
use super::objects::Phase;
use super::routes::FLYING;
use super::routes::HELD;
use super::routes::Ref;
use super::routes::TOUCHED;
use super::routes::UNSURE;

/// The coarsest tick of a kernel is 1/100 s, and a timer is rounded twice.
const TICK: Duration = Duration::from_millis(25);

impl Fib {
    /// `found` is all that the kernel holds of ours. Next hops, groups and routes that equal wanted ones are kept as
    /// they are, ids included; what is missing is put back; what is not wanted stays until [`Fib::sweep`].
    ///
    /// Does nothing and answers false while batches are with the kernel: then what was found may be old already.
    pub fn adopt(&mut self, found: Table) -> bool {
        if !self.flying.is_empty() {
            return false;
        }
        self.audit_cancel();
        self.swept = false;
        let first = self.settings.first_id;
        self.objects.taken = found.taken.iter().map(|id| id - first).collect();
        self.adopt_hops(&found);
        self.adopt_groups(&found);
        self.adopt_routes(&found);
        true
    }

    fn adopt_hops(&mut self, found: &Table) {
        for (id, hop) in &mut self.objects.hops {
            let there = found.next_hops.get(&(self.settings.first_id + id));
            hop.phase = match there {
                None => Phase::Absent,
                Some(there) if *there == hop.object(there.id) => Phase::Present,
                Some(_) => Phase::Unsure, // changed by somebody: put right
            };
        }
        found.next_hops.values().for_each(|hop| self.adopt_hop(hop));
    }

    pub(super) fn adopt_hop(&mut self, hop: &NextHop) {
        if !self.settings.owns(hop.id) {
            return;
        }
        let id = hop.id - self.settings.first_id;
        self.objects.seen(id);
        if !self.objects.hops.contains_key(&id) {
            let key = HopKey { link: hop.link, gateway: hop.gateway, family: hop.family, copy: false };
            let copy = self.objects.hop_by_key.contains_key(&key);
            self.objects.add_hop(id, HopKey { copy, ..key }, Phase::Present);
        }
    }

    fn adopt_groups(&mut self, found: &Table) {
        for group in self.objects.groups.values_mut() {
            group.have = None;
            group.trouble = None;
            group.vanished = false;
            group.held = 0;
        }
        self.plain = 0;
        found.groups.values().for_each(|group| self.adopt_group(group));
        let ids: Vec<u32> = self.objects.groups.keys().copied().collect();
        self.objects.dirty_groups.extend(ids);
    }

    pub(super) fn adopt_group(&mut self, group: &Group) {
        if !self.settings.owns(group.id) {
            return;
        }
        let first = self.settings.first_id;
        let id = group.id - first;
        self.objects.seen(id);
        let members: Members = group.members.iter().map(|(hop, weight)| (hop.saturating_sub(first), *weight)).collect();
        let idle = self.as_set(group.idle_timer);
        let held = Held { members, idle, sure: true };
        if let Some(known) = self.objects.groups.get_mut(&id) {
            known.have = Some(held);
            return;
        }
        let key = self.objects.key_of(&held.members, self.settings.max_paths);
        let key = key.filter(|_| group.buckets == self.settings.buckets);
        let mut state = GroupState { buckets: group.buckets, adopted: true, ..GroupState::default() };
        let listed = match &key {
            Some(key) => {
                let label = self.objects.keys.id(key.clone());
                self.objects.keys.join(label, id);
                state.label = Some(label);
                self.objects.listed(key)
            }
            None => Listed { primaries: held.members.clone(), ..Listed::default() },
        };
        state.have = Some(held);
        self.objects.add_group(id, listed, state);
    }

    /// The kernel counts in ticks of its own, so what it tells is a little less than what it was told.
    pub(super) fn as_set(&self, idle: Duration) -> Duration {
        if self.settings.idle_timer.abs_diff(idle) < TICK { self.settings.idle_timer } else { idle }
    }

    fn adopt_routes(&mut self, found: &Table) {
        self.routes.change_all(|_, cell| {
            cell.have = Ref::NONE;
            cell.set(FLYING | UNSURE | TOUCHED | HELD, false);
        });
        self.unhold_all();
        for (prefix, target) in &found.routes {
            let to = self.found(*target);
            self.routes.change(prefix, |cell| cell.have = to);
            self.count_have(Ref::NONE, to);
        }
        let mut wanted: HashSet<Prefix> = HashSet::default();
        self.routes.change_all(|prefix, cell| {
            if cell.want != Ref::NONE && cell.want != cell.have {
                wanted.insert(prefix);
            }
        });
        for prefix in wanted {
            // What was in the way may have gone unseen: it does not show in what was found.
            self.forgive(&prefix);
            self.queue.push(&prefix);
        }
    }
}
