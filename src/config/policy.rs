//! Reads the policies: conditions, changes, and what follows.

use std::{net::IpAddr, ops::Range, sync::Arc};

use toml::de::DeValue;

use super::{
    file,
    raw::{At, Reader, Section, Wrong},
    value,
};
use crate::policy;
use crate::policy::{
    Conditions, ListEdit, MedEdit, NamePattern, NextHopEdit, PathConditions, PathRegex, PrefixRange, PrefixSet,
    Prepend, Rule, Set, Then,
};
use crate::types::Asn;
use crate::types::Name;
use crate::types::Weight;
use crate::wire::Origin;

/// The most times that an AS is put in front of a path; longer paths are refused by some.
const MOST_PREPENDS: u64 = 32;

/// A policy, as far as the file is right about it.
#[derive(Debug)]
pub(super) struct Policy {
    pub(super) name: Option<At<Name>>,
    pub(super) rules: Vec<RuleAt>,
}

/// A rule and its place.
#[derive(Debug)]
pub(super) struct RuleAt {
    pub(super) span: Range<usize>,
    /// `None` if something in it is wrong.
    pub(super) rule: Option<Rule>,
    /// Where the names of neighbors stand.
    pub(super) neighbors: Range<usize>,
}

pub(super) fn read(r: &mut Reader<'_>, s: &Section<'_>) -> Policy {
    let name = r.required(s, "name", value::name);
    r.must_have(s, "rule");
    let rules: Vec<RuleAt> = r.tables(s, "rule", "policy.rule").iter().map(|s| rule(r, s)).collect();
    if rules.is_empty() && s.has("rule") {
        let message = "a policy without a rule rejects everything";
        r.error("bad-value", &s.span, message, "add a [[policy.rule]], or use the policy \"reject\"");
    }
    Policy { name, rules }
}

fn rule(r: &mut Reader<'_>, s: &Section<'_>) -> RuleAt {
    let before = r.errors();
    let words = [("accept", Then::Accept), ("reject", Then::Reject), ("next", Then::Next)];
    let when = conditions(r, s);
    let set = r.table(s, "set", "policy.rule.set").map(|s| set(r, &s)).unwrap_or_default();
    r.must_have(s, "then");
    let then = r.value_with(s, "then", |v| value::word(v, &words)).map(|at| at.value);
    if then == Some(Then::Reject)
        && let Some(span) = r.key_span(s, "set")
    {
        r.warning("set-with-reject", &span, "a rejected route is not changed", "leave out `set`");
    }
    let rule = then.filter(|_| r.errors() == before).map(|then| Rule { when, set: Arc::new(set), then });
    let neighbors = r.key_span(s, "neighbors").unwrap_or_else(|| s.span.clone());
    RuleAt { span: s.span.clone(), rule, neighbors }
}

fn conditions(r: &mut Reader<'_>, s: &Section<'_>) -> Conditions {
    let set = |entries: Vec<PrefixRange>| (!entries.is_empty()).then(|| PrefixSet::new(entries));
    Conditions {
        prefixes: set(r.several(s, "prefixes", parsed)),
        neighbors: r.several(s, "neighbors", name_pattern),
        families: r.several(s, "families", value::family),
        path: path(r, s),
        communities: r.several(s, "communities", parsed),
        large_communities: r.several(s, "large-communities", parsed),
        ext_communities: r.several(s, "ext-communities", parsed),
        origins: r.several(s, "origin", origin),
        next_hops: set(r.several(s, "next-hops", |v| value::prefix(v).map(PrefixRange::or_longer))),
        med: r.value(s, "med", range).map(|at| at.value),
    }
}

/// An expression, several, or a table.
fn path(r: &mut Reader<'_>, s: &Section<'_>) -> PathConditions {
    if !r.is_table(s, "as-path") {
        return PathConditions { matches: r.several(s, "as-path", expression), ..PathConditions::default() };
    }
    let Some(s) = r.table(s, "as-path", "policy.rule.as-path") else { return PathConditions::default() };
    let before = r.errors();
    let found = PathConditions {
        contains: r.several(&s, "contains", some_asn),
        starts_with: r.several(&s, "starts-with", some_asn),
        ends_with: r.several(&s, "ends-with", some_asn),
        length: r.value(&s, "length", range).map(|at| at.value),
        matches: r.several(&s, "matches", expression),
    };
    if found.is_empty() && r.errors() == before {
        r.error("bad-value", &s.span, "`as-path`: an empty table asks for nothing", "leave out `as-path`");
    }
    found
}

fn set(r: &mut Reader<'_>, s: &Section<'_>) -> Set {
    Set {
        local_pref: r.value(s, "local-pref", |v| file::narrow(v, 0, u64::from(u32::MAX))).map(|at| at.value),
        med: r.value(s, "med", med).map(|at| at.value),
        origin: r.value(s, "origin", origin).map(|at| at.value),
        communities: list(r, s, ["set-communities", "remove-communities", "add-communities"]),
        large_communities: list(r, s, ["set-large-communities", "remove-large-communities", "add-large-communities"]),
        ext_communities: list(r, s, ["set-ext-communities", "remove-ext-communities", "add-ext-communities"]),
        prepend: prepend(r, s),
        next_hop: r.value(s, "next-hop", next_hop).map(|at| at.value),
        weight: r.value(s, "weight", weight).map(|at| at.value),
    }
}

