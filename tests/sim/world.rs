//! Speakers on hosts of values: links, TCP and kernels in virtual time, all chance from one seed.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use twinspan::config;
use twinspan::config::Plan;
use twinspan::control::api::{ApiError, Reply, Request};
use twinspan::drain::{Kept, Traffic};
use twinspan::hook::{Outcome, Ran};
use twinspan::role;
use twinspan::speaker::{Counted, Effect, Event, Input, Link, ReloadError, Speaker};
use twinspan::types::{LinkIndex, Name, Prefix, Time};

use crate::agent::Agent;
use crate::happening::{Happening, Lane};
use crate::kernel::ModelKernel;
use crate::tcp::End;
use crate::weather::Weather;

/// One host: its interfaces with addresses, its kernel, and its speaker while that runs.
pub struct Host {
    pub name: &'static str,
    pub file: String,
    instance: String,
    pub interfaces: Vec<(LinkIndex, String, IpAddr, bool)>,
    pub kernel: ModelKernel,
    pub speaker: Option<Speaker>,
    pub events: Vec<String>,
    pub agent: Agent,
    /// Links as the monitor of this run knows them.
    pub monitor: BTreeMap<LinkIndex, Link>,
    /// The kernel's answers to so many batches to come are lost, though it carries them out.
    pub unheard: u32,
    /// Its tunnels hold no network: only a host route leads to the far end.
    pub narrow: bool,
    /// What its drains left for the next run.
    pub drains: Vec<Kept>,
    /// Which programs succeed or fail; others never end.
    pub programs: BTreeMap<String, bool>,
    /// What has come in by each interface, and up to when that was counted.
    pub packets: BTreeMap<String, (Time, u64)>,
    /// Counts runs, so that what was meant for a dead one does not reach the next.
    pub run: u32,
    /// It has no power.
    pub dark: bool,
    /// Its daemon is stopped, and what comes for it waits.
    pub asleep: bool,
    /// The host is stopped, with all that it has.
    pub frozen: bool,
    /// What waits for a daemon that is stopped.
    pub(super) backlog: Vec<Happening>,
    /// Since when the host is stopped: its kernel counts no time either.
    pub(super) stopped: Option<Time>,
    /// So much its clock has jumped.
    pub ahead: Duration,
    /// When its daemon and its BFD agent have something to do, while that is known.
    pub(super) due: [Option<Option<Time>>; 2],
    /// Where its speaker wants hellos to go.
    twin_link: Option<twinspan::twin::Link>,
    /// Until when its kernel has the shared address.
    pub address: Option<Time>,
}

/// How often the network side is asked who has the shared address, and how long each question waits.
const QUESTIONS: u32 = 3;
const PATIENCE: Duration = Duration::from_millis(100);

/// What a reload did at once.
pub struct Done {
    pub plan: Plan,
    /// Routes are looked through again, or the kernel was told something.
    pub soft: bool,
    /// Messages that went out.
    pub sends: usize,
}

/// All hosts and what is going to happen.
pub struct World {
    pub now: Time,
    pub hosts: Vec<Host>,
    /// Pairs of (host, interface) that are wired to each other.
    pub wires: Vec<[(usize, LinkIndex); 2]>,
    pub(super) lanes: BTreeMap<Lane, Time>,
    pub(super) queue: BTreeMap<(Time, u64), Happening>,
    pub(super) count: u64,
    pub(super) accepted: u64,
    pub(super) peers: BTreeMap<End, End>,
    /// Over which wire each end is connected.
    pub(super) over: BTreeMap<End, usize>,
    /// Wires, by number, on which nothing arrives though the interfaces are up.
    pub silent: BTreeSet<usize>,
    /// Nothing of BFD passes between the instances.
    pub blind: bool,
    /// Wires that lose packets or are slow.
    pub weather: BTreeMap<usize, Weather>,
    /// How often it was changed what carries what.
    pub(super) turns: u64,
    /// What TCP sends again once its wire is not silent any more.
    pub(super) held: Vec<(usize, Happening)>,
    /// Hosts that read nothing of what comes in, though they speak.
    pub deaf: BTreeSet<usize>,
    /// Octets that were sent to a deaf host, by the sender's end.
    pub stuck: BTreeMap<End, u64>,
    /// So many of a hundred hellos are lost on the way.
    pub hello_loss: u32,
    /// How much longer than others a hello takes at most; then they overtake each other.
    pub hello_delay: Duration,
    /// Hosts, and the wires over which what they send does not arrive: hellos, BFD and TCP.
    pub mute: BTreeSet<(usize, usize)>,
    pub chance: fastrand::Rng,
    /// The network side of the instances is in parts.
    pub network_cut: bool,
}

