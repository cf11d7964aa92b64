//! Tunnels without a session, and what watches their far ends all the same: BFD, and the probe.
//!
//! Owns what both said of such a tunnel, and the host routes to their far ends. There is no BGP that could be ended: an
//! objection takes the tunnel down, and its static prefixes follow ([`super::statics`]).

use std::collections::BTreeMap;
use std::time::Duration;

use super::probes;
use super::probes::Probed;
use super::tunnels::Tunnel;
use super::watch::{LEAST_ABSENCE, Meaning, Watched, meaning, plan_of};
use super::{Effect, Event, Life, Speaker};
use crate::bfd;
use crate::probe;
use crate::types::{LinkIndex, Name, Prefix, Time};
use crate::vpn;
use crate::vpn::Source;

/// What watches the far end of one tunnel.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) watched: Watched,
    pub(super) probed: Probed,
}

/// The host routes to far ends without a session, by tunnel.
#[derive(Debug, Default)]
pub(super) struct FarEnds(BTreeMap<Name, (Prefix, LinkIndex)>);

impl Tunnel {
    /// Between whom its BFD session is, if it has one of its own.
    pub(super) fn bfd_path(&self) -> Option<bfd::Path> {
        let watch = self.plan.bfd.as_ref()?;
        let (local, remote) = self.plan.local.zip(self.plan.remote)?;
        let interface = Some(self.plan.interface.clone());
        Some(bfd::Path { local, remote, interface, hops: watch.multihop.unwrap_or(1) })
    }

    /// Its BFD session, if it has one of its own.
    pub(super) fn bfd_plan(&self) -> Option<bfd::Plan> {
        Some(plan_of(self.plan.bfd.as_ref()?, self.bfd_path()?, LEAST_ABSENCE))
    }

    /// Its probe, if it has one of its own.
    pub(super) fn probe_plan(&self) -> Option<probe::Plan> {
        let words = self.plan.probe.as_ref()?;
        let (local, remote) = self.plan.local.zip(self.plan.remote)?;
        let interface = self.plan.interface.clone();
        Some(probe::Plan { local, remote, interface, interval: words.interval, count: words.count })
    }
}

impl Speaker {
    /// The far end of a tunnel without a session is reached by a host route while its interface is up: also while nothing
    /// else uses it, since BFD and the probe find out through it when that is over.
    pub(super) fn follow_far_end(&mut self, tunnel: &Name) {
        if self.life != Life::Running {
            return;
        }
        let wanted = self.tunnels.named(tunnel).filter(|tunnel| !tunnel.plan.statics.is_empty()).and_then(|tunnel| {
            let routes = &mut self.desired.host_routes.iter();
            let to = Prefix::host(tunnel.plan.remote?);
            routes.find(|route| route.prefix == to && route.interface == tunnel.plan.interface)?;
            let link = self.links.named(&tunnel.plan.interface).filter(|link| link.up)?;
            Some((to, link.index))
        });
        let before = match wanted {
            Some(route) => self.far_ends.0.insert(tunnel.clone(), route),
            None => self.far_ends.0.remove(tunnel),
        };
        if before == wanted {
            return;
        }
        if let Some((to, link)) = wanted {
            self.fib.want_link(to, link);
        }
        if let Some((gone, _)) = before.filter(|(gone, _)| wanted.is_none_or(|(to, _)| to != *gone)) {
            self.forget_far_end(&gone);
        }
    }

    /// Takes the host routes away of tunnels that are not in the file any more.
    pub(super) fn forget_far_ends(&mut self) {
        let gone: Vec<_> = self.far_ends.0.extract_if(.., |name, _| self.tunnels.named(name).is_none()).collect();
        for (_, (prefix, _)) in gone {
            self.forget_far_end(&prefix);
        }
    }

    fn forget_far_end(&mut self, prefix: &Prefix) {
        let session = self.neighbors.iter().any(|neighbor| neighbor.host_route == Some(*prefix) && neighbor.ready());
        if !session && !self.far_ends.0.values().any(|(other, _)| other == prefix) {
            self.fib.unwant_link(prefix);
        }
    }

