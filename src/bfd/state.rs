//! States and diagnostics of a session (RFC 5880 §4.1).

use std::fmt;

use serde::{Deserialize, Serialize};

/// What an end says of a session.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Held down by a person; says nothing about the way (RFC 5880 §6.8.16).
    AdminDown,
    /// Not there, or not there any more.
    #[default]
    Down,
    /// The other end is heard, and does not hear us yet.
    Init,
    /// Both hear each other.
    Up,
}

impl State {
    /// Of the two bits of a packet; more bits are ignored.
    #[must_use]
    pub fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::AdminDown,
            1 => Self::Down,
            2 => Self::Init,
            _ => Self::Up,
        }
    }

    /// The two bits of a packet.
    #[must_use]
    pub fn bits(self) -> u8 {
        match self {
            Self::AdminDown => 0,
            Self::Down => 1,
            Self::Init => 2,
            Self::Up => 3,
        }
    }

    /// The RFC's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AdminDown => "AdminDown",
            Self::Down => "Down",
            Self::Init => "Init",
            Self::Up => "Up",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a session last left Up, 0 to 31; unknown numbers are kept.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Diag(u8);

impl Diag {
    /// It never did.
    pub const NONE: Self = Self(0);
    /// Nothing came for the detection time.
    pub const EXPIRED: Self = Self(1);
    /// The other end said Down.
    pub const NEIGHBOR_DOWN: Self = Self(3);
    /// The way is known to be of no use.
    pub const PATH_DOWN: Self = Self(5);
    /// A person wanted it.
    pub const ADMIN_DOWN: Self = Self(7);

    /// Of the five bits of a packet; more bits are ignored.
    #[must_use]
    pub fn from_bits(bits: u8) -> Self {
        Self(bits & 31)
    }

    /// The five bits of a packet.
    #[must_use]
    pub fn bits(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Diag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0 => "no diagnostic",
            1 => "control detection time expired",
            2 => "echo function failed",
            3 => "neighbor signaled session down",
            4 => "forwarding plane reset",
            5 => "path down",
            6 => "concatenated path down",
            7 => "administratively down",
            8 => "reverse concatenated path down",
            other => return write!(f, "diagnostic {other}"),
        })
    }
}
