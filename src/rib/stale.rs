//! Paths that a neighbor taught before, and has not said again: those of a session that was lost while the neighbor may
//! come back (RFC 4724 §4.2), and those of before a refresh that is under way (RFC 7313 §4). They count like others
//! until somebody says that their time has come: no clock is here.
//!
//! A lost session keeps its number, and the next one has its own; so what it left is told apart without a look at any
//! path. Within a session a path remembers in which of four rounds it was said last, and a refresh begins a new round.

use smallvec::SmallVec;

use crate::types::{Family, PeerId};

use super::adj_in::Path;
use super::sessions::SessionId;
use super::table::RowId;
use super::{Rib, at};

/// The most lost sessions of one neighbor whose paths are kept; beyond that the oldest go.
const KEPT: usize = 4;

/// What stays of a neighbor's paths when its session ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Retain {
    /// Nothing, also of what was kept before.
    Nothing,
    /// Those of these families, as stale, until [`Rib::drop_stale`] or until the neighbor's next session replaces them.
    Families(Vec<Family>),
}

/// The rounds of one session and family.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rounds {
    /// The newest: what is said now belongs to it.
    pub(super) now: u8,
    /// Others of which paths may be left, a bit each.
    old: u8,
    /// Those of them whose paths are to be taken out.
    pub(super) due: u8,
    /// A refresh has begun and has not ended.
    lasts: bool,
    /// Paths of old rounds.
    pub(super) stale: usize,
}

impl Rounds {
    /// A bit for each round.
    pub(super) const ALL: u8 = 0b1111;

    /// Begins a new round: all of the `paths` that there are become stale. When three rounds wait to be swept already,
    /// as a peer that only ever begins can bring about, this one goes on.
    fn begin(&mut self, paths: usize) {
        self.lasts = true;
        let used = self.old | 1 << self.now;
        if let Some(free) = (0..4).find(|round| used & 1 << round == 0) {
            self.old = used;
            self.now = free;
            self.stale = paths;
        }
    }

    /// The paths of these rounds are out of the table.
    pub(super) fn swept(&mut self, rounds: u8) {
        self.due &= !rounds;
        self.old &= !rounds;
    }
}

pub(super) type Kept = SmallVec<[SessionId; 1]>;

impl Rib {
    /// The session with the neighbor is over. What is not retained counts no more from now on; [`Rib::work`] does the
    /// rest. Without a session, what was retained before stays.
    pub fn down(&mut self, id: PeerId, retain: Retain) {
        let Some(session) = self.peers.get_mut(&id).and_then(|peer| peer.session.take()) else { return };
        let keeps = |family| matches!(&retain, Retain::Families(families) if families.contains(&family));
        for family in Family::ALL.into_iter().filter(|family| !keeps(*family)) {
            self.drop_stale(id, family);
        }
        if let Some(live) = self.sessions.get_mut(session) {
            live.up = false;
            live.out_due = true;
            for family in Family::ALL {
                live.kept[at(family)] = keeps(family) && live.counts[at(family)].received > 0;
                if !live.kept[at(family)] {
                    live.rounds[at(family)].due = Rounds::ALL;
                }
            }
            if let (false, Some(peer)) = (live.is_over(), self.peers.get_mut(&id)) {
                peer.kept.push(session);
                self.keeping += 1;
                if peer.kept.len() > KEPT {
                    let oldest = peer.kept[0];
                    for family in Family::ALL {
                        self.forget(id, oldest, family);
                    }
                }
            }
        }
        self.sort_sessions();
    }

    /// What was kept of the neighbor's lost sessions counts no more: its time has passed, or it has said all again.
    /// Says how many paths that are; [`Rib::work`] takes them out.
    pub fn drop_stale(&mut self, id: PeerId, family: Family) -> usize {
        let Some(kept) = self.peers.get(&id).map(|peer| peer.kept.clone()) else { return 0 };
        kept.into_iter().map(|session| self.forget(id, session, family)).sum()
    }

    /// The neighbor begins to send the family again: what it has said so far is stale (RFC 7313 §4).
    pub fn begin_refresh(&mut self, id: PeerId, family: Family) {
        let session = self.peers.get(&id).and_then(|peer| peer.session);
        let Some(live) = session.and_then(|session| self.sessions.get_mut(session)) else { return };
        if live.has(family) {
            let paths = live.counts[at(family)].received;
            live.rounds[at(family)].begin(paths);
        }
    }

    /// The neighbor has sent the family again, or took too long for it: what it did not say goes (RFC 7313 §4). Says how
    /// many paths that are, `None` if none was begun; [`Rib::work`] takes them out.
    pub fn end_refresh(&mut self, id: PeerId, family: Family) -> Option<usize> {
        let session = self.peers.get(&id).and_then(|peer| peer.session)?;
        let rounds = &mut self.sessions.get_mut(session)?.rounds[at(family)];
        if !std::mem::take(&mut rounds.lasts) {
            return None;
        }
        if rounds.stale == 0 && rounds.due == 0 {
            rounds.old = 0;
        } else {
            rounds.due = rounds.old;
        }
        Some(rounds.stale)
    }

    /// How many paths of the neighbor are kept of sessions that were lost.
    #[must_use]
    pub fn kept(&self, id: PeerId, family: Family) -> usize {
        let kept = self.peers.get(&id).into_iter().flat_map(|peer| &peer.kept);
        let kept = kept.filter_map(|session| self.sessions.get(*session)).filter(|live| live.stands(family));
        kept.map(|live| live.counts[at(family)].received).sum()
    }

    /// How many paths of the neighbor are stale: kept of a lost session, or not said again in a refresh.
    pub(super) fn count_stale(&self, id: PeerId, family: Family) -> usize {
        let session = self.peers.get(&id).and_then(|peer| peer.session);
        let live = session.and_then(|session| self.sessions.get(session));
        self.kept(id, family) + live.map_or(0, |live| live.rounds[at(family)].stale)
    }

    /// True if the path waits to be said again.
    pub(super) fn is_stale(&self, family: Family, path: &Path) -> bool {
        self.sessions.get(path.session).is_some_and(|live| !live.up || live.rounds[at(family)].now != path.round())
    }

    /// Lets one lost session of a neighbor go, as far as it is about the family.
    fn forget(&mut self, id: PeerId, session: SessionId, family: Family) -> usize {
        let Some(live) = self.sessions.get_mut(session).filter(|live| live.kept[at(family)]) else { return 0 };
        live.kept[at(family)] = false;
        live.rounds[at(family)].due = Rounds::ALL;
        let paths = live.counts[at(family)].received;
        if live.is_over()
            && let Some(peer) = self.peers.get_mut(&id)
        {
            peer.kept.retain(|kept| *kept != session);
            self.keeping -= 1;
        }
        paths
    }

    /// Takes what was kept of the neighbor's lost sessions out of a row: its new session has something to say of it.
    pub(super) fn take_kept(&mut self, of: SessionId, family: Family, row: RowId) -> Option<Path> {
        if self.keeping == 0 {
            return None;
        }
        let kept = &self.peers.get(&self.sessions.get(of)?.peer)?.kept;
        let table = &mut self.routes[at(family)].table;
        let (mut head, mut found) = (table.row(row).head, None);
        let sessions = &self.sessions;
        let counts = |session: &SessionId| sessions.get(*session).is_some_and(|live| live.stands(family));
        let which = |path: &Path| kept.contains(&path.session) && counts(&path.session);
        self.paths.remove(&mut head, which, |path| found = Some(path));
        table.row_mut(row).head = head;
        found
    }
}
