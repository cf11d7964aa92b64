//! Changes: what each does, that they compose, and what leaves the AS.

use proptest::prelude::*;

use super::named::attributes;
use crate::policy::*;
use crate::types::{Asn, PeerId, Prefix};
use crate::wire::{Attributes, Community, ExtendedCommunity, NextHop};

fn told(export: &Export, source: Source, attributes: &Attributes) -> Told {
    let (prefix, next_hop): (Prefix, _) = ("10.52.0.0/16".parse().unwrap(), NextHop::V4([10, 9, 0, 1].into()));
    let route = Route { prefix: &prefix, attributes, next_hop: Some(&next_hop), neighbor: None };
    export.check(PeerId(1), source, &route).unwrap()
}

fn export(peer: u32, set: Set) -> Export {
    let rule = Rule { when: Conditions::default(), set: std::sync::Arc::new(set), then: Then::Accept };
    let policy = Policy { name: "edit".parse().unwrap(), rules: vec![rule] };
    Export::new(Asn::new(65515), Asn::new(peer), Scope::Everything, Chain::of(policy))
}

#[test]
fn lists_are_replaced_then_cut_then_added_to() {
    let set = Set {
        communities: ListEdit {
            replace: Some(vec![Community::new(1, 1), Community::new(2, 2)]),
            remove: vec!["1:*".parse().unwrap()],
            add: vec![Community::new(2, 2), Community::new(3, 3)],
        },
        ..Set::default()
    };
    let mut route = attributes(&[65010], &["9:9"]);
    let edits = Edits::of(set);
    for (text, there) in [("9:9", false), ("1:1", false), ("2:2", true), ("3:3", true)] {
        assert_eq!(edits.leave(&route, text.parse().unwrap()), there, "{text}");
    }
    edits.apply(&mut route, None);
    assert_eq!(route.communities.as_slice(), [Community::new(2, 2), Community::new(3, 3)]);
}

#[test]
fn a_med_can_be_set_raised_and_lowered_within_bounds() {
    let after = |med, edit| {
        let mut route = Attributes { med, ..Attributes::default() };
        Edits::of(Set { med: Some(edit), ..Set::default() }).apply(&mut route, None);
        route.med
    };
    assert_eq!(after(Some(5), MedEdit::To(50)), Some(50));
    assert_eq!(after(Some(5), MedEdit::Add(10)), Some(15));
    assert_eq!(after(None, MedEdit::Add(10)), Some(10));
    assert_eq!(after(Some(5), MedEdit::Subtract(10)), Some(0));
    assert_eq!(after(Some(5), MedEdit::Add(u32::MAX)), Some(u32::MAX));
}

#[test]
fn another_as_is_told_what_a_policy_sets_and_never_a_local_pref() {
    let set = Set {
        local_pref: Some(500),
        med: Some(MedEdit::To(7)),
        prepend: Prepend::Times(2),
        ext_communities: ListEdit {
            add: vec![ExtendedCommunity([0x40, 4, 0, 1, 0x4c, 0xee, 0x6b, 0x28])],
            ..ListEdit::default()
        },
        ..Set::default()
    };
    let out = told(&export(65010, set), Source::External(PeerId(2)), &attributes(&[65020], &[])).attributes;
    assert_eq!(out.as_path.to_string(), "65515 65515 65515 65020");
    assert_eq!((out.med, out.local_pref, out.extended_communities.len()), (Some(7), None, 1));
    let list = Set { prepend: Prepend::List(vec![Asn::new(1), Asn::new(2)]), ..Set::default() };
    let out = told(&export(65010, list), Source::Local, &Attributes::default()).attributes;
    assert_eq!(out.as_path.to_string(), "65515 1 2", "our own AS stays in front");
}

#[test]
fn an_internal_neighbor_gets_no_prepends_which_would_be_a_loop() {
    let set = Set { prepend: Prepend::Times(2), ..Set::local_pref(300) };
    let out = told(&export(65515, set), Source::External(PeerId(2)), &attributes(&[65020], &[])).attributes;
    assert_eq!((out.as_path.to_string().as_str(), out.local_pref), ("65020", Some(300)));
}

#[test]
fn a_next_hop_is_kept_ours_or_what_the_policy_says() {
    let next_hop = |peer, edit| {
        let set = Set { next_hop: edit, ..Set::default() };
        told(&export(peer, set), Source::External(PeerId(2)), &attributes(&[65020], &[])).next_hop
    };
    let address = "10.20.255.9".parse().unwrap();
    assert_eq!(next_hop(65010, None), NextHopOut::Own);
    assert_eq!(next_hop(65515, None), NextHopOut::Kept);
    assert_eq!(next_hop(65515, Some(NextHopEdit::Own)), NextHopOut::Own);
    assert_eq!(next_hop(65010, Some(NextHopEdit::Address(address))), NextHopOut::Address(address));
    let other = NextHopEdit::Address("fd00::9".parse().unwrap());
    assert_eq!(next_hop(65515, Some(other)), NextHopOut::Kept, "of the other family: nothing changes");
}

fn some_set() -> impl Strategy<Value = Set> {
    let community = (1_u16..4, 1_u16..4).prop_map(|(high, low)| Community::new(high, low));
    let pattern =
        prop_oneof![Just("1:*"), Just("*:2"), Just("3:3"), Just("*:*")].prop_map(|text| text.parse().unwrap());
    let list = (
        proptest::option::weighted(0.2, proptest::collection::vec(community.clone(), 0..3)),
        proptest::collection::vec(pattern, 0..2),
        proptest::collection::vec(community, 0..3),
    );
    let med = prop_oneof![
        (0_u32..9).prop_map(MedEdit::To),
        (0_u32..9).prop_map(MedEdit::Add),
        (0_u32..9).prop_map(MedEdit::Subtract)
    ];
    (proptest::option::of(0_u32..9), proptest::option::of(med), list, 0_u8..3).prop_map(
        |(local_pref, med, (replace, remove, add), times)| Set {
            local_pref,
            med,
            communities: ListEdit { replace, remove, add },
            prepend: if times == 0 { Prepend::Nothing } else { Prepend::Times(times) },
            ..Set::default()
        },
    )
}

proptest! {
    #[test]
    fn changes_made_together_are_changes_made_one_after_the_other(first in some_set(), second in some_set()) {
        let start = attributes(&[65010, 65020], &["1:1", "2:2", "3:3"]);
        let (first, second) = (Edits::of(first), Edits::of(second));
        let (mut together, mut apart) = (start.clone(), start.clone());
        first.then(&second).apply(&mut together, Some(Asn::new(65010)));
        first.apply(&mut apart, Some(Asn::new(65010)));
        second.apply(&mut apart, Some(Asn::new(65010)));
        prop_assert_eq!(&together, &apart);
        for high in 1..4 {
            for low in 1..4 {
                let community = Community::new(high, low);
                let left = first.then(&second).leave(&start, community);
                prop_assert_eq!(left, together.communities.contains(&community));
            }
        }
    }
}
