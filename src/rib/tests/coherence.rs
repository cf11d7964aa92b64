//! What a peer has read is what its adj-out says, and that is what policy says of the loc-rib.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;

use crate::policy::{
    Chain, Conditions, Export, MedEdit, NamePattern, Policy, PrefixSet, Prepend, Route, Rule, Scope, Set, Source, Then,
};
use crate::rib::compact;
use crate::rib::*;
use crate::types::PeerId;
use crate::wire::{Attributes, NextHop};

use super::lab::*;
use super::model::{ASNS, Act, Naive, act, attributes, net, perform, start};

const SCOPES: [Scope; 4] = [Scope::Transit, Scope::LocalOnly, Scope::Transit, Scope::Everything];

/// What a peer is told: two of them by policies that ask for prefixes, next hops, MEDs and who taught a route.
fn export(peer: u32) -> Export {
    let mut export = settings(peer, ASNS[peer as usize], SCOPES[peer as usize]).export;
    let rule = |when: Conditions, set: Set, then: Then| Rule { when, set: Arc::new(set), then };
    let any = Conditions::default;
    let prefixes = |texts: [&str; 2]| Conditions {
        prefixes: Some(PrefixSet::new(texts.map(|text| text.parse().unwrap()).to_vec())),
        ..any()
    };
    let longer = Set { prepend: Prepend::Times(1), med: Some(MedEdit::Add(7)), ..Set::default() };
    let rules = match peer {
        0 => vec![
            rule(Conditions { med: Some("ge 1".parse().unwrap()), ..any() }, longer, Then::Next),
            rule(prefixes(["10.2.0.0/15 le 16", "fd00::/8 ge 32 le 32"]), Set::default(), Then::Accept),
        ],
        2 => vec![
            rule(Conditions { neighbors: vec![NamePattern::new("peer-1")], ..any() }, Set::default(), Then::Reject),
            rule(prefixes(["10.4.0.0/16", "10.6.0.0/16"]), longer, Then::Accept),
            rule(any(), Set::default(), Then::Accept),
        ],
        _ => return export,
    };
    export.chain = Chain::of(Policy { name: "some".parse().unwrap(), rules });
    export
}

/// What a peer should have of a prefix, from the naive RIB and the export rules.
fn expected(naive: &Naive, peer: u32, to: &Prefix) -> Option<(Attributes, NextHop)> {
    let session = session(peer, ASNS[peer as usize]);
    let ourselves = match to.family() {
        Family::Ipv4 => NextHop::from(session.local),
        Family::Ipv6 => NextHop::V6 { global: session.local_v6.unwrap(), link_local: None },
    };
    let (source, attributes, given) = if let Some(attributes) = naive.local.get(to) {
        (Source::Local, attributes, ourselves)
    } else {
        let from = *naive.best(to).first()?;
        let given = match to.family() {
            Family::Ipv4 => NextHop::V4(address(from)),
            Family::Ipv6 => NextHop::V6 { global: address(from).to_ipv6_compatible(), link_local: None },
        };
        let internal = ASNS[from as usize] == 65515;
        let source = if internal { Source::Internal(PeerId(from)) } else { Source::External(PeerId(from)) };
        (source, &naive.up[&from][to], given)
    };
    let export = export(peer);
    let teacher = match source {
        Source::Local => None,
        Source::External(PeerId(from)) | Source::Internal(PeerId(from)) => Some(settings(from, 0, Scope::Transit).name),
    };
    let next_hop = teacher.is_some().then_some(&given);
    let route = Route { prefix: to, attributes, next_hop, neighbor: teacher.as_ref() };
    let out = export.check(PeerId(peer), source, &route).ok()?.attributes;
    Some((out, if export.names_itself(source) { ourselves } else { given }))
}

