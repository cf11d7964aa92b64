//! The neighbors of this run: each gets an id when it comes, and no other ever has that id again.
//!
//! Owns who there is. What is done when one comes or goes is at the end: [`Speaker::add_neighbor`] and
//! [`Speaker::remove_neighbor`]. Never asks the file: it is told a plan.

use std::net::SocketAddr;

use super::input::FlushId;
use super::neighbor::Neighbor;
use super::{Effect, Life, Speaker};
use crate::gateway;
use crate::gateway::Desired;
use crate::session;
use crate::types::{Family, Name, PeerId, Prefix, Time};
use crate::wire::Notification;

/// All neighbors, in the order in which they came.
pub(super) struct Neighbors {
    /// Sorted by id, because each is above those before it.
    all: Vec<Neighbor>,
    next: u32,
    seed: u64,
}

impl Neighbors {
    /// None yet; the jitter of each gets a seed of its own from this one.
    pub(super) fn new(seed: u64) -> Self {
        Self { all: Vec::new(), next: 0, seed }
    }

    /// Takes one in, stopped and unbound. Bit 31 stays clear: the ids of connections are made of it.
    pub(super) fn add(&mut self, plan: gateway::Neighbor, desired: &Desired) -> PeerId {
        let id = PeerId(self.next);
        self.next += 1;
        assert!(self.next < 1 << 31, "two billion neighbors in one run: one came every second for 68 years");
        self.all.push(Neighbor::new(id, plan, desired, self.seed.wrapping_add(u64::from(id.0))));
        id
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, id: PeerId) -> Option<Neighbor> {
        self.place(id).map(|at| self.all.remove(at))
    }

    pub(super) fn get(&self, id: PeerId) -> Option<&Neighbor> {
        self.place(id).and_then(|at| self.all.get(at))
    }

    pub(super) fn get_mut(&mut self, id: PeerId) -> Option<&mut Neighbor> {
        self.place(id).and_then(|at| self.all.get_mut(at))
    }

    /// All of them, the first to come first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Neighbor> + ExactSizeIterator + Clone {
        self.all.iter()
    }

    /// The ids of all as it is now: for loops in which neighbors may come and go.
    pub(super) fn ids(&self) -> Vec<PeerId> {
        self.all.iter().map(|neighbor| neighbor.id).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The one of that name: there are never two.
    pub(super) fn named(&self, name: &Name) -> Option<&Neighbor> {
        self.all.iter().find(|neighbor| neighbor.plan.name == *name)
    }

    /// The one that a connection between these ends belongs to.
    pub(super) fn between(&self, local: SocketAddr, remote: SocketAddr) -> Option<&Neighbor> {
        self.all.iter().find(|neighbor| neighbor.is_between(local, remote))
    }

    /// While none has gone, an id is a place.
    fn place(&self, id: PeerId) -> Option<usize> {
        let guess = id.0 as usize;
        match self.all.get(guess) {
            Some(neighbor) if neighbor.id == id => Some(guess),
            _ => self.all.binary_search_by_key(&id, |neighbor| neighbor.id).ok(),
        }
    }
}

/// The host route of a neighbor that is gone: it stays until the neighbor was told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Leaving {
    flush: FlushId,
    prefix: Prefix,
}

impl Speaker {
    /// Takes a neighbor in while the instance runs: its routes are told apart from now on, and its session is started as
    /// soon as its interface and host route are there. Its plan must be one of [`Speaker::desired`], or be alike.
    pub(super) fn add_neighbor(&mut self, now: Time, plan: gateway::Neighbor, out: &mut Vec<Effect>) -> PeerId {
        let family = Family::of(plan.remote_address);
        let id = self.register(plan);
        self.listen(family, out);
        // Before that, nothing is bound: the start binds all.
        if self.life == Life::Running {
            if let Some(neighbor) = self.neighbors.get_mut(id) {
                neighbor.bind(now, &self.links, &self.tunnels);
            }
            self.announce(now, id, out);
            self.bound(now, id, out);
        }
        id
    }

    /// Accepts connections of that family from now on, if it did not.
    pub(super) fn listen(&mut self, family: Family, out: &mut Vec<Effect>) {
        if self.listening.insert(family) {
            out.push(Effect::Listen(family));
        }
    }

    /// Lets a neighbor go: it is told why, its paths count no more, and its host route goes when it was told.
    pub(super) fn remove_neighbor(&mut self, now: Time, id: PeerId, why: Notification, out: &mut Vec<Effect>) {
        self.session(now, Some(id), session::Input::Stop(why), out);
        self.startup.give_up(id);
        self.rib.remove_peer(id);
        self.unbar(now, id, out);
        self.watch_again = true;
        let Some(gone) = self.neighbors.remove(id) else { return };
        self.forget_words(now, gone.plan.interface.as_deref(), &gone.plan.name, out);
        // A stop has closed its connections, so nothing of them is heard again; attempts that it knew of are closed too.
        self.conns.retain(|_, known| known.peer != id);
        if let Some(prefix) = gone.host_route {
            let flush = self.flush(out);
            self.leaving.push(Leaving { flush, prefix });
        }
    }

    /// Makes a neighbor known to all parts, without starting anything.
    pub(super) fn register(&mut self, plan: gateway::Neighbor) -> PeerId {
        self.watch_again = true;
        let id = self.neighbors.add(plan, &self.desired);
        let stance = self.neighbors.get(id).map(|neighbor| self.stance(neighbor)).unwrap_or_default();
        if let Some(neighbor) = self.neighbors.get_mut(id) {
            neighbor.stance = stance;
            self.rib.add_peer(id, neighbor.rib_settings(&self.desired, &self.config.policies));
        }
        id
    }

    /// Asks to be told when all that was closed so far is.
    pub(super) fn flush(&mut self, out: &mut Vec<Effect>) -> FlushId {
        let id = self.next_flush();
        out.push(Effect::Flush(id));
        id
    }

    /// The name of the next [`Effect::Flush`].
    pub(super) fn next_flush(&mut self) -> FlushId {
        self.flushes += 1;
        FlushId(self.flushes - 1)
    }

    /// Neighbors that are gone were told so: their host routes can go, unless another neighbor has the address now.
    pub(super) fn left(&mut self, flush: FlushId) {
        let gone: Vec<_> = self.leaving.extract_if(.., |leaving| leaving.flush == flush).collect();
        for Leaving { prefix, .. } in gone {
            let needed = self.neighbors.iter().any(|neighbor| neighbor.host_route == Some(prefix) && neighbor.ready());
            if !needed && !self.leaving.iter().any(|other| other.prefix == prefix) {
                self.fib.unwant_link(&prefix);
            }
        }
    }
}
