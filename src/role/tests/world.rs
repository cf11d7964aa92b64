//! Two instances in virtual time: a twin-link, a network side, and kernels that let addresses run out by themselves.

use std::time::Duration;

use crate::role::{Answer, Claim, Election, Input, Lease, Machine, Output, Settings, Stance, Wish};
use crate::types::{Name, Time};

/// How finely time passes.
const STEP: Duration = Duration::from_millis(10);
pub(super) const HELLO: Duration = Duration::from_millis(200);
pub(super) const LEASE: Duration = Duration::from_secs(2);
/// How late the kernel may be with an address whose time is over.
pub(super) const LATE: Duration = Duration::from_millis(350);
/// How long a question on the network side takes that nobody answers.
const PATIENCE: Duration = Duration::from_millis(300);
/// How long the lease of etcd is there after its holder was last heard.
pub(super) const TTL: Duration = Duration::from_secs(5);

/// What a process is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Process {
    Runs,
    /// Stopped: what comes for it waits.
    Paused,
    Dead,
}

pub(super) struct Node {
    pub(super) machine: Machine,
    pub(super) process: Process,
    /// Its kernel is there.
    pub(super) host: bool,
    /// Its kernel has the shared address until then.
    pub(super) address: Option<Time>,
    hello: Time,
    /// What it heard and did not read yet.
    inbox: Vec<(Time, Claim)>,
    question: Option<Time>,
    competes: bool,
    /// When it last asked etcd.
    etcd: Time,
    pub(super) stays: Vec<String>,
    pub(super) not_taken: usize,
    pub(super) announces: usize,
    pub(super) takes: usize,
    pub(super) gives: usize,
}

/// The key in etcd.
#[derive(Clone, Copy, Debug)]
struct Key {
    owner: usize,
    until: Time,
    term: u64,
}

pub(super) struct World {
    pub(super) now: Time,
    pub(super) nodes: [Node; 2],
    /// What the one says does not reach the other.
    pub(super) deaf: [bool; 2],
    /// How long a hello takes, from each.
    pub(super) delay: [Duration; 2],
    /// So many of 100 hellos are lost.
    pub(super) loss: u8,
    /// The network side is in two parts.
    pub(super) split: bool,
    /// Who cannot reach etcd.
    pub(super) no_etcd: [bool; 2],
    key: Option<Key>,
    revision: u64,
    /// How long both have held the shared address: ever, and the longest at a time.
    pub(super) both_hold: Duration,
    pub(super) longest: Duration,
    run: Duration,
    /// How long both have thought that they are active.
    pub(super) both_think: Duration,
    /// How long nobody has held the address, since the last time somebody did.
    pub(super) nobody: Duration,
    pub(super) chance: fastrand::Rng,
}

