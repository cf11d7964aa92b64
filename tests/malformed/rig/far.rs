//! The neighbors of a rig, and the octets that they send.

use std::{collections::BTreeMap, net::IpAddr};

use bytes::{Bytes, BytesMut};
use twinspan::types::{Asn, Family, HoldTime, Name, Prefix, RouterId};
use twinspan::wire::{Attributes, Capabilities, Capability, Context, ExtendedNextHop, Message, NextHop, Open};

/// A neighbor, seen from its own side.
pub struct Far {
    /// What the speaker calls it.
    pub name: Name,
    pub interface: &'static str,
    /// Its address, and ours towards it.
    pub address: IpAddr,
    pub ours: IpAddr,
    pub asn: u32,
    /// What it says in OPEN.
    pub open: Open,
    /// It answers dials, its OPEN follows on ours, and KEEPALIVEs follow in time. If not, whoever drives the rig does.
    pub lively: bool,
    /// Routes that it holds from us, by what the UPDATEs said. Only of a lively one.
    pub told: BTreeMap<Prefix, (Attributes, NextHop)>,
    /// End-of-RIB markers that it got.
    pub ends: Vec<Family>,
}

pub(super) fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

impl Far {
    /// A neighbor at 169.254.`net`.1; we are at .2.
    pub fn new(name: &str, interface: &'static str, net: u8, asn: u32) -> Self {
        let ipv4 = Family::Ipv4.into();
        Self {
            name: Name::new(name).expect("a name"),
            interface,
            address: address(&format!("169.254.{net}.1")),
            ours: address(&format!("169.254.{net}.2")),
            asn,
            open: Open {
                asn: Asn::new(asn),
                hold_time: HoldTime::from_secs(90).expect("not 1 or 2"),
                router_id: RouterId::new([192, 0, 2, net].into()).expect("not 0"),
                capabilities: Capabilities(vec![
                    Capability::Multiprotocol(ipv4),
                    Capability::Multiprotocol(Family::Ipv6.into()),
                    Capability::RouteRefresh,
                    Capability::ExtendedNextHop(vec![ExtendedNextHop { family: ipv4, next_hop_afi: 2 }]),
                    Capability::FourOctetAsn(Asn::new(asn)),
                    Capability::EnhancedRouteRefresh,
                ]),
            },
            lively: true,
            told: BTreeMap::new(),
            ends: Vec::new(),
        }
    }

    /// How both read and write UPDATEs.
    pub(super) fn context(&self) -> Context {
        let capabilities = &self.open.capabilities;
        Context {
            four_octet_asn: capabilities.asn().is_some(),
            extended_message: capabilities.has(&Capability::ExtendedMessage),
            ipv4_over_ipv6: capabilities.extended_next_hop(Family::Ipv4, Family::Ipv6),
            internal: self.asn == 65515,
        }
    }

    /// The octets of its OPEN.
    pub fn open_octets(&self) -> Bytes {
        encode(&Message::Open(self.open.clone()), &Context::default())
    }
}

/// The octets of a message.
pub fn encode(message: &Message, context: &Context) -> Bytes {
    let mut octets = BytesMut::new();
    message.encode(context, &mut octets);
    octets.freeze()
}

/// The octets of a message with this body, whatever it is.
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = vec![0xff; 16];
    octets.extend(u16::try_from(19 + body.len()).expect("a body that fits a message").to_be_bytes());
    octets.push(kind);
    octets.extend(body);
    octets
}

/// The octets of a KEEPALIVE.
pub(super) fn keepalive() -> Vec<u8> {
    message(4, &[])
}
