//! What a file says key by key, as it was written: what two files can be compared by for people.

use std::{collections::BTreeMap, fmt::Write as _};

use toml::de::{DeTable, DeValue};

use super::keys::{KEYS, Key, find};

/// Which text a configuration came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source {
    /// The file's name as it was given.
    pub file: String,
    /// 16 hexadecimal digits that differ when the text differs (FNV-1a, 64 bits): no proof against malice.
    pub fingerprint: String,
}

impl Source {
    /// Of that text.
    #[must_use]
    pub fn of(file: &str, text: &str) -> Self {
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| {
            (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self { file: file.to_owned(), fingerprint: format!("{hash:016x}") }
    }
}

/// All keys of a file that hold a value. Empty for a configuration that was made in code.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Written {
    /// By the thing that they are about, in the words of [`Written::of`].
    things: BTreeMap<String, Thing>,
    source: Option<Source>,
}

/// One thing with keys: the gateway, a device, a tunnel.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Thing {
    /// The key that lists it, if there can be several of its kind.
    pub(super) listed: Option<&'static Key>,
    /// Its values as text, by table and key.
    pub(super) values: BTreeMap<(&'static str, &'static str), String>,
}

impl Written {
    /// Reads a document that has no faults.
    pub(super) fn of(source: Source, document: &DeTable<'_>) -> Self {
        let mut written = Self { source: Some(source), ..Self::default() };
        written.table("", "", document);
        written
    }

    /// Which text it is.
    #[must_use]
    pub fn source(&self) -> Option<&Source> {
        self.source.as_ref()
    }

    /// What it says, as 16 hexadecimal digits (FNV-1a, 64 bits): the same for files that hold the same keys with the same
    /// values, whatever their comments and the order of their keys. `None` for what was made in code.
    #[must_use]
    pub fn digest(&self) -> Option<String> {
        self.source.as_ref()?;
        let mut text = String::new();
        for (name, thing) in &self.things {
            let _ = writeln!(text, "{name}");
            for ((table, key), value) in &thing.values {
                let _ = writeln!(text, "{table}.{key} = {value:?}");
            }
        }
        Some(Source::of("", &text).fingerprint)
    }

    pub(super) fn things(&self) -> &BTreeMap<String, Thing> {
        &self.things
    }

    fn table(&mut self, thing: &str, path: &'static str, table: &DeTable<'_>) {
        for (name, value) in table {
            let Some(key) = find(path, name.get_ref()) else { continue };
            let value = value.get_ref();
            match (value, child(key)) {
                (DeValue::Table(inner), Some(path)) => {
                    let thing = if thing.is_empty() { format!("[{}]", key.name) } else { thing.to_owned() };
                    self.table(&thing, path, inner);
                }
                (DeValue::Array(items), Some(path)) => {
                    for (at, item) in items.iter().enumerate() {
                        let Some(inner) = item.get_ref().as_table() else { continue };
                        let thing = called(key, table, inner, at, thing);
                        self.things.entry(thing.clone()).or_default().listed = Some(key);
                        self.table(&thing, path, inner);
                    }
                }
                (value, _) => {
                    let values = &mut self.things.entry(thing.to_owned()).or_default().values;
                    values.insert((key.table, key.name), text(value));
                }
            }
        }
    }
}

/// The tables that are the value of a key, if it has such.
pub(super) fn child(key: &Key) -> Option<&'static str> {
    let inner = format!("{}.{}", key.table, key.name);
    let is_child = |table: &str| {
        table == inner || (key.table.is_empty() || matches!(key.name, "bgp" | "bfd" | "probe")) && table == key.name
    };
    KEYS.iter().map(|other| other.table).find(|table| is_child(table))
}

/// What one of several things is called: its kind and its name; what has no name, by its place in the list.
fn called(key: &Key, outer: &DeTable<'_>, table: &DeTable<'_>, at: usize, thing: &str) -> String {
    let word = |table: &DeTable<'_>, name: &str| table.get(name)?.get_ref().as_str().map(str::to_owned);
    let own = word(table, "name");
    match (key.table, key.name) {
        ("connection", "tunnels") => {
            // As `gateway::Connection::tunnel_name` does it.
            let far = word(outer, "device").or_else(|| word(outer, "peer-gateway")).unwrap_or_default();
            let plain = |table: &DeTable<'_>| {
                let host = word(table, "peer-instance").map(|name| format!(":{name}")).unwrap_or_default();
                format!("{far}{host}/{}", word(table, "instance").unwrap_or_default())
            };
            let derived = || {
                let plain_name = plain(table);
                let all = outer.get("tunnels").and_then(|all| all.get_ref().as_array());
                let tables = all.into_iter().flat_map(|all| all.iter()).filter_map(|other| other.get_ref().as_table());
                let interface =
                    word(table, "interface").filter(|_| tables.filter(|t| plain(t) == plain_name).count() > 1);
                format!("{plain_name}{}", interface.map(|name| format!(":{name}")).unwrap_or_default())
            };
            format!("tunnel {}", own.unwrap_or_else(derived))
        }
        ("gateway", "instance") => format!("instance {}", own.unwrap_or_default()),
        ("peer-gateway", "instance") => format!("{thing} instance {}", own.unwrap_or_default()),
        (_, kind) => {
            let name = own.or_else(|| word(table, "device")).or_else(|| word(table, "peer-gateway"));
            match name {
                Some(name) => format!("{kind} {name}"),
                None => format!("{thing} {kind} {}", at + 1),
            }
        }
    }
}

fn text(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| text(item.get_ref())).collect();
            format!("[{}]", items.join(", "))
        }
        DeValue::Table(table) => {
            let pairs: Vec<_> =
                table.iter().map(|(name, value)| format!("{} = {}", name.get_ref(), text(value.get_ref()))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
    }
}
