//! Tunnels that are probed: what the answers of the far end mean.
//!
//! A far end that answered and does not is a dead way: next hops leave the kernel's groups first, then BGP ends, and is not
//! tried again before an answer comes. One that never answered says nothing.

use super::neighbor::{Bond, Neighbor};
use super::{Effect, Event, Life, Speaker};
use crate::fib::Bar;
use crate::probe::{Plan, Report, State};
use crate::types::{PeerId, Time};

/// What is known of one tunnel by its probe.
#[derive(Debug, Default)]
pub(super) struct Probed {
    pub(super) state: State,
    /// Since when its state is what it is, if it ever was another one.
    pub(super) since: Option<Time>,
    /// How often the far end fell silent, as far as this run knows.
    pub(super) failures: u64,
    /// What must carry nothing while it is silent.
    pub(super) bar: Option<Bar>,
}

impl Neighbor {
    /// Its probe, if its tunnel shall have one.
    pub(super) fn probe_plan(&self) -> Option<Plan> {
        let (words, interface) = self.plan.probe.as_ref().zip(self.plan.interface.clone())?;
        let (local, remote) = (self.plan.local_address, self.plan.remote_address);
        Some(Plan { local, remote, interface, interval: words.interval, count: words.count })
    }
}

impl Speaker {
    /// The far ends that shall be asked: told when they have changed.
    pub(super) fn probe_these(&mut self, out: &mut Vec<Effect>) {
        let plans: Vec<Plan> = self.neighbors.iter().filter_map(Neighbor::probe_plan).collect();
        if self.probing != plans {
            self.probing.clone_from(&plans);
            out.push(Effect::Probe(plans));
        }
    }

    /// Neighbors have other plans: what was known of a tunnel that is asked in another way, or not at all, is forgotten.
    pub(super) fn reprobe(&mut self, now: Time, out: &mut Vec<Effect>) {
        for id in self.neighbors.ids() {
            let Some(neighbor) = self.neighbors.get_mut(id) else { continue };
            let same = neighbor.probe_plan().is_some_and(|plan| self.probing.contains(&plan));
            if !same {
                self.unprobe(now, id, out);
                if let Some(neighbor) = self.neighbors.get_mut(id) {
                    neighbor.probed = Probed::default();
                }
            }
        }
        self.probe_these(out);
    }

    /// A far end has answered, or has stopped to.
    pub(super) fn probed(&mut self, now: Time, report: &Report, out: &mut Vec<Effect>) {
        let of = |neighbor: &&Neighbor| neighbor.probe_plan().as_ref() == Some(&report.plan);
        let Some(id) = self.neighbors.iter().find(of).map(|neighbor| neighbor.id) else { return };
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        let before = std::mem::replace(&mut neighbor.probed.state, report.state);
        neighbor.probed.since = Some(now);
        let tunnel = neighbor.plan.name.clone();
        match (before, report.state) {
            (State::Dead, State::Dead) | (State::Alive, State::Alive) | (_, State::Unknown) => {}
            (_, State::Alive) => {
                out.push(Effect::Tell(Event::ProbeAnswered { tunnel }));
                self.probe_alive(now, id, out);
            }
            (_, State::Dead) => self.probe_failed(now, id, &report.plan, out),
        }
    }

    fn probe_alive(&mut self, now: Time, id: PeerId, out: &mut Vec<Effect>) {
        self.unprobe(now, id, out);
        let waits = self.neighbors.get(id).is_some_and(|neighbor| neighbor.ready() && neighbor.awaits_route);
        if self.life == Life::Running && waits && self.has_route(id) {
            self.start(now, id, out);
        }
    }

    fn probe_failed(&mut self, now: Time, id: PeerId, plan: &Plan, out: &mut Vec<Effect>) {
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        neighbor.probed.failures += 1;
        let tunnel = neighbor.plan.name.clone();
        if let Bond::Up(link) | Bond::Down(link) = neighbor.bond {
            // The kernel before all else.
            neighbor.probed.bar = Some(Bar::Link(link));
            self.fib.bar(Bar::Link(link));
            self.kernel(now, out);
        }
        let silent = plan.detection();
        out.push(Effect::Tell(Event::ProbeSilent { tunnel, remote: plan.remote, count: plan.count, silent }));
        self.startup.give_up(id);
        self.leave(now, id, "the far end of the tunnel does not answer", out);
        self.drop_kept(id, "the far end of its tunnel does not answer", out);
        if let Some(neighbor) = self.neighbors.get_mut(id) {
            neighbor.awaits_route = neighbor.ready();
        }
    }

    /// Nothing is held against the tunnel any more.
    fn unprobe(&mut self, now: Time, id: PeerId, out: &mut Vec<Effect>) {
        let bar = self.neighbors.get_mut(id).and_then(|neighbor| neighbor.probed.bar.take());
        if let Some(bar) = bar {
            self.unbar_if_free(now, bar, out);
        }
    }
}
