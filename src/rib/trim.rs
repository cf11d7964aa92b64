//! The most prefixes that a neighbor may have in the table (RFC 4271 §6.7): those above it are kept as they came, and
//! refused. Owns which those are; never ends a session.
//!
//! The first to come stay. When one of them goes, the oldest of those that were refused takes its place, so the same
//! UPDATEs always give the same table.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::types::Family;

use super::adj_in::Path;
use super::rejudge::Memo;
use super::sessions::SessionId;
use super::table::RowId;
use super::{Rib, at};

/// The most prefixes of each family that a neighbor may have in the table; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Caps {
    /// Of IPv4 unicast.
    pub ipv4: Option<usize>,
    /// Of IPv6 unicast.
    pub ipv6: Option<usize>,
}

impl Caps {
    /// Of one family.
    #[must_use]
    pub const fn family(&self, family: Family) -> Option<usize> {
        match family {
            Family::Ipv4 => self.ipv4,
            Family::Ipv6 => self.ipv6,
        }
    }
}

/// The prefixes of one session and family that are above the cap.
#[derive(Default)]
pub(super) struct Trimmed {
    /// When each of them came, counted.
    rows: HashMap<RowId, u64>,
    order: BTreeMap<u64, RowId>,
    next: u64,
}

impl Trimmed {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn contains(&self, row: RowId) -> bool {
        self.rows.contains_key(&row)
    }

    fn add(&mut self, row: RowId) {
        self.rows.insert(row, self.next);
        self.order.insert(self.next, row);
        self.next += 1;
    }

    pub(super) fn remove(&mut self, row: RowId) -> bool {
        let Some(place) = self.rows.remove(&row) else { return false };
        self.order.remove(&place);
        true
    }

    fn oldest(&self) -> Option<RowId> {
        self.order.first_key_value().map(|(_, row)| *row)
    }
}

impl Rib {
    /// True if [`Rib::trim`] has to be asked about each path of a session: mostly there is no cap.
    pub(super) fn trims(&self, session: SessionId, family: Family) -> bool {
        self.cap(session, family).is_some()
            || self.sessions.get(session).is_some_and(|live| live.trimmed[at(family)].len() > 0)
    }

    /// True if a path that a session has just taught must stay out of the table. Asked before it is put there.
    pub(super) fn trim(&mut self, session: SessionId, family: Family, row: RowId) -> bool {
        if self.is_trimmed(session, family, row) {
            return true;
        }
        let head = self.routes[at(family)].table.row(row).head;
        let known = self.paths.iter(head).any(|path| path.session == session);
        if known || self.has_room(session, family) {
            return false;
        }
        if let Some(live) = self.sessions.get_mut(session) {
            live.trimmed[at(family)].add(row);
        }
        true
    }

    /// The same for a path that is judged again: one that was above the cap comes in if there is room by now.
    pub(super) fn stays_out(&mut self, session: SessionId, family: Family, row: RowId) -> bool {
        if !self.is_trimmed(session, family, row) {
            return false;
        }
        let room = self.has_room(session, family);
        if let Some(live) = self.sessions.get_mut(session).filter(|_| room) {
            live.trimmed[at(family)].remove(row);
        }
        !room
    }

    /// True if the path is there, and refused for being above the cap.
    pub(super) fn is_trimmed(&self, session: SessionId, family: Family, row: RowId) -> bool {
        self.sessions.get(session).is_some_and(|live| live.trimmed[at(family)].contains(row))
    }

    /// A prefix of the session has gone: the oldest of those above the cap take its place.
    pub(super) fn refill(&mut self, session: SessionId, family: Family) {
        loop {
            let Some(live) = self.sessions.get(session) else { return };
            let Some(row) = live.trimmed[at(family)].oldest() else { return };
            if !self.has_room(session, family) {
                return;
            }
            if let Some(live) = self.sessions.get_mut(session) {
                live.trimmed[at(family)].remove(row);
            }
            let head = self.routes[at(family)].table.row(row).head;
            let Some(path) = self.paths.iter(head).find(|path| path.session == session).copied() else { continue };
            let accepted = self.judge(family, row, &path, &mut Memo::new());
            self.attrs.hold(path.received);
            let judged = Path::new(session, path.next_hop, path.received, accepted);
            self.put(family, row, judged.in_round(path.round()));
        }
    }

    /// The cap of a session's neighbor.
    pub(super) fn cap(&self, session: SessionId, family: Family) -> Option<usize> {
        let live = self.sessions.get(session)?;
        self.peers.get(&live.peer)?.settings.caps.family(family)
    }

    fn has_room(&self, session: SessionId, family: Family) -> bool {
        let Some(cap) = self.cap(session, family) else { return true };
        let Some(live) = self.sessions.get(session) else { return true };
        live.counts[at(family)].received.saturating_sub(live.trimmed[at(family)].len()) < cap
    }
}
