//! A fault in the file, and how people and programs see it.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, and someone may be surprised.
    Warning,
}

/// Another place that the fault is about.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Also {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is there.
    pub message: String,
    /// Octets of the text.
    #[serde(skip)]
    pub span: Range<usize>,
}

/// One fault, or one warning. As JSON it is one entry of `check --json`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The rule's name; it never changes.
    pub code: &'static str,
    /// What is wrong and why.
    pub message: String,
    /// What to write instead.
    #[serde(rename = "help")]
    pub way_out: String,
    /// The file's name as it was given.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Octets of the text.
    #[serde(skip)]
    pub span: Range<usize>,
    /// Other places that it is about.
    pub also: Vec<Also>,
}

impl Diagnostic {
    /// As people read it: `error[code]: message`, the place, the source underlined, the way out. No colours.
    #[must_use]
    pub fn render(&self, text: &str) -> String {
        self.rendered(text, &Renderer::plain())
    }

    /// The same with colours, for a terminal.
    #[must_use]
    pub fn render_styled(&self, text: &str) -> String {
        self.rendered(text, &Renderer::styled())
    }

    fn rendered(&self, text: &str, renderer: &Renderer) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut snippet = Snippet::source(text)
            .path(self.file.as_str())
            .annotation(AnnotationKind::Primary.span(within(text, &self.span)));
        for also in &self.also {
            snippet =
                snippet.annotation(AnnotationKind::Context.span(within(text, &also.span)).label(also.message.as_str()));
        }
        let mut group = level.primary_title(self.message.as_str()).id(self.code).element(snippet);
        if !self.way_out.is_empty() {
            group = group.element(Level::HELP.message(self.way_out.as_str()));
        }
        renderer.render(&[group])
    }
}

/// The span as it lies in that text: a caller may hand in another text than was parsed.
fn within(text: &str, span: &Range<usize>) -> Range<usize> {
    let floor = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let start = floor(span.start);
    start..floor(span.end).max(start)
}

/// Line and column of an octet of the text, from 1; the column counts characters.
pub(super) fn place(text: &str, at: usize) -> (usize, usize) {
    let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let before = text.get(..at).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    (line, before.get(line_start..).unwrap_or_default().chars().count() + 1)
}
