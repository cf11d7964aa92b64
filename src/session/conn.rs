//! The state machine of one TCP connection, from OpenSent on (RFC 4271 §8.2.2). Knows no other connection.

use std::time::Duration;

use bytes::Bytes;

use super::negotiate::{Refused, negotiate};
use super::send_hold::SendHold;
use super::timers::{LARGE_HOLD, Timer, UNDECIDED};
use super::unanswered::Unanswered;
use super::{DownReason, Negotiated, Settings, StateName};
use crate::types::{ConnId, Family, Time};
use crate::wire::{
    Capabilities, Cease, Context, Deframer, Error, Fsm, Message, MessageKind, Notification, Open, Refresh, RefreshKind,
    Update,
};

/// Who opened the connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Origin {
    Dialled,
    Accepted,
}

/// One connection and what its octets have come to.
pub(super) struct Conn {
    pub(super) id: ConnId,
    pub(super) origin: Origin,
    state: State,
    deframer: Deframer,
    /// The message that could not be taken, header left out.
    refused: Option<Bytes>,
}

/// What is known in each state.
#[derive(Debug)]
pub(super) enum State {
    /// Our OPEN is out; the timer is the large hold time, or a moment once another connection is Established.
    OpenSent(Timer),
    /// Its OPEN is in and good, but no KEEPALIVE answered it yet: the peer's machine first looks for a collision.
    OpenReceived(Box<Live>),
    /// Its OPEN was answered.
    OpenConfirm(Box<Live>),
    /// Routes flow.
    Established(Box<Live>),
    /// Over; what had to be said was said.
    Closed(DownReason),
}

/// An agreement and its timers.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) negotiated: Negotiated,
    hold: Timer,
    keepalive: Timer,
    send_hold: SendHold,
    unanswered: Unanswered,
    /// While another connection is Established: the collision rule prefers this one.
    preferred: bool,
    /// While another connection is Established: the peer answered our OPEN.
    answered: bool,
}

/// What can happen to a connection.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // nearly every event is the large one
pub(super) enum Event {
    Message(Message),
    /// A message that the state does not allow, whatever is in it.
    Unexpected(MessageKind),
    Malformed(Error),
    HoldExpired,
    KeepaliveDue,
    /// No other connection is better: answer the OPEN.
    Keep,
    /// Another one is Established, but the collision rule prefers this one.
    Prefer,
    /// Another one has just become Established: the peer has a moment to go on with this one.
    Outrun,
    /// An UPDATE went out, which is as good as a KEEPALIVE.
    UpdateSent,
    /// Ask for all routes of a family again, unless the peer cannot be asked.
    Refresh(Family),
    /// Octets may be waiting: time to look whether the peer takes them.
    LookDue,
    /// How many wait, how many it has taken so far, and how long its host has owed an answer and said nothing.
    Measured {
        waiting: u64,
        taken: u64,
        silent: Option<Duration>,
    },
    /// Tell the peer this and close, for that reason.
    Stop(Notification, DownReason),
    /// Tell the peer this in such a way that it keeps nothing of ours, and close.
    StopForGood(Notification),
    /// Close in such a way that the peer keeps our routes if it can; if it cannot, tell it this.
    Leave(Notification),
    Lost(String),
}

/// What a connection wants done, besides what its state says.
#[derive(Debug)]
pub(super) enum Action {
    Send(Message),
    Measure,
    Update(Update),
    Refresh(Refresh),
}

/// What a transition may look at.
pub(super) struct World<'a> {
    pub(super) now: Time,
    pub(super) settings: &'a Settings,
    pub(super) entropy: &'a mut fastrand::Rng,
}

