//! What can be asked of the machine.

use crate::types::Family;
use crate::types::Prefix;
use crate::types::Time;
use crate::types::Weight;

use super::Fib;
use super::Group;
use super::KernelError;
use super::NextHop;
use super::Target;
use super::group::carrying;
use super::group::shares;
use super::objects::Members;
use super::objects::Phase;
use super::objects::object;
use super::routes::Cell;
use super::routes::FAILED;
use super::routes::FLYING;
use super::routes::HELD;
use super::routes::Ref;
use super::routes::To;
use super::routes::UNSURE;

/// How a route stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RouteState {
    /// The kernel holds what is wanted.
    Installed,
    /// An operation is on its way or in line.
    Pending,
    /// Its group cannot be in the kernel now: no link of it is up, or the kernel refused it.
    Waiting,
    /// The kernel refused it.
    Failed {
        /// Why.
        error: KernelError,
        /// How often in a row.
        count: u32,
        /// When it is tried again.
        retry: Time,
    },
    /// Found at the start and not wanted so far; goes with the sweep.
    Stale,
}

/// One route.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RouteView {
    /// Its prefix.
    pub prefix: Prefix,
    /// Where it should lead.
    pub wanted: Option<Target>,
    /// Where the kernel leads it.
    pub kernel: Option<Target>,
    /// How it stands.
    pub state: RouteState,
}

/// One next hop.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HopView {
    /// The object.
    pub hop: NextHop,
    /// True if the kernel holds it.
    pub installed: bool,
    /// Why not, if the kernel refused it.
    pub error: Option<KernelError>,
}

/// One group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GroupView {
    /// The group with the hops that carry while every link is up, and their shares.
    pub group: Group,
    /// The hops that carry while none of those can.
    pub backups: Vec<(u32, Weight)>,
    /// What the kernel holds of it, with shares as it was told them: beside them, that of a keeper is no bucket.
    pub kernel: Option<Group>,
    /// The kernel holds all of its hops that should carry while every link is up, and only them.
    pub whole: bool,
    /// Its backups carry.
    pub on_backups: bool,
    /// Routes that want it.
    pub wanted: u32,
    /// Routes that the kernel has on it.
    pub routes: u32,
    /// Why it is not as wanted, if the kernel refused it.
    pub error: Option<KernelError>,
}

/// Counts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    /// Prefixes that should have a route.
    pub wanted: usize,
    /// Routes of ours that the kernel holds, as far as known.
    pub routes: usize,
    /// Operations with the kernel.
    pub in_flight: usize,
    /// Prefixes in line, an upper bound.
    pub queued: usize,
    /// Routes that the kernel refused and that are tried again later.
    pub failed: usize,
    /// Groups known.
    pub groups: usize,
    /// Next hops known.
    pub next_hops: usize,
    /// Operations done since the start.
    pub operations: u64,
    /// Operations refused since the start.
    pub failures: u64,
    /// What others changed and was put back, since the start.
    pub repairs: u64,
}

