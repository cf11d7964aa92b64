//! Autonomous system numbers.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An autonomous system number of four octets (RFC 6793).
///
/// Zero can be represented because it can be received; [`Asn::is_zero`] tells (RFC 7607).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Asn(u32);

/// Text that is not an AS number.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("\"{0}\" is not an AS number (0 to 4294967295)")]
pub struct AsnError(String);

impl Asn {
    /// AS_TRANS, what a speaker with four octets says to one with two (RFC 6793 §9).
    pub const TRANS: Self = Self(23456);

    /// Any number of four octets.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// True for AS 0, which nobody may use (RFC 7607).
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// What two octets can say of it: itself, or AS_TRANS (RFC 6793 §4.2.2).
    #[must_use]
    pub fn two_octets(self) -> u16 {
        u16::try_from(self.0).unwrap_or(23456)
    }

    /// Why IANA lets nobody run a network with this number, if so: zero (RFC 7607), AS_TRANS (RFC 6793),
    /// documentation (RFC 5398), the last of two octets and of four (RFC 7300), and 65552-131071, reserved.
    #[must_use]
    pub const fn reserved(self) -> Option<&'static str> {
        match self.0 {
            0 => Some("AS 0 is reserved (RFC 7607)"),
            23456 => Some("23456 is AS_TRANS (RFC 6793)"),
            64496..=64511 | 65536..=65551 => Some("it is reserved for documentation (RFC 5398)"),
            65535 | 4_294_967_295 => Some("it is the last number of its size, which is reserved (RFC 7300)"),
            _ => None,
        }
    }
}

impl From<u16> for Asn {
    fn from(number: u16) -> Self {
        Self(u32::from(number))
    }
}

impl From<u32> for Asn {
    fn from(number: u32) -> Self {
        Self(number)
    }
}

impl fmt::Display for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Asn {
    type Err = AsnError;

    fn from_str(text: &str) -> Result<Self, AsnError> {
        text.parse().map(Self).map_err(|_| AsnError(text.to_owned()))
    }
}
