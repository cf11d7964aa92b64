//! BGP Identifiers.

use std::{fmt, net::Ipv4Addr};

use serde::Serialize;

/// A BGP Identifier: any four octets but zero (RFC 6286 §2.1). Compares as an unsigned number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct RouterId(Ipv4Addr);

impl RouterId {
    /// `None` for 0.0.0.0.
    #[must_use]
    pub fn new(id: Ipv4Addr) -> Option<Self> {
        (!id.is_unspecified()).then_some(Self(id))
    }

    /// As the address that it looks like.
    #[must_use]
    pub const fn addr(self) -> Ipv4Addr {
        self.0
    }
}

impl From<RouterId> for Ipv4Addr {
    fn from(id: RouterId) -> Self {
        id.0
    }
}

impl fmt::Display for RouterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
