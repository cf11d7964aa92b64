//! A kernel for tests: it keeps the real one's rules, and refuses what the real one would punish.

use std::collections::{BTreeMap, BTreeSet};

use crate::types::LinkIndex;
use crate::types::Prefix;

use super::Change;
use super::Group;
use super::KernelError;
use super::NextHop;
use super::Op;
use super::Table;
use super::Target;

/// The tables of a kernel, its links that are up, and somebody else's routes.
#[derive(Clone, Default)]
pub(super) struct Model {
    pub(super) table: Table,
    pub(super) up: BTreeSet<LinkIndex>,
    pub(super) foreign: BTreeSet<Prefix>,
    /// What the real kernel would do and we must never ask for.
    pub(super) harm: Vec<String>,
    pub(super) route_writes: usize,
}

fn refuse(errno: i32, text: &str) -> Result<(), KernelError> {
    Err(KernelError { errno, text: text.to_owned() })
}

impl Model {
    fn leads_somewhere(&self, target: Target) -> Result<(), KernelError> {
        match target {
            Target::Group(id) if self.table.groups.contains_key(&id) => Ok(()),
            Target::Group(_) => refuse(22, "Nexthop id does not exist"),
            Target::Link(link) if self.up.contains(&link) => Ok(()),
            Target::Link(_) => refuse(100, "Network is down"),
            Target::Other => refuse(22, "No such target"),
        }
    }

    /// As the kernel does it; repeating is allowed, as `io::Kernel` makes it.
    pub(super) fn apply(&mut self, op: &Op) -> Result<(), KernelError> {
        match op {
            Op::AddNextHop(hop) => {
                if !self.up.contains(&hop.link) {
                    return refuse(100, "Carrier for nexthop device is down");
                }
                self.table.next_hops.insert(hop.id, *hop);
            }
            Op::SetGroup(group) => {
                if group.members.is_empty()
                    || group.members.iter().any(|(id, _)| !self.table.next_hops.contains_key(id))
                {
                    return refuse(22, "Invalid nexthop id");
                }
                if self.table.groups.get(&group.id).is_some_and(|now| now.buckets != group.buckets) {
                    return refuse(22, "Can not change number of buckets of a resilient nexthop group");
                }
                self.table.groups.insert(group.id, group.clone());
            }
            Op::AddRoute(prefix, target) | Op::ReplaceRoute(prefix, target) => {
                self.leads_somewhere(*target)?;
                if self.foreign.contains(prefix) {
                    if matches!(op, Op::ReplaceRoute(..)) {
                        self.harm.push(format!("{prefix} of somebody else was replaced"));
                    }
                    return refuse(17, "File exists");
                }
                self.table.routes.insert(*prefix, *target);
                self.route_writes += 1;
            }
            Op::DeleteRoute(prefix) => drop(self.table.routes.remove(prefix)),
            Op::DeleteGroup(id) => {
                self.table.routes.retain(|_, target| *target != Target::Group(*id)); // they go with it
                self.table.groups.remove(id);
            }
            Op::DeleteNextHop(id) => {
                if self.table.groups.values().any(|group| group.members.iter().any(|(member, _)| member == id)) {
                    self.harm.push(format!("next hop {id} was deleted while a group had it"));
                }
                self.table.next_hops.remove(id);
            }
        }
        Ok(())
    }

    /// As [`Model::apply`], and refuses to add what is there or to replace or delete what is not.
    pub(super) fn apply_strictly(&mut self, op: &Op) -> Result<(), String> {
        let table = &self.table;
        let fits = match op {
            Op::AddNextHop(hop) => !table.next_hops.contains_key(&hop.id),
            Op::SetGroup(_) => true,
            Op::AddRoute(prefix, _) => !table.routes.contains_key(prefix),
            Op::ReplaceRoute(prefix, _) | Op::DeleteRoute(prefix) => table.routes.contains_key(prefix),
            Op::DeleteGroup(id) => {
                let used = table.routes.values().any(|target| *target == Target::Group(*id));
                table.groups.contains_key(id) && !used
            }
            Op::DeleteNextHop(id) => table.next_hops.contains_key(id),
        };
        if !fits {
            return Err(format!("{op:?} is out of place"));
        }
        self.apply(op).map_err(|error| format!("{op:?}: {error}"))?;
        self.harm.first().map_or(Ok(()), |harm| Err(harm.clone()))
    }

    /// What another program may do, and what the kernel tells of it. `which` picks among what there is.
    pub(super) fn tamper(&mut self, kind: u8, which: usize) -> Vec<Change> {
        fn pick<K: Copy, V>(map: &BTreeMap<K, V>, which: usize) -> Option<K> {
            map.keys().nth(which % map.len().max(1)).copied()
        }
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
        told
    }

    /// What the kernel does by itself when a link goes; `admin` takes plain routes too.
    pub(super) fn link_down(&mut self, link: LinkIndex, admin: bool) {
        self.up.remove(&link);
        let Table { next_hops, groups, routes, .. } = &mut self.table;
        next_hops.retain(|_, hop| hop.link != link);
        groups.retain(|_, group| {
            group.members.retain(|(id, _)| next_hops.contains_key(id));
            !group.members.is_empty()
        });
        routes.retain(|_, target| match target {
            Target::Group(id) => groups.contains_key(id),
            Target::Link(on) => !(admin && *on == link),
            Target::Other => true,
        });
    }
}
