//! What policies make of routes here: next hops, shares, and the words of a graceful shutdown.

use std::sync::Arc;

use crate::policy::*;
use crate::rib::*;
use crate::types::{PeerId, Weight};
use crate::wire::{Attributes, Community, Context, ExtendedCommunity, NextHop};

use super::lab::Told;
use super::lab::*;

/// One rule that holds for all, or for these prefixes, and accepts.
fn chain(prefixes: &[&str], set: Set) -> Chain {
    let entries = prefixes.iter().map(|text| text.parse().unwrap()).collect();
    let when =
        Conditions { prefixes: (!prefixes.is_empty()).then(|| PrefixSet::new(entries)), ..Conditions::default() };
    Chain::of(Policy {
        name: "edit".parse().unwrap(),
        rules: vec![Rule { when, set: Arc::new(set), then: Then::Accept }],
    })
}

fn bandwidth(rate: f32) -> ExtendedCommunity {
    format!("bandwidth:65010:{rate}").parse().unwrap()
}

fn of_rate(rate: f32) -> Attributes {
    Attributes { extended_communities: vec![bandwidth(rate)], ..path(&[65010]) }
}

/// The weights of what changed, by peer.
fn weights(rib: &mut Rib) -> Vec<Vec<u16>> {
    settle(rib).iter().map(|changed| changed.paths.iter().map(|path| path.weight.get()).collect()).collect()
}

fn with_bandwidth(rates: &[f32]) -> Rib {
    let mut rib = rib(64, false);
    rib.set(Settings { weights: Weights::LinkBandwidth, ..rib.settings.clone() });
    for (peer, rate) in (0..).zip(rates) {
        join(&mut rib, peer, 65010, Scope::LocalOnly);
        teach(&mut rib, peer, "10.52.0.0/16", of_rate(*rate));
    }
    rib
}

#[test]
fn shares_follow_link_bandwidths_in_the_smallest_numbers() {
    let mut rib = with_bandwidth(&[125.0e6, 12.5e6]);
    assert_eq!(weights(&mut rib), [[10, 1]]);
    let entry = rib.entry(&prefix("10.52.0.0/16")).unwrap();
    let shown: Vec<_> = entry.paths.iter().map(|path| path.weight.map(Weight::get)).collect();
    assert_eq!(shown, [Some(10), Some(1)]);
    teach(&mut rib, 1, "10.52.0.0/16", of_rate(62.5e6));
    assert_eq!(weights(&mut rib), [[2, 1]]);
}

#[test]
fn link_bandwidth_counts_in_the_whole_numbers_of_older_speakers_and_across_ases_too() {
    let mut rib = with_bandwidth(&[125.0e6]);
    join(&mut rib, 1, 65010, Scope::LocalOnly);
    let whole = ExtendedCommunity([0, 4, 0xfd, 0xf2, 0x00, 0xbe, 0xbc, 0x20]); // 12,500,000, transitive
    teach(&mut rib, 1, "10.52.0.0/16", Attributes { extended_communities: vec![whole], ..path(&[65010]) });
    assert_eq!(weights(&mut rib), [[10, 1]]);
}

#[test]
fn if_one_path_has_no_link_bandwidth_none_counts() {
    let mut rib = with_bandwidth(&[125.0e6, 12.5e6]);
    join(&mut rib, 2, 65010, Scope::LocalOnly);
    teach(&mut rib, 2, "10.52.0.0/16", path(&[65010]));
    assert_eq!(weights(&mut rib), [[1, 1, 1]]);
    withdraw(&mut rib, 2, "10.52.0.0/16");
    assert_eq!(weights(&mut rib), [[10, 1]]);
}

