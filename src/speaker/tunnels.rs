//! The tunnels of this instance: who knows something of one tells its machine ([`vpn::Tunnel`]), and what that says is
//! done: groups first, then BGP, then the tidy-up.
//!
//! Owns what bars a tunnel whose interface is up. An interface that is down bars itself: the kernel lets nothing use it.

use super::alone::Watch;
use super::neighbor::Neighbor;
use super::{Effect, Event, Held, Life, Speaker};
use crate::bfd;
use crate::fib::Bar;
use crate::gateway;
use crate::session;
use crate::session::DownReason;
use crate::types::{Name, PeerId, Time};
use crate::vpn;
use crate::vpn::{Entry, Phase, Source, Word};

/// One tunnel of the file.
pub(super) struct Tunnel {
    pub(super) plan: gateway::Tunnel,
    pub(super) machine: vpn::Tunnel,
    /// What keeps routes off it.
    bar: Option<Bar>,
    /// When it went down, if it is.
    pub(super) down_since: Option<Time>,
    /// What watches its far end, where there is no session.
    pub(super) watch: Watch,
}

/// All of them, in the order of the file.
#[derive(Default)]
pub(super) struct Tunnels(Vec<Tunnel>);

/// What became of one: its place, and what changed.
pub(super) struct Turn {
    at: usize,
    changes: Vec<Entry>,
}

impl Tunnels {
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Tunnel> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> std::slice::IterMut<'_, Tunnel> {
        self.0.iter_mut()
    }

    /// The one of that name.
    pub(super) fn named(&self, name: &Name) -> Option<&Tunnel> {
        self.0.iter().find(|tunnel| tunnel.plan.name == *name)
    }

    /// The one on that interface: there are never two.
    pub(super) fn on(&self, interface: &str) -> Option<&Tunnel> {
        self.place(interface).and_then(|at| self.0.get(at))
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.0.iter().filter_map(|tunnel| tunnel.machine.deadline()).min()
    }

    fn place(&self, interface: &str) -> Option<usize> {
        self.0.iter().position(|tunnel| tunnel.plan.interface == interface)
    }
}

impl Tunnel {
    /// Why a hook holds it down, if one does.
    pub(super) fn hooked(&self) -> Option<&str> {
        let hook = self.machine.objections().iter().find(|objection| objection.source == Source::Hook);
        hook.map(|objection| objection.reason.as_str())
    }

    /// Why it carries nothing, in words for people.
    pub(super) fn reason(&self, now: Time) -> Option<String> {
        match self.machine.phase() {
            Phase::Up => None,
            Phase::Down { objections, .. } => {
                let reasons: Vec<_> = objections.iter().map(|objection| objection.reason.as_str()).collect();
                Some(reasons.join("; "))
            }
            Phase::Damped { until, .. } => {
                let (wait, flaps) = (until.since(now).as_secs_f64().ceil(), self.machine.flaps());
                Some(format!("it failed {flaps} times and must be quiet for {wait} s more"))
            }
        }
    }
}

impl Speaker {
    /// The tunnels are those of the file from now on. One that goes on, by its name or its interface, keeps what is known
    /// of it: what a hook took down stays down.
    pub(super) fn plan_tunnels(&mut self, now: Time, out: &mut Vec<Effect>) {
        let damping = self.config.damping;
        let mut before = std::mem::take(&mut self.tunnels).0;
        let mut take = |of: &dyn Fn(&Tunnel) -> bool| before.iter().position(of).map(|at| before.remove(at));
        for plan in self.desired.tunnels.clone() {
            let known =
                take(&|old| old.plan.name == plan.name).or_else(|| take(&|old| old.plan.interface == plan.interface));
            let new = || Tunnel {
                plan: plan.clone(),
                machine: vpn::Tunnel::new(now, damping),
                bar: None,
                down_since: None,
                watch: Watch::default(),
            };
            let mut tunnel = known.unwrap_or_else(new);
            tunnel.plan = plan;
            tunnel.machine.set(damping);
            self.tunnels.0.push(tunnel);
        }
        for gone in before {
            if let Some(bar) = gone.bar {
                self.fib.unbar(bar);
            }
        }
        self.sense_everything(now, out);
        self.forget_statics();
        self.forget_far_ends();
        self.hold(out);
    }

    /// What hooks held down in the run before is held down still.
    pub(super) fn hold_again(&mut self, now: Time, held: Vec<Held>, out: &mut Vec<Effect>) {
        self.held = held.clone();
        for Held { tunnel, reason } in held {
            let Some(interface) = self.tunnels.named(&tunnel).map(|tunnel| tunnel.plan.interface.clone()) else {
                continue;
            };
            self.say(now, &interface, vpn::Input::Objects { source: Source::Hook, by: None, reason }, out);
        }
        self.hold(out); // without those that are not in the file any more
    }

