//! Routes in, routes or a reason out: what is accepted from a neighbor ([`Import`]) and what it is told ([`Export`]).
//!
//! Safety rules come first and nobody can switch them off; after them the neighbor's own policies ([`Chain`]).
//! Owns no routes and no sessions: every function here is a pure one of a route and of settings.

mod chain;
mod edit;
mod export;
mod import;
mod martian;
mod refusal;

pub use chain::{Chain, Verdict, Word};
pub use edit::Edits;
pub use export::{Export, Scope, Source, Withheld};
pub use import::Import;
pub use refusal::Refusal;

#[cfg(test)]
mod tests;