impl Conn {
    /// A connection that has just come up: says OPEN.
    pub(super) fn open(
        id: ConnId,
        origin: Origin,
        capabilities: Capabilities,
        world: &World<'_>,
        out: &mut Vec<Action>,
    ) -> Self {
        let settings = world.settings;
        out.push(Action::Send(Message::Open(Open {
            asn: settings.local_asn,
            hold_time: settings.hold_time,
            router_id: settings.router_id,
            capabilities,
        })));
        let state = State::OpenSent(Timer::start(Some(LARGE_HOLD), world.now));
        Self { id, origin, state, deframer: Deframer::new(), refused: None }
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Takes octets in; [`Conn::next`] gives what they say.
    pub(super) fn push(&mut self, octets: &[u8]) {
        self.deframer.push(octets);
    }

    /// The next message, or the fault instead of one.
    pub(super) fn next(&mut self) -> Option<Event> {
        let frame = match self.deframer.next() {
            Ok(frame) => frame?,
            Err(error) => return Some(Event::Malformed(error)),
        };
        if !self.state.allows(frame.kind()) {
            // What is in it does not matter, and may well be wrong.
            return Some(Event::Unexpected(frame.kind()));
        }
        let decoded = Message::decode(&frame, &self.context());
        if decoded.is_err() {
            self.refused = Some(frame.body().clone());
        }
        Some(match decoded {
            // Without the capability, the octet of the subtype is reserved (RFC 2918 §3).
            Ok(Message::Refresh(refresh)) if !self.enhanced_refresh() => {
                Event::Message(Message::Refresh(Refresh { kind: RefreshKind::Request, ..refresh }))
            }
            Ok(message) => Event::Message(message),
            Err(error) if !self.enhanced_refresh() => Event::Malformed(error.without_enhanced_refresh()),
            Err(error) => Event::Malformed(error),
        })
    }

    /// The body of the message that [`Conn::next`] could make nothing of.
    pub(super) fn refused(&self) -> Option<&Bytes> {
        self.refused.as_ref()
    }

    /// The agreement and its timers, once there are.
    pub(super) fn live_mut(&mut self) -> Option<&mut Live> {
        match &mut self.state {
            State::OpenReceived(live) | State::OpenConfirm(live) | State::Established(live) => Some(live),
            State::OpenSent(_) | State::Closed(_) => None,
        }
    }

    /// How octets are read and written now.
    pub(super) fn context(&self) -> Context {
        self.state.live().map(|live| live.negotiated.context).unwrap_or_default()
    }

    /// The peer speaks of the begin and end of refreshes (RFC 7313).
    fn enhanced_refresh(&self) -> bool {
        self.state.live().is_some_and(|live| live.negotiated.enhanced_refresh)
    }

    /// When [`Conn::due`] will have something.
    pub(super) fn deadline(&self) -> Option<Time> {
        match &self.state {
            State::OpenSent(hold) => hold.due(),
            State::OpenReceived(live) | State::OpenConfirm(live) | State::Established(live) => {
                [live.hold.due(), live.keepalive.due(), live.send_hold.due(), live.unanswered.due()]
                    .into_iter()
                    .flatten()
                    .min()
            }
            State::Closed(_) => None,
        }
    }

    /// What its timers say now.
    pub(super) fn due(&self, now: Time) -> Option<Event> {
        match &self.state {
            State::OpenSent(hold) => hold.is_due(now).then_some(Event::HoldExpired),
            State::OpenReceived(live) | State::OpenConfirm(live) | State::Established(live) => {
                if live.hold.is_due(now) {
                    Some(Event::HoldExpired)
                } else if live.send_hold.is_due(now) || live.unanswered.is_due(now) {
                    Some(Event::LookDue)
                } else {
                    live.keepalive.is_due(now).then_some(Event::KeepaliveDue)
                }
            }
            State::Closed(_) => None,
        }
    }

    /// One transition.
    pub(super) fn step(&mut self, event: Event, world: &mut World<'_>, out: &mut Vec<Action>) {
        let id = self.id;
        let state = std::mem::replace(&mut self.state, State::Closed(DownReason::Collision));
        self.state = match state {
            State::OpenSent(hold) => open_sent(id, hold, event, world, out),
            State::OpenReceived(live) => open_received(live, event, world, out),
            State::OpenConfirm(live) => open_confirm(live, event, world, out),
            State::Established(live) => established(live, event, world, out),
            State::Closed(reason) => State::Closed(reason),
        };
        if let State::OpenReceived(_) = self.state {
            // We announced extended messages, so the peer may send them, but not before its OPEN (RFC 8654 §4).
            self.deframer.allow_extended();
        }
    }
}

impl State {
    /// The agreement, once there is one.
    pub(super) fn live(&self) -> Option<&Live> {
        match self {
            Self::OpenReceived(live) | Self::OpenConfirm(live) | Self::Established(live) => Some(live),
            Self::OpenSent(_) | Self::Closed(_) => None,
        }
    }

