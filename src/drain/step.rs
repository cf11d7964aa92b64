//! What is drained, how far it is, and what is kept of that over a restart.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::types::Name;

/// What is drained.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// This whole instance.
    Instance,
    /// One of its tunnels.
    Tunnel(Name),
    /// All of its tunnels to one device or peer gateway.
    Device(Name),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance => f.write_str("the instance"),
            Self::Tunnel(name) => write!(f, "tunnel {name}"),
            Self::Device(name) => write!(f, "device {name}"),
        }
    }
}

/// How far it is. Each step says what neighbors are told while it lasts.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Every route is told as one that is about to go, so that neighbors use others.
    Moving,
    /// Every route is withdrawn, with End-of-RIB behind it.
    Withdrawing,
    /// Sessions are ended, with the reason.
    Closing,
    /// Nobody relies on it any more.
    Drained,
    /// The way back: sessions are up, routes go into the kernel, and nothing is told yet.
    Returning,
    /// It is as before.
    Returned,
}

impl Step {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Moving => "moving",
            Self::Withdrawing => "withdrawing",
            Self::Closing => "closing",
            Self::Drained => "drained",
            Self::Returning => "returning",
            Self::Returned => "returned",
        }
    }
}

/// What the next run must know of one that is under way or done.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// What is drained.
    pub target: Target,
    /// Why, in words for people; the neighbors are told.
    pub reason: Option<String>,
    /// It was begun although something spoke against it.
    pub forced: bool,
    /// How far it was.
    pub step: Step,
}
