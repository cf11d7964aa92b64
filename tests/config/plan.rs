//! What two files differ in, and what that costs.

use twinspan::config::{Change, Class, Config, Fate, Plan};

use super::{DUAL, EVERYTHING, edited, parse};

fn config(text: &str) -> Config {
    parse("gateway.toml", text).unwrap_or_else(|faults| panic!("{faults:#?}")).0
}

/// The plan of the first instance, from the dual-redundancy sample to that text.
fn plan(to: &str) -> Plan {
    Plan::between(&config(DUAL), &config(to), &"in-0".parse().unwrap())
}

fn shown(change: &Change) -> String {
    let key = change.key.map_or("", |key| key.name);
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    format!("{} {key} {} > {} {}", change.thing, value(&change.from), value(&change.to), change.class)
}

fn fates(plan: &Plan) -> Vec<(String, Fate, Vec<&'static str>)> {
    let fate = |session: &twinspan::config::SessionPlan| {
        (session.name.to_string(), session.fate, session.because.iter().map(|key| key.name).collect())
    };
    plan.sessions.iter().map(fate).collect()
}

#[test]
fn the_same_file_is_an_empty_plan_that_keeps_every_session() {
    for text in [DUAL, EVERYTHING] {
        let plan = Plan::between(&config(text), &config(text), &"in-0".parse().unwrap());
        assert!(plan.is_empty() && plan.changes.is_empty() && plan.peers.is_empty(), "{plan:?}");
        assert!(!plan.sessions.is_empty() && plan.sessions.iter().all(|session| session.fate == Fate::Kept));
    }
}

#[test]
fn a_file_in_another_order_with_comments_and_defaults_written_out_changes_nothing() {
    let text = format!("# a comment\n{DUAL}\n[bgp]\nhold-time = \"90s\"\n[ecmp]\nmax-paths = 64\n");
    let plan = plan(&text);
    assert!(plan.is_empty(), "{plan:?}");
    let changes: Vec<_> = plan.changes.iter().map(shown).collect();
    assert_eq!(changes, ["[bgp] hold-time - > 90s session", "[ecmp] max-paths - > 64 soft"]);
}

#[test]
fn another_as_of_a_device_resets_its_session_alone() {
    let plan = plan(&edited("asn = 65011", "asn = 65012"));
    assert_eq!(plan.changes.iter().map(shown).collect::<Vec<_>>(), ["device hq-2 asn 65011 > 65012 session"]);
    assert_eq!(
        fates(&plan),
        [("hq-1/in-0".to_owned(), Fate::Kept, vec![]), ("hq-2/in-0".to_owned(), Fate::Reset, vec!["asn"])]
    );
    assert_eq!(plan.class(), Class::Session);
    assert!(plan.peers.is_empty(), "the far end need not change anything about us");
}

#[test]
fn a_default_that_changes_for_all_is_one_change_and_a_reason_of_every_session() {
    let plan = plan(&format!("{DUAL}\n[bgp]\nimport = [\"reject\"]\nkeepalive-time = \"5s\"\n"));
    assert_eq!(plan.class(), Class::Soft);
    for (_, fate, because) in fates(&plan) {
        assert_eq!((fate, because), (Fate::Soft, vec!["keepalive-time", "import"]));
    }
}

#[test]
fn a_device_that_is_renamed_keeps_its_session_and_one_that_moves_does_not() {
    let renamed = plan(&DUAL.replace("hq-2", "paris"));
    let paris = renamed.sessions.iter().find(|session| session.name.as_str() == "paris/in-0").unwrap();
    assert_eq!(paris.fate, Fate::Soft, "{renamed:?}");
    assert_eq!(paris.was.as_ref().unwrap().as_str(), "hq-2/in-0");
    let moved = plan(&edited("\"in-0\", interface = \"tun-hq2\"", "\"in-0\", interface = \"tun-new\""));
    assert_eq!(fates(&moved)[1], ("hq-2/in-0".to_owned(), Fate::Reset, vec!["interface"]));
}

