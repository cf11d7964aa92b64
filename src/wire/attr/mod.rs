//! Path attributes as values (RFC 4271 §4.3 and §5, and their extensions).

use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use smallvec::SmallVec;

use crate::types::Asn;

mod as_path;
mod community;
pub(super) mod decode;
pub(super) mod encode;
mod next_hop;
mod origin;

#[cfg(test)]
mod tests;

pub use community::CommunityError;

/// The type codes of attributes (IANA, "BGP Path Attributes").
pub(super) mod code {
    pub const ORIGIN: u8 = 1;
    pub const AS_PATH: u8 = 2;
    pub const NEXT_HOP: u8 = 3;
    pub const MULTI_EXIT_DISC: u8 = 4;
    pub const LOCAL_PREF: u8 = 5;
    pub const ATOMIC_AGGREGATE: u8 = 6;
    pub const AGGREGATOR: u8 = 7;
    pub const COMMUNITIES: u8 = 8;
    pub const ORIGINATOR_ID: u8 = 9;
    pub const CLUSTER_LIST: u8 = 10;
    pub const MP_REACH_NLRI: u8 = 14;
    pub const MP_UNREACH_NLRI: u8 = 15;
    pub const EXTENDED_COMMUNITIES: u8 = 16;
    pub const AS4_PATH: u8 = 17;
    pub const AS4_AGGREGATOR: u8 = 18;
    pub const AIGP: u8 = 26;
    pub const LARGE_COMMUNITY: u8 = 32;
    pub const PREFIX_SID: u8 = 40;
}

/// The attributes of a route, all but its next hop and its NLRI (RFC 4271 §5).
///
/// Equal values mean equal routes: communities are kept in the order received, unknown attributes by code.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Attributes {
    /// ORIGIN, code 1.
    pub origin: Origin,
    /// AS_PATH, code 2, with AS4_PATH (17) merged into it already (RFC 6793 §4.2.3).
    pub as_path: AsPath,
    /// MULTI_EXIT_DISC, code 4.
    pub med: Option<u32>,
    /// LOCAL_PREF, code 5; `None` from an external peer.
    pub local_pref: Option<u32>,
    /// ATOMIC_AGGREGATE, code 6.
    pub atomic_aggregate: bool,
    /// AGGREGATOR, code 7, with AS4_AGGREGATOR (18) merged.
    pub aggregator: Option<Aggregator>,
    /// COMMUNITIES, code 8 (RFC 1997), in the order received.
    pub communities: SmallVec<[Community; 4]>,
    /// ORIGINATOR_ID, code 9 (RFC 4456); `None` from an external peer.
    pub originator_id: Option<Ipv4Addr>,
    /// CLUSTER_LIST, code 10 (RFC 4456); empty from an external peer.
    pub cluster_list: SmallVec<[ClusterId; 2]>,
    /// EXTENDED COMMUNITIES, code 16 (RFC 4360), in the order received.
    pub extended_communities: Vec<ExtendedCommunity>,
    /// LARGE_COMMUNITY, code 32 (RFC 8092), in the order received.
    pub large_communities: Vec<LargeCommunity>,
    /// Which of the known optional transitive ones came with the Partial bit; it stays set (RFC 4271 §4.3).
    pub partial: Partial,
    /// Optional transitive attributes that this speaker does not know, by code; they are passed on with the Partial
    /// bit set (RFC 4271 §5). Unknown non-transitive ones are dropped when read.
    pub unknown: Vec<UnknownAttribute>,
}

/// The known optional transitive attributes that somebody on the way did not know.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[allow(missing_docs)]
pub struct Partial {
    pub aggregator: bool,
    pub communities: bool,
    pub extended_communities: bool,
    pub large_communities: bool,
}

/// ORIGIN (RFC 4271 §5.1.1); the lower is preferred.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(missing_docs)]
pub enum Origin {
    #[default]
    Igp,
    Egp,
    Incomplete,
}

/// AS_PATH (RFC 4271 §5.1.2): segments, the nearest AS first.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct AsPath {
    /// In wire order. No segment is empty; each has at most 255 ASes.
    pub segments: SmallVec<[PathSegment; 1]>,
}

/// One segment of an AS_PATH.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct PathSegment {
    /// Set or sequence.
    pub kind: SegmentKind,
    /// 1 to 255 ASes.
    pub asns: SmallVec<[Asn; 6]>,
}

/// What the ASes of a segment are to each other (RFC 4271 §4.3, RFC 5065 §3).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(missing_docs)]
pub enum SegmentKind {
    Set,
    Sequence,
    ConfedSequence,
    ConfedSet,
}

/// AGGREGATOR (RFC 4271 §5.1.7).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(missing_docs)]
pub struct Aggregator {
    pub asn: Asn,
    pub router_id: Ipv4Addr,
}

/// A community (RFC 1997): AS number in the upper half, value in the lower.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Community(pub u32);

/// An extended community (RFC 4360): eight octets, type first.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ExtendedCommunity(pub [u8; 8]);

/// A large community (RFC 8092).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(missing_docs)]
pub struct LargeCommunity {
    pub global: u32,
    pub local1: u32,
    pub local2: u32,
}

/// The id of a route reflection cluster (RFC 4456).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ClusterId(pub Ipv4Addr);

/// An attribute that this speaker does not know, as it came.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct UnknownAttribute {
    /// Optional, transitive, partial, as received; the extended length bit is not kept.
    pub flags: AttributeFlags,
    /// Its type code.
    pub code: u8,
    /// Its value.
    pub value: Bytes,
}

/// The upper flags of an attribute (RFC 4271 §4.3).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct AttributeFlags(pub u8);

impl AttributeFlags {
    /// Bit 3: the length has two octets; never kept in a value.
    pub(super) const EXTENDED_LENGTH: Self = Self(0x10);
    /// Bit 0: not well-known.
    pub const OPTIONAL: Self = Self(0x80);
    /// Bit 1: passed on.
    pub const TRANSITIVE: Self = Self(0x40);
    /// Bit 2: somebody on the way did not know it.
    pub const PARTIAL: Self = Self(0x20);

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True if all bits of `other` are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Where to send packets for a route: NEXT_HOP (RFC 4271 §5.1.3) or that of MP_REACH_NLRI (RFC 4760, 2545, 8950).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum NextHop {
    /// Four octets.
    V4(Ipv4Addr),
    /// Sixteen, or thirty-two with a link-local address.
    V6 {
        /// The global address (some send a link-local one here).
        global: Ipv6Addr,
        /// The link-local address, if one was given (RFC 2545 §3).
        link_local: Option<Ipv6Addr>,
    },
}

impl UnknownAttribute {
    /// True if other ASes must not get it: Prefix-SID (RFC 8669 §5).
    #[must_use]
    pub const fn stays_inside(&self) -> bool {
        self.code == code::PREFIX_SID
    }
}
