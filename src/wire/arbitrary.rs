//! Strategies for every value of the wire, within what the given context can carry.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use bytes::Bytes;
use proptest::{collection::vec, option, prelude::*};
use smallvec::SmallVec;

use crate::types::{Asn, Family, HoldTime, Prefix, RouterId};

use super::*;

pub(super) fn context() -> impl Strategy<Value = Context> {
    any::<[bool; 4]>().prop_map(|[four_octet_asn, extended_message, ipv4_over_ipv6, internal]| Context {
        four_octet_asn,
        extended_message,
        ipv4_over_ipv6,
        internal,
    })
}

/// A context and a message that it can carry.
pub(super) fn message() -> impl Strategy<Value = (Context, Message)> {
    context().prop_flat_map(|context| {
        let message = prop_oneof![
            2 => open().prop_map(Message::Open),
            6 => update(context).prop_map(Message::Update),
            1 => notification().prop_map(Message::Notification),
            1 => Just(Message::Keepalive),
            1 => refresh().prop_map(Message::Refresh),
        ];
        (Just(context), message)
    })
}

fn octets(max: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..=max).prop_map(Bytes::from)
}

/// Any AS but 0, with both sizes and AS_TRANS often.
pub(super) fn asn() -> impl Strategy<Value = Asn> {
    prop_oneof![(1..=u32::from(u16::MAX)), (1..=u32::MAX), Just(23456)].prop_map(Asn::new)
}

fn open() -> impl Strategy<Value = Open> {
    let hold = prop_oneof![Just(0), 3..=u16::MAX].prop_map(|secs| HoldTime::from_secs(secs).unwrap());
    let id = (1..=u32::MAX).prop_map(|id| RouterId::new(Ipv4Addr::from(id)).unwrap());
    (asn(), hold, id, vec(capability(), 0..12)).prop_map(|(asn, hold_time, router_id, capabilities)| {
        let mut capabilities = Capabilities(capabilities);
        // The AS and the capability say the same; one that two octets cannot say needs the capability.
        for capability in &mut capabilities.0 {
            if let Capability::FourOctetAsn(same) = capability {
                *same = asn;
            }
        }
        if capabilities.asn().is_none() && u32::from(asn.two_octets()) != asn.get() {
            capabilities.0.push(Capability::FourOctetAsn(asn));
        }
        Open { asn, hold_time, router_id, capabilities }
    })
}

fn family_code() -> impl Strategy<Value = FamilyCode> {
    prop_oneof![
        Just(FamilyCode::from(Family::Ipv4)),
        Just(FamilyCode::from(Family::Ipv6)),
        any::<(u16, u8)>().prop_map(|(afi, safi)| FamilyCode { afi, safi }),
    ]
}

fn capability() -> impl Strategy<Value = Capability> {
    let pair =
        (family_code(), any::<u16>()).prop_map(|(family, next_hop_afi)| ExtendedNextHop { family, next_hop_afi });
    let graceful_family =
        (family_code(), any::<bool>()).prop_map(|(family, forwarding)| GracefulFamily { family, forwarding });
    let graceful = (any::<(bool, bool)>(), 0..4096u64, vec(graceful_family, 0..4)).prop_map(
        |((restarting, notification), secs, families)| GracefulRestart {
            restarting,
            notification,
            restart_time: Duration::from_secs(secs),
            families,
        },
    );
    prop_oneof![
        family_code().prop_map(Capability::Multiprotocol),
        Just(Capability::RouteRefresh),
        vec(pair, 0..4).prop_map(Capability::ExtendedNextHop),
        Just(Capability::ExtendedMessage),
        graceful.prop_map(Capability::GracefulRestart),
        asn().prop_map(Capability::FourOctetAsn),
        Just(Capability::EnhancedRouteRefresh),
        (prop_oneof![Just(0u8), Just(3), 7..64u8, 71..=255u8], octets(255))
            .prop_map(|(code, value)| Capability::Unknown { code, value }),
        // Known ones whose value cannot be read.
        Just(Capability::Unknown { code: 2, value: Bytes::from_static(&[1]) }),
        Just(Capability::Unknown { code: 65, value: Bytes::from_static(&[1, 2]) }),
    ]
}

pub(super) fn notification() -> impl Strategy<Value = Notification> {
    (0..12u8, 0..12u8, octets(300)).prop_map(|(code, subcode, data)| Notification { code, subcode, data })
}

fn refresh() -> impl Strategy<Value = Refresh> {
    let kind = prop_oneof![
        Just(RefreshKind::Request),
        Just(RefreshKind::Begin),
        Just(RefreshKind::End),
        (3..=255u8).prop_map(RefreshKind::Unknown),
    ];
    (family_code(), kind).prop_map(|(family, kind)| Refresh { family, kind })
}

pub(super) fn prefix(family: Family) -> impl Strategy<Value = Prefix> {
    (any::<u128>(), 0..=family.bits()).prop_map(move |(bits, len)| {
        let address = match family {
            Family::Ipv4 => Ipv4Addr::from((bits >> 96) as u32).into(),
            Family::Ipv6 => Ipv6Addr::from(bits).into(),
        };
        Prefix::truncated(address, len).unwrap()
    })
}

fn next_hop_v4() -> impl Strategy<Value = NextHop> {
    (1..0xe000_0000u32).prop_map(|addr| NextHop::V4(addr.into()))
}

