//! The twin: the other instance, as it says of itself over the twin-link.

use serde::{Deserialize, Serialize};

use super::{Moment, SessionState};
use crate::types::Name;

/// The other instance.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Twin {
    /// Its name: its session has it too.
    pub name: Name,
    /// Whether it speaks.
    pub state: TwinState,
    /// Since when it does, or does not.
    pub since: Moment,
    /// Whole seconds since then.
    pub state_seconds: u64,
    /// When it last spoke; `null` if it never did.
    pub heard_at: Option<Moment>,
    /// How long ago that was, in milliseconds.
    pub heard_ms: Option<u64>,
    /// It has heard this instance lately, as it says.
    pub hears_us: bool,
    /// Whether it carries traffic, as it last said: `active`, `standby`, `undecided`; `null` if it never spoke.
    pub role: Option<String>,
    /// What it may say and do, as it last said: `serving`, `standby`, `unfit`, `draining`, `drained`, `stopping`,
    /// `unknown`.
    pub standing: Option<String>,
    /// Why it stands so, in words for people.
    pub reasons: Vec<String>,
    /// Its sessions have said all that they have, and its kernel has it, as it last said.
    pub ready: Option<bool>,
    /// The version of its software; `null` if it never spoke.
    pub version: Option<String>,
    /// Its file says what ours says; `null` if that is not known.
    pub same_file: Option<bool>,
    /// How often its daemon was started anew, as far as this instance has seen.
    pub restarts: u64,
    /// How many of its hellos were lost on the way.
    pub lost: u64,
    /// What BGP with it is doing.
    pub session: Option<SessionState>,
    /// Each connection with a tunnel there, as it last said.
    pub connections: Vec<TwinConnection>,
}

/// Whether the other instance speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TwinState {
    /// It has not, since this instance was started.
    NeverSeen,
    /// It does.
    Present,
    /// It does, and late.
    Slow,
    /// It does not any more.
    Silent,
    /// It was stopped, and said so.
    Left,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

/// One connection on the other instance.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct TwinConnection {
    /// Its name.
    pub name: Name,
    /// How many tunnels of it are there.
    pub tunnels: u32,
    /// How many of them are up.
    pub up: u32,
    /// Traffic can use it there.
    pub active: bool,
}
