//! What daemon and agent say to each other, and an agent to the next: one JSON value a line, on a unix socket of mode
//! 0600.
//!
//! Greetings and [`ToAgent::HandOver`] with its answer are the same in every version, so that what does not understand
//! the rest can still take over.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::{CarriedEntry, Plan, Report};

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
    },
    /// These sessions are wanted and no others. None at all, and the agent ends when their peers were told.
    Sessions(Vec<Plan>),
    /// Another agent wants to go on with the sessions; answered by [`FromAgent::Handed`].
    HandOver {
        /// False: only to see whether it could. True: the agent that is asked has let go of all and ends.
        now: bool,
    },
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
    /// All that the next agent needs.
    Handed(Handed),
}

/// What one agent hands over to the next. Fields are only added, with a default.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Handed {
    /// What the daemon last wanted.
    pub(super) plans: Vec<Plan>,
    /// How long there has been no daemon.
    pub(super) absent: Option<Duration>,
    /// Every session.
    pub(super) sessions: Vec<CarriedEntry>,
    /// The source ports that sessions have, by discriminator: they stay (RFC 5881 §4).
    pub(super) ports: Vec<(u32, u16)>,
}

/// One line.
pub(super) fn line(message: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).expect("these types have only what JSON can say");
    line.push(b'\n');
    line
}
