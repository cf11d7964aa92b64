//! Restarts of devices while counted packets run both ways: none is lost (RFC 4724, RFC 8538). Of instances: `hitless`.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use crate::gateway::{CLOUD, Gateway, INSTANCES, SEEN_BY_BIRD, SEEN_BY_FRR, SOON, checkout};
use crate::runner::wait_until;
use crate::traffic::Traffic;

pub(crate) const STOP_LIMIT: Duration = Duration::from_secs(5);

/// The lab with devices that restart gracefully, at rest.
fn restarting_devices() -> Result<Gateway> {
    let folder = checkout("labs/dual-redundancy");
    let frr = fs::read_to_string(folder.join("hq-1/frr.conf"))?.replace(
        "router bgp 65010\n",
        "router bgp 65010\n bgp graceful-restart\n bgp graceful-restart preserve-fw-state\n",
    );
    let bird = fs::read_to_string(folder.join("hq-2/bird.conf"))?
        .replace("  ttl security on;\n", "  ttl security on;\n  graceful restart on;\n")
        .replace("protocol kernel {\n", "protocol kernel {\n  graceful restart on;\n  persist on;\n");
    ensure!(frr.contains("graceful") && bird.contains("graceful"), "the lab's files have changed");
    let files = [("hq-1", "/etc/frr/frr.conf", frr), ("hq-2", "/etc/bird/bird.conf", bird)];
    let gateway = Gateway::with_files(&files)?;
    gateway.rests()?;
    Ok(gateway)
}

/// How often an instance has logged a line with all of these words.
fn told(gateway: &Gateway, node: &str, words: &[&str]) -> usize {
    let log = gateway.lab.log(node, "twinspan");
    log.lines().filter(|line| words.iter().all(|word| line.contains(word))).count()
}

/// Waits until both instances have told of something so often.
fn both_tell(gateway: &Gateway, words: &[&str], times: usize) -> Result<()> {
    wait_until(SOON, || {
        let missing = INSTANCES.iter().find(|node| told(gateway, node, words) < times);
        missing.map_or(Ok(()), |node| Err(format!("{node} has not told of {words:?}:\n{}", gateway.tail(node))))
    })
}

/// What both instances say of a device while it is away.
fn is_stale(gateway: &Gateway, device: &str) -> Result<()> {
    for node in INSTANCES {
        wait_until(SOON, || {
            let name = format!("{device}/{node}");
            let shown = gateway.show(node, &["neighbors"])?;
            let all = shown["neighbors"].as_array().cloned().unwrap_or_default();
            let one = all.iter().find(|one| one["name"] == name.as_str()).ok_or(format!("no {name}"))?;
            if one["stale"]["prefixes"] == 4 && one["state"] != "established" { Ok(()) } else { Err(one.to_string()) }
        })?;
        let routes = gateway.show(node, &["routes", "10.52.0.0/16"]).map_err(anyhow::Error::msg)?;
        let paths = routes["routes"][0]["paths"].as_array().cloned().unwrap_or_default();
        ensure!(paths.iter().filter(|path| path["stale"] == true).count() == 1, "{routes}");
        ensure!(paths.iter().all(|path| path["state"] != "not_best"), "a stale path is used as well: {routes}");
    }
    Ok(())
}

#[test]
fn frr_that_is_killed_and_started_again_costs_no_packet() -> Result<()> {
    let mut gateway = restarting_devices()?;
    let traffic = Traffic::start(&gateway)?;
    gateway.lab.stop("hq-1", "bgpd", Signal::SIGKILL, STOP_LIMIT)?;
    both_tell(&gateway, &["hq-1/", "may be restarting: its 4 routes are kept"], 1)?;
    is_stale(&gateway, "hq-1")?;
    traffic.run_for(Duration::from_secs(3));
    gateway.lab.spawn("hq-1", &["/usr/lib/frr/bgpd", "--log", "stdout", "-A", "127.0.0.1"])?;
    // The control socket of the one that was killed is still there: only its configuration shows that the new one answers.
    wait_until(SOON, || {
        let ask = |words: &[&str]| gateway.lab.must("hq-1", words).map_err(|error| format!("{error:#}"));
        ask(&["vtysh", "-b"])?;
        let running = ask(&["vtysh", "-d", "bgpd", "-c", "show running-config"])?;
        if running.contains("router bgp 65010") { Ok(()) } else { Err(running) }
    })?;
    both_tell(&gateway, &["hq-1/", "has sent all of ipv4"], 2)?;
    gateway.rests()?;
    traffic.run_for(Duration::from_secs(2));
    // FRR 8.4 takes its own routes to the cloud out of its kernel for about a second when it is back, so what is counted is
    // what depends on us: the way to the site.
    let Traffic { down, up } = traffic;
    up.stop();
    assert_eq!(down.stop(), BTreeMap::new(), "lost to the site");
    for node in INSTANCES {
        assert_eq!(told(&gateway, node, &["are used no longer"]), 0, "{}", gateway.tail(node));
    }
    Ok(())
}

