//! The gateway as a model: two instances, devices, connections, tunnels; and what an instance of it must do.
//!
//! Owns the model and [`desired`], which derives from it the neighbors, host routes and tunnels of one instance.
//! It reads no file and judges no input: `config` makes a [`Model`] only of a file without faults, and tests and
//! the demo make one in code. It never touches a socket or the kernel.

mod addresses;
mod auth;
mod bfd;
mod bgp;
mod desired;
mod election;
mod model;
mod probe;
mod range;
#[cfg(test)]
mod tests;
mod twin;

pub use addresses::{first_free, last_usable};
pub use auth::{AoKey, Auth};
pub use bfd::{Bfd, BfdKey, Watch};
pub use bgp::{Bgp, LimitAction, PrefixLimit, Restart, Shutdown, Timers, Ttl, Word, Words};
pub use desired::{Desired, HostRoute, Neighbor, NeighborKind, Offer, Tunnel, desired};
pub use election::{ElectedBy, Election, Hooks};
pub use model::{
    Connection, Device, Far, FixedNeighbor, Instance, Mode, Model, NeighborRange, PeerGateway, PeerInstance, Profile,
    TunnelEnd,
};
pub use probe::{Probe, ProbeWords};
pub use range::Range;
pub use twin::{TwinLink, TwinPath, TwinWords};
