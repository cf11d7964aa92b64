//! What happens to a tunnel or to the twin.

use super::place::Way;

/// One kind of fault.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, clap::ValueEnum, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The tunnel's interface is set down.
    Down,
    /// The tunnel's interface loses its carrier.
    Carrier,
    /// The tunnel's interface is deleted.
    Deleted,
    /// Nothing comes from the far end any more, and nothing arrives there; both ends have BFD.
    Silent,
    /// The same where neither end has BFD.
    SilentNoBfd,
    /// The far end's BGP process is killed; its host goes on forwarding.
    Killed,
    /// Nothing comes from the twin any more, while all four tunnels carry.
    TwinLost,
    /// The last tunnel's interface is set down: only the twin is left.
    LastTunnel,
}

impl Event {
    /// All of them, in the order in which they are measured.
    pub const ALL: [Self; 8] = [
        Self::Down,
        Self::Carrier,
        Self::Deleted,
        Self::Silent,
        Self::SilentNoBfd,
        Self::Killed,
        Self::TwinLost,
        Self::LastTunnel,
    ];

    /// As the tables have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Down => "interface down",
            Self::Carrier => "carrier lost",
            Self::Deleted => "interface deleted",
            Self::Silent => "far end silent, BFD",
            Self::SilentNoBfd => "far end silent, no BFD",
            Self::Killed => "peer process killed",
            Self::TwinLost => "twin lost",
            Self::LastTunnel => "last tunnel down, twin left",
        }
    }

    /// What it happens to.
    pub(super) fn way(self) -> Way {
        match self {
            Self::Down | Self::Carrier | Self::Killed => Way::tunnel(1),
            Self::Deleted => Way::tunnel(2),
            Self::Silent => Way::tunnel(3),
            Self::SilentNoBfd | Self::LastTunnel => Way::tunnel(4),
            Self::TwinLost => Way::TWIN,
        }
    }

    /// The ways that carry before it.
    pub(super) fn before(self) -> Vec<Way> {
        match self {
            Self::LastTunnel => vec![self.way()],
            _ => Way::tunnels().collect(),
        }
    }

    /// The ways that are to carry after it.
    pub(super) fn after(self) -> Vec<Way> {
        match self {
            Self::LastTunnel => vec![Way::TWIN],
            _ => Way::tunnels().filter(|way| *way != self.way()).collect(),
        }
    }
}
