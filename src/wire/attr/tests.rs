use std::net::IpAddr;

use proptest::prelude::*;

use crate::wire::Context;
use crate::wire::arbitrary;

use super::*;

fn sequence(asns: &[u32]) -> AsPath {
    AsPath::sequence(asns.iter().copied().map(Asn::new))
}

fn segment(kind: SegmentKind, asns: &[u32]) -> PathSegment {
    PathSegment { kind, asns: asns.iter().copied().map(Asn::new).collect() }
}

/// (65001 65002) 65010 65020 {1,2}
fn mixed() -> AsPath {
    AsPath {
        segments: [
            segment(SegmentKind::ConfedSequence, &[65001, 65002]),
            segment(SegmentKind::Sequence, &[65010, 65020]),
            segment(SegmentKind::Set, &[1, 2]),
        ]
        .into_iter()
        .collect(),
    }
}

#[test]
fn a_set_counts_as_one_and_confederations_as_none() {
    assert_eq!(mixed().length(), 3);
    assert_eq!(AsPath::default().length(), 0);
}

#[test]
fn the_neighbor_is_the_first_as_outside_the_confederation() {
    assert_eq!(mixed().neighbor(), Some(Asn::new(65010)));
    assert_eq!(AsPath::default().neighbor(), None);
    let set = AsPath { segments: [segment(SegmentKind::Set, &[1, 2])].into_iter().collect() };
    assert_eq!(set.neighbor(), None);
}

#[test]
fn the_origin_is_the_last_as_unless_it_was_aggregated() {
    assert_eq!(sequence(&[1, 2, 3]).origin(), Some(Asn::new(3)));
    assert_eq!(mixed().origin(), None);
}

#[test]
fn loops_are_found_in_every_segment() {
    for asn in [65001, 65020, 2] {
        assert!(mixed().contains(Asn::new(asn)));
    }
    assert!(!mixed().contains(Asn::new(3)));
}

#[test]
fn prepending_fills_a_sequence_and_then_begins_another() {
    let mut path = sequence(&[2]);
    path.prepend(Asn::new(1), 2);
    assert_eq!(path, sequence(&[1, 1, 2]));
    path.prepend(Asn::new(1), 255);
    assert_eq!(path.segments.len(), 2);
    assert_eq!((path.segments[0].asns.len(), path.segments[1].asns.len()), (3, 255));
    assert_eq!(path.length(), 258);

    let mut behind_set = AsPath { segments: [segment(SegmentKind::Set, &[1, 2])].into_iter().collect() };
    behind_set.prepend(Asn::new(9), 1);
    assert_eq!(behind_set.to_string(), "9 {1,2}");
}

#[test]
fn paths_print_as_routers_print_them() {
    assert_eq!(mixed().to_string(), "(65001 65002) 65010 65020 {1,2}");
    assert_eq!(AsPath::default().to_string(), "");
}

#[test]
fn a_merged_path_goes_on_where_as4_path_begins() {
    // The speakers with two octets added 10 and 20 in front of a path that AS4_PATH still holds in full.
    let as_path = sequence(&[10, 20, 23456, 23456, 40]);
    assert_eq!(as_path.merged(sequence(&[70_000, 80_000, 40])), sequence(&[10, 20, 70_000, 80_000, 40]));
}

#[test]
fn a_merged_path_keeps_its_leading_confederation_segments() {
    let mut as_path = sequence(&[10, 23456]);
    as_path.segments.insert(0, segment(SegmentKind::ConfedSequence, &[65001]));
    assert_eq!(as_path.merged(sequence(&[70_000])).to_string(), "(65001) 10 70000");
}

#[test]
fn an_as4_path_that_is_longer_is_ignored() {
    let as_path = sequence(&[10]);
    assert_eq!(as_path.clone().merged(sequence(&[1, 2])), as_path);
}

#[test]
fn well_known_communities_have_the_values_of_their_rfcs() {
    assert_eq!(Community::NO_EXPORT.to_string(), "65535:65281");
    assert_eq!(Community::GRACEFUL_SHUTDOWN.to_string(), "65535:0");
    assert_eq!(Community::BLACKHOLE.to_string(), "65535:666");
    assert_eq!("no-advertise".parse(), Ok(Community::NO_ADVERTISE));
}

