//! The time of what a neighbor said before and has not said again: while it restarts (RFC 4724 §4.2), and while it sends
//! all again (RFC 7313 §4). Owns the deadlines; what is stale the RIB knows.
//!
//! Knowledge of a failure comes before all of this: what leads over a tunnel that is down is never kept.

use std::time::Duration;

use super::{Effect, Event, Life, Speaker};
use crate::rib::Retain;
use crate::session;
use crate::session::{DownReason, Negotiated};
use crate::types::{Family, PeerId, Time};
use crate::wire::{Refresh, RefreshKind};

/// How long End-of-RIB is held back from a neighbor that has restarted. FRR 8.4.4 runs its sessions before it has read
/// its policies, refuses what it hears until then (RFC 8212), and asks for it again about a second later. If it is told
/// that all was said before, it takes its routes out of its kernel, and puts them back when they come again.
const END_OF_RIB_DELAY: Duration = Duration::from_secs(3);

/// What is awaited from one neighbor.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    /// What its session of now, or its last one, agreed on about restarts.
    restart: Agreed,
    /// What it taught before its session was lost is used still.
    pub(super) kept: Option<Kept>,
    /// The ends of refreshes that have begun, each with the time at which it is waited for no longer.
    refreshes: Vec<(Family, Time)>,
    /// When our End-of-RIB, which is held back, may go.
    end: Option<Time>,
}

#[derive(Debug, Default)]
struct Agreed {
    families: Vec<Family>,
    /// How long it asks to be waited for.
    time: Duration,
    /// Also after a NOTIFICATION (RFC 8538).
    notifications: bool,
}

/// Since when paths of a lost session are kept, and how long at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub(super) since: Time,
    pub(super) until: Time,
}

impl Awaited {
    pub(super) fn deadline(&self) -> Option<Time> {
        self.refreshes.iter().map(|(_, until)| *until).chain(self.kept.map(|kept| kept.until)).chain(self.end).min()
    }
}

impl Speaker {
    /// A session is up: what was kept stays if the neighbor says that it went on forwarding, until End-of-RIB.
    pub(super) fn restarted(&mut self, now: Time, id: PeerId, agreed: &Negotiated) {
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        let restart = agreed.graceful_restart.as_ref();
        neighbor.awaited.restart = Agreed {
            families: agreed.restartable(),
            time: restart.map(|restart| restart.restart_time).unwrap_or_default(),
            notifications: agreed.survives_notifications(),
        };
        let limit = neighbor.plan.restart.stale_time;
        if let Some(kept) = &mut neighbor.awaited.kept {
            kept.until = kept.since + limit;
        }
        neighbor.awaited.end = None;
        if restart.is_some_and(|restart| restart.restarting) {
            neighbor.awaited.end = Some(now + END_OF_RIB_DELAY);
            self.rib.hold_end(id);
            self.startup.hurry(now, id);
        }
    }

    /// Its session is over: the routes that it taught stay for a while, or go.
    pub(super) fn lost(&mut self, now: Time, id: PeerId, reason: &DownReason, out: &mut Vec<Effect>) {
        let running = self.life == Life::Running;
        let left = self.neighbors.get(id).and_then(|neighbor| self.used_until(neighbor, reason));
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        neighbor.awaited.refreshes.clear();
        neighbor.loading = None;
        neighbor.awaited.end = None;
        let Agreed { families, time, notifications } = std::mem::take(&mut neighbor.awaited.restart);
        let since = neighbor.awaited.kept.map_or(now, |kept| kept.since);
        // One that said nothing for the hold time has had time already: as long as we would need.
        let time = if *reason == DownReason::HoldExpired { time.min(neighbor.plan.restart.restart_time) } else { time };
        // What was left to the other instance stays until that has it, whoever restarts.
        let (families, until, stays) = match left {
            Some(until) => (neighbor.plan.families.clone(), until, true),
            None => (
                families,
                (now + time).min(since + neighbor.plan.restart.stale_time),
                reason.keeps_routes(notifications),
            ),
        };
        let keep = running && neighbor.ready() && until > now && stays;
        if !keep || families.is_empty() {
            neighbor.awaited.kept = None;
            self.stripped(id);
            self.kernel(now, out);
            self.rib.down(id, Retain::Nothing);
            return;
        }
        self.rib.down(id, Retain::Families(families));
        let routes = self.kept(id);
        let neighbor = self.neighbors.get_mut(id);
        let Some(neighbor) = neighbor.filter(|_| routes > 0) else { return };
        neighbor.awaited.kept = Some(Kept { since, until });
        let name = neighbor.plan.name.clone();
        out.push(Effect::Tell(Event::RoutesKept { neighbor: name, routes, limit: until - now }));
    }

    /// After a start it does not want to speak to us: what an earlier run had learned of it goes, and nothing is awaited.
    pub(super) fn turned_away(&mut self, now: Time, id: PeerId, out: &mut Vec<Effect>) {
        self.startup.give_up(id);
        self.stripped(id);
        self.kernel(now, out);
    }

