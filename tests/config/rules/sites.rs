//! The rules of devices, peer gateways, connections and tunnels.

use super::{one_fault, without_bgp, without_pairs};
use crate::{DUAL, codes, edited, line_of, said};

#[test]
fn r15_bgp_addresses_of_devices_differ_from_each_other_and_from_ours() {
    let text = without_pairs("10.52.0.253", "10.52.0.253");
    let found = codes(&text);
    assert!(
        found.contains(&("equal-bgp-ips", line_of(&text, "bgp-ip = \"10.52.0.253\"\n\n[[connection"))),
        "{found:?}"
    );
    let text = edited("asn = 65010", "asn = 65010\nbgp-ip = \"10.20.255.4\"");
    assert!(codes(&text).iter().any(|(code, _)| *code == "equal-bgp-ips"));
}

#[test]
fn a_devices_bgp_address_is_not_its_public_ip() {
    let text = edited("asn = 65010", "asn = 65010\nbgp-ip = \"198.51.100.1\"");
    one_fault(&text, "device-bgp-ip-is-public-ip", "bgp-ip = \"198.51.100.1\"", "into itself");
}

#[test]
fn a_devices_bgp_address_is_not_inside_the_cloud_network() {
    let text = edited("asn = 65010", "asn = 65010\nbgp-ip = \"10.20.7.7\"");
    one_fault(&text, "device-bgp-ip-in-network", "10.20.7.7", "10.20.0.0/16");
}

#[test]
fn a_device_has_another_as_than_the_gateway() {
    one_fault(&edited("65010", "65515"), "device-asn-is-gateways", "asn = 65515\n\n[[device", "65515");
}

#[test]
fn r15_reserved_as_numbers_are_refused_everywhere() {
    for asn in ["0", "23456", "64496", "64511", "65535", "65536", "65551", "4294967295"] {
        one_fault(&edited("65010", asn), "reserved-asn", &format!("asn = {asn}\n"), asn);
        one_fault(&edited("65515", asn), "reserved-asn", &format!("asn = {asn}\n"), asn);
    }
    assert_eq!(codes(&edited("65010", "64512")), []);
}

#[test]
fn r15_two_devices_without_bgp_cannot_have_the_same_prefixes() {
    one_fault(
        &without_bgp("10.52.0.0/16", "10.52.0.0/16"),
        "same-prefixes-without-bgp",
        "prefixes = [\"10.52.0.0/16\"]\n\n[[connection",
        "10.52.0.0/16",
    );
    assert_eq!(codes(&without_bgp("10.52.0.0/16", "10.53.0.0/16")), []);
    let text = without_bgp("10.52.0.0/16", "10.52.0.0/16").replace("bgp = false", "bgp = true");
    assert!(!codes(&text).iter().any(|(code, _)| *code == "same-prefixes-without-bgp"), "with BGP each says so itself");
}

#[test]
fn prefixes_of_sites_without_bgp_that_overlap_are_warned_about() {
    let text = without_bgp("10.52.0.0/16", "10.52.4.0/24");
    one_fault(&text, "overlapping-prefixes", "prefixes = [\"10.52.4.0/24\"]", "10.52.0.0/16");
    one_fault(&without_bgp("10.0.0.0/8", "192.0.2.0/24"), "overlapping-prefixes", "10.0.0.0/8", "cloud network");
    assert_eq!(codes(&without_bgp("0.0.0.0/0", "10.52.4.0/24")), [], "whoever has the default route means it");
}

#[test]
fn a_static_prefix_is_not_inside_the_cloud_network() {
    let text = without_bgp("10.20.7.0/24", "10.53.0.0/16");
    one_fault(&text, "static-prefix-in-network", "10.20.7.0/24", "10.20.0.0/16");
}

#[test]
fn without_bgp_there_are_prefixes() {
    let text = without_bgp("10.52.0.0/16", "10.53.0.0/16").replace("prefixes = [\"10.53.0.0/16\"]", "prefixes = []");
    one_fault(&text, "no-prefixes-without-bgp", "name = \"hq-2\"", "no BGP and no prefixes");
}

#[test]
fn prefixes_of_a_device_with_bgp_are_warned_about() {
    let text = edited("asn = 65010", "asn = 65010\nprefixes = [\"10.52.0.0/16\"]");
    one_fault(&text, "prefixes-beside-bgp", "10.52.0.0/16", "by BGP");
}

#[test]
fn a_device_with_bgp_has_an_as_number() {
    one_fault(&edited("asn = 65010\n", ""), "asn-needed", "[[device]]\nname = \"hq-1\"", "no AS number");
}

