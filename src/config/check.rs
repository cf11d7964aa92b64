//! What `check FILE` says about a file, for people and for programs.

use serde::Serialize;

use super::{Diagnostic, Host, Severity, host::Nowhere, parse_on};

/// All that there is to say about one file. As JSON it is the reply of `check --json`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Report {
    /// The file's name as it was given.
    pub file: String,
    /// True if the file can be used.
    pub ok: bool,
    /// How many errors there are.
    pub errors: usize,
    /// How many warnings there are.
    pub warnings: usize,
    /// All of them, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a file for its faults alone.
#[must_use]
pub fn check_text(file_name: &str, text: &str) -> Report {
    check_text_on(file_name, text, &Nowhere)
}

/// The same, with what the host has to say about it.
#[must_use]
pub fn check_text_on(file_name: &str, text: &str, host: &dyn Host) -> Report {
    let (ok, diagnostics) = match parse_on(file_name, text, host) {
        Ok((_, warnings)) => (true, warnings),
        Err(faults) => (false, faults),
    };
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
    Report { file: file_name.to_owned(), ok, errors, warnings: diagnostics.len() - errors, diagnostics }
}

impl Report {
    /// As people read it: every diagnostic with its source, then one line that sums up.
    #[must_use]
    pub fn render(&self, text: &str) -> String {
        let mut out = String::new();
        for diagnostic in &self.diagnostics {
            out.push_str(&diagnostic.render(text));
            out.push_str("\n\n");
        }
        out.push_str(&self.summary());
        out.push('\n');
        out
    }

    /// One line that sums up.
    #[must_use]
    pub fn summary(&self) -> String {
        let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let verdict = if self.ok { "can be used" } else { "cannot be used" };
        format!("{} {verdict}: {}, {}", self.file, count(self.errors, "error"), count(self.warnings, "warning"))
    }
}
