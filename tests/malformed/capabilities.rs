//! Capabilities in OPEN: what cannot be read is as if it was not there, unless nothing else can be found behind it
//! (RFC 5492, and the RFC of each).

use crate::build::*;
use crate::row::{Reaction, Reaction::*, Row, Stage::Opening, row};

/// IPv4 unicast, and AS 65010 in four octets.
const BASE: [u8; 12] = [1, 4, 0, 1, 0, 1, 65, 4, 0, 0, 0xfd, 0xf2];

/// OPEN with one more capability than it needs.
fn and(what: &'static str, rule: &'static str, capability: &[u8], reaction: Reaction) -> Row {
    row(what, rule, capable(&[&BASE, capability].concat()), reaction).at(Opening)
}

/// OPEN with these capabilities alone.
fn only(what: &'static str, rule: &'static str, capabilities: &[u8], reaction: Reaction) -> Row {
    row(what, rule, capable(capabilities), reaction).at(Opening)
}

pub fn rows() -> Vec<Row> {
    let malformed = || Reset(2, 0, vec![]);
    // Both families that we offer.
    let offer = [1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1];
    vec![
        and("a capability longer than the parameter", "RFC 5492 section 4", &[2, 5], malformed()),
        and("a capability without a length", "RFC 5492 section 4", &[2], malformed()),
        only("a parameter without capabilities", "RFC 5492 section 4", &[], Up),
        and("capability 0", "RFC 5492 section 3", &[0, 0], Up),
        and("an unknown capability", "RFC 5492 section 3", &[200, 3, 1, 2, 3], Up),
        and("the same capability twice", "RFC 5492 section 4", &[65, 4, 0, 0, 0xfd, 0xf2], Up),
        and("multiprotocol of 3 octets", "RFC 4760 section 8", &[1, 3, 0, 2, 0], Up),
        and("multiprotocol of 5 octets", "RFC 4760 section 8", &[1, 5, 0, 2, 0, 1, 0], Up),
        and("multiprotocol without a value", "RFC 4760 section 8", &[1, 0], Up),
        and("multiprotocol with its reserved octet set", "RFC 4760 section 8", &[1, 4, 0, 2, 7, 1], Up),
        and("multiprotocol of a family that is not routed here", "RFC 4760 section 8", &[1, 4, 0x40, 4, 0, 71], Up),
        only(
            "no family that is routed here",
            "RFC 5492 section 5",
            &[1, 4, 0, 1, 0, 128, 65, 4, 0, 0, 0xfd, 0xf2],
            Reset(2, 7, offer.to_vec()),
        ),
        and("route refresh with a value", "RFC 2918 section 2", &[2, 1, 0], Up),
        and("extended next hop of 5 octets", "RFC 8950 section 4", &[5, 5, 0, 1, 0, 1, 0], Up),
        and("extended next hop with a SAFI over 255", "RFC 8950 section 4", &[5, 6, 0, 1, 1, 1, 0, 2], Up),
        and("extended messages with a value", "RFC 8654 section 3", &[6, 2, 0, 0], Up),
        and("role of 2 octets", "RFC 9234 section 4.1", &[9, 2, 0, 0], Up),
        and("graceful restart of 1 octet", "RFC 4724 section 3", &[64, 1, 0x80], Up),
        and("graceful restart with 3 octets of a family", "RFC 4724 section 3", &[64, 5, 0, 120, 0, 1, 1], Up),
        and(
            "graceful restart with all reserved bits set",
            "RFC 4724 section 3",
            &[64, 6, 0x3f, 0xff, 0, 1, 1, 0x7f],
            Up,
        ),
        only("four octets of AS with 2 octets", "RFC 6793 section 3", &[1, 4, 0, 1, 0, 1, 65, 2, 0xfd, 0xf2], Up),
        only("four octets of AS with AS 0", "RFC 7607 section 2", &[65, 4, 0, 0, 0, 0], Reset(2, 2, vec![])),
        only(
            "four octets of AS with another AS",
            "RFC 6793 section 4.1",
            &[65, 4, 0, 3, 0x0d, 0x40],
            Reset(2, 2, vec![]),
        ),
        and("ADD-PATH of 3 octets", "RFC 7911 section 4", &[69, 3, 0, 1, 1], Up),
        and("enhanced route refresh with a value", "RFC 7313 section 3.1", &[70, 1, 1], Up),
        and("long-lived graceful restart of 6 octets", "RFC 9494 section 3.1", &[71, 6, 0, 1, 1, 128, 0, 14], Up),
        and("a name longer than its capability", "RFC 5492 section 3", &[73, 3, 200, b'h', b'q'], Up),
        row(
            "the AS of the capability counts, not the other one",
            "RFC 6793 section 4.1",
            open(4, 65011, 90, [192, 0, 2, 21], &[&[14, 2, 12], &BASE[..]].concat()),
            Up,
        )
        .at(Opening),
        row(
            "each capability in a parameter of its own",
            "RFC 5492 section 4",
            open_with(&[16, 2, 6, 1, 4, 0, 1, 0, 1, 2, 6, 65, 4, 0, 0, 0xfd, 0xf2]),
            Up,
        )
        .at(Opening),
    ]
}
