//! Whether and how a tunnel is probed: what a `probe` table says, and what becomes of it.

use std::time::Duration;

/// What one `probe` table says. `None` leaves the word to the table around it, and in the end to the defaults.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProbeWords {
    /// `enabled`; false unless given.
    pub enabled: Option<bool>,
    /// `interval`; 1 s unless given.
    pub interval: Option<Duration>,
    /// `count`, at least 1; 5 unless given.
    pub count: Option<u8>,
}

/// Echo requests to the far end of one tunnel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Probe {
    /// Between requests.
    pub interval: Duration,
    /// So many in a row without an answer are a failure; at least 1.
    pub count: u8,
}

impl ProbeWords {
    /// Ours where it says something, else `outer`, the table around it.
    #[must_use]
    pub fn or(&self, outer: &Self) -> Self {
        Self {
            enabled: self.enabled.or(outer.enabled),
            interval: self.interval.or(outer.interval),
            count: self.count.or(outer.count),
        }
    }

    /// What is to be done, defaults filled in; `None` if nothing is.
    #[must_use]
    pub fn probe(&self) -> Option<Probe> {
        self.enabled.unwrap_or(false).then(|| Probe {
            interval: self.interval.unwrap_or(Duration::from_secs(1)),
            count: self.count.unwrap_or(5),
        })
    }
}
