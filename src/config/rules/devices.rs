//! Rules about what is at the far ends: on-premises devices and peer gateways.

use super::{AddressPlan, Party, far_hosts, no_equals, parties, unique_names};
use crate::config::{
    file::File,
    raw::{At, Reader},
};
use crate::gateway::Profile;
use crate::types::Name;

pub(super) fn check(r: &mut Reader<'_>, file: &File) {
    let names: Vec<&At<Name>> = parties(file).iter().filter_map(|party| party.name).collect();
    unique_names(r, "devices or peer gateways", &names);
    for peer in &file.peers {
        let names: Vec<&At<Name>> = peer.instances.iter().filter_map(|i| i.name.as_ref()).collect();
        unique_names(r, "instances of one peer gateway", &names);
    }
    peer_instance_count(r, file);
    public_ips_differ(r, file);
    bgp_ips_differ(r, file);
    bgp_ip_is_public_ip(r, file);
    bgp_ip_in_network(r, file);
    for party in parties(file) {
        asn_given(r, &party);
        asn_is_gateways(r, file, &party);
        asn_of_profile(r, file, &party);
        without_connection(r, &party);
    }
}

/// `peer-instance-count`: a gateway is one host or a pair.
fn peer_instance_count(r: &mut Reader<'_>, file: &File) {
    for peer in &file.peers {
        if let Some(third) = peer.instances.get(2) {
            let message = format!("a peer gateway has at most two instances, and these are {}", peer.instances.len());
            r.error("peer-instance-count", &third.span, message, "write another [[peer-gateway]] for the others");
        }
    }
}

/// `equal-public-ips`: a tunnel is known by the public addresses of its ends. Instances are among them.
fn public_ips_differ(r: &mut Reader<'_>, file: &File) {
    let instances = file.gateway.iter().flat_map(|g| g.instances.iter().enumerate());
    let mut given: Vec<_> = instances
        .filter_map(|(at, i)| Some((i.public_ip.as_ref()?, super::called(i.name.as_ref(), "instance", at))))
        .collect();
    given.extend(far_hosts(file).into_iter().filter_map(|host| Some((host.public_ip?, host.called))));
    no_equals(
        r,
        "equal-public-ips",
        &given,
        |ip, one, other| format!("{one} has the public IP {ip} of {other}; tunnels are told apart by it"),
        "give each its own; two tunnels to one device are one connection with two tunnels",
    );
}

/// `equal-bgp-ips`, of far ends among themselves and of far ends and instances.
fn bgp_ips_differ(r: &mut Reader<'_>, file: &File) {
    let given: Vec<_> = far_hosts(file).into_iter().filter_map(|host| Some((host.bgp_ip?, host.called))).collect();
    no_equals(
        r,
        "equal-bgp-ips",
        &given,
        |ip, one, other| format!("{one} has the BGP address {ip} of {other}; a session could reach only one of them"),
        "give each its own BGP address, or a link-local pair on each tunnel",
    );
    let Some(gateway) = &file.gateway else { return };
    let ours = AddressPlan::of(gateway).ours(gateway);
    for (ip, far) in given.iter().filter(|(ip, _)| ours.contains(&ip.value)) {
        let message = format!("{far} has the BGP address {} of our own gateway", ip.value);
        r.error("equal-bgp-ips", &ip.span, message, "give the far end a BGP address of its own");
    }
}

/// `device-bgp-ip-is-public-ip`: the session would run outside of the tunnel, or the tunnel inside of itself.
fn bgp_ip_is_public_ip(r: &mut Reader<'_>, file: &File) {
    for host in far_hosts(file) {
        let (Some(bgp), Some(public)) = (host.bgp_ip, host.public_ip) else { continue };
        if bgp.value == public.value {
            let message = format!(
                "the BGP address {} of {} is its public IP; its host route would send the tunnel into itself",
                bgp.value, host.called
            );
            let way_out = "use an address inside of the site, such as a loopback of the device";
            let also = (&public.span, "the public IP");
            r.error_also("device-bgp-ip-is-public-ip", &bgp.span, message, way_out, also);
        }
    }
}

