//! What happens to a neighbor, and what it then wants done.

use std::time::Duration;

use bytes::Bytes;

use super::{DownReason, Negotiated, OwnRestart, Settings};
use crate::types::{ConnId, Family};
use crate::wire::{MessageKind, Notification, Refresh, Update};

/// What happens to a neighbor. Inputs about a connection that it does not know are ignored.
#[derive(Clone, Debug)]
pub enum Input {
    /// Come up: dial, accept.
    Start,
    /// Go down with this NOTIFICATION and stay down until `Start`. The neighbor shall keep none of our routes, so it is
    /// told inside a Hard Reset where that is needed (RFC 8538 §3).
    Stop(Notification),
    /// Go down with this NOTIFICATION and come up again. A neighbor with which that was agreed on keeps our routes, unless
    /// the reason forbids it or it is a Hard Reset (RFC 8538 §3).
    Restart(Notification),
    /// Go down and stay down, so that the neighbor keeps our routes until we come back: with this NOTIFICATION where it
    /// may be told, without a word where it would forget them (RFC 4724 §4.1, RFC 8538 §4).
    Leave(Notification),
    /// What the next OPENs say of our own restart.
    Announce(OwnRestart),
    /// Go on by other settings: timers at once, what the ends agree on with the next session (`Restart`).
    Configure(Box<Settings>),
    /// The way to the neighbor has just come up: dial at once, forget earlier failures.
    DialNow,
    /// A dialled connection is up.
    Connected {
        /// Which.
        conn: ConnId,
    },
    /// A dialled connection did not come up.
    ConnectFailed {
        /// Which.
        conn: ConnId,
        /// Why.
        reason: String,
    },
    /// The neighbor dialled us.
    Accepted {
        /// The new connection.
        conn: ConnId,
    },
    /// Octets came in.
    Octets {
        /// On which connection.
        conn: ConnId,
        /// As they came, cut anywhere.
        octets: Bytes,
    },
    /// A connection is gone: closed by the peer, or broken.
    Lost {
        /// Which.
        conn: ConnId,
        /// Why.
        reason: String,
    },
    /// One UPDATE or ROUTE-REFRESH was handed to this connection: it counts, and it stands for a KEEPALIVE.
    Sent {
        /// Which.
        conn: ConnId,
        /// What it was.
        kind: MessageKind,
    },
    /// Ask the neighbor for all its routes of a family again (RFC 2918). Nothing happens where [`Peer::refreshes`] says
    /// why it cannot be asked.
    Refresh(Family),
    /// The answer to [`Output::Measure`].
    Measured {
        /// Which.
        conn: ConnId,
        /// Octets that the peer has not taken yet.
        waiting: u64,
        /// Octets that it has taken since the connection came up.
        taken: u64,
        /// How long nothing came from the peer's host, if that owes an answer to what is on the wire.
        silent: Option<Duration>,
    },
}

/// What a neighbor wants done, in this order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Output {
    /// Open a connection to it; answer `Connected` or `ConnectFailed`.
    Dial {
        /// Its id from now on.
        conn: ConnId,
    },
    /// Send these octets.
    Send {
        /// On which connection.
        conn: ConnId,
        /// Whole messages.
        octets: Bytes,
    },
    /// Close it when all that was sent is out; give up if it is still being dialled. Nothing about it is heard again.
    Close {
        /// Which.
        conn: ConnId,
    },
    /// Close it at once and forget what it was sent: the peer takes nothing. Nothing about it is heard again.
    Abort {
        /// Which.
        conn: ConnId,
    },
    /// Look at what waits to be sent; answer `Measured`.
    Measure {
        /// On which connection.
        conn: ConnId,
    },
    /// The session is up.
    Established(Negotiated),
    /// The session that was `Established` is over.
    Down(DownReason),
    /// An attempt at a session failed, and not as the one before it did.
    Failed(DownReason),
    /// The peer's routes, in order.
    Update(Update),
    /// A ROUTE-REFRESH of a family that was agreed on, or one of an unknown subtype.
    Refresh(Refresh),
}
