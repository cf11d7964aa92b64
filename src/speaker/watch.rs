//! Neighbors that BFD watches: what the agent says of them, and what that means (RFC 5882 §3, §4.3, RFC 9384).
//!
//! A session that was Up and is Down is a dead way: next hops leave the kernel's groups first, then BGP ends. A session
//! that was never Up says nothing, unless the neighbor is `strict`; nor does one that a person at the other end shut.

use std::time::Duration;

use super::neighbor::{Bond, Neighbor};
use super::tunnels::Tunnel;
use super::{Effect, Event, Life, Speaker};
use crate::bfd;
use crate::bfd::{Plan, Report, State, Status};
use crate::fib::Bar;
use crate::gateway;
use crate::gateway::NeighborKind;
use crate::session;
use crate::types::{LinkIndex, PeerId, Time};
use crate::vpn;
use crate::vpn::Source;
use crate::wire::{Cease, Notification};

/// BFD goes on without the daemon for the restart time, when the neighbor gives up our routes anyway; and where it keeps
/// none, for what a start takes.
pub(super) const LEAST_ABSENCE: Duration = Duration::from_secs(2);

/// What is known of one neighbor's BFD.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// As the agent last said; `None` before it did, and while there is no agent.
    pub(super) status: Option<Status>,
    /// Since when its state is what it is.
    pub(super) since: Option<Time>,
    /// Why the way was last found dead, and when.
    pub(super) last_failure: Option<(Time, bfd::Diag)>,
    /// How often it was, as far as this run knows.
    pub(super) failures: u64,
    /// What must carry nothing while the way is dead, where that is no tunnel: a tunnel is told.
    pub(super) bar: Option<Bar>,
}

/// What a report means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Meaning {
    /// The way is alive.
    Alive,
    /// It was, and is not.
    Dead,
    /// Nothing is known of it: never Up, or shut by a person.
    Unknown,
}

pub(super) fn meaning(status: &Status) -> Meaning {
    let shut = status.state == State::AdminDown || status.remote_state == State::AdminDown;
    match status.state {
        State::Up => Meaning::Alive,
        _ if shut || status.ups == 0 => Meaning::Unknown,
        State::AdminDown | State::Down | State::Init => Meaning::Dead,
    }
}

/// The session that a `bfd` table asks for.
pub(super) fn plan_of(watch: &gateway::Watch, path: bfd::Path, absence: Duration) -> Plan {
    let key = watch.key.as_ref().map(|key| bfd::KeyFile {
        id: key.id,
        algorithm: if key.meticulous { bfd::Algorithm::MeticulousKeyedSha1 } else { bfd::Algorithm::KeyedSha1 },
        file: key.file.clone(),
    });
    let (interval, multiplier) = (watch.interval, watch.multiplier);
    Plan { path, interval, multiplier, passive: false, key, absence }
}

impl Watched {
    fn meaning(&self) -> Meaning {
        self.status.as_ref().map_or(Meaning::Unknown, meaning)
    }
}

impl Neighbor {
    /// True if BGP must wait for BFD.
    pub(super) fn waits_for_bfd(&self) -> bool {
        let strict = self.plan.bfd.as_ref().is_some_and(|watch| watch.strict);
        strict && self.watched.meaning() != Meaning::Alive
    }

    /// Between whom its BFD session is. On the link where BGP is.
    pub(super) fn bfd_path(&self) -> bfd::Path {
        let hops = match (self.plan.bfd.as_ref().and_then(|watch| watch.multihop), self.plan.ttl) {
            (Some(hops), _) => hops,
            (None, gateway::Ttl::Security | gateway::Ttl::Hops(..=1)) => 1,
            // How far it may be says nothing of the TTL that it sends with: BIRD's is 64.
            (None, gateway::Ttl::Hops(_)) => u8::MAX,
        };
        bfd::Path {
            local: self.plan.local_address,
            remote: self.plan.remote_address,
            interface: self.plan.interface.clone(),
            hops,
        }
    }

    /// True if it may be its control plane alone that is gone: graceful restart waits for that, and its BFD, as it said
    /// itself, goes with it (RFC 5882 §4.3). Packets may get through all the same.
    fn restarts_with_bfd(&self, status: &Status) -> bool {
        self.conn.is_none() && self.awaited.kept.is_some() && !status.remote_independent
    }

    /// Its BFD session, if it shall have one.
    fn bfd_plan(&self) -> Option<Plan> {
        let watch = self.plan.bfd.as_ref()?;
        Some(plan_of(watch, self.bfd_path(), self.plan.restart.restart_time.max(LEAST_ABSENCE)))
    }

    /// The interface of the tunnel whose far end it is: a tunnel has one, a network many.
    fn tunnel(&self) -> Option<&str> {
        match &self.plan.kind {
            NeighborKind::Device { .. } => self.plan.interface.as_deref(),
            NeighborKind::Twin | NeighborKind::NetworkRouter | NeighborKind::Other => None,
        }
    }
}

