//! `show fib`.

use std::collections::HashMap;

use super::count;
use crate::control::api::{
    ApiError, DifferenceKind, Fib, FibCheck, FibCounters, FibDifference, FibGroup, FibMember, FibNoRoom, FibRoute,
    FibRouteQuery, FibRoutes, InstallState, KernelFault, Reply,
};
use crate::fib;
use crate::fib::{KernelError, RouteState, Target};
use crate::speaker::{Speaker, Surroundings};
use crate::types::{Family, LinkIndex, Name, Prefix, Time, Weight};

impl Speaker {
    pub(super) fn show_fib(&self, around: &dyn Surroundings) -> Fib {
        let hops: HashMap<u32, fib::NextHop> =
            self.fib.hops().into_iter().map(|view| (view.hop.id, view.hop)).collect();
        let groups = self.fib.groups().into_iter().map(|view| {
            let present = view.whole;
            let member = |(id, weight): &(u32, Weight)| {
                let hop = hops.get(id)?;
                Some(FibMember {
                    id: *id,
                    interface: self.links.get(hop.link).map(|link| link.name.clone()),
                    interface_index: hop.link.get(),
                    gateway: hop.gateway,
                    weight: weight.get(),
                    tunnel: self.tunnel_on(hop.link),
                })
            };
            let members: Vec<_> = view.group.members.iter().filter_map(member).collect();
            FibGroup {
                id: view.group.id,
                family: members.first().and_then(|member| hops.get(&member.id)).map_or(Family::Ipv4, |hop| hop.family),
                routes: u64::from(view.routes),
                buckets: view.group.buckets,
                idle_timer_seconds: view.group.idle_timer.as_secs(),
                state: match (present, &view.error) {
                    (true, _) => InstallState::Present,
                    (false, Some(_)) => InstallState::Failed,
                    (false, None) => InstallState::InFlight,
                },
                members,
                backups: view.backups.iter().filter_map(member).collect(),
                on_backups: view.on_backups,
            }
        });
        let settings = &self.config.kernel;
        let totals = self.fib.totals();
        Fib {
            table: settings.table,
            protocol: settings.protocol,
            metric: settings.metric,
            totals: self.fib_totals(),
            settled: self.fib.settled() && !self.fib.is_unsettled(),
            last_fault: self.last_refusal.as_ref().map(|(at, operation, error)| KernelFault {
                at: Some(self.moment(*at)),
                errno: error.errno,
                text: error.text.clone(),
                operation: Some(operation.clone()),
            }),
            groups: groups.collect(),
            counters: FibCounters {
                operations: totals.operations,
                failures: totals.failures,
                repairs: totals.repairs,
                changes_lost: self.audit.lost,
                checks: self.audit.count,
            },
            no_room: self.fib.no_room().map(|full| FibNoRoom {
                since: self.moment(full.since),
                errno: full.error.errno,
                text: full.error.text,
                refused: full.refused,
                routes: count(full.waiting),
                objects: count(full.objects),
                retry: full.retry.map(|at| self.moment(at)),
            }),
            sysctls: around.sysctls(),
            last_check: self.audit.last.as_ref().map(|(at, found)| self.fib_check(*at, found)),
        }
    }

    /// What the last reading of the kernel came to.
    pub(super) fn show_fib_check(&self) -> Result<Reply, ApiError> {
        let Some((at, found)) = &self.audit.last else {
            return Err(ApiError::unavailable("the kernel was not read yet").hint("try again"));
        };
        Ok(Reply::FibCheck(Box::new(self.fib_check(*at, found))))
    }

    fn fib_check(&self, at: Time, found: &fib::Findings) -> FibCheck {
        let difference = |one: &fib::Difference| {
            let (prefix, id) = match one.object {
                fib::Object::Route(prefix) => (Some(prefix), None),
                fib::Object::Id(id) => (None, Some(id)),
            };
            let kind = match one.fault {
                fib::Fault::Missing => DifferenceKind::Missing,
                fib::Fault::Different => DifferenceKind::Different,
                fib::Fault::Unwanted => DifferenceKind::Unwanted,
            };
            let state = prefix.and_then(|prefix| self.fib.route(&prefix)).map(|view| view.state);
            let route = state.and_then(|state| match state {
                RouteState::Failed { error, .. } => Some(fault(&error)),
                _ => None,
            });
            let object = id.and_then(|id| self.fib.trouble(id));
            FibDifference { prefix, id, kind, fault: route.or_else(|| object.as_ref().map(fault)) }
        };
        FibCheck {
            ok: found.is_clean(),
            at: self.moment(at),
            wanted: count(found.wanted),
            present: count(found.present),
            different: count(found.different),
            missing: count(found.missing),
            waiting: count(found.waiting),
            moving: count(found.moving),
            unwanted: count(found.unwanted),
            objects: count(found.objects),
            repaired: count(found.repaired),
            differences: found.named.iter().map(difference).collect(),
        }
    }

    pub(super) fn show_fib_routes(&self, query: &FibRouteQuery) -> FibRoutes {
        let mut routes: Vec<FibRoute> = Vec::new();
        for family in families(query.family, query.after) {
            let room = query.limit.saturating_sub(routes.len());
            let after = query.after.filter(|after| after.family() == family);
            routes.extend(self.fib.page(family, after, room).into_iter().map(|view| self.fib_route(view)));
        }
        let more = count(routes.len()) == count(query.limit) && query.limit > 0;
        let next = routes.last().map(|route| route.prefix).filter(|_| more);
        FibRoutes { totals: self.fib_totals(), routes, next }
    }

    pub(super) fn fib_route(&self, view: fib::RouteView) -> FibRoute {
        let target = view.kernel.or(view.wanted);
        let (group, interface) = match target {
            Some(Target::Group(id)) => (Some(id), None),
            Some(Target::Link(link)) => (None, self.links.get(link).map(|link| link.name.clone())),
            Some(Target::Other) | None => (None, None),
        };
        let (state, fault) = match view.state {
            RouteState::Installed => (InstallState::Present, None),
            RouteState::Pending | RouteState::Waiting | RouteState::Stale => (InstallState::InFlight, None),
            RouteState::Failed { error, .. } => (InstallState::Failed, Some(fault(&error))),
        };
        FibRoute { prefix: view.prefix, group, interface, state, fault }
    }

    fn tunnel_on(&self, link: LinkIndex) -> Option<Name> {
        let name = &self.links.get(link)?.name;
        let tunnels = &self.desired.tunnels;
        tunnels.iter().find(|tunnel| tunnel.interface == *name).map(|tunnel| tunnel.name.clone())
    }
}

/// The families that a page can reach, in order: the asked one, or all from that of `after` on.
pub(super) fn families(asked: Option<Family>, after: Option<Prefix>) -> impl Iterator<Item = Family> {
    Family::ALL.into_iter().filter(move |family| {
        asked.is_none_or(|asked| asked == *family) && after.is_none_or(|after| after.family() <= *family)
    })
}

fn fault(error: &KernelError) -> KernelFault {
    KernelFault { at: None, errno: error.errno, text: error.text.clone(), operation: None }
}
