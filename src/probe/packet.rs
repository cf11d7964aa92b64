//! Echo requests and their replies (RFC 792, RFC 4443 §4.1, §4.2).

use crate::types::Family;

/// Type, code, checksum, identifier, sequence number.
const HEADER: usize = 8;

/// The types of a request and of its reply.
fn kinds(family: Family) -> (u8, u8) {
    match family {
        Family::Ipv4 => (8, 0),
        Family::Ipv6 => (128, 129),
    }
}

/// A request. `mark` comes back in the reply. The kernel writes the checksum of IPv6, and its own identifier on a socket
/// that is not raw.
#[must_use]
pub fn request(family: Family, id: u16, number: u16, mark: u64) -> Vec<u8> {
    let mut octets = vec![kinds(family).0, 0, 0, 0];
    octets.extend(id.to_be_bytes());
    octets.extend(number.to_be_bytes());
    octets.extend(mark.to_be_bytes());
    if family == Family::Ipv4 {
        let sum = checksum(&octets).to_be_bytes();
        octets.iter_mut().skip(2).zip(sum).for_each(|(to, from)| *to = from);
    }
    octets
}

/// The number of the request that this answers; `None` if it is something else, or the answer to somebody else's.
#[must_use]
pub fn reply(family: Family, mark: u64, octets: &[u8]) -> Option<u16> {
    let answers = octets.first() == Some(&kinds(family).1) && octets.get(1) == Some(&0);
    let marked = octets.get(HEADER..)? == mark.to_be_bytes();
    let number = octets.get(6..HEADER)?;
    (answers && marked).then(|| u16::from_be_bytes([number[0], number[1]]))
}

/// The internet checksum (RFC 1071) of octets in which its place is zero.
fn checksum(octets: &[u8]) -> u16 {
    let words = octets.chunks(2).map(|pair| {
        let low = pair.get(1).copied().unwrap_or(0);
        u32::from(u16::from_be_bytes([pair.first().copied().unwrap_or(0), low]))
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("it was folded to sixteen bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_as_ping_sends_it() {
        // Of `ping -c 1 -p` with these eight octets, as a capture shows it: the sum of all words is 0xffff.
        let octets = request(Family::Ipv4, 0x1234, 7, 0x0102_0304_0506_0708);
        assert_eq!(octets[..2], [8, 0]);
        assert_eq!(octets[4..], [0x12, 0x34, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(checksum(&octets), 0, "the sum over all, with the checksum in it, is none");
        assert_eq!(request(Family::Ipv6, 1, 2, 3)[..4], [128, 0, 0, 0]);
    }

    #[test]
    fn only_the_answer_to_our_own_request_counts() {
        for (family, kind) in [(Family::Ipv4, 0), (Family::Ipv6, 129)] {
            let mut octets = request(family, 9, 513, 77);
            assert_eq!(reply(family, 77, &octets), None, "a request is no reply");
            octets[0] = kind;
            assert_eq!(reply(family, 77, &octets), Some(513));
            assert_eq!(reply(family, 78, &octets), None);
            for end in 0..octets.len() {
                assert_eq!(reply(family, 77, &octets[..end]), None);
            }
            octets[1] = 1;
            assert_eq!(reply(family, 77, &octets), None);
        }
    }
}