#[test]
fn text_that_is_no_community_is_refused_with_an_example() {
    let error = "65536:1".parse::<Community>().unwrap_err();
    assert_eq!(error.to_string(), "\"65536:1\" is not a community such as 65010:100 or no-export");
    assert!("1:2".parse::<LargeCommunity>().is_err());
    assert!("1:2:3:4".parse::<LargeCommunity>().is_err());
    assert!("rt:65010:4294967296".parse::<ExtendedCommunity>().is_err());
    assert!("0x+002fdf200000064".parse::<ExtendedCommunity>().is_err());
}

#[test]
fn extended_communities_that_stay_inside_the_as_are_told_apart() {
    assert!("rt:65010:1".parse::<ExtendedCommunity>().unwrap().is_transitive());
    assert!(!"0x4004fdf24cee6b28".parse::<ExtendedCommunity>().unwrap().is_transitive());
}

#[test]
fn link_bandwidth_is_octets_per_second_and_never_nonsense() {
    let of = |rate: f32| {
        let [a, b, c, d] = rate.to_be_bytes();
        ExtendedCommunity([0x40, 4, 0xfd, 0xf2, a, b, c, d]).link_bandwidth()
    };
    assert_eq!(of(125_000_000.0), Some((Asn::new(65010), 125_000_000.0)));
    assert_eq!([of(-1.0), of(f32::NAN), of(f32::INFINITY)], [None; 3]);
    assert_eq!("rt:65010:1".parse::<ExtendedCommunity>().unwrap().link_bandwidth(), None);
    let of = |octets: [u8; 8]| ExtendedCommunity(octets).link_bandwidth().map(|(_, rate)| rate);
    assert_eq!(
        of([0x40, 4, 0xfd, 0xf2, 0x07, 0x73, 0x59, 0x40]),
        Some(125_000_000.0),
        "a whole number, as older FRR has it"
    );
    assert_eq!(of([0, 4, 0xfd, 0xf2, 0x4c, 0xee, 0x6b, 0x28]), Some(125_000_000.0), "transitive");
    assert_eq!(of([0x40, 4, 0xfd, 0xf2, 0, 0, 0, 0]), Some(0.0));
    let written: ExtendedCommunity = "bandwidth:65010:125000000".parse().unwrap();
    assert_eq!(written, ExtendedCommunity([0x40, 4, 0xfd, 0xf2, 0x4c, 0xee, 0x6b, 0x28]));
    assert!("bandwidth:65010:0.5".parse::<ExtendedCommunity>().is_err(), "it would be read as another");
    assert!("bandwidth:65010:inf".parse::<ExtendedCommunity>().is_err());
}

#[test]
fn of_two_next_hops_the_link_local_one_is_used_on_the_link() {
    let [global, link_local] = ["2001:db8::1", "fe80::1"].map(|text| text.parse().unwrap());
    let next_hop = NextHop::V6 { global, link_local: Some(link_local) };
    assert_eq!((next_hop.addr(), next_hop.on_link()), (IpAddr::V6(global), IpAddr::V6(link_local)));
    assert_eq!(NextHop::from(IpAddr::V6(global)).on_link(), IpAddr::V6(global));
}

proptest! {
    #[test]
    fn communities_of_all_kinds_read_back_from_their_text(number: u32, large: [u32; 3], octets: [u8; 8]) {
        let community = Community(number);
        prop_assert_eq!(community.to_string().parse(), Ok(community));
        let [global, local1, local2] = large;
        let large = LargeCommunity { global, local1, local2 };
        prop_assert_eq!(large.to_string().parse(), Ok(large));
        for octets in [octets, [octets[0] % 3, 2 + octets[1] % 2, octets[2], octets[3], octets[4], octets[5], octets[6], octets[7]]] {
            let extended = ExtendedCommunity(octets);
            if extended.link_bandwidth().is_none() {
                prop_assert_eq!(extended.to_string().parse(), Ok(extended));
            }
        }
    }

    #[test]
    fn prepending_adds_to_the_length_and_to_nothing_else(
        path in arbitrary::as_path(Context { internal: true, ..Context::default() }),
        asn in arbitrary::asn(),
        times in 0..300usize,
    ) {
        let mut longer = path.clone();
        longer.prepend(asn, times);
        prop_assert_eq!(longer.length(), path.length() + times);
        prop_assert!(longer.segments.iter().all(|segment| (1..=255).contains(&segment.asns.len())));
        let expected: Vec<Asn> = std::iter::repeat_n(asn, times).chain(path.asns()).collect();
        prop_assert_eq!(longer.asns().collect::<Vec<_>>(), expected);
    }
}
