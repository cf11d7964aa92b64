//! Operations as octets.
//!
//! Routes are written by hand into one buffer, since there are a million of them; a test holds the octets against
//! netlink-packet-route's reading.

use std::net::IpAddr;

use netlink_packet_core::{Emitable, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST};

use crate::fib::Group;
use crate::fib::NextHop;
use crate::fib::OldRoute;
use crate::fib::Op;
use crate::fib::Settings;
use crate::fib::Target;
use crate::types::Family;
use crate::types::Prefix;

use super::nexthop::NEXTHOP_GRP_TYPE_RES;
use super::nexthop::NexthopAttribute;
use super::nexthop::NexthopGroupEntry;
use super::nexthop::NexthopHeader;
use super::nexthop::NexthopMessage;
use super::nexthop::RTM_DELNEXTHOP;
use super::nexthop::RTM_NEWNEXTHOP;
use super::nexthop::RTNH_F_ONLINK;
use super::nexthop::ResilientGroupAttribute;

pub(super) const AF_UNSPEC: u8 = 0;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

pub(super) const RTM_NEWROUTE: u16 = 24;
pub(super) const RTM_DELROUTE: u16 = 25;
pub(super) const RTM_GETROUTE: u16 = 26;

pub(super) const RTA_DST: u16 = 1;
pub(super) const RTA_OIF: u16 = 4;
pub(super) const RTA_GATEWAY: u16 = 5;
pub(super) const RTA_PRIORITY: u16 = 6;
pub(super) const RTA_MULTIPATH: u16 = 9;
pub(super) const RTA_VIA: u16 = 18;
pub(super) const RTA_TABLE: u16 = 15;
pub(super) const RTA_NH_ID: u16 = 30;

const RT_SCOPE_UNIVERSE: u8 = 0;
const RT_SCOPE_LINK: u8 = 253;
const RT_SCOPE_NOWHERE: u8 = 255;
const RTN_UNICAST: u8 = 1;
const RTM_F_FIB_MATCH: u32 = 0x2000;

/// `struct nlmsghdr`
pub(super) const HEADER: usize = 16;

/// `AF_INET` or `AF_INET6`.
pub(super) fn family_number(family: Family) -> u8 {
    match family {
        Family::Ipv4 => AF_INET,
        Family::Ipv6 => AF_INET6,
    }
}

/// The metric that the kernel stores: IPv6 has none below 1 and takes 1024 for 0.
pub(super) fn metric(settings: &Settings, family: Family) -> u32 {
    if family == Family::Ipv6 && settings.metric == 0 { 1024 } else { settings.metric }
}

/// Messages one behind the other.
#[derive(Default)]
pub(super) struct Requests {
    octets: Vec<u8>,
    /// Where the last message begins.
    last: usize,
}

impl Requests {
    pub(super) fn clear(&mut self) {
        self.octets.clear();
    }

    pub(super) fn octets(&self) -> &[u8] {
        &self.octets
    }

    pub(super) fn len(&self) -> usize {
        self.octets.len()
    }

    /// Asks for a reply to the last message even if it succeeds.
    pub(super) fn acknowledge(&mut self) {
        if let Some(flags) = self.octets.get_mut(self.last + 6..self.last + 8) {
            let both = u16::from_ne_bytes([flags[0], flags[1]]) | NLM_F_ACK;
            flags.copy_from_slice(&both.to_ne_bytes());
        }
    }

    /// One message; `body` writes what is behind the header.
    pub(super) fn message(&mut self, kind: u16, flags: u16, sequence: u32, body: impl FnOnce(&mut Vec<u8>)) {
        self.last = self.octets.len();
        self.octets.extend_from_slice(&[0; 4]);
        self.octets.extend_from_slice(&kind.to_ne_bytes());
        self.octets.extend_from_slice(&(NLM_F_REQUEST | flags).to_ne_bytes());
        self.octets.extend_from_slice(&sequence.to_ne_bytes());
        self.octets.extend_from_slice(&[0; 4]);
        body(&mut self.octets);
        let length = u32::try_from(self.octets.len() - self.last).expect("a message is far below 4 GiB");
        if let Some(field) = self.octets.get_mut(self.last..self.last + 4) {
            field.copy_from_slice(&length.to_ne_bytes());
        }
    }

    pub(super) fn op(&mut self, settings: &Settings, op: &Op, sequence: u32) {
        match op {
            Op::AddNextHop(hop) => {
                self.nexthop(RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_REPLACE, sequence, &next_hop(settings, hop));
            }
            Op::SetGroup(set) => {
                self.nexthop(RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_REPLACE, sequence, &group(settings, set));
            }
            Op::AddRoute(prefix, target) => {
                self.set_route(settings, NLM_F_CREATE | NLM_F_EXCL, sequence, prefix, *target);
            }
            Op::ReplaceRoute(prefix, target) => {
                self.set_route(settings, NLM_F_CREATE | NLM_F_REPLACE, sequence, prefix, *target);
            }
            Op::DeleteRoute(prefix) => self.message(RTM_DELROUTE, 0, sequence, |out| {
                // The kernel compares protocol and metric, so that somebody else's route of the prefix stays.
                route_header(out, settings, prefix, RT_SCOPE_NOWHERE, 0);
            }),
            Op::DeleteOld(old) => self.message(RTM_DELROUTE, 0, sequence, |out| {
                let OldRoute { prefix, table, protocol, metric, target: _ } = old;
                let theirs = Settings { table: *table, protocol: *protocol, metric: *metric, ..settings.clone() };
                route_header(out, &theirs, prefix, RT_SCOPE_NOWHERE, 0);
            }),
            Op::DeleteGroup(id) | Op::DeleteNextHop(id) => {
                let attributes = vec![NexthopAttribute::Id(*id)];
                let message = NexthopMessage { header: NexthopHeader::default(), attributes };
                self.nexthop(RTM_DELNEXTHOP, 0, sequence, &message);
            }
        }
    }