fn next_hop_v6() -> impl Strategy<Value = NextHop> {
    let link_local = any::<u64>().prop_map(|low| Ipv6Addr::from((0xfe80_u128 << 112) | u128::from(low)));
    ((1..0xff_u128 << 120).prop_map(Ipv6Addr::from), option::of(link_local))
        .prop_map(|(global, link_local)| NextHop::V6 { global, link_local })
}

/// Any UPDATE without faults, its prefixes in the order that decoding gives.
pub(super) fn update(context: Context) -> impl Strategy<Value = Update> {
    let withdrawn = (vec(prefix(Family::Ipv4), 0..40), vec(prefix(Family::Ipv6), 0..20));
    let classic = option::of((next_hop_v4(), vec(prefix(Family::Ipv4), 1..40)));
    let v6 = option::of((next_hop_v6(), vec(prefix(Family::Ipv6), 1..40)));
    let over = option::of((next_hop_v6(), vec(prefix(Family::Ipv4), 1..40)));
    let told = (withdrawn, classic, v6, over, attributes(context));
    let told = told.prop_map(move |((mut withdrawn, withdrawn_v6), classic, v6, over, attributes)| {
        withdrawn.extend(withdrawn_v6);
        let reach = |family, (next_hop, prefixes)| Reach { family, next_hop, prefixes };
        let mut reach: Vec<_> = classic
            .map(|told| reach(Family::Ipv4, told))
            .into_iter()
            .chain(over.filter(|_| context.ipv4_over_ipv6).map(|told| reach(Family::Ipv4, told)))
            .chain(v6.map(|told| reach(Family::Ipv6, told)))
            .collect();
        reach.truncate(2);
        let attributes = if reach.is_empty() { Attributes::default() } else { attributes };
        Update { withdrawn, reach, attributes, end_of_rib: None, faults: Vec::new(), faulty: None }
    });
    prop_oneof![
        8 => told,
        1 => Just(Update { end_of_rib: Some(Family::Ipv4), ..Update::default() }),
        1 => Just(Update { end_of_rib: Some(Family::Ipv6), ..Update::default() }),
    ]
}

pub(super) fn attributes(context: Context) -> impl Strategy<Value = Attributes> {
    let large = any::<[u32; 3]>().prop_map(|[global, local1, local2]| LargeCommunity { global, local1, local2 });
    let first = (
        prop_oneof![Just(Origin::Igp), Just(Origin::Egp), Just(Origin::Incomplete)],
        as_path(context),
        option::of(any::<u32>()),
        option::of(any::<u32>()),
        any::<bool>(),
        option::of((asn(), any::<u32>()).prop_map(|(asn, id)| Aggregator { asn, router_id: id.into() })),
        vec(any::<u32>().prop_map(Community), 0..80),
    );
    let second = (
        option::of(any::<u32>().prop_map(Ipv4Addr::from)),
        vec(any::<u32>().prop_map(|id| ClusterId(id.into())), 0..4),
        vec(any::<[u8; 8]>().prop_map(ExtendedCommunity), 0..6),
        vec(large, 0..6),
        any::<[bool; 4]>(),
        proptest::collection::btree_map(
            prop_oneof![Just(11u8), 19..26u8, 27..32u8, 33..40u8, 41..=255u8],
            prop_oneof![octets(8), octets(400)],
            0..3,
        ),
    );
    (first, second).prop_map(move |(first, second)| {
        let (origin, as_path, med, local_pref, atomic_aggregate, aggregator, communities) = first;
        let (originator_id, cluster_list, extended_communities, large_communities, partial, unknown) = second;
        let flags = AttributeFlags::OPTIONAL.with(AttributeFlags::TRANSITIVE).with(AttributeFlags::PARTIAL);
        Attributes {
            origin,
            as_path,
            med,
            local_pref: local_pref.filter(|_| context.internal),
            atomic_aggregate,
            aggregator,
            originator_id: originator_id.filter(|_| context.internal),
            cluster_list: cluster_list.into_iter().filter(|_| context.internal).collect(),
            partial: Partial {
                aggregator: partial[0] && aggregator.is_some(),
                communities: partial[1] && !communities.is_empty(),
                extended_communities: partial[2] && !extended_communities.is_empty(),
                large_communities: partial[3] && !large_communities.is_empty(),
            },
            communities: communities.into(),
            extended_communities,
            large_communities,
            unknown: unknown.into_iter().map(|(code, value)| UnknownAttribute { flags, code, value }).collect(),
        }
    })
}

/// Confederation segments only from internal peers, in front, and of two octets: else two-octet peers lose them.
pub(super) fn as_path(context: Context) -> impl Strategy<Value = AsPath> {
    let confed = (any::<bool>(), vec((1..=u16::MAX).prop_map(Asn::from), 1..4)).prop_map(|(set, asns)| PathSegment {
        kind: if set { SegmentKind::ConfedSet } else { SegmentKind::ConfedSequence },
        asns: asns.into(),
    });
    let long = option::weighted(0.1, vec(asn(), 200..=255));
    let segment = (prop::bool::weighted(0.2), vec(asn(), 1..8)).prop_map(|(set, asns)| PathSegment {
        kind: if set { SegmentKind::Set } else { SegmentKind::Sequence },
        asns: asns.into(),
    });
    (vec(confed, 0..2), vec(segment, 0..4), long).prop_map(move |(confed, mut segments, long)| {
        let confed = confed.into_iter().filter(|_| context.internal);
        segments.extend(long.map(|asns| PathSegment { kind: SegmentKind::Sequence, asns: asns.into() }));
        AsPath { segments: confed.chain(segments).collect::<SmallVec<_>>() }
    })
}
