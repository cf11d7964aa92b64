//! Whether this instance can do its work: its VPN daemon answers, a tunnel is up, its network side is up, and the
//! operator's command succeeds (`docs/decisions/0023-fitness-and-drain.md`).
//!
//! Owns the commands that are run again and again, and since when the instance is unfit. What follows for neighbors is in
//! [`super::standing`].

use std::time::Duration;

use super::check::Check;
use super::neighbor::Neighbor;
use super::{Effect, Event, Life, Speaker};
use crate::config::Health;
use crate::gateway::NeighborKind;
use crate::hook::{Command, Ran, RunId};
use crate::types::Time;

/// How long an instance that is fit again waits for its routes, before it offers anything.
const RETURN_LIMIT: Duration = Duration::from_secs(10);

/// One thing that it cannot do without.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Reason {
    /// None of its tunnels is up.
    Tunnels,
    /// The interface to the cloud network is down, or is not there.
    Network(String),
    /// The VPN daemon does not answer: what was said last.
    Vpn(String),
    /// The operator's command fails: what was said last.
    Health(String),
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tunnels => f.write_str("no tunnel is up"),
            Self::Network(what) => write!(f, "its network side is down: {what}"),
            Self::Vpn(said) => write!(f, "the VPN daemon does not answer: {said}"),
            Self::Health(said) => write!(f, "the health command fails: {said}"),
        }
    }
}

/// What is known of it.
#[derive(Default)]
pub(super) struct Fitness {
    vpn: Option<Check>,
    health: Option<Check>,
    runs: u64,
    /// What is missing now.
    pub(super) reasons: Vec<Reason>,
    /// What was, while it is fit again and its routes are not in the kernel yet.
    pub(super) before: Vec<Reason>,
    /// That is waited for until then.
    until: Option<Time>,
    /// It was fit once.
    served: bool,
    /// People were told that it is not.
    told: bool,
}

impl Fitness {
    /// What keeps it from offering all: what is missing, or was and is not made up for yet.
    pub(super) fn standing(&self) -> &[Reason] {
        if self.reasons.is_empty() { &self.before } else { &self.reasons }
    }
}

impl Speaker {
    /// The commands are those of the configuration from now on.
    pub(super) fn plan_checks(&mut self, now: Time) {
        let rules = &self.config.health;
        let keep = |known: &mut Option<Check>, command: &Option<Command>| {
            *known = command.as_ref().map(|command| match known.take() {
                Some(check) if check.command() == command => check,
                _ => Check::new(now, command.clone()),
            });
        };
        keep(&mut self.fitness.vpn, &rules.vpn_command);
        keep(&mut self.fitness.health, &rules.command);
    }

    /// A command has ended.
    pub(super) fn ran(&mut self, now: Time, id: RunId, ran: &Ran) {
        let rules = self.config.health.clone();
        for check in [&mut self.fitness.vpn, &mut self.fitness.health].into_iter().flatten() {
            check.ran(now, id, ran, &rules);
        }
    }

    /// Runs what is due, and looks whether the instance is fit: at the end of every turn.
    pub(super) fn judge_fitness(&mut self, now: Time, out: &mut Vec<Effect>) {
        if self.life != Life::Running {
            return;
        }
        let Health { limit, .. } = self.config.health;
        let fitness = &mut self.fitness;
        for check in [&mut fitness.vpn, &mut fitness.health].into_iter().flatten() {
            if check.deadline().is_some_and(|due| due <= now) {
                let id = RunId(fitness.runs);
                fitness.runs += 1;
                check.begin(id);
                out.push(Effect::Run { id, command: check.command().clone(), limit });
            }
        }
        let reasons = self.unfit_because();
        if reasons != self.fitness.reasons {
            let before = std::mem::replace(&mut self.fitness.reasons, reasons);
            let fitness = &mut self.fitness;
            if fitness.reasons.is_empty() {
                (fitness.before, fitness.until) = (before, Some(now + RETURN_LIMIT));
            } else {
                (fitness.before, fitness.until) = (Vec::new(), None);
                // That tunnels are yet to come up is so after every start.
                if fitness.served || fitness.reasons.iter().any(|reason| *reason != Reason::Tunnels) {
                    fitness.told = true;
                    let reasons = fitness.reasons.iter().map(ToString::to_string).collect();
                    out.push(Effect::Tell(Event::Unfit { instance: self.instance.clone(), reasons }));
                }
            }
        }
        self.fitness.served = self.serves() && (self.fitness.served || self.fitness.reasons.is_empty());
        let device = |neighbor: &Neighbor| matches!(neighbor.plan.kind, NeighborKind::Device { .. });
        if self.fitness.until.is_some_and(|until| until <= now || self.is_back(device)) {
            self.fitness.until = None;
            self.fitness.before.clear();
            if std::mem::take(&mut self.fitness.told) {
                out.push(Effect::Tell(Event::Fit { instance: self.instance.clone() }));
            }
        }
        self.take_stances(now, out);
    }

    /// True if it can be the active one. That its tunnels are yet to come up says nothing: only one that had some and lost
    /// all of them gives the role away for that.
    pub(super) fn is_fit_for_role(&self) -> bool {
        let tunnels = |reason: &Reason| *reason == Reason::Tunnels;
        self.fitness.reasons.iter().all(tunnels) && (self.fitness.reasons.is_empty() || !self.fitness.served)
    }

    /// When [`Speaker::judge_fitness`] has something to do.
    pub(super) fn fitness_deadline(&self) -> Option<Time> {
        if self.life != Life::Running {
            return None;
        }
        let checks = [&self.fitness.vpn, &self.fitness.health].into_iter().flatten().filter_map(Check::deadline);
        checks.chain(self.fitness.until).min()
    }

    /// All that is missing, the first to look at first.
    fn unfit_because(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if let Some(said) = self.fitness.vpn.as_ref().and_then(Check::failure) {
            reasons.push(Reason::Vpn(said.to_owned()));
        }
        if self.tunnels.iter().len() > 0 && self.tunnels_up() == 0 {
            reasons.push(Reason::Tunnels);
        }
        let network = self.config.model.instance(&self.instance).and_then(|host| host.network_interface.as_ref());
        if let Some(name) = network {
            match self.links.named(name) {
                Some(link) if link.up => {}
                Some(_) => reasons.push(Reason::Network(format!("interface {name} is down"))),
                None => reasons.push(Reason::Network(format!("interface {name} does not exist"))),
            }
        }
        if let Some(said) = self.fitness.health.as_ref().and_then(Check::failure) {
            reasons.push(Reason::Health(said.to_owned()));
        }
        reasons
    }
}
