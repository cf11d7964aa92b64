//! Which of the two instances is active, where only one is: `mode = "active-standby"`.
//!
//! [`Machine`] owns the role of this instance: what it takes to claim it, how long a claim lasts, and when it is given
//! up. It is told what the twin says, whether the network side still answers for the shared address, and what people
//! want; it says when to take over and when to stop. `io` has the sockets. It never closes a session and never touches an
//! address: who obeys it does. The rules and their bounds are in `docs/decisions/0022-election.md`.

mod claim;
pub mod io;
mod lease;
mod machine;
mod packet;
mod pair;
mod say;
#[cfg(test)]
mod tests;

pub use claim::{Claim, Stance};
pub use machine::{Input, Machine, Output, Refusal, Settings, View, Wish};
pub use say::Why;

use std::net::IpAddr;
use std::time::Duration;

use crate::types::Time;

/// Who decides which instance is active.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Election {
    /// The two instances between themselves.
    #[default]
    Pair,
    /// A lease in an etcd cluster.
    Etcd,
    /// Somebody outside, by `twinspan role`.
    External,
}

/// What was found out on the network side about the shared address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// Another host has it: its hardware address.
    Somebody(String),
    /// Nobody answers for it.
    Nobody,
    /// Nobody could be asked, and why.
    Unknown(String),
}

/// What became of the lease in etcd.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Lease {
    /// It is ours until then, by our own clock. `term` grows with every holder.
    Held {
        /// When it is over at the latest.
        until: Time,
        /// The revision at which the key was made: the fencing token.
        term: u64,
    },
    /// Another has it, by the name that it gave.
    HeldBy(String),
    /// Nobody has it.
    Free,
    /// Etcd cannot be asked, and why. A lease that is held goes on to its end.
    Unknown(String),
}

/// The BGP address that only the active instance has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shared {
    /// The address.
    pub address: IpAddr,
    /// Where it is put, and where others can be asked and told; `lo` if `None`.
    pub interface: Option<String>,
    /// Tunnels in which it is our end: where one is an Ethernet, its far end is told who has it too.
    pub tunnels: Vec<String>,
    /// The mark by which we know it for ours: the protocol number of our routes.
    pub protocol: u8,
}

impl Shared {
    /// The interface that it is put on.
    #[must_use]
    pub fn on(&self) -> &str {
        self.interface.as_deref().unwrap_or("lo")
    }
}

/// Where the lease in etcd is, and whose it shall be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeaseAt {
    /// `http://host:port` of each member, at least one.
    pub endpoints: Vec<String>,
    /// The key that is there while somebody is active.
    pub key: String,
    /// This instance: what stands in the key.
    pub name: String,
    /// How long the lease lasts without being renewed, in whole seconds.
    pub ttl: Duration,
}

/// What became of some [`Work`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Done {
    /// Before the start: the address is there from a run before this one, and its time is not over.
    Found,
    /// The address is there, and was not.
    Held,
    /// The address cannot be put there, and why.
    NotHeld(String),
    /// The address is gone; or could not be taken away, and why.
    Dropped(Result<(), String>),
    /// Who has the address on the network side.
    Answered(Answer),
    /// What became of the lease.
    Lease(Lease),
}

/// What `io` is to do, in order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Work {
    /// Put the address there, for that time.
    Hold(Shared, Duration),
    /// Let it stay for that time from now; put it there again if it is gone.
    Renew(Shared, Duration),
    /// Tell the network side that we have it.
    Announce(Shared),
    /// Take it away, if it is ours.
    Drop(Shared),
    /// Ask the network side who has it.
    Ask(Shared),
    /// Where the lease is from now on, if there is one.
    Elect(Option<LeaseAt>),
    /// Try to get the lease in etcd, and keep it; or let it go.
    Compete(bool),
}
