//! One message type for a routing socket: nexthop objects, and through netlink-packet-route everything else.

use netlink_packet_core::{
    DecodeError, Emitable, NetlinkDeserializable, NetlinkHeader, NetlinkPayload, NetlinkSerializable, Parseable,
    ParseableParametrized,
};
use netlink_packet_route::RouteNetlinkMessage;

use super::nexthop::NexthopMessage;
use super::nexthop::RTM_DELNEXTHOP;
use super::nexthop::RTM_GETNEXTHOP;
use super::nexthop::RTM_NEWNEXTHOP;

/// Any message of `NETLINK_ROUTE`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RoutingMessage {
    /// `RTM_NEWNEXTHOP`
    NewNexthop(NexthopMessage),
    /// `RTM_DELNEXTHOP`
    DelNexthop(NexthopMessage),
    /// `RTM_GETNEXTHOP`
    GetNexthop(NexthopMessage),
    /// What netlink-packet-route knows.
    Route(RouteNetlinkMessage),
}

impl NetlinkSerializable for RoutingMessage {
    fn message_type(&self) -> u16 {
        match self {
            Self::NewNexthop(_) => RTM_NEWNEXTHOP,
            Self::DelNexthop(_) => RTM_DELNEXTHOP,
            Self::GetNexthop(_) => RTM_GETNEXTHOP,
            Self::Route(message) => message.message_type(),
        }
    }

    fn buffer_len(&self) -> usize {
        match self {
            Self::NewNexthop(message) | Self::DelNexthop(message) | Self::GetNexthop(message) => message.buffer_len(),
            Self::Route(message) => NetlinkSerializable::buffer_len(message),
        }
    }

    fn serialize(&self, buffer: &mut [u8]) {
        match self {
            Self::NewNexthop(message) | Self::DelNexthop(message) | Self::GetNexthop(message) => message.emit(buffer),
            Self::Route(message) => message.serialize(buffer),
        }
    }
}

impl NetlinkDeserializable for RoutingMessage {
    type Error = DecodeError;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, DecodeError> {
        Ok(match header.message_type {
            RTM_NEWNEXTHOP => Self::NewNexthop(NexthopMessage::parse(payload)?),
            RTM_DELNEXTHOP => Self::DelNexthop(NexthopMessage::parse(payload)?),
            RTM_GETNEXTHOP => Self::GetNexthop(NexthopMessage::parse(payload)?),
            other => Self::Route(RouteNetlinkMessage::parse_with_param(payload, other)?),
        })
    }
}

impl From<RoutingMessage> for NetlinkPayload<RoutingMessage> {
    fn from(message: RoutingMessage) -> Self {
        Self::InnerMessage(message)
    }
}
