//! `GET /v1/gateway`: the gateway as this instance sees it, on one page.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::{ConfigState, Drain, FibTotals, Moment, Role, RouteTotals, Standing, Twin};
use crate::types::{Asn, Name, Prefix};

/// The gateway and this instance of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gateway {
    /// The gateway's name.
    pub name: Name,
    /// Whether both instances carry traffic.
    pub mode: Mode,
    /// The gateway's AS number.
    pub asn: Asn,
    /// The name of the instance that answers.
    pub instance: Name,
    /// The BGP Identifier of the instance that answers.
    pub router_id: Ipv4Addr,
    /// The daemon's version, such as `0.1.0`.
    pub version: String,
    /// When the daemon started.
    pub started_at: Moment,
    /// Whole seconds since then.
    pub uptime_seconds: u64,
    /// What this instance is doing.
    pub state: GatewayState,
    /// Why it is in this state, in words for people; `null` when there is nothing to say.
    pub reason: Option<String>,
    /// What this instance may say and do now.
    pub standing: Standing,
    /// What is drained, or is being, and some that have come back: as in `/v1/drains`.
    pub drains: Vec<Drain>,
    /// Which of the two instances is active; `null` where both are.
    #[serde(default)]
    pub role: Option<Role>,
    /// The prefixes of the cloud network: what devices learn from here.
    pub prefixes: Vec<Prefix>,
    /// Tunnels.
    pub tunnels: TunnelCounts,
    /// BGP sessions of this instance.
    pub sessions: SessionCounts,
    /// What was learned, per family; both families, IPv4 first.
    pub routes: Vec<RouteTotals>,
    /// What of it is in the kernel.
    pub fib: FibTotals,
    /// The other instance; `null` without a `twin-link`.
    #[serde(default)]
    pub twin: Option<Twin>,
    /// What is not as it should be; empty when all is well.
    pub warnings: Vec<Warning>,
    /// The kernel settings that this instance relies on.
    pub sysctls: Vec<Sysctl>,
    /// The configuration that runs.
    pub config: ConfigState,
}

/// How the two instances share the work; the words of the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Both carry traffic.
    ActiveActive,
    /// One carries traffic, the other waits.
    ActiveStandby,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

/// What an instance is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GatewayState {
    /// Waiting for its neighbors to come back before it rewrites the kernel's routes.
    Starting,
    /// At work.
    Running,
    /// Saying goodbye.
    Stopping,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

/// How many tunnels there are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct TunnelCounts {
    /// Of this instance, in the file.
    pub configured: u32,
    /// Of this instance, up now.
    pub up: u32,
    /// Of both instances, in the file: what counts against `limit`.
    pub gateway: u32,
    /// The gateway's `max-tunnels`.
    pub limit: u32,
}

/// How many BGP sessions there are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct SessionCounts {
    /// Neighbors of this instance.
    pub configured: u32,
    /// Of them Established now.
    pub established: u32,
}

/// Something that an operator should look at.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Warning {
    /// A stable name for programs, such as `tunnel_down`.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// What to do about it; `null` if that is plain.
    pub hint: Option<String>,
}

/// One kernel setting.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Sysctl {
    /// With dots, such as `net.ipv4.nexthop_compat_mode`.
    pub name: String,
    /// The value that this instance wants; `null` if it only looks.
    pub wanted: Option<String>,
    /// The value in the kernel; `null` if it cannot be read.
    pub actual: Option<String>,
    /// False if the value is not the one wanted.
    pub ok: bool,
}
