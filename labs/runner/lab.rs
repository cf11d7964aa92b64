//! A running lab: made from a file, gone when dropped, also on panic.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::image;
use super::node::{Node, forget_netns, run};
use super::topology::{Endpoint, Topology};
use super::wait::wait_until;

/// A command inside a node is given this long.
const EXEC_LIMIT_SECONDS: &str = "30";

/// How a lab is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder with the built `twinspan`, first in every node's `PATH`.
    pub programs: PathBuf,
    /// Nodes whose daemons are not started; their namespaces, addresses and links are there.
    pub idle: Vec<String>,
    /// Files used in place of those in the lab's folder, by the path inside the node: `("in-0", "/etc/x", source)`.
    pub replaced: Vec<(String, PathBuf, PathBuf)>,
}

impl Options {
    /// Everything started, `twinspan` taken from `programs`.
    pub fn new(programs: impl Into<PathBuf>) -> Self {
        Self { programs: programs.into(), idle: Vec::new(), replaced: Vec::new() }
    }
}

/// A lab that is up. Dropping it stops every process and removes every namespace.
#[derive(Debug)]
pub struct Lab {
    /// What it was made from.
    pub topology: Topology,
    /// `ts-<process>-<n>-`: what every name that it makes outside begins with.
    pub prefix: String,
    folder: PathBuf,
    // Before `nodes`: daemons are reaped before their namespaces go.
    processes: Vec<Process>,
    nodes: BTreeMap<String, Node>,
}

/// Something started in a node.
#[derive(Debug)]
struct Process {
    node: String,
    name: String,
    child: Child,
}

/// What other runs need to know of a lab, beside its logs.
#[derive(Debug, Deserialize, Serialize)]
pub struct Record {
    /// The lab's name.
    pub name: String,
    /// [`Lab::prefix`].
    pub prefix: String,
    /// The process that holds it.
    pub owner: u32,
    /// Each node's holder.
    pub holders: BTreeMap<String, u32>,
}

impl Record {
    /// True while the process that made the lab lives.
    pub fn lives(&self) -> bool {
        Path::new("/proc").join(self.owner.to_string()).exists()
    }
}

impl Lab {
    /// Makes the lab: namespaces, links, kernel settings, files, `exec` commands, then the daemons.
    pub fn up(path: &Path, options: &Options) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut topology = Topology::read(path)?;
        for (owner, target, source) in &options.replaced {
            let node = topology.nodes.get_mut(owner).with_context(|| format!("there is no node {owner}"))?;
            for bind in node.binds.iter_mut().filter(|bind| bind.target == *target) {
                bind.source.clone_from(source);
            }
        }
        sweep();
        let prefix = format!("ts-{}-{}-", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = records().join(&prefix);
        fs::create_dir_all(folder.join("logs"))?;
        let mut lab = Self { topology, prefix, folder, processes: Vec::new(), nodes: BTreeMap::new() };
        lab.make_nodes(options)?;
        lab.make_links()?;
        lab.record()?;
        let described = lab.topology.nodes.clone();
        for (name, node) in &described {
            for (key, value) in &node.sysctls {
                lab.must(name, &["sysctl", "-qw", &format!("{key}={value}")])?;
            }
            for bind in &node.binds {
                lab.node(name)?.bind(&bind.source, &bind.target)?;
            }
            for words in &node.exec {
                lab.must(name, &words.iter().map(String::as_str).collect::<Vec<_>>())?;
            }
        }
        for name in described.keys().filter(|name| !options.idle.contains(name)) {
            image::start(&mut lab, name).with_context(|| format!("cannot start {name}"))?;
        }
        Ok(lab)
    }

    fn make_nodes(&mut self, options: &Options) -> Result<()> {
        let path = std::env::var("PATH").unwrap_or_default();
        let programs = options.programs.display();
        let path = format!("{programs}:{programs}/examples:{path}:/usr/sbin:/sbin");
        // Those that share another's network come after it.
        let (own, sharing): (Vec<_>, Vec<_>) = self.topology.nodes.iter().partition(|(_, n)| n.network_of.is_none());
        for (name, described) in own.into_iter().chain(sharing) {
            let mut env = described.env.clone();
            env.insert("PATH".to_owned(), path.clone());
            let share = described.network_of.as_ref().and_then(|other| self.nodes.get(other));
            let node = Node::new(&self.prefix, name, share, env)?;
            self.nodes.insert(name.clone(), node);
        }
        Ok(())
    }

    fn make_links(&self) -> Result<()> {
        self.topology.links.iter().try_for_each(|link| self.make_link(link))
    }

    /// Makes one link, also again after one of its interfaces was deleted; addresses are not part of it.
    pub fn make_link(&self, [a, b]: &[Endpoint; 2]) -> Result<()> {
        let (a_ns, b_ns) = (&self.node(&a.node)?.netns, &self.node(&b.node)?.netns);
        let peer = ["type", "veth", "peer", "name", &b.interface, "netns", b_ns];
        run(Command::new("ip").args(["link", "add", "name", &a.interface, "netns", a_ns]).args(peer))?;
        for (netns, end) in [(a_ns, a), (b_ns, b)] {
            run(Command::new("ip").args(["-n", netns, "link", "set", &end.interface, "up"]))?;
        }
        Ok(())
    }

    fn record(&self) -> Result<()> {
        let record = Record {
            name: self.topology.name.clone(),
            prefix: self.prefix.clone(),
            owner: process::id(),
            holders: self.nodes.iter().map(|(name, node)| (name.clone(), node.holder)).collect(),
        };
        fs::write(self.folder.join("lab.json"), serde_json::to_string(&record)?)?;
        Ok(())
    }

