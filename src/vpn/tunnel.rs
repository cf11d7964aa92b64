//! The machine of one tunnel: any one who knows something takes it down at once, and it comes back only when none objects.
//! Its first return is at once; later ones must be quiet for a time that grows with failures ([`Damping`]).

use std::time::Duration;

use super::damping::Memory;
use super::{Damping, Entry, History, Source, Word};
use crate::types::{Name, Time};

/// What somebody says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Input {
    /// It carries nothing, or shall not.
    Objects {
        /// Who.
        source: Source,
        /// Which neighbor's session or BFD, where that is the source.
        by: Option<Name>,
        /// Why, in words for people.
        reason: String,
    },
    /// Nothing against it any more.
    Agrees {
        /// Who.
        source: Source,
        /// Which neighbor's session or BFD, where that is the source.
        by: Option<Name>,
    },
}

/// One standing objection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Objection {
    /// Who objects.
    pub source: Source,
    /// Which neighbor's session or BFD, where that is the source.
    pub by: Option<Name>,
    /// Why, in words for people.
    pub reason: String,
    /// Since when.
    pub since: Time,
}

/// What a tunnel is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Phase {
    /// It carries traffic.
    Up,
    /// Somebody objects.
    Down {
        /// At least one; the first is what took it down, or what is left of those that kept it down.
        objections: Vec<Objection>,
        /// Whether sessions inside may be tried.
        sessions: Sessions,
    },
    /// Nobody objects any more, and it must be quiet until then.
    Damped {
        /// When it is up unless somebody objects.
        until: Time,
        /// Whether sessions inside may be tried before that.
        sessions: bool,
    },
}

/// Whether the sessions inside a tunnel that is down may be tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sessions {
    /// They may: see [`Source::stops_sessions`].
    Allowed,
    /// They may from then on: who forbade it has said for so short a time that nothing is against it.
    From(Time),
    /// They may not.
    Stopped,
}

/// One tunnel.
#[derive(Clone, Debug)]
pub struct Tunnel {
    damping: Damping,
    phase: Phase,
    since: Time,
    /// True until it is up for the first time: that return is not one.
    fresh: bool,
    memory: Memory,
    flaps: u64,
    history: History,
}

impl Tunnel {
    /// A tunnel whose interface nobody has seen yet.
    #[must_use]
    pub fn new(now: Time, damping: Damping) -> Self {
        let reason = "its interface was not seen yet".to_owned();
        let objections = vec![Objection { source: Source::Interface, by: None, reason, since: now }];
        Self {
            damping,
            phase: Phase::Down { objections, sessions: Sessions::Stopped },
            since: now,
            fresh: true,
            memory: Memory::default(),
            flaps: 0,
            history: History::default(),
        }
    }

