//! Rules about on-premises devices.

use std::net::IpAddr;

use super::{called, no_equals, unique_names};
use crate::config::{
    file::File,
    raw::{At, Reader},
};
use crate::types::Name;
use crate::types::Prefix;

pub(super) fn check(r: &mut Reader<'_>, file: &File) {
    let names: Vec<&At<Name>> = file.devices.iter().filter_map(|d| d.name.as_ref()).collect();
    unique_names(r, "devices", &names);
    public_ips_differ(r, file);
    bgp_ips_differ(r, file);
    bgp_ip_is_public_ip(r, file);
    bgp_ip_in_network(r, file);
    asn_is_gateways(r, file);
    same_prefixes(r, file);
    without_connection(r, file);
}

/// `equal-public-ips`: a tunnel is known by the public addresses of its ends. Instances are among them.
fn public_ips_differ(r: &mut Reader<'_>, file: &File) {
    let instances = file.gateway.iter().flat_map(|g| g.instances.iter().enumerate());
    let mut given: Vec<(&At<IpAddr>, String)> = instances
        .filter_map(|(at, i)| Some((i.public_ip.as_ref()?, called(i.name.as_ref(), "instance", at))))
        .collect();
    let devices = file.devices.iter().enumerate();
    given.extend(devices.filter_map(|(at, d)| Some((d.public_ip.as_ref()?, called(d.name.as_ref(), "device", at)))));
    no_equals(
        r,
        "equal-public-ips",
        &given,
        |ip, one, other| format!("{one} has the public IP {ip} of {other}; tunnels are told apart by it"),
        "give each its own; two tunnels to one device are one connection with two tunnels",
    );
}

/// `equal-bgp-ips`, of devices among themselves and of devices and instances.
fn bgp_ips_differ(r: &mut Reader<'_>, file: &File) {
    let devices: Vec<(&At<IpAddr>, String)> = file
        .devices
        .iter()
        .enumerate()
        .filter_map(|(at, d)| Some((d.bgp_ip.as_ref()?, called(d.name.as_ref(), "device", at))))
        .collect();
    no_equals(
        r,
        "equal-bgp-ips",
        &devices,
        |ip, one, other| format!("{one} has the BGP address {ip} of {other}; a session could reach only one of them"),
        "give each device its own BGP address",
    );
    let Some(gateway) = &file.gateway else { return };
    let ours = super::bgp_ips(gateway);
    for (ip, device) in devices.iter().filter(|(ip, _)| ours.contains(&Some(ip.value))) {
        let message = format!("device {device} has the BGP address {} of one of our instances", ip.value);
        r.error("equal-bgp-ips", &ip.span, message, "give the device a BGP address of its own");
    }
}

/// `device-bgp-ip-is-public-ip`: the session would run outside of the tunnel, or the tunnel inside of itself.
fn bgp_ip_is_public_ip(r: &mut Reader<'_>, file: &File) {
    for device in &file.devices {
        let (Some(bgp), Some(public)) = (&device.bgp_ip, &device.public_ip) else { continue };
        if bgp.value == public.value {
            let message = format!(
                "the device's BGP address {} is its public IP; its host route would send the tunnel into itself",
                bgp.value
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
    for ip in file.devices.iter().filter_map(|d| d.bgp_ip.as_ref()) {
        if let Some(network) = prefixes.iter().find(|p| p.value.holds(ip.value)) {
            let message =
                format!("the device's BGP address {} is inside of the cloud network {}", ip.value, network.value);
            let way_out = "use an address of the site, or a link-local pair on each tunnel";
            r.error_also("device-bgp-ip-in-network", &ip.span, message, way_out, (&network.span, "the network"));
        }
    }
}

/// `device-asn-is-gateways`: devices are external peers; with the same number each drops the other's routes.
fn asn_is_gateways(r: &mut Reader<'_>, file: &File) {
    let Some(ours) = file.gateway.as_ref().and_then(|g| g.asn.as_ref()) else { return };
    for asn in file.devices.iter().filter_map(|d| d.asn.as_ref()).filter(|asn| asn.value == ours.value) {
        let message = format!("the device has the gateway's AS number {}; devices are peers of another AS", asn.value);
        let way_out = "give the site an AS number of its own, such as 65010";
        r.error_also("device-asn-is-gateways", &asn.span, message, way_out, (&ours.span, "the gateway's"));
    }
}

/// `same-prefixes-without-bgp`: without BGP nobody can say which of the two devices is there.
fn same_prefixes(r: &mut Reader<'_>, file: &File) {
    let with_bgp = |name: Option<&At<Name>>| {
        let device = name.map(|n| &n.value);
        file.connections.iter().any(|c| c.uses_bgp && c.device.as_ref().map(|d| &d.value) == device)
    };
    let mut seen: Vec<&At<Prefix>> = Vec::new();
    for device in file.devices.iter().filter(|d| !with_bgp(d.name.as_ref())) {
        for prefix in &device.prefixes {
            if let Some(first) = seen.iter().find(|first| first.value == prefix.value) {
                let message = format!("two devices without BGP have the prefix {}", prefix.value);
                let way_out = "use BGP on their connections, or give the prefix to one of them";
                r.error_also("same-prefixes-without-bgp", &prefix.span, message, way_out, (&first.span, "first here"));
            }
        }
        seen.extend(&device.prefixes);
    }
}

/// `device-without-connection`: it is written down and nothing leads to it.
fn without_connection(r: &mut Reader<'_>, file: &File) {
    for device in &file.devices {
        let Some(name) = &device.name else { continue };
        if !file.connections.iter().any(|c| c.device.as_ref().is_some_and(|d| d.value == name.value)) {
            let message = format!("no connection leads to the device \"{}\"", name.value);
            r.warning(
                "device-without-connection",
                &name.span,
                message,
                "add a [[connection]], or leave the device out",
            );
        }
    }
}
