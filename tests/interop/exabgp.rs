//! ExaBGP: told through a pipe, listened to by the file that its events go to.

use anyhow::Result;
use serde_json::Value;

use crate::peer::{Peer, Route, Session, marks};
use crate::runner::Lab;

pub(crate) struct Exabgp;

/// All events so far that are of the session with `us`.
fn heard(lab: &Lab, us: &str) -> Result<Vec<Value>> {
    let text = lab.must("exabgp", &["cat", "/run/exabgp/heard"])?;
    // The last line may be half written; answers to commands are no JSON.
    let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    Ok(events.filter(|event| event["neighbor"]["address"]["peer"] == us).collect())
}

fn say(lab: &Lab, lines: &str) -> Result<()> {
    // By a file: there may be more of it than a command line takes.
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), format!("{lines}\n"))?;
    lab.node("exabgp")?.bind(file.path(), "/run/exabgp/next".as_ref())?;
    lab.shell("exabgp", "cat /run/exabgp/next >/run/exabgp/say").map(drop)
}

fn next_hop(prefix: &str) -> &'static str {
    if prefix.contains(':') { "fd21:0:3::1" } else { "169.254.21.13" }
}

impl Peer for Exabgp {
    fn node(&self) -> &'static str {
        "exabgp"
    }

    fn number(&self) -> u8 {
        3
    }

    fn program(&self) -> &'static str {
        "exabgp"
    }

    fn file(&self) -> (&'static str, &'static str) {
        ("exabgp/exabgp.conf", "/etc/exabgp/exabgp.conf")
    }

    fn session(&self, lab: &Lab, us: &str) -> Result<Session> {
        let mut session = Session::default();
        for event in heard(lab, us)? {
            match event["type"].as_str() {
                Some("state") => {
                    session.established = event["neighbor"]["state"] == "up";
                    if event["neighbor"]["state"] == "down" {
                        session.last_end += &event["neighbor"]["reason"].to_string();
                    }
                }
                Some("notification") => session.last_end = event["neighbor"].to_string(),
                _ => {}
            }
        }
        Ok(session)
    }

    fn learned(&self, lab: &Lab, us: &str, prefix: &str) -> Result<Option<Route>> {
        let family = if prefix.contains(':') { "ipv6 unicast" } else { "ipv4 unicast" };
        let mut route = None;
        for event in heard(lab, us)? {
            if event["neighbor"]["state"] == "down" {
                route = None;
            }
            let update = &event["neighbor"]["message"]["update"];
            let holds = |list: &Value| list.as_array().is_some_and(|all| all.iter().any(|n| n["nlri"] == prefix));
            if holds(&update["withdraw"][family]) {
                route = None;
            }
            if update["announce"][family].as_object().is_some_and(|hops| hops.values().any(holds)) {
                route = Some(attributes(&update["attribute"]));
            }
        }
        Ok(route)
    }

    fn announce(&self, lab: &Lab, prefixes: &[String]) -> Result<()> {
        let line = |prefix: &String| format!("announce route {prefix} next-hop {}", next_hop(prefix));
        say(lab, &prefixes.iter().map(line).collect::<Vec<_>>().join("\n"))
    }

    fn announce_marked(&self, lab: &Lab, prefix: &str, communities: u16) -> Result<()> {
        let marks = marks(communities, |n| format!("65001:{n}"));
        say(lab, &format!("announce route {prefix} next-hop {} community [ {marks} ]", next_hop(prefix)))
    }

    fn withdraw(&self, lab: &Lab, prefixes: &[String]) -> Result<()> {
        let line = |prefix: &String| format!("withdraw route {prefix} next-hop {}", next_hop(prefix));
        say(lab, &prefixes.iter().map(line).collect::<Vec<_>>().join("\n"))
    }

    fn ask_again(&self, lab: &Lab, us: &str) -> Result<()> {
        say(lab, &format!("neighbor {us} announce route-refresh ipv4 unicast"))
    }

    fn shut_down(&self, lab: &Lab, us: &str, _text: &str) -> Result<()> {
        say(lab, &format!("neighbor {us} teardown 2"))
    }

    fn without_ttl_security(&self) -> (&'static str, &'static str) {
        ("    outgoing-ttl 255;\n    incoming-ttl 255;\n", "")
    }

    fn words_for_max_prefixes(&self) -> String {
        "\"data\":\"0x00010100000003\",\"subcode\":1".to_owned() // IPv4 unicast, 3 (RFC 4486 section 4)
    }

    fn with_password(&self, password: &str) -> (&'static str, String) {
        let line = "    hold-time 90;\n";
        (line, format!("{line}    md5-password \"{password}\";\n"))
    }
}

fn attributes(attributes: &Value) -> Route {
    let none = Vec::new();
    let list = |key: &str| attributes[key].as_array().unwrap_or(&none).iter();
    let numbers = |item: &Value| {
        let numbers = item.as_array().into_iter().flatten().map(Value::to_string);
        numbers.collect::<Vec<_>>().join(":")
    };
    Route {
        communities: list("community").map(numbers).collect(),
        // `{"value": 842122827006006, "string": "target:65001:52"}`
        extended: list("extended-community")
            .map(|item| item["string"].as_str().unwrap_or_default().replace("target:", "rt:"))
            .collect(),
        large: list("large-community").map(numbers).collect(),
    }
}
