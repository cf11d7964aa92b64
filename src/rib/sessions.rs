//! Sessions that paths belong to. A session that is over keeps its number until its paths are swept, and the peer's next
//! one gets another: what is old can then never be taken for what is new.

use std::net::IpAddr;

use hashbrown::HashMap;

use crate::types::{Family, PeerId};
use crate::wire::NextHop;

use super::adj_out::AdjOut;
use super::decision::Kind;
use super::stale::Rounds;
use super::trim::Trimmed;
use super::{FamilyCounts, Session, at};

/// The number of a session.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct SessionId(u16);

impl SessionId {
    /// The gateway's own routes.
    pub(super) const LOCAL: Self = Self(0);
}

/// One session, up or waiting for its sweep.
pub(super) struct Live {
    pub(super) peer: PeerId,
    pub(super) session: Session,
    pub(super) kind: Kind,
    /// False once it is over.
    pub(super) up: bool,
    /// Over, but its paths of these families still count: the neighbor may come back (RFC 4724 §4.2).
    pub(super) kept: [bool; 2],
    /// What it was told has to be swept.
    pub(super) out_due: bool,
    pub(super) rounds: [Rounds; 2],
    /// Paths of it that are still stored.
    pub(super) paths: usize,
    pub(super) counts: [FamilyCounts; 2],
    pub(super) end_of_rib: [bool; 2],
    /// What is told may end, with End-of-RIB, only when [`super::Rib::let_end`] says so.
    pub(super) end_held: bool,
    pub(super) out: [AdjOut; 2],
    pub(super) trimmed: [Trimmed; 2],
    next_hops: Vec<NextHop>,
    next_hop_index: HashMap<NextHop, u16>,
}

impl Live {
    pub(super) fn new(peer: PeerId, session: Session, kind: Kind) -> Self {
        Self {
            peer,
            session,
            kind,
            up: true,
            kept: [false; 2],
            out_due: false,
            rounds: Default::default(),
            paths: 0,
            counts: Default::default(),
            end_of_rib: [false; 2],
            end_held: false,
            out: Default::default(),
            trimmed: Default::default(),
            next_hops: Vec::new(),
            next_hop_index: HashMap::new(),
        }
    }

    pub(super) fn has(&self, family: Family) -> bool {
        self.session.families.contains(&family)
    }

    /// True while its paths of the family count.
    pub(super) fn stands(&self, family: Family) -> bool {
        self.up || self.kept[at(family)]
    }

    /// True once nothing of it counts any more.
    pub(super) fn is_over(&self) -> bool {
        !self.up && self.kept == [false; 2]
    }

    /// True if something of it has to be taken out of the table.
    fn is_due(&self) -> bool {
        self.is_over() || self.out_due || self.rounds.iter().any(|rounds| rounds.due != 0)
    }

    /// The number of a next hop; `None` if there are too many different ones.
    pub(super) fn next_hop_number(&mut self, next_hop: NextHop) -> Option<u16> {
        if let Some(number) = self.next_hop_index.get(&next_hop) {
            return Some(*number);
        }
        let number = u16::try_from(self.next_hops.len()).ok()?;
        self.next_hops.push(next_hop);
        self.next_hop_index.insert(next_hop, number);
        Some(number)
    }

    pub(super) fn next_hop(&self, number: u16) -> Option<NextHop> {
        self.next_hops.get(usize::from(number)).copied()
    }

    /// The next hop that names us to this peer, if we have an address that can.
    pub(super) fn ourselves(&self, family: Family) -> Option<NextHop> {
        let v6 = self.session.local_v6.or(match self.session.local {
            IpAddr::V6(local) => Some(local),
            IpAddr::V4(_) => None,
        });
        match (family, self.session.local) {
            (Family::Ipv4, local @ IpAddr::V4(_)) => Some(local.into()),
            (Family::Ipv4, IpAddr::V6(_)) if !self.session.context.ipv4_over_ipv6 => None,
            (Family::Ipv4 | Family::Ipv6, _) => {
                v6.map(|global| NextHop::V6 { global, link_local: self.session.link_local })
            }
        }
    }
}

/// All sessions by number; number 0 is never one.
#[derive(Default)]
pub(super) struct Sessions {
    slots: Vec<Option<Live>>,
    free: Vec<u16>,
}

impl Sessions {
    /// Gives the session a number; back again if there is none left.
    pub(super) fn add(&mut self, live: Live) -> Result<SessionId, Box<Live>> {
        if self.slots.is_empty() {
            self.slots.push(None);
        }
        if let Some(at) = self.free.pop() {
            self.slots[usize::from(at)] = Some(live);
            return Ok(SessionId(at));
        }
        let Ok(at) = u16::try_from(self.slots.len()) else { return Err(Box::new(live)) };
        self.slots.push(Some(live));
        Ok(SessionId(at))
    }

    pub(super) fn get(&self, id: SessionId) -> Option<&Live> {
        self.slots.get(usize::from(id.0))?.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: SessionId) -> Option<&mut Live> {
        self.slots.get_mut(usize::from(id.0))?.as_mut()
    }

    /// All that are there, over or not.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Live> {
        self.slots.iter().flatten()
    }

    /// True for our own and for sessions whose paths of the family count.
    pub(super) fn counts(&self, id: SessionId, family: Family) -> bool {
        id == SessionId::LOCAL || self.get(id).is_some_and(|live| live.stands(family))
    }

    /// All that are there, to be changed.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Live> {
        self.slots.iter_mut().flatten()
    }

    /// Frees the number of a session that nothing refers to any more.
    pub(super) fn remove(&mut self, id: SessionId) {
        if self.slots.get_mut(usize::from(id.0)).and_then(Option::take).is_some() {
            self.free.push(id.0);
        }
    }

    /// True if something of a session has to be taken out of the table.
    pub(super) fn any_due(&self) -> bool {
        self.slots.iter().flatten().any(Live::is_due)
    }

    /// Sessions of which something has to be taken out of the table.
    pub(super) fn due(&self) -> Vec<SessionId> {
        let ids = (0..=u16::MAX).zip(&self.slots);
        ids.filter(|(_, slot)| slot.as_ref().is_some_and(Live::is_due)).map(|(id, _)| SessionId(id)).collect()
    }
}
