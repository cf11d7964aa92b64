//! What may be asked of an AS_PATH.

use std::{borrow::Cow, cell::OnceCell, fmt};

use regex::bytes::{Regex, RegexBuilder};

use crate::types::Asn;
use crate::wire::AsPath;

use super::Range;

/// What `_` stands for: the begin or end of the path, or what separates its ASes.
const BOUNDARY: &str = r"(?:^|$|[ ,{}()\[\]]+)";
/// Octets that a compiled expression may take; what a path needs is far below.
const COMPILED_MAX: usize = 1 << 20;

/// Conditions on an AS_PATH: all that are given must hold; a list is any of its items.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PathConditions {
    /// One of them is anywhere in it, sets included.
    pub contains: Vec<Asn>,
    /// One of them is the first, the neighbor's.
    pub starts_with: Vec<Asn>,
    /// One of them is the last: where the route began.
    pub ends_with: Vec<Asn>,
    /// Its length, as the decision counts it (RFC 4271 §9.1.2.2 a).
    pub length: Option<Range>,
    /// One of them is found in its text.
    pub matches: Vec<PathRegex>,
}

/// A path, and its text once somebody asks for it.
pub(super) struct PathText<'a> {
    path: &'a AsPath,
    text: OnceCell<String>,
}

impl<'a> PathText<'a> {
    pub(super) const fn new(path: &'a AsPath) -> Self {
        Self { path, text: OnceCell::new() }
    }

    fn text(&self) -> &str {
        self.text.get_or_init(|| self.path.to_string())
    }
}

impl PathConditions {
    /// True if nothing is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn hold(&self, path: &PathText<'_>) -> bool {
        let any = |wanted: &[Asn], found: Option<Asn>| {
            wanted.is_empty() || found.is_some_and(|found| wanted.contains(&found))
        };
        let asns = path.path;
        (self.contains.is_empty() || asns.asns().any(|asn| self.contains.contains(&asn)))
            && any(&self.starts_with, asns.neighbor())
            && any(&self.ends_with, asns.origin())
            && self.length.is_none_or(|range| range.holds(u32::try_from(asns.length()).unwrap_or(u32::MAX)))
            && (self.matches.is_empty() || self.matches.iter().any(|regex| regex.is_found(path.text())))
    }

    /// True if it surely holds wherever `other` does.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let list = |ours: &[Asn], theirs: &[Asn]| {
            ours.is_empty() || (!theirs.is_empty() && theirs.iter().all(|asn| ours.contains(asn)))
        };
        list(&self.contains, &other.contains)
            && list(&self.starts_with, &other.starts_with)
            && list(&self.ends_with, &other.ends_with)
            && self.length.is_none_or(|ours| other.length.is_some_and(|theirs| ours.covers(&theirs)))
            && (self.matches.is_empty()
                || (!other.matches.is_empty() && other.matches.iter().all(|regex| self.matches.contains(regex))))
    }
}

/// A regular expression over the text of an AS_PATH: ASes with a space between, sets with commas in
/// `{}`, confederations in `()` and `[]`. `_` is the begin, the end or a separator. The time of a look is linear in
/// the length of the path.
#[derive(Clone)]
pub struct PathRegex {
    text: String,
    regex: Regex,
}

/// Why a text is no expression.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{what}, at character {} of the expression", .at + 1)]
pub struct PathRegexError {
    /// Where, in octets.
    pub at: usize,
    /// What is wrong there.
    pub what: String,
}

impl PathRegex {
    /// Compiles it.
    pub fn new(text: &str) -> Result<Self, PathRegexError> {
        // First as it was written, so that a fault has its place in what people see.
        regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(text).map_err(|fault| {
            let (at, what) = match &fault {
                regex_syntax::Error::Parse(fault) => (fault.span().start.offset, fault.kind().to_string()),
                regex_syntax::Error::Translate(fault) => (fault.span().start.offset, fault.kind().to_string()),
                _ => (0, "not understood".to_owned()),
            };
            PathRegexError { at, what }
        })?;
        let built = RegexBuilder::new(&with_boundaries(text)).unicode(false).size_limit(COMPILED_MAX).build();
        let regex = built.map_err(|fault| PathRegexError {
            at: 0,
            what: match fault {
                regex::Error::CompiledTooBig(_) => "too big: repetitions of repetitions".to_owned(),
                other => other.to_string(),
            },
        })?;
        Ok(Self { text: text.to_owned(), regex })
    }

    /// True if it is found anywhere in the text of a path.
    #[must_use]
    pub fn is_found(&self, path: &str) -> bool {
        self.regex.is_match(path.as_bytes())
    }
}

/// The expression with each `_` outside of a character class spelt out.
fn with_boundaries(text: &str) -> Cow<'_, str> {
    if !text.contains('_') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + BOUNDARY.len());
    let (mut escaped, mut classes) = (false, 0_u32);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => classes += 1,
            ']' => classes = classes.saturating_sub(1),
            '_' if classes == 0 => {
                out.push_str(BOUNDARY);
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out.into()
}

impl PartialEq for PathRegex {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for PathRegex {}

impl fmt::Display for PathRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for PathRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PathRegex({:?})", self.text)
    }
}