#[test]
fn a_neighbors_share_is_as_configured_and_a_policys_word_goes_before_it() {
    let mut rib = rib(64, false);
    for (peer, weight) in [(0, 6), (1, 2)] {
        let settings = settings(peer, 65010, Scope::LocalOnly);
        rib.add_peer(PeerId(peer), PeerSettings { weight: Weight::new(weight).unwrap(), ..settings });
        rib.up(PeerId(peer), session(peer, 65010));
        teach(&mut rib, peer, "10.52.0.0/16", of_rate(1.0e6));
        teach(&mut rib, peer, "10.53.0.0/16", path(&[65010]));
    }
    assert_eq!(weights(&mut rib), [[3, 1], [3, 1]], "reduced, and bandwidth is not asked for");
    let mut new = rib.peers[&PeerId(1)].settings.clone();
    new.weight = Weight::new(3).unwrap();
    rib.set_peer(PeerId(1), new.clone());
    while rib.work(1) {}
    assert_eq!(weights(&mut rib), [[2, 1], [2, 1]], "changed while the session is up");
    new.import.chain = chain(&["10.52.0.0/16"], Set { weight: Weight::new(6), ..Set::default() });
    new.import.chain.0.push(Word::Accept);
    rib.set_peer(PeerId(1), new);
    while rib.work(1) {}
    let shares: Vec<_> = settle(&mut rib).into_iter().filter(|c| c.paths.len() == 2).collect();
    assert_eq!(shares.len(), 1);
    assert_eq!(shares[0].paths.iter().map(|path| path.weight.get()).collect::<Vec<_>>(), [1, 1]);
    rib.set(Settings { weights: Weights::Equal, ..rib.settings.clone() });
    while rib.work(1) {}
    assert!(weights(&mut rib).iter().flatten().all(|weight| *weight == 1));
}

#[test]
fn internal_paths_are_used_together_with_their_shares() {
    let mut rib = rib(64, false);
    rib.set(Settings { weights: Weights::LinkBandwidth, ..rib.settings.clone() });
    for (peer, rate) in [(0, 3.0e6), (1, 1.0e6)] {
        join(&mut rib, peer, 65515, Scope::Everything);
        teach(&mut rib, peer, "10.52.0.0/16", of_rate(rate));
    }
    assert_eq!(weights(&mut rib), [[3, 1]]);
}

#[test]
fn a_next_hop_of_a_policy_is_used_and_the_received_one_is_what_policies_ask_about() {
    let mut rib = rib(64, false);
    let mut new = settings(0, 65010, Scope::LocalOnly);
    let address = "10.9.0.1".parse().unwrap();
    new.import.chain = chain(&[], Set { next_hop: Some(NextHopEdit::Address(address)), ..Set::default() });
    rib.add_peer(PeerId(0), new.clone());
    rib.up(PeerId(0), session(0, 65010));
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    let used = |rib: &mut Rib| settle(rib)[0].paths[0].next_hop;
    assert_eq!(used(&mut rib), NextHop::from(address));
    assert_eq!(rib.entry(&prefix("10.52.0.0/16")).unwrap().paths[0].next_hop, Some(NextHop::from(address)));
    new.import.chain = Chain::accept();
    rib.set_peer(PeerId(0), new);
    while rib.work(1) {}
    assert_eq!(used(&mut rib), NextHop::V4(super::lab::address(0)), "the neighbor's own is not forgotten");
}

#[test]
fn prefixes_of_one_update_get_what_the_policy_says_of_each() {
    let mut rib = rib(64, false);
    let mut new = settings(0, 65010, Scope::LocalOnly);
    new.import.chain = chain(&["10.52.0.0/14 le 24"], Set::local_pref(200));
    rib.add_peer(PeerId(0), new);
    rib.up(PeerId(0), session(0, 65010));
    let both = [prefix("10.52.0.0/16"), prefix("10.80.0.0/16"), prefix("10.53.0.0/16")];
    rib.update(PeerId(0), reach(&both, path(&[65010]), NextHop::V4(address(0))));
    settle(&mut rib);
    let pref = |to: &str| rib.entry(&prefix(to)).unwrap().paths[0].attributes.local_pref;
    assert_eq!((pref("10.52.0.0/16"), pref("10.53.0.0/16")), (Some(200), Some(200)));
    let refused = rib.entry(&prefix("10.80.0.0/16")).unwrap().paths[0].state.clone();
    let PathState::Refused(why) = refused else { panic!("{refused:?}") };
    assert_eq!(why.to_string(), "rejected by policy edit: no rule of it holds");
    assert_eq!(rib.totals().attribute_sets, 2);
}

