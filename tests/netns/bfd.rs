//! BFD with FRR and BIRD: `labs/bfd`. Both interfaces of a tunnel stay up whatever happens to the wire between them.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::gateway::{Gateway, SOON};
use crate::runner::wait_until;

const LAB: &str = "labs/bfd/bfd.clab.yml";
/// What both devices announce.
const SITE: &str = "10.52.0.0/16";
/// 3 packets, 100 ms apart.
const DETECTION: Duration = Duration::from_millis(300);
/// A machine that does other things too.
const SLACK: Duration = Duration::from_secs(5);
/// How long BFD goes on without a daemon: the restart time (decision 0013).
const ABSENCE: Duration = Duration::from_secs(10);

/// Lets a peer's BFD go before others, as ours does: each stands for a host of its own, and 300 ms are little on a busy
/// machine.
pub(crate) fn prefer(gateway: &mut Gateway, node: &str, program: &str) -> Result<()> {
    let pid = gateway.lab.pid(node, program)?;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let thread = thread?.file_name();
        let done = Command::new("renice").args(["-n", "-15", "-p"]).arg(&thread).output()?;
        ensure!(done.status.success(), "renice: {}", String::from_utf8_lossy(&done.stderr));
    }
    Ok(())
}

/// The lab with its peers preferred, at rest.
fn lab(edit: impl Fn(&str) -> String) -> Result<Gateway> {
    let mut gateway = Gateway::of_edited(LAB, &[], edit)?;
    prefer(&mut gateway, "hq-1", "bfdd")?;
    prefer(&mut gateway, "hq-2", "bird")?;
    at_rest(&gateway)?;
    Ok(gateway)
}

/// What an instance says of the BFD of its neighbors.
fn bfd(gateway: &Gateway) -> Result<Vec<Value>, String> {
    let shown = gateway.show("in-0", &["neighbors"])?;
    let neighbors = shown["neighbors"].as_array().ok_or("no list of neighbors")?;
    Ok(neighbors.iter().map(|neighbor| neighbor["bfd"].clone()).collect())
}

/// FRR's word for the state, and how often its session went down.
fn frr(gateway: &Gateway) -> Result<(String, u64), String> {
    let ask = |what: &str| -> Result<Value, String> {
        let text = gateway.lab.must("hq-1", &["vtysh", "-c", what]).map_err(|error| format!("{error:#}"))?;
        let found: Value = serde_json::from_str(&text).map_err(|error| format!("{what}: {error}"))?;
        Ok(found[0].clone())
    };
    let (peer, counters) = (ask("show bfd peers json")?, ask("show bfd peers counters json")?);
    let downs = counters["session-down"].as_u64().ok_or_else(|| format!("no counter: {counters}"))?;
    Ok((peer["status"].as_str().unwrap_or_default().to_owned(), downs))
}

/// True if BIRD's session is up.
fn bird(gateway: &Gateway) -> Result<bool, String> {
    let words = ["birdc", "show", "bfd", "sessions"];
    let text = gateway.lab.must("hq-2", &words).map_err(|error| format!("{error:#}"))?;
    Ok(text.lines().any(|line| line.starts_with("169.254.21.10") && line.contains(" Up ")))
}

/// How many tunnels the site's prefix uses.
fn width(gateway: &Gateway) -> Result<usize, String> {
    let kernel = gateway.kernel("in-0").map_err(|error| format!("{error:#}"))?;
    Ok(kernel.members(SITE).map_or(0, |members| members.len()))
}

/// BFD up at all ends with what was agreed, BGP established, both tunnels in the kernel.
fn at_rest(gateway: &Gateway) -> Result<()> {
    wait_until(SOON, || {
        let (bfd, frr, bird) = (bfd(gateway)?, frr(gateway)?, bird(gateway)?);
        let fine = |one: &Value| one["state"] == "up" && one["detection_time_ms"] == 300;
        if bfd.len() != 2 || !bfd.iter().all(fine) || frr.0 != "up" || !bird {
            return Err(format!("BFD: {bfd:?}, FRR {frr:?}, BIRD up: {bird}\n{}", gateway.tail("in-0")));
        }
        let (states, width) = (gateway.states("in-0")?, width(gateway)?);
        if states != ["established", "established"] || width != 2 {
            return Err(format!("sessions {states:?}, {width} tunnels\n{}", gateway.tail("in-0")));
        }
        Ok(())
    })
}

fn cut(gateway: &Gateway, wire: &str) -> Result<Instant> {
    gateway.lab.must(wire, &["ip", "link", "set", "eth2", "nomaster"])?;
    Ok(Instant::now())
}

/// The agent's process id as the log tells it, the last one.
fn agent(gateway: &Gateway) -> Result<(u64, u64)> {
    let log = gateway.lab.log("in-0", "twinspan");
    let line = log.lines().rev().find(|line| line.contains("bfd.agent_ready")).context("no agent in the log")?;
    let number = |before: &str| {
        let rest = line.split(before).nth(1).unwrap_or_default();
        rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().context(line.to_owned())
    };
    Ok((number("(process ")?, number(") has ")?))
}

