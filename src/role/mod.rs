//! Which of the two instances is active, where only one is: `mode = "active-standby"`.
//!
//! [`Machine`] owns the role of this instance: what it takes to claim it, how long a claim lasts, and when it is given
//! up. It is told what the twin says, whether the network side still answers for the shared address, and what people
//! want; it says when to take over and when to stop. `io` has the sockets. It never closes a session and never touches an
//! address: who obeys it does. The rules and their bounds are in `docs/decisions/0022-election.md`.

mod claim;

mod lease;
mod machine;
mod pair;
mod say;
#[cfg(test)]
mod tests;

pub use claim::{Claim, Stance};
pub use machine::{Input, Machine, Output, Refusal, Settings, View, Wish};
pub use say::Why;

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
