//! Communities with wildcards, as values and masks.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use crate::wire::{Community, ExtendedCommunity, LargeCommunity};

/// Text that is no pattern of communities.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("\"{text}\" is not {expected}")]
pub struct PatternError {
    text: String,
    expected: &'static str,
}

fn error(text: &str, expected: &'static str) -> PatternError {
    PatternError { text: text.to_owned(), expected }
}

/// Communities (RFC 1997): `65010:100`, `65010:*`, `*:666`, `no-export`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CommunityPattern {
    value: u32,
    mask: u32,
}

impl CommunityPattern {
    /// True if it fits.
    #[must_use]
    pub const fn holds(&self, community: Community) -> bool {
        community.0 & self.mask == self.value
    }

    /// True if it fits that community and no other.
    #[must_use]
    pub const fn names(&self, community: Community) -> bool {
        self.mask == u32::MAX && self.value == community.0
    }
}

impl FromStr for CommunityPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if let Ok(Community(value)) = text.parse() {
            return Ok(Self { value, mask: u32::MAX });
        }
        let half = |text: &str| match text {
            "*" => Some((0, 0)),
            number => number.parse::<u16>().ok().map(|number| (u32::from(number), 0xffff)),
        };
        let halves = text.split_once(':').and_then(|(high, low)| half(high).zip(half(low)));
        let ((high, high_mask), (low, low_mask)) = halves.ok_or_else(|| {
            error(text, "a community such as 65010:100, 65010:*, *:666, or a well-known name such as no-export")
        })?;
        Ok(Self { value: high << 16 | low, mask: high_mask << 16 | low_mask })
    }
}

/// Large communities (RFC 8092): three numbers, each of which may be `*`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LargePattern([Option<u32>; 3]);

impl LargePattern {
    /// True if it fits.
    #[must_use]
    pub fn holds(&self, community: LargeCommunity) -> bool {
        let parts = [community.global, community.local1, community.local2];
        self.0.iter().zip(parts).all(|(wanted, found)| wanted.is_none_or(|wanted| wanted == found))
    }
}

impl FromStr for LargePattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let parse = || {
            let mut parts = text.split(':').map(|part| match part {
                "*" => Some(None),
                number => number.parse::<u32>().ok().map(Some),
            });
            let found = [parts.next()??, parts.next()??, parts.next()??];
            parts.next().is_none().then_some(Self(found))
        };
        parse().ok_or_else(|| error(text, "a large community such as 4200000000:1:2 or 65010:*:*"))
    }
}

/// Extended communities (RFC 4360): `rt:65010:*`, `ro:192.0.2.1:100`, `bandwidth:*`, `0x0002*`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExtPattern {
    /// The bits of `mask` are those of `value`.
    Octets {
        /// Zero outside of the mask.
        value: u64,
        /// Which bits count.
        mask: u64,
    },
    /// Of that sub-type, in all forms; the last part is the number, or any.
    SubType {
        /// 2 is a route target, 3 a route origin.
        sub: u8,
        /// The number behind the AS or address.
        number: Option<u32>,
    },
    /// A link bandwidth, that stays inside an AS or not, of that AS or any.
    Bandwidth(Option<u16>),
}

impl ExtPattern {
    /// True if it fits.
    #[must_use]
    pub fn holds(&self, community: ExtendedCommunity) -> bool {
        let [kind, sub, a, b, c, d, e, f] = community.0;
        match self {
            Self::Octets { value, mask } => u64::from_be_bytes(community.0) & mask == *value,
            Self::SubType { sub: wanted, number } => {
                let found = match kind {
                    0 => u32::from_be_bytes([c, d, e, f]),
                    1 | 2 => u32::from(u16::from_be_bytes([e, f])),
                    _ => return false,
                };
                sub == *wanted && number.is_none_or(|number| number == found)
            }
            Self::Bandwidth(asn) => {
                kind & !0x40 == 0 && sub == 4 && asn.is_none_or(|asn| asn == u16::from_be_bytes([a, b]))
            }
        }
    }

    fn exactly(community: ExtendedCommunity) -> Self {
        Self::Octets { value: u64::from_be_bytes(community.0), mask: u64::MAX }
    }

    fn read(text: &str) -> Option<Self> {
        if let Some(digits) = text.strip_prefix("0x") {
            let digits = digits.strip_suffix('*')?;
            if digits.len() >= 16 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
                return None;
            }
            if digits.is_empty() {
                return Some(Self::Octets { value: 0, mask: 0 });
            }
            let shift = 64 - 4 * u32::try_from(digits.len()).ok()?;
            let value = u64::from_str_radix(digits, 16).ok()? << shift;
            return Some(Self::Octets { value, mask: u64::MAX << shift });
        }
        let mut parts = text.split(':');
        let (name, who, value) = (parts.next()?, parts.next()?, parts.next());
        if parts.next().is_some() {
            return None;
        }
        let sub = match name {
            "rt" => 2,
            "ro" => 3,
            "bandwidth" if value.is_none_or(|value| value == "*") => {
                return match who {
                    "*" => Some(Self::Bandwidth(None)),
                    asn => asn.parse().ok().filter(|_| value.is_some()).map(|asn| Self::Bandwidth(Some(asn))),
                };
            }
            _ => return None,
        };
        let number = match value? {
            "*" => None,
            number => Some(number.parse::<u32>().ok()?),
        };
        if who == "*" {
            return Some(Self::SubType { sub, number });
        }
        if number.is_some() {
            return None; // exact ones were read before
        }
        let (kind, octets, width) = if let Ok(address) = who.parse::<Ipv4Addr>() {
            (1_u8, u64::from(address.to_bits()), 32)
        } else if let Ok(asn) = who.parse::<u16>() {
            (0, u64::from(asn), 16)
        } else {
            (2, u64::from(who.strip_suffix('L').unwrap_or(who).parse::<u32>().ok()?), 32)
        };
        let shift = 48 - width;
        let value = u64::from(kind) << 56 | u64::from(sub) << 48 | octets << shift;
        Some(Self::Octets { value, mask: u64::MAX << shift })
    }
}

impl FromStr for ExtPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if let Ok(community) = text.parse() {
            return Ok(Self::exactly(community));
        }
        Self::read(text).ok_or_else(|| {
            error(text, "an extended community such as rt:65010:100, rt:65010:*, ro:*:100, bandwidth:* or 0x0002*")
        })
    }
}

/// A name with `*` for any run of characters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NamePattern(String);

impl NamePattern {
    /// The pattern of that text; `*` stands for any run of characters, also none.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if it fits the name.
    #[must_use]
    pub fn holds(&self, name: &str) -> bool {
        let mut pieces = self.0.split('*');
        let Some(mut rest) = name.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
        let mut pieces: Vec<&str> = pieces.collect();
        let Some(last) = pieces.pop() else { return rest.is_empty() };
        for piece in pieces {
            let Some(at) = rest.find(piece) else { return false };
            rest = rest.get(at + piece.len()..).unwrap_or_default();
        }
        rest.ends_with(last)
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
