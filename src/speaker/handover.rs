//! What an instance still does after it has handed its role over: it forwards, as the worst way, until the other can.
//!
//! Owns how long that lasts. What has the shared address is left to the other at once, so that neighbors keep their routes;
//! sessions with addresses of their own stay until the other has its own. Never gives or takes the role: [`super::role`] does.

use std::net::IpAddr;
use std::time::Duration;

use super::neighbor::Neighbor;
use super::{Effect, Life, Speaker};
use crate::drain::Step;
use crate::gateway::NeighborKind;
use crate::session;
use crate::session::DownReason;
use crate::twin::Role;
use crate::types::{Family, PeerId, Time};
use crate::wire::{Cease, Notification};

/// The other may take so long until it is ready; then this instance stops all the same.
pub(super) const LIMIT: Duration = Duration::from_secs(10);
/// Once the other is ready, neighbors may take so long to use it.
const MOVE: Duration = Duration::from_secs(1);
/// When a new active dials again who has not answered: the answer may have gone to the one that had the address.
const REDIALS: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(300), Duration::from_millis(700), Duration::from_millis(1500)];

/// A role that another has, and this instance had.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Handover {
    /// It is over then, whatever the other says.
    until: Time,
    /// The other was ready, and it is over then.
    ready: Option<Time>,
}

impl Handover {
    pub(super) fn begin(now: Time) -> Self {
        Self { until: now + LIMIT, ready: None }
    }

    fn due(&self) -> Time {
        self.ready.map_or(self.until, |ready| ready.min(self.until))
    }
}

/// A role that this instance has taken.
#[derive(Debug, Default)]
pub(super) struct Takeover {
    /// It was handed over: what neighbors keep leads to an address that is here now.
    inherits: bool,
    /// When to dial again.
    redials: Vec<Time>,
}

impl Speaker {
    /// True while this instance forwards for the other that has the role.
    pub(super) fn hands_over(&self) -> bool {
        self.office.hands.is_some()
    }

    /// The neighbor is one of those that the role is about.
    pub(super) fn of_role(neighbor: &Neighbor) -> bool {
        matches!(neighbor.plan.kind, NeighborKind::Device { .. } | NeighborKind::NetworkRouter)
    }

    /// True if our end of the session goes with the role.
    fn goes_with_role(&self, neighbor: &Neighbor) -> bool {
        self.shared_ip() == Some(neighbor.plan.local_address)
    }

    fn shared_ip(&self) -> Option<IpAddr> {
        self.office.machine.as_ref().and(self.config.model.shared_ip)
    }

    /// True if the session stays while the other makes its own.
    pub(super) fn stays_for_now(&self, neighbor: &Neighbor) -> bool {
        self.hands_over() && !self.goes_with_role(neighbor)
    }

    /// How a session ends that is not wanted any more: so that routes are kept, while they are good.
    pub(super) fn farewell(&self, id: PeerId, why: Notification) -> session::Input {
        let neighbor = self.neighbors.get(id).filter(|neighbor| Self::of_role(neighbor));
        match neighbor.filter(|neighbor| self.hands_over() && self.goes_with_role(neighbor)) {
            Some(_) => {
                let text = format!("{} is standby", self.instance);
                session::Input::Leave(Notification::shutdown(Cease::AdministrativeReset, &text))
            }
            None => session::Input::Stop(why),
        }
    }

    /// Until when the routes of a neighbor are used whose session was left to the other.
    pub(super) fn used_until(&self, neighbor: &Neighbor, reason: &DownReason) -> Option<Time> {
        let left = matches!(reason, DownReason::Left | DownReason::Stopped(_) | DownReason::Lost(_));
        let ours = left && Self::of_role(neighbor) && self.goes_with_role(neighbor);
        self.office.hands.filter(|_| ours).map(|hands| hands.until)
    }

    /// Looks whether the other can do without this instance; and dials again who did not answer.
    pub(super) fn go_on_handing_over(&mut self, now: Time, out: &mut Vec<Effect>) {
        if self.office.takeover.redials.iter().any(|due| *due <= now) {
            self.office.takeover.redials.retain(|due| *due > now);
            self.redial(now, out);
        }
        let ready = self.other_is_ready();
        let Some(hands) = &mut self.office.hands else { return };
        if ready && hands.ready.is_none() {
            hands.ready = Some(now + MOVE);
        }
        if hands.due() > now || self.drain_leads() {
            return;
        }
        self.end_handover(now, out);
    }

    /// A drain has its own steps for what is left.
    fn drain_leads(&self) -> bool {
        matches!(self.drains.instance(), Some(Step::Moving | Step::Withdrawing))
    }

    /// True once the other has what it takes, or has had its time.
    pub(super) fn is_handed_over(&self, now: Time) -> bool {
        self.office.hands.is_none_or(|hands| hands.due() <= now)
    }

    pub(super) fn handover_deadline(&self) -> Option<Time> {
        let hands = self.office.hands.filter(|_| !self.drain_leads()).map(|hands| hands.due());
        hands.into_iter().chain(self.office.takeover.redials.iter().copied()).min()
    }

    /// It has the role, its sessions have said all that they have, and its kernel has it.
    fn other_is_ready(&self) -> bool {
        let says = self.pair.twin.as_ref().and_then(|twin| twin.says());
        says.is_some_and(|says| says.role == Role::Active && !says.yields && says.ready)
    }

    /// The rest goes too.
    fn end_handover(&mut self, now: Time, out: &mut Vec<Effect>) {
        self.office.hands = None;
        self.follow_role(now, out);
        for id in self.neighbors.ids() {
            let left = |neighbor: &&Neighbor| neighbor.stance.down.is_some() && neighbor.awaited.kept.is_some();
            if self.neighbors.get(id).filter(left).is_some() {
                self.drop_kept(id, "the other instance serves", out);
            }
        }
        self.kernel(now, out);
    }

    /// The role is here now, and so is the address. What it is about is dialled as soon as it is wanted.
    pub(super) fn take_up(&mut self, now: Time, inherits: bool, out: &mut Vec<Effect>) {
        let redials = REDIALS.map(|wait| now + wait).to_vec();
        self.office.hands = None;
        self.office.takeover = Takeover { inherits, redials };
        for id in self.neighbors.ids() {
            self.announce(now, id, out);
        }
    }

    /// The role is another's.
    pub(super) fn depart(&mut self, now: Time, handed: bool) {
        self.office.takeover = Takeover::default();
        self.office.hands = (handed && self.life == Life::Running).then(|| Handover::begin(now));
    }

    /// Families that were forwarded all the time, by the other instance or by this one (F, RFC 4724 §3).
    pub(super) fn inherited(&self, id: PeerId) -> Vec<Family> {
        let neighbor = self.neighbors.get(id).filter(|neighbor| self.goes_with_role(neighbor));
        if neighbor.is_some() && self.office.takeover.inherits { Family::ALL.to_vec() } else { Vec::new() }
    }

    /// Dials who is not connected yet.
    pub(super) fn redial(&mut self, now: Time, out: &mut Vec<Effect>) {
        if self.life != Life::Running || !self.serves() {
            return;
        }
        for id in self.neighbors.ids() {
            let waits = |neighbor: &&Neighbor| {
                let idle = neighbor.conn.is_none() && neighbor.kept_down().is_none();
                idle && self.goes_with_role(neighbor) && neighbor.ready() && !neighbor.awaits_route
            };
            if self.neighbors.get(id).filter(waits).is_some() {
                self.session(now, Some(id), session::Input::DialNow, out);
            }
        }
    }
}