    /// True if a message of that kind may come now (RFC 4271 §8.2.2).
    fn allows(&self, kind: MessageKind) -> bool {
        match (self, kind) {
            (_, MessageKind::Notification) => true,
            (Self::OpenSent(_), kind) => kind == MessageKind::Open,
            (Self::OpenReceived(_) | Self::OpenConfirm(_), kind) => kind == MessageKind::Keepalive,
            (Self::Established(_), kind) => kind != MessageKind::Open,
            (Self::Closed(_), _) => true,
        }
    }

    /// The state as the RFC calls it.
    pub(super) fn name(&self) -> StateName {
        match self {
            Self::OpenSent(_) => StateName::OpenSent,
            Self::OpenReceived(_) | Self::OpenConfirm(_) => StateName::OpenConfirm,
            Self::Established(_) => StateName::Established,
            Self::Closed(_) => StateName::Idle,
        }
    }
}

impl Live {
    /// Undecided: for a few seconds, and without KEEPALIVEs.
    fn new(negotiated: Negotiated, now: Time) -> Box<Self> {
        let hold = Timer::start(Some(UNDECIDED), now);
        let (keepalive, send_hold) = (Timer::start(None, now), SendHold::new(negotiated.send_hold));
        let unanswered = Unanswered::new(negotiated.unanswered());
        Box::new(Self { negotiated, hold, keepalive, send_hold, unanswered, preferred: false, answered: false })
    }

    /// Other intervals than were worked out from the settings of before; those that are new begin now.
    pub(super) fn set_timers(&mut self, now: Time, keepalive: Duration, send_hold: Duration) {
        if self.negotiated.keepalive != keepalive {
            self.negotiated.keepalive = keepalive;
            // Undecided connections have none yet.
            if self.keepalive.due().is_some() {
                self.keepalive = Timer::start((!keepalive.is_zero()).then_some(keepalive), now);
            }
        }
        if self.negotiated.send_hold != send_hold {
            self.negotiated.send_hold = send_hold;
            self.send_hold.set_limit(now, send_hold);
        }
        self.unanswered.set_limit(now, self.negotiated.unanswered());
    }

    /// Answers the OPEN and starts the agreed timers.
    fn answer(&mut self, world: &mut World<'_>, out: &mut Vec<Action>) {
        let every = self.negotiated.keepalive;
        self.hold = Timer::start(self.negotiated.hold_time.duration(), world.now);
        self.keepalive = Timer::start((!every.is_zero()).then_some(every), world.now);
        self.say_keepalive(world, out);
    }

    fn say_keepalive(&mut self, world: &mut World<'_>, out: &mut Vec<Action>) {
        out.push(Action::Send(Message::Keepalive));
        self.sent(world.now);
        self.keepalive.restart_jittered(world.now, world.entropy);
    }

    fn look(&mut self, world: &World<'_>, out: &mut Vec<Action>) {
        self.send_hold.asked(world.now);
        self.unanswered.asked(world.now);
        out.push(Action::Measure);
    }

    /// Something was handed to the connection.
    fn sent(&mut self, now: Time) {
        self.send_hold.sent(now);
        self.unanswered.sent(now);
    }

