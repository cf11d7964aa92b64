//! How faults are found, shown and counted.

use proptest::prelude::*;
use twinspan::config::{check_text, parse};

use crate::{DUAL, EVERYTHING, WRONG, codes, line_of, said};

#[test]
fn all_faults_of_a_file_are_told_at_once_in_the_order_of_the_text() {
    let found = codes(WRONG);
    let expected = [
        ("bad-value", "name = \"hub west\""),
        ("reserved-asn", "asn = 64500"),
        ("bad-value", "prefixes"),
        ("unknown-key", "tranist"),
        ("bgp-ip-outside-subnet", "10.20.254.4"),
        ("equal-public-ips", "public-ip = \"203.0.113.10\"\n\n"),
        ("device-without-connection", "name = \"hq-1\""),
        ("wrong-type", "asn = \"65010\""),
        ("device-bgp-ip-is-public-ip", "bgp-ip = \"198.51.100.1\""),
        ("unknown-name", "device = \"hq1\""),
        ("tunnel-without-interface", "local-ip"),
        ("half-a-pair", "local-ip"),
        ("bad-value", "a-name-that"),
        ("bad-value", "hold-time = 90"),
        ("keepalive-not-below-hold", "keepalive-time"),
        ("unknown-key", "hold_time"),
        ("bad-value", "multiplier"),
    ];
    assert_eq!(found, expected.map(|(code, part)| (code, line_of(WRONG, part))));
}

#[test]
fn a_fault_is_shown_with_its_code_place_source_and_way_out() {
    let shown = said(WRONG)[4].render(WRONG);
    let expected = "\
error[bgp-ip-outside-subnet]: the BGP address 10.20.254.4 is outside of the gateway subnet 10.20.255.0/27
  --> gateway.toml:12:10
   |
 5 | subnet = \"10.20.255.0/27\"
   |          ---------------- the subnet
...
12 | bgp-ip = \"10.20.254.4\"
   |          ^^^^^^^^^^^^^
   |
   = help: take an address of the subnet, or leave `bgp-ip` out; link-local pairs belong to tunnels";
    assert_eq!(shown, expected);
}

#[test]
fn the_report_for_programs_has_every_fault_with_line_and_column() {
    let report = serde_json::to_value(check_text("gateway.toml", WRONG)).unwrap();
    assert_eq!(report["ok"], false);
    assert_eq!((report["errors"].as_u64(), report["warnings"].as_u64()), (Some(16), Some(1)));
    let fault = &report["diagnostics"][3];
    let expected = serde_json::json!({
        "severity": "error", "code": "unknown-key", "message": "[gateway] has no key `tranist`",
        "help": "did you mean `transit`?", "file": "gateway.toml", "line": 7, "column": 1, "also": [],
    });
    assert_eq!(*fault, expected);
    let right = serde_json::to_value(check_text("gateway.toml", DUAL)).unwrap();
    assert_eq!((right["ok"].as_bool(), right["diagnostics"].as_array().map(Vec::len)), (Some(true), Some(0)));
}

#[test]
fn every_line_that_is_not_toml_is_told() {
    let text = "[gateway]\nname = \nasn = 65515\nsubnet = 10.0.0.0/8\n";
    let found = codes(text);
    assert_eq!(found, [("syntax", 2), ("syntax", 4)]);
}

#[test]
fn columns_count_characters() {
    let text = DUAL.replace(
        "tunnels = [\n  { instance = \"in-0\", interface = \"tun-hq1\"",
        "tunnels = [\n  { name = \"é\", interface = 7",
    );
    let fault = said(&text).into_iter().find(|d| d.code == "wrong-type").unwrap();
    assert_eq!(fault.column, "  { name = \"é\", interface = 7".chars().count());
}

#[test]
fn a_number_is_not_taken_for_a_duration() {
    let fault = said(&format!("{DUAL}\n[bgp]\nhold-time = 90\n")).remove(0);
    assert_eq!(fault.way_out, "if seconds are meant, write \"90s\"");
}

#[test]
fn hold_times_that_a_peer_must_refuse_are_refused_here() {
    for (time, right) in
        [("0s", true), ("1s", false), ("2s", false), ("3s", true), ("3500ms", false), ("18h13m", false)]
    {
        let found = codes(&format!("{DUAL}\n[bgp]\nhold-time = \"{time}\"\n"));
        assert_eq!(found.is_empty(), right, "{time}: {found:?}");
    }
}

