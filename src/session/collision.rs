//! Two connections to one neighbor: which of them stays (RFC 4271 §6.8, decision 0003). Compares, keeps no state.

use super::conn::{Event, Origin, State};
use super::input::Output;
use super::{DownReason, Peer};
use crate::types::{ConnId, Time};
use crate::wire::Cease;

impl Peer {
    /// A good OPEN came in on `id`: which connections stay (RFC 4271 §6.8)?
    ///
    /// Against one that is not Established yet, that which the side with the higher identifier dialled; of two that
    /// the same side dialled, the newer, for it gave up the older. Against an Established one nothing is decided here:
    /// the peer shows which it keeps, by closing one or by answering our OPEN on this one (a peer that has restarted
    /// knows no other). If it shows nothing, this one goes in a moment.
    pub(super) fn resolve(&mut self, now: Time, id: ConnId, out: &mut Vec<Output>) {
        let Some(new) = self.find(id) else { return };
        let Some(live) = new.state().live() else { return };
        let local = (self.settings.router_id, self.settings.local_asn);
        let winner =
            if local > (live.negotiated.router_id, live.negotiated.asn) { Origin::Dialled } else { Origin::Accepted };
        let origin = new.origin;
        let rival = self
            .conns
            .iter()
            .find(|conn| conn.id != id && matches!(conn.state(), State::OpenReceived(_) | State::OpenConfirm(_)));
        let rival = rival.map(|conn| (conn.id, conn.origin == origin || origin == winner));
        let collision = || Event::Stop(Cease::CollisionResolution.into(), DownReason::Collision);
        match rival {
            Some((_, false)) => return self.step(now, id, collision(), out),
            Some((rival, true)) => self.step(now, rival, collision(), out),
            None => {}
        }
        let established = self.negotiated().and_then(|agreed| self.find(agreed.conn)).map(|conn| conn.origin);
        match established {
            None => self.step(now, id, Event::Keep, out),
            Some(other) if other == origin || origin == winner => self.step(now, id, Event::Prefer, out),
            Some(_) => {}
        }
    }
}
