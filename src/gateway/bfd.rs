//! Whether and how the way to a neighbor is watched by BFD: what a `bfd` table says, and what becomes of it.

use std::{path::PathBuf, time::Duration};

/// What one `bfd` table says. `None` leaves the word to the table around it, and in the end to the defaults.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Bfd {
    /// `enabled`; false unless given.
    pub enabled: Option<bool>,
    /// `interval`; 100 ms unless given.
    pub interval: Option<Duration>,
    /// `multiplier`, at least 1; 3 unless given.
    pub multiplier: Option<u8>,
    /// `strict`: no BGP without BFD; false unless given.
    pub strict: Option<bool>,
    /// `multihop`, at least 2; as far as BGP's peer may be unless given.
    pub multihop: Option<u8>,
    /// `key`; none unless given.
    pub key: Option<BfdKey>,
}

/// A secret that both ends know, by its file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BfdKey {
    /// The number that both ends give it.
    pub id: u8,
    /// True if no packet can be played again: `meticulous-keyed-sha1`.
    pub meticulous: bool,
    /// Where the secret is: 1 to 20 octets.
    pub file: PathBuf,
}

/// BFD with one neighbor.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Watch {
    /// Between packets, as far as the peer agrees.
    pub interval: Duration,
    /// So many missed packets are a failure; at least 1.
    pub multiplier: u8,
    /// No BGP without BFD.
    pub strict: bool,
    /// A multihop session over at most so many hops; `None`: as BGP is.
    pub multihop: Option<u8>,
    /// What every packet must prove.
    pub key: Option<BfdKey>,
}

impl Bfd {
    /// Ours where it says something, else `outer`, the table around it.
    #[must_use]
    pub fn or(&self, outer: &Self) -> Self {
        Self {
            enabled: self.enabled.or(outer.enabled),
            interval: self.interval.or(outer.interval),
            multiplier: self.multiplier.or(outer.multiplier),
            strict: self.strict.or(outer.strict),
            multihop: self.multihop.or(outer.multihop),
            key: self.key.clone().or_else(|| outer.key.clone()),
        }
    }

    /// What is to be done, defaults filled in; `None` if nothing is.
    #[must_use]
    pub fn watch(&self) -> Option<Watch> {
        self.enabled.unwrap_or(false).then(|| Watch {
            interval: self.interval.unwrap_or(Duration::from_millis(100)),
            multiplier: self.multiplier.unwrap_or(3),
            strict: self.strict.unwrap_or(false),
            multihop: self.multihop,
            key: self.key.clone(),
        })
    }
}
