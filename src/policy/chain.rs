//! The policies of a neighbor, in order.

use std::{borrow::Cow, fmt, sync::Arc};

use smallvec::SmallVec;

use crate::types::{Asn, Name, Prefix};
use crate::wire::{Attributes, NextHop};

use super::path::PathText;
use super::{Edits, PathConditions, Policy, Then};

/// One policy of a chain. `accept` and `reject` are policies too.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Word {
    /// Everything that the safety rules let through passes.
    Accept,
    /// Nothing passes.
    Reject,
    /// One of the file's, shared by all who use it.
    Named(Arc<Policy>),
}

/// Policies in order; the first that decides, decides. Nothing decides: the route does not pass.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Chain(pub Vec<Word>);

/// A route as policies see it.
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    /// Which prefix.
    pub prefix: &'a Prefix,
    /// As it came, or as the table has it.
    pub attributes: &'a Attributes,
    /// Where it says packets go; `None` for the gateway's own.
    pub next_hop: Option<&'a NextHop>,
    /// Who taught it; `None` for the gateway's own.
    pub neighbor: Option<&'a Name>,
}

/// What a chain says of one route.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It passes.
    Accept {
        /// Changed so.
        edits: Edits,
        /// A rule that held names the BLACKHOLE community (RFC 7999).
        names_blackhole: bool,
    },
    /// A policy says no.
    Reject(Rejected),
    /// There is no policy at all (RFC 8212).
    NoPolicy,
}

/// Who said no.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Rejected {
    /// The word `reject`.
    Word,
    /// A rule of a policy, counted from 1.
    Rule {
        /// The policy.
        policy: Name,
        /// Its rule.
        rule: usize,
    },
    /// No rule of the policy holds.
    NoRule {
        /// The policy.
        policy: Name,
    },
    /// All policies passed it on, this one at last, and none accepted it.
    End {
        /// The last policy.
        policy: Name,
    },
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word => f.write_str("rejected by the policy reject"),
            Self::Rule { policy, rule } => write!(f, "rejected by policy {policy}, rule {rule}"),
            Self::NoRule { policy } => write!(f, "rejected by policy {policy}: no rule of it holds"),
            Self::End { policy } => write!(f, "rejected: {policy} says next, and no policy follows it"),
        }
    }
}

/// What the conditions of each rule said of one set of attributes, next hop and neighbor: the same for every prefix.
#[derive(Clone, Debug, Default)]
pub struct Memo(SmallVec<[Option<bool>; 16]>);

impl Memo {
    /// What rule `at` of the chain says, asked once.
    fn rule(&mut self, at: usize, ask: impl FnOnce() -> bool) -> bool {
        if self.0.len() <= at {
            self.0.resize(at + 1, None);
        }
        match self.0.get_mut(at) {
            Some(known) => *known.get_or_insert_with(ask),
            None => ask(),
        }
    }
}

/// A route with the changes made so far: what the conditions of the next rule look at.
pub(super) struct View<'a> {
    pub(super) route: &'a Route<'a>,
    pub(super) attributes: Cow<'a, Attributes>,
    text: Option<PathText<'a>>,
}

impl View<'_> {
    pub(super) fn path_holds(&self, conditions: &PathConditions) -> bool {
        match &self.text {
            Some(text) => conditions.hold(text),
            None => conditions.hold(&PathText::new(&self.attributes.as_path)),
        }
    }
}

impl Chain {
    /// No policy: what RFC 8212 speaks of.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Everything passes: what the gateway model gives to its own devices and routers.
    #[must_use]
    pub fn accept() -> Self {
        Self(vec![Word::Accept])
    }

    /// One policy.
    #[must_use]
    pub fn of(policy: Policy) -> Self {
        Self(vec![Word::Named(Arc::new(policy))])
    }

    /// True if there is no policy.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if the policies may say different things of prefixes with the same attributes.
    #[must_use]
    pub fn differs_by_prefix(&self) -> bool {
        self.0.iter().any(|word| match word {
            Word::Accept | Word::Reject => false,
            Word::Named(policy) => policy.differs_by_prefix(),
        })
    }

    /// What the policies say of a route. `prepender` is the AS that a count of prepends repeats: later rules see it.
    #[must_use]
    pub fn judge(&self, route: &Route<'_>, prepender: Option<Asn>) -> Verdict {
        self.judge_with(route, prepender, &mut Memo::default())
    }

    /// The same for one of several prefixes with the same attributes, next hop and neighbor, which share `memo`.
    #[must_use]
    pub fn judge_with(&self, route: &Route<'_>, prepender: Option<Asn>, memo: &mut Memo) -> Verdict {
        let mut view = View {
            route,
            attributes: Cow::Borrowed(route.attributes),
            text: Some(PathText::new(&route.attributes.as_path)),
        };
        let (mut edits, mut names_blackhole) = (Edits::default(), false);
        let mut last = None;
        let mut asked = 0;
        for word in &self.0 {
            let policy = match word {
                Word::Accept => return Verdict::Accept { edits, names_blackhole },
                Word::Reject => return Verdict::Reject(Rejected::Word),
                Word::Named(policy) => policy,
            };
            let mut any = false;
            for (at, rule) in policy.rules.iter().enumerate() {
                asked += 1;
                if !rule.when.hold_for_prefix(route.prefix) {
                    continue;
                }
                let holds = match view.attributes {
                    Cow::Borrowed(_) => memo.rule(asked - 1, || rule.when.hold_for_attributes(&view)),
                    Cow::Owned(_) => rule.when.hold_for_attributes(&view),
                };
                if !holds {
                    continue;
                }
                any = true;
                if rule.then == Then::Reject {
                    return Verdict::Reject(Rejected::Rule { policy: policy.name.clone(), rule: at + 1 });
                }
                names_blackhole |= rule.when.name_blackhole();
                edits.push(&rule.set);
                if rule.then == Then::Accept {
                    return Verdict::Accept { edits, names_blackhole };
                }
                if !rule.set.is_empty() {
                    rule.set.apply(view.attributes.to_mut(), prepender);
                    view.text = None;
                }
            }
            if !any {
                return Verdict::Reject(Rejected::NoRule { policy: policy.name.clone() });
            }
            last = Some(policy);
        }
        match last {
            Some(policy) => Verdict::Reject(Rejected::End { policy: policy.name.clone() }),
            None => Verdict::NoPolicy,
        }
    }
}