    pub(super) fn set_route(
        &mut self,
        settings: &Settings,
        flags: u16,
        sequence: u32,
        prefix: &Prefix,
        target: Target,
    ) {
        self.message(RTM_NEWROUTE, flags, sequence, |out| {
            let on_link = matches!(target, Target::Link(_)) && prefix.family() == Family::Ipv4;
            let scope = if on_link { RT_SCOPE_LINK } else { RT_SCOPE_UNIVERSE };
            route_header(out, settings, prefix, scope, RTN_UNICAST);
            match target {
                Target::Group(id) => attribute(out, RTA_NH_ID, &id.to_ne_bytes()),
                Target::Link(link) => attribute(out, RTA_OIF, &link.get().to_ne_bytes()),
                Target::Other => {} // never wanted; the kernel refuses a route that leads nowhere
            }
        });
    }

    pub(super) fn nexthop(&mut self, kind: u16, flags: u16, sequence: u32, message: &NexthopMessage) {
        self.message(kind, flags, sequence, |out| {
            let start = out.len();
            out.resize(start + message.buffer_len(), 0);
            if let Some(buffer) = out.get_mut(start..) {
                message.emit(buffer);
            }
        });
    }

    /// All routes of a family that carry a protocol number, in a table or in all of them.
    pub(super) fn dump_routes(&mut self, protocol: u8, table: Option<u32>, family: Family, sequence: u32) {
        self.message(RTM_GETROUTE, NLM_F_DUMP, sequence, |out| {
            let family = family_number(family);
            out.extend_from_slice(&[family, 0, 0, 0, 0, protocol, 0, 0, 0, 0, 0, 0]);
            if let Some(table) = table {
                attribute(out, RTA_TABLE, &table.to_ne_bytes());
            }
        });
    }

    /// The route that the kernel would take for the first address of a prefix.
    pub(super) fn route_for(&mut self, prefix: &Prefix, sequence: u32) {
        self.way_to(prefix, true, sequence);
    }

    /// The same: the entry that it finds, or else the way that a packet takes by it.
    pub(super) fn way_to(&mut self, prefix: &Prefix, entry: bool, sequence: u32) {
        self.message(RTM_GETROUTE, 0, sequence, |out| {
            let family = family_number(prefix.family());
            let flags = if entry { RTM_F_FIB_MATCH } else { 0 };
            out.extend_from_slice(&[family, prefix.family().bits(), 0, 0, 0, 0, 0, 0]);
            out.extend_from_slice(&flags.to_ne_bytes());
            address(out, RTA_DST, prefix.addr());
        });
    }
}

fn route_header(out: &mut Vec<u8>, settings: &Settings, prefix: &Prefix, scope: u8, kind: u8) {
    let table = u8::try_from(settings.table).unwrap_or(0);
    let family = family_number(prefix.family());
    out.extend_from_slice(&[family, prefix.len(), 0, 0, table, settings.protocol, scope, kind, 0, 0, 0, 0]);
    address(out, RTA_DST, prefix.addr());
    attribute(out, RTA_TABLE, &settings.table.to_ne_bytes());
    attribute(out, RTA_PRIORITY, &metric(settings, prefix.family()).to_ne_bytes());
}

fn address(out: &mut Vec<u8>, kind: u16, address: IpAddr) {
    match address {
        IpAddr::V4(address) => attribute(out, kind, &address.octets()),
        IpAddr::V6(address) => attribute(out, kind, &address.octets()),
    }
}

/// An attribute whose value is a multiple of four octets.
fn attribute(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    debug_assert!(value.len().is_multiple_of(4));
    let length = u16::try_from(value.len() + 4).expect("our values are addresses and numbers");
    out.extend_from_slice(&length.to_ne_bytes());
    out.extend_from_slice(&kind.to_ne_bytes());
    out.extend_from_slice(value);
}

/// A next hop as the kernel is told of it.
pub(super) fn next_hop(settings: &Settings, hop: &NextHop) -> NexthopMessage {
    let mut attributes = vec![NexthopAttribute::Id(hop.id), NexthopAttribute::Oif(hop.link.get())];
    attributes.extend(hop.gateway.map(NexthopAttribute::Gateway));
    let flags = if hop.gateway.is_some() { RTNH_F_ONLINK } else { 0 };
    let header = NexthopHeader { family: family_number(hop.family), scope: 0, protocol: settings.protocol, flags };
    NexthopMessage { header, attributes }
}

/// A group as the kernel is told of it.
pub(super) fn group(settings: &Settings, group: &Group) -> NexthopMessage {
    let entry = |(id, weight): &(u32, crate::types::Weight)| {
        let [weight_high, weight] = (weight.get() - 1).to_be_bytes();
        NexthopGroupEntry { id: *id, weight, weight_high }
    };
    let idle = u32::try_from(group.idle_timer.as_millis() / 10).unwrap_or(u32::MAX);
    let attributes = vec![
        NexthopAttribute::Id(group.id),
        NexthopAttribute::Group(group.members.iter().map(entry).collect()),
        NexthopAttribute::GroupType(NEXTHOP_GRP_TYPE_RES),
        NexthopAttribute::ResilientGroup(vec![
            ResilientGroupAttribute::Buckets(group.buckets),
            ResilientGroupAttribute::IdleTimer(idle),
        ]),
    ];
    let header = NexthopHeader { family: AF_UNSPEC, protocol: settings.protocol, ..NexthopHeader::default() };
    NexthopMessage { header, attributes }
}
