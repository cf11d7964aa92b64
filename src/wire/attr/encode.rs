//! Attributes to octets, by type code.

use std::net::Ipv4Addr;

use bytes::{BufMut, BytesMut};

use crate::types::{Asn, Family};
use crate::wire::{Context, FamilyCode};

use super::{AttributeFlags, Attributes, NextHop, UnknownAttribute, code};

const WELL_KNOWN: AttributeFlags = AttributeFlags::TRANSITIVE;
const OPTIONAL: AttributeFlags = AttributeFlags::OPTIONAL;
const TRANSITIVE: AttributeFlags = AttributeFlags::OPTIONAL.with(AttributeFlags::TRANSITIVE);

/// Writes all of them by code, NEXT_HOP among them if it is given; what only means something inside the AS is left
/// out for external peers. Lengths over 65,535 are written wrong: the caller compares the whole with its limit.
pub(in crate::wire) fn encode(
    attributes: &Attributes,
    next_hop: Option<Ipv4Addr>,
    context: &Context,
    out: &mut BytesMut,
) {
    let mut unknown = attributes.unknown.as_slice();
    let four = context.four_octet_asn;

    known(&mut unknown, code::ORIGIN, WELL_KNOWN, 1, out);
    out.put_u8(attributes.origin.code());

    known(&mut unknown, code::AS_PATH, WELL_KNOWN, attributes.as_path.encoded_len(four), out);
    attributes.as_path.encode(four, out);

    if let Some(next_hop) = next_hop {
        known(&mut unknown, code::NEXT_HOP, WELL_KNOWN, 4, out);
        out.extend_from_slice(&next_hop.octets());
    }
    if let Some(med) = attributes.med {
        known(&mut unknown, code::MULTI_EXIT_DISC, OPTIONAL, 4, out);
        out.put_u32(med);
    }
    if let Some(preference) = attributes.local_pref.filter(|_| context.internal) {
        known(&mut unknown, code::LOCAL_PREF, WELL_KNOWN, 4, out);
        out.put_u32(preference);
    }
    if attributes.atomic_aggregate {
        known(&mut unknown, code::ATOMIC_AGGREGATE, WELL_KNOWN, 0, out);
    }
    if let Some(aggregator) = attributes.aggregator {
        let flags = partial(attributes.partial.aggregator);
        known(&mut unknown, code::AGGREGATOR, flags, if four { 8 } else { 6 }, out);
        if four {
            out.put_u32(aggregator.asn.get())
        } else {
            out.put_u16(aggregator.asn.two_octets())
        }
        out.extend_from_slice(&aggregator.router_id.octets());
    }
    if !attributes.communities.is_empty() {
        let flags = partial(attributes.partial.communities);
        known(&mut unknown, code::COMMUNITIES, flags, attributes.communities.len() * 4, out);
        attributes.communities.iter().for_each(|community| out.put_u32(community.0));
    }
    if let Some(originator) = attributes.originator_id.filter(|_| context.internal) {
        known(&mut unknown, code::ORIGINATOR_ID, OPTIONAL, 4, out);
        out.extend_from_slice(&originator.octets());
    }
    if context.internal && !attributes.cluster_list.is_empty() {
        known(&mut unknown, code::CLUSTER_LIST, OPTIONAL, attributes.cluster_list.len() * 4, out);
        attributes.cluster_list.iter().for_each(|cluster| out.extend_from_slice(&cluster.0.octets()));
    }
    if !attributes.extended_communities.is_empty() {
        let flags = partial(attributes.partial.extended_communities);
        known(&mut unknown, code::EXTENDED_COMMUNITIES, flags, attributes.extended_communities.len() * 8, out);
        attributes.extended_communities.iter().for_each(|community| out.extend_from_slice(&community.0));
    }
    if !four {
        as4(attributes, &mut unknown, out);
    }
    if !attributes.large_communities.is_empty() {
        let flags = partial(attributes.partial.large_communities);
        known(&mut unknown, code::LARGE_COMMUNITY, flags, attributes.large_communities.len() * 12, out);
        for community in &attributes.large_communities {
            out.put_u32(community.global);
            out.put_u32(community.local1);
            out.put_u32(community.local2);
        }
    }
    unknown.iter().for_each(|attribute| one(attribute, out));
}

