//! What the kernel holds, compared with what is wanted while work goes on: nothing waits for it.
//!
//! A dump takes half a second a million routes, and changes of ours overtake it. What moves in the meantime is not
//! judged. If the kernel dropped something by itself, or others changed a next hop or group, the whole says nothing.

use super::hash::HashSet;

use crate::types::Prefix;

use super::Fib;
use super::KernelError;
use super::Op;
use super::Table;
use super::Target;
use super::foreign::Change;
use super::objects::Phase;
use super::routes::FAILED;
use super::routes::FLYING;
use super::routes::MOVED;
use super::routes::Ref;
use super::routes::SEEN;
use super::routes::To;
use super::routes::UNSURE;

/// So many differences are named; the others are counted.
pub const NAMED: usize = 100;

/// What is read of the kernel, piece by piece, for [`Fib::audit_begin`] and what follows it.
#[derive(Clone, Debug)]
pub enum Part {
    /// All next hops and groups of ours.
    Objects(Table),
    /// Some routes of ours.
    Routes(Vec<(Prefix, Target)>),
    /// A change came in between: what was told before counts for nothing, and all comes again.
    Again,
    /// It cannot be read: why, for people.
    Failed(String),
    /// That was all.
    End,
}

/// A comparison that goes on.
#[derive(Default)]
pub(super) struct Audit {
    /// The count of events when it began.
    events: u64,
    /// Next hops and groups that we changed since.
    moved: HashSet<u32>,
    /// What is there and not as we thought, to be taken note of at the end.
    changes: Vec<Change>,
    /// Routes that are there and not as we thought.
    routes: Vec<(Prefix, Ref)>,
    findings: Findings,
}

/// What a comparison came to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Findings {
    /// Prefixes that should have a route.
    pub wanted: usize,
    /// Of them, those whose route the kernel holds as wanted.
    pub present: usize,
    /// Of them, those that lead elsewhere.
    pub different: usize,
    /// Of them, those without a route of ours.
    pub missing: usize,
    /// Of them, those whose links are all down: there is nothing to lead them over.
    pub waiting: usize,
    /// Those that changed while we looked.
    pub moving: usize,
    /// Routes of ours that nobody wants.
    pub unwanted: usize,
    /// Next hops and groups that are missing, different or unwanted.
    pub objects: usize,
    /// What was not as we thought it was, and is put right now.
    pub repaired: usize,
    /// The first of what is not as it should be, for people.
    pub named: Vec<Difference>,
}

impl Findings {
    /// True if the kernel holds what is wanted, but for what has no link.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.different + self.missing + self.unwanted + self.objects == 0
    }

    fn name(&mut self, what: impl Into<Object>, is: Fault) {
        if self.named.len() < NAMED {
            self.named.push(Difference { object: what.into(), fault: is });
        }
    }
}

/// A thing in the kernel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Object {
    /// A route.
    Route(Prefix),
    /// A next hop or group, by its id.
    Id(u32),
}

impl From<Prefix> for Object {
    fn from(prefix: Prefix) -> Self {
        Self::Route(prefix)
    }
}

impl From<u32> for Object {
    fn from(id: u32) -> Self {
        Self::Id(id)
    }
}

/// What is wrong with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// It should be there.
    Missing,
    /// It is not as it should be.
    Different,
    /// It should not be there.
    Unwanted,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Difference {
    /// What.
    pub object: Object,
    /// How.
    pub fault: Fault,
}

impl Fib {
    /// From now on what is found is told by [`Fib::audit_objects`], then [`Fib::audit_routes`], then [`Fib::audit_end`].
    pub fn audit_begin(&mut self) {
        self.audit_cancel();
        self.audit = Some(Audit { events: self.events, ..Audit::default() });
        let flying: Vec<_> = self.flying.iter().map(|flight| flight.batch.ops.clone()).collect();
        for ops in flying {
            self.audit_moves(&ops);
        }
    }

    /// Nothing comes of it.
    pub fn audit_cancel(&mut self) {
        if self.audit.take().is_some() {
            self.routes.change_all(|_, cell| cell.set(SEEN | MOVED, false));
        }
    }

