//! Readable scenes.

use smallvec::smallvec;

use crate::policy::{Refusal, Scope};
use crate::rib::*;
use crate::types::{Family, PeerId};
use crate::wire::{Attributes, Community, Context, NextHop, Update};

use super::lab::*;

const FOUR: Context = Context { four_octet_asn: true, extended_message: false, ipv4_over_ipv6: false, internal: false };

#[test]
fn two_tunnels_of_one_device_are_used_at_once() {
    let mut rib = rib(64, false);
    (0..2).for_each(|peer| join(&mut rib, peer, 65010, Scope::LocalOnly));
    (0..2).for_each(|peer| teach(&mut rib, peer, "10.52.0.0/16", path(&[65010])));
    assert_eq!(chosen(&settle(&mut rib)), [("10.52.0.0/16".to_owned(), vec![0, 1])]);
    let entry = rib.entry(&prefix("10.52.0.0/16")).unwrap();
    let states: Vec<_> = entry.paths.iter().map(|path| path.state.clone()).collect();
    assert_eq!(states, [PathState::Best, PathState::Multipath]);
}

#[test]
fn paths_with_the_same_next_hop_count_apiece() {
    let mut rib = rib(64, false);
    let next_hop = NextHop::V4(address(9));
    for peer in 0..2 {
        join(&mut rib, peer, 65010, Scope::LocalOnly);
        rib.update(PeerId(peer), reach(&[prefix("10.52.0.0/16")], path(&[65010]), next_hop));
    }
    assert_eq!(chosen(&settle(&mut rib)), [("10.52.0.0/16".to_owned(), vec![0, 1])]);
}

#[test]
fn a_new_path_takes_the_place_of_the_peers_old_one() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010, 65020]));
    assert_eq!(chosen(&settle(&mut rib)).len(), 1);
    let entry = rib.entry(&prefix("10.52.0.0/16")).unwrap();
    assert_eq!(entry.paths.len(), 1);
    assert_eq!(*entry.paths[0].attributes, path(&[65010, 65020]));
    assert_eq!(rib.totals().attribute_sets, 1);
}

#[test]
fn what_is_said_again_changes_nothing() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    settle(&mut rib);
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    assert!(!rib.has_changed());
    assert_eq!(rib.counts(PeerId(0)).ipv4.received, 1);
}

#[test]
fn a_withdrawal_of_what_was_never_told_is_ignored() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    withdraw(&mut rib, 0, "10.52.0.0/16");
    assert!(!rib.has_changed());
}

#[test]
fn a_family_that_was_not_agreed_on_is_ignored() {
    let mut rib = rib(64, false);
    rib.add_peer(PeerId(0), settings(0, 65010, Scope::LocalOnly));
    rib.up(PeerId(0), Session { families: vec![Family::Ipv4], ..session(0, 65010) });
    let next_hop = NextHop::V6 { global: "fd00::9".parse().unwrap(), link_local: None };
    rib.update(PeerId(0), reach(&[prefix("fd52::/32")], path(&[65010]), next_hop));
    rib.update(PeerId(0), Update { end_of_rib: Some(Family::Ipv6), ..Update::default() });
    assert_eq!(rib.totals().ipv6_prefixes, 0);
    assert!(!rib.end_of_rib_seen(PeerId(0), Family::Ipv6));
}

#[test]
fn ipv6_routes_name_our_link_local_address_too_where_the_neighbor_shares_the_link() {
    for link_local in [None, Some("fe80::2".parse().unwrap())] {
        let mut rib = rib(64, false);
        rib.add_peer(PeerId(0), settings(0, 65010, Scope::LocalOnly));
        rib.up(PeerId(0), Session { link_local, ..session(0, 65010) });
        rib.originate(prefix("fd20::/48"), Attributes::default());
        settle(&mut rib);
        let mut told = Told::default();
        replay(&mut told, &outputs(&mut rib, 0, &session(0, 65010).context));
        let (_, next_hop) = &told[&prefix("fd20::/48")];
        assert_eq!(*next_hop, NextHop::V6 { global: "fd00::1".parse().unwrap(), link_local });
    }
}