impl World {
    pub fn new(seed: u64) -> Self {
        twinspan::fib::seed_hashes(0);
        Self {
            now: Time::START,
            hosts: Vec::new(),
            wires: Vec::new(),
            lanes: BTreeMap::new(),
            queue: BTreeMap::new(),
            count: 0,
            accepted: 1 << 63,
            peers: BTreeMap::new(),
            over: BTreeMap::new(),
            silent: BTreeSet::new(),
            weather: BTreeMap::new(),
            turns: 0,
            held: Vec::new(),
            deaf: BTreeSet::new(),
            stuck: BTreeMap::new(),
            hello_loss: 0,
            hello_delay: Duration::ZERO,
            mute: BTreeSet::new(),
            chance: fastrand::Rng::with_seed(seed),
            network_cut: false,
            blind: false,
        }
    }

    /// A host that does not run yet.
    pub fn host(&mut self, name: &'static str, instance: &str, file: &str) -> usize {
        let agent = Agent::new(self.hosts.len() as u64);
        self.hosts.push(Host {
            name,
            file: file.to_owned(),
            instance: instance.to_owned(),
            interfaces: Vec::new(),
            kernel: ModelKernel::default(),
            speaker: None,
            events: Vec::new(),
            agent,
            monitor: BTreeMap::new(),
            unheard: 0,
            narrow: false,
            drains: Vec::new(),
            programs: BTreeMap::new(),
            packets: BTreeMap::new(),
            run: 0,
            dark: false,
            asleep: false,
            frozen: false,
            backlog: Vec::new(),
            stopped: None,
            ahead: Duration::ZERO,
            due: [None; 2],
            twin_link: None,
            address: None,
        });
        self.hosts.len() - 1
    }

    /// A wire between two hosts, with the interface's name and address at each end.
    pub fn wire(&mut self, a: (usize, &str, &str), b: (usize, &str, &str)) {
        let mut ends = [a, b].map(|(host, name, address)| {
            let interfaces = &mut self.hosts[host].interfaces;
            let index = LinkIndex::new(interfaces.len() as u32 + 2).unwrap();
            interfaces.push((index, name.to_owned(), address.parse().unwrap(), true));
            self.hosts[host].kernel.link_up(index);
            (host, index)
        });
        ends.sort_unstable();
        self.wires.push(ends);
    }

    /// Starts the speaker of a host: it finds what the kernel holds.
    pub fn start(&mut self, host: usize) {
        // Who still speaks to one that died is told now.
        let run = self.hosts[host].run;
        let ends: Vec<_> = self.peers.keys().filter(|end| end.host == host && end.run != run).copied().collect();
        for end in ends {
            self.hang_up(end);
        }
        let seed = self.chance.u64(..);
        let h = &mut self.hosts[host];
        let report = || config::check_text("sim.toml", &h.file).render(&h.file);
        let (config, _) = config::parse("sim.toml", &h.file).unwrap_or_else(|_| panic!("{}", report()));
        let name: Name = h.instance.parse().unwrap();
        h.speaker = Some(Speaker::new(config, &name, seed, Duration::ZERO).unwrap());
        let settings = h.speaker.as_ref().map(Speaker::fib_settings).unwrap_or_default();
        h.kernel.succeed(&settings);
        let left = h.kernel.leftovers(&settings);
        let found = h.kernel.dump(&h.kernel.settings);
        let shared = h.address.is_some_and(|until| self.now < until);
        let links: Vec<_> = h.interfaces.iter().map(fact).collect();
        h.monitor = links.iter().map(|link| (link.index, link.clone())).collect();
        for link in links {
            self.tell(host, Input::Link(link));
        }
        self.tell(host, Input::Leftovers(left));
        let drains = self.hosts[host].drains.clone();
        self.tell(host, Input::Drains(drains));
        if shared {
            self.tell(host, Input::Role(role::Done::Found));
        }
        self.tell(host, Input::Begin(found));
        self.adopt(host);
    }

