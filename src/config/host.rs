//! What only the host can tell about a file: whether the keys that it names can be read, and what the kernel has.

use std::path::Path;

use super::Severity;
use crate::types::Prefix;

/// The host that a file is checked on. The shell has one; without it a file is judged by its text alone.
pub trait Host {
    /// What is wrong with the key in that file, if anything is.
    fn key(&self, path: &Path) -> Option<HostFault>;

    /// Why this kernel cannot sign with TCP-AO, if it cannot.
    fn no_tcp_ao(&self) -> Option<HostFault>;

    /// What the WireGuard interface of that name lets through, to all its peers together: their allowed IPs. `None` if
    /// there is no such interface here, or it does not say.
    fn allowed_ips(&self, interface: &str) -> Option<Vec<Prefix>>;
}

/// One thing that is wrong on the host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostFault {
    /// How bad it is.
    pub severity: Severity,
    /// The rule's name; it never changes.
    pub code: &'static str,
    /// What is wrong and why.
    pub message: String,
    /// What to do instead.
    pub way_out: String,
}

/// No host: nothing is wrong with it.
pub(super) struct Nowhere;

impl Host for Nowhere {
    fn key(&self, _: &Path) -> Option<HostFault> {
        None
    }

    fn no_tcp_ao(&self) -> Option<HostFault> {
        None
    }

    fn allowed_ips(&self, _: &str) -> Option<Vec<Prefix>> {
        None
    }
}
