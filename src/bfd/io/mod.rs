//! The process that runs sessions, the daemon's way to it, and what the two say to each other.
//!
//! The process is the same binary (`twinspan bfd-agent`). It has one thread, its own process group and session, and
//! nothing to do but BFD, so that a busy, killed or restarted daemon is no failure to any peer. It never touches
//! routes and never opens a file but the keys.

mod agent;
mod client;
mod handover;
mod protocol;
mod socket;
mod talk;

#[cfg(test)]
mod tests;

pub use agent::run;
pub use client::{Client, News, socket_beside};