    /// Ends the speaker of a host without a word, as `kill -9` does: the system closes its connections.
    pub fn kill(&mut self, host: usize) {
        self.abandon(host);
        self.cut_short(host);
        self.hosts[host].speaker = None;
        let run = self.hosts[host].run;
        self.hosts[host].run += 1;
        let ends: Vec<_> = self.peers.keys().filter(|end| end.host == host && end.run == run).copied().collect();
        for end in ends {
            self.hang_up(end);
        }
    }

    /// What was on its way to the kernel ends with who sent it: a part of the first batch is carried out, and no more.
    fn cut_short(&mut self, host: usize) {
        let due = |happening: &Happening| matches!(happening, Happening::Apply(of, ..) if *of == host);
        let mut batches: Vec<_> = self.queue.extract_if(.., |_, happening| due(happening)).collect();
        if batches.is_empty() {
            return;
        }
        if let (_, Happening::Apply(_, _, batch)) = batches.swap_remove(0) {
            let done = self.chance.usize(..=batch.ops.len());
            self.hosts[host].kernel.carry_out(&batch.ops[..done]);
        }
    }

    /// A host goes dark: nobody hears of it, and what it ran is gone.
    pub fn die(&mut self, host: usize) {
        self.turns += 1;
        self.cut_short(host);
        self.hosts[host].address = None;
        self.hosts[host].speaker = None;
        self.hosts[host].run += 1;
        self.hosts[host].agent = Agent::new(self.now.since_start().as_nanos() as u64);
    }

    /// The index of an interface.
    pub fn interface(&self, host: usize, name: &str) -> Option<LinkIndex> {
        self.hosts[host].interfaces.iter().find(|(_, known, ..)| known == name).map(|(index, ..)| *index)
    }

    /// The host and interface that an interface is wired to, and the number of the wire; `None` while it is down.
    pub fn far_end(&self, host: usize, name: &str) -> Option<(usize, LinkIndex, usize)> {
        let index = self.hosts[host].interfaces.iter().find(|(_, known, _, up)| known == name && *up)?.0;
        let number = self.wires.iter().position(|wire| wire.contains(&(host, index)))?;
        let (host, index) = *self.wires[number].iter().find(|end| **end != (host, index))?;
        Some((host, index, number))
    }

    /// Tells a host something now.
    pub fn tell(&mut self, host: usize, input: Input) {
        let now = self.at(host);
        self.hosts[host].due[0] = None;
        if self.hosts[host].asleep {
            let run = self.hosts[host].run;
            return self.hosts[host].backlog.push(Happening::Tell(host, run, input));
        }
        let Some(speaker) = self.hosts[host].speaker.as_mut() else { return };
        let mut effects = Vec::new();
        speaker.handle(now, input, &mut effects);
        self.obey(host, effects);
        self.work(host);
    }

    /// A thousand packets a second come in by every interface whose far end leads the cloud's prefix there.
    fn count(&mut self, host: usize, name: &str) -> Traffic {
        let cloud: Prefix = "10.20.0.0/16".parse().unwrap();
        let comes = self.far_end(host, name).is_some_and(|(far, index, _)| {
            let members = self.hosts[far].kernel.members(&cloud.to_string());
            members.iter().any(|(hop, _)| hop.link == index)
        });
        let now = self.now;
        let (last, packets) = self.hosts[host].packets.entry(name.to_owned()).or_insert((now, 0));
        if comes {
            *packets += u64::try_from(now.since(*last).as_millis()).unwrap();
        }
        *last = now;
        Traffic { received: *packets, sent: 0, lost: 0 }
    }

    /// Asks a host, or orders it.
    pub fn ask(&mut self, host: usize, request: &Request) -> Result<Reply, ApiError> {
        let now = self.at(host);
        let speaker = self.hosts[host].speaker.as_mut().unwrap();
        let mut effects = Vec::new();
        let reply = speaker.ask(now, request, &(), &mut effects);
        self.obey(host, effects);
        self.work(host);
        reply
    }