fn list<T, P>(r: &mut Reader<'_>, s: &Section<'_>, [replace, remove, add]: [&str; 3]) -> ListEdit<T, P>
where
    T: std::str::FromStr<Err: std::fmt::Display> + PartialEq,
    P: std::str::FromStr<Err: std::fmt::Display> + PartialEq,
{
    ListEdit {
        // An empty list means something here: none is left.
        replace: r.list(s, replace, parsed).map(|list| list.value.into_iter().map(|at| at.value).collect()),
        remove: r.several(s, remove, parsed),
        add: r.several(s, add, parsed),
    }
}

fn prepend(r: &mut Reader<'_>, s: &Section<'_>) -> Prepend {
    let times = |v: &DeValue<'_>| match v {
        DeValue::Array(_) => Ok(None),
        _ => file::narrow(v, 1, MOST_PREPENDS).map(Some),
    };
    match r.value_with(s, "prepend", times) {
        Some(At { value: Some(times), .. }) => Prepend::Times(times),
        Some(At { value: None, .. }) => {
            let list = r.list(s, "prepend", value::asn).map(|list| list.value).unwrap_or_default();
            Prepend::List(list.into_iter().map(|at| at.value).collect())
        }
        None => Prepend::Nothing,
    }
}

/// What its text means.
fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(v: &DeValue<'_>) -> Result<T, Wrong> {
    value::text(v)?.parse().map_err(|fault: T::Err| Wrong::value(fault.to_string()))
}

fn name_pattern(v: &DeValue<'_>) -> Result<NamePattern, Wrong> {
    let text = value::text(v)?;
    // What remains without wildcards must be able to stand in a name.
    let plain: String = text.chars().filter(|c| *c != '*').collect();
    if text.is_empty() || Name::new(&format!("x{plain}")).is_err() {
        return Err(Wrong::value(format!("\"{}\" fits no name", text.escape_debug())));
    }
    Ok(NamePattern::new(text))
}

/// Any AS number: reserved ones may stand in a path, and be looked for there.
fn some_asn(v: &DeValue<'_>) -> Result<Asn, Wrong> {
    file::narrow(v, 0, u64::from(u32::MAX)).map(Asn::new)
}

fn origin(v: &DeValue<'_>) -> Result<Origin, Wrong> {
    value::word(v, &[("igp", Origin::Igp), ("egp", Origin::Egp), ("incomplete", Origin::Incomplete)])
}

fn expression(v: &DeValue<'_>) -> Result<PathRegex, Wrong> {
    let text = value::text(v)?;
    PathRegex::new(text).map_err(|fault| {
        Wrong::value(fault.to_string())
            .within(fault.at)
            .with("the expression is over a text such as '65010 65020 {65030,65031}'; see docs/configuration.md")
    })
}

fn range(v: &DeValue<'_>) -> Result<policy::Range, Wrong> {
    match v {
        DeValue::String(_) => parsed(v),
        _ => file::narrow(v, 0, u64::from(u32::MAX)).map(policy::Range::exactly),
    }
}

fn med(v: &DeValue<'_>) -> Result<MedEdit, Wrong> {
    if !matches!(v, DeValue::String(_)) {
        return file::narrow(v, 0, u64::from(u32::MAX)).map(MedEdit::To);
    }
    let text = value::text(v)?;
    let change = match text.split_at_checked(1) {
        Some(("+", more)) => more.parse().ok().map(MedEdit::Add),
        Some(("-", less)) => less.parse().ok().map(MedEdit::Subtract),
        _ => None,
    };
    change.ok_or_else(|| {
        Wrong::value(format!("\"{}\" is not a change such as \"+10\" or \"-10\"", text.escape_debug()))
            .with("write a number for a MED of its own, as `med = 50`")
    })
}

fn next_hop(v: &DeValue<'_>) -> Result<NextHopEdit, Wrong> {
    match value::text(v)? {
        "self" => Ok(NextHopEdit::Own),
        "peer" => Ok(NextHopEdit::Peer),
        text if text.parse::<IpAddr>().is_err() => {
            Err(Wrong::value(format!("\"{}\" is neither an address nor \"self\" or \"peer\"", text.escape_debug())))
        }
        _ => value::address(v).map(NextHopEdit::Address),
    }
}

/// A share of the traffic.
pub(super) fn weight(v: &DeValue<'_>) -> Result<Weight, Wrong> {
    let weight = file::narrow(v, 1, 255)?;
    Weight::new(weight).ok_or_else(|| Wrong::value(format!("{weight} is not within 1 to 255")))
}
