//! UPDATEs for a neighbor, out of what it has yet to be told: withdrawals first, then as many prefixes as fit beside each
//! set of attributes, and a marker once the whole table was told.

use bytes::{Bytes, BytesMut};
use hashbrown::HashMap;

use crate::policy::{NextHopOut, Route, Scope, Source, Withheld};
use crate::types::{Family, PeerId, Prefix};
use crate::wire::{
    Attributes, Message, NextHop, Refresh, RefreshKind, encode_end_of_rib, encode_reach, encode_withdraw,
};

use super::adj_out::{AdjOut, Planned, Stage};
use super::attrs::AttrsId;
use super::decision::{Candidate, Kind};
use super::sessions::{Live, SessionId};
use super::table::{Row, RowId};
use super::{Rib, at};

/// How many prefixes are looked at before messages are made: more pack better, fewer answer sooner.
const BATCH: usize = 4096;

/// How many batches one call looks at before it comes back without a message: some 5 ms.
const LOOKS: usize = 3;

/// What is exported of each path that was the best of some prefix of a batch; the sets are held.
type Memo = HashMap<(AttrsId, SessionId, u16), Option<AttrsId>>;

impl Rib {
    /// One encoded message for the neighbor: an UPDATE, End-of-RIB, or a marker of a refresh. `None` if it has been
    /// told everything, or if all that a bounded look found needs no message: then [`Rib::has_output`] says so, and the
    /// next turn goes on.
    pub fn next_output(&mut self, id: PeerId) -> Option<Bytes> {
        let session = self.peers.get(&id)?.session?;
        Family::ALL.into_iter().find_map(|family| self.next_of_family(id, session, family))
    }

    /// True if there may be something for [`Rib::next_output`].
    #[must_use]
    pub fn has_output(&self, id: PeerId) -> bool {
        let session = self.peers.get(&id).and_then(|peer| peer.session);
        session.and_then(|session| self.sessions.get(session)).is_some_and(|live| {
            Family::ALL.into_iter().any(|family| live.out[at(family)].has_routes() || self.says_marker(family, live))
        })
    }

    /// True if a marker is due and may go: none goes before what is still to be decided, for its receiver takes it that
    /// all was said; and none before the selection after a restart to who hears of what is selected (RFC 4724 §4.1);
    /// and none while it is held back.
    fn says_marker(&self, family: Family, live: &Live) -> bool {
        let own = || self.peers.get(&live.peer).is_some_and(|peer| peer.settings.export.scope == Scope::LocalOnly);
        live.out[at(family)].stage != Stage::Quiet
            && !live.end_held
            && self.routes[at(family)].changed.is_empty()
            && (!self.deferring || own())
    }

    fn next_of_family(&mut self, id: PeerId, session: SessionId, family: Family) -> Option<Bytes> {
        for _ in 0..LOOKS {
            if let Some(message) = self.emit(session, family) {
                return Some(message);
            }
            if self.out(session, family)?.batch.is_empty() && !self.plan_batch(id, session, family) {
                return self.next_marker(session, family);
            }
        }
        None
    }

    fn next_marker(&mut self, session: SessionId, family: Family) -> Option<Bytes> {
        self.sessions.get(session).filter(|live| self.says_marker(family, live))?;
        let live = self.sessions.get_mut(session)?;
        let context = &live.session.context;
        let mut message = BytesMut::new();
        let kind = match live.out[at(family)].next_stage() {
            Stage::Quiet => return None,
            Stage::EndOfRib => {
                encode_end_of_rib(family, context, &mut message);
                return Some(message.freeze());
            }
            Stage::Begin => RefreshKind::Begin,
            Stage::End => RefreshKind::End,
        };
        Message::Refresh(Refresh { family: family.into(), kind }).encode(context, &mut message);
        Some(message.freeze())
    }

    fn out(&mut self, session: SessionId, family: Family) -> Option<&mut AdjOut> {
        self.sessions.get_mut(session).map(|live| &mut live.out[at(family)])
    }

    /// Takes the next rows out of the queue and finds out what the neighbor is to be told of them; false if there are
    /// none.
    fn plan_batch(&mut self, id: PeerId, session: SessionId, family: Family) -> bool {
        let mut memo = Memo::new();
        let mut batch: Vec<Planned> = Vec::new();
        let mut any = false;
        // Not between rows: a row must not be in a batch twice.
        self.walk(session, family);
        for _ in 0..BATCH {
            let (out, table) = match self.sessions.get_mut(session) {
                Some(live) => (&mut live.out[at(family)], &mut self.routes[at(family)].table),
                None => break,
            };
            let Some((row, forced)) = out.pop(table) else { break };
            any = true;
            if table.row(row).is(Row::CHANGED) {
                // Neighbors hear what was decided, not what is about to be.
                out.defer(row, forced, table);
                continue;
            }
            let target = self.target(id, session, family, row, &mut memo);
            let sent = self.out(session, family).and_then(|out| out.sent(row));
            if target == sent && !(forced && target.is_some()) {
                self.routes[at(family)].table.release(row);
                continue;
            }
            if let Some(target) = target {
                self.attrs.hold(target);
            }
            batch.push(Planned { target, row });
        }
        memo.into_values().flatten().for_each(|held| self.attrs.release(held));
        // The last is sent first: withdrawals, then each set, its prefixes in the order of their rows.
        batch.sort_unstable_by_key(|planned| std::cmp::Reverse((planned.target, planned.row)));
        if let Some(out) = self.out(session, family) {
            out.batch = batch;
        }
        any
    }

