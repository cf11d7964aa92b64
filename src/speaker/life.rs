//! The life of a speaker: it begins with what the kernel holds, converges when its neighbors are back, and stops cleanly.

use super::{Effect, Event, FlushId, Speaker};
use crate::config::OnStop;
use crate::fib;
use crate::session;
use crate::types::{Family, Prefix, Time};
use crate::wire::{Cease, Notification};

/// What a speaker is at a moment of its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Life {
    /// The kernel has not been read yet.
    Waiting,
    /// Sessions are run.
    Running,
    /// Every neighbor is being told, over the host routes that are still there.
    Closing(FlushId),
    /// Every neighbor was told; the kernel is being cleaned.
    Stopping,
    /// All done.
    Stopped,
}

impl Speaker {
    pub(super) fn begin(&mut self, now: Time, found: fib::Table, out: &mut Vec<Effect>) {
        if self.life != Life::Waiting {
            return;
        }
        self.elect(now, out);
        self.life = Life::Running;
        let (routes, groups) = (found.routes.len(), found.groups.len());
        // Our host routes to the neighbors forward nothing for anybody.
        let host = |prefix: &Prefix| self.desired.host_routes.iter().any(|route| route.prefix == *prefix);
        let left = std::mem::take(&mut self.leftovers);
        // Whether packets still find their way to another table is not known.
        let elsewhere = left.routes.iter().filter(|route| route.table == self.config.kernel.table);
        let prefixes: Vec<Prefix> = found.routes.keys().copied().chain(elsewhere.map(|route| route.prefix)).collect();
        let stayed = |family: &Family| prefixes.iter().any(|prefix| prefix.family() == *family && !host(prefix));
        self.preserved = Family::ALL.into_iter().filter(stayed).collect();
        let routes = routes + left.routes.len();
        self.fib.adopt(found);
        if !left.is_empty() {
            let one = left.routes.first().map(|route| (route.table, route.protocol, route.metric));
            let (routes, objects) = (left.routes.len(), left.groups.len() + left.next_hops.len());
            out.push(Effect::Tell(Event::Leftovers { routes, objects, one }));
            self.sweeps_past = true;
        }
        self.fib.inherit(left);
        if routes + groups > 0 {
            out.push(Effect::Tell(Event::Adopted { routes, groups }));
        }
        if routes == 0 {
            // Nothing to be kept: every change goes to the kernel from the first moment on.
            self.fib.sweep();
        } else {
            self.rib.defer();
        }
        self.take_stances(now, out);
        let expected = self.neighbors.iter().filter(|neighbor| neighbor.kept_down().is_none());
        let waiting = expected.flat_map(|n| n.plan.families.iter().map(move |family| (n.id, *family)));
        self.startup.begin(now, routes > 0, waiting.collect());
        self.audit_later(now);
        self.sense_everything(now, out);
        self.meet_twin(now, out);
        for id in self.neighbors.ids() {
            if let Some(neighbor) = self.neighbors.get_mut(id) {
                neighbor.bind(now, &self.links, &self.tunnels);
            }
            self.announce(now, id, out);
            self.bound(now, id, out);
        }
    }

    pub(super) fn stop(&mut self, now: Time, out: &mut Vec<Effect>) {
        if matches!(self.life, Life::Closing(_) | Life::Stopping | Life::Stopped) {
            return;
        }
        out.push(Effect::Tell(Event::Stopping));
        let flush = self.next_flush();
        self.life = Life::Closing(flush);
        self.sweeping = false;
        if self.config.kernel.on_stop == OnStop::Remove {
            out.push(Effect::Bfd(Vec::new()));
        }
        for id in self.neighbors.ids() {
            let input = match self.config.kernel.on_stop {
                OnStop::Remove => {
                    let text = format!("{} is being stopped", self.instance);
                    session::Input::Stop(Notification::shutdown(Cease::AdministrativeShutdown, &text))
                }
                OnStop::Keep => {
                    let text = format!("{} is being restarted", self.instance);
                    session::Input::Leave(Notification::shutdown(Cease::AdministrativeReset, &text))
                }
            };
            self.session(now, Some(id), input, out);
        }
        out.push(Effect::Flush(flush));
    }

    /// What neighbors were told is out, or they do not take it: now the ways to them can go.
    pub(super) fn flushed(&mut self, flush: FlushId) {
        self.left(flush);
        if self.life != Life::Closing(flush) {
            return;
        }
        self.life = Life::Stopping;
        if self.config.kernel.on_stop == OnStop::Remove {
            self.fib.clear();
        }
    }

    /// Lets neighbors hear of what is in the kernel after a restart; ends a stop when nothing is left to be done.
    pub(super) fn settle(&mut self, out: &mut Vec<Effect>) {
        if self.sweeps_past && !self.fib.has_past() {
            self.sweeps_past = false;
            out.push(Effect::Tell(Event::LeftoversGone));
            out.push(Effect::Alone);
        }
        if self.releasing && self.fib.settled() {
            self.releasing = false;
            self.rib.tell_all();
        }
        let clean = self.fib.settled() || self.config.kernel.on_stop == OnStop::Keep;
        if self.life == Life::Stopping && clean {
            self.life = Life::Stopped;
            out.push(Effect::Stopped);
        }
    }

    /// From now on the kernel follows the RIB, and what an earlier run left and nobody wants goes.
    pub(super) fn converge(&mut self, now: Time, out: &mut Vec<Effect>) {
        let Some(end) = self.startup.end().filter(|end| end.adopted) else { return };
        let mut missing: Vec<_> = end.missing.iter().filter_map(|peer| self.name(*peer)).collect();
        missing.dedup();
        out.push(Effect::Tell(Event::Converged { missing }));
        self.sweeping = true;
        for id in self.neighbors.ids() {
            self.announce(now, id, out);
        }
    }

    /// What the RIB holds must be wanted before the rest can be told from what is stale: slices of work see to that.
    pub(super) fn sweep(&mut self) {
        if self.sweeping && !self.rib.has_changed() {
            self.sweeping = false;
            self.fib.sweep();
            self.releasing = true;
        }
    }
}