    /// Has what hooks hold down kept for the next run, if that has changed.
    pub(super) fn hold(&mut self, out: &mut Vec<Effect>) {
        let of = |tunnel: &Tunnel| {
            let reason = tunnel.hooked()?.to_owned();
            Some(Held { tunnel: tunnel.plan.name.clone(), reason })
        };
        let held: Vec<_> = self.tunnels.iter().filter_map(of).collect();
        if held != self.held {
            self.held = held.clone();
            out.push(Effect::Hold(held));
        }
    }

    /// What all interfaces say of the tunnels on them.
    pub(super) fn sense_everything(&mut self, now: Time, out: &mut Vec<Effect>) {
        for at in 0..self.tunnels.0.len() {
            let turn = self.sense(now, at);
            self.turned(now, turn, out);
        }
    }

    /// What the interface named says of the tunnels on it; groups follow, and the rest is left to [`Speaker::turned`].
    pub(super) fn sense_on(&mut self, now: Time, interface: &str) -> Option<Turn> {
        self.tunnels.place(interface).map(|at| self.sense(now, at))
    }

    fn sense(&mut self, now: Time, at: usize) -> Turn {
        let mut turn = Turn { at, changes: Vec::new() };
        let Some(tunnel) = self.tunnels.0.get_mut(at) else { return turn };
        if self.life != Life::Waiting {
            let interface = &tunnel.plan.interface;
            let objects = |reason| vpn::Input::Objects { source: Source::Interface, by: None, reason };
            let input = match self.links.named(interface) {
                Some(link) if link.up => vpn::Input::Agrees { source: Source::Interface, by: None },
                Some(_) => objects(format!("interface {interface} is down")),
                None => objects(format!("interface {interface} does not exist")),
            };
            tunnel.machine.handle(now, input, &mut turn.changes);
        }
        self.rebar(at);
        turn
    }

    /// Somebody outside knows something of a tunnel.
    pub(super) fn knows(
        &mut self,
        now: Time,
        tunnel: &Name,
        source: Source,
        objection: Option<String>,
        out: &mut Vec<Effect>,
    ) {
        let Some(interface) = self.tunnels.named(tunnel).map(|tunnel| tunnel.plan.interface.clone()) else { return };
        let input = match objection {
            Some(reason) => vpn::Input::Objects { source, by: None, reason },
            None => vpn::Input::Agrees { source, by: None },
        };
        self.say(now, &interface, input, out);
    }

    /// Somebody who knows something of a tunnel says it.
    pub(super) fn say(&mut self, now: Time, interface: &str, input: vpn::Input, out: &mut Vec<Effect>) {
        let Some(at) = self.tunnels.place(interface) else { return };
        let Some(tunnel) = self.tunnels.0.get_mut(at) else { return };
        let mut changes = Vec::new();
        tunnel.machine.handle(now, input, &mut changes);
        self.turned(now, Turn { at, changes }, out);
    }

    /// What a tunnel has become is done: groups first, then BGP. The neighbors that were started, stopped or dialled.
    pub(super) fn turned(&mut self, now: Time, turn: Turn, out: &mut Vec<Effect>) -> Vec<PeerId> {
        let Turn { at, changes } = turn;
        self.rebar(at);
        self.kernel(now, out);
        let Some(tunnel) = self.tunnels.0.get_mut(at) else { return Vec::new() };
        let (name, interface) = (tunnel.plan.name.clone(), tunnel.plan.interface.clone());
        for change in &changes {
            let since = tunnel.down_since;
            match change.word {
                Word::Down => tunnel.down_since = Some(now),
                Word::Up => tunnel.down_since = None,
                Word::Objected | Word::Agreed | Word::Damped => {}
            }
            if change.repeats == 0 {
                let event = Event::Tunnel {
                    tunnel: tunnel.plan.name.clone(),
                    interface: interface.clone(),
                    change: change.clone(),
                    down_for: since.map(|since| now.since(since)),
                };
                out.push(Effect::Tell(event));
            }
        }
        let up = changes.iter().any(|change| change.word == Word::Up) && self.life == Life::Running;
        self.follow_far_end(&name);
        self.follow_statics(&name);
        let mut touched = Vec::new();
        for id in self.on_interface(&interface) {
            let idle = |neighbor: &Neighbor| neighbor.conn.is_none() && neighbor.ready() && !neighbor.awaits_route;
            if self.rebind_one(now, id, out) {
                touched.push(id);
            } else if up && self.neighbors.get(id).is_some_and(idle) {
                self.session(now, Some(id), session::Input::DialNow, out);
                touched.push(id);
            }
        }
        touched
    }

