//! What each condition holds for, what follows a rule, and who says no.

use std::sync::Arc;

use crate::policy::*;
use crate::types::{Asn, Name, PeerId, Prefix, RouterId};
use crate::wire::{AsPath, Attributes, Community, ExtendedCommunity, LargeCommunity, NextHop, Origin};

fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

pub(super) fn attributes(path: &[u32], communities: &[&str]) -> Attributes {
    Attributes {
        as_path: AsPath::sequence(path.iter().map(|asn| Asn::new(*asn))),
        communities: communities.iter().map(|text| text.parse().unwrap()).collect(),
        ..Attributes::default()
    }
}

fn rule(when: Conditions, set: Set, then: Then) -> Rule {
    Rule { when, set: Arc::new(set), then }
}

fn policy(name: &str, rules: Vec<Rule>) -> Word {
    Word::Named(Arc::new(Policy { name: Name::new(name).unwrap(), rules }))
}

fn judge(words: Vec<Word>, text: &str, attributes: &Attributes) -> Verdict {
    let (prefix, name, next_hop) = (prefix(text), Name::new("hq-1/in-0").unwrap(), "10.9.0.1".parse().unwrap());
    let next_hop = NextHop::V4(next_hop);
    let route = Route { prefix: &prefix, attributes, next_hop: Some(&next_hop), neighbor: Some(&name) };
    Chain(words).judge(&route, Some(Asn::new(65010)))
}

/// True if the conditions hold for 10.52.1.0/24 with these attributes, of hq-1/in-0.
fn hold(when: Conditions, attributes: &Attributes) -> bool {
    let one = policy("one", vec![rule(when, Set::default(), Then::Accept)]);
    matches!(judge(vec![one], "10.52.1.0/24", attributes), Verdict::Accept { .. })
}

fn prefixes(texts: &[&str]) -> Conditions {
    let set = PrefixSet::new(texts.iter().map(|text| text.parse().unwrap()).collect());
    Conditions { prefixes: Some(set), ..Conditions::default() }
}

