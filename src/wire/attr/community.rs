//! Communities of all three kinds as text, and what is known of their values.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use crate::types::Asn;

use super::{Community, ExtendedCommunity, LargeCommunity};

/// Text that is not a community.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("\"{text}\" is not {expected}")]
pub struct CommunityError {
    text: String,
    expected: &'static str,
}

impl Community {
    /// NO_EXPORT (RFC 1997): not to external peers.
    pub const NO_EXPORT: Self = Self(0xffff_ff01);
    /// NO_ADVERTISE (RFC 1997): to no peer.
    pub const NO_ADVERTISE: Self = Self(0xffff_ff02);
    /// NO_EXPORT_SUBCONFED (RFC 1997): not to external peers, nor to other members of the confederation.
    pub const NO_EXPORT_SUBCONFED: Self = Self(0xffff_ff03);
    /// GRACEFUL_SHUTDOWN (RFC 8326): any other path is better, this one is about to go.
    pub const GRACEFUL_SHUTDOWN: Self = Self(0xffff_0000);
    /// NOPEER (RFC 3765): not to bilateral peers.
    pub const NO_PEER: Self = Self(0xffff_ff04);
    /// BLACKHOLE (RFC 7999): drop the traffic.
    pub const BLACKHOLE: Self = Self(0xffff_029a);

    /// `high:low`.
    #[must_use]
    pub const fn new(high: u16, low: u16) -> Self {
        Self((high as u32) << 16 | low as u32)
    }

    /// The upper half: the AS that gives it its meaning.
    #[must_use]
    pub const fn high(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// The lower half.
    #[must_use]
    pub const fn low(self) -> u16 {
        self.0 as u16
    }
}

impl fmt::Display for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.high(), self.low())
    }
}

/// `high:low`, or the RFC's name in lower case with `-`: `no-export`, `graceful-shutdown`...
impl FromStr for Community {
    type Err = CommunityError;

    fn from_str(text: &str) -> Result<Self, CommunityError> {
        Ok(match text {
            "no-export" => Self::NO_EXPORT,
            "no-advertise" => Self::NO_ADVERTISE,
            "no-export-subconfed" => Self::NO_EXPORT_SUBCONFED,
            "graceful-shutdown" => Self::GRACEFUL_SHUTDOWN,
            "blackhole" => Self::BLACKHOLE,
            "no-peer" => Self::NO_PEER,
            _ => {
                let halves = text.split_once(':').and_then(|(high, low)| Some((high.parse().ok()?, low.parse().ok()?)));
                let (high, low) = halves.ok_or_else(|| CommunityError {
                    text: text.to_owned(),
                    expected: "a community such as 65010:100 or no-export",
                })?;
                Self::new(high, low)
            }
        })
    }
}

impl fmt::Display for LargeCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.global, self.local1, self.local2)
    }
}

impl FromStr for LargeCommunity {
    type Err = CommunityError;

    fn from_str(text: &str) -> Result<Self, CommunityError> {
        let parse = || {
            let mut parts = text.split(':').map(|part| part.parse().ok());
            let found = Self { global: parts.next()??, local1: parts.next()??, local2: parts.next()?? };
            parts.next().is_none().then_some(found)
        };
        parse().ok_or_else(|| CommunityError {
            text: text.to_owned(),
            expected: "a large community such as 4200000000:1:2",
        })
    }
}

/// What an extended community of a common form holds (RFC 4360 §3, RFC 5668).
enum Form {
    /// Two octets of AS and four of value.
    As2(u16, u32),
    /// Four octets of address and two of value.
    Address(Ipv4Addr, u16),
    /// Four octets of AS and two of value.
    As4(u32, u16),
}

impl ExtendedCommunity {
    /// The bit of the type that keeps it inside an AS (RFC 4360 §2).
    const NON_TRANSITIVE: u8 = 0x40;
    /// Sub-types of the common forms (RFC 4360 §4-5, draft-ietf-idr-link-bandwidth).
    const ROUTE_TARGET: u8 = 2;
    const ROUTE_ORIGIN: u8 = 3;
    const LINK_BANDWIDTH: u8 = 4;

    /// False for one that must not leave the AS (RFC 4360 §6).
    #[must_use]
    pub const fn is_transitive(self) -> bool {
        self.0[0] & Self::NON_TRANSITIVE == 0
    }

