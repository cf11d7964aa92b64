//! What the rules of a gateway let in and out.

use std::net::Ipv4Addr;

use smallvec::smallvec;

use crate::types::{Asn, PeerId, Prefix, RouterId};
use crate::wire::{
    AsPath, AttributeFlags, Attributes, ClusterId, Community, ExtendedCommunity, NextHop, Origin, PathSegment,
    SegmentKind, UnknownAttribute,
};

use crate::policy::*;

const OWN: Asn = Asn::new(65515);
const SITE: Asn = Asn::new(65010);
const PEER: PeerId = PeerId(1);
const OTHER: PeerId = PeerId(2);
const NEXT_HOP: NextHop = NextHop::V4(Ipv4Addr::new(169, 254, 21, 1));

fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

fn path(asns: &[u32]) -> Attributes {
    Attributes { as_path: AsPath::sequence(asns.iter().map(|asn| Asn::new(*asn))), ..Attributes::default() }
}

fn import(peer_asn: Asn) -> Import {
    let router_id = RouterId::new(Ipv4Addr::new(10, 20, 255, 4)).unwrap();
    Import::new(OWN, peer_asn, router_id, Chain::accept())
        .with_own(vec![prefix("10.20.0.0/16")], vec!["10.20.255.4".parse().unwrap()])
}

fn accepts(text: &str) -> Result<Edits, Refusal> {
    import(SITE).check(&prefix(text), &path(&[65010]), &NEXT_HOP)
}

fn refuses(attributes: &Attributes) -> String {
    import(SITE).check(&prefix("10.52.0.0/16"), attributes, &NEXT_HOP).unwrap_err().to_string()
}

fn told(export: &Export, to: &Prefix, source: Source, attributes: &Attributes) -> Result<Attributes, Withheld> {
    let route = Route { prefix: to, attributes, next_hop: Some(&NEXT_HOP), neighbor: None };
    export.check(PEER, source, &route).map(|told| told.attributes)
}

fn export(peer_asn: Asn, scope: Scope) -> Export {
    Export::new(OWN, peer_asn, scope, Chain::accept())
}

#[test]
fn a_route_with_the_own_as_anywhere_in_its_path_is_refused() {
    assert_eq!(refuses(&path(&[65010, 65515, 65020])), "own AS 65515 in AS_PATH");
}

#[test]
fn the_own_prefixes_and_parts_of_them_are_refused_but_not_what_is_around_them() {
    assert_eq!(accepts("10.20.0.0/16").unwrap_err().to_string(), "inside our own 10.20.0.0/16");
    assert_eq!(accepts("10.20.7.0/24").unwrap_err().to_string(), "inside our own 10.20.0.0/16");
    assert!(accepts("10.0.0.0/8").is_ok());
    assert!(accepts("10.21.0.0/16").is_ok());
}

#[test]
fn martians_of_both_families_are_refused() {
    for martian in [
        "0.0.0.0/8",
        "0.1.0.0/16",
        "127.0.0.0/8",
        "127.0.0.1/32",
        "169.254.0.0/16",
        "169.254.21.0/30",
        "224.0.0.0/4",
        "224.0.0.0/3",
        "239.1.0.0/16",
        "240.0.0.0/4",
        "255.255.255.255/32",
        "::1/128",
        "::/128",
        "::ffff:10.0.0.0/104",
        "::10.0.0.0/104",
        "fe80::/10",
        "fe80::1/128",
        "fec0::/10",
        "ff00::/8",
        "ff02::1/128",
        "100::/64",
    ] {
        assert!(matches!(accepts(martian), Err(Refusal::Martian(_))), "{martian}");
    }
}

#[test]
fn private_space_default_routes_and_halves_of_everything_are_no_martians() {
    for good in [
        "0.0.0.0/0",
        "::/0",
        "0.0.0.0/1",
        "128.0.0.0/1",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "192.0.2.0/24",
        "2001:db8::/32",
        "fc00::/7",
        "fd00:1::/48",
        "169.0.0.0/8",
        "8000::/1",
    ] {
        assert_eq!(accepts(good), Ok(Edits::default()), "{good}");
    }
}

#[test]
fn an_external_neighbor_must_be_the_first_as_of_its_paths_unless_told_otherwise() {
    assert_eq!(refuses(&path(&[65020, 65010])), "AS_PATH begins with AS 65020, not with the neighbor's AS 65010");
    assert_eq!(refuses(&path(&[])), "AS_PATH begins with no AS, not with the neighbor's AS 65010");
    let lenient = Import { enforce_first_as: false, ..import(SITE) };
    assert!(lenient.check(&prefix("10.52.0.0/16"), &path(&[65020]), &NEXT_HOP).is_ok());
}

