//! Everything at once, in the real kernel and with the real daemon: `ip` against it, tunnels that flap or are made anew,
//! `kill -9`, all from a seed. A binary of its own, since its labs run beside each other.
//!
//! `TWINSPAN_SEED` plays one seed, `TWINSPAN_SEEDS` says how many; `TWINSPAN_FLAP_SECONDS` how long a tunnel flaps and
//! `TWINSPAN_FLAP_PREFIXES` under how many routes.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test may stop where it stands

#[path = "../../labs/player/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the example uses the rest")]
mod player;
#[path = "../../labs/runner/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the example uses the rest")]
mod runner;

mod faults;
mod flap;
mod site;

use std::sync::Mutex;

/// One test at a time: what one measures is not to be measured beside another.
static TURN: Mutex<()> = Mutex::new(());

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}
