//! AS_PATH from a neighbor of another AS (RFC 7606 §7.2, RFC 5065, RFC 7607).

use crate::build::*;
use crate::row::{Reaction::*, Row, row};

const RULE: &str = "RFC 7606 section 7.2";
const FIRST: &str = "RFC 4271 section 6.3";

pub fn rows() -> Vec<Row> {
    let of = |value: &[u8]| but(&attr(WELL, 2, value));
    let malformed = || Withdrawn("AS_PATH has an empty, unknown or cut segment");
    let confed = || Withdrawn("holds a confederation segment");
    let good = segment(2, &[65010]);
    let and = |more: &[u8]| of(&[&good[..], more].concat());
    let missing = update(&[], &[origin(), next_hop()].concat(), &NET);
    vec![
        row("a segment of type 0", RULE, of(&segment(0, &[65010])), malformed()),
        row("a segment of type 5", RULE, and(&segment(5, &[65020])), malformed()),
        row("a segment of type 255", RULE, and(&segment(255, &[65020])), malformed()),
        row("a segment without ASes", RULE, of(&[2, 0]), malformed()),
        row("a segment without ASes behind a good one", RULE, and(&[2, 0]), malformed()),
        row("a segment that counts one AS too many", RULE, of(&[2, 2, 0, 0, 0xfd, 0xf2]), malformed()),
        row("a segment that counts 255 ASes and has one", RULE, of(&[2, 255, 0, 0, 0xfd, 0xf2]), malformed()),
        row("one octet behind the last segment", RULE, and(&[2]), malformed()),
        row("half an AS behind the last segment", RULE, and(&[0, 0]), malformed()),
        row("a segment that is cut in an AS", RULE, of(&[2, 1, 0, 0, 0xfd]), malformed()),
        row("AS numbers of two octets where four were agreed on", RULE, of(&segment2(2, &[65010])), malformed()),
        row("AS_PATH is missing", "RFC 7606 section 3 d", missing, Withdrawn("AS_PATH is missing")),
        row(
            "AS_PATH is flagged as optional",
            "RFC 7606 section 3 c",
            but(&attr(PASS, 2, &good)),
            Withdrawn("the flags are not those"),
        ),
        row(
            "AS_PATH is flagged as not transitive",
            "RFC 7606 section 3 c",
            but(&attr(0, 2, &good)),
            Withdrawn("the flags are not those"),
        ),
        row(
            "AS 0 in a sequence",
            "RFC 7607 section 2",
            of(&segment(2, &[65010, 0, 65020])),
            Withdrawn("AS_PATH holds AS 0"),
        ),
        row("AS 0 in a set", "RFC 7607 section 2", and(&segment(1, &[65020, 0])), Withdrawn("AS_PATH holds AS 0")),
        row(
            "a confederation sequence from outside of one",
            "RFC 5065 section 5",
            of(&[segment(3, &[64512]), good.clone()].concat()),
            confed(),
        ),
        row(
            "a confederation set from outside of one",
            "RFC 5065 section 5",
            and(&segment(4, &[64512, 64513])),
            confed(),
        ),
        row("an empty AS_PATH from another AS", FIRST, of(&[]), Refused("AS_PATH begins with no AS")),
        row(
            "another AS than the neighbor's is first",
            FIRST,
            of(&segment(2, &[65099, 65010])),
            Refused("AS_PATH begins with AS 65099"),
        ),
        row("a set is first", FIRST, of(&segment(1, &[65010])), Refused("AS_PATH begins with no AS")),
        row(
            "our own AS is in it",
            "RFC 4271 section 9.1.2",
            of(&segment(2, &[65010, 65515, 65020])),
            Refused("own AS 65515"),
        ),
        row("our own AS is in a set", "RFC 4271 section 9.1.2", and(&segment(1, &[65515])), Refused("own AS 65515")),
        row(
            "a set behind the neighbor's AS",
            "RFC 9774 section 3",
            and(&segment(1, &[65020, 65021])),
            Refused("a set of ASes in AS_PATH"),
        ),
        row("AS_TRANS in a path of four octets", "RFC 6793 section 4.2.2", of(&segment(2, &[65010, 23456])), Taken),
        row("a path of 765 ASes", "RFC 4271 section 4.3", and(&segment(2, &[65020; 255]).repeat(3)), Taken),
    ]
}
