//! The two instances with a path between them, on a real kernel with FRR and BIRD behind the tunnels.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::gateway::{Gateway, INSTANCES, SITE, checkout};
use crate::runner::wait_until;
use crate::traffic::{OneWay, RATE};

const LAB: &str = "labs/dual-redundancy/dual-redundancy.clab.yml";
const FILE: &str = "/etc/twinspan/twinspan.toml";
pub(crate) const SOON: Duration = Duration::from_secs(40);

/// The lab's file with a path between the instances.
fn paired() -> Result<String> {
    let mut text = fs::read_to_string(checkout("labs/dual-redundancy/twinspan.toml"))?;
    for (ip, end) in [("10.20.255.4", 1), ("10.20.255.5", 2)] {
        let line = format!("bgp-ip = \"{ip}\"\n");
        ensure!(text.contains(&line), "{text}");
        let link = format!("twin-link = {{ interface = \"eth2\", address = \"192.168.255.{end}\" }}\n");
        text = text.replacen(&line, &format!("{line}{link}"), 1);
    }
    Ok(text)
}

/// The lab at rest: each instance has both tunnels in use, and its twin behind them.
fn lab() -> Result<Gateway> {
    lab_with("")
}

/// The same with `more` at the end of the file.
pub(crate) fn lab_with(more: &str) -> Result<Gateway> {
    let files = INSTANCES.map(|name| paired().map(|text| (name, FILE, format!("{text}\n{more}"))));
    let files = files.into_iter().collect::<Result<Vec<_>>>()?;
    let gateway = Gateway::of_files(LAB, &files)?;
    rests(&gateway)?;
    Ok(gateway)
}

/// Waits until each instance has both tunnels in use, and its twin behind them.
pub(crate) fn rests(gateway: &Gateway) -> Result<()> {
    wait_until(SOON, || {
        for instance in INSTANCES {
            let states = gateway.states(instance)?;
            let twin = twin(gateway, instance)?;
            let fine = twin["state"] == "present" && twin["ready"] == true && twin["session"] == "established";
            if !fine || states != ["established"; 3] || ways(gateway, instance)? != ["tun-hq1", "tun-hq2"] {
                return Err(format!("{instance}: {states:?} {twin}\n{}", gateway.tail(instance)));
            }
            let shown = gateway.show(instance, &["fib"])?;
            let behind = |group: &&Value| group["backups"].as_array().is_some_and(|list| !list.is_empty());
            if shown["groups"].as_array().into_iter().flatten().filter(behind).count() != 1 {
                return Err(format!("{instance}: {shown}"));
            }
        }
        Ok(())
    })
}

fn twin(gateway: &Gateway, instance: &str) -> Result<Value, String> {
    Ok(gateway.show(instance, &["gateway"])?["twin"].clone())
}

/// Waits until an instance says so of its twin.
fn twin_is(gateway: &Gateway, instance: &str, holds: impl Fn(&Value) -> bool) -> Result<()> {
    wait_until(SOON, || {
        let twin = twin(gateway, instance)?;
        if holds(&twin) { Ok(()) } else { Err(format!("{instance}: {twin}\n{}", gateway.tail(instance))) }
    })
}

/// The interfaces by which the site's prefixes leave an instance: all by the same.
pub(crate) fn ways(gateway: &Gateway, instance: &str) -> Result<Vec<String>, String> {
    let kernel = gateway.kernel(instance).map_err(|error| format!("{error:#}"))?;
    let all: Vec<_> = SITE.iter().map(|prefix| kernel.members(prefix).unwrap_or_default()).collect();
    let first = all.first().cloned().unwrap_or_default();
    if all.iter().all(|ways| *ways == first) { Ok(first) } else { Err(format!("{instance}: {all:?}")) }
}

fn set(gateway: &Gateway, instance: &str, tunnel: &str, how: &str) -> Result<()> {
    gateway.lab.must(instance, &["ip", "link", "set", tunnel, how])?;
    Ok(())
}

