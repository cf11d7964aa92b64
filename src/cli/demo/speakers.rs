//! The speakers of the demo: this same binary, five times, each in the namespace of its node with a file of its own.
//!
//! The two instances share one file, as on a real gateway. A device and the cloud's router are gateways of our own kind,
//! with one instance that comes up and one that never does.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use serde::de::DeserializeOwned;

use crate::control::api::{Neighbors, Request, SessionState};
use crate::control::io::Client;

use super::enclosure::RUN;
use super::lab::{DEVICES, INSTANCES, Lab, Place, ROUTER, TUNNELS, TWIN_LINK, TWINS};

const POLL: Duration = Duration::from_millis(5);
const LOG_LINES: usize = 8;

/// A running daemon.
#[derive(Debug)]
pub struct Speaker {
    place: Place,
    name: &'static str,
    child: Child,
    socket: PathBuf,
    log: PathBuf,
}

impl Speaker {
    /// Writes the node's file and starts `run` with it in the node's namespace.
    pub fn start(lab: &Lab, place: Place, dir: &Path) -> anyhow::Result<Self> {
        let node = lab.node(place);
        let name = node.name();
        let (file, text) = file(place);
        let path = dir.join(file);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        let (socket, log) = (Path::new(RUN).join(format!("{name}.sock")), dir.join(format!("{name}.log")));
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let child = node.within(|| {
            Command::new("/proc/self/exe")
                .arg0("twinspan")
                .arg("run")
                .arg("-c")
                .arg(&path)
                .args(["--instance", name])
                .arg("--socket")
                .arg(&socket)
                .env_remove("NOTIFY_SOCKET") // of who started the demo
                .stdin(Stdio::null())
                .stdout(output.try_clone()?)
                .stderr(output)
                .spawn()
                .context("cannot start the speaker")
        })?;
        Ok(Self { place, name, child, socket, log })
    }

    /// Where it runs.
    pub fn place(&self) -> Place {
        self.place
    }

    /// How many of its sessions are Established; none while it does not answer yet.
    pub fn established(&self, lab: &Lab) -> usize {
        let Ok(answer) = self.ask::<Neighbors>(lab, &Request::Neighbors) else { return 0 };
        answer.neighbors.iter().filter(|neighbor| neighbor.state == SessionState::Established).count()
    }

    /// What its control socket answers.
    pub fn ask<T: DeserializeOwned>(&self, lab: &Lab, request: &Request) -> anyhow::Result<T> {
        let client = Client::new(&self.socket);
        lab.block_on(client.ask::<T>(request)).with_context(|| format!("{} refuses", self.name))
    }

