//! The NOTIFICATIONs that a session sends by itself, by their numbers (RFC 4271 §6, 4486, 5492, 6608).

use bytes::Bytes;

use crate::wire::Notification;

const fn plain(code: u8, subcode: u8) -> Notification {
    Notification { code, subcode, data: Bytes::new() }
}

/// 2/2 Bad Peer AS (RFC 4271 §6.2).
pub(super) const BAD_PEER_AS: Notification = plain(2, 2);
/// 2/3 Bad BGP Identifier (RFC 4271 §6.2, RFC 6286 §2.2).
pub(super) const BAD_ROUTER_ID: Notification = plain(2, 3);
/// 4/0 Hold Timer Expired (RFC 4271 §6.5).
pub(super) const HOLD_TIMER: Notification = plain(4, 0);
/// 6/5 Connection Rejected (RFC 4486 §4).
pub(super) const REJECTED: Notification = plain(6, 5);
/// 6/7 Connection Collision Resolution (RFC 4486 §4).
pub(super) const COLLISION: Notification = plain(6, 7);

/// 2/7 Unsupported Capability, with the capabilities that the peer would have needed (RFC 5492 §5).
pub(super) fn missing_capability(data: Bytes) -> Notification {
    Notification { data, ..plain(2, 7) }
}

/// 5/1, 5/2 or 5/3: a message of type `kind` in OpenSent, OpenConfirm or Established (RFC 6608 §3-4).
pub(super) fn unexpected(subcode: u8, kind: u8) -> Notification {
    Notification { data: Bytes::copy_from_slice(&[kind]), ..plain(5, subcode) }
}
