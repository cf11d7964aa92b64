//! GoBGP: asked and told through its command, which speaks gRPC.

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::pair::SOON;
use crate::peer::{Peer, Route, Session};
use crate::runner::{Lab, wait_until};

pub(crate) struct Gobgp;

fn show(lab: &Lab, words: &[&str]) -> Result<Value> {
    Ok(serde_json::from_str(&lab.must("gobgp", &[&["gobgp"], words, &["-j"]].concat())?)?)
}

/// The family of a prefix, and what this node names as next hop in it.
fn family(prefix: &str) -> (&'static str, &'static str) {
    if prefix.contains(':') { ("ipv6", "fd21:0:2::1") } else { ("ipv4", "169.254.21.9") }
}

const MARKS: &str = "community 65001:52 rt 65001:52 large-community 65001:5:2";

impl Gobgp {
    fn add(lab: &Lab, prefix: &str, more: &str) -> Result<()> {
        let (family, next_hop) = family(prefix);
        let line = format!("gobgp global rib add {prefix} nexthop {next_hop} {more} -a {family}");
        lab.must("gobgp", &line.split_whitespace().collect::<Vec<_>>()).map(drop)
    }
}

impl Peer for Gobgp {
    fn node(&self) -> &'static str {
        "gobgp"
    }

    fn number(&self) -> u8 {
        2
    }

    fn program(&self) -> &'static str {
        "gobgpd"
    }

    fn file(&self) -> (&'static str, &'static str) {
        ("gobgp/gobgpd.toml", "/etc/gobgp/gobgpd.toml")
    }

    fn begin(&self, lab: &Lab) -> Result<()> {
        for prefix in ["10.52.0.0/16", "fd52::/48"] {
            Self::add(lab, prefix, "")?;
        }
        for prefix in ["10.52.52.0/24", "fd52:0:0:52::/64"] {
            Self::add(lab, prefix, MARKS)?;
        }
        Ok(())
    }

    fn start_again(&self, lab: &mut Lab) -> Result<()> {
        // -r: this start is one of a graceful restart.
        lab.spawn("gobgp", &["/usr/bin/gobgpd", "-r", "-t", "toml", "-f", "/etc/gobgp/gobgpd.toml"])?;
        wait_until(SOON, || self.begin(lab).map_err(|error| format!("{error:#}")))
    }

    fn session(&self, lab: &Lab, us: &str) -> Result<Session> {
        let shown = show(lab, &["neighbor", us])?;
        let log = lab.log("gobgp", "gobgpd");
        let said = log.lines().filter(|line| line.contains(us) && line.contains("notification"));
        Ok(Session { established: shown["state"]["session_state"] == 6, last_end: said.collect() })
    }

    fn learned(&self, lab: &Lab, us: &str, prefix: &str) -> Result<Option<Route>> {
        // Without a route it says so in words, not in JSON.
        let done = lab.exec("gobgp", &["gobgp", "global", "rib", prefix, "-a", family(prefix).0, "-j"])?;
        let Ok(shown) = serde_json::from_slice::<Value>(&done.stdout) else { return Ok(None) };
        let mut paths = shown[prefix].as_array().into_iter().flatten();
        let Some(path) = paths.find(|path| path["neighbor-ip"] == us) else { return Ok(None) };
        let none = Vec::new();
        let mut route = Route::default();
        for attribute in path["attrs"].as_array().context("a path without attributes")? {
            let list = |key: &str| attribute[key].as_array().unwrap_or(&none).iter();
            match attribute["type"].as_u64() {
                Some(8) => {
                    let numbers = list("communities").filter_map(Value::as_u64);
                    route.communities = numbers.map(|all| format!("{}:{}", all >> 16, all & 0xffff)).collect();
                }
                Some(16) => {
                    // Type 0, subtype 2 of RFC 4360: a route target of a two-octet AS.
                    let kind = |item: &Value| match (item["type"].as_u64(), item["subtype"].as_u64()) {
                        (Some(0), Some(2)) => "rt".to_owned(),
                        other => format!("{other:?}"),
                    };
                    let text = |item: &Value| item["value"].as_str().unwrap_or_default().to_owned();
                    route.extended = list("value").map(|item| format!("{}:{}", kind(item), text(item))).collect();
                }
                Some(32) => {
                    let text = |item: &Value| format!("{}:{}:{}", item["ASN"], item["LocalData1"], item["LocalData2"]);
                    route.large = list("value").map(text).collect();
                }
                _ => {}
            }
        }
        Ok(Some(route))
    }

    fn announce(&self, lab: &Lab, prefixes: &[String]) -> Result<()> {
        let mut script = String::new();
        for prefix in prefixes {
            let (family, next_hop) = family(prefix);
            script += &format!("gobgp global rib add {prefix} nexthop {next_hop} -a {family}\n");
        }
        lab.shell("gobgp", &format!("set -e\n{script}")).map(drop)
    }

    fn withdraw(&self, lab: &Lab, prefixes: &[String]) -> Result<()> {
        for prefix in prefixes {
            lab.must("gobgp", &["gobgp", "global", "rib", "del", prefix, "-a", family(prefix).0])?;
        }
        Ok(())
    }

    fn ask_again(&self, lab: &Lab, us: &str) -> Result<()> {
        lab.must("gobgp", &["gobgp", "neighbor", us, "softresetin", "-a", "ipv4"]).map(drop)
    }

    fn shut_down(&self, lab: &Lab, us: &str, text: &str) -> Result<()> {
        lab.must("gobgp", &["gobgp", "neighbor", us, "shutdown", "--reason", text]).map(drop)
    }

    fn without_ttl_security(&self) -> (&'static str, &'static str) {
        ("enabled = true\n    ttl-min = 255", "enabled = false\n    ttl-min = 255")
    }

    fn with_password(&self, password: &str) -> (&'static str, String) {
        let line = "    peer-as = 65515\n";
        (line, format!("{line}    auth-password = \"{password}\"\n"))
    }

    fn with_limit_of_three(&self) -> (&'static str, &'static str) {
        (
            "    [peer-groups.afi-safis.mp-graceful-restart.config]\n",
            "    [peer-groups.afi-safis.prefix-limit.config]\n      max-prefixes = 3\n    \
             [peer-groups.afi-safis.mp-graceful-restart.config]\n",
        )
    }
}