impl Speaker {
    /// The sessions that BFD shall run: told when they may have changed.
    pub(super) fn watch(&mut self, out: &mut Vec<Effect>) {
        // Before it runs, nobody is told, and it is not forgotten either.
        if self.life != Life::Running || !std::mem::take(&mut self.watch_again) {
            return;
        }
        let of_tunnels = self.tunnels.iter().filter_map(Tunnel::bfd_plan);
        let serves = |neighbor: &&Neighbor| self.waits_behind_twin(neighbor).is_none();
        let of_sessions = self.neighbors.iter().filter(serves).filter_map(Neighbor::bfd_plan);
        let plans: Vec<Plan> = of_sessions.chain(of_tunnels).collect();
        if self.watching.as_ref() != Some(&plans) {
            self.watching = Some(plans.clone());
            out.push(Effect::Bfd(plans));
        }
        self.probe_these(out);
    }

    /// Neighbors have other plans: who is not watched any more is not judged by that, and who need not wait for BFD any
    /// more is started.
    pub(super) fn rewatch(&mut self, now: Time, out: &mut Vec<Effect>) {
        for id in self.neighbors.ids() {
            if self.neighbors.get(id).is_some_and(|neighbor| neighbor.plan.bfd.is_none()) {
                self.unbar(now, id, out);
                if let Some(neighbor) = self.neighbors.get_mut(id) {
                    neighbor.watched = Watched::default();
                }
            }
        }
        self.unwatch_alone(now, false, out);
        self.reprobe(now, out);
        self.watch_again = true;
        self.watch(out);
        self.routed(now, out);
    }

    /// The agent tells of a session.
    pub(super) fn bfd(&mut self, now: Time, report: Report, out: &mut Vec<Effect>) {
        let of = |neighbor: &&Neighbor| neighbor.plan.bfd.is_some() && neighbor.bfd_path() == report.path;
        let Some(id) = self.neighbors.iter().find(of).map(|neighbor| neighbor.id) else {
            return self.bfd_alone(now, report, out);
        };
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        let since = Time::from_start(now.since_start().saturating_sub(report.age));
        let before = neighbor.watched.status.replace(report.status.clone());
        neighbor.watched.since = Some(since);
        let was = before.as_ref().map_or(Meaning::Unknown, meaning);
        let twin = neighbor.plan.kind == NeighborKind::Twin;
        // Down and up again between two reports was still a failure.
        let missed = before.as_ref().is_some_and(|before| before.flaps < report.status.flaps) && was == Meaning::Alive;
        if twin {
            let up = match meaning(&report.status) {
                Meaning::Alive => Some(true),
                Meaning::Dead => Some(false),
                Meaning::Unknown => None,
            };
            self.role_bfd(now, up, out);
        }
        match (was, meaning(&report.status)) {
            (Meaning::Alive, Meaning::Alive) if missed => {
                self.bfd_failed(now, id, &report.status, before.as_ref(), out);
                self.bfd_alive(now, id, &report.status, out);
            }
            (Meaning::Alive, Meaning::Alive) | (Meaning::Dead, Meaning::Dead) => {}
            (_, Meaning::Alive) => self.bfd_alive(now, id, &report.status, out),
            (_, Meaning::Dead) => self.bfd_failed(now, id, &report.status, before.as_ref(), out),
            (Meaning::Unknown, Meaning::Unknown) => {}
            (Meaning::Alive | Meaning::Dead, Meaning::Unknown) => self.bfd_unknown(now, id, "shut by the peer", out),
        }
    }

    /// There is no agent any more: nothing is known, and nothing is concluded from that.
    pub(super) fn bfd_lost(&mut self, now: Time, reason: String, out: &mut Vec<Effect>) {
        out.push(Effect::Tell(Event::BfdAgentLost { reason }));
        self.role_bfd(now, None, out);
        self.unwatch_alone(now, true, out);
        for id in self.neighbors.ids() {
            let Some(neighbor) = self.neighbors.get_mut(id) else { continue };
            let known = neighbor.watched.status.take().is_some();
            neighbor.watched.since = None;
            if known {
                self.unbar(now, id, out);
            }
        }
    }

    /// BFD knows nothing against the way any more, or BGP is up although BFD is not: it carries packets, whatever BFD was.
    pub(super) fn unbar(&mut self, now: Time, id: PeerId, out: &mut Vec<Effect>) {
        let neighbor = self.neighbors.get(id);
        let of = neighbor.and_then(|neighbor| Some((neighbor.tunnel()?.to_owned(), neighbor.plan.name.clone())));
        if let Some((interface, name)) = of {
            self.say(now, &interface, vpn::Input::Agrees { source: Source::Bfd, by: Some(name) }, out);
        }
        let Some(bar) = self.neighbors.get_mut(id).and_then(|neighbor| neighbor.watched.bar.take()) else { return };
        // Another neighbor may be behind the same hops.
        if !self.neighbors.iter().any(|other| other.watched.bar == Some(bar)) {
            self.fib.unbar(bar);
            self.kernel(now, out);
        }
    }

