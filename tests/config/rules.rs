//! One test a rule: the fault, where it is, and what is said about it.

use std::path::Path;

use twinspan::config::{Host, HostFault, Severity, check_text_on, parse};
use twinspan::types::Prefix;

use crate::{DUAL, codes, edited, line_of, said};

/// Asserts that the text has this one fault, on the line of `part`, with these words in its message.
#[track_caller]
fn one_fault(text: &str, code: &str, part: &str, words: &str) {
    let found = said(text);
    let shown: Vec<String> = found.iter().map(|d| d.render(text)).collect();
    assert_eq!(found.len(), 1, "{}", shown.join("\n"));
    let fault = &found[0];
    assert_eq!((fault.code, fault.line), (code, line_of(text, part)), "{}", shown.join("\n"));
    assert!(fault.message.contains(words), "{}", fault.message);
    assert!(!fault.way_out.is_empty(), "{code} gives no way out");
    assert_eq!(fault.severity == Severity::Error, parse("", text).is_err());
}

/// The sample without link-local pairs, with these BGP addresses of the devices.
fn without_pairs(hq1: &str, hq2: &str) -> String {
    let mut text = String::new();
    for line in DUAL.lines() {
        let line = line.split(", local-ip").next().unwrap();
        text.push_str(line);
        text.push_str(if line.contains("{ instance") { " },\n" } else { "\n" });
    }
    text.replace("asn = 65010", &format!("asn = 65010\nbgp-ip = \"{hq1}\""))
        .replace("asn = 65011", &format!("asn = 65011\nbgp-ip = \"{hq2}\""))
}

#[test]
fn the_sample_is_right() {
    assert_eq!(codes(DUAL), []);
    assert_eq!(codes(&without_pairs("10.52.0.253", "10.52.0.254")), []);
}

#[test]
fn a_gateway_has_two_instances() {
    let third = "[[gateway.instance]]\nname = \"in-2\"\npublic-ip = \"203.0.113.12\"\n\n[[device]]\nname = \"hq-1\"";
    one_fault(
        &edited("[[device]]\nname = \"hq-1\"", third),
        "instance-count",
        "[[gateway.instance]]\nname = \"in-2\"",
        "3",
    );
    let one = DUAL.split("[[gateway.instance]]\nname = \"in-1\"").next().unwrap();
    one_fault(one, "instance-count", "[gateway]", "this is one");
}

#[test]
fn instances_and_devices_have_names_of_their_own() {
    let text = edited("name = \"in-1\"", "name = \"in-0\"");
    assert!(
        codes(&text).contains(&("duplicate-name", line_of(&text, "name = \"in-0\"\npublic-ip = \"203.0.113.11\"")))
    );
    let text = edited("name = \"hq-2\"", "name = \"hq-1\"");
    assert!(codes(&text).iter().any(|(code, _)| *code == "duplicate-name"));
}

#[test]
fn r15_public_ips_differ_among_instances_and_devices() {
    let text = edited("203.0.113.11", "203.0.113.10");
    one_fault(&text, "equal-public-ips", "public-ip = \"203.0.113.10\"\nbgp-ip = \"10.20.255.5\"", "\"in-0\"");
    one_fault(
        &edited("198.51.100.2", "198.51.100.1"),
        "equal-public-ips",
        "public-ip = \"198.51.100.1\"\nasn = 65011",
        "\"hq-1\"",
    );
    one_fault(
        &edited("198.51.100.2", "203.0.113.10"),
        "equal-public-ips",
        "public-ip = \"203.0.113.10\"\nasn",
        "\"in-0\"",
    );
}

#[test]
fn r7_and_r15_active_active_needs_two_public_ips() {
    let text = edited("public-ip = \"203.0.113.11\"\n", "");
    let part = "[[gateway.instance]]\nname = \"in-1\"";
    one_fault(&text, "active-active-needs-two-public-ips", part, "on each instance");
}

#[test]
fn r15_bgp_addresses_of_instances_differ_and_lie_in_the_subnet() {
    one_fault(
        &edited("10.20.255.5", "10.20.255.4"),
        "equal-bgp-ips",
        "bgp-ip = \"10.20.255.4\"\n\n[[device",
        "\"in-0\"",
    );
    one_fault(&edited("10.20.255.5", "10.20.254.5"), "bgp-ip-outside-subnet", "10.20.254.5", "10.20.255.0/27");
}

