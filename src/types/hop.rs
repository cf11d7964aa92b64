//! One way for a packet to leave this host.

use std::{
    fmt,
    net::IpAddr,
    num::{NonZeroU16, NonZeroU32},
};

use serde::{Deserialize, Serialize};

/// The kernel's index of an interface, unique while the interface lives and never reused by us as a name.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkIndex(pub NonZeroU32);

impl LinkIndex {
    /// `None` for 0, which the kernel uses for "no interface".
    #[must_use]
    pub fn new(index: u32) -> Option<Self> {
        NonZeroU32::new(index).map(Self)
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for LinkIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The share of a hop in its group, 1 to 65,535. Configured ones end at 255; the kernel takes more than 256 since
/// Linux 6.12.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Weight(NonZeroU16);

impl Weight {
    /// An equal share.
    pub const ONE: Self = Self(NonZeroU16::MIN);

    /// `None` for 0.
    #[must_use]
    pub fn new(weight: u16) -> Option<Self> {
        NonZeroU16::new(weight).map(Self)
    }

    /// 1 to 65,535.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

/// One way for a packet to leave: an interface, the gateway on it if it needs one, and its share.
///
/// On a tunnel there is only one place to go, so the gateway is the far end's address, never looked up.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Hop {
    /// The interface that the packet leaves by.
    pub link: LinkIndex,
    /// The neighbor on that interface; `None` where the interface has only one far end.
    pub gateway: Option<IpAddr>,
    /// Its share.
    pub weight: Weight,
}