    /// The AS that said it and octets per second, if it is a link bandwidth, transitive or not. Never negative, never
    /// NaN, never infinite. What would be less than one octet per second is a whole number, as older FRR writes it: up
    /// to 8.5 Gbit/s the two cannot be mistaken for each other.
    #[must_use]
    pub fn link_bandwidth(self) -> Option<(Asn, f32)> {
        let [kind, sub, a, b, rest @ ..] = self.0;
        let rate = match f32::from_be_bytes(rest) {
            tiny if (0.0..1.0).contains(&tiny) => u32::from_be_bytes(rest) as f32,
            rate => rate,
        };
        (kind & !Self::NON_TRANSITIVE == 0 && sub == Self::LINK_BANDWIDTH && rate.is_finite() && rate >= 0.0)
            .then(|| (Asn::from(u16::from_be_bytes([a, b])), rate))
    }

    fn form(self) -> Option<Form> {
        let [kind, _, a, b, c, d, e, f] = self.0;
        Some(match kind {
            0 => Form::As2(u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, f])),
            1 => Form::Address(Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([e, f])),
            2 => Form::As4(u32::from_be_bytes([a, b, c, d]), u16::from_be_bytes([e, f])),
            _ => return None,
        })
    }
}

/// `rt:65010:100`, `ro:192.0.2.1:100`, `bandwidth:65010:125000000` (octets per second), else `0x` and sixteen digits.
/// The AS of four octets has an `L` behind it: the same numbers in two octets are another community.
impl fmt::Display for ExtendedCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((asn, rate)) = self.link_bandwidth() {
            return write!(f, "bandwidth:{asn}:{rate}");
        }
        let name = match self.0[1] {
            Self::ROUTE_TARGET => "rt",
            Self::ROUTE_ORIGIN => "ro",
            _ => return write!(f, "{:#018x}", u64::from_be_bytes(self.0)),
        };
        match self.form() {
            Some(Form::As2(asn, value)) => write!(f, "{name}:{asn}:{value}"),
            Some(Form::Address(addr, value)) => write!(f, "{name}:{addr}:{value}"),
            Some(Form::As4(asn, value)) => write!(f, "{name}:{asn}L:{value}"),
            None => write!(f, "{:#018x}", u64::from_be_bytes(self.0)),
        }
    }
}

/// Reads what [`fmt::Display`] writes; a link bandwidth is one that stays inside the AS. An AS of more than two octets
/// needs no `L`.
impl FromStr for ExtendedCommunity {
    type Err = CommunityError;

    fn from_str(text: &str) -> Result<Self, CommunityError> {
        let parse = || {
            if let Some(digits) = text.strip_prefix("0x") {
                let all = digits.len() == 16 && digits.chars().all(|c| c.is_ascii_hexdigit());
                return u64::from_str_radix(digits, 16).ok().filter(|_| all).map(|raw| Self(raw.to_be_bytes()));
            }
            let mut parts = text.splitn(3, ':');
            let sub = match parts.next()? {
                "rt" => Self::ROUTE_TARGET,
                "ro" => Self::ROUTE_ORIGIN,
                "bandwidth" => {
                    let [a, b] = parts.next()?.parse::<u16>().ok()?.to_be_bytes();
                    let rate = parts.next()?.parse::<f32>().ok().filter(|rate| rate.is_finite() && *rate >= 1.0)?;
                    let [c, d, e, f] = rate.to_be_bytes();
                    return Some(Self([Self::NON_TRANSITIVE, Self::LINK_BANDWIDTH, a, b, c, d, e, f]));
                }
                _ => return None,
            };
            let (who, value) = (parts.next()?, parts.next()?);
            let (kind, head, tail): (u8, Vec<u8>, Vec<u8>) = if let Ok(addr) = who.parse::<Ipv4Addr>() {
                (1, addr.octets().to_vec(), value.parse::<u16>().ok()?.to_be_bytes().to_vec())
            } else if let Ok(asn) = who.parse::<u16>() {
                (0, asn.to_be_bytes().to_vec(), value.parse::<u32>().ok()?.to_be_bytes().to_vec())
            } else {
                let asn = who.strip_suffix('L').unwrap_or(who).parse::<u32>().ok()?;
                (2, asn.to_be_bytes().to_vec(), value.parse::<u16>().ok()?.to_be_bytes().to_vec())
            };
            let octets: Vec<u8> = [kind, sub].into_iter().chain(head).chain(tail).collect();
            octets.try_into().ok().map(Self)
        };
        parse().ok_or_else(|| CommunityError {
            text: text.to_owned(),
            expected: "an extended community such as rt:65010:100, ro:192.0.2.1:100 or 0x0002fdf200000064",
        })
    }
}
