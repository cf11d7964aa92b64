//! Holds `docs/configuration.md` against the list of keys.

use std::collections::BTreeMap;

use twinspan::config::{Class, KEYS, check_text};

const PAGE: &str = include_str!("../../docs/configuration.md");

/// What the page says: under each heading with a table's name, one row a key: key, type, default.
fn documented() -> BTreeMap<(String, String), (String, String)> {
    let mut table = None;
    let mut found = BTreeMap::new();
    for line in PAGE.lines() {
        if let Some(heading) = line.strip_prefix("## ").or_else(|| line.strip_prefix("### ")) {
            table = match heading.trim() {
                "Top level" => Some(String::new()),
                other => other.strip_prefix('`').and_then(|t| t.split('`').next()).map(|t| t.replace(['[', ']'], "")),
            };
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if let (Some(table), ["", key, kind, default, ..]) = (&table, cells.as_slice())
            && let Some(key) = key.strip_prefix('`').and_then(|k| k.strip_suffix('`'))
        {
            let row = ((*kind).to_owned(), (*default).to_owned());
            let twice = found.insert((table.clone(), key.to_owned()), row);
            assert_eq!(twice, None, "{table}.{key} is documented twice");
        }
    }
    found
}

#[test]
fn every_key_is_documented_with_its_type_and_default_and_no_other_is() {
    let page = documented();
    for key in KEYS {
        let row = page.get(&(key.table.to_owned(), key.name.to_owned()));
        let (kind, default) = row.unwrap_or_else(|| panic!("{}.{} is not documented", key.table, key.name));
        assert_eq!(kind, key.kind, "{}.{}", key.table, key.name);
        let plain = |text: &str| text.replace('`', "");
        assert_eq!(plain(default), plain(key.default), "{}.{}", key.table, key.name);
    }
    for (table, key) in page.keys() {
        assert!(KEYS.iter().any(|k| k.table == table && k.name == key), "{table}.{key} is documented and no key");
    }
}

#[test]
fn what_a_change_of_each_key_costs_is_documented_as_it_is() {
    let (_, section) = PAGE.split_once("## What a change costs").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let mut told = BTreeMap::new();
    for line in section.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", table, none, soft, session, restart, ""] = cells.as_slice() else { continue };
        let table = if *table == "top level" { "" } else { table.trim_matches('`') };
        for (class, cell) in Class::ALL.into_iter().zip([none, soft, session, restart]) {
            for key in cell.split('`').skip(1).step_by(2) {
                assert_eq!(told.insert((table.to_owned(), key.to_owned()), class), None, "{table}.{key} stands twice");
            }
        }
    }
    for key in KEYS {
        let class = told.remove(&(key.table.to_owned(), key.name.to_owned()));
        assert_eq!(class, Some(key.class()), "{}: docs/configuration.md, \"What a change costs\"", key.path());
    }
    assert!(told.is_empty(), "no keys: {told:?}");
}

#[test]
fn every_rule_is_documented() {
    let sources =
        ["instances", "devices", "connections", "policies", "ranges", "secrets", "sessions", "statics", "twin"];
    for name in sources {
        let path = format!("{}/src/config/rules/{name}.rs", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        for code in text.lines().filter_map(|l| l.trim().strip_prefix("/// `")).filter_map(|l| l.split('`').next()) {
            assert!(PAGE.contains(&format!("`{code}`")), "the rule {code} is not documented");
        }
    }
}

#[test]
fn the_complete_example_of_the_page_is_a_right_file() {
    let example = PAGE.split("```toml\n").nth(1).and_then(|t| t.split("```").next()).unwrap();
    let report = check_text("docs/configuration.md", example);
    assert!(report.ok && report.diagnostics.is_empty(), "{}", report.render(example));
}
