//! Next hops as addresses.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::NextHop;

impl NextHop {
    /// The address; of two, the global one.
    #[must_use]
    pub fn addr(&self) -> IpAddr {
        match *self {
            Self::V4(addr) => addr.into(),
            Self::V6 { global, .. } => global.into(),
        }
    }

    /// Where packets go on a link that both ends share: the link-local address if there is one (RFC 2545 §3).
    #[must_use]
    pub fn on_link(&self) -> IpAddr {
        match *self {
            Self::V4(addr) => addr.into(),
            Self::V6 { global, link_local } => link_local.unwrap_or(global).into(),
        }
    }

    /// Why it cannot be a host's address, if so (RFC 4271 §6.3).
    pub(in crate::wire) fn fault(&self) -> Option<&'static str> {
        let addr = self.addr();
        if addr.is_unspecified() {
            Some("the next hop is the unspecified address")
        } else if addr.is_multicast() {
            Some("the next hop is a multicast address")
        } else if addr == IpAddr::V4(Ipv4Addr::BROADCAST) {
            Some("the next hop is the broadcast address")
        } else {
            None
        }
    }
}

impl From<IpAddr> for NextHop {
    fn from(addr: IpAddr) -> Self {
        match addr {
            IpAddr::V4(addr) => Self::V4(addr),
            IpAddr::V6(global) => Self::V6 { global, link_local: None },
        }
    }
}

impl From<Ipv4Addr> for NextHop {
    fn from(addr: Ipv4Addr) -> Self {
        Self::V4(addr)
    }
}

impl From<Ipv6Addr> for NextHop {
    fn from(global: Ipv6Addr) -> Self {
        Self::V6 { global, link_local: None }
    }
}

impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V6 { global, link_local: Some(link_local) } => write!(f, "{global} ({link_local})"),
            _ => self.addr().fmt(f),
        }
    }
}
