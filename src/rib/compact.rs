//! Attribute sets as octets of our own, for the store only: never sent, never read from anybody.
//!
//! Equal sets have equal octets. Numbers are little-endian base 128, so that a usual set takes some 40 octets.

use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use smallvec::SmallVec;

use crate::types::{Asn, Weight};
use crate::wire::{
    Aggregator, AsPath, AttributeFlags, Attributes, ClusterId, Community, ExtendedCommunity, LargeCommunity, NextHop,
    Origin, Partial, PathSegment, SegmentKind, UnknownAttribute,
};

const HAS_MED: u8 = 0x04;
const HAS_LOCAL_PREF: u8 = 0x08;
const ATOMIC: u8 = 0x10;
const HAS_AGGREGATOR: u8 = 0x20;
const HAS_ORIGINATOR: u8 = 0x40;
/// Clusters, extended and large communities, unknown attributes follow; few routes have any.
const HAS_MORE: u8 = 0x80;

/// Appends the octets of a set.
pub(super) fn write(attributes: &Attributes, out: &mut Vec<u8>) {
    let Attributes {
        origin,
        as_path,
        med,
        local_pref,
        atomic_aggregate,
        aggregator,
        communities,
        originator_id,
        cluster_list,
        extended_communities,
        large_communities,
        partial,
        unknown,
    } = attributes;
    let more = *partial != Partial::default()
        || !cluster_list.is_empty()
        || !extended_communities.is_empty()
        || !large_communities.is_empty()
        || !unknown.is_empty();
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    let origin = match origin {
        Origin::Igp => 0,
        Origin::Egp => 1,
        Origin::Incomplete => 2,
    };
    out.push(
        origin
            | flag(med.is_some(), HAS_MED)
            | flag(local_pref.is_some(), HAS_LOCAL_PREF)
            | flag(*atomic_aggregate, ATOMIC)
            | flag(aggregator.is_some(), HAS_AGGREGATOR)
            | flag(originator_id.is_some(), HAS_ORIGINATOR)
            | flag(more, HAS_MORE),
    );
    for value in [*med, *local_pref, originator_id.map(u32::from)].into_iter().flatten() {
        number(value, out);
    }
    if let Some(Aggregator { asn, router_id }) = aggregator {
        number(asn.get(), out);
        out.extend_from_slice(&router_id.octets());
    }
    count(as_path.segments.len(), out);
    for PathSegment { kind, asns } in &as_path.segments {
        out.push(match kind {
            SegmentKind::Set => 1,
            SegmentKind::Sequence => 2,
            SegmentKind::ConfedSequence => 3,
            SegmentKind::ConfedSet => 4,
        });
        count(asns.len(), out);
        asns.iter().for_each(|asn| number(asn.get(), out));
    }
    count(communities.len(), out);
    communities.iter().for_each(|community| out.extend_from_slice(&community.0.to_le_bytes()));
    if !more {
        return;
    }
    count(cluster_list.len(), out);
    cluster_list.iter().for_each(|cluster| out.extend_from_slice(&cluster.0.octets()));
    count(extended_communities.len(), out);
    extended_communities.iter().for_each(|community| out.extend_from_slice(&community.0));
    count(large_communities.len(), out);
    for LargeCommunity { global, local1, local2 } in large_communities {
        [*global, *local1, *local2].into_iter().for_each(|part| number(part, out));
    }
    let Partial { aggregator, communities, extended_communities, large_communities } = partial;
    let bits = [*aggregator, *communities, *extended_communities, *large_communities];
    out.push(bits.into_iter().fold(0, |all, bit| all << 1 | u8::from(bit)));
    count(unknown.len(), out);
    for UnknownAttribute { flags, code, value } in unknown {
        out.extend_from_slice(&[flags.0, *code]);
        count(value.len(), out);
        out.extend_from_slice(value);
    }
}

/// Appends a next hop. The octets of a set end by themselves, so no set equals another one with a next hop.
pub(super) fn write_next_hop(next_hop: &NextHop, out: &mut Vec<u8>) {
    match next_hop {
        NextHop::V4(address) => {
            out.push(4);
            out.extend_from_slice(&address.octets());
        }
        NextHop::V6 { global, link_local } => {
            out.push(if link_local.is_some() { 32 } else { 16 });
            out.extend_from_slice(&global.octets());
            out.extend(link_local.iter().flat_map(Ipv6Addr::octets));
        }
    }
}

/// In front of what policies gave to a path: no next hop begins so.
const LOCAL: u8 = 1;

/// Appends what policies gave to a path. No set equals another one with that.
pub(super) fn write_local(weight: Option<Weight>, next_hop: Option<&NextHop>, out: &mut Vec<u8>) {
    out.push(LOCAL);
    out.extend_from_slice(&weight.map_or(0, Weight::get).to_le_bytes());
    if let Some(next_hop) = next_hop {
        write_next_hop(next_hop, out);
    }
}

