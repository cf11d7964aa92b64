//! A reader of UPDATEs that shares nothing with the crate: maps, and no cleverness. What it says is what must be in the
//! RIB.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What one neighbor teaches: by prefix as people write it.
#[derive(Debug, Default)]
pub struct Naive {
    pub routes: BTreeMap<String, Route>,
    pub announced: usize,
    pub withdrawn: usize,
    /// Routes that count as withdrawn: their path holds AS 0 (RFC 7607), or their next hop is the unspecified address
    /// (RFC 4271 §6.3).
    pub unusable: usize,
    pub updates: usize,
}

/// A route, as far as it is compared.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Route {
    /// As `twinspan show routes` writes it; `None` where AS4_PATH and sets make it a matter of rules.
    pub path: Option<String>,
    pub origin: u8,
    pub med: Option<u32>,
    pub communities: Vec<String>,
    pub large: Vec<String>,
    pub next_hop: IpAddr,
}

fn two(octets: &[u8], at: usize) -> usize {
    usize::from(octets[at]) << 8 | usize::from(octets[at + 1])
}

fn four(octets: &[u8]) -> u32 {
    u32::from_be_bytes(octets.try_into().expect("four octets"))
}

impl Naive {
    /// One whole UPDATE, header and all. `as4`: AS numbers have four octets.
    pub fn read(&mut self, octets: &[u8], as4: bool) {
        self.updates += 1;
        let gone = two(octets, 19);
        let all = 21 + gone;
        let attributes = &octets[all + 2..all + 2 + two(octets, all)];
        for prefix in prefixes(&octets[21..all], false) {
            self.withdraw(&prefix);
        }
        let nlri = prefixes(&octets[all + 2 + attributes.len()..], false);

        let mut seen: BTreeMap<u8, &[u8]> = BTreeMap::new();
        let mut at = 0;
        while at < attributes.len() {
            let long = attributes[at] & 0x10 != 0;
            let (head, length) = if long { (4, two(attributes, at + 2)) } else { (3, usize::from(attributes[at + 2])) };
            // The first counts.
            seen.entry(attributes[at + 1]).or_insert(&attributes[at + head..at + head + length]);
            at += head + length;
        }
        if let Some(value) = seen.get(&15).filter(|value| value[2] == 1) {
            for prefix in prefixes(&value[3..], two(value, 0) == 2) {
                self.withdraw(&prefix);
            }
        }
        let Some(path) = seen.get(&2) else { return };
        let segments = segments(path, as4);
        let communities = |code| seen.get(&code).copied().unwrap_or_default();
        let mut route = Route {
            path: merged(&segments, seen.get(&17).filter(|_| !as4)),
            origin: seen[&1][0],
            med: seen.get(&4).map(|value| four(value)),
            communities: communities(8).chunks(4).map(|one| format!("{}:{}", two(one, 0), two(one, 2))).collect(),
            large: communities(32)
                .chunks(12)
                .map(|one| format!("{}:{}:{}", four(&one[..4]), four(&one[4..8]), four(&one[8..])))
                .collect(),
            next_hop: Ipv4Addr::UNSPECIFIED.into(),
        };
        let zero = segments.iter().any(|(_, asns)| asns.contains(&0));
        let usable = |route: &Route| !zero && !route.next_hop.is_unspecified();
        if let Some(hop) = seen.get(&3) {
            route.next_hop = Ipv4Addr::from(four(hop)).into();
        }
        for prefix in nlri {
            self.announce(prefix, &route, usable(&route));
        }
        if let Some(value) = seen.get(&14).filter(|value| value[2] == 1) {
            let (six, length) = (two(value, 0) == 2, usize::from(value[3]));
            route.next_hop = match length {
                4 => Ipv4Addr::from(four(&value[4..8])).into(),
                _ => Ipv6Addr::from(<[u8; 16]>::try_from(&value[4..20]).expect("sixteen octets")).into(),
            };
            for prefix in prefixes(&value[5 + length..], six) {
                self.announce(prefix, &route, usable(&route));
            }
        }
    }

    fn withdraw(&mut self, prefix: &str) {
        self.withdrawn += 1;
        self.routes.remove(prefix);
    }

    fn announce(&mut self, prefix: String, route: &Route, usable: bool) {
        self.announced += 1;
        if usable {
            self.routes.insert(prefix, route.clone());
        } else {
            self.unusable += 1;
            self.routes.remove(&prefix);
        }
    }
}

fn prefixes(octets: &[u8], six: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < octets.len() {
        let bits = usize::from(octets[at]);
        let count = bits.div_ceil(8);
        let given = &octets[at + 1..at + 1 + count];
        let mut whole = [0_u8; 16];
        whole[..count].copy_from_slice(given);
        for bit in bits..128 {
            whole[bit / 8] &= !(0x80 >> (bit % 8));
        }
        found.push(if six {
            format!("{}/{bits}", Ipv6Addr::from(whole))
        } else {
            format!("{}/{bits}", Ipv4Addr::from(four(&whole[..4])))
        });
        at += 1 + count;
    }
    found
}

fn segments(value: &[u8], as4: bool) -> Vec<(u8, Vec<u32>)> {
    let width = if as4 { 4 } else { 2 };
    let mut found = Vec::new();
    let mut at = 0;
    while at < value.len() {
        let length = usize::from(value[at + 1]) * width;
        let asns = value[at + 2..at + 2 + length].chunks(width);
        let asns = asns.map(|asn| asn.iter().fold(0, |number, octet| number << 8 | u32::from(*octet)));
        found.push((value[at], asns.collect()));
        at += 2 + length;
    }
    found
}

/// The path in words. With an AS4_PATH: what AS_PATH has more, and then that; only where there are no sets.
fn merged(segments: &[(u8, Vec<u32>)], as4: Option<&&[u8]>) -> Option<String> {
    let mut words = Vec::new();
    let Some(as4) = as4 else {
        for (kind, asns) in segments {
            let numbers: Vec<String> = asns.iter().map(u32::to_string).collect();
            match kind {
                2 => words.extend(numbers),
                1 => words.push(format!("{{{}}}", numbers.join(" "))),
                _ => return None,
            }
        }
        return Some(words.join(" "));
    };
    let four = self::segments(as4, true);
    if segments.iter().chain(&four).any(|(kind, _)| *kind != 2) {
        return None;
    }
    let flat = |segments: &[(u8, Vec<u32>)]| segments.iter().flat_map(|(_, asns)| asns.clone()).collect::<Vec<u32>>();
    let (short, long) = (flat(segments), flat(&four));
    let path = if long.len() > short.len() { short } else { [&short[..short.len() - long.len()], &long].concat() };
    Some(path.iter().map(u32::to_string).collect::<Vec<_>>().join(" "))
}
