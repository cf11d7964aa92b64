//! A kernel of values: it refuses what dangles, and counts what was done to it.

use twinspan::fib::{Failure, KernelError, Op, Table, Target};

/// Next hops, groups and routes of one host.
#[derive(Debug, Default)]
pub struct ModelKernel {
    pub table: Table,
    /// Operations on routes since the start.
    pub route_operations: usize,
}

impl ModelKernel {
    /// Carries out every operation; tells which were refused.
    pub fn apply(&mut self, ops: &[Op]) -> Vec<Failure> {
        let tried = ops.iter().enumerate();
        tried.filter_map(|(index, op)| self.one(op).err().map(|error| Failure { index, error })).collect()
    }

    fn one(&mut self, op: &Op) -> Result<(), KernelError> {
        let table = &mut self.table;
        match op {
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

    /// The members of the group that a prefix leads to.
    pub fn width(&self, prefix: &str) -> usize {
        let prefix = prefix.parse().unwrap();
        match self.table.routes.get(&prefix) {
            Some(Target::Group(id)) => self.table.groups.get(id).map_or(0, |group| group.members.len()),
            Some(Target::Link(_) | Target::Other) | None => 0,
        }
    }
}

fn refuse(errno: i32, text: &str) -> KernelError {
    KernelError { errno, text: text.to_owned() }
}
