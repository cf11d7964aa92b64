//! Rules about the gateway and its two instances.

use super::{AddressPlan, bgp_ips, called, no_equals, place, unique_names};
use crate::config::{
    build,
    file::Gateway,
    raw::{At, Reader},
};
use crate::gateway::Mode;
use crate::types::Name;

pub(super) fn check(r: &mut Reader<'_>, gateway: &Gateway) {
    instance_count(r, gateway);
    let names: Vec<&At<Name>> = gateway.instances.iter().filter_map(|i| i.name.as_ref()).collect();
    unique_names(r, "instances", &names);
    two_public_ips(r, gateway);
    bgp_ips_differ(r, gateway);
    bgp_ip_in_subnet(r, gateway);
    subnet_has_room(r, gateway);
    router_ids(r, gateway);
    no_default_prefix(r, gateway);
    overlapping_prefixes(r, gateway);
}

/// `instance-count`: a gateway is a pair.
fn instance_count(r: &mut Reader<'_>, gateway: &Gateway) {
    let count = gateway.instances.len();
    let way_out = "write two [[gateway.instance]] tables; one that never comes up is no fault";
    if let Some(third) = gateway.instances.get(2) {
        let message = format!("a gateway has two instances, and these are {count}");
        r.error("instance-count", &third.span, message, way_out);
    } else if count == 1 {
        r.error("instance-count", &gateway.span, "a gateway has two instances, and this is one", way_out);
    }
}

/// `active-active-needs-two-public-ips`: devices hold a tunnel to each instance. (That they differ is judged with
/// the devices' public addresses.)
fn two_public_ips(r: &mut Reader<'_>, gateway: &Gateway) {
    if build::mode(gateway) != Mode::ActiveActive {
        return;
    }
    for instance in gateway.instances.iter().filter(|i| !i.has_public_ip) {
        let message =
            "an active-active gateway needs a public IP on each instance, because devices hold a tunnel to each";
        r.error("active-active-needs-two-public-ips", &instance.span, message, "give the instance its `public-ip`");
    }
}

/// `equal-bgp-ips`, of the two instances.
fn bgp_ips_differ(r: &mut Reader<'_>, gateway: &Gateway) {
    let given: Vec<_> = gateway
        .instances
        .iter()
        .enumerate()
        .filter_map(|(at, i)| Some((i.bgp_ip.as_ref()?, called(i.name.as_ref(), "instance", at))))
        .collect();
    no_equals(
        r,
        "equal-bgp-ips",
        &given,
        |ip, one, other| format!("{one} has the BGP address {ip} of {other}; a device could not tell them apart"),
        "give each instance its own, or leave `bgp-ip` out",
    );
    // In active-standby a third address is theirs by turns.
    let Some(shared) = AddressPlan::of(gateway).shared else { return };
    if build::mode(gateway) == Mode::ActiveActive {
        return;
    }
    for ip in gateway.instances.iter().filter_map(|i| i.bgp_ip.as_ref()).filter(|ip| ip.value == shared) {
        let message = format!("the instance has the shared BGP address {shared}, which only the active one has");
        let way_out = "give the instance another of the subnet, or write another `bgp-ip` in [gateway]";
        match &gateway.bgp_ip {
            Some(given) => r.error_also("equal-bgp-ips", &ip.span, message, way_out, (&given.span, "the shared one")),
            None => r.error("equal-bgp-ips", &ip.span, message, way_out),
        }
    }
}

/// `bgp-ip-outside-subnet`: the network routes the subnet to the gateway and nothing else.
fn bgp_ip_in_subnet(r: &mut Reader<'_>, gateway: &Gateway) {
    let Some(subnet) = &gateway.subnet else { return };
    let given = gateway.instances.iter().filter_map(|i| i.bgp_ip.as_ref()).chain(&gateway.bgp_ip);
    for ip in given.filter(|ip| !subnet.value.holds(ip.value)) {
        let message = format!("the BGP address {} is outside of the gateway subnet {}", ip.value, subnet.value);
        let way_out = "take an address of the subnet, or leave `bgp-ip` out; link-local pairs belong to tunnels";
        r.error_also("bgp-ip-outside-subnet", &ip.span, message, way_out, (&subnet.span, "the subnet"));
    }
}

/// `subnet-full`: there is no address left for an instance without one.
fn subnet_has_room(r: &mut Reader<'_>, gateway: &Gateway) {
    let Some(subnet) = &gateway.subnet else { return };
    for (instance, ip) in gateway.instances.iter().zip(bgp_ips(gateway)) {
        if ip.is_none() && !instance.has_bgp_ip {
            let message = format!("{} has no address left for this instance behind its first four", subnet.value);
            let way_out = "take a larger subnet (a /27 will do), or give `bgp-ip`";
            r.error_also("subnet-full", &instance.span, message, way_out, (&subnet.span, "the subnet"));
        }
    }
}

/// `router-id-needed` and `equal-router-ids`: four octets that differ within an AS (RFC 6286).
fn router_ids(r: &mut Reader<'_>, gateway: &Gateway) {
    for (instance, ip) in gateway.instances.iter().zip(bgp_ips(gateway)) {
        if ip.is_some_and(|ip| ip.is_ipv6()) && !instance.has_router_id {
            let message = "a BGP Identifier has four octets, and this BGP address has sixteen";
            let way_out = "give the instance a `router-id`, such as \"10.20.255.4\"";
            r.error("router-id-needed", place(instance.bgp_ip.as_ref(), &instance.span), message, way_out);
        }
    }
    let given: Vec<_> = gateway.instances.iter().filter_map(|i| Some((i.router_id.as_ref()?, String::new()))).collect();
    no_equals(
        r,
        "equal-router-ids",
        &given,
        |id, _, _| format!("both instances have the router id {id}; within an AS each speaker has its own (RFC 6286)"),
        "give each instance its own, or leave `router-id` out",
    );
}

/// `default-as-network`: what lies inside of the cloud network is never accepted from a device, so nothing would be.
fn no_default_prefix(r: &mut Reader<'_>, gateway: &Gateway) {
    for prefix in gateway.prefixes.iter().filter(|p| p.value.is_default()) {
        let message = format!("{} as the cloud network holds every prefix that a device could teach", prefix.value);
        r.error("default-as-network", &prefix.span, message, "write the prefixes that the cloud network really has");
    }
}

/// `overlapping-prefixes`: one of the two says nothing new.
fn overlapping_prefixes(r: &mut Reader<'_>, gateway: &Gateway) {
    for (at, prefix) in gateway.prefixes.iter().enumerate() {
        if let Some(other) = gateway.prefixes.iter().take(at).find(|other| other.value.overlaps(&prefix.value)) {
            let message = format!("the prefixes {} and {} overlap; both are advertised", other.value, prefix.value);
            r.warning("overlapping-prefixes", &prefix.span, message, "leave out the longer one unless it is meant");
        }
    }
}
