//! The role of this instance as a machine: what it is told, what it wants done, and how long a claim lasts.

use std::time::Duration;

use super::claim::{Claim, Stance};
use super::{Answer, Election, Lease, Why};
use crate::types::{Name, Time};

/// How late the kernel may be with an address whose time is over: 0.35 s were measured.
const SLACK: Duration = Duration::from_millis(500);
/// How long a new active is left in peace before it hands over because it is unfit; doubles each time.
pub(super) const SETTLE: Duration = Duration::from_secs(10);
/// No more than this, however often that happened.
pub(super) const SETTLE_MAX: Duration = Duration::from_secs(320);

/// What holds for the election.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Who decides.
    pub election: Election,
    /// This instance.
    pub name: Name,
    /// The other one.
    pub twin: Name,
    /// The higher, the rather this instance is active.
    pub priority: u32,
    /// The same of the twin, as the file says.
    pub twin_priority: u32,
    /// The one with the higher priority takes the role back once it is fit.
    pub preempt: bool,
    /// The twin says something at least so often. Not zero.
    pub hello: Duration,
    /// How long a claim lasts that is not renewed, in whole seconds: at least 2.
    pub lease: Duration,
    /// The network side can be asked whether somebody answers for the shared address.
    pub ask: bool,
}

impl Settings {
    /// A twin that says nothing for so long is silent.
    #[must_use]
    pub fn silence(&self) -> Duration {
        self.hello * 3
    }

    /// Silent for so long, without anybody to ask: whatever the twin claimed before has run out, unless the way to it is
    /// cut and it lives.
    #[must_use]
    pub fn run_out(&self) -> Duration {
        self.lease + self.silence() + SLACK
    }

    /// How long one that starts listens before it concludes anything.
    pub(super) fn listen(&self) -> Duration {
        self.hello * 5
    }

    /// How long the better of two has to take over before the other does.
    pub(super) fn patience(&self) -> Duration {
        self.hello * 5
    }

    /// How long one that hands over waits for the twin to take it.
    pub(super) fn yields(&self) -> Duration {
        self.hello * 10
    }

    /// Between questions on the network side: of one that waits, and of one that is active.
    pub(super) fn ask_again(&self, active: bool) -> Duration {
        if active { self.lease / 2 } else { self.hello }
    }

    /// How often a turn is due, whatever happens: by this a pause is noticed.
    fn beat(&self) -> Duration {
        self.hello.min(self.renew())
    }

    /// How often a claim is renewed.
    fn renew(&self) -> Duration {
        self.lease / 10
    }

    /// A claim that was last renewed so long ago counts no more.
    pub(super) fn limit(&self) -> Duration {
        self.lease * 3 / 4
    }
}

/// What the machine is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Input {
    /// The twin has said this just now.
    Heard(Claim),
    /// What BFD says of the way to the twin; `None` if it says nothing.
    Bfd(Option<bool>),
    /// This instance could serve, or could not.
    Fit(bool),
    /// This instance may be active; or must not, because it is drained or about to end.
    Willing(bool),
    /// This instance is to be serviced: it hands the role over to a twin that takes it, and takes it from nobody.
    Leaves(bool),
    /// The answer to [`Output::Ask`].
    Answered(Answer),
    /// The shared address was found with a lifetime that is not over, from a run before this one.
    Found,
    /// What became of the lease in etcd.
    Lease(Lease),
}

/// What a person wants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wish {
    /// This instance shall be active.
    Active,
    /// The twin shall be active.
    Standby,
    /// This instance shall not be active, though nobody else may be.
    GiveUp,
}

/// Why a wish is not granted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The twin says nothing, so it cannot take over.
    #[error("the twin {0} is silent, so nobody would be active")]
    TwinSilent(Name),
    /// The twin takes the role from nobody.
    #[error("the twin {0} is drained or ends, so nobody would be active")]
    TwinAway(Name),
    /// The twin could not serve.
    #[error("the twin {0} is not fit to serve")]
    TwinUnfit(Name),
    /// Another has the shared address, and does not say anything on the twin-link.
    #[error("{0} answers for the shared address on the network side, and the twin is silent")]
    Answered(String),
    /// The twin is active, and is told by somebody else.
    #[error("the twin {0} is active: tell it first to be standby")]
    TwinActive(Name),
    /// This instance is drained, or ends.
    #[error("this instance is drained or ends")]
    Away,
}

