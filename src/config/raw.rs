//! Reads TOML table by table, and goes on after a fault: every value that is right comes out with its place in the
//! text, every one that is not becomes a diagnostic.

use std::ops::Range;

use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::{
    Also, Diagnostic, HostFault, Severity, diagnostic,
    keys::{self, Key},
};

/// A value and where it stands, in octets of the text.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

/// Why a value was refused.
#[derive(Debug)]
pub(super) struct Wrong {
    code: &'static str,
    message: String,
    way_out: Option<String>,
    /// Where in a text, in octets.
    within: Option<usize>,
}

impl Wrong {
    /// The value has the right type and cannot be used.
    pub(super) fn value(message: impl Into<String>) -> Self {
        Self { code: "bad-value", message: message.into(), way_out: None, within: None }
    }

    /// The value has another type.
    pub(super) fn kind(value: &DeValue<'_>) -> Self {
        Self { code: "wrong-type", message: value.type_str().to_owned(), way_out: None, within: None }
    }

    /// The same under the name of a rule.
    pub(super) fn coded(mut self, code: &'static str) -> Self {
        self.code = code;
        self
    }

    /// Where in the text, in octets, it is wrong.
    pub(super) fn within(mut self, at: usize) -> Self {
        self.within = Some(at);
        self
    }

    /// What to write instead, where the key's example does not say it.
    pub(super) fn with(mut self, way_out: impl Into<String>) -> Self {
        self.way_out = Some(way_out.into());
        self
    }
}

/// Reads one value of the right kind.
pub(super) type Parse<T> = fn(&DeValue<'_>) -> Result<T, Wrong>;

/// One table of the file, whose unknown keys were already reported.
pub(super) struct Section<'d> {
    path: &'static str,
    table: &'d DeTable<'d>,
    pub(super) span: Range<usize>,
}

impl Section<'_> {
    pub(super) fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// True if the value of a key is a table.
    pub(super) fn has_table(&self, name: &str) -> bool {
        self.table.get(name).is_some_and(|value| value.get_ref().is_table())
    }
}

