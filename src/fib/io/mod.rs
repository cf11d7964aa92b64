//! The kernel by netlink: operations out and results back, dumps, link events, what others do, and the sysctls that matter.
//!
//! Knows how things are said to the kernel, never which routes there should be. Every entry works in the network
//! namespace of the thread that opened it.

mod dump;
mod filter;
mod kernel;
pub mod message;
mod monitor;
pub mod nexthop;
mod request;
mod resolve;
mod socket;
pub mod sysctl;
#[cfg(test)]
mod tests;
mod watch;

pub use kernel::{Kernel, ProbeError};
pub use monitor::{Event, LinkEvent, Monitor};
pub use resolve::{Found, Resolver};
pub use watch::{Seen, Watch};
