//! NOTIFICATION that cannot be understood: it ends the session all the same, without an answer (RFC 4271 §6.4).

use crate::build::*;
use crate::row::{Reaction::*, Row, Stage::*, row};

const RULE: &str = "RFC 4271 section 6.4";
const TEXT: &str = "RFC 9003 section 2";

pub fn rows() -> Vec<Row> {
    let told = |body: &[u8]| message(3, body);
    let shutdown = |data: &[u8]| told(&[&[6, 2], data].concat());
    let behind = [told(&[6, 4]), vec![0; 40], but(&origin())].concat();
    vec![
        row("code 0", RULE, told(&[0, 0]), Told(0, 0, "code 0")),
        row("code 99 and subcode 98 with data", RULE, told(&[99, 98, 1, 2, 3]), Told(99, 98, "code 99 / subcode 98")),
        row("a subcode that is not known", RULE, told(&[3, 200]), Told(3, 200, "UPDATE Message Error / subcode 200")),
        row("a subcode where there are none", RULE, told(&[4, 7]), Told(4, 7, "Hold Timer Expired")),
        row(
            "data of 4,075 octets",
            RULE,
            told(&[&[3, 5], &[7; 4075][..]].concat()),
            Told(3, 5, "Attribute Length Error"),
        ),
        row(
            "a shutdown text longer than the message",
            TEXT,
            shutdown(&[200, b'b', b'y', b'e']),
            Told(6, 2, "Administrative Shutdown: data c8627965"),
        ),
        row(
            "a shutdown text that is not UTF-8",
            TEXT,
            shutdown(&[2, 0xff, 0xfe]),
            Told(6, 2, "Administrative Shutdown: data 02fffe"),
        ),
        row(
            "a shutdown text with control characters",
            TEXT,
            shutdown(&[4, b'a', 27, b'[', b'm']),
            Told(6, 2, "a\\u{1b}[m"),
        ),
        row("an empty shutdown text", TEXT, shutdown(&[0]), Told(6, 2, "Administrative Shutdown")),
        row("Hard Reset without what it is for", "RFC 8538 section 3.1", told(&[6, 9]), Told(6, 9, "Hard Reset")),
        row(
            "Hard Reset with half of what it is for",
            "RFC 8538 section 3.1",
            told(&[6, 9, 6]),
            Told(6, 9, "Hard Reset"),
        ),
        row(
            "Hard Reset in Hard Reset",
            "RFC 8538 section 3.1",
            told(&[6, 9, 6, 9, 6, 9, 6, 2]),
            Told(6, 9, "Hard Reset"),
        ),
        row("octets behind it, which nobody reads", RULE, behind, Told(6, 4, "Administrative Reset")),
        row(
            "NOTIFICATION instead of OPEN",
            "RFC 4271 section 8.2.2",
            told(&[2, 1, 0, 3]),
            Told(2, 1, "Unsupported Version Number"),
        )
        .at(Opening),
        row("an unknown NOTIFICATION instead of OPEN", RULE, told(&[0xfe, 0xfe]), Told(0xfe, 0xfe, "code 254"))
            .at(Opening),
        row(
            "NOTIFICATION instead of KEEPALIVE",
            "RFC 4271 section 8.2.2",
            told(&[6, 5]),
            Told(6, 5, "Connection Rejected"),
        )
        .at(Confirming),
    ]
}