    /// Fills an empty queue from the walk over the table, if there is one.
    fn walk(&mut self, session: SessionId, family: Family) {
        let Some(live) = self.sessions.get_mut(session) else { return };
        let out = &mut live.out[at(family)];
        let table = &mut self.routes[at(family)].table;
        while out.queue.is_empty()
            && let Some(mut walk) = out.walk
        {
            let end = table.end().min(walk.next.saturating_add(BATCH as RowId));
            for row in walk.next..end {
                if !table.row(row).head.is_empty() || out.sent(row).is_some() {
                    out.mark(row, walk.forced, table);
                }
            }
            walk.next = end;
            out.walk = (end < table.end()).then_some(walk);
        }
    }

    /// The set that the neighbor is to have for a row, held by `memo`; `None` for none.
    fn target(
        &mut self,
        id: PeerId,
        session: SessionId,
        family: Family,
        row: RowId,
        memo: &mut Memo,
    ) -> Option<AttrsId> {
        let decision = self.decide(family, row);
        let best = decision.best()?;
        let (candidate, (from, number)) = (decision.candidates[best], decision.origins[best]);
        if self.deferring && candidate.kind != Kind::Local {
            return None;
        }
        let export = &self.peers.get(&id)?.settings.export;
        let prefix = self.routes[at(family)].table.prefix(row);
        let source = source(&candidate);
        export.passes(id, &prefix, source).ok()?;
        let key = (candidate.attrs, from, number);
        if let Some(known) = memo.get(&key).filter(|_| !export.differs_by_prefix()) {
            return *known;
        }
        let taught = self.next_hop(candidate.attrs, from, number);
        let exported = self.told(id, session, &prefix, &candidate, taught).ok();
        let target = exported.map(|(attributes, next_hop)| self.attrs.intern_with(&attributes, &next_hop));
        if let Some(Some(old)) = memo.insert(key, target) {
            self.attrs.release(old);
        }
        target
    }

    /// What the neighbor is told of a path, or why it is not.
    pub(super) fn told(
        &self,
        to: PeerId,
        session: SessionId,
        prefix: &Prefix,
        path: &Candidate,
        taught: Option<NextHop>,
    ) -> Result<(Attributes, NextHop), Withheld> {
        let live = self.sessions.get(session).ok_or(Withheld::NoNextHop)?;
        let export = &self.peers.get(&to).ok_or(Withheld::NoPolicy)?.settings.export;
        let (source, attributes) = (source(path), self.attrs.get(path.attrs));
        let from = match source {
            Source::Local => None,
            Source::External(peer) | Source::Internal(peer) => self.peers.get(&peer).map(|peer| &peer.settings.name),
        };
        let route = Route { prefix, attributes: &attributes, next_hop: taught.as_ref(), neighbor: from };
        let told = export.check(to, source, &route)?;
        let next_hop = match told.next_hop {
            NextHopOut::Own => live.ourselves(prefix.family()),
            NextHopOut::Kept => taught,
            // Nobody is sent to itself (RFC 4271 §5.1.3).
            NextHopOut::Address(address) => (address != live.session.remote).then(|| address.into()),
        };
        Ok((told.attributes, next_hop.ok_or(Withheld::NoNextHop)?))
    }

    /// The next message of the batch.
    fn emit(&mut self, session: SessionId, family: Family) -> Option<Bytes> {
        let live = self.sessions.get_mut(session)?;
        let (out, context) = (&mut live.out[at(family)], &live.session.context);
        let table = &mut self.routes[at(family)].table;
        let mut message = BytesMut::new();
        while let Some(first) = out.batch.last().copied() {
            let same = out.batch.iter().rev().take_while(|planned| planned.target == first.target);
            let mut prefixes = same.map(|planned| table.prefix(planned.row)).peekable();
            let taken = match first.target {
                None => encode_withdraw(family, &mut prefixes, context, &mut message),
                Some(target) => {
                    let (attributes, next_hop) = self.attrs.get_with(target);
                    encode_reach(&attributes, &next_hop, family, &mut prefixes, context, &mut message)
                }
            };
            drop(prefixes);
            for planned in out.batch.split_off(out.batch.len() - taken) {
                out.record(planned, table, &mut self.attrs);
            }
            if taken > 0 {
                return Some(message.freeze());
            }
            // The attributes fit no message: the neighbor must not keep what it had (RFC 8654 §4).
            let count = out.batch.iter().rev().take_while(|planned| planned.target == first.target).count();
            for planned in out.batch.split_off(out.batch.len() - count) {
                out.too_big += 1;
                match (out.sent(planned.row), planned.target) {
                    (Some(_), Some(target)) => {
                        self.attrs.release(target);
                        out.batch.push(Planned { target: None, row: planned.row });
                    }
                    _ => AdjOut::drop_planned(planned, table, &mut self.attrs),
                }
            }
        }
        None
    }
}

/// Where the best path came from, as the export rules see it.
pub(super) fn source(candidate: &Candidate) -> Source {
    match candidate.kind {
        Kind::Local => Source::Local,
        Kind::External => Source::External(candidate.peer),
        Kind::Internal | Kind::Twin => Source::Internal(candidate.peer),
    }
}
