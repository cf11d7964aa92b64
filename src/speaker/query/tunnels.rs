//! `show tunnels`, and what a hook says of one.

use std::collections::HashMap;

use super::{Surroundings, count};
use crate::control::api;
use crate::control::api::{ApiError, Done, Objection, Reply, TunnelChange, TunnelDetail, TunnelState, Tunnels};
use crate::speaker::tunnels::Tunnel;
use crate::speaker::{Effect, Speaker};
use crate::types::{LinkIndex, Name, Time};
use crate::vpn;
use crate::vpn::{Phase, Source, Word};

/// What a hook says without a reason of its own.
const DOWN: &str = "taken down by an operator";

impl Speaker {
    pub(super) fn show_tunnels(&self, now: Time, around: &dyn Surroundings) -> Tunnels {
        let routes = self.routes_by_link();
        Tunnels { tunnels: self.tunnels.iter().map(|tunnel| self.show(now, tunnel, &routes, around)).collect() }
    }

    pub(super) fn show_tunnel(
        &self,
        now: Time,
        name: &Name,
        around: &dyn Surroundings,
    ) -> Result<TunnelDetail, ApiError> {
        let tunnel = self.tunnels.named(name).ok_or_else(|| self.no_tunnel(name))?;
        let history = tunnel.machine.history().iter().map(|entry| TunnelChange {
            at: self.moment(entry.at),
            ago_seconds: now.since(entry.at).as_secs(),
            change: word(entry.word).to_owned(),
            source: entry.source.map(|source| source.to_string()),
            neighbor: entry.by.clone(),
            reason: entry.reason.clone(),
            repeats: entry.repeats,
            last_at: self.moment(entry.last),
        });
        Ok(TunnelDetail {
            history: history.collect(),
            remembered_flaps: tunnel.machine.remembered(now).into(),
            tunnel: self.show(now, tunnel, &self.routes_by_link(), around),
        })
    }

    /// A person or a script takes a tunnel down, or no longer holds it down.
    pub(super) fn hook(
        &mut self,
        now: Time,
        name: &Name,
        down: bool,
        reason: Option<&str>,
        out: &mut Vec<Effect>,
    ) -> Result<Reply, ApiError> {
        let tunnel = self.tunnels.named(name).ok_or_else(|| self.no_tunnel(name))?;
        let interface = tunnel.plan.interface.clone();
        let held = tunnel.hooked().is_some();
        let input = if down {
            // Nobody's terminal codes in our tables, not even our own operator's.
            let reason = reason.unwrap_or(DOWN).replace(char::is_control, " ");
            vpn::Input::Objects { source: Source::Hook, by: None, reason }
        } else {
            vpn::Input::Agrees { source: Source::Hook, by: None }
        };
        self.say(now, &interface, input, out);
        self.hold(out);
        self.follow_up(now, out);
        let left = self.tunnels.named(name).and_then(|tunnel| tunnel.reason(now));
        let message = match (down, held, left) {
            (true, false, _) => format!("{name} is down, until: twinspan tunnel up {name}"),
            (true, true, _) => format!("{name} was down already, until: twinspan tunnel up {name}"),
            (false, true, None) => format!("{name} is up"),
            (false, true, Some(left)) => format!("{name} is held down no longer, and is still down: {left}"),
            (false, false, None) => format!("{name} was up already"),
            (false, false, Some(left)) => format!("{name} was not held down, and is down: {left}"),
        };
        Ok(Reply::Done(Done { message }))
    }

    /// Why there is no tunnel of that name here.
    pub(in crate::speaker) fn no_tunnel(&self, name: &Name) -> ApiError {
        let error = ApiError::not_found(format!("there is no tunnel \"{name}\" on {}", self.instance));
        let model = &self.config.model;
        let all = model.connections.iter().flat_map(|connection| {
            connection.tunnels.iter().map(|tunnel| (connection.tunnel_name(tunnel), &tunnel.instance))
        });
        match all.into_iter().find(|(known, _)| known.as_ref() == Some(name)) {
            Some((_, instance)) => error.hint(format!("it is one of {instance}: ask there")),
            None => error.hint("see all: twinspan show tunnels"),
        }
    }

