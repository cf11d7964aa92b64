//! The time of what a neighbor said before and has not said again. Owns the deadlines; what is stale the RIB knows.

use std::time::Duration;

use super::{Effect, Event, Speaker};
use crate::types::{Family, PeerId, Time};
use crate::wire::{Refresh, RefreshKind};

/// How long what is stale is used at most, unless the file says otherwise.
const STALE_TIME: Duration = Duration::from_secs(120);

/// What is awaited from one neighbor.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    /// The ends of refreshes that have begun, each with the time at which it is waited for no longer.
    refreshes: Vec<(Family, Time)>,
}

impl Awaited {
    pub(super) fn deadline(&self) -> Option<Time> {
        self.refreshes.iter().map(|(_, until)| *until).min()
    }

    /// Its session is over: no end of a refresh will come.
    pub(super) fn session_over(&mut self) {
        self.refreshes.clear();
    }
}

impl Speaker {
    /// A ROUTE-REFRESH has come (RFC 2918 §4, RFC 7313 §4).
    pub(super) fn refresh(&mut self, now: Time, id: PeerId, refresh: Refresh, out: &mut Vec<Effect>) {
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        let family = refresh.family.family();
        let ignored = match (refresh.kind, family) {
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
                neighbor.awaited.refreshes.retain(|(of, _)| *of != family);
                neighbor.awaited.refreshes.push((family, now + STALE_TIME));
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

    /// What is awaited from a neighbor and did not come in time.
    pub(super) fn overdue(&mut self, now: Time, id: PeerId, out: &mut Vec<Effect>) {
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        let late: Vec<_> = neighbor.awaited.refreshes.iter().filter(|(_, until)| *until <= now).copied().collect();
        for (family, _) in late {
            if let Some(neighbor) = self.name(id) {
                out.push(Effect::Tell(Event::RefreshLate { neighbor, family, limit: STALE_TIME }));
            }
            self.end_refresh(id, family, out);
        }
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
