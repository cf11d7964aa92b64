//! A configuration without faults.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use super::Written;
use crate::gateway::Model;
use crate::hook::Command;
use crate::policy::Policy;
use crate::types::Name;
use crate::vpn::Damping;

/// The policies of a file by their names; `accept` and `reject` are none of them.
pub type Policies = BTreeMap<Name, Arc<Policy>>;

/// All that a file says. Made by [`super::parse`], or in code.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// The gateway.
    pub model: Model,
    /// What [`crate::gateway::Words`] may name.
    pub policies: Policies,
    /// How long a tunnel that failed waits before it is used again.
    pub damping: Damping,
    /// How it is found out whether the instance can do its work.
    pub health: Health,
    /// How patient a drain is.
    pub drain: Drain,
    /// How traffic is spread.
    pub ecmp: Ecmp,
    /// Where our routes are in the kernel.
    pub kernel: Kernel,
    /// How the daemon is asked.
    pub control: Control,
    /// The same key by key, as it was written: what `plan` compares for people.
    pub written: Written,
}

/// How traffic is spread.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ecmp {
    /// The most paths that one prefix uses at once.
    pub max_paths: usize,
    /// Paths through different neighbor ASes count as equal if they are as long.
    pub as_path_relax: bool,
    /// Where the shares of paths come from.
    pub weights: Weights,
    /// What a flow is.
    pub hash: Hash,
    /// Buckets of a resilient group; unless given, what [`Ecmp::buckets`] says.
    pub buckets: u16,
    /// How long a bucket must be idle before its flow may move.
    pub idle_timer: Duration,
}

/// Where the shares of paths come from that a prefix uses at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Weights {
    /// The policies', else the neighbors' `weight`.
    Configured,
    /// The link bandwidth that every path carries, else as configured.
    LinkBandwidth,
    /// All the same.
    Equal,
}

/// What a flow is to the kernel (`net.ipv4.fib_multipath_hash_policy` and its IPv6 twin).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hash {
    /// Addresses only: policy 0.
    L3,
    /// Addresses, protocol and ports: policy 1.
    L4,
    /// Whatever the host's sysctl says; it is not touched.
    Leave,
}

impl Hash {
    /// The value for the sysctl; `None` leaves it alone.
    #[must_use]
    pub const fn policy(self) -> Option<u8> {
        match self {
            Self::L3 => Some(0),
            Self::L4 => Some(1),
            Self::Leave => None,
        }
    }
}

/// Where our routes are in the kernel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Kernel {
    /// The routing table; 254 is main.
    pub table: u32,
    /// The protocol number that marks what is ours.
    pub protocol: u8,
    /// The metric of our routes; lower wins.
    pub metric: u32,
    /// What a clean stop does with them.
    pub on_stop: OnStop,
}

/// What a clean stop does with our routes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OnStop {
    /// They go.
    Remove,
    /// They stay until the next start adopts them.
    Keep,
}

/// How the daemon is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Control {
    /// The unix socket.
    pub socket: PathBuf,
    /// Where metrics and what else only shows are served over TCP.
    pub metrics: Option<SocketAddr>,
}

/// How it is found out whether the instance can do its work, beside what it sees by itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Health {
    /// Succeeds while the VPN daemon answers.
    pub vpn_command: Option<Command>,
    /// Succeeds while the host is healthy.
    pub command: Option<Command>,
    /// Between the end of one run and the next.
    pub interval: Duration,
    /// How long one run may last.
    pub limit: Duration,
    /// So many failures in a row mean that it is not; at least 1.
    pub fall: u32,
    /// So many successes in a row mean that it is again; at least 1.
    pub rise: u32,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            vpn_command: None,
            command: None,
            interval: Duration::from_secs(5),
            limit: Duration::from_secs(3),
            fall: 3,
            rise: 2,
        }
    }
}

/// How patient a drain is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Drain {
    /// How long neighbors may take to move by themselves.
    pub limit: Duration,
    /// A tunnel with at most so many packets a second each way is quiet. BFD and BGP are among them.
    pub quiet: u64,
    /// How long sessions and routes may take to come back.
    pub return_limit: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self { limit: Duration::from_secs(30), quiet: 50, return_limit: Duration::from_secs(30) }
    }
}

impl Config {
    /// That model, with defaults for the rest.
    #[must_use]
    pub fn of(model: Model) -> Self {
        Self {
            model,
            policies: Policies::new(),
            damping: Damping::default(),
            health: Health::default(),
            drain: Drain::default(),
            ecmp: Ecmp::default(),
            kernel: Kernel::default(),
            control: Control::default(),
            written: Written::default(),
        }
    }
}

impl Ecmp {
    /// The buckets that a group of so many tunnels needs: 32 each, so that shares are even to some percent, as a power of
    /// two, and 256 at least. By the most that there can be: the kernel never changes the number while a group lives.
    #[must_use]
    pub fn buckets(tunnels: usize) -> u16 {
        let wanted = tunnels.saturating_mul(32).clamp(256, 1 << 15).next_power_of_two();
        u16::try_from(wanted).unwrap_or(1 << 15)
    }
}

impl Default for Ecmp {
    fn default() -> Self {
        Self {
            max_paths: 64,
            as_path_relax: true,
            weights: Weights::Configured,
            hash: Hash::L4,
            buckets: Self::buckets(super::build::MAX_TUNNELS),
            idle_timer: Duration::from_secs(120),
        }
    }
}

impl Default for Kernel {
    fn default() -> Self {
        Self { table: 254, protocol: 179, metric: 20, on_stop: OnStop::Remove }
    }
}

impl Default for Control {
    fn default() -> Self {
        Self { socket: PathBuf::from("/run/twinspan/twinspan.sock"), metrics: None }
    }
}
