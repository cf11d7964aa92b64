//! How a silent far end of a tunnel is noticed: in `GET /v1/tunnels`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Moment;

/// How soon a far end is noticed that falls silent while the tunnel's interface stays up.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Milliseconds; `null` if nothing would notice it now.
    pub within_ms: Option<u64>,
    /// What notices it first; `null` if nothing would.
    pub by: Option<DetectionBy>,
    /// All that can notice it, the soonest of those that do first.
    pub ways: Vec<DetectionWay>,
}

/// One of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct DetectionWay {
    /// What.
    pub by: DetectionBy,
    /// Milliseconds; as wanted until both ends have agreed.
    pub within_ms: Option<u64>,
    /// False while it would notice nothing: its session is not up, or the far end has never answered.
    pub active: bool,
}

/// What notices that a far end is silent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetectionBy {
    /// BFD.
    Bfd,
    /// The probe.
    Probe,
    /// What its host does not acknowledge.
    Unanswered,
    /// BGP's hold timer.
    HoldTimer,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

impl fmt::Display for DetectionBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bfd => "BFD",
            Self::Probe => "probe",
            Self::Unanswered => "no answers",
            Self::HoldTimer => "hold timer",
            Self::Unknown => "unknown",
        })
    }
}

/// Echo requests to the far end of a tunnel.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// What the answers say.
    pub state: ProbeState,
    /// When that began; `null` before the first answer.
    pub since: Option<Moment>,
    /// Whole seconds since then.
    pub state_seconds: Option<u64>,
    /// Milliseconds between requests.
    pub interval_ms: u64,
    /// So many in a row without an answer are a failure.
    pub count: u8,
    /// How often the far end fell silent since the daemon started.
    pub failures: u64,
}

/// What the answers to a probe say.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeState {
    /// The far end answers.
    Answers,
    /// It did, and does not.
    Silent,
    /// It never has, or a word that this version does not know.
    #[serde(other)]
    Unknown,
}
