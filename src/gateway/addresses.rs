//! Which BGP addresses the gateway subnet gives out by itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::types::Prefix;

/// How many addresses at the start of a subnet are left to the network: its own, its router's and two more.
const LEFT_ALONE: u32 = 4;

/// The first address of `subnet` behind its first four that is not among `taken`. In IPv4 the last one, which is
/// the broadcast address, is never given out. `None` if there is none.
#[must_use]
pub fn first_free(subnet: &Prefix, taken: &[IpAddr]) -> Option<IpAddr> {
    // One more candidate than there are taken ones: one of them must be free, if it lies in the subnet at all.
    (LEFT_ALONE..=LEFT_ALONE.saturating_add(u32::try_from(taken.len()).ok()?))
        .filter_map(|offset| plus(subnet.addr(), offset))
        .take_while(|address| subnet.holds(*address) && !(address.is_ipv4() && *address == subnet.last()))
        .find(|address| !taken.contains(address))
}

/// How many addresses at the end of an IPv6 subnet are anycast addresses (RFC 2526 §2).
const ANYCAST: u128 = 128;

/// The last address of `subnet` that a host can have: in IPv4 the one before the broadcast address, in IPv6 the one before
/// the reserved anycast addresses. What is too small to have such has its last address.
#[must_use]
pub fn last_usable(subnet: &Prefix) -> IpAddr {
    match subnet.last() {
        IpAddr::V4(last) if subnet.len() <= 30 => IpAddr::V4(Ipv4Addr::from(u32::from(last).saturating_sub(1))),
        IpAddr::V6(last) if subnet.len() <= 120 => IpAddr::V6(Ipv6Addr::from(u128::from(last).saturating_sub(ANYCAST))),
        last => last,
    }
}

fn plus(address: IpAddr, offset: u32) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(a) => IpAddr::V4(Ipv4Addr::from(u32::from(a).checked_add(offset)?)),
        IpAddr::V6(a) => IpAddr::V6(Ipv6Addr::from(u128::from(a).checked_add(u128::from(offset))?)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(subnet: &str, taken: &[&str]) -> Option<String> {
        let taken: Vec<IpAddr> = taken.iter().map(|t| t.parse().unwrap()).collect();
        first_free(&subnet.parse().unwrap(), &taken).map(|a| a.to_string())
    }

    #[test]
    fn instances_get_the_first_addresses_behind_the_subnets_fourth() {
        assert_eq!(free("10.20.255.0/27", &[]).as_deref(), Some("10.20.255.4"));
        assert_eq!(free("10.20.255.0/27", &["10.20.255.4"]).as_deref(), Some("10.20.255.5"));
        assert_eq!(free("fd00:20::/64", &[]).as_deref(), Some("fd00:20::4"));
    }

    #[test]
    fn a_subnet_without_room_gives_none() {
        assert_eq!(free("10.0.0.0/30", &[]), None);
        assert_eq!(
            free("10.0.0.0/29", &["10.0.0.4", "10.0.0.5", "10.0.0.6"]),
            None,
            "the broadcast address is no host"
        );
        assert_eq!(free("255.255.255.255/32", &[]), None);
    }

    #[test]
    fn r33_the_last_usable_address_is_no_broadcast_and_no_anycast_address() {
        let last = |subnet: &str| last_usable(&subnet.parse().unwrap()).to_string();
        assert_eq!(last("10.20.255.0/27"), "10.20.255.30");
        assert_eq!(last("10.20.255.0/30"), "10.20.255.2");
        assert_eq!(last("10.20.255.0/31"), "10.20.255.1");
        assert_eq!(last("10.20.255.7/32"), "10.20.255.7");
        assert_eq!(last("fd00:20::/64"), "fd00:20::ffff:ffff:ffff:ff7f");
        assert_eq!(last("fd00:20::/126"), "fd00:20::3");
    }
}
