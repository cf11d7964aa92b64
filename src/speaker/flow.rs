//! RIB words to FIB words: where a chosen path leaves this host.

use std::net::{IpAddr, Ipv6Addr};

use crate::types::{Family, Hop, LinkIndex, Weight};
use crate::wire::NextHop;

use super::link::Links;
use super::resolve::Leads;

/// How the far end of a session is reached: what turns its next hops into hops.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reach {
    /// Over a tunnel: there is only one place to go, so a third-party or unreachable next hop means the far end.
    Tunnel {
        /// The tunnel's interface.
        link: LinkIndex,
        /// The far end's address, as the session uses it.
        remote: IpAddr,
    },
    /// Over a tunnel without BGP: to its far end, if that has an address.
    Way {
        /// The tunnel's interface.
        link: LinkIndex,
        /// The far end's address inside the tunnel.
        remote: Option<IpAddr>,
    },
    /// Over a network: the next hop is resolved and never guessed.
    Network {
        /// The neighbor's interface and address there, if it is bound to one.
        bound: Option<(LinkIndex, IpAddr)>,
    },
}

/// The hop of a path; `None` where its next hop cannot be resolved now.
pub(super) fn hop(
    reach: Reach,
    family: Family,
    next_hop: NextHop,
    weight: Weight,
    links: &Links,
    leads: &Leads,
) -> Option<Hop> {
    match reach {
        Reach::Tunnel { link, remote } => Some(Hop { link, gateway: far_end(family, remote, next_hop), weight }),
        Reach::Way { link, remote } => {
            // The kernel routes IPv4 by an IPv6 gateway (RFC 8950), not the other way round.
            let gateway = remote.filter(|remote| family == Family::Ipv4 || remote.is_ipv6());
            Some(Hop { link, gateway, weight })
        }
        Reach::Network { bound } => {
            let address = next_hop.addr();
            if let Some((link, remote)) = bound
                && (address == remote || next_hop.on_link() == remote)
            {
                return Some(Hop { link, gateway: Some(remote), weight });
            }
            if let Some(link) = links.on_link(address) {
                return Some(Hop { link, gateway: Some(address), weight });
            }
            let lead = leads.to(address)?;
            let link = links.get(lead.link).filter(|link| link.up)?;
            Some(Hop { link: link.index, gateway: lead.gateway.or(Some(address)), weight })
        }
    }
}

/// The gateway on a tunnel: the session's far end where it can carry the family, else the next hop that it named,
/// else none, which does on every interface with a single far end.
fn far_end(family: Family, remote: IpAddr, next_hop: NextHop) -> Option<IpAddr> {
    match (family, remote) {
        // The kernel routes IPv4 by an IPv6 gateway (RFC 8950), not the other way round.
        (Family::Ipv4, _) | (Family::Ipv6, IpAddr::V6(_)) => Some(remote),
        (Family::Ipv6, IpAddr::V4(_)) => match next_hop {
            NextHop::V4(_) => None,
            NextHop::V6 { global, link_local } => link_local.or_else(|| routable(global)).map(IpAddr::V6),
        },
    }
}

/// An IPv4 address in IPv6 clothes (`::ffff:a.b.c.d`), which some send as the next hop of IPv6 routes, is no gateway.
fn routable(address: Ipv6Addr) -> Option<Ipv6Addr> {
    (address.to_ipv4_mapped().is_none() && !address.is_unspecified() && !address.is_loopback()).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tunnel(remote: &str) -> Reach {
        Reach::Tunnel { link: LinkIndex::new(7).unwrap(), remote: remote.parse().unwrap() }
    }

    fn gateway(reach: Reach, family: Family, next_hop: NextHop) -> Option<IpAddr> {
        hop(reach, family, next_hop, Weight::ONE, &Links::default(), &Leads::default()).unwrap().gateway
    }

    fn v6(global: &str) -> NextHop {
        NextHop::V6 { global: global.parse().unwrap(), link_local: None }
    }

    #[test]
    fn a_third_party_next_hop_on_a_tunnel_is_its_far_end() {
        let third = NextHop::V4("192.0.2.9".parse().unwrap());
        assert_eq!(gateway(tunnel("169.254.21.1"), Family::Ipv4, third), Some("169.254.21.1".parse().unwrap()));
    }

    #[test]
    fn ipv4_over_an_ipv6_session_has_an_ipv6_gateway() {
        assert_eq!(gateway(tunnel("fe80::1"), Family::Ipv4, v6("fe80::1")), Some("fe80::1".parse().unwrap()));
    }

    #[test]
    fn ipv6_over_an_ipv4_session_uses_what_the_peer_named_and_no_mapped_address() {
        assert_eq!(gateway(tunnel("169.254.21.1"), Family::Ipv6, v6("fd00::1")), Some("fd00::1".parse().unwrap()));
        assert_eq!(gateway(tunnel("169.254.21.1"), Family::Ipv6, v6("::ffff:169.254.21.1")), None);
    }

    #[test]
    fn a_next_hop_that_is_on_no_network_of_ours_is_not_guessed() {
        let (reach, next_hop) = (Reach::Network { bound: None }, NextHop::V4("10.9.9.9".parse().unwrap()));
        let hop = hop(reach, Family::Ipv4, next_hop, Weight::ONE, &Links::default(), &Leads::default());
        assert_eq!(hop, None);
    }
}