    /// Lets a host go over to another file; what became of that, and what it did at once.
    pub fn reload(&mut self, host: usize, file: &str, within: Option<Duration>) -> Result<Done, ReloadError> {
        let report = || config::check_text("sim.toml", file).render(file);
        let (config, _) = config::parse("sim.toml", file).unwrap_or_else(|_| panic!("{}", report()));
        let now = self.at(host);
        let speaker = self.hosts[host].speaker.as_mut().unwrap();
        let (mut effects, planned) = (Vec::new(), speaker.plan(&config));
        let plan = speaker.reload(now, config, within, &mut effects)?;
        assert_eq!(plan, planned, "a plan is what is done");
        let busy = speaker.busy();
        let at_once = effects.iter().any(|effect| matches!(effect, Effect::Kernel(_) | Effect::Hash(_)));
        let sends = effects.iter().filter(|effect| matches!(effect, Effect::Send { .. })).count();
        self.obey(host, effects);
        self.work(host);
        Ok(Done { plan, soft: busy || at_once, sends })
    }

    /// Sets an interface up or down, and with it the wire's other end.
    pub fn set_link(&mut self, host: usize, name: &str, up: bool) {
        let (index, ..) = *self.hosts[host].interfaces.iter().find(|(_, known, ..)| known == name).unwrap();
        let wire = *self.wires.iter().find(|wire| wire.contains(&(host, index))).unwrap();
        for (host, index) in wire {
            let interface = self.hosts[host].interfaces.iter_mut().find(|(known, ..)| *known == index).unwrap();
            interface.3 = up;
            let link = fact(interface);
            let kernel = &mut self.hosts[host].kernel;
            if up {
                kernel.link_up(index)
            } else {
                kernel.link_down(index, false)
            }
            self.tell(host, Input::Link(link));
        }
    }

    /// An interface goes down and up again, and the news of it is lost.
    pub fn flap_unseen(&mut self, host: usize, name: &str) {
        let (index, ..) = *self.hosts[host].interfaces.iter().find(|(_, known, ..)| known == name).unwrap();
        self.hosts[host].kernel.link_down(index, false);
        self.hosts[host].kernel.link_up(index);
        self.tell(host, Input::LinksMissed);
    }

    /// Lets time pass until `done` holds, at most so long; true if it came to hold.
    pub fn run_until(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + limit;
        let mut ticks = 0;
        self.hosts.iter_mut().for_each(|host| host.due = [None; 2]); // whatever was done to them meanwhile
        while !done(self) {
            let mut next_tick = None;
            let mut next_agent = None;
            for (number, host) in self.hosts.iter_mut().enumerate() {
                let [daemon, agent] = host.dues();
                next_tick = earlier(next_tick, daemon.map(|time| (time, number)));
                next_agent = earlier(next_agent, agent.map(|time| (time, number)));
            }
            let next_event = self.queue.first_key_value().map(|((time, _), _)| *time);
            if let Some((time, host)) = next_agent
                && time <= end
                && next_event.is_none_or(|event| time < event)
                && next_tick.is_none_or(|(tick, _)| time <= tick)
            {
                self.now = self.now.max(time);
                self.tick_agent(host);
                continue;
            }
            let tick_first = next_tick.is_some_and(|(time, _)| next_event.is_none_or(|event| time < event));
            let time = if tick_first { next_tick.map(|(time, _)| time) } else { next_event };
            let Some(time) = time.filter(|time| *time <= end) else {
                self.now = end;
                return done(self);
            };
            ticks = if tick_first && time <= self.now { ticks + 1 } else { 0 };
            assert!(ticks < 10_000, "a speaker waits for a time that has passed, and does nothing then");
            self.now = self.now.max(time);
            if let (true, Some((_, host))) = (tick_first, next_tick) {
                let (now, mut effects) = (self.at(host), Vec::new());
                self.hosts[host].due[0] = None;
                if let Some(speaker) = self.hosts[host].speaker.as_mut() {
                    speaker.tick(now, &mut effects);
                }
                self.obey(host, effects);
                self.work(host);
            } else if let Some((_, happening)) = self.queue.pop_first() {
                self.happen(happening);
            }
        }
        true
    }