#[test]
fn security_by_ttl_and_multihop_exclude_each_other() {
    let text = format!("{DUAL}\n[bgp]\nttl-security = true\nmultihop = 2\n");
    assert_eq!(codes(&text), [("ttl-conflict", line_of(&text, "ttl-security"))]);
    assert_eq!(codes(&format!("{DUAL}\n[bgp]\nttl-security = false\nmultihop = 2\n")), []);
}

#[test]
fn words_stand_beside_a_bgp_table_or_in_it_not_both() {
    let neighbor = "[[neighbor]]\nname = \"rr\"\naddress = \"10.20.0.9\"\nasn = 65515\nimport = [\"accept\"]\n";
    let text = format!("{DUAL}\n{neighbor}bgp = {{ import = [\"reject\"] }}\n");
    assert_eq!(codes(&text), [("given-twice", line_of(&text, "import"))]);
}

#[test]
fn an_empty_file_says_what_is_missing() {
    assert_eq!(codes(""), [("missing-key", 1)]);
    assert!(said("[gateway]\n").iter().filter(|d| d.code == "missing-key").count() >= 5);
}

/// Ways to spoil a text: cut, doubled, swapped and replaced pieces.
fn spoiled() -> impl Strategy<Value = String> {
    let texts = prop_oneof![Just(DUAL), Just(EVERYTHING), Just(WRONG)];
    let pieces = prop_oneof![
        Just("\"\"".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("0".to_owned()),
        Just("-1".to_owned()),
        Just("99999999999999999999999999".to_owned()),
        Just("1e400".to_owned()),
        Just("true".to_owned()),
        Just("\"é☃\"".to_owned()),
        Just("\"::1\"".to_owned()),
        Just("\"0.0.0.0/0\"".to_owned()),
        Just("1979-05-27".to_owned()),
        Just("\n".to_owned()),
        Just("=".to_owned()),
        "\\PC{0,8}",
    ];
    let edits =
        proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..4u8, pieces), 1..6);
    (texts, edits).prop_map(|(text, edits)| {
        let mut tokens: Vec<String> = text.split_inclusive([' ', '\n', ',', '.']).map(str::to_owned).collect();
        for (at, other, how, piece) in edits {
            let (at, other) = (at.index(tokens.len()), other.index(tokens.len()));
            match how {
                0 => tokens[at] = piece,
                1 => tokens[at] = tokens[other].clone(),
                2 => tokens.swap(at, other),
                _ => tokens[at].clear(),
            }
        }
        tokens.concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_panic_and_every_answer_can_be_shown(text in spoiled()) {
        match parse("f", &text) {
            Ok((config, warnings)) => {
                for instance in &config.model.instances {
                    let desired = twinspan::gateway::desired(&config.model, &instance.name);
                    let here = |c: &twinspan::gateway::Connection| c.tunnels.iter().filter(|t| t.instance == instance.name).count();
                    let tunnels: usize = config.model.connections.iter().map(here).sum();
                    prop_assert_eq!(desired.map(|d| d.tunnels.len()), Some(tunnels), "every tunnel is served");
                }
                for warning in &warnings { let _ = warning.render(&text); }
            }
            Err(faults) => {
                prop_assert!(!faults.is_empty());
                prop_assert!(faults.iter().all(|f| f.code != "incomplete"), "{:?}", faults);
                for fault in &faults { let _ = fault.render(&text); }
            }
        }
    }

    #[test]
    fn any_text_gets_an_answer(text in "\\PC{0,200}") {
        let _ = check_text("f", &text).render(&text);
    }
}

#[test]
fn numbers_may_be_written_in_every_way_of_toml() {
    for (number, right) in
        [("0xFE", true), ("0b11111110", true), ("2_54", true), ("+254", true), ("-1", false), ("254.0", false)]
    {
        let text = format!("{DUAL}\n[kernel]\ntable = {number}\n");
        assert_eq!(parse("f", &text).map(|(config, _)| config.kernel.table).ok(), right.then_some(254), "{number}");
    }
}
