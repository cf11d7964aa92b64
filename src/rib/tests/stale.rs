//! What a neighbor said before, and has not said again: restarts and refreshes, from both sides.

use bytes::Bytes;

use crate::policy::Scope;
use crate::rib::*;
use crate::types::PeerId;
use crate::wire::{Context, Deframer, Message, RefreshKind, Update};

use super::lab::*;

const BOTH: [Family; 2] = Family::ALL;

fn nets(count: u32) -> Vec<String> {
    (0..count).map(|third| format!("10.52.{third}.0/24")).collect()
}

/// A RIB whose first peer taught so many prefixes, and whose second hears of them.
fn taught(count: u32) -> Rib {
    let mut rib = rib(64, false);
    (0..2).for_each(|peer| join(&mut rib, peer, 65010 + peer, Scope::Transit));
    nets(count).iter().for_each(|net| teach(&mut rib, 0, net, path(&[65010])));
    settle(&mut rib);
    messages(&mut rib, 1);
    rib
}

fn lose(rib: &mut Rib, peer: u32) {
    rib.down(PeerId(peer), Retain::Families(BOTH.to_vec()));
}

fn back(rib: &mut Rib, peer: u32, preserved: &[Family]) {
    rib.up(PeerId(peer), Session { preserved: preserved.to_vec(), ..session(peer, 65010 + peer) });
}

fn end_of_rib(rib: &mut Rib, peer: u32) {
    rib.update(PeerId(peer), Update { end_of_rib: Some(Family::Ipv4), ..Update::default() });
}

fn swept(rib: &mut Rib) -> Vec<(String, Vec<u32>)> {
    while rib.work(7) {}
    chosen(&settle(rib))
}

fn stale(rib: &Rib, peer: u32) -> usize {
    rib.counts(PeerId(peer)).ipv4.stale
}

/// The messages for a peer, whatever they are.
fn messages(rib: &mut Rib, peer: u32) -> Vec<Message> {
    let read = |octets: Bytes| {
        let mut deframer = Deframer::new();
        deframer.push(&octets);
        let frame = deframer.next().unwrap().expect("one message");
        Message::decode(&frame, &Context { four_octet_asn: true, ..Context::default() }).unwrap()
    };
    let mut all = Vec::new();
    while rib.has_output(PeerId(peer)) {
        all.extend(rib.next_output(PeerId(peer)).map(read));
    }
    all
}

/// One word a message.
fn words(messages: &[Message]) -> Vec<String> {
    let word = |message: &Message| match message {
        Message::Update(update) => match update.end_of_rib {
            Some(family) => format!("end of {family}"),
            None => format!("{} routes", update.reach.iter().map(|reach| reach.prefixes.len()).sum::<usize>()),
        },
        Message::Refresh(refresh) => {
            let family = refresh.family.family().unwrap();
            let kind = match refresh.kind {
                RefreshKind::Begin => "begin",
                RefreshKind::End => "end",
                RefreshKind::Request | RefreshKind::Unknown(_) => "?",
            };
            format!("{kind} refresh of {family}")
        }
        other => format!("{other:?}"),
    };
    messages.iter().map(word).collect()
}

#[test]
fn paths_of_a_lost_session_that_are_kept_stay_in_use_and_nobody_is_told_anything() {
    let mut rib = taught(10);
    lose(&mut rib, 0);
    assert_eq!(swept(&mut rib), []);
    assert!(messages(&mut rib, 1).is_empty());
    assert_eq!(stale(&rib, 0), 10);
    assert!(rib.entry(&prefix("10.52.3.0/24")).unwrap().paths[0].stale);
    assert_eq!(rib.page(Family::Ipv4, None, 100, Some(PeerId(0))).len(), 10);
}

#[test]
fn a_peer_that_says_the_same_after_its_restart_changes_nothing() {
    let mut rib = taught(10);
    lose(&mut rib, 0);
    back(&mut rib, 0, &BOTH);
    nets(10).iter().for_each(|net| teach(&mut rib, 0, net, path(&[65010])));
    end_of_rib(&mut rib, 0);
    assert_eq!(swept(&mut rib), []);
    assert!(messages(&mut rib, 1).is_empty());
    assert_eq!((stale(&rib, 0), rib.counts(PeerId(0)).ipv4.received), (0, 10));
    assert!(!rib.entry(&prefix("10.52.3.0/24")).unwrap().paths[0].stale);
}

