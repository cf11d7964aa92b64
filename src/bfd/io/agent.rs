//! The agent's loop: wait, take what came, do what is due. What has come is always taken before anything is found to
//! be late, so that a process that had to wait for its turn blames no peer for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::{
        fd::AsFd,
        unix::{
            fs::MetadataExt,
            net::{UnixListener, UnixStream},
        },
    },
    path::Path as FilePath,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, ppoll},
    sys::{
        signal::{SigSet, Signal},
        signalfd::{SfdFlags, SignalFd},
        stat::{Mode, umask},
        time::TimeSpec,
    },
};
use smallvec::SmallVec;

use super::super::{Effect, Key, KeyFile, Plan, Settings, Table, Wanted};
use super::protocol::{self, FromAgent, ToAgent};
use super::socket::{Receiver, Sender};
use super::talk::Talk;
use crate::types::{Family, Time};

/// Packets that are taken from a socket before others get their turn: as many as its buffer holds, since a peer whose
/// packet waits there is not silent.
const BURST: usize = 8_192;
/// How long a session without a socket waits for another try.
const RETRY: Duration = Duration::from_secs(1);
/// How long an agent without sessions waits for somebody to want one.
const IDLE: Duration = Duration::from_secs(10);
/// How much it goes before others, in steps of `nice`.
const PREFERENCE: i32 = -15;

/// Runs sessions for the daemon that connects to this socket. Returns when there is nothing to do any more.
pub fn run(socket: &FilePath) -> io::Result<()> {
    // Signals for the daemon's group are not for us. Whoever started us as a leader has done it already.
    let _ = nix::unistd::setsid();
    let preferred = rustix::process::nice(PREFERENCE).is_ok();
    let signals = signals()?;
    let listener = listen(socket)?;
    let id = identity(socket);
    let mut agent = Agent {
        started: Instant::now(),
        table: Table::new(fastrand::u64(..)),
        preferred,
        signals,
        stopping: false,
        receivers: BTreeMap::new(),
        senders: BTreeMap::new(),
        failing: BTreeMap::new(),
        daemon: None,
        absence: IDLE,
        absent: Some(Time::START),
        failed: false,
        plans: Vec::new(),
        told: BTreeSet::new(),
        retry: None,
        effects: Vec::new(),
    };
    let ended = agent.serve(&listener);
    // Another agent may have put its own there since.
    if identity(socket) == id {
        let _ = fs::remove_file(socket);
    }
    ended
}

/// Device and inode of a file.
fn identity(path: &FilePath) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// The signals that ask for an end, as something to read.
fn signals() -> io::Result<SignalFd> {
    let mut asked = SigSet::empty();
    asked.add(Signal::SIGTERM);
    asked.add(Signal::SIGINT);
    asked.thread_block()?;
    Ok(SignalFd::with_flags(&asked, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?)
}

/// A socket that nobody answers on is taken over.
fn listen(socket: &FilePath) -> io::Result<UnixListener> {
    if UnixStream::connect(socket).is_ok() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "another agent is running"));
    }
    let _ = fs::remove_file(socket);
    let mask = umask(Mode::from_bits_truncate(0o177));
    let listener = UnixListener::bind(socket);
    umask(mask);
    let listener = listener?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

struct Agent {
    started: Instant,
    table: Table,
    preferred: bool,
    signals: SignalFd,
    /// Somebody asked for an end: peers are being told.
    stopping: bool,
    /// By family, and whether multihop.
    receivers: BTreeMap<(Family, bool), Receiver>,
    senders: BTreeMap<u32, Sender>,
    /// Sessions without a socket, and when the next try is.
    failing: BTreeMap<u32, Time>,
    daemon: Option<Talk>,
    /// How long sessions go on without a daemon.
    absence: Duration,
    /// Since when there is none.
    absent: Option<Time>,
    /// The daemon stayed away for too long.
    failed: bool,
    /// What the daemon last wanted; what of it failed is tried again.
    plans: Vec<Plan>,
    /// Trouble that was told already.
    told: BTreeSet<String>,
    retry: Option<Time>,
    effects: Vec<Effect>,
}

impl Agent {
    fn now(&self) -> Time {
        Time::from_start(self.started.elapsed())
    }

