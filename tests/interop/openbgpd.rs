//! OpenBGPD: asked and told through bgpctl.

use anyhow::Result;
use serde_json::Value;

use crate::peer::{Peer, Route, Session, set};
use crate::runner::Lab;

pub(crate) struct Openbgpd;

fn show(lab: &Lab, words: &[&str]) -> Result<Value> {
    Ok(serde_json::from_str(&lab.must("openbgpd", &[&["bgpctl", "-j", "show"], words].concat())?)?)
}

impl Peer for Openbgpd {
    fn node(&self) -> &'static str {
        "openbgpd"
    }

    fn number(&self) -> u8 {
        4
    }

    fn program(&self) -> &'static str {
        "bgpd"
    }

    fn file(&self) -> (&'static str, &'static str) {
        ("openbgpd/bgpd.conf", "/etc/openbgpd/bgpd.conf")
    }

    fn session(&self, lab: &Lab, us: &str) -> Result<Session> {
        let shown = show(lab, &["neighbor", us])?;
        let neighbor = &shown["neighbors"][0];
        let log = lab.log("openbgpd", "bgpd");
        let said = log.lines().filter(|line| line.contains(us) && line.contains("notification"));
        let said: Vec<&str> = said.collect();
        let last = |key: &str| neighbor[key].as_str().unwrap_or_default().to_owned();
        Ok(Session {
            established: neighbor["state"] == "Established",
            last_end: format!(
                "{} {} {}",
                last("last_shutdown_reason"),
                last("last_error_received"),
                said.last().copied().unwrap_or_default()
            ),
        })
    }

    fn learned(&self, lab: &Lab, us: &str, prefix: &str) -> Result<Option<Route>> {
        let shown = show(lab, &["rib", "detail", "neighbor", us, prefix])?;
        let Some(path) = shown["rib"].as_array().and_then(|all| all.iter().find(|path| path["prefix"] == prefix))
        else {
            return Ok(None);
        };
        let list = |key: &str| {
            let words = path[key].as_array().into_iter().flatten().filter_map(Value::as_str);
            set(words.map(|word| word.replace("rt ", "rt:")).collect::<Vec<_>>().iter().map(String::as_str))
        };
        Ok(Some(Route {
            communities: list("communities"),
            extended: list("extended_communities"),
            large: list("large_communities"),
        }))
    }

    fn announce(&self, lab: &Lab, prefixes: &[String]) -> Result<()> {
        lab.shell("openbgpd", &format!("bgpctl network bulk add <<'END'\n{}\nEND", prefixes.join("\n"))).map(drop)
    }

    fn withdraw(&self, lab: &Lab, prefixes: &[String]) -> Result<()> {
        lab.shell("openbgpd", &format!("bgpctl network bulk delete <<'END'\n{}\nEND", prefixes.join("\n"))).map(drop)
    }

    fn ask_again(&self, lab: &Lab, us: &str) -> Result<()> {
        lab.must("openbgpd", &["bgpctl", "neighbor", us, "refresh"]).map(drop)
    }

    fn shut_down(&self, lab: &Lab, us: &str, text: &str) -> Result<()> {
        lab.must("openbgpd", &["bgpctl", "neighbor", us, "down", text]).map(drop)
    }

    fn without_ttl_security(&self) -> (&'static str, &'static str) {
        ("ttl-security yes", "ttl-security no")
    }

    fn words_for_shutdown(&self) -> String {
        "administratively down".to_owned()
    }

    fn words_for_max_prefixes(&self) -> String {
        "max-prefix exceeded".to_owned()
    }

    fn with_password(&self, password: &str) -> (&'static str, String) {
        let line = "  ttl-security yes\n";
        (line, format!("{line}  tcp md5sig password {password}\n"))
    }

    fn with_limit_of_three(&self) -> (&'static str, &'static str) {
        ("  ttl-security yes\n", "  ttl-security yes\n  max-prefix 3\n")
    }
}
