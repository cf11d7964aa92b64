//! Another configuration on a running instance: only what differs is touched, in an order that is safe after each step.
//!
//! Owns the configuration of before while a reload waits to be confirmed. What differs, and what it costs, is
//! [`Plan::between`]; this does what the plan says, and a test holds that.

use std::time::Duration;

use super::neighbor::Neighbor;
use super::{Effect, Event, Life, Speaker, settings};
use crate::config::Config;
use crate::config::{Fate, Plan, SessionPlan, same_ends};
use crate::gateway;
use crate::session;
use crate::types::{Name, PeerId, Prefix, Time};
use crate::wire::{Attributes, Cease, Notification};

/// A reload that goes back by itself.
pub(super) struct Unconfirmed {
    until: Time,
    before: Box<Config>,
}

/// Why a configuration was not taken; nothing has changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReloadError {
    /// Something in it takes a restart.
    #[error("{} takes a restart of the daemon: {}", shown(.0), reasons(.0))]
    Restart(Box<Plan>),
    /// An earlier one may still be taken back.
    #[error("the reload of before is not confirmed yet, and goes back by itself in {0} s")]
    Unconfirmed(u64),
    /// The instance is starting or stopping.
    #[error("the instance is {0}")]
    NotRunning(&'static str),
}

fn shown(plan: &Plan) -> String {
    let names: Vec<_> = plan.refused.iter().map(|refused| refused.key.path()).collect();
    names.join(" and ")
}

fn reasons(plan: &Plan) -> String {
    let reasons: Vec<_> = plan.refused.iter().map(|refused| refused.reason.as_str()).collect();
    reasons.join("; ")
}

impl Speaker {
    /// What it runs by now.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What a reload of that configuration would do.
    #[must_use]
    pub fn plan(&self, config: &Config) -> Plan {
        Plan::between(&self.config, config, &self.instance)
    }

    /// Goes over to another configuration, all of it or nothing. With `confirm_within` it goes back by itself after that
    /// time, unless [`Speaker::confirm`] is called before.
    pub fn reload(
        &mut self,
        now: Time,
        config: Config,
        confirm_within: Option<Duration>,
        out: &mut Vec<Effect>,
    ) -> Result<Plan, ReloadError> {
        match self.life {
            Life::Running => {}
            Life::Waiting => return Err(ReloadError::NotRunning("starting")),
            Life::Closing(_) | Life::Stopping | Life::Stopped => return Err(ReloadError::NotRunning("stopping")),
        }
        if let Some(seconds) = self.unconfirmed_for(now) {
            return Err(ReloadError::Unconfirmed(seconds));
        }
        let plan = self.plan(&config);
        if !plan.refused.is_empty() {
            return Err(ReloadError::Restart(Box::new(plan)));
        }
        let before = self.take(now, config, &plan, out);
        self.loaded = now;
        self.unconfirmed = confirm_within
            .filter(|_| !plan.is_empty())
            .map(|within| Unconfirmed { until: now + within, before: Box::new(before) });
        let confirm_within = self.unconfirmed_for(now);
        out.push(Effect::Tell(Event::Reloaded { plan: Box::new(plan.clone()), confirm_within }));
        self.kernel(now, out);
        self.settle(out);
        Ok(plan)
    }

    /// Keeps what the last reload brought; false if nothing waits for that.
    pub fn confirm(&mut self, out: &mut Vec<Effect>) -> bool {
        let waited = self.unconfirmed.take().is_some();
        if waited {
            out.push(Effect::Tell(Event::Confirmed));
        }
        waited
    }

    /// How long a reload still waits to be confirmed, in seconds.
    pub(super) fn unconfirmed_for(&self, now: Time) -> Option<u64> {
        self.unconfirmed.as_ref().map(|waiting| waiting.until.since(now).as_secs_f64().ceil() as u64)
    }

    /// When a reload goes back by itself.
    pub(super) fn reload_deadline(&self) -> Option<Time> {
        self.unconfirmed.as_ref().filter(|_| self.life == Life::Running).map(|waiting| waiting.until)
    }

    /// Goes back to the configuration of before, if the time for a confirmation has passed.
    pub(super) fn revert_if_due(&mut self, now: Time, out: &mut Vec<Effect>) {
        if self.reload_deadline().is_none_or(|due| due > now) {
            return;
        }
        let Some(Unconfirmed { before, .. }) = self.unconfirmed.take() else { return };
        let plan = self.plan(&before);
        self.take(now, *before, &plan, out);
        self.loaded = now;
        out.push(Effect::Tell(Event::Reverted { plan: Box::new(plan) }));
    }

