//! Attributes that are not known here, or known and not for here, among them those that reset the sessions of others:
//! whatever is in them, they are passed on as they came, or dropped, and nobody looks inside (RFC 4271 §5, RFC 7606).

use crate::build::*;
use crate::row::{Reaction::*, Row, row};

const PASSED: &str = "RFC 4271 section 5";
const DROPPED: &str = "RFC 4271 section 9";

pub fn rows() -> Vec<Row> {
    let well = attr(WELL, 250, &[1, 2, 3]);
    let bare = attr(0, 99, &[]);
    let long = attr(WELL, 77, &[7; 300]);
    let on = |code, value: &[u8]| but(&attr(PASS, code, value));
    let off = |code, value: &[u8]| but(&attr(LOCAL, code, value));
    let aigp = || Discarded(26, "AIGP is not enabled");
    let sid = || Discarded(40, "Prefix-SID is not for external peers");
    vec![
        row("a well-known attribute that is not known", "RFC 4271 section 6.3", but(&well), Reset(3, 2, well.clone())),
        row(
            "an attribute without any flag that is not known",
            "RFC 4271 section 6.3",
            but(&bare),
            Reset(3, 2, bare.clone()),
        ),
        row(
            "a long well-known attribute that is not known",
            "RFC 4271 section 6.3",
            but(&long),
            Reset(3, 2, long.clone()),
        ),
        row("attribute 0, which is reserved", PASSED, on(0, &[1]), Passed(0)),
        row("attribute 255, for experiments", PASSED, on(255, &[0xff; 9]), Passed(255)),
        row("an unknown attribute without a value", PASSED, on(200, &[]), Passed(200)),
        row("an unknown attribute of 2,000 octets", PASSED, on(200, &[5; 2000]), Passed(200)),
        row("an unknown attribute that has the Partial bit", PASSED, but(&attr(PASS | 0x20, 200, &[1])), Passed(200)),
        row("an unknown attribute with the lowest flags set", PASSED, but(&attr(PASS | 0x0f, 200, &[1])), Passed(200)),
        row("an unknown attribute that is not transitive", DROPPED, off(201, &[1]), Dropped(201)),
        row(
            "an unknown attribute that is not transitive but Partial",
            DROPPED,
            but(&attr(LOCAL | 0x20, 201, &[1])),
            Dropped(201),
        ),
        row("DPA, which is deprecated", "RFC 6938 section 3", on(11, &[0, 1, 0, 0, 0, 5]), Passed(11)),
        row("ADVERTISER, which is deprecated", "RFC 6938 section 3", off(12, &[1; 3]), Dropped(12)),
        row("SSA, which is deprecated", PASSED, on(19, &[0x80]), Passed(19)),
        row("the connector attribute of multicast VPNs", PASSED, on(20, &[0, 1]), Passed(20)),
        row("AS_PATHLIMIT, which is deprecated, cut short", PASSED, on(21, &[5, 0]), Passed(21)),
        row("PMSI tunnel with a type that does not exist", "RFC 6514 section 5", on(22, &[0, 99, 1]), Passed(22)),
        row(
            "tunnel encapsulation that is corrupted, which reset others in 2023",
            "RFC 9012 section 13",
            on(23, &[0, 1, 0, 200, 7]),
            Passed(23),
        ),
        row("tunnel encapsulation of one octet", "RFC 9012 section 13", on(23, &[0]), Passed(23)),
        row("tunnel encapsulation that is not transitive", DROPPED, off(23, &[0, 1, 0, 200, 7]), Dropped(23)),
        row("traffic engineering of 3 octets", "RFC 7606 section 7.13", off(24, &[1, 2, 3]), Dropped(24)),
        row("IPv6 extended communities of 19 octets", "RFC 7606 section 7.15", on(25, &[1; 19]), Passed(25)),
        row("AIGP from another AS", "RFC 7311 section 3.1", off(26, &[1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 9]), aigp()),
        row(
            "AIGP that is flagged as transitive",
            "RFC 7311 section 3.1",
            on(26, &[1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 9]),
            aigp(),
        ),
        row("AIGP that is malformed", "RFC 7311 section 3.1", off(26, &[1, 0, 2]), aigp()),
        row("PE distinguisher labels that are cut", PASSED, on(27, &[0; 5]), Passed(27)),
        row(
            "entropy label capability, which is deprecated, with a value",
            "RFC 7447 section 2",
            on(28, &[1, 2, 3, 4]),
            Passed(28),
        ),
        row("BGP-LS with a TLV longer than itself", "RFC 9552 section 8.2.2", off(29, &[4, 0, 0, 200, 1]), Dropped(29)),
        row("BGP-LS that is flagged as transitive", "RFC 4271 section 5", on(29, &[4, 0, 0, 200, 1]), Passed(29)),
        row("attribute 30, which is deprecated", PASSED, on(30, &[0; 7]), Passed(30)),
        row("BGPsec_PATH that was not agreed on", DROPPED, off(33, &[0, 2]), Dropped(33)),
        row("only to customer of 3 octets", PASSED, on(35, &[0, 1, 2]), Passed(35)),
        row("SFP of one octet", PASSED, on(37, &[9]), Passed(37)),
        row("BFD discriminator that is cut", "RFC 9026 section 3.1.6", on(38, &[1, 0]), Passed(38)),
        row("Prefix-SID from another AS", "RFC 8669 section 5", on(40, &[1, 0, 7, 0, 0, 0, 0, 0, 0, 1]), sid()),
        row("Prefix-SID that is malformed", "RFC 8669 section 6", on(40, &[1, 0, 99]), sid()),
        row(
            "ATTR_SET with attributes that are malformed in it",
            "RFC 6368 section 5",
            on(128, &[0, 0, 0, 1, 0x40, 1, 9]),
            Passed(128),
        ),
        row(
            "ATTR_SET with itself in it",
            "RFC 6368 section 5",
            on(128, &[0, 0, 0, 1, 0xc0, 128, 4, 0, 0, 0, 1]),
            Passed(128),
        ),
        row("attribute 129, which is deprecated", PASSED, on(129, &[0xff; 3]), Passed(129)),
        row(
            "many unknown attributes at once",
            PASSED,
            but(&(200..240).flat_map(|code| attr(PASS, code, &[code])).collect::<Vec<_>>()),
            Passed(239),
        ),
    ]
}
