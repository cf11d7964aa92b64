//! One session (RFC 5880 §6): packets and time in, packets and news out.
//!
//! Owns the session's variables (§6.8.1) and nothing of sockets. Asynchronous mode; demand mode is never asked for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{AuthSection, Diag, Discard, Key, Packet, State, Wire};
use crate::types::Time;

/// No faster than this while not Up (RFC 5880 §6.8.3).
const SLOW: Duration = Duration::from_secs(1);
/// What a peer that was not heard yet is taken to want (RFC 5880 §6.8.1).
const UNHEARD: Duration = Duration::from_micros(1);
/// Between two poll sequences: each packet of the first may be answered, and no answer may count for the second.
const REST: Duration = Duration::from_secs(1);
/// How long the peer may take to go over to another key.
const GOING_OVER: Duration = Duration::from_secs(60);

/// How a session is run.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Between packets while Up, both ways, as far as the peer agrees.
    pub interval: Duration,
    /// So many missed packets are a failure; at least 1.
    pub multiplier: u8,
    /// Says nothing before the peer does (RFC 5880 §6.1).
    pub passive: bool,
    /// What every packet must prove, both ways.
    pub key: Option<Key>,
}

/// What an operator wants to know of a session.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Our end.
    pub state: State,
    /// Why it last left Up.
    pub diag: Diag,
    /// The other end, as it last said.
    pub remote_state: State,
    /// Why it last left Up, as it last said.
    pub remote_diag: Diag,
    /// Our number.
    pub local_discriminator: u32,
    /// Its number; 0 while it is not heard.
    pub remote_discriminator: u32,
    /// Between our packets, before jitter.
    pub transmit_interval: Duration,
    /// Between its packets, as agreed.
    pub receive_interval: Duration,
    /// How long it may be silent; zero while it is not heard.
    pub detection_time: Duration,
    /// It says, or last said, that its BFD does not die with its control plane (RFC 5882 §4.3).
    pub remote_independent: bool,
    /// How often it came Up.
    pub ups: u32,
    /// How often it left Up.
    pub flaps: u32,
}

/// What a session wants done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Output {
    /// Send this now.
    Send(Wire),
    /// Its [`Status`] is another.
    Changed,
}

/// What the peer said last.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Remote {
    pub(super) discriminator: u32,
    pub(super) state: State,
    pub(super) diag: Diag,
    pub(super) min_tx: Duration,
    pub(super) min_rx: Duration,
    pub(super) multiplier: u8,
    pub(super) demand: bool,
    pub(super) independent: bool,
}

impl Remote {
    const UNHEARD: Self = Self {
        discriminator: 0,
        state: State::Down,
        diag: Diag::NONE,
        min_tx: Duration::ZERO,
        min_rx: UNHEARD,
        multiplier: 0,
        demand: false,
        independent: false,
    };
}

/// One session.
#[derive(Debug)]
pub struct Session {
    pub(super) settings: Settings,
    /// The key before this one, and until when packets prove that one: the peer may not have gone over yet.
    pub(super) previous: Option<(Key, Time)>,
    pub(super) discriminator: u32,
    pub(super) entropy: fastrand::Rng,
    pub(super) state: State,
    pub(super) diag: Diag,
    pub(super) remote: Remote,
    /// What our packets say of our interval: the settings', once the peer can be asked.
    pub(super) announced: Duration,
    /// Packets carry the poll bit until the answer comes (RFC 5880 §6.5).
    pub(super) polling: bool,
    /// No poll sequence begins before.
    pub(super) rest: Time,
    /// The interval that we send by: a longer one holds only when the peer knows of it (RFC 5880 §6.8.3).
    pub(super) sending_by: Duration,
    /// The interval that we judge the peer by: a shorter one holds only when it knows of it.
    pub(super) judging_by: Duration,
    pub(super) last_sent: Option<Time>,
    /// When the next packet is due by itself; `None`: never.
    pub(super) next: Option<Time>,
    /// The interval that `next` was set by.
    pub(super) planned: Option<Duration>,
    pub(super) heard: Option<Time>,
    /// Stays where it is, whatever comes: a session on its way out.
    pub(super) held: bool,
    pub(super) sequence: u32,
    pub(super) remote_sequence: Option<u32>,
    pub(super) ups: u32,
    pub(super) flaps: u32,
}