#[test]
fn what_a_cloud_keeps_for_itself_is_no_devices_as_number_under_its_profile() {
    for (profile, asn) in [("azure", "12076"), ("azure", "65520"), ("aws", "7224"), ("aws", "17943"), ("gcp", "16550")]
    {
        let text = edited("65010", asn);
        assert_eq!(codes(&text), [], "without the profile it is a number like any other");
        let text = text.replace("asn = 65515", &format!("asn = 65514\nprofile = \"{profile}\""));
        one_fault(&text, "profile-asn", &format!("asn = {asn}\n"), "for itself");
    }
    one_fault(&edited("asn = 65515", "asn = 65515\nprofile = \"moon\""), "bad-value", "profile", "\"azure\"");
}

/// The sample with a peer gateway in place of the second device, these tunnels to it, and these lines more in its table.
fn with_peer(tunnels: &[(&str, &str, &str)], more: &str) -> String {
    let (first, _) = DUAL.split_once("[[device]]\nname = \"hq-2\"").unwrap();
    let connection = DUAL.split("[[connection]]").nth(1).unwrap();
    let tunnel = |(here, there, interface): &(&str, &str, &str)| {
        format!("  {{ instance = \"{here}\", peer-instance = \"{there}\", interface = \"{interface}\" }},\n")
    };
    let tunnels: String = tunnels.iter().map(tunnel).collect();
    let hosts = "instance = [{ name = \"e0\", public-ip = \"203.0.113.20\", bgp-ip = \"10.30.255.4\" }, \
                 { name = \"e1\", public-ip = \"203.0.113.21\", bgp-ip = \"10.30.255.5\" }]";
    format!(
        "{first}[[connection]]{connection}[[peer-gateway]]\nname = \"east\"\n{hosts}\n{more}\n\n\
         [[connection]]\npeer-gateway = \"east\"\ntunnels = [\n{tunnels}]\n"
    )
}

const MESH: &[(&str, &str, &str)] =
    &[("in-0", "e0", "a0"), ("in-0", "e1", "a1"), ("in-1", "e0", "a0"), ("in-1", "e1", "a1")];

#[test]
fn r27_a_peer_gateway_is_joined_by_four_tunnels_and_each_counts() {
    let text = with_peer(MESH, "asn = 65516");
    assert_eq!(codes(&text), []);
    let limited = text.replace("asn = 65515", "asn = 65515\nmax-tunnels = 5");
    one_fault(&limited, "too-many-tunnels", "peer-instance = \"e1\", interface = \"a1\" },\n]", "6 tunnels");
    assert_eq!(codes(&limited.replace("max-tunnels = 5", "max-tunnels = 6")), []);
}

#[test]
fn a_mesh_with_a_hole_is_warned_about() {
    one_fault(
        &with_peer(&MESH[..3], "asn = 65516"),
        "incomplete-mesh",
        "peer-gateway = \"east\"",
        "\"in-1\" to \"e1\"",
    );
}

#[test]
fn a_tunnel_to_a_peer_gateway_names_the_host_there_and_one_to_a_device_none() {
    let text = with_peer(MESH, "asn = 65516");
    let last = "instance = \"in-1\", peer-instance = \"e1\"";
    one_fault(
        &text.replace(last, "instance = \"in-1\""),
        "peer-instance-needed",
        "instance = \"in-1\", interface = \"a1\"",
        "which instance",
    );
    let found = codes(&text.replace(last, "instance = \"in-1\", peer-instance = \"e7\""));
    assert!(found.iter().any(|(code, _)| *code == "unknown-name"), "{found:?}");
    let device = edited(
        "instance = \"in-0\", interface = \"tun-hq1\"",
        "instance = \"in-0\", peer-instance = \"x\", interface = \"tun-hq1\"",
    );
    one_fault(&device, "peer-instance-of-device", "peer-instance", "no instances");
}

#[test]
fn a_connection_leads_to_a_device_or_to_a_peer_gateway() {
    let text = edited("device = \"hq-1\"", "device = \"hq-1\"\npeer-gateway = \"hq-1\"");
    assert!(codes(&text).contains(&("device-or-peer-gateway", line_of(&text, "peer-gateway"))));
    let text = with_peer(MESH, "asn = 65516").replace("peer-gateway = \"east\"", "peer-gateway = \"eest\"");
    let found = said(&text);
    let fault = found.iter().find(|d| d.code == "unknown-name").unwrap();
    assert_eq!(fault.way_out, "did you mean \"east\"?");
}

