//! The attributes of one UPDATE, read one by one with the faults that RFC 7606 softens as values.

use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use nom::{
    IResult, Parser,
    bytes::complete::take,
    combinator::consumed,
    multi::length_data,
    number::complete::{be_u8, be_u16},
};

use crate::types::{Asn, Family, Prefix};
use crate::wire::{Context, Error, FamilyCode, Fault, FaultAction, nlri};

use super::{
    Aggregator, AsPath, AttributeFlags, Attributes, ClusterId, Community, ExtendedCommunity, LargeCommunity, NextHop,
    Origin, SegmentKind, UnknownAttribute, code,
};

/// What the path attributes field of an UPDATE says, before it is known which routes it is about.
#[derive(Debug, Default)]
pub(in crate::wire) struct Found {
    pub attributes: Attributes,
    /// NEXT_HOP.
    pub next_hop: Option<NextHop>,
    /// MP_REACH_NLRI of a family that is routed here.
    pub reach: Option<MpReach>,
    /// MP_UNREACH_NLRI of a family that is routed here.
    pub unreach: Option<(Family, Vec<Prefix>)>,
    /// An MP_REACH_NLRI with NLRI in it was there, of whatever family.
    pub told: bool,
    /// The codes that were there; malformed ones too.
    pub seen: Codes,
    pub faults: Vec<Fault>,
}

/// Next hop and prefixes of an MP_REACH_NLRI.
#[derive(Debug)]
pub(in crate::wire) struct MpReach {
    pub family: Family,
    pub next_hop: NextHop,
    pub prefixes: Vec<Prefix>,
}

/// A set of type codes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::wire) struct Codes([u128; 2]);

impl Codes {
    /// False if it was there already.
    fn insert(&mut self, code: u8) -> bool {
        let [low, high] = &mut self.0;
        let half = if code < 128 { low } else { high };
        let bit = 1 << (code % 128);
        let new = *half & bit == 0;
        *half |= bit;
        new
    }

    pub(in crate::wire) fn is_empty(self) -> bool {
        self == Self::default()
    }

    pub(in crate::wire) fn has(mut self, code: u8) -> bool {
        !self.insert(code)
    }

    /// True if no other code than this is there.
    pub(in crate::wire) fn only(self, code: u8) -> bool {
        let mut one = Self::default();
        one.insert(code);
        self == one
    }
}

/// One attribute as it stands in the message.
struct Raw<'a> {
    flags: AttributeFlags,
    code: u8,
    value: &'a [u8],
    /// With flags, code and length: what a NOTIFICATION carries (RFC 4271 §6.3).
    whole: &'a [u8],
}

/// AS4_PATH and AS4_AGGREGATOR, until they are merged.
#[derive(Default)]
struct As4 {
    path: Option<AsPath>,
    aggregator: Option<Aggregator>,
}