#[test]
fn what_a_peer_does_not_say_again_after_its_restart_goes_at_end_of_rib() {
    let mut rib = taught(3);
    lose(&mut rib, 0);
    back(&mut rib, 0, &BOTH);
    teach(&mut rib, 0, "10.52.0.0/24", path(&[65010]));
    withdraw(&mut rib, 0, "10.52.1.0/24");
    assert_eq!(swept(&mut rib), [("10.52.1.0/24".to_owned(), vec![])]);
    assert_eq!(stale(&rib, 0), 1);
    end_of_rib(&mut rib, 0);
    assert_eq!(stale(&rib, 0), 0);
    assert_eq!(swept(&mut rib), [("10.52.2.0/24".to_owned(), vec![])]);
}

#[test]
fn stale_paths_of_a_family_that_did_not_go_on_forwarding_go_when_the_session_is_back() {
    let mut rib = taught(3);
    lose(&mut rib, 0);
    back(&mut rib, 0, &[Family::Ipv6]);
    assert_eq!(stale(&rib, 0), 0);
    assert_eq!(swept(&mut rib).len(), 3);
}

#[test]
fn stale_paths_whose_time_has_passed_count_no_more_at_once_and_are_swept_in_pieces() {
    let mut rib = taught(100);
    lose(&mut rib, 0);
    while rib.work(10) {}
    assert_eq!(rib.drop_stale(PeerId(0), Family::Ipv4), 100);
    assert!(rib.entry(&prefix("10.52.7.0/24")).is_none());
    assert!(rib.work(10));
    assert_eq!(settle(&mut rib).len(), 10);
    assert_eq!(swept(&mut rib).len(), 90);
    assert_eq!(rib.totals().paths, 0);
}

#[test]
fn a_second_loss_before_end_of_rib_keeps_what_was_stale_and_what_was_new() {
    let mut rib = taught(4);
    lose(&mut rib, 0);
    back(&mut rib, 0, &BOTH);
    teach(&mut rib, 0, "10.52.0.0/24", path(&[65010]));
    lose(&mut rib, 0);
    assert_eq!(swept(&mut rib), []);
    assert_eq!(stale(&rib, 0), 4);
    back(&mut rib, 0, &BOTH);
    (0..2).for_each(|third| teach(&mut rib, 0, &format!("10.52.{third}.0/24"), path(&[65010])));
    end_of_rib(&mut rib, 0);
    assert_eq!(swept(&mut rib), [("10.52.2.0/24".to_owned(), vec![]), ("10.52.3.0/24".to_owned(), vec![])]);
}

#[test]
fn a_peer_that_is_lost_over_and_over_leaves_no_more_than_a_few_sessions_behind() {
    let mut rib = taught(1);
    for round in 0..20 {
        lose(&mut rib, 0);
        back(&mut rib, 0, &BOTH);
        teach(&mut rib, 0, &format!("10.53.{round}.0/24"), path(&[65010]));
    }
    assert!(stale(&rib, 0) <= 4, "{}", stale(&rib, 0));
    while rib.work(7) {}
    assert!(rib.totals().paths <= 5);
}

#[test]
fn what_was_not_said_again_in_a_refresh_goes_at_its_end() {
    let mut rib = taught(3);
    rib.begin_refresh(PeerId(0), Family::Ipv4);
    assert_eq!(stale(&rib, 0), 3);
    assert!(rib.entry(&prefix("10.52.2.0/24")).unwrap().paths[0].stale);
    teach(&mut rib, 0, "10.52.0.0/24", path(&[65010]));
    teach(&mut rib, 0, "10.52.9.0/24", path(&[65010]));
    assert_eq!(swept(&mut rib), [("10.52.9.0/24".to_owned(), vec![0])]);
    assert_eq!(rib.end_refresh(PeerId(0), Family::Ipv4), Some(2));
    assert_eq!(swept(&mut rib), [("10.52.1.0/24".to_owned(), vec![]), ("10.52.2.0/24".to_owned(), vec![])]);
    assert_eq!((stale(&rib, 0), rib.counts(PeerId(0)).ipv4.received), (0, 2));
    assert_eq!(rib.end_refresh(PeerId(0), Family::Ipv4), None, "one that was not begun does not end");
}

