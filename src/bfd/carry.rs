//! A session on its way from one process to the next: all that it knows, with times as ages. The peer notices nothing.
//!
//! Every version of the program reads this form: fields are only added, with a default.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::machine::Remote;
use super::{Diag, Key, Session, Settings, State};
use crate::types::Time;

/// What a session knows (RFC 5880 §6.8.1), ages instead of times.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    settings: Settings,
    previous: Option<(Key, Duration)>,
    discriminator: u32,
    state: State,
    diag: Diag,
    remote: Remote,
    announced: Duration,
    polling: bool,
    rest: Duration,
    sending_by: Duration,
    judging_by: Duration,
    sent_ago: Option<Duration>,
    heard_ago: Option<Duration>,
    held: bool,
    sequence: u32,
    remote_sequence: Option<u32>,
    ups: u32,
    flaps: u32,
}

impl Carried {
    /// Our number.
    #[must_use]
    pub fn discriminator(&self) -> u32 {
        self.discriminator
    }

    /// The longest time that it looks back.
    pub(super) fn reach(&self) -> Duration {
        self.sent_ago.into_iter().chain(self.heard_ago).max().unwrap_or_default()
    }
}

impl Session {
    /// All that it knows.
    #[must_use]
    pub fn carry(&self, now: Time) -> Carried {
        Carried {
            settings: self.settings.clone(),
            previous: self.previous.clone().map(|(key, until)| (key, until.since(now))),
            discriminator: self.discriminator,
            state: self.state,
            diag: self.diag,
            remote: self.remote,
            announced: self.announced,
            polling: self.polling,
            rest: self.rest.since(now),
            sending_by: self.sending_by,
            judging_by: self.judging_by,
            sent_ago: self.last_sent.map(|sent| now.since(sent)),
            heard_ago: self.heard.map(|heard| now.since(heard)),
            held: self.held,
            sequence: self.sequence,
            remote_sequence: self.remote_sequence,
            ups: self.ups,
            flaps: self.flaps,
        }
    }

    /// Goes on where another process stopped. `seed` feeds jitter.
    #[must_use]
    pub fn resume(now: Time, carried: Carried, seed: u64) -> Self {
        let ago = |ago: Duration| Time::from_start(now.since_start().saturating_sub(ago));
        let mut session = Self::new(now, carried.discriminator, carried.settings, seed);
        session.previous = carried.previous.map(|(key, left)| (key, now + left));
        session.state = carried.state;
        session.diag = carried.diag;
        session.remote = carried.remote;
        session.announced = carried.announced;
        session.polling = carried.polling;
        session.rest = now + carried.rest;
        session.sending_by = carried.sending_by;
        session.judging_by = carried.judging_by;
        session.last_sent = carried.sent_ago.map(ago);
        session.heard = carried.heard_ago.map(ago);
        session.held = carried.held;
        session.sequence = carried.sequence;
        session.remote_sequence = carried.remote_sequence;
        session.ups = carried.ups;
        session.flaps = carried.flaps;
        session.schedule(now);
        session
    }
}
