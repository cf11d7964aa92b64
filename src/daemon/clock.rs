//! The machine's clock: it begins with the daemon and never goes back.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::types::Time;

/// Where [`Time::START`] lies, on both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    started: Instant,
    /// What the wall clock said at the start, since the Unix epoch.
    pub(super) epoch: Duration,
}

impl Clock {
    pub(super) fn start() -> Self {
        // A wall clock before 1970 only makes times in reports wrong.
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), epoch }
    }

    pub(super) fn now(&self) -> Time {
        Time::from_start(self.started.elapsed())
    }

    /// A moment of the system's clock; those before the start are the start.
    pub(super) fn at(&self, instant: Instant) -> Time {
        Time::from_start(instant.saturating_duration_since(self.started))
    }

    /// The same moment for the runtime's timers.
    pub(super) fn instant(&self, time: Time) -> tokio::time::Instant {
        (self.started + time.since_start()).into()
    }
}
