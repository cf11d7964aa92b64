//! The dual-redundancy lab for tests: what each side says about it.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::runner::{Lab, Options, wait_until};

/// How long a lab may take to come to rest.
pub(crate) const SOON: Duration = Duration::from_secs(40);

/// The instances.
pub(crate) const INSTANCES: [&str; 2] = ["in-0", "in-1"];

/// What both devices of the lab announce.
pub(crate) const SITE: [&str; 4] = ["10.52.0.0/16", "10.53.0.0/24", "10.53.1.0/24", "10.53.2.0/23"];

/// What both instances announce.
pub(crate) const CLOUD: &str = "10.20.0.0/16";

/// The instances' addresses as FRR and BIRD see them, in the order of [`INSTANCES`].
pub(crate) const SEEN_BY_FRR: [&str; 2] = ["169.254.21.2", "169.254.21.6"];
pub(crate) const SEEN_BY_BIRD: [&str; 2] = ["169.254.21.10", "169.254.21.14"];

/// A lab, and its place among those that may run at once.
pub(crate) struct Gateway {
    // Dropped first: the next test starts when this lab is gone.
    pub(crate) lab: Lab,
    _turn: Turn,
}

/// One of the `crate::LABS` places.
struct Turn;

static TAKEN: Mutex<usize> = Mutex::new(0);
static LEFT: Condvar = Condvar::new();

impl Turn {
    fn take() -> Self {
        let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let free = LEFT.wait_while(taken, |taken| *taken >= crate::LABS);
        *free.unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        LEFT.notify_one();
    }
}

/// A path in this checkout.
pub(crate) fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

impl Gateway {
    /// The lab with all of its daemons but those of `idle` nodes.
    pub(crate) fn up(idle: &[&str]) -> Result<Self> {
        Self::up_with(idle, "")
    }

    /// Another lab as its file says.
    pub(crate) fn of(file: &str) -> Result<Self> {
        let turn = Turn::take();
        let programs = Path::new(env!("CARGO_BIN_EXE_twinspan")).parent().context("a program is in a folder")?;
        let lab = Lab::up(&checkout(file), &Options::new(programs))?;
        Ok(Self { lab, _turn: turn })
    }

    /// Another lab without the daemons of `idle` nodes, with the first instance's file edited.
    pub(crate) fn of_edited(file: &str, idle: &[&str], edit: impl Fn(&str) -> String) -> Result<Self> {
        let turn = Turn::take();
        let programs = Path::new(env!("CARGO_BIN_EXE_twinspan")).parent().context("a program is in a folder")?;
        let path = checkout(file);
        let own = path.parent().context("a file is in a folder")?.join("twinspan.toml");
        let mut edited = tempfile::NamedTempFile::new()?;
        edited.write_all(edit(&fs::read_to_string(own)?).as_bytes())?;
        let target = PathBuf::from("/etc/twinspan/twinspan.toml");
        let replaced = vec![(INSTANCES[0].to_owned(), target, edited.path().to_path_buf())];
        let idle = idle.iter().map(ToString::to_string).collect();
        let lab = Lab::up(&path, &Options { idle, replaced, ..Options::new(programs) })?;
        Ok(Self { lab, _turn: turn })
    }