    /// Tunnels whose time has come.
    pub(super) fn tunnels_due(&mut self, now: Time, out: &mut Vec<Effect>) {
        for at in 0..self.tunnels.0.len() {
            let Some(tunnel) = self.tunnels.0.get_mut(at) else { continue };
            if tunnel.machine.deadline().is_some_and(|due| due <= now) {
                let mut changes = Vec::new();
                tunnel.machine.tick(now, &mut changes);
                self.turned(now, Turn { at, changes }, out);
            }
        }
    }

    /// A session in a tunnel was lost. If nothing was heard for the hold time, nothing of it is kept, and nobody else in
    /// the tunnel is heard, then the tunnel carries nothing: one message says so to the kernel, before its routes are
    /// taken back one by one. The session is dialled on all the same: that is how the end of it is found out.
    pub(super) fn silent(&mut self, now: Time, id: PeerId, reason: &DownReason, out: &mut Vec<Effect>) {
        if reason.is_silence() && self.life == Life::Running {
            self.doubt(now, id, reason.to_string(), out);
        }
    }

    /// BGP with that neighbor objects to its tunnel, unless somebody is still heard through it.
    pub(super) fn doubt(&mut self, now: Time, id: PeerId, reason: String, out: &mut Vec<Effect>) {
        let Some(neighbor) = self.neighbors.get(id).filter(|neighbor| neighbor.awaited.kept.is_none()) else { return };
        let Some(interface) = neighbor.plan.interface.clone() else { return };
        let by = Some(neighbor.plan.name.clone());
        let heard = |other: &Neighbor| {
            let alive = other.watched.status.as_ref().is_some_and(|status| status.state == bfd::State::Up);
            other.plan.interface.as_ref() == Some(&interface) && (other.conn.is_some() || alive)
        };
        if !self.neighbors.iter().any(heard) {
            let reason = format!("BGP with {}: {reason}", neighbor.plan.name);
            self.say(now, &interface, vpn::Input::Objects { source: Source::Bgp, by, reason }, out);
        }
    }

    /// Packets come through the tunnel of that neighbor: BGP objects no longer, whichever session it was.
    pub(super) fn heard(&mut self, now: Time, id: PeerId, out: &mut Vec<Effect>) {
        let Some(interface) = self.neighbors.get(id).and_then(|neighbor| neighbor.plan.interface.clone()) else {
            return;
        };
        let Some(tunnel) = self.tunnels.on(&interface) else { return };
        let of_bgp = tunnel.machine.objections().iter().filter(|objection| objection.source == Source::Bgp);
        for by in of_bgp.map(|objection| objection.by.clone()).collect::<Vec<_>>() {
            self.say(now, &interface, vpn::Input::Agrees { source: Source::Bgp, by }, out);
        }
    }

    /// Nothing that the sessions of that neighbor said of its tunnel counts any more.
    pub(super) fn forget_words(&mut self, now: Time, interface: Option<&str>, by: &Name, out: &mut Vec<Effect>) {
        let Some(interface) = interface else { return };
        for source in [Source::Bfd, Source::Bgp] {
            self.say(now, interface, vpn::Input::Agrees { source, by: Some(by.clone()) }, out);
        }
    }

    /// Keeps routes off a tunnel that shall carry nothing although its interface is up, and only as long as that.
    fn rebar(&mut self, at: usize) {
        // Before the kernel was read nothing is known of any.
        let Some(tunnel) = self.tunnels.0.get_mut(at).filter(|_| self.life != Life::Waiting) else { return };
        let link = self.links.named(&tunnel.plan.interface);
        let wanted = link.filter(|_| !tunnel.machine.carries()).and_then(|link| {
            let bar = Bar::Link(link.index);
            // Before it was down the kernel had taken all off it; a bar that is there already may stay for its return.
            (link.up || tunnel.bar == Some(bar)).then_some(bar)
        });
        let before = std::mem::replace(&mut tunnel.bar, wanted);
        if before != wanted {
            if let Some(bar) = wanted {
                self.fib.bar(bar);
            }
            if let Some(bar) = before {
                self.fib.unbar(bar);
            }
        }
    }

    /// The neighbors that are bound to that interface.
    fn on_interface(&self, interface: &str) -> Vec<PeerId> {
        let bound = self.neighbors.iter().filter(|neighbor| neighbor.plan.interface.as_deref() == Some(interface));
        bound.map(|neighbor| neighbor.id).collect()
    }
}
