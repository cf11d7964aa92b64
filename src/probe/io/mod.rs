//! The sockets of probes, and a task for each.

mod prober;
mod socket;

pub use prober::{News, Prober};
