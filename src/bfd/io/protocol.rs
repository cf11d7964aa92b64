//! What daemon and agent say to each other: one JSON value a line, on a unix socket of mode 0600.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::{Plan, Report};

/// Grows when an older end could not understand a newer one.
pub(super) const VERSION: u32 = 1;
/// The longest line that is read: some ten thousand sessions.
pub(super) const LONGEST: usize = 16 * 1024 * 1024;

/// What the daemon says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToAgent {
    /// First.
    Hello {
        /// [`VERSION`].
        version: u32,
        /// How long sessions go on when this daemon is gone and no other comes.
        absence: Duration,
    },
    /// These sessions are wanted and no others. None at all, and the agent ends when their peers were told.
    Sessions(Vec<Plan>),
}

/// What the agent says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FromAgent {
    /// First; one report on every session that it has follows, and then one on each that changes.
    Hello {
        /// [`VERSION`].
        version: u32,
        /// The crate's version.
        build: String,
        /// Its process.
        pid: u32,
        /// How many sessions it has.
        sessions: usize,
        /// True if the system lets it go before others.
        preferred: bool,
    },
    /// A session as it is.
    Report(Report),
    /// Something that a person should see to; it is tried again.
    Trouble(String),
}

/// One line.
pub(super) fn line(message: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).expect("these types have only what JSON can say");
    line.push(b'\n');
    line
}
