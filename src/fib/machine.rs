//! The machine that keeps the kernel's routes as wanted, a batch at a time.
//!
//! Cost is by what changes: a lost tunnel is a few groups, whatever the number of routes on them.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::Arc,
    time::Duration,
};

use super::hash::{HashMap, HashSet};

use crate::types::Hop;
use crate::types::LinkIndex;
use crate::types::Prefix;
use crate::types::Time;

use super::Bar;
use super::Batch;
use super::BatchId;
use super::Failure;
use super::GroupKey;
use super::KernelError;
use super::Lane;
use super::Op;
use super::Settings;
use super::audit::Audit;
use super::objects::Objects;
use super::objects::Trouble;
use super::past::Past;
use super::place::Unsettled;
use super::room::Full;
use super::routes::Cell;
use super::routes::FAILED;
use super::routes::FLYING;
use super::routes::Queue;
use super::routes::Ref;
use super::routes::Routes;
use super::routes::To;

/// Operations on routes in a batch: some milliseconds of the kernel's time.
const BATCH: usize = 2_000;
/// Operations on groups and next hops in a batch, about.
pub(super) const OBJECTS: usize = 256;
/// Batches of routes with the kernel at once.
const IN_FLIGHT: usize = 2;
/// Batches of groups and next hops with the kernel at once. A group has one operation under way at most.
const OBJECTS_IN_FLIGHT: usize = 8;
/// Prefixes looked at for a batch, of which many may have to wait for their group.
const LOOK: usize = 4 * BATCH;
/// The waits between tries grow from the first to the last.
const FIRST_RETRY: Duration = Duration::from_secs(1);
pub(super) const LAST_RETRY: Duration = Duration::from_secs(60);

/// Interfaces that plain routes use, by slot: there are few, and a cell has little room.
#[derive(Default)]
pub(super) struct Links(Vec<LinkIndex>);

impl Links {
    pub(super) fn slot(&mut self, link: LinkIndex) -> Ref {
        let known = self.0.iter().position(|known| *known == link);
        let slot = known.unwrap_or_else(|| {
            self.0.push(link);
            self.0.len() - 1
        });
        u32::try_from(slot).map_or(Ref::OTHER, Ref::link)
    }

    /// `OTHER` for a link that no route was ever on.
    pub(super) fn known(&self, link: LinkIndex) -> Ref {
        let slot = self.0.iter().position(|known| *known == link);
        slot.and_then(|slot| u32::try_from(slot).ok()).map_or(Ref::OTHER, Ref::link)
    }

    pub(super) fn get(&self, slot: u32) -> Option<LinkIndex> {
        self.0.get(slot as usize).copied()
    }
}

/// A host route of ours, and what else is wanted for its prefix.
struct Pin {
    link: LinkIndex,
    beneath: Ref,
}

/// What a moment for another try is for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Retry {
    Hop(u32),
    Group(u32),
    Route(Prefix),
    /// Some of what the kernel has no room for.
    Room,
    /// What an earlier run left under other settings.
    Past,
}

/// A batch with the kernel, and how many link events there had been when it was made.
pub(super) struct Flight {
    pub(super) batch: Batch,
    events: u64,
}

/// The incremental machine: wanted routes in, batches out, results in. See the module for what it promises.
pub struct Fib {
    pub(super) settings: Settings,
    pub(super) objects: Objects,
    pub(super) routes: Routes,
    pub(super) links: Links,
    pub(super) queue: Queue,
    pins: HashMap<Prefix, Pin>,
    pub(super) down: HashSet<LinkIndex>,
    /// Hops that carry nothing although their link is up.
    pub(super) bars: BTreeSet<Bar>,
    pub(super) unsettled: Unsettled,
    /// When a link last lost what was on it, on the count of events.
    pub(super) dropped: HashMap<LinkIndex, u64>,
    /// Link events so far: an operation that was on its way during one is judged with care.
    pub(super) events: u64,
    pub(super) flying: Vec<Flight>,
    batches: u64,
    pub(super) failed: BTreeMap<Prefix, Trouble>,
    pub(super) retries: BTreeSet<(Time, Retry)>,
    /// Hops were lost, and the groups that have them are not set yet.
    pub(super) lost: bool,
    /// False between adopting and sweeping.
    pub(super) swept: bool,
    pub(super) wanted: usize,
    /// Routes in the kernel that are on no group.
    pub(super) plain: usize,
    pub(super) operations: u64,
    pub(super) failures: u64,
    pub(super) repairs: u64,
    pub(super) audit: Option<Audit>,
    /// The kernel has no room for more.
    pub(super) full: Option<Full>,
    /// What an earlier run left under other settings.
    pub(super) past: Option<Past>,
}

