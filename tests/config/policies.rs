//! Policies: what they mean, and every fault they can have.

use twinspan::{
    config::{Severity, parse},
    policy::{Policy, Then},
};

use crate::{DUAL, EVERYTHING, said};

/// The sample with these policies, the first device asking `import`.
fn with(import: &str, policies: &str) -> String {
    let device = format!("asn = 65010\nbgp = {{ import = {import} }}");
    format!("{}\n{policies}", DUAL.replace("asn = 65010\n", &format!("{device}\n")))
}

/// A policy `p` with one rule that says this.
fn rule(lines: &str) -> String {
    with("[\"p\"]", &format!("[[policy]]\nname = \"p\"\n[[policy.rule]]\n{lines}\nthen = \"accept\"\n"))
}

/// Asserts that a policy with this rule has one fault, at this place of the text, with these words.
#[track_caller]
fn one_fault(text: &str, code: &str, at: &str, words: &str) {
    let found = said(text);
    let shown: Vec<String> = found.iter().map(|d| d.render(text)).collect();
    assert_eq!(found.len(), 1, "{}", shown.join("\n"));
    let fault = &found[0];
    assert_eq!(fault.code, code, "{}", shown.join("\n"));
    assert!(text[fault.span.start..].starts_with(at), "{}", shown.join("\n"));
    assert!(fault.message.contains(words), "{}", fault.message);
    assert!(!fault.way_out.is_empty(), "{code} gives no way out");
    assert_eq!(fault.severity == Severity::Error, parse("", text).is_err());
}

fn policy(text: &str, name: &str) -> Policy {
    let config = parse("gateway.toml", text).unwrap_or_else(|faults| panic!("{}", faults[0].render(text))).0;
    (*config.policies[&name.parse().unwrap()]).clone()
}

#[test]
fn a_policy_means_what_it_says() {
    let policy = policy(EVERYTHING, "only-sites");
    let rule = &policy.rules[0];
    assert!(rule.when.prefixes.as_ref().unwrap().holds(&"10.53.0.0/20".parse().unwrap()));
    assert!(rule.when.neighbors[0].holds("hq-1/in-1"));
    assert_eq!((rule.when.communities.len(), rule.when.ext_communities.len()), (2, 2));
    assert!(rule.when.path.matches[0].is_found("65010 65020"));
    assert_eq!((rule.when.med.unwrap().least, rule.when.med.unwrap().most), (10, 20));
    assert_eq!((rule.set.local_pref, rule.then), (Some(200), Then::Accept));
    assert_eq!(rule.set.communities.replace.as_deref(), Some([].as_slice()), "an empty list leaves none");
    assert_eq!(rule.set.weight.unwrap().get(), 10);
    assert_eq!((policy.rules[1].when.path.matches.len(), policy.rules[1].then), (2, Then::Next));
}

#[test]
fn a_condition_needs_no_list_for_a_single_item() {
    let one = policy(&rule("communities = \"65010:*\"\nprefixes = \"10.52.0.0/14 le 24\""), "p");
    let list = policy(&rule("communities = [\"65010:*\"]\nprefixes = [\"10.52.0.0/14 le 24\"]"), "p");
    assert_eq!(one, list);
}

#[test]
fn prefix_lists_that_fit_nothing_are_refused() {
    let cases = [
        ("\"10.52.0.0/14 ge 25 le 24\"", "no length is at least 25 and at most 24"),
        ("\"10.52.0.0/14 le 13\"", "le 13 is below the prefix's own length"),
        ("\"10.52.0.0/14 ge 8\"", "ge 8 is below the prefix's own length"),
        ("\"10.52.0.0/14 le 33\"", "le 33 is more than the 32 bits"),
        ("\"10.52.0.0/14 to 24\"", "which lengths"),
        ("\"10.52.0.1/14\"", "write 10.52.0.0/14"),
    ];
    for (entry, words) in cases {
        one_fault(&rule(&format!("prefixes = [\"10.0.0.0/8\", {entry}]")), "bad-value", entry, words);
    }
}