#[test]
fn what_the_far_ends_must_change_is_said_with_what_they_have() {
    let all = plan(&edited("asn = 65515", "asn = 64600"));
    assert_eq!(all.peers.len(), 4, "of both instances: {all:?}");
    for peer in &all.peers {
        assert_eq!(peer.asn.0.map(twinspan::types::Asn::get), Some(65515));
        assert_eq!(peer.asn.1.get(), 64600);
        assert_eq!(peer.address.0, Some(peer.address.1));
    }
    let first = DUAL.find("[[connection]]").unwrap();
    let second = first + 1 + DUAL[first + 1..].find("[[connection]]").unwrap();
    let fewer = config(&DUAL[..second]);
    let added = Plan::between(&fewer, &config(DUAL), &"in-0".parse().unwrap());
    assert_eq!(added.sessions.iter().filter(|session| session.fate == Fate::Added).count(), 1, "{added:?}");
    assert_eq!((added.peers.len(), added.peers[0].address.0), (2, None));
    let removed = Plan::between(&config(DUAL), &fewer, &"in-0".parse().unwrap());
    assert_eq!(removed.sessions.last().unwrap().fate, Fate::Removed);
}

/// The sample in a mode; the second device has a BGP address in place of pairs.
fn in_mode(mode: &str) -> String {
    let text = DUAL.replace("mode = \"active-active\"", &format!("mode = \"{mode}\""));
    let text = text.replace("asn = 65011", "asn = 65011\nbgp-ip = \"10.53.0.253\"");
    let pairs = [
        "local-ip = \"169.254.21.10\", remote-ip = \"169.254.21.9\"",
        "local-ip = \"169.254.21.14\", remote-ip = \"169.254.21.13\"",
    ];
    pairs.iter().fold(text, |text, pair| text.replace(&format!(", {pair}"), ""))
}

#[test]
fn r35_a_plan_of_a_mode_change_names_the_addresses_that_peers_must_have_on_both_instances() {
    let (active, standby) = (config(&in_mode("active-active")), config(&in_mode("active-standby")));
    let shown = |from, to, instance: &str| {
        let plan = Plan::between(from, to, &instance.parse().unwrap());
        assert_eq!(plan.class(), Class::Session);
        let peer = |peer: &twinspan::config::PeerChange| {
            format!("{} {} > {}", peer.neighbor, peer.address.0.unwrap(), peer.address.1)
        };
        plan.peers.iter().map(peer).collect::<Vec<_>>()
    };
    // One address, the last usable one of the subnet; two again on the way back. Pairs stay as they are.
    let [one, other] = ["hq-2/in-0 10.20.255.4 > 10.20.255.30", "hq-2/in-1 10.20.255.5 > 10.20.255.30"];
    assert_eq!(shown(&active, &standby, "in-0"), [one, other]);
    assert_eq!(shown(&active, &standby, "in-1"), [other, one], "the same, whichever instance is asked");
    let back = ["hq-2/in-0 10.20.255.30 > 10.20.255.4", "hq-2/in-1 10.20.255.30 > 10.20.255.5"];
    assert_eq!(shown(&standby, &active, "in-0"), back);
}

#[test]
fn r36_a_mode_change_keeps_the_sessions_whose_addresses_do_not_change() {
    let (active, standby) = (config(&in_mode("active-active")), config(&in_mode("active-standby")));
    for (from, to) in [(&active, &standby), (&standby, &active)] {
        let plan = Plan::between(from, to, &"in-0".parse().unwrap());
        let expected =
            [("hq-1/in-0".to_owned(), Fate::Kept, vec![]), ("hq-2/in-0".to_owned(), Fate::Reset, vec!["mode"])];
        assert_eq!(fates(&plan), expected);
    }
}