    /// The BFD agent tells of a tunnel's own session.
    pub(super) fn bfd_alone(&mut self, now: Time, report: bfd::Report, out: &mut Vec<Effect>) {
        let of = |tunnel: &&mut Tunnel| tunnel.bfd_path().as_ref() == Some(&report.path);
        let Some(tunnel) = self.tunnels.iter_mut().find(of) else { return };
        let (name, interface) = (tunnel.plan.name.clone(), tunnel.plan.interface.clone());
        let watched = &mut tunnel.watch.watched;
        let before = watched.status.replace(report.status.clone());
        watched.since = Some(Time::from_start(now.since_start().saturating_sub(report.age)));
        let (was, is) = (before.as_ref().map_or(Meaning::Unknown, meaning), meaning(&report.status));
        // Down and up again between two reports was still a failure.
        let missed = was == Meaning::Alive && before.as_ref().is_some_and(|before| before.flaps < report.status.flaps);
        let failed = is == Meaning::Dead && was != Meaning::Dead || missed;
        if failed {
            watched.last_failure = Some((now, report.status.diag));
            watched.failures += 1;
            let silent = before.map(|before| before.detection_time).unwrap_or_default();
            let silent = if report.status.diag == bfd::Diag::EXPIRED { silent } else { Duration::ZERO };
            let reason = format!("BFD: {}", report.status.diag);
            self.say(now, &interface, vpn::Input::Objects { source: Source::Bfd, by: None, reason }, out);
            let (diag, remote) = (report.status.diag.to_string(), report.status.remote_diag.to_string());
            out.push(Effect::Tell(Event::BfdDown { neighbor: name.clone(), diag, remote, silent }));
        }
        match is {
            Meaning::Dead => {}
            Meaning::Alive if was == Meaning::Alive && !missed => {}
            Meaning::Alive => {
                self.say(now, &interface, vpn::Input::Agrees { source: Source::Bfd, by: None }, out);
                out.push(Effect::Tell(Event::BfdUp { neighbor: name, detection: report.status.detection_time }));
            }
            Meaning::Unknown if was == Meaning::Unknown => {}
            Meaning::Unknown => {
                self.say(now, &interface, vpn::Input::Agrees { source: Source::Bfd, by: None }, out);
                out.push(Effect::Tell(Event::BfdSilent { neighbor: name, what: "shut by the peer" }));
            }
        }
    }

    /// Nothing counts that BFD said of tunnels, of all or of those that it watches no more.
    pub(super) fn unwatch_alone(&mut self, now: Time, all: bool, out: &mut Vec<Effect>) {
        let mut unknown = Vec::new();
        for tunnel in self.tunnels.iter_mut().filter(|tunnel| all || tunnel.plan.bfd.is_none()) {
            if tunnel.watch.watched.status.take().is_some() {
                tunnel.watch.watched.since = None;
                unknown.push(tunnel.plan.interface.clone());
            }
        }
        for interface in unknown {
            self.say(now, &interface, vpn::Input::Agrees { source: Source::Bfd, by: None }, out);
        }
    }

    /// The far end of a tunnel without a session has answered, or has stopped to.
    pub(super) fn probed_alone(&mut self, now: Time, report: &probe::Report, out: &mut Vec<Effect>) {
        let of = |tunnel: &&mut Tunnel| tunnel.probe_plan().as_ref() == Some(&report.plan);
        let Some(tunnel) = self.tunnels.iter_mut().find(of) else { return };
        let name = tunnel.plan.name.clone();
        if let Some(agrees) = tunnel.watch.probed.turn(now, report.state) {
            self.say(now, &report.plan.interface, probes::word(&report.plan, agrees), out);
            out.push(Effect::Tell(probes::event(&report.plan, name, agrees)));
        }
    }

    /// Tunnels have other plans: what was known of one that is asked in another way, or not at all, is forgotten.
    pub(super) fn reprobe_alone(&mut self, now: Time, out: &mut Vec<Effect>) {
        let mut unknown = Vec::new();
        for tunnel in self.tunnels.iter_mut() {
            let same = tunnel.probe_plan().is_some_and(|plan| self.probing.contains(&plan));
            if !same && tunnel.watch.probed.state != probe::State::Unknown {
                tunnel.watch.probed = Probed::default();
                unknown.push(tunnel.plan.interface.clone());
            }
        }
        for interface in unknown {
            self.say(now, &interface, vpn::Input::Agrees { source: Source::Probe, by: None }, out);
        }
    }
}
