//! Policies with names: rules, what each asks, and what follows.

use std::sync::Arc;

use crate::types::{Family, Name, Prefix};
use crate::wire::{Community, Origin};

use super::chain::View;
use super::{CommunityPattern, ExtPattern, LargePattern, NamePattern, PathConditions, PrefixSet, Range, Set};

/// Rules under a name, in order. If none of them holds, the policy rejects.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    /// What chains and refusals call it.
    pub name: Name,
    /// At least one.
    pub rules: Vec<Rule>,
}

/// One rule: if all conditions hold, the changes are made, and then.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rule {
    /// What must hold.
    pub when: Conditions,
    /// What is changed.
    pub set: Arc<Set>,
    /// What follows.
    pub then: Then,
}

/// What follows a rule that holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Then {
    /// The route passes.
    Accept,
    /// It does not.
    Reject,
    /// The next rule, and behind the last one the next policy; changes are kept.
    Next,
}

/// What a rule asks of a route: every field that is not empty must hold, and one of its items does.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Conditions {
    /// The prefix is in one of these.
    pub prefixes: Option<PrefixSet>,
    /// The neighbor that taught it has one of these names. The gateway's own routes were taught by none.
    pub neighbors: Vec<NamePattern>,
    /// The family of the prefix.
    pub families: Vec<Family>,
    /// Its AS_PATH.
    pub path: PathConditions,
    /// It carries one of these.
    pub communities: Vec<CommunityPattern>,
    /// It carries one of these.
    pub large_communities: Vec<LargePattern>,
    /// It carries one of these.
    pub ext_communities: Vec<ExtPattern>,
    /// Its ORIGIN.
    pub origins: Vec<Origin>,
    /// Its next hop lies in one of these.
    pub next_hops: Option<PrefixSet>,
    /// Its MED; 0 where there is none (RFC 4271 §9.1.2.2 c).
    pub med: Option<Range>,
}

impl Policy {
    /// True if it may say different things of prefixes with the same attributes.
    #[must_use]
    pub fn differs_by_prefix(&self) -> bool {
        self.rules.iter().any(|rule| rule.when.prefixes.is_some())
    }

    /// The first rule before rule `at`, counted from 0, that decides about all that `at` could; `None` if some route
    /// may get there.
    #[must_use]
    pub fn hidden_by(&self, at: usize) -> Option<usize> {
        let rule = self.rules.get(at)?;
        let decides = |(number, earlier): &(usize, &Rule)| {
            // A change in between may make hold what did not hold before.
            let between = self.rules.iter().take(at).skip(*number + 1);
            let changed = between.into_iter().any(|rule| rule.then == Then::Next && !rule.set.is_empty());
            earlier.then != Then::Next
                && earlier.when.covers(&rule.when)
                && (!changed || earlier.when == Conditions::default())
        };
        self.rules.iter().enumerate().take(at).find(decides).map(|(number, _)| number)
    }
}

impl Conditions {
    /// True if one of the conditions is the BLACKHOLE community itself: who wrote that knows what comes (RFC 7999).
    #[must_use]
    pub fn name_blackhole(&self) -> bool {
        self.communities.iter().any(|pattern| pattern.names(Community::BLACKHOLE))
    }

    /// The other part.
    pub(super) fn hold_for_prefix(&self, prefix: &Prefix) -> bool {
        (self.families.is_empty() || self.families.contains(&prefix.family()))
            && self.prefixes.as_ref().is_none_or(|set| set.holds(prefix))
    }

    /// The part of the conditions that is the same for all prefixes with the same attributes.
    pub(super) fn hold_for_attributes(&self, view: &View<'_>) -> bool {
        let Self {
            prefixes: _,
            neighbors,
            families: _,
            path,
            communities,
            large_communities,
            ext_communities,
            origins,
            next_hops,
            med,
        } = self;
        let (route, attributes) = (view.route, &*view.attributes);
        (neighbors.is_empty()
            || route.neighbor.is_some_and(|name| neighbors.iter().any(|pattern| pattern.holds(name.as_str()))))
            && (origins.is_empty() || origins.contains(&attributes.origin))
            && med.is_none_or(|range| range.holds(attributes.med.unwrap_or(0)))
            && next_hops.as_ref().is_none_or(|set| route.next_hop.is_some_and(|hop| set.holds_address(hop.addr())))
            && any(communities, &attributes.communities, |pattern, found| pattern.holds(*found))
            && any(large_communities, &attributes.large_communities, |pattern, found| pattern.holds(*found))
            && any(ext_communities, &attributes.extended_communities, |pattern, found| pattern.holds(*found))
            && (path.is_empty() || view.path_holds(path))
    }

    /// True if these surely hold wherever `other` do.
    fn covers(&self, other: &Self) -> bool {
        let set = |ours: &Option<PrefixSet>, theirs: &Option<PrefixSet>| {
            ours.as_ref().is_none_or(|ours| theirs.as_ref().is_some_and(|theirs| ours.covers(theirs)))
        };
        set(&self.prefixes, &other.prefixes)
            && set(&self.next_hops, &other.next_hops)
            && within(&self.neighbors, &other.neighbors)
            && within(&self.families, &other.families)
            && within(&self.communities, &other.communities)
            && within(&self.large_communities, &other.large_communities)
            && within(&self.ext_communities, &other.ext_communities)
            && within(&self.origins, &other.origins)
            && self.path.covers(&other.path)
            && self.med.is_none_or(|ours| other.med.is_some_and(|theirs| ours.covers(&theirs)))
    }
}

fn any<P, T>(patterns: &[P], found: &[T], holds: impl Fn(&P, &T) -> bool) -> bool {
    patterns.is_empty() || found.iter().any(|found| patterns.iter().any(|pattern| holds(pattern, found)))
}

fn within<T: PartialEq>(ours: &[T], theirs: &[T]) -> bool {
    ours.is_empty() || (!theirs.is_empty() && theirs.iter().all(|item| ours.contains(item)))
}
