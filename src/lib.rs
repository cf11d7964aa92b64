//! twinspan: a BGP-4 speaker and ECMP route controller for Linux VPN gateways.
//!
//! # Map
//! Routes go `transport` > [`wire`] > [`session`] > [`policy`] > [`rib`] > [`speaker`] > [`fib`] > kernel.
//! Intent goes [`config`] > [`gateway`] > [`speaker`]. The [`daemon`] turns the world into inputs of the one
//! deterministic machine, [`speaker::Speaker`], and its effects into system calls.
//!
//! # Glossary
//! | word | means |
//! | --- | --- |
//! | gateway | the pair of instances as one thing: one ASN, one set of prefixes, one file |
//! | instance | one of its two hosts |
//! | device | an on-premises VPN device |
//! | connection | gateway and device joined |
//! | tunnel | one instance's end of a connection: a kernel interface |
//! | twin | the other instance of this gateway |
//! | conn | one TCP connection |
//! | peer, neighbor | the far end of a BGP session |

/// The model kernel names the crate as tests outside of it do.
#[cfg(test)]
extern crate self as twinspan;

pub mod bfd;
pub mod cli;
pub mod config;
pub mod control;
pub mod daemon;
pub mod drain;
pub mod fib;
pub mod gateway;
pub mod hook;
pub mod metrics;
pub mod policy;
pub mod probe;
pub mod rib;
pub mod role;
pub mod session;
mod shards;
pub mod speaker;
pub mod telemetry;
pub mod transport;
pub mod twin;
pub mod types;
pub mod vpn;
pub mod wire;