impl Session {
    /// A session that is Down, and starts to send at once unless it is passive. `discriminator` is not 0 and no other
    /// session's; `seed` feeds jitter and the first sequence number.
    #[must_use]
    pub fn new(now: Time, discriminator: u32, settings: Settings, seed: u64) -> Self {
        let mut entropy = fastrand::Rng::with_seed(seed);
        let sequence = entropy.u32(..);
        let mut session = Self {
            announced: settings.interval,
            judging_by: settings.interval,
            sending_by: settings.interval.max(SLOW),
            settings,
            previous: None,
            discriminator,
            entropy,
            state: State::Down,
            diag: Diag::NONE,
            remote: Remote::UNHEARD,
            polling: false,
            rest: now,
            last_sent: None,
            next: None,
            planned: None,
            heard: None,
            held: false,
            sequence,
            remote_sequence: None,
            ups: 0,
            flaps: 0,
        };
        session.schedule(now);
        session
    }

    /// Other timers or another key, without a break: the peer is asked (RFC 5880 §6.8.3). The key before is used until
    /// the peer uses the new one, or for a minute, and believed until the peer uses the new one.
    pub fn set(&mut self, now: Time, settings: Settings, out: &mut Vec<Output>) {
        if self.settings == settings {
            return;
        }
        let before = self.status();
        if self.settings.key != settings.key {
            // Of several changes the peer has seen none; and a key in the place of none is no change of keys.
            self.previous = match (self.settings.key.take(), &settings.key) {
                (Some(old), Some(_)) if self.state == State::Up => {
                    self.previous.take().or(Some((old, now + GOING_OVER)))
                }
                (_, _) => None,
            };
        }
        self.settings = settings;
        if self.state == State::Up {
            self.announce(now);
        } else {
            self.announced = self.settings.interval;
            self.settle_timers();
        }
        self.schedule(now);
        self.tell(&before, out);
    }

    /// Takes a packet that belongs to this session.
    pub fn receive(
        &mut self,
        now: Time,
        packet: &Packet,
        auth: Option<&AuthSection>,
        out: &mut Vec<Output>,
    ) -> Result<(), Discard> {
        self.authenticate(now, auth)?;
        let before = self.status();
        self.remote = Remote {
            discriminator: packet.my_discriminator,
            state: packet.state,
            diag: packet.diag,
            min_tx: packet.desired_min_tx,
            min_rx: packet.required_min_rx,
            multiplier: packet.multiplier,
            demand: packet.demand,
            independent: packet.control_plane_independent,
        };
        if packet.final_ && self.polling {
            self.polling = false;
            self.rest = now + REST;
            self.settle_timers();
        }
        if self.held {
            self.tell(&before, out);
            return Err(Discard::AdminDown);
        }
        self.heard = Some(now);
        match (packet.state, self.state) {
            (State::AdminDown, State::Init | State::Up) => self.go(State::Down, Diag::NEIGHBOR_DOWN),
            (State::AdminDown, _) => {}
            (State::Down, State::Down) => self.go(State::Init, self.diag),
            (State::Down, State::Init) => {}
            (State::Down, State::Up) => self.go(State::Down, Diag::NEIGHBOR_DOWN),
            (State::Init, State::Down | State::Init) => self.go(State::Up, Diag::NONE),
            (State::Up, State::Init) => self.go(State::Up, Diag::NONE),
            (State::Init | State::Up, _) => {}
            (State::Down, State::AdminDown) => {}
        }
        if packet.poll {
            // At once, whatever the timer says; never with our own poll (RFC 5880 §6.5).
            self.send(now, true, out);
        } else if self.state != before.state && self.may_send() {
            // What changed is told at once (RFC 5880 §6.8.7).
            self.send(now, false, out);
            self.schedule(now);
        }
        if self.planned != self.may_send().then(|| self.interval()) {
            self.schedule(now);
        }
        self.tell(&before, out);
        Ok(())
    }

    /// Does what is due: the next packet, the end of a silent peer. Octets that have come must be taken before.
    pub fn tick(&mut self, now: Time, out: &mut Vec<Output>) {
        let before = self.status();
        if self.expires().is_some_and(|at| at <= now) {
            self.heard = None;
            self.remote_sequence = None;
            // A peer that comes back after this is heard anew (RFC 5880 §6.8.1).
            let Remote { state, diag, independent, .. } = self.remote;
            self.remote = Remote { state, diag, independent, ..Remote::UNHEARD };
            if matches!(self.state, State::Init | State::Up) {
                self.go(State::Down, Diag::EXPIRED);
                if self.may_send() {
                    self.send(now, false, out);
                }
            }
            self.schedule(now);
        }
        if self.announces().is_some_and(|at| at <= now) {
            self.announce(now);
            self.schedule(now);
        }
        if self.next.is_some_and(|at| at <= now) {
            self.send(now, false, out);
            self.schedule(now);
        }
        self.tell(&before, out);
    }