    /// True if a host has told of an event whose text holds `words`.
    pub fn told(&self, host: usize, words: &str) -> bool {
        self.hosts[host].events.iter().any(|event| event.contains(words))
    }

    fn work(&mut self, host: usize) {
        while self.hosts[host].speaker.as_ref().is_some_and(Speaker::busy) {
            let (now, mut effects) = (self.at(host), Vec::new());
            self.hosts[host].due[0] = None;
            if let Some(speaker) = self.hosts[host].speaker.as_mut() {
                speaker.work(now, &mut effects);
            }
            self.obey(host, effects);
        }
    }

    fn obey(&mut self, host: usize, effects: Vec<Effect>) {
        let run = self.hosts[host].run;
        for effect in effects {
            match effect {
                Effect::Kernel(batch) => self.later(Happening::Apply(host, run, batch)),
                Effect::Flush(flush) => self.later(Happening::Tell(host, run, Input::Flushed(flush))),
                Effect::Bfd(plans) => self.watch(host, plans),
                // Nothing answers a probe here, which says nothing.
                Effect::Probe(_) | Effect::Resolve(_) => {}
                Effect::Role(work) => self.role(host, work),
                Effect::TwinLink(link) => self.hosts[host].twin_link = link,
                Effect::Hello(octets) => self.hello(host, octets),
                // No command ever ends here, which says nothing either.
                Effect::Run { id, command, .. } => {
                    if let Some(succeeds) = self.hosts[host].programs.get(command.program()).copied() {
                        let outcome = if succeeds { Outcome::Done } else { Outcome::Failed(1) };
                        let ran = Ran { outcome, said: "as told".to_owned(), took: Duration::ZERO };
                        self.later(Happening::Tell(host, run, Input::Ran { id, ran }));
                    }
                }
                Effect::Keep(kept) => self.hosts[host].drains = kept,
                Effect::Count(names) => {
                    let interfaces = names.into_iter().map(|name| (name.clone(), self.count(host, &name))).collect();
                    self.later(Happening::Tell(host, run, Input::Counted(Counted { interfaces, no_route: 0 })));
                }
                Effect::Listen(_) | Effect::Sign | Effect::Hold(_) | Effect::Hash(_) => {}
                Effect::Alone => self.hosts[host].kernel.former.clear(),
                Effect::Dump => self.later(Happening::Dump(host, run)),
                Effect::Audit(number) => {
                    for part in 0..4 {
                        self.later(Happening::Read(host, run, number, part));
                    }
                }
                Effect::Checked => {}
                Effect::Dial { conn, to } => self.dial(End { host, run, conn }, to.remote, to.local, to.interface),
                Effect::Adopt { .. } => {}
                Effect::Send { conn, octets } => {
                    let here = End { host, run, conn };
                    if let Some(other) = self.peers.get(&here).copied() {
                        if self.deaf.contains(&other.host) {
                            let stuck = self.stuck.entry(here).or_default();
                            *stuck += octets.len() as u64;
                            if *stuck > 64 * 1024 {
                                self.later(Happening::Tell(host, run, Input::Congested(conn)));
                            }
                            continue;
                        }
                        // TCP cuts where it likes.
                        let cut = self.chance.usize(0..=octets.len());
                        let rest = octets.slice(cut..);
                        self.later(Happening::Deliver(other, octets.slice(..cut)));
                        self.later(Happening::Deliver(other, rest));
                    }
                }
                Effect::Abort(conn) | Effect::Close(conn) => self.hang_up(End { host, run, conn }),
                Effect::Measure(conn) => {
                    let waiting = self.stuck.get(&End { host, run, conn }).copied().unwrap_or(0);
                    self.later(Happening::Tell(host, run, Input::Measured { conn, waiting, taken: 0, silent: None }));
                }
                Effect::Tell(event) => self.note(host, &event),
                Effect::Stopped => {}
            }
        }
    }

