//! Which of two instances is active, in active-standby.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Moment;

/// The role of the instance that answers.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// Where it stands.
    pub role: RoleState,
    /// Since when it is active, or is not.
    pub since: Moment,
    /// Whole seconds since then.
    pub since_seconds: u64,
    /// Why, in words for people.
    pub reason: String,
    /// Its claim, or the highest that it knows of: the later the higher.
    pub term: u64,
    /// Who decides: `pair`, `etcd` or `external`.
    pub election: String,
    /// The BGP address that the active instance has; `null` if there is none.
    pub shared_address: Option<IpAddr>,
    /// The interface that it is put on.
    pub shared_interface: Option<String>,
    /// The hardware address that answers for the shared address while the twin is silent; `null` else.
    pub answers: Option<String>,
}

/// Where an instance stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleState {
    /// It has the role.
    Active,
    /// It has the role, and the twin shall take it now.
    Yielding,
    /// It waits.
    Standby,
    /// It waits, and wants to take over now.
    Wanting,
    /// It has begun, or was stopped for a while, and listens.
    Asking,
    /// It takes the role from nobody: it is drained, ends, or was told so.
    Away,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

impl RoleState {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Yielding => "yielding",
            Self::Standby => "standby",
            Self::Wanting => "wanting",
            Self::Asking => "asking",
            Self::Away => "away",
            Self::Unknown => "unknown",
        }
    }
}

/// Who shall be active.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RoleWish {
    /// The instance that is asked.
    Active,
    /// The other one.
    Standby,
}

impl fmt::Display for RoleWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Standby => "standby",
        })
    }
}

impl FromStr for RoleWish {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "active" => Ok(Self::Active),
            "standby" => Ok(Self::Standby),
            other => Err(format!("\"{other}\" is neither \"active\" nor \"standby\"")),
        }
    }
}
