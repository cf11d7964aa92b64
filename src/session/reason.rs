//! Why a connection or a session ended, for people.

use std::fmt;
use std::time::Duration;

use crate::types::{Asn, Family, RouterId};
use crate::wire::{Cease, Error, Notification};

/// Why a connection, a session or an attempt at one ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DownReason {
    /// The peer said so.
    Received(Notification),
    /// The peer was silent for the hold time.
    HoldExpired,
    /// The peer took nothing of what was sent for the send hold time (RFC 9687).
    SendHoldExpired,
    /// The peer's host answered nothing of what it was sent for so long: the way to it is dead.
    Unanswered(Duration),
    /// The connection broke without a word.
    Lost(String),
    /// There was no connection to be had.
    Connect(String),
    /// Its AS is not the configured one.
    PeerAs {
        /// What its OPEN said.
        got: Asn,
        /// What was configured.
        expected: Asn,
    },
    /// A peer of our own AS has our own identifier (RFC 6286 §2.2).
    RouterId(RouterId),
    /// Its OPEN offers none of our families (RFC 5492 §3).
    NoFamily {
        /// What we offer.
        ours: Vec<Family>,
    },
    /// It sent a message that its state does not allow (RFC 6608).
    Unexpected {
        /// Which message.
        message: &'static str,
        /// The state that we were in.
        state: &'static str,
    },
    /// It sent octets that are no message (RFC 4271 §6.1-6.3).
    Malformed(Error),
    /// We ended it ourselves, and told the peer this.
    Stopped(Notification),
    /// We ended it ourselves without a word: the peer keeps our routes, for we come back (RFC 4724).
    Left,
    /// Of two connections, the other was kept (RFC 4271 §6.8).
    Collision,
    /// The peer moved the session to a newer connection, as one that restarted does.
    Replaced,
}

impl DownReason {
    /// True if an attempt so soon again would likely end the same way: the wait before the next one grows.
    pub(super) fn is_error(&self) -> bool {
        match self {
            Self::Received(_) => !self.is_collision(),
            Self::HoldExpired
            | Self::SendHoldExpired
            | Self::Unanswered(_)
            | Self::Lost(_)
            | Self::PeerAs { .. }
            | Self::RouterId(_)
            | Self::NoFamily { .. }
            | Self::Unexpected { .. }
            | Self::Malformed(_) => true,
            Self::Connect(_) | Self::Stopped(_) | Self::Left | Self::Collision | Self::Replaced => false,
        }
    }

    /// True if nothing came from the peer for so long that what is between us may be dead. A connection that was closed or
    /// reset is none of that: somebody at the other end did it.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        match self {
            Self::HoldExpired | Self::Unanswered(_) => true,
            Self::Lost(reason) => reason.to_ascii_lowercase().contains("timed out"),
            Self::Received(_)
            | Self::SendHoldExpired
            | Self::Connect(_)
            | Self::PeerAs { .. }
            | Self::RouterId(_)
            | Self::NoFamily { .. }
            | Self::Unexpected { .. }
            | Self::Malformed(_)
            | Self::Stopped(_)
            | Self::Left
            | Self::Collision
            | Self::Replaced => false,
        }
    }

    /// True if it is news even while another connection is under way. Of two connections the peer often drops one
    /// without a word, which is not.
    pub(super) fn is_fault_of_its_own(&self) -> bool {
        self.is_error() && !matches!(self, Self::Lost(_))
    }

    /// True if this connection made way for another one, on whichever side.
    pub(super) fn is_collision(&self) -> bool {
        match self {
            Self::Collision | Self::Replaced => true,
            Self::Received(notification) => {
                let collision = Notification::from(Cease::CollisionResolution);
                (notification.code, notification.subcode) == (collision.code, collision.subcode)
            }
            Self::HoldExpired
            | Self::SendHoldExpired
            | Self::Unanswered(_)
            | Self::Lost(_)
            | Self::Connect(_)
            | Self::PeerAs { .. }
            | Self::RouterId(_)
            | Self::NoFamily { .. }
            | Self::Unexpected { .. }
            | Self::Malformed(_)
            | Self::Stopped(_)
            | Self::Left => false,
        }
    }
}

impl fmt::Display for DownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Received(notification) => write!(f, "received {notification}"),
            Self::HoldExpired => f.write_str("hold timer expired"),
            Self::SendHoldExpired => f.write_str("send hold timer expired: the peer reads nothing of what it is sent"),
            Self::Unanswered(silent) => {
                write!(f, "the peer's host answered nothing of what it was sent for {} s", silent.as_secs())
            }
            Self::Lost(reason) => write!(f, "connection lost: {reason}"),
            Self::Connect(reason) => write!(f, "connect: {reason}"),
            Self::PeerAs { got, expected } => write!(f, "peer's AS is {got}, {expected} was expected"),
            Self::RouterId(id) => write!(f, "peer of our own AS has our own router id {id}"),
            Self::NoFamily { ours } => {
                f.write_str("peer offers none of our families (")?;
                for (index, family) in ours.iter().enumerate() {
                    write!(f, "{}{family}", if index > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
            Self::Unexpected { message, state } => write!(f, "peer sent {message} in state {state}"),
            Self::Malformed(error) => write!(f, "peer sent a wrong message: {error}"),
            Self::Stopped(notification) => write!(f, "sent {notification}"),
            Self::Left => f.write_str("closed without a word: the peer keeps our routes until we are back"),
            Self::Collision => f.write_str("another connection to this peer was kept"),
            Self::Replaced => f.write_str("peer opened a newer connection"),
        }
    }
}
