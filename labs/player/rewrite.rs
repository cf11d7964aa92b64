//! Makes a recorded UPDATE one that a device may send to its gateway, over an external or an internal session.
//!
//! Next hop and first AS become the device's own; what only means something inside an AS is dropped; every other
//! attribute stays as it was, octet for octet. IPv6 routes are left out: the session is for IPv4.

use std::collections::HashSet;
use std::net::Ipv4Addr;

use super::{HEADER_LEN, MESSAGE_MAX, Reader, UPDATE, message, mrt::Record};

const AS_PATH: u8 = 2;
const NEXT_HOP: u8 = 3;
const LOCAL_PREF: u8 = 5;
const AGGREGATOR: u8 = 7;
const ORIGINATOR_ID: u8 = 9;
const CLUSTER_LIST: u8 = 10;
const MP_REACH_NLRI: u8 = 14;
const MP_UNREACH_NLRI: u8 = 15;
const AS4_PATH: u8 = 17;
const AS4_AGGREGATOR: u8 = 18;

/// Flag: the length has two octets.
const EXTENDED: u8 = 0x10;
/// Well-known: the flags of AS_PATH and NEXT_HOP.
const TRANSITIVE: u8 = 0x40;
const AS_SEQUENCE: u8 = 2;
/// Stands in a two-octet field for an AS number of four (RFC 6793).
const AS_TRANS: u32 = 23456;

/// The most octets of NLRI and attributes in one message, the two length fields left out.
const ROOM: usize = MESSAGE_MAX - HEADER_LEN - 4;

/// Who sends.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    /// Its AS.
    pub asn: u32,
    /// Its address, the next hop of all routes.
    pub address: Ipv4Addr,
    /// AS numbers have four octets on the session.
    pub four_octet: bool,
    /// The session is internal: the path stays as it was, and LOCAL_PREF goes with it.
    pub internal: bool,
}

/// What an internal session prefers by, where nobody says otherwise.
const DEFAULT_LOCAL_PREF: u32 = 100;

/// The flags and the code of each attribute of a whole UPDATE, the length's own flag left out; empty if unreadable.
pub fn codes(update: &[u8]) -> Vec<(u8, u8)> {
    let read = || {
        let mut body = Reader(update.get(HEADER_LEN..)?);
        let length = body.length(2)?;
        body.take(length)?;
        let length = body.length(2)?;
        attributes(body.take(length)?)
    };
    let found = read().unwrap_or_default();
    found.iter().map(|attribute| (attribute.flags & !EXTENDED, attribute.code)).collect()
}

/// What became of the records.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Counts {
    /// UPDATEs made.
    pub updates: u64,
    /// Routes announced, those announced again counted again.
    pub announced: u64,
    /// Routes withdrawn.
    pub withdrawn: u64,
    /// Of the announced, routes with AS 0 in their AS_PATH.
    pub as_zero: u64,
    /// UPDATEs with nothing but routes of other families.
    pub other_families: u64,
    /// UPDATEs that could not be read, or whose attributes alone fill a message.
    pub unreadable: u64,
}

/// The prefixes that the peer should hold now: those announced and not withdrawn since. One whose AS_PATH holds AS 0
/// counts as withdrawn: the peer must take it so (RFC 7607).
pub type Held = HashSet<(u32, u8)>;

/// Turns records into messages, and keeps the count.
#[derive(Debug)]
pub struct Rewriter {
    device: Device,
    /// What was made so far.
    pub counts: Counts,
    /// What the peer should hold.
    pub held: Held,
}

struct Attribute<'a> {
    flags: u8,
    code: u8,
    value: &'a [u8],
    whole: &'a [u8],
}

struct Segment {
    kind: u8,
    asns: Vec<u32>,
}

impl Rewriter {
    /// Nothing made so far.
    pub fn new(device: Device) -> Self {
        Self { device, counts: Counts::default(), held: Held::default() }
    }

    /// Appends the messages made from one record: none, one, or several where one would be too long.
    pub fn rewrite(&mut self, record: &Record, out: &mut Vec<u8>) {
        if record.octets.get(HEADER_LEN - 1) != Some(&UPDATE) {
            return;
        }
        if self.update(record, out).is_none() {
            self.counts.unreadable += 1;
        }
    }

