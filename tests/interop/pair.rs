//! One instance and one peer, up: what each side says, and the ways to change it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::peer::{Peer, Session};
use crate::runner::{Lab, Options, wait_until};

/// How long anything may take; what takes longer is a fault.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// The nodes of the peers.
const PEERS: [&str; 5] = ["frr", "bird", "gobgp", "exabgp", "openbgpd"];

/// The family that the session itself runs over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Over {
    Ipv4,
    Ipv6,
}

/// What differs from the lab's own files.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) peer: &'static dyn Peer,
    pub(crate) over: Over,
    /// Goes behind the gateway's file.
    pub(crate) ours: String,
    /// In the gateway's file: what stands there, and what shall.
    pub(crate) our_edits: Vec<(String, String)>,
    /// The same in the peer's file.
    pub(crate) their_edits: Vec<(String, String)>,
    /// Made, but nothing is started in them.
    pub(crate) idle: Vec<String>,
}

/// An instance and a peer.
pub(crate) struct Pair {
    pub(crate) lab: Lab,
    pub(crate) peer: &'static dyn Peer,
    pub(crate) over: Over,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("labs/interop")
}

impl Setup {
    pub(crate) fn of(peer: &'static dyn Peer) -> Self {
        let (our_edits, their_edits) = (Vec::new(), Vec::new());
        Self { peer, over: Over::Ipv4, ours: String::new(), our_edits, their_edits, idle: Vec::new() }
    }

    pub(crate) fn over(mut self, over: Over) -> Self {
        self.over = over;
        self
    }

    /// Changes words of the gateway's file.
    pub(crate) fn our_edit(mut self, from: &str, to: &str) -> Self {
        self.our_edits.push((from.to_owned(), to.to_owned()));
        self
    }

    /// Changes words of the peer's file.
    pub(crate) fn their_edit(mut self, from: &str, to: &str) -> Self {
        self.their_edits.push((from.to_owned(), to.to_owned()));
        self
    }

    /// Starts nothing in a node.
    pub(crate) fn idle(mut self, node: &str) -> Self {
        self.idle.push(node.to_owned());
        self
    }

    /// Makes the lab without waiting for a session.
    pub(crate) fn start(self) -> Result<Pair> {
        let pair = Pair { lab: self.lab()?, peer: self.peer, over: self.over };
        if !self.idle.iter().any(|node| node == self.peer.node()) {
            self.peer.begin(&pair.lab)?;
        }
        Ok(pair)
    }

    /// Makes the lab and waits until the session is established and both have what the other teaches.
    pub(crate) fn up(self) -> Result<Pair> {
        let pair = self.start()?;
        pair.meets()?;
        Ok(pair)
    }

    fn lab(&self) -> Result<Lab> {
        let programs = Path::new(env!("CARGO_BIN_EXE_twinspan")).parent().context("a program is in a folder")?;
        let twin = if self.over == Over::Ipv4 { "in-1" } else { "in-0" };
        let others = PEERS.iter().filter(|name| **name != self.peer.node()).copied().chain([twin]);
        let idle = others.map(str::to_owned).chain(self.idle.iter().cloned()).collect();
        let (source, target) = self.peer.file();
        // Kept until the lab has its copies.
        let ours = written(&folder().join("twinspan.toml"), &self.our_edits, &self.ours)?;
        let theirs = written(&folder().join(source), &self.their_edits, "")?;
        let ours_target = PathBuf::from("/etc/twinspan/twinspan.toml");
        let replaced = vec![
            (instance(self.over).to_owned(), ours_target, ours.path().to_path_buf()),
            (self.peer.node().to_owned(), target.into(), theirs.path().to_path_buf()),
        ];
        let options = Options { idle, replaced, ..Options::new(programs) };
        Lab::up(&folder().join("interop.clab.yml"), &options)
    }
}

fn written(path: &Path, edits: &[(String, String)], more: &str) -> Result<tempfile::NamedTempFile> {
    let mut text = fs::read_to_string(path)?;
    for (from, to) in edits {
        ensure!(text.contains(from), "{} has no {from:?}", path.display());
        text = text.replace(from, to);
    }
    let file = tempfile::NamedTempFile::new()?;
    fs::write(file.path(), text + more)?;
    Ok(file)
}

