//! Bidirectional Forwarding Detection (RFC 5880 to 5883): is the way to a neighbor alive, told within milliseconds.
//!
//! Owns packets, the machine of one session, and the table that finds a packet's session. All of it is pure: time and
//! seeds are arguments. `io` runs a table on sockets in a process of its own, which outlives the daemon for a while.
//! Never decides what a failure means for routes or BGP.
//!
//! Asynchronous mode only. We never ask for demand mode or echo packets; a peer that asks us to fall silent by demand
//! mode is obeyed, as it must be (RFC 5880 §6.6).

mod auth;
mod carry;
pub mod io;
mod machine;
mod packet;
mod plan;
mod state;
mod table;

#[cfg(test)]
mod tests;

pub use auth::{Algorithm, AuthSection, Key};
pub use carry::Carried;
pub use machine::{Output, Session, Settings, Status};
pub use packet::{Discard, Packet, Wire};
pub use plan::{KeyFile, Plan};
pub use state::{Diag, State};
pub use table::{Arrival, CarriedEntry, Effect, Path, Report, Table, Wanted};
