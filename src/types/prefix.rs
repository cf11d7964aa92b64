//! Prefixes without host bits.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use serde::{Deserialize, Serialize};

use super::Family;

/// An IPv4 or IPv6 prefix whose host bits are zero. Sorts by family, address, then length.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix(IpNetwork);

/// Why something is not a prefix.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PrefixError {
    /// Not of the form address/length.
    #[error("\"{0}\" is not a prefix such as 10.20.0.0/16 or 2001:db8::/32")]
    Syntax(String),
    /// Longer than the family's addresses.
    #[error("a prefix length of {len} is more than the {bits} bits of {family}")]
    Length {
        /// The length that was asked for.
        len: u8,
        /// The most there can be.
        bits: u8,
        /// The family of the address.
        family: Family,
    },
    /// Bits set behind the length.
    #[error("{address}/{len} has bits set behind its length: write {meant}")]
    HostBits {
        /// The address as given.
        address: IpAddr,
        /// The length as given.
        len: u8,
        /// The same without host bits.
        meant: Prefix,
    },
}

impl Prefix {
    /// Refuses host bits and lengths over the family's.
    pub fn new(address: IpAddr, len: u8) -> Result<Self, PrefixError> {
        let prefix = Self::truncated(address, len)?;
        if prefix.addr() == address { Ok(prefix) } else { Err(PrefixError::HostBits { address, len, meant: prefix }) }
    }

    /// Clears host bits: what a receiver of NLRI does with bits that carry no meaning (RFC 4271 §4.3).
    pub fn truncated(address: IpAddr, len: u8) -> Result<Self, PrefixError> {
        let family = Family::of(address);
        let too_long = |_| PrefixError::Length { len, bits: family.bits(), family };
        Ok(Self(match address {
            IpAddr::V4(a) => {
                let net = Ipv4Network::new(a, len).map_err(too_long)?;
                IpNetwork::V4(Ipv4Network::new(net.network(), len).map_err(too_long)?)
            }
            IpAddr::V6(a) => {
                let net = Ipv6Network::new(a, len).map_err(too_long)?;
                IpNetwork::V6(Ipv6Network::new(net.network(), len).map_err(too_long)?)
            }
        }))
    }

    /// The prefix that holds just this address: /32 or /128.
    #[must_use]
    pub fn host(address: IpAddr) -> Self {
        Self(IpNetwork::from(address))
    }

    /// The first address, host bits zero.
    #[must_use]
    pub fn addr(&self) -> IpAddr {
        self.0.ip()
    }

    /// The length in bits, 0 to 32 or 128.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // a length in bits; there is no empty prefix
    pub fn len(&self) -> u8 {
        self.0.prefix()
    }

    /// The family of its addresses.
    #[must_use]
    pub fn family(&self) -> Family {
        match self.0 {
            IpNetwork::V4(_) => Family::Ipv4,
            IpNetwork::V6(_) => Family::Ipv6,
        }
    }

    /// True for 0.0.0.0/0 and ::/0.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.len() == 0
    }

    /// True if the address lies in it.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        self.0.contains(address)
    }

    /// True if `other` is this prefix or a more specific one of it.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.len() >= self.len() && self.holds(other.addr())
    }

    /// True if they share an address.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.covers(other) || other.covers(self)
    }

    /// The last address of it.
    #[must_use]
    pub fn last(&self) -> IpAddr {
        self.0.broadcast()
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Addresses of ::ffff:0:0/96 print as the standard library prints them; `FromStr` reads that back.
        f.pad(&format!("{}/{}", self.addr(), self.len()))
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let syntax = || PrefixError::Syntax(text.to_owned());
        let (address, len) = text.split_once('/').ok_or_else(syntax)?;
        Self::new(address.parse().map_err(|_| syntax())?, len.parse().map_err(|_| syntax())?)
    }
}

impl TryFrom<String> for Prefix {
    type Error = PrefixError;

    fn try_from(text: String) -> Result<Self, PrefixError> {
        text.parse()
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> Self {
        prefix.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_bits_are_refused_with_the_prefix_that_was_meant() {
        let error = "10.1.2.3/16".parse::<Prefix>().unwrap_err();
        assert_eq!(error.to_string(), "10.1.2.3/16 has bits set behind its length: write 10.1.0.0/16");
    }

    #[test]
    fn lengths_over_the_family_are_refused() {
        assert!(matches!("10.0.0.0/33".parse::<Prefix>(), Err(PrefixError::Length { .. })));
        assert!(matches!("::/129".parse::<Prefix>(), Err(PrefixError::Length { .. })));
    }

    #[test]
    fn a_prefix_covers_itself_and_its_specifics_only() {
        let p = |t: &str| t.parse::<Prefix>().unwrap();
        assert!(p("10.0.0.0/8").covers(&p("10.0.0.0/8")));
        assert!(p("10.0.0.0/8").covers(&p("10.255.0.0/16")));
        assert!(!p("10.0.0.0/16").covers(&p("10.0.0.0/8")));
        assert!(!p("0.0.0.0/0").covers(&p("::/0")));
        assert!(p("10.0.0.0/16").overlaps(&p("10.0.0.0/8")));
    }
}
