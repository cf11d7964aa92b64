//! Octets by hand: nothing here asks the crate how to write them, so that what is wrong can be written too.

pub use crate::rig::message;

pub const UPDATE: u8 = 2;
/// Well-known transitive, optional non-transitive, optional transitive.
pub const WELL: u8 = 0x40;
pub const LOCAL: u8 = 0x80;
pub const PASS: u8 = 0xc0;
/// The length has two octets.
pub const EXTENDED: u8 = 0x10;

/// 10.1.0.0/16: known to the speaker before the row is played, and what most rows are about.
pub const NET: [u8; 3] = [16, 10, 1];
pub const NET_TEXT: &str = "10.1.0.0/16";
/// fd52::/32: the same in IPv6.
pub const NET6: [u8; 5] = [32, 0xfd, 0x52, 0, 0];
pub const NET6_TEXT: &str = "fd52::/32";
/// fd99::1, a next hop.
pub const HOP6: [u8; 16] = [0xfd, 0x99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// An attribute with the length that its value has, in two octets where one is too short.
pub fn attr(flags: u8, code: u8, value: &[u8]) -> Vec<u8> {
    sized(if value.len() > 255 { flags | EXTENDED } else { flags }, code, value.len(), value)
}

/// An attribute with a length of one's own.
pub fn sized(flags: u8, code: u8, length: usize, value: &[u8]) -> Vec<u8> {
    let mut octets = vec![flags, code];
    if flags & EXTENDED != 0 {
        octets.extend(u16::try_from(length).unwrap().to_be_bytes());
    } else {
        octets.push(u8::try_from(length).unwrap());
    }
    octets.extend(value);
    octets
}

/// An UPDATE of these three fields, with the lengths that they have.
pub fn update(withdrawn: &[u8], attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
    lengths(withdrawn.len(), withdrawn, attributes.len(), attributes, nlri)
}

/// An UPDATE with lengths of one's own.
pub fn lengths(gone: usize, withdrawn: &[u8], all: usize, attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
    let length = |length: usize| u16::try_from(length).unwrap().to_be_bytes();
    message(UPDATE, &[&length(gone), withdrawn, &length(all), attributes, nlri].concat())
}

pub fn origin() -> Vec<u8> {
    attr(WELL, 1, &[0])
}

/// One sequence, of AS numbers with four octets.
pub fn path(asns: &[u32]) -> Vec<u8> {
    attr(WELL, 2, &segment(2, asns))
}

pub fn segment(kind: u8, asns: &[u32]) -> Vec<u8> {
    let mut octets = vec![kind, u8::try_from(asns.len()).unwrap()];
    octets.extend(asns.iter().flat_map(|asn| asn.to_be_bytes()));
    octets
}

/// The same with two octets.
pub fn segment2(kind: u8, asns: &[u16]) -> Vec<u8> {
    let mut octets = vec![kind, u8::try_from(asns.len()).unwrap()];
    octets.extend(asns.iter().flat_map(|asn| asn.to_be_bytes()));
    octets
}

pub fn next_hop() -> Vec<u8> {
    attr(WELL, 3, &[192, 0, 2, 99])
}

/// The three that every IPv4 route has.
pub fn good() -> Vec<u8> {
    [origin(), path(&[65010]), next_hop()].concat()
}

/// A good UPDATE about [`NET`] but for one attribute: in place of the good one of its code, or behind the good ones.
pub fn but(attribute: &[u8]) -> Vec<u8> {
    update(&[], &replaced(&[origin(), path(&[65010]), next_hop()], attribute), &NET)
}

/// A good UPDATE about [`NET6`] but for one attribute.
pub fn but6(attribute: &[u8]) -> Vec<u8> {
    update(&[], &replaced(&[reach6(&HOP6, &NET6), origin(), path(&[65010])], attribute), &[])
}

/// A good UPDATE about [`NET`] with AS numbers of two octets, but for some attributes.
pub fn but2(attributes: &[Vec<u8>]) -> Vec<u8> {
    let path = attr(WELL, 2, &segment2(2, &[65010]));
    let mut all = vec![origin(), path, next_hop()];
    for attribute in attributes {
        match all.iter_mut().find(|one| one[1] == attribute[1]) {
            Some(one) => one.clone_from(attribute),
            None => all.push(attribute.clone()),
        }
    }
    update(&[], &all.concat(), &NET)
}

fn replaced(good: &[Vec<u8>], attribute: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut placed = false;
    for one in good {
        if one[1] == attribute[1] {
            octets.extend(attribute);
            placed = true;
        } else {
            octets.extend(one);
        }
    }
    if !placed {
        octets.extend(attribute);
    }
    octets
}

/// The value of MP_REACH_NLRI.
pub fn mp(afi: u16, safi: u8, next_hop: &[u8], nlri: &[u8]) -> Vec<u8> {
    let mut value = afi.to_be_bytes().to_vec();
    value.extend([safi, u8::try_from(next_hop.len()).unwrap()]);
    value.extend(next_hop);
    value.push(0);
    value.extend(nlri);
    value
}

/// MP_REACH_NLRI of IPv6 unicast.
pub fn reach6(next_hop: &[u8], nlri: &[u8]) -> Vec<u8> {
    attr(LOCAL, 14, &mp(2, 1, next_hop, nlri))
}

/// An UPDATE with this MP_REACH_NLRI and good attributes.
pub fn reaching(reach: &[u8]) -> Vec<u8> {
    update(&[], &[reach, &origin(), &path(&[65010])].concat(), &[])
}

/// OPEN of the neighbor, with optional parameters as they are, their length before them included.
pub fn open(version: u8, asn: u16, hold: u16, id: [u8; 4], parameters: &[u8]) -> Vec<u8> {
    let mut body = vec![version];
    body.extend(asn.to_be_bytes());
    body.extend(hold.to_be_bytes());
    body.extend(id);
    body.extend(parameters);
    message(1, &body)
}

/// A good OPEN but for its optional parameters.
pub fn open_with(parameters: &[u8]) -> Vec<u8> {
    open(4, 65010, 90, [192, 0, 2, 21], parameters)
}

/// A good OPEN but for its capabilities, in one parameter.
pub fn capable(capabilities: &[u8]) -> Vec<u8> {
    let length = u8::try_from(capabilities.len()).unwrap();
    open_with(&[&[length + 2, 2, length], capabilities].concat())
}

pub fn keepalive() -> Vec<u8> {
    message(4, &[])
}
