//! Planned maintenance on a real kernel, with FRR and BIRD behind the tunnels and counted packets both ways (R13, R14).

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::gateway::SEEN_BY_FRR;
use crate::runner::wait_until;
use crate::traffic::Traffic;
use crate::twin::{SOON, lab_with, rests, ways};

/// Short, because the lab's core is no BGP speaker: it never leaves a drained instance by itself.
const PATIENCE: &str = "[drain]\nlimit = \"3s\"\n";

#[test]
fn r13_r14_a_drain_and_an_undrain_of_an_instance_lose_no_packet_either_way() -> Result<()> {
    let gateway = lab_with(PATIENCE)?;
    let traffic = Traffic::start(&gateway)?;
    let said = gateway.lab.must("in-1", &["twinspan", "drain", "--wait", "--reason", "a new kernel"])?;
    let lines: Vec<&str> = said.lines().collect();
    ensure!(lines.len() == 4, "{said}");
    let words =
        ["every route is about to go", "all routes are withdrawn", "sessions are ended", "in-1 is drained after"];
    for (line, word) in lines.iter().zip(words) {
        ensure!(line.contains(word), "{said}");
    }
    ensure!(said.contains("no packet was lost here"), "{said}");
    // Nothing of it is in use any more, and the devices know why.
    let (frr, bird) =
        (gateway.frr_ways().map_err(anyhow::Error::msg)?, gateway.bird_ways().map_err(anyhow::Error::msg)?);
    ensure!(!frr.contains(SEEN_BY_FRR[1]) && bird.len() == 1, "FRR: {frr:?}, BIRD: {bird:?}");
    let neighbor = gateway.lab.must("hq-1", &["vtysh", "-c", "show bgp neighbors 169.254.21.6 json"])?;
    let neighbor: Value = serde_json::from_str(&neighbor)?;
    let shutdown = &neighbor[SEEN_BY_FRR[1]]["lastNotificationReason"];
    ensure!(*shutdown == "Cease/Administrative Shutdown", "{shutdown}");
    ensure!(gateway.lab.log("hq-2", "bird").contains("a new kernel"), "{}", gateway.lab.log("hq-2", "bird"));
    let over = ways(&gateway, "in-1").map_err(anyhow::Error::msg)?;
    ensure!(over == ["eth2"], "what core sends here still goes over the twin: {over:?}");
    let standing = gateway.show("in-1", &["gateway"]).map_err(anyhow::Error::msg)?["standing"]["state"].clone();
    ensure!(standing == "drained", "{standing}");
    let refused = gateway.lab.exec("in-0", &["twinspan", "drain", "--force"])?;
    ensure!(refused.status.code() == Some(1), "{refused:?}");
    // And back.
    let said = gateway.lab.must("in-1", &["twinspan", "undrain", "--wait"])?;
    ensure!(said.contains("in-1 is back in service") && said.contains("no packet was lost here"), "{said}");
    rests(&gateway)?;
    traffic.stop_without_loss();
    Ok(())
}

#[test]
fn r14_a_drained_instance_that_is_killed_comes_back_drained() -> Result<()> {
    let mut gateway = lab_with(PATIENCE)?;
    gateway.lab.must("in-1", &["twinspan", "drain", "--wait"])?;
    gateway.lab.stop("in-1", "twinspan", nix::sys::signal::Signal::SIGKILL, SOON)?;
    gateway.lab.start("in-1")?;
    wait_until(SOON, || {
        let shown = gateway.show("in-1", &["gateway"])?;
        let twin = shown["twin"]["session"] == "established";
        let drained = shown["standing"]["state"] == "drained" && shown["drains"][0]["step"] == "drained";
        let over = ways(&gateway, "in-1")? == ["eth2"];
        if twin && drained && over && shown["state"] == "running" { Ok(()) } else { Err(format!("{shown}")) }
    })?;
    let bird = gateway.bird_ways().map_err(anyhow::Error::msg)?;
    ensure!(bird.len() == 1, "{bird:?}");
    Ok(())
}