#[test]
fn end_of_rib_is_known_until_the_session_ends() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    rib.update(PeerId(0), Update { end_of_rib: Some(Family::Ipv4), ..Update::default() });
    assert!(rib.end_of_rib_seen(PeerId(0), Family::Ipv4));
    rib.down(PeerId(0), Retain::Nothing);
    rib.up(PeerId(0), session(0, 65010));
    assert!(!rib.end_of_rib_seen(PeerId(0), Family::Ipv4));
}

#[test]
fn a_refused_path_is_kept_with_its_reason_and_never_chosen() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010, 65515]));
    assert!(settle(&mut rib).is_empty());
    let entry = rib.entry(&prefix("10.52.0.0/16")).unwrap();
    assert_eq!(entry.paths[0].state, PathState::Refused(Refusal::OwnAs(OWN)));
    let counts = rib.counts(PeerId(0)).ipv4;
    assert_eq!((counts.received, counts.accepted, counts.refused), (1, 0, 1));
}

#[test]
fn a_route_that_becomes_refused_is_gone() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    settle(&mut rib);
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010, 65515]));
    assert_eq!(chosen(&settle(&mut rib)), [("10.52.0.0/16".to_owned(), vec![])]);
}

#[test]
fn a_session_that_ends_stops_counting_at_once_and_is_swept_in_pieces() {
    let mut rib = rib(64, false);
    (0..2).for_each(|peer| join(&mut rib, peer, 65010, Scope::LocalOnly));
    for third in 0..100 {
        (0..2).for_each(|peer| teach(&mut rib, peer, &format!("10.52.{third}.0/24"), path(&[65010])));
    }
    assert_eq!(settle(&mut rib).len(), 100);
    rib.down(PeerId(0), Retain::Nothing);
    assert!(!rib.has_changed());
    assert_eq!(rib.entry(&prefix("10.52.7.0/24")).unwrap().paths.len(), 1);
    assert!(rib.work(10));
    assert_eq!(settle(&mut rib).len(), 10);
    while rib.work(10) {}
    let rest = settle(&mut rib);
    assert_eq!(rest.len(), 90);
    assert!(rest.iter().all(|changed| changed.paths.len() == 1 && changed.paths[0].peer == PeerId(1)));
    assert_eq!(rib.totals().paths, 100);
}

#[test]
fn a_peer_that_is_back_before_the_sweep_ends_keeps_what_it_teaches_now() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    for third in 0..100 {
        teach(&mut rib, 0, &format!("10.52.{third}.0/24"), path(&[65010]));
    }
    settle(&mut rib);
    rib.down(PeerId(0), Retain::Nothing);
    rib.work(10);
    rib.up(PeerId(0), session(0, 65010));
    teach(&mut rib, 0, "10.52.50.0/24", path(&[65010]));
    while rib.work(10) {}
    settle(&mut rib);
    assert_eq!(rib.totals().paths, 1);
    assert_eq!(rib.counts(PeerId(0)).ipv4.received, 1);
    assert_eq!(rib.page(Family::Ipv4, None, 10, None).len(), 1);
}

#[test]
fn the_gateways_own_route_wins_and_the_kernel_gets_none() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    settle(&mut rib);
    rib.originate(prefix("10.52.0.0/16"), Attributes::default());
    assert_eq!(chosen(&settle(&mut rib)), [("10.52.0.0/16".to_owned(), vec![])]);
    rib.unoriginate(&prefix("10.52.0.0/16"));
    assert_eq!(chosen(&settle(&mut rib)), [("10.52.0.0/16".to_owned(), vec![0])]);
}

