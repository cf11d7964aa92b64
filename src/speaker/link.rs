//! What the machine knows of this host's interfaces: it is told, and never asks.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, Ipv6Addr},
};

use crate::types::LinkIndex;
use crate::types::Prefix;

/// One interface, as the kernel last told of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Link {
    /// The kernel's index.
    pub index: LinkIndex,
    /// Its name, at most 15 octets.
    pub name: String,
    /// Administratively up, and with carrier.
    pub up: bool,
    /// Its own addresses, each with the network that it puts on the link.
    pub addresses: Vec<(IpAddr, Prefix)>,
}

/// All interfaces by index and by name.
#[derive(Debug, Default)]
pub(super) struct Links {
    by_index: BTreeMap<LinkIndex, Link>,
    by_name: HashMap<String, LinkIndex>,
}

impl Links {
    /// Takes the newest fact of one interface; the fact before it, if there was one.
    pub(super) fn learn(&mut self, link: Link) -> Option<Link> {
        let before = self.by_index.insert(link.index, link.clone());
        if let Some(before) = &before
            && before.name != link.name
            && self.by_name.get(&before.name) == Some(&link.index)
        {
            self.by_name.remove(&before.name);
        }
        self.by_name.insert(link.name, link.index);
        before
    }

    /// Forgets an interface that was deleted.
    pub(super) fn forget(&mut self, index: LinkIndex) -> Option<Link> {
        let gone = self.by_index.remove(&index)?;
        if self.by_name.get(&gone.name) == Some(&index) {
            self.by_name.remove(&gone.name);
        }
        Some(gone)
    }

    /// The interface of that name, up or not.
    pub(super) fn named(&self, name: &str) -> Option<&Link> {
        self.by_name.get(name).and_then(|index| self.by_index.get(index))
    }

    /// The interface of that index.
    pub(super) fn get(&self, index: LinkIndex) -> Option<&Link> {
        self.by_index.get(&index)
    }

    /// The interface whose own network holds the address: the one with the longest match, and up.
    pub(super) fn on_link(&self, address: IpAddr) -> Option<LinkIndex> {
        let mut best: Option<(u8, LinkIndex)> = None;
        for link in self.by_index.values().filter(|link| link.up) {
            for (own, network) in &link.addresses {
                let longer = best.is_none_or(|(longest, _)| network.len() > longest);
                if *own != address && network.holds(address) && longer {
                    best = Some((network.len(), link.index));
                }
            }
        }
        best.map(|(_, index)| index)
    }

    /// A global IPv6 address of the interface, else a link-local one: what can be said as an IPv6 next hop there.
    pub(super) fn ipv6_on(&self, index: LinkIndex) -> Option<Ipv6Addr> {
        let mut found = None;
        for (address, _) in &self.by_index.get(&index)?.addresses {
            if let IpAddr::V6(address) = address {
                if !address.is_unicast_link_local() {
                    return Some(*address);
                }
                found.get_or_insert(*address);
            }
        }
        found
    }

    /// The link-local address to be said beside `global` to the far end `remote` of the interface: where both are on
    /// one subnet of it (RFC 2545 §3). A far end with an IPv4 address is taken to be on every one.
    pub(super) fn link_local_on(&self, index: LinkIndex, global: Ipv6Addr, remote: IpAddr) -> Option<Ipv6Addr> {
        let addresses = &self.by_index.get(&index)?.addresses;
        let shared = |network: &Prefix| remote.is_ipv4() || network.holds(remote);
        let beside = addresses.iter().any(|(own, network)| *own == IpAddr::V6(global) && shared(network));
        let link_local = addresses.iter().find_map(|(own, _)| match own {
            IpAddr::V6(own) if own.is_unicast_link_local() => Some(*own),
            IpAddr::V4(_) | IpAddr::V6(_) => None,
        });
        link_local.filter(|link_local| beside && *link_local != global)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(index: u32, name: &str, up: bool, addresses: &[&str]) -> Link {
        let addresses = addresses
            .iter()
            .map(|text| {
                let (address, len) = text.split_once('/').unwrap();
                let own = address.parse().unwrap();
                (own, Prefix::truncated(own, len.parse().unwrap()).unwrap())
            })
            .collect();
        Link { index: LinkIndex::new(index).unwrap(), name: name.to_owned(), up, addresses }
    }

    #[test]
    fn an_interface_that_is_renamed_is_found_by_its_new_name_only() {
        let mut links = Links::default();
        links.learn(link(3, "tun0", true, &[]));
        links.learn(link(3, "xfrm10", true, &[]));
        assert!(links.named("tun0").is_none());
        assert_eq!(links.named("xfrm10").unwrap().index.get(), 3);
    }

    #[test]
    fn a_link_local_address_goes_with_a_global_one_to_a_far_end_on_the_same_subnet_only() {
        let mut links = Links::default();
        let tunnel = link(3, "xfrm10", true, &["fd00:21::2/64", "fe80::2/64"]);
        let index = tunnel.index;
        links.learn(tunnel);
        let said = |global: &str, remote: &str| {
            links.link_local_on(index, global.parse().unwrap(), remote.parse().unwrap()).map(|found| found.to_string())
        };
        assert_eq!(said("fd00:21::2", "fd00:21::1"), Some("fe80::2".to_owned()));
        assert_eq!(said("fd00:21::2", "169.254.21.1"), Some("fe80::2".to_owned()));
        assert_eq!(said("fd00:21::2", "fd00:99::1"), None);
        assert_eq!(said("fd00:77::2", "fd00:21::1"), None);
        assert_eq!(said("fe80::2", "fe80::1"), None);
    }

    #[test]
    fn a_next_hop_is_on_the_link_with_the_longest_network_that_is_up() {
        let mut links = Links::default();
        links.learn(link(2, "eth0", true, &["10.20.0.1/16"]));
        links.learn(link(3, "eth1", true, &["10.20.255.4/27"]));
        assert_eq!(links.on_link("10.20.255.1".parse().unwrap()).unwrap().get(), 3);
        links.learn(link(3, "eth1", false, &["10.20.255.4/27"]));
        assert_eq!(links.on_link("10.20.255.1".parse().unwrap()).unwrap().get(), 2);
        assert_eq!(links.on_link("192.0.2.1".parse().unwrap()), None);
    }
}