#[test]
fn a_subnet_must_have_room_for_the_addresses_that_are_not_given() {
    let text = edited("10.20.255.0/27", "10.20.255.4/31").replace("bgp-ip = \"10.20.255.5\"\n", "");
    one_fault(&text, "subnet-full", "[[gateway.instance]]\nname = \"in-1\"", "no address left");
}

#[test]
fn an_ipv6_bgp_address_needs_a_router_id() {
    let six = DUAL
        .replace("10.20.255.0/27", "fd00:20::/64")
        .replace("10.20.255.4", "fd00:20::4")
        .replace("bgp-ip = \"10.20.255.5\"", "bgp-ip = \"fd00:20::5\"\nrouter-id = \"10.20.255.5\"");
    one_fault(&six, "router-id-needed", "fd00:20::4", "four octets");
    let same = six.replace("bgp-ip = \"fd00:20::4\"", "bgp-ip = \"fd00:20::4\"\nrouter-id = \"10.20.255.5\"");
    one_fault(&same, "equal-router-ids", "router-id = \"10.20.255.5\"\n\n[[device", "RFC 6286");
}

#[test]
fn the_default_route_is_no_cloud_network() {
    one_fault(&edited("10.20.0.0/16", "0.0.0.0/0"), "default-as-network", "0.0.0.0/0", "every prefix");
}

#[test]
fn prefixes_that_overlap_are_warned_about() {
    let text = edited("[\"10.20.0.0/16\"]", "[\"10.20.0.0/16\", \"10.20.4.0/24\"]");
    one_fault(&text, "overlapping-prefixes", "prefixes", "10.20.4.0/24");
}

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

/// The sample without BGP, with these prefixes of the two devices.
fn without_bgp(hq1: &str, hq2: &str) -> String {
    edited("bgp = true", "bgp = false")
        .replace("asn = 65010", &format!("prefixes = [\"{hq1}\"]"))
        .replace("asn = 65011", &format!("prefixes = [\"{hq2}\"]"))
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

#[test]
fn a_hold_time_that_the_profiles_peers_cannot_keep_is_warned_about() {
    for (profile, short, long) in [("azure", "89s", "90s"), ("aws", "14s", "15s"), ("gcp", "29s", "30s")] {
        let with = |hold: &str| {
            let text = edited("asn = 65515", &format!("asn = 64600\nprofile = \"{profile}\""));
            format!("{text}\n[bgp]\nhold-time = \"{hold}\"\n")
        };
        one_fault(&with(short), "hold-below-profile", "hold-time", "gives it up");
        assert_eq!(codes(&with(long)), []);
        assert_eq!(codes(&with("0s")), [], "without a hold time nobody is given up");
    }
}

/// A host with one WireGuard interface that lets this through.
struct Guarded(&'static [&'static str]);

impl Host for Guarded {
    fn key(&self, _: &Path) -> Option<HostFault> {
        None
    }

    fn no_tcp_ao(&self) -> Option<HostFault> {
        None
    }

    fn allowed_ips(&self, interface: &str) -> Option<Vec<Prefix>> {
        (interface == "tun-hq1").then(|| self.0.iter().map(|text| text.parse().unwrap()).collect())
    }
}

#[test]
fn a_wireguard_interface_that_drops_what_bgp_needs_is_warned_about() {
    let said = |text: &str, allowed| {
        let found = check_text_on("gateway.toml", text, &Guarded(allowed)).diagnostics;
        found.into_iter().map(|d| (d.code, d.line, d.message)).collect::<Vec<_>>()
    };
    let line = line_of(DUAL, "interface = \"tun-hq1\"");
    for (allowed, words) in [
        (&[][..], "none: the session with 169.254.21.1 cannot come up"),
        (&["10.52.0.0/16"], "10.52.0.0/16: the session with 169.254.21.1"),
        (&["169.254.21.1/32", "10.52.0.0/16"], "what the far end teaches outside of them is dropped"),
    ] {
        let found = said(DUAL, allowed);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].0, found[0].1), ("wireguard-allowed-ips", line));
        assert!(found[0].2.contains(words), "{found:?}");
    }
    assert_eq!(said(DUAL, &["0.0.0.0/1", "128.0.0.0/1"]), []);
    let text = without_bgp("10.52.0.0/16", "10.53.0.0/16");
    assert_eq!(said(&text, &["10.52.0.0/17", "10.52.128.0/17"]), []);
    let found = said(&text, &["10.52.0.0/17"]);
    assert!(found.len() == 1 && found[0].2.contains("traffic to 10.52.0.0/16 is dropped"), "{found:?}");
}

