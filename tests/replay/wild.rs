//! UPDATEs as the field sends them, made up from a seed: attributes in any order, lengths of two octets where one is
//! enough, flags that mean nothing, bits behind prefixes, unknown attributes, withdrawals beside routes.
//!
//! All of them are good: a receiver must take every route in them. Names nothing of the crate.

use fastrand::Rng;

const WELL: u8 = 0x40;
const LOCAL: u8 = 0x80;
const PASS: u8 = 0xc0;
const EXTENDED: u8 = 0x10;

/// Who sends, and how.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    /// The first AS of every path.
    pub asn: u32,
    /// AS numbers have four octets.
    pub as4: bool,
    /// It is of the receiver's own AS.
    pub internal: bool,
}

/// The next UPDATE.
pub fn update(random: &mut Rng, sender: Sender) -> Vec<u8> {
    let six = random.u32(..4) == 0;
    let origin = random.u8(..3);
    let mut attributes = vec![attribute(random, WELL, 1, &[origin])];
    path(random, sender, &mut attributes);
    let nlri = if six { Vec::new() } else { prefixes(random, 32) };
    if six {
        let mut value = vec![0, 2, 1];
        if random.bool() {
            value.push(16);
            value.extend(next_hop6(random));
        } else {
            value.push(32);
            value.extend(next_hop6(random));
            value.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        }
        value.push(0);
        value.extend(prefixes(random, 128));
        attributes.push(attribute(random, LOCAL, 14, &value));
    } else {
        let hop = [198, 18, random.u8(..), random.u8(1..255)];
        attributes.push(attribute(random, WELL, 3, &hop));
    }
    if random.u32(..8) == 0 {
        let value = [&[0, 2, 1][..], &prefixes(random, 128)].concat();
        attributes.push(attribute(random, LOCAL, 15, &value));
    }
    optional(random, sender, &mut attributes);
    random.shuffle(&mut attributes);
    let withdrawn = if random.u32(..6) == 0 { prefixes(random, 32) } else { Vec::new() };
    message(&withdrawn, &attributes.concat(), &nlri)
}

/// An UPDATE that only withdraws.
pub fn withdrawal(random: &mut Rng) -> Vec<u8> {
    message(&prefixes(random, 32), &[], &[])
}

/// One message longer than 4,096 octets: withdrawn IPv6 prefixes.
pub fn long(random: &mut Rng) -> Vec<u8> {
    let mut value = vec![0, 2, 1];
    while value.len() < 36_000 {
        value.extend(prefix(random, 128));
    }
    let attribute = attribute(random, LOCAL, 15, &value);
    message(&[], &attribute, &[])
}

fn message(withdrawn: &[u8], attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
    let two = |length: usize| u16::try_from(length).expect("made to fit").to_be_bytes();
    let mut octets = vec![0xff; 16];
    octets.extend(two(23 + withdrawn.len() + attributes.len() + nlri.len()));
    octets.push(2);
    octets.extend(two(withdrawn.len()));
    octets.extend(withdrawn);
    octets.extend(two(attributes.len()));
    octets.extend(attributes);
    octets.extend(nlri);
    octets
}

/// An attribute with flags that do not matter set now and then, and a length of two octets now and then.
fn attribute(random: &mut Rng, flags: u8, code: u8, value: &[u8]) -> Vec<u8> {
    let long = value.len() > 255 || random.u32(..5) == 0;
    let idle = if random.u32(..5) == 0 { random.u8(..16) } else { 0 };
    let mut octets = vec![flags | idle | if long { EXTENDED } else { 0 }, code];
    let length = u16::try_from(value.len()).expect("made to fit").to_be_bytes();
    octets.extend(&length[if long { 0 } else { 1 }..]);
    octets.extend(value);
    octets
}