/// What the machine wants done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Output {
    /// Tell the twin now: what [`Machine::claim`] says has changed.
    Say,
    /// Ask on the network side who has the shared address, and answer by [`Input::Answered`].
    Ask,
    /// Be active: everything starts. The address goes by itself after that time unless [`Output::Renew`] comes.
    Take(Duration),
    /// The address stays for that time from now.
    Renew(Duration),
    /// Tell the network side again who has the address.
    Announce,
    /// Be active no longer. A claim that is `lapsed` may be another's by now: the address goes before all else.
    Give {
        /// The claim had run out before it was given up.
        lapsed: bool,
        /// The twin has it, or gets it, by our own will: what it cannot do yet is still to be done here.
        handed: bool,
    },
    /// Try to get the lease in etcd, and keep it; or let it go, and do not try.
    Compete(bool),
    /// Tell people that the twin is silent, but that this host answers for the shared address: nothing is done.
    Stays(String),
    /// Tell people that the twin did not take over what it was handed.
    NotTaken,
}

/// What people are shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct View {
    /// Where this instance stands.
    pub stance: Stance,
    /// Since when it is active, or is not.
    pub since: Time,
    /// Why.
    pub why: Why,
    /// The claim that it has, or the highest that it knows of.
    pub term: u64,
    /// The host that answers for the shared address while the twin is silent.
    pub answers: Option<String>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum State {
    /// It has begun, or was away, and listens.
    Asking,
    /// It waits.
    Standby,
    /// It has the role.
    Active {
        /// When the claim was last renewed.
        renewed: Time,
        /// It is being handed over.
        yields: Option<Yield>,
    },
}

/// A handing over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Yield {
    /// The twin has until then.
    pub(super) until: Time,
    /// Why it is done.
    pub(super) reason: String,
}

/// What is known of the twin at a moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Twin {
    /// Nothing yet: it may be about to say something.
    Unknown,
    /// It says this.
    Says(Claim),
    /// It has been silent for so long, and that counts.
    Silent(Duration),
}

/// The role of one instance.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(super) settings: Settings,
    pub(super) state: State,
    pub(super) since: Time,
    pub(super) why: Why,
    /// Our own claim, or the highest known.
    pub(super) term: u64,
    /// When it last had a turn.
    turned: Time,
    /// Since when it could have heard the twin.
    listens: Time,
    /// What comes before this may have waited to be read, and says nothing.
    deaf: Time,
    heard: Option<(Time, Claim)>,
    bfd: Option<bool>,
    pub(super) fit: bool,
    pub(super) willing: bool,
    /// It is to be serviced.
    pub(super) leaves: bool,
    /// A person said standby: no preemption.
    pub(super) rests: bool,
    /// It wants the role until then.
    pub(super) wants: Option<Time>,
    /// When it may want it by itself again.
    pub(super) wants_again: Time,
    /// Since when the twin is heard and nobody is active.
    pub(super) idle: Option<Time>,
    /// A question on the network side that is not answered: when it was asked.
    pub(super) asked: Option<Time>,
    /// When the next may be asked.
    pub(super) asks_again: Time,
    /// What was answered to the last, unless that was used.
    pub(super) answer: Option<Answer>,
    /// Who answers for the shared address while the twin is silent; people were told.
    pub(super) answers: Option<String>,
    /// Both were active: the network side may believe the wrong one.
    pub(super) duel: bool,
    /// Not before this is it handed over because it is unfit.
    pub(super) settled: Time,
    pub(super) settle: Duration,
    pub(super) lease: Lease,
    pub(super) competes: bool,
    /// It takes the role from nobody before this: it has just let it go.
    pub(super) abstains: Time,
    /// It was so at the last turn.
    pub(super) abstaining: bool,
    said: Option<Claim>,
}

impl Machine {
    /// One that has just begun. Until it is told otherwise it is fit and willing.
    #[must_use]
    pub fn new(now: Time, settings: Settings) -> Self {
        let state = if settings.election == Election::External { State::Standby } else { State::Asking };
        Self {
            settings,
            state,
            since: now,
            why: Why::Started,
            term: 0,
            turned: now,
            listens: now,
            deaf: now,
            heard: None,
            bfd: None,
            fit: true,
            willing: true,
            leaves: false,
            rests: false,
            wants: None,
            wants_again: now,
            idle: None,
            asked: None,
            asks_again: now,
            answer: None,
            answers: None,
            duel: false,
            settled: now,
            settle: SETTLE,
            lease: Lease::Unknown("it was not asked yet".to_owned()),
            competes: false,
            abstains: now,
            abstaining: false,
            said: None,
        }
    }

