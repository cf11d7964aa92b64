//! Prefixes behind tunnels without BGP: each is a path in the RIB for as long as its tunnel carries traffic.
//!
//! Owns which ways are open, and their numbers. A tunnel that goes is out of its groups already, by one message each
//! ([`super::tunnels`]), before its paths are taken out here.

use std::net::{IpAddr, Ipv4Addr};

use super::flow::Reach;
use super::tunnels::Tunnel;
use super::{Life, Speaker};
use crate::rib::Way;
use crate::types::{LinkIndex, Name, PeerId};

/// The numbers of ways begin here, far behind those of neighbors.
const FIRST: u32 = 1 << 31;

/// A tunnel whose prefixes are in the RIB.
struct Open {
    id: PeerId,
    link: LinkIndex,
    remote: Option<IpAddr>,
    way: Way,
}

/// All of them.
#[derive(Default)]
pub(super) struct Statics {
    open: Vec<Open>,
    used: u32,
}

impl Statics {
    /// How packets leave by that way.
    pub(super) fn reach(&self, id: PeerId) -> Option<Reach> {
        self.get(id).map(|open| Reach::Way { link: open.link, remote: open.remote })
    }

    /// The tunnel of that way.
    pub(super) fn name(&self, id: PeerId) -> Option<&Name> {
        self.get(id).map(|open| &open.way.name)
    }

    /// The way through the tunnel of that name.
    pub(super) fn named(&self, tunnel: &Name) -> Option<PeerId> {
        self.open.iter().find(|open| open.way.name == *tunnel).map(|open| open.id)
    }

    fn get(&self, id: PeerId) -> Option<&Open> {
        self.open.iter().find(|open| open.id == id)
    }
}

impl Speaker {
    /// The prefixes behind one tunnel follow its state.
    pub(super) fn follow_statics(&mut self, tunnel: &Name) {
        if self.life != Life::Running {
            return;
        }
        let wanted = self.tunnels.named(tunnel).and_then(|tunnel| self.way(tunnel));
        let place = self.statics.open.iter().position(|open| open.way.name == *tunnel);
        match (place, wanted) {
            (None, None) => {}
            (None, Some((link, remote, way))) => {
                let id = PeerId(FIRST | self.statics.used);
                self.statics.used = (self.statics.used + 1) & !FIRST;
                self.rib.add_way(id, &way);
                self.statics.open.push(Open { id, link, remote, way });
                self.settling.ready = true; // it has said all that it ever says
            }
            (Some(place), None) => {
                let gone = self.statics.open.remove(place);
                self.rib.remove_way(gone.id);
            }
            (Some(place), Some((link, remote, way))) => {
                let Some(open) = self.statics.open.get_mut(place) else { return };
                if open.way != way {
                    self.rib.add_way(open.id, &way);
                    self.settling.ready = true;
                }
                let moved = (open.link, open.remote) != (link, remote);
                (open.link, open.remote, open.way) = (link, remote, way);
                let id = open.id;
                if moved {
                    self.rib.reconsider(id);
                }
            }
        }
    }

    /// The same for all of them: what this instance may do has changed.
    pub(super) fn follow_all_statics(&mut self) {
        for name in self.tunnels.iter().map(|tunnel| tunnel.plan.name.clone()).collect::<Vec<_>>() {
            self.follow_statics(&name);
        }
    }

    /// Closes the ways through tunnels that are not in the file any more.
    pub(super) fn forget_statics(&mut self) {
        let known = |open: &mut Open| self.tunnels.named(&open.way.name).is_none();
        let gone: Vec<_> = self.statics.open.extract_if(.., known).collect();
        for open in gone {
            self.rib.remove_way(open.id);
        }
    }

    /// The way through a tunnel, if it can be used now.
    fn way(&self, tunnel: &Tunnel) -> Option<(LinkIndex, Option<IpAddr>, Way)> {
        let plan = &tunnel.plan;
        // Who waits for the other to fail sends all of it to the other; so does who is about to be serviced.
        let serves = (self.serves() || self.hands_over()) && self.leads_through(&plan.name);
        if plan.statics.is_empty() || !tunnel.machine.carries() || !serves {
            return None;
        }
        let link = self.links.named(&plan.interface).filter(|link| link.up)?.index;
        let way = Way {
            name: plan.name.clone(),
            remote: plan.remote.unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
            weight: plan.weight,
            prefixes: plan.statics.clone(),
        };
        Some((link, plan.remote, way))
    }
}
