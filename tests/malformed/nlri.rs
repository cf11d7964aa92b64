//! Prefixes of IPv4, told and withdrawn: what cannot be read, and what can but must not be believed.

use crate::build::*;
use crate::row::{Reaction::*, Row, row};

const RULE: &str = "RFC 7606 section 5.3";
const WITHDRAWN: &str = "RFC 7606 section 3 i";

pub fn rows() -> Vec<Row> {
    let network = || Reset(3, 10, vec![]);
    let told = |nlri: &[u8]| update(&[], &good(), nlri);
    let gone = |nlri: &[u8]| update(nlri, &[], &[]);
    vec![
        row("a prefix of 33 bits", RULE, told(&[33, 10, 1, 0, 0, 0]), network()),
        row("a prefix of 255 bits", RULE, told(&[&NET[..], &[255, 1]].concat()), network()),
        row("a prefix that is cut off", RULE, told(&[24, 10, 1]), network()),
        row("a good prefix and then a length alone", RULE, told(&[&NET[..], &[32]].concat()), network()),
        row("a withdrawn prefix of 33 bits", WITHDRAWN, gone(&[33, 10, 1, 0, 0, 0]), network()),
        row("a withdrawn prefix of 129 bits", WITHDRAWN, gone(&[129, 10]), network()),
        row("a withdrawn prefix that is cut off", WITHDRAWN, gone(&[16, 10]), network()),
        row(
            "a bad prefix beside an attribute that would cost the routes",
            "RFC 7606 section 3 h",
            update(&[], &[attr(WELL, 1, &[9]), path(&[65010]), next_hop()].concat(), &[40, 1]),
            network(),
        ),
        row("the same prefix twice", "RFC 4271 section 9", told(&[NET, NET].concat()), Taken),
        row("bits behind the length of a prefix", "RFC 4271 section 4.3", told(&[15, 10, 1]), Taken)
            .about("10.0.0.0/15"),
        row("a loopback prefix", "RFC 6890 section 2.2.2", told(&[8, 127]), Refused("never routed"))
            .about("127.0.0.0/8"),
        row("a multicast prefix", "RFC 5771 section 3", told(&[8, 224]), Refused("never routed")).about("224.0.0.0/8"),
        row("a prefix of class E", "RFC 6890 section 2.2.2", told(&[8, 240]), Refused("never routed"))
            .about("240.0.0.0/8"),
        row("the cloud network's own prefix", "RFC 4271 section 9.1", told(&[16, 10, 20]), Refused("our own"))
            .about("10.20.0.0/16"),
    ]
}
