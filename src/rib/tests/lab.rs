//! A RIB with a few peers, and short words for what happens to it.

use std::{collections::BTreeMap, net::Ipv4Addr};

use bytes::Bytes;

use crate::policy::{Chain, Export, Import, Scope};
use crate::rib::*;
use crate::types::{Asn, Family, Name, PeerId, Prefix, RouterId, Weight};
use crate::wire::{AsPath, Attributes, Context, Deframer, Message, NextHop, Reach, Update};

pub(super) const OWN: Asn = Asn::new(65515);

/// What a peer holds after reading all that it was sent.
pub(super) type Told = BTreeMap<Prefix, (Attributes, NextHop)>;

pub(super) fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

pub(super) fn path(asns: &[u32]) -> Attributes {
    Attributes { as_path: AsPath::sequence(asns.iter().map(|asn| Asn::new(*asn))), ..Attributes::default() }
}

pub(super) fn address(peer: u32) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 0, u8::try_from(peer).unwrap() + 1)
}

pub(super) fn rib(max_paths: usize, as_path_relax: bool) -> Rib {
    let router_id = RouterId::new(Ipv4Addr::new(10, 20, 255, 4)).unwrap();
    Rib::new(Settings { local_asn: OWN, router_id, max_paths, as_path_relax, weights: Weights::Configured })
}

pub(super) fn settings(peer: u32, asn: u32, scope: Scope) -> PeerSettings {
    let asn = Asn::new(asn);
    let router_id = RouterId::new(Ipv4Addr::new(10, 20, 255, 4)).unwrap();
    let mut import = Import::new(OWN, asn, router_id, Chain::accept());
    import.enforce_first_as = false;
    let export = Export::new(OWN, asn, scope, Chain::accept());
    let (name, caps) = (Name::new(&format!("peer-{peer}")).unwrap(), Caps::default());
    PeerSettings { name, asn, import, export, caps, weight: Weight::ONE, twin: false }
}

pub(super) fn session(peer: u32, asn: u32) -> Session {
    let context = Context { four_octet_asn: true, internal: Asn::new(asn) == OWN, ..Context::default() };
    Session {
        router_id: RouterId::new(Ipv4Addr::new(1, 1, 1, u8::try_from(peer).unwrap() + 1)).unwrap(),
        remote: address(peer).into(),
        local: Ipv4Addr::new(192, 168, 1, 1).into(),
        local_v6: Some("fd00::1".parse().unwrap()),
        link_local: None,
        families: Family::ALL.to_vec(),
        preserved: Vec::new(),
        enhanced_refresh: false,
        context,
    }
}

pub(super) fn join(rib: &mut Rib, peer: u32, asn: u32, scope: Scope) {
    rib.add_peer(PeerId(peer), settings(peer, asn, scope));
    rib.up(PeerId(peer), session(peer, asn));
}

pub(super) fn reach(prefixes: &[Prefix], attributes: Attributes, next_hop: NextHop) -> Update {
    let family = prefixes[0].family();
    Update { reach: vec![Reach { family, next_hop, prefixes: prefixes.to_vec() }], attributes, ..Update::default() }
}

pub(super) fn teach(rib: &mut Rib, peer: u32, to: &str, attributes: Attributes) {
    rib.update(PeerId(peer), reach(&[prefix(to)], attributes, NextHop::V4(address(peer))));
}

pub(super) fn withdraw(rib: &mut Rib, peer: u32, to: &str) {
    rib.update(PeerId(peer), Update { withdrawn: vec![prefix(to)], ..Update::default() });
}

/// Everything that changed, decided.
pub(super) fn settle(rib: &mut Rib) -> Vec<Changed> {
    let mut changed = Vec::new();
    while rib.has_changed() {
        rib.take_changed(7, &mut changed);
    }
    changed
}

pub(super) fn chosen(changed: &[Changed]) -> Vec<(String, Vec<u32>)> {
    changed.iter().map(|c| (c.prefix.to_string(), c.paths.iter().map(|p| p.peer.0).collect())).collect()
}

/// The messages for a peer, read as it reads them.
pub(super) fn outputs(rib: &mut Rib, peer: u32, context: &Context) -> Vec<Update> {
    let mut updates = Vec::new();
    while rib.has_output(PeerId(peer)) {
        updates.extend(rib.next_output(PeerId(peer)).map(|octets| read(&octets, context)));
    }
    updates
}

pub(super) fn read(octets: &Bytes, context: &Context) -> Update {
    let mut deframer = Deframer::new();
    if context.extended_message {
        deframer.allow_extended();
    }
    deframer.push(octets);
    let frame = deframer.next().unwrap().expect("one message");
    assert_eq!(deframer.pending(), 0);
    let Message::Update(update) = Message::decode(&frame, context).unwrap() else { panic!("not an UPDATE") };
    assert!(update.faults.is_empty(), "{:?}", update.faults);
    update
}

pub(super) fn replay(told: &mut Told, updates: &[Update]) {
    for update in updates {
        for gone in &update.withdrawn {
            assert!(told.remove(gone).is_some(), "{gone} was withdrawn and never told");
        }
        for reach in &update.reach {
            for prefix in &reach.prefixes {
                told.insert(*prefix, (update.attributes.clone(), reach.next_hop));
            }
        }
    }
}