/// Why an attribute was not taken: what is done about it, and the reason.
struct Soft(FaultAction, &'static str);

const WITHDRAW: FaultAction = FaultAction::TreatAsWithdraw;
const DISCARD: FaultAction = FaultAction::AttributeDiscard;

/// Reads the whole field. `octets` is a slice of the frame, which unknown values go on sharing.
pub(in crate::wire) fn decode(octets: &Bytes, context: &Context) -> Result<Found, Error> {
    let mut found = Found::default();
    let mut as4 = As4::default();
    let mut rest: &[u8] = octets;
    while !rest.is_empty() {
        let Ok((next, raw)) = attribute(rest) else {
            // The total length still says where the NLRI begin (RFC 7606 §4).
            found.fault(None, Soft(WITHDRAW, "an attribute is longer than the attributes together"));
            break;
        };
        rest = next;
        if found.seen.insert(raw.code) {
            if let Err(soft) = found.take(&raw, octets, context, &mut as4)? {
                found.fault(Some(raw.code), soft);
            }
        } else if matches!(raw.code, code::MP_REACH_NLRI | code::MP_UNREACH_NLRI) {
            return Err(Error::AttributeList("MP_REACH_NLRI or MP_UNREACH_NLRI is there twice"));
        } else {
            found.fault(Some(raw.code), Soft(DISCARD, "the attribute is there twice; the first counts"));
        }
    }
    found.merge(as4);
    found.attributes.unknown.sort_by_key(|unknown| unknown.code);
    Ok(found)
}

impl Found {
    fn fault(&mut self, attribute: Option<u8>, Soft(action, reason): Soft) {
        self.faults.push(Fault { attribute, action, reason });
    }

    /// Takes one attribute in. The outer error ends the connection.
    fn take(
        &mut self,
        raw: &Raw<'_>,
        octets: &Bytes,
        context: &Context,
        as4: &mut As4,
    ) -> Result<Result<(), Soft>, Error> {
        match raw.code {
            code::MP_REACH_NLRI => {
                let (told, reach) = mp_reach(raw.value, context).map_err(|reason| optional(raw, octets, reason))?;
                self.told = told;
                self.reach = reach;
                if self.reach.is_none() {
                    return Ok(Err(Soft(DISCARD, "routes of a family that is not routed here")));
                }
            }
            code::MP_UNREACH_NLRI => {
                self.unreach = mp_unreach(raw.value).map_err(|reason| optional(raw, octets, reason))?;
                if self.unreach.is_none() {
                    return Ok(Err(Soft(DISCARD, "withdrawals of a family that is not routed here")));
                }
            }
            unknown if expected_flags(unknown).is_none() && !raw.flags.has(AttributeFlags::OPTIONAL) => {
                return Err(Error::WellKnown(octets.slice_ref(raw.whole)));
            }
            _ => return Ok(self.soft(raw, octets, context, as4)),
        }
        // The NLRI were read even so: with wrong flags they can be withdrawn (RFC 7606 §3 c).
        Ok(flags(raw))
    }

    /// All attributes whose faults never end the connection.
    fn soft(&mut self, raw: &Raw<'_>, octets: &Bytes, context: &Context, as4: &mut As4) -> Result<(), Soft> {
        if !context.internal && matches!(raw.code, code::LOCAL_PREF | code::ORIGINATOR_ID | code::CLUSTER_LIST) {
            return Err(Soft(DISCARD, "the attribute means nothing from an external peer"));
        }
        if context.four_octet_asn && matches!(raw.code, code::AS4_PATH | code::AS4_AGGREGATOR) {
            return Err(Soft(DISCARD, "the attribute is not for peers with AS numbers of four octets"));
        }
        // Neither is used here, and what one domain means by them is wrong in the next: they never go through, whatever
        // their flags say (RFC 7311 §3.1, RFC 8669 §5).
        if raw.code == code::AIGP {
            return Err(Soft(DISCARD, "AIGP is not enabled for this session"));
        }
        if raw.code == code::PREFIX_SID && !context.internal {
            return Err(Soft(DISCARD, "Prefix-SID is not for external peers"));
        }
        flags(raw)?;
        let attributes = &mut self.attributes;
        let partial = raw.flags.has(AttributeFlags::PARTIAL);
        let value = raw.value;
        match raw.code {
            code::ORIGIN => {
                let [code] = exact(value, WITHDRAW, "ORIGIN is not one octet")?;
                attributes.origin =
                    Origin::new(code).ok_or(Soft(WITHDRAW, "ORIGIN has a value that is not defined"))?;
            }
            code::AS_PATH => attributes.as_path = as_path(value, context)?,
            code::NEXT_HOP => {
                let octets: [u8; 4] = exact(value, WITHDRAW, "NEXT_HOP is not four octets")?;
                self.next_hop = Some(NextHop::V4(octets.into()));
            }
            code::MULTI_EXIT_DISC => {
                attributes.med =
                    Some(u32::from_be_bytes(exact(value, WITHDRAW, "MULTI_EXIT_DISC is not four octets")?));
            }
            code::LOCAL_PREF => {
                attributes.local_pref =
                    Some(u32::from_be_bytes(exact(value, WITHDRAW, "LOCAL_PREF is not four octets")?));
            }
            code::ATOMIC_AGGREGATE => {
                let [] = exact(value, DISCARD, "ATOMIC_AGGREGATE is not empty")?;
                attributes.atomic_aggregate = true;
            }
            code::AGGREGATOR => {
                attributes.aggregator = Some(aggregator(value, context.four_octet_asn)?);
                attributes.partial.aggregator = partial;
            }
            code::COMMUNITIES => {
                let all = list(value, "COMMUNITIES is empty or not a multiple of four octets")?;
                attributes.communities = all.iter().map(|one| Community(u32::from_be_bytes(*one))).collect();
                attributes.partial.communities = partial;
            }
            code::ORIGINATOR_ID => {
                let octets: [u8; 4] = exact(value, WITHDRAW, "ORIGINATOR_ID is not four octets")?;
                attributes.originator_id = Some(octets.into());
            }
            code::CLUSTER_LIST => {
                let all = list(value, "CLUSTER_LIST is empty or not a multiple of four octets")?;
                attributes.cluster_list = all.iter().map(|one: &[u8; 4]| ClusterId(Ipv4Addr::from(*one))).collect();
            }
            code::EXTENDED_COMMUNITIES => {
                let all = list(value, "EXTENDED COMMUNITIES is empty or not a multiple of eight octets")?;
                attributes.extended_communities = all.iter().map(|one| ExtendedCommunity(*one)).collect();
                attributes.partial.extended_communities = partial;
            }
            code::LARGE_COMMUNITY => {
                let all = list(value, "LARGE_COMMUNITY is empty or not a multiple of twelve octets")?;
                attributes.large_communities = all.iter().map(large).collect();
                attributes.partial.large_communities = partial;
            }
            code::AS4_PATH => as4.path = Some(as4_path(value)?),
            code::AS4_AGGREGATOR => as4.aggregator = Some(aggregator(value, true)?),
            // Not known, optional: carried on with Partial, or dropped (RFC 4271 §5).
            code if raw.flags.has(AttributeFlags::TRANSITIVE) => attributes.unknown.push(UnknownAttribute {
                flags: AttributeFlags::OPTIONAL.with(AttributeFlags::TRANSITIVE).with(AttributeFlags::PARTIAL),
                code,
                value: octets.slice_ref(value),
            }),
            _ => {}
        }
        Ok(())
    }

    /// What AS4_PATH and AS4_AGGREGATOR say of a path through speakers with two octets (RFC 6793 §4.2.3).
    fn merge(&mut self, as4: As4) {
        match (&mut self.attributes.aggregator, as4.aggregator) {
            (Some(aggregator), Some(_)) if aggregator.asn != Asn::TRANS => return,
            (Some(aggregator), Some(four)) => *aggregator = four,
            _ => {}
        }
        if let Some(path) = as4.path {
            self.attributes.as_path = std::mem::take(&mut self.attributes.as_path).merged(path);
        }
    }
}

/// One attribute: flags, code, length of one or two octets, value.
fn attribute(input: &[u8]) -> IResult<&[u8], Raw<'_>> {
    let (rest, (whole, (flags, code, value))) = consumed(|input| {
        let (rest, (flags, code)) = (be_u8, be_u8).parse(input)?;
        let (rest, value) = if AttributeFlags(flags).has(AttributeFlags::EXTENDED_LENGTH) {
            length_data(be_u16).parse(rest)?
        } else {
            length_data(be_u8).parse(rest)?
        };
        Ok((rest, (flags, code, value)))
    })
    .parse(input)?;
    Ok((rest, Raw { flags: AttributeFlags(flags), code, value, whole }))
}