    fn serve(&mut self, listener: &UnixListener) -> io::Result<()> {
        loop {
            self.wait(listener)?;
            self.accept(listener);
            self.listen();
            self.receive();
            let now = self.now();
            self.table.tick(now, &mut self.effects);
            self.obey(now);
            self.chores(now);
            self.speak();
            if self.table.is_empty() && self.is_idle(now) {
                return Ok(());
            }
        }
    }

    /// True if nobody wants anything from us.
    fn is_idle(&self, now: Time) -> bool {
        let dismissed = self.daemon.as_ref().is_some_and(|daemon| daemon.has_spoken && self.plans.is_empty());
        dismissed || self.failed || self.stopping || self.absent.is_some_and(|since| now.since(since) >= self.absence)
    }

    fn wait(&self, listener: &UnixListener) -> io::Result<()> {
        let absent = self.absent.filter(|_| !self.failed).map(|since| since + self.absence);
        let due = self.table.deadline().into_iter().chain(self.retry).chain(absent).min();
        let wait = due.map(|due| TimeSpec::from(due.since(self.now())));
        let mut fds: SmallVec<[PollFd<'_>; 8]> = SmallVec::new();
        fds.push(PollFd::new(listener.as_fd(), PollFlags::POLLIN));
        fds.push(PollFd::new(self.signals.as_fd(), PollFlags::POLLIN));
        if let Some(daemon) = &self.daemon {
            let more = if daemon.has_more() { PollFlags::POLLOUT } else { PollFlags::empty() };
            fds.push(PollFd::new(daemon.as_fd(), PollFlags::POLLIN | more));
        }
        fds.extend(self.receivers.values().map(|receiver| PollFd::new(receiver.as_fd(), PollFlags::POLLIN)));
        match ppoll(&mut fds, wait, None) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The newest daemon is the one that counts.
    fn accept(&mut self, listener: &UnixListener) {
        while let Ok((stream, _)) = listener.accept() {
            if self.stopping {
                continue;
            }
            let Ok(mut daemon) = Talk::new(stream) else { continue };
            let now = self.now();
            daemon.say(&FromAgent::Hello {
                version: protocol::VERSION,
                build: env!("CARGO_PKG_VERSION").to_owned(),
                pid: std::process::id(),
                sessions: self.table.ids().count(),
                preferred: self.preferred,
            });
            for report in self.table.reports(now) {
                daemon.say(&FromAgent::Report(report));
            }
            self.told.clear();
            self.daemon = Some(daemon);
        }
    }

    /// What the daemon says.
    fn listen(&mut self) {
        let Some(daemon) = &mut self.daemon else { return };
        let (said, alive) = daemon.hear();
        for message in said {
            match message {
                ToAgent::Hello { version, absence } => {
                    if version != protocol::VERSION {
                        // It starts an agent of its own; ours goes as if the daemon stayed away.
                        self.lost();
                        return;
                    }
                    self.absence = absence;
                    self.absent = None;
                    self.failed = false;
                }
                ToAgent::Sessions(plans) => {
                    self.plans = plans;
                    self.want();
                }
            }
        }
        if !alive {
            self.lost();
        }
    }

    fn lost(&mut self) {
        self.daemon = None;
        let now = self.now();
        self.absent.get_or_insert(now);
    }

    /// Runs what the daemon wants, as far as its keys can be read.
    fn want(&mut self) {
        let mut wanted = Vec::with_capacity(self.plans.len());
        let mut wrong = Vec::new();
        for plan in &self.plans {
            match settings(plan) {
                Ok(settings) => wanted.push(Wanted { path: plan.path.clone(), settings }),
                Err(reason) => wrong.push(format!("no BFD with {}: {reason}", plan.path.remote)),
            }
        }
        let kinds: BTreeSet<(Family, bool)> =
            wanted.iter().map(|wanted| (Family::of(wanted.path.local), wanted.path.is_multihop())).collect();
        self.receivers.retain(|kind, _| kinds.contains(kind));
        for (family, multihop) in kinds {
            if self.receivers.contains_key(&(family, multihop)) {
                continue;
            }
            match Receiver::open(family, multihop) {
                Ok(receiver) => drop(self.receivers.insert((family, multihop), receiver)),
                Err(error) => {
                    let port = if multihop { 4784 } else { 3784 };
                    wrong.push(format!("cannot take BFD packets of {family} on UDP port {port}: {error}"));
                }
            }
        }
        let now = self.now();
        self.retry = (!wrong.is_empty()).then(|| now + RETRY);
        for text in wrong {
            self.trouble(text);
        }
        self.table.want(now, wanted, &mut self.effects);
        self.obey(now);
    }

    fn receive(&mut self) {
        let now = self.now();
        for receiver in self.receivers.values_mut() {
            for _ in 0..BURST {
                match receiver.receive() {
                    // Counted by the table if it is not believed.
                    Ok(Some((arrival, octets))) => drop(self.table.receive(now, &arrival, octets, &mut self.effects)),
                    Ok(None) => break,
                    Err(_) => break, // an error of an earlier send, or the interface went: the next look tells
                }
            }
        }
        self.obey(now);
    }

    fn obey(&mut self, now: Time) {
        let mut changed: SmallVec<[u32; 8]> = SmallVec::new();
        let mut effects = std::mem::take(&mut self.effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::Send(id, wire) => self.send(now, id, wire.as_slice()),
                Effect::Changed(id) => {
                    if !changed.contains(&id) {
                        changed.push(id);
                    }
                }
                Effect::Gone(id) => {
                    self.senders.remove(&id);
                    self.failing.remove(&id);
                }
            }
        }
        self.effects = effects; // for its room
        for id in changed {
            if let (Some(report), Some(daemon)) = (self.table.report(now, id), &mut self.daemon) {
                daemon.say(&FromAgent::Report(report));
            }
        }
    }

    /// Sends, and opens the session's socket if it has none. What cannot be sent is lost, as on any network.
    fn send(&mut self, now: Time, id: u32, octets: &[u8]) {
        if self.failing.get(&id).is_some_and(|until| *until > now) {
            return;
        }
        let Some(path) = self.table.path(id) else { return };
        if !self.senders.contains_key(&id) {
            match Sender::open(path) {
                Ok(sender) => {
                    self.table.set_link(id, sender.link);
                    self.failing.remove(&id);
                    self.senders.insert(id, sender);
                }
                Err(reason) => {
                    let text = format!("no BFD with {} for now: {reason}", path.remote);
                    self.failing.insert(id, now + RETRY);
                    self.trouble(text);
                    return;
                }
            }
        }
        let Some(sender) = self.senders.get(&id) else { return };
        let broken = sender.send(octets).is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock);
        if broken && self.table.path(id).is_some_and(|path| !sender.is_current(path)) {
            self.senders.remove(&id);
            self.table.set_link(id, None);
        }
    }