fn instance(over: Over) -> &'static str {
    if over == Over::Ipv4 { "in-0" } else { "in-1" }
}

impl Pair {
    /// The node of the instance.
    pub(crate) fn instance(&self) -> &'static str {
        instance(self.over)
    }

    /// The name of the session, on our side.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.peer.node(), self.instance())
    }

    /// Our address, which names the session on the peer's side.
    pub(crate) fn us(&self) -> String {
        match (self.over, self.peer.number()) {
            (Over::Ipv4, number) => format!("169.254.21.{}", 4 * number + 2),
            (Over::Ipv6, 0) => "fd21:1::2".to_owned(), // as it is written short
            (Over::Ipv6, number) => format!("fd21:1:{number}::2"),
        }
    }

    /// The peer's site, both families.
    pub(crate) fn site(&self) -> [String; 2] {
        let number = self.peer.number();
        [format!("10.5{number}.0.0/16"), format!("fd5{number}::/48")]
    }

    /// The prefixes that the peer announces with communities.
    pub(crate) fn marked(&self) -> [String; 2] {
        let number = self.peer.number();
        [format!("10.5{number}.52.0/24"), format!("fd5{number}:0:0:52::/64")]
    }

    /// The last lines that the instance and the peer logged.
    pub(crate) fn tail(&self) -> String {
        let tail = |node: &str, program: &str| {
            let log = self.lab.log(node, program);
            let lines: Vec<&str> = log.lines().collect();
            let last = lines.iter().skip(lines.len().saturating_sub(12)).copied();
            format!("--- {node}\n{}\n", last.collect::<Vec<_>>().join("\n"))
        };
        tail(self.instance(), "twinspan") + &tail(self.peer.node(), self.peer.program())
    }

    /// `twinspan WORDS` on the instance.
    pub(crate) fn tell(&self, words: &[&str]) -> Result<String> {
        self.lab.must(self.instance(), &[&["twinspan"], words].concat())
    }

    /// `twinspan show WORDS --json` on the instance.
    pub(crate) fn show(&self, words: &[&str]) -> Result<Value> {
        let words = [&["show"], words, &["--json"]].concat();
        Ok(serde_json::from_str(&self.tell(&words).with_context(|| self.tail())?)?)
    }

    /// The neighbor as we see it, in full.
    pub(crate) fn neighbor(&self) -> Result<Value> {
        self.show(&["neighbors", &self.name()])
    }

    /// The peer's paths to a prefix, as we have them.
    pub(crate) fn path(&self, prefix: &str) -> Result<Option<Value>> {
        let shown = self.show(&["routes", prefix])?;
        let paths = shown["routes"][0]["paths"].as_array().cloned().unwrap_or_default();
        Ok(paths.into_iter().find(|path| path["neighbor"] == self.name().as_str()))
    }

    /// The session as the peer sees it.
    pub(crate) fn session(&self) -> Result<Session> {
        self.peer.session(&self.lab, &self.us())
    }

    /// The peer's route to a prefix, if we taught it.
    pub(crate) fn learned(&self, prefix: &str) -> Result<Option<crate::peer::Route>> {
        self.peer.learned(&self.lab, &self.us(), prefix)
    }

    /// Waits for a fact; its absence is told with both logs.
    pub(crate) fn waits<T>(&self, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        let asked = wait_until(SOON, || match ask() {
            Ok(Some(found)) => Ok(found),
            Ok(None) => Err("it is not so".to_owned()),
            Err(error) => Err(format!("{error:#}")),
        });
        asked.with_context(|| self.tail())
    }

    /// Waits until the session is established at both ends and both have what the other teaches.
    pub(crate) fn meets(&self) -> Result<()> {
        self.waits(|| {
            let neighbor = self.neighbor()?;
            ensure!(neighbor["state"] == "established", "we say {}: {}", neighbor["state"], neighbor["last_down"]);
            let session = self.session()?;
            ensure!(session.established, "the peer says it is not established: {}", session.last_end);
            Ok(Some(()))
        })
    }
}
