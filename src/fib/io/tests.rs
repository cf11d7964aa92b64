//! Octets: ours against the kernel's own and against netlink-packet-route's reading.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use netlink_packet_core::{
    Emitable, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
    Parseable,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::route::{RouteAttribute, RouteProtocol, RouteScope, RouteType};
use proptest::prelude::*;

use crate::fib::Group;
use crate::fib::NextHop;
use crate::fib::Op;
use crate::fib::Settings;
use crate::fib::Target;
use crate::types::Family;
use crate::types::LinkIndex;
use crate::types::Prefix;
use crate::types::Weight;

use super::message::RoutingMessage;
use super::nexthop::*;
use super::request::Requests;
use super::socket::Reply;
use super::socket::messages;
use super::socket::reply;

/// Lines of a dump of Linux 6.18 on a little-endian machine.
const HOP4: &str = "02fdb3000400000008000100010000000800050003000000080006000a630001";
const HOP6: &str = "0afdb300040000000800010002000000080005000300000014000600fe800000000000000000000000000009";
const GROUP: &str = "0000b30000000000080001000a0000000600030001000000140002000100000002000000020000000000000028000c80\
                     0600010020000000080002007017000008000300000000000c000400000000000000000008000e0000000080";

fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap()).collect()
}

fn emitted(message: &NexthopMessage) -> Vec<u8> {
    let mut out = vec![0; message.buffer_len()];
    message.emit(&mut out);
    out
}

#[test]
#[cfg(target_endian = "little")]
fn the_kernels_own_next_hops_are_read_and_written_back_octet_by_octet() {
    let hop = NexthopMessage::parse(&octets(HOP4)).unwrap();
    assert_eq!(hop.header, NexthopHeader { family: 2, scope: 253, protocol: 179, flags: RTNH_F_ONLINK });
    let gateway = IpAddr::V4(Ipv4Addr::new(10, 99, 0, 1));
    assert_eq!(hop.attributes, [NexthopAttribute::Id(1), NexthopAttribute::Oif(3), NexthopAttribute::Gateway(gateway)]);
    let group = NexthopMessage::parse(&octets(GROUP)).unwrap();
    assert_eq!(group.attributes[1], NexthopAttribute::GroupType(NEXTHOP_GRP_TYPE_RES));
    let member = |id, weight| NexthopGroupEntry { id, weight, weight_high: 0 };
    assert_eq!(group.attributes[2], NexthopAttribute::Group(vec![member(1, 2), member(2, 0)]));
    let NexthopAttribute::ResilientGroup(resilient) = &group.attributes[3] else { panic!("{group:?}") };
    assert_eq!(resilient[..2], [ResilientGroupAttribute::Buckets(32), ResilientGroupAttribute::IdleTimer(6_000)]);
    for hex in [HOP4, HOP6, GROUP] {
        assert_eq!(emitted(&NexthopMessage::parse(&octets(hex)).unwrap()), octets(hex));
    }
}

#[test]
fn messages_cut_short_are_refused_without_a_panic() {
    for hex in [HOP4, HOP6, GROUP] {
        let octets = octets(hex);
        for end in 0..octets.len() {
            let _ = NexthopMessage::parse(&octets[..end]);
        }
        assert!(NexthopMessage::parse(&octets[..7]).is_err());
        assert!(NexthopMessage::parse(&octets[..octets.len() - 3]).is_err());
    }
}

proptest! {
    #[test]
    fn any_octets_are_read_without_a_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = NexthopMessage::parse(&octets);
        let _ = super::dump::route(&octets, Family::Ipv4);
        for raw in messages(&octets) {
            let _ = reply(raw);
        }
    }

    #[test]
    fn what_is_written_is_read_back(id in any::<u32>(), weights in proptest::collection::vec(any::<u8>(), 0..9),
                                    buckets in any::<u16>(), timer in any::<u32>(), time in any::<u64>()) {
        let members = weights.iter().map(|w| NexthopGroupEntry { id, weight: *w, weight_high: 0 }).collect();
        let message = NexthopMessage {
            header: NexthopHeader { protocol: 179, ..NexthopHeader::default() },
            attributes: vec![
                NexthopAttribute::Id(id),
                NexthopAttribute::Group(members),
                NexthopAttribute::ResilientGroup(vec![
                    ResilientGroupAttribute::Buckets(buckets),
                    ResilientGroupAttribute::UnbalancedTimer(timer),
                    ResilientGroupAttribute::UnbalancedTime(time),
                ]),
                NexthopAttribute::Fdb,
                NexthopAttribute::Master(id),
            ],
        };
        prop_assert_eq!(NexthopMessage::parse(&emitted(&message)).unwrap(), message);
    }
}

