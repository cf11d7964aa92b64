//! Deadlines of one connection, as data.

use std::time::Duration;

use crate::types::Time;

/// How long a peer may take to send its OPEN: the large hold time of RFC 4271 §8.2.2, 4 minutes.
pub(super) const LARGE_HOLD: Duration = Duration::from_secs(240);

/// How long a connection beside an Established one may stay open undecided (decision 0003).
pub(super) const UNDECIDED: Duration = Duration::from_secs(3);

/// A duration with the jitter of RFC 4271 §10: 0.75 to 1.0 of it.
pub(super) fn jittered(duration: Duration, entropy: &mut fastrand::Rng) -> Duration {
    duration.mul_f64(0.75 + 0.25 * entropy.f64())
}

/// A time span that starts again on every sign of life. Without a span it never ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timer {
    span: Option<Duration>,
    due: Option<Time>,
}

impl Timer {
    /// Starts now; never due without a span.
    pub(super) fn start(span: Option<Duration>, now: Time) -> Self {
        Self { span, due: span.map(|span| now + span) }
    }

    /// Starts the same span again.
    pub(super) fn restart(&mut self, now: Time) {
        self.due = self.span.map(|span| now + span);
    }

    /// Starts the same span again, with jitter.
    pub(super) fn restart_jittered(&mut self, now: Time, entropy: &mut fastrand::Rng) {
        self.due = self.span.map(|span| now + jittered(span, entropy));
    }

    /// When it ends.
    pub(super) fn due(&self) -> Option<Time> {
        self.due
    }

    /// True if it has ended.
    pub(super) fn is_due(&self, now: Time) -> bool {
        self.due.is_some_and(|due| due <= now)
    }
}
