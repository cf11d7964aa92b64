//! `GET /v1/neighbors` and `GET /v1/neighbors/{name}`: the BGP sessions.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use serde::{Deserialize, Serialize};

use super::{Bfd, Moment};
use crate::types::{Asn, Family, Name, Prefix};

/// All neighbors of this instance, in the order of the file.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Neighbors {
    /// One entry a neighbor: those that came by themselves are behind the others.
    pub neighbors: Vec<Neighbor>,
    /// The ranges that neighbors may come from by themselves.
    #[serde(default)]
    pub ranges: Vec<Range>,
}

/// A range that neighbors may come from by themselves.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// Its name; its neighbors are named `NAME:ADDRESS`.
    pub name: Name,
    /// The addresses.
    pub prefix: Prefix,
    /// The most neighbors from it at once.
    pub limit: u64,
    /// How many there are, those that leave among them.
    pub neighbors: u64,
}

/// One neighbor, in short.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Neighbor {
    /// Its name; a device's is that of the tunnel.
    pub name: Name,
    /// What it is to the gateway.
    pub kind: NeighborKind,
    /// Its address.
    pub address: IpAddr,
    /// Our address towards it.
    pub local_address: Option<IpAddr>,
    /// The interface that the session is bound to; `null` if it is not bound.
    pub interface: Option<String>,
    /// The AS number that it must have.
    pub asn: Asn,
    /// The state of the session (RFC 4271 section 8.2.2).
    pub state: SessionState,
    /// When it came into this state; while it is down: when it went down, or the daemon started.
    pub since: Moment,
    /// Whole seconds since then.
    pub state_seconds: u64,
    /// Whole seconds since it was Established; `null` while it is not.
    pub uptime_seconds: Option<u64>,
    /// How often it left Established since the daemon started.
    pub flaps: u64,
    /// Why it is not Established, or was last not; `null` if nothing has gone wrong yet.
    pub last_down: Option<Down>,
    /// The last NOTIFICATION from the neighbor: it stays when dialling fails after it; `null` if there was none.
    #[serde(default)]
    pub last_told: Option<Down>,
    /// When we dial next; `null` while a session is up or being opened, or if we only wait for the neighbor.
    pub next_retry_at: Option<Moment>,
    /// Whole seconds until then, rounded up.
    pub next_retry_seconds: Option<u64>,
    /// True if we never dial: the neighbor must.
    pub passive: bool,
    /// BFD with it; `null` if it is not watched by BFD.
    pub bfd: Option<Bfd>,
    /// What signs its segments: `none`, `tcp-md5` or `tcp-ao`.
    #[serde(default)]
    pub authentication: String,
    /// The range that it came from by itself; `null` for one of the file.
    #[serde(default)]
    pub range: Option<Name>,
    /// Whole seconds until it is forgotten, rounded up; `null` unless it came by itself and is not connected.
    #[serde(default)]
    pub leaves_seconds: Option<u64>,
    /// Why it is kept down on purpose; `null` if it is not.
    #[serde(default)]
    pub kept_down: Option<KeptDown>,
    /// What it taught before its session was lost and is used still, because it may be restarting; `null` if nothing is.
    #[serde(default)]
    pub stale: Option<Stale>,
    /// What was exchanged, for each family of the file.
    pub prefixes: Vec<FamilyPrefixes>,
}

/// One neighbor with all that is known of it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct NeighborDetail {
    /// What the list shows too.
    #[serde(flatten)]
    pub neighbor: Neighbor,
    /// The device; `null` for another kind.
    pub device: Option<Name>,
    /// The connection that the session serves; `null` for another kind.
    pub connection: Option<Name>,
    /// The tunnel that it runs in; `null` for another kind.
    pub tunnel: Option<Name>,
    /// Its BGP Identifier; `null` while not Established.
    pub router_id: Option<Ipv4Addr>,
    /// Our end of the TCP connection; `null` without one.
    pub local_endpoint: Option<SocketAddr>,
    /// Its end of the TCP connection; `null` without one.
    pub remote_endpoint: Option<SocketAddr>,
    /// The hold time that we propose, 0 (off) or 3 to 65,535.
    pub configured_hold_time_seconds: u16,
    /// The hold time agreed; `null` while not Established.
    pub hold_time_seconds: Option<u16>,
    /// The time between our KEEPALIVEs, 0 for none; `null` while not Established.
    pub keepalive_seconds: Option<u16>,
    /// The families agreed; empty while not Established.
    pub families: Vec<Family>,
    /// What each side announced in its OPEN.
    pub capabilities: Capabilities,
    /// BGP messages since the daemon started, over all sessions with it.
    pub messages: Messages,
    /// Faults in its UPDATEs that did not end the session.
    #[serde(default)]
    pub faults: Faults,
    /// Octets that wait to be written to the neighbor.
    pub queued_octets: u64,
}

