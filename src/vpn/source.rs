//! Who knows something of a tunnel.

use std::fmt;

/// Who can object to a tunnel.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Source {
    /// The kernel's interface: gone, set down, or without carrier.
    Interface,
    /// A person or a script: `twinspan tunnel down`.
    Hook,
    /// The VPN daemon. Nothing speaks for one yet.
    Vpn,
    /// Packets that are sent through the tunnel to see whether they come back.
    Probe,
    /// BFD with the far end (RFC 5880).
    Bfd,
    /// A BGP session inside, lost because nothing came through any more.
    Bgp,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Interface, Self::Hook, Self::Vpn, Self::Probe, Self::Bfd, Self::Bgp];

    /// True if no session shall be tried while it objects. BFD and BGP do not forbid that: a session that comes up is how
    /// it is found out that they were wrong, or that it is over.
    #[must_use]
    pub const fn stops_sessions(self) -> bool {
        match self {
            Self::Interface | Self::Hook | Self::Vpn | Self::Probe => true,
            Self::Bfd | Self::Bgp => false,
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interface => "interface",
            Self::Hook => "hook",
            Self::Vpn => "vpn",
            Self::Probe => "probe",
            Self::Bfd => "bfd",
            Self::Bgp => "bgp",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
