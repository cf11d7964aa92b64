//! Who may name whom: the table of the house, held against every `use` and path of `src`.

#![allow(clippy::unwrap_used)] // a test may stop where it stands

use std::{collections::BTreeMap, fs, path::Path};

/// Module, and the modules of this crate that it may name besides itself and its own children.
///
/// `io` in the first column means every module's `io` child. `daemon` and `cli` may name anything.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("shards", &[]),
    ("telemetry", &[]),
    ("wire", &["types"]),
    ("fib", &["types", "shards"]),
    ("bfd", &["types"]),
    ("probe", &["types"]),
    ("twin", &["types"]),
    ("hook", &["types"]),
    ("drain", &["types"]),
    ("vpn", &["types"]),
    ("role", &["types"]),
    ("gateway", &["types"]),
    ("control", &["types"]),
    ("transport", &["types"]),
    ("metrics", &["types", "control"]),
    ("policy", &["types", "wire"]),
    ("session", &["types", "wire"]),
    ("rib", &["types", "shards", "wire", "policy"]),
    ("config", &["types", "wire", "policy", "session", "fib", "bfd", "vpn", "gateway", "hook"]),
    (
        "speaker",
        &[
            "types",
            "telemetry",
            "wire",
            "fib",
            "bfd",
            "probe",
            "twin",
            "hook",
            "drain",
            "vpn",
            "gateway",
            "control",
            "policy",
            "session",
            "rib",
            "config",
            "role",
        ],
    ),
];

/// Words that only the shell may say: every `io`, `transport`, `daemon`, `cli`.
const WORLD: &[&str] = &[
    "std::net::Tcp",
    "std::net::Udp",
    "tokio::",
    "std::fs",
    "std::thread",
    "SystemTime",
    "Instant::now",
    "std::env",
    "socket2",
    "netlink_sys",
];

fn sources(dir: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Every `crate::NAME` in the text, comments left out.
fn named(text: &str) -> Vec<(usize, String)> {
    let mut names = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for (at, _) in code.match_indices("crate::") {
            let rest = &code[at + 7..];
            if let Some(group) = rest.strip_prefix('{') {
                names.push((number + 1, format!("{{{group}")));
            } else {
                let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                names.push((number + 1, name));
            }
        }
    }
    names
}

#[test]
fn every_module_names_only_what_the_table_allows() {
    let table: BTreeMap<_, _> = MAY_NAME.iter().copied().collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let module = first.trim_end_matches(".rs").to_owned();
        if ["lib", "main", "daemon", "cli"].contains(&module.as_str()) {
            continue;
        }
        let allowed = table.get(module.as_str()).unwrap_or_else(|| panic!("{module} is not in the table"));
        for (line, name) in named(&fs::read_to_string(&file).unwrap()) {
            if name.starts_with('{') {
                wrong.push(format!("{}:{line}: write one `use crate::module::...` a module", relative.display()));
            } else if name != module && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{}:{line}: {module} may not name {name}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_shell_touches_the_world() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let shell = ["daemon/", "cli/", "transport/", "main.rs"].iter().any(|s| relative.starts_with(s))
            || relative.contains("/io/")
            || relative.ends_with("/io.rs");
        if shell || relative == "telemetry.rs" {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            let line = line.split("//").next().unwrap_or_default();
            for word in WORLD.iter().filter(|word| line.contains(**word)) {
                wrong.push(format!("{relative}:{}: `{word}` belongs to the shell", number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