fn settings() -> Settings {
    Settings { table: 1_000, ..Settings::default() }
}

fn sent(op: &Op) -> NetlinkMessage<RoutingMessage> {
    let mut requests = Requests::default();
    requests.op(&settings(), op, 77);
    requests.acknowledge();
    let message = NetlinkMessage::deserialize(requests.octets()).unwrap();
    assert_eq!(message.header.sequence_number, 77);
    let mut again = vec![0; requests.len()];
    message.serialize(&mut again);
    assert_eq!(again, requests.octets(), "netlink-packet writes the same");
    message
}

fn inner(message: NetlinkMessage<RoutingMessage>) -> RoutingMessage {
    let NetlinkPayload::InnerMessage(inner) = message.payload else { panic!("no message") };
    inner
}

#[test]
fn routes_written_by_hand_are_what_netlink_packet_route_reads() {
    let prefix: Prefix = "10.52.0.0/14".parse().unwrap();
    let message = sent(&Op::AddRoute(prefix, Target::Group(9)));
    assert_eq!(message.header.flags, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
    let RoutingMessage::Route(RouteNetlinkMessage::NewRoute(route)) = inner(message) else { panic!("no route") };
    assert_eq!(route.header.destination_prefix_length, 14);
    assert_eq!((route.header.protocol, route.header.kind), (RouteProtocol::from(179), RouteType::Unicast));
    for attribute in [RouteAttribute::Table(1_000), RouteAttribute::Priority(20), RouteAttribute::NhId(9)] {
        assert!(route.attributes.contains(&attribute), "{attribute:?} in {route:?}");
    }
    let message = sent(&Op::ReplaceRoute("2001:db8::/32".parse().unwrap(), Target::Link(LinkIndex::new(5).unwrap())));
    assert_eq!(message.header.flags, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
    let RoutingMessage::Route(RouteNetlinkMessage::NewRoute(route)) = inner(message) else { panic!("no route") };
    assert!(route.attributes.contains(&RouteAttribute::Oif(5)));
    let RoutingMessage::Route(RouteNetlinkMessage::DelRoute(route)) = inner(sent(&Op::DeleteRoute(prefix))) else {
        panic!("no route")
    };
    assert_eq!((route.header.protocol, route.header.scope), (RouteProtocol::from(179), RouteScope::NoWhere));
    assert!(route.attributes.contains(&RouteAttribute::Priority(20)));
}

#[test]
fn next_hops_and_groups_go_out_as_their_messages() {
    let link = LinkIndex::new(5).unwrap();
    let gateway = Some("fe80::1".parse().unwrap());
    let hop = NextHop { id: 3, family: Family::Ipv6, link, gateway };
    let RoutingMessage::NewNexthop(message) = inner(sent(&Op::AddNextHop(hop))) else { panic!("no next hop") };
    assert_eq!(message.header, NexthopHeader { family: 10, scope: 0, protocol: 179, flags: RTNH_F_ONLINK });
    let members = vec![(3, Weight::new(256).unwrap())];
    let group = Group { id: 4, members, buckets: 256, idle_timer: Duration::from_secs(120) };
    let RoutingMessage::NewNexthop(message) = inner(sent(&Op::SetGroup(group))) else { panic!("no group") };
    let entry = NexthopGroupEntry { id: 3, weight: 255, weight_high: 0 };
    assert!(message.attributes.contains(&NexthopAttribute::Group(vec![entry])));
    let resilient = vec![ResilientGroupAttribute::Buckets(256), ResilientGroupAttribute::IdleTimer(12_000)];
    assert!(message.attributes.contains(&NexthopAttribute::ResilientGroup(resilient)));
    let RoutingMessage::DelNexthop(message) = inner(sent(&Op::DeleteGroup(4))) else { panic!("no group") };
    assert_eq!(message.attributes, [NexthopAttribute::Id(4)]);
}

#[test]
#[cfg(target_endian = "little")]
fn a_refusal_carries_the_kernels_own_words() {
    // NLMSG_ERROR with NETLINK_CAP_ACK: code -22, the request's header, NLMSGERR_ATTR_MSG "Invalid nexthop id".
    let mut answer = octets("4000000002000002070000000000000000000000");
    answer.truncate(16);
    answer.extend((-22_i32).to_le_bytes());
    answer.extend([0; 16]);
    answer.extend([0x17, 0, 1, 0]);
    answer.extend(b"Invalid nexthop id\0\0");
    answer[0] = u8::try_from(answer.len()).unwrap();
    let raw = messages(&answer).next().unwrap();
    assert_eq!(raw.sequence, 7);
    let Reply::Refused(error) = reply(raw) else { panic!("no refusal") };
    assert_eq!((error.errno, error.text.as_str()), (22, "Invalid nexthop id"));
}
