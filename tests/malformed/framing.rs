//! UPDATE as a whole: its lengths, the lengths of attributes, attributes twice, cut off or in another order
//! (RFC 4271 §6.3, RFC 7606 §3 to 5).

use crate::build::*;
use crate::row::{Reaction::*, Row, row};

const LENGTHS: &str = "RFC 7606 section 3 a";
const OVERRUN: &str = "RFC 7606 section 4";
const TWICE: &str = "RFC 7606 section 3 g";

pub fn rows() -> Vec<Row> {
    let list = || Reset(3, 1, vec![]);
    let over = || Withdrawn("longer than the attributes together");
    let twice = |code| First(code, "there twice");
    let all = good();
    let with = |more: &[u8]| update(&[], &[&all[..], more].concat(), &NET);
    let unreach = |nlri: &[u8]| attr(LOCAL, 15, &[&[0, 2, 1], nlri].concat());
    vec![
        row("withdrawn routes longer than the message", LENGTHS, lengths(100, &[], 0, &[], &[]), list()),
        row("withdrawn routes that leave no room for the next length", LENGTHS, message(2, &[0, 2, 0, 0]), list()),
        row("withdrawn routes of 65,535 octets", LENGTHS, lengths(65_535, &NET, all.len(), &all, &NET), list()),
        row("attributes longer than the message", LENGTHS, lengths(0, &[], 200, &all, &NET), list()),
        row("attributes longer than the message by 1", LENGTHS, lengths(0, &[], all.len() + 4, &all, &NET), list()),
        row("attributes of 65,535 octets", LENGTHS, lengths(0, &[], 65_535, &all, &[]), list()),
        row(
            "attributes too short by 1, so that the NLRI begin in one",
            "RFC 7606 section 5.3",
            lengths(0, &[], all.len() - 1, &all, &NET),
            Reset(3, 10, vec![]),
        ),
        row("an attribute longer than all of them", OVERRUN, with(&sized(PASS, 8, 200, &[0, 1, 0, 2])), over()),
        row("an attribute longer than all of them by 1", OVERRUN, with(&sized(PASS, 8, 5, &[0, 1, 0, 2])), over()),
        row("one octet behind the last attribute", OVERRUN, with(&[0xc0]), over()),
        row("two octets behind the last attribute", OVERRUN, with(&[0xc0, 8]), over()),
        row("an extended length of one octet", OVERRUN, with(&[0xd0, 8, 0]), over()),
        row("an extended length longer than all", OVERRUN, with(&sized(PASS | EXTENDED, 8, 4000, &[0; 4])), over()),
        row("the first attribute takes the others in", OVERRUN, update(&[], &sized(WELL, 1, 200, &all), &NET), over()),
        row(
            "an attribute longer than all of them behind MP_REACH_NLRI",
            OVERRUN,
            update(&[], &[reach6(&HOP6, &NET6), origin(), path(&[65010]), sized(PASS, 8, 9, &[1; 4])].concat(), &[]),
            over(),
        ),
        row(
            "an attribute longer than all of them, without NLRI",
            "RFC 7606 section 5.2",
            update(&[], &[&all[..], &[0xc0, 8, 200]].concat(), &[]),
            list(),
        ),
        row(
            "a malformed ORIGIN without NLRI",
            "RFC 7606 section 5.2",
            update(&[], &[attr(WELL, 1, &[9]), path(&[65010]), next_hop()].concat(), &[]),
            list(),
        ),
        row(
            "a malformed ORIGIN beside withdrawn routes, without NLRI",
            "RFC 7606 section 5.2",
            update(&NET, &attr(WELL, 1, &[9]), &[]),
            list(),
        ),
        row(
            "a malformed ORIGIN beside MP_UNREACH_NLRI, without NLRI",
            "RFC 7606 section 5.2",
            update(&[], &[unreach(&NET6), attr(WELL, 1, &[9])].concat(), &[]),
            list(),
        ),
        row("MP_REACH_NLRI twice", TWICE, reaching(&[reach6(&HOP6, &NET6), reach6(&HOP6, &NET6)].concat()), list()),
        row("MP_UNREACH_NLRI twice", TWICE, update(&[], &[unreach(&NET6), unreach(&[0])].concat(), &[]), list()),
        row(
            "MULTI_EXIT_DISC twice",
            TWICE,
            with(&[attr(LOCAL, 4, &[0; 4]), attr(LOCAL, 4, &[1; 4])].concat()),
            twice(4),
        ),
        row("COMMUNITIES twice", TWICE, with(&[attr(PASS, 8, &[0, 1, 0, 2]), attr(PASS, 8, &[])].concat()), twice(8)),
        row(
            "an unknown attribute twice",
            TWICE,
            with(&[attr(PASS, 200, &[1]), attr(PASS, 200, &[2])].concat()),
            twice(200),
        ),
        row("ORIGIN twice, the second malformed", TWICE, with(&attr(WELL, 1, &[7, 7])), Discarded(1, "there twice")),
        row("AS_PATH three times", TWICE, with(&[path(&[1]), path(&[2])].concat()), Discarded(2, "there twice")),
        row(
            "ORIGIN twice, the first malformed",
            TWICE,
            update(&[], &[attr(WELL, 1, &[7]), origin(), path(&[65010]), next_hop()].concat(), &NET),
            Withdrawn("ORIGIN has a value that is not defined"),
        ),
        row(
            "one fault that costs an attribute and one that costs the routes",
            "RFC 7606 section 3 h",
            with(&[attr(WELL, 6, &[1]), attr(LOCAL, 4, &[1])].concat()),
            Withdrawn("MULTI_EXIT_DISC is not four octets"),
        ),
        row(
            "the attributes in the wrong order",
            "RFC 4271 section 5",
            update(&[], &[next_hop(), path(&[65010]), origin()].concat(), &NET),
            Taken,
        ),
        row(
            "an extended length where one octet is enough",
            "RFC 4271 section 4.3",
            but(&attr(WELL | EXTENDED, 1, &[0])),
            Taken,
        ),
        row("the four lowest flags set", "RFC 4271 section 4.3", but(&attr(WELL | 0x0f, 1, &[0])), Taken),
        row(
            "no attributes at all, but NLRI",
            "RFC 7606 section 3 d",
            update(&[], &[], &NET),
            Withdrawn("ORIGIN is missing"),
        ),
        row("attributes and nothing that they are about", "RFC 7606 section 5.2", update(&[], &all, &[]), Ignored),
        row(
            "a route that is withdrawn and told in one UPDATE",
            "RFC 4271 section 4.3",
            update(&NET, &all, &NET),
            Taken,
        ),
        row(
            "a route is withdrawn that was never told",
            "RFC 4271 section 3.1",
            update(&[24, 10, 77, 7], &[], &[]),
            Ignored,
        ),
    ]
}