proptest! {
    #[test]
    fn what_a_peer_was_sent_is_what_its_adj_out_holds_and_what_policy_says(
        acts in proptest::collection::vec(act(), 1..80),
    ) {
        let mut rib = start(SCOPES);
        for peer in 0..4 {
            let settings = settings(peer, ASNS[peer as usize], SCOPES[peer as usize]);
            rib.set_peer(PeerId(peer), PeerSettings { export: export(peer), ..settings });
        }
        let mut naive = Naive::default();
        let mut told: BTreeMap<u32, Told> = BTreeMap::new();
        for act in &acts {
            perform(&mut rib, &mut naive, act);
            match act {
                Act::Up(peer) => drop(told.insert(*peer, Told::new())),
                Act::Down(peer) | Act::Lose(peer, _) => drop(told.remove(peer)),
                Act::Take(limit) => rib.take_changed(*limit, &mut Vec::new()),
                Act::Send(peer, count) => {
                    let context = session(*peer, ASNS[*peer as usize]).context;
                    for octets in (0..*count).map_while(|_| rib.next_output(PeerId(*peer))) {
                        replay(told.get_mut(peer).expect("only a peer that is up is sent to"), &[read(&octets, &context)]);
                    }
                }
                _ => {}
            }
            for (peer, held) in &told {
                let counts = rib.counts(PeerId(*peer));
                prop_assert_eq!(counts.ipv4.advertised + counts.ipv6.advertised, held.len());
                for number in 0..8 {
                    prop_assert_eq!(rib.advertised(PeerId(*peer), &net(number)), held.get(&net(number)).cloned());
                }
            }
        }
        while rib.work(3) {}
        settle(&mut rib);
        for (peer, held) in &mut told {
            let context = session(*peer, ASNS[*peer as usize]).context;
            let updates = outputs(&mut rib, *peer, &context);
            replay(held, &updates);
            for number in 0..8 {
                let to = net(number);
                prop_assert_eq!(held.get(&to).cloned(), expected(&naive, *peer, &to), "{} to {}", to, peer);
            }
        }
        // Everybody leaves: nothing is left, so every hold was let go.
        for peer in 0..4 {
            rib.down(PeerId(peer), Retain::Nothing);
            for family in Family::ALL {
                rib.drop_stale(PeerId(peer), family);
            }
        }
        (0..8).for_each(|number| rib.unoriginate(&net(number)));
        while rib.work(3) {}
        settle(&mut rib);
        prop_assert_eq!(rib.totals(), Totals::default());
    }

    #[test]
    fn a_stored_set_is_read_back_as_it_was(attributes in attributes(), rest in any::<[u32; 6]>(), bits in any::<[bool; 8]>()) {
        use crate::wire::*;
        let [a, b, c, d, e, f] = rest;
        let attributes = Attributes {
            local_pref: bits[0].then_some(a),
            atomic_aggregate: bits[1],
            aggregator: bits[2].then(|| Aggregator { asn: Asn::new(b), router_id: c.into() }),
            communities: [a, b, c, d, e, f].into_iter().take(c as usize % 7).map(Community).collect(),
            originator_id: bits[3].then(|| d.into()),
            cluster_list: [e, f].into_iter().take(e as usize % 3).map(|id| ClusterId(id.into())).collect(),
            extended_communities: bits[4].then_some(ExtendedCommunity([f as u8; 8])).into_iter().collect(),
            large_communities: bits[5].then_some(LargeCommunity { global: a, local1: b, local2: c }).into_iter().collect(),
            partial: Partial { communities: bits[6], large_communities: bits[7], ..Partial::default() },
            unknown: bits[7]
                .then(|| UnknownAttribute { flags: AttributeFlags(0xe0), code: 99, value: vec![1; a as usize % 300].into() })
                .into_iter()
                .collect(),
            ..attributes
        };
        let next_hop = match bits[0] {
            true => NextHop::V4(a.into()),
            false => NextHop::V6 { global: address(1).to_ipv6_mapped(), link_local: bits[1].then(|| "fe80::1".parse().unwrap()) },
        };
        let mut octets = Vec::new();
        compact::write(&attributes, &mut octets);
        prop_assert_eq!(&compact::read(&octets), &attributes);
        compact::write_next_hop(&next_hop, &mut octets);
        prop_assert_eq!(compact::read_with(&octets), (attributes, next_hop));
    }
}
