//! Neighbors that are kept down on purpose: by the file, or because they taught more prefixes than they may.
//!
//! Owns the limits on what a neighbor teaches; which prefixes are refused above one is the RIB's to say.

use super::neighbor::Neighbor;
use super::{Effect, Event, Life, Speaker};
use crate::gateway::LimitAction;
use crate::rib;
use crate::session;
use crate::types::{Family, PeerId, Time};
use crate::wire::{Cease, Notification};

/// What people were told about one family of a session.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    /// The limit is near.
    near: bool,
    /// It is passed.
    over: bool,
}

/// A neighbor that taught too much and was dropped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Over {
    family: Family,
    limit: u32,
    /// When it may come back; `None` is when somebody says so.
    pub(super) until: Option<Time>,
}

impl Neighbor {
    /// What it is told if it is kept down on purpose.
    pub(super) fn kept_down(&self) -> Option<Notification> {
        if let Some(text) = &self.plan.shutdown {
            return Some(Notification::shutdown(Cease::AdministrativeShutdown, text));
        }
        if let Some(why) = &self.stance.down {
            return Some(why.clone());
        }
        self.over.map(|over| Notification::max_prefixes(over.family, over.limit))
    }

    /// What its limits mean to the RIB.
    pub(super) fn caps(&self) -> rib::Caps {
        let cap = |family| {
            let limit = self.plan.limit.family(family).filter(|_| self.plan.limit.action == LimitAction::Trim);
            limit.map(|limit| limit as usize)
        };
        rib::Caps { ipv4: cap(Family::Ipv4), ipv6: cap(Family::Ipv6) }
    }
}

impl Speaker {
    /// Looks at what a neighbor teaches by now; true if it was too much and the session is over.
    pub(super) fn limit(&mut self, now: Time, id: PeerId, out: &mut Vec<Effect>) -> bool {
        let Some(neighbor) = self.neighbors.get_mut(id) else { return false };
        let rules = neighbor.plan.limit;
        for (family, told) in Family::ALL.into_iter().zip(&mut neighbor.told) {
            let Some(limit) = rules.family(family) else { continue };
            let received = self.rib.counts(id).family(family).received;
            let near = received as u64 * 100 >= u64::from(limit) * u64::from(rules.warn_at);
            let over = received as u64 > u64::from(limit);
            let before = std::mem::replace(told, Told { near, over });
            let name = || neighbor.plan.name.clone();
            if over && !before.over {
                let until = rules.restart.map(|wait| now + wait);
                let (action, restart) = (rules.action, rules.restart);
                let event = Event::PrefixesOver { neighbor: name(), family, received, limit, action, restart };
                out.push(Effect::Tell(event));
                if action == LimitAction::Drop {
                    neighbor.over = Some(Over { family, limit, until });
                    let why = Notification::max_prefixes(family, limit);
                    self.startup.give_up(id);
                    self.session(now, Some(id), session::Input::Stop(why), out);
                    return true;
                }
            } else if near && !before.near {
                out.push(Effect::Tell(Event::PrefixesNear { neighbor: name(), family, received, limit }));
            }
        }
        false
    }

    /// A neighbor that was dropped may come back.
    pub(super) fn let_back(&mut self, now: Time, id: PeerId, out: &mut Vec<Effect>) {
        let Some(neighbor) = self.neighbors.get_mut(id) else { return };
        neighbor.over = None;
        // One that waits for its tunnel or its host route is started by those.
        if neighbor.ready() && !neighbor.awaits_route && self.life == Life::Running {
            self.session(now, Some(id), self.start_or_stay(id), out);
        }
    }

    /// Lets those back whose time has come.
    pub(super) fn let_back_in_time(&mut self, now: Time, out: &mut Vec<Effect>) {
        let due = |neighbor: &&Neighbor| neighbor.over.and_then(|over| over.until).is_some_and(|until| until <= now);
        let back: Vec<PeerId> = self.neighbors.iter().filter(due).map(|neighbor| neighbor.id).collect();
        back.into_iter().for_each(|id| self.let_back(now, id, out));
    }

    /// What a session is told when nothing outside stands in its way any more.
    pub(super) fn start_or_stay(&self, id: PeerId) -> session::Input {
        match self.neighbors.get(id).and_then(Neighbor::kept_down) {
            Some(why) => session::Input::Stop(why),
            None => session::Input::Start,
        }
    }
}