    /// These operations go to the kernel: what is found of them may be older or newer.
    pub(super) fn audit_moves(&mut self, ops: &[Op]) {
        let Some(audit) = &mut self.audit else { return };
        for op in ops {
            match op {
                Op::AddRoute(prefix, _) | Op::ReplaceRoute(prefix, _) | Op::DeleteRoute(prefix) => {
                    self.routes.change(prefix, |cell| cell.set(MOVED, true));
                }
                Op::DeleteOld(_) => {}
                Op::AddNextHop(hop) => drop(audit.moved.insert(hop.id)),
                Op::SetGroup(group) => drop(audit.moved.insert(group.id)),
                Op::DeleteGroup(id) | Op::DeleteNextHop(id) => drop(audit.moved.insert(*id)),
            }
        }
    }

    /// The next hops and groups that the kernel holds of ours; its routes are not looked at.
    pub fn audit_objects(&mut self, found: &Table) {
        let Some(mut audit) = self.audit.take() else { return };
        let first = self.settings.first_id;
        let mut refused = 0;
        for (offset, hop) in &self.objects.hops {
            let id = first + offset;
            if hop.trouble.is_some() && !hop.users.is_empty() && !self.down.contains(&hop.key.link) {
                refused += 1;
                audit.findings.name(id, Fault::Missing);
            }
            if audit.moved.contains(&id) {
                continue;
            }
            match (hop.phase, found.next_hops.get(&id)) {
                (Phase::Adding | Phase::Unsure | Phase::Deleting, _) | (Phase::Absent, None) => {}
                (Phase::Present, Some(there)) if *there == hop.object(id) => {}
                // One that we could not add may be there as somebody else changed it.
                (Phase::Present | Phase::Absent, Some(there)) => {
                    audit.changes.push(Change::HopSet(*there));
                    audit.findings.name(id, Fault::Different);
                }
                (Phase::Present, None) => {
                    audit.changes.push(Change::IdDeleted(id));
                    audit.findings.name(id, Fault::Missing);
                }
            }
        }
        for (offset, group) in &self.objects.groups {
            let id = first + offset;
            if group.trouble.is_some() && group.wanted > 0 {
                refused += 1;
                audit.findings.name(id, if group.have.is_some() { Fault::Different } else { Fault::Missing });
            }
            let Some(held) = group.have.as_ref().filter(|held| held.sure && !group.vanished && !group.busy) else {
                continue;
            };
            if audit.moved.contains(&id) {
                continue;
            }
            match found.groups.get(&id) {
                Some(there) => {
                    let same = there.members.len() == held.members.len()
                        && there
                            .members
                            .iter()
                            .all(|(hop, weight)| held.members.contains(&(hop.wrapping_sub(first), *weight)))
                        && self.as_set(there.idle_timer) == held.idle;
                    if !same {
                        audit.changes.push(Change::GroupSet(there.clone()));
                        audit.findings.name(id, Fault::Different);
                    }
                }
                None => {
                    audit.changes.push(Change::IdDeleted(id));
                    audit.findings.name(id, Fault::Missing);
                }
            }
        }
        let strange_hops = found.next_hops.values().filter(|hop| !self.objects.hops.contains_key(&(hop.id - first)));
        let strange_groups =
            found.groups.values().filter(|group| !self.objects.groups.contains_key(&(group.id - first)));
        let strange: Vec<Change> = strange_hops
            .filter(|hop| !audit.moved.contains(&hop.id))
            .map(|hop| Change::HopSet(*hop))
            .chain(
                strange_groups
                    .filter(|group| !audit.moved.contains(&group.id))
                    .map(|group| Change::GroupSet(group.clone())),
            )
            .collect();
        for change in strange {
            if let Change::HopSet(super::NextHop { id, .. }) | Change::GroupSet(super::Group { id, .. }) = &change {
                audit.findings.name(*id, Fault::Unwanted);
            }
            audit.changes.push(change);
        }
        audit.findings.objects = audit.changes.len() + refused;
        self.audit = Some(audit);
    }

