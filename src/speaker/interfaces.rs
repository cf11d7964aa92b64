//! Interfaces as they come, go and change: next hops first, then the neighbors on them.

use std::net::IpAddr;

use super::link::Link;
use super::neighbor::Bond;
use super::{Effect, Event, Life, Speaker};
use crate::fib::RouteState;
use crate::session;
use crate::types::{LinkIndex, PeerId, Time};
use crate::wire::{Cease, Notification};

impl Speaker {
    pub(super) fn link(&mut self, now: Time, link: Link, out: &mut Vec<Effect>) {
        let (index, up) = (link.index, link.up);
        self.resync.touch(index);
        let before = self.links.learn(link);
        match (before.as_ref().map(|before| before.up), up) {
            (Some(true) | None, false) => self.fib.link_down(index),
            (Some(false) | None, true) => self.fib.link_up(index),
            (Some(true), true) | (Some(false), false) => {}
        }
        self.kernel(now, out);
        self.rebind(now, index, before.as_ref(), out);
    }

    pub(super) fn link_gone(&mut self, now: Time, index: LinkIndex, out: &mut Vec<Effect>) {
        self.resync.touch(index);
        let Some(before) = self.links.forget(index) else { return };
        self.fib.link_gone(index);
        self.kernel(now, out);
        self.rebind(now, index, Some(&before), out);
    }

    /// An interface has changed: what that means for the neighbors on it, and for next hops on its networks.
    fn rebind(&mut self, now: Time, index: LinkIndex, before: Option<&Link>, out: &mut Vec<Effect>) {
        let networks = |link: Option<&Link>| link.filter(|link| link.up).map(|link| link.addresses.clone());
        let (old, new) = (networks(before).unwrap_or_default(), networks(self.links.get(index)).unwrap_or_default());
        let moved = old != new;
        let gained: Vec<IpAddr> = new.iter().filter(|one| !old.contains(one)).map(|(own, _)| *own).collect();
        for id in self.neighbors.ids() {
            let Some(neighbor) = self.neighbors.get_mut(id) else { continue };
            let bond = neighbor.bond.clone();
            if neighbor.bind(now, &self.links) {
                if let (Bond::Up(_), Bond::Up(_)) = (&bond, &neighbor.bond) {
                    // Another interface has taken the name: connections are bound to the one that had it.
                    self.leave(now, id, "the tunnel has another interface", out);
                    self.drop_kept(id, "its tunnel has another interface", out);
                }
                self.bound(now, id, out);
                continue;
            }
            if moved
                && matches!(neighbor.bond, Bond::Free)
                && (neighbor.conn.is_some() || neighbor.awaited.kept.is_some())
            {
                self.rib.reconsider(id);
            }
            // An address often comes a moment after its interface: what failed for want of it is tried at once.
            let due = gained.contains(&neighbor.plan.local_address) && neighbor.ready() && !neighbor.awaits_route;
            if due && self.life == Life::Running {
                self.session(now, Some(id), session::Input::DialNow, out);
            }
        }
    }

    /// Follows the state of a neighbor's interface: its host route first, then its session.
    pub(super) fn bound(&mut self, now: Time, id: PeerId, out: &mut Vec<Effect>) {
        if self.life != Life::Running {
            return;
        }
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        neighbor.awaits_route = true;
        match (&neighbor.bond, &neighbor.plan.interface) {
            (Bond::Up(link), Some(interface)) => {
                if let Some(prefix) = neighbor.host_route {
                    self.fib.want_link(prefix, *link);
                }
                let (tunnel, interface) = (neighbor.plan.name.clone(), interface.clone());
                out.push(Effect::Tell(Event::TunnelUp { tunnel, interface }));
                self.kernel(now, out);
                if self.has_route(id) {
                    self.start(now, id, out);
                }
            }
            (Bond::Free, _) | (_, None) => self.start(now, id, out),
            (Bond::Down(_) | Bond::Missing, Some(_)) => {
                neighbor.awaits_route = false;
                self.startup.give_up(id);
                if let Some(prefix) = neighbor.host_route {
                    self.fib.unwant_link(&prefix);
                }
                self.tell_missing(id, out);
                self.kernel(now, out);
                self.drop_kept(id, "its tunnel is down", out);
                self.leave(now, id, "the tunnel is down", out);
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
        let Some(neighbor) = self.neighbors.get_mut(id).filter(|neighbor| !neighbor.is_held()) else { return };
        if std::mem::take(&mut neighbor.awaits_route) && self.life == Life::Running {
            self.session(now, Some(id), self.start_or_stay(id), out);
        }
    }

    pub(super) fn leave(&mut self, now: Time, id: PeerId, why: &str, out: &mut Vec<Effect>) {
        let why = Notification::shutdown(Cease::OtherConfigurationChange, why);
        self.session(now, Some(id), session::Input::Stop(why), out);
    }

    /// Says that a neighbor's interface is not there.
    fn tell_missing(&self, id: PeerId, out: &mut Vec<Effect>) {
        let Some(neighbor) = self.neighbors.get(id) else { return };
        let Some(interface) = &neighbor.plan.interface else { return };
        let what = match neighbor.bond {
            Bond::Down(_) => "is down",
            Bond::Missing => "does not exist",
            Bond::Free | Bond::Up(_) => return,
        };
        let tunnel = neighbor.plan.name.clone();
        out.push(Effect::Tell(Event::TunnelDown { tunnel, interface: interface.clone(), what }));
    }
}
