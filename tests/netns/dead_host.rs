//! A host that dies although graceful restart was agreed on: it is not waited for as one that restarts. From both ends, with
//! BFD and without: `labs/bfd`, where the wires are cut and every interface stays up.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use crate::gateway::{Gateway, SOON, checkout};
use crate::runner::wait_until;

const LAB: &str = "labs/bfd/bfd.clab.yml";
const SITE: &str = "10.52.0.0/16";
const WIRES: [&str; 2] = ["wire-1", "wire-2"];

/// The lab at rest, with devices that restart gracefully and ask to be waited for two minutes.
fn lab(bfd: bool, ours: &str) -> Result<Gateway> {
    let folder = checkout("labs/bfd");
    let read = |file: &str| fs::read_to_string(folder.join(file));
    let mut frr = read("hq-1/frr.conf")?.replace(
        "router bgp 65010\n",
        "router bgp 65010\n bgp graceful-restart\n bgp graceful-restart preserve-fw-state\n",
    );
    let mut bird = read("hq-2/bird.conf")?.replace("  bfd on;\n", "  bfd on;\n  graceful restart on;\n");
    let mut file = read("twinspan.toml")?;
    if !bfd {
        frr = frr.replace(" neighbor 169.254.21.2 bfd profile fast\n", "");
        bird = bird.replace("  bfd on;\n", "");
        file = file.replace("enabled = true", "enabled = false");
    }
    let files = [
        ("in-0", "/etc/twinspan/twinspan.toml", file + ours),
        ("hq-1", "/etc/frr/frr.conf", frr),
        ("hq-2", "/etc/bird/bird.conf", bird),
    ];
    let gateway = Gateway::of_files(LAB, &files)?;
    wait_until(SOON, || {
        let shown = gateway.show("in-0", &["neighbors"])?;
        let neighbors = shown["neighbors"].as_array().cloned().unwrap_or_default();
        let fine = |one: &&serde_json::Value| {
            one["state"] == "established"
                && (!bfd || one["bfd"]["state"] == "up")
                && one["prefixes"][0]["accepted"] == 1
        };
        let (fine, ways) = (neighbors.iter().filter(fine).count(), (gateway.frr_ways()?, gateway.bird_ways()?));
        if (fine, ways.0.len(), ways.1.len(), width(&gateway)?) == (2, 1, 1, 2) {
            return Ok(());
        }
        Err(format!("{fine} sessions, ways {ways:?}\n{}", gateway.tail("in-0")))
    })?;
    for name in ["hq-1/in-0", "hq-2/in-0"] {
        let shown = gateway.show("in-0", &["neighbors", name]).map_err(anyhow::Error::msg)?;
        let received = shown["capabilities"]["received"].to_string();
        ensure!(received.contains("graceful"), "{name} restarts gracefully: {received}");
    }
    Ok(gateway)
}

/// How many tunnels the site's prefix uses.
fn width(gateway: &Gateway) -> Result<usize, String> {
    let kernel = gateway.kernel("in-0").map_err(|error| format!("{error:#}"))?;
    Ok(kernel.members(SITE).map_or(0, |members| members.len()))
}

/// Cuts all wires, and waits until neither side uses the other any more; how long each took.
fn die(gateway: &Gateway, limit: Duration) -> Result<()> {
    let since = Instant::now();
    for wire in WIRES {
        gateway.lab.must(wire, &["ip", "link", "set", "eth2", "nomaster"])?;
    }
    let mut left = [None; 3];
    wait_until(limit, || {
        let gone = [gateway.frr_ways()?.is_empty(), gateway.bird_ways()?.is_empty(), width(gateway)? == 0];
        for (left, gone) in left.iter_mut().zip(gone) {
            if gone && left.is_none() {
                *left = Some(since.elapsed());
            }
        }
        if gone == [true; 3] { Ok(()) } else { Err(format!("FRR, BIRD, we: {gone:?}\n{}", gateway.tail("in-0"))) }
    })?;
    eprintln!("left by FRR, BIRD and us after {left:?}");
    // Nothing of it was kept for a restart.
    let log = gateway.lab.log("in-0", "twinspan");
    ensure!(!log.contains("routes.kept"), "{log}");
    Ok(())
}

#[test]
fn a_host_that_dies_is_left_within_the_detection_time_of_bfd_by_frr_by_bird_and_by_us() -> Result<()> {
    let gateway = lab(true, "")?;
    // 300 ms, on a machine that does other things too; who waits for a restart waits for 10 s and more.
    die(&gateway, Duration::from_secs(5))
}

#[test]
fn a_daemon_that_is_killed_and_stays_away_without_bfd_is_left_after_the_restart_time() -> Result<()> {
    // Both would wait for minutes if they went by their own times.
    let mut gateway = lab(false, "\n[bgp]\ngraceful-restart = { restart-time = \"5s\" }\n")?;
    gateway.lab.stop("in-0", "twinspan", Signal::SIGKILL, SOON)?;
    // They knew that the connection was closed when this is seen, and keep the route all the same.
    wait_until(SOON, || {
        let text = gateway.lab.must("hq-1", &["vtysh", "-c", "show bgp ipv4 unicast summary json"]);
        let text = text.map_err(|error| format!("{error:#}"))?;
        if text.contains("\"Established\"") { Err(text) } else { Ok(()) }
    })?;
    wait_until(Duration::from_secs(25), || {
        let ways = (gateway.frr_ways()?, gateway.bird_ways()?);
        if ways.0.is_empty() && ways.1.is_empty() { Ok(()) } else { Err(format!("{ways:?}")) }
    })
}

#[test]
fn a_host_that_dies_without_bfd_is_left_within_the_hold_time_and_the_restart_time() -> Result<()> {
    let ours = "\n[bgp]\nhold-time = \"9s\"\ngraceful-restart = { restart-time = \"4s\" }\n";
    let gateway = lab(false, ours)?;
    // 13 s, and some for a busy machine; who waits for a restart of FRR or BIRD waits for 120 s.
    die(&gateway, Duration::from_secs(25))
}
