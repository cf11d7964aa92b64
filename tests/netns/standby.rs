//! Active-standby on real kernels: two instances, a network side, and daemons that are stopped, killed and cut off.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::gateway::{INSTANCES, SOON};
use crate::runner::{Lab, Options, wait_until};

const SHARED: &str = "10.20.255.30";

const TOPOLOGY: &str = r#"
name: standby
topology:
  defaults:
    kind: linux
    image: twinspan:lab
    network-mode: none
  nodes:
    core:
      cmd: sleep infinity
      exec:
        - ip link add gateway-net type bridge
        - ip link set eth0 master gateway-net
        - ip link set eth1 master gateway-net
        - ip link set gateway-net up
        - ip address add 10.20.255.1/27 dev gateway-net
    in-0:
      cmd: twinspan run -c /etc/twinspan/twinspan.toml --instance in-0
      binds:
        - twinspan.toml:/etc/twinspan/twinspan.toml:ro
      exec:
        - ip address add 10.20.255.4/27 dev eth1
        - ip address add 192.168.255.1/30 dev twin
    in-1:
      cmd: twinspan run -c /etc/twinspan/twinspan.toml --instance in-1
      binds:
        - twinspan.toml:/etc/twinspan/twinspan.toml:ro
      exec:
        - ip address add 10.20.255.5/27 dev eth1
        - ip address add 192.168.255.2/30 dev twin
  links:
    - endpoints: ["core:eth0", "in-0:eth1"]
    - endpoints: ["core:eth1", "in-1:eth1"]
    - endpoints: ["in-0:twin", "in-1:twin"]
"#;

const FILE: &str = r#"
[gateway]
name = "hub-west"
asn = 65515
subnet = "10.20.255.0/27"
prefixes = ["10.20.0.0/16"]

[[gateway.instance]]
name = "in-0"
public-ip = "203.0.113.10"
bgp-ip = "10.20.255.4"
network-interface = "eth1"
priority = 200
twin-link = { interface = "twin", address = "192.168.255.1" }

[[gateway.instance]]
name = "in-1"
bgp-ip = "10.20.255.5"
network-interface = "eth1"
twin-link = { interface = "twin", address = "192.168.255.2" }

[hooks]
on-active = ["sh", "-c", "echo active >> /run/twinspan/role"]
on-standby = ["sh", "-c", "echo standby >> /run/twinspan/role"]
"#;

/// The pair, with more in its file.
struct Pair {
    lab: Lab,
    folder: tempfile::TempDir,
}

impl Pair {
    fn up(more: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("standby.clab.yml"), TOPOLOGY)?;
        fs::write(folder.path().join("twinspan.toml"), format!("{FILE}\n{more}"))?;
        let programs = std::path::Path::new(env!("CARGO_BIN_EXE_twinspan")).parent().expect("a program is in a folder");
        let lab = Lab::up(&folder.path().join("standby.clab.yml"), &Options::new(programs))?;
        Ok(Self { lab, folder })
    }

    fn role(&self, instance: &str) -> Result<Value, String> {
        let words = ["twinspan", "show", "gateway", "--json"];
        let text = self.lab.must(instance, &words).map_err(|error| format!("{error:#}\n{}", self.tail(instance)))?;
        let shown: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        Ok(shown["role"].clone())
    }

    fn tail(&self, instance: &str) -> String {
        let log = self.lab.log(instance, "twinspan");
        let lines: Vec<&str> = log.lines().collect();
        lines.iter().skip(lines.len().saturating_sub(15)).copied().collect::<Vec<_>>().join("\n")
    }

    /// True if its kernel has the shared address.
    fn holds(&self, instance: &str) -> Result<bool, String> {
        let shown = self.lab.must(instance, &["ip", "-o", "address", "show"]).map_err(|error| format!("{error:#}"))?;
        Ok(shown.contains(&format!("{SHARED}/32")))
    }

    /// Waits until an instance is active and has the address alone; how long that took. Never do both have it.
    fn becomes_active(&self, instance: &str) -> Result<Duration> {
        let began = Instant::now();
        let twin = if instance == INSTANCES[0] { INSTANCES[1] } else { INSTANCES[0] };
        wait_until(SOON, || {
            let (ours, theirs) = (self.holds(instance)?, self.holds(twin)?);
            let role = if ours { self.role(instance)?["role"].clone() } else { Value::Null };
            if ours && !theirs && role == "active" {
                return Ok(());
            }
            Err(format!(
                "{instance} holds: {ours}, is {role}; {twin} holds: {theirs}\n{}\n--\n{}",
                self.tail(instance),
                self.tail(twin)
            ))
        })?;
        Ok(began.elapsed())
    }

    /// The host that the network side reaches at the shared address.
    fn reached(&self, instance: &str) -> Result<()> {
        let shown = self.lab.must(instance, &["ip", "-o", "link", "show", "eth1"])?;
        let mac = shown.split("link/ether ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("?").to_owned();
        wait_until(SOON, || {
            let ping = ["ping", "-c", "1", "-W", "1", SHARED];
            let done = self.lab.exec("core", &ping).map_err(|error| format!("{error:#}"))?;
            let neigh =
                self.lab.must("core", &["ip", "neigh", "show", SHARED]).map_err(|error| format!("{error:#}"))?;
            if done.status.success() && neigh.contains(&mac) { Ok(()) } else { Err(format!("not {mac}: {neigh}")) }
        })
    }
}

