//! What means something from a neighbor of our own AS only (RFC 7606 §7.5, 7.9, 7.10; RFC 4456).

use crate::build::*;
use crate::row::{Reaction::*, Row, Stage::Internal, row};

pub fn rows() -> Vec<Row> {
    let preference = || Withdrawn("LOCAL_PREF is not four octets");
    let originator = || Withdrawn("ORIGINATOR_ID is not four octets");
    let clusters = || Withdrawn("CLUSTER_LIST is empty or not a multiple of four octets");
    let flags = || Withdrawn("the flags are not those of the attribute");
    let ours = [10, 20, 255, 4];
    [
        row("LOCAL_PREF without a value", "RFC 7606 section 7.5", but(&attr(WELL, 5, &[])), preference()),
        row("LOCAL_PREF of 3 octets", "RFC 7606 section 7.5", but(&attr(WELL, 5, &[1; 3])), preference()),
        row("LOCAL_PREF of 5 octets", "RFC 7606 section 7.5", but(&attr(WELL, 5, &[1; 5])), preference()),
        row("LOCAL_PREF is flagged as optional", "RFC 7606 section 3 c", but(&attr(PASS, 5, &[1; 4])), flags()),
        row("ORIGINATOR_ID without a value", "RFC 7606 section 7.9", but(&attr(LOCAL, 9, &[])), originator()),
        row("ORIGINATOR_ID of 3 octets", "RFC 7606 section 7.9", but(&attr(LOCAL, 9, &[1; 3])), originator()),
        row("ORIGINATOR_ID of 8 octets", "RFC 7606 section 7.9", but(&attr(LOCAL, 9, &[1; 8])), originator()),
        row("ORIGINATOR_ID is flagged as transitive", "RFC 7606 section 3 c", but(&attr(PASS, 9, &[1; 4])), flags()),
        row(
            "ORIGINATOR_ID is our own",
            "RFC 4456 section 8",
            but(&attr(LOCAL, 9, &ours)),
            Refused("own router id in ORIGINATOR_ID"),
        ),
        row("CLUSTER_LIST without a value", "RFC 7606 section 7.10", but(&attr(LOCAL, 10, &[])), clusters()),
        row("CLUSTER_LIST of 3 octets", "RFC 7606 section 7.10", but(&attr(LOCAL, 10, &[1; 3])), clusters()),
        row("CLUSTER_LIST of 6 octets", "RFC 7606 section 7.10", but(&attr(LOCAL, 10, &[1; 6])), clusters()),
        row("CLUSTER_LIST is flagged as well-known", "RFC 7606 section 3 c", but(&attr(WELL, 10, &[1; 4])), flags()),
        row(
            "CLUSTER_LIST has our own id",
            "RFC 4456 section 8",
            but(&attr(LOCAL, 10, &[&[1; 4], &ours[..]].concat())),
            Refused("own cluster id in CLUSTER_LIST"),
        ),
        row("LOCAL_PREF is missing, which is 100", "RFC 4271 section 9.1.1", but(&origin()), Taken),
        row(
            "AS 0 in the path of an internal neighbor",
            "RFC 7607 section 2",
            but(&path(&[65010, 0])),
            Withdrawn("AS_PATH holds AS 0"),
        ),
        row(
            "our own AS in the path of an internal neighbor",
            "RFC 4271 section 9.1.2",
            but(&path(&[65010, 65515])),
            Refused("own AS 65515"),
        ),
        row(
            "AIGP, which is not enabled",
            "RFC 7311 section 3.1",
            but(&attr(LOCAL, 26, &[1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 9])),
            Discarded(26, "AIGP is not enabled"),
        ),
        row(
            "Prefix-SID stays inside of the AS",
            "RFC 8669 section 5",
            but(&attr(PASS, 40, &[1, 0, 7, 0, 0, 0, 0, 0, 0, 1])),
            Passed(40),
        ),
    ]
    .map(|row| row.at(Internal))
    .to_vec()
}
