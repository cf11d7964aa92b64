//! Capabilities in OPEN (RFC 5492).

use std::time::Duration;

use bytes::Bytes;

use crate::types::{Asn, Family};

/// All capabilities of one OPEN, in the order given.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Capabilities(pub Vec<Capability>);

/// One capability.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Capability {
    /// Code 1: routes of a family can be exchanged (RFC 4760 §8).
    Multiprotocol(FamilyCode),
    /// Code 2 (RFC 2918).
    RouteRefresh,
    /// Code 5: NLRI of one family with next hops of another (RFC 8950 §4).
    ExtendedNextHop(Vec<ExtendedNextHop>),
    /// Code 6 (RFC 8654).
    ExtendedMessage,
    /// Code 64 (RFC 4724 §3).
    GracefulRestart(GracefulRestart),
    /// Code 65 (RFC 6793 §3).
    FourOctetAsn(Asn),
    /// Code 70 (RFC 7313).
    EnhancedRouteRefresh,
    /// Any other, and known ones whose value cannot be read, as they came.
    Unknown {
        /// The capability code.
        code: u8,
        /// Its value.
        value: Bytes,
    },
}

/// AFI and SAFI as they came, known here or not.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(missing_docs)]
pub struct FamilyCode {
    pub afi: u16,
    pub safi: u8,
}

impl FamilyCode {
    /// The family, if it is one that is routed here.
    #[must_use]
    pub fn family(self) -> Option<Family> {
        Family::ALL.into_iter().find(|family| Self::from(*family) == self)
    }
}

impl From<Family> for FamilyCode {
    fn from(family: Family) -> Self {
        Self { afi: family.afi(), safi: 1 }
    }
}

/// NLRI of `family` may have a next hop of `next_hop_afi` (RFC 8950 §4).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(missing_docs)]
pub struct ExtendedNextHop {
    pub family: FamilyCode,
    pub next_hop_afi: u16,
}

/// The graceful restart capability (RFC 4724 §3, RFC 8538 §2).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GracefulRestart {
    /// R: the speaker has restarted and waits for End-of-RIB.
    pub restarting: bool,
    /// N: NOTIFICATION and hold timer expiry do not end it (RFC 8538).
    pub notification: bool,
    /// How long it may take to come back, 0 to 4,095 s.
    pub restart_time: Duration,
    /// For which families, and whether forwarding was kept.
    pub families: Vec<GracefulFamily>,
}

/// One family of a graceful restart capability.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GracefulFamily {
    /// The family.
    pub family: FamilyCode,
    /// F: forwarding state was kept over the restart.
    pub forwarding: bool,
}
