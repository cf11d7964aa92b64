//! The speakers under test, and how each is started in the gateway's node.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::place::GATEWAY;
use crate::runner::{Lab, image, wait_until};

/// One of the speakers that are measured side by side.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, clap::ValueEnum, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// Ours.
    Twinspan,
    /// FRR: zebra, bgpd, staticd and bfdd, with nexthop groups in the kernel.
    Frr,
    /// BIRD, one process.
    Bird,
}

impl Speaker {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 3] = [Self::Twinspan, Self::Frr, Self::Bird];

    /// As the tables have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Twinspan => "twinspan",
            Self::Frr => "FRR",
            Self::Bird => "BIRD",
        }
    }

    /// Starts it; its configuration is in the node already.
    pub fn start(self, lab: &mut Lab) -> Result<()> {
        match self {
            Self::Twinspan => {
                let file = "/etc/twinspan/twinspan.toml";
                lab.spawn(GATEWAY, &["twinspan", "run", "-c", file, "--instance", GATEWAY])?;
                wait_until(Duration::from_secs(10), || {
                    lab.pid(GATEWAY, "twinspan").map_err(|e| format!("{e:#}\n{}", lab.log(GATEWAY, "twinspan")))?;
                    let ready = ["test", "-S", "/run/twinspan/twinspan.sock"];
                    lab.must(GATEWAY, &ready).map(drop).map_err(|error| format!("{error:#}"))
                })
            }
            Self::Frr => image::start_as(lab, GATEWAY, "frr"),
            Self::Bird => image::start_as(lab, GATEWAY, "bird"),
        }
    }
}

/// What the processes of a node have used so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Processor time, both kinds, of those that live.
    pub cpu: Duration,
    /// The sum of their peaks of resident memory, in octets.
    pub peak: u64,
}

impl Usage {
    /// Of all processes in a node's process namespace but its holder.
    pub fn of(lab: &Lab, node: &str) -> Result<Self> {
        let holder = lab.node(node)?.holder;
        let inside = fs::read_link(format!("/proc/{holder}/ns/pid"))?;
        let mut usage = Self::default();
        for entry in fs::read_dir("/proc")?.flatten() {
            let path = entry.path();
            let ours = fs::read_link(path.join("ns/pid")).is_ok_and(|namespace| namespace == inside);
            if ours && entry.file_name() != *holder.to_string() {
                // One that ends meanwhile has used nothing.
                usage.add(&path).ok();
            }
        }
        Ok(usage)
    }

    fn add(&mut self, process: &Path) -> Result<()> {
        let stat = fs::read_to_string(process.join("stat"))?;
        let fields = stat.rsplit(')').next().context("a process has a name in brackets")?.split_whitespace();
        // Fields 14 and 15 of proc(5), in ticks of 10 ms; the first two are before the bracket.
        let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        self.cpu += Duration::from_millis(ticks * 10);
        let status = fs::read_to_string(process.join("status"))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = peak.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        self.peak += kilobytes.unwrap_or_default() * 1024;
        Ok(())
    }
}
