//! Where the kernel's other routes lead to an address.

use std::net::IpAddr;

use crate::types::LinkIndex;

/// The way to an address that is on no network of this host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lead {
    /// Out of this interface.
    pub link: LinkIndex,
    /// Over this host on it; `None` if the address itself is there.
    pub gateway: Option<IpAddr>,
}
