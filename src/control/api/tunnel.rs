//! `GET /v1/tunnels`: every tunnel of this instance, with the session inside it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Bfd, Detection, Moment, Probe, SessionState};
use crate::types::Name;

/// The tunnels, in the order of the file.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Tunnels {
    /// One entry a tunnel.
    pub tunnels: Vec<Tunnel>,
}

/// One tunnel: one instance's end of a connection.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Tunnel {
    /// The tunnel's name, such as `hq-1/in-0`.
    pub name: Name,
    /// The connection that it belongs to.
    pub connection: Name,
    /// The device at its far end; `null` when that is a peer gateway.
    pub device: Option<Name>,
    /// The instance at its near end.
    pub instance: Name,
    /// The kernel interface.
    pub interface: String,
    /// The interface's index; `null` while there is no such interface.
    pub interface_index: Option<u32>,
    /// Whether it can carry traffic.
    pub state: TunnelState,
    /// Why it is in this state, in words for people; always there when it is down.
    pub reason: Option<String>,
    /// When it came into this state; `null` if it has been in it since before the daemon started.
    pub since: Option<Moment>,
    /// Whole seconds since then.
    pub state_seconds: Option<u64>,
    /// Our address inside the tunnel.
    pub local_address: Option<IpAddr>,
    /// The far end's address inside the tunnel.
    pub remote_address: Option<IpAddr>,
    /// The neighbor inside the tunnel; `null` for a tunnel without BGP.
    pub neighbor: Option<Name>,
    /// The state of the session with it.
    pub session: Option<SessionState>,
    /// BFD with the far end; `null` if it is not watched by BFD.
    pub bfd: Option<Bfd>,
    /// Echo requests to the far end; `null` if it is not probed.
    pub probe: Option<Probe>,
    /// How soon a far end is noticed that falls silent.
    #[serde(default)]
    pub detection: Detection,
    /// How often it went down since the daemon started.
    #[serde(default)]
    pub flaps: u64,
    /// Nobody objects to it, but it must be quiet until then before it is used again.
    #[serde(default)]
    pub damped_until: Option<Moment>,
    /// Whole seconds until then.
    #[serde(default)]
    pub damped_seconds: Option<u64>,
    /// Who objects to it, the first to do so first.
    #[serde(default)]
    pub objections: Vec<Objection>,
    /// Prefixes whose packets may leave by this tunnel.
    pub routes: u64,
    /// The interface's counters; `null` when they cannot be read.
    pub counters: Option<Counters>,
}

/// One who knows of a tunnel and says that it carries nothing, or shall not.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Objection {
    /// Who: `interface`, `hook`, `vpn`, `probe`, `bfd` or `bgp`.
    pub source: String,
    /// The neighbor whose BFD or session that is; `null` for the other sources.
    pub neighbor: Option<Name>,
    /// Why, in words for people.
    pub reason: String,
    /// Since when.
    pub since: Moment,
    /// Whole seconds since then.
    pub since_seconds: u64,
}

/// `GET /v1/tunnels/{name}`: one tunnel, with what became of it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct TunnelDetail {
    /// The same as in the list.
    #[serde(flatten)]
    pub tunnel: Tunnel,
    /// Of its failures, how many are not forgotten: they make the next wait before it is used again.
    pub remembered_flaps: u64,
    /// The newest changes, the oldest first.
    pub history: Vec<TunnelChange>,
}

/// One change of a tunnel.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct TunnelChange {
    /// When it was first.
    pub at: Moment,
    /// Whole seconds since then.
    pub ago_seconds: u64,
    /// What it was: `up`, `down`, `objected` (down already, and one more objects), `agreed` (one objects no longer, and
    /// others do) or `damped` (nobody objects, and it must be quiet for a while).
    pub change: String,
    /// Who brought it about: `interface`, `hook`, `vpn`, `probe`, `bfd`, `bgp`; `null` for the end of damping.
    pub source: Option<String>,
    /// The neighbor whose BFD or session that was; `null` for the other sources.
    pub neighbor: Option<Name>,
    /// Why, in words for people.
    pub reason: String,
    /// How often it came again, in turn with its opposite, while the tunnel was not used.
    pub repeats: u64,
    /// When it was last.
    pub last_at: Moment,
}

/// Whether a tunnel can carry traffic.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TunnelState {
    /// Nothing that knows of it objects.
    Up,
    /// Something objects: see the reason.
    Down,
    /// Nothing is known of it (the other instance's), or a word that this version does not know.
    #[serde(other)]
    Unknown,
}

/// What passed an interface since it was made; both directions as this host sees them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// Packets received.
    pub rx_packets: u64,
    /// Octets received.
    pub rx_bytes: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Octets sent.
    pub tx_bytes: u64,
}