#[test]
fn export_policies_say_different_things_of_prefixes_with_the_same_attributes() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    let mut new = settings(1, 65011, Scope::Transit);
    new.export.chain = chain(&["10.52.0.0/16"], Set { prepend: Prepend::Times(1), ..Set::default() });
    rib.add_peer(PeerId(1), new);
    rib.up(PeerId(1), session(1, 65011));
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    teach(&mut rib, 0, "10.53.0.0/16", path(&[65010]));
    settle(&mut rib);
    while rib.next_output(PeerId(1)).is_some() {}
    let told = rib.advertised(PeerId(1), &prefix("10.52.0.0/16")).unwrap().0;
    assert_eq!(told.as_path.to_string(), "65515 65515 65010");
    assert!(rib.advertised(PeerId(1), &prefix("10.53.0.0/16")).is_none());
    let why = rib.withheld(PeerId(1), &prefix("10.53.0.0/16")).unwrap();
    assert_eq!(why.to_string(), "rejected by policy edit: no rule of it holds");
}

#[test]
fn export_policies_can_ask_who_taught_a_route() {
    let mut rib = rib(64, false);
    (0..2).for_each(|peer| join(&mut rib, peer, 65010 + peer, Scope::LocalOnly));
    let mut new = settings(2, 65012, Scope::Transit);
    let when = Conditions { neighbors: vec![NamePattern::new("peer-0")], ..Conditions::default() };
    let rule = Rule { when, set: Arc::default(), then: Then::Accept };
    new.export.chain = Chain::of(Policy { name: "of-0".parse().unwrap(), rules: vec![rule] });
    rib.add_peer(PeerId(2), new);
    rib.up(PeerId(2), session(2, 65012));
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    teach(&mut rib, 1, "10.53.0.0/16", path(&[65011]));
    settle(&mut rib);
    while rib.next_output(PeerId(2)).is_some() {}
    assert!(rib.advertised(PeerId(2), &prefix("10.52.0.0/16")).is_some());
    assert!(rib.advertised(PeerId(2), &prefix("10.53.0.0/16")).is_none());
}

#[test]
fn a_graceful_shutdown_is_said_of_every_route_in_place_and_taken_back() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    join(&mut rib, 1, 65515, Scope::Everything);
    rib.originate(prefix("10.20.0.0/16"), Attributes::default());
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    settle(&mut rib);
    let drain = |rib: &mut Rib, peer: u32| {
        let context = session(peer, if peer == 1 { 65515 } else { 65010 }).context;
        outputs(rib, peer, &Context { internal: peer == 1, ..context })
    };
    (0..2).for_each(|peer| drop(drain(&mut rib, peer)));
    let told = |rib: &Rib, peer, to: &str| rib.advertised(PeerId(peer), &prefix(to)).unwrap().0;
    let plain = told(&rib, 0, "10.20.0.0/16");
    let set = |rib: &mut Rib, peer: u32, leaving: bool| {
        let (asn, scope) = if peer == 1 { (65515, Scope::Everything) } else { (65010, Scope::LocalOnly) };
        let mut new = settings(peer, asn, scope);
        new.export.graceful_shutdown = leaving;
        rib.set_peer(PeerId(peer), new);
    };
    (0..2).for_each(|peer| set(&mut rib, peer, true));
    let again = drain(&mut rib, 0);
    assert!(again.iter().all(|update| update.withdrawn.is_empty()), "in place");
    assert_eq!(again[0].attributes.communities.as_slice(), [Community::GRACEFUL_SHUTDOWN]);
    let inside = drain(&mut rib, 1);
    assert_eq!(inside.iter().map(|update| update.reach[0].prefixes.len()).sum::<usize>(), 2);
    assert!(inside.iter().all(|update| update.attributes.local_pref == Some(0)));
    (0..2).for_each(|peer| set(&mut rib, peer, true));
    assert!(drain(&mut rib, 0).is_empty(), "said already");
    (0..2).for_each(|peer| set(&mut rib, peer, false));
    assert_eq!(drain(&mut rib, 0).len(), 1);
    assert_eq!(told(&rib, 0, "10.20.0.0/16"), plain);
    drain(&mut rib, 1);
    set(&mut rib, 0, true);
    assert_eq!(drain(&mut rib, 0)[0].attributes.communities.as_slice(), [Community::GRACEFUL_SHUTDOWN]);
    drain(&mut rib, 1);
    assert_eq!(told(&rib, 1, "10.20.0.0/16").local_pref, Some(100), "of that neighbor alone");
}