/// Reads, and collects what is wrong.
pub(super) struct Reader<'t> {
    file: &'t str,
    text: &'t str,
    found: Vec<Diagnostic>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(file: &'t str, text: &'t str) -> Self {
        Self { file, text, found: Vec::new() }
    }

    /// All that was found, by place; errors before warnings at the same place.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        self.found.sort_by(|a, b| (a.span.start, a.severity, a.code).cmp(&(b.span.start, b.severity, b.code)));
        // A neighbor of both instances gives the same fault twice.
        self.found.dedup();
        self.found
    }

    pub(super) fn has_errors(&self) -> bool {
        self.found.iter().any(|d| d.severity == Severity::Error)
    }

    /// Reports a fault.
    pub(super) fn error(
        &mut self,
        code: &'static str,
        at: &Range<usize>,
        message: impl Into<String>,
        way_out: impl Into<String>,
    ) {
        self.report(Severity::Error, code, at, message.into(), way_out.into(), &[]);
    }

    /// Reports a fault that is about another place too.
    pub(super) fn error_also(
        &mut self,
        code: &'static str,
        at: &Range<usize>,
        message: impl Into<String>,
        way_out: impl Into<String>,
        also: (&Range<usize>, &str),
    ) {
        self.report(Severity::Error, code, at, message.into(), way_out.into(), &[also]);
    }

    /// Reports what may surprise.
    pub(super) fn warning(
        &mut self,
        code: &'static str,
        at: &Range<usize>,
        message: impl Into<String>,
        way_out: impl Into<String>,
    ) {
        self.report(Severity::Warning, code, at, message.into(), way_out.into(), &[]);
    }

    /// Reports what may surprise, and is about another place too.
    pub(super) fn warning_also(
        &mut self,
        code: &'static str,
        at: &Range<usize>,
        message: impl Into<String>,
        way_out: impl Into<String>,
        also: (&Range<usize>, &str),
    ) {
        self.report(Severity::Warning, code, at, message.into(), way_out.into(), &[also]);
    }

    /// How many faults there are so far.
    pub(super) fn errors(&self) -> usize {
        self.found.iter().filter(|d| d.severity == Severity::Error).count()
    }

    /// Reports what is wrong on the host.
    pub(super) fn host(&mut self, at: &Range<usize>, fault: HostFault) {
        let HostFault { severity, code, message, way_out } = fault;
        self.report(severity, code, at, message, way_out, &[]);
    }

    fn report(
        &mut self,
        severity: Severity,
        code: &'static str,
        at: &Range<usize>,
        message: String,
        way_out: String,
        also: &[(&Range<usize>, &str)],
    ) {
        let (line, column) = diagnostic::place(self.text, at.start);
        let also = also
            .iter()
            .map(|(span, message)| {
                let (line, column) = diagnostic::place(self.text, span.start);
                Also { line, column, message: (*message).to_owned(), span: (*span).clone() }
            })
            .collect();
        let file = self.file.to_owned();
        self.found.push(Diagnostic { severity, code, message, way_out, file, line, column, span: at.clone(), also });
    }

    /// The whole document; every fault of its syntax is reported.
    pub(super) fn document(&mut self) -> Option<Spanned<DeTable<'t>>> {
        let (document, faults) = DeTable::parse_recoverable(self.text);
        let mut last = None;
        for fault in &faults {
            let span = fault.span().unwrap_or(0..0);
            // What follows on the same line is mostly an echo of the first.
            let (line, _) = diagnostic::place(self.text, span.start);
            if last.replace(line) != Some(line) {
                let message = format!("this is not TOML: {}", fault.message());
                self.error("syntax", &span, message, "the format is described at https://toml.io");
            }
        }
        faults.is_empty().then_some(document)
    }

    /// The top level.
    pub(super) fn top<'d>(&mut self, document: &'d Spanned<DeTable<'d>>) -> Section<'d> {
        self.open("", document.get_ref(), document.span())
    }

    /// Opens a table as one of those that `path` names, and reports the keys that it cannot have.
    fn open<'d>(&mut self, path: &'static str, table: &'d DeTable<'d>, span: Range<usize>) -> Section<'d> {
        for key in table.keys().filter(|key| keys::find(path, key.get_ref()).is_none()) {
            let message = format!("{} has no key `{}`", keys::shown(path), key.get_ref());
            self.error("unknown-key", &key.span(), message, keys::way_out(path, key.get_ref()));
        }
        Section { path, table, span }
    }

    /// The table that is the value of a key.
    pub(super) fn table<'d>(&mut self, section: &Section<'d>, name: &str, path: &'static str) -> Option<Section<'d>> {
        let value = section.table.get(name)?;
        match value.get_ref().as_table() {
            Some(table) => Some(self.open(path, table, value.span())),
            None => {
                self.wrong(section.path, name, &value.span(), Wrong::kind(value.get_ref()));
                None
            }
        }
    }

    /// The tables that are the value of a key; a single one will do for a list.
    pub(super) fn tables<'d>(&mut self, section: &Section<'d>, name: &str, path: &'static str) -> Vec<Section<'d>> {
        let Some(value) = section.table.get(name) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong(section.path, name, &value.span(), Wrong::kind(value.get_ref()));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in array.iter() {
            match item.get_ref().as_table() {
                Some(table) => sections.push(self.open(path, table, item.span())),
                None => self.wrong(section.path, name, &item.span(), Wrong::kind(item.get_ref())),
            }
        }
        sections
    }

    /// The value of a key, if it is there and right.
    pub(super) fn value<T>(&mut self, section: &Section<'_>, name: &str, parse: Parse<T>) -> Option<At<T>> {
        self.value_with(section, name, parse)
    }

    /// The same, where reading takes more than a function.
    pub(super) fn value_with<T>(
        &mut self,
        section: &Section<'_>,
        name: &str,
        parse: impl FnOnce(&DeValue<'_>) -> Result<T, Wrong>,
    ) -> Option<At<T>> {
        debug_assert!(keys::find(section.path, name).is_some(), "{}.{name} is not in the list of keys", section.path);
        let value = section.table.get(name)?;
        match parse(value.get_ref()) {
            Ok(read) => Some(At { value: read, span: value.span() }),
            Err(wrong) => {
                self.wrong(section.path, name, &value.span(), wrong);
                None
            }
        }
    }

    /// The value of a key that must be there.
    pub(super) fn required<T>(&mut self, section: &Section<'_>, name: &str, parse: Parse<T>) -> Option<At<T>> {
        self.must_have(section, name);
        self.value(section, name, parse)
    }

    /// Reports a key that is not there.
    pub(super) fn must_have(&mut self, section: &Section<'_>, name: &str) {
        if !section.has(name) {
            let message = format!("{} needs the key `{name}`", keys::shown(section.path));
            let example = keys::find(section.path, name).map_or("", |k| k.example);
            self.error("missing-key", &section.span, message, format!("write for example `{example}`"));
        }
    }

    /// A list, less those of its items that are wrong. `None` if there is none.
    pub(super) fn list<T>(&mut self, section: &Section<'_>, name: &str, parse: Parse<T>) -> Option<At<Vec<At<T>>>> {
        debug_assert!(keys::find(section.path, name).is_some(), "{}.{name} is not in the list of keys", section.path);
        let value = section.table.get(name)?;
        let Some(array) = value.get_ref().as_array() else {
            self.wrong(section.path, name, &value.span(), Wrong::kind(value.get_ref()));
            return None;
        };
        let mut items = Vec::new();
        for item in array.iter() {
            match parse(item.get_ref()) {
                Ok(read) => items.push(At { value: read, span: item.span() }),
                Err(wrong) => self.wrong(section.path, name, &item.span(), wrong),
            }
        }
        Some(At { value: items, span: value.span() })
    }

    /// Where the key itself stands.
    pub(super) fn key_span(&self, section: &Section<'_>, name: &str) -> Option<Range<usize>> {
        section.table.get_key_value(name).map(|(key, _)| key.span())
    }

    fn wrong(&mut self, path: &'static str, name: &str, at: &Range<usize>, wrong: Wrong) {
        let key = keys::find(path, name);
        let kind = key.map_or("value", |k: &Key| k.kind);
        let message = match wrong.code {
            "wrong-type" => format!("`{name}` must be {}, not {}", with_article(kind), with_article(&wrong.message)),
            _ => format!("`{name}`: {}", wrong.message),
        };
        let way_out = wrong.way_out.unwrap_or_else(|| format!("write for example `{}`", key.map_or("", |k| k.example)));
        let at = wrong.within.and_then(|within| self.inside(at, within)).unwrap_or_else(|| at.clone());
        self.error(wrong.code, &at, message, way_out);
    }

    /// The place of an octet of a text that stands at `at`; `None` if the file says it otherwise than the octets are.
    fn inside(&self, at: &Range<usize>, within: usize) -> Option<Range<usize>> {
        let (quote, rest) = self.text.get(at.clone())?.split_at_checked(1)?;
        let plain = !rest.starts_with(quote) && (quote == "'" || !rest.contains('\\'));
        let place = at.start + 1 + within;
        (plain && place < at.end).then(|| place..at.end - 1).filter(|place| self.text.is_char_boundary(place.start))
    }

    /// A list, or a single value in place of it, less those that are wrong. An empty list, and a value that is there
    /// twice, are told of. `None` if there is none, or nothing in it.
    pub(super) fn several<T: PartialEq>(
        &mut self,
        section: &Section<'_>,
        name: &str,
        parse: impl Fn(&DeValue<'_>) -> Result<T, Wrong>,
    ) -> Vec<T> {
        debug_assert!(keys::find(section.path, name).is_some(), "{}.{name} is not in the list of keys", section.path);
        let Some(value) = section.table.get(name) else { return Vec::new() };
        let mut found: Vec<T> = Vec::new();
        let mut one = |r: &mut Self, value: &Spanned<DeValue<'_>>| match parse(value.get_ref()) {
            Ok(read) if found.contains(&read) => {
                let message = format!("`{name}` says this twice");
                r.warning("said-twice", &value.span(), message, "leave out one of the two");
            }
            Ok(read) => found.push(read),
            Err(wrong) => r.wrong(section.path, name, &value.span(), wrong),
        };
        match value.get_ref().as_array() {
            None => one(self, value),
            Some(array) if array.is_empty() => {
                let message = format!("`{name}`: an empty list says nothing");
                self.error("bad-value", &value.span(), message, format!("leave out `{name}`"));
            }
            Some(array) => array.iter().for_each(|item| one(self, item)),
        }
        found
    }

    /// True if the value of the key is a table.
    pub(super) fn is_table(&self, section: &Section<'_>, name: &str) -> bool {
        section.table.get(name).is_some_and(|value| value.get_ref().as_table().is_some())
    }
}

fn with_article(noun: &str) -> String {
    match noun {
        "true or false" | "true, false or table" | "true, false or text" | "tables" => noun.to_owned(),
        _ if noun.starts_with(['A', 'a', 'e', 'i', 'I', 'o', 'u']) => format!("an {noun}"),
        _ => format!("a {noun}"),
    }
}