    fn update(&mut self, record: &Record, out: &mut Vec<u8>) -> Option<()> {
        let mut body = Reader(record.octets.get(HEADER_LEN..)?);
        let length = body.length(2)?;
        let withdrawn = prefixes(body.take(length)?)?;
        let length = body.length(2)?;
        let attributes = attributes(body.take(length)?)?;
        let reach = prefixes(body.0)?;
        if withdrawn.is_empty() && reach.is_empty() {
            self.counts.other_families += 1;
            return Some(());
        }
        let path = attributes.iter().find(|attribute| attribute.code == AS_PATH);
        let path = path.and_then(|path| segments(path.value, record.as4)).unwrap_or_default();
        let as_zero = path.iter().any(|segment| segment.asns.contains(&0));
        let attributes = if reach.is_empty() { Vec::new() } else { self.attributes(&attributes, record)? };
        for chunk in chunks(&withdrawn, ROOM) {
            self.emit(chunk, &[], &[], out);
        }
        // A prefix of /32 has five octets: with less room than that there is no message to make.
        let room = ROOM.checked_sub(attributes.len()).filter(|room| *room >= 5)?;
        for chunk in chunks(&reach, room) {
            self.emit(&[], &attributes, chunk, out);
        }
        if as_zero {
            self.counts.as_zero += reach.len() as u64;
            for prefix in &reach {
                self.held.remove(&key(prefix));
            }
        }
        Some(())
    }

    fn emit(&mut self, withdrawn: &[&[u8]], attributes: &[u8], reach: &[&[u8]], out: &mut Vec<u8>) {
        let mut body = Vec::with_capacity(MESSAGE_MAX);
        let gone = withdrawn.concat();
        for part in [&gone[..], attributes] {
            body.extend(u16::try_from(part.len()).expect("fits a message").to_be_bytes());
            body.extend(part);
        }
        body.extend(reach.concat());
        out.extend(message(UPDATE, &body));
        self.counts.updates += 1;
        self.counts.announced += reach.len() as u64;
        self.counts.withdrawn += withdrawn.len() as u64;
        for prefix in withdrawn {
            self.held.remove(&key(prefix));
        }
        self.held.extend(reach.iter().map(|prefix| key(prefix)));
    }

    fn attributes(&self, recorded: &[Attribute<'_>], record: &Record) -> Option<Vec<u8>> {
        let of = |code| recorded.iter().find(|attribute| attribute.code == code);
        let mut out = Vec::new();
        // Two-octet records carry the truth in AS4_PATH and AS4_AGGREGATOR; it is merged wherever it is there.
        let merge = !record.as4 && self.device.four_octet;
        for attribute in recorded {
            match attribute.code {
                LOCAL_PREF | ORIGINATOR_ID | CLUSTER_LIST | MP_REACH_NLRI | MP_UNREACH_NLRI => {}
                AS4_PATH | AS4_AGGREGATOR if merge => {}
                NEXT_HOP => write(TRANSITIVE, NEXT_HOP, &self.device.address.octets(), &mut out),
                AS_PATH => {
                    let mut path = segments(attribute.value, record.as4)?;
                    if let Some(tail) = of(AS4_PATH).filter(|_| merge).and_then(|a| segments(a.value, true)) {
                        path = merged(path, tail);
                    }
                    if !self.device.internal {
                        self.own_first(&mut path, record.peer_asn);
                    }
                    write(TRANSITIVE, AS_PATH, &self.path_octets(&path), &mut out);
                }
                AGGREGATOR if record.as4 != self.device.four_octet => {
                    let mut value = Reader(attribute.value);
                    let mut asn = value.number(if record.as4 { 4 } else { 2 })?;
                    let mut router = value.take(4)?;
                    if let Some(four) = of(AS4_AGGREGATOR).filter(|_| merge && asn == AS_TRANS) {
                        let mut value = Reader(four.value);
                        (asn, router) = (value.number(4)?, value.take(4)?);
                    }
                    let mut value = self.asn_octets(asn);
                    value.extend(router);
                    write(attribute.flags, AGGREGATOR, &value, &mut out);
                }
                _ => out.extend(attribute.whole),
            }
        }
        if self.device.internal {
            write(TRANSITIVE, LOCAL_PREF, &DEFAULT_LOCAL_PREF.to_be_bytes(), &mut out);
        }
        Some(out)
    }

    /// The recorded neighbor's AS in front becomes the device's; where it is not there, the device's goes in front.
    fn own_first(&self, path: &mut Vec<Segment>, recorded: u32) {
        let own = self.device.asn;
        match path.first_mut() {
            Some(Segment { kind: AS_SEQUENCE, asns }) if asns.first() == Some(&recorded) => {
                asns.splice(..1, [own]);
            }
            Some(Segment { kind: AS_SEQUENCE, asns }) if asns.len() < 255 => asns.insert(0, own),
            _ => path.insert(0, Segment { kind: AS_SEQUENCE, asns: vec![own] }),
        }
    }

    fn path_octets(&self, path: &[Segment]) -> Vec<u8> {
        let mut out = Vec::new();
        for segment in path {
            out.extend([segment.kind, u8::try_from(segment.asns.len()).expect("read from one octet")]);
            out.extend(segment.asns.iter().flat_map(|asn| self.asn_octets(*asn)));
        }
        out
    }

    fn asn_octets(&self, asn: u32) -> Vec<u8> {
        if self.device.four_octet {
            return asn.to_be_bytes().to_vec();
        }
        u16::try_from(asn).unwrap_or(AS_TRANS as u16).to_be_bytes().to_vec()
    }
}

/// Leading ASes of the two-octet path until the four-octet one takes over (RFC 6793 §4.2.3).
fn merged(two: Vec<Segment>, four: Vec<Segment>) -> Vec<Segment> {
    let count = |path: &[Segment]| path.iter().map(|s| if s.kind == AS_SEQUENCE { s.asns.len() } else { 1 }).sum();
    let (long, short): (usize, usize) = (count(&two), count(&four));
    let Some(mut lead) = long.checked_sub(short) else { return two };
    let mut out = Vec::new();
    for mut segment in two {
        if lead == 0 {
            break;
        }
        if segment.kind == AS_SEQUENCE {
            segment.asns.truncate(lead);
            lead -= segment.asns.len();
        } else {
            lead -= 1;
        }
        out.push(segment);
    }
    out.extend(four);
    out
}

fn segments(value: &[u8], four_octet: bool) -> Option<Vec<Segment>> {
    let mut value = Reader(value);
    let mut out = Vec::new();
    while !value.0.is_empty() {
        let (kind, count) = (value.number(1)?, value.length(1)?);
        let asns = (0..count).map(|_| value.number(if four_octet { 4 } else { 2 })).collect::<Option<_>>()?;
        out.push(Segment { kind: u8::try_from(kind).ok()?, asns });
    }
    Some(out)
}

fn attributes(octets: &[u8]) -> Option<Vec<Attribute<'_>>> {
    let mut rest = Reader(octets);
    let mut out = Vec::new();
    while !rest.0.is_empty() {
        let before = rest.0;
        let head = rest.take(2)?;
        let &[flags, code] = head else { return None };
        let length = rest.length(if flags & EXTENDED == 0 { 1 } else { 2 })?;
        let value = rest.take(length)?;
        out.push(Attribute { flags, code, value, whole: before.get(..before.len() - rest.0.len())? });
    }
    Some(out)
}

