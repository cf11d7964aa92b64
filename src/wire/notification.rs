//! NOTIFICATION (RFC 4271 §4.5).

use bytes::Bytes;

/// Why a connection ends, as its numbers; unknown numbers are kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notification {
    /// The error code.
    pub code: u8,
    /// The subcode, 0 where there is none.
    pub subcode: u8,
    /// What belongs to it: the offending octets, or a shutdown text (RFC 9003).
    pub data: Bytes,
}