    /// When [`Session::tick`] is due next.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.next.into_iter().chain(self.expires()).chain(self.announces()).min()
    }

    /// Ends it by a person's will: the peer learns that this says nothing about the way (RFC 5880 §6.8.16).
    pub fn shut(&mut self, now: Time, out: &mut Vec<Output>) {
        self.hold(now, State::AdminDown, Diag::ADMIN_DOWN, out);
    }

    /// Takes it down for good: the peer learns that the way is not to be used.
    pub fn fail(&mut self, now: Time, out: &mut Vec<Output>) {
        self.hold(now, State::Down, Diag::PATH_DOWN, out);
    }

    /// Lets a session that was shut or failed begin again.
    pub fn revive(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.held {
            let before = self.status();
            self.held = false;
            self.go(State::Down, self.diag);
            self.schedule(now);
            self.tell(&before, out);
        }
    }

    /// All that an operator wants to know.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            state: self.state,
            diag: self.diag,
            remote_state: self.remote.state,
            remote_diag: self.remote.diag,
            local_discriminator: self.discriminator,
            remote_discriminator: self.remote.discriminator,
            transmit_interval: self.interval(),
            receive_interval: if self.heard.is_some() {
                self.judging_by.max(self.remote.min_tx)
            } else {
                Duration::ZERO
            },
            detection_time: self.detection().unwrap_or_default(),
            remote_independent: self.remote.independent,
            ups: self.ups,
            flaps: self.flaps,
        }
    }

    /// How it is run.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How long the peer may be silent (RFC 5880 §6.8.4); `None` while it was not heard.
    #[must_use]
    pub fn detection(&self) -> Option<Duration> {
        self.heard?;
        Some(self.judging_by.max(self.remote.min_tx) * u32::from(self.remote.multiplier))
    }

    fn hold(&mut self, now: Time, state: State, diag: Diag, out: &mut Vec<Output>) {
        if self.held && self.state == state {
            return;
        }
        let before = self.status();
        self.held = true;
        self.go(state, diag);
        if self.may_send() {
            self.send(now, false, out);
        }
        self.schedule(now);
        self.tell(&before, out);
    }

    fn go(&mut self, state: State, diag: Diag) {
        match (self.state == State::Up, state == State::Up) {
            (false, true) => {
                self.ups = self.ups.saturating_add(1);
                // From slow to fast: the peer is asked, and has to agree before it is judged by that.
                self.polling = true;
                self.announced = self.settings.interval;
                self.sending_by = self.announced;
                self.judging_by = self.announced;
            }
            (true, false) => self.flaps = self.flaps.saturating_add(1),
            (true, true) | (false, false) => {}
        }
        self.state = state;
        self.diag = diag;
        if state != State::Up {
            self.polling = false;
            self.previous = None;
            self.announced = self.settings.interval;
            self.settle_timers();
        }
    }

    /// What we say holds: the peer knows of it, or the session is not Up.
    fn settle_timers(&mut self) {
        self.sending_by = self.desired_min_tx();
        self.judging_by = self.announced;
    }

    /// Asks the peer for the interval of the settings, unless it must wait for an answer to what was asked before.
    fn announce(&mut self, now: Time) {
        if self.announces().is_some_and(|at| at <= now) {
            self.announced = self.settings.interval;
            self.polling = true;
            self.sending_by = self.sending_by.min(self.announced);
            self.judging_by = self.judging_by.max(self.announced);
        }
    }

    /// When another interval can be asked for; `None` if there is none to ask for, or an answer to wait for.
    fn announces(&self) -> Option<Time> {
        let other = self.state == State::Up && self.announced != self.settings.interval;
        (other && !self.polling).then_some(self.rest)
    }

    fn desired_min_tx(&self) -> Duration {
        match self.state {
            State::Up => self.announced,
            State::AdminDown | State::Down | State::Init => self.announced.max(SLOW),
        }
    }

    /// Between packets, before jitter (RFC 5880 §6.8.2).
    fn interval(&self) -> Duration {
        self.sending_by.max(self.remote.min_rx)
    }

    /// False while no packet may go by itself (RFC 5880 §6.8.7).
    fn may_send(&self) -> bool {
        let both_up = self.state == State::Up && self.remote.state == State::Up;
        let silenced = self.remote.demand && both_up && !self.polling;
        let waits = self.settings.passive && self.remote.discriminator == 0;
        !(waits || self.remote.min_rx.is_zero() || silenced)
    }

    /// Sets the next packet by the interval that holds now: at once if none has gone yet.
    pub(super) fn schedule(&mut self, now: Time) {
        self.planned = self.may_send().then(|| self.interval());
        if self.planned.is_none() {
            self.next = None;
            return;
        }
        let Some(last) = self.last_sent else {
            self.next = Some(now);
            return;
        };
        // Before the interval by up to a quarter; with a multiplier of 1 by a tenth at least (RFC 5880 §6.8.7).
        let most = if self.settings.multiplier == 1 { 0.90 } else { 1.0 };
        let part = 0.75 + (most - 0.75) * self.entropy.f64();
        self.next = Some(last + self.interval().mul_f64(part));
    }

    fn expires(&self) -> Option<Time> {
        Some(self.heard? + self.detection()?)
    }

    fn send(&mut self, now: Time, answer: bool, out: &mut Vec<Output>) {
        let packet = Packet {
            diag: self.diag,
            state: self.state,
            poll: self.polling && !answer,
            final_: answer,
            control_plane_independent: true,
            demand: false,
            multiplier: self.settings.multiplier,
            my_discriminator: self.discriminator,
            your_discriminator: self.remote.discriminator,
            desired_min_tx: self.desired_min_tx(),
            required_min_rx: self.announced,
            required_min_echo_rx: Duration::ZERO,
        };
        // A number for every packet does for both algorithms (RFC 5880 §6.7.4).
        self.sequence = self.sequence.wrapping_add(1);
        let previous = self.previous.as_ref().filter(|(_, until)| *until > now).map(|(key, _)| key);
        let key = previous.or(self.settings.key.as_ref());
        out.push(Output::Send(packet.encode(key.map(|key| (key, self.sequence)))));
        if !answer || self.last_sent.is_none() {
            self.last_sent = Some(now);
        }
    }

    fn tell(&self, before: &Status, out: &mut Vec<Output>) {
        if self.status() != *before {
            out.push(Output::Changed);
        }
    }

    /// RFC 5880 §6.7.4, and the first rules of §6.8.6.
    fn authenticate(&mut self, now: Time, auth: Option<&AuthSection>) -> Result<(), Discard> {
        let (key, section) = match (&self.settings.key, auth) {
            (None, None) => return Ok(()),
            (None, Some(section)) => return Err(Discard::Unasked(section.kind())),
            (Some(_), None) => return Err(Discard::Unproven),
            (Some(key), Some(section)) => (key, section),
        };
        match (self.proven(now, key, section), &self.previous) {
            (Ok(()), _) => self.previous = None,
            (Err(reason), None) => return Err(reason),
            (Err(reason), Some((previous, _))) => self.proven(now, previous, section).map_err(|_| reason)?,
        }
        self.remote_sequence = Some(section.sequence());
        Ok(())
    }

    fn proven(&self, now: Time, key: &Key, section: &AuthSection) -> Result<(), Discard> {
        if section.kind() != key.algorithm.number() {
            return Err(Discard::AuthType(section.kind()));
        }
        if section.key_id() != key.id {
            return Err(Discard::KeyId(section.key_id()));
        }
        if !section.is_whole() {
            return Err(Discard::AuthLength(section.length()));
        }
        let sequence = section.sequence();
        // Long enough silent, and the peer may count from anywhere (bfd.AuthSeqKnown).
        let known = self.remote_sequence.filter(|_| {
            let limit = self.detection().unwrap_or_default() * 2;
            self.heard.is_some_and(|heard| now.since(heard) <= limit)
        });
        if let Some(last) = known {
            let step = sequence.wrapping_sub(last);
            let least = u32::from(key.algorithm.is_meticulous());
            if step < least || step > 3 * u32::from(self.remote.multiplier) {
                return Err(Discard::Sequence(sequence));
            }
        }
        key.proves(section).then_some(()).ok_or(Discard::Digest)
    }
}
