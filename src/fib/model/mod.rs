//! A kernel of values, for tests: next hops, groups and routes under the rules of Linux, with its refusals and with
//! what it does by itself.
//!
//! It has one implementation for the machine's own tests and for the simulator, and is itself held against the
//! running kernel by `tests/kernel/differential.rs`.

mod run;
mod tamper;

use std::collections::BTreeSet;

use twinspan::fib::Group;
use twinspan::fib::KernelError;
use twinspan::fib::NextHop;
use twinspan::fib::Op;
use twinspan::fib::Settings;
use twinspan::fib::Table;
use twinspan::fib::Target;
use twinspan::types::Family;
use twinspan::types::LinkIndex;
use twinspan::types::Prefix;

const EINVAL: i32 = 22;
const ENODEV: i32 = 19;
const ENETDOWN: i32 = 100;
const ENOMEM: i32 = 12;
const ENOBUFS: i32 = 105;

const V4_FOR_V6: &str = "IPv6 routes can not use an IPv4 nexthop";

/// Everything that a kernel holds. What is not in `table` is somebody else's.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Whose `table` is.
    pub settings: Settings,
    /// Next hops and groups of our protocol, and our routes.
    pub table: Table,
    /// What others hold: another protocol, another table or another metric.
    pub others: Vec<(Settings, Table)>,
    /// Prefixes with somebody else's route under our table and metric, which leads somewhere that never goes.
    pub foreign: BTreeSet<Prefix>,
    /// Links that are up and have a carrier.
    pub up: BTreeSet<LinkIndex>,
    /// Links that are up without a carrier.
    pub dark: BTreeSet<LinkIndex>,
    /// Links that are set down. One that is in none of the three does not exist.
    pub down: BTreeSet<LinkIndex>,
    /// How often something was asked of it, or happened to it.
    pub changes: u64,
    /// The protocol numbers of runs before this one, whose routes are replaced as our own.
    pub former: Vec<u8>,
    /// So many routes it has room for, whoever they are of; `None` for as many as there are.
    pub room: Option<usize>,
    /// So many next hops and groups it has memory for.
    pub memory: Option<usize>,
    /// Next hops and groups of ours that others changed, and that we did not set again since.
    pub touched: BTreeSet<u32>,
    /// What the real kernel does if it is asked, and we must never ask for.
    pub harm: Vec<String>,
    /// Operations on routes of ours so far, and only those that were carried out.
    pub route_writes: usize,
    /// Operations on routes of ours that were asked for.
    pub route_operations: usize,
}

fn refuse(errno: i32, text: &str) -> KernelError {
    KernelError { errno, text: text.to_owned() }
}

/// The metric that the kernel stores: IPv6 has none below 1.
fn metric(settings: &Settings, family: Family) -> u32 {
    if family == Family::Ipv6 && settings.metric == 0 { 1024 } else { settings.metric }
}

/// Who holds a route of some prefix.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Owner {
    Ours,
    /// By its place in `others`.
    Other(usize),
    /// In `foreign`.
    Foreign,
}

impl Model {
    // ---- what there is ------------------------------------------------------------------------------------------

    fn tables(&self) -> impl Iterator<Item = &Table> {
        [&self.table].into_iter().chain(self.others.iter().map(|(_, table)| table))
    }

    fn tables_mut(&mut self) -> impl Iterator<Item = &mut Table> {
        [&mut self.table].into_iter().chain(self.others.iter_mut().map(|(_, table)| table))
    }

    fn hop(&self, id: u32) -> Option<&NextHop> {
        self.tables().find_map(|table| table.next_hops.get(&id))
    }

    fn group(&self, id: u32) -> Option<&Group> {
        self.tables().find_map(|table| table.groups.get(&id))
    }

    /// Adds a link that is up, or puts one up with a carrier. Nothing comes back by itself.
    #[allow(dead_code, reason = "the library's own tests set links at the start")]
    pub fn link_up(&mut self, link: LinkIndex) {
        self.changes += 1;
        self.forget_link(link);
        self.up.insert(link);
    }

    /// True if there is such a link, up or not.
    #[must_use]
    #[allow(dead_code, reason = "the library's own tests set links at the start")]
    pub fn exists(&self, link: LinkIndex) -> bool {
        [&self.up, &self.dark, &self.down].iter().any(|links| links.contains(&link))
    }

    fn forget_link(&mut self, link: LinkIndex) {
        self.up.remove(&link);
        self.dark.remove(&link);
        self.down.remove(&link);
    }

