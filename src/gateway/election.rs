//! Who decides which instance is active in active-standby, and what is run when that changes.

use std::time::Duration;

/// Who decides.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ElectedBy {
    /// The two instances between themselves.
    #[default]
    Pair,
    /// A lease in an etcd cluster.
    Etcd,
    /// Somebody outside, by `twinspan role`.
    External,
}

/// What holds for the election.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Election {
    /// Who decides.
    pub by: ElectedBy,
    /// How long a claim lasts that is not renewed, in whole seconds: at least 2.
    pub lease: Duration,
    /// The instance with the higher priority takes the role back once it is fit.
    pub preempt: bool,
    /// The network side is asked whether somebody answers for the shared address.
    pub ask_network: bool,
    /// Etcd's members, as `http://host:port`.
    pub endpoints: Vec<String>,
    /// How long the lease in etcd lasts, in whole seconds.
    pub ttl: Duration,
}

impl Default for Election {
    fn default() -> Self {
        Self {
            by: ElectedBy::Pair,
            lease: Duration::from_secs(2),
            preempt: false,
            ask_network: true,
            endpoints: Vec::new(),
            ttl: Duration::from_secs(5),
        }
    }
}

/// Commands that are run when the role changes: a program and its arguments each; none if empty.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hooks {
    /// For each tunnel when the instance becomes active: the VPN daemon shall begin. `{tunnel}`, `{interface}`,
    /// `{connection}` and `{device}` stand for what the tunnel has there.
    pub initiate: Vec<String>,
    /// When the instance is active.
    pub on_active: Vec<String>,
    /// When it is no longer.
    pub on_standby: Vec<String>,
    /// How long each may last.
    pub limit: Duration,
}

impl Default for Hooks {
    fn default() -> Self {
        Self { initiate: Vec::new(), on_active: Vec::new(), on_standby: Vec::new(), limit: Duration::from_secs(30) }
    }
}
