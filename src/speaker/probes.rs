//! Tunnels that are probed: what the answers of the far end say of the tunnel.
//!
//! A far end that answered and does not objects to its tunnel, until an answer comes. One that never answered says nothing.

use super::neighbor::Neighbor;
use super::tunnels::Tunnel;
use super::{Effect, Event, Speaker};
use crate::probe::{Plan, Report, State};
use crate::types::{Name, Time};
use crate::vpn;
use crate::vpn::Source;

/// What is known of one tunnel by its probe.
#[derive(Debug, Default)]
pub(super) struct Probed {
    pub(super) state: State,
    /// Since when its state is what it is, if it ever was another one.
    pub(super) since: Option<Time>,
    /// How often the far end fell silent, as far as this run knows.
    pub(super) failures: u64,
}

impl Probed {
    /// Takes a state; true or false if the far end answers now or has stopped to, and that is news.
    pub(super) fn turn(&mut self, now: Time, state: State) -> Option<bool> {
        let before = std::mem::replace(&mut self.state, state);
        if before == state || state == State::Unknown {
            return None;
        }
        self.since = Some(now);
        let agrees = state == State::Alive;
        self.failures += u64::from(!agrees);
        Some(agrees)
    }
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
        let of_tunnels = self.tunnels.iter().filter_map(Tunnel::probe_plan);
        let plans: Vec<Plan> = self.neighbors.iter().filter_map(Neighbor::probe_plan).chain(of_tunnels).collect();
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
            let interface =
                neighbor.plan.interface.clone().filter(|_| !same && neighbor.probed.state != State::Unknown);
            if let Some(interface) = interface {
                neighbor.probed = Probed::default();
                self.say(now, &interface, vpn::Input::Agrees { source: Source::Probe, by: None }, out);
            }
        }
        self.reprobe_alone(now, out);
        self.probe_these(out);
    }

    /// A far end has answered, or has stopped to.
    pub(super) fn probed(&mut self, now: Time, report: &Report, out: &mut Vec<Effect>) {
        let Report { plan, state } = report;
        let of = |neighbor: &&Neighbor| neighbor.probe_plan().as_ref() == Some(plan);
        let Some(id) = self.neighbors.iter().find(of).map(|neighbor| neighbor.id) else {
            return self.probed_alone(now, report, out);
        };
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        let tunnel = neighbor.plan.name.clone();
        let Some(agrees) = neighbor.probed.turn(now, *state) else { return };
        self.say(now, &plan.interface, word(plan, agrees), out);
        out.push(Effect::Tell(event(plan, tunnel, agrees)));
    }
}

pub(super) fn word(plan: &Plan, agrees: bool) -> vpn::Input {
    let source = Source::Probe;
    match agrees {
        true => vpn::Input::Agrees { source, by: None },
        false => {
            let reason = format!("{} has not answered {} requests in a row", plan.remote, plan.count);
            vpn::Input::Objects { source, by: None, reason }
        }
    }
}

pub(super) fn event(plan: &Plan, tunnel: Name, agrees: bool) -> Event {
    match agrees {
        true => Event::ProbeAnswered { tunnel },
        false => {
            let (remote, count, silent) = (plan.remote, plan.count, plan.detection());
            Event::ProbeSilent { tunnel, remote, count, silent }
        }
    }
}