#[test]
fn a_peer_gateway_has_at_most_two_hosts_with_addresses_of_their_own() {
    let text = with_peer(MESH, "asn = 65516");
    let third = text.replace("10.30.255.5\" }]", "10.30.255.5\" }, { name = \"e2\" }]");
    assert!(codes(&third).iter().any(|(code, _)| *code == "peer-instance-count"));
    one_fault(&text.replace("10.30.255.5", "10.20.7.7"), "device-bgp-ip-in-network", "10.20.7.7", "\"e1\"");
    one_fault(&text.replace("203.0.113.21", "203.0.113.11"), "equal-public-ips", "203.0.113.20", "\"in-1\"");
    let same = codes(&text.replace("10.30.255.5", "10.30.255.4"));
    assert!(same.iter().any(|(code, _)| *code == "equal-bgp-ips"), "{same:?}");
    one_fault(
        &with_peer(MESH, "asn = 65515"),
        "device-asn-is-gateways",
        "asn = 65515\n\n[[connection]]\npeer",
        "peer gateway",
    );
    one_fault(&with_peer(MESH, ""), "asn-needed", "[[peer-gateway]]", "no AS number");
}

#[test]
fn transit_through_a_peer_gateway_without_bgp_is_warned_about() {
    let text = with_peer(MESH, "prefixes = [\"10.30.0.0/16\"]")
        .replace("peer-gateway = \"east\"", "peer-gateway = \"east\"\nbgp = false");
    assert_eq!(codes(&text), []);
    let text = text.replace("asn = 65515", "asn = 65515\ntransit = true");
    one_fault(&text, "transit-without-bgp", "peer-gateway = \"east\"", "has no BGP");
}

#[test]
fn r16_and_r24_there_are_at_most_so_many_tunnels_on_both_instances_together() {
    let text = edited("asn = 65515", "asn = 65515\nmax-tunnels = 3");
    one_fault(&text, "too-many-tunnels", "{ instance = \"in-1\", interface = \"tun-hq2\"", "4 tunnels");
    assert_eq!(codes(&edited("asn = 65515", "asn = 65515\nmax-tunnels = 4")), []);
}

#[test]
fn r16_a_tunnel_has_an_interface() {
    let text = edited("interface = \"tun-hq1\", local-ip = \"169.254.21.2\"", "local-ip = \"169.254.21.2\"");
    one_fault(&text, "tunnel-without-interface", "{ instance = \"in-0\", local-ip", "policy-based");
}

#[test]
fn r16_two_tunnels_are_not_on_one_interface_of_one_instance() {
    let text = edited("tun-hq2", "tun-hq1");
    let found = codes(&text);
    let lines: Vec<usize> = ["169.254.21.10", "169.254.21.14"].map(|part| line_of(&text, part)).into();
    assert_eq!(found, lines.into_iter().map(|line| ("interface-used-twice", line)).collect::<Vec<_>>());
}

#[test]
fn an_unknown_name_is_refused_with_the_one_that_was_meant() {
    let text = edited("device = \"hq-2\"", "device = \"hq-22\"");
    let found = said(&text);
    let fault = found.iter().find(|d| d.code == "unknown-name").unwrap();
    assert_eq!((fault.line, fault.way_out.as_str()), (line_of(&text, "hq-22"), "did you mean \"hq-2\"?"));
    let text = edited("instance = \"in-1\", interface = \"tun-hq2\"", "instance = \"west\", interface = \"tun-hq2\"");
    one_fault(&text, "unknown-name", "\"west\"", "no instance named \"west\"");
}

#[test]
fn a_pair_of_addresses_is_whole() {
    one_fault(&edited(", remote-ip = \"169.254.21.9\"", ""), "half-a-pair", "169.254.21.10", "`remote-ip`");
    one_fault(&edited("local-ip = \"169.254.21.10\", ", ""), "half-a-pair", "169.254.21.9", "`local-ip`");
}

#[test]
fn without_a_pair_the_device_has_a_bgp_address() {
    let text = edited(", local-ip = \"169.254.21.10\", remote-ip = \"169.254.21.9\"", "");
    one_fault(&text, "no-bgp-address", "interface = \"tun-hq2\" }", "\"hq-2\" has no `bgp-ip`");
}

#[test]
fn r16_a_connection_that_maintenance_takes_down_is_warned_about() {
    let last = DUAL.lines().find(|line| line.contains("169.254.21.14")).unwrap();
    one_fault(&edited(last, ""), "single-tunnel", "device = \"hq-2\"", "one tunnel");
    let text = edited("instance = \"in-1\", interface = \"tun-hq2\"", "instance = \"in-0\", interface = \"tun-hq3\"");
    one_fault(&text, "tunnels-on-one-instance", "device = \"hq-2\"", "\"in-0\"");
}

#[test]
fn what_leads_nowhere_is_warned_about() {
    let text = format!("{DUAL}\n[[device]]\nname = \"old\"\nasn = 65020\n");
    one_fault(&text, "device-without-connection", "name = \"old\"", "\"old\"");
    let text = format!("{text}\n[[connection]]\ndevice = \"old\"\ntunnels = []\n");
    one_fault(&text, "no-tunnel", "device = \"old\"", "no tunnel");
}
