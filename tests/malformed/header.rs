//! Headers: marker, length, type (RFC 4271 §6.1, RFC 8654).

use crate::build::*;
use crate::row::{Reaction::*, Row, Stage::*, row};

const RULE: &str = "RFC 4271 section 6.1";

/// A header with a length of one's own, and octets behind it.
fn head(length: u16, kind: u8, behind: &[u8]) -> Vec<u8> {
    let mut octets = vec![0xff; 16];
    octets.extend(length.to_be_bytes());
    octets.push(kind);
    octets.extend(behind);
    octets
}

fn marked(at: usize, mut octets: Vec<u8>) -> Vec<u8> {
    octets[at] = 0xfe;
    octets
}

pub fn rows() -> Vec<Row> {
    let length = |octets: u16| Reset(1, 2, octets.to_be_bytes().to_vec());
    vec![
        row("the first octet of the marker is not all ones", RULE, marked(0, keepalive()), Reset(1, 1, vec![])),
        row("the last octet of the marker is not all ones", RULE, marked(15, but(&[0, 0])), Reset(1, 1, vec![])),
        row("the marker is zero and so is the rest", RULE, vec![0; 19], Reset(1, 1, vec![])),
        row("marker and type are wrong: the marker is told", RULE, marked(3, head(19, 99, &[])), Reset(1, 1, vec![])),
        row("a length of 0", RULE, head(0, 4, &[]), length(0)),
        row("a length of 18", RULE, head(18, 4, &[]), length(18)),
        row(
            "a length below the header and a type that is not known: the length is told",
            RULE,
            head(5, 9, &[]),
            length(5),
        ),
        row("type 0", RULE, message(0, &[]), Reset(1, 3, vec![0])),
        row("type 6", RULE, message(6, &[1, 2, 3]), Reset(1, 3, vec![6])),
        row("type 255", RULE, message(255, &[]), Reset(1, 3, vec![255])),
        row("KEEPALIVE with one octet of body", RULE, message(4, &[0]), length(20)),
        row("KEEPALIVE as long as a message can be", RULE, message(4, &[0; 4077]), length(4096)),
        row("UPDATE of 22 octets", RULE, message(2, &[0, 0, 0]), length(22)),
        row("UPDATE that is a header alone", RULE, message(2, &[]), length(19)),
        row("NOTIFICATION of 20 octets", RULE, message(3, &[6]), length(20)),
        row("NOTIFICATION that is a header alone", RULE, message(3, &[]), length(19)),
        row(
            "OPEN over 4,096 octets where others may be that long",
            "RFC 8654 section 4",
            head(4097, 1, &[]),
            length(4097),
        ),
        row("the marker is wrong instead of OPEN", RULE, marked(7, open_with(&[0])), Reset(1, 1, vec![])).at(Opening),
        row(
            "an HTTP request instead of OPEN",
            RULE,
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
            Reset(1, 1, vec![]),
        )
        .at(Opening),
        row(
            "a TLS hello instead of OPEN",
            RULE,
            vec![22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9],
            Reset(1, 1, vec![]),
        )
        .at(Opening),
        row("OPEN of 28 octets", RULE, message(1, &[4, 0xfd, 0xf2, 0, 90, 192, 0, 2, 21]), length(28)).at(Opening),
        row("an UPDATE over 4,096 octets before the OPEN", "RFC 8654 section 4", head(4097, 2, &[]), length(4097))
            .at(Opening),
        row("type 9 instead of OPEN", RULE, message(9, &[]), Reset(1, 3, vec![9])).at(Opening),
        row("type 9 instead of KEEPALIVE", RULE, message(9, &[]), Reset(1, 3, vec![9])).at(Confirming),
        row("KEEPALIVE with a body behind OPEN", RULE, message(4, &[1, 2]), length(21)).at(Confirming),
    ]
}
