//! How long a tunnel that failed has to be quiet before it is believed again.

use std::time::Duration;

use crate::types::Time;

/// How the wait grows and shrinks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Damping {
    /// The wait before the second return; each later one waits twice as long as the one before. Zero is no damping.
    pub first: Duration,
    /// The longest wait, at least [`Damping::first`].
    pub max: Duration,
    /// For each such time without a change one failure is forgotten. Not zero.
    pub decay: Duration,
}

impl Default for Damping {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), max: Duration::from_secs(60), decay: Duration::from_secs(60) }
    }
}

impl Damping {
    /// The wait after so many failures that are not forgotten: none after the first.
    #[must_use]
    pub fn wait(&self, failures: u32) -> Duration {
        let doublings = match failures {
            0 | 1 => return Duration::ZERO,
            more => (more - 2).min(31),
        };
        self.first.saturating_mul(1 << doublings).min(self.max)
    }

    /// Failures above this make no longer wait, and would only take longer to be forgotten.
    fn most(&self) -> u32 {
        (1..32).find(|failures| self.wait(*failures) >= self.max).unwrap_or(32)
    }
}

/// Failures that are not forgotten.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    failures: u32,
    /// The last change of anything.
    changed: Time,
}

impl Memory {
    /// Something has changed: the quiet time before that counts.
    pub(super) fn change(&mut self, now: Time, damping: &Damping) {
        self.failures = self.failures(now, damping);
        self.changed = now;
    }

    /// It has failed. Comes after [`Memory::change`].
    pub(super) fn fail(&mut self, damping: &Damping) {
        self.failures = (self.failures + 1).min(damping.most());
    }

    /// The last change of anything.
    pub(super) fn changed(&self) -> Time {
        self.changed
    }

    /// How many there are by now.
    pub(super) fn failures(&self, now: Time, damping: &Damping) -> u32 {
        let quiet = now.since(self.changed).as_nanos();
        let forgotten = quiet.checked_div(damping.decay.as_nanos()).unwrap_or(u128::MAX);
        self.failures.saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }
}
