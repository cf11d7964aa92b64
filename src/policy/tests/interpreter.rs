//! Policies say what a naive reading of their texts says.

use std::sync::Arc;

use proptest::{collection::vec, prelude::*};

use crate::policy::*;
use crate::types::{Asn, Prefix};
use crate::wire::{AsPath, Attributes, Community};

/// A rule as somebody would write it.
#[derive(Clone, Debug)]
struct Plain {
    /// Address, length, least and most length.
    prefixes: Vec<(u32, u8, u8, u8)>,
    /// Upper and lower half; none is `*`.
    communities: Vec<(Option<u16>, Option<u16>)>,
    contains: Option<u32>,
    length: Option<(u32, u32)>,
    regex: Option<u32>,
    add: Option<(u16, u16)>,
    prepend: u8,
    then: Then,
}

fn rules() -> impl Strategy<Value = Vec<Plain>> {
    let len = 0_u8..=8;
    let prefix = (0_u32..=255, len, 0_u8..=8, 0_u8..=8).prop_map(|(bits, len, more, most)| {
        let address = if len == 0 { 0 } else { (bits << 24) & (u32::MAX << (32 - u32::from(len))) };
        let least = (len + more).min(8);
        (address, len, least, least.max(most))
    });
    let community = (proptest::option::of(1_u16..3), proptest::option::of(1_u16..3));
    let then = prop_oneof![Just(Then::Accept), Just(Then::Reject), Just(Then::Next)];
    let rule = (
        vec(prefix, 0..6),
        vec(community, 0..2),
        proptest::option::weighted(0.3, 1_u32..4),
        proptest::option::weighted(0.3, (0_u32..3, 2_u32..5)),
        proptest::option::weighted(0.3, 1_u32..4),
        proptest::option::of((1_u16..3, 1_u16..3)),
        0_u8..2,
        then,
    );
    let rule = rule.prop_map(|(prefixes, communities, contains, length, regex, add, prepend, then)| Plain {
        prefixes,
        communities,
        contains,
        length,
        regex,
        add,
        prepend,
        then,
    });
    vec(rule, 1..5)
}

/// The rule as the file would have it, through its texts.
fn compiled(rule: &Plain) -> Rule {
    let text = |(address, len, least, most): &(u32, u8, u8, u8)| {
        format!("{}/{len} ge {least} le {most}", std::net::Ipv4Addr::from(*address)).parse().unwrap()
    };
    let part = |part: &Option<u16>| part.map_or("*".to_owned(), |part| part.to_string());
    let entries: Vec<PrefixRange> = rule.prefixes.iter().map(text).collect();
    let when = Conditions {
        prefixes: (!entries.is_empty()).then(|| PrefixSet::new(entries)),
        communities: rule
            .communities
            .iter()
            .map(|(high, low)| format!("{}:{}", part(high), part(low)).parse().unwrap())
            .collect(),
        path: PathConditions {
            contains: rule.contains.map(Asn::new).into_iter().collect(),
            length: rule.length.map(|(least, most)| format!("ge {least} le {most}").parse().unwrap()),
            matches: rule.regex.map(|asn| PathRegex::new(&format!("^{asn}_")).unwrap()).into_iter().collect(),
            ..PathConditions::default()
        },
        ..Conditions::default()
    };
    let add = rule.add.map(|(high, low)| Community::new(high, low)).into_iter().collect();
    let set = Set {
        communities: ListEdit { add, ..ListEdit::default() },
        prepend: if rule.prepend == 0 { Prepend::Nothing } else { Prepend::Times(rule.prepend) },
        ..Set::default()
    };
    Rule { when, set: Arc::new(set), then: rule.then }
}

/// What somebody who reads the rules with a pencil says: the path and communities of a route that passes.
type Route = (Vec<u32>, Vec<(u16, u16)>);

fn pencil(policies: &[Vec<Plain>], (address, len): (u32, u8), start: &Route) -> Option<Route> {
    let (mut path, mut communities) = start.clone();
    for rules in policies {
        let mut any = false;
        for rule in rules {
            let inside = |(of, own, least, most): &(u32, u8, u8, u8)| {
                let same = (0..u32::from(*own)).all(|bit| (of ^ address) & (1 << (31 - bit)) == 0);
                same && len >= *own && len >= *least && len <= *most
            };
            let carried = |(high, low): &(Option<u16>, Option<u16>)| {
                communities.iter().any(|(h, l)| high.is_none_or(|high| high == *h) && low.is_none_or(|low| low == *l))
            };
            let holds = (rule.prefixes.is_empty() || rule.prefixes.iter().any(inside))
                && (rule.communities.is_empty() || rule.communities.iter().any(carried))
                && rule.contains.is_none_or(|asn| path.contains(&asn))
                && rule.length.is_none_or(|(least, most)| (least..=most).contains(&(path.len() as u32)))
                && rule.regex.is_none_or(|asn| path.first() == Some(&asn));
            if !holds {
                continue;
            }
            any = true;
            if rule.then == Then::Reject {
                return None;
            }
            if let Some(add) = rule.add.filter(|add| !communities.contains(add)) {
                communities.push(add);
            }
            for _ in 0..rule.prepend {
                path.insert(0, 3);
            }
            if rule.then == Then::Accept {
                return Some((path, communities));
            }
        }
        if !any {
            return None;
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn policies_say_what_a_reader_with_a_pencil_says(
        policies in vec(rules(), 1..4),
        // They share attributes, as the prefixes of one UPDATE do.
        prefixes in vec((0_u32..=255, 0_u8..=8), 1..4),
        path in vec(1_u32..4, 0..4),
        communities in vec((1_u16..3, 1_u16..3), 0..2),
    ) {
        let attributes = Attributes {
            as_path: AsPath::sequence(path.iter().copied().map(Asn::new)),
            communities: communities.iter().map(|(high, low)| Community::new(*high, *low)).collect(),
            ..Attributes::default()
        };
        let named = |(number, rules): (usize, &Vec<Plain>)| {
            let name = format!("p{number}").parse().unwrap();
            Word::Named(Arc::new(Policy { name, rules: rules.iter().map(compiled).collect() }))
        };
        let chain = Chain(policies.iter().enumerate().map(named).collect());
        let mut memo = Memo::default();
        for (bits, len) in prefixes {
            let address = if len == 0 { 0 } else { (bits << 24) & (u32::MAX << (32 - u32::from(len))) };
            let prefix = Prefix::new(std::net::Ipv4Addr::from(address).into(), len).unwrap();
            let route =
                crate::policy::Route { prefix: &prefix, attributes: &attributes, next_hop: None, neighbor: None };
            let found = match chain.judge_with(&route, Some(Asn::new(3)), &mut memo) {
                Verdict::Accept { edits, .. } => {
                    let mut changed = attributes.clone();
                    edits.apply(&mut changed, Some(Asn::new(3)));
                    let communities = changed.communities.iter().map(|c| (c.high(), c.low())).collect();
                    Some((changed.as_path.asns().map(Asn::get).collect(), communities))
                }
                _ => None,
            };
            let start = (path.clone(), communities.clone());
            prop_assert_eq!(found, pencil(&policies, (address, len), &start));
        }
    }
}