#[test]
fn a_path_with_a_set_neither_comes_in_nor_goes_out_unless_told_otherwise() {
    for kind in [SegmentKind::Set, SegmentKind::ConfedSet] {
        let mut attributes = path(&[65010]);
        attributes.as_path.segments.push(PathSegment { kind, asns: smallvec![Asn::new(65020)] });
        let to = prefix("10.52.0.0/16");
        let why = refuses(&attributes);
        assert_eq!(why, "a set of ASes in AS_PATH, which is deprecated (RFC 9774): allow-as-sets = true takes it");
        let lenient = Import { allow_as_sets: true, ..import(SITE) };
        assert!(lenient.check(&to, &attributes, &NEXT_HOP).is_ok());
        let export = export(SITE, Scope::Transit);
        assert_eq!(told(&export, &to, Source::External(OTHER), &attributes), Err(Withheld::AsSet));
        let lenient = Export { allow_as_sets: true, ..export };
        assert!(told(&lenient, &to, Source::External(OTHER), &attributes).is_ok());
    }
}

#[test]
fn an_internal_neighbors_reflected_loops_are_refused() {
    let mut attributes = path(&[65010]);
    let check = |attributes: &Attributes| import(OWN).check(&prefix("10.52.0.0/16"), attributes, &NEXT_HOP);
    attributes.originator_id = Some(Ipv4Addr::new(10, 20, 255, 4));
    assert_eq!(check(&attributes), Err(Refusal::OwnOriginator));
    attributes.originator_id = Some(Ipv4Addr::new(10, 20, 255, 5));
    assert!(check(&attributes).is_ok());
    attributes.cluster_list = smallvec![ClusterId(Ipv4Addr::new(10, 20, 255, 4))];
    assert_eq!(check(&attributes), Err(Refusal::OwnCluster));
}

#[test]
fn a_next_hop_that_is_ours_or_no_host_is_refused() {
    let check = |text: &str| {
        let next_hop = NextHop::from(text.parse::<std::net::IpAddr>().unwrap());
        import(SITE).check(&prefix("10.52.0.0/16"), &path(&[65010]), &next_hop)
    };
    assert_eq!(check("10.20.255.4").unwrap_err().to_string(), "next hop 10.20.255.4 is our own address");
    for bad in ["0.0.0.0", "127.0.0.1", "224.0.0.5", "255.255.255.255", "::", "::1", "ff02::1"] {
        assert!(matches!(check(bad), Err(Refusal::NextHop(_))), "{bad}");
    }
    assert!(check("169.254.21.1").is_ok());
}

#[test]
fn without_a_policy_nothing_passes_between_different_ases_and_everything_within_one() {
    let (to, from) = (prefix("10.52.0.0/16"), path(&[65010]));
    let none = |import: Import| Import { chain: Chain::none(), ..import };
    assert_eq!(none(import(SITE)).check(&to, &from, &NEXT_HOP), Err(Refusal::NoPolicy));
    assert!(none(import(OWN)).check(&to, &from, &NEXT_HOP).is_ok());
    let none = |export: Export| Export { chain: Chain::none(), ..export };
    let out = told(&none(export(SITE, Scope::Everything)), &to, Source::Local, &Attributes::default());
    assert_eq!(out, Err(Withheld::NoPolicy));
    assert!(told(&none(export(OWN, Scope::Everything)), &to, Source::Local, &Attributes::default()).is_ok());
}

#[test]
fn the_word_reject_lets_nothing_pass() {
    let no = Chain(vec![Word::Reject, Word::Accept]);
    let import = Import { chain: no.clone(), ..import(SITE) };
    assert_eq!(import.check(&prefix("10.52.0.0/16"), &path(&[65010]), &NEXT_HOP), Err(Refusal::Policy(Rejected::Word)));
    let export = Export { chain: no, ..export(SITE, Scope::Everything) };
    let out = told(&export, &prefix("10.20.0.0/16"), Source::Local, &Attributes::default());
    assert_eq!(out, Err(Withheld::Policy(Rejected::Word)));
}

#[test]
fn a_graceful_shutdown_makes_a_route_the_last_choice() {
    let mut attributes = path(&[65010]);
    attributes.communities.push(Community::GRACEFUL_SHUTDOWN);
    let edits = import(SITE).check(&prefix("10.52.0.0/16"), &attributes, &NEXT_HOP).unwrap();
    edits.apply(&mut attributes, None);
    assert_eq!(attributes.local_pref, Some(0));
}

