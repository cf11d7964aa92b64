//! The most prefixes that a neighbor may have in the table.

use proptest::prelude::*;

use crate::policy::{Refusal, Scope};
use crate::rib::*;
use crate::types::{Family, PeerId};

use super::lab::*;

const PEER: PeerId = PeerId(0);

fn capped(cap: usize) -> PeerSettings {
    PeerSettings { caps: Caps { ipv4: Some(cap), ipv6: None }, ..settings(0, 65010, Scope::LocalOnly) }
}

fn with_cap(cap: usize) -> Rib {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    rib.add_peer(PEER, capped(cap));
    rib
}

fn net(number: u8) -> String {
    format!("10.52.{number}.0/24")
}

fn is_in(rib: &Rib, number: u8) -> bool {
    rib.entry(&prefix(&net(number))).is_some_and(|entry| !matches!(entry.paths[0].state, PathState::Refused(_)))
}

#[test]
fn what_comes_above_the_limit_is_refused_with_the_reason_and_the_first_to_come_stay() {
    let mut rib = with_cap(3);
    (0..5).for_each(|number| teach(&mut rib, 0, &net(number), path(&[65010])));
    // Said again, also with other attributes, a prefix keeps its place.
    teach(&mut rib, 0, &net(4), path(&[65010, 65020]));
    teach(&mut rib, 0, &net(0), path(&[65010, 65020]));
    assert_eq!((0..5).map(|number| is_in(&rib, number)).collect::<Vec<_>>(), [true, true, true, false, false]);
    let entry = rib.entry(&prefix(&net(4))).unwrap();
    assert_eq!(entry.paths[0].state, PathState::Refused(Refusal::OverLimit(3)));
    let counts = rib.counts(PEER).ipv4;
    assert_eq!((counts.received, counts.accepted, counts.refused, counts.trimmed), (5, 3, 2, 2));
    // The other family has a limit of its own, which is none here.
    assert_eq!(rib.counts(PEER).family(Family::Ipv6).trimmed, 0);
    // One goes: the oldest of the others takes its place.
    withdraw(&mut rib, 0, &net(1));
    assert_eq!((0..5).map(|number| is_in(&rib, number)).collect::<Vec<_>>(), [true, false, true, true, false]);
    assert_eq!(chosen(&settle(&mut rib)).len(), 3);
}

#[test]
fn refused_prefixes_count_too() {
    let mut rib = with_cap(3);
    ["127.0.1.0/24", "127.0.2.0/24"].iter().for_each(|martian| teach(&mut rib, 0, martian, path(&[65010])));
    (0..2).for_each(|number| teach(&mut rib, 0, &net(number), path(&[65010])));
    assert_eq!((is_in(&rib, 0), is_in(&rib, 1)), (true, false));
}

#[test]
fn a_higher_limit_lets_in_what_the_lower_one_kept_out_and_none_lets_in_all() {
    let mut rib = with_cap(3);
    (0..9).for_each(|number| teach(&mut rib, 0, &net(number), path(&[65010])));
    for (cap, accepted) in [(Some(5), 5), (None, 9)] {
        rib.set_peer(PEER, PeerSettings { caps: Caps { ipv4: cap, ipv6: None }, ..capped(0) });
        while rib.work(2) {}
        let counts = rib.counts(PEER).ipv4;
        assert_eq!((counts.accepted, counts.trimmed), (accepted, 9 - accepted), "{cap:?}");
    }
}

proptest! {
    #[test]
    fn the_table_holds_the_oldest_up_to_the_limit(
        cap in 0..6_usize,
        steps in proptest::collection::vec((0..12_u8, any::<bool>()), 0..80),
    ) {
        let mut rib = with_cap(cap);
        let (mut kept, mut over): (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());
        for (number, here) in steps {
            if here {
                teach(&mut rib, 0, &net(number), path(&[65010]));
                if !kept.contains(&number) && !over.contains(&number) {
                    if kept.len() < cap { kept.push(number) } else { over.push(number) }
                }
            } else {
                withdraw(&mut rib, 0, &net(number));
                over.retain(|other| *other != number);
                kept.retain(|other| *other != number);
                if kept.len() < cap && !over.is_empty() {
                    kept.push(over.remove(0));
                }
            }
            for number in 0..12 {
                prop_assert_eq!(is_in(&rib, number), kept.contains(&number), "{}", number);
            }
            let counts = rib.counts(PEER).ipv4;
            prop_assert_eq!((counts.accepted, counts.trimmed), (kept.len(), over.len()));
        }
        rib.down(PEER, Retain::Nothing);
        while rib.work(1) {}
        settle(&mut rib);
        prop_assert_eq!(rib.totals(), Totals::default());
    }
}
