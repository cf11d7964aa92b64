//! The file of configuration, as an operator meets it: what it means, and every fault it can have.

#![allow(clippy::unwrap_used)] // helpers of tests are tests too

mod documented;
mod meaning;
mod plan;
mod policies;
mod reading;
mod rules;

use twinspan::config::{Diagnostic, parse};

/// Two instances, two devices, four tunnels with link-local pairs.
const DUAL: &str = include_str!("dual-redundancy.toml");
/// Every key that can be used so far.
const EVERYTHING: &str = include_str!("everything.toml");
/// Seventeen faults at once.
const WRONG: &str = include_str!("wrong.toml");

/// The dual-redundancy sample with one text replaced, everywhere.
fn edited(from: &str, to: &str) -> String {
    assert!(DUAL.contains(from), "the sample has no {from:?}");
    DUAL.replace(from, to)
}

/// All that is said about a text.
fn said(text: &str) -> Vec<Diagnostic> {
    match parse("gateway.toml", text) {
        Ok((_, warnings)) => warnings,
        Err(faults) => faults,
    }
}

/// The codes of it, each with its line, in the order of the text.
fn codes(text: &str) -> Vec<(&'static str, usize)> {
    said(text).iter().map(|d| (d.code, d.line)).collect()
}

/// The line, from 1, where some text stands first.
fn line_of(text: &str, part: &str) -> usize {
    let at = text.find(part).unwrap_or_else(|| panic!("no {part:?} in the text"));
    text[..at].matches('\n').count() + 1
}
