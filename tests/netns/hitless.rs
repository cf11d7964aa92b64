//! Restarts of an instance while traffic flows, with BFD and without, also as another binary: nothing is rewritten in the
//! kernel, no flow changes its tunnel or instance, no packet is lost, and no peer sees more than a session that comes back.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::gateway::{Gateway, SEEN_BY_FRR, SOON, checkout};
use crate::graceful_restart::{STOP_LIMIT, devices_know, devices_wait};
use crate::runner::wait_until;
use crate::traffic::{Paths, Traffic, moved};

/// The instance that restarts.
const NODE: &str = "in-1";
/// What is written to the kernel at the end of a watch, so that all before it is known to have been seen.
const MARK: &str = "192.0.2.0/24";

/// How an instance goes.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Goes {
    /// `kill -9`, and the same binary starts again.
    Killed,
    /// A clean stop with `on-stop = "keep"`, and another binary starts.
    Upgraded,
}

/// A folder with a binary of its own, which can be replaced as a package does it.
struct Installed(TempDir);

impl Installed {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::copy(env!("CARGO_BIN_EXE_twinspan"), folder.path().join("twinspan"))?;
        Ok(Self(folder))
    }

    /// Puts another file in the place of the binary: what runs goes on from the old one.
    fn upgrade(&self) -> Result<()> {
        let new = self.0.path().join("twinspan.new");
        fs::copy(env!("CARGO_BIN_EXE_twinspan"), &new)?;
        fs::rename(new, self.0.path().join("twinspan"))?;
        Ok(())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

/// The lab at rest.
fn lab(installed: &Installed, bfd: bool, goes: Goes) -> Result<Gateway> {
    let folder = checkout("labs/dual-redundancy");
    let read = |file: &str| fs::read_to_string(folder.join(file));
    let (mut ours, mut frr, mut bird) = (read("twinspan.toml")?, read("hq-1/frr.conf")?, read("hq-2/bird.conf")?);
    // A machine that does other things too may take more than the default to start a daemon.
    ours += "\n[bgp]\ngraceful-restart = { restart-time = \"30s\" }\n";
    if goes == Goes::Upgraded {
        ours += "\n[kernel]\non-stop = \"keep\"\n";
    }
    if bfd {
        ours += "\n[bfd]\nenabled = true\n";
        let profile = "bfd\n profile fast\n  detect-multiplier 3\n  transmit-interval 100\n  receive-interval 100\n exit\nexit\n!\n";
        frr = frr.replace("router bgp 65010\n", &format!("{profile}router bgp 65010\n"));
        for neighbor in SEEN_BY_FRR {
            let line = format!(" neighbor {neighbor} peer-group gateway\n");
            frr = frr.replace(&line, &format!("{line} neighbor {neighbor} bfd profile fast\n"));
        }
        bird = bird.replace("  ttl security on;\n", "  ttl security on;\n  bfd on;\n");
        bird += "\nprotocol bfd {\n  interface \"tun*\" { interval 100 ms; multiplier 3; };\n}\n";
    }
    let daemons = read("hq-1/daemons")?.replace("bfdd=no", "bfdd=yes");
    let target = "/etc/twinspan/twinspan.toml";
    let files = [
        ("in-0", target, ours.clone()),
        (NODE, target, ours),
        ("hq-1", "/etc/frr/frr.conf", frr),
        ("hq-1", "/etc/frr/daemons", daemons),
        ("hq-2", "/etc/bird/bird.conf", bird),
    ];
    let gateway = Gateway::of_programs(installed.path(), &files)?;
    gateway.rests()?;
    if bfd {
        bfd_is_up(&gateway)?;
    }
    Ok(gateway)
}

/// Waits until both neighbors of the instance have BFD.
fn bfd_is_up(gateway: &Gateway) -> Result<()> {
    wait_until(SOON, || {
        let shown = gateway.show(NODE, &["neighbors"])?;
        let neighbors = shown["neighbors"].as_array().cloned().unwrap_or_default();
        let up = neighbors.iter().filter(|neighbor| neighbor["bfd"]["state"] == "up").count();
        if up == 2 {
            return Ok(());
        }
        let frr =
            gateway.lab.must("hq-1", &["vtysh", "-c", "show bfd peers"]).unwrap_or_else(|error| error.to_string());
        Err(format!("{up} of 2\n{}\n{frr}", gateway.tail(NODE)))
    })
}

/// How often FRR's BFD with the instance went down.
fn downs(gateway: &Gateway) -> Result<u64> {
    let text = gateway.lab.must("hq-1", &["vtysh", "-c", "show bfd peers counters json"])?;
    let peers: Value = serde_json::from_str(&text)?;
    let with = peers.as_array().and_then(|all| all.iter().find(|peer| peer["peer"] == "169.254.21.6"));
    with.and_then(|peer| peer["session-down"].as_u64()).with_context(|| text.clone())
}

/// The agent's process id, as the log told it last.
fn agent(gateway: &Gateway) -> Result<u64> {
    let log = gateway.lab.log(NODE, "twinspan");
    let line = log.lines().rev().find(|line| line.contains("bfd.agent_ready")).context("no agent in the log")?;
    let rest = line.split("(process ").nth(1).unwrap_or_default();
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().context(line.to_owned())
}

/// The member that each bucket of each of our groups leads to.
fn buckets(gateway: &Gateway) -> Result<Vec<(u64, u64, u64)>> {
    let text = gateway.lab.must(NODE, &["ip", "-j", "nexthop", "bucket", "show"])?;
    let all: Value = serde_json::from_str(&text)?;
    let one = |bucket: &Value| {
        let place = bucket["bucket"]["index"].as_u64()?;
        Some((bucket["id"].as_u64()?, place, bucket["bucket"]["nhid"].as_u64()?))
    };
    let mut found: Vec<_> = all.as_array().into_iter().flatten().filter_map(one).collect();
    found.sort_unstable();
    ensure!(found.len() >= 256, "no buckets: {text}");
    Ok(found)
}

/// What was told of routes and next hops since the watch began; it ends with a mark of our own.
fn changes(gateway: &Gateway) -> Result<Vec<String>> {
    gateway.lab.must(NODE, &["ip", "route", "add", MARK, "dev", "lo"])?;
    wait_until(SOON, || {
        let log = gateway.lab.log(NODE, "ip");
        let lines: Vec<String> = log.lines().map(str::to_owned).collect();
        let mark = lines.iter().position(|line| line.contains(MARK)).ok_or(log)?;
        Ok(lines.into_iter().take(mark).collect())
    })
}

/// One restart in the middle of traffic, and all that must not happen.
fn restart(bfd: bool, goes: Goes) -> Result<()> {
    let installed = Installed::new()?;
    let mut gateway = lab(&installed, bfd, goes)?;
    gateway.lab.spawn(NODE, &["ip", "monitor", "route", "nexthop"])?;
    let before = (gateway.kernel(NODE)?, buckets(&gateway)?);
    let known = if bfd { Some((agent(&gateway)?, downs(&gateway)?)) } else { None };
    let paths = Paths::watch(&gateway.lab)?;
    let traffic = Traffic::start(&gateway)?;
    match goes {
        Goes::Killed => drop(gateway.lab.stop(NODE, "twinspan", Signal::SIGKILL, STOP_LIMIT)?),
        Goes::Upgraded => {
            let status = gateway.lab.stop(NODE, "twinspan", Signal::SIGTERM, STOP_LIMIT)?;
            ensure!(status.success(), "{status}\n{}", gateway.tail(NODE));
            installed.upgrade()?;
        }
    }
    devices_wait(&gateway, 1)?;
    gateway.lab.start(NODE)?;
    wait_until(SOON, || {
        let log = gateway.lab.log(NODE, "twinspan");
        if log.contains("kernel.converged") { Ok(()) } else { Err(gateway.tail(NODE)) }
    })?;
    gateway.rests()?;
    devices_know(&gateway, 1)?;
    let changes = changes(&gateway)?;
    traffic.stop_without_loss();
    let (down, up) = paths.stop();
    ensure!(changes.is_empty(), "the kernel was told: {changes:#?}");
    let after = (gateway.kernel(NODE)?, buckets(&gateway)?);
    ensure!(after == before, "was {before:?}, is {after:?}");
    ensure!(down.len() == 64 && moved(&down).is_empty(), "moved on the way to the site: {:#?}", moved(&down));
    ensure!(up.len() == 64 && moved(&up).is_empty(), "moved on the way to the cloud: {:#?}", moved(&up));
    if let Some((pid, downs_before)) = known {
        bfd_is_up(&gateway)?;
        ensure!((agent(&gateway)?, downs(&gateway)?) == (pid, downs_before), "FRR saw it\n{}", gateway.tail(NODE));
        let binary = gateway.lab.must(NODE, &["readlink", &format!("/proc/{pid}/exe")])?;
        ensure!(binary.trim().ends_with("(deleted)") == (goes == Goes::Upgraded), "the agent runs {binary}");
    }
    Ok(())
}

#[test]
fn an_instance_that_is_killed_and_started_again_rewrites_nothing_moves_no_flow_and_loses_no_packet() -> Result<()> {
    restart(false, Goes::Killed)
}

#[test]
fn an_instance_that_is_upgraded_rewrites_nothing_moves_no_flow_and_loses_no_packet() -> Result<()> {
    restart(false, Goes::Upgraded)
}

#[test]
fn an_instance_that_is_killed_with_bfd_up_is_believed_by_bfd_and_loses_nothing() -> Result<()> {
    restart(true, Goes::Killed)
}

#[test]
fn an_instance_that_is_upgraded_with_bfd_up_goes_on_with_the_old_agent_and_loses_nothing() -> Result<()> {
    restart(true, Goes::Upgraded)
}
