//! Somebody dialled: whose connection it is, or why it is nobody's.

use std::net::SocketAddr;

use super::dynamic::Arrival;
use super::{Conn, Effect, Event, Life, Speaker};
use crate::session;
use crate::types::{ConnId, LinkIndex, Name, Time};

/// The ends of an accepted connection, and the interface that it came in by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    /// Our end.
    pub(super) local: SocketAddr,
    /// Their end.
    pub(super) remote: SocketAddr,
    /// As far as the shell can tell.
    pub(super) interface: Option<LinkIndex>,
}

impl Way {
    /// The interface that it came in by: a link-local address names it too.
    pub(super) fn interface(&self) -> Option<LinkIndex> {
        let scope = match self.remote {
            SocketAddr::V6(remote) => LinkIndex::new(remote.scope_id()),
            SocketAddr::V4(_) => None,
        };
        self.interface.or(scope)
    }
}

impl Speaker {
    /// Gives an accepted connection to the neighbor that it is from, or ends it.
    pub(super) fn accepted(&mut self, now: Time, conn: ConnId, way: Way, out: &mut Vec<Effect>) {
        if self.life != Life::Running {
            out.push(Effect::Abort(conn));
            return;
        }
        let found = match self.neighbors.between(way.local, way.remote) {
            Some(neighbor) => Some(neighbor.id),
            None => match self.arrive(now, conn, way, out) {
                Arrival::Neighbor(id) => Some(id),
                Arrival::Elsewhere(range) => return self.elsewhere(now, conn, way, range, out),
                Arrival::Rejected => return,
                Arrival::Stranger => None,
            },
        };
        let Some(neighbor) = found.and_then(|id| self.neighbors.get(id)) else {
            out.push(Effect::Abort(conn));
            if let Some(silent) = self.strangers.pass(now) {
                out.push(Effect::Tell(Event::Stranger { remote: way.remote, local: way.local, silent }));
            }
            return;
        };
        // Of a neighbor whose tunnel is down people know already, and of one whose BFD is.
        if !neighbor.ready() || neighbor.waits_for_bfd() {
            out.push(Effect::Abort(conn));
            return;
        }
        if !neighbor.is_on(way.interface()) {
            let name = neighbor.plan.name.clone();
            return self.elsewhere(now, conn, way, name, out);
        }
        let (id, ttl, interface) = (neighbor.id, neighbor.plan.ttl, neighbor.plan.interface.clone());
        self.conns.insert(conn, Conn { peer: id, local: Some(way.local), remote: way.remote });
        out.push(Effect::Adopt { conn, ttl, interface });
        // It got through, so there is a way back.
        self.start(now, id, out);
        self.session(now, Some(id), session::Input::Accepted { conn }, out);
    }

    /// It has the address of a neighbor, or of a range, and came by an interface that is not theirs.
    fn elsewhere(&mut self, now: Time, conn: ConnId, way: Way, neighbor: Name, out: &mut Vec<Effect>) {
        out.push(Effect::Abort(conn));
        if let Some(silent) = self.strangers.pass(now) {
            let link = way.interface().and_then(|index| self.links.get(index));
            let came_by = link.map(|link| link.name.clone());
            out.push(Effect::Tell(Event::WrongInterface { neighbor, remote: way.remote, came_by, silent }));
        }
    }
}
