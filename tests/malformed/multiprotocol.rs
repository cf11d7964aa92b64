//! MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760, RFC 2545, RFC 8950; RFC 7606 §5.3, 7.11, 7.12).

use crate::build::*;
use crate::row::{Reaction, Reaction::*, Row, row};

const REACH: &str = "RFC 7606 section 7.11";
const UNREACH: &str = "RFC 7606 section 7.12";
const FLAGS: &str = "RFC 7606 section 3 c";

/// The session ends, and the neighbor gets the attribute back.
fn back(attribute: &[u8]) -> Reaction {
    Reset(3, 9, attribute.to_vec())
}

/// An UPDATE with this MP_REACH_NLRI, which ends the session.
fn fatal(what: &'static str, value: &[u8]) -> Row {
    let attribute = attr(LOCAL, 14, value);
    row(what, REACH, reaching(&attribute), back(&attribute))
}

/// The same for MP_UNREACH_NLRI.
fn unfatal(what: &'static str, value: &[u8]) -> Row {
    let attribute = attr(LOCAL, 15, value);
    row(what, UNREACH, update(&[], &attribute, &[]), back(&attribute))
}

pub fn rows() -> Vec<Row> {
    [reach(), next_hops(), unreach(), families()].concat()
}

fn reach() -> Vec<Row> {
    let flags = || Withdrawn("the flags are not those of the attribute");
    let value = mp(2, 1, &HOP6, &NET6);
    let long_hop = [&[0, 2, 1, 40][..], &HOP6].concat();
    let reserved = {
        let mut value = value.clone();
        value[20] = 7;
        value
    };
    let both = [reach6(&HOP6, &NET6), origin(), path(&[65010])].concat();
    vec![
        fatal("MP_REACH_NLRI without a value", &[]),
        fatal("MP_REACH_NLRI that ends in its family", &[0, 2]),
        fatal("MP_REACH_NLRI that ends before its next hop", &[0, 2, 1]),
        fatal("MP_REACH_NLRI with a next hop longer than itself", &long_hop),
        fatal("MP_REACH_NLRI without the reserved octet", &value[..20]),
        fatal("an IPv6 prefix of 129 bits", &mp(2, 1, &HOP6, &[129, 0xfd])),
        fatal("an IPv6 prefix that is cut off", &mp(2, 1, &HOP6, &[&NET6[..], &[64, 0xfd, 0x52]].concat())),
        fatal("an IPv4 prefix of 33 bits in MP_REACH_NLRI", &mp(1, 1, &[192, 0, 2, 1], &[33, 10, 1, 0, 0, 0])),
        row("MP_REACH_NLRI is flagged as transitive", FLAGS, reaching(&attr(PASS, 14, &value)), flags()),
        row("MP_REACH_NLRI is flagged as well-known", FLAGS, reaching(&attr(WELL, 14, &value)), flags()),
        row(
            "ORIGIN is missing beside MP_REACH_NLRI",
            "RFC 7606 section 3 d",
            update(&[], &[reach6(&HOP6, &NET6), path(&[65010])].concat(), &[]),
            Withdrawn("ORIGIN is missing"),
        ),
        row(
            "AS_PATH is missing beside MP_REACH_NLRI",
            "RFC 7606 section 3 d",
            update(&[], &[reach6(&HOP6, &NET6), origin()].concat(), &[]),
            Withdrawn("AS_PATH is missing"),
        ),
        row(
            "NLRI without NEXT_HOP beside MP_REACH_NLRI",
            "RFC 7606 section 3 d",
            update(&[], &both, &NET),
            Withdrawn("NEXT_HOP is missing"),
        ),
        row(
            "the routes of MP_REACH_NLRI go with a malformed COMMUNITIES",
            "RFC 7606 section 7.8",
            but6(&attr(PASS, 8, &[1; 5])),
            Withdrawn("COMMUNITIES is empty or"),
        ),
        row("the reserved octet is set", "RFC 4760 section 3", reaching(&attr(LOCAL, 14, &reserved)), Taken),
        row(
            "MP_REACH_NLRI is the last attribute",
            "RFC 7606 section 5.1",
            update(&[], &[origin(), path(&[65010]), reach6(&HOP6, &NET6)].concat(), &[]),
            Taken,
        ),
        row("MP_REACH_NLRI has no prefixes", "RFC 7606 section 5.2", reaching(&reach6(&HOP6, &[])), Ignored),
        row(
            "NEXT_HOP beside MP_REACH_NLRI, which does not count",
            "RFC 4760 section 3",
            but6(&attr(WELL, 3, &[0; 4])),
            Taken,
        ),
    ]
}

