//! Lists of prefixes with `ge` and `le`, compiled for one look per length that the list has.

use std::{fmt, net::IpAddr, str::FromStr};

use crate::types::{Family, Prefix, PrefixError};

use super::range::bounds;

/// One entry of a list: a prefix, and the lengths of its parts that fit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PrefixRange {
    prefix: Prefix,
    least: u8,
    most: u8,
}

/// Text that is no entry of a prefix list.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PrefixRangeError {
    /// The prefix is none.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
    /// What stands behind the prefix is not of the form.
    #[error(
        "\"{0}\" does not say which lengths: \"10.52.0.0/14\" alone is that prefix, \"10.52.0.0/14 le 24\" its parts too, \"10.52.0.0/14 ge 16 le 24\" only those"
    )]
    Syntax(String),
    /// Nothing lies within.
    #[error("no length is at least {least} and at most {most}")]
    Empty {
        /// Behind `ge`.
        least: u32,
        /// Behind `le`.
        most: u32,
    },
    /// A part of a prefix is not shorter than it.
    #[error("{bound} {len} is below the prefix's own length: no part of {prefix} is so short")]
    Below {
        /// `ge` or `le`.
        bound: &'static str,
        /// What stands behind it.
        len: u32,
        /// The prefix.
        prefix: Prefix,
    },
    /// Over the family's length.
    #[error("{bound} {len} is more than the {bits} bits of an address")]
    Above {
        /// `ge` or `le`.
        bound: &'static str,
        /// What stands behind it.
        len: u32,
        /// The most there can be.
        bits: u8,
    },
}

impl PrefixRange {
    /// That prefix and no other.
    #[must_use]
    pub fn exactly(prefix: Prefix) -> Self {
        Self { prefix, least: prefix.len(), most: prefix.len() }
    }

    /// That prefix and all parts of it.
    #[must_use]
    pub fn or_longer(prefix: Prefix) -> Self {
        Self { prefix, least: prefix.len(), most: prefix.family().bits() }
    }

    /// True if the entry fits the prefix.
    #[must_use]
    pub fn holds(&self, prefix: &Prefix) -> bool {
        (self.least..=self.most).contains(&prefix.len()) && self.prefix.covers(prefix)
    }

    /// True if this entry fits all that `other` fits.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.prefix.covers(&other.prefix) && self.least <= other.least && other.most <= self.most
    }
}

/// `10.52.0.0/14`, `10.52.0.0/14 le 24`, `10.52.0.0/14 ge 16 le 24`.
impl FromStr for PrefixRange {
    type Err = PrefixRangeError;

    fn from_str(text: &str) -> Result<Self, PrefixRangeError> {
        let mut words = text.split_whitespace();
        let prefix: Prefix = words.next().unwrap_or_default().parse()?;
        let mut rest = words.peekable();
        if rest.peek().is_none() {
            return Ok(Self::exactly(prefix));
        }
        let (ge, le) = match bounds(rest) {
            Some(found @ ((Some(_), _) | (_, Some(_)))) => found,
            Some((None, None)) | None => return Err(PrefixRangeError::Syntax(text.to_owned())),
        };
        let bits = prefix.family().bits();
        for (bound, len) in [("ge", ge), ("le", le)] {
            let Some(len) = len else { continue };
            if len < u32::from(prefix.len()) {
                return Err(PrefixRangeError::Below { bound, len, prefix });
            }
            if len > u32::from(bits) {
                return Err(PrefixRangeError::Above { bound, len, bits });
            }
        }
        if let (Some(least), Some(most)) = (ge, le)
            && least > most
        {
            return Err(PrefixRangeError::Empty { least, most });
        }
        let length = |len: Option<u32>, other| len.and_then(|len| u8::try_from(len).ok()).unwrap_or(other);
        Ok(Self { prefix, least: length(ge, prefix.len()), most: length(le, bits) })
    }
}

impl fmt::Display for PrefixRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.prefix.fmt(f)?;
        let (own, bits) = (self.prefix.len(), self.prefix.family().bits());
        if self.least > own || (self.most == bits && self.least < bits) {
            write!(f, " ge {}", self.least)?;
        }
        if self.most < bits && self.most > own {
            write!(f, " le {}", self.most)?;
        }
        Ok(())
    }
}

/// A compiled list: entries sorted by family, length and address, so that a look is a search for each length that the
/// list has and not for each entry.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PrefixSet {
    entries: Vec<PrefixRange>,
    /// The address of each entry, its first bit in front.
    bits: Vec<u128>,
    /// Entries of one family and length, shortest first.
    runs: Vec<Run>,
}

/// Entries of one family and length, which lie side by side.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Run {
    family: Family,
    len: u8,
    mask: u128,
    start: usize,
    end: usize,
}

/// An address with its first bit in front.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

impl PrefixSet {
    /// Any of the entries.
    #[must_use]
    pub fn new(mut entries: Vec<PrefixRange>) -> Self {
        let key = |e: &PrefixRange| (e.prefix.family(), e.prefix.len(), e.prefix.addr(), e.least, e.most);
        entries.sort_unstable_by_key(key);
        entries.dedup();
        let mut runs: Vec<Run> = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let (family, len) = (entry.prefix.family(), entry.prefix.len());
            match runs.last_mut() {
                Some(run) if (run.family, run.len) == (family, len) => run.end = at + 1,
                _ => {
                    let mask = u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0);
                    runs.push(Run { family, len, mask, start: at, end: at + 1 });
                }
            }
        }
        Self { bits: entries.iter().map(|entry| bits(entry.prefix.addr())).collect(), entries, runs }
    }

    /// True if one of the entries fits.
    #[must_use]
    pub fn holds(&self, prefix: &Prefix) -> bool {
        let (family, len, address) = (prefix.family(), prefix.len(), bits(prefix.addr()));
        self.runs.iter().filter(|run| run.family == family && run.len <= len).any(|run| {
            let cut = address & run.mask;
            let run_bits = self.bits.get(run.start..run.end).unwrap_or_default();
            let from = run.start + run_bits.partition_point(|entry| *entry < cut);
            let found = self.bits.iter().zip(&self.entries).take(run.end).skip(from);
            found.take_while(|(entry, _)| **entry == cut).any(|(_, entry)| (entry.least..=entry.most).contains(&len))
        })
    }

    /// True if the address lies in one of the entries, as a host route would.
    #[must_use]
    pub fn holds_address(&self, address: IpAddr) -> bool {
        self.entries.iter().any(|entry| entry.prefix.holds(address))
    }

    /// True if it surely fits all that `other` fits.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.entries.iter().all(|theirs| self.entries.iter().any(|ours| ours.covers(theirs)))
    }
}
