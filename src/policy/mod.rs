//! Routes in, routes or a reason out: what is accepted from a neighbor ([`Import`]) and what it is told ([`Export`]).
//!
//! Safety rules come first and nobody can switch them off; after them the neighbor's own policies ([`Chain`]).
//! Owns no routes and no sessions: every function here is a pure one of a route and of settings.

mod chain;
mod communities;
mod edit;
mod export;
mod import;
mod martian;
mod path;
mod prefixes;
mod range;
mod refusal;
mod rule;

pub use chain::{Chain, Memo, Rejected, Route, Verdict, Word};
pub use communities::{CommunityPattern, ExtPattern, LargePattern, NamePattern, PatternError};
pub use edit::{Edits, ListEdit, MedEdit, NextHopEdit, Prepend, Set};
pub use export::{Export, Manner, NextHopOut, Scope, Source, Told, Withheld};
pub use import::Import;
pub use path::{PathConditions, PathRegex, PathRegexError};
pub use prefixes::{PrefixRange, PrefixRangeError, PrefixSet};
pub use range::{Range, RangeError};
pub use refusal::Refusal;
pub use rule::{Conditions, Policy, Rule, Then};

#[cfg(test)]
mod tests;
