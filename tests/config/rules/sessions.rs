//! The rules of sessions: their ends, times, limits and keys, and those of ranges.

use super::one_fault;
use crate::{DUAL, codes, edited};

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
