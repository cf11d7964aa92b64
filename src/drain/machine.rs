//! The machine of one drain.

use std::time::Duration;

use super::{Kept, Step, Target, Traffic};
use crate::types::Time;

/// Between two looks at the counters.
const SAMPLE: Duration = Duration::from_millis(500);
/// So many quiet looks in a row mean that neighbors have moved.
const QUIET_LOOKS: u32 = 2;
/// How long withdrawals may take to be said, and neighbors to heed them.
const WITHDRAWAL: Duration = Duration::from_secs(5);
/// How long sessions may take to be closed, and the kernel to follow.
const CLOSE: Duration = Duration::from_secs(10);

/// What holds for all drains.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rules {
    /// How long neighbors may take to move.
    pub limit: Duration,
    /// A tunnel with so many packets a second, both ways apart, is quiet.
    pub quiet: u64,
    /// How long sessions and routes may take to come back.
    pub return_limit: Duration,
}

/// A fact.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Input {
    /// What has passed the tunnels, which are so many.
    Counted(Traffic, usize),
    /// Neighbors were told all that the step wants them to hear, and the kernel has all that is wanted of it.
    Settled,
    /// The sessions that are not wanted are closed, and their neighbors have what they were sent.
    Closed,
    /// Every session that can be up is, has said all that it has, and the kernel has it.
    Back,
    /// A person wants it back in service.
    Undrain,
    /// A person wants it drained after all.
    Drain,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Output {
    /// Neighbors are told what this step says, from now on.
    Enter(Step),
    /// Look at the counters, and say [`Input::Counted`].
    Count,
}

/// One drain.
#[derive(Clone, Debug)]
pub struct Drain {
    target: Target,
    reason: Option<String>,
    forced: bool,
    rules: Rules,
    step: Step,
    /// When it was wanted, or wanted back.
    began: Time,
    /// When the step began.
    since: Time,
    /// The step ends then at the latest; `None` for one that lasts.
    until: Option<Time>,
    /// When the counters are looked at next.
    look: Option<Time>,
    settled: bool,
    closed: bool,
    quiet_looks: u32,
    /// Whether the counters showed that neighbors had moved, once that was decided.
    moved: Option<bool>,
    /// The first look of all, and the last, with its time.
    first: Option<Traffic>,
    last: Option<(Time, Traffic)>,
    /// Packets a second, in and out, by the last two looks.
    rate: Option<(u64, u64)>,
    /// How long it took, once it is done.
    took: Option<Duration>,
}

impl Drain {
    /// One that begins: [`Output::Enter`] comes with the next input or tick.
    #[must_use]
    pub fn new(now: Time, target: Target, reason: Option<String>, forced: bool, rules: Rules) -> Self {
        Self::at(now, Kept { target, reason, forced, step: Step::Moving }, rules)
    }

    /// One that goes on where an earlier run was. The times begin anew.
    #[must_use]
    pub fn at(now: Time, kept: Kept, rules: Rules) -> Self {
        let Kept { target, reason, forced, step } = kept;
        let mut drain = Self {
            target,
            reason,
            forced,
            rules,
            step,
            began: now,
            since: now,
            until: None,
            look: None,
            settled: false,
            closed: false,
            quiet_looks: 0,
            moved: None,
            first: None,
            last: None,
            rate: None,
            took: None,
        };
        drain.begin(now, step);
        drain
    }

