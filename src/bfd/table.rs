//! All sessions of one host: whose a packet is (RFC 5880 §6.3, RFC 5881 §3, RFC 5883 §4), and what is due when.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Carried, Discard, Output, Packet, Session, Settings, State, Status, Wire};
use crate::types::Time;

/// How long a session that is not wanted any more goes on saying so, at least (RFC 5880 §6.8.16).
const LINGER: Duration = Duration::from_millis(2_500);

/// Between whom a session is. What makes two sessions the same.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Path {
    /// Our address.
    pub local: IpAddr,
    /// Its address.
    pub remote: IpAddr,
    /// The interface that packets leave and come by; `None` leaves it to the routing table.
    pub interface: Option<String>,
    /// How far away it may be: 1 is on the link (RFC 5881), more is a multihop session (RFC 5883).
    pub hops: u8,
}

impl Path {
    /// True if it is not on the link.
    #[must_use]
    pub fn is_multihop(&self) -> bool {
        self.hops > 1
    }

    /// The least TTL that a packet may come with: they all leave with 255.
    #[must_use]
    pub fn least_ttl(&self) -> u8 {
        if self.is_multihop() { 255 - self.hops } else { 255 }
    }
}

/// A session that is to be run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wanted {
    /// Between whom.
    pub path: Path,
    /// How.
    pub settings: Settings,
}

/// A session as it is.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Between whom.
    pub path: Path,
    /// How it is.
    pub status: Status,
    /// How long its state has been what it is.
    pub age: Duration,
}

/// A session of the table on its way to another process.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct CarriedEntry {
    /// Between whom.
    pub path: Path,
    /// What it knows.
    pub session: Carried,
    /// How long its state has been what it is.
    pub age: Duration,
    /// How long until it is forgotten, if it is on its way out.
    pub leaves: Option<Duration>,
}

impl CarriedEntry {
    /// The longest time that it looks back.
    #[must_use]
    pub fn reach(&self) -> Duration {
        self.session.reach().max(self.age)
    }
}

/// How octets came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Arrival {
    /// Our address, to which they were sent.
    pub local: IpAddr,
    /// Whose address they carry.
    pub remote: IpAddr,
    /// The index of the interface.
    pub link: u32,
    /// The TTL or hop limit that was left.
    pub ttl: u8,
    /// True if they came to the port of multihop sessions.
    pub multihop: bool,
}

/// What the table wants done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Effect {
    /// Send this from the socket of the session with this discriminator.
    Send(u32, Wire),
    /// The session with this discriminator is another than it was.
    Changed(u32),
    /// There is no such session any more: its socket can go.
    Gone(u32),
}

struct Entry {
    path: Path,
    session: Session,
    /// The interface's index, once the shell knows it.
    link: Option<u32>,
    since: Time,
    /// When it is forgotten: it is not wanted any more.
    leaves: Option<Time>,
    due: Option<Time>,
}

/// All sessions, by discriminator.
pub struct Table {
    sessions: BTreeMap<u32, Entry>,
    by_path: HashMap<Path, u32>,
    due: BTreeSet<(Time, u32)>,
    entropy: fastrand::Rng,
    outputs: Vec<Output>,
    discarded: u64,
    last_discard: Option<Discard>,
}

