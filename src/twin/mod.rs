//! The other instance of the gateway, as it says of itself: datagrams of some hundred octets over the twin-link, called
//! hellos.
//!
//! Owns the format ([`Hello`]) and the machine ([`Twin`]) that says when one is due and what is known of the twin; `io`
//! has the socket. Never decides what follows from that: who is active, what is forwarded, what is advertised.

mod hello;
pub mod io;
mod machine;
mod news;

#[cfg(test)]
mod tests;

pub use hello::{Connection, DeviceOrder, Heard, Hello, LONGEST, Role, Says, Standing, Unreadable};
pub use machine::{Input, Output, Presence, Settings, Twin};
pub use news::News;

use std::net::IpAddr;

/// The UDP port of hellos, at both ends.
pub const PORT: u16 = 27_179;

/// The way of hellos: a socket on that interface, between these addresses, one hop long.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Link {
    /// The interface to the twin.
    pub interface: String,
    /// Our address on it.
    pub local: IpAddr,
    /// The twin's.
    pub remote: IpAddr,
}
