//! The pages hold what they promise: files exist, names of events, fields and tests are real, commands can be typed.

#![allow(clippy::unwrap_used)] // a test may end where its premise does not hold

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files below, with one of these endings.
fn files(below: &str, endings: &[&str]) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![root().join(below)]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found
}

/// What stands between backticks in the text outside of fenced blocks.
fn quoted(text: &str) -> Vec<String> {
    let mut fenced = false;
    let prose = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    });
    let mut words = Vec::new();
    for line in prose {
        words.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    words
}

/// The targets of links, without what stands behind `#`.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.map(|target| target.split('#').next().unwrap_or_default().to_owned()).collect()
}

fn pages() -> Vec<PathBuf> {
    let mut pages = files("docs", &[".md"]);
    pages.push(root().join("README.md"));
    pages
}

#[test]
fn every_link_leads_to_a_file() {
    let mut wrong = Vec::new();
    for page in pages() {
        for link in links(&fs::read_to_string(&page).unwrap()) {
            let there = link.is_empty() || link.contains("://") || page.parent().unwrap().join(&link).exists();
            if !there {
                wrong.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_that_a_page_names_exists() {
    let mut wrong = Vec::new();
    for page in pages() {
        for word in quoted(&fs::read_to_string(&page).unwrap()) {
            let tops = ["src/", "tests/", "labs/", "docs/", "fuzz/", ".ci/"];
            let source = word.ends_with(".rs") && word.contains('/') || tops.iter().any(|top| word.starts_with(top));
            if !source || word.contains([' ', '*', '{', '<', '|']) {
                continue;
            }
            // The pages on architecture say `session/peer.rs` for `src/session/peer.rs`.
            if ![root().join(&word), root().join("src").join(&word)].iter().any(|path| path.exists()) {
                wrong.push(format!("{}: {word}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_event_of_the_log_is_explained_and_no_other_is() {
    let mut events = BTreeSet::new();
    let is_name = |word: &str| {
        word.split_once('.').is_some_and(|(area, what)| {
            [area, what].iter().all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        })
    };
    let machine = read("src/speaker/event/name.rs");
    let (_, names) = machine.split_once("pub fn name(").unwrap();
    let (names, _) = names.split_once("pub fn about(").unwrap();
    events.extend(names.split('"').skip(1).step_by(2).map(str::to_owned));
    assert!(events.len() > 5 && events.iter().all(|name| is_name(name)), "{events:?}");
    for file in files("src", &[".rs"]) {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let told = code.split("event = \"").skip(1).filter_map(|rest| rest.split('"').next());
        events.extend(told.filter(|name| is_name(name)).map(str::to_owned));
    }
    let page = read("docs/operations.md");
    let (_, table) = page.split_once("| event | level | when |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let told: BTreeSet<_> = table.lines().filter_map(|line| line.split('`').nth(1)).map(str::to_owned).collect();
    assert_eq!(told, events);
}

#[test]
fn every_path_and_every_field_of_the_api_is_explained() {
    let page = read("docs/api.md");
    let requests = read("src/control/api/request.rs");
    let (_, list) = requests.split_once("pub enum Request {").unwrap();
    let (list, _) = list.split_once("\n}").unwrap();
    let mut paths = 0;
    for quoted in list.lines().filter(|line| line.contains("///")).filter_map(|line| line.split('`').nth(1)) {
        let path = quoted.split('?').next().unwrap();
        assert!(page.contains(&format!("`{path}`")), "{path} is not in docs/api.md");
        for parameter in quoted.split_once('?').map_or("", |(_, query)| query).split('&').filter(|p| !p.is_empty()) {
            let parameter = parameter.trim_end_matches('=');
            assert!(page.contains(&format!("`{parameter}`")), "{parameter} is not in docs/api.md");
        }
        paths += 1;
    }
    assert!(paths >= 8, "{paths}");
    let mut fields = BTreeSet::new();
    for file in files("src/control/snapshots", &[".json"]) {
        let value: serde_json::Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        keys(&value, &mut fields);
    }
    assert!(fields.len() > 50, "{}", fields.len());
    let missing: Vec<_> = fields.iter().filter(|field| !page.contains(&format!("`{field}`"))).collect();
    assert!(missing.is_empty(), "not in docs/api.md: {missing:?}");
}

fn keys(value: &serde_json::Value, found: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(object) => {
            for (key, value) in object {
                found.insert(key.clone());
                keys(value, found);
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

#[test]
fn every_command_that_a_page_shows_can_be_typed() {
    let mut tried = BTreeSet::new();
    for page in
        ["README.md", "docs/operations.md", "docs/api.md", "docs/configuration.md", "labs/dual-redundancy/README.md"]
    {
        let text = read(page);
        let shown = text.lines().filter_map(|line| line.strip_prefix("$ ").or(Some(line)));
        let lines = shown.filter(|line| line.starts_with("twinspan ")).map(str::to_owned);
        let inline = quoted(&text).into_iter().filter(|word| word.starts_with("twinspan "));
        for line in lines.chain(inline) {
            // `...` stands for whatever fits, and `a|b` for one of them.
            let words: Vec<&str> = line.split_whitespace().skip(1).take_while(|word| *word != "...").collect();
            if words.first().is_none_or(|word| word.contains('.')) || words.contains(&"is") {
                continue; // "twinspan 0.1.0 runs", a sentence
            }
            let words = words.iter().map(|word| match word.split('|').next().unwrap() {
                "PREFIX" => "10.52.0.0/16",
                "ADDRESS" => "10.52.1.10",
                word => word,
            });
            let mut command = Command::new(env!("CARGO_BIN_EXE_twinspan"));
            // Wrong words are told before the help that the last word asks for.
            let done = command.args(words).arg("--help").output().unwrap();
            let said = String::from_utf8_lossy(&done.stderr);
            assert!(done.status.success(), "{page}: `{line}`: {said}");
            tried.insert(line);
        }
    }
    assert!(tried.len() > 10, "{tried:?}");
}

#[test]
fn every_decision_is_listed() {
    let list = read("docs/decisions/README.md");
    for page in files("docs/decisions", &[".md"]) {
        let name = page.file_name().unwrap().to_string_lossy().into_owned();
        assert!(name == "README.md" || list.contains(&format!("]({name})")), "{name} is not listed");
    }
}

#[test]
fn every_test_that_a_page_names_exists() {
    let mut code = String::new();
    for file in files("src", &[".rs"]).into_iter().chain(files("tests", &[".rs"])) {
        code += &fs::read_to_string(file).unwrap();
    }
    let mut named = 0;
    let mut wrong = Vec::new();
    let decisions = files("docs/decisions", &[".md"]).into_iter().filter(|page| !page.ends_with("README.md"));
    for page in decisions.chain([root().join("docs/rfc.md")]) {
        for word in quoted(&fs::read_to_string(&page).unwrap()) {
            let exists = match word.strip_suffix(".txt") {
                Some(golden) => root().join("tests/golden/octets").join(format!("{golden}.hex")).exists(),
                None if word.matches('_').count() >= 3 && !word.contains('/') => code.contains(&format!("fn {word}(")),
                None => continue,
            };
            named += 1;
            if !exists {
                wrong.push(format!("{}: {word}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty() && named > 40, "{named} names, of which wrong: {wrong:#?}");
}

/// The numbers behind `r` in a test's name: `r7_to_r10_and_r12_...` has 7, 8, 9, 10 and 12. Only such a name begins with one.
fn ids(test: &str) -> BTreeSet<u32> {
    let words: Vec<&str> = test.split('_').collect();
    let id = |word: &str| word.strip_prefix('r').and_then(|number| number.parse::<u32>().ok());
    let mut found = BTreeSet::new();
    if words.first().copied().and_then(id).is_none() {
        return found;
    }
    for (at, word) in words.iter().enumerate() {
        let Some(last) = id(word) else { continue };
        let range = at >= 2 && words[at - 1] == "to";
        let first = if range { id(words[at - 2]).unwrap_or(last) } else { last };
        found.extend(first..=last);
    }
    found
}

#[test]
fn every_behaviour_has_its_row_with_labs_and_tests_that_exist_and_bear_its_id() {
    let mut code = String::new();
    for file in files("src", &[".rs"]).into_iter().chain(files("tests", &[".rs"])) {
        code += &fs::read_to_string(file).unwrap();
    }
    let page = read("docs/behaviours.md");
    let (mut wrong, mut rows) = (Vec::new(), BTreeSet::new());
    for line in page.lines().filter(|line| line.starts_with("| R")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, id, behaviour, labs, tests, _, _] = cells[..] else { panic!("a row has five cells: {line}") };
        let number: u32 = id.trim_start_matches('R').parse().unwrap();
        assert!(!behaviour.is_empty() && rows.insert(number), "{line}");
        for lab in quoted(labs).iter().filter(|lab| !root().join(format!("labs/{lab}/{lab}.clab.yml")).exists()) {
            wrong.push(format!("{id}: there is no lab {lab}"));
        }
        let tests = quoted(tests);
        for test in &tests {
            if !code.contains(&format!("fn {test}(")) {
                wrong.push(format!("{id}: there is no test {test}"));
            } else if !ids(test).contains(&number) {
                wrong.push(format!("{id}: {test} does not bear this id"));
            }
        }
        let said = line.contains("not yet shown") || line.contains("not said");
        if tests.is_empty() != said {
            wrong.push(format!("{id}: a test, or the words \"not yet shown\""));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(rows, (1..=36).collect());
    assert_eq!(ids("r7_to_r10_and_r12_traffic"), [7, 8, 9, 10, 12].into());
}