    /// Takes what somebody says; each change goes to `out`, and to the history.
    pub fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Entry>) {
        let phase = std::mem::replace(&mut self.phase, Phase::Up);
        self.phase = match input {
            Input::Objects { source, by, reason } => {
                let objection = Objection { source, by, reason, since: now };
                match phase {
                    Phase::Up => self.fail(now, objection, out),
                    Phase::Damped { until, sessions } => {
                        let sessions = if sessions { Sessions::Allowed } else { Sessions::From(until) };
                        self.object(now, Vec::new(), sessions, objection, out)
                    }
                    Phase::Down { objections, sessions } => self.object(now, objections, sessions, objection, out),
                }
            }
            Input::Agrees { source, by } => match phase {
                Phase::Down { objections, sessions } => self.agree(now, objections, sessions, (source, by), out),
                Phase::Up | Phase::Damped { .. } => phase,
            },
        };
    }

    /// Lets it be up if it was quiet for long enough.
    pub fn tick(&mut self, now: Time, out: &mut Vec<Entry>) {
        match &self.phase {
            Phase::Damped { until, .. } if *until <= now => {
                let reason = format!("quiet for {}", shown(now.since(self.memory.changed())));
                self.phase = self.rise(now, None, None, reason, out);
            }
            Phase::Down { objections, sessions: Sessions::From(at) } if *at <= now => {
                self.phase = Phase::Down { objections: objections.clone(), sessions: Sessions::Allowed };
            }
            Phase::Up | Phase::Down { .. } | Phase::Damped { .. } => {}
        }
    }

    /// Forgets its failures: a wait that they cost ends at once. Whoever objects objects still.
    pub fn forgive(&mut self, now: Time, reason: &str, out: &mut Vec<Entry>) {
        self.memory = Memory::default();
        if matches!(self.phase, Phase::Damped { .. }) {
            self.phase = self.rise(now, None, None, reason.to_owned(), out);
        }
    }

    /// When [`Tunnel::tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        match self.phase {
            Phase::Damped { until, .. } | Phase::Down { sessions: Sessions::From(until), .. } => Some(until),
            Phase::Up | Phase::Down { .. } => None,
        }
    }

    /// Damps by other rules from now on; a wait that has begun ends at its time, or earlier if the new rules say so.
    pub fn set(&mut self, damping: Damping) {
        self.damping = damping;
        if let Phase::Damped { until, .. } = &mut self.phase {
            *until = (*until).min(self.memory.changed() + damping.max);
        }
    }

    /// What it is.
    #[must_use]
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Since when it has carried traffic, or has not.
    #[must_use]
    pub fn since(&self) -> Time {
        self.since
    }

    /// True if traffic may leave by it.
    #[must_use]
    pub fn carries(&self) -> bool {
        matches!(self.phase, Phase::Up)
    }

    /// True if sessions inside may be up and may be tried.
    #[must_use]
    pub fn lets_sessions(&self) -> bool {
        match self.phase {
            Phase::Up => true,
            Phase::Down { sessions, .. } => sessions == Sessions::Allowed,
            Phase::Damped { sessions, .. } => sessions,
        }
    }

    /// Who objects, the first to do so first.
    #[must_use]
    pub fn objections(&self) -> &[Objection] {
        match &self.phase {
            Phase::Down { objections, .. } => objections,
            Phase::Up | Phase::Damped { .. } => &[],
        }
    }

    /// How often it failed, of all times.
    #[must_use]
    pub fn flaps(&self) -> u64 {
        self.flaps
    }

    /// How many of its failures are not forgotten by now: what the next wait is made of.
    #[must_use]
    pub fn remembered(&self, now: Time) -> u32 {
        self.memory.failures(now, &self.damping)
    }

    /// What became of it.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// It was up.
    fn fail(&mut self, now: Time, objection: Objection, out: &mut Vec<Entry>) -> Phase {
        self.memory.change(now, &self.damping);
        self.memory.fail(&self.damping);
        self.flaps += 1;
        self.since = now;
        self.note(now, Word::Down, Some(objection.source), objection.by.clone(), objection.reason.clone(), out);
        let sessions = if objection.source.stops_sessions() { Sessions::Stopped } else { Sessions::Allowed };
        Phase::Down { objections: vec![objection], sessions }
    }

    /// It was not.
    fn object(
        &mut self,
        now: Time,
        mut objections: Vec<Objection>,
        sessions: Sessions,
        new: Objection,
        out: &mut Vec<Entry>,
    ) -> Phase {
        let sessions = if new.source.stops_sessions() { Sessions::Stopped } else { sessions };
        let known = objections.iter_mut().find(|old| (old.source, &old.by) == (new.source, &new.by));
        let said = known.as_ref().is_some_and(|known| known.reason == new.reason);
        if !said {
            self.memory.change(now, &self.damping);
            // What keeps it from being up for the first time is no addition to anything.
            let first = self.fresh && new.source == Source::Interface;
            let word = if first { Word::Down } else { Word::Objected };
            self.note(now, word, Some(new.source), new.by.clone(), new.reason.clone(), out);
        }
        match known {
            Some(known) => known.reason = new.reason,
            None => objections.push(new),
        }
        Phase::Down { objections, sessions }
    }

    fn agree(
        &mut self,
        now: Time,
        mut objections: Vec<Objection>,
        sessions: Sessions,
        (source, by): (Source, Option<Name>),
        out: &mut Vec<Entry>,
    ) -> Phase {
        let Some(at) = objections.iter().position(|old| (old.source, &old.by) == (source, &by)) else {
            return Phase::Down { objections, sessions };
        };
        let gone = objections.remove(at);
        self.memory.change(now, &self.damping);
        let wait = if self.fresh { Duration::ZERO } else { self.damping.wait(self.remembered(now)) };
        if objections.is_empty() {
            if wait.is_zero() {
                return self.rise(now, Some(source), by, "nobody objects any more".to_owned(), out);
            }
            let reason = format!("nobody objects any more, and it must be quiet for {}", shown(wait));
            self.note(now, Word::Damped, Some(source), by, reason, out);
            return Phase::Damped { until: now + wait, sessions: sessions == Sessions::Allowed };
        }
        self.note(now, Word::Agreed, Some(source), by, format!("no longer: {}", gone.reason), out);
        let stops = objections.iter().any(|objection| objection.source.stops_sessions());
        let sessions = match sessions {
            Sessions::Stopped if !stops && wait.is_zero() => Sessions::Allowed,
            Sessions::Stopped if !stops => Sessions::From(now + wait),
            Sessions::Stopped | Sessions::From(_) | Sessions::Allowed => sessions,
        };
        Phase::Down { objections, sessions }
    }

    fn rise(
        &mut self,
        now: Time,
        source: Option<Source>,
        by: Option<Name>,
        reason: String,
        out: &mut Vec<Entry>,
    ) -> Phase {
        self.memory.change(now, &self.damping);
        self.fresh = false;
        self.since = now;
        self.note(now, Word::Up, source, by, reason, out);
        Phase::Up
    }

    fn note(
        &mut self,
        now: Time,
        word: Word,
        source: Option<Source>,
        by: Option<Name>,
        reason: String,
        out: &mut Vec<Entry>,
    ) {
        let entry = Entry { at: now, word, source, by, reason, repeats: 0, last: now };
        out.push(self.history.push(entry));
    }
}

/// A wait for a sentence: whole seconds, or milliseconds below one.
fn shown(wait: Duration) -> String {
    if wait.as_millis().is_multiple_of(1000) {
        format!("{}s", wait.as_secs())
    } else {
        format!("{}ms", wait.as_millis())
    }
}
