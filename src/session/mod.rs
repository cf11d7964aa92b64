//! One BGP session: dialling, the OPEN exchange, timers, collisions. Owns nothing of routes, sockets or the clock.
//!
//! [`Peer`] is one neighbor. It owns one machine for each TCP connection (`conn`), so that a collision is a
//! comparison of two machines and not a state of one. Time and entropy come in as arguments.

mod collision;
mod configure;
mod conn;
mod input;
mod negotiate;
mod peer;
mod reason;
mod restart;
mod send_hold;
mod settings;
mod status;
mod timers;
mod unanswered;

#[cfg(test)]
mod tests;

pub use input::{Input, Output};
pub use negotiate::{Negotiated, NoRefresh};
pub use peer::Peer;
pub use reason::DownReason;
pub use restart::OwnRestart;
pub use settings::Settings;
pub use status::{Counters, Down, StateName, Status};

/// The port of BGP (RFC 4271 §8.2.1).
pub const PORT: u16 = 179;
