//! Space that nobody routes.
//!
//! Private space (RFC 1918), shared space (RFC 6598) and documentation space are what people use behind tunnels and in
//! labs: they are not martians. A prefix that only contains a martian, such as 0.0.0.0/1, is none either.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::types::Prefix;

/// Why the prefix is one, if it is. The default route is none.
pub(super) fn martian(prefix: &Prefix) -> Option<&'static str> {
    match prefix.addr() {
        IpAddr::V4(address) => v4(address, prefix.len()),
        IpAddr::V6(address) => v6(address, prefix.len()),
    }
}

fn v4(address: Ipv4Addr, len: u8) -> Option<&'static str> {
    let [a, b, ..] = address.octets();
    match (a, b) {
        (0, _) if len >= 8 => Some("0.0.0.0/8, \"this network\" (RFC 791),"),
        (127, _) if len >= 8 => Some("127.0.0.0/8, loopback (RFC 1122),"),
        (169, 254) if len >= 16 => Some("169.254.0.0/16, link-local space (RFC 3927),"),
        (224..=239, _) if len >= 4 => Some("224.0.0.0/4, multicast (RFC 5771),"),
        (240..=255, _) if len >= 4 => Some("240.0.0.0/4, reserved space (RFC 1112),"),
        (224, _) if len == 3 => Some("224.0.0.0/3, multicast and reserved space,"),
        _ => None,
    }
}

fn v6(address: Ipv6Addr, len: u8) -> Option<&'static str> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    match a {
        0 if [b, c, d, e, f, g, h] == [0, 0, 0, 0, 0, 0, 1] && len == 128 => Some("::1, loopback (RFC 4291),"),
        0 if [b, c, d, e] == [0; 4] && f == 0xffff && len >= 96 => Some("::ffff:0:0/96, IPv4-mapped space (RFC 4291),"),
        0 if [b, c, d, e, f] == [0; 5] && len >= 96 => Some("::/96, IPv4-compatible space (RFC 4291),"),
        0x100 if [b, c, d] == [0; 3] && len >= 64 => Some("100::/64, the discard prefix (RFC 6666),"),
        0xfe80..=0xfebf if len >= 10 => Some("fe80::/10, link-local space (RFC 4291),"),
        0xfec0..=0xfeff if len >= 10 => Some("fec0::/10, site-local space (RFC 3879),"),
        0xff00..=0xffff if len >= 8 => Some("ff00::/8, multicast (RFC 4291),"),
        _ => None,
    }
}
