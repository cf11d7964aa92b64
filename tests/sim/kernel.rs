//! A kernel of values: it refuses what dangles, and counts what was done to it.

use std::collections::HashSet;

use twinspan::fib::{Failure, Group, KernelError, NextHop, Op, Table, Target};
use twinspan::types::{LinkIndex, Weight};

/// Next hops, groups and routes of one host.
#[derive(Debug, Default)]
pub struct ModelKernel {
    pub table: Table,
    down: HashSet<LinkIndex>,
    /// Operations on routes since the start.
    pub route_operations: usize,
}

impl ModelKernel {
    /// An interface goes up or down: then the kernel drops its next hops, and what hangs on them, without a word.
    pub fn set_link(&mut self, index: LinkIndex, up: bool) {
        if up {
            self.down.remove(&index);
            return;
        }
        self.down.insert(index);
        let table = &mut self.table;
        let dead: Vec<u32> = table.next_hops.values().filter(|hop| hop.link == index).map(|hop| hop.id).collect();
        for id in dead {
            table.next_hops.remove(&id);
            for group in table.groups.values_mut() {
                group.members.retain(|(member, _)| *member != id);
            }
        }
        let empty: Vec<u32> = table.groups.values().filter(|group| group.members.is_empty()).map(|g| g.id).collect();
        for id in empty {
            table.groups.remove(&id);
            table.routes.retain(|_, target| *target != Target::Group(id));
        }
    }

    /// Carries out every operation; tells which were refused.
    pub fn apply(&mut self, ops: &[Op]) -> Vec<Failure> {
        let tried = ops.iter().enumerate();
        tried.filter_map(|(index, op)| self.one(op).err().map(|error| Failure { index, error })).collect()
    }

    fn one(&mut self, op: &Op) -> Result<(), KernelError> {
        let table = &mut self.table;
        match op {
            Op::AddNextHop(hop) if self.down.contains(&hop.link) => {
                return Err(refuse(100, "Carrier for nexthop device is down"));
            }
            Op::AddNextHop(hop) => {
                table.next_hops.insert(hop.id, *hop);
            }
            Op::SetGroup(group) => {
                if group.members.is_empty() || !group.members.iter().all(|(id, _)| table.next_hops.contains_key(id)) {
                    return Err(refuse(KernelError::ENOENT, "Invalid nexthop id"));
                }
                table.groups.insert(group.id, group.clone());
            }
            Op::AddRoute(prefix, target) | Op::ReplaceRoute(prefix, target) => {
                self.route_operations += 1;
                if let Target::Group(id) = target
                    && !table.groups.contains_key(id)
                {
                    return Err(refuse(KernelError::ENOENT, "Nexthop id does not exist"));
                }
                table.routes.insert(*prefix, *target);
            }
            Op::DeleteRoute(prefix) => {
                self.route_operations += 1;
                table.routes.remove(prefix);
            }
            Op::DeleteGroup(id) => {
                table.groups.remove(id);
                table.routes.retain(|_, target| *target != Target::Group(*id));
            }
            Op::DeleteNextHop(id) => {
                table.next_hops.remove(id);
                for group in table.groups.values_mut() {
                    group.members.retain(|(member, _)| member != id);
                }
            }
        }
        Ok(())
    }

    /// The next hops that carry what a prefix leads to.
    pub fn width(&self, prefix: &str) -> usize {
        self.members(prefix).len()
    }

    /// The next hops that the route to that prefix uses, each with its weight; without one that has no bucket and only
    /// keeps the group.
    pub fn members(&self, prefix: &str) -> Vec<(NextHop, Weight)> {
        let Some(Target::Group(id)) = self.table.routes.get(&prefix.parse().unwrap()) else { return Vec::new() };
        let members = self.table.groups.get(id).map(Group::carrying).unwrap_or_default();
        members.iter().filter_map(|(id, weight)| Some((*self.table.next_hops.get(id)?, *weight))).collect()
    }
}

fn refuse(errno: i32, text: &str) -> KernelError {
    KernelError { errno, text: text.to_owned() }
}
