//! `GET /v1/events`: what has happened, the oldest first.

use serde::{Deserialize, Serialize};

use super::{LIMIT_DEFAULT, Moment};
use crate::types::Name;

/// What has happened, as far as it is remembered.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Events {
    /// The oldest first.
    pub events: Vec<Event>,
    /// How many happened since the daemon started and are not remembered any more; the oldest are forgotten first.
    pub forgotten: u64,
}

/// One thing that happened: the same as a line of the log.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Counted from 1 since the daemon started, without a gap.
    pub id: u64,
    /// When.
    pub at: Moment,
    /// Its stable name, such as `tunnel.down`.
    pub event: String,
    /// How much it matters.
    pub level: EventLevel,
    /// The neighbor or tunnel that it is about.
    pub about: Option<Name>,
    /// What happened and why, in one line.
    pub text: String,
}

/// How much an event matters.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventLevel {
    /// As it should be.
    Info,
    /// Somebody should look.
    Warning,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Which events.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EventQuery {
    /// Only those about this neighbor or tunnel, or about one whose name begins with this and a `/`.
    pub about: Option<Name>,
    /// Only those from then on.
    pub since: Option<Moment>,
    /// Only those with a greater id.
    pub after: Option<u64>,
    /// The newest of them, at most so many, 0 to [`super::LIMIT_MAX`].
    pub limit: usize,
}

impl Default for EventQuery {
    fn default() -> Self {
        Self { about: None, since: None, after: None, limit: LIMIT_DEFAULT }
    }
}

impl EventQuery {
    /// True if it is asked for that event.
    #[must_use]
    pub fn wants(&self, event: &Event) -> bool {
        let about =
            self.about.as_ref().is_none_or(|wanted| event.about.as_ref().is_some_and(|name| is_of(name, wanted)));
        about && self.since.is_none_or(|since| event.at >= since) && self.after.is_none_or(|after| event.id > after)
    }
}

fn is_of(name: &Name, wanted: &Name) -> bool {
    let rest = name.as_str().strip_prefix(wanted.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
