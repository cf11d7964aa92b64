//! Attributes of routes from a neighbor of another AS, one by one: length, value, flags, absence (RFC 7606 §7).

use crate::build::*;
use crate::row::{Reaction::*, Row, row};

const FLAGS: &str = "RFC 7606 section 3 c";

/// A good UPDATE without the attribute of a code.
fn without(code: u8) -> Vec<u8> {
    let all = [origin(), path(&[65010]), next_hop()];
    update(&[], &all.iter().filter(|one| one[1] != code).flatten().copied().collect::<Vec<_>>(), &NET)
}

pub fn rows() -> Vec<Row> {
    [well_known(), optional(), communities()].concat()
}

fn well_known() -> Vec<Row> {
    let origin = "RFC 7606 section 7.1";
    let hop = "RFC 7606 section 7.3";
    let missing = "RFC 7606 section 3 d";
    let octets = || Withdrawn("ORIGIN is not one octet");
    let value = || Withdrawn("ORIGIN has a value that is not defined");
    let four = || Withdrawn("NEXT_HOP is not four octets");
    let flags = || Withdrawn("the flags are not those of the attribute");
    let to = |hop: [u8; 4]| but(&attr(WELL, 3, &hop));
    vec![
        row("ORIGIN without a value", origin, but(&attr(WELL, 1, &[])), octets()),
        row("ORIGIN of 2 octets", origin, but(&attr(WELL, 1, &[0, 0])), octets()),
        row("ORIGIN of 3", origin, but(&attr(WELL, 1, &[3])), value()),
        row("ORIGIN of 255", origin, but(&attr(WELL, 1, &[255])), value()),
        row("ORIGIN is missing", missing, without(1), Withdrawn("ORIGIN is missing")),
        row("ORIGIN is flagged as optional", FLAGS, but(&attr(PASS, 1, &[0])), flags()),
        row("ORIGIN is flagged as not transitive", FLAGS, but(&attr(0, 1, &[0])), flags()),
        row("ORIGIN with the Partial bit, which does not count", FLAGS, but(&attr(WELL | 0x20, 1, &[0])), Taken),
        row("NEXT_HOP without a value", hop, but(&attr(WELL, 3, &[])), four()),
        row("NEXT_HOP of 3 octets", hop, but(&attr(WELL, 3, &[192, 0, 2])), four()),
        row("NEXT_HOP of 5 octets", hop, but(&attr(WELL, 3, &[192, 0, 2, 1, 0])), four()),
        row("NEXT_HOP of 16 octets", hop, but(&attr(WELL, 3, &HOP6)), four()),
        row("NEXT_HOP is missing", missing, without(3), Withdrawn("NEXT_HOP is missing")),
        row("NEXT_HOP is flagged as optional", FLAGS, but(&attr(LOCAL, 3, &[192, 0, 2, 99])), flags()),
        row("NEXT_HOP 0.0.0.0", "RFC 4271 section 6.3", to([0; 4]), Withdrawn("unspecified address")),
        row("NEXT_HOP of multicast", "RFC 4271 section 6.3", to([224, 0, 0, 5]), Withdrawn("multicast address")),
        row("NEXT_HOP of broadcast", "RFC 4271 section 6.3", to([255; 4]), Withdrawn("broadcast address")),
        row("NEXT_HOP of loopback", "RFC 4271 section 6.3", to([127, 0, 0, 1]), Refused("not the address of a host")),
        row("NEXT_HOP is our own address", "RFC 4271 section 5.1.3", to([169, 254, 21, 2]), Refused("our own address")),
    ]
}