    /// What the kernel says of what was sent: why the connection is over, if it is. Who is told that takes it, or not.
    fn measured(
        mut self: Box<Self>,
        now: Time,
        measured: (u64, u64, Option<Duration>),
        out: &mut Vec<Action>,
    ) -> Result<Box<Self>, State> {
        let (waiting, taken, silent) = measured;
        let late = self.send_hold.measured(now, waiting, taken);
        match self.unanswered.measured(now, waiting, silent) {
            // Nobody would hear a NOTIFICATION.
            Some(silent) => Err(State::Closed(DownReason::Unanswered(silent))),
            None if late => Err(close(Notification::SEND_HOLD, DownReason::SendHoldExpired, out)),
            None => Ok(self),
        }
    }
}

fn open_sent(id: ConnId, hold: Timer, event: Event, world: &mut World<'_>, out: &mut Vec<Action>) -> State {
    match event {
        Event::Message(Message::Open(open)) => match negotiate(world.settings, id, open) {
            Ok(negotiated) => State::OpenReceived(Live::new(negotiated, world.now)),
            Err(Refused { notification, reason }) => close(notification, reason, out),
        },
        Event::Message(Message::Notification(n)) => State::Closed(DownReason::Received(n)),
        Event::Message(message @ (Message::Keepalive | Message::Update(_) | Message::Refresh(_))) => {
            unexpected(Fsm::OpenSent, message.kind(), StateName::OpenSent, out)
        }
        Event::Unexpected(kind) => unexpected(Fsm::OpenSent, kind, StateName::OpenSent, out),
        Event::Malformed(error) => malformed(error, out),
        Event::HoldExpired => close(Notification::HOLD, DownReason::HoldExpired, out),
        Event::Stop(notification, reason) => close(notification, reason, out),
        Event::StopForGood(notification) | Event::Leave(notification) => stopped(notification, out),
        Event::Lost(reason) => State::Closed(DownReason::Lost(reason)),
        Event::KeepaliveDue
        | Event::Keep
        | Event::Prefer
        | Event::UpdateSent
        | Event::Refresh(_)
        | Event::LookDue
        | Event::Measured { .. } => State::OpenSent(hold),
        Event::Outrun => State::OpenSent(Timer::start(Some(UNDECIDED), world.now)),
    }
}

fn open_received(mut live: Box<Live>, event: Event, world: &mut World<'_>, out: &mut Vec<Action>) -> State {
    match event {
        Event::Keep => {
            live.answer(world, out);
            if live.answered { State::Established(live) } else { State::OpenConfirm(live) }
        }
        // The peer goes on with this one although it had the other: by the rule, or because it knows no other.
        Event::Message(Message::Keepalive) if live.preferred => {
            live.answer(world, out);
            State::Established(live)
        }
        // It may have said so before it saw the other one, which it then prefers: it has a moment to close this one.
        Event::Message(Message::Keepalive) => {
            live.answered = true;
            State::OpenReceived(live)
        }
        Event::HoldExpired if live.answered => {
            live.answer(world, out);
            State::Established(live)
        }
        Event::Prefer => {
            live.preferred = true;
            State::OpenReceived(live)
        }
        Event::Message(Message::Notification(n)) => State::Closed(DownReason::Received(n)),
        Event::Message(message @ (Message::Open(_) | Message::Update(_) | Message::Refresh(_))) => {
            unexpected(Fsm::OpenConfirm, message.kind(), StateName::OpenConfirm, out)
        }
        Event::Unexpected(kind) => unexpected(Fsm::OpenConfirm, kind, StateName::OpenConfirm, out),
        Event::Malformed(error) => malformed(error, out),
        Event::HoldExpired => close(Cease::CollisionResolution.into(), DownReason::Collision, out),
        Event::Stop(notification, reason) => close(notification, reason, out),
        Event::StopForGood(notification) | Event::Leave(notification) => stopped(notification, out),
        Event::Lost(reason) => State::Closed(DownReason::Lost(reason)),
        Event::KeepaliveDue
        | Event::Outrun
        | Event::UpdateSent
        | Event::Refresh(_)
        | Event::LookDue
        | Event::Measured { .. } => State::OpenReceived(live),
    }
}

fn open_confirm(mut live: Box<Live>, event: Event, world: &mut World<'_>, out: &mut Vec<Action>) -> State {
    match event {
        Event::Message(Message::Keepalive) => {
            live.hold.restart(world.now);
            State::Established(live)
        }
        Event::KeepaliveDue => {
            live.say_keepalive(world, out);
            State::OpenConfirm(live)
        }
        Event::LookDue => {
            live.look(world, out);
            State::OpenConfirm(live)
        }
        Event::Measured { waiting, taken, silent } => {
            live.measured(world.now, (waiting, taken, silent), out).map_or_else(|over| over, State::OpenConfirm)
        }
        Event::Message(Message::Notification(n)) => State::Closed(DownReason::Received(n)),
        Event::Message(message @ (Message::Open(_) | Message::Update(_) | Message::Refresh(_))) => {
            unexpected(Fsm::OpenConfirm, message.kind(), StateName::OpenConfirm, out)
        }
        Event::Unexpected(kind) => unexpected(Fsm::OpenConfirm, kind, StateName::OpenConfirm, out),
        Event::Malformed(error) => malformed(error, out),
        Event::HoldExpired => close(Notification::HOLD, DownReason::HoldExpired, out),
        Event::Stop(notification, reason) => close(notification, reason, out),
        Event::StopForGood(notification) | Event::Leave(notification) => stopped(notification, out),
        Event::Lost(reason) => State::Closed(DownReason::Lost(reason)),
        Event::Keep | Event::Prefer | Event::Outrun | Event::UpdateSent | Event::Refresh(_) => State::OpenConfirm(live),
    }
}

fn established(mut live: Box<Live>, event: Event, world: &mut World<'_>, out: &mut Vec<Action>) -> State {
    match event {
        Event::Message(Message::Update(update)) => {
            live.hold.restart(world.now);
            out.push(Action::Update(of_families(update, &live.negotiated)));
            State::Established(live)
        }
        Event::Message(Message::Keepalive) => {
            live.hold.restart(world.now);
            State::Established(live)
        }
        Event::Message(Message::Refresh(refresh)) => {
            let known = refresh.family.family().is_some_and(|family| live.negotiated.families.contains(&family));
            if known || matches!(refresh.kind, RefreshKind::Unknown(_)) {
                out.push(Action::Refresh(refresh));
            }
            State::Established(live)
        }
        Event::Message(Message::Notification(n)) => State::Closed(DownReason::Received(n)),
        Event::Message(message @ Message::Open(_)) => {
            unexpected(Fsm::Established, message.kind(), StateName::Established, out)
        }
        Event::Unexpected(kind) => unexpected(Fsm::Established, kind, StateName::Established, out),
        Event::KeepaliveDue => {
            live.say_keepalive(world, out);
            State::Established(live)
        }
        Event::Refresh(family) => {
            if live.negotiated.refreshes(family).is_ok() {
                let request = Refresh { family: family.into(), kind: RefreshKind::Request };
                out.push(Action::Send(Message::Refresh(request)));
                live.sent(world.now);
            }
            State::Established(live)
        }
        Event::UpdateSent => {
            live.keepalive.restart_jittered(world.now, world.entropy);
            live.sent(world.now);
            State::Established(live)
        }
        Event::LookDue => {
            live.look(world, out);
            State::Established(live)
        }
        Event::Measured { waiting, taken, silent } => {
            live.measured(world.now, (waiting, taken, silent), out).map_or_else(|over| over, State::Established)
        }
        Event::Malformed(error) => malformed(error, out),
        Event::HoldExpired => close(Notification::HOLD, DownReason::HoldExpired, out),
        Event::Stop(notification, reason) => close(notification, reason, out),
        Event::StopForGood(notification) => stopped(live.negotiated.for_good(&notification), out),
        Event::Leave(notification) => {
            // A NOTIFICATION would have a peer without N forget our routes (RFC 4724 §4.2).
            if !live.negotiated.is_helped() || live.negotiated.survives_notifications() {
                stopped(notification, out)
            } else {
                State::Closed(DownReason::Left)
            }
        }
        Event::Lost(reason) => State::Closed(DownReason::Lost(reason)),
        Event::Keep | Event::Prefer | Event::Outrun => State::Established(live),
    }
}

/// Drops routes of families that were not agreed on (RFC 4760 §7 lets a receiver ignore them).
fn of_families(mut update: Update, negotiated: &Negotiated) -> Update {
    let families = &negotiated.families;
    update.reach.retain(|reach| families.contains(&reach.family));
    update.withdrawn.retain(|prefix| families.contains(&prefix.family()));
    update.end_of_rib = update.end_of_rib.filter(|family| families.contains(family));
    update
}

fn close(notification: Notification, reason: DownReason, out: &mut Vec<Action>) -> State {
    out.push(Action::Send(Message::Notification(notification)));
    State::Closed(reason)
}

fn stopped(notification: Notification, out: &mut Vec<Action>) -> State {
    close(notification.clone(), DownReason::Stopped(notification), out)
}

fn malformed(error: Error, out: &mut Vec<Action>) -> State {
    close(error.notification(), DownReason::Malformed(error), out)
}

/// A message that the state does not allow; the peer is told which (RFC 6608 §3).
fn unexpected(subcode: Fsm, kind: MessageKind, state: StateName, out: &mut Vec<Action>) -> State {
    let name = match kind {
        MessageKind::Open => "OPEN",
        MessageKind::Update => "UPDATE",
        MessageKind::Notification => "NOTIFICATION",
        MessageKind::Keepalive => "KEEPALIVE",
        MessageKind::Refresh => "ROUTE-REFRESH",
    };
    let mut notification = Notification::from(subcode);
    notification.data = Bytes::copy_from_slice(&[kind as u8]);
    close(notification, DownReason::Unexpected { message: name, state: state.as_str() }, out)
}
