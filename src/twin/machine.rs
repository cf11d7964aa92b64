//! The machine of one twin: says when a hello is due, and makes of those that come what is known of the other instance.

use std::{collections::VecDeque, time::Duration};

use super::hello::{Heard, Hello, Says, Standing};
use super::news::News;
use crate::types::{Name, Time};

/// Between two hellos, however much changes.
const LEAST: Duration = Duration::from_millis(20);
/// Runs of the twin before this one whose late datagrams are known for what they are.
const RUNS: usize = 8;
/// So many hellos in a row at their time end that a twin is called slow.
const STEADY: u32 = 25;
/// So many of the twin's own intervals without a hello are not silence yet, whatever our file says.
const PROMISED: u32 = 3;

/// What both ends are, and how often they speak.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// The gateway's name.
    pub gateway: Name,
    /// This instance.
    pub instance: Name,
    /// The other one.
    pub twin: Name,
    /// Between hellos; not zero.
    pub hello: Duration,
    /// A twin that said nothing for so long is silent; more than [`Settings::hello`].
    pub silent_after: Duration,
    /// The version of our software.
    pub version: &'static str,
    /// What our file says, as 16 hexadecimal digits; `None` if there is none. Files that mean the same have the same,
    /// whatever their comments and order.
    pub digest: Option<String>,
}

/// A fact.
#[derive(Debug)]
pub enum Input<'o> {
    /// What this instance is doing now, changed or not.
    Says(Says),
    /// Octets that have come from the twin's address, over the twin-link, from the link itself.
    Hello(&'o [u8]),
    /// Other settings.
    Configure(Settings),
}

/// What is to be done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Output {
    /// Send these octets to the twin.
    Send(Vec<u8>),
    /// Something is known of the twin that was not.
    News(News),
}

/// Whether the twin is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Presence {
    /// It has said nothing since this instance began.
    Never,
    /// It speaks.
    Present,
    /// It does not speak any more.
    Silent,
    /// It has said that it is being stopped.
    Left,
}

/// The other instance, as far as this one knows.
#[derive(Clone, Debug)]
pub struct Twin {
    settings: Settings,
    boot: u64,
    sequence: u64,
    says: Says,
    /// When the last hello went out, and when the next one goes.
    sent: Option<Time>,
    due: Time,
    presence: Presence,
    since: Time,
    last: Option<(Time, Hello)>,
    /// Runs that are over.
    earlier: VecDeque<u64>,
    restarts: u64,
    received: u64,
    lost: u64,
    /// How many hellos were in time since the last late one, while it is slow.
    slow: Option<u32>,
    /// What it could have heard last, were it not deaf: our hellos of the last [`Settings::silent_after`].
    flight: VecDeque<(u64, Time)>,
    /// Since when it hears nothing of us, and whether that was told.
    deaf: Option<(Time, bool)>,
    other_file: bool,
    other_version: bool,
}

impl Twin {
    /// A twin of which nothing is known. `boot` is the number of this run, by chance. The first hello is due at once.
    #[must_use]
    pub fn new(now: Time, boot: u64, settings: Settings) -> Self {
        Self {
            settings,
            boot,
            sequence: 0,
            says: Says::default(),
            sent: None,
            due: now,
            presence: Presence::Never,
            since: now,
            last: None,
            earlier: VecDeque::new(),
            restarts: 0,
            received: 0,
            lost: 0,
            slow: None,
            flight: VecDeque::new(),
            deaf: None,
            other_file: false,
            other_version: false,
        }
    }

    /// Takes one fact.
    pub fn handle(&mut self, now: Time, input: Input<'_>, out: &mut Vec<Output>) {
        match input {
            Input::Says(says) => {
                if says != self.says {
                    // The last word of a run does not wait: nobody is there to say it later.
                    let last = says.standing == Standing::Stopping;
                    self.says = says;
                    if last { self.due = now } else { self.hurry(now) }
                }
            }
            Input::Hello(octets) => match Hello::decode(octets) {
                Ok(hello) => self.hello(now, hello, out),
                Err(fault) => out.push(Output::News(News::Unreadable(fault))),
            },
            Input::Configure(settings) => {
                if settings != self.settings {
                    self.settings = settings;
                    self.hurry(now);
                    self.compare(out);
                }
            }
        }
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.silent_at().is_some_and(|due| due <= now) {
            let silence = self.last.as_ref().map_or(Duration::ZERO, |(at, _)| now.since(*at));
            self.turn(now, Presence::Silent);
            out.push(Output::News(News::Silent(silence)));
        }
        if let Some((since, false)) = self.deaf
            && self.deaf_at().is_some_and(|due| due <= now)
        {
            self.deaf = Some((since, true));
            out.push(Output::News(News::Deaf(now.since(since))));
        }
        if self.due <= now {
            self.send(now, out);
        }
    }

