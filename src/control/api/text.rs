//! Communities as text: what people write in a file is what they read here.

use std::net::Ipv4Addr;

/// A community (RFC 1997) as `upper:lower`.
#[must_use]
pub fn community(value: u32) -> String {
    format!("{}:{}", value >> 16, value & 0xffff)
}

/// An extended community (RFC 4360) as `rt:65010:52` or `ro:...` (route target and origin, RFC 4360 section 4 and 5,
/// RFC 5668), `bandwidth:AS:octets-a-second` (draft-ietf-idr-link-bandwidth), any other as `0x` and 16 digits.
#[must_use]
pub fn extended_community(octets: [u8; 8]) -> String {
    let [kind, sub, a, b, c, d, e, f] = octets;
    let upper = u32::from_be_bytes([a, b, c, d]);
    let lower = u16::from_be_bytes([e, f]);
    let (two, four) = (u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, f]));
    let word = match sub {
        0x02 => "rt",
        0x03 => "ro",
        _ => "",
    };
    match (kind, word) {
        (0x40 | 0x00, _) if sub == 0x04 => format!("bandwidth:{two}:{}", bandwidth(four)),
        (_, "") => format!("0x{:016x}", u64::from_be_bytes(octets)),
        (0x00, _) => format!("{word}:{two}:{four}"),
        (0x01, _) => format!("{word}:{}:{lower}", Ipv4Addr::from(upper)),
        (0x02, _) => format!("{word}:{upper}:{lower}"),
        _ => format!("0x{:016x}", u64::from_be_bytes(octets)),
    }
}

/// A large community (RFC 8092) as `global:local1:local2`.
#[must_use]
pub fn large_community(global: u32, local1: u32, local2: u32) -> String {
    format!("{global}:{local1}:{local2}")
}

/// Octets a second; a whole number where a fraction would be less than one, as older FRR writes it.
fn bandwidth(raw: u32) -> f32 {
    let rate = f32::from_bits(raw);
    if (0.0..1.0).contains(&rate) { raw as f32 } else { rate }
}
