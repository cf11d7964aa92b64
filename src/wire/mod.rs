//! Octets to [`Message`] and back. Owns the formats of BGP-4 (RFC 4271 and its extensions); knows no session.
//!
//! What RFC 7606 softens is a value in [`Update`] ([`Fault`]), never an [`Error`]: an `Error` ends the connection.

pub mod attr;
mod capability;
mod error;
mod frame;
mod nlri;
mod notification;
mod open;
mod refresh;
mod update;

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod tests;

use bytes::BytesMut;

pub use attr::{
    Aggregator, AsPath, AttributeFlags, Attributes, ClusterId, Community, CommunityError, ExtendedCommunity,
    LargeCommunity, NextHop, Origin, Partial, PathSegment, SegmentKind, UnknownAttribute,
};
pub use capability::{Capabilities, Capability, ExtendedNextHop, FamilyCode, GracefulFamily, GracefulRestart};
pub use error::Error;
pub use frame::{Deframer, Frame, MessageKind};
pub use notification::{Cease, Fsm, Notification};
pub use open::Open;
pub use refresh::{Refresh, RefreshKind};
pub use update::{Fault, FaultAction, Reach, Update, encode_end_of_rib, encode_reach, encode_withdraw};

/// One BGP message (RFC 4271 §4, RFC 2918).
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::large_enum_variant)] // nearly every message is the large one
pub enum Message {
    /// Type 1: who the speaker is and what it can do.
    Open(Open),
    /// Type 2: routes come and go.
    Update(Update),
    /// Type 3: why the connection ends.
    Notification(Notification),
    /// Type 4: still here.
    Keepalive,
    /// Type 5: send it all again (RFC 2918, RFC 7313).
    Refresh(Refresh),
}

/// What both sides agreed on that changes how octets are read and written.
///
/// Before the OPENs are exchanged it is [`Context::default`]: two octets, 4,096 octets, IPv4 only.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Context {
    /// AS numbers in AS_PATH and AGGREGATOR have four octets (RFC 6793): both sides said so.
    pub four_octet_asn: bool,
    /// Messages of up to 65,535 octets may be *sent* to the peer; what it may send us is the deframer's (RFC 8654).
    pub extended_message: bool,
    /// IPv4 NLRI may come with an IPv6 next hop in MP_REACH_NLRI (RFC 8950).
    pub ipv4_over_ipv6: bool,
    /// The session is with the own AS: LOCAL_PREF, ORIGINATOR_ID and CLUSTER_LIST mean something (RFC 4271 §5.1.5).
    pub internal: bool,
}

impl Context {
    /// The most octets of a message to the peer.
    #[must_use]
    pub const fn max_len(&self) -> usize {
        if self.extended_message { frame::MAX_EXTENDED_LEN } else { frame::MAX_LEN }
    }
}

impl Message {
    /// Reads one message. Does not ask whether it may come now or names a family that was agreed on: the session does.
    pub fn decode(frame: &Frame, context: &Context) -> Result<Self, Error> {
        let body = frame.body();
        Ok(match frame.kind() {
            MessageKind::Open => Self::Open(Open::decode(body)?),
            MessageKind::Update => Self::Update(Update::decode(body, context)?),
            MessageKind::Notification => Self::Notification(Notification::decode(body)?),
            MessageKind::Keepalive => Self::Keepalive,
            MessageKind::Refresh => Self::Refresh(Refresh::decode(body)?),
        })
    }

    /// Writes it, header included, behind what `out` holds.
    ///
    /// An `Update` becomes as many messages as it takes: one UPDATE holds either withdrawals or routes of one family
    /// (RFC 7606 §5.1), and no more of them than fit. Routes whose attributes alone do not fit are withdrawn
    /// (RFC 8654 §4). One that says nothing becomes no message.
    pub fn encode(&self, context: &Context, out: &mut BytesMut) {
        match self {
            Self::Open(open) => frame::write(MessageKind::Open, out, |out| open.encode(out)),
            Self::Update(update) => update.encode(context, out),
            Self::Notification(notification) => {
                let room = context.max_len() - frame::HEADER_LEN;
                frame::write(MessageKind::Notification, out, |out| notification.encode(room, out));
            }
            Self::Keepalive => frame::write(MessageKind::Keepalive, out, |_| {}),
            Self::Refresh(refresh) => frame::write(MessageKind::Refresh, out, |out| refresh.encode(out)),
        }
    }

    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::Open(_) => MessageKind::Open,
            Self::Update(_) => MessageKind::Update,
            Self::Notification(_) => MessageKind::Notification,
            Self::Keepalive => MessageKind::Keepalive,
            Self::Refresh(_) => MessageKind::Refresh,
        }
    }
}