#[test]
fn a_device_is_told_of_the_gateways_own_routes_only_unless_transit_is_on() {
    let passes = |scope, source, text: &str| export(SITE, scope).passes(PEER, &prefix(text), source);
    let taught = Source::External(OTHER);
    assert_eq!(passes(Scope::LocalOnly, Source::Local, "10.20.0.0/16"), Ok(()));
    assert_eq!(passes(Scope::LocalOnly, taught, "10.52.0.0/16"), Err(Withheld::NoTransit));
    assert_eq!(passes(Scope::Transit, taught, "10.52.0.0/16"), Ok(()));
    assert_eq!(passes(Scope::Transit, taught, "0.0.0.0/0"), Err(Withheld::Default));
    assert_eq!(passes(Scope::Transit, Source::Internal(OTHER), "10.52.0.0/16"), Err(Withheld::NoTransit));
    assert_eq!(passes(Scope::Everything, taught, "0.0.0.0/0"), Ok(()));
    assert_eq!(passes(Scope::Everything, Source::Internal(OTHER), "10.52.0.0/16"), Ok(()));
}

#[test]
fn nobody_is_told_of_its_own_routes_and_no_internal_neighbor_of_anothers() {
    let to = prefix("10.52.0.0/16");
    let back = export(SITE, Scope::Everything).passes(PEER, &to, Source::External(PEER));
    assert_eq!(back, Err(Withheld::CameFrom));
    let across = export(OWN, Scope::Everything).passes(PEER, &to, Source::Internal(OTHER));
    assert_eq!(across, Err(Withheld::Internal));
    assert_eq!(export(OWN, Scope::Everything).passes(PEER, &to, Source::External(OTHER)), Ok(()));
}

#[test]
fn well_known_communities_are_obeyed() {
    let check = |asn, community| {
        let mut attributes = path(&[65020]);
        attributes.communities.push(community);
        told(&export(asn, Scope::Everything), &prefix("10.52.0.0/16"), Source::External(OTHER), &attributes)
    };
    assert!(check(SITE, Community::NO_EXPORT).is_err());
    assert!(check(OWN, Community::NO_EXPORT).is_ok());
    assert!(check(SITE, Community::NO_EXPORT_SUBCONFED).is_err());
    assert!(check(SITE, Community::NO_ADVERTISE).is_err());
    assert!(check(OWN, Community::NO_ADVERTISE).is_err());
}

#[test]
fn an_external_neighbor_gets_the_own_as_in_front_and_nothing_that_is_internal() {
    let mut attributes = path(&[65020]);
    attributes.med = Some(5);
    attributes.local_pref = Some(200);
    attributes.originator_id = Some(Ipv4Addr::new(1, 1, 1, 1));
    attributes.cluster_list = smallvec![ClusterId(Ipv4Addr::new(2, 2, 2, 2))];
    let carried = ExtendedCommunity([0, 2, 0, 1, 0, 0, 0, 1]);
    attributes.extended_communities = vec![ExtendedCommunity([0x40, 4, 0, 1, 0, 0, 0, 1]), carried];
    let unknown = |code| UnknownAttribute { flags: AttributeFlags(0xe0), code, value: vec![1].into() };
    attributes.unknown = vec![unknown(40), unknown(200)];
    let confed = PathSegment { kind: SegmentKind::ConfedSequence, asns: smallvec![Asn::new(64512)] };
    attributes.as_path.segments.insert(0, confed);
    let to = prefix("10.52.0.0/16");
    let out = told(&export(SITE, Scope::Transit), &to, Source::External(OTHER), &attributes).unwrap();
    let expected =
        Attributes { extended_communities: vec![carried], unknown: vec![unknown(200)], ..path(&[65515, 65020]) };
    assert_eq!(out, expected);
}

#[test]
fn an_internal_neighbor_gets_local_pref_and_the_path_as_it_is() {
    let attributes = Attributes { med: Some(5), ..path(&[65020]) };
    let to = prefix("10.52.0.0/16");
    let out = told(&export(OWN, Scope::Everything), &to, Source::External(OTHER), &attributes).unwrap();
    assert_eq!(out, Attributes { local_pref: Some(100), ..attributes });
}

#[test]
fn own_routes_go_out_with_origin_igp_and_their_med() {
    let attributes = Attributes { med: Some(50), origin: Origin::Incomplete, ..Attributes::default() };
    let to = prefix("10.20.0.0/16");
    let out = told(&export(SITE, Scope::LocalOnly), &to, Source::Local, &attributes).unwrap();
    assert_eq!(out, Attributes { med: Some(50), ..path(&[65515]) });
}

#[test]
fn a_network_router_is_told_of_what_only_the_twin_can_deliver_as_the_second_choice() {
    let (prefix, attributes) = (prefix("10.52.0.0/16"), Attributes { med: Some(7), ..path(&[65010]) });
    let route = Route { prefix: &prefix, attributes: &attributes, next_hop: None, neighbor: None };
    let told =
        |source| export(Asn::new(65001), Scope::Learned).check(PeerId(9), source, &route).unwrap().attributes.med;
    assert_eq!((told(Source::External(PeerId(1))), told(Source::Internal(PeerId(2)))), (None, Some(100)));
}
