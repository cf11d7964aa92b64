//! The whole on a real kernel: instances, FRR, BIRD and players in network namespaces. Needs root.
//!
//! A few labs at a time: most of what they do is waiting. What needs the machine for itself is in `tests/tables`.

#[path = "../../labs/flows/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the example uses the rest")]
mod flows;
#[path = "../../labs/player/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the example uses the rest")]
mod player;
#[path = "../../labs/runner/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the example uses the rest")]
mod runner;

mod active_active;
mod active_standby;
mod authentication;
mod bfd;
mod bfd_peers;
mod both_families;
mod dead_host;
mod drain;
mod dual_redundancy;
mod dynamic;
mod faults;
mod foreign;
mod gateway;
mod graceful_restart;
mod graceful_shutdown;
mod hitless;
mod kernel;
mod labs;
mod link_local;
mod maintenance;
mod modes;
mod multiple_devices;
mod network_router;
mod network_to_network;
mod reload;
mod silence;
mod standby;
mod stickiness;
mod traffic;
mod transit;
mod tunnels;
mod twin;
mod weights;

/// Labs of [`gateway::Gateway`] that run beside each other.
const LABS: usize = 2;