    /// Who holds the route of the prefix in the table and under the metric of these settings.
    fn occupant(&self, settings: &Settings, prefix: &Prefix) -> Option<Owner> {
        let same = |other: &Settings| {
            other.table == settings.table && metric(other, prefix.family()) == metric(settings, prefix.family())
        };
        if same(&self.settings) && self.table.routes.contains_key(prefix) {
            return Some(Owner::Ours);
        }
        if same(&self.settings) && self.foreign.contains(prefix) {
            return Some(Owner::Foreign);
        }
        let other = self.others.iter().position(|(other, table)| same(other) && table.routes.contains_key(prefix));
        other.map(Owner::Other)
    }

    fn is_ours(&self, settings: &Settings) -> bool {
        let Settings { table, protocol, metric, .. } = self.settings;
        (table, protocol, metric) == (settings.table, settings.protocol, settings.metric)
    }

    /// What is held under these settings, made if there is none.
    fn part(&mut self, settings: &Settings) -> &mut Table {
        if self.is_ours(settings) {
            return &mut self.table;
        }
        let same = |other: &Settings| {
            (other.table, other.protocol, other.metric) == (settings.table, settings.protocol, settings.metric)
        };
        let known = self.others.iter().position(|(other, _)| same(other));
        let at = known.unwrap_or_else(|| {
            self.others.push((settings.clone(), Table::default()));
            self.others.len() - 1
        });
        &mut self.others[at].1
    }

    // ---- what it is asked for -----------------------------------------------------------------------------------

    /// One operation of ours; repeating is allowed, as `io::Kernel` makes it.
    pub fn apply(&mut self, op: &Op) -> Result<(), KernelError> {
        let settings = self.settings.clone();
        self.apply_as(&settings, op)
    }

    /// One operation under the settings of anybody.
    pub fn apply_as(&mut self, settings: &Settings, op: &Op) -> Result<(), KernelError> {
        self.changes += 1;
        let on_route = matches!(op, Op::AddRoute(..) | Op::ReplaceRoute(..) | Op::DeleteRoute(_));
        let ours = on_route && self.is_ours(settings);
        self.route_operations += usize::from(ours);
        match op {
            Op::AddNextHop(hop) => self.set_hop(settings, hop)?,
            Op::SetGroup(group) => self.set_group(settings, group)?,
            Op::AddRoute(prefix, target) => self.set_route(settings, prefix, *target, false)?,
            Op::ReplaceRoute(prefix, target) => self.set_route(settings, prefix, *target, true)?,
            Op::DeleteRoute(prefix) => self.delete_route(settings, prefix),
            Op::DeleteOld(route) => {
                let (table, protocol, metric) = (route.table, route.protocol, route.metric);
                self.delete_route(&Settings { table, protocol, metric, ..settings.clone() }, &route.prefix);
            }
            Op::DeleteGroup(id) => self.remove(*id),
            Op::DeleteNextHop(id) => {
                // One that a group has beside others only leaves it: that is asked for where news of its link came late. And
                // what others did may not be known yet.
                let alone = |group: &Group| {
                    !group.members.is_empty()
                        && group.members.iter().all(|(member, _)| member == id)
                        && !self.touched.contains(&group.id)
                };
                let emptied = self.tables().flat_map(|table| table.groups.values()).any(alone);
                if emptied && !self.touched.contains(id) && self.is_ours(settings) {
                    self.harm.push(format!("next hop {id} was deleted while a group had no other"));
                }
                self.remove(*id);
            }
        }
        self.route_writes += usize::from(ours && !matches!(op, Op::DeleteRoute(_)));
        Ok(())
    }

