//! Ways without BGP: the prefixes behind one far end, as if it had taught just these.
//!
//! A way is a peer that is told nothing and whose paths pass no import: the file said them. To the decision they are
//! external paths with an empty AS_PATH and ORIGIN IGP, so they win over what the twin and other ASes say of the same
//! prefix, and are used beside each other. A way that goes is a session that ends: its paths count no more from then
//! on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::policy::{Chain, Export, Import, Scope};
use crate::types::{Asn, Family, Name, PeerId, Prefix, Weight};
use crate::wire::{Attributes, Context, NextHop};

use super::adj_in::Path;
use super::decision::Kind;
use super::sessions::Live;
use super::{Caps, Peer, PeerSettings, Retain, Rib, Session, at, stale};

/// The prefixes behind one far end that does not speak BGP.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Way {
    /// What people call it: the tunnel's name.
    pub name: Name,
    /// The far end's address; unspecified where it has none.
    pub remote: IpAddr,
    /// Its share beside others, where the shares are configured.
    pub weight: Weight,
    /// What is behind it.
    pub prefixes: Vec<Prefix>,
}

impl Rib {
    /// The way can be used: each of its prefixes has a path through it from now on, and none that it had before.
    /// Its number must not be that of a neighbor.
    pub fn add_way(&mut self, id: PeerId, way: &Way) {
        self.down(id, Retain::Nothing);
        let asn = Asn::default();
        let (local_asn, router_id) = (self.settings.local_asn, self.settings.router_id);
        let settings = PeerSettings {
            name: way.name.clone(),
            asn,
            import: Import::new(local_asn, asn, router_id, Chain::default()),
            export: Export::new(local_asn, asn, Scope::LocalOnly, Chain::default()),
            caps: Caps::default(),
            weight: way.weight,
            twin: false,
        };
        let live = Live::new(
            id,
            Session {
                router_id,
                remote: way.remote,
                local: Ipv4Addr::UNSPECIFIED.into(),
                local_v6: None,
                link_local: None,
                families: Vec::new(), // nothing is told
                preserved: Vec::new(),
                enhanced_refresh: false,
                context: Context::default(),
            },
            Kind::External,
        );
        let Some(session) = self.open(live) else { return };
        self.peers.insert(id, Peer { settings, session: Some(session), kept: stale::Kept::new() });
        self.sort_sessions();
        let attrs = self.attrs.intern(&Attributes::default());
        for prefix in &way.prefixes {
            let family = prefix.family();
            let Some(live) = self.sessions.get_mut(session) else { break };
            let Some(next_hop) = live.next_hop_number(next_hop(way.remote, family)) else { break };
            let row = self.routes[at(family)].table.find_or_add(prefix);
            self.attrs.hold(attrs); // as received
            self.attrs.hold(attrs); // and as accepted
            self.put(family, row, Path::new(session, next_hop, attrs, Some(attrs)));
        }
        self.attrs.release(attrs);
    }

    /// The way cannot be used any more: its paths count no more from now on; [`Rib::work`] takes them out.
    pub fn remove_way(&mut self, id: PeerId) {
        self.remove_peer(id);
    }
}

/// The far end as a next hop; the unspecified address where it has none of the family.
fn next_hop(remote: IpAddr, family: Family) -> NextHop {
    match (family, remote) {
        (Family::Ipv4, IpAddr::V4(_)) | (_, IpAddr::V6(_)) => remote.into(),
        (Family::Ipv6, IpAddr::V4(_)) => NextHop::V6 { global: Ipv6Addr::UNSPECIFIED, link_local: None },
    }
}
