//! A neighbor that has AS numbers of two octets: AS4_PATH and AS4_AGGREGATOR, and what of them is discarded
//! (RFC 6793 §4.2.3 and 6).

use crate::build::*;
use crate::row::{Reaction::*, Row, Stage::TwoOctets, row};

const RULE: &str = "RFC 6793 section 6";

pub fn rows() -> Vec<Row> {
    let path4 = |value: &[u8]| but2(&[attr(PASS, 17, value)]);
    let malformed = || Discarded(17, "AS4_PATH has an empty, unknown or cut segment");
    let good = segment(2, &[65010]);
    let trans = attr(PASS, 7, &[0x5b, 0xa0, 192, 0, 2, 1]);
    let four = [0, 3, 0x2b, 0x98, 192, 0, 2, 9];
    let aggregator4 = |value: &[u8]| but2(&[trans.clone(), attr(PASS, 18, value)]);
    let one = |code| Discarded(code, "does not hold one AS and one address");
    [
        row("AS4_PATH without a value", RULE, path4(&[]), malformed()),
        row("AS4_PATH of 5 octets", RULE, path4(&good[..5]), malformed()),
        row("one octet behind AS4_PATH", RULE, path4(&[&good[..], &[2]].concat()), malformed()),
        row("AS4_PATH that counts one AS too many", RULE, path4(&[2, 2, 0, 0, 0xfd, 0xf2]), malformed()),
        row("AS4_PATH with a segment without ASes", RULE, path4(&[2, 0]), malformed()),
        row("AS4_PATH with a segment of type 9", RULE, path4(&segment(9, &[65010])), malformed()),
        row("AS4_PATH with AS numbers of two octets", RULE, path4(&segment2(2, &[65010])), malformed()),
        row(
            "AS4_PATH with AS 0",
            "RFC 7607 section 2",
            path4(&segment(2, &[65010, 0])),
            Discarded(17, "AS4_PATH holds AS 0"),
        ),
        row(
            "AS4_PATH is flagged as well-known",
            "RFC 7606 section 3 c",
            but2(&[attr(WELL, 17, &good)]),
            Withdrawn("the flags are not those"),
        ),
        row(
            "a confederation segment in AS4_PATH, which is left out",
            RULE,
            path4(&[segment(3, &[64512]), good.clone()].concat()),
            Taken,
        ),
        row("AS4_PATH of confederation segments alone", RULE, path4(&segment(4, &[64512])), Taken),
        row(
            "AS4_PATH longer than AS_PATH, which does not count",
            "RFC 6793 section 4.2.3",
            path4(&segment(2, &[65099, 65010])),
            Taken,
        ),
        row("AS4_AGGREGATOR without a value", RULE, aggregator4(&[]), one(18)),
        row("AS4_AGGREGATOR of 6 octets", RULE, aggregator4(&four[2..]), one(18)),
        row("AS4_AGGREGATOR of 12 octets", RULE, aggregator4(&[0; 12]), one(18)),
        row(
            "AS4_AGGREGATOR with AS 0",
            "RFC 7607 section 2",
            aggregator4(&[0, 0, 0, 0, 192, 0, 2, 9]),
            Discarded(18, "AS 0"),
        ),
        row(
            "AS4_AGGREGATOR alone, which does not count",
            "RFC 6793 section 4.2.3",
            but2(&[attr(PASS, 18, &four)]),
            Taken,
        ),
        row(
            "AS4_PATH and AS4_AGGREGATOR beside an AGGREGATOR that is not AS_TRANS",
            "RFC 6793 section 4.2.3",
            but2(&[
                attr(PASS, 7, &[0xfd, 0xf2, 192, 0, 2, 1]),
                attr(PASS, 17, &segment(2, &[65099])),
                attr(PASS, 18, &four),
            ]),
            Taken,
        ),
        row("AGGREGATOR of 8 octets", "RFC 7606 section 7.7", but2(&[attr(PASS, 7, &four)]), one(7)),
        row("AGGREGATOR of 5 octets", "RFC 7606 section 7.7", but2(&[attr(PASS, 7, &[0xfd, 0xf2, 192, 0, 2])]), one(7)),
        row(
            "AS_PATH with AS numbers of four octets",
            "RFC 7606 section 7.2",
            but2(&[path(&[65010])]),
            Withdrawn("AS_PATH has an empty, unknown or cut segment"),
        ),
        row(
            "AS 0 in a path of two octets",
            "RFC 7607 section 2",
            but2(&[attr(WELL, 2, &segment2(2, &[65010, 0]))]),
            Withdrawn("AS_PATH holds AS 0"),
        ),
        row(
            "a path of two octets that begins with AS_TRANS",
            "RFC 4271 section 6.3",
            but2(&[attr(WELL, 2, &segment2(2, &[23456]))]),
            Refused("AS_PATH begins with AS 23456"),
        ),
    ]
    .map(|row| row.at(TwoOctets))
    .to_vec()
}