#[test]
fn r1_active_standby_is_the_default_and_needs_no_two_public_ips() {
    let text = standby().replace("public-ip = \"203.0.113.11\"\n", "");
    assert_eq!(codes(&text), []);
}

/// Of two without a path to each other, somebody else says who is active.
const EXTERNAL: &str = "\n[election]\nby = \"external\"\n";

/// The sample in the other mode.
fn standby() -> String {
    edited("mode = \"active-active\"\n", "") + EXTERNAL
}

#[test]
fn the_shared_bgp_address_lies_in_the_subnet_and_is_nobodys_own() {
    assert_eq!(codes(&standby()), []);
    let given = |ip: &str| standby().replace("asn = 65515", &format!("asn = 65515\nbgp-ip = \"{ip}\""));
    assert_eq!(codes(&given("10.20.255.20")), []);
    one_fault(&given("10.20.254.20"), "bgp-ip-outside-subnet", "10.20.254.20", "10.20.255.0/27");
    one_fault(&given("10.20.255.5"), "equal-bgp-ips", "bgp-ip = \"10.20.255.5\"\n\n[[device", "shared BGP address");
    let last = standby().replace("10.20.255.5", "10.20.255.30");
    one_fault(&last, "equal-bgp-ips", "bgp-ip = \"10.20.255.30\"", "shared BGP address");
    let active = last.replace("asn = 65515", "asn = 65515\nmode = \"active-active\"").replace(EXTERNAL, "");
    assert_eq!(codes(&active), [], "in active-active nobody shares an address");
    let device = standby().replace("asn = 65010", "asn = 65010\nbgp-ip = \"10.20.255.30\"");
    assert!(codes(&device).contains(&("equal-bgp-ips", line_of(&device, "10.20.255.30"))));
}