#[test]
fn r2_to_r6_the_shared_address_is_with_one_of_two_whatever_happens_to_their_daemons() -> Result<()> {
    let mut pair = Pair::up("")?;
    pair.becomes_active("in-0")?;
    pair.reached("in-0")?;
    wait_until(SOON, || match pair.role("in-1")?["role"].as_str() {
        Some("standby") => Ok(()),
        other => Err(format!("in-1 is {other:?}\n{}", pair.tail("in-1"))),
    })?;

    // Planned, from the one that is active.
    let said = pair.lab.must("in-0", &["twinspan", "role", "standby"])?;
    println!("planned: {}", said.trim());
    pair.becomes_active("in-1")?;
    pair.reached("in-1")?;

    // A daemon that is stopped loses the address to the lifetime that the kernel keeps for it.
    pair.lab.signal("in-1", "twinspan", Signal::SIGSTOP)?;
    let took = pair.becomes_active("in-0")?;
    println!("stopped: in-0 is active after {took:?}");
    pair.reached("in-0")?;
    pair.lab.signal("in-1", "twinspan", Signal::SIGCONT)?;
    // It woke up believing that it is active: the first thing that it does is to give that up.
    wait_until(SOON, || {
        let role = pair.role("in-1")?;
        if role["role"] == "standby" { Ok(()) } else { Err(format!("{role}\n{}", pair.tail("in-1"))) }
    })?;
    ensure!(pair.lab.log("in-1", "twinspan").contains("its claim counts no more"), "{}", pair.tail("in-1"));
    pair.becomes_active("in-0")?;

    // A daemon that is killed and started again at once goes on.
    pair.lab.stop("in-0", "twinspan", Signal::SIGKILL, SOON)?;
    pair.lab.start("in-0")?;
    wait_until(SOON, || {
        let role = pair.role("in-0")?;
        if role["role"] == "active" { Ok(()) } else { Err(format!("{role}\n{}", pair.tail("in-0"))) }
    })?;

    // The twin-link is cut: the standby sees that somebody answers, and says so.
    pair.lab.must("in-0", &["ip", "link", "set", "twin", "down"])?;
    wait_until(SOON, || {
        let role = pair.role("in-1")?;
        if role["answers"].is_string() { Ok(()) } else { Err(format!("{role}\n{}", pair.tail("in-1"))) }
    })?;
    ensure!(pair.role("in-1").map_err(anyhow::Error::msg)?["role"] == "standby");
    // Killed for good behind the cut: the address runs out, and the network side says so.
    pair.lab.stop("in-0", "twinspan", Signal::SIGKILL, SOON)?;
    let took = pair.becomes_active("in-1")?;
    println!("killed behind a cut: in-1 is active after {took:?}");
    pair.reached("in-1")?;
    wait_until(SOON, || {
        let hooks = pair.lab.must("in-1", &["cat", "/run/twinspan/role"]).map_err(|error| format!("{error:#}"))?;
        if hooks == "active\nstandby\nactive\n" { Ok(()) } else { Err(hooks) }
    })
}

/// The members of a cluster, all on the router of the network.
fn members(count: usize) -> Vec<(String, String)> {
    (0..count)
        .map(|at| (format!("http://10.20.255.1:{}", 2379 + at), format!("http://10.20.255.1:{}", 2479 + at)))
        .collect()
}