impl Fib {
    /// Counts of all that is here.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let on_groups = self.objects.groups.values().filter(|group| !group.vanished).map(|group| group.held as usize);
        Totals {
            wanted: self.wanted,
            routes: on_groups.sum::<usize>() + self.plain,
            in_flight: self.flying.iter().map(|flight| flight.batch.ops.len()).sum(),
            queued: self.queue.len(),
            failed: self.failed.len() + self.waiting_for_room(),
            groups: self.objects.groups.len(),
            next_hops: self.objects.hops.len(),
            operations: self.operations,
            failures: self.failures,
            repairs: self.repairs,
        }
    }

    /// One route, if it is wanted or in the kernel.
    #[must_use]
    pub fn route(&self, prefix: &Prefix) -> Option<RouteView> {
        self.routes.get(prefix).map(|cell| self.route_view(*prefix, cell))
    }

    /// The `limit` smallest prefixes of a family behind `after`: one walk over all routes.
    #[must_use]
    pub fn page(&self, family: Family, after: Option<Prefix>, limit: usize) -> Vec<RouteView> {
        let mut smallest = std::collections::BinaryHeap::with_capacity(limit + 1);
        for (prefix, _) in self.routes.iter(family).filter(|(prefix, _)| after.is_none_or(|after| *prefix > after)) {
            if smallest.len() < limit || smallest.peek().is_some_and(|last| prefix < *last) {
                smallest.push(prefix);
                if smallest.len() > limit {
                    smallest.pop();
                }
            }
        }
        smallest.into_sorted_vec().iter().filter_map(|prefix| self.route(prefix)).collect()
    }

    /// Every group, in the order of ids.
    #[must_use]
    pub fn groups(&self) -> Vec<GroupView> {
        let mut views: Vec<GroupView> = self
            .objects
            .groups
            .iter()
            .map(|(id, group)| {
                let held = group.have.as_ref().filter(|held| !held.members.is_empty());
                let carries = held.map(|held| carrying(&held.members).0).unwrap_or_default();
                let among = |list: &Members| carries.iter().any(|(hop, _)| list.iter().any(|(known, _)| known == hop));
                let primaries = &group.listed.primaries;
                let object = |members: &[_], idle| object(&self.settings, *id, members, group.buckets, idle);
                GroupView {
                    group: object(primaries, self.settings.idle_timer),
                    backups: object(&group.listed.backups, self.settings.idle_timer).members,
                    kernel: held.map(|held| object(&held.members, held.idle)),
                    whole: carries == shares(primaries, None, 0, u16::MAX),
                    on_backups: !among(primaries) && among(&group.listed.backups),
                    wanted: group.wanted,
                    routes: if group.vanished { 0 } else { group.held },
                    error: group.trouble.as_ref().map(|trouble| trouble.error.clone()),
                }
            })
            .collect();
        views.sort_by_key(|view| view.group.id);
        views
    }

    /// Every next hop, in the order of ids.
    #[must_use]
    pub fn hops(&self) -> Vec<HopView> {
        let view = |(id, hop): (&u32, &super::objects::HopState)| HopView {
            hop: hop.object(self.settings.first_id + id),
            installed: matches!(hop.phase, Phase::Present | Phase::Deleting),
            error: hop.trouble.as_ref().map(|trouble| trouble.error.clone()),
        };
        self.objects.hops.iter().map(view).collect()
    }

    /// Why the next hop or group of that id is not as wanted, if the kernel refused it.
    #[must_use]
    pub fn trouble(&self, id: u32) -> Option<KernelError> {
        let offset = id.checked_sub(self.settings.first_id)?;
        let hop = self.objects.hops.get(&offset).and_then(|hop| hop.trouble.as_ref());
        let group = self.objects.groups.get(&offset).and_then(|group| group.trouble.as_ref());
        hop.or(group).map(|trouble| trouble.error.clone())
    }

    /// An operation of a batch that is with the kernel.
    #[must_use]
    pub fn operation(&self, batch: super::BatchId, index: usize) -> Option<&super::Op> {
        self.flying.iter().find(|flight| flight.batch.id == batch)?.batch.ops.get(index)
    }

    /// What the kernel should hold of our objects now, as far as we know: for comparing with a dump.
    #[must_use]
    pub fn mirror(&self) -> super::Table {
        let mut table = super::Table::default();
        table.taken.extend(self.objects.taken.iter().map(|id| self.settings.first_id + id));
        let hops = self.hops().into_iter().filter(|view| view.installed);
        table.next_hops.extend(hops.map(|view| (view.hop.id, view.hop)));
        table.groups.extend(self.groups().into_iter().filter_map(|view| view.kernel.map(|group| (group.id, group))));
        for family in Family::ALL {
            let routes = self.routes.iter(family);
            let held = routes.filter_map(|(prefix, cell)| Some((prefix, self.target(self.effective(cell))?)));
            table.routes.extend(held);
        }
        table
    }

    pub(super) fn target(&self, to: Ref) -> Option<Target> {
        match to.to() {
            To::Nowhere => None,
            To::Group(id) => Some(Target::Group(self.settings.first_id + id)),
            To::Link(slot) => self.links.get(slot).map(Target::Link),
            To::Other => Some(Target::Other),
        }
    }

    fn route_view(&self, prefix: Prefix, cell: &Cell) -> RouteView {
        let have = self.effective(cell);
        let waits = match cell.want.to() {
            To::Group(id) => self.objects.groups.get(&id).is_none_or(|group| !group.is_ready()),
            To::Link(slot) => self.links.get(slot).is_some_and(|link| self.down.contains(&link)),
            To::Nowhere | To::Other => false,
        };
        let state = match self.failed.get(&prefix) {
            Some(trouble) if cell.is(FAILED) => {
                RouteState::Failed { error: trouble.error.clone(), count: trouble.count, retry: trouble.retry }
            }
            _ if cell.is(HELD) => self.no_room().map_or(RouteState::Pending, |full| RouteState::Failed {
                error: full.error,
                count: 1,
                retry: full.retry.unwrap_or(full.since),
            }),
            _ if cell.is(FLYING) => RouteState::Pending,
            _ if waits => RouteState::Waiting,
            _ if cell.want == have && !cell.is(UNSURE) => RouteState::Installed,
            _ if cell.want == Ref::NONE && !self.swept => RouteState::Stale,
            _ => RouteState::Pending,
        };
        RouteView { prefix, wanted: self.target(cell.want), kernel: self.target(have), state }
    }
}
