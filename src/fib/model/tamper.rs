//! What other programs do to what is ours in the kernel.

use std::collections::BTreeMap;

use twinspan::fib::Change;
use twinspan::fib::Group;
use twinspan::fib::NextHop;
use twinspan::fib::Table;
use twinspan::fib::Target;

use super::Model;

impl Model {
    /// What another program may do, and what the kernel tells of it. `which` picks among what there is.
    pub fn tamper(&mut self, kind: u8, which: usize) -> Vec<Change> {
        fn pick<K: Copy, V>(map: &BTreeMap<K, V>, which: usize) -> Option<K> {
            map.keys().nth(which % map.len().max(1)).copied()
        }
        self.changes += 1;
        let Table { next_hops, groups, routes, .. } = &mut self.table;
        let mut told = Vec::new();
        match kind {
            0 => {
                let Some(prefix) = pick(routes, which) else { return told };
                routes.remove(&prefix);
                told.push(Change::RouteDeleted { prefix, protocol: 179 });
            }
            1 => {
                let Some(prefix) = pick(routes, which) else { return told };
                routes.insert(prefix, Target::Other);
                told.push(Change::RouteSet { prefix, protocol: 179, target: Target::Other });
            }
            2 => {
                let Some(id) = pick(groups, which) else { return told };
                groups.remove(&id);
                routes.retain(|_, target| *target != Target::Group(id));
                told.push(Change::IdDeleted(id));
            }
            3 => {
                let Some(id) = pick(next_hops, which) else { return told };
                next_hops.remove(&id);
                told.push(Change::IdDeleted(id));
                for group in groups.values_mut().filter(|group| group.members.iter().any(|(hop, _)| *hop == id)) {
                    group.members.retain(|(hop, _)| *hop != id);
                    let empty = group.members.is_empty();
                    told.push(if empty { Change::IdDeleted(group.id) } else { Change::GroupSet(group.clone()) });
                }
                groups.retain(|_, group| !group.members.is_empty());
                routes.retain(|_, target| !matches!(target, Target::Group(id) if !groups.contains_key(id)));
            }
            4 => {
                let Some(id) = pick(groups, which) else { return told };
                let Some(group) = groups.get_mut(&id) else { return told };
                group.members.truncate(1);
                told.push(Change::GroupSet(Group { ..group.clone() }));
            }
            _ => {
                let Some(id) = pick(next_hops, which) else { return told };
                let Some(hop) = next_hops.get_mut(&id) else { return told };
                let Some(link) = self.up.iter().nth(which % self.up.len().max(1)) else { return told };
                *hop = NextHop { link: *link, ..*hop };
                told.push(Change::HopSet(*hop));
            }
        }
        self.touched.extend(told.iter().filter_map(|change| match change {
            Change::HopSet(hop) => Some(hop.id),
            Change::GroupSet(group) => Some(group.id),
            Change::IdDeleted(id) => Some(*id),
            Change::RouteSet { .. } | Change::RouteDeleted { .. } | Change::IdTaken { .. } => None,
        }));
        told
    }
}
