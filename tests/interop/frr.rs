//! FRR: asked and told through vtysh.

use anyhow::Result;
use serde_json::Value;

use crate::pair::SOON;
use crate::peer::{Peer, Route, Session, set};
use crate::runner::{Lab, wait_until};

pub(crate) struct Frr;

fn show(lab: &Lab, what: &str) -> Result<Value> {
    Ok(serde_json::from_str(&lab.must("frr", &["vtysh", "-c", &format!("show {what} json")])?)?)
}

fn family(prefix: &str) -> &'static str {
    if prefix.contains(':') { "ipv6" } else { "ipv4" }
}

impl Frr {
    /// Runs lines of configuration.
    fn configure(lab: &Lab, lines: &[String]) -> Result<()> {
        let mut words = vec!["vtysh", "-c", "configure terminal", "-c", "router bgp 65010"];
        words.extend(lines.iter().flat_map(|line| ["-c", line.as_str()]));
        lab.must("frr", &words).map(drop)
    }

    fn networks(lab: &Lab, prefixes: &[String], no: &str) -> Result<()> {
        let line =
            |prefix: &String| [format!("address-family {} unicast", family(prefix)), format!("{no}network {prefix}")];
        for some in prefixes.chunks(500) {
            Self::configure(lab, &some.iter().flat_map(line).collect::<Vec<_>>())?;
        }
        Ok(())
    }
}

impl Peer for Frr {
    fn node(&self) -> &'static str {
        "frr"
    }

    fn number(&self) -> u8 {
        0
    }

    fn program(&self) -> &'static str {
        "bgpd"
    }

    fn file(&self) -> (&'static str, &'static str) {
        ("frr/frr.conf", "/etc/frr/frr.conf")
    }

    fn start_again(&self, lab: &mut Lab) -> Result<()> {
        // Zebra has gone on, and holds the routes. The configuration comes once, as soon as bgpd can take it.
        lab.spawn("frr", &["/usr/lib/frr/bgpd", "--log", "stdout", "-A", "127.0.0.1"])?;
        let answers = || lab.must("frr", &["vtysh", "-d", "bgpd", "-c", "show version"]);
        wait_until(SOON, || answers().map_err(|error| format!("{error:#}")))?;
        lab.must("frr", &["vtysh", "-b"]).map(drop)
    }

    fn forgets_ipv6_routes(&self) -> bool {
        true
    }

    fn session(&self, lab: &Lab, us: &str) -> Result<Session> {
        let shown = show(lab, &format!("bgp neighbors {us}"))?;
        let neighbor = shown.as_object().and_then(|all| all.values().next()).cloned().unwrap_or_default();
        let log = lab.log("frr", "bgpd");
        let said = log
            .lines()
            .rfind(|line| line.contains("NOTIFICATION") && line.contains("received from"))
            .unwrap_or_default();
        Ok(Session {
            established: neighbor["bgpState"] == "Established",
            last_end: format!("{} {} {said}", neighbor["lastResetDueTo"], neighbor["lastNotificationReason"]),
        })
    }

    fn learned(&self, lab: &Lab, us: &str, prefix: &str) -> Result<Option<Route>> {
        let shown = show(lab, &format!("bgp {} unicast {prefix}", family(prefix)))?;
        let all = shown["paths"].as_array().cloned().unwrap_or_default();
        let ours = all.iter().find(|path| path["valid"] == true && path["peer"]["peerId"] == us);
        Ok(ours.map(|path| {
            let list = |key: &str| set(path[key]["list"].as_array().into_iter().flatten().filter_map(Value::as_str));
            let extended = path["extendedCommunity"]["string"].as_str().unwrap_or_default().to_lowercase();
            Route {
                communities: list("community"),
                extended: set(extended.split_whitespace()),
                large: list("largeCommunity"),
            }
        }))
    }

    fn announce(&self, lab: &Lab, prefixes: &[String]) -> Result<()> {
        Self::networks(lab, prefixes, "")
    }

    fn announce_marked(&self, lab: &Lab, prefix: &str, communities: u16) -> Result<()> {
        // A line of FRR's holds not many: one entry of the route map for each hundred.
        let mut lines = Vec::new();
        for start in (0..communities).step_by(100) {
            let some: Vec<String> = (start..communities.min(start + 100)).map(|n| format!("65001:{n}")).collect();
            lines.push(format!("route-map many permit {}", start + 1));
            lines.push(format!("set community {} additive", some.join(" ")));
            lines.push("on-match next".to_owned());
        }
        lines.push(format!("route-map many permit {}", communities + 1));
        lines.push("router bgp 65010".to_owned());
        lines.push("address-family ipv4 unicast".to_owned());
        lines.push(format!("network {prefix} route-map many"));
        Self::configure(lab, &lines)
    }

    fn withdraw(&self, lab: &Lab, prefixes: &[String]) -> Result<()> {
        Self::networks(lab, prefixes, "no ")
    }

    fn ask_again(&self, lab: &Lab, us: &str) -> Result<()> {
        lab.must("frr", &["vtysh", "-c", &format!("clear bgp ipv4 unicast {us} soft in")]).map(drop)
    }

    fn shut_down(&self, lab: &Lab, us: &str, text: &str) -> Result<()> {
        Self::configure(lab, &[format!("neighbor {us} shutdown message {text}")])
    }

    fn without_ttl_security(&self) -> (&'static str, &'static str) {
        (" neighbor gateway ttl-security hops 1\n", "")
    }

    fn with_password(&self, password: &str) -> (&'static str, String) {
        let line = " neighbor gateway timers connect 1\n";
        (line, format!("{line} neighbor gateway password {password}\n"))
    }

    fn with_limit_of_three(&self) -> (&'static str, &'static str) {
        ("  network 10.50.0.0/16\n", "  network 10.50.0.0/16\n  neighbor 169.254.21.2 maximum-prefix 3\n")
    }
}