#[test]
fn a_neighbor_that_is_led_away_is_told_all_in_place_as_the_worst_way_and_then_nothing() {
    let mut rib = rib(1, false);
    for (peer, asn) in [(0, 65010), (1, 65001), (2, 65515)] {
        join(&mut rib, peer, asn, Scope::Everything);
    }
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    settle(&mut rib);
    let context = |peer: u32| session(peer, [65010, 65001, 65515][peer as usize]).context;
    let mut told = [Told::new(), Told::new(), Told::new()];
    let hear = |rib: &mut Rib, told: &mut [Told; 3]| {
        (0..3).for_each(|peer| replay(&mut told[peer as usize], &outputs(rib, peer, &context(peer))));
    };
    hear(&mut rib, &mut told);
    let before = told.clone();
    let manner = |rib: &mut Rib, manner: Manner| {
        for (peer, asn) in [(1, 65001), (2, 65515)] {
            let mut new = settings(peer, asn, Scope::Everything);
            new.export.manner = manner;
            rib.set_peer(PeerId(peer), new);
        }
    };
    manner(&mut rib, Manner::Leaving);
    hear(&mut rib, &mut told);
    let (outside, _) = &told[1][&prefix("10.52.0.0/16")];
    assert_eq!(outside.communities.as_slice(), [Community::GRACEFUL_SHUTDOWN]);
    assert_eq!(
        (outside.med, outside.as_path.to_string().as_str()),
        (Some(4_294_967_294), "65515 65515 65515 65515 65010")
    );
    let (inside, _) = &told[2][&prefix("10.52.0.0/16")];
    assert_eq!((inside.local_pref, inside.as_path.to_string().as_str()), (Some(0), "65010"));
    manner(&mut rib, Manner::Withheld);
    hear(&mut rib, &mut told);
    assert!(told[1].is_empty() && told[2].is_empty(), "{told:?}");
    manner(&mut rib, Manner::Open);
    hear(&mut rib, &mut told);
    assert_eq!(told, before);
}

#[test]
fn what_a_neighbor_taught_that_is_about_to_go_is_used_only_where_nothing_else_is_known() {
    let mut rib = rib(4, true);
    for (peer, asn) in [(0, 65010), (1, 65515)] {
        join(&mut rib, peer, asn, Scope::Everything);
    }
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    teach(&mut rib, 0, "10.53.0.0/16", path(&[65010]));
    teach(&mut rib, 1, "10.52.0.0/16", Attributes { local_pref: Some(100), ..path(&[65010, 65010]) });
    settle(&mut rib);
    let last = |rib: &mut Rib, leaving: bool| {
        let mut new = settings(0, 65010, Scope::Everything);
        new.import.leaving = leaving;
        rib.set_peer(PeerId(0), new);
        while rib.work(1_000) {}
        chosen(&settle(rib))
    };
    let both = |first: u32| [("10.52.0.0/16".to_owned(), vec![first]), ("10.53.0.0/16".to_owned(), vec![0])];
    assert_eq!(last(&mut rib, true), both(1));
    assert_eq!(last(&mut rib, false), both(0));
}