#[test]
fn a_device_gets_the_own_prefixes_then_end_of_rib_and_withdrawals_later() {
    let mut rib = rib(64, false);
    rib.originate(prefix("10.20.0.0/16"), Attributes::default());
    rib.originate(prefix("10.21.0.0/16"), Attributes::default());
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    settle(&mut rib);
    let updates = outputs(&mut rib, 0, &FOUR);
    assert_eq!(updates.len(), 3);
    assert_eq!(updates[0].reach[0].prefixes.len(), 2);
    assert_eq!(updates[0].attributes, path(&[65515]));
    assert_eq!(updates[0].reach[0].next_hop.to_owned(), NextHop::V4([192, 168, 1, 1].into()));
    assert_eq!(updates[1].end_of_rib, Some(Family::Ipv4));
    assert_eq!(updates[2].end_of_rib, Some(Family::Ipv6));
    rib.unoriginate(&prefix("10.20.0.0/16"));
    settle(&mut rib);
    let updates = outputs(&mut rib, 0, &FOUR);
    assert_eq!(updates.len(), 1);
    assert_eq!(updates[0].withdrawn, [prefix("10.20.0.0/16")]);
    assert_eq!(rib.counts(PeerId(0)).ipv4.advertised, 1);
}

#[test]
fn learned_routes_reach_another_device_only_in_transit_and_never_the_one_they_came_from() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::Transit);
    join(&mut rib, 1, 65020, Scope::Transit);
    join(&mut rib, 2, 65030, Scope::LocalOnly);
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    teach(&mut rib, 0, "0.0.0.0/0", path(&[65010]));
    settle(&mut rib);
    let counts: Vec<_> = (0..3)
        .map(|peer| {
            outputs(&mut rib, peer, &FOUR);
            rib.counts(PeerId(peer)).ipv4.advertised
        })
        .collect();
    assert_eq!(counts, [0, 1, 0]);
    let (attributes, _) = rib.advertised(PeerId(1), &prefix("10.52.0.0/16")).unwrap();
    assert_eq!(attributes, path(&[65515, 65010]));
}

/// There is no MinRouteAdvertisementInterval (RFC 4271 §9.2.1.1): a peer's own pace is what keeps changes together.
#[test]
fn a_change_is_told_at_once_and_many_of_one_prefix_once_to_a_peer_that_reads_late() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::Transit);
    join(&mut rib, 1, 65020, Scope::Transit);
    outputs(&mut rib, 1, &FOUR);
    for number in 0..100 {
        teach(&mut rib, 0, "10.52.0.0/16", path(&[65010, 65100 + number]));
        settle(&mut rib);
    }
    let updates = outputs(&mut rib, 1, &FOUR);
    assert_eq!(updates.len(), 1);
    assert_eq!(updates[0].attributes, path(&[65515, 65010, 65199]));
    withdraw(&mut rib, 0, "10.52.0.0/16");
    settle(&mut rib);
    assert_eq!(outputs(&mut rib, 1, &FOUR).len(), 1);
    // There and gone again before anybody looked: nothing is said.
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    settle(&mut rib);
    withdraw(&mut rib, 0, "10.52.0.0/16");
    settle(&mut rib);
    assert!(outputs(&mut rib, 1, &FOUR).is_empty());
}

#[test]
fn a_refresh_sends_everything_again_and_nothing_else_does() {
    let mut rib = rib(64, false);
    rib.originate(prefix("10.20.0.0/16"), Attributes::default());
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    settle(&mut rib);
    outputs(&mut rib, 0, &FOUR);
    assert!(outputs(&mut rib, 0, &FOUR).is_empty());
    rib.refresh(PeerId(0), Family::Ipv4);
    let updates = outputs(&mut rib, 0, &FOUR);
    assert_eq!(updates.len(), 2);
    assert_eq!(updates[0].reach[0].prefixes, [prefix("10.20.0.0/16")]);
    assert_eq!(updates[1].end_of_rib, Some(Family::Ipv4));
}

#[test]
fn a_route_whose_attributes_fit_no_message_is_withdrawn_and_counted() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::Transit);
    join(&mut rib, 1, 65020, Scope::Transit);
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    settle(&mut rib);
    assert_eq!(outputs(&mut rib, 1, &FOUR)[0].reach.len(), 1);
    let huge = Attributes { communities: (0..1100).map(Community).collect(), ..path(&[65010]) };
    teach(&mut rib, 0, "10.52.0.0/16", huge);
    settle(&mut rib);
    let updates = outputs(&mut rib, 1, &FOUR);
    assert_eq!(updates[0].withdrawn, [prefix("10.52.0.0/16")]);
    let counts = rib.counts(PeerId(1)).ipv4;
    assert_eq!((counts.advertised, counts.too_big), (0, 1));
}

