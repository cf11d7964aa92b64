//! A table of malformed messages: for each the rule, what the speaker does about it, and how that is seen.
//!
//! Every row is played to a speaker with two sessions that are up. Afterwards the reaction is looked for where the peer
//! sees it (NOTIFICATION, routes that others hear of) and where an operator does (`show neighbors`, `show routes`,
//! events); the other session is still up; and good UPDATEs still work: on the other session always, on this one as it
//! is, or as soon as it is back.

#![allow(clippy::unwrap_used)] // a test may stop where it stands

mod attributes;
mod build;
mod capabilities;
mod framing;
mod header;
mod internal;
mod judge;
#[allow(dead_code)] // the simulation asks it more
#[path = "../sim/kernel.rs"]
mod kernel;
mod multiprotocol;
mod nlri;
mod notifications;
mod open;
mod path;
mod refresh;
mod rig;
mod row;
mod two_octets;
mod unknown;

use std::collections::HashSet;

use row::Row;

fn rows() -> Vec<Row> {
    [
        header::rows(),
        open::rows(),
        capabilities::rows(),
        framing::rows(),
        nlri::rows(),
        attributes::rows(),
        path::rows(),
        multiprotocol::rows(),
        internal::rows(),
        two_octets::rows(),
        unknown::rows(),
        refresh::rows(),
        notifications::rows(),
    ]
    .concat()
}

#[test]
fn every_malformed_message_has_the_reaction_of_its_rule_and_no_other_effect() {
    let config = rig::config();
    let rows = rows();
    let mut wrong = Vec::new();
    for row in &rows {
        let verdict = std::panic::catch_unwind(|| judge::judge(&config, row));
        if let Err(panic) = verdict {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            wrong.push(format!("{} ({}): {}", row.what, row.rule, text.unwrap_or_default()));
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn the_table_has_at_least_150_rows_of_different_messages() {
    let rows = rows();
    assert!(rows.len() >= 150, "{} rows", rows.len());
    let mut names = HashSet::new();
    let mut messages = HashSet::new();
    for row in &rows {
        assert!(names.insert(row.what), "two rows say: {}", row.what);
        assert!(messages.insert((row.stage, row.octets.clone())), "another row has the octets of: {}", row.what);
        assert!(row.rule.starts_with("RFC "), "{}: {}", row.what, row.rule);
    }
}