#[test]
fn bird_that_is_killed_and_started_again_costs_no_packet() -> Result<()> {
    let mut gateway = restarting_devices()?;
    let traffic = Traffic::start(&gateway)?;
    gateway.lab.stop("hq-2", "bird", Signal::SIGKILL, STOP_LIMIT)?;
    both_tell(&gateway, &["hq-2/", "may be restarting: its 4 routes are kept"], 1)?;
    is_stale(&gateway, "hq-2")?;
    traffic.run_for(Duration::from_secs(3));
    let bird = ["/usr/sbin/bird", "-f", "-R", "-c", "/etc/bird/bird.conf", "-s", "/run/bird/bird.ctl"];
    gateway.lab.spawn("hq-2", &bird)?;
    both_tell(&gateway, &["hq-2/", "has sent all of ipv4"], 2)?;
    gateway.rests()?;
    traffic.run_for(Duration::from_secs(2));
    traffic.stop_without_loss();
    for node in INSTANCES {
        assert_eq!(told(&gateway, node, &["are used no longer"]), 0, "{}", gateway.tail(node));
    }
    Ok(())
}

/// What both devices say of an instance that is away: its route is there still, and why.
pub(crate) fn devices_wait(gateway: &Gateway, place: usize) -> Result<()> {
    wait_until(SOON, || {
        let command = format!("show bgp ipv4 unicast {CLOUD} json");
        let text = gateway.lab.must("hq-1", &["vtysh", "-c", &command]).map_err(|error| format!("{error:#}"))?;
        let shown: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let paths = shown["paths"].as_array().cloned().unwrap_or_default();
        let of = |path: &&serde_json::Value| path["nexthops"][0]["ip"] == SEEN_BY_FRR[place];
        match paths.iter().find(of) {
            Some(path) if path["stale"] == true => Ok(()),
            found => Err(format!("FRR has {found:?}")),
        }
    })?;
    wait_until(SOON, || {
        let name = format!("in_{place}");
        let shown = gateway.lab.must("hq-2", &["birdc", "show", "protocols", "all", &name]);
        let shown = shown.map_err(|error| format!("{error:#}"))?;
        let ways = gateway.bird_ways()?;
        if shown.contains("Neighbor graceful restart active") && ways.contains(SEEN_BY_BIRD[place]) {
            return Ok(());
        }
        Err(format!("BIRD has {ways:?}, and says:\n{shown}"))
    })
}

/// What both devices say of an instance that is back: it restarted, and its forwarding state was kept.
pub(crate) fn devices_know(gateway: &Gateway, place: usize) -> Result<()> {
    let address = SEEN_BY_FRR[place];
    wait_until(SOON, || {
        let command = format!("show bgp ipv4 neighbors {address} graceful-restart json");
        let shown = gateway.lab.must("hq-1", &["vtysh", "-c", &command]).map_err(|error| format!("{error:#}"))?;
        let words = ["\"remoteGrMode\":\"Restart\"", "\"rBit\":true", "\"fBit\":true"];
        let plain: String = shown.chars().filter(|c| !c.is_whitespace()).collect();
        match words.iter().find(|word| !plain.contains(&word.replace(' ', ""))) {
            None => Ok(()),
            Some(word) => Err(format!("FRR does not say {word}: {shown}")),
        }
    })?;
    let bird = gateway.lab.must("hq-2", &["birdc", "show", "protocols", "all", &format!("in_{place}")])?;
    let remote = bird.split("Neighbor capabilities").nth(1).unwrap_or_default();
    ensure!(remote.contains("Graceful restart") && remote.contains("AF preserved: ipv4"), "{bird}");
    Ok(())
}
