//! One neighbor: when to dial, whom to accept, which of two connections to keep.
//!
//! Owns its connections' machines and its counters; never a route. At most one connection is Established.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::conn::{Action, Conn, Event, Origin, State, World};
use super::input::{Input, Output};
use super::restart::is_for_good;
use super::status::{Counters, Down, StateName, Status};
use super::timers::jittered;
use super::{DownReason, Negotiated, NoRefresh, OwnRestart, Settings};
use crate::types::{ConnId, Family, PeerId, Time};
use crate::wire::{Capabilities, Cease, Message, Notification};

/// How soon a lost session that had lasted is dialled again.
const SOON: Duration = Duration::from_secs(1);

/// What is done about dialling.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Dial {
    /// Stopped: neither dial nor accept.
    Off,
    /// Not now: passive, or a connection is good enough.
    Rest,
    /// At that time.
    Waiting(Time),
    /// Under way.
    Dialling(ConnId),
}

/// One neighbor.
pub struct Peer {
    id: PeerId,
    pub(super) settings: Settings,
    entropy: fastrand::Rng,
    dialled: u32,
    pub(super) dial: Dial,
    pub(super) conns: Vec<Conn>,
    /// What ended a peer that is off: who dials it then is told the same.
    off: Option<Notification>,
    /// Sessions and attempts in a row that ended in a fault; the wait grows with it.
    faults: u32,
    since: Time,
    shown: StateName,
    established_at: Option<Time>,
    failed_attempts: u32,
    established_count: u32,
    flaps: u32,
    received: Counters,
    sent: Counters,
    last_down: Option<Down>,
    last_received: Option<(Time, Notification)>,
    last_sent: Option<(Time, Notification)>,
    /// The last message that could not be taken, header left out.
    refused: Option<Bytes>,
    remote_capabilities: Option<Capabilities>,
    own_restart: OwnRestart,
    /// Families that an earlier session of this run exchanged.
    served: Vec<Family>,
    /// The last session was with a neighbor that may restart and come back soon.
    restartable: bool,
    actions: Vec<Action>,
}

impl Peer {
    /// A stopped neighbor. The same seed and inputs give the same outputs.
    #[must_use]
    pub fn new(id: PeerId, settings: Settings, seed: u64) -> Self {
        Self {
            id,
            settings,
            entropy: fastrand::Rng::with_seed(seed),
            dialled: 0,
            dial: Dial::Off,
            conns: Vec::new(),
            off: None,
            faults: 0,
            since: Time::START,
            shown: StateName::Idle,
            established_at: None,
            failed_attempts: 0,
            established_count: 0,
            flaps: 0,
            received: Counters::default(),
            sent: Counters::default(),
            last_down: None,
            last_received: None,
            last_sent: None,
            refused: None,
            remote_capabilities: None,
            own_restart: OwnRestart::default(),
            served: Vec::new(),
            restartable: false,
            actions: Vec::new(),
        }
    }

