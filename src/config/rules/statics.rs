//! Rules about prefixes that are not learned: the address space of devices and peer gateways without BGP.

use super::{Party, parties, peer_of};
use crate::config::{
    file::File,
    raw::{At, Reader},
};
use crate::types::Prefix;

pub(super) fn check(r: &mut Reader<'_>, file: &File) {
    let parties = parties(file);
    for party in &parties {
        something_behind(r, party);
        unused_prefixes(r, party);
        prefix_in_network(r, file, party);
    }
    same_prefixes(r, &parties);
    transit_needs_bgp(r, file);
}

/// `no-prefixes-without-bgp`: nobody says what is behind it, so nothing would go into its tunnels.
fn something_behind(r: &mut Reader<'_>, party: &Party<'_>) {
    if party.connections.contains(&false) && party.prefixes.is_empty() && !party.prefixes_wrong {
        let message = format!("nothing says what is behind the {}: it has no BGP and no prefixes", party.what);
        let way_out = "give it its `prefixes`, or its connection BGP with `bgp = true`";
        r.error("no-prefixes-without-bgp", party.name.map_or(party.span, |at| &at.span), message, way_out);
    }
}

/// `prefixes-beside-bgp`: with BGP the far end says itself what is behind it.
fn unused_prefixes(r: &mut Reader<'_>, party: &Party<'_>) {
    if let (Some(first), true) = (party.prefixes.first(), party.uses_bgp() && !party.connections.contains(&false)) {
        let message = format!("the prefixes of this {} are not used: it teaches its own by BGP", party.what);
        let way_out = "leave `prefixes` out, or write `bgp = false` in its connection";
        r.warning("prefixes-beside-bgp", &first.span, message, way_out);
    }
}

/// `static-prefix-in-network`: it would take these addresses away from the cloud network. `overlapping-prefixes` if it is
/// the other way round.
fn prefix_in_network(r: &mut Reader<'_>, file: &File, party: &Party<'_>) {
    let networks = file.gateway.as_ref().map_or(&[][..], |g| &g.prefixes);
    for prefix in party.prefixes {
        if let Some(network) = networks.iter().find(|network| network.value.covers(&prefix.value)) {
            let message = format!("the prefix {} is inside of the cloud network {}", prefix.value, network.value);
            let way_out = "write the prefixes that the site really has, outside of the cloud network";
            r.error_also("static-prefix-in-network", &prefix.span, message, way_out, (&network.span, "the network"));
        } else if let Some(network) = networks.iter().find(|network| clash(&prefix.value, &network.value)) {
            let message = format!("the prefix {} holds the cloud network {}", prefix.value, network.value);
            let way_out = "that is right if the longer one shall win; else write the shorter prefixes of the site";
            r.warning_also("overlapping-prefixes", &prefix.span, message, way_out, (&network.span, "the network"));
        }
    }
}

/// True if the two overlap and neither is meant to hold everything.
fn clash(one: &Prefix, other: &Prefix) -> bool {
    one.overlaps(other) && !one.is_default() && !other.is_default()
}

/// `same-prefixes-without-bgp`: without BGP nobody can say which of the two sites it is. `overlapping-prefixes` if they are
/// not the same.
fn same_prefixes(r: &mut Reader<'_>, parties: &[Party<'_>]) {
    let mut seen: Vec<&At<Prefix>> = Vec::new();
    for party in parties.iter().filter(|party| party.connections.is_empty() || party.connections.contains(&false)) {
        for prefix in party.prefixes {
            if let Some(first) = seen.iter().find(|first| first.value == prefix.value) {
                let message = format!("two far ends without BGP have the prefix {}", prefix.value);
                let way_out = "use BGP on their connections, or give the prefix to one of them";
                r.error_also("same-prefixes-without-bgp", &prefix.span, message, way_out, (&first.span, "first here"));
            } else if let Some(first) = seen.iter().find(|first| clash(&first.value, &prefix.value)) {
                let message = format!("the prefixes {} and {} of two far ends overlap", first.value, prefix.value);
                let way_out = "that is right if the longer one shall win; else correct one of them";
                r.warning_also("overlapping-prefixes", &prefix.span, message, way_out, (&first.span, "first here"));
            }
        }
        seen.extend(party.prefixes);
    }
}

/// `transit-without-bgp`: what passes through must be said on.
fn transit_needs_bgp(r: &mut Reader<'_>, file: &File) {
    let transit = file.gateway.as_ref().and_then(|g| g.transit.as_ref()).filter(|at| at.value);
    let Some(transit) = transit else { return };
    for connection in file.connections.iter().filter(|c| !c.uses_bgp && peer_of(file, c).is_some()) {
        let Some(name) = &connection.peer_gateway else { continue };
        let message = format!("`transit` says nothing to the peer gateway \"{}\", which has no BGP", name.value);
        let way_out = "use BGP on this connection, or write what it shall reach into its own file";
        r.warning_also("transit-without-bgp", &name.span, message, way_out, (&transit.span, "transit"));
    }
}