#[test]
fn many_prefixes_of_one_set_fill_few_messages() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::Transit);
    join(&mut rib, 1, 65020, Scope::Transit);
    for number in 0..5000_u32 {
        let to = format!("10.{}.{}.0/24", number / 256, number % 256);
        teach(&mut rib, 0, &to, path(&[65010]));
    }
    settle(&mut rib);
    let updates = outputs(&mut rib, 1, &FOUR);
    assert_eq!(updates.iter().flat_map(|update| &update.reach).map(|reach| reach.prefixes.len()).sum::<usize>(), 5000);
    assert!(updates.len() <= 8, "{} messages", updates.len());
}

#[test]
fn what_an_internal_neighbor_taught_keeps_its_next_hop_and_the_twins_are_not_told() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    join(&mut rib, 1, 65515, Scope::Everything);
    join(&mut rib, 2, 65515, Scope::Everything);
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    teach(&mut rib, 1, "10.53.0.0/16", path(&[65010]));
    settle(&mut rib);
    let updates = outputs(&mut rib, 2, &Context { internal: true, ..FOUR });
    assert_eq!(updates[0].reach[0].prefixes, [prefix("10.52.0.0/16")]);
    assert_eq!(updates[0].reach[0].next_hop, NextHop::V4(address(0)));
    assert_eq!(updates[0].attributes.local_pref, Some(100));
}

#[test]
fn pages_come_in_order_and_the_longest_match_is_found() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    for to in ["10.53.0.0/16", "0.0.0.0/0", "10.52.0.0/16", "10.52.0.0/24", "10.52.1.0/24"] {
        teach(&mut rib, 0, to, path(&[65010]));
    }
    let texts = |page: Vec<Entry>| page.into_iter().map(|e| e.prefix.to_string()).collect::<Vec<_>>();
    let first = texts(rib.page(Family::Ipv4, None, 3, None));
    assert_eq!(first, ["0.0.0.0/0", "10.52.0.0/16", "10.52.0.0/24"]);
    let rest = texts(rib.page(Family::Ipv4, Some(prefix("10.52.0.0/24")), 3, None));
    assert_eq!(rest, ["10.52.1.0/24", "10.53.0.0/16"]);
    let longest = |address: &str| rib.longest(address.parse().unwrap()).unwrap().prefix.to_string();
    assert_eq!(longest("10.52.0.9"), "10.52.0.0/24");
    assert_eq!(longest("10.52.9.9"), "10.52.0.0/16");
    assert_eq!(longest("192.0.2.1"), "0.0.0.0/0");
}

#[test]
fn nothing_is_left_of_a_table_that_was_withdrawn() {
    let mut rib = rib(64, false);
    (0..2).for_each(|peer| join(&mut rib, peer, 65010 + peer, Scope::Transit));
    let tagged = Attributes { communities: smallvec![Community(7)], ..path(&[65010]) };
    teach(&mut rib, 0, "10.52.0.0/16", tagged);
    teach(&mut rib, 0, "10.53.0.0/16", path(&[65010, 65515]));
    settle(&mut rib);
    outputs(&mut rib, 1, &FOUR);
    (52..54).for_each(|second| withdraw(&mut rib, 0, &format!("10.{second}.0.0/16")));
    settle(&mut rib);
    (0..2).for_each(|peer| drop(outputs(&mut rib, peer, &FOUR)));
    assert_eq!(rib.totals(), Totals::default());
}

#[test]
fn a_neighbor_hears_of_a_route_only_once_it_is_decided() {
    let mut rib = rib(64, false);
    (0..2).for_each(|peer| join(&mut rib, peer, 65010 + peer, Scope::Transit));
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    assert!(outputs(&mut rib, 1, &FOUR).iter().all(|update| update.reach.is_empty()));
    rib.down(PeerId(0), Retain::Nothing);
    while rib.work(1) {}
    settle(&mut rib);
    assert!(outputs(&mut rib, 1, &FOUR).iter().all(|update| update.end_of_rib.is_some()));
}