    /// One input.
    pub fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Start => {
                if self.dial == Dial::Off {
                    self.faults = 0;
                    self.dial = Dial::Rest;
                    self.dial_at_once(out);
                }
            }
            Input::Stop(notification) => {
                self.close_all(now, &Event::StopForGood(notification.clone()), out);
                self.off = Some(notification);
            }
            Input::Leave(notification) => {
                self.close_all(now, &Event::Leave(notification.clone()), out);
                self.off = Some(notification);
            }
            Input::Announce(restart) => self.own_restart = restart,
            Input::Restart(notification) => {
                if self.dial != Dial::Off {
                    let event = if is_for_good(&notification) {
                        Event::StopForGood(notification)
                    } else {
                        let reason = DownReason::Stopped(notification.clone());
                        Event::Stop(notification, reason)
                    };
                    self.close_all(now, &event, out);
                    self.faults = 0;
                    self.dial = Dial::Rest;
                    self.wait(now, SOON.min(self.settings.connect_retry));
                }
            }
            Input::Configure(settings) => self.configure(now, *settings, out),
            Input::DialNow => {
                if self.dial != Dial::Off {
                    self.faults = 0;
                    self.dial_at_once(out);
                }
            }
            Input::Connected { conn } => {
                if self.dial == Dial::Dialling(conn) {
                    self.dial = Dial::Rest;
                    self.open(now, conn, Origin::Dialled, out);
                }
            }
            Input::ConnectFailed { conn, reason } => {
                if self.dial == Dial::Dialling(conn) {
                    self.dial = Dial::Rest;
                    if !self.promising(None) {
                        self.failed(now, DownReason::Connect(reason), out);
                    }
                    self.wait(now, self.back_off());
                }
            }
            Input::Accepted { conn } => self.accepted(now, conn, out),
            Input::Octets { conn, octets } => self.octets(now, conn, octets, out),
            Input::Lost { conn, reason } => self.step(now, conn, Event::Lost(reason), out),
            Input::Sent { conn, kind } => {
                if self.find(conn).is_some() {
                    self.sent.count(kind);
                    self.step(now, conn, Event::UpdateSent, out);
                }
            }
            Input::Refresh(family) => {
                if let Some(conn) = self.negotiated().map(|agreed| agreed.conn) {
                    self.step(now, conn, Event::Refresh(family), out);
                }
            }
            Input::Measured { conn, waiting, taken, silent } => {
                self.step(now, conn, Event::Measured { waiting, taken, silent }, out);
            }
        }
        self.note(now);
    }

    /// What is due now: hold times, KEEPALIVEs, the next attempt.
    pub fn tick(&mut self, now: Time, out: &mut Vec<Output>) {
        while let Some((id, event)) = self.conns.iter().find_map(|conn| Some((conn.id, conn.due(now)?))) {
            let open_sent = self.find(id).is_some_and(|conn| conn.state().name() == StateName::OpenSent);
            let event = if open_sent && self.negotiated().is_some() {
                // Some leave a surplus connection as it is and never say a word on it: no failure (decision 0003).
                Event::Stop(Cease::CollisionResolution.into(), DownReason::Collision)
            } else {
                event
            };
            self.step(now, id, event, out);
        }
        if matches!(self.dial, Dial::Waiting(until) if until <= now) {
            self.dial = Dial::Rest;
            self.dial_at_once(out);
        }
        self.note(now);
    }

    /// When `tick` will have something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.conns.iter().filter_map(Conn::deadline).chain(self.retry_at()).min()
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> StateName {
        if let Some(furthest) = self.conns.iter().map(|conn| conn.state().name()).max() {
            return furthest;
        }
        match self.dial {
            Dial::Off => StateName::Idle,
            Dial::Dialling(_) => StateName::Connect,
            Dial::Waiting(_) if self.faults > 0 => StateName::Idle,
            Dial::Waiting(_) | Dial::Rest => StateName::Active,
        }
    }

    /// What was agreed on, while Established.
    #[must_use]
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.conns.iter().find_map(|conn| match conn.state() {
            State::Established(live) => Some(&live.negotiated),
            State::OpenSent(_) | State::OpenReceived(_) | State::OpenConfirm(_) | State::Closed(_) => None,
        })
    }

    /// Whether [`Input::Refresh`] would be sent, or why not.
    pub fn refreshes(&self, family: Family) -> Result<(), NoRefresh> {
        self.negotiated().ok_or(NoRefresh::Down)?.refreshes(family)
    }

    /// The body of the message that ended a connection because nothing could be made of it, once: for people
    /// (RFC 7606 §6).
    pub fn take_refused(&mut self) -> Option<Bytes> {
        self.refused.take()
    }

    /// What it was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All that an operator wants to know.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            state: self.state(),
            since: self.since,
            stopped: self.dial == Dial::Off,
            negotiated: self.negotiated().cloned(),
            last_down: self.last_down.clone(),
            last_received: self.last_received.clone(),
            last_sent: self.last_sent.clone(),
            retry_at: self.retry_at(),
            failed_attempts: self.failed_attempts,
            established_count: self.established_count,
            flaps: self.flaps,
            received: self.received,
            sent: self.sent,
            local_capabilities: self.announced(),
            remote_capabilities: self.remote_capabilities.clone(),
        }
    }

    /// How many connections are open.
    #[cfg(test)]
    pub(super) fn conns_open(&self) -> usize {
        self.conns.len()
    }

    /// What an OPEN says of us now.
    fn announced(&self) -> Capabilities {
        self.settings.capabilities(&self.own_restart, &self.served)
    }

    fn retry_at(&self) -> Option<Time> {
        match self.dial {
            Dial::Waiting(until) => Some(until),
            Dial::Off | Dial::Rest | Dial::Dialling(_) => None,
        }
    }

    pub(super) fn find(&self, id: ConnId) -> Option<&Conn> {
        self.conns.iter().find(|conn| conn.id == id)
    }

    /// True if a connection other than `except` has come so far that dialling another would only collide.
    fn promising(&self, except: Option<ConnId>) -> bool {
        self.conns.iter().any(|conn| {
            Some(conn.id) != except
                && match conn.state() {
                    State::OpenSent(_) => conn.origin == Origin::Dialled,
                    State::OpenReceived(_) | State::OpenConfirm(_) | State::Established(_) => true,
                    State::Closed(_) => false,
                }
        })
    }

    /// Dials unless passive or served. A dial under way starts anew: its SYNs may have met a dead tunnel, and the
    /// kernel sends them ever more rarely.
    pub(super) fn dial_at_once(&mut self, out: &mut Vec<Output>) {
        if let Dial::Dialling(conn) = self.dial {
            out.push(Output::Close { conn });
        }
        self.dial = Dial::Rest;
        if self.settings.passive || self.promising(None) {
            return;
        }
        let conn = ConnId(u64::from(self.id.0) << 32 | u64::from(self.dialled));
        self.dialled = self.dialled.wrapping_add(1);
        self.dial = Dial::Dialling(conn);
        out.push(Output::Dial { conn });
    }

    /// Dials after so long, before jitter; later than what was planned, never sooner.
    fn wait(&mut self, now: Time, wait: Duration) {
        if self.settings.passive || self.promising(None) {
            return;
        }
        let until = now + jittered(wait, &mut self.entropy);
        match self.dial {
            Dial::Rest => self.dial = Dial::Waiting(until),
            Dial::Waiting(earlier) => self.dial = Dial::Waiting(earlier.max(until)),
            Dial::Off | Dial::Dialling(_) => {}
        }
    }

    /// The wait before the next attempt: doubles with each fault.
    fn back_off(&self) -> Duration {
        let retry = self.settings.connect_retry;
        let doubled = retry.saturating_mul(1 << self.faults.saturating_sub(1).min(16));
        doubled.min(self.settings.idle_hold_max.max(retry))
    }

    fn open(&mut self, now: Time, id: ConnId, origin: Origin, out: &mut Vec<Output>) {
        let mut actions = std::mem::take(&mut self.actions);
        let capabilities = self.announced();
        let world = World { now, settings: &self.settings, entropy: &mut self.entropy };
        self.conns.push(Conn::open(id, origin, capabilities, &world, &mut actions));
        self.act(now, id, actions, out);
    }

    fn accepted(&mut self, now: Time, id: ConnId, out: &mut Vec<Output>) {
        if self.dial == Dial::Off {
            let why = self.off.clone().unwrap_or_else(|| Cease::ConnectionRejected.into());
            let actions = vec![Action::Send(Message::Notification(why))];
            self.act(now, id, actions, out);
            out.push(Output::Close { conn: id });
            return;
        }
        // A peer that dials again has given up its earlier attempt.
        let stale = |conn: &&Conn| conn.origin == Origin::Accepted && matches!(conn.state(), State::OpenSent(_));
        if let Some(stale) = self.conns.iter().find(stale).map(|conn| conn.id) {
            self.step(now, stale, Event::Stop(Cease::CollisionResolution.into(), DownReason::Collision), out);
        }
        self.open(now, id, Origin::Accepted, out);
    }

    fn octets(&mut self, now: Time, id: ConnId, octets: Bytes, out: &mut Vec<Output>) {
        let Some(conn) = self.conns.iter_mut().find(|conn| conn.id == id) else { return };
        conn.push(&octets);
        // The connection may be gone after any message.
        while let Some(event) = self.conns.iter_mut().find(|conn| conn.id == id).and_then(Conn::next) {
            match &event {
                Event::Message(message) => {
                    self.received.count(message.kind());
                    match message {
                        Message::Open(open) => self.remote_capabilities = Some(open.capabilities.clone()),
                        Message::Notification(n) => self.last_received = Some((now, n.clone())),
                        Message::Update(_) | Message::Keepalive | Message::Refresh(_) => {}
                    }
                }
                Event::Unexpected(kind) => self.received.count(*kind),
                Event::Malformed(_) => self.refused = self.find(id).and_then(Conn::refused).cloned(),
                _ => {}
            }
            self.step(now, id, event, out);
        }
    }

    /// One transition of one connection, and what follows from it for the others.
    pub(super) fn step(&mut self, now: Time, id: ConnId, event: Event, out: &mut Vec<Output>) {
        let Some(conn) = self.conns.iter_mut().find(|conn| conn.id == id) else { return };
        let mut actions = std::mem::take(&mut self.actions);
        let silent = matches!(event, Event::Lost(_));
        let before = std::mem::discriminant(conn.state());
        let was_established = conn.state().name() == StateName::Established;
        let unheard = conn.origin == Origin::Accepted && conn.state().name() == StateName::OpenSent;
        conn.step(event, &mut World { now, settings: &self.settings, entropy: &mut self.entropy }, &mut actions);
        let moved = before != std::mem::discriminant(conn.state());
        self.act(now, id, actions, out);
        if !moved {
            return;
        }
        match self.find(id).map(Conn::state) {
            Some(State::OpenReceived(_)) => self.resolve(now, id, out),
            Some(State::Established(live)) => {
                let negotiated = live.negotiated.clone();
                self.established(now, negotiated, out);
            }
            Some(State::Closed(reason)) => {
                let reason = reason.clone();
                self.conns.retain(|conn| conn.id != id);
                if matches!(reason, DownReason::SendHoldExpired | DownReason::Unanswered(_)) {
                    out.push(Output::Abort { conn: id });
                } else if !silent {
                    out.push(Output::Close { conn: id });
                }
                if silent && unheard && !self.promising(None) {
                    self.failed(now, reason, out);
                    self.unheard(now);
                } else {
                    self.ended(now, reason, was_established, out);
                }
            }
            Some(State::OpenSent(_) | State::OpenConfirm(_)) | None => {}
        }
    }

    /// Turns a connection's actions into outputs, and keeps the emptied list for the next time.
    fn act(&mut self, now: Time, id: ConnId, mut actions: Vec<Action>, out: &mut Vec<Output>) {
        for action in actions.drain(..) {
            match action {
                Action::Send(message) => {
                    self.sent.count(message.kind());
                    let context = self.find(id).map(Conn::context).unwrap_or_default();
                    let mut octets = BytesMut::new();
                    message.encode(&context, &mut octets);
                    out.push(Output::Send { conn: id, octets: octets.freeze() });
                    if let Message::Notification(notification) = message {
                        self.last_sent = Some((now, notification));
                    }
                }
                Action::Measure => out.push(Output::Measure { conn: id }),
                Action::Update(update) => out.push(Output::Update(update)),
                Action::Refresh(refresh) => out.push(Output::Refresh(refresh)),
            }
        }
        self.actions = actions;
    }

    fn established(&mut self, now: Time, negotiated: Negotiated, out: &mut Vec<Output>) {
        let id = negotiated.conn;
        if let Dial::Dialling(conn) = self.dial {
            out.push(Output::Close { conn });
        }
        self.dial = Dial::Rest;
        let older = self.conns.iter().find(|conn| conn.id != id && conn.state().name() == StateName::Established);
        if let Some(older) = older.map(|conn| conn.id) {
            self.step(now, older, Event::Stop(Cease::CollisionResolution.into(), DownReason::Replaced), out);
        }
        let silent = self.conns.iter().filter(|conn| conn.state().name() == StateName::OpenSent);
        for silent in silent.map(|conn| conn.id).collect::<Vec<_>>() {
            self.step(now, silent, Event::Outrun, out);
        }
        self.established_at = Some(now);
        self.served.clone_from(&negotiated.families);
        self.restartable = !negotiated.restartable().is_empty();
        self.established_count += 1;
        self.failed_attempts = 0;
        out.push(Output::Established(negotiated));
    }

    /// The peer, or who came with its address, dialled and is gone without a word: that says nothing of our own attempts,
    /// which go on as planned (RFC 4271 §8.2.1: each connection has its own machine).
    fn unheard(&mut self, now: Time) {
        if self.dial == Dial::Rest {
            self.wait(now, self.settings.connect_retry);
        }
    }

    /// A connection is gone.
    fn ended(&mut self, now: Time, reason: DownReason, was_established: bool, out: &mut Vec<Output>) {
        let soon = SOON.min(self.settings.connect_retry);
        let mut wait = if reason.is_collision() { soon } else { self.settings.connect_retry };
        if was_established {
            let lasted = self.established_at.take().map_or(Duration::ZERO, |since| now - since);
            self.flaps += 1;
            if lasted >= self.settings.idle_hold_max {
                self.faults = 0;
                wait = soon;
            } else if reason.is_error() {
                self.faults += 1;
                // Its restart time runs.
                let restarts = self.restartable && self.faults == 1 && matches!(reason, DownReason::Lost(_));
                wait = if restarts { soon } else { self.back_off() };
            }
            self.last_down = Some(Down { at: now, reason: reason.clone(), established: true });
            out.push(Output::Down(reason));
            // One that waited for the outcome takes over.
            let next = self.conns.iter().find(|conn| matches!(conn.state(), State::OpenReceived(_)));
            if let Some(next) = next.map(|conn| conn.id) {
                self.step(now, next, Event::Keep, out);
            }
        } else if !self.promising(None) {
            // With another connection under way this was the surplus one, and no failure.
            if reason.is_error() {
                self.faults += 1;
                wait = self.back_off();
            }
            if let DownReason::Stopped(_) = reason {
                self.last_down = Some(Down { at: now, reason, established: false });
            } else if !reason.is_collision() {
                self.failed(now, reason, out);
            }
        } else if reason.is_fault_of_its_own() {
            // The peer has dialled again meanwhile, which does not undo what went wrong here.
            self.failed(now, reason, out);
        }
        self.wait(now, wait);
    }

    fn failed(&mut self, now: Time, reason: DownReason, out: &mut Vec<Output>) {
        self.failed_attempts += 1;
        let known = self.last_down.as_ref().is_some_and(|last| !last.established && last.reason == reason);
        if !known {
            out.push(Output::Failed(reason.clone()));
        }
        self.last_down = Some(Down { at: now, reason, established: false });
    }

    fn close_all(&mut self, now: Time, event: &Event, out: &mut Vec<Output>) {
        if let Dial::Dialling(conn) = self.dial {
            out.push(Output::Close { conn });
        }
        // Off while they close, so that none of them plans the next attempt or takes another's place.
        self.dial = Dial::Off;
        while let Some(id) = self.conns.last().map(|conn| conn.id) {
            self.step(now, id, event.clone(), out);
        }
    }

    fn note(&mut self, now: Time) {
        let state = self.state();
        // How long it is down is of interest, not how long it has waited before this attempt.
        if (state == StateName::Established) != (self.shown == StateName::Established) {
            self.since = now;
        }
        self.shown = state;
    }
}