fn said(verdict: Verdict) -> String {
    match verdict {
        Verdict::Reject(by) => by.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_prefix_list_fits_the_lengths_that_it_says_and_no_other() {
    let fits = |entry: &str, text: &str| entry.parse::<PrefixRange>().unwrap().holds(&prefix(text));
    assert!(fits("10.52.0.0/14", "10.52.0.0/14") && !fits("10.52.0.0/14", "10.52.0.0/16"));
    assert!(fits("10.52.0.0/14 le 24", "10.52.0.0/14") && fits("10.52.0.0/14 le 24", "10.55.3.0/24"));
    assert!(!fits("10.52.0.0/14 le 24", "10.55.3.0/25") && !fits("10.52.0.0/14 le 24", "10.56.0.0/16"));
    assert!(!fits("10.52.0.0/14 ge 16", "10.52.0.0/14") && fits("10.52.0.0/14 ge 16", "10.52.1.1/32"));
    assert!(fits("10.52.0.0/14 le 24 ge 16", "10.53.0.0/16") && !fits("::/0 le 128", "10.53.0.0/16"));
    assert!(fits("fd00::/8 ge 48 le 64", "fd00:52::/48") && fits("0.0.0.0/0", "0.0.0.0/0"));
    for entry in ["10.52.0.0/14", "10.52.0.0/14 le 24", "10.52.0.0/14 ge 16", "10.52.0.0/14 ge 16 le 24", "::/0 ge 128"]
    {
        assert_eq!(entry.parse::<PrefixRange>().unwrap().to_string(), entry);
    }
}

#[test]
fn a_prefix_list_that_fits_nothing_is_refused_with_the_reason() {
    let wrong = |text: &str| text.parse::<PrefixRange>().unwrap_err().to_string();
    assert_eq!(wrong("10.52.0.0/14 ge 25 le 24"), "no length is at least 25 and at most 24");
    assert_eq!(
        wrong("10.52.0.0/14 le 13"),
        "le 13 is below the prefix's own length: no part of 10.52.0.0/14 is so short"
    );
    assert_eq!(wrong("10.52.0.0/14 le 33"), "le 33 is more than the 32 bits of an address");
    assert!(wrong("10.52.0.0/14 to 24").contains("does not say which lengths"));
    assert!(wrong("10.52.0.0/14 ge").contains("does not say which lengths"));
    assert!(wrong("10.52.0.0/14 24").contains("does not say which lengths"));
    assert_eq!(wrong("10.52.1.0/14"), "10.52.1.0/14 has bits set behind its length: write 10.52.0.0/14");
}

#[test]
fn every_condition_of_a_rule_must_hold_and_any_item_of_a_list() {
    let route = attributes(&[65010, 65020], &["65010:52"]);
    let both = |community: &str| Conditions {
        communities: vec!["1:1".parse().unwrap(), community.parse().unwrap()],
        ..prefixes(&["10.0.0.0/8", "10.52.0.0/16 le 24"])
    };
    assert!(hold(both("65010:*"), &route));
    assert!(!hold(both("65011:*"), &route));
    assert!(hold(Conditions::default(), &route), "no condition holds for all");
}

#[test]
fn conditions_about_neighbor_origin_med_and_next_hop_hold_for_what_they_name() {
    let route = Attributes { med: Some(20), origin: Origin::Egp, ..attributes(&[65010], &[]) };
    let when = Conditions::default;
    let named = |text: &str| Conditions { neighbors: vec![NamePattern::new(text)], ..when() };
    for (text, fits) in [("hq-1/in-0", true), ("hq-*", true), ("*/in-0", true), ("*", true), ("hq-1", false)] {
        assert_eq!(hold(named(text), &route), fits, "{text}");
    }
    assert!(hold(Conditions { origins: vec![Origin::Igp, Origin::Egp], ..when() }, &route));
    assert!(!hold(Conditions { origins: vec![Origin::Igp], ..when() }, &route));
    let med = |text: &str| Conditions { med: Some(text.parse().unwrap()), ..when() };
    assert!(hold(med("ge 20"), &route) && hold(med("20"), &route) && !hold(med("le 19"), &route));
    assert!(hold(med("0"), &attributes(&[65010], &[])), "none counts as 0");
    let hops = |text: &str| Conditions { next_hops: prefixes(&[text]).prefixes, ..when() };
    assert!(hold(hops("10.9.0.0/24"), &route) && !hold(hops("10.8.0.0/24"), &route));
}

#[test]
fn conditions_about_the_path_hold_for_what_they_name() {
    let route = attributes(&[65010, 65020, 65030], &[]);
    let asn = |asn: u32| vec![Asn::new(asn)];
    let path = |path: PathConditions| hold(Conditions { path, ..Conditions::default() }, &route);
    assert!(path(PathConditions { contains: asn(65020), ..PathConditions::default() }));
    assert!(path(PathConditions { starts_with: asn(65010), ends_with: asn(65030), ..PathConditions::default() }));
    assert!(!path(PathConditions { starts_with: asn(65020), ..PathConditions::default() }));
    assert!(!path(PathConditions { ends_with: asn(65010), ..PathConditions::default() }));
    assert!(path(PathConditions { length: Some("ge 2 le 3".parse().unwrap()), ..PathConditions::default() }));
    assert!(!path(PathConditions { length: Some("ge 4".parse().unwrap()), ..PathConditions::default() }));
}

#[test]
fn an_underscore_in_an_expression_is_an_end_of_the_path_or_a_separator() {
    let found = |regex: &str, path: &str| PathRegex::new(regex).unwrap().is_found(path);
    assert!(found("_65010_", "65010") && found("_65010_", "1 65010 2") && !found("_65010_", "1 165010 2"));
    assert!(found("^65010_65020$", "65010 65020") && !found("^65010_", "65011 65010"));
    assert!(found("_65030_", "65010 {65030,65031}") && found("_65031_$", "65010 {65030,65031}"));
    assert!(found("^$", "") && !found("^$", "65010"));
    assert!(found(r"^65010( \d+)*$", "65010 1 2") && found("^[0-9]+$", "4200000000"));
    assert!(found("^(_?65010)+$", "65010 65010"));
}

#[test]
fn a_wrong_expression_is_refused_with_the_place_of_the_fault() {
    let wrong = |text: &str| PathRegex::new(text).unwrap_err();
    assert_eq!(wrong("_65010(").at, 6);
    assert_eq!(wrong("_65010(").to_string(), "unclosed group, at character 7 of the expression");
    assert_eq!(wrong("a**[").at, 3);
    assert!(PathRegex::new(&"(a{1000}){1000}".repeat(3)).is_err(), "too big is refused, not compiled for minutes");
}

#[test]
fn wildcards_of_communities_fit_whole_parts() {
    let community = |text: &str, of: &str| text.parse::<CommunityPattern>().unwrap().holds(of.parse().unwrap());
    assert!(community("65010:*", "65010:52") && !community("65010:*", "65011:52"));
    assert!(community("*:666", "1:666") && !community("*:666", "1:66") && community("*:*", "1:2"));
    assert!(community("no-export", "65535:65281") && community("65535:*", "no-export"));
    let large = |text: &str, of: &str| text.parse::<LargePattern>().unwrap().holds(of.parse().unwrap());
    assert!(large("65010:*:7", "65010:1:7") && !large("65010:*:7", "65010:1:8") && large("1:2:3", "1:2:3"));
    let ext = |text: &str, of: &str| text.parse::<ExtPattern>().unwrap().holds(of.parse().unwrap());
    assert!(ext("rt:65010:*", "rt:65010:7") && !ext("rt:65010:*", "ro:65010:7") && !ext("rt:65010:*", "rt:65011:7"));
    assert!(ext("rt:*:7", "rt:192.0.2.1:7") && ext("rt:*:7", "rt:4200000000:7") && ext("rt:*:*", "rt:1:1"));
    assert!(ext("ro:192.0.2.1:*", "ro:192.0.2.1:9") && ext("rt:4200000000:*", "rt:4200000000:1"));
    assert!(ext("0x0002*", "rt:65010:7") && !ext("0x0003*", "rt:65010:7") && ext("0x*", "rt:1:1"));
    let bandwidth = ExtendedCommunity([0x40, 4, 0xfd, 0xf2, 0x4c, 0xee, 0x6b, 0x28]);
    for (text, fits) in [("bandwidth:*", true), ("bandwidth:65010:*", true), ("bandwidth:65011:*", false)] {
        assert_eq!(text.parse::<ExtPattern>().unwrap().holds(bandwidth), fits, "{text}");
    }
    for wrong in ["65010", "65536:1", "a:b", "1:2:3", "", ":", "65010:1*"] {
        assert!(wrong.parse::<CommunityPattern>().is_err(), "{wrong}");
    }
    for wrong in ["rt:65010", "xx:1:2", "rt:1:2:3", "0x", "0xzz*", "bandwidth:1:x", "rt:*:x"] {
        assert!(wrong.parse::<ExtPattern>().is_err(), "{wrong}");
    }
    assert!("1:2".parse::<LargePattern>().is_err() && "1:2:3:4".parse::<LargePattern>().is_err());
    let carried = Attributes {
        large_communities: vec![LargeCommunity { global: 1, local1: 2, local2: 3 }],
        ..attributes(&[1], &[])
    };
    let asks = Conditions { large_communities: vec!["1:*:*".parse().unwrap()], ..Conditions::default() };
    assert!(hold(asks.clone(), &carried) && !hold(asks, &attributes(&[1], &[])));
}

#[test]
fn the_first_rule_that_decides_decides_and_changes_are_kept_until_then() {
    let add = |text: &str| Set {
        communities: ListEdit { add: vec![text.parse().unwrap()], ..ListEdit::default() },
        ..Set::default()
    };
    let any = Conditions::default;
    let tagged = Conditions { communities: vec!["1:1".parse().unwrap()], ..any() };
    let words = vec![
        policy(
            "tag",
            vec![rule(any(), add("1:1"), Then::Next), rule(prefixes(&["9.0.0.0/8"]), Set::default(), Then::Accept)],
        ),
        policy("pick", vec![rule(tagged, Set::local_pref(7), Then::Accept), rule(any(), Set::default(), Then::Reject)]),
    ];
    let mut route = attributes(&[65010], &[]);
    let Verdict::Accept { edits, .. } = judge(words, "10.52.1.0/24", &route) else { panic!("not accepted") };
    edits.apply(&mut route, None);
    assert_eq!((route.local_pref, route.communities.as_slice()), (Some(7), [Community::new(1, 1)].as_slice()));
}

#[test]
fn a_rejection_says_which_policy_and_which_rule() {
    let other = || rule(prefixes(&["9.0.0.0/8"]), Set::default(), Then::Accept);
    let all = |then| rule(Conditions::default(), Set::default(), then);
    let route = attributes(&[65010], &[]);
    let of = |words| said(judge(words, "10.52.1.0/24", &route));
    assert_eq!(
        of(vec![policy("only-sites", vec![other(), all(Then::Reject)]), Word::Accept]),
        "rejected by policy only-sites, rule 2"
    );
    assert_eq!(
        of(vec![policy("only-sites", vec![other()]), Word::Accept]),
        "rejected by policy only-sites: no rule of it holds"
    );
    assert_eq!(of(vec![policy("tag", vec![all(Then::Next)])]), "rejected: tag says next, and no policy follows it");
    assert_eq!(of(vec![policy("tag", vec![all(Then::Next)]), Word::Reject]), "rejected by the policy reject");
    assert_eq!(judge(vec![], "10.52.1.0/24", &route), Verdict::NoPolicy);
}

#[test]
fn a_rule_behind_one_that_decides_about_all_of_it_is_found() {
    let rules = |rules: Vec<Rule>| Policy { name: Name::new("p").unwrap(), rules };
    let site = |text: &str, then| rule(prefixes(&[text]), Set::default(), then);
    let narrow = rules(vec![site("10.0.0.0/8 le 24", Then::Reject), site("10.52.0.0/14 le 20", Then::Accept)]);
    assert_eq!(narrow.hidden_by(1), Some(0));
    let wide = rules(vec![site("10.52.0.0/14 le 20", Then::Accept), site("10.0.0.0/8 le 24", Then::Reject)]);
    assert_eq!(wide.hidden_by(1), None);
    let all = rule(Conditions::default(), Set::default(), Then::Accept);
    assert_eq!(rules(vec![all, site("10.0.0.0/8", Then::Accept)]).hidden_by(1), Some(0));
    let next = site("10.0.0.0/8 le 24", Then::Next);
    assert_eq!(rules(vec![next, site("10.0.0.0/8", Then::Accept)]).hidden_by(1), None);
}

const OWN: Asn = Asn::new(65515);
const SITE: Asn = Asn::new(65010);

/// A policy that accepts all, and does what it can to have its way.
fn defiant() -> Chain {
    let set = Set {
        local_pref: Some(500),
        communities: ListEdit { add: vec![Community::new(1, 1)], ..ListEdit::default() },
        next_hop: Some(NextHopEdit::Peer),
        ..Set::default()
    };
    Chain(vec![policy("all", vec![rule(Conditions::default(), set, Then::Accept)])])
}

fn defiant_import(text: &str, attributes: &Attributes) -> Result<Edits, Refusal> {
    let import = Import::new(OWN, SITE, RouterId::new([10, 20, 255, 4].into()).unwrap(), defiant())
        .with_own(vec![prefix("10.20.0.0/16")], vec!["10.20.255.4".parse().unwrap()]);
    import.check(&prefix(text), attributes, &NextHop::V4([169, 254, 21, 1].into()))
}

#[test]
fn no_import_policy_lets_own_prefixes_martians_loops_or_foreign_paths_in() {
    let site = attributes(&[65010], &[]);
    assert!(defiant_import("10.52.0.0/16", &site).is_ok());
    assert_eq!(defiant_import("10.20.7.0/24", &site), Err(Refusal::OwnPrefix(prefix("10.20.0.0/16"))));
    assert!(matches!(defiant_import("127.0.0.0/8", &site), Err(Refusal::Martian(_))));
    assert_eq!(defiant_import("10.52.0.0/16", &attributes(&[65010, 65515], &[])), Err(Refusal::OwnAs(OWN)));
    assert!(matches!(defiant_import("10.52.0.0/16", &attributes(&[65020], &[])), Err(Refusal::FirstAs { .. })));
    let import = |set: Set| {
        let chain = Chain(vec![policy("all", vec![rule(Conditions::default(), set, Then::Accept)])]);
        Import::new(OWN, SITE, RouterId::new([10, 20, 255, 4].into()).unwrap(), chain)
            .with_own(vec![], vec!["10.20.255.4".parse().unwrap()])
            .check(&prefix("10.52.0.0/16"), &site, &NextHop::V4([169, 254, 21, 1].into()))
    };
    let us = NextHopEdit::Address("10.20.255.4".parse().unwrap());
    let refused = import(Set { next_hop: Some(us), ..Set::default() }).unwrap_err();
    assert_eq!(refused.to_string(), "next hop 10.20.255.4 is our own address");
    let refused = import(Set { prepend: Prepend::List(vec![OWN]), ..Set::default() });
    assert_eq!(refused, Err(Refusal::OwnAs(OWN)), "a loop that a policy makes is one");
}

#[test]
fn no_export_policy_passes_on_what_the_model_keeps_back() {
    let (to, other) = (PeerId(1), PeerId(2));
    let tell = |scope, source, text: &str, communities: &[&str]| {
        let (prefix, attributes) = (prefix(text), attributes(&[65020], communities));
        let route = Route { prefix: &prefix, attributes: &attributes, next_hop: None, neighbor: None };
        Export::new(OWN, SITE, scope, defiant()).check(to, source, &route)
    };
    let taught = Source::External(other);
    assert_eq!(tell(Scope::LocalOnly, taught, "10.52.0.0/16", &[]), Err(Withheld::NoTransit));
    assert_eq!(tell(Scope::Transit, taught, "0.0.0.0/0", &[]), Err(Withheld::Default));
    assert_eq!(tell(Scope::Learned, Source::Local, "10.20.0.0/16", &[]), Err(Withheld::Inside));
    assert_eq!(tell(Scope::Everything, Source::External(to), "10.52.0.0/16", &[]), Err(Withheld::CameFrom));
    for community in ["no-export", "no-advertise", "no-export-subconfed", "blackhole"] {
        let kept = tell(Scope::Everything, taught, "10.52.0.0/16", &[community]);
        assert_eq!(kept, Err(Withheld::Community(community)));
    }
    assert!(tell(Scope::Everything, taught, "10.52.0.0/16", &[]).is_ok());
}

#[test]
fn a_graceful_shutdown_wins_over_a_policys_preference_unless_the_policy_takes_the_community_away() {
    let mut route = attributes(&[65010], &["graceful-shutdown"]);
    defiant_import("10.52.0.0/16", &route).unwrap().apply(&mut route, None);
    assert_eq!(route.local_pref, Some(0));
    let remove = Set {
        communities: ListEdit { remove: vec!["65535:*".parse().unwrap()], ..ListEdit::default() },
        ..Set::local_pref(300)
    };
    let chain = Chain(vec![policy("stay", vec![rule(Conditions::default(), remove, Then::Accept)])]);
    let import = Import::new(OWN, SITE, RouterId::new([10, 20, 255, 4].into()).unwrap(), chain);
    let mut route = attributes(&[65010], &["graceful-shutdown"]);
    let edits = import.check(&prefix("10.52.0.0/16"), &route, &NextHop::V4([169, 254, 21, 1].into())).unwrap();
    edits.apply(&mut route, None);
    assert_eq!((route.local_pref, route.communities.len()), (Some(300), 0));
}

#[test]
fn a_blackhole_is_taken_as_a_host_route_and_where_a_rule_names_it_only() {
    let route = attributes(&[65010], &["blackhole"]);
    assert_eq!(defiant_import("10.52.0.1/32", &route), Err(Refusal::Blackhole), "no rule speaks of it");
    let named = Conditions { communities: vec!["blackhole".parse().unwrap()], ..Conditions::default() };
    let wild = Conditions { communities: vec!["65535:*".parse().unwrap()], ..Conditions::default() };
    let check = |when: Conditions, text: &str| {
        let chain = Chain(vec![policy("holes", vec![rule(when, Set::default(), Then::Accept)])]);
        let import = Import::new(OWN, SITE, RouterId::new([10, 20, 255, 4].into()).unwrap(), chain);
        import.check(&prefix(text), &route, &NextHop::V4([169, 254, 21, 1].into()))
    };
    assert!(check(named.clone(), "10.52.0.1/32").is_ok());
    assert!(check(named.clone(), "fd00:52::1/128").is_ok());
    assert_eq!(check(named, "10.52.0.0/24"), Err(Refusal::WideBlackhole));
    assert_eq!(check(wild, "10.52.0.1/32"), Err(Refusal::Blackhole), "a wildcard does not name it");
}
