//! ICMP echo through a tunnel: does the far end answer (RFC 792, RFC 4443 §4)? For tunnels without BFD, and off unless
//! asked for.
//!
//! Owns the packets and the machine of one target; `io` has the sockets. Never decides what a verdict means.

pub mod io;
mod machine;
mod packet;

pub use machine::{State, Target};
pub use packet::{reply, request};

use std::{net::IpAddr, time::Duration};

/// One far end to be asked, and how.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Plan {
    /// Our address inside the tunnel.
    pub local: IpAddr,
    /// The far end's.
    pub remote: IpAddr,
    /// The tunnel's interface.
    pub interface: String,
    /// Between requests. Not zero.
    pub interval: Duration,
    /// So many in a row without an answer are a failure; at least 1.
    pub count: u8,
}

impl Plan {
    /// How long a far end can be silent at most before that is known: the last answer may have been to a request that was
    /// sent one interval before the first that is lost.
    #[must_use]
    pub fn detection(&self) -> Duration {
        self.interval * (u32::from(self.count) + 1)
    }
}

/// What is known of a target now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// Which.
    pub plan: Plan,
    /// What its answers say.
    pub state: State,
}