#[test]
fn a_wrong_expression_is_shown_at_its_place() {
    one_fault(&rule("as-path = '^65010_(1'"), "bad-value", "(1'", "unclosed group, at character 8");
    one_fault(&rule("as-path = { matches = ['^65010_', 'a[']}"), "bad-value", "['", "unclosed character class");
    one_fault(&rule(r#"as-path = "\\d(""#), "bad-value", r#""\\d("#, "at character 3");
}

#[test]
fn wrong_communities_ranges_and_changes_are_refused() {
    one_fault(&rule("communities = [\"65010\"]"), "bad-value", "\"65010\"", "is not a community such as");
    one_fault(&rule("large-communities = [\"1:2\"]"), "bad-value", "\"1:2\"", "is not a large community");
    one_fault(&rule("ext-communities = [\"rt:1\"]"), "bad-value", "\"rt:1\"", "is not an extended community");
    one_fault(&rule("set = { add-communities = [\"65010:*\"] }"), "bad-value", "\"65010:*\"", "is not a community");
    one_fault(&rule("med = \"ge 5 le 4\""), "bad-value", "\"ge 5 le 4\"", "nothing is at least 5 and at most 4");
    one_fault(&rule("set = { med = \"5\" }"), "bad-value", "\"5\"", "not a change such as \"+10\"");
    one_fault(&rule("set = { weight = 256 }"), "bad-value", "256", "not within 1 to 255");
    one_fault(&rule("set = { prepend = 33 }"), "bad-value", "33", "not within 1 to 32");
    one_fault(&rule("set = { next-hop = \"us\" }"), "bad-value", "\"us\"", "neither an address nor");
    one_fault(&rule("neighbors = [\"hq 1\"]"), "bad-value", "\"hq 1\"", "fits no name");
    one_fault(&rule("origin = \"best\""), "bad-value", "\"best\"", "is none of");
    one_fault(&rule("communities = []"), "bad-value", "[]", "says nothing");
    one_fault(&rule("as-path = {}"), "bad-value", "{}", "asks for nothing");
}

#[test]
fn a_rule_needs_an_end_and_a_policy_needs_a_rule() {
    let text = with("[\"p\"]", "[[policy]]\nname = \"p\"\n[[policy.rule]]\n");
    one_fault(&text, "missing-key", "[[policy.rule]]", "needs the key `then`");
    one_fault(&with("[\"p\"]", "[[policy]]\nname = \"p\"\n"), "missing-key", "[[policy]]", "needs the key `rule`");
    one_fault(&with("[\"p\"]", "[[policy]]\nname = \"p\"\nrule = []\n"), "bad-value", "[[policy]]", "without a rule");
    one_fault(&rule("prefix = [\"10.0.0.0/8\"]"), "unknown-key", "prefix", "prefix");
}

#[test]
fn an_unknown_policy_is_refused_with_the_one_that_was_meant() {
    let text = with("[\"only-site\"]", "[[policy]]\nname = \"only-sites\"\n[[policy.rule]]\nthen = \"accept\"\n");
    let found = said(&text);
    let unknown = found.iter().find(|d| d.code == "unknown-name").unwrap();
    assert_eq!(unknown.way_out, "did you mean \"only-sites\"?");
    assert!(text[unknown.span.start..].starts_with("\"only-site\""));
    assert!(found.iter().any(|d| d.code == "policy-unused"));
    one_fault(&with("[\"only-sites\"]", ""), "unknown-name", "\"only-sites\"", "no policy named");
}

#[test]
fn names_of_policies_are_their_own() {
    let two = "[[policy]]\nname = \"p\"\nrule = [{ then = \"accept\" }]\n[[policy]]\nname = \"p\"\nrule = [{ then = \"reject\" }]\n";
    one_fault(&with("[\"p\"]", two), "duplicate-name", "\"p\"\nrule = [{ then = \"reject\"", "two policies");
    let taken = "[[policy]]\nname = \"accept\"\nrule = [{ then = \"reject\" }]\n";
    assert!(said(&with("[\"accept\"]", taken)).iter().any(|d| d.code == "reserved-name"));
}

#[test]
fn what_never_happens_is_warned_about() {
    let rules = |rules: &str| with("[\"p\"]", &format!("[[policy]]\nname = \"p\"\nrule = [{rules}]\n"));
    one_fault(
        &rules("{ then = \"accept\" }, { prefixes = \"10.0.0.0/8\", then = \"reject\" }"),
        "rule-never-reached",
        "{ prefixes",
        "rule 2 is never reached: rule 1 decides",
    );
    one_fault(&rules("{ then = \"reject\", set = { med = 5 } }"), "set-with-reject", "set", "not changed");
    one_fault(
        &rules("{ communities = [\"1:1\", \"1:2\", \"1:1\"], then = \"accept\" }"),
        "said-twice",
        "\"1:1\"]",
        "twice",
    );
    one_fault(&rules("{ neighbors = \"hq-1\", then = \"accept\" }"), "neighbor-never-there", "neighbors", "no session");
    let policies = "[[policy]]\nname = \"a\"\nrule = [{ then = \"reject\" }]\n[[policy]]\nname = \"b\"\nrule = [{ then = \"accept\" }]\n";
    one_fault(&with("[\"a\", \"b\"]", policies), "policy-never-asked", "\"b\"]", "no rule of \"a\" says");
    let policies = "[[policy]]\nname = \"b\"\nrule = [{ then = \"accept\" }]\n";
    one_fault(&with("[\"accept\", \"b\"]", policies), "policy-never-asked", "\"b\"]", "decides about every route");
    one_fault(&with("[\"accept\"]", policies), "policy-unused", "\"b\"", "nobody uses");
    one_fault(
        &rules("{ then = \"accept\", set = { next-hop = \"self\" } }"),
        "change-without-meaning",
        "\"p\"",
        "export only",
    );
}

#[test]
fn all_faults_of_a_policy_are_told_at_once() {
    let text =
        rule("prefixes = [\"10.0.0.0/8 le 4\", \"x\"]\nas-path = '('\ncommunities = [\"a\"]\nset = { med = true }");
    let codes: Vec<_> = said(&text).iter().map(|d| (d.code, d.line)).collect();
    assert_eq!(codes.len(), 5, "{codes:?}");
}

#[test]
fn the_examples_of_the_page_are_right() {
    let page = include_str!("../../docs/configuration.md");
    let (_, examples) = page.split_once("### Examples").unwrap();
    let (examples, _) = examples.split_once("### Well-known").unwrap();
    let mut seen = 0;
    for example in examples.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        // Their devices and connections stand in place of the sample's.
        let (head, rest) = DUAL.split_once("[[device]]\nname = \"hq-1\"").unwrap();
        let device = format!("[[device]]\nname = \"hq-1\"{rest}");
        let mut text = format!("{head}\n{example}\n");
        let (devices, connections) = device.split_at(device.find("[[connection]]").unwrap());
        let (first, second) = devices.split_at(devices[5..].find("[[device]]").unwrap() + 5);
        text += if example.contains("[[device]]") { "" } else { first };
        text += second;
        let second = connections[5..].find("[[connection]]").unwrap() + 5;
        text += if example.contains("[[connection]]") { "" } else { &connections[..second] };
        text += &connections[second..];
        let found = said(&text);
        assert!(found.is_empty(), "{}", found[0].render(&text));
        seen += 1;
    }
    assert_eq!(seen, 4);
}