    /// Other settings from now on; the role stays, unless another decides it now: then it is asked for again.
    pub fn set(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// What holds.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// True if it has the role.
    #[must_use]
    pub fn is_active(&self) -> bool {
        matches!(self.state, State::Active { .. })
    }

    /// Whether it was told last that it could serve.
    #[must_use]
    pub fn is_fit(&self) -> bool {
        self.fit
    }

    /// Whether it was told last that it may be active.
    #[must_use]
    pub fn is_willing(&self) -> bool {
        self.willing
    }

    /// Whether it was told last that it is to be serviced.
    #[must_use]
    pub fn leaves(&self) -> bool {
        self.leaves
    }

    /// What the twin is to be told.
    #[must_use]
    pub fn claim(&self) -> Claim {
        let stance = match &self.state {
            State::Active { yields: None, .. } => Stance::Active,
            State::Active { yields: Some(_), .. } => Stance::Yielding,
            State::Asking | State::Standby if !self.may() => Stance::Away,
            State::Asking | State::Standby if self.wants.is_some() => Stance::Wanting,
            State::Asking => Stance::Asking,
            State::Standby => Stance::Standby,
        };
        Claim { stance, term: self.term, fit: self.fit, priority: self.settings.priority }
    }

    /// What people are shown.
    #[must_use]
    pub fn view(&self) -> View {
        View {
            stance: self.claim().stance,
            since: self.since,
            why: self.why.clone(),
            term: self.term,
            answers: self.answers.clone(),
        }
    }

    /// Takes one fact.
    pub fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        self.turn(now, out);
        match input {
            Input::Heard(claim) if now < self.deaf && !self.is_overtaken(&claim) => {}
            Input::Heard(claim) => {
                self.heard = Some((now, claim));
                // A claim is above every one that is known.
                if !self.is_active() {
                    self.term = self.term.max(claim.term);
                }
            }
            Input::Bfd(bfd) => self.bfd = bfd,
            Input::Fit(fit) => self.fit = fit,
            Input::Willing(willing) => self.willing = willing,
            Input::Leaves(leaves) => self.leaves = leaves,
            Input::Answered(answer) => {
                // One that comes when the twin is heard again says nothing any more.
                if let Some(asked) = self.asked.take() {
                    let active = self.is_active();
                    // Counted from the question, so that an active asks twice in a lease however long an answer takes.
                    self.asks_again = if active { asked } else { now } + self.settings.ask_again(active);
                    self.answer = Some(answer);
                }
            }
            Input::Found => self.found(now, out),
            Input::Lease(lease) => self.lease = lease,
        }
        self.decide(now, out);
    }

    /// Does what is due by now.
    pub fn tick(&mut self, now: Time, out: &mut Vec<Output>) {
        self.turn(now, out);
        self.decide(now, out);
    }

    /// A person says who shall be active. What it takes time to do is under way when this returns.
    pub fn wish(&mut self, now: Time, wish: Wish, out: &mut Vec<Output>) -> Result<(), Refusal> {
        self.turn(now, out);
        let done = match self.settings.election {
            Election::External => self.external(now, wish, out),
            Election::Pair | Election::Etcd => self.wished(now, wish, out),
        };
        self.decide(now, out);
        done
    }

    /// When [`Machine::tick`] is due at the latest.
    #[must_use]
    pub fn deadline(&self) -> Time {
        let beat = self.turned + self.settings.beat();
        let waits = self.settings.ask && self.asked.is_none() && self.turned < self.asks_again;
        if waits && !matches!(self.twin(self.turned), Twin::Says(_)) { beat.min(self.asks_again) } else { beat }
    }

    /// What is known of the twin.
    pub(super) fn twin(&self, now: Time) -> Twin {
        let heard = self.heard.map(|(at, _)| at);
        let silent = now.since(heard.map_or(self.listens, |at| at.max(self.listens)));
        let limit = match (heard, self.bfd) {
            (None, _) => self.settings.listen(),
            (Some(_), Some(false)) => self.settings.hello * 3 / 2,
            (Some(_), Some(true) | None) => self.settings.silence(),
        };
        match self.heard {
            _ if silent >= limit => Twin::Silent(silent),
            Some((_, claim)) => Twin::Says(claim),
            None => Twin::Unknown,
        }
    }

