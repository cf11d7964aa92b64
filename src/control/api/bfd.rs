//! BFD with a neighbor, in the documents of neighbors and tunnels.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Moment;

/// BFD with one neighbor. What is `null` is not known: BFD's own process has not told of it, or the peer was not heard.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Bfd {
    /// Our end of the session (RFC 5880 section 6.2); `null` while its process does not answer.
    pub state: Option<BfdState>,
    /// When it came into this state.
    pub since: Option<Moment>,
    /// Whole seconds since then.
    pub state_seconds: Option<u64>,
    /// Why it last left Up, in the RFC's words; `null` if it never did.
    pub diagnostic: Option<String>,
    /// The other end, as it last said.
    pub remote_state: Option<BfdState>,
    /// Why that last left Up, in the RFC's words; `null` if it never did.
    pub remote_diagnostic: Option<String>,
    /// Milliseconds between our packets, before jitter, as agreed.
    pub transmit_interval_ms: Option<u64>,
    /// Milliseconds between its packets, before jitter, as agreed.
    pub receive_interval_ms: Option<u64>,
    /// Milliseconds of silence that are a failure.
    pub detection_time_ms: Option<u64>,
    /// True if BGP waits for BFD.
    pub strict: bool,
    /// True if the neighbor may be more than one hop away (RFC 5883).
    pub multihop: bool,
    /// How often it left Up since its process runs, for whatever reason.
    pub flaps: u64,
    /// How often routes were taken out and BGP was ended because of it, since the daemon started.
    pub failures: u64,
    /// The last time; `null` if it never happened.
    pub last_failure: Option<BfdFailure>,
}

/// A way that BFD found dead.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct BfdFailure {
    /// When.
    pub at: Moment,
    /// Whole seconds since then.
    pub ago_seconds: u64,
    /// Why, in the RFC's words.
    pub text: String,
}

/// The state of a BFD session (RFC 5880 section 6.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BfdState {
    /// Held down by a person.
    AdminDown,
    /// Not there, or not there any more.
    Down,
    /// The peer is heard and does not hear us yet.
    Init,
    /// Both hear each other.
    Up,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

impl fmt::Display for BfdState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::AdminDown => "AdminDown",
            Self::Down => "Down",
            Self::Init => "Init",
            Self::Up => "Up",
            Self::Unknown => "unknown",
        })
    }
}
