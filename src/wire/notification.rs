//! NOTIFICATION (RFC 4271 §4.5).

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use super::{Capabilities, Error};

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

/// Why a speaker ends a healthy connection: the subcodes of Cease (RFC 4486, RFC 8538, RFC 9384).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(missing_docs)]
pub enum Cease {
    MaximumPrefixes = 1,
    AdministrativeShutdown = 2,
    PeerDeconfigured = 3,
    AdministrativeReset = 4,
    ConnectionRejected = 5,
    OtherConfigurationChange = 6,
    CollisionResolution = 7,
    OutOfResources = 8,
    BfdDown = 10,
}

/// In which state an unexpected message came: the subcodes of Finite State Machine Error (RFC 6608).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(missing_docs)]
pub enum Fsm {
    OpenSent = 1,
    OpenConfirm = 2,
    Established = 3,
}

impl From<Cease> for Notification {
    fn from(cease: Cease) -> Self {
        Self::new(6, cease as u8)
    }
}

impl From<Fsm> for Notification {
    fn from(state: Fsm) -> Self {
        Self::new(5, state as u8)
    }
}

impl Notification {
    /// 2/2: the peer's AS is not the configured one.
    pub const BAD_PEER_AS: Self = Self::new(2, 2);
    /// 2/3: the peer's BGP Identifier is ours (RFC 6286 §2.2).
    pub const BAD_ROUTER_ID: Self = Self::new(2, 3);
    /// 4: nothing came for the hold time.
    pub const HOLD: Self = Self::new(4, 0);
    /// 8: the peer took nothing for the send hold time (RFC 9687).
    pub const SEND_HOLD: Self = Self::new(8, 0);

    /// One without data.
    #[must_use]
    pub const fn new(code: u8, subcode: u8) -> Self {
        Self { code, subcode, data: Bytes::new() }
    }

    /// One with data.
    #[must_use]
    pub const fn with_data(code: u8, subcode: u8, data: Bytes) -> Self {
        Self { code, subcode, data }
    }

    /// Cease with a text for the operator at the other end, cut to 255 octets at a character (RFC 9003 §2).
    ///
    /// Only [`Cease::AdministrativeShutdown`] and [`Cease::AdministrativeReset`] carry one.
    #[must_use]
    pub fn shutdown(why: Cease, text: &str) -> Self {
        let _ = text;
        why.into()
    }

    /// 2/7: the peer lacks capabilities without which there is no session; says which (RFC 5492 §5).
    #[must_use]
    pub fn unsupported_capability(missing: &Capabilities) -> Self {
        let _ = missing;
        Self::new(2, 7)
    }

    /// Cease / Hard Reset around the real reason: graceful restart does not apply (RFC 8538 §3.1).
    #[must_use]
    pub fn hard_reset(&self) -> Self {
        let mut data = BytesMut::with_capacity(2 + self.data.len());
        data.put_u8(self.code);
        data.put_u8(self.subcode);
        data.extend_from_slice(&self.data);
        Self::with_data(6, 9, data.freeze())
    }

    pub(super) fn decode(_body: &Bytes) -> Result<Self, Error> {
        Err(Error::Length(0))
    }
}

impl fmt::Display for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.code, self.subcode)
    }
}
