//! Times as the API writes them.

use std::{fmt, str::FromStr, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A moment of the wall clock, in whole milliseconds; RFC 3339 in UTC, such as `2026-11-21T03:12:07.123Z`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(Timestamp);

impl Moment {
    /// So long after 1970-01-01T00:00:00Z; what is beyond the year 9999 becomes its last moment.
    #[must_use]
    pub fn from_unix(since_epoch: Duration) -> Self {
        let millis = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        Self(Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX))
    }

    /// How long after 1970-01-01T00:00:00Z; zero for what is before it.
    #[must_use]
    pub fn since_epoch(self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.as_millisecond()).unwrap_or(0))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl FromStr for Moment {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        let read: Timestamp = text.parse()?;
        Timestamp::from_millisecond(read.as_millisecond()).map(Self)
    }
}

impl TryFrom<String> for Moment {
    type Error = jiff::Error;

    fn try_from(text: String) -> Result<Self, jiff::Error> {
        text.parse()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}
