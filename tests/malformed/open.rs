//! OPEN: its fixed part, its optional parameters, and messages that come when another is due (RFC 4271 §6.2, 6.6,
//! RFC 6608, RFC 9072).

use crate::build::*;
use crate::row::{Reaction::*, Row, Stage::*, row};

const RULE: &str = "RFC 4271 section 6.2";
const ID: [u8; 4] = [192, 0, 2, 21];
/// IPv4 unicast and AS 65010 in four octets: what most rows need to come up.
const CAPABLE: [u8; 14] = [2, 12, 1, 4, 0, 1, 0, 1, 65, 4, 0, 0, 0xfd, 0xf2];

/// Optional parameters with the length before them.
fn parameters(octets: &[&[u8]]) -> Vec<u8> {
    let all = octets.concat();
    [&[u8::try_from(all.len()).unwrap()], &all[..]].concat()
}

/// The extended form: marks, the length of all, and parameters with lengths of two octets.
fn extended(first: u8, length: u16, parameters: &[u8]) -> Vec<u8> {
    [&[first, 255], &length.to_be_bytes()[..], parameters].concat()
}

pub fn rows() -> Vec<Row> {
    let good = parameters(&[&CAPABLE]);
    let version = || Reset(2, 1, vec![0, 4]);
    let malformed = || Reset(2, 0, vec![]);
    let long = [&[2, 0, 12], &CAPABLE[2..]].concat();
    vec![
        row("version 3", RULE, open(3, 65010, 90, ID, &good), version()),
        row("version 5", RULE, open(5, 65010, 90, ID, &good), version()),
        row("version 0", RULE, open(0, 65010, 90, ID, &good), version()),
        row("version, AS and hold time are wrong: the version is told", RULE, open(2, 1, 1, [0; 4], &good), version()),
        row("another AS than is configured", RULE, open(4, 65011, 90, ID, &[0]), Reset(2, 2, vec![])),
        row("AS 0", "RFC 7607 section 2", open(4, 0, 90, ID, &[0]), Reset(2, 2, vec![])),
        row(
            "AS 0 with the right AS in the capability",
            "RFC 7607 section 2",
            open(4, 0, 90, ID, &good),
            Reset(2, 2, vec![]),
        ),
        row(
            "AS_TRANS without the capability that says which AS",
            "RFC 6793 section 4.1",
            open(4, 23456, 90, ID, &[0]),
            Reset(2, 2, vec![]),
        ),
        row("a hold time of 1 s", RULE, open(4, 65010, 1, ID, &good), Reset(2, 6, vec![])),
        row("a hold time of 2 s", RULE, open(4, 65010, 2, ID, &good), Reset(2, 6, vec![])),
        row("identifier 0.0.0.0", "RFC 6286 section 2.2", open(4, 65010, 90, [0; 4], &good), Reset(2, 3, vec![])),
        row(
            "an identifier that is no host's address, which is fine",
            "RFC 6286 section 2.1",
            open(4, 65010, 90, [224, 0, 0, 1], &good),
            Up,
        ),
        row(
            "our own identifier in another AS, which is fine",
            "RFC 6286 section 2.1",
            open(4, 65010, 90, [10, 20, 255, 4], &good),
            Up,
        ),
        row("authentication, parameter 1", RULE, open_with(&parameters(&[&[1, 1, 0], &CAPABLE])), Reset(2, 4, vec![])),
        row("parameter 77", RULE, open_with(&parameters(&[&CAPABLE, &[77, 0]])), Reset(2, 4, vec![])),
        row(
            "parameter 255 behind another",
            "RFC 9072 section 2",
            open_with(&parameters(&[&CAPABLE, &[255, 0]])),
            Reset(2, 4, vec![]),
        ),
        row("parameters longer than the message", RULE, open_with(&[&[40], &CAPABLE[..]].concat()), malformed()),
        row("octets behind the parameters", RULE, open_with(&[&good[..], &[0]].concat()), malformed()),
        row("octets behind no parameters", RULE, open_with(&[0, 1, 2, 3]), malformed()),
        row(
            "a parameter longer than all of them",
            RULE,
            open_with(&parameters(&[&[2, 200, 1, 4, 0, 1, 0, 1]])),
            malformed(),
        ),
        row("a parameter without a length", RULE, open_with(&parameters(&[&CAPABLE, &[2]])), malformed()),
        row(
            "extended parameters longer than the message",
            "RFC 9072 section 2",
            open_with(&extended(255, 400, &long)),
            malformed(),
        ),
        row(
            "extended parameters shorter than the message",
            "RFC 9072 section 2",
            open_with(&extended(255, 3, &long)),
            malformed(),
        ),
        row(
            "extended parameters that end in their length",
            "RFC 9072 section 2",
            open_with(&[255, 255, 0]),
            malformed(),
        ),
        row(
            "an extended parameter longer than all of them",
            "RFC 9072 section 2",
            open_with(&extended(255, 5, &[2, 1, 0, 1, 4])),
            malformed(),
        ),
        row(
            "an unknown extended parameter",
            "RFC 9072 section 2",
            open_with(&extended(255, 4, &[9, 0, 1, 7])),
            Reset(2, 4, vec![]),
        ),
        row(
            "extended parameters behind a length of 1, which does not count",
            "RFC 9072 section 2",
            open_with(&extended(1, 15, &long)),
            Up,
        ),
        row(
            "extended parameters although they are short",
            "RFC 9072 section 2",
            open_with(&extended(255, 15, &long)),
            Up,
        ),
        row("no parameters at all", "RFC 5492 section 3", open_with(&[0]), Up),
        row("KEEPALIVE instead of OPEN", "RFC 6608 section 4", keepalive(), Reset(5, 1, vec![4])),
        row("UPDATE instead of OPEN", "RFC 6608 section 4", but(&origin()), Reset(5, 1, vec![2])),
        row("ROUTE-REFRESH instead of OPEN", "RFC 6608 section 4", message(5, &[0, 1, 0, 1]), Reset(5, 1, vec![5])),
        row(
            "an UPDATE that is malformed too instead of OPEN",
            "RFC 6608 section 4",
            message(2, &[9; 30]),
            Reset(5, 1, vec![2]),
        ),
        row("OPEN instead of KEEPALIVE", "RFC 6608 section 4", open_with(&good), Reset(5, 2, vec![1])).at(Confirming),
        row("UPDATE instead of KEEPALIVE", "RFC 6608 section 4", but(&origin()), Reset(5, 2, vec![2])).at(Confirming),
        row(
            "ROUTE-REFRESH instead of KEEPALIVE",
            "RFC 6608 section 4",
            message(5, &[0, 1, 0, 1]),
            Reset(5, 2, vec![5]),
        )
        .at(Confirming),
        row("OPEN when all is agreed", "RFC 6608 section 4", open_with(&good), Reset(5, 3, vec![1])).at(External),
        row("a malformed OPEN when all is agreed", "RFC 6608 section 4", message(1, &[3; 20]), Reset(5, 3, vec![1]))
            .at(External),
    ]
    .into_iter()
    .map(|row| if row.stage == External && !row.what.ends_with("when all is agreed") { row.at(Opening) } else { row })
    .collect()
}
