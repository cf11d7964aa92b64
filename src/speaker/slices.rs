//! Slices of work, each bounded: what changed goes from the RIB to the FIB, and UPDATEs to the neighbors.

use std::cell::RefCell;

use super::neighbor::Neighbor;
use super::{Effect, Speaker, flow};
use crate::rib;
use crate::session;
use crate::types::{Hop, PeerId, Time};
use crate::wire::MessageKind;

/// Prefixes that one slice of work moves from the RIB to the FIB.
pub(super) const SLICE_PREFIXES: usize = 1_000;
/// Octets that one slice of work sends to one peer.
const SLICE_OCTETS: usize = 32 * 1024;

impl Speaker {
    /// Moves a slice of what changed in the RIB to the FIB.
    pub(super) fn program(&mut self) {
        let mut changed = std::mem::take(&mut self.changed);
        self.rib.take_changed(SLICE_PREFIXES, &mut changed);
        let (mut hops, mut backups): (Vec<Hop>, Vec<Hop>) = (Vec::new(), Vec::new());
        let unresolved = RefCell::new(Vec::new());
        for change in changed.drain(..) {
            let family = change.prefix.family();
            let hop = |path: &rib::Chosen| {
                let reach = self.reach(path.peer)?;
                let hop = flow::hop(reach, family, path.next_hop, path.weight, &self.links, &self.leads);
                if hop.is_none() {
                    unresolved.borrow_mut().push((path.peer, family, path.next_hop));
                }
                hop
            };
            hops.clear();
            hops.extend(change.paths.iter().filter_map(hop));
            backups.clear();
            backups.extend(change.backups.iter().filter_map(hop));
            self.fib.want(change.prefix, &hops, &backups);
        }
        self.changed = changed;
        self.unresolved(unresolved.into_inner());
    }

    /// How packets leave that this one taught the way of.
    pub(super) fn reach(&self, peer: PeerId) -> Option<flow::Reach> {
        self.neighbors.get(peer).map(Neighbor::reach).or_else(|| self.statics.reach(peer))
    }

    pub(super) fn can_send(&self, neighbor: &Neighbor) -> bool {
        neighbor.conn.is_some() && !neighbor.congested && self.rib.has_output(neighbor.id)
    }

    /// Sends a slice of what a peer does not know yet.
    pub(super) fn advertise(&mut self, now: Time, id: PeerId, out: &mut Vec<Effect>) {
        let mut sent = 0;
        while sent < SLICE_OCTETS && self.neighbors.get(id).is_some_and(|neighbor| self.can_send(neighbor)) {
            let Some(neighbor) = self.neighbors.get_mut(id) else { break };
            let Some((octets, conn)) = self.rib.next_output(id).zip(neighbor.conn) else { break };
            sent += octets.len();
            let kind = MessageKind::of(&octets).unwrap_or(MessageKind::Update);
            out.push(Effect::Send { conn, octets });
            let mut outputs = Vec::new();
            neighbor.session.handle(now, session::Input::Sent { conn, kind }, &mut outputs);
            self.obey(now, id, outputs, out);
        }
    }
}
