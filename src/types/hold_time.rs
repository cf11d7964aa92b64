//! How long a silent peer is believed.

use std::{fmt, time::Duration};

/// How long a silent peer is believed, in whole seconds: off (0), or 3 and more (RFC 4271 §4.2).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct HoldTime(u16);

impl HoldTime {
    /// What this project proposes unless told otherwise: 90 s (RFC 4271 §10).
    pub const DEFAULT: Self = Self(90);

    /// `None` for 1 and 2 s, which a peer must refuse (RFC 4271 §4.2).
    #[must_use]
    pub const fn from_secs(secs: u16) -> Option<Self> {
        if secs == 1 || secs == 2 { None } else { Some(Self(secs)) }
    }

    /// Whole seconds; 0 is off.
    #[must_use]
    pub const fn as_secs(self) -> u16 {
        self.0
    }

    /// `None` when off.
    #[must_use]
    pub fn duration(self) -> Option<Duration> {
        (self.0 > 0).then(|| Duration::from_secs(u64::from(self.0)))
    }
}

impl fmt::Display for HoldTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0)
    }
}