    /// The twin has claimed the role after we did. That stays true however old the word is: claims are counted upwards.
    fn is_overtaken(&self, claim: &Claim) -> bool {
        self.is_active() && claim.stance.is_active() && claim.term > self.term
    }

    /// What every turn begins with: whoever was stopped for a while cannot know what happened meanwhile.
    fn turn(&mut self, now: Time, out: &mut Vec<Output>) {
        let gap = now.since(std::mem::replace(&mut self.turned, now));
        if gap > self.settings.beat() * 2 {
            // What the twin said then waits to be read, the oldest first.
            self.listens = now;
            self.deaf = now + self.settings.hello;
            self.asked = None;
            self.answer = None;
            self.asks_again = now;
        }
        if let State::Active { renewed, .. } = self.state
            && now.since(renewed) > self.settings.limit()
        {
            self.heard = None;
            self.listens = now;
            let state = if self.settings.election == Election::External { State::Standby } else { State::Asking };
            self.give(now, state, Why::Paused(now.since(renewed)), true, out);
        }
    }

    fn decide(&mut self, now: Time, out: &mut Vec<Output>) {
        self.abstaining = self.abstains > now;
        match self.settings.election {
            Election::Pair => self.pair(now, out),
            Election::Etcd => self.leased(now, out),
            Election::External => {}
        }
        if !self.willing && self.is_active() {
            self.give(now, State::Standby, Why::Away, false, out);
        }
        self.renew(now, out);
        let claim = self.claim();
        if self.said != Some(claim) {
            self.said = Some(claim);
            out.push(Output::Say);
        }
    }

    fn renew(&mut self, now: Time, out: &mut Vec<Output>) {
        let lifetime = self.lifetime(now);
        let due = self.settings.renew();
        if let State::Active { renewed, .. } = &mut self.state
            && now.since(*renewed) >= due
            && let Some(lifetime) = lifetime
        {
            *renewed = now;
            out.push(Output::Renew(lifetime));
        }
    }

    /// True if it may take the role.
    pub(super) fn may(&self) -> bool {
        self.willing && !self.leaves && !self.abstaining
    }

    /// How long the kernel may keep the address: never beyond what etcd has granted.
    pub(super) fn lifetime(&self, now: Time) -> Option<Duration> {
        match (self.settings.election, &self.lease) {
            (Election::Pair | Election::External, _) => Some(self.settings.lease),
            (Election::Etcd, Lease::Held { until, .. }) => {
                let left = until.since(now).min(self.settings.lease).as_secs();
                (left > 0).then_some(Duration::from_secs(left))
            }
            (Election::Etcd, Lease::HeldBy(_) | Lease::Free | Lease::Unknown(_)) => None,
        }
    }

    /// What an earlier run claimed has not run out, so nobody else has it.
    fn found(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.settings.election != Election::Etcd && !self.is_active() && self.may() {
            self.take(now, Why::Resumed, out);
        }
    }

    pub(super) fn take(&mut self, now: Time, why: Why, out: &mut Vec<Output>) {
        let Some(lifetime) = self.lifetime(now) else { return };
        if let (Election::Etcd, Lease::Held { term, .. }) = (self.settings.election, &self.lease) {
            self.term = *term;
        } else if why != Why::Resumed {
            self.term += 1;
        }
        self.state = State::Active { renewed: now, yields: None };
        self.since = now;
        self.why = why;
        self.settled = now + self.settle;
        self.wants = None;
        self.forget_answer();
        out.push(Output::Take(lifetime));
    }

    pub(super) fn give(&mut self, now: Time, state: State, why: Why, lapsed: bool, out: &mut Vec<Output>) {
        let handed = matches!(why, Why::Yielded(_));
        self.state = state;
        self.since = now;
        self.why = why;
        self.duel = false;
        self.idle = None;
        self.forget_answer();
        out.push(Output::Give { lapsed, handed });
    }

    /// Waits from now on, for a reason that is news.
    pub(super) fn wait(&mut self, now: Time, why: Why) {
        if self.state != State::Standby {
            self.state = State::Standby;
            self.since = now;
            self.why = why;
        }
    }

    pub(super) fn forget_answer(&mut self) {
        self.asked = None;
        self.answer = None;
        self.answers = None;
    }
}