/// Waits until the agent has ended: the last thing that it does is to remove its socket.
fn agent_ends(gateway: &Gateway) -> Result<()> {
    wait_until(SOON, || match gateway.lab.exec("in-0", &["test", "-e", "/run/twinspan/twinspan.bfd.sock"]) {
        Ok(done) if !done.status.success() => Ok(()),
        other => Err(format!("the agent is still there: {other:?}")),
    })
}

#[test]
fn a_far_end_that_falls_silent_leaves_the_kernel_within_the_detection_time() -> Result<()> {
    let gateway = lab(str::to_owned)?;
    for (wire, name) in [("wire-1", "hq-1/in-0"), ("wire-2", "hq-2/in-0")] {
        let since = cut(&gateway, wire)?;
        wait_until(SOON, || match width(&gateway)? {
            1 => Ok(()),
            width => Err(format!("{width} tunnels\n{}", gateway.tail("in-0"))),
        })?;
        let took = since.elapsed();
        eprintln!("{name}: out of the kernel {} ms after the cut, as `ip` shows it", took.as_millis());
        assert!(took < DETECTION + SLACK, "{name}: {took:?}");
        let shown = gateway.show("in-0", &["neighbors", name]).map_err(anyhow::Error::msg)?;
        assert_eq!(shown["bfd"]["diagnostic"], "control detection time expired", "{shown}");
        let said = shown["last_down"]["text"].as_str().unwrap_or_default();
        assert!(said.ends_with("Cease / BFD Down"), "{shown}");
        gateway.lab.must(wire, &["ip", "link", "set", "eth2", "master", "wire"])?;
        at_rest(&gateway)?;
    }
    Ok(())
}

#[test]
fn a_daemon_that_is_killed_or_restarted_is_no_failure_to_any_peer_and_the_next_one_goes_on() -> Result<()> {
    let mut gateway = lab(|text| format!("{text}\n[kernel]\non-stop = \"keep\"\n"))?;
    let (before, downs) = (agent(&gateway)?, frr(&gateway).map_err(anyhow::Error::msg)?.1);
    for signal in [Signal::SIGKILL, Signal::SIGTERM] {
        gateway.lab.stop("in-0", "twinspan", signal, SOON)?;
        // Longer than the detection time at either end, and nobody is here but the agent.
        let (since, mut looks) = (Instant::now(), 0);
        while since.elapsed() < 4 * DETECTION || looks < 3 {
            // BIRD is not asked: it ends BFD with the BGP session, whoever ended that.
            assert_eq!(frr(&gateway).map_err(anyhow::Error::msg)?, ("up".to_owned(), downs));
            looks += 1;
        }
        gateway.lab.start("in-0")?;
        at_rest(&gateway)?;
        assert_eq!(agent(&gateway)?, (before.0, 2), "the same process, with two sessions");
    }
    assert_eq!(frr(&gateway).map_err(anyhow::Error::msg)?.1, downs, "FRR has seen nothing");
    let flaps: Vec<Value> = bfd(&gateway).map_err(anyhow::Error::msg)?;
    assert!(flaps.iter().all(|one| one["failures"] == 0), "{flaps:?}");
    Ok(())
}

#[test]
fn a_daemon_that_stays_away_takes_bfd_down_with_it_after_the_limit() -> Result<()> {
    let mut gateway = lab(str::to_owned)?;
    let downs = frr(&gateway).map_err(anyhow::Error::msg)?.1;
    gateway.lab.stop("in-0", "twinspan", Signal::SIGKILL, SOON)?;
    let since = Instant::now();
    wait_until(ABSENCE + SOON, || match frr(&gateway)? {
        (state, now) if state == "down" && now == downs + 1 => Ok(()),
        other => Err(format!("{other:?} after {downs} downs\n{}", gateway.tail("in-0"))),
    })?;
    let took = since.elapsed();
    assert!(took + Duration::from_secs(1) > ABSENCE, "too early: {took:?}");
    agent_ends(&gateway)?;
    gateway.lab.start("in-0")?;
    at_rest(&gateway)
}

#[test]
fn a_clean_stop_and_a_busy_host_are_no_failures() -> Result<()> {
    let mut gateway = lab(str::to_owned)?;
    let downs = frr(&gateway).map_err(anyhow::Error::msg)?.1;
    // More to do than there are processors, all of it as important as the daemon.
    let burn = "for n in 1 2 3 4 5 6 7 8; do timeout 4 sh -c 'while :; do :; done' & done; wait";
    gateway.lab.shell("in-0", burn)?;
    let (state, now) = frr(&gateway).map_err(anyhow::Error::msg)?;
    assert_eq!((state.as_str(), now), ("up", downs), "{}", gateway.tail("in-0"));
    let status = gateway.lab.stop("in-0", "twinspan", Signal::SIGTERM, SOON)?;
    if !status.success() {
        bail!("{status}");
    }
    wait_until(SOON, || {
        let text =
            gateway.lab.must("hq-1", &["vtysh", "-c", "show bfd peers"]).map_err(|error| format!("{error:#}"))?;
        if text.contains("Remote diagnostics: administratively down") { Ok(()) } else { Err(text) }
    })?;
    agent_ends(&gateway)
}