    /// Some of the routes that the kernel holds of ours, each once.
    pub fn audit_routes(&mut self, found: &[(Prefix, Target)]) {
        let Some(mut audit) = self.audit.take() else { return };
        for (prefix, target) in found {
            let to = self.found(*target);
            let cell = self.routes.get(prefix).copied();
            let have = cell.map_or(Ref::NONE, |cell| self.effective(&cell));
            let moves = cell.is_some_and(|cell| cell.is(MOVED) || cell.is(FLYING) || cell.is(UNSURE));
            if cell.is_some() {
                self.routes.change(prefix, |cell| cell.set(SEEN, true));
            }
            if moves {
                continue; // counted at the end
            }
            if have != to {
                audit.routes.push((*prefix, to));
            }
            let want = cell.map_or(Ref::NONE, |cell| cell.want);
            if want == to {
                audit.findings.present += 1;
            } else if want == Ref::NONE {
                if self.swept {
                    audit.findings.unwanted += 1;
                    audit.findings.name(*prefix, Fault::Unwanted);
                }
            } else if self.swept {
                audit.findings.different += 1;
                audit.findings.name(*prefix, Fault::Different);
            }
        }
        self.audit = Some(audit);
    }

    /// All that the kernel holds was told. `None` if that says nothing and another look is needed; else what was found,
    /// and what was not as we thought it was is put right by the next batches.
    pub fn audit_end(&mut self) -> Option<Findings> {
        let Audit { events, changes, routes, moved, mut findings, .. } = self.audit.take()?;
        findings.moving += moved.len();
        let says = events == self.events;
        let mut gone = Vec::new();
        let Self { routes: cells, objects, links, down, .. } = self;
        cells.change_all(|prefix, cell| {
            let (seen, moves) = (cell.is(SEEN), cell.is(MOVED) || cell.is(FLYING) || cell.is(UNSURE));
            cell.set(SEEN | MOVED, false);
            let wanted = cell.want != Ref::NONE;
            findings.wanted += usize::from(wanted);
            if moves {
                findings.moving += 1;
                return;
            }
            if seen {
                return;
            }
            let vanished =
                matches!(cell.have.to(), To::Group(id) if objects.groups.get(&id).is_none_or(|group| group.vanished));
            if cell.have != Ref::NONE && !vanished {
                gone.push(prefix);
            }
            if !wanted {
                return;
            }
            let waits = match cell.want.to() {
                To::Group(id) => objects.groups.get(&id).is_none_or(|group| !group.is_ready()),
                To::Link(slot) => links.get(slot).is_some_and(|link| down.contains(&link)),
                To::Nowhere | To::Other => false,
            };
            if waits && !cell.is(FAILED) {
                findings.waiting += 1;
            } else {
                findings.missing += 1;
                findings.name(prefix, Fault::Missing);
            }
        });
        if !says {
            return None;
        }
        findings.repaired = changes.len() + routes.len() + gone.len();
        self.repairs += findings.repaired as u64;
        for change in changes {
            self.audited(&change);
        }
        for (prefix, to) in routes {
            self.route_became(&prefix, to);
        }
        for prefix in gone {
            self.route_became(&prefix, Ref::NONE);
        }
        // Somebody else's route that is in the way of ours does not show here, nor that it has gone unseen.
        let barred = self.failed.iter().filter(|(_, trouble)| trouble.error.errno == KernelError::EEXIST);
        for prefix in barred.map(|(prefix, _)| *prefix).collect::<Vec<_>>() {
            self.forgive(&prefix);
            self.queue.push(&prefix);
        }
        Some(findings)
    }

    fn audited(&mut self, change: &Change) {
        match change {
            Change::HopSet(hop) if !self.objects.hops.contains_key(&(hop.id - self.settings.first_id)) => {
                self.adopt_hop(hop);
                self.objects.dirty_hops.insert(hop.id - self.settings.first_id);
            }
            Change::GroupSet(group) if !self.objects.groups.contains_key(&(group.id - self.settings.first_id)) => {
                self.adopt_group(group);
                self.objects.dirty_groups.insert(group.id - self.settings.first_id);
            }
            change => drop(self.change(change)),
        }
    }
}
