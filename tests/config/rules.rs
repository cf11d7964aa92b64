//! One test a rule: the fault, where it is, and what is said about it. Here are the rules of the gateway and its instances.

mod host;
mod pair;
mod sessions;
mod sites;

use twinspan::config::{Severity, parse};

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

/// The sample without BGP, with these prefixes of the two devices.
fn without_bgp(hq1: &str, hq2: &str) -> String {
    edited("bgp = true", "bgp = false")
        .replace("asn = 65010", &format!("prefixes = [\"{hq1}\"]"))
        .replace("asn = 65011", &format!("prefixes = [\"{hq2}\"]"))
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

#[test]
fn every_path_has_a_bucket() {
    one_fault(&format!("{DUAL}\n[ecmp]\nbuckets = 32\n"), "buckets-below-paths", "buckets", "64 paths");
}

#[test]
fn metrics_are_served_on_an_address_with_a_port() {
    for wrong in ["127.0.0.1", "9179", "localhost:9179", "[::1]:0"] {
        let text = format!("{DUAL}\n[control]\nmetrics = \"{wrong}\"\n");
        one_fault(&text, "bad-value", "metrics", "is not an address and a port");
    }
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