    /// Fails with the end of its log if it has ended.
    pub fn alive(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(self.failure(&format!("ended with {status}"))),
        }
    }

    /// Asks it to stop (SIGTERM), and nothing else: the clock of the caller runs.
    pub fn terminate(&self) -> anyhow::Result<()> {
        let pid = i32::try_from(self.child.id()).context("a process id fits")?;
        kill(Pid::from_raw(pid), Signal::SIGTERM).with_context(|| format!("cannot stop {}", self.name))
    }

    /// Waits until it has ended.
    pub fn ended(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > until {
                return Err(self.failure(&format!("did not end within {} s of SIGTERM", limit.as_secs())));
            }
            thread::sleep(POLL);
        }
    }

    /// What went wrong, with the last lines that it logged.
    pub fn failure(&self, what: &str) -> anyhow::Error {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default();
        if tail.is_empty() {
            return anyhow!("{} {what}; it logged nothing", self.name);
        }
        anyhow!("{} {what}; its last lines:\n  {}", self.name, tail.join("\n  "))
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How many sessions a speaker must have in the end.
pub fn sessions(place: Place) -> usize {
    match place {
        Place::In0 | Place::In1 => 4, // two devices, the router and the twin
        Place::Hq1 | Place::Hq2 | Place::Router => 2,
        Place::Host | Place::Site => 0,
    }
}

/// The file of a node: its name and its text.
pub fn file(place: Place) -> (&'static str, String) {
    match place {
        Place::In0 | Place::In1 => ("gateway.toml", gateway()),
        Place::Hq1 => ("hq-1.toml", device("hq-1", Place::Hq1, DEVICES[0])),
        Place::Hq2 => ("hq-2.toml", device("hq-2", Place::Hq2, DEVICES[1])),
        Place::Router | Place::Host | Place::Site => ("core-1.toml", router()),
    }
}

/// The gateway of two instances: what a user of twinspan writes.
fn gateway() -> String {
    let ([in_0, in_1], [link_0, link_1]) = (INSTANCES, TWINS);
    let mut text = format!(
        r#"[gateway]
name = "hub"
mode = "active-active"
asn = 65515
subnet = "10.20.255.0/27"
prefixes = ["10.20.0.0/16"]

[[gateway.instance]]
name = "in-0"
public-ip = "203.0.113.10"
bgp-ip = "{in_0}"
twin-link = {{ interface = "{TWIN_LINK}", address = "{link_0}" }}

[[gateway.instance]]
name = "in-1"
public-ip = "203.0.113.11"
bgp-ip = "{in_1}"
twin-link = {{ interface = "{TWIN_LINK}", address = "{link_1}" }}

[bgp]
connect-retry = "1s"
"#
    );
    for (device, place, public, address) in
        [("hq-1", Place::Hq1, "198.51.100.1", DEVICES[0]), ("hq-2", Place::Hq2, "198.51.100.2", DEVICES[1])]
    {
        let _ = write!(
            text,
            r#"
[[device]]
name = "{device}"
public-ip = "{public}"
asn = 65010
bgp-ip = "{address}"

[[connection]]
device = "{device}"
tunnels = [
"#
        );
        for tunnel in TUNNELS.iter().filter(|tunnel| tunnel.device == place) {
            let instance = if tunnel.instance == Place::In0 { "in-0" } else { "in-1" };
            let _ = writeln!(
                text,
                r#"  {{ instance = "{instance}", interface = "{}", local-ip = "{}", remote-ip = "{}" }},"#,
                tunnel.near, tunnel.near_ip, tunnel.far_ip
            );
        }
        text.push_str("]\n");
    }
    let _ = write!(
        text,
        r#"
[[network-router]]
name = "core-1"
address = "{ROUTER}"
asn = 65001
interface = "eth0"
"#
    );
    text
}

/// A speaker that stands alone: the second instance of its file never comes up.
fn alone(name: &str, asn: u32, subnet: &str, prefix: &str, address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    let spare = Ipv4Addr::new(a, b, c, d + 20);
    format!(
        r#"[gateway]
name = "{name}"
mode = "active-active"
asn = {asn}
subnet = "{subnet}"
prefixes = ["{prefix}"]

[[gateway.instance]]
name = "{name}"
public-ip = "198.51.100.{d}"
bgp-ip = "{address}"

[[gateway.instance]]
name = "{name}-spare"
public-ip = "198.51.100.{}"
bgp-ip = "{spare}"

[bgp]
connect-retry = "1s"
"#,
        d + 100
    )
}

fn neighbor(owner: &str, name: &str, address: Ipv4Addr, local: Ipv4Addr, interface: &str, export: &str) -> String {
    format!(
        r#"
[[neighbor]]
name = "{name}"
address = "{address}"
local-address = "{local}"
interface = "{interface}"
instances = ["{owner}"]
asn = 65515
import = ["accept"]
export = ["{export}"]
"#
    )
}

/// A device: the site's prefix out, the cloud's in.
fn device(name: &str, place: Place, address: Ipv4Addr) -> String {
    let mut text = alone(name, 65010, "10.52.255.0/27", "10.52.0.0/16", address);
    for tunnel in TUNNELS.iter().filter(|tunnel| tunnel.device == place) {
        let instance = if tunnel.instance == Place::In0 { "in-0" } else { "in-1" };
        text.push_str(&neighbor(name, instance, tunnel.near_ip, tunnel.far_ip, tunnel.far, "accept"));
    }
    text
}

/// The cloud network's router: learns from both instances, teaches nothing.
fn router() -> String {
    let mut text = alone("core-1", 65001, "10.20.255.0/27", "10.20.0.0/24", ROUTER);
    for (instance, address, interface) in [("in-0", INSTANCES[0], "eth-in0"), ("in-1", INSTANCES[1], "eth-in1")] {
        text.push_str(&neighbor("core-1", instance, address, ROUTER, interface, "reject"));
    }
    // Two stages that hash alike and have as many buckets would use half of the tunnels (kernels before 6.11).
    text.push_str("\n[ecmp]\nbuckets = 96\n");
    text
}

/// Looks again and again until the condition holds; the time that it took, or `None` at the limit.
pub fn until(
    limit: Duration,
    every: Duration,
    mut holds: impl FnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<Option<Duration>> {
    let began = Instant::now();
    loop {
        if holds()? {
            return Ok(Some(began.elapsed()));
        }
        if began.elapsed() > limit {
            return Ok(None);
        }
        thread::sleep(every);
    }
}

/// Stops all, all at once, and says whose exit status was not 0.
pub fn stop_all(speakers: &mut [Speaker], limit: Duration) -> anyhow::Result<()> {
    for speaker in speakers.iter() {
        speaker.terminate()?;
    }
    for speaker in speakers {
        let status = speaker.ended(limit)?;
        if !status.success() {
            bail!(speaker.failure(&format!("ended with {status}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_the_demo_writes_is_accepted_without_a_warning() {
        for place in [Place::In0, Place::In1, Place::Hq1, Place::Hq2, Place::Router] {
            let (name, text) = file(place);
            match crate::config::parse(name, &text) {
                Ok((_, warnings)) => assert!(warnings.is_empty(), "{name}: {warnings:?}"),
                Err(faults) => panic!("{}", faults.iter().map(|fault| fault.render(&text)).collect::<String>()),
            }
        }
    }
}
