//! The packets in which hosts of a link ask and tell who has an address: ARP (RFC 826, RFC 5227) and neighbor discovery
//! (RFC 4861 §4.3, §4.4).

use std::net::{Ipv4Addr, Ipv6Addr};

/// A hardware address of Ethernet.
pub type Mac = [u8; 6];

const BROADCAST: Mac = [0xff; 6];
const ETHERTYPE_ARP: [u8; 2] = [0x08, 0x06];
/// Ethernet, IPv4, their lengths.
const ARP_HEAD: [u8; 6] = [0, 1, 0x08, 0, 6, 4];
const REQUEST: [u8; 2] = [0, 1];
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
/// Options with the hardware address of the sender, and of the target; 8 octets long.
const SOURCE: [u8; 2] = [1, 1];
const TARGET: [u8; 2] = [2, 1];
/// An advertisement that nobody asked for and that replaces what is known.
const OVERRIDE: [u8; 4] = [0x20, 0, 0, 0];

/// The frame that asks who has `address`, without saying that we do (RFC 5227 §2.1.1).
#[must_use]
pub fn arp_probe(from: Mac, address: Ipv4Addr) -> Vec<u8> {
    arp_request(from, Ipv4Addr::UNSPECIFIED, address)
}

/// The frame that says that we have `address` (RFC 5227 §2.3).
#[must_use]
pub fn arp_announcement(from: Mac, address: Ipv4Addr) -> Vec<u8> {
    arp_request(from, address, address)
}

fn arp_request(from: Mac, sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let (sender, target) = (sender.octets(), target.octets());
    let parts: [&[u8]; 9] = [&BROADCAST, &from, &ETHERTYPE_ARP, &ARP_HEAD, &REQUEST, &from, &sender, &[0; 6], &target];
    parts.concat()
}

/// The host that says in this frame that it has `address`, if one does.
#[must_use]
pub fn arp_owner(frame: &[u8], address: Ipv4Addr) -> Option<Mac> {
    let body = frame.get(12..)?.strip_prefix(&ETHERTYPE_ARP)?.strip_prefix(&ARP_HEAD)?;
    // Behind the operation: who sends it, and the address that this host has.
    let (owner, rest) = body.get(2..)?.split_first_chunk::<6>()?;
    (rest.get(..4)? == address.octets()).then_some(*owner)
}

/// The ICMPv6 message that asks who has `address`. The kernel writes its checksum.
#[must_use]
pub fn solicitation(from: Mac, address: Ipv6Addr) -> Vec<u8> {
    let parts: [&[u8]; 5] = [&[SOLICITATION, 0, 0, 0], &[0; 4], &address.octets(), &SOURCE, &from];
    parts.concat()
}

/// The ICMPv6 message that says that we have `address` (RFC 4861 §7.2.6).
#[must_use]
pub fn advertisement(from: Mac, address: Ipv6Addr) -> Vec<u8> {
    let parts: [&[u8]; 5] = [&[ADVERTISEMENT, 0, 0, 0], &OVERRIDE, &address.octets(), &TARGET, &from];
    parts.concat()
}

/// The host that says in this ICMPv6 message that it has `address`, if one does; its hardware address where that stands
/// in the first option.
#[must_use]
pub fn advertised(message: &[u8], address: Ipv6Addr) -> Option<Option<Mac>> {
    let rest = message.strip_prefix(&[ADVERTISEMENT, 0])?.get(6..)?;
    let options = rest.strip_prefix(&address.octets())?;
    let mac = options.strip_prefix(&TARGET).and_then(|rest| rest.first_chunk::<6>());
    Some(mac.copied())
}

/// Where a solicitation for an address goes (RFC 4291 §2.7.1).
#[must_use]
pub fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c])
}

/// As people write it.
#[must_use]
pub fn shown(mac: Mac) -> String {
    mac.map(|octet| format!("{octet:02x}")).join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = [2, 0, 0, 0, 0, 1];

    #[test]
    fn a_probe_says_nothing_of_the_sender_and_an_announcement_says_that_it_has_the_address() {
        let address = Ipv4Addr::new(10, 20, 255, 30);
        let probe = arp_probe(MAC, address);
        assert_eq!(probe.len(), 42);
        assert_eq!(probe[..22], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
        assert_eq!(probe[28..], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 20, 255, 30]);
        assert_eq!(arp_owner(&probe, address), None);
        assert_eq!(arp_owner(&arp_announcement(MAC, address), address), Some(MAC));
        assert_eq!(arp_owner(&arp_announcement(MAC, Ipv4Addr::new(10, 20, 255, 29)), address), None);
    }

    #[test]
    fn an_advertisement_names_its_sender() {
        let address: Ipv6Addr = "fd00:20::ff7f".parse().unwrap();
        assert_eq!(advertised(&advertisement(MAC, address), address), Some(Some(MAC)));
        assert_eq!(advertised(&advertisement(MAC, address)[..24], address), Some(None), "the option may be left out");
        assert_eq!(advertised(&solicitation(MAC, address), address), None);
        assert_eq!(advertised(&advertisement(MAC, "fd00:20::1".parse().unwrap()), address), None);
        assert_eq!(solicited_node(address).to_string(), "ff02::1:ff00:ff7f");
    }

    #[test]
    fn what_is_cut_short_says_nothing() {
        let v4 = Ipv4Addr::new(10, 0, 0, 1);
        let frame = arp_announcement(MAC, v4);
        for end in 0..32 {
            assert_eq!(arp_owner(&frame[..end], v4), None);
        }
        let v6: Ipv6Addr = "fd00::1".parse().unwrap();
        for end in 0..24 {
            assert_eq!(advertised(&advertisement(MAC, v6)[..end], v6), None);
        }
    }
}
