//! A made-up table with a real one's statistics: for where there are no recordings.
//!
//! Prefix lengths, routes that share their attributes and lengths of paths are those of a full table of 2015: 53 % of
//! the prefixes are /24, six and a half share one UPDATE, a path has about four ASes. One seed, one table.

use std::collections::HashSet;

use super::mrt::Record;
use super::{UPDATE, message};

/// How many of 1,000 prefixes have a length.
const LENGTHS: [(u8, u32); 14] = [
    (24, 548),
    (22, 104),
    (23, 95),
    (20, 66),
    (21, 62),
    (19, 48),
    (16, 23),
    (18, 21),
    (17, 13),
    (15, 6),
    (14, 6),
    (13, 4),
    (12, 3),
    (11, 1),
];

/// Not on the Internet (RFC 6890), or the lab's own: no prefix of the table covers or is inside of these.
const KEPT_OUT: [(u32, u8); 14] = [
    (0x0000_0000, 8),
    (0x0a00_0000, 8),
    (0x6440_0000, 10),
    (0x7f00_0000, 8),
    (0xa9fe_0000, 16),
    (0xac10_0000, 12),
    (0xc000_0000, 24),
    (0xc000_0200, 24),
    (0xc058_6300, 24),
    (0xc0a8_0000, 16),
    (0xc612_0000, 15),
    (0xc633_6400, 24),
    (0xcb00_7100, 24),
    (0xe000_0000, 3),
];

/// The UPDATEs of a table of `count` different prefixes.
pub fn records(count: usize, seed: u64) -> impl Iterator<Item = Record> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut seen = HashSet::with_capacity(count);
    std::iter::from_fn(move || {
        let left = count - seen.len();
        if left == 0 {
            return None;
        }
        // Most attribute sets have one or two prefixes, a few have many: a mean of six and a half.
        let share = match random.u32(..100) {
            0..50 => 1,
            50..70 => 2,
            70..90 => random.usize(3..12),
            _ => random.usize(12..67),
        };
        let mut nlri = Vec::new();
        for _ in 0..share.min(left) {
            let (network, length) = fresh(&mut random, &mut seen);
            nlri.push(length);
            nlri.extend(network.to_be_bytes().iter().take(usize::from(length.div_ceil(8))));
        }
        Some(Record { time: 0, as4: true, peer_asn: 0, octets: update(&attributes(&mut random), &nlri) })
    })
}

/// The network and the length of different prefixes, without an end: a table's, in the order in which one seed draws them.
pub fn prefixes(seed: u64) -> impl Iterator<Item = (u32, u8)> {
    let (mut random, mut seen) = (fastrand::Rng::with_seed(seed), HashSet::new());
    std::iter::repeat_with(move || fresh(&mut random, &mut seen))
}

/// The UPDATEs of these prefixes, all with the same attributes.
pub fn plain(prefixes: impl Iterator<Item = (u32, u8)>) -> impl Iterator<Item = Record> {
    let mut prefixes = prefixes.peekable();
    std::iter::from_fn(move || {
        prefixes.peek()?;
        let mut nlri = Vec::new();
        for (network, length) in prefixes.by_ref().take(500) {
            nlri.push(length);
            nlri.extend(network.to_be_bytes().iter().take(usize::from(length.div_ceil(8))));
        }
        let attributes = [0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0, 1, 0x40, 3, 4, 192, 0, 2, 1];
        Some(Record { time: 0, as4: true, peer_asn: 0, octets: update(&attributes, &nlri) })
    })
}

/// True if a prefix covers or is inside of what is not on the Internet.
pub fn kept_out(network: u32, length: u8) -> bool {
    KEPT_OUT.iter().any(|(out, bits)| {
        let mask = mask(length.min(*bits));
        network & mask == out & mask
    })
}

fn fresh(random: &mut fastrand::Rng, seen: &mut HashSet<(u32, u8)>) -> (u32, u8) {
    loop {
        let mut pick = random.u32(..1000);
        let found = LENGTHS.iter().find(|(_, share)| match pick.checked_sub(*share) {
            Some(rest) => {
                pick = rest;
                false
            }
            None => true,
        });
        let length = found.map_or(24, |(length, _)| *length);
        let network = random.u32(..) & mask(length);
        if !kept_out(network, length) && seen.insert((network, length)) {
            return (network, length);
        }
        // The few short prefixes run out in a large table; another draw finds a longer one.
    }
}

fn attributes(random: &mut fastrand::Rng) -> Vec<u8> {
    let origin = if random.u32(..10) < 8 { 0 } else { 2 };
    let mut out = vec![0x40, 1, 1, origin, 0x40, 2];
    let hops = random.u8(2..7);
    out.extend([2 + 4 * hops, 2, hops]);
    for _ in 0..hops {
        let asn = if random.u32(..10) == 0 { random.u32(131_072..400_000) } else { random.u32(1..23_000) };
        out.extend(asn.to_be_bytes());
    }
    out.extend([0x40, 3, 4, 192, 0, 2, 1]);
    if random.bool() {
        out.extend([0x80, 4, 4, 0, 0]);
        out.extend(random.u16(..200).to_be_bytes());
    }
    let communities = random.u8(..6);
    if communities > 0 {
        out.extend([0xc0, 8, 4 * communities]);
        for _ in 0..communities {
            out.extend([random.u16(1..23_000).to_be_bytes(), random.u16(..5000).to_be_bytes()].concat());
        }
    }
    out
}

fn update(attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
    let length = u16::try_from(attributes.len()).expect("a few dozen octets");
    message(UPDATE, &[&[0, 0], &length.to_be_bytes()[..], attributes, nlri].concat())
}

fn mask(length: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_one_table_and_another_is_another() {
        let octets = |seed| records(500, seed).map(|record| record.octets).collect::<Vec<_>>();
        assert_eq!(octets(1), octets(1));
        assert_ne!(octets(1), octets(2));
    }
}
