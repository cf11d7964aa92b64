//! Interfaces as they come, go and change: next hops first, then the neighbors on them.

use std::net::IpAddr;

use super::flow::Reach;
use super::link::Link;
use super::neighbor::Bond;
use super::tunnels::Turn;
use super::{Effect, Event, Life, Speaker};
use crate::fib::RouteState;
use crate::session;
use crate::types::{LinkIndex, PeerId, Time};
use crate::wire::{Cease, Notification};

impl Speaker {
    pub(super) fn link(&mut self, now: Time, link: Link, out: &mut Vec<Effect>) {
        let (index, up, name) = (link.index, link.up, link.name.clone());
        self.resync.touch(index);
        let before = self.links.learn(link);
        // What its tunnel makes of it comes first: one that must be quiet for a while is not put back into its groups.
        let turns = self.sense_all(now, before.as_ref().map(|before| before.name.as_str()), Some(&name));
        match (before.as_ref().map(|before| before.up), up) {
            (Some(true) | None, false) => self.fib.link_down(index),
            (Some(false) | None, true) => self.fib.link_up(index),
            (Some(true), true) | (Some(false), false) => {}
        }
        self.kernel(now, out);
        let done: Vec<_> = turns.into_iter().flat_map(|turn| self.turned(now, turn, out)).collect();
        self.rebind(now, index, before.as_ref(), &done, out);
    }

    pub(super) fn link_gone(&mut self, now: Time, index: LinkIndex, out: &mut Vec<Effect>) {
        self.resync.touch(index);
        let Some(before) = self.links.forget(index) else { return };
        self.fib.link_gone(index);
        let turns = self.sense_all(now, Some(&before.name), None);
        self.kernel(now, out);
        let done: Vec<_> = turns.into_iter().flat_map(|turn| self.turned(now, turn, out)).collect();
        self.rebind(now, index, Some(&before), &done, out);
    }

    /// What the interfaces of those names say of their tunnels; often the two are one.
    fn sense_all(&mut self, now: Time, before: Option<&str>, name: Option<&str>) -> Vec<Turn> {
        let renamed = before.filter(|before| name != Some(*before));
        renamed.into_iter().chain(name).filter_map(|name| self.sense_on(now, name)).collect()
    }

    /// An interface has changed: what that means for the neighbors on it but those with which that is `done`, and for next
    /// hops on its networks.
    fn rebind(&mut self, now: Time, index: LinkIndex, before: Option<&Link>, done: &[PeerId], out: &mut Vec<Effect>) {
        let networks = |link: Option<&Link>| link.filter(|link| link.up).map(|link| link.addresses.clone());
        let (old, new) = (networks(before).unwrap_or_default(), networks(self.links.get(index)).unwrap_or_default());
        let moved = old != new;
        let gained: Vec<IpAddr> = new.iter().filter(|one| !old.contains(one)).map(|(own, _)| *own).collect();
        for id in self.neighbors.ids() {
            if done.contains(&id) || self.rebind_one(now, id, out) {
                continue;
            }
            let Some(neighbor) = self.neighbors.get(id) else { continue };
            if moved
                && matches!(neighbor.reach(), Reach::Network { .. })
                && (neighbor.conn.is_some() || neighbor.awaited.kept.is_some())
            {
                self.rib.reconsider(id);
            }
            // An address often comes a moment after its interface: what failed for want of it is tried at once.
            let Some(neighbor) = self.neighbors.get(id) else { continue };
            let due = gained.contains(&neighbor.plan.local_address) && neighbor.ready() && !neighbor.awaits_route;
            if due && self.life == Life::Running {
                self.session(now, Some(id), session::Input::DialNow, out);
            }
        }
        if moved {
            self.lead_again(None);
        }
    }

    /// Follows the interface and the tunnel of one neighbor, if they changed; true if they did.
    pub(super) fn rebind_one(&mut self, now: Time, id: PeerId, out: &mut Vec<Effect>) -> bool {
        let Some(neighbor) = self.neighbors.get_mut(id) else { return false };
        let (bond, ready) = (neighbor.bond.clone(), neighbor.ready());
        let news = neighbor.bind(now, &self.links, &self.tunnels);
        if news {
            let both = ready && neighbor.ready();
            if let (true, Bond::Up(_), Bond::Up(_)) = (both, &bond, &neighbor.bond) {
                // Another interface has taken the name: connections are bound to the one that had it.
                self.leave(now, id, "the tunnel has another interface", out);
                self.drop_kept(id, "its tunnel has another interface", out);
            }
            self.bound(now, id, out);
        }
        news
    }

