//! The rules of the two instances as a pair: the path between them, and who of them is active.

use super::one_fault;
use crate::{DUAL, codes, said};

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
