//! What an operator wants to know of a neighbor.

use std::fmt;

use super::{DownReason, Negotiated};
use crate::types::Time;
use crate::wire::{Capabilities, MessageKind, Notification};

/// The state of a neighbor: that of its furthest connection, or what it does to get one (RFC 4271 §8.2.2).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum StateName {
    /// Stopped, or waiting longer because attempts failed.
    Idle,
    /// Dialling.
    Connect,
    /// Waiting for the neighbor to dial, or for the next attempt.
    Active,
    /// Connected; the neighbor's OPEN is missing.
    OpenSent,
    /// OPENs are exchanged; its first KEEPALIVE is missing.
    OpenConfirm,
    /// Routes are exchanged.
    Established,
}

impl StateName {
    /// The RFC's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::Connect => "Connect",
            Self::Active => "Active",
            Self::OpenSent => "OpenSent",
            Self::OpenConfirm => "OpenConfirm",
            Self::Established => "Established",
        }
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Messages by type, since the peer was made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(missing_docs)]
pub struct Counters {
    pub opens: u64,
    pub updates: u64,
    pub notifications: u64,
    pub keepalives: u64,
    pub refreshes: u64,
}

impl Counters {
    pub(super) fn count(&mut self, kind: MessageKind) {
        let counter = match kind {
            MessageKind::Open => &mut self.opens,
            MessageKind::Update => &mut self.updates,
            MessageKind::Notification => &mut self.notifications,
            MessageKind::Keepalive => &mut self.keepalives,
            MessageKind::Refresh => &mut self.refreshes,
        };
        *counter += 1;
    }

    /// Of all types.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.opens + self.updates + self.notifications + self.keepalives + self.refreshes
    }
}

/// One end of a session, or of an attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Down {
    /// When.
    pub at: Time,
    /// Why.
    pub reason: DownReason,
    /// True if a session ended, false if none came about.
    pub established: bool,
}

/// All that is known of a neighbor's session.
#[derive(Clone, Debug)]
pub struct Status {
    /// Its state.
    pub state: StateName,
    /// When it became Established; while it is down: when it went down, or started.
    pub since: Time,
    /// True after a stop, until the next start.
    pub stopped: bool,
    /// What was agreed on, while Established.
    pub negotiated: Option<Negotiated>,
    /// How the last session or attempt ended.
    pub last_down: Option<Down>,
    /// The last NOTIFICATION from the peer.
    pub last_received: Option<(Time, Notification)>,
    /// The last NOTIFICATION to the peer.
    pub last_sent: Option<(Time, Notification)>,
    /// When it dials next, if it waits to do so.
    pub retry_at: Option<Time>,
    /// Attempts that failed since a session was last Established.
    pub failed_attempts: u32,
    /// How many times a session became Established.
    pub established_count: u32,
    /// How many sessions ended.
    pub flaps: u32,
    /// Messages from the peer.
    pub received: Counters,
    /// Messages to the peer.
    pub sent: Counters,
    /// What we announce.
    pub local_capabilities: Capabilities,
    /// What the peer announced in its last OPEN, also in one that was refused.
    pub remote_capabilities: Option<Capabilities>,
}