    /// Nothing of what it taught before is used any longer, for that reason.
    pub(super) fn drop_kept(&mut self, id: PeerId, why: &'static str, out: &mut Vec<Effect>) {
        let Some(neighbor) = self.neighbors.get_mut(id).filter(|neighbor| neighbor.awaited.kept.is_some()) else {
            return;
        };
        neighbor.awaited.kept = None;
        let (name, gone) = (neighbor.plan.name.clone(), neighbor.conn.is_none());
        if gone {
            self.stripped(id);
        }
        let routes = Family::ALL.into_iter().map(|family| self.rib.drop_stale(id, family)).sum();
        if routes > 0 {
            out.push(Effect::Tell(Event::RoutesDropped { neighbor: name, routes, why }));
        }
    }

    /// Of what was kept, `before` routes, some are gone now; the rest is waited for.
    pub(super) fn count_kept(&mut self, id: PeerId, before: usize, why: &'static str, out: &mut Vec<Effect>) {
        let left = self.kept(id);
        let Some(neighbor) = self.neighbors.get_mut(id).filter(|neighbor| neighbor.awaited.kept.is_some()) else {
            return;
        };
        if left == 0 {
            neighbor.awaited.kept = None;
        }
        if left < before {
            let (neighbor, routes) = (neighbor.plan.name.clone(), before - left);
            out.push(Effect::Tell(Event::RoutesDropped { neighbor, routes, why }));
        }
    }

    /// How many routes of the neighbor are used although its session was lost.
    pub(super) fn kept(&self, id: PeerId) -> usize {
        Family::ALL.into_iter().map(|family| self.rib.kept(id, family)).sum()
    }

    /// A ROUTE-REFRESH has come (RFC 2918 §4, RFC 7313 §4).
    pub(super) fn refresh(&mut self, now: Time, id: PeerId, refresh: Refresh, out: &mut Vec<Effect>) {
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        let ignored = match (refresh.kind, refresh.family.family()) {
            (RefreshKind::Request, Some(family)) => {
                self.rib.refresh(id, family);
                return;
            }
            // A neighbor that can restart sends End-of-RIB, and no marker may come before that.
            (RefreshKind::Begin, Some(family))
                if neighbor.session.negotiated().is_some_and(|agreed| agreed.graceful_restart.is_some())
                    && !self.rib.end_of_rib_seen(id, family) =>
            {
                "it began before End-of-RIB"
            }
            (RefreshKind::Begin, Some(family)) => {
                self.rib.begin_refresh(id, family);
                let until = now + neighbor.plan.restart.stale_time;
                neighbor.awaited.refreshes.retain(|(of, _)| *of != family);
                neighbor.awaited.refreshes.push((family, until));
                return;
            }
            (RefreshKind::End, Some(family)) => match self.end_refresh(id, family, out) {
                true => return,
                false => "it ended without a begin",
            },
            (RefreshKind::Unknown(_), _) => "its subtype is not known",
            (RefreshKind::Request | RefreshKind::Begin | RefreshKind::End, None) => return,
        };
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        if let Some(silent) = neighbor.faults.pass(now) {
            let name = neighbor.plan.name.clone();
            out.push(Effect::Tell(Event::RefreshIgnored { neighbor: name, why: ignored, silent }));
        }
    }

    /// What is awaited from a neighbor and did not come in time; and what it had to wait for.
    pub(super) fn overdue(&mut self, now: Time, id: PeerId, out: &mut Vec<Effect>) {
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        if neighbor.awaited.end.is_some_and(|due| due <= now) {
            neighbor.awaited.end = None;
            self.rib.let_end(id);
        }
        let limit = neighbor.plan.restart.stale_time;
        let late: Vec<_> = neighbor.awaited.refreshes.iter().filter(|(_, until)| *until <= now).copied().collect();
        let waited = neighbor.awaited.kept.is_some_and(|kept| kept.until <= now);
        let back = neighbor.conn.is_some();
        for (family, _) in late {
            if let Some(neighbor) = self.name(id) {
                out.push(Effect::Tell(Event::RefreshLate { neighbor, family, limit }));
            }
            self.end_refresh(id, family, out);
        }
        if waited {
            let why = if back { "it did not send End-of-RIB in time" } else { "it did not come back in time" };
            self.drop_kept(id, why, out);
            if !back {
                self.doubt(now, id, why.to_owned(), out);
            }
        }
    }

    /// What the next OPENs say of our own restart.
    pub(super) fn announce(&mut self, now: Time, id: PeerId, out: &mut Vec<Effect>) {
        let restarting = self.startup.keeps_routes();
        let mut preserved = self.inherited(id);
        preserved
            .extend(self.preserved.iter().filter(|family| !preserved.contains(family)).copied().collect::<Vec<_>>());
        let own = session::OwnRestart { restarting, preserved };
        self.session(now, Some(id), session::Input::Announce(own), out);
    }

    /// What was not said again goes; false if no refresh had begun.
    fn end_refresh(&mut self, id: PeerId, family: Family, out: &mut Vec<Effect>) -> bool {
        let Some(neighbor) = self.neighbors.get_mut(id) else { return false };
        neighbor.awaited.refreshes.retain(|(of, _)| *of != family);
        let Some(gone) = self.rib.end_refresh(id, family) else { return false };
        let neighbor = neighbor.plan.name.clone();
        out.push(Effect::Tell(Event::Refreshed { neighbor, family, gone }));
        true
    }
}