impl Table {
    /// An empty one. Discriminators and jitter come from the seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            sessions: BTreeMap::new(),
            by_path: HashMap::new(),
            due: BTreeSet::new(),
            entropy: fastrand::Rng::with_seed(seed),
            outputs: Vec::new(),
            discarded: 0,
            last_discard: None,
        }
    }

    /// From now on these sessions are run and no others. What is there already goes on without a break; what is not
    /// named any more says so to its peer and goes.
    pub fn want(&mut self, now: Time, wanted: Vec<Wanted>, out: &mut Vec<Effect>) {
        let named: BTreeSet<Path> = wanted.iter().map(|wanted| wanted.path.clone()).collect();
        let left: Vec<u32> =
            self.sessions.iter().filter(|(_, e)| !named.contains(&e.path)).map(|(id, _)| *id).collect();
        for id in left {
            self.leave(now, id, Session::shut, out);
        }
        for Wanted { path, settings } in wanted {
            match self.by_path.get(&path) {
                Some(id) => self.act(now, *id, out, |entry, outputs| {
                    entry.leaves = None;
                    entry.session.revive(now, outputs);
                    entry.session.set(now, settings, outputs);
                }),
                None => {
                    let id = self.fresh();
                    let session = Session::new(now, id, settings, self.entropy.u64(..));
                    self.by_path.insert(path.clone(), id);
                    self.sessions.insert(id, Entry { path, session, link: None, since: now, leaves: None, due: None });
                    self.act(now, id, out, |_, _| {});
                    out.push(Effect::Changed(id));
                }
            }
        }
    }

    /// Takes a session down for good: nobody is here any more who could act on it.
    pub fn fail(&mut self, now: Time, path: &Path, out: &mut Vec<Effect>) {
        if let Some(id) = self.by_path.get(path) {
            self.leave(now, *id, Session::fail, out);
        }
    }

    /// All sessions, for another process.
    #[must_use]
    pub fn carry(&self, now: Time) -> Vec<CarriedEntry> {
        let carried = |entry: &Entry| CarriedEntry {
            path: entry.path.clone(),
            session: entry.session.carry(now),
            age: now.since(entry.since),
            leaves: entry.leaves.map(|at| at.since(now)),
        };
        self.sessions.values().map(carried).collect()
    }

    /// Goes on with the sessions of another process. `now` is later than the start by the longest time that one of
    /// them looks back.
    pub fn resume(&mut self, now: Time, carried: Vec<CarriedEntry>, out: &mut Vec<Effect>) {
        for CarriedEntry { path, session, age, leaves } in carried {
            let id = session.discriminator();
            let since = Time::from_start(now.since_start().saturating_sub(age));
            let session = Session::resume(now, session, self.entropy.u64(..));
            let leaves = leaves.map(|left| now + left);
            self.by_path.insert(path.clone(), id);
            self.sessions.insert(id, Entry { path, session, link: None, since, leaves, due: None });
            self.act(now, id, out, |_, _| {});
        }
    }

    /// How the session between these is run, if there is one.
    #[must_use]
    pub fn settings(&self, path: &Path) -> Option<&Settings> {
        let entry = self.by_path.get(path).and_then(|id| self.sessions.get(id))?;
        Some(entry.session.settings())
    }

    /// Takes octets in. What is no packet of a session is counted.
    pub fn receive(
        &mut self,
        now: Time,
        arrival: &Arrival,
        octets: &[u8],
        out: &mut Vec<Effect>,
    ) -> Result<(), Discard> {
        let result = self.take(now, arrival, octets, out);
        if let Err(discard) = &result {
            self.discarded = self.discarded.saturating_add(1);
            self.last_discard = Some(*discard);
        }
        result
    }

    /// Does what is due. Octets that have come must be taken before.
    pub fn tick(&mut self, now: Time, out: &mut Vec<Effect>) {
        while let Some((at, id)) = self.due.first().copied()
            && at <= now
        {
            if self.sessions.get(&id).is_some_and(|entry| entry.leaves.is_some_and(|leaves| leaves <= now)) {
                self.forget(id);
                out.push(Effect::Gone(id));
            } else {
                self.act(now, id, out, |entry, outputs| entry.session.tick(now, outputs));
            }
        }
    }

    /// When [`Table::tick`] is due next.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The interface of a session has this index now: packets that do not know our number must come by it.
    pub fn set_link(&mut self, id: u32, link: Option<u32>) {
        if let Some(entry) = self.sessions.get_mut(&id) {
            entry.link = link;
        }
    }

    /// Between whom the session with this discriminator is.
    #[must_use]
    pub fn path(&self, id: u32) -> Option<&Path> {
        self.sessions.get(&id).map(|entry| &entry.path)
    }

    /// The session with this discriminator as it is.
    #[must_use]
    pub fn report(&self, now: Time, id: u32) -> Option<Report> {
        self.sessions.get(&id).map(|entry| report(now, entry))
    }

    /// All sessions as they are.
    pub fn reports(&self, now: Time) -> impl Iterator<Item = Report> {
        self.sessions.values().map(move |entry| report(now, entry))
    }

    /// The discriminators of all sessions.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.sessions.keys().copied()
    }

    /// True if there is no session, not even one on its way out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// How many packets were not believed, and why the last one was not.
    #[must_use]
    pub fn discarded(&self) -> (u64, Option<Discard>) {
        (self.discarded, self.last_discard)
    }

    fn take(&mut self, now: Time, arrival: &Arrival, octets: &[u8], out: &mut Vec<Effect>) -> Result<(), Discard> {
        if !arrival.multihop && arrival.ttl != 255 {
            return Err(Discard::Ttl(arrival.ttl));
        }
        let (packet, auth) = Packet::decode(octets)?;
        let id = match packet.your_discriminator {
            0 => self.between(arrival).ok_or(Discard::Stranger)?,
            id => id,
        };
        let entry = self.sessions.get(&id).ok_or(Discard::NoSession(id))?;
        if entry.path.is_multihop() != arrival.multihop {
            return Err(Discard::Port);
        }
        if arrival.ttl < entry.path.least_ttl() {
            return Err(Discard::Ttl(arrival.ttl));
        }
        let mut result = Ok(());
        self.act(now, id, out, |entry, outputs| {
            result = entry.session.receive(now, &packet, auth.as_ref(), outputs);
        });
        result
    }

    /// The session of a peer that has not heard our number yet.
    fn between(&self, arrival: &Arrival) -> Option<u32> {
        let fits = |entry: &Entry| {
            entry.path.remote == arrival.remote
                && entry.path.local == arrival.local
                && entry.path.is_multihop() == arrival.multihop
                && (entry.path.interface.is_none() || entry.link == Some(arrival.link))
        };
        self.sessions.iter().find(|(_, entry)| fits(entry)).map(|(id, _)| *id)
    }

    fn leave(
        &mut self,
        now: Time,
        id: u32,
        how: impl FnOnce(&mut Session, Time, &mut Vec<Output>),
        out: &mut Vec<Effect>,
    ) {
        self.act(now, id, out, |entry, outputs| {
            let detection = entry.session.detection().unwrap_or_default();
            entry.leaves.get_or_insert(now + detection.max(LINGER));
            how(&mut entry.session, now, outputs);
        });
    }

    /// Does something to a session, passes on what it wants, and notes when it is due next.
    fn act(&mut self, now: Time, id: u32, out: &mut Vec<Effect>, what: impl FnOnce(&mut Entry, &mut Vec<Output>)) {
        let Some(entry) = self.sessions.get_mut(&id) else { return };
        let before = entry.session.status().state;
        what(entry, &mut self.outputs);
        if entry.session.status().state != before {
            entry.since = now;
        }
        let due = entry.session.deadline().into_iter().chain(entry.leaves).min();
        if due != entry.due {
            if let Some(at) = entry.due {
                self.due.remove(&(at, id));
            }
            self.due.extend(due.map(|at| (at, id)));
            entry.due = due;
        }
        out.extend(self.outputs.drain(..).map(|output| match output {
            Output::Send(wire) => Effect::Send(id, wire),
            Output::Changed => Effect::Changed(id),
        }));
    }

    fn forget(&mut self, id: u32) {
        if let Some(entry) = self.sessions.remove(&id) {
            self.by_path.remove(&entry.path);
            if let Some(at) = entry.due {
                self.due.remove(&(at, id));
            }
        }
    }

    /// A number that no session has, and that the peer of an earlier run hardly remembers.
    fn fresh(&mut self) -> u32 {
        loop {
            let id = self.entropy.u32(1..);
            if !self.sessions.contains_key(&id) {
                return id;
            }
        }
    }
}

fn report(now: Time, entry: &Entry) -> Report {
    Report { path: entry.path.clone(), status: entry.session.status(), age: now.since(entry.since) }
}

impl Report {
    /// True if the way is known to be alive.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.status.state == State::Up
    }
}