fn write(flags: u8, code: u8, value: &[u8], out: &mut Vec<u8>) {
    match u8::try_from(value.len()) {
        Ok(length) => out.extend([flags & !EXTENDED, code, length]),
        Err(_) => {
            out.extend([flags | EXTENDED, code]);
            out.extend(u16::try_from(value.len()).expect("came in a message").to_be_bytes());
        }
    }
    out.extend(value);
}

/// The prefixes of an NLRI field, each as its octets.
fn prefixes(octets: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rest = Reader(octets);
    let mut out = Vec::new();
    while let Some(bits) = rest.0.first() {
        if *bits > 32 {
            return None;
        }
        out.push(rest.take(1 + usize::from(bits.div_ceil(8)))?);
    }
    Some(out)
}

/// The network, its host bits cleared, and the length: the same prefix is the same key.
fn key(prefix: &[u8]) -> (u32, u8) {
    let bits = prefix.first().copied().unwrap_or_default();
    let network = (1..5).fold(0, |network, at| network << 8 | prefix.get(at).map_or(0, |octet| u32::from(*octet)));
    let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or_default();
    (network & mask, bits)
}

/// Prefixes in groups of at most `room` octets.
fn chunks<'a, 'p>(prefixes: &'a [&'p [u8]], room: usize) -> impl Iterator<Item = &'a [&'p [u8]]> {
    let mut rest = prefixes;
    std::iter::from_fn(move || {
        let mut length = 0;
        let fit = rest.iter().take_while(|prefix| {
            length += prefix.len();
            length <= room
        });
        let (chunk, after) = rest.split_at(fit.count());
        rest = after;
        (!chunk.is_empty()).then_some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: Device =
        Device { asn: 65010, address: Ipv4Addr::new(169, 254, 21, 1), four_octet: true, internal: false };

    fn played(peer_asn: u32, as4: bool, attributes: &[u8], nlri: &[u8]) -> (Vec<u8>, Rewriter) {
        let mut body = vec![0, 0];
        body.extend(u16::try_from(attributes.len()).unwrap().to_be_bytes());
        body.extend(attributes);
        body.extend(nlri);
        let mut rewriter = Rewriter::new(DEVICE);
        let mut out = Vec::new();
        rewriter.rewrite(&Record { time: 0, as4, peer_asn, octets: message(UPDATE, &body) }, &mut out);
        (out, rewriter)
    }

    #[test]
    fn an_internal_route_loses_what_is_internal_and_keeps_the_rest_octet_for_octet() {
        let attributes = [
            &[0x40, 1, 1, 0][..],            // ORIGIN
            &[0x40, 2, 6, 2, 1, 0, 0, 0, 9], // AS_PATH 9
            &[0x40, 3, 4, 1, 2, 3, 4],       // NEXT_HOP
            &[0x40, 5, 4, 0, 0, 0, 100],     // LOCAL_PREF
            &[0x80, 9, 4, 1, 1, 1, 1],       // ORIGINATOR_ID
            &[0x80, 10, 4, 1, 1, 1, 1],      // CLUSTER_LIST
            &[0xd0, 99, 0, 2, 7, 7],         // unknown, with a long length
        ];
        let (out, rewriter) = played(5, true, &attributes.concat(), &[24, 192, 0, 2]);
        let wanted = [
            &[0x40, 1, 1, 0][..],
            &[0x40, 2, 10, 2, 2, 0, 0, 0xfd, 0xf2, 0, 0, 0, 9],
            &[0x40, 3, 4, 169, 254, 21, 1],
            &[0xd0, 99, 0, 2, 7, 7],
            &[24, 192, 0, 2],
        ];
        assert_eq!(out[HEADER_LEN + 4..], wanted.concat());
        assert_eq!(rewriter.held.len(), 1);
    }

    #[test]
    fn over_an_internal_session_the_path_stays_and_a_local_preference_goes_with_it() {
        let attributes = [&[0x40, 2, 6, 2, 1, 0, 0, 0, 9][..], &[0x40, 3, 4, 1, 2, 3, 4]].concat();
        let mut body = vec![0, 0, 0, 16];
        body.extend(&attributes);
        body.extend([24, 192, 0, 2]);
        let mut rewriter = Rewriter::new(Device { internal: true, ..DEVICE });
        let mut out = Vec::new();
        rewriter.rewrite(&Record { time: 0, as4: true, peer_asn: 5, octets: message(UPDATE, &body) }, &mut out);
        let wanted = [
            &[0x40, 2, 6, 2, 1, 0, 0, 0, 9][..],
            &[0x40, 3, 4, 169, 254, 21, 1],
            &[0x40, 5, 4, 0, 0, 0, 100],
            &[24, 192, 0, 2],
        ];
        assert_eq!(out[HEADER_LEN + 4..], wanted.concat());
    }

    #[test]
    fn a_two_octet_path_is_merged_with_its_as4_path_and_the_recorded_neighbor_becomes_the_device() {
        // 5 23456 23456 with AS4_PATH 200000 300000.
        let attributes = [
            &[0x40, 2, 8, 2, 3, 0, 5, 0x5b, 0xa0, 0x5b, 0xa0][..],
            &[0xc0, 17, 10, 2, 2, 0, 3, 0x0d, 0x40, 0, 4, 0x93, 0xe0],
        ];
        let (out, _) = played(5, false, &attributes.concat(), &[8, 9]);
        let wanted = [0x40, 2, 16, 2, 1, 0, 0, 0xfd, 0xf2, 2, 2, 0, 3, 0x0d, 0x40, 0, 4, 0x93, 0xe0, 8, 9];
        assert_eq!(out[HEADER_LEN + 4..], wanted);
    }

    #[test]
    fn an_update_that_grows_over_a_message_is_sent_as_two() {
        let attributes = [&[0x40, 2, 0][..], &[0x40, 3, 4, 1, 2, 3, 4]].concat();
        let nlri: Vec<u8> = (0..1010_u16).flat_map(|n| [24, 20, (n >> 8) as u8, n as u8]).collect();
        let (out, rewriter) = played(5, true, &attributes, &nlri);
        assert_eq!((rewriter.counts.updates, rewriter.counts.announced, rewriter.held.len()), (1, 1010, 1010));
        assert!(out.len() <= MESSAGE_MAX);
        let nlri: Vec<u8> = (0..1018_u16).flat_map(|n| [24, 20, (n >> 8) as u8, n as u8]).collect();
        let (_, rewriter) = played(5, true, &attributes, &nlri);
        assert_eq!((rewriter.counts.updates, rewriter.counts.announced, rewriter.held.len()), (2, 1018, 1018));
    }
}