/// What two octets could not say (RFC 6793 §4.2.2); nothing where they could.
fn as4(attributes: &Attributes, unknown: &mut &[UnknownAttribute], out: &mut BytesMut) {
    let wide = |asn: Asn| u16::try_from(asn.get()).is_err();
    let leaves =
        |path: &super::AsPath| path.segments.iter().any(|s| !s.kind.is_confed() && s.asns.iter().any(|a| wide(*a)));
    if leaves(&attributes.as_path) {
        let path = attributes.as_path.without_confed();
        known(unknown, code::AS4_PATH, TRANSITIVE, path.encoded_len(true), out);
        path.encode(true, out);
    }
    if let Some(aggregator) = attributes.aggregator.filter(|aggregator| wide(aggregator.asn)) {
        known(unknown, code::AS4_AGGREGATOR, partial(attributes.partial.aggregator), 8, out);
        out.put_u32(aggregator.asn.get());
        out.extend_from_slice(&aggregator.router_id.octets());
    }
}

/// Writes MP_REACH_NLRI (RFC 4760 §3) around prefixes that are octets already.
pub(in crate::wire) fn mp_reach(family: Family, next_hop: &NextHop, nlri: &[u8], out: &mut BytesMut) {
    head(code::MP_REACH_NLRI, OPTIONAL, 5 + next_hop_len(family, next_hop) + nlri.len(), out);
    family_code(family, out);
    match (family, *next_hop) {
        (Family::Ipv4, NextHop::V4(addr)) => {
            out.put_u8(4);
            out.extend_from_slice(&addr.octets());
        }
        // IPv6 prefixes have no other way to name an IPv4 next hop (RFC 4291 §2.5.5.2).
        (Family::Ipv6, NextHop::V4(addr)) => {
            out.put_u8(16);
            out.extend_from_slice(&addr.to_ipv6_mapped().octets());
        }
        (_, NextHop::V6 { global, link_local: None }) => {
            out.put_u8(16);
            out.extend_from_slice(&global.octets());
        }
        (_, NextHop::V6 { global, link_local: Some(link_local) }) => {
            out.put_u8(32);
            out.extend_from_slice(&global.octets());
            out.extend_from_slice(&link_local.octets());
        }
    }
    out.put_u8(0);
    out.extend_from_slice(nlri);
}

/// What MP_REACH_NLRI takes beside its prefixes, at most.
pub(in crate::wire) fn mp_reach_overhead(family: Family, next_hop: &NextHop) -> usize {
    4 + 5 + next_hop_len(family, next_hop)
}

fn next_hop_len(family: Family, next_hop: &NextHop) -> usize {
    match (family, next_hop) {
        (Family::Ipv4, NextHop::V4(_)) => 4,
        (Family::Ipv6, NextHop::V4(_)) | (_, NextHop::V6 { link_local: None, .. }) => 16,
        (_, NextHop::V6 { link_local: Some(_), .. }) => 32,
    }
}

/// Writes MP_UNREACH_NLRI (RFC 4760 §4) around prefixes that are octets already.
pub(in crate::wire) fn mp_unreach(family: Family, nlri: &[u8], out: &mut BytesMut) {
    head(code::MP_UNREACH_NLRI, OPTIONAL, 3 + nlri.len(), out);
    family_code(family, out);
    out.extend_from_slice(nlri);
}

/// What MP_UNREACH_NLRI takes beside its prefixes, at most.
pub(in crate::wire) const MP_UNREACH_OVERHEAD: usize = 4 + 3;

fn family_code(family: Family, out: &mut BytesMut) {
    let FamilyCode { afi, safi } = family.into();
    out.put_u16(afi);
    out.put_u8(safi);
}

fn partial(partial: bool) -> AttributeFlags {
    if partial { TRANSITIVE.with(AttributeFlags::PARTIAL) } else { TRANSITIVE }
}

/// The head of a known attribute, behind all unknown ones of lower codes.
fn known(unknown: &mut &[UnknownAttribute], code: u8, flags: AttributeFlags, length: usize, out: &mut BytesMut) {
    while let Some((first, rest)) = unknown.split_first()
        && first.code < code
    {
        one(first, out);
        *unknown = rest;
    }
    head(code, flags, length, out);
}

fn one(attribute: &UnknownAttribute, out: &mut BytesMut) {
    let flags = AttributeFlags(attribute.flags.0 & !AttributeFlags::EXTENDED_LENGTH.0);
    head(attribute.code, flags, attribute.value.len(), out);
    out.extend_from_slice(&attribute.value);
}

/// Flags, code and a length of one octet, or two where one is too short.
fn head(code: u8, flags: AttributeFlags, length: usize, out: &mut BytesMut) {
    if let Ok(length) = u8::try_from(length) {
        out.put_u8(flags.0);
        out.put_u8(code);
        out.put_u8(length);
    } else {
        out.put_u8(flags.with(AttributeFlags::EXTENDED_LENGTH).0);
        out.put_u8(code);
        out.put_u16(u16::try_from(length).unwrap_or(u16::MAX));
    }
}