impl Fib {
    /// Wants nothing and believes the kernel empty; [`Fib::adopt`] tells it better.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            objects: Objects::default(),
            routes: Routes::default(),
            links: Links::default(),
            queue: Queue::default(),
            pins: HashMap::default(),
            down: HashSet::default(),
            bars: BTreeSet::new(),
            unsettled: Unsettled::default(),
            dropped: HashMap::default(),
            events: 0,
            flying: Vec::new(),
            batches: 0,
            failed: BTreeMap::new(),
            retries: BTreeSet::new(),
            lost: false,
            swept: true,
            wanted: 0,
            plain: 0,
            operations: 0,
            failures: 0,
            repairs: 0,
            audit: None,
            full: None,
            past: None,
        }
    }

    /// The settings that it was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Changes what can be changed on routes that are there: the idle timer of every group at once, the buckets of groups
    /// that are made from now on, and how many hops [`Fib::want`] takes. Table, protocol, metric and ids stay.
    pub fn set(&mut self, settings: &Settings) {
        let Settings { buckets, idle_timer, max_paths, table: _, protocol: _, metric: _, first_id: _, max_weight: _ } =
            *settings;
        if idle_timer != self.settings.idle_timer {
            self.objects.dirty_groups.extend(self.objects.groups.keys().copied());
        }
        self.settings = Settings { buckets, idle_timer, max_paths, ..self.settings.clone() };
    }

    /// The largest share that the kernel takes, before anything is wanted: see [`Settings::max_weight`].
    pub fn set_max_weight(&mut self, most: u16) {
        self.settings.max_weight = most;
    }

    /// The prefix shall lead over these hops, and over the backups while none of them can carry; over none at all: it
    /// shall have no route. A host route of the same prefix ([`Fib::want_link`]) comes first.
    pub fn want(&mut self, prefix: Prefix, hops: &[Hop], backups: &[Hop]) {
        let key = GroupKey::new(prefix.family(), hops, backups, self.settings.max_paths);
        let key = key.map_or(Ref::NONE, |key| Ref::group(self.objects.keys.id(key)));
        if let Some(pin) = self.pins.get_mut(&prefix) {
            let old = mem::replace(&mut pin.beneath, key);
            self.count_beneath(key, true);
            self.count_beneath(old, false);
        } else {
            self.place(prefix, key);
        }
    }

    /// The prefix shall have no route, unless it is a host route.
    pub fn unwant(&mut self, prefix: &Prefix) {
        self.want(*prefix, &[], &[]);
    }

    /// A host route straight out of an interface. It stands before whatever [`Fib::want`] says of the prefix, since
    /// the session that taught us the rest runs over it.
    pub fn want_link(&mut self, prefix: Prefix, link: LinkIndex) {
        let to = self.links.slot(link);
        match self.pins.get_mut(&prefix) {
            Some(pin) => pin.link = link,
            None => {
                let beneath = self.routes.get(&prefix).map_or(Ref::NONE, |cell| cell.key);
                self.count_beneath(beneath, true);
                self.pins.insert(prefix, Pin { link, beneath });
            }
        }
        self.assign(prefix, Ref::NONE, to);
    }

    /// No host route any more; what [`Fib::want`] said holds again.
    pub fn unwant_link(&mut self, prefix: &Prefix) {
        if let Some(pin) = self.pins.remove(prefix) {
            self.place(*prefix, pin.beneath);
            self.count_beneath(pin.beneath, false);
        }
    }

    /// Wants nothing any more: the next batches take every route of ours out of the kernel, then groups and next hops.
    pub fn clear(&mut self) {
        for (_, pin) in mem::take(&mut self.pins) {
            self.count_beneath(pin.beneath, false);
        }
        let mut wanted = Vec::new();
        self.routes.change_all(|prefix, cell| {
            if cell.want != Ref::NONE {
                wanted.push(prefix);
            }
        });
        for prefix in wanted {
            self.assign(prefix, Ref::NONE, Ref::NONE);
        }
        self.sweep();
    }

    /// From now on the kernel follows: what it has of ours and is not wanted goes, what leads elsewhere than wanted is
    /// led there. Since [`Fib::adopt`], only routes that it lacked were added.
    pub fn sweep(&mut self) {
        self.swept = true;
        self.keep_no_more();
        self.unsettled.forget();
        let mixed = self.objects.groups.iter().filter(|(_, group)| !group.wants.is_empty());
        self.unsettled.groups.extend(mixed.map(|(id, _)| *id));
        self.settle();
        let Self { routes, queue, objects, .. } = self;
        routes.change_all(|prefix, cell| {
            if cell.want != cell.have && !cell.is(FLYING) {
                queue.push(&prefix);
            }
        });
        let unused = objects.groups.iter().filter(|(_, group)| !group.is_used()).map(|(id, _)| *id);
        objects.dirty_groups.extend(unused);
        let unused = objects.hops.iter().filter(|(_, hop)| hop.users.is_empty()).map(|(id, _)| *id);
        objects.dirty_hops.extend(unused);
    }

    /// The next operations for the kernel, if there are any and not too many are with it already. Groups and next hops
    /// come before routes, and never wait for them. Batches of a [`Lane`] are to be carried out in the order in which
    /// they were given.
    pub fn next_batch(&mut self, now: Time) -> Option<Batch> {
        if let Some(batch) = self.next_objects(now) {
            return Some(batch);
        }
        if self.with_kernel(Lane::Routes) >= IN_FLIGHT {
            return None;
        }
        self.use_room(now);
        let mut ops = Vec::new();
        let mut looked_at = 0;
        while ops.len() < BATCH
            && (looked_at < LOOK || (ops.is_empty() && self.flying.is_empty()))
            && let Some(prefix) = self.queue.pop()
        {
            ops.extend(self.route_op(&prefix));
            looked_at += 1;
        }
        if ops.is_empty() {
            // Groups whose last route turned out to be gone.
            return self.next_objects(now).or_else(|| self.past_batch(now));
        }
        Some(self.fly(Lane::Routes, ops))
    }

    /// As [`Fib::next_batch`], for groups and next hops alone.
    pub fn next_objects(&mut self, now: Time) -> Option<Batch> {
        self.tick(now);
        if self.with_kernel(Lane::Objects) >= OBJECTS_IN_FLIGHT {
            return None;
        }
        if self.queue.is_empty() && self.flying.is_empty() {
            self.grow_all();
        }
        let mut ops = Vec::new();
        self.object_ops(now, &mut ops);
        while ops.is_empty() && self.objects.is_dirty() {
            self.object_ops(now, &mut ops); // a group that is forgotten without an operation leaves next hops behind
        }
        (!ops.is_empty()).then(|| self.fly(Lane::Objects, ops))
    }

    pub(super) fn with_kernel(&self, lane: Lane) -> usize {
        self.flying.iter().filter(|flight| flight.batch.lane == lane).count()
    }

    pub(super) fn routes_fly(&self) -> bool {
        self.with_kernel(Lane::Routes) > 0
    }

    pub(super) fn fly(&mut self, lane: Lane, ops: Vec<Op>) -> Batch {
        self.audit_moves(&ops);
        self.batches += 1;
        let batch = Batch { id: BatchId(self.batches), lane, ops: Arc::from(ops) };
        self.flying.push(Flight { batch: batch.clone(), events: self.events });
        batch
    }

    /// What became of a batch: every operation without a failure was carried out. An unknown id is ignored.
    pub fn done(&mut self, now: Time, batch: BatchId, mut failures: Vec<Failure>) {
        let Some(at) = self.flying.iter().position(|flight| flight.batch.id == batch) else { return };
        let flight = self.flying.remove(at);
        self.operations += flight.batch.ops.len() as u64;
        self.failures += failures.len() as u64;
        failures.sort_by_key(|failure| failure.index);
        for failure in failures.iter().filter(|failure| failure.error.is_full()) {
            self.refused_for_room(now, &failure.error);
        }
        let mut failures = failures.into_iter().peekable();
        for (index, op) in flight.batch.ops.iter().enumerate() {
            let error = failures.next_if(|failure| failure.index == index).map(|failure| failure.error);
            while failures.next_if(|failure| failure.index <= index).is_some() {}
            match op {
                Op::AddNextHop(hop) if self.is_detour(hop) => {} // what undoes it is in the same batch
                Op::AddNextHop(hop) => self.hop_added(now, flight.events, hop.id - self.settings.first_id, error),
                Op::SetGroup(group) => self.group_set(now, flight.events, group, error),
                Op::AddRoute(prefix, target) | Op::ReplaceRoute(prefix, target) => {
                    self.route_set(now, flight.events, *prefix, *target, error);
                }
                Op::DeleteRoute(prefix) => self.route_deleted(now, *prefix, error),
                Op::DeleteOld(_) => self.past_deleted(now, op, error),
                Op::DeleteGroup(id) if !self.objects.groups.contains_key(&(id - self.settings.first_id)) => {
                    self.past_deleted(now, op, error);
                }
                Op::DeleteNextHop(id) if !self.objects.hops.contains_key(&(id - self.settings.first_id)) => {
                    self.past_deleted(now, op, error);
                }
                Op::DeleteGroup(id) => self.group_deleted(now, id - self.settings.first_id, error),
                Op::DeleteNextHop(id) => self.hop_deleted(now, id - self.settings.first_id, error),
            }
        }
    }

    /// When [`Fib::next_batch`] has something to say again without anything else happening.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.retries.first().map(|(at, _)| *at)
    }

    /// True if there is nothing to do now. What failed waits for its [`Fib::deadline`], what has no link for the link.
    #[must_use]
    pub fn settled(&self) -> bool {
        let idle = self.flying.is_empty() && self.queue.is_empty() && !self.objects.is_dirty();
        idle && !self.past_is_due()
    }

    /// True if no batch is with the kernel.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.flying.is_empty()
    }

    /// Puts in line what is due for another try. [`Fib::next_batch`] does it by itself.
    pub fn tick(&mut self, now: Time) {
        while let Some((at, retry)) = self.retries.first().copied()
            && at <= now
        {
            self.retries.remove(&(at, retry));
            match retry {
                Retry::Room | Retry::Past => {} // who makes batches of those knows better
                Retry::Hop(id) => drop(self.objects.dirty_hops.insert(id)),
                Retry::Group(id) => drop(self.objects.dirty_groups.insert(id)),
                Retry::Route(prefix) => {
                    if self.failed.get(&prefix).is_some_and(|trouble| trouble.retry <= now) {
                        self.routes.change(&prefix, |cell| cell.set(FAILED, false));
                        self.queue.push(&prefix);
                    }
                }
            }
        }
    }

    /// Where the kernel leads the prefix now: nowhere if the group vanished.
    pub(super) fn effective(&self, cell: &Cell) -> Ref {
        match cell.have.to() {
            To::Group(id) if self.objects.groups.get(&id).is_none_or(|group| group.vanished) => Ref::NONE,
            _ => cell.have,
        }
    }

    pub(super) fn pinned_on(&self, link: LinkIndex) -> Vec<Prefix> {
        self.pins.iter().filter(|(_, pin)| pin.link == link).map(|(prefix, _)| *prefix).collect()
    }

    /// Forgets that the last operation on a route failed.
    pub(super) fn forgive(&mut self, prefix: &Prefix) {
        if self.failed.remove(prefix).is_some() {
            self.routes.change(prefix, |cell| cell.set(FAILED, false));
        }
    }

    fn count_beneath(&mut self, key: Ref, more: bool) {
        if let To::Group(id) = key.to() {
            self.objects.keys.count(id, more);
        }
    }

    pub(super) fn count_want(&mut self, old: Ref, new: Ref) {
        if let To::Group(id) = new.to()
            && let Some(group) = self.objects.groups.get_mut(&id)
        {
            group.wanted += 1;
            if group.wanted == 1 {
                self.objects.dirty_groups.insert(id);
            }
        }
        if let To::Group(id) = old.to()
            && let Some(group) = self.objects.groups.get_mut(&id)
        {
            group.wanted -= 1;
            self.drop_if_unused(id);
        }
    }

    pub(super) fn drop_if_unused(&mut self, id: u32) {
        if self.objects.groups.get(&id).is_some_and(|group| !group.is_used()) {
            self.objects.dirty_groups.insert(id);
        }
    }

    /// Writes down where the kernel leads a prefix, and counts it.
    pub(super) fn set_have(&mut self, prefix: &Prefix, to: Ref) {
        let old = self.routes.change(prefix, |cell| mem::replace(&mut cell.have, to));
        self.count_have(old, to);
    }

    pub(super) fn count_have(&mut self, old: Ref, new: Ref) {
        match new.to() {
            To::Nowhere => {}
            To::Group(id) => {
                if let Some(group) = self.objects.groups.get_mut(&id) {
                    group.held += 1;
                }
            }
            To::Link(_) | To::Other => self.plain += 1,
        }
        match old.to() {
            To::Nowhere => {}
            To::Group(id) => {
                if let Some(group) = self.objects.groups.get_mut(&id) {
                    group.held -= 1;
                }
                self.left(id);
                self.drop_if_unused(id);
            }
            To::Link(_) | To::Other => self.plain -= 1,
        }
    }

    pub(super) fn wait(count: u32, error: &KernelError) -> Duration {
        if error.errno == KernelError::EEXIST {
            return LAST_RETRY; // somebody else's: it goes when they say so
        }
        FIRST_RETRY.saturating_mul(1 << count.min(6)).min(LAST_RETRY)
    }
}
