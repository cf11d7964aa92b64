//! What sessions are told and what they want: their outputs as effects, and as words to the RIB.

use std::net::IpAddr;

use super::neighbor::{Bond, Neighbor};
use super::{Conn, Effect, Event, Speaker};
use crate::rib;
use crate::session;
use crate::types::{ConnId, PeerId, Time};
use crate::wire::Update;

impl Speaker {
    pub(super) fn conn(&mut self, now: Time, conn: ConnId, input: session::Input, out: &mut Vec<Effect>) {
        let peer = self.conns.get(&conn).map(|known| known.peer);
        self.session(now, peer, input, out);
    }

    pub(super) fn session(&mut self, now: Time, peer: Option<PeerId>, input: session::Input, out: &mut Vec<Effect>) {
        let Some(neighbor) = peer.and_then(|peer| self.neighbors.get_mut(peer)) else { return };
        let (id, mut outputs) = (neighbor.id, Vec::new());
        let stops = matches!(input, session::Input::Stop(_));
        neighbor.session.handle(now, input, &mut outputs);
        self.obey(now, id, outputs, out);
        if stops {
            self.drop_kept(id, "its session was stopped", out);
        }
    }

    /// Carries out what a session wants.
    pub(super) fn obey(&mut self, now: Time, id: PeerId, outputs: Vec<session::Output>, out: &mut Vec<Effect>) {
        for output in outputs {
            match output {
                session::Output::Dial { conn } => {
                    let Some(to) = self.neighbors.get(id).map(Neighbor::endpoint) else { continue };
                    self.conns.insert(conn, Conn { peer: id, local: None, remote: to.remote });
                    out.push(Effect::Dial { conn, to });
                }
                session::Output::Send { conn, octets } => out.push(Effect::Send { conn, octets }),
                session::Output::Close { conn } => {
                    self.conns.remove(&conn);
                    out.push(Effect::Close(conn));
                }
                session::Output::Abort { conn } => {
                    self.conns.remove(&conn);
                    out.push(Effect::Abort(conn));
                }
                session::Output::Measure { conn } => out.push(Effect::Measure(conn)),
                session::Output::Established(agreed) => {
                    self.established(now, id, agreed, out);
                    // Strict or not: packets get through.
                    self.unbar(now, id, out);
                    self.heard(now, id, out);
                }
                session::Output::Down(reason) => self.down(now, id, reason, out),
                session::Output::Failed(reason) => {
                    let Some(neighbor) = self.name(id) else { continue };
                    let away = reason.turns_away();
                    out.push(Effect::Tell(Event::SessionFailed { neighbor, reason }));
                    if away && self.startup.keeps_routes() {
                        self.turned_away(now, id, out);
                    }
                }
                session::Output::Update(update) => self.update(now, id, update, out),
                session::Output::Refresh(refresh) => self.refresh(now, id, refresh, out),
            }
        }
        self.attend(now, id);
    }

    fn established(&mut self, now: Time, id: PeerId, agreed: session::Negotiated, out: &mut Vec<Effect>) {
        let kept = self.kept(id);
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        neighbor.conn = Some(agreed.conn);
        if neighbor.plan.asn != agreed.asn {
            // Of a range: the next from there may have another.
            neighbor.plan.asn = agreed.asn;
            self.rib.set_peer(id, neighbor.rib_settings(&self.desired, &self.config.policies));
        }
        neighbor.congested = false;
        neighbor.told = Default::default();
        let local_v6 = match (neighbor.plan.local_address, &neighbor.bond) {
            (IpAddr::V6(address), _) => Some(address),
            (IpAddr::V4(_), Bond::Up(link)) => self.links.ipv6_on(*link),
            (IpAddr::V4(_), _) => None,
        };
        let link_local = match (local_v6, &neighbor.bond) {
            (Some(global), Bond::Up(link)) => self.links.link_local_on(*link, global, neighbor.plan.remote_address),
            (_, _) => None,
        };
        self.rib.up(
            neighbor.id,
            rib::Session {
                router_id: agreed.router_id,
                remote: neighbor.plan.remote_address,
                local: neighbor.plan.local_address,
                local_v6,
                link_local,
                families: agreed.families.clone(),
                preserved: agreed.preserved(),
                enhanced_refresh: agreed.enhanced_refresh,
                context: agreed.context,
            },
        );
        // No marker will come for what is not exchanged.
        for family in neighbor.plan.families.iter().filter(|family| !agreed.families.contains(family)) {
            self.startup.end_of_rib(neighbor.id, *family);
        }
        let name = neighbor.plan.name.clone();
        self.restarted(now, id, &agreed);
        self.loads(now, id, &agreed);
        out.push(Effect::Tell(Event::SessionUp {
            neighbor: name,
            asn: agreed.asn,
            hold_time: agreed.hold_time,
            families: agreed.families,
        }));
        self.count_kept(id, kept, "it does not say that it went on forwarding", out);
    }

    fn down(&mut self, now: Time, id: PeerId, reason: session::DownReason, out: &mut Vec<Effect>) {
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        neighbor.conn = None;
        let message = neighbor.session.take_refused();
        let name = neighbor.plan.name.clone();
        out.push(Effect::Tell(Event::SessionDown { neighbor: name, reason: reason.clone(), message }));
        self.lost(now, id, &reason, out);
        self.silent(now, id, &reason, out);
    }

    fn update(&mut self, now: Time, id: PeerId, update: Update, out: &mut Vec<Effect>) {
        // One message may hold more than the last that was taken.
        let Some(neighbor) = self.neighbors.get_mut(id).filter(|neighbor| neighbor.conn.is_some()) else { return };
        let mut faulty = update.faulty.clone();
        for fault in &update.faults {
            neighbor.softened.count(fault.action);
            if let Some(silent) = neighbor.faults.pass(now) {
                let told = update.reach.iter().flat_map(|reach| &reach.prefixes);
                let update = faulty.take().map(|body| (told.chain(&update.withdrawn).copied().collect(), body));
                let neighbor = neighbor.plan.name.clone();
                out.push(Effect::Tell(Event::Softened { neighbor, fault: fault.clone(), update, silent }));
            }
        }
        let end = update.end_of_rib;
        let kept = if end.is_some() { self.kept(id) } else { 0 };
        self.rib.update(id, update);
        self.spoke(now, id, end);
        if self.limit(now, id, out) {
            return;
        }
        let Some((family, name)) = end.zip(self.name(id)) else { return };
        let received = self.rib.counts(id).family(family).received;
        out.push(Effect::Tell(Event::EndOfRib { neighbor: name, family, received }));
        self.startup.end_of_rib(id, family);
        self.count_kept(id, kept, "it has not said them again", out);
    }

    pub(super) fn congestion(&mut self, conn: ConnId, congested: bool) {
        let known = self.conns.get(&conn).and_then(|known| self.neighbors.get_mut(known.peer));
        if let Some(neighbor) = known.filter(|neighbor| neighbor.conn == Some(conn)) {
            neighbor.congested = congested;
        }
    }
}
