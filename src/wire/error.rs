//! Why octets were refused, and what the peer is told (RFC 4271 §6).

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    Notification,
    frame::{HEADER_LEN, MARKER},
};

/// Why octets were refused: each variant ends the connection with one NOTIFICATION (RFC 4271 §6).
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// 1/1: the marker is not all ones.
    #[error("the marker of a message is not all ones")]
    Marker,
    /// 1/2: a length that the type of message, or any message, cannot have.
    #[error("a message cannot have a length of {0} octets")]
    Length(u16),
    /// 1/3.
    #[error("there is no message of type {0}")]
    Type(u8),
    /// 2/1: not BGP-4.
    #[error("BGP version {0} is not spoken here, version 4 is")]
    Version(u8),
    /// 2/2: AS 0 (RFC 7607 §2). Whether it is the peer's configured AS is the session's to check.
    #[error("AS 0 in OPEN")]
    Asn,
    /// 2/3: 0.0.0.0 (RFC 6286 §2.2).
    #[error("0.0.0.0 as BGP Identifier")]
    RouterId,
    /// 2/4: an optional parameter that is not Capabilities.
    #[error("optional parameter {0} of OPEN is not known")]
    OptionalParameter(u8),
    /// 2/0: optional parameters or capabilities that do not fill their lengths.
    #[error("malformed optional parameters in OPEN")]
    OptionalParameters,
    /// 2/6.
    #[error("hold time of {0} s is below 3 s")]
    HoldTime(u16),
    /// 3/1: lengths that do not add up, or MP_REACH_NLRI or MP_UNREACH_NLRI twice (RFC 7606 §3).
    #[error("malformed attribute list: {0}")]
    AttributeList(&'static str),
    /// 3/2: a well-known attribute that is not known; holds it whole.
    #[error("well-known attribute {code} is not known", code = code(.0))]
    WellKnown(Bytes),
    /// 3/9: MP_REACH_NLRI or MP_UNREACH_NLRI whose prefixes cannot be found (RFC 7606 §5.3, §7.11); holds it whole.
    #[error("attribute {code} is malformed: {reason}", code = code(.attribute))]
    OptionalAttribute {
        /// The attribute, flags and all.
        attribute: Bytes,
        /// What was wrong, for people.
        reason: &'static str,
    },
    /// 3/10: withdrawn routes or NLRI whose prefixes cannot be found (RFC 7606 §5.3).
    #[error("the {0} cannot be read as prefixes")]
    Network(&'static str),
    /// 7/1: a ROUTE-REFRESH with subtype 1 or 2 of a wrong length; holds its body (RFC 7313 §5).
    #[error("a ROUTE-REFRESH cannot have a length of {len} octets", len = HEADER_LEN + .0.len())]
    RefreshLength(Bytes),
}

/// The type code of an attribute that is held whole.
fn code(attribute: &Bytes) -> u8 {
    attribute.get(1).copied().unwrap_or_default()
}

impl Error {
    /// The same fault from a peer for which subtypes of ROUTE-REFRESH mean nothing: a wrong length of a message
    /// (RFC 7313 §5).
    #[must_use]
    pub fn without_enhanced_refresh(self) -> Self {
        match self {
            Self::RefreshLength(body) => super::Refresh::length(&body),
            other => other,
        }
    }

    /// What the peer is told before the connection closes.
    #[must_use]
    pub fn notification(&self) -> Notification {
        let (code, subcode, data) = match self {
            Self::Marker => (1, 1, Bytes::new()),
            Self::Length(length) => (1, 2, Bytes::copy_from_slice(&length.to_be_bytes())),
            Self::Type(kind) => (1, 3, Bytes::copy_from_slice(&[*kind])),
            Self::OptionalParameters => (2, 0, Bytes::new()),
            Self::Version(_) => (2, 1, Bytes::from_static(&[0, 4])),
            Self::Asn => (2, 2, Bytes::new()),
            Self::RouterId => (2, 3, Bytes::new()),
            Self::OptionalParameter(_) => (2, 4, Bytes::new()),
            Self::HoldTime(_) => (2, 6, Bytes::new()),
            Self::AttributeList(_) => (3, 1, Bytes::new()),
            Self::WellKnown(attribute) => (3, 2, attribute.clone()),
            Self::OptionalAttribute { attribute, .. } => (3, 9, attribute.clone()),
            Self::Network(_) => (3, 10, Bytes::new()),
            Self::RefreshLength(body) => (7, 1, refresh(body)),
        };
        Notification::with_data(code, subcode, data)
    }
}

/// The complete message around a body of ROUTE-REFRESH.
fn refresh(body: &Bytes) -> Bytes {
    let mut whole = BytesMut::with_capacity(HEADER_LEN + body.len());
    whole.extend_from_slice(&MARKER);
    // The body came in a frame, so the length of both fits its two octets.
    whole.put_u16(u16::try_from(HEADER_LEN + body.len()).unwrap_or(u16::MAX));
    whole.put_u8(5);
    whole.extend_from_slice(body);
    whole.freeze()
}
