//! The policies of a neighbor, in order.

use crate::types::Prefix;
use crate::wire::Attributes;

use super::Edits;

/// One policy by name. `accept` and `reject` are policies too.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Word {
    /// Everything that the safety rules let through passes.
    Accept,
    /// Nothing passes.
    Reject,
}

/// Policies in order; the first that decides, decides. Nothing decides: the route does not pass.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Chain(pub Vec<Word>);

/// What a chain says of one route.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It passes, changed so.
    Accept(Edits),
    /// A policy says no.
    Reject,
    /// There is no policy at all (RFC 8212).
    NoPolicy,
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
        })
    }

    /// What the policies say of a route.
    #[must_use]
    pub fn judge(&self, _prefix: &Prefix, _attributes: &Attributes) -> Verdict {
        match self.0.first() {
            None => Verdict::NoPolicy,
            Some(Word::Accept) => Verdict::Accept(Edits::default()),
            Some(Word::Reject) => Verdict::Reject,
        }
    }
}