fn next_hops() -> Vec<Row> {
    let of = |hop: &[u8]| mp(2, 1, hop, &NET6);
    let two = |second: [u8; 16]| [HOP6, second].concat();
    let to = |last: [u8; 2], first: [u8; 2]| {
        let mut hop = [0; 16];
        hop[..2].copy_from_slice(&first);
        hop[14..].copy_from_slice(&last);
        reaching(&reach6(&hop, &NET6))
    };
    vec![
        fatal("no next hop for IPv6", &of(&[])),
        fatal("an IPv6 next hop of 4 octets", &of(&[192, 0, 2, 1])),
        fatal("an IPv6 next hop of 8 octets", &of(&[0; 8])),
        fatal("an IPv6 next hop of 15 octets", &of(&HOP6[..15])),
        fatal("an IPv6 next hop of 24 octets, as VPNs have it", &of(&[&[0; 8], &HOP6[..]].concat())),
        fatal("an IPv6 next hop of 33 octets", &of(&[&two(HOP6)[..], &[0]].concat())),
        fatal("an IPv6 next hop of 48 octets, as VPNs have it", &of(&[0xfd; 48])),
        fatal("an IPv4 next hop of 5 octets in MP_REACH_NLRI", &mp(1, 1, &[192, 0, 2, 1, 0], &NET)),
        fatal("an IPv4 next hop of 12 octets in MP_REACH_NLRI", &mp(1, 1, &[0; 12], &NET)),
        row("the IPv6 next hop ::", "RFC 4271 section 6.3", to([0, 0], [0, 0]), Withdrawn("unspecified address")),
        row(
            "an IPv6 next hop of multicast",
            "RFC 4271 section 6.3",
            to([0, 1], [0xff, 2]),
            Withdrawn("multicast address"),
        ),
        row("the IPv6 next hop ::1", "RFC 4271 section 6.3", to([0, 1], [0, 0]), Refused("not the address of a host")),
        row(
            "a second next hop that is not link-local, which does not count",
            "RFC 2545 section 3",
            reaching(&reach6(&two(HOP6), &NET6)),
            Taken,
        ),
        row(
            "a second next hop of zeros, which does not count",
            "RFC 2545 section 3",
            reaching(&reach6(&two([0; 16]), &NET6)),
            Taken,
        ),
        row(
            "an IPv4 prefix in MP_REACH_NLRI",
            "RFC 4760 section 3",
            reaching(&attr(LOCAL, 14, &mp(1, 1, &[192, 0, 2, 99], &NET))),
            Taken,
        ),
        row(
            "an IPv4 prefix with an IPv6 next hop",
            "RFC 8950 section 3",
            reaching(&attr(LOCAL, 14, &mp(1, 1, &HOP6, &NET))),
            Taken,
        ),
    ]
}

fn unreach() -> Vec<Row> {
    let value = [&[0, 2, 1], &NET6[..]].concat();
    let flags = || Withdrawn("the flags are not those of the attribute");
    vec![
        unfatal("MP_UNREACH_NLRI without a value", &[]),
        unfatal("MP_UNREACH_NLRI of 2 octets", &[0, 2]),
        unfatal("a withdrawn IPv6 prefix of 129 bits", &[0, 2, 1, 129, 0]),
        unfatal("a withdrawn IPv6 prefix that is cut off", &[0, 2, 1, 64, 0xfd]),
        row("MP_UNREACH_NLRI is flagged as transitive", FLAGS, update(&[], &attr(PASS, 15, &value), &[]), flags()),
        row("MP_UNREACH_NLRI is flagged as well-known", FLAGS, update(&[], &attr(WELL, 15, &value), &[]), flags()),
        row(
            "MP_UNREACH_NLRI without prefixes beside ORIGIN",
            "RFC 4724 section 2",
            update(&[], &[attr(LOCAL, 15, &[0, 2, 1]), origin()].concat(), &[]),
            Ignored,
        ),
        row(
            "a withdrawn IPv6 prefix that was never told",
            "RFC 4271 section 3.1",
            update(&[], &attr(LOCAL, 15, &[0, 2, 1, 16, 0xfd, 0x77]), &[]),
            Ignored,
        ),
    ]
}

fn families() -> Vec<Row> {
    let of = |afi, safi, hop: &[u8]| reaching(&attr(LOCAL, 14, &mp(afi, safi, hop, &[200, 1, 2, 3])));
    let gone =
        |afi: u16, safi: u8| update(&[], &attr(LOCAL, 15, &[&afi.to_be_bytes()[..], &[safi, 200, 1]].concat()), &[]);
    let routes = || Skipped("routes of a family that is not routed here");
    let withdrawals = || Skipped("withdrawals of a family that is not routed here");
    let rule = "RFC 4760 section 6";
    vec![
        row("routes of IPv4 VPNs", rule, of(1, 128, &[0; 12]), routes()),
        row("routes of IPv4 multicast", rule, of(1, 2, &[192, 0, 2, 1]), routes()),
        row("routes of EVPN", rule, of(25, 70, &[192, 0, 2, 1]), routes()),
        row("routes of BGP-LS", rule, of(16388, 71, &[192, 0, 2, 1]), routes()),
        row("routes of flow specifications without a next hop", rule, of(1, 133, &[]), routes()),
        row("routes of AFI 0 and SAFI 0", rule, of(0, 0, &[]), routes()),
        row("withdrawals of IPv4 VPNs", rule, gone(1, 128), withdrawals()),
        row("withdrawals of AFI 65535", rule, gone(65535, 255), withdrawals()),
    ]
}