    /// Another try for what failed, and the end of what nobody asks for any more.
    fn chores(&mut self, now: Time) {
        if !self.stopping && matches!(self.signals.read_signal(), Ok(Some(_))) {
            self.stopping = true;
            self.plans.clear();
            self.want();
            self.lost();
        }
        if self.retry.is_some_and(|at| at <= now) {
            self.want();
        }
        if !self.failed && self.absent.is_some_and(|since| now.since(since) >= self.absence) {
            self.failed = true;
            self.retry = None;
            self.table.fail(now, &mut self.effects);
            self.obey(now);
        }
    }

    fn speak(&mut self) {
        if self.daemon.as_mut().is_some_and(|daemon| !daemon.flush()) {
            self.lost();
        }
    }

    fn trouble(&mut self, text: String) {
        if let Some(daemon) = &mut self.daemon
            && self.told.insert(text.clone())
        {
            daemon.say(&FromAgent::Trouble(text));
        }
    }
}

fn settings(plan: &Plan) -> Result<Settings, String> {
    let key = plan.key.as_ref().map(key).transpose()?;
    Ok(Settings { interval: plan.interval, multiplier: plan.multiplier.max(1), passive: plan.passive, key })
}

/// Reads a secret: the file's octets up to the end of its first line.
fn key(from: &KeyFile) -> Result<Key, String> {
    let octets = fs::read(&from.file).map_err(|error| format!("cannot read {}: {error}", from.file.display()))?;
    let secret = octets.split(|octet| matches!(octet, b'\n' | b'\r')).next().unwrap_or_default();
    Key::new(from.id, from.algorithm, secret)
        .ok_or_else(|| format!("{} must have 1 to 20 octets on its first line", from.file.display()))
}
