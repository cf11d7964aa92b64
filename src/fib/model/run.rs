//! The model as a daemon and the world around it have it: what a start finds, batches, and the width of a group.

#![allow(dead_code, reason = "the library's own tests have no daemon")]

use twinspan::fib::Failure;
use twinspan::fib::Group;
use twinspan::fib::Leftovers;
use twinspan::fib::NextHop;
use twinspan::fib::OldRoute;
use twinspan::fib::Op;
use twinspan::fib::Settings;
use twinspan::fib::Table;
use twinspan::fib::Target;
use twinspan::types::Prefix;
use twinspan::types::Weight;

use super::{Model, metric};

impl Model {
    /// What a dump under these settings finds: routes of their table, protocol and metric, objects of their protocol
    /// and range.
    #[must_use]
    pub fn dump(&self, settings: &Settings) -> Table {
        let mut found = Table::default();
        let parts = [(&self.settings, &self.table)].into_iter();
        for (owner, table) in parts.chain(self.others.iter().map(|(owner, table)| (owner, table))) {
            let ids = table.next_hops.keys().chain(table.groups.keys()).chain(&table.taken).copied();
            if owner.protocol != settings.protocol {
                found.taken.extend(ids.filter(|id| settings.owns(*id)));
                continue;
            }
            found.next_hops.extend(table.next_hops.iter().filter(|(id, _)| settings.owns(**id)));
            let groups = table.groups.iter().filter(|(id, _)| settings.owns(**id));
            found.groups.extend(groups.map(|(id, group)| (*id, group.clone())));
            found.taken.extend(table.taken.iter().copied());
            if owner.table == settings.table {
                let same = |prefix: &Prefix| metric(owner, prefix.family()) == metric(settings, prefix.family());
                found.routes.extend(table.routes.iter().filter(|(prefix, _)| same(prefix)));
            }
        }
        found
    }

    /// What a run under these settings finds of runs before it that had others, as `io::Kernel::find` does.
    #[must_use]
    pub fn leftovers(&self, settings: &Settings) -> Leftovers {
        let mut left = Leftovers::default();
        let parts = [(&self.settings, &self.table)].into_iter();
        for (owner, table) in parts.chain(self.others.iter().map(|(owner, table)| (owner, table))) {
            let before = self.former.contains(&owner.protocol) && owner.protocol != settings.protocol;
            if before {
                left.groups.extend(table.groups.keys().filter(|id| settings.owns(**id)));
                left.next_hops.extend(table.next_hops.keys().filter(|id| settings.owns(**id)));
            }
            for (prefix, target) in &table.routes {
                let metric = metric(owner, prefix.family());
                let now = (owner.table, owner.protocol, metric)
                    == (settings.table, settings.protocol, self::metric(settings, prefix.family()));
                let route =
                    OldRoute { prefix: *prefix, table: owner.table, protocol: owner.protocol, metric, target: *target };
                if !now && (before || owner.protocol == settings.protocol) && route.is_like_ours(|id| settings.owns(id))
                {
                    left.routes.push(route);
                }
            }
        }
        left
    }

    /// Goes over to other settings: what was ours under those of before stays where it is.
    pub fn succeed(&mut self, settings: &Settings) {
        let same = (self.settings.table, self.settings.protocol, self.settings.metric)
            == (settings.table, settings.protocol, settings.metric);
        if !same && self.table != Table::default() {
            let old = std::mem::take(&mut self.table);
            if self.settings.protocol != settings.protocol && !self.former.contains(&self.settings.protocol) {
                self.former.push(self.settings.protocol);
            }
            let mut ours = Table::default();
            if self.settings.protocol == settings.protocol {
                // Next hops and groups know no table and no metric.
                (ours.next_hops, ours.groups) = (old.next_hops.clone(), old.groups.clone());
                let routes = Table { routes: old.routes, ..Table::default() };
                self.others.push((self.settings.clone(), routes));
            } else {
                self.others.push((self.settings.clone(), old));
            }
            self.table = ours;
        }
        self.settings = settings.clone();
    }

    /// Carries out every operation of ours, as `io::Kernel` does; tells which were refused.
    pub fn carry_out(&mut self, ops: &[Op]) -> Vec<Failure> {
        let settings = self.settings.clone();
        self.carry_out_as(&settings, ops)
    }

    /// As [`Model::carry_out`], under the settings of anybody.
    pub fn carry_out_as(&mut self, settings: &Settings, ops: &[Op]) -> Vec<Failure> {
        let tried = ops.iter().enumerate();
        tried
            .filter_map(|(index, op)| self.apply_as(settings, op).err().map(|error| Failure { index, error }))
            .collect()
    }

    /// How many ways the group has that a prefix leads to.
    #[must_use]
    pub fn width(&self, prefix: &str) -> usize {
        self.members(prefix).len()
    }

    /// The next hops that carry what the prefix leads to, each with its share: without a keeper.
    #[must_use]
    pub fn members(&self, prefix: &str) -> Vec<(NextHop, Weight)> {
        let prefix = prefix.parse().expect("a test knows how a prefix is written");
        let Some(Target::Group(id)) = self.table.routes.get(&prefix) else { return Vec::new() };
        let members = self.table.groups.get(id).map(Group::carrying).unwrap_or_default();
        members.iter().filter_map(|(id, weight)| Some((*self.table.next_hops.get(id)?, *weight))).collect()
    }
}