/// `device-bgp-ip-in-network`: a host route would take that address away from the cloud network.
fn bgp_ip_in_network(r: &mut Reader<'_>, file: &File) {
    let prefixes = file.gateway.as_ref().map_or(&[][..], |g| &g.prefixes);
    for host in far_hosts(file) {
        let Some(ip) = host.bgp_ip else { continue };
        if let Some(network) = prefixes.iter().find(|p| p.value.holds(ip.value)) {
            let message = format!(
                "the BGP address {} of {} is inside of the cloud network {}",
                ip.value, host.called, network.value
            );
            let way_out = "use an address of the site, or a link-local pair on each tunnel";
            r.error_also("device-bgp-ip-in-network", &ip.span, message, way_out, (&network.span, "the network"));
        }
    }
}

/// `asn-needed`: a session has an AS number at each end.
fn asn_given(r: &mut Reader<'_>, party: &Party<'_>) {
    if !party.has_asn && party.uses_bgp() {
        let message = format!("the {} has BGP and no AS number", party.what);
        let way_out = "write for example `asn = 65010`, or `bgp = false` in its connection";
        r.error("asn-needed", party.span, message, way_out);
    }
}

/// `device-asn-is-gateways`: far ends are external peers; with the same number each drops the other's routes.
fn asn_is_gateways(r: &mut Reader<'_>, file: &File, party: &Party<'_>) {
    let Some(ours) = file.gateway.as_ref().and_then(|g| g.asn.as_ref()) else { return };
    let Some(asn) = party.asn.filter(|asn| asn.value == ours.value) else { return };
    let message =
        format!("the {} has the gateway's AS number {}; the far end is a peer of another AS", party.what, asn.value);
    let way_out = "give the site an AS number of its own, such as 65010";
    r.error_also("device-asn-is-gateways", &asn.span, message, way_out, (&ours.span, "the gateway's"));
}

/// `profile-asn`: the numbers that a cloud keeps for itself are not those of a site. A peer gateway may be that cloud's.
fn asn_of_profile(r: &mut Reader<'_>, file: &File, party: &Party<'_>) {
    let Some(profile) = file.gateway.as_ref().and_then(|g| g.profile.as_ref()) else { return };
    let (kept, cloud) = kept_by(profile.value);
    if let Some(asn) = party.asn.filter(|asn| party.what == "device" && kept.contains(&asn.value.get())) {
        let message = format!("{cloud} keeps the AS number {} for itself: a device cannot have it", asn.value);
        let way_out = "give the site another number, such as 65010, or leave `profile` out";
        r.error_also("profile-asn", &asn.span, message, way_out, (&profile.span, "the profile"));
    }
}

/// The AS numbers that a cloud lets no device have, beside those that nobody can have, and its name. From its own pages:
/// - Azure: "VPN Gateway FAQ", section on BGP: what is reserved by Azure.
/// - AWS: "Customer gateway options for your AWS Site-to-Site VPN connection": 7224 in all regions, 9059 in eu-west-1, 10124 in
///   ap-northeast-1, 17943 in ap-southeast-1. A file does not say its region, so none of them.
/// - Google Cloud: "ASN requirements for site-to-site data transfer": 16550 is its routers' own with Partner Interconnect.
///   15169 is Google's number in the internet, which no site has; no page that was found says that it is refused.
fn kept_by(profile: Profile) -> (&'static [u32], &'static str) {
    match profile {
        Profile::Azure => (&[8074, 8075, 12076, 65515, 65517, 65518, 65519, 65520], "Azure"),
        Profile::Aws => (&[7224, 9059, 10124, 17943], "AWS"),
        Profile::Gcp => (&[15169, 16550], "Google Cloud"),
    }
}

/// `device-without-connection`: it is written down and nothing leads to it.
fn without_connection(r: &mut Reader<'_>, party: &Party<'_>) {
    if let Some(name) = party.name.filter(|_| party.connections.is_empty()) {
        let message = format!("no connection leads to the {} \"{}\"", party.what, name.value);
        let way_out = format!("add a [[connection]], or leave the {} out", party.what);
        r.warning("device-without-connection", &name.span, message, way_out);
    }
}