fn optional() -> Vec<Row> {
    let med = "RFC 7606 section 7.4";
    let preference = "RFC 7606 section 7.5";
    let atomic = "RFC 7606 section 7.6";
    let aggregator = "RFC 7606 section 7.7";
    let four = || Withdrawn("MULTI_EXIT_DISC is not four octets");
    let flags = || Withdrawn("the flags are not those of the attribute");
    let foreign = |code| Discarded(code, "means nothing from an external peer");
    let one = |code| Discarded(code, "does not hold one AS and one address");
    let whole = [0, 0, 0xfd, 0xf2, 192, 0, 2, 1];
    vec![
        row("MULTI_EXIT_DISC without a value", med, but(&attr(LOCAL, 4, &[])), four()),
        row("MULTI_EXIT_DISC of 3 octets", med, but(&attr(LOCAL, 4, &[1, 2, 3])), four()),
        row("MULTI_EXIT_DISC of 5 octets", med, but(&attr(LOCAL, 4, &[1, 2, 3, 4, 5])), four()),
        row("MULTI_EXIT_DISC is flagged as transitive", FLAGS, but(&attr(PASS, 4, &[0; 4])), flags()),
        row("MULTI_EXIT_DISC is flagged as well-known", FLAGS, but(&attr(WELL, 4, &[0; 4])), flags()),
        row("LOCAL_PREF from another AS", preference, but(&attr(WELL, 5, &[0, 0, 3, 232])), foreign(5)),
        row("a malformed LOCAL_PREF from another AS", preference, but(&attr(PASS, 5, &[1])), foreign(5)),
        row("ATOMIC_AGGREGATE with a value", atomic, but(&attr(WELL, 6, &[0])), Discarded(6, "is not empty")),
        row("ATOMIC_AGGREGATE is flagged as optional", FLAGS, but(&attr(PASS, 6, &[])), flags()),
        row("AGGREGATOR without a value", aggregator, but(&attr(PASS, 7, &[])), one(7)),
        row("AGGREGATOR of 6 octets", aggregator, but(&attr(PASS, 7, &whole[2..])), one(7)),
        row("AGGREGATOR of 7 octets", aggregator, but(&attr(PASS, 7, &whole[1..])), one(7)),
        row("AGGREGATOR of 9 octets", aggregator, but(&attr(PASS, 7, &[&whole[..], &[0]].concat())), one(7)),
        row(
            "AGGREGATOR with AS 0",
            "RFC 7607 section 2",
            but(&attr(PASS, 7, &[0, 0, 0, 0, 192, 0, 2, 1])),
            Discarded(7, "AS 0"),
        ),
        row("AGGREGATOR is flagged as well-known", FLAGS, but(&attr(WELL, 7, &whole)), flags()),
        row("ORIGINATOR_ID from another AS", "RFC 7606 section 7.9", but(&attr(LOCAL, 9, &[192, 0, 2, 7])), foreign(9)),
        row("a malformed ORIGINATOR_ID from another AS", "RFC 7606 section 7.9", but(&attr(PASS, 9, &[7])), foreign(9)),
        row(
            "CLUSTER_LIST from another AS",
            "RFC 7606 section 7.10",
            but(&attr(LOCAL, 10, &[192, 0, 2, 7])),
            foreign(10),
        ),
        row(
            "a malformed CLUSTER_LIST from another AS",
            "RFC 7606 section 7.10",
            but(&attr(LOCAL, 10, &[7])),
            foreign(10),
        ),
        row(
            "AS4_PATH from a neighbor with four octets",
            "RFC 6793 section 4.1",
            but(&attr(PASS, 17, &segment(2, &[65010]))),
            Discarded(17, "not for peers with AS numbers of four octets"),
        ),
        row(
            "AS4_AGGREGATOR from a neighbor with four octets",
            "RFC 6793 section 4.1",
            but(&attr(PASS, 18, &whole)),
            Discarded(18, "not for peers with AS numbers of four octets"),
        ),
    ]
}

fn communities() -> Vec<Row> {
    let plain = "RFC 7606 section 7.8";
    let extended = "RFC 7606 section 7.14";
    let large = "RFC 8092 section 6";
    let four = || Withdrawn("COMMUNITIES is empty or not a multiple of four octets");
    let eight = || Withdrawn("EXTENDED COMMUNITIES is empty or not a multiple of eight octets");
    let twelve = || Withdrawn("LARGE_COMMUNITY is empty or not a multiple of twelve octets");
    let flags = || Withdrawn("the flags are not those of the attribute");
    vec![
        row("COMMUNITIES without a value", plain, but(&attr(PASS, 8, &[])), four()),
        row("COMMUNITIES of 3 octets", plain, but(&attr(PASS, 8, &[1; 3])), four()),
        row("COMMUNITIES of 6 octets", plain, but(&attr(PASS, 8, &[1; 6])), four()),
        row("COMMUNITIES of 257 octets", plain, but(&attr(PASS, 8, &[1; 257])), four()),
        row("COMMUNITIES is flagged as not transitive", FLAGS, but(&attr(LOCAL, 8, &[1; 4])), flags()),
        row("EXTENDED COMMUNITIES without a value", extended, but(&attr(PASS, 16, &[])), eight()),
        row("EXTENDED COMMUNITIES of 7 octets", extended, but(&attr(PASS, 16, &[1; 7])), eight()),
        row("EXTENDED COMMUNITIES of 12 octets", extended, but(&attr(PASS, 16, &[1; 12])), eight()),
        row("EXTENDED COMMUNITIES is flagged as well-known", FLAGS, but(&attr(WELL, 16, &[1; 8])), flags()),
        row("LARGE_COMMUNITY without a value", large, but(&attr(PASS, 32, &[])), twelve()),
        row("LARGE_COMMUNITY of 11 octets", large, but(&attr(PASS, 32, &[1; 11])), twelve()),
        row("LARGE_COMMUNITY of 16 octets", large, but(&attr(PASS, 32, &[1; 16])), twelve()),
        row("LARGE_COMMUNITY is flagged as not transitive", FLAGS, but(&attr(LOCAL, 32, &[1; 12])), flags()),
    ]
}