#[test]
fn an_instance_that_loses_its_last_tunnel_to_a_prefix_sends_its_traffic_over_the_twin_and_no_route_is_written()
-> Result<()> {
    let mut gateway = lab()?;
    gateway.lab.spawn("in-0", &["sh", "-c", "ip monitor route > /run/changes 2>&1"])?;
    let over = |wanted: &[&str]| {
        wait_until(SOON, || {
            let ways = ways(&gateway, "in-0")?;
            if ways == wanted { Ok(()) } else { Err(format!("{ways:?}\n{}", gateway.tail("in-0"))) }
        })
    };
    set(&gateway, "in-0", "tun-hq1", "down")?;
    over(&["tun-hq2"])?;
    set(&gateway, "in-0", "tun-hq2", "down")?;
    over(&["eth2"])?;
    // The devices' sessions with in-0 are over, and in-1's go on.
    twin_is(&gateway, "in-1", |twin| twin["connections"][0]["up"] == 0 && twin["connections"][1]["up"] == 0)?;
    let changes = gateway.lab.must("in-0", &["cat", "/run/changes"])?;
    let ours: Vec<&str> = changes.lines().filter(|line| SITE.iter().any(|prefix| line.contains(prefix))).collect();
    ensure!(ours.is_empty(), "{changes}");
    // What the cloud's router sends to in-0 arrives, by way of in-1.
    let traffic = OneWay::start(&gateway.lab, "cloud-host", "site-host", &crate::traffic::SITE_HOST, RATE)?;
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(traffic.stop(), BTreeMap::new());
    let sent = gateway.show("in-0", &["gateway"]).map_err(anyhow::Error::msg)?;
    assert_eq!(sent["state"], "running", "{sent}");
    let counted = gateway.lab.must("in-0", &["ip", "-s", "-j", "link", "show", "eth2"])?;
    let counted: Value = serde_json::from_str(&counted)?;
    let packets = counted[0]["stats64"]["tx"]["packets"].as_u64().unwrap_or_default();
    ensure!(packets > 200, "{packets} packets went over the twin-link");
    for tunnel in ["tun-hq1", "tun-hq2"] {
        set(&gateway, "in-0", tunnel, "up")?;
    }
    over(&["tun-hq1", "tun-hq2"])
}

#[test]
fn a_twin_that_is_paused_is_silent_and_forwards_on_and_another_file_is_said_on_both_sides() -> Result<()> {
    let mut gateway = lab()?;
    for tunnel in ["tun-hq1", "tun-hq2"] {
        set(&gateway, "in-0", tunnel, "down")?;
    }
    gateway.lab.signal("in-1", "twinspan", Signal::SIGSTOP)?;
    twin_is(&gateway, "in-0", |twin| twin["state"] == "silent")?;
    let traffic = OneWay::start(&gateway.lab, "cloud-host", "site-host", &crate::traffic::SITE_HOST, RATE)?;
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(traffic.stop(), BTreeMap::new(), "its kernel goes on");
    assert_eq!(ways(&gateway, "in-0").map_err(anyhow::Error::msg)?, ["eth2"]);
    gateway.lab.signal("in-1", "twinspan", Signal::SIGCONT)?;
    twin_is(&gateway, "in-0", |twin| twin["state"] != "silent" && twin["restarts"] == 0)?;

    gateway.lab.shell("in-0", &format!("sed -i 's/198.51.100.2/198.51.100.22/' {FILE} && twinspan reload"))?;
    for instance in INSTANCES {
        twin_is(&gateway, instance, |twin| twin["same_file"] == false)?;
        let log = gateway.lab.log(instance, "twinspan");
        ensure!(log.contains("twin.other_file"), "{log}");
    }
    gateway.lab.shell("in-1", &format!("sed -i 's/198.51.100.2/198.51.100.22/' {FILE} && twinspan reload"))?;
    for instance in INSTANCES {
        twin_is(&gateway, instance, |twin| twin["same_file"] == true)?;
    }
    Ok(())
}
