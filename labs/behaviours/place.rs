//! A lab with a gateway in it and traffic through it, and what is asked of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::rows::Figure;
use super::runner::{Lab, Options, wait_until};
use super::traffic::{CLOUD_HOST, Traffic};

/// How long a lab may take to come to rest.
pub const SOON: Duration = Duration::from_secs(60);
/// How long routes without BFD may outlive their host.
pub const LATE: Duration = Duration::from_secs(180);

/// In the cloud, for the flows of the second site of [`STANDBY_SITES`].
const CLOUD_SECOND: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 11);
/// Behind the device that speaks to the shared address, and behind the one with a link-local pair to each instance.
const STANDBY_SITES: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 52, 1, 10), Ipv4Addr::new(10, 53, 1, 10)];
/// As `[[path, text in it, text in its place]]`.
pub type Edits<'e> = &'e [(&'e str, &'e str, &'e str)];

/// What every measurement has in common.
pub struct Place {
    /// The folder with `twinspan`.
    pub programs: PathBuf,
    /// Packets a second each way.
    pub rate: u32,
}

/// A lab that is up.
pub struct Site<'p> {
    pub lab: Lab,
    place: &'p Place,
    sites: Vec<Ipv4Addr>,
    cloud: Vec<Ipv4Addr>,
}

/// Traffic while something happens.
pub struct Stream {
    traffic: Traffic,
    /// Between two packets of one flow.
    between: Duration,
}

impl Place {
    /// A lab of the repository at rest, by its `check` script.
    pub fn up(&self, name: &str, sites: &[Ipv4Addr], edits: Edits<'_>) -> Result<Site<'_>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("labs").join(name);
        let mut files = Vec::new();
        let mut options = Options::new(&self.programs);
        for (path, from, to) in edits {
            let (node, inside) = path.split_once(':').context("an edit names a node and a path")?;
            let source = match node {
                "in-0" | "in-1" => folder.join("twinspan.toml"),
                node => folder.join(node).join(Path::new(inside).file_name().context("a path has a name")?),
            };
            let known = files.iter().position(|(at, _, _): &(&str, String, _)| at == path);
            let known = match known {
                Some(known) => known,
                None => {
                    files.push((*path, fs::read_to_string(&source)?, tempfile::NamedTempFile::new()?));
                    files.len() - 1
                }
            };
            let text = &mut files[known].1;
            // Without a word to replace it is more at the end.
            if from.is_empty() {
                text.push_str(to);
            } else {
                anyhow::ensure!(text.contains(from), "{path} does not say {from:?}");
                *text = text.replace(from, to);
            }
        }
        for (path, text, file) in &mut files {
            file.write_all(text.as_bytes())?;
            let (node, inside) = path.split_once(':').context("an edit names a node and a path")?;
            options.replaced.push((node.to_owned(), PathBuf::from(inside), file.path().to_path_buf()));
        }
        let lab = Lab::up(&folder.join(format!("{name}.clab.yml")), &options)?;
        lab.check(&self.programs)?;
        Ok(Site { lab, place: self, sites: sites.to_vec(), cloud: vec![CLOUD_HOST] })
    }

    /// `labs/active-standby`, in which the second site also sends, through its own device. in-0 is active.
    pub fn standby(&self, edits: Edits<'_>) -> Result<Site<'_>> {
        let mut site = self.up("active-standby", &STANDBY_SITES, edits)?;
        site.lab.must("cloud-host", &["ip", "address", "add", "10.20.1.11/24", "dev", "eth1"])?;
        let way = ["ip", "route", "add", "10.20.1.11", "via", "10.53.1.1", "src", "10.53.1.10"];
        site.lab.must("site-host", &way)?;
        site.cloud.push(CLOUD_SECOND);
        site.serves("in-0")?;
        Ok(site)
    }
}

impl Site<'_> {
    /// Traffic that has run for a second.
    pub fn stream(&self) -> Result<Stream> {
        let rate = self.place.rate;
        let traffic = Traffic::between(&self.lab, &self.sites, &self.cloud, rate)?;
        Ok(Stream { traffic, between: Duration::from_secs(64) / rate })
    }

    /// What its `check` script asks.
    pub fn check(&self) -> Result<()> {
        self.lab.check(&self.place.programs)
    }

    /// `twinspan show WORDS --json` on an instance.
    pub fn show(&self, instance: &str, words: &[&str]) -> Result<Value, String> {
        let words = [&["twinspan", "show"], words, &["--json"]].concat();
        let text = self.lab.must(instance, &words).map_err(|error| format!("{error:#}"))?;
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }

    /// Waits until an instance has the role.
    pub fn is_active(&self, instance: &str) -> Result<()> {
        wait_until(SOON, || {
            let shown = self.show(instance, &["gateway"])?;
            if shown["role"]["role"] == "active" { Ok(()) } else { Err(format!("{instance}: {}", shown["role"])) }
        })
    }

    /// Waits until an instance of the active-standby lab is active, has routes from both devices, and both devices and the
    /// network's router use it and nobody else.
    pub fn serves(&self, instance: &str) -> Result<()> {
        let pair = if instance == "in-0" { "tun-in0" } else { "tun-in1" };
        let must = |node: &str, words: &[&str]| self.lab.must(node, words).map_err(|error| format!("{error:#}"));
        wait_until(LATE, || {
            let shown = self.show(instance, &["gateway"])?;
            if shown["role"]["role"] != "active" {
                return Err(format!("{instance}: {}", shown["role"]));
            }
            for (site, tunnel) in [("10.52.1.0/24", "tun-hq1"), ("10.53.1.0/24", "tun-hq2")] {
                let routes = must(instance, &["twinspan", "show", "routes", site])?;
                if !routes.contains(&format!(": {tunnel} ")) {
                    return Err(format!("{instance}: {routes}"));
                }
            }
            let bird = must("hq-2", &["ip", "route", "show", "10.20.0.0/16"])?;
            let ways = bird.matches("dev tun-in").count();
            let frr = must("hq-1", &["ip", "route", "show", "10.20.0.0/16"])?;
            if ways == 1 && bird.contains(pair) && frr.contains("tun-gw") {
                return Ok(());
            }
            Err(format!("BIRD: {bird}, FRR: {frr}"))
        })
    }
}

impl Stream {
    /// For so long the flows run on.
    pub fn run_for(&self, duration: Duration) {
        self.traffic.run_for(duration);
    }

    /// What was lost; `after` says how long it took.
    pub fn stop(self, after: Duration) -> Figure {
        self.stop_of(after, |_, _| true)
    }

    /// The same of the flows, each with its way (0 to the sites, 1 to the cloud), that are asked for.
    pub fn stop_of(self, after: Duration, counts: impl Fn(usize, u16) -> bool) -> Figure {
        let ways: [(u64, BTreeMap<u16, u64>); 2] = [self.traffic.down.count(), self.traffic.up.count()];
        let mut figure = Figure { lost: [0, 0], sent: ways[0].0.max(ways[1].0), away: Duration::ZERO, after };
        for (at, (_, lost)) in ways.iter().enumerate() {
            for (_, lost) in lost.iter().filter(|(port, _)| counts(at, **port)) {
                figure.lost[at] += lost;
                figure.away = figure.away.max(self.between * u32::try_from(*lost).unwrap_or(u32::MAX));
            }
        }
        figure
    }
}