#[test]
fn a_refresh_that_begins_again_and_again_loses_nothing_that_was_said() {
    let mut rib = taught(3);
    for _ in 0..9 {
        rib.begin_refresh(PeerId(0), Family::Ipv4);
    }
    nets(3).iter().for_each(|net| teach(&mut rib, 0, net, path(&[65010])));
    assert_eq!(rib.end_refresh(PeerId(0), Family::Ipv4), Some(0));
    assert_eq!(swept(&mut rib), []);
    for _ in 0..9 {
        rib.begin_refresh(PeerId(0), Family::Ipv4);
        rib.end_refresh(PeerId(0), Family::Ipv4);
        nets(3).iter().for_each(|net| teach(&mut rib, 0, net, path(&[65010])));
    }
    while rib.work(1) {}
    settle(&mut rib);
    assert_eq!((stale(&rib, 0), rib.totals().paths), (0, 3));
}

#[test]
fn a_refresh_is_answered_between_its_markers_and_not_before_end_of_rib() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::Transit);
    nets(3).iter().for_each(|net| teach(&mut rib, 0, net, path(&[65010])));
    settle(&mut rib);
    rib.add_peer(PeerId(1), settings(1, 65011, Scope::Transit));
    rib.up(PeerId(1), Session { enhanced_refresh: true, ..session(1, 65011) });
    rib.refresh(PeerId(1), Family::Ipv4);
    let refreshed = ["begin refresh of ipv4", "3 routes", "end refresh of ipv4"];
    let said = words(&messages(&mut rib, 1));
    let of_ipv4: Vec<_> = said.iter().filter(|word| **word != "end of ipv6").collect();
    assert_eq!(of_ipv4, ["3 routes", "end of ipv4", refreshed[0], refreshed[1], refreshed[2]]);
    rib.refresh(PeerId(1), Family::Ipv4);
    assert_eq!(words(&messages(&mut rib, 1)), refreshed);
    assert!(messages(&mut rib, 1).is_empty());
}

#[test]
fn a_refresh_within_a_refresh_is_a_second_one_after_it() {
    let mut rib = taught(3);
    rib.up(PeerId(1), Session { enhanced_refresh: true, ..session(1, 65011) });
    messages(&mut rib, 1);
    rib.refresh(PeerId(1), Family::Ipv4);
    assert!(rib.next_output(PeerId(1)).is_some(), "it begins");
    (0..3).for_each(|_| rib.refresh(PeerId(1), Family::Ipv4));
    let said = words(&messages(&mut rib, 1));
    assert_eq!(said, ["3 routes", "end refresh of ipv4", "begin refresh of ipv4", "3 routes", "end refresh of ipv4"]);
}

#[test]
fn the_end_of_a_refresh_waits_for_what_is_not_decided_yet() {
    let mut rib = taught(3);
    rib.up(PeerId(1), Session { enhanced_refresh: true, ..session(1, 65011) });
    messages(&mut rib, 1);
    rib.refresh(PeerId(1), Family::Ipv4);
    let med = Attributes { med: Some(5), ..path(&[65010]) };
    assert!(rib.next_output(PeerId(1)).is_some(), "it begins");
    teach(&mut rib, 0, "10.52.1.0/24", med);
    assert_eq!(words(&messages(&mut rib, 1)), ["2 routes"]);
    settle(&mut rib);
    assert_eq!(words(&messages(&mut rib, 1)), ["1 routes", "end refresh of ipv4"]);
}

#[test]
fn while_the_selection_is_deferred_only_own_routes_are_told_and_no_end_of_rib() {
    let mut rib = rib(64, false);
    rib.defer();
    (0..2).for_each(|peer| join(&mut rib, peer, 65010 + peer, Scope::Everything));
    rib.originate(prefix("10.20.0.0/16"), Attributes::default());
    nets(3).iter().for_each(|net| teach(&mut rib, 0, net, path(&[65010])));
    settle(&mut rib);
    assert_eq!(words(&messages(&mut rib, 1)), ["1 routes"]);
    join(&mut rib, 2, 65012, Scope::LocalOnly);
    assert_eq!(words(&messages(&mut rib, 2)), ["1 routes", "end of ipv4", "end of ipv6"], "that is all for this one");
    rib.tell_all();
    assert_eq!(words(&messages(&mut rib, 1)), ["3 routes", "end of ipv4", "end of ipv6"]);
    assert!(messages(&mut rib, 2).is_empty());
}