impl Pair {
    /// Two instances whose role is decided by a cluster of so many.
    fn with_etcd(count: usize) -> Result<Self> {
        let members = members(count);
        let names: Vec<String> = members.iter().map(|(client, _)| format!("\"{client}\"")).collect();
        let more = format!("[election]\nby = \"etcd\"\nttl = \"4s\"\nendpoints = [{}]\n", names.join(", "));
        let mut pair = Self::up(&more)?;
        for at in 0..count {
            pair.start_member(&members, at, "new")?;
        }
        Ok(pair)
    }

    fn start_member(&mut self, members: &[(String, String)], at: usize, state: &str) -> Result<()> {
        let cluster: Vec<String> = members.iter().enumerate().map(|(at, (_, peer))| format!("m{at}={peer}")).collect();
        let (client, peer) = &members[at];
        let folder = self.folder.path().join(format!("member-{at}"));
        let words = [
            "etcd",
            "--name",
            &format!("m{at}"),
            "--data-dir",
            &folder.to_string_lossy(),
            "--listen-client-urls",
            client,
            "--advertise-client-urls",
            client,
            "--listen-peer-urls",
            peer,
            "--initial-advertise-peer-urls",
            peer,
            "--initial-cluster",
            &cluster.join(","),
            "--initial-cluster-state",
            state,
        ];
        self.lab.spawn("core", &words)
    }

    /// The instance that is active; waits for one.
    fn active(&self) -> Result<(&'static str, &'static str)> {
        wait_until(SOON, || {
            let mut found = Vec::new();
            for (at, instance) in INSTANCES.into_iter().enumerate() {
                if self.role(instance)?["role"] == "active" {
                    found.push((instance, INSTANCES[1 - at]));
                }
            }
            match found[..] {
                [one] => Ok(one),
                _ => Err(format!("active: {found:?}\n{}\n--\n{}", self.tail("in-0"), self.tail("in-1"))),
            }
        })
    }
}

#[test]
fn a_lease_in_etcd_decides_with_one_member_and_its_end_is_the_end_of_a_role() -> Result<()> {
    let mut pair = Pair::with_etcd(1)?;
    let (active, standby) = pair.active()?;
    pair.becomes_active(active)?;
    // Handed over on purpose.
    println!("{}", pair.lab.must(active, &["twinspan", "role", "standby"])?.trim());
    pair.becomes_active(standby)?;
    // The daemon is stopped: its address runs out, then its lease does.
    pair.lab.signal(standby, "twinspan", Signal::SIGSTOP)?;
    let took = pair.becomes_active(active)?;
    println!("stopped: the other has the lease after {took:?}");
    pair.lab.signal(standby, "twinspan", Signal::SIGCONT)?;
    // Without etcd nobody is active once the lease is over; with it again, somebody is.
    pair.lab.stop("core", "etcd", Signal::SIGKILL, SOON)?;
    wait_until(SOON, || {
        let held = [pair.holds("in-0")?, pair.holds("in-1")?];
        if held == [false, false] { Ok(()) } else { Err(format!("{held:?}\n{}", pair.tail(active))) }
    })?;
    pair.start_member(&members(1), 0, "existing")?;
    let (active, _) = pair.active()?;
    pair.becomes_active(active)?;
    Ok(())
}

#[test]
fn a_cluster_of_three_that_loses_a_member_loses_no_lease() -> Result<()> {
    let mut pair = Pair::with_etcd(3)?;
    let (active, standby) = pair.active()?;
    pair.becomes_active(active)?;
    let term = pair.role(active).map_err(anyhow::Error::msg)?["term"].clone();
    // One of the three, which may be the leader: it is asked first, too.
    pair.lab.stop("core", "etcd", Signal::SIGKILL, SOON)?;
    // Longer than a lease: it must have been renewed through another member.
    std::thread::sleep(Duration::from_secs(6));
    let role = pair.role(active).map_err(anyhow::Error::msg)?;
    ensure!(role["role"] == "active" && role["term"] == term, "{role}\n{}", pair.tail(active));
    // The holder is cut from etcd and from its twin: it stops before the other begins.
    pair.lab.must(active, &["ip", "link", "set", "twin", "down"])?;
    pair.lab.must(active, &["ip", "route", "add", "blackhole", "10.20.255.1/32"])?;
    pair.lab.must(active, &["ip", "rule", "add", "pref", "0", "to", "10.20.255.1", "blackhole"])?;
    let took = pair.becomes_active(standby)?;
    println!("cut off: the other has the lease after {took:?}");
    let role = pair.role(active).map_err(anyhow::Error::msg)?;
    ensure!(role["role"] != "active", "{role}");
    Ok(())
}
