//! The agent's loop: wait, take what came, do what is due. What has come is always taken before anything is found to
//! be late, so that a process that had to wait for its turn blames no peer for it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs, io,
    os::{
        fd::AsFd,
        unix::{
            fs::MetadataExt,
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path as FilePath, PathBuf},
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

use super::super::{CarriedEntry, Effect, Key, KeyFile, Path, Plan, Settings, Table, Wanted};
use super::handover;
use super::protocol::{self, FromAgent, Handed, ToAgent};
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

/// Runs sessions for the daemon that connects to this socket. With `take_over` it goes on with the sessions of the agent
/// that runs there, which ends. Returns when there is nothing to do any more.
pub fn run(socket: &FilePath, take_over: bool) -> io::Result<()> {
    // Signals for the daemon's group are not for us. Whoever started us as a leader has done it already.
    let _ = nix::unistd::setsid();
    let preferred = rustix::process::nice(PREFERENCE).is_ok();
    // A session has a group of its own where the kernel groups by session, and there `nice` counts inside of the group
    // only: the group has its own. Where there are no such groups there is no such file.
    let _ = fs::write("/proc/self/autogroup", PREFERENCE.to_string());
    let signals = signals()?;
    let handed = if take_over { handover::take(socket)? } else { Handed::default() };
    let mut agent = Agent::new(handed, preferred, signals);
    let listener = listen(socket)?;
    let id = identity(socket);
    agent.socket = Some((socket.to_owned(), id));
    let ended = agent.serve(&listener);
    agent.leave_socket();
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
    /// The time at the start: sessions that come from another agent look back.
    base: Duration,
    table: Table,
    preferred: bool,
    signals: SignalFd,
    /// Where daemons find us, and which file that is.
    socket: Option<(PathBuf, Option<(u64, u64)>)>,
    /// Somebody asked for an end: peers are being told.
    stopping: bool,
    /// Another agent is to go on.
    handing_over: bool,
    /// By family, and whether multihop.
    receivers: BTreeMap<(Family, bool), Receiver>,
    senders: BTreeMap<u32, Sender>,
    /// Source ports that sessions had at another agent.
    ports: HashMap<u32, u16>,
    /// Sessions without a socket, and when the next try is.
    failing: BTreeMap<u32, Time>,
    daemon: Option<Talk>,
    /// Since when there is no daemon.
    absent: Option<Time>,
    /// What the daemon last wanted; what of it failed is tried again.
    plans: Vec<Plan>,
    /// Trouble that was told already.
    told: BTreeSet<String>,
    retry: Option<Time>,
    effects: Vec<Effect>,
}

impl Agent {
    fn new(handed: Handed, preferred: bool, signals: SignalFd) -> Self {
        let Handed { plans, absent, sessions, ports } = handed;
        let base = sessions.iter().map(CarriedEntry::reach).chain(absent).max().unwrap_or_default();
        let now = Time::from_start(base);
        let mut agent = Self {
            started: Instant::now(),
            base,
            table: Table::new(fastrand::u64(..)),
            preferred,
            signals,
            socket: None,
            stopping: false,
            handing_over: false,
            receivers: BTreeMap::new(),
            senders: BTreeMap::new(),
            ports: ports.into_iter().collect(),
            failing: BTreeMap::new(),
            daemon: None,
            absent: Some(Time::from_start(base.saturating_sub(absent.unwrap_or_default()))),
            plans,
            told: BTreeSet::new(),
            retry: None,
            effects: Vec::new(),
        };
        // Before all else: the peers count.
        let kinds = sessions.iter().map(|session| kind(&session.path)).collect();
        agent.open(&kinds);
        agent.table.resume(now, sessions, &mut agent.effects);
        agent.obey(now);
        agent
    }

    fn now(&self) -> Time {
        Time::from_start(self.base + self.started.elapsed())
    }

    fn serve(&mut self, listener: &UnixListener) -> io::Result<()> {
        loop {
            self.wait(listener)?;
            self.accept(listener);
            self.listen();
            self.receive();
            if self.handing_over {
                return self.hand_over();
            }
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
        dismissed || self.stopping || self.absence_over().is_some_and(|over| over <= now)
    }

    /// When the last session has waited long enough for a daemon.
    fn absence_over(&self) -> Option<Time> {
        let longest = self.plans.iter().map(|plan| plan.absence).max().unwrap_or(IDLE);
        self.absent.map(|since| since + longest)
    }

    /// When the next session will have.
    fn next_absence(&self) -> Option<Time> {
        let since = self.absent?;
        let now = self.now();
        let all = self.plans.iter().map(|plan| since + plan.absence).chain([since + IDLE]);
        all.filter(|over| *over > now).min()
    }

    /// Gives all to the agent that asked, and lets go of it.
    fn hand_over(&mut self) -> io::Result<()> {
        let Some(talk) = self.daemon.take() else { return Ok(()) };
        let handed = self.handed();
        self.leave_socket();
        self.receivers.clear();
        self.senders.clear();
        let (stream, mut octets) = talk.into_parts();
        octets.extend(protocol::line(&FromAgent::Handed(handed)));
        handover::give(&stream, &octets)
    }

    fn handed(&self) -> Handed {
        let now = self.now();
        Handed {
            plans: self.plans.clone(),
            absent: self.absent.map(|since| now.since(since)),
            sessions: self.table.carry(now),
            ports: self.senders.iter().map(|(id, sender)| (*id, sender.source)).collect(),
        }
    }

    /// Takes our socket away, once, unless another agent has put its own there since.
    fn leave_socket(&mut self) {
        if let Some((path, id)) = self.socket.take()
            && identity(&path) == id
        {
            let _ = fs::remove_file(path);
        }
    }

    fn wait(&self, listener: &UnixListener) -> io::Result<()> {
        let due = self.table.deadline().into_iter().chain(self.retry).chain(self.next_absence()).min();
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
                ToAgent::Hello { version } => {
                    if version != protocol::VERSION {
                        // It starts an agent of its own, and that takes over.
                        self.lost();
                        return;
                    }
                    self.absent = None;
                }
                ToAgent::HandOver { now } => self.asked_to_hand_over(now),
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

    fn asked_to_hand_over(&mut self, now: bool) {
        if now {
            self.handing_over = true;
            return;
        }
        let handed = self.handed();
        if let Some(asker) = &mut self.daemon {
            asker.say(&FromAgent::Handed(handed));
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
            match plan.key.as_ref().map(key).transpose() {
                Ok(key) => wanted.push(Wanted { path: plan.path.clone(), settings: settings(plan, key) }),
                Err(reason) => match self.table.settings(&plan.path) {
                    Some(before) => {
                        let settings = settings(plan, before.key.clone());
                        wanted.push(Wanted { path: plan.path.clone(), settings });
                        wrong.push(format!("the key of BFD with {} stays as it was: {reason}", plan.path.remote));
                    }
                    None => wrong.push(format!("no BFD with {}: {reason}", plan.path.remote)),
                },
            }
        }
        let kinds: BTreeSet<(Family, bool)> = wanted.iter().map(|wanted| kind(&wanted.path)).collect();
        wrong.extend(self.open(&kinds));
        let now = self.now();
        self.retry = (!wrong.is_empty()).then(|| now + RETRY);
        for text in wrong {
            self.trouble(text);
        }
        self.table.want(now, wanted, &mut self.effects);
        self.obey(now);
    }

    /// Listens for these kinds of packets and no others; what is not to be had.
    fn open(&mut self, kinds: &BTreeSet<(Family, bool)>) -> Vec<String> {
        let mut wrong = Vec::new();
        self.receivers.retain(|kind, _| kinds.contains(kind));
        for (family, multihop) in kinds {
            if self.receivers.contains_key(&(*family, *multihop)) {
                continue;
            }
            match Receiver::open(*family, *multihop) {
                Ok(receiver) => drop(self.receivers.insert((*family, *multihop), receiver)),
                Err(error) => {
                    let port = if *multihop { 4784 } else { 3784 };
                    wrong.push(format!("cannot take BFD packets of {family} on UDP port {port}: {error}"));
                }
            }
        }
        wrong
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
            match Sender::open(path, self.ports.remove(&id)) {
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
        if let Some(since) = self.absent {
            let late = self.plans.iter().filter(|plan| since + plan.absence <= now).map(|plan| plan.path.clone());
            for path in late.collect::<Vec<_>>() {
                self.table.fail(now, &path, &mut self.effects);
            }
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

fn kind(path: &Path) -> (Family, bool) {
    (Family::of(path.local), path.is_multihop())
}

fn settings(plan: &Plan, key: Option<Key>) -> Settings {
    Settings { interval: plan.interval, multiplier: plan.multiplier.max(1), passive: plan.passive, key }
}

/// Reads a secret: the file's octets up to the end of its first line.
fn key(from: &KeyFile) -> Result<Key, String> {
    let octets = fs::read(&from.file).map_err(|error| format!("cannot read {}: {error}", from.file.display()))?;
    let secret = octets.split(|octet| matches!(octet, b'\n' | b'\r')).next().unwrap_or_default();
    Key::new(from.id, from.algorithm, secret)
        .ok_or_else(|| format!("{} must have 1 to 20 octets on its first line", from.file.display()))
}
