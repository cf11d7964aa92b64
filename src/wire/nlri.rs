//! Prefixes as NLRI (RFC 4271 §4.3, RFC 4760 §5).

use std::{
    iter::Peekable,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use bytes::{BufMut, BytesMut};
use nom::{IResult, Parser, bytes::complete::take, number::complete::be_u8};

use crate::types::{Family, Prefix};

/// All prefixes of a field. `None` if one is too long or cut off: then none of the field can be trusted
/// (RFC 7606 §5.3). Bits behind a prefix's length carry no meaning and are cleared.
pub(super) fn decode(family: Family, mut octets: &[u8]) -> Option<Vec<Prefix>> {
    let mut prefixes = Vec::with_capacity(octets.len() / 4);
    while !octets.is_empty() {
        let (rest, found) = match family {
            Family::Ipv4 => prefix(octets, |octets: [u8; 4]| Ipv4Addr::from(octets).into()),
            Family::Ipv6 => prefix(octets, |octets: [u8; 16]| Ipv6Addr::from(octets).into()),
        }
        .ok()?;
        prefixes.push(found?);
        octets = rest;
    }
    Some(prefixes)
}

fn prefix<const N: usize>(input: &[u8], address: fn([u8; N]) -> IpAddr) -> IResult<&[u8], Option<Prefix>> {
    let (rest, bits) = be_u8(input)?;
    let (rest, given) = take(bits.div_ceil(8)).parse(rest)?;
    let mut octets = [0; N];
    let Some(start) = octets.get_mut(..given.len()) else { return Ok((rest, None)) };
    start.copy_from_slice(given);
    Ok((rest, Prefix::truncated(address(octets), bits).ok()))
}

/// Writes as many of the prefixes as fit into `room` octets and are of the family; says how many it took.
pub(super) fn encode<I: Iterator<Item = Prefix>>(
    family: Family,
    prefixes: &mut Peekable<I>,
    room: usize,
    out: &mut BytesMut,
) -> usize {
    let limit = out.len() + room;
    let mut taken = 0;
    while let Some(prefix) = prefixes.next_if(|next| next.family() == family && out.len() + len(next) <= limit) {
        one(&prefix, out);
        taken += 1;
    }
    taken
}

/// How many octets the prefix takes.
fn len(prefix: &Prefix) -> usize {
    1 + usize::from(prefix.len().div_ceil(8))
}

/// The length in bits, and as many octets as it needs.
fn one(prefix: &Prefix, out: &mut BytesMut) {
    out.put_u8(prefix.len());
    let octets = usize::from(prefix.len().div_ceil(8));
    match prefix.addr() {
        IpAddr::V4(addr) => out.extend_from_slice(addr.octets().get(..octets).unwrap_or_default()),
        IpAddr::V6(addr) => out.extend_from_slice(addr.octets().get(..octets).unwrap_or_default()),
    }
}
