//! A reset of one instance, and a change of the mode, with FRR and BIRD as devices and packets both ways.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use tempfile::NamedTempFile;

use crate::gateway::{Gateway, SOON, checkout};
use crate::runner::wait_until;
use crate::traffic::{Paths, Traffic};

const FILE: &str = "/etc/twinspan/twinspan.toml";

/// Reads the file of an instance anew.
fn reload(gateway: &Gateway, instance: &str, text: &str) -> Result<()> {
    let file = NamedTempFile::new()?;
    fs::write(file.path(), text)?;
    gateway.lab.node(instance)?.bind(file.path(), Path::new(FILE))?;
    gateway.lab.must(instance, &["twinspan", "reload"])?;
    Ok(())
}

/// How often the sessions of an instance with the devices have ended, and been up.
fn flaps(gateway: &Gateway, instance: &str) -> Result<Vec<(String, u64)>, String> {
    let shown = gateway.show(instance, &["neighbors"])?;
    let neighbors = shown["neighbors"].as_array().cloned().unwrap_or_default();
    let device = |neighbor: &&serde_json::Value| neighbor["kind"] == "device";
    let one = |neighbor: &serde_json::Value| {
        (neighbor["name"].as_str().unwrap_or_default().to_owned(), neighbor["flaps"].as_u64().unwrap_or(u64::MAX))
    };
    Ok(neighbors.iter().filter(device).map(one).collect())
}

#[test]
fn r31_a_reset_of_one_instance_loses_no_packet_of_those_that_the_other_forwards() -> Result<()> {
    let gateway = Gateway::at_rest()?;
    let other = flaps(&gateway, "in-1").map_err(anyhow::Error::msg)?;
    let paths = Paths::watch(&gateway.lab)?;
    let traffic = Traffic::start(&gateway)?;
    let (down, up) = paths.stop();
    let by_other = |ways: &crate::traffic::Ways, words: &str| {
        let through = |(_, through): &(&_, &BTreeSet<String>)| through.iter().all(|way| way.contains(words));
        ways.iter().filter(through).map(|(flow, _)| flow.port).collect::<BTreeSet<u16>>()
    };
    let (down, up) = (by_other(&down, "tun-in1"), by_other(&up, "in-1 "));
    ensure!(!down.is_empty() && !up.is_empty(), "no flow is the other's: {down:?}, {up:?}");
    let said = gateway.lab.must("in-0", &["twinspan", "reset", "instance", "--reason", "maintenance"])?;
    ensure!(said.contains("2 sessions are closed and dialled again"), "{said}");
    wait_until(SOON, || {
        let flaps = flaps(&gateway, "in-0")?;
        if flaps.iter().all(|(_, flaps)| *flaps == 1) { Ok(()) } else { Err(format!("{flaps:?}")) }
    })?;
    gateway.rests()?;
    let (lost_down, lost_up) = (traffic.down.stop(), traffic.up.stop());
    let of = |lost: &std::collections::BTreeMap<u16, u64>, flows: &BTreeSet<u16>| {
        lost.iter().filter(|(port, _)| flows.contains(port)).map(|(_, count)| count).sum::<u64>()
    };
    let lost = (of(&lost_down, &down), of(&lost_up, &up));
    println!(
        "reset of one instance: {lost:?} lost of {} and {} flows of the other; {} and {} of all",
        down.len(),
        up.len(),
        lost_down.values().sum::<u64>(),
        lost_up.values().sum::<u64>()
    );
    ensure!(lost == (0, 0), "lost of the other's: {lost:?}");
    ensure!(flaps(&gateway, "in-1") == Ok(other), "the other's sessions ended");
    Ok(())
}

#[test]
fn r34_a_mode_change_keeps_the_sessions_with_link_local_pairs_and_loses_no_packet() -> Result<()> {
    let gateway = Gateway::at_rest()?;
    let active = fs::read_to_string(checkout("labs/dual-redundancy/twinspan.toml"))?;
    // The first instance is the one that stays active.
    let own = "bgp-ip = \"10.20.255.4\"\n";
    let active = active.replacen(own, &format!("{own}priority = 200\n"), 1);
    let standby = active.replace("mode = \"active-active\"", "mode = \"active-standby\"");
    ensure!(active.contains("priority") && standby != active);
    let before = flaps(&gateway, "in-0").map_err(anyhow::Error::msg)?;
    let traffic = Traffic::start(&gateway)?;
    // Who goes over first to active-standby is the active one.
    for (text, order) in [(standby, ["in-0", "in-1"]), (active, ["in-1", "in-0"])] {
        for instance in order {
            reload(&gateway, instance, &text)?;
            traffic.run_for(std::time::Duration::from_secs(1));
        }
        ensure!(flaps(&gateway, "in-0") == Ok(before.clone()), "a session ended\n{}", gateway.tail("in-0"));
    }
    gateway.rests()?;
    traffic.stop_without_loss();
    Ok(())
}