    /// As [`Model::apply`], and refuses to add what is there or to replace or delete what is not.
    pub fn apply_strictly(&mut self, op: &Op) -> Result<(), String> {
        let table = &self.table;
        let fits = match op {
            Op::AddNextHop(hop) => !table.next_hops.contains_key(&hop.id),
            Op::SetGroup(_) => true,
            Op::AddRoute(prefix, _) => !table.routes.contains_key(prefix),
            Op::ReplaceRoute(prefix, _) | Op::DeleteRoute(prefix) => table.routes.contains_key(prefix),
            Op::DeleteOld(_) => true,
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

    fn set_hop(&mut self, settings: &Settings, hop: &NextHop) -> Result<(), KernelError> {
        if hop.gateway.is_some_and(|gateway| Family::of(gateway) != hop.family) {
            return Err(refuse(EINVAL, "Invalid gateway"));
        }
        if !self.up.contains(&hop.link) {
            return Err(match (self.down.contains(&hop.link), self.dark.contains(&hop.link)) {
                (true, _) => refuse(ENETDOWN, "Nexthop device is not up"),
                (false, true) => refuse(ENETDOWN, "Carrier for nexthop device is down"),
                (false, false) => refuse(EINVAL, "Invalid device index"),
            });
        }
        if hop.family == Family::Ipv4 {
            let users = self.tables().flat_map(|table| table.groups.values());
            let users = users.filter(|group| group.members.iter().any(|(member, _)| *member == hop.id));
            let ids: BTreeSet<u32> = users.map(|group| group.id).chain([hop.id]).collect();
            if self.leads_ipv6(&ids) {
                return Err(refuse(EINVAL, V4_FOR_V6));
            }
        }
        if self.group(hop.id).is_some() {
            return Err(refuse(EINVAL, "Can not replace a nexthop group with a nexthop"));
        }
        self.has_memory(hop.id)?;
        self.take_id(hop.id);
        self.part(settings).next_hops.insert(hop.id, *hop);
        self.touched.remove(&hop.id);
        Ok(())
    }

    fn set_group(&mut self, settings: &Settings, group: &Group) -> Result<(), KernelError> {
        let ids: Vec<u32> = group.members.iter().map(|(id, _)| *id).collect();
        if ids.is_empty() {
            return Err(refuse(EINVAL, "Invalid length for nexthop group attribute"));
        }
        if ids.iter().collect::<BTreeSet<_>>().len() < ids.len() {
            return Err(refuse(EINVAL, "Nexthop id can not be used twice in a group"));
        }
        for id in &ids {
            if self.group(*id).is_some() {
                return Err(refuse(EINVAL, "Resilient group can not be a nexthop within a group"));
            }
            if self.hop(*id).is_none() {
                return Err(refuse(EINVAL, "Invalid nexthop id"));
            }
        }
        if group.buckets == 0 {
            return Err(refuse(EINVAL, "Number of buckets needs to be non-0"));
        }
        if self.has_ipv4(&ids) && self.leads_ipv6(&BTreeSet::from([group.id])) {
            return Err(refuse(EINVAL, V4_FOR_V6));
        }
        if self.hop(group.id).is_some() {
            return Err(refuse(EINVAL, "Can not replace a nexthop with a nexthop group"));
        }
        if self.group(group.id).is_some_and(|now| now.buckets != group.buckets) {
            return Err(refuse(EINVAL, "Can not change number of buckets of a resilient nexthop group"));
        }
        self.has_memory(group.id)?;
        self.touched.remove(&group.id);
        // One that is there stays its maker's, whoever changes it; a next hop becomes the property of who changes it.
        if let Some(now) = self.tables_mut().find_map(|table| table.groups.get_mut(&group.id)) {
            now.clone_from(group);
            return Ok(());
        }
        self.part(settings).groups.insert(group.id, group.clone());
        Ok(())
    }

    fn has_memory(&self, id: u32) -> Result<(), KernelError> {
        let used: usize = self.tables().map(|table| table.next_hops.len() + table.groups.len()).sum();
        let new = self.hop(id).is_none() && self.group(id).is_none();
        if new && self.memory.is_some_and(|memory| used >= memory) {
            return Err(refuse(ENOMEM, "Cannot allocate memory"));
        }
        Ok(())
    }

    fn has_ipv4(&self, ids: &[u32]) -> bool {
        ids.iter().any(|id| self.hop(*id).is_some_and(|hop| hop.family == Family::Ipv4))
    }

    /// True if an IPv6 route is on one of these ids.
    fn leads_ipv6(&self, ids: &BTreeSet<u32>) -> bool {
        let mut routes = self.tables().flat_map(|table| &table.routes);
        routes.any(|(prefix, target)| match target {
            Target::Group(id) => prefix.family() == Family::Ipv6 && ids.contains(id),
            Target::Link(_) | Target::Other => false,
        })
    }

    /// Takes an object out of wherever it is, without what hangs on it.
    fn take_id(&mut self, id: u32) {
        for table in self.tables_mut() {
            table.next_hops.remove(&id);
            table.groups.remove(&id);
        }
    }

    fn leads_somewhere(&self, prefix: &Prefix, target: Target) -> Result<(), KernelError> {
        match target {
            Target::Group(id) => {
                let members = match (self.group(id), self.hop(id)) {
                    (Some(group), _) => group.members.iter().map(|(id, _)| *id).collect(),
                    (None, Some(hop)) => vec![hop.id],
                    (None, None) => return Err(refuse(EINVAL, "Nexthop id does not exist")),
                };
                if prefix.family() == Family::Ipv6 && self.has_ipv4(&members) {
                    return Err(refuse(EINVAL, V4_FOR_V6));
                }
                Ok(())
            }
            Target::Link(link) if self.up.contains(&link) || self.dark.contains(&link) => Ok(()),
            Target::Link(link) if self.down.contains(&link) => Err(match prefix.family() {
                Family::Ipv4 => refuse(ENETDOWN, "Device for nexthop is not up"),
                Family::Ipv6 => refuse(ENETDOWN, "Nexthop device is not up"),
            }),
            Target::Link(_) => Err(refuse(ENODEV, "No such device")),
            Target::Other => Err(refuse(EINVAL, "No such target")),
        }
    }

    fn set_route(
        &mut self,
        settings: &Settings,
        prefix: &Prefix,
        target: Target,
        replace: bool,
    ) -> Result<(), KernelError> {
        self.leads_somewhere(prefix, target)?;
        let routes = self.tables().map(|table| table.routes.len()).sum::<usize>() + self.foreign.len();
        if self.room.is_some_and(|room| routes >= room) && self.occupant(settings, prefix).is_none() {
            return Err(refuse(ENOBUFS, "No buffer space available"));
        }
        let former = if self.is_ours(settings) { self.former.clone() } else { Vec::new() };
        let protocol = |other: &Settings| other.protocol == settings.protocol || former.contains(&other.protocol);
        let stranger = match self.occupant(settings, prefix) {
            None => false,
            Some(Owner::Ours) => !protocol(&self.settings),
            Some(Owner::Other(at)) => !protocol(&self.others[at].0),
            Some(Owner::Foreign) => true,
        };
        if stranger && self.is_ours(settings) && replace {
            self.harm.push(format!("{prefix} of somebody else was replaced"));
        }
        if stranger && !replace {
            return Err(refuse(KernelError::EEXIST, "another program's route is in the way"));
        }
        self.evict(settings, prefix);
        self.part(settings).routes.insert(*prefix, target);
        Ok(())
    }

    /// Takes out the route that another of the same prefix takes the place of.
    fn evict(&mut self, settings: &Settings, prefix: &Prefix) {
        match self.occupant(settings, prefix) {
            None => {}
            Some(Owner::Ours) => drop(self.table.routes.remove(prefix)),
            Some(Owner::Other(at)) => drop(self.others[at].1.routes.remove(prefix)),
            Some(Owner::Foreign) => drop(self.foreign.remove(prefix)),
        }
    }

    fn delete_route(&mut self, settings: &Settings, prefix: &Prefix) {
        let parts = [(&self.settings, &mut self.table)].into_iter();
        let parts = parts.chain(self.others.iter_mut().map(|(owner, table)| (&*owner, table)));
        let any = settings.metric == 0 && prefix.family() == Family::Ipv4;
        let fits = |owner: &Settings| {
            let same = any || metric(owner, prefix.family()) == metric(settings, prefix.family());
            (owner.table, owner.protocol) == (settings.table, settings.protocol) && same
        };
        let found = parts.filter(|(owner, table)| fits(owner) && table.routes.contains_key(prefix));
        if let Some((_, table)) = found.min_by_key(|(owner, _)| metric(owner, prefix.family())) {
            table.routes.remove(prefix);
        }
    }

    /// Deletes a next hop or a group, whoever made it: groups shrink, empty ones go, and routes with them.
    pub fn remove(&mut self, id: u32) {
        self.take_id(id);
        let mut gone = BTreeSet::from([id]);
        for table in self.tables_mut() {
            table.groups.retain(|group_id, group| {
                group.members.retain(|(member, _)| *member != id);
                if group.members.is_empty() {
                    gone.insert(*group_id);
                }
                !group.members.is_empty()
            });
        }
        for table in self.tables_mut() {
            table.routes.retain(|_, target| !matches!(target, Target::Group(id) if gone.contains(id)));
        }
    }

    // ---- what it does by itself ---------------------------------------------------------------------------------

    /// The link has lost its carrier, or `admin`: is set down, which takes its plain routes too. Says nothing.
    pub fn link_down(&mut self, link: LinkIndex, admin: bool) {
        self.changes += 1;
        self.forget_link(link);
        if admin {
            self.down.insert(link)
        } else {
            self.dark.insert(link)
        };
        self.drop_on(link, admin);
    }

    /// The link is deleted.
    #[allow(dead_code, reason = "the library's own tests set links at the start")]
    pub fn link_gone(&mut self, link: LinkIndex) {
        self.changes += 1;
        self.forget_link(link);
        self.drop_on(link, true);
    }

    fn drop_on(&mut self, link: LinkIndex, plain: bool) {
        let on_link = self.tables().flat_map(|table| table.next_hops.values()).filter(|hop| hop.link == link);
        for id in on_link.map(|hop| hop.id).collect::<Vec<_>>() {
            self.remove(id);
        }
        if plain {
            for table in self.tables_mut() {
                table.routes.retain(|_, target| *target != Target::Link(link));
            }
        }
    }
}