/// The next hop that [`write_local`] put behind a set.
pub(super) fn read_local_next_hop(octets: &[u8]) -> Option<NextHop> {
    let mut from = Reader(octets);
    attributes(&mut from);
    let [tag, _, _] = from.array();
    (tag == LOCAL && !from.0.is_empty()).then(|| next_hop(&mut from))
}

/// The set and next hop whose octets [`write()`] and [`write_next_hop`] made.
pub(super) fn read_with(octets: &[u8]) -> (Attributes, NextHop) {
    let mut from = Reader(octets);
    let attributes = attributes(&mut from);
    let next_hop = next_hop(&mut from);
    (attributes, next_hop)
}

fn next_hop(from: &mut Reader<'_>) -> NextHop {
    match from.octet() {
        4 => NextHop::V4(Ipv4Addr::from(from.array::<4>())),
        len => {
            let global = Ipv6Addr::from(from.array::<16>());
            NextHop::V6 { global, link_local: (len == 32).then(|| Ipv6Addr::from(from.array::<16>())) }
        }
    }
}

/// The set whose octets [`write()`] made.
pub(super) fn read(octets: &[u8]) -> Attributes {
    attributes(&mut Reader(octets))
}

fn attributes(from: &mut Reader<'_>) -> Attributes {
    let flags = from.octet();
    let mut optional = |bit: u8| (flags & bit != 0).then(|| from.number());
    let (med, local_pref) = (optional(HAS_MED), optional(HAS_LOCAL_PREF));
    let originator_id = optional(HAS_ORIGINATOR).map(Ipv4Addr::from);
    let aggregator = (flags & HAS_AGGREGATOR != 0)
        .then(|| Aggregator { asn: Asn::new(from.number()), router_id: Ipv4Addr::from(from.array::<4>()) });
    let segments = from.list(|from| {
        let kind = match from.octet() {
            1 => SegmentKind::Set,
            2 => SegmentKind::Sequence,
            3 => SegmentKind::ConfedSequence,
            _ => SegmentKind::ConfedSet,
        };
        PathSegment { kind, asns: from.list(|from| Asn::new(from.number())) }
    });
    let mut attributes = Attributes {
        origin: match flags & 3 {
            0 => Origin::Igp,
            1 => Origin::Egp,
            _ => Origin::Incomplete,
        },
        as_path: AsPath { segments },
        med,
        local_pref,
        atomic_aggregate: flags & ATOMIC != 0,
        aggregator,
        communities: from.list(|from| Community(u32::from_le_bytes(from.array()))),
        originator_id,
        cluster_list: SmallVec::new(),
        extended_communities: Vec::new(),
        large_communities: Vec::new(),
        partial: Partial::default(),
        unknown: Vec::new(),
    };
    if flags & HAS_MORE != 0 {
        attributes.cluster_list = from.list(|from| ClusterId(Ipv4Addr::from(from.array::<4>())));
        attributes.extended_communities = from.list(|from| ExtendedCommunity(from.array()));
        attributes.large_communities = from.list(|from| {
            let [global, local1, local2] = [from.number(), from.number(), from.number()];
            LargeCommunity { global, local1, local2 }
        });
        let bits = from.octet();
        attributes.partial = Partial {
            aggregator: bits & 8 != 0,
            communities: bits & 4 != 0,
            extended_communities: bits & 2 != 0,
            large_communities: bits & 1 != 0,
        };
        attributes.unknown = from.list(|from| {
            let [flags, code] = from.array();
            let len = from.number() as usize;
            UnknownAttribute { flags: AttributeFlags(flags), code, value: Bytes::copy_from_slice(from.take(len)) }
        });
    }
    attributes
}

fn count(count: usize, out: &mut Vec<u8>) {
    number(u32::try_from(count).expect("a message has no more than 65,535 octets"), out);
}

fn number(mut value: u32, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads what [`write()`] wrote; what is missing reads as zeros, which cannot happen.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at_checked(len).unwrap_or((self.0, &[]));
        self.0 = rest;
        head
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.take(N).try_into().unwrap_or([0; N])
    }

    fn octet(&mut self) -> u8 {
        u8::from_le_bytes(self.array())
    }

    fn number(&mut self) -> u32 {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let octet = self.octet();
            value |= u32::from(octet & 0x7f) << shift;
            if octet & 0x80 == 0 {
                break;
            }
        }
        value
    }

    fn list<T, L: FromIterator<T>>(&mut self, mut item: impl FnMut(&mut Self) -> T) -> L {
        let count = self.number();
        (0..count).map(|_| item(self)).collect()
    }
}