#[test]
fn what_takes_a_restart_is_refused_with_the_key_and_what_is_there() {
    let plan = plan(&format!("{DUAL}\n[kernel]\ntable = 100\n[control]\nsocket = \"/run/other.sock\"\n"));
    let refused: Vec<_> = plan.refused.iter().map(|refused| refused.key.name).collect();
    assert_eq!(refused, ["table", "socket"]);
    assert!(plan.refused[0].reason.contains("254") && plan.refused[0].reason.contains("100"), "{plan:?}");
    assert_eq!(plan.class(), Class::Restart);
}

#[test]
fn a_file_without_this_instance_is_refused() {
    let plan = plan(&DUAL.replace("\"in-0\"", "\"in-9\""));
    assert_eq!(plan.refused.len(), 1, "{plan:?}");
    assert!(plan.refused[0].reason.contains("in-0"), "{plan:?}");
}

#[test]
fn prefixes_that_come_and_go_are_named() {
    let plan = plan(&edited("prefixes = [\"10.20.0.0/16\"]", "prefixes = [\"10.30.0.0/16\"]"));
    assert_eq!(plan.announced, ["10.30.0.0/16".parse().unwrap()]);
    assert_eq!(plan.withdrawn, ["10.20.0.0/16".parse().unwrap()]);
    assert_eq!(plan.class(), Class::Soft);
}

#[test]
fn a_policy_that_says_something_else_is_soft_for_those_that_name_it() {
    let with = |rule: &str| {
        let policy = format!("[[policy]]\nname = \"sites\"\n[[policy.rule]]\n{rule}\nthen = \"accept\"\n");
        let device = "[[device]]\nname = \"hq-1\"\nbgp = { import = [\"sites\"] }";
        config(&format!("{}\n{policy}", edited("[[device]]\nname = \"hq-1\"", device)))
    };
    let (old, new) = (with("prefixes = [\"10.52.0.0/16\"]"), with("prefixes = [\"10.53.0.0/16\"]"));
    let plan = Plan::between(&old, &new, &"in-0".parse().unwrap());
    assert_eq!(
        fates(&plan),
        [("hq-1/in-0".to_owned(), Fate::Soft, vec!["rule"]), ("hq-2/in-0".to_owned(), Fate::Kept, vec![])]
    );
    let changes: Vec<_> = plan.changes.iter().map(shown).collect();
    assert_eq!(changes, ["policy sites rule 1 prefixes [10.52.0.0/16] > [10.53.0.0/16] soft"]);
}

#[test]
fn a_range_that_changes_lets_those_go_that_came_from_it_unless_it_only_holds_more() {
    let with =
        |more: &str| format!("{DUAL}\n[[neighbor]]\nname = \"leaves\"\nrange = \"10.9.0.0/24\"\nasn = 65020\n{more}\n");
    let fate = |from: &str, to: &str| {
        let config = |text: &str| parse("gateway.toml", text).unwrap().0;
        let plan = Plan::between(&config(from), &config(to), &"in-0".parse().unwrap());
        let keys: Vec<_> = plan.ranges.iter().flat_map(|range| &range.because).map(|key| key.name).collect();
        (plan.ranges.iter().map(|range| range.fate).collect::<Vec<_>>(), keys, plan.is_empty())
    };
    let plain = with("");
    assert_eq!(fate(&plain, &plain), (vec![Fate::Kept], vec![], true));
    assert_eq!(fate(DUAL, &plain), (vec![Fate::Added], vec![], false));
    assert_eq!(fate(&plain, DUAL), (vec![Fate::Removed], vec![], false));
    assert_eq!(fate(&plain, &with("limit = 5")), (vec![Fate::Kept], vec!["limit"], true));
    assert_eq!(fate(&plain, &with("import = [\"accept\"]")), (vec![Fate::Soft], vec!["import"], false));
    assert_eq!(fate(&plain, &plain.replace("10.9.0.0/24", "10.9.0.0/25")), (vec![Fate::Reset], vec!["range"], false));
    assert_eq!(fate(&plain, &plain.replace("65020", "65021")), (vec![Fate::Reset], vec!["asns"], false));
}