/// What a neighbor is to the gateway.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NeighborKind {
    /// An on-premises device, inside a tunnel.
    Device,
    /// The other instance of this gateway.
    Twin,
    /// A router or host inside the cloud network.
    NetworkRouter,
    /// Outside the model: a `[[neighbor]]` of the file.
    Other,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Why a neighbor is kept down on purpose.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptDown {
    /// The file says `shutdown`.
    Shutdown,
    /// It taught more prefixes than it may. A reset lets it back; so does `next_retry_at`, if it has a value.
    MaxPrefixes,
    /// This instance shall have no session with it now: see `standing` of `/v1/gateway`.
    Standing,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

/// The state of a session (RFC 4271 section 8.2.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// Not trying, or waiting before the next try.
    Idle,
    /// Dialling.
    Connect,
    /// Waiting for the neighbor to dial, or for the next try.
    Active,
    /// OPEN sent.
    OpenSent,
    /// OPEN received and accepted.
    OpenConfirm,
    /// Routes are exchanged.
    Established,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Idle => "Idle",
            Self::Connect => "Connect",
            Self::Active => "Active",
            Self::OpenSent => "OpenSent",
            Self::OpenConfirm => "OpenConfirm",
            Self::Established => "Established",
            Self::Unknown => "unknown",
        })
    }
}

/// Why a session ended, or did not come up.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Down {
    /// What happened, for programs.
    pub reason: DownReason,
    /// When.
    pub at: Moment,
    /// Whole seconds since then.
    pub ago_seconds: u64,
    /// The NOTIFICATION's error code; `null` if none was sent or received.
    pub code: Option<u8>,
    /// Its subcode.
    pub subcode: Option<u8>,
    /// The words of the operator who ended it, ours or the neighbor's (RFC 9003), as they were sent; `null` without any.
    #[serde(default)]
    pub communication: Option<String>,
    /// What happened, for people: the RFC's words for a NOTIFICATION, the system's for a connection.
    pub text: String,
}

/// What ended a session, or kept it from coming up.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DownReason {
    /// The neighbor could not be reached.
    ConnectFailed,
    /// The TCP connection ended without a NOTIFICATION.
    ConnectionLost,
    /// The neighbor was silent for the hold time.
    HoldTimerExpired,
    /// The neighbor took nothing of what it was sent for the send hold time.
    SendHoldTimerExpired,
    /// The neighbor's host answered nothing of what it was sent.
    Unanswered,
    /// The neighbor ended it by a NOTIFICATION.
    NotificationReceived,
    /// We ended it by a NOTIFICATION, because of what the neighbor sent.
    NotificationSent,
    /// An operator, or the daemon's own end, closed it.
    Stopped,
    /// Its tunnel went down.
    TunnelDown,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Prefixes of one family in one session.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct FamilyPrefixes {
    /// Which family.
    pub family: Family,
    /// What the neighbor teaches: `accepted` and `refused` together.
    pub received: u64,
    /// Of it, what policy let in.
    pub accepted: u64,
    /// Of it, what policy refused; `show routes --neighbor NAME` says why.
    pub refused: u64,
    /// What we teach the neighbor.
    pub advertised: u64,
    /// How many it may teach, by `max-prefixes`; `null` without a limit.
    #[serde(default)]
    pub limit: Option<u64>,
    /// Of the refused, those that are above the limit.
    #[serde(default)]
    pub trimmed: u64,
    /// Prefixes that are used though the neighbor has not said them again: kept of a session that was lost, or of before a
    /// refresh that is under way.
    #[serde(default)]
    pub stale: u64,
}

/// Routes of a session that was lost, kept while the neighbor restarts (RFC 4724).
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Stale {
    /// How many prefixes, of all families.
    pub prefixes: u64,
    /// When the session was lost.
    pub since: Moment,
    /// When they go at the latest.
    pub until: Moment,
    /// Whole seconds until then, rounded up.
    pub until_seconds: u64,
}

/// What each side announced in its OPEN; empty before there was one.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// By us.
    pub sent: Vec<Capability>,
    /// By the neighbor.
    pub received: Vec<Capability>,
}

/// One capability (RFC 5492).
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Capability {
    /// IANA's number of it.
    pub code: u8,
    /// Its name, such as `multiprotocol`; `unknown` for one that is not known here.
    pub name: String,
    /// Its value in words, such as `ipv4`; `null` if it has none.
    pub value: Option<String>,
}

/// BGP messages, both ways.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Messages {
    /// From the neighbor.
    pub received: MessageCounts,
    /// To the neighbor.
    pub sent: MessageCounts,
}

/// Faults in UPDATEs that did not end the session (RFC 7606), since the daemon started.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Faults {
    /// Those whose routes were taken as withdrawn.
    pub withdrawn: u64,
    /// Those that cost an attribute.
    pub discarded: u64,
}

/// BGP messages by type.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // the RFC's names
pub struct MessageCounts {
    pub open: u64,
    pub update: u64,
    pub notification: u64,
    pub keepalive: u64,
    pub route_refresh: u64,
}
