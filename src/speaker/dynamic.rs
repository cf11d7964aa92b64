//! Neighbors that come by themselves: whoever dials from a range of the file is a neighbor for as long as it is
//! connected, and a little longer.

use std::time::Duration;

use bytes::BytesMut;

use super::accept::Way;
use super::neighbor::Neighbor;
use super::{Effect, Event, Speaker};
use crate::gateway::Range;
use crate::session::StateName;
use crate::types::{ConnId, Family, Name, PeerId, Time};
use crate::wire::{Cease, Context, Message, Notification};

/// How long one that has no connection is still shown, and has its counters when it dials again.
const GRACE: Duration = Duration::from_secs(30);

impl Speaker {
    /// Makes a neighbor of who dialled, if its address is in a range that has room.
    pub(super) fn arrive(&mut self, now: Time, conn: ConnId, way: Way, out: &mut Vec<Effect>) -> Arrival {
        let Some((range, links)) = self.range(way) else { return Arrival::Stranger };
        if !links {
            return Arrival::Elsewhere(range.name().clone());
        }
        let remote = way.remote.ip().to_canonical();
        let (name, limit) = (range.name().clone(), range.limit);
        let known = self.neighbors.iter().filter(|neighbor| neighbor.plan.range.as_ref() == Some(&name)).count();
        if known >= limit && !self.forget_one(now, &name, out) {
            self.reject(conn, &range, out);
            if let Some(silent) = self.crowds.pass(now) {
                out.push(Effect::Tell(Event::RangeFull { range: name, remote: way.remote, limit, silent }));
            }
            return Arrival::Rejected;
        }
        // The rules of the file leave room for every address in a name.
        let Some(plan) = range.neighbor(remote) else { return Arrival::Stranger };
        let id = self.register(plan);
        if let Some(neighbor) = self.neighbors.get_mut(id) {
            neighbor.bind(now, &self.links, &self.tunnels);
            neighbor.awaits_route = true;
        }
        self.start(now, id, out);
        Arrival::Neighbor(id)
    }

    /// The longest range that holds an address and is dialled here, and whether the interface is the range's. A neighbor
    /// of the file is of no range.
    fn range(&self, way: Way) -> Option<(Range, bool)> {
        let (local, remote) = (way.local.ip().to_canonical(), way.remote.ip().to_canonical());
        if self.neighbors.iter().any(|neighbor| neighbor.plan.remote_address == remote) {
            return None;
        }
        let holds = |range: &&Range| range.prefix.holds(remote) && range.like.local_address == local;
        let range = self.desired.ranges.iter().filter(holds).max_by_key(|range| range.prefix.len())?;
        let fits = range.like.interface.as_ref().is_none_or(|interface| {
            let held = self.tunnels.on(interface).is_some_and(|tunnel| !tunnel.machine.lets_sessions());
            let link = self.links.named(interface).filter(|link| link.up && !held);
            link.is_some_and(|link| way.interface().is_none_or(|came| came == link.index))
        });
        Some((range.clone(), fits))
    }

    /// Tells who is one too many why it cannot stay (RFC 4486 §4).
    fn reject(&self, conn: ConnId, range: &Range, out: &mut Vec<Effect>) {
        let (ttl, interface) = (range.like.ttl, range.like.interface.clone());
        let mut octets = BytesMut::new();
        Message::Notification(Notification::from(Cease::ConnectionRejected)).encode(&Context::default(), &mut octets);
        out.push(Effect::Adopt { conn, ttl, interface });
        out.push(Effect::Send { conn, octets: octets.freeze() });
        out.push(Effect::Close(conn));
    }

    /// Makes room in a range by forgetting the one that left first; false if all are connected.
    fn forget_one(&mut self, now: Time, range: &Name, out: &mut Vec<Effect>) -> bool {
        let of = |neighbor: &&Neighbor| neighbor.plan.range.as_ref() == Some(range) && !self.is_needed(neighbor);
        let gone = self.neighbors.iter().filter(of).filter_map(|neighbor| Some((neighbor.leaves?, neighbor.id))).min();
        let Some((_, id)) = gone else { return false };
        self.forget(now, id, out);
        true
    }

    /// Follows whether a neighbor that came by itself is connected.
    pub(super) fn attend(&mut self, now: Time, id: PeerId) {
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        let alone = matches!(neighbor.session.state(), StateName::Idle | StateName::Active);
        neighbor.leaves = match (neighbor.plan.range.is_some() && alone, neighbor.leaves) {
            (true, None) => Some(now + GRACE),
            (true, leaves) => leaves,
            (false, _) => None,
        };
    }

    /// Forgets those whose time is over.
    pub(super) fn forget_gone(&mut self, now: Time, out: &mut Vec<Effect>) {
        for id in self.neighbors.ids() {
            let Some(neighbor) = self.neighbors.get(id) else { continue };
            if neighbor.leaves.is_some_and(|leaves| leaves <= now) {
                if self.is_needed(neighbor) {
                    if let Some(neighbor) = self.neighbors.get_mut(id) {
                        neighbor.leaves = Some(now + GRACE);
                    }
                } else {
                    self.forget(now, id, out);
                }
            }
        }
    }

    fn forget(&mut self, now: Time, id: PeerId, out: &mut Vec<Effect>) {
        self.remove_neighbor(now, id, Notification::from(Cease::PeerDeconfigured), out);
    }

    /// True while routes of a session that is over are kept (RFC 4724), or it is kept down for too many prefixes: that
    /// is not to be forgotten.
    fn is_needed(&self, neighbor: &Neighbor) -> bool {
        let counts = self.rib.counts(neighbor.id);
        neighbor.over.is_some() || Family::ALL.into_iter().any(|family| counts.family(family).stale > 0)
    }
}

/// What became of a connection from an address that is no neighbor's.
#[derive(Clone, Debug)]
pub(super) enum Arrival {
    /// It is one now.
    Neighbor(PeerId),
    /// It came by another interface than this range's.
    Elsewhere(Name),
    /// The range is full, and it was told so.
    Rejected,
    /// No range has its address.
    Stranger,
}