/// AS_PATH, and AS4_PATH where two octets cannot say it.
fn path(random: &mut Rng, sender: Sender, attributes: &mut Vec<Vec<u8>>) {
    let asn = |random: &mut Rng| match random.u32(..4) {
        0 => random.u32(131_072..400_000),
        _ => random.u32(1..64_000),
    };
    let mut asns = vec![sender.asn];
    asns.extend((0..random.usize(..6)).map(|_| asn(random)));
    let set: Vec<u32> =
        if random.u32(..10) == 0 { (0..random.usize(1..4)).map(|_| asn(random)).collect() } else { vec![] };
    let segments = |four: bool| {
        let mut value = Vec::new();
        for (kind, asns) in [(2, &asns), (1, &set)].into_iter().filter(|(_, asns)| !asns.is_empty()) {
            value.extend([kind, u8::try_from(asns.len()).expect("a few")]);
            for asn in asns {
                match (four, u16::try_from(*asn)) {
                    (true, _) => value.extend(asn.to_be_bytes()),
                    (false, Ok(short)) => value.extend(short.to_be_bytes()),
                    (false, Err(_)) => value.extend(23456_u16.to_be_bytes()),
                }
            }
        }
        value
    };
    let value = segments(sender.as4);
    attributes.push(attribute(random, WELL, 2, &value));
    if !sender.as4 && asns.iter().chain(&set).any(|asn| *asn > 65_535) {
        let value = segments(true);
        attributes.push(attribute(random, PASS, 17, &value));
    }
}

fn optional(random: &mut Rng, sender: Sender, attributes: &mut Vec<Vec<u8>>) {
    let mut add = |random: &mut Rng, chance: u32, flags: u8, code: u8, make: &dyn Fn(&mut Rng) -> Vec<u8>| {
        if random.u32(..chance) == 0 {
            let value = make(random);
            let partial = if flags == PASS && random.u32(..4) == 0 { 0x20 } else { 0 };
            attributes.push(attribute(random, flags | partial, code, &value));
        }
    };
    let octets = |count: usize| move |random: &mut Rng| (0..count).map(|_| random.u8(1..250)).collect::<Vec<u8>>();
    let many = |count: usize| {
        move |random: &mut Rng| {
            let times = random.usize(1..9);
            (0..count * times).map(|_| random.u8(1..250)).collect::<Vec<u8>>()
        }
    };
    add(random, 3, LOCAL, 4, &octets(4));
    add(random, 6, WELL, 6, &octets(0));
    add(random, 6, PASS, 7, &move |random| {
        let width = if sender.as4 { 4 } else { 2 };
        [vec![0; width - 2], octets(6)(random)].concat()
    });
    add(random, 2, PASS, 8, &many(4));
    add(random, 6, PASS, 16, &|random| {
        let times = random.usize(1..5);
        (0..times).flat_map(|_| [&[0, 2][..], &octets(6)(random)].concat()).collect()
    });
    add(random, 5, PASS, 32, &many(12));
    add(random, 9, PASS, 21, &octets(5));
    add(random, 9, PASS, 128, &many(7));
    add(random, 9, PASS, 243, &many(60));
    add(random, 9, LOCAL, 242, &many(3));
    if sender.internal {
        add(random, 1, WELL, 5, &octets(4));
        add(random, 2, LOCAL, 9, &octets(4));
        add(random, 2, LOCAL, 10, &many(4));
    }
}

fn next_hop6(random: &mut Rng) -> [u8; 16] {
    let mut hop = [0; 16];
    hop[..2].copy_from_slice(&[0x20, 0x01]);
    hop[15] = random.u8(1..);
    hop
}

fn prefixes(random: &mut Rng, bits: u8) -> Vec<u8> {
    let count = random.usize(1..9);
    (0..count).flat_map(|_| prefix(random, bits)).collect()
}

/// A prefix out of not so many, so that they meet again; with bits behind its length that must not matter.
fn prefix(random: &mut Rng, bits: u8) -> Vec<u8> {
    let (first, shortest) = if bits == 32 { (random.u8(11..100), 8) } else { (0x20, 16) };
    let len = random.u8(shortest..=if bits == 32 { 24 } else { 64 });
    let mut octets = vec![len, first];
    octets.extend((1..len.div_ceil(8)).map(|_| random.u8(..)));
    octets
}