    /// How many prefixes may leave by each interface.
    fn routes_by_link(&self) -> HashMap<LinkIndex, u64> {
        let mut routes: HashMap<LinkIndex, u64> = HashMap::new();
        let hops: HashMap<u32, LinkIndex> = self.fib.hops().iter().map(|view| (view.hop.id, view.hop.link)).collect();
        for view in self.fib.groups() {
            let mut links: Vec<_> = view.group.members.iter().filter_map(|(id, _)| hops.get(id).copied()).collect();
            links.dedup();
            for link in links {
                *routes.entry(link).or_default() += u64::from(view.wanted);
            }
        }
        routes
    }

    fn show(
        &self,
        now: Time,
        tunnel: &Tunnel,
        routes: &HashMap<LinkIndex, u64>,
        around: &dyn Surroundings,
    ) -> api::Tunnel {
        let (plan, machine) = (&tunnel.plan, &tunnel.machine);
        let neighbor = self.neighbors.named(&plan.name);
        let link = self.links.named(&plan.interface).map(|link| link.index);
        let since = (machine.since() > Time::START).then_some(machine.since());
        let damped = match machine.phase() {
            Phase::Damped { until, .. } => Some(*until),
            Phase::Up | Phase::Down { .. } => None,
        };
        let objections = machine.objections().iter().map(|objection| Objection {
            source: objection.source.to_string(),
            neighbor: objection.by.clone(),
            reason: objection.reason.clone(),
            since: self.moment(objection.since),
            since_seconds: now.since(objection.since).as_secs(),
        });
        api::Tunnel {
            name: plan.name.clone(),
            connection: plan.connection.clone(),
            device: Some(plan.device.clone()),
            instance: self.instance.clone(),
            interface: plan.interface.clone(),
            interface_index: link.map(LinkIndex::get),
            state: if machine.carries() { TunnelState::Up } else { TunnelState::Down },
            reason: tunnel.reason(now),
            since: since.map(|since| self.moment(since)),
            state_seconds: since.map(|since| now.since(since).as_secs()),
            local_address: neighbor.map(|neighbor| neighbor.plan.local_address).or(plan.local),
            remote_address: neighbor.map(|neighbor| neighbor.plan.remote_address).or(plan.remote),
            neighbor: neighbor.map(|neighbor| neighbor.plan.name.clone()),
            session: neighbor.map(|neighbor| self.session_state(neighbor)),
            bfd: match neighbor {
                Some(neighbor) => self.show_bfd(now, neighbor),
                None => plan.bfd.as_ref().map(|watch| {
                    let multihop = watch.multihop.is_some();
                    self.show_watched(now, watch, &tunnel.watch.watched, multihop)
                }),
            },
            probe: match neighbor {
                Some(neighbor) => self.show_probe(now, neighbor),
                None => tunnel.probe_plan().map(|plan| self.show_probed(now, &plan, &tunnel.watch.probed)),
            },
            detection: match neighbor {
                Some(neighbor) => self.show_detection(neighbor),
                None => self.show_detection_alone(tunnel),
            },
            flaps: machine.flaps(),
            damped_until: damped.map(|until| self.moment(until)),
            damped_seconds: damped.map(|until| until.since(now).as_secs_f64().ceil() as u64),
            objections: objections.collect(),
            routes: link.and_then(|link| routes.get(&link).copied()).unwrap_or(0),
            counters: around.counters(&plan.interface),
        }
    }

    /// How many of its tunnels carry traffic.
    pub(in crate::speaker) fn tunnels_up(&self) -> u64 {
        count(self.tunnels.iter().filter(|tunnel| tunnel.machine.carries()).count())
    }
}

fn word(word: Word) -> &'static str {
    match word {
        Word::Up => "up",
        Word::Down => "down",
        Word::Objected => "objected",
        Word::Agreed => "agreed",
        Word::Damped => "damped",
    }
}
