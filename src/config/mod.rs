//! The file of configuration: what may stand in it, what is wrong with one, and what it means.
//!
//! Owns the keys, their defaults, the rules, and the sentences that an operator gets. It assembles the settings of
//! other modules; they do not know it. It never opens a file: the shell hands it the text.
//!
//! A text goes `raw` and `value` (each value, with its place) > `file` (the tables) > `rules` (values among each
//! other) > `build` (a [`Config`]). Faults are collected all the way, so that an operator sees all of them at once.

mod build;
mod check;
mod classes;
mod diagnostic;
mod diff;
mod duration;
mod election;
mod file;
mod health;
mod host;
mod keys;
mod limit;
mod policy;
mod raw;
mod rules;
mod session;
mod settings;
mod twin;
mod value;
mod watch;
mod written;

pub use check::{Report, check_text, check_text_on};
pub use classes::{CLASSES, Class};
pub use diagnostic::{Also, Diagnostic, Severity};
pub use diff::{Change, Fate, PeerChange, Plan, Refused, SessionPlan, same_ends};
pub use host::{Host, HostFault};
pub use keys::{KEYS, Key};
pub use settings::{Config, Control, Drain, Ecmp, Hash, Health, Kernel, OnStop, Policies, Weights};
pub use written::{Source, Written};

/// A duration as the file writes it: `90s`, `300ms`, `1m30s`.
#[must_use]
pub fn duration(text: &str) -> Option<std::time::Duration> {
    duration::parse(text)
}

/// Reads a file. Either a configuration with warnings, or every fault at once, warnings among them, in the order of
/// the text. `file_name` is only shown.
pub fn parse(file_name: &str, text: &str) -> Result<(Config, Vec<Diagnostic>), Vec<Diagnostic>> {
    parse_on(file_name, text, &host::Nowhere)
}

/// The same, with what the host has to say about it.
pub fn parse_on(file_name: &str, text: &str, host: &dyn Host) -> Result<(Config, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut reader = raw::Reader::new(file_name, text);
    let Some(document) = reader.document() else { return Err(reader.finish()) };
    let file = file::File::read(&mut reader, &document);
    rules::check(&mut reader, &file, host);
    if !reader.has_errors() {
        if let Some(mut config) = build::config(&file) {
            config.written = Written::of(Source::of(file_name, text), document.get_ref());
            return Ok((config, reader.finish()));
        }
        // A fault of ours: the rules let something pass that settings cannot be made of.
        reader.error("incomplete", &(0..0), "the file lacks something that is needed", "see docs/configuration.md");
    }
    Err(reader.finish())
}