    /// Where the output of everything started is kept: `NODE-PROGRAM.log`.
    pub fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// What a program in a node has written so far, both of its outputs.
    pub fn log(&self, node: &str, program: &str) -> String {
        let octets = fs::read(self.logs().join(format!("{node}-{program}.log"))).unwrap_or_default();
        String::from_utf8_lossy(&octets).into_owned()
    }

    /// One node's namespaces.
    pub fn node(&self, name: &str) -> Result<&Node> {
        self.nodes.get(name).with_context(|| format!("there is no node {name}"))
    }

    /// Runs `work` with the node's network.
    pub fn inside<R: Send>(&self, node: &str, work: impl FnOnce() -> R + Send) -> Result<R> {
        self.node(node)?.inside(work)
    }

    /// Runs a program in a node and waits for its end.
    pub fn exec(&self, node: &str, words: &[&str]) -> Result<Output> {
        let mut command = Command::new("timeout");
        command.args(["-k", "1", EXEC_LIMIT_SECONDS]).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(self.node(node)?.spawn(&mut command)?.wait_with_output()?)
    }

    /// As [`Lab::exec`], where failure is an error; returns what it wrote.
    pub fn must(&self, node: &str, words: &[&str]) -> Result<String> {
        let done = self.exec(node, words)?;
        let out = String::from_utf8_lossy(&done.stdout).into_owned();
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr);
            bail!("{node}: {} ended with {}: {} {}", words.join(" "), done.status, said.trim(), out.trim());
        }
        Ok(out)
    }

    /// A line of shell in a node.
    pub fn shell(&self, node: &str, line: &str) -> Result<String> {
        self.must(node, &["sh", "-c", line])
    }

    /// Starts a program in a node; it is known by the last part of its path.
    pub fn spawn(&mut self, node: &str, words: &[&str]) -> Result<()> {
        let (program, arguments) = words.split_first().context("no program given")?;
        let name = program.rsplit('/').next().unwrap_or(program).to_owned();
        let log = File::options().create(true).append(true).open(self.logs().join(format!("{node}-{name}.log")))?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // The node's PATH decides, also about the program itself.
        let child = self.node(node)?.spawn(&mut command)?;
        self.processes.retain(|other| other.node != node || other.name != name);
        self.processes.push(Process { node: node.to_owned(), name, child });
        Ok(())
    }

    /// Starts again what the node's image or command starts.
    pub fn start(&mut self, node: &str) -> Result<()> {
        image::start(self, node)
    }

    /// The id of a program in a node, out here; an error once it has ended.
    pub fn pid(&mut self, node: &str, program: &str) -> Result<u32> {
        let process = self.process(node, program)?;
        match process.child.try_wait()? {
            None => Ok(process.child.id()),
            Some(status) => bail!("{program} in {node} has ended with {status}"),
        }
    }

    /// Sends a signal to a program in a node.
    pub fn signal(&mut self, node: &str, program: &str, signal: Signal) -> Result<()> {
        let id = i32::try_from(self.pid(node, program)?)?;
        Ok(kill(Pid::from_raw(id), signal)?)
    }

    /// Waits until a program in a node has ended.
    pub fn ended(&mut self, node: &str, program: &str, limit: Duration) -> Result<ExitStatus> {
        let process = self.process(node, program)?;
        wait_until(limit, || match process.child.try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err(format!("{program} in {node} still runs")),
            Err(error) => Err(error.to_string()),
        })
    }

    /// Sends a signal and waits for the end of the program.
    pub fn stop(&mut self, node: &str, program: &str, signal: Signal, limit: Duration) -> Result<ExitStatus> {
        self.signal(node, program, signal)?;
        self.ended(node, program, limit)
    }

    /// Processor time that a program in a node has used, both kinds.
    pub fn cpu_time(&mut self, node: &str, program: &str) -> Result<Duration> {
        let id = self.pid(node, program)?;
        let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        // Fields 14 and 15 of proc(5), in ticks of 10 ms; the first two are before the bracket.
        let ticks: u64 = fields.iter().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        Ok(Duration::from_millis(ticks * 10))
    }

    fn process(&mut self, node: &str, program: &str) -> Result<&mut Process> {
        let found = self.processes.iter_mut().find(|process| process.node == node && process.name == program);
        found.with_context(|| format!("{program} was not started in {node}"))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
        self.processes.clear();
        self.nodes.clear();
        if thread::panicking() {
            eprintln!("logs of the lab are kept in {}", self.logs().display());
            let _ = fs::remove_file(self.folder.join("lab.json"));
        } else {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The folder with a folder for each lab of this machine.
fn records() -> PathBuf {
    std::env::temp_dir().join("twinspan-labs")
}

/// The labs of this machine, also those whose process was killed.
pub fn list() -> Vec<Record> {
    let folders = fs::read_dir(records()).into_iter().flatten().flatten();
    folders.filter_map(|folder| serde_json::from_slice(&fs::read(folder.path().join("lab.json")).ok()?).ok()).collect()
}

/// Removes what killed runs left: names of namespaces, and records. Their processes ended with them.
pub fn sweep() {
    for name in fs::read_dir("/run/netns").into_iter().flatten().flatten() {
        let name = name.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix("ts-").and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        if owner.is_some_and(|owner| !Path::new("/proc").join(owner.to_string()).exists()) {
            forget_netns(&name);
        }
    }
    for record in list().iter().filter(|record| !record.lives()) {
        let _ = fs::remove_dir_all(records().join(&record.prefix));
    }
}
