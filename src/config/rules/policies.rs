//! Rules about policies, and about who uses them.

use std::ops::Range;

use super::{known_name, sessions, unique_names};
use crate::config::{
    file::File,
    policy::Policy,
    raw::{At, Reader},
};
use crate::gateway::Word;
use crate::policy;
use crate::policy::{NextHopEdit, Then};
use crate::types::Name;

pub(super) fn check(r: &mut Reader<'_>, file: &File) {
    let names: Vec<&At<Name>> = file.policies.iter().filter_map(|policy| policy.name.as_ref()).collect();
    unique_names(r, "policies", &names);
    names_are_free(r, &names);
    rules_are_reached(r, file);
    neighbors_are_there(r, file);
    let chains = chains(file);
    let known: Vec<&Name> = names.iter().map(|at| &at.value).collect();
    for (_, chain) in &chains {
        for (name, span) in named(chain) {
            known_name(r, "policy", &At { value: name.clone(), span: span.clone() }, &known);
        }
        all_are_asked(r, file, chain);
    }
    all_are_used(r, &names, &chains);
    changes_fit_the_direction(r, file, &chains);
}

/// Every `import` and `export` of the file.
fn chains(file: &File) -> Vec<(Way, &[At<Word>])> {
    let tunnels = file.connections.iter().flat_map(|c| c.tunnels.iter().map(|t| &t.bgp).chain([&c.bgp]));
    let others = file.routers.iter().chain(&file.neighbors).map(|o| &o.bgp);
    let tables = tunnels.chain(file.devices.iter().map(|d| &d.bgp)).chain(others).chain([&file.bgp, &file.twin.bgp]);
    tables.flat_map(|s| [(Way::Import, s.import.as_slice()), (Way::Export, s.export.as_slice())]).collect()
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Way {
    Import,
    Export,
}

fn named(chain: &[At<Word>]) -> impl Iterator<Item = (&Name, &Range<usize>)> {
    chain.iter().filter_map(|at| match &at.value {
        Word::Named(name) => Some((name, &at.span)),
        Word::Accept | Word::Reject => None,
    })
}

fn find<'f>(file: &'f File, name: &Name) -> Option<&'f Policy> {
    file.policies.iter().find(|policy| policy.name.as_ref().is_some_and(|at| at.value == *name))
}

/// `reserved-name`: `accept` and `reject` are policies already.
fn names_are_free(r: &mut Reader<'_>, names: &[&At<Name>]) {
    for name in names.iter().filter(|at| ["accept", "reject"].contains(&at.value.as_str())) {
        let message = format!("\"{}\" is a policy already, which is the same for everybody", name.value);
        r.error("reserved-name", &name.span, message, "give yours another name");
    }
}

/// `rule-never-reached`: an earlier rule decides about all that this one could.
fn rules_are_reached(r: &mut Reader<'_>, file: &File) {
    for given in &file.policies {
        let Some(rules) = given.rules.iter().map(|rule| rule.rule.clone()).collect::<Option<Vec<_>>>() else {
            continue;
        };
        let name = given.name.as_ref().map_or_else(|| Name::new("policy").ok(), |at| Some(at.value.clone()));
        let Some(name) = name else { continue };
        let policy = policy::Policy { name, rules };
        for (at, rule) in given.rules.iter().enumerate() {
            let Some((number, earlier)) = policy.hidden_by(at).and_then(|n| Some((n, given.rules.get(n)?))) else {
                continue;
            };
            let message =
                format!("rule {} is never reached: rule {} decides about all that it could", at + 1, number + 1);
            let way_out = "put it in front, or leave it out";
            r.warning_also("rule-never-reached", &rule.span, message, way_out, (&earlier.span, "this one"));
        }
    }
}

/// `neighbor-never-there`: sessions of devices are named as their tunnels are.
fn neighbors_are_there(r: &mut Reader<'_>, file: &File) {
    let Some(gateway) = &file.gateway else { return };
    let names = sessions::names(file, gateway);
    for rule in file.policies.iter().flat_map(|policy| &policy.rules) {
        for pattern in rule.rule.iter().flat_map(|rule| &rule.when.neighbors) {
            if !names.iter().any(|name| pattern.holds(name)) {
                let message = format!("no session is named \"{pattern}\"");
                let way_out = match names.iter().find(|name| name.starts_with(&format!("{pattern}/"))) {
                    Some(_) => format!("\"{pattern}/*\" are the sessions of that device"),
                    None => "`twinspan show neighbors` lists the names; `*` stands for any part of one".to_owned(),
                };
                r.warning("neighbor-never-there", &rule.neighbors, message, way_out);
            }
        }
    }
}

/// `policy-never-asked`: what stands before it decides about every route.
fn all_are_asked(r: &mut Reader<'_>, file: &File, chain: &[At<Word>]) {
    for pair in chain.windows(2) {
        let [first, second] = pair else { continue };
        let Word::Named(after) = &second.value else { continue };
        let why = match &first.value {
            Word::Accept | Word::Reject => format!("\"{}\" decides about every route", first.value),
            Word::Named(name) => {
                let Some(policy) = find(file, name) else { continue };
                let passes = |rule: &policy::Rule| rule.then == Then::Next;
                if policy.rules.iter().any(|rule| rule.rule.as_ref().is_none_or(passes)) {
                    continue;
                }
                format!("no rule of \"{name}\" says `then = \"next\"`, so it decides about every route")
            }
        };
        let message = format!("the policy \"{after}\" is never asked: {why}");
        let way_out = "end the first with a rule that says `then = \"next\"`, or leave out the second";
        r.warning("policy-never-asked", &second.span, message, way_out);
    }
}

/// `policy-unused`: nobody names it.
fn all_are_used(r: &mut Reader<'_>, names: &[&At<Name>], chains: &[(Way, &[At<Word>])]) {
    for name in names {
        if !chains.iter().any(|(_, chain)| named(chain).any(|(used, _)| *used == name.value)) {
            let message = format!("nobody uses the policy \"{}\"", name.value);
            r.warning("policy-unused", &name.span, message, "name it in an `import` or `export`, or leave it out");
        }
    }
}

/// `change-without-meaning`: some changes mean something on one way only.
fn changes_fit_the_direction(r: &mut Reader<'_>, file: &File, chains: &[(Way, &[At<Word>])]) {
    for (way, chain) in chains {
        for (name, span) in named(chain) {
            let rules = find(file, name).map(|policy| policy.rules.as_slice()).unwrap_or_default();
            for set in rules.iter().filter_map(|rule| rule.rule.as_ref()).map(|rule| &rule.set) {
                let (what, only) = match (way, set.next_hop) {
                    (Way::Import, Some(NextHopEdit::Own)) => ("next-hop = \"self\"", "export"),
                    (Way::Export, Some(NextHopEdit::Peer)) => ("next-hop = \"peer\"", "import"),
                    (Way::Export, _) if set.weight.is_some() => ("weight", "import"),
                    _ => continue,
                };
                let message = format!("the policy \"{name}\" sets `{what}`, which means something on {only} only");
                r.warning("change-without-meaning", span, message, format!("use it on {only}, or leave that out"));
            }
        }
    }
}
