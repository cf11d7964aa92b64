//! `GET /v1/drains`: what is drained, or is being; and what came back last.

use serde::{Deserialize, Serialize};

use super::Moment;
use crate::types::Name;

/// All of them, in the order in which they were first wanted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Drains {
    /// Those that are under way or done, and some that have come back.
    pub drains: Vec<Drain>,
}

/// One.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drain {
    /// What kind of thing it is.
    pub target: DrainTarget,
    /// Its name; of the instance that answers, for that.
    pub name: Name,
    /// Why, as the person said who began it; `null` if that was not said.
    pub reason: Option<String>,
    /// It was begun although something spoke against it.
    pub forced: bool,
    /// How far it is.
    pub step: DrainStep,
    /// Since when.
    pub since: Moment,
    /// Whole seconds since then.
    pub step_seconds: u64,
    /// When it was wanted; once it is to come back, when that was.
    pub began_at: Moment,
    /// How long it took, with milliseconds; `null` while it is under way.
    pub took_seconds: Option<f64>,
    /// Whether the counters showed that traffic had moved before routes were withdrawn; `null` while that is open.
    pub moved: Option<bool>,
    /// The tunnels that it is about.
    pub tunnels: Vec<Name>,
    /// Packets that came in through them in the last half second or so, as a rate a second; `null` if that is not known.
    pub received_per_second: Option<u64>,
    /// Packets that left by them, likewise.
    pub sent_per_second: Option<u64>,
    /// Packets that this host lost since it began, by the counters of those interfaces and for want of a route; `null`
    /// if that is not known.
    pub lost_packets: Option<u64>,
    /// The same in one sentence.
    pub text: String,
}

/// What can be drained.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrainTarget {
    /// The instance that answers.
    Instance,
    /// One of its tunnels.
    Tunnel,
    /// All of its tunnels to one device.
    Device,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

/// How far a drain is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrainStep {
    /// Neighbors are told that every route is about to go.
    Moving,
    /// Routes are withdrawn.
    Withdrawing,
    /// Sessions are ended.
    Closing,
    /// Done: it can be serviced.
    Drained,
    /// Sessions come back, and routes go into the kernel first.
    Returning,
    /// It is back in service.
    Returned,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

/// What an instance may say and do.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// In one word.
    pub state: StandingState,
    /// Why, in one sentence each; empty while it serves.
    pub reasons: Vec<String>,
}

/// The words for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StandingState {
    /// All of it.
    Serving,
    /// It waits to take over.
    Standby,
    /// It cannot do its work, and offers what it cannot do to nobody.
    Unfit,
    /// Neighbors are led away from it.
    Draining,
    /// It can be serviced.
    Drained,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}
