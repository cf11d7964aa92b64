//! UPDATEs to octets, each with as many prefixes as fit.

use std::iter::Peekable;

use bytes::{BufMut, BytesMut};

use crate::types::{Family, Prefix};
use crate::wire::frame::{self, HEADER_LEN, MessageKind};
use crate::wire::{Attributes, Context, NextHop, attr::encode as attr, nlri};

use super::{Reach, Update};

/// What an UPDATE takes beside attributes and prefixes: the header and two lengths.
const OVERHEAD: usize = HEADER_LEN + 4;

impl Update {
    /// Withdrawals first, so that a prefix in both stays; see [`super::super::Message::encode`].
    pub(in crate::wire) fn encode(&self, context: &Context, out: &mut BytesMut) {
        for family in Family::ALL {
            withdraw(family, &self.withdrawn, context, out);
        }
        for Reach { family, next_hop, prefixes } in &self.reach {
            let mut left = prefixes.iter().copied().peekable();
            while encode_reach(&self.attributes, next_hop, *family, &mut left, context, out) > 0 {}
            let untold: Vec<_> = left.collect();
            withdraw(*family, &untold, context, out);
        }
        if let Some(family) = self.end_of_rib {
            encode_end_of_rib(family, context, out);
        }
    }
}

fn withdraw(family: Family, prefixes: &[Prefix], context: &Context, out: &mut BytesMut) {
    let mut left = prefixes.iter().copied().filter(|prefix| prefix.family() == family).peekable();
    while encode_withdraw(family, &mut left, context, out) > 0 {}
}

/// Writes one UPDATE with as many of the prefixes as fit; says how many it took. 0, and nothing is written, if there
/// are none or the attributes alone do not fit: then these routes cannot be told to this peer (RFC 8654 §4).
///
/// All prefixes must be of `family`; it stops before one that is not. IPv4 with an IPv4 next hop goes into NLRI and
/// NEXT_HOP, all else into MP_REACH_NLRI, the first attribute (RFC 7606 §5.1); the others follow by type code.
pub fn encode_reach<I: Iterator<Item = Prefix>>(
    attributes: &Attributes,
    next_hop: &NextHop,
    family: Family,
    prefixes: &mut Peekable<I>,
    context: &Context,
    out: &mut BytesMut,
) -> usize {
    let start = out.len();
    let mut taken = 0;
    let mut rest = BytesMut::new();
    match (family, *next_hop) {
        (Family::Ipv4, NextHop::V4(next_hop)) => {
            attr::encode(attributes, Some(next_hop), context, &mut rest);
            let Some(room) = room(context, rest.len()) else { return 0 };
            update(&[], &rest, out, |out| taken = nlri::encode(family, prefixes, room, out));
        }
        _ => {
            attr::encode(attributes, None, context, &mut rest);
            let Some(room) = room(context, rest.len() + attr::mp_reach_overhead(family, next_hop)) else { return 0 };
            let mut nlri = BytesMut::new();
            taken = nlri::encode(family, prefixes, room, &mut nlri);
            let mut first = BytesMut::with_capacity(nlri.len() + rest.len() + 64);
            attr::mp_reach(family, next_hop, &nlri, &mut first);
            first.extend_from_slice(&rest);
            update(&[], &first, out, |_| {});
        }
    }
    if taken == 0 {
        out.truncate(start);
    }
    taken
}

/// Writes one UPDATE that withdraws as many of the prefixes as fit; says how many it took, 0 if there are none.
///
/// All prefixes must be of `family`; it stops before one that is not.
pub fn encode_withdraw<I: Iterator<Item = Prefix>>(
    family: Family,
    prefixes: &mut Peekable<I>,
    context: &Context,
    out: &mut BytesMut,
) -> usize {
    let mut nlri = BytesMut::new();
    let overhead = match family {
        Family::Ipv4 => 0,
        Family::Ipv6 => attr::MP_UNREACH_OVERHEAD,
    };
    let taken = room(context, overhead).map_or(0, |room| nlri::encode(family, prefixes, room, &mut nlri));
    if taken > 0 {
        match family {
            Family::Ipv4 => update(&nlri, &[], out, |_| {}),
            Family::Ipv6 => {
                let mut attribute = BytesMut::with_capacity(nlri.len() + attr::MP_UNREACH_OVERHEAD);
                attr::mp_unreach(family, &nlri, &mut attribute);
                update(&[], &attribute, out, |_| {});
            }
        }
    }
    taken
}

/// Writes the End-of-RIB marker of a family (RFC 4724 §2). It is the same in every context.
pub fn encode_end_of_rib(family: Family, _context: &Context, out: &mut BytesMut) {
    let mut attribute = BytesMut::new();
    if family != Family::Ipv4 {
        attr::mp_unreach(family, &[], &mut attribute);
    }
    update(&[], &attribute, out, |_| {});
}

/// What is left for prefixes, `None` if not even the rest fits.
fn room(context: &Context, others: usize) -> Option<usize> {
    context.max_len().checked_sub(OVERHEAD + others)
}

fn update(withdrawn: &[u8], attributes: &[u8], out: &mut BytesMut, nlri: impl FnOnce(&mut BytesMut)) {
    frame::write(MessageKind::Update, out, |out| {
        for field in [withdrawn, attributes] {
            out.put_u16(u16::try_from(field.len()).expect("fields were made to fit the message"));
            out.extend_from_slice(field);
        }
        nlri(out);
    });
}