    /// The shared address of a host, and what the network side says of it.
    fn role(&mut self, host: usize, work: role::Work) {
        let run = self.hosts[host].run;
        let after = Duration::from_millis(1);
        let done = match work {
            role::Work::Hold(_, lifetime) => {
                self.hosts[host].address = Some(self.now + lifetime);
                role::Done::Held
            }
            role::Work::Renew(_, lifetime) => {
                self.hosts[host].address = Some(self.now + lifetime);
                return;
            }
            role::Work::Drop(_) => {
                self.hosts[host].address = None;
                role::Done::Dropped(Ok(()))
            }
            role::Work::Ask(_) => return self.ask_network(host, run, QUESTIONS),
            role::Work::Announce(_) | role::Work::Elect(_) | role::Work::Compete(_) => return,
        };
        self.count += 1;
        self.queue.insert((self.now + after, self.count), Happening::Tell(host, run, Input::Role(done)));
    }

    /// As the daemon does: asked three times, and the first answer is the answer.
    pub(super) fn ask_network(&mut self, host: usize, run: u32, left: u32) {
        if self.hosts[host].run != run {
            return;
        }
        let holds = |other: &Host| other.address.is_some_and(|until| self.now < until) && !other.frozen && !other.dark;
        let others = self.hosts.iter().enumerate().filter(|(at, _)| *at != host);
        let somebody = left > 0 && !self.network_cut && others.map(|(_, other)| other).any(holds);
        let (after, next) = match left {
            _ if somebody => {
                let who = role::Answer::Somebody("02:00:00:00:00:01".to_owned());
                (Duration::from_millis(1), Happening::Tell(host, run, Input::Role(role::Done::Answered(who))))
            }
            0 => {
                let nobody = role::Done::Answered(role::Answer::Nobody);
                return self.tell(host, Input::Role(nobody));
            }
            _ => (PATIENCE, Happening::Ask(host, run, left - 1)),
        };
        self.count += 1;
        self.queue.insert((self.now + after, self.count), next);
    }

    /// A hello leaves a host: it may be lost, late, or overtaken.
    fn hello(&mut self, host: usize, octets: Vec<u8>) {
        let Some(link) = self.hosts[host].twin_link.clone() else { return };
        let Some((far, index, wire)) = self.far_end(host, &link.interface) else { return };
        let there = self.hosts[far].interfaces.iter().any(|(known, _, own, _)| *known == index && *own == link.remote);
        let heard = self.hosts[far]
            .twin_link
            .as_ref()
            .is_some_and(|link_there| (link_there.local, link_there.remote) == (link.remote, link.local));
        let lost = self.chance.u32(0..100) < self.hello_loss;
        if !there || !heard || lost || self.silent.contains(&wire) || self.mute.contains(&(host, wire)) {
            return;
        }
        let Some(slow) = self.endures(wire) else { return };
        let more = self.chance.u64(0..=self.hello_delay.as_micros() as u64);
        let delay = Duration::from_micros(self.chance.u64(50..500) + more) + slow;
        self.count += 1;
        self.queue.insert((self.now + delay, self.count), Happening::Hello(far, wire, octets.into()));
    }

    fn note(&mut self, host: usize, event: &Event) {
        self.hosts[host].events.push(format!("{} {event}", self.now));
    }
}

/// The earlier of two, and of two at one time the one of the first host.
fn earlier(one: Option<(Time, usize)>, other: Option<(Time, usize)>) -> Option<(Time, usize)> {
    [one, other].into_iter().flatten().min()
}

impl Host {
    /// When its daemon and its agent have something to do.
    fn dues(&mut self) -> [Option<Time>; 2] {
        let [daemon, agent] = self.due;
        let daemon = daemon.unwrap_or_else(|| {
            let speaker = self.speaker.as_ref().filter(|_| !self.asleep)?;
            Some(self.true_time(speaker.deadline()?))
        });
        let agent = agent.unwrap_or_else(|| Some(self.true_time(self.agent.deadline().filter(|_| !self.frozen)?)));
        self.due = [Some(daemon), Some(agent)];
        [daemon, agent]
    }
}

pub(super) fn fact((index, name, address, up): &(LinkIndex, String, IpAddr, bool)) -> Link {
    Link {
        index: *index,
        name: name.clone(),
        up: *up,
        addresses: vec![(*address, Prefix::truncated(*address, if name == "net" { 27 } else { 30 }).unwrap())],
    }
}
