//! What an earlier run of ours left under another table, metric or protocol number: the file was changed while it was down.
//! It leads packets until what is wanted now is in the kernel, and then it goes.
//!
//! What is ours is told by the protocol number alone, now or of a run before: a table or a metric proves nothing, and an
//! id of our range under another number is somebody else's. Which numbers runs before this one used is known by a record.

use super::hash::HashSet;

use super::Batch;
use super::Fib;
use super::KernelError;
use super::Lane;
use super::Op;
use super::Target;
use super::machine::LAST_RETRY;
use super::machine::Retry;

use crate::types::Prefix;
use crate::types::Time;

/// Deletions in a batch.
const BATCH: usize = 2_000;

/// A route of an earlier run, where none of ours goes now.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct OldRoute {
    /// Its prefix.
    pub prefix: Prefix,
    /// The table that it is in.
    pub table: u32,
    /// Its protocol number: ours, or that of a run before.
    pub protocol: u8,
    /// Its metric, as the kernel stores it.
    pub metric: u32,
    /// Where it leads: to a group of our range, or out of an interface to one host.
    pub target: Target,
}

impl OldRoute {
    /// True if a run of ours can have made it: what it leads to is what we make routes lead to.
    #[must_use]
    pub fn is_like_ours(&self, owns: impl Fn(u32) -> bool) -> bool {
        match self.target {
            Target::Group(id) => owns(id),
            Target::Link(_) => self.prefix == Prefix::host(self.prefix.addr()),
            Target::Other => false,
        }
    }
}

/// All that an earlier run left under other settings.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Leftovers {
    /// Routes of another table, metric or protocol number.
    pub routes: Vec<OldRoute>,
    /// Groups of our range under the protocol number of an earlier run.
    pub groups: Vec<u32>,
    /// Next hops of our range under the protocol number of an earlier run.
    pub next_hops: Vec<u32>,
}

impl Leftovers {
    /// True if there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty() && self.groups.is_empty() && self.next_hops.is_empty()
    }
}

/// What is left of them.
#[derive(Default)]
pub(super) struct Past {
    left: Leftovers,
    /// Prefixes that have such a route: none of ours is added before all is known.
    keeps: HashSet<Prefix>,
    /// A deletion was refused: nothing is tried before that time.
    retry: Option<Time>,
}

impl Fib {
    /// Behind [`Fib::adopt`] at the start: what else an earlier run left. It goes when, after [`Fib::sweep`], all that is
    /// wanted is in the kernel or cannot be.
    pub fn inherit(&mut self, left: Leftovers) {
        if left.is_empty() {
            return;
        }
        for route in &left.routes {
            self.past_on(route, true);
        }
        let keeps = left.routes.iter().map(|route| route.prefix).collect();
        self.past = Some(Past { left, keeps, ..Past::default() });
    }

    /// True while something of an earlier run under other settings is in the kernel.
    #[must_use]
    pub fn has_past(&self) -> bool {
        self.past.is_some()
    }

    /// True if an earlier run still leads packets there, and what leads them better is not all known.
    pub(super) fn is_kept(&self, prefix: &Prefix) -> bool {
        !self.swept && self.past.as_ref().is_some_and(|past| past.keeps.contains(prefix))
    }

    /// Whatever led packets there, the kernel follows what is wanted from now on.
    pub(super) fn keep_no_more(&mut self) {
        if let Some(past) = &mut self.past {
            past.keeps = HashSet::default();
        }
    }

    /// A group that such a route is on must stay as long as that.
    fn past_on(&mut self, route: &OldRoute, more: bool) {
        let Target::Group(id) = route.target else { return };
        let Some(offset) = id.checked_sub(self.settings.first_id) else { return };
        if let Some(group) = self.objects.groups.get_mut(&offset) {
            group.past = if more { group.past + 1 } else { group.past.saturating_sub(1) };
        }
        if !more {
            self.drop_if_unused(offset);
        }
    }

    /// True if something of it is to be deleted now.
    pub(super) fn past_is_due(&self) -> bool {
        self.swept && self.past.as_ref().is_some_and(|past| past.retry.is_none())
    }

    /// Some of it, routes before groups before next hops, when nothing else is to be done.
    pub(super) fn past_batch(&mut self, now: Time) -> Option<Batch> {
        let idle = self.swept && self.flying.is_empty() && self.unsettled.growing.is_empty();
        let past = self.past.as_mut().filter(|_| idle)?;
        if past.retry.is_some_and(|retry| retry > now) {
            return None;
        }
        past.retry = None;
        let left = &mut past.left;
        let ops: Vec<Op> = if !left.routes.is_empty() {
            let from = left.routes.len().saturating_sub(BATCH);
            left.routes.drain(from..).map(Op::DeleteOld).collect()
        } else if !left.groups.is_empty() {
            left.groups.drain(..).map(Op::DeleteGroup).collect()
        } else if !left.next_hops.is_empty() {
            left.next_hops.drain(..).map(Op::DeleteNextHop).collect()
        } else {
            self.past = None;
            return None;
        };
        Some(self.fly(Lane::Routes, ops))
    }

    /// What became of one deletion.
    pub(super) fn past_deleted(&mut self, now: Time, op: &Op, error: Option<KernelError>) {
        match (&error, op) {
            (None, Op::DeleteOld(route)) => self.past_on(route, false),
            (None, Op::DeleteGroup(id) | Op::DeleteNextHop(id)) => {
                let _ = self.objects.taken.remove(&id.wrapping_sub(self.settings.first_id));
            }
            _ => {}
        }
        let Some(past) = self.past.as_mut().filter(|_| error.is_some()) else { return };
        match op {
            Op::DeleteOld(route) => past.left.routes.push(*route),
            Op::DeleteGroup(id) => past.left.groups.push(*id),
            Op::DeleteNextHop(id) => past.left.next_hops.push(*id),
            Op::AddNextHop(_) | Op::SetGroup(_) | Op::AddRoute(..) | Op::ReplaceRoute(..) | Op::DeleteRoute(_) => {}
        }
        let retry = now + LAST_RETRY;
        past.retry = Some(retry);
        self.retries.insert((retry, Retry::Past));
    }
}