    /// Waits until an instance says so of a neighbor.
    pub(crate) fn neighbor(&self, name: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Result<Value> {
        wait_until(SOON, || {
            let shown = self.show(INSTANCES[0], &["neighbors", name])?;
            if holds(&shown) { Ok(shown) } else { Err(format!("{name} is not {what}: {shown}")) }
        })
    }

    /// The lab with `more` at the end of the gateway's file.
    pub(crate) fn up_with(idle: &[&str], more: &str) -> Result<Self> {
        let turn = Turn::take();
        let programs = Path::new(env!("CARGO_BIN_EXE_twinspan")).parent().context("a program is in a folder")?;
        let folder = checkout("labs/dual-redundancy");
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(&fs::read(folder.join("twinspan.toml"))?)?;
        file.write_all(more.as_bytes())?;
        let target = PathBuf::from("/etc/twinspan/twinspan.toml");
        let replaced = INSTANCES.map(|name| (name.to_owned(), target.clone(), file.path().to_path_buf()));
        let idle = idle.iter().map(ToString::to_string).collect();
        let options = Options { idle, replaced: replaced.into(), ..Options::new(programs) };
        let lab = Lab::up(&folder.join("dual-redundancy.clab.yml"), &options)?;
        Ok(Self { lab, _turn: turn })
    }

    /// The lab with other files in some nodes: node, path inside it, text.
    pub(crate) fn with_files(files: &[(&str, &str, String)]) -> Result<Self> {
        Self::of_files("labs/dual-redundancy/dual-redundancy.clab.yml", files)
    }

    /// Another lab with other files in some nodes.
    pub(crate) fn of_files(lab: &str, files: &[(&str, &str, String)]) -> Result<Self> {
        let programs = Path::new(env!("CARGO_BIN_EXE_twinspan")).parent().context("a program is in a folder")?;
        Self::made_of(lab, programs, files)
    }

    /// The lab with other files in some nodes, and with the program of that folder.
    pub(crate) fn of_programs(programs: &Path, files: &[(&str, &str, String)]) -> Result<Self> {
        Self::made_of("labs/dual-redundancy/dual-redundancy.clab.yml", programs, files)
    }

    fn made_of(lab: &str, programs: &Path, files: &[(&str, &str, String)]) -> Result<Self> {
        let turn = Turn::take();
        let mut written = Vec::new();
        let mut options = Options::new(programs);
        for (node, target, text) in files {
            let mut file = tempfile::NamedTempFile::new()?;
            file.write_all(text.as_bytes())?;
            options.replaced.push(((*node).to_owned(), PathBuf::from(target), file.path().to_path_buf()));
            written.push(file);
        }
        let lab = Lab::up(&checkout(lab), &options)?;
        Ok(Self { lab, _turn: turn })
    }

    /// The lab at rest: four sessions, all routes in both kernels, both devices with both ways back.
    pub(crate) fn at_rest() -> Result<Self> {
        let gateway = Self::up(&[])?;
        gateway.rests()?;
        Ok(gateway)
    }

    /// Runs the `check` script of a lab, which waits for what it asks; an error is what it says does not hold.
    pub(crate) fn check(&self) -> Result<()> {
        self.lab.check(Path::new(env!("CARGO_BIN_EXE_twinspan")).parent().context("a program is in a folder")?)
    }

    /// Waits until all is as it should be.
    pub(crate) fn rests(&self) -> Result<()> {
        for instance in INSTANCES {
            self.serves(instance)?;
        }
        wait_until(SOON, || {
            let both = |wanted: [&str; 2]| wanted.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
            let (frr, bird) = (self.frr_ways()?, self.bird_ways()?);
            if frr != both(SEEN_BY_FRR) || bird != both(SEEN_BY_BIRD) {
                return Err(format!("FRR reaches {CLOUD} through {frr:?}, BIRD through {bird:?}"));
            }
            Ok(())
        })
    }

    /// Waits until an instance has two sessions and every site prefix in its kernel with two members.
    pub(crate) fn serves(&self, instance: &str) -> Result<()> {
        wait_until(SOON, || {
            let states = self.states(instance)?;
            if states != ["established", "established"] {
                return Err(format!("{instance}: sessions are {states:?}\n{}", self.tail(instance)));
            }
            let kernel = self.kernel(instance).map_err(|error| format!("{error:#}"))?;
            for prefix in SITE {
                match kernel.members(prefix) {
                    Some(members) if members.len() == 2 => {}
                    members => {
                        return Err(format!("{instance}: {prefix} goes to {members:?}\n{}", self.tail(instance)));
                    }
                }
            }
            Ok(())
        })
    }

    /// The last lines that an instance logged.
    pub(crate) fn tail(&self, instance: &str) -> String {
        let log = self.lab.log(instance, "twinspan");
        let lines: Vec<&str> = log.lines().collect();
        lines.iter().skip(lines.len().saturating_sub(12)).copied().collect::<Vec<_>>().join("\n")
    }

    /// `twinspan show WORDS --json` on an instance.
    pub(crate) fn show(&self, instance: &str, words: &[&str]) -> Result<Value, String> {
        let words = [&["twinspan", "show"], words, &["--json"]].concat();
        let text = self.lab.must(instance, &words).map_err(|error| format!("{error:#}\n{}", self.tail(instance)))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", words.join(" ")))
    }

    /// The states of an instance's sessions, as it sees them.
    pub(crate) fn states(&self, instance: &str) -> Result<Vec<String>, String> {
        let shown = self.show(instance, &["neighbors"])?;
        let neighbors = shown["neighbors"].as_array().ok_or("no list of neighbors")?;
        Ok(neighbors.iter().map(|neighbor| neighbor["state"].as_str().unwrap_or_default().to_owned()).collect())
    }

    /// The next hops through which FRR's BGP reaches the cloud.
    pub(crate) fn frr_ways(&self) -> Result<BTreeSet<String>, String> {
        let command = format!("show bgp ipv4 unicast {CLOUD} json");
        let text = self.lab.must("hq-1", &["vtysh", "-c", &command]).map_err(|error| format!("{error:#}"))?;
        let shown: Value = serde_json::from_str(&text).map_err(|error| format!("{command}: {error}"))?;
        let paths = shown["paths"].as_array().cloned().unwrap_or_default();
        let used = paths.iter().filter(|path| path["valid"] == true && (path["multipath"] == true || paths.len() == 1));
        Ok(used.filter_map(|path| Some(path["nexthops"][0]["ip"].as_str()?.to_owned())).collect())
    }

    /// The next hops through which BIRD reaches the cloud.
    pub(crate) fn bird_ways(&self) -> Result<BTreeSet<String>, String> {
        let words = ["birdc", "show", "route", CLOUD];
        let text = match self.lab.exec("hq-2", &words) {
            Ok(done) => String::from_utf8_lossy(&done.stdout).into_owned(),
            Err(error) => return Err(format!("{error:#}")),
        };
        let ways = text.lines().filter_map(|line| line.trim().strip_prefix("via ")?.split(' ').next());
        Ok(ways.map(str::to_owned).collect())
    }
}