#[test]
fn an_instance_without_a_bgp_address_does_not_get_the_shared_one() {
    let text = standby()
        .replace("10.20.255.0/27", "10.20.255.0/29")
        .replace("bgp-ip = \"10.20.255.4\"\n", "")
        .replace("bgp-ip = \"10.20.255.5\"\n", "");
    assert_eq!(codes(&text), []);
    let text = text.replace("asn = 65515", "asn = 65515\nbgp-ip = \"10.20.255.5\"");
    let model = parse("", &text).unwrap().0.model;
    let own: Vec<_> = model.instances.iter().map(|i| i.bgp_ip.to_string()).collect();
    assert_eq!(
        (own, model.shared_ip.unwrap().to_string()),
        (vec!["10.20.255.4".to_owned(), "10.20.255.6".to_owned()], "10.20.255.5".to_owned())
    );
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
fn two_sessions_of_one_instance_do_not_go_to_one_address() {
    let text = edited("169.254.21.9\"", "169.254.21.1\"");
    one_fault(&text, "equal-neighbor-addresses", "169.254.21.10", "one way only");
}

#[test]
fn a_session_has_two_ends_of_one_family() {
    one_fault(&edited("169.254.21.9\"", "fd00::9\""), "address-families-differ", "fd00::9", "another family");
    one_fault(&edited("169.254.21.9\"", "169.254.21.10\""), "neighbor-is-ourselves", "169.254.21.10", "to itself");
}

#[test]
fn keepalives_are_more_frequent_than_the_hold_time_they_keep() {
    let text = format!("{DUAL}\n[bgp]\nkeepalive-time = \"30s\"\n");
    assert_eq!(codes(&text), []);
    let text = text.replace("asn = 65010", "asn = 65010\nbgp = { hold-time = \"30s\" }");
    one_fault(&text, "keepalive-not-below-hold", "hold-time", "\"hq-1/in-0\"");
}

#[test]
fn waits_grow() {
    let text = format!("{DUAL}\n[bgp]\nidle-hold-max = \"3s\"\n");
    one_fault(&text, "idle-hold-below-retry", "idle-hold-max", "shorter");
    assert_eq!(codes(&format!("{DUAL}\n[bgp]\nconnect-retry = \"2m\"\n")), []);
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

#[test]
fn sessions_have_names_of_their_own() {
    let text = format!("{DUAL}\n[[neighbor]]\nname = \"hq-1/in-0\"\naddress = \"10.20.0.9\"\nasn = 65515\n");
    one_fault(&text, "duplicate-name", "name = \"hq-1/in-0\"", "two sessions");
    let long = "d".repeat(63);
    let text = DUAL.replace("hq-2", &long);
    assert_eq!(codes(&text).iter().filter(|(code, _)| *code == "name-too-long").count(), 2);
}

#[test]
fn a_local_address_of_both_instances_is_warned_about() {
    let text = format!(
        "{DUAL}\n[[neighbor]]\nname = \"rr\"\naddress = \"10.20.0.9\"\nasn = 65515\nlocal-address = \"10.20.0.8\"\n"
    );
    one_fault(&text, "local-address-of-both", "10.20.0.8", "one host's");
    assert_eq!(codes(&format!("{text}instances = [\"in-0\"]\n")), []);
}

#[test]
fn every_path_has_a_bucket() {
    one_fault(&format!("{DUAL}\n[ecmp]\nbuckets = 32\n"), "buckets-below-paths", "buckets", "64 paths");
}

#[test]
fn limits_and_texts_that_cannot_be_are_refused() {
    let bgp = |line: &str| format!("{DUAL}\n[bgp]\n{line}\n");
    one_fault(&bgp("max-prefixes = -1"), "bad-value", "max-prefixes", "is not within 0 to 4294967295");
    one_fault(&bgp("max-prefixes = \"many\""), "wrong-type", "\"many\"", "a number or table, not a string");
    one_fault(&bgp("max-prefixes = { action = \"trim\" }"), "bad-value", "{ action", "names no family");
    one_fault(&bgp("max-prefixes = { ipv4 = 1, warn-at = 0 }"), "bad-value", "max-prefixes", "is not within 1 to 100");
    one_fault(
        &bgp("max-prefixes = { ipv4 = 1, action = \"stop\" }"),
        "bad-value",
        "\"stop\"",
        "\"warn\", \"trim\", \"drop\"",
    );
    let restart = bgp("max-prefixes = { ipv4 = 1, action = \"warn\", restart = \"5m\" }");
    one_fault(&restart, "restart-without-drop", "\"5m\"", "ends none");
    one_fault(&bgp("shutdown = \"\""), "bad-value", "shutdown", "an empty text says nothing");
    let long = "é".repeat(128);
    one_fault(&bgp(&format!("shutdown = \"{long}\"")), "bad-value", &long, "256 octets, and a peer takes at most 255");
    one_fault(&bgp("send-hold-time = \"500ms\""), "bad-value", "\"500ms\"", "at least \"1s\"");
}

#[test]
fn metrics_are_served_on_an_address_with_a_port() {
    for wrong in ["127.0.0.1", "9179", "localhost:9179", "[::1]:0"] {
        let text = format!("{DUAL}\n[control]\nmetrics = \"{wrong}\"\n");
        one_fault(&text, "bad-value", "metrics", "is not an address and a port");
    }
}

#[test]
fn a_session_is_signed_in_one_way() {
    let text = format!("{DUAL}\n[bgp]\npassword-file = \"/k\"\nao-keys = [{{ id = 1, file = \"/k\" }}]\n");
    one_fault(&text, "auth-conflict", "ao-keys", "TCP-AO");
}

#[test]
fn keys_of_one_session_have_ids_of_their_own() {
    let text = format!(
        "{DUAL}\n[bgp]\nao-keys = [{{ id = 1, file = \"/k\" }}, {{ id = 1, receive-id = 2, file = \"/l\" }}]\n"
    );
    one_fault(&text, "equal-key-ids", "ao-keys", "the id 1");
}

#[test]
fn a_key_file_is_named_with_its_whole_path() {
    one_fault(&format!("{DUAL}\n[bgp]\npassword-file = \"hq.key\"\n"), "bad-value", "password-file", "whole path");
    one_fault(
        &format!("{DUAL}\n[bgp]\nao-keys = [{{ id = 1, file = \"\" }}]\n"),
        "bad-value",
        "ao-keys",
        "needs a file",
    );
}

/// A host on which one key cannot be used.
struct Picky;

impl Host for Picky {
    fn key(&self, path: &Path) -> Option<HostFault> {
        let code = "key-unusable";
        let message = format!("the key in {} is odd", path.display());
        let fault = HostFault { severity: Severity::Error, code, message, way_out: "make it even".to_owned() };
        path.ends_with("odd").then_some(fault)
    }

    fn no_tcp_ao(&self) -> Option<HostFault> {
        let message = "no TCP-AO".to_owned();
        Some(HostFault { severity: Severity::Error, code: "no-tcp-ao", message, way_out: "MD5".to_owned() })
    }

    fn allowed_ips(&self, _: &str) -> Option<Vec<Prefix>> {
        None
    }
}

#[test]
fn what_the_host_says_about_keys_is_told_with_its_place_wherever_the_table_stands() {
    let text = edited("asn = 65010", "asn = 65010\nbgp.password-file = \"/odd\"")
        .replace("asn = 65011", "asn = 65011\nbgp = { ao-keys = [{ id = 1, file = \"/ao/odd\" }] }");
    let more = "[[neighbor]]\nname = \"rr\"\naddress = \"10.20.0.9\"\nasn = 65515\nbgp.password-file = \"/rr/odd\"\n";
    let text = format!("{text}\n{more}[bgp]\npassword-file = \"/even\"\n");
    let found: Vec<_> =
        check_text_on("gateway.toml", &text, &Picky).diagnostics.iter().map(|d| (d.code, d.line)).collect();
    let expected = [
        ("key-unusable", line_of(&text, "\"/odd\"")),
        ("no-tcp-ao", line_of(&text, "ao-keys")),
        ("key-unusable", line_of(&text, "/ao/odd")),
        ("key-unusable", line_of(&text, "/rr/odd")),
    ];
    assert_eq!(found, expected);
    assert_eq!(codes(&text), [], "without a host the text alone counts");
}

#[test]
fn bfd_is_proven_with_sha1_or_not_at_all() {
    let weak = format!("{DUAL}\n[bfd]\nkey = {{ id = 1, algorithm = \"keyed-md5\", file = \"/etc/key\" }}\n");
    one_fault(&weak, "bad-value", "key =", "`algorithm`: \"keyed-md5\" proves too little");
    let nameless = format!("{DUAL}\n[bfd]\nkey = {{ id = 1 }}\n");
    one_fault(&nameless, "missing-key", "key =", "bfd.key needs the key `file`");
}

/// A range, with these lines more.
fn range(more: &str) -> String {
    format!("{DUAL}\n[[neighbor]]\nname = \"leaves\"\nrange = \"10.9.0.0/24\"\n{more}\n")
}

#[test]
fn a_neighbor_has_an_address_or_a_range() {
    assert_eq!(codes(&range("asns = [65020, 65021]\nlimit = 5\ninterface = \"eth2\"")), []);
    one_fault(&range("asn = 65020\naddress = \"10.9.0.1\""), "address-or-range", "range =", "dial us");
    one_fault(&range("asn = 65020\nasns = [65021]"), "given-twice", "asn = 65020\nasns", "the same thing");
    one_fault(&range("asns = []"), "bad-value", "asns", "without an AS number");
    one_fault(&range("asns = [23456]"), "reserved-asn", "asns", "23456");
    one_fault(&range(""), "missing-key", "[[neighbor]]", "`asn`");
    one_fault(&range("asn = 65020\nlimit = 0"), "bad-value", "limit", "1 to 10000");
    let fixed = format!("{DUAL}\n[[neighbor]]\nname = \"rr\"\naddress = \"10.20.0.9\"\nasn = 65515\nlimit = 5\n");
    one_fault(&fixed, "address-or-range", "limit = 5", "about a range");
    let neither = format!("{DUAL}\n[[neighbor]]\nname = \"rr\"\nasn = 65515\n");
    one_fault(&neither, "missing-key", "[[neighbor]]", "`address`");
}

#[test]
fn ranges_may_overlap_each_other_and_fixed_neighbors_but_not_be_equal() {
    let narrower = "[[neighbor]]\nname = \"corner\"\nrange = \"10.9.0.128/25\"\nasn = 65030\n";
    let fixed = "[[neighbor]]\nname = \"fixed\"\naddress = \"10.9.0.5\"\nasn = 65040\n";
    assert_eq!(codes(&range(&format!("asn = 65020\n{narrower}{fixed}"))), []);
    let same = narrower.replace("10.9.0.128/25", "10.9.0.0/24");
    one_fault(
        &range(&format!("asn = 65020\n{same}")),
        "equal-ranges",
        "range = \"10.9.0.0/24\"\nasn = 65030",
        "two ranges",
    );
    let elsewhere = format!("asn = 65020\ninstances = [\"in-0\"]\n{same}instances = [\"in-1\"]");
    assert_eq!(codes(&range(&elsewhere)), []);
}

#[test]
fn a_range_is_of_the_family_of_our_address() {
    let six = range("asn = 65020").replace("10.9.0.0/24", "fd00:9::/64");
    one_fault(&six, "address-families-differ", "fd00:9::/64", "10.20.255.4");
    let right = six.replace("asn = 65020", "asn = 65020\nlocal-address = \"fd00:9::1\"\ninstances = [\"in-0\"]");
    assert_eq!(codes(&right), []);
}

#[test]
fn a_range_leaves_room_for_an_address_in_the_name() {
    let long = "a".repeat(48);
    let text = range("asn = 65020").replace("\"leaves\"", &format!("\"{long}\""));
    one_fault(&text, "name-too-long", &long, "too long");
    assert_eq!(codes(&text.replace(&long, &"a".repeat(47))), []);
}

#[test]
fn what_is_inside_of_a_signed_range_is_signed_too() {
    let signed = "asn = 65020\nbgp.password-file = \"/k\"\n";
    let fixed = "[[neighbor]]\nname = \"fixed\"\naddress = \"10.9.0.5\"\nasn = 65040\n";
    one_fault(&range(&format!("{signed}{fixed}")), "signed-otherwise-in-range", "10.9.0.5", "signed with none itself");
    assert_eq!(codes(&range(&format!("{signed}{fixed}bgp.password-file = \"/l\"\n"))), []);
    assert_eq!(codes(&range(&format!("asn = 65020\n{fixed}bgp.password-file = \"/l\"\n"))), []);
    let narrower = "[[neighbor]]\nname = \"corner\"\nrange = \"10.9.0.128/25\"\nasn = 65030\n";
    one_fault(
        &range(&format!("{signed}{narrower}")),
        "signed-otherwise-in-range",
        "10.9.0.128/25",
        "the range 10.9.0.0/24",
    );
}

/// The sample with these ends of a path between the instances.
fn with_twin_links(first: &str, second: &str) -> String {
    let end = |text: String, ip: &str, link: &str| {
        let line = format!("bgp-ip = \"{ip}\"\n");
        let more = if link.is_empty() { String::new() } else { format!("twin-link = {{ {link} }}\n") };
        text.replacen(&line, &format!("{line}{more}"), 1)
    };
    end(end(DUAL.to_owned(), "10.20.255.4", first), "10.20.255.5", second)
}

const NEAR: &str = "interface = \"eth1\", address = \"192.168.255.1\"";
const FAR: &str = "interface = \"eth2\", address = \"192.168.255.2\"";

#[test]
fn the_path_between_the_instances_has_two_ends_on_one_link() {
    assert_eq!(codes(&with_twin_links(NEAR, FAR)), []);
    one_fault(&with_twin_links(NEAR, ""), "twin-link-alone", "twin-link", "two ends");
    one_fault(&with_twin_links("", FAR), "twin-link-alone", "twin-link", "two ends");
    let same = with_twin_links(NEAR, NEAR);
    assert!(said(&same).iter().any(|fault| fault.code == "neighbor-is-ourselves"), "{:?}", codes(&same));
    let mixed = with_twin_links(NEAR, "interface = \"eth1\", address = \"fd00::2\"");
    assert!(said(&mixed).iter().any(|fault| fault.code == "address-families-differ"), "{:?}", codes(&mixed));
}

#[test]
fn the_path_between_the_instances_is_no_tunnel() {
    let text = with_twin_links(&NEAR.replace("eth1", "tun-hq1"), FAR);
    one_fault(&text, "twin-link-is-tunnel", "twin-link", "tun-hq1");
}

#[test]
fn a_twin_is_not_silent_before_it_could_speak_twice() {
    let text = format!("{}\n[twin]\nhello = \"1s\"\nsilent-after = \"1500ms\"\n", with_twin_links(NEAR, FAR));
    one_fault(&text, "twin-silent-too-soon", "silent-after", "1s");
}

/// The complete example in active-standby, with more in its file.
fn elected(instance: &str, more: &str) -> String {
    let text = if instance.is_empty() { DUAL.to_owned() } else { with_twin_links(NEAR, FAR) };
    let text = text.replace("mode = \"active-active\"", "mode = \"active-standby\"");
    format!("{}\n{more}\n", text.replace("twin-link =", &format!("{instance}\ntwin-link =")))
}

fn names(text: &str) -> Vec<&'static str> {
    said(text).iter().map(|fault| fault.code).collect()
}

#[test]
fn an_election_by_etcd_names_its_members() {
    let network = "network-interface = \"eth0\"";
    one_fault(&elected(network, "[election]\nby = \"etcd\""), "etcd-without-endpoints", "by = ", "no member of etcd");
    let tls = "[election]\nby = \"etcd\"\nendpoints = [\"https://10.20.0.7:2379\"]";
    assert!(said(&elected(network, tls)).iter().any(|fault| fault.way_out.contains("grpc-proxy")));
    let fine = "[election]\nby = \"etcd\"\nendpoints = [\"http://10.20.0.7:2379\"]";
    assert_eq!(names(&elected(network, fine)), Vec::<&str>::new());
}

#[test]
fn two_that_cannot_hear_or_ask_about_each_other_are_warned_of() {
    let network = "network-interface = \"eth0\"";
    assert_eq!(names(&elected(network, "")), Vec::<&str>::new());
    assert_eq!(names(&elected("priority = 100", "")), vec!["election-blind"]);
    assert_eq!(names(&elected("", "")), vec!["election-blind"]);
    assert_eq!(names(&elected("", "[election]\nby = \"external\"")), Vec::<&str>::new());
    assert_eq!(names(&elected("priority = 100", "[election]\nask-network = false")), Vec::<&str>::new());
}

#[test]
fn an_election_is_for_active_standby() {
    one_fault(
        &format!("{DUAL}\n[election]\npreempt = true\n"),
        "election-unused",
        "[election]",
        "both instances are active",
    );
}

#[test]
fn a_lease_is_counted_in_whole_seconds() {
    let text = elected("network-interface = \"eth0\"", "[election]\nlease = \"2500ms\"");
    one_fault(&text, "bad-value", "lease", "whole seconds");
}

#[test]
fn how_the_instances_speak_is_for_those_with_a_path() {
    one_fault(&format!("{DUAL}\n[twin]\nhello = \"1s\"\n"), "twin-without-link", "[twin]", "twin-link");
}

#[test]
fn the_session_with_the_twin_has_a_name_of_its_own() {
    let neighbor = "[[neighbor]]\nname = \"in-1\"\naddress = \"192.0.2.1\"\nasn = 65001\n";
    let text = format!("{}\n{neighbor}", with_twin_links(NEAR, FAR));
    assert!(said(&text).iter().any(|fault| fault.code == "duplicate-name"), "{:?}", codes(&text));
    let old = neighbor.replace("in-1", "twin").replace("192.0.2.1", "192.168.255.2");
    let text = format!("{}\n{old}", with_twin_links(NEAR, FAR));
    assert!(said(&text).iter().any(|fault| fault.code == "equal-neighbor-addresses"), "{:?}", codes(&text));
}

#[test]
fn a_command_is_a_list_of_words_and_its_times_are_within_bounds() {
    let with = |lines: &str| format!("{DUAL}\n[health]\n{lines}\n");
    assert_eq!(codes(&with("vpn-command = [\"systemctl\", \"is-active\"]\ninterval = \"2s\"")), []);
    let text = with("command = \"healthy --quick\"");
    one_fault(&text, "bad-value", "healthy --quick", "list of words");
    assert_eq!(said(&text)[0].way_out, "write [\"healthy\", \"--quick\"]");
    one_fault(&with("command = []"), "bad-value", "command = []", "begins with a program");
    one_fault(&with("command = [\"x\"]\nfall = 0"), "bad-value", "fall = 0", "not within 1 to 100");
    one_fault(&with("command = [\"x\"]\nlimit = \"0s\""), "bad-value", "limit =", "");
    let text = with("rise = 3");
    one_fault(&text, "health-without-command", "rise = 3", "names none");
    one_fault(&format!("{DUAL}\n[drain]\nreturn-limit = \"0s\"\n"), "bad-value", "return-limit", "");
}
