//! What this instance may say and do at this time, and what follows from that for each neighbor.
//!
//! Owns the one place where that is decided ([`Speaker::stance`]) and the one where it is carried out
//! ([`Speaker::take_stances`]): by message on running sessions. Never decides whether the instance is fit, active or
//! drained.

use super::fitness::Reason;
use super::neighbor::Neighbor;
use super::{Effect, Life, Speaker};
use crate::drain::Step;
use crate::gateway::NeighborKind;
use crate::policy::Manner;
use crate::twin;
use crate::types::{PeerId, Time};
use crate::wire::Notification;

/// What an instance may say and do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Standing {
    /// All of it.
    #[default]
    Serving,
    /// It waits for the other to fail: no sessions but that with its twin.
    Standby,
    /// It cannot do its work, for these reasons: it offers what it cannot do to nobody.
    Unfit(Vec<String>),
    /// It is about to be serviced: neighbors are led away from it.
    Draining,
    /// It can be serviced: no neighbor relies on it.
    Drained,
}

/// What follows from that for one neighbor.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Stance {
    /// What it is offered.
    pub(super) offers: Manner,
    /// What it teaches is used only where nothing else is known.
    pub(super) used_last: bool,
    /// There shall be no session with it, and it is told this.
    pub(super) down: Option<Notification>,
}

impl Speaker {
    /// What it may say and do now.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match self.drains.instance() {
            Some(Step::Drained) => return Standing::Drained,
            Some(_) => return Standing::Draining,
            None => {}
        }
        let reasons = self.fitness.standing();
        // The tunnels of one that waits may come up only when it takes over.
        if !self.serves() && reasons.iter().all(|reason| *reason == Reason::Tunnels) {
            return Standing::Standby;
        }
        if reasons.is_empty() {
            return Standing::Serving;
        }
        Standing::Unfit(reasons.iter().map(ToString::to_string).collect())
    }

    /// What follows from all that is known for one neighbor.
    pub(super) fn stance(&self, neighbor: &Neighbor) -> Stance {
        let (mut offers, waits) = (self.offers(neighbor), self.waits_behind_twin(neighbor));
        if Self::of_role(neighbor) && self.hands_over() {
            offers = worse(offers, Manner::Leaving);
        }
        match self.drained(neighbor) {
            Some((manner, used_last, down)) => {
                Stance { offers: worse(offers, manner), used_last, down: down.or(waits) }
            }
            None => Stance { offers, used_last: false, down: waits },
        }
    }

    /// What a neighbor of the model is offered by an instance that cannot do all of its work.
    ///
    /// Without a tunnel there is nothing to withdraw from devices, and what leads over the twin can still be forwarded: a
    /// network router that has no other way keeps that one, and others see that it is the worst.
    fn offers(&self, neighbor: &Neighbor) -> Manner {
        let reasons = self.fitness.standing();
        let tunnels = |reason: &Reason| *reason == Reason::Tunnels;
        match neighbor.plan.kind {
            NeighborKind::Twin | NeighborKind::Other => Manner::Open,
            NeighborKind::Device { .. } if reasons.iter().all(tunnels) => Manner::Open,
            NeighborKind::NetworkRouter if reasons.is_empty() => Manner::Open,
            NeighborKind::NetworkRouter if reasons.iter().all(tunnels) && self.twin_forwards() => Manner::Leaving,
            NeighborKind::Device { .. } | NeighborKind::NetworkRouter => Manner::Withheld,
        }
    }

    /// True if the twin's routes are here, and it does not say that it cannot forward.
    fn twin_forwards(&self) -> bool {
        let session = self.twin_session().and_then(|id| self.neighbors.get(id));
        let standing = self.pair.twin.as_ref().and_then(|twin| twin.says()).map(|says| says.standing);
        session.is_some_and(|neighbor| neighbor.conn.is_some())
            && !matches!(standing, Some(twin::Standing::Unfit | twin::Standing::Drained | twin::Standing::Stopping))
    }

    /// Has every neighbor treated as it is now to be; only what differs is touched.
    pub(super) fn take_stances(&mut self, now: Time, out: &mut Vec<Effect>) {
        for id in self.neighbors.ids() {
            self.take_stance(now, id, out);
        }
        self.follow_all_statics();
    }

    fn take_stance(&mut self, now: Time, id: PeerId, out: &mut Vec<Effect>) {
        let Some(stance) = self.neighbors.get(id).map(|neighbor| self.stance(neighbor)) else { return };
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        let before = std::mem::replace(&mut neighbor.stance, stance.clone());
        if (before.offers, before.used_last) != (stance.offers, stance.used_last) {
            self.rib.set_peer(id, neighbor.rib_settings(&self.desired, &self.config.policies));
        }
        if before.down == stance.down || self.life != Life::Running {
            return;
        }
        match stance.down {
            Some(why) => {
                self.startup.give_up(id);
                let farewell = self.farewell(id, why);
                self.session(now, Some(id), farewell, out);
            }
            // One that waits for its tunnel or its host route is started by those.
            None if neighbor.ready() && !neighbor.awaits_route => {
                self.session(now, Some(id), self.start_or_stay(id), out);
            }
            None => {}
        }
    }
}

/// The manner that offers less.
fn worse(one: Manner, other: Manner) -> Manner {
    match (one, other) {
        (Manner::Withheld, _) | (_, Manner::Withheld) => Manner::Withheld,
        (Manner::Leaving, _) | (_, Manner::Leaving) => Manner::Leaving,
        (Manner::Open, Manner::Open) => Manner::Open,
    }
}