    /// What leads over a neighbor that is in no tunnel: what goes over its address, or over its link if that is the twin's
    /// alone, since the twin may name another address as next hop of the other family.
    fn bar_of(&self, id: PeerId) -> Option<Bar> {
        let neighbor = self.neighbors.get(id)?;
        Some(self.own_link(neighbor).map_or(Bar::Gateway(neighbor.plan.remote_address), Bar::Link))
    }

    /// The link to the twin, if nobody else is there.
    pub(super) fn own_link(&self, neighbor: &Neighbor) -> Option<LinkIndex> {
        let (NeighborKind::Twin, Bond::Up(link) | Bond::Down(link)) = (&neighbor.plan.kind, &neighbor.bond) else {
            return None;
        };
        let there = |other: &Neighbor| match &other.bond {
            Bond::Up(on) | Bond::Down(on) => on == link,
            Bond::Free => self.links.on_link(other.plan.remote_address) == Some(*link),
            Bond::Missing => false,
        };
        let shared = self.neighbors.iter().any(|other| other.id != neighbor.id && there(other));
        (!shared).then_some(*link)
    }

    fn bfd_alive(&mut self, now: Time, id: PeerId, status: &Status, out: &mut Vec<Effect>) {
        self.unbar(now, id, out);
        self.heard(now, id, out);
        let Some(neighbor) = self.neighbors.get(id) else { return };
        let name = neighbor.plan.name.clone();
        out.push(Effect::Tell(Event::BfdUp { neighbor: name, detection: status.detection_time }));
        let (up, waits, idle) = (neighbor.ready(), neighbor.awaits_route, neighbor.conn.is_none());
        if self.life != Life::Running || !up {
            return;
        }
        if !waits && idle {
            self.session(now, Some(id), session::Input::DialNow, out);
        } else if waits && self.has_route(id) {
            self.start(now, id, out);
        }
    }

    fn bfd_failed(&mut self, now: Time, id: PeerId, status: &Status, before: Option<&Status>, out: &mut Vec<Effect>) {
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        if neighbor.restarts_with_bfd(status) {
            let name = neighbor.plan.name.clone();
            out.push(Effect::Tell(Event::BfdSilent { neighbor: name, what: "gone with the peer's control plane" }));
            self.hold_back(now, id, out);
            return;
        }
        neighbor.watched.last_failure = Some((now, status.diag));
        neighbor.watched.failures += 1;
        let silent = before.map(|before| before.detection_time).unwrap_or_default();
        let silent = if status.diag == bfd::Diag::EXPIRED { silent } else { Duration::ZERO };
        // The kernel before all else.
        match neighbor.tunnel().map(str::to_owned) {
            Some(interface) => {
                let by = Some(neighbor.plan.name.clone());
                let reason = format!("BFD with {}: {}", neighbor.plan.name, status.diag);
                self.say(now, &interface, vpn::Input::Objects { source: Source::Bfd, by, reason }, out);
            }
            None => {
                let Some(bar) = self.bar_of(id) else { return };
                if let Some(neighbor) = self.neighbors.get_mut(id) {
                    neighbor.watched.bar = Some(bar);
                }
                self.fib.bar(bar);
                self.kernel(now, out);
            }
        }
        let Some(neighbor) = self.neighbors.get(id) else { return };
        let event = Event::BfdDown {
            neighbor: neighbor.plan.name.clone(),
            diag: status.diag.to_string(),
            remote: status.remote_diag.to_string(),
            silent,
        };
        out.push(Effect::Tell(event));
        self.startup.give_up(id);
        self.end_for_bfd(now, id, true, out);
        self.drop_kept(id, "BFD found the way dead", out);
    }

    /// A strict neighbor waits for BFD before it is tried again; what it taught before is not judged by that.
    fn hold_back(&mut self, now: Time, id: PeerId, out: &mut Vec<Effect>) {
        let Some(neighbor) = self.neighbors.get_mut(id).filter(|neighbor| neighbor.waits_for_bfd()) else { return };
        neighbor.awaits_route = neighbor.ready();
        let mut outputs = Vec::new();
        neighbor.session.handle(now, session::Input::Stop(Cease::BfdDown.into()), &mut outputs);
        self.obey(now, id, outputs, out);
    }

    /// Ends the session because of BFD; one that is strict waits for BFD before it is tried again, and one that is not
    /// is only ended by a failure.
    fn end_for_bfd(&mut self, now: Time, id: PeerId, failed: bool, out: &mut Vec<Effect>) {
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        let why = Notification::from(Cease::BfdDown);
        if neighbor.waits_for_bfd() {
            neighbor.awaits_route = neighbor.ready();
            self.session(now, Some(id), session::Input::Stop(why), out);
        } else if failed {
            self.session(now, Some(id), session::Input::Restart(why), out);
        }
    }

    /// BFD says nothing any more: BGP decides alone, or waits if it is strict.
    fn bfd_unknown(&mut self, now: Time, id: PeerId, what: &'static str, out: &mut Vec<Effect>) {
        self.unbar(now, id, out);
        let Some(neighbor) = self.neighbors.get(id) else { return };
        out.push(Effect::Tell(Event::BfdSilent { neighbor: neighbor.plan.name.clone(), what }));
        self.end_for_bfd(now, id, false, out);
    }
}