    /// Takes one fact.
    pub fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Counted(traffic, tunnels) => self.counted(now, traffic, tunnels),
            Input::Settled => self.settled = true,
            Input::Closed => self.closed = true,
            Input::Back if self.step == Step::Returning => self.enter(now, Step::Returned, out),
            Input::Back => {}
            Input::Undrain if self.step < Step::Returning => {
                (self.began, self.took, self.moved) = (now, None, None);
                (self.first, self.last, self.rate) = (None, None, None);
                self.enter(now, Step::Returning, out);
            }
            Input::Drain if self.step >= Step::Returning => {
                (self.began, self.took, self.moved) = (now, None, None);
                (self.first, self.last, self.rate) = (None, None, None);
                self.enter(now, Step::Moving, out);
            }
            Input::Undrain | Input::Drain => {}
        }
        self.go_on(now, out);
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.look.is_some_and(|due| due <= now) {
            self.look = Some(now + SAMPLE);
            out.push(Output::Count);
        }
        self.go_on(now, out);
    }

    /// When [`Drain::tick`] is due next.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.until.into_iter().chain(self.look).min()
    }

    /// Other rules; a step that has begun ends as it would have.
    pub fn set(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// Why it is done now, and whether although something speaks against it.
    pub fn explain(&mut self, reason: Option<String>, forced: bool) {
        (self.reason, self.forced) = (reason, forced);
    }

    /// What the next run must know.
    #[must_use]
    pub fn kept(&self) -> Kept {
        Kept { target: self.target.clone(), reason: self.reason.clone(), forced: self.forced, step: self.step }
    }

    /// What is drained.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Why, in words for people.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// True if it was begun although something spoke against it.
    #[must_use]
    pub fn forced(&self) -> bool {
        self.forced
    }

    /// How far it is, and since when.
    #[must_use]
    pub fn step(&self) -> (Step, Time) {
        (self.step, self.since)
    }

    /// When it was wanted, or wanted back.
    #[must_use]
    pub fn began(&self) -> Time {
        self.began
    }

    /// How long it took, if it is done.
    #[must_use]
    pub fn took(&self) -> Option<Duration> {
        self.took
    }

    /// Whether the counters showed that neighbors had moved before they were told to; `None` while that is open.
    #[must_use]
    pub fn moved(&self) -> Option<bool> {
        self.moved
    }

    /// Packets a second in and out of the tunnels, by the last two looks.
    #[must_use]
    pub fn rate(&self) -> Option<(u64, u64)> {
        self.rate
    }

    /// Packets that were lost here since it began, by the counters; `None` before the second look.
    #[must_use]
    pub fn lost(&self) -> Option<u64> {
        let (first, (_, last)) = self.first.as_ref().zip(self.last.as_ref())?;
        Some(last.since(first).lost)
    }

    fn counted(&mut self, now: Time, traffic: Traffic, tunnels: usize) {
        self.first.get_or_insert(traffic);
        let Some((at, before)) = self.last.replace((now, traffic)) else { return };
        let millis = u64::try_from(now.since(at).as_millis()).unwrap_or(u64::MAX).max(1);
        let more = traffic.since(&before);
        let second = |packets: u64| packets.saturating_mul(1_000) / millis;
        let (received, sent) = (second(more.received), second(more.sent));
        self.rate = Some((received, sent));
        let most = self.rules.quiet.saturating_mul(u64::try_from(tunnels).unwrap_or(u64::MAX));
        // What passed before they were told says nothing about what they made of it.
        let quiet = self.settled && received <= most && sent <= most;
        self.quiet_looks = if quiet { self.quiet_looks.saturating_add(1) } else { 0 };
    }

    /// Goes to the next step if that is due.
    fn go_on(&mut self, now: Time, out: &mut Vec<Output>) {
        let over = self.until.is_some_and(|until| until <= now);
        match self.step {
            Step::Moving if self.settled && self.quiet_looks >= QUIET_LOOKS || over => {
                self.moved = Some(!over);
                self.enter(now, Step::Withdrawing, out);
            }
            // Who did not heed the warning heeds this.
            Step::Withdrawing if self.settled && self.quiet_looks > 0 || over => self.enter(now, Step::Closing, out),
            Step::Closing if self.settled && self.closed || over => self.enter(now, Step::Drained, out),
            Step::Returning if over => self.enter(now, Step::Returned, out),
            Step::Moving | Step::Withdrawing | Step::Closing | Step::Drained | Step::Returning | Step::Returned => {}
        }
    }

    fn enter(&mut self, now: Time, step: Step, out: &mut Vec<Output>) {
        self.begin(now, step);
        if matches!(step, Step::Drained | Step::Returned) {
            self.took = Some(now.since(self.began));
        }
        out.push(Output::Enter(step));
        if matches!(step, Step::Drained | Step::Returned) {
            out.push(Output::Count); // the last look of all
        }
    }

    /// The times of a step.
    fn begin(&mut self, now: Time, step: Step) {
        (self.step, self.since) = (step, now);
        (self.settled, self.closed, self.quiet_looks) = (false, false, 0);
        let (until, looks) = match step {
            Step::Moving => (Some(self.rules.limit), true),
            Step::Withdrawing => (Some(WITHDRAWAL), true),
            Step::Closing => (Some(CLOSE), true),
            Step::Returning => (Some(self.rules.return_limit), true),
            Step::Drained | Step::Returned => (None, false),
        };
        self.until = until.map(|limit| now + limit);
        self.look = looks.then_some(now);
    }
}
