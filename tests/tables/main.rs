//! Real tables from played devices, on a real kernel. Needs root. A binary of its own, one lab at a time: what is measured
//! here has the machine for itself.

#[path = "../../labs/player/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the example uses the rest")]
mod player;
#[path = "../../labs/runner/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the example uses the rest")]
mod runner;

mod attributes;
mod full;
#[path = "../netns/gateway.rs"]
#[allow(dead_code, reason = "tests/netns uses the rest")]
mod gateway;
#[path = "../netns/kernel.rs"]
#[allow(dead_code, reason = "tests/netns uses the rest")]
mod kernel;

/// Labs of [`gateway::Gateway`] that run beside each other.
const LABS: usize = 1;
