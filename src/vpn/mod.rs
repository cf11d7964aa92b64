//! Whether a tunnel can carry traffic: what everybody says who knows something of it, made into one answer.
//!
//! Owns the answer, the reasons for it and its history. Never asks anybody, and changes no route: `speaker` feeds it and
//! acts on what it says.

mod damping;
mod history;
mod source;
mod tunnel;

#[cfg(test)]
mod tests;

pub use damping::Damping;
pub use history::{Entry, History, Word};
pub use source::Source;
pub use tunnel::{Input, Objection, Phase, Sessions, Tunnel};
