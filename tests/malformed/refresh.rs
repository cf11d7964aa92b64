//! ROUTE-REFRESH (RFC 2918, RFC 7313 §5).

use crate::build::*;
use crate::row::{Reaction::*, Row, Stage::Plain, row};

pub fn rows() -> Vec<Row> {
    let refresh = |body: &[u8]| message(5, body);
    let whole = |body: &[u8]| Reset(7, 1, message(5, body));
    let length = |octets: u16| Reset(1, 2, octets.to_be_bytes().to_vec());
    let bad = "RFC 7313 section 5";
    let header = "RFC 4271 section 6.1";
    let ignored = "RFC 2918 section 4";
    vec![
        row("a request that is a header alone", header, refresh(&[]), length(19)),
        row("a request of 3 octets", header, refresh(&[0, 1, 0]), length(22)),
        row("a request of 5 octets", header, refresh(&[0, 1, 0, 1, 0]), length(24)),
        row(
            "a request with filters, which were not agreed on",
            header,
            refresh(&[0, 1, 0, 1, 1, 64, 0, 1, 0x80]),
            length(28),
        ),
        row("a begin marker of 3 octets", bad, refresh(&[0, 1, 1]), whole(&[0, 1, 1])),
        row("a begin marker of 6 octets", bad, refresh(&[0, 1, 1, 1, 0, 0]), whole(&[0, 1, 1, 1, 0, 0])),
        row("an end marker of 5 octets", bad, refresh(&[0, 1, 2, 1, 9]), whole(&[0, 1, 2, 1, 9])),
        row("a begin marker of 3 octets without the capability", header, refresh(&[0, 1, 1]), length(22)).at(Plain),
        row("an end marker without a begin", "RFC 7313 section 4", refresh(&[0, 1, 2, 1]), Ignored),
        row("subtype 3", bad, refresh(&[0, 1, 3, 1]), Ignored),
        row("subtype 255", bad, refresh(&[0, 2, 255, 1]), Ignored),
        row("a request for a family that is not routed here", ignored, refresh(&[0, 25, 0, 70]), Ignored),
        row("a begin marker of a family that is not routed here", ignored, refresh(&[0, 1, 1, 128]), Ignored),
        row("a request for AFI 0 and SAFI 0", ignored, refresh(&[0, 0, 0, 0]), Ignored),
        row("the reserved octet is set without the capability", "RFC 2918 section 3", refresh(&[0, 1, 77, 1]), Ignored)
            .at(Plain),
    ]
}