    /// Does what the plan says; gives back the configuration of before.
    fn take(&mut self, now: Time, config: Config, plan: &Plan, out: &mut Vec<Effect>) -> Config {
        let Some(desired) = gateway::desired(&config.model, &self.instance) else { return self.config.clone() };
        let signed = self.signs();
        let before = std::mem::replace(&mut self.config, config);
        self.desired = desired;
        self.elect(now, out);
        // Who is who must be known before anybody is renamed.
        let steps: Vec<_> = plan.sessions.iter().map(|step| (step, self.id_before(step))).collect();
        // Goodbyes first: they are signed as the sessions were.
        let mut added = Vec::new();
        for (step, id) in &steps {
            match (id, self.planned(&step.name)) {
                (Some(id), Some(plan)) => {
                    let ends = self.neighbors.get(*id).is_some_and(|neighbor| same_ends(&neighbor.plan, plan));
                    match (step.fate, ends) {
                        (Fate::Kept | Fate::Soft, _) => {}
                        (_, true) => {
                            let input = match &plan.shutdown {
                                Some(text) => {
                                    let why = Notification::shutdown(Cease::AdministrativeShutdown, text);
                                    session::Input::Stop(why)
                                }
                                None => session::Input::Restart(Cease::OtherConfigurationChange.into()),
                            };
                            self.session(now, Some(*id), input, out);
                        }
                        (_, false) => {
                            added.push(step.name.clone());
                            self.remove_neighbor(now, *id, Cease::OtherConfigurationChange.into(), out);
                        }
                    }
                }
                (Some(id), None) => {
                    let why = Notification::from(Cease::PeerDeconfigured);
                    self.remove_neighbor(now, *id, why, out);
                }
                (None, _) => added.push(step.name.clone()),
            }
        }
        // New neighbors find the tunnels that they are in.
        self.plan_tunnels(now, out);
        self.ranges(now, plan, out);
        for (step, id) in &steps {
            if let (Some(id), Some(plan)) = (id, self.planned(&step.name).cloned()) {
                self.replan(now, *id, plan, out);
            }
        }
        let new: Vec<_> =
            added.iter().filter_map(|name| self.planned(name)).map(|plan| (plan.name.clone(), plan)).collect();
        if signed != self.signs() || new.iter().any(|(_, plan)| plan.auth != gateway::Auth::None) {
            out.push(Effect::Sign);
        }
        let new: Vec<_> = new.into_iter().map(|(_, plan)| plan.clone()).collect();
        for plan in new {
            self.add_neighbor(now, plan, out);
        }
        let families: Vec<_> = self.desired.ranges.iter().map(|range| range.prefix.family()).collect();
        for family in families {
            self.listen(family, out);
        }
        // Everybody: what is ours is part of what is believed.
        for id in self.neighbors.ids() {
            if let Some(neighbor) = self.neighbors.get(id) {
                self.rib.set_peer(id, neighbor.rib_settings(&self.desired, &self.config.policies));
            }
        }
        self.rib.set(settings::rib(&self.config, &self.desired));
        self.fib.set(&settings::fib(&self.config));
        for prefix in &plan.withdrawn {
            self.rib.unoriginate(prefix);
        }
        for prefix in &plan.announced {
            self.rib.originate(*prefix, Attributes::default());
        }
        if before.ecmp.hash != self.config.ecmp.hash {
            out.push(Effect::Hash(self.config.ecmp.hash));
        }
        self.meet_twin(now, out);
        self.tell_twin(now, out);
        self.plan_checks(now);
        self.plan_drains(out);
        self.take_stances(now, out);
        self.rewatch(now, out);
        before
    }

    /// Lets go of neighbors that came by themselves from where none may come any more; the others follow their range.
    fn ranges(&mut self, now: Time, plan: &Plan, out: &mut Vec<Effect>) {
        for id in self.neighbors.ids() {
            let Some(neighbor) = self.neighbors.get(id) else { continue };
            let (Some(range), remote, asn) =
                (neighbor.plan.range.clone(), neighbor.plan.remote_address, neighbor.plan.asn)
            else {
                continue;
            };
            let own = self.desired.neighbors.iter().any(|other| other.remote_address == remote);
            let reset = plan.ranges.iter().any(|step| step.name == range && step.fate == Fate::Reset);
            let found = self.desired.ranges.iter().find(|new| *new.name() == range && new.prefix.holds(remote));
            match found.and_then(|found| found.neighbor(remote)) {
                None => self.remove_neighbor(now, id, Cease::PeerDeconfigured.into(), out),
                Some(_) if own || reset => {
                    self.remove_neighbor(now, id, Cease::OtherConfigurationChange.into(), out);
                }
                Some(like) => self.replan(now, id, gateway::Neighbor { asn, ..like }, out),
            }
        }
    }

    /// Gives a neighbor its new plan; its session goes on by it.
    fn replan(&mut self, now: Time, id: PeerId, plan: gateway::Neighbor, out: &mut Vec<Effect>) {
        let settings = Neighbor::session_settings(&plan, &self.desired);
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        let before = std::mem::replace(&mut neighbor.plan, plan);
        let limits = before.limit != neighbor.plan.limit;
        if limits {
            neighbor.told = Default::default();
        }
        if before.name != neighbor.plan.name || neighbor.plan.shutdown.is_some() {
            self.forget_words(now, before.interface.as_deref(), &before.name, out);
        }
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        let back = before.shutdown.is_some() && neighbor.plan.shutdown.is_none() || limits && neighbor.over.is_some();
        if *neighbor.session.settings() != settings {
            self.session(now, Some(id), session::Input::Configure(Box::new(settings)), out);
        }
        if back {
            self.let_back(now, id, out);
        } else if limits {
            self.limit(now, id, out);
        }
    }

    fn id_before(&self, step: &SessionPlan) -> Option<PeerId> {
        let name = step.was.as_ref().unwrap_or(&step.name);
        self.neighbors.named(name).filter(|_| step.fate != Fate::Added).map(|neighbor| neighbor.id)
    }

    fn planned(&self, name: &Name) -> Option<&gateway::Neighbor> {
        self.desired.neighbors.iter().find(|plan| plan.name == *name)
    }

    /// Whose segments are signed, and how.
    fn signs(&self) -> Vec<(Prefix, gateway::Auth)> {
        let mut signs: Vec<_> = self.signatures().map(|(_, prefix, auth)| (prefix, auth.clone())).collect();
        signs.retain(|(_, auth)| *auth != gateway::Auth::None);
        signs.sort_by_key(|(prefix, _)| *prefix);
        signs
    }
}