/// Optional and Transitive as the attribute's RFC has them; `None` for codes that are not known.
fn expected_flags(code: u8) -> Option<AttributeFlags> {
    Some(match code {
        code::ORIGIN | code::AS_PATH | code::NEXT_HOP | code::LOCAL_PREF | code::ATOMIC_AGGREGATE => {
            AttributeFlags::TRANSITIVE
        }
        code::MULTI_EXIT_DISC
        | code::ORIGINATOR_ID
        | code::CLUSTER_LIST
        | code::MP_REACH_NLRI
        | code::MP_UNREACH_NLRI => AttributeFlags::OPTIONAL,
        code::AGGREGATOR
        | code::COMMUNITIES
        | code::EXTENDED_COMMUNITIES
        | code::AS4_PATH
        | code::AS4_AGGREGATOR
        | code::LARGE_COMMUNITY => AttributeFlags::OPTIONAL.with(AttributeFlags::TRANSITIVE),
        _ => return None,
    })
}

/// Only Optional and Transitive can be wrong (RFC 7606 §3 c).
fn flags(raw: &Raw<'_>) -> Result<(), Soft> {
    let both = AttributeFlags::OPTIONAL.with(AttributeFlags::TRANSITIVE);
    match expected_flags(raw.code) {
        Some(expected) if raw.flags.0 & both.0 != expected.0 => {
            Err(Soft(WITHDRAW, "the flags are not those of the attribute"))
        }
        _ => Ok(()),
    }
}

fn exact<const N: usize>(value: &[u8], action: FaultAction, reason: &'static str) -> Result<[u8; N], Soft> {
    value.try_into().map_err(|_| Soft(action, reason))
}

/// A list of at least one.
fn list<'a, const N: usize>(value: &'a [u8], reason: &'static str) -> Result<&'a [[u8; N]], Soft> {
    match value.as_chunks() {
        (all @ [_, ..], []) => Ok(all),
        _ => Err(Soft(WITHDRAW, reason)),
    }
}

fn large(octets: &[u8; 12]) -> LargeCommunity {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *octets;
    LargeCommunity {
        global: u32::from_be_bytes([a, b, c, d]),
        local1: u32::from_be_bytes([e, f, g, h]),
        local2: u32::from_be_bytes([i, j, k, l]),
    }
}

fn as_path(value: &[u8], context: &Context) -> Result<AsPath, Soft> {
    let path = AsPath::decode(value, context.four_octet_asn)
        .ok_or(Soft(WITHDRAW, "AS_PATH has an empty, unknown or cut segment"))?;
    if path.contains(Asn::new(0)) {
        return Err(Soft(WITHDRAW, "AS_PATH holds AS 0"));
    }
    if !context.internal && path.segments.iter().any(|segment| segment.kind.is_confed()) {
        return Err(Soft(WITHDRAW, "AS_PATH of an external peer holds a confederation segment"));
    }
    Ok(path)
}

