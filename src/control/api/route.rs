//! `GET /v1/routes`: the prefixes that are known, with every path to each.

use std::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

use super::{FibRoute, Moment};
use crate::types::{Asn, Family, Name, Prefix};

/// One page of the table, in the order of the prefixes.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Routes {
    /// The whole table, whatever was asked for: both families, IPv4 first.
    pub totals: Vec<RouteTotals>,
    /// The page.
    pub routes: Vec<Route>,
    /// What to give as `after` for the next page; `null` on the last one.
    pub next: Option<Prefix>,
}

/// What is known in one family.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct RouteTotals {
    /// Which family.
    pub family: Family,
    /// Prefixes with at least one path that is in use: the loc-rib.
    pub prefixes: u64,
    /// Paths that neighbors teach, refused ones too.
    pub paths: u64,
    /// Of them, those that policy refused.
    pub refused: u64,
}

/// One prefix.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// The prefix.
    pub prefix: Prefix,
    /// Every path: the best first, then its equals, the rest, and the refused ones.
    pub paths: Vec<Path>,
    /// Its route in the kernel; `null` if none is wanted there, or if the question was for many.
    pub kernel: Option<FibRoute>,
    /// What each neighbor with a session is told of it; empty if nothing is to be told, or if the question was for many.
    #[serde(default)]
    pub told: Vec<Told>,
}

/// What a neighbor is told of a prefix, or why it is not.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Who.
    pub neighbor: Name,
    /// The next hop that it is told; `null` if it is not told.
    pub next_hop: Option<IpAddr>,
    /// The AS_PATH that it is told.
    pub as_path: Vec<AsPathItem>,
    /// The MULTI_EXIT_DISC that it is told.
    pub med: Option<u32>,
    /// The communities that it is told.
    pub communities: Vec<String>,
    /// Why it is not told, in words; `null` if it is.
    pub why: Option<String>,
}

/// One path to a prefix.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// Who teaches it; the tunnel's name for a static prefix; `null` for our own.
    pub neighbor: Option<Name>,
    /// Where packets go; `null` for our own.
    pub next_hop: Option<IpAddr>,
    /// The AS_PATH, the nearest AS first: numbers, and objects for sets and confederations.
    pub as_path: Vec<AsPathItem>,
    /// ORIGIN.
    pub origin: Origin,
    /// Where it comes from.
    #[serde(default)]
    pub source: PathSource,
    /// MULTI_EXIT_DISC.
    pub med: Option<u32>,
    /// LOCAL_PREF as the decision uses it.
    pub local_pref: Option<u32>,
    /// Communities (RFC 1997), such as `65010:52`, in the order received.
    pub communities: Vec<String>,
    /// Extended communities (RFC 4360), such as `rt:65010:52`; unknown kinds as `0x` and 16 digits.
    pub extended_communities: Vec<String>,
    /// Large communities (RFC 8092), such as `65010:1:2`.
    pub large_communities: Vec<String>,
    /// The attributes that have no field of their own, by code.
    pub other_attributes: Vec<OtherAttribute>,
    /// What the decision made of it.
    pub state: PathState,
    /// Its share of the traffic beside the other paths in use, 1 to 255; `null` if it is not used.
    #[serde(default)]
    pub weight: Option<u16>,
    /// True if its neighbor has not said it again since its session was lost, or since a refresh began.
    #[serde(default)]
    pub stale: bool,
    /// Of a session that was lost: when; else `null`.
    #[serde(default)]
    pub stale_since: Option<Moment>,
    /// Of a session that was lost: when it goes at the latest; else `null`.
    #[serde(default)]
    pub stale_until: Option<Moment>,
    /// Why it is not in use, in words; `null` for the best path and its equals.
    pub why: Option<String>,
}

/// A number of an AS_PATH, or a segment that is not a plain sequence.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AsPathItem {
    /// One AS of a sequence.
    Asn(Asn),
    /// AS_SET.
    Set {
        /// Its ASes, in no order.
        set: Vec<Asn>,
    },
    /// AS_CONFED_SEQUENCE (RFC 5065).
    ConfedSequence {
        /// Its ASes, the nearest first.
        confed_sequence: Vec<Asn>,
    },
    /// AS_CONFED_SET (RFC 5065).
    ConfedSet {
        /// Its ASes, in no order.
        confed_set: Vec<Asn>,
    },
}

impl fmt::Display for AsPathItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |asns: &[Asn]| asns.iter().map(Asn::to_string).collect::<Vec<_>>().join(" ");
        match self {
            Self::Asn(asn) => asn.fmt(f),
            Self::Set { set } => write!(f, "{{{}}}", list(set)),
            Self::ConfedSequence { confed_sequence } => write!(f, "({})", list(confed_sequence)),
            Self::ConfedSet { confed_set } => write!(f, "[{}]", list(confed_set)),
        }
    }
}

/// ORIGIN (RFC 4271 section 5.1.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // the RFC's names
pub enum Origin {
    Igp,
    Egp,
    Incomplete,
}

/// Where a path comes from.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathSource {
    /// A neighbor taught it.
    #[default]
    Bgp,
    /// The file has it behind a tunnel without BGP.
    Static,
    /// It is the gateway's own.
    Own,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

/// An attribute without a field of its own.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct OtherAttribute {
    /// IANA's number of it.
    pub code: u8,
    /// Its name, such as `aggregator`; `unknown` for one that is not known here.
    pub name: String,
    /// Its value in words; hexadecimal if it is not known here.
    pub value: String,
}

/// What the decision made of a path.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathState {
    /// In use, and what others are taught.
    Best,
    /// In use beside the best.
    Multipath,
    /// Accepted, but another is better: see `why`.
    NotBest,
    /// Not accepted: see `why`.
    Refused,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}
