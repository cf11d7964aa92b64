//! When the groups in the kernel become what their prefixes want: not while a neighbor is still saying its table.
//!
//! A neighbor that returns says its routes one by one. Each of them may wait on the group that it is on, since all the
//! hops there are wanted too; when the neighbor is done, the group gets the new hop in one message. Owns the times;
//! who is on which group the FIB knows.

use std::time::Duration;

use super::neighbor::{Bond, Neighbor};
use super::{Life, Speaker};
use crate::fib::Bar;
use crate::gateway::NeighborKind;
use crate::session::Negotiated;
use crate::types::{Family, LinkIndex, PeerId, Time};

/// How long a neighbor that is up may take to say all that it has; also how long prefixes wait for more hops at most.
const LIMIT: Duration = Duration::from_secs(30);
/// How long one that sends no End-of-RIB must say nothing to be done.
const SILENCE: Duration = Duration::from_secs(5);
/// How long nothing must change before groups do. More than the time between the pieces of one burst.
const QUIET: Duration = Duration::from_millis(200);
/// How long a burst may last that is no neighbor's first.
const BURST: Duration = Duration::from_secs(5);

/// A neighbor that has not said all yet.
#[derive(Debug)]
pub(super) struct Loading {
    missing: Vec<Family>,
    until: Time,
    /// It sends no End-of-RIB: since when it is silent.
    silent: Option<Time>,
}

impl Loading {
    fn deadline(&self) -> Time {
        self.silent.map_or(self.until, |since| self.until.min(since + SILENCE))
    }
}

/// Since when prefixes wait.
#[derive(Debug, Default)]
pub(super) struct Settling {
    since: Option<Time>,
    /// When the last of them began to.
    last: Time,
    /// A neighbor is done: what waited for it need not wait for anything else.
    pub(super) ready: bool,
}

impl Neighbor {
    /// The interface of the tunnel whose far end it is: what it taught leads nowhere else.
    fn tunnel_link(&self) -> Option<LinkIndex> {
        match (&self.plan.kind, &self.bond) {
            (NeighborKind::Device { .. }, Bond::Up(link) | Bond::Down(link)) => Some(*link),
            _ => None,
        }
    }
}

impl Speaker {
    /// A session is up: all of its routes are still to come.
    pub(super) fn loads(&mut self, now: Time, id: PeerId, agreed: &Negotiated) {
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        let silent = agreed.graceful_restart.is_none().then_some(now);
        neighbor.loading = Some(Loading { missing: agreed.families.clone(), until: now + LIMIT, silent });
    }

    /// It has said something.
    pub(super) fn spoke(&mut self, now: Time, id: PeerId, end: Option<Family>) {
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        let Some(loading) = &mut neighbor.loading else { return };
        if let Some(since) = &mut loading.silent {
            *since = now;
        }
        loading.missing.retain(|family| Some(*family) != end);
        if loading.missing.is_empty() {
            neighbor.loading = None;
            self.settling.ready = true;
        }
    }

    /// Nothing that it said counts any more. The kernel first: groups go on without the tunnel before any of their
    /// routes is looked at.
    pub(super) fn stripped(&mut self, id: PeerId) {
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        neighbor.loading = None;
        let Some(neighbor) = self.neighbors.get(id).filter(|_| self.life == Life::Running) else { return };
        let Some(link) = neighbor.tunnel_link().or_else(|| self.own_link(neighbor)) else { return };
        let shared = |other: &Neighbor| other.id != id && other.conn.is_some() && other.tunnel_link() == Some(link);
        if !self.neighbors.iter().any(shared) {
            self.fib.strip(Bar::Link(link));
        }
    }

    /// Prefixes may have begun to wait.
    pub(super) fn waits(&mut self, now: Time) {
        if self.fib.is_unsettled() {
            self.settling.since.get_or_insert(now);
            self.settling.last = now;
        }
    }

    /// Lets the groups become what is wanted, if all of that is known or has been waited for long enough.
    pub(super) fn settle_groups(&mut self, now: Time) {
        for id in self.neighbors.ids() {
            let Some(neighbor) = self.neighbors.get_mut(id) else { continue };
            if neighbor.loading.as_ref().is_some_and(|loading| loading.deadline() <= now) {
                neighbor.loading = None;
                self.settling.ready = true;
            }
        }
        if !self.fib.is_unsettled() {
            self.settling.since = None;
            self.settling.ready &= self.rib.has_changed(); // what it said last may not have come through yet
            return;
        }
        if self.life == Life::Running && self.groups_due(now).is_some_and(|due| due <= now) {
            self.settling = Settling::default();
            self.fib.settle();
        }
    }

    /// When groups become what is wanted; `None` if they are.
    fn groups_due(&self, now: Time) -> Option<Time> {
        let since = self.fib.is_unsettled().then(|| self.settling.since.unwrap_or(now))?;
        let coming = self.rib.has_changed() || self.rib.has_work();
        if coming || self.neighbors.iter().any(|neighbor| neighbor.loading.is_some()) {
            return Some(since + LIMIT);
        }
        Some(if self.settling.ready { now } else { (self.settling.last + QUIET).min(since + BURST) })
    }

    /// When [`Speaker::settle_groups`] has something to do.
    pub(super) fn settle_deadline(&self) -> Option<Time> {
        let loading = self.neighbors.iter().filter_map(|neighbor| neighbor.loading.as_ref().map(Loading::deadline));
        // Nothing is due before what waits began to wait.
        loading.chain(self.groups_due(self.settling.last)).min()
    }
}