    /// When [`Twin::tick`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Time {
        self.silent_at().into_iter().chain(self.deaf_at()).chain([self.due]).min().unwrap_or(self.due)
    }

    /// What both ends are.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The number of this run.
    #[must_use]
    pub fn boot(&self) -> u64 {
        self.boot
    }

    /// What we said last, or are about to say.
    #[must_use]
    pub fn own(&self) -> &Says {
        &self.says
    }

    /// Whether it is there.
    #[must_use]
    pub fn presence(&self) -> Presence {
        self.presence
    }

    /// True while it speaks.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.presence == Presence::Present
    }

    /// Since when [`Twin::presence`] is what it is.
    #[must_use]
    pub fn since(&self) -> Time {
        self.since
    }

    /// The last hello, and when it came; `None` if there was none.
    #[must_use]
    pub fn last(&self) -> Option<(Time, &Hello)> {
        self.last.as_ref().map(|(at, hello)| (*at, hello))
    }

    /// What it says that it is doing, while it is there.
    #[must_use]
    pub fn says(&self) -> Option<&Says> {
        self.last.as_ref().filter(|_| self.is_present()).map(|(_, hello)| &hello.says)
    }

    /// How often its daemon was seen to have been started anew.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// How many hellos have come, and how many of those that were sent between them have not.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.received, self.lost)
    }

    /// True while its hellos come late.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.slow.is_some()
    }

    /// Whether its file says what ours says; `None` if one of the two has none, or nothing was heard.
    #[must_use]
    pub fn same_file(&self) -> Option<bool> {
        let (_, hello) = self.last.as_ref()?;
        Some(hello.digest.as_ref()? == self.settings.digest.as_ref()?)
    }

    /// True if it is there and the last that it said holds that it hears us.
    #[must_use]
    pub fn hears_us(&self) -> bool {
        self.is_present() && self.deaf.is_none()
    }

    /// A change: soon, but not more often than every [`LEAST`].
    fn hurry(&mut self, now: Time) {
        let soonest = self.sent.map_or(now, |sent| sent + LEAST);
        self.due = self.due.min(soonest.max(now));
    }

    fn send(&mut self, now: Time, out: &mut Vec<Output>) {
        self.sequence += 1;
        self.sent = Some(now);
        self.flight.push_back((self.sequence, now));
        while self.flight.front().is_some_and(|(_, sent)| now.since(*sent) > self.settings.silent_after) {
            self.flight.pop_front();
        }
        self.due = now + self.settings.hello;
        let heard = self.last.as_ref().filter(|_| self.is_present());
        let hello = Hello {
            gateway: self.settings.gateway.clone(),
            instance: self.settings.instance.clone(),
            boot: self.boot,
            sequence: self.sequence,
            interval_ms: u64::try_from(self.settings.hello.as_millis()).unwrap_or(u64::MAX),
            version: self.settings.version.to_owned(),
            digest: self.settings.digest.clone(),
            heard: heard.map(|(_, hello)| Heard { boot: hello.boot, sequence: hello.sequence }),
            says: self.says.clone(),
        };
        out.push(Output::Send(hello.encode()));
    }

    fn hello(&mut self, now: Time, hello: Hello, out: &mut Vec<Output>) {
        if hello.gateway != self.settings.gateway || hello.instance != self.settings.twin {
            let Hello { gateway, instance, .. } = hello;
            out.push(Output::News(News::Stranger { gateway, instance }));
            return;
        }
        let before = self.last.as_ref();
        // Datagrams overtake each other, and one of an earlier run may come late.
        let old = before.is_some_and(|(_, last)| last.boot == hello.boot && last.sequence >= hello.sequence);
        if old || self.earlier.contains(&hello.boot) {
            return;
        }
        self.received += 1;
        let restarted = before.filter(|(_, last)| last.boot != hello.boot).map(|(_, last)| last.boot);
        if let Some(over) = restarted {
            self.earlier.push_back(over);
            if self.earlier.len() > RUNS {
                self.earlier.pop_front();
            }
            self.restarts += 1;
            out.push(Output::News(News::Restarted { restarts: self.restarts }));
        }
        let leaves = hello.says.standing == Standing::Stopping;
        match (self.presence, leaves) {
            (Presence::Present, false) if restarted.is_none() => self.paced(now, &hello, out),
            (Presence::Present, false) | (Presence::Left, true) => {}
            (Presence::Never, false) => {
                self.turn(now, Presence::Present);
                out.push(Output::News(News::Appeared { version: hello.version.clone() }));
            }
            (Presence::Silent | Presence::Left, false) => {
                let away = now.since(before.map_or(self.since, |(at, _)| *at));
                self.turn(now, Presence::Present);
                out.push(Output::News(News::Returned(away)));
            }
            (Presence::Never | Presence::Present | Presence::Silent, true) => {
                self.turn(now, Presence::Left);
                out.push(Output::News(News::Leaving));
            }
        }
        let last = self.last.replace((now, hello));
        self.compare(out);
        self.listens(now, out);
        let word = |says: &Says| (says.role, says.term, says.standing, says.ready);
        if let (Some((_, before)), Some((_, now))) = (last, &self.last)
            && restarted.is_none()
            && !leaves
            && word(&before.says) != word(&now.says)
        {
            out.push(Output::News(News::Changed { before: before.says, now: now.says.clone() }));
        }
    }

    /// How long after the one before it a hello came, of one run.
    fn paced(&mut self, now: Time, hello: &Hello, out: &mut Vec<Output>) {
        let Some((at, last)) = &self.last else { return };
        let gap = now.since(*at);
        let lost = hello.sequence.saturating_sub(last.sequence).saturating_sub(1);
        self.lost = self.lost.saturating_add(lost);
        // By its own promise, and nothing that one lost datagram would do.
        let late = gap > (promised(hello) * 2 + promised(hello) / 2).max(self.settings.silent_after / 2);
        match (late, self.slow) {
            (true, None) => {
                self.slow = Some(0);
                out.push(Output::News(News::Slow { gap, lost }));
            }
            (true, Some(_)) => self.slow = Some(0),
            (false, Some(steady)) if steady + 1 < STEADY => self.slow = Some(steady + 1),
            (false, Some(_)) => {
                self.slow = None;
                out.push(Output::News(News::Steady));
            }
            (false, None) => {}
        }
    }

    /// File and software of both.
    fn compare(&mut self, out: &mut Vec<Output>) {
        let Some((_, hello)) = &self.last else { return };
        let other_file = self.same_file() == Some(false);
        let other_version = hello.version != self.settings.version;
        let version = hello.version.clone();
        if std::mem::replace(&mut self.other_file, other_file) != other_file {
            out.push(Output::News(if other_file { News::OtherFile } else { News::SameFile }));
        }
        if std::mem::replace(&mut self.other_version, other_version) != other_version {
            out.push(Output::News(if other_version {
                News::OtherVersion(version)
            } else {
                News::SameVersion(version)
            }));
        }
    }

    /// Whether it hears us: what it last heard of us must not be older than a silence.
    fn listens(&mut self, now: Time, out: &mut Vec<Output>) {
        let Some((_, hello)) = self.last.as_ref().filter(|_| self.is_present()) else { return };
        let heard = hello.heard.filter(|heard| heard.boot == self.boot);
        let sent = heard.and_then(|heard| self.flight.iter().find(|(sequence, _)| *sequence == heard.sequence));
        let hears = sent.is_some_and(|(_, sent)| now.since(*sent) <= self.settings.silent_after);
        match (hears, self.deaf) {
            (true, Some((_, told))) => {
                self.deaf = None;
                if told {
                    out.push(Output::News(News::Hears));
                }
            }
            (false, None) => self.deaf = Some((now, false)),
            (true, None) | (false, Some(_)) => {}
        }
    }

    fn turn(&mut self, now: Time, presence: Presence) {
        self.presence = presence;
        self.since = now;
        self.slow = None;
        self.deaf = None;
    }

    /// When it is silent, unless it speaks before.
    fn silent_at(&self) -> Option<Time> {
        let (at, hello) = self.last.as_ref().filter(|_| self.is_present())?;
        Some(*at + self.settings.silent_after.max(promised(hello).saturating_mul(PROMISED)))
    }

    /// When it is deaf, unless it says that it hears us before. It needs a moment to begin.
    fn deaf_at(&self) -> Option<Time> {
        let (since, told) = self.deaf?;
        (!told).then(|| since + self.settings.silent_after)
    }
}

/// How often it says that it speaks. Nobody is believed who is to be waited for for minutes.
fn promised(hello: &Hello) -> Duration {
    Duration::from_millis(hello.interval_ms).min(Duration::from_secs(10))
}