#[test]
fn a_route_that_is_asked_for_again_while_undecided_is_sent_again_once_decided() {
    let mut rib = rib(64, false);
    (0..3).for_each(|peer| join(&mut rib, peer, 65010 + peer, Scope::Transit));
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    settle(&mut rib);
    assert_eq!(outputs(&mut rib, 1, &FOUR)[0].reach.len(), 1);
    rib.refresh(PeerId(1), Family::Ipv4);
    teach(&mut rib, 2, "10.52.0.0/16", path(&[65012, 65010]));
    assert!(outputs(&mut rib, 1, &FOUR).iter().all(|update| update.reach.is_empty()));
    let changed = settle(&mut rib);
    assert_eq!(chosen(&changed), [("10.52.0.0/16".to_owned(), vec![0])], "it is a backup, and no more");
    assert_eq!(changed[0].backups[0].peer, PeerId(2));
    assert_eq!(outputs(&mut rib, 1, &FOUR)[0].reach[0].prefixes, [prefix("10.52.0.0/16")]);
}

#[test]
fn prefixes_are_counted_while_a_path_of_theirs_can_be_used() {
    let mut rib = rib(64, false);
    (0..2).for_each(|peer| join(&mut rib, peer, 65010, Scope::LocalOnly));
    (0..2).for_each(|peer| teach(&mut rib, peer, "10.52.0.0/16", path(&[65010])));
    teach(&mut rib, 0, "127.0.0.0/8", path(&[65010]));
    settle(&mut rib);
    let totals = rib.family_totals(Family::Ipv4);
    assert_eq!((totals.prefixes, totals.paths, totals.refused), (1, 3, 1));
    (0..2).for_each(|peer| rib.down(PeerId(peer), Retain::Nothing));
    while rib.work(10) {}
    settle(&mut rib);
    assert_eq!(rib.family_totals(Family::Ipv4), FamilyTotals::default());
}

#[test]
fn a_neighbor_whose_next_hops_lead_elsewhere_has_its_used_paths_told_again() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    join(&mut rib, 1, 65010, Scope::LocalOnly);
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    teach(&mut rib, 1, "10.53.0.0/16", path(&[65010]));
    settle(&mut rib);
    rib.reconsider(PeerId(0));
    assert_eq!(chosen(&settle(&mut rib)), [("10.52.0.0/16".to_owned(), vec![0])]);
    assert_eq!(chosen(&settle(&mut rib)), []);
}

#[test]
fn a_page_of_one_neighbor_has_only_what_it_teaches() {
    let mut rib = rib(64, false);
    (0..2).for_each(|peer| join(&mut rib, peer, 65010, Scope::LocalOnly));
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    teach(&mut rib, 1, "10.53.0.0/16", path(&[65010]));
    settle(&mut rib);
    let page: Vec<_> =
        rib.page(Family::Ipv4, None, 10, Some(PeerId(1))).iter().map(|entry| entry.prefix.to_string()).collect();
    assert_eq!(page, ["10.53.0.0/16"]);
    assert!(rib.page(Family::Ipv4, None, 10, Some(PeerId(7))).is_empty());
}

#[test]
fn a_router_inside_the_network_hears_of_what_others_taught_and_not_of_the_network() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    join(&mut rib, 1, 65001, Scope::Learned);
    rib.originate(prefix("10.20.0.0/16"), Attributes::default());
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    settle(&mut rib);
    while rib.next_output(PeerId(1)).is_some() {}
    assert!(rib.advertised(PeerId(1), &prefix("10.52.0.0/16")).is_some());
    assert!(rib.advertised(PeerId(1), &prefix("10.20.0.0/16")).is_none());
    assert_eq!(rib.withheld(PeerId(1), &prefix("10.20.0.0/16")), Some(crate::policy::Withheld::Inside));
}