    /// Follows the state of a neighbor's interface: its host route first, then its session.
    pub(super) fn bound(&mut self, now: Time, id: PeerId, out: &mut Vec<Effect>) {
        if self.life != Life::Running {
            return;
        }
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        neighbor.awaits_route = true;
        match (&neighbor.bond, &neighbor.plan.interface) {
            (Bond::Up(link), Some(interface)) if !neighbor.held => {
                if let Some(prefix) = neighbor.host_route {
                    self.fib.want_link(prefix, *link);
                }
                if self.tunnels.on(interface).is_none() {
                    let (neighbor, interface) = (neighbor.plan.name.clone(), interface.clone());
                    out.push(Effect::Tell(Event::InterfaceUp { neighbor, interface }));
                }
                self.kernel(now, out);
                if self.has_route(id) {
                    self.start(now, id, out);
                }
            }
            (Bond::Free, _) | (_, None) => self.start(now, id, out),
            (Bond::Up(_) | Bond::Down(_) | Bond::Missing, Some(_)) => {
                neighbor.awaits_route = false;
                // Over an interface that is up it can still be told why.
                let gone = neighbor.host_route.filter(|_| !matches!(neighbor.bond, Bond::Up(_)));
                self.startup.give_up(id);
                if let Some(prefix) = gone {
                    self.fib.unwant_link(&prefix);
                }
                self.tell_missing(id, out);
                self.kernel(now, out);
                self.drop_kept(id, "its tunnel is down", out);
                match self.why_held(id) {
                    Some(why) => self.session(now, Some(id), session::Input::Stop(why), out),
                    None => self.leave(now, id, "the tunnel is down", out),
                }
            }
        }
    }

    /// The kernel has answered: sessions whose host route is there are started.
    pub(super) fn routed(&mut self, now: Time, out: &mut Vec<Effect>) {
        for id in self.neighbors.ids() {
            if self.neighbors.get(id).is_some_and(|neighbor| neighbor.awaits_route) && self.has_route(id) {
                self.start(now, id, out);
            }
        }
    }

    /// True if there is nothing to wait for: the host route is in the kernel, or the kernel refused it, which may mean
    /// that another leads there.
    pub(super) fn has_route(&self, id: PeerId) -> bool {
        let Some(prefix) = self.neighbors.get(id).and_then(|neighbor| neighbor.host_route) else { return true };
        let state = self.fib.route(&prefix).map(|view| view.state);
        matches!(state, Some(RouteState::Installed | RouteState::Failed { .. }))
    }

    /// Starts a session that waited for its host route.
    pub(super) fn start(&mut self, now: Time, id: PeerId, out: &mut Vec<Effect>) {
        let Some(neighbor) = self.neighbors.get_mut(id).filter(|neighbor| !neighbor.waits_for_bfd()) else { return };
        if std::mem::take(&mut neighbor.awaits_route) && self.life == Life::Running {
            self.session(now, Some(id), self.start_or_stay(id), out);
        }
    }

    fn leave(&mut self, now: Time, id: PeerId, why: &str, out: &mut Vec<Effect>) {
        let why = Notification::shutdown(Cease::OtherConfigurationChange, why);
        self.session(now, Some(id), session::Input::Stop(why), out);
    }

    /// What a neighbor is told whose tunnel a hook took down.
    fn why_held(&self, id: PeerId) -> Option<Notification> {
        let interface = self.neighbors.get(id)?.plan.interface.as_ref()?;
        let reason = self.tunnels.on(interface)?.hooked()?;
        Some(Notification::shutdown(Cease::AdministrativeShutdown, reason))
    }

    /// Says that the interface of a neighbor is not there; of a tunnel that was said.
    fn tell_missing(&self, id: PeerId, out: &mut Vec<Effect>) {
        let Some(neighbor) = self.neighbors.get(id) else { return };
        let Some(interface) = &neighbor.plan.interface else { return };
        if self.tunnels.on(interface).is_some() {
            return;
        }
        let what = match neighbor.bond {
            Bond::Down(_) => "is down",
            Bond::Missing => "does not exist",
            Bond::Free | Bond::Up(_) => return,
        };
        let name = neighbor.plan.name.clone();
        out.push(Effect::Tell(Event::InterfaceDown { neighbor: name, interface: interface.clone(), what }));
    }
}