pub(super) fn settings(me: usize, change: &dyn Fn(usize, &mut Settings)) -> Settings {
    let name = |number: usize| -> Name { format!("in-{number}").parse().unwrap() };
    let mut settings = Settings {
        election: Election::Pair,
        name: name(me),
        twin: name(1 - me),
        priority: 100,
        twin_priority: 100,
        preempt: false,
        hello: HELLO,
        lease: LEASE,
        ask: true,
    };
    change(me, &mut settings);
    settings
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(&|_, _| {})
    }

    pub(super) fn with(change: &dyn Fn(usize, &mut Settings)) -> Self {
        let node = |me| Node {
            machine: Machine::new(Time::START, settings(me, change)),
            process: Process::Runs,
            host: true,
            address: None,
            hello: Time::START,
            inbox: Vec::new(),
            question: None,
            competes: false,
            etcd: Time::START,
            stays: Vec::new(),
            not_taken: 0,
            announces: 0,
            takes: 0,
            gives: 0,
        };
        Self {
            now: Time::START,
            nodes: [node(0), node(1)],
            deaf: [false; 2],
            delay: [Duration::from_millis(10); 2],
            loss: 0,
            split: false,
            no_etcd: [false; 2],
            key: None,
            revision: 0,
            both_hold: Duration::ZERO,
            longest: Duration::ZERO,
            run: Duration::ZERO,
            both_think: Duration::ZERO,
            nobody: Duration::ZERO,
            chance: fastrand::Rng::with_seed(1),
        }
    }

    /// Both run, and the first is active.
    pub(super) fn settled() -> Self {
        Self::settled_with(&|_, _| {})
    }

    pub(super) fn settled_with(change: &dyn Fn(usize, &mut Settings)) -> Self {
        let mut world = Self::with(change);
        world.pass(Duration::from_secs(20));
        assert!(world.active(0) && !world.active(1), "{}", world.show());
        world.both_hold = Duration::ZERO;
        world.both_think = Duration::ZERO;
        world.longest = Duration::ZERO;
        world
    }

    /// True if its process runs and has the role.
    pub(super) fn active(&self, me: usize) -> bool {
        self.nodes[me].process == Process::Runs && self.nodes[me].machine.is_active()
    }

    /// True if its kernel has the shared address.
    pub(super) fn holds(&self, me: usize) -> bool {
        self.nodes[me].host && self.nodes[me].address.is_some_and(|until| self.now < until)
    }

    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.step();
        }
    }

    /// Lets time pass until that holds; how long that took. Panics after a minute.
    pub(super) fn until(&mut self, done: impl Fn(&Self) -> bool) -> Duration {
        let start = self.now;
        while !done(self) {
            assert!(self.now.since(start) < Duration::from_secs(60), "it does not come: {}", self.show());
            self.step();
        }
        self.now.since(start)
    }

    pub(super) fn show(&self) -> String {
        let node = |me: usize| format!("{:?} {:?}", self.nodes[me].process, self.nodes[me].machine.view());
        format!("at {}: {} | {}", self.now, node(0), node(1))
    }

    /// The twin-link carries nothing, both ways; or all again.
    pub(super) fn cut_link(&mut self, cut: bool) {
        self.deaf = [cut; 2];
    }

    pub(super) fn wish(&mut self, me: usize, wish: Wish) -> Result<(), crate::role::Refusal> {
        let mut out = Vec::new();
        let done = self.nodes[me].machine.wish(self.now, wish, &mut out);
        self.obey(me, out);
        done
    }

    pub(super) fn tell(&mut self, me: usize, input: Input) {
        let mut out = Vec::new();
        self.nodes[me].machine.handle(self.now, input, &mut out);
        self.obey(me, out);
    }

    /// Its process ends without a word.
    pub(super) fn kill(&mut self, me: usize) {
        let node = &mut self.nodes[me];
        (node.process, node.question, node.competes) = (Process::Dead, None, false);
        node.inbox.clear();
    }

    /// Its host is gone.
    pub(super) fn lose(&mut self, me: usize) {
        self.kill(me);
        (self.nodes[me].host, self.nodes[me].address) = (false, None);
    }

    /// Its process begins again, and finds what the kernel has.
    pub(super) fn start(&mut self, me: usize) {
        let settings = self.nodes[me].machine.settings().clone();
        let found = self.holds(me);
        let node = &mut self.nodes[me];
        node.machine = Machine::new(self.now, settings);
        (node.process, node.host, node.hello, node.etcd) = (Process::Runs, true, self.now, self.now);
        if found {
            self.tell(me, Input::Found);
        }
    }

    fn step(&mut self) {
        self.now = self.now + STEP;
        for me in 0..2 {
            if self.nodes[me].process == Process::Runs {
                self.turn(me);
            }
        }
        let (holds, thinks) = ([0, 1].map(|me| self.holds(me)), [0, 1].map(|me| self.active(me)));
        // Two that cannot meet do not disturb each other.
        self.run = if holds == [true; 2] { self.run + STEP } else { Duration::ZERO };
        self.longest = self.longest.max(self.run);
        if holds == [true; 2] {
            self.both_hold += STEP;
        }
        if thinks == [true; 2] {
            self.both_think += STEP;
        }
        self.nobody = if holds == [false; 2] { self.nobody + STEP } else { Duration::ZERO };
    }

    fn turn(&mut self, me: usize) {
        // What is due comes before what has come: a pause is noticed first.
        if self.nodes[me].machine.deadline() <= self.now {
            let mut out = Vec::new();
            self.nodes[me].machine.tick(self.now, &mut out);
            self.obey(me, out);
        }
        let now = self.now;
        let come: Vec<_> = self.nodes[me].inbox.extract_if(.., |(at, _)| *at <= now).collect();
        for (_, claim) in come {
            self.tell(me, Input::Heard(claim));
        }
        if let Some(since) = self.nodes[me].question {
            let (twin, waited) = (1 - me, self.now.since(since));
            // It is asked three times, and the first answer is the answer.
            let asks = waited < PATIENCE && waited.as_millis() % 100 == 0;
            let answer = match (asks && !self.split && self.holds(twin), waited >= PATIENCE) {
                (true, _) => Some(Answer::Somebody("02:00:00:00:00:01".to_owned())),
                (false, true) => Some(Answer::Nobody),
                (false, false) => None,
            };
            if let Some(answer) = answer {
                self.nodes[me].question = None;
                self.tell(me, Input::Answered(answer));
            }
        }
        if self.nodes[me].hello + HELLO <= self.now {
            self.say(me);
        }
        if self.nodes[me].machine.settings().election == Election::Etcd && self.nodes[me].etcd + HELLO <= self.now {
            self.nodes[me].etcd = self.now;
            let lease = self.etcd(me);
            self.tell(me, Input::Lease(lease));
        }
    }

    /// What etcd says to one that asks, keeps, or would have the lease.
    fn etcd(&mut self, me: usize) -> Lease {
        if self.no_etcd[me] {
            return Lease::Unknown("connection refused".to_owned());
        }
        self.key = self.key.filter(|key| self.now < key.until);
        if self.key.is_none() && self.nodes[me].competes {
            self.revision += 1;
            self.key = Some(Key { owner: me, until: self.now, term: self.revision });
        }
        let until = self.now + TTL;
        match &mut self.key {
            Some(key) if key.owner == me && self.nodes[me].competes => {
                key.until = until;
                Lease::Held { until, term: key.term }
            }
            Some(key) if key.owner == me => {
                self.key = None;
                Lease::Free
            }
            Some(key) => Lease::HeldBy(format!("in-{}", key.owner)),
            None => Lease::Free,
        }
    }

    fn say(&mut self, me: usize) {
        let node = &mut self.nodes[me];
        node.hello = self.now;
        let claim = node.machine.claim();
        if !self.deaf[1 - me] && self.nodes[1 - me].process != Process::Dead && self.chance.u8(0..100) >= self.loss {
            let at = self.now + self.delay[me];
            self.nodes[1 - me].inbox.push((at, claim));
        }
    }

    fn obey(&mut self, me: usize, out: Vec<Output>) {
        for output in out {
            let node = &mut self.nodes[me];
            match output {
                Output::Say => self.say(me),
                Output::Ask => node.question = Some(self.now),
                Output::Take(lifetime) => {
                    assert_ne!(node.machine.claim().stance, Stance::Standby);
                    node.takes += 1;
                    node.address = Some(self.now + lifetime + LATE);
                }
                Output::Renew(lifetime) => node.address = Some(self.now + lifetime + LATE),
                Output::Give { .. } => {
                    node.gives += 1;
                    node.address = None;
                }
                Output::Announce => node.announces += 1,
                Output::Compete(competes) => {
                    node.competes = competes;
                    node.etcd = Time::START; // it asks at once
                }
                Output::Stays(who) => node.stays.push(who),
                Output::NotTaken => node.not_taken += 1,
            }
        }
    }
}