/// Confederation segments have no place in it and are dropped (RFC 6793 §6).
fn as4_path(value: &[u8]) -> Result<AsPath, Soft> {
    let malformed = Soft(DISCARD, "AS4_PATH has an empty, unknown or cut segment");
    let mut path = AsPath::decode(value, true).filter(|path| !path.is_empty()).ok_or(malformed)?;
    if path.contains(Asn::new(0)) {
        return Err(Soft(DISCARD, "AS4_PATH holds AS 0"));
    }
    path.segments.retain(|segment| matches!(segment.kind, SegmentKind::Sequence | SegmentKind::Set));
    Ok(path)
}

/// AGGREGATOR or AS4_AGGREGATOR.
fn aggregator(value: &[u8], four: bool) -> Result<Aggregator, Soft> {
    let (asn, router_id) = match (four, value) {
        (true, &[a, b, c, d, ref id @ ..]) => (Asn::new(u32::from_be_bytes([a, b, c, d])), id),
        (false, &[a, b, ref id @ ..]) => (Asn::from(u16::from_be_bytes([a, b])), id),
        _ => (Asn::default(), [].as_slice()),
    };
    let router_id: [u8; 4] = exact(router_id, DISCARD, "the attribute does not hold one AS and one address")?;
    if asn.is_zero() {
        return Err(Soft(DISCARD, "the attribute holds AS 0"));
    }
    Ok(Aggregator { asn, router_id: router_id.into() })
}

fn optional(raw: &Raw<'_>, octets: &Bytes, reason: &'static str) -> Error {
    Error::OptionalAttribute { attribute: octets.slice_ref(raw.whole), reason }
}

/// AFI and SAFI.
fn family(input: &[u8]) -> IResult<&[u8], FamilyCode> {
    let (rest, (afi, safi)) = (be_u16, be_u8).parse(input)?;
    Ok((rest, FamilyCode { afi, safi }))
}

/// Family, next hop, and a reserved octet (RFC 4760 §3).
fn mp_head(input: &[u8]) -> IResult<&[u8], (FamilyCode, &[u8])> {
    let (rest, (family, next_hop, _)) = (family, length_data(be_u8), take(1usize)).parse(input)?;
    Ok((rest, (family, next_hop)))
}

/// Whether it holds NLRI at all, and what it says if its family is routed here (RFC 4760 §3).
fn mp_reach(value: &[u8], context: &Context) -> Result<(bool, Option<MpReach>), &'static str> {
    let (nlri, (code, next_hop)) = mp_head(value).map_err(|_| "it is cut off")?;
    let told = !nlri.is_empty();
    let Some(family) = code.family() else { return Ok((told, None)) };
    let next_hop =
        mp_next_hop(family, next_hop, context).ok_or("its next hop has a length that its family cannot have")?;
    let prefixes = nlri::decode(family, nlri).ok_or("its prefixes cannot be found")?;
    Ok((told, Some(MpReach { family, next_hop, prefixes })))
}

/// IPv6 next hops have one or two addresses (RFC 2545 §3), and serve IPv4 if that was agreed (RFC 8950).
fn mp_next_hop(family: Family, octets: &[u8], context: &Context) -> Option<NextHop> {
    let (addrs, rest) = octets.as_chunks::<16>();
    match (family, addrs, rest) {
        (Family::Ipv4, [], &[a, b, c, d]) => return Some(NextHop::V4(Ipv4Addr::new(a, b, c, d))),
        (Family::Ipv4, ..) if !context.ipv4_over_ipv6 => return None,
        _ => {}
    }
    let (global, second) = match (addrs, rest) {
        ([global], []) => (Ipv6Addr::from(*global), None),
        ([global, second], []) => (Ipv6Addr::from(*global), Some(Ipv6Addr::from(*second))),
        _ => return None,
    };
    // Some fill the second with zeros or repeat the first: only a link-local address says more than the global one.
    let link_local = second.filter(Ipv6Addr::is_unicast_link_local);
    Some(match link_local {
        // Some who have no global address send zeros instead of it.
        Some(only) if global.is_unspecified() => NextHop::V6 { global: only, link_local: None },
        _ => NextHop::V6 { global, link_local },
    })
}

fn mp_unreach(value: &[u8]) -> Result<Option<(Family, Vec<Prefix>)>, &'static str> {
    let (nlri, code) = family(value).map_err(|_| "it is cut off")?;
    let Some(family) = code.family() else { return Ok(None) };
    Ok(Some((family, nlri::decode(family, nlri).ok_or("its prefixes cannot be found")?)))
}
