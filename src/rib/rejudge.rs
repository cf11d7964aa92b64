//! Settings that change while sessions are up: what a neighbor taught is judged again from the paths as they came, what
//! it was told is looked through again, and only what comes out differently is told on. Nobody is asked for a refresh.

use hashbrown::HashMap;

use crate::policy;
use crate::policy::{Edits, Refusal};
use crate::types::{Family, PeerId};
use crate::wire::Attributes;

use super::adj_in::Path;
use super::adj_out::Walk;
use super::attrs::AttrsId;
use super::sessions::SessionId;
use super::table::{Row, RowId};
use super::{PeerSettings, Rib, Settings, at, local};

/// One pass over all rows, for some sessions, or for the decision alone.
pub(super) struct Rejudge {
    /// Sessions whose import settings have changed since the pass began.
    sessions: Vec<SessionId>,
    /// What holds for all neighbors has changed: every decision is made again.
    decide: bool,
    /// Shares have changed: what is used is told again.
    touch: bool,
    family: Family,
    next: RowId,
}

/// What import makes of all prefixes of one set, next hop and session.
pub(super) struct Verdict {
    attributes: Attributes,
    memo: policy::Memo,
    edits: Result<Edits, Refusal>,
}

pub(super) type Memo = HashMap<(SessionId, AttrsId, u16), Verdict>;

impl Rib {
    /// Changes the settings of a neighbor; its session goes on. [`Rib::work`] judges what it taught again if its import
    /// settings differ, and [`Rib::next_output`] says what it was told wrongly if its export settings do.
    pub fn set_peer(&mut self, id: PeerId, settings: PeerSettings) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let import = peer.settings.import != settings.import || peer.settings.caps != settings.caps;
        let export = peer.settings.export != settings.export;
        let weight = peer.settings.weight != settings.weight;
        peer.settings = settings;
        let (session, kept) = (peer.session, peer.kept.clone());
        for session in kept.into_iter().chain(session).filter(|_| import) {
            self.judge_again(Some(session));
        }
        if weight {
            self.share_again();
        }
        let Some(session) = session else { return };
        if export {
            self.sort_sessions();
            self.look_again(session);
        }
    }

    /// Looks through all that a session was told; what is told wrongly goes out again.
    fn look_again(&mut self, session: SessionId) {
        let Some(live) = self.sessions.get_mut(session) else { return };
        for family in Family::ALL {
            if live.has(family) {
                let out = &mut live.out[at(family)];
                // A refresh that is under way stays one.
                let forced = out.walk.is_some_and(|walk| walk.forced);
                out.walk = Some(Walk { next: 0, forced });
            }
        }
    }

    /// Changes what holds for all neighbors. [`Rib::work`] has every decision made again if that can matter.
    pub fn set(&mut self, settings: Settings) {
        let before = (self.limits(), self.settings.weights);
        self.settings = settings;
        if before.0 != self.limits() {
            self.judge_again(None);
        }
        if before.1 != self.settings.weights {
            self.share_again();
        }
    }

    /// Begins a pass that tells of all that is used again, with the shares of now.
    fn share_again(&mut self) {
        self.judge_again(None);
        if let Some(pass) = &mut self.rejudge {
            pass.touch = true;
        }
    }

    /// Begins a pass for one more session, or for the decision. What a pass under way had done is done again.
    fn judge_again(&mut self, session: Option<SessionId>) {
        let pass = self.rejudge.get_or_insert(Rejudge {
            sessions: Vec::new(),
            decide: false,
            touch: false,
            family: Family::Ipv4,
            next: 0,
        });
        (pass.family, pass.next) = (Family::Ipv4, 0);
        match session {
            Some(session) if !pass.sessions.contains(&session) => pass.sessions.push(session),
            Some(_) => {}
            None => pass.decide = true,
        }
    }

    /// Does up to `budget` rows of a pass; returns what is left of the budget.
    pub(super) fn rejudge(&mut self, mut budget: usize) -> usize {
        let Some(mut pass) = self.rejudge.take() else { return budget };
        let mut memo = Memo::new();
        while budget > 0 {
            if pass.next >= self.routes[at(pass.family)].table.end() {
                if pass.family == Family::Ipv6 {
                    return budget;
                }
                (pass.family, pass.next) = (Family::Ipv6, 0);
                continue;
            }
            self.rejudge_row(&pass, &mut memo);
            pass.next += 1;
            budget -= 1;
        }
        self.rejudge = Some(pass);
        0
    }

    fn rejudge_row(&mut self, pass: &Rejudge, memo: &mut Memo) {
        let (family, row) = (pass.family, pass.next);
        let head = self.routes[at(family)].table.row(row).head;
        if head.is_empty() {
            return;
        }
        if pass.touch {
            self.paths.for_each_mut(head, |path| {
                if path.is(Path::USED) {
                    path.touch();
                }
            });
        }
        if pass.decide && !self.routes[at(family)].table.row(row).is(Row::CHANGED) {
            self.mark_changed(family, row);
        }
        let concerned = self.paths.iter(head).filter(|path| pass.sessions.contains(&path.session));
        let concerned: smallvec::SmallVec<[Path; 4]> = concerned.copied().collect();
        for path in concerned {
            if !self.sessions.get(path.session).is_some_and(|live| live.stands(family)) {
                continue; // its sweep is on the way
            }
            let accepted = self.judge(family, row, &path, memo);
            self.attrs.hold(path.received);
            let judged = Path::new(path.session, path.next_hop, path.received, accepted);
            self.put(family, row, judged.in_round(path.round()));
        }
    }

    /// What the import settings of now make of a path: the set, held; `None` if it is refused.
    pub(super) fn judge(&mut self, family: Family, row: RowId, path: &Path, memo: &mut Memo) -> Option<AttrsId> {
        if self.stays_out(path.session, family, row) {
            return None;
        }
        let live = self.sessions.get(path.session)?;
        let import = &self.peers.get(&live.peer)?.settings.import;
        let key = (path.session, path.received, path.next_hop);
        let verdict = memo.entry(key).or_insert_with(|| {
            let attributes = self.attrs.get(path.received);
            let edits = match live.next_hop(path.next_hop) {
                Some(next_hop) => import.check_path(&attributes, &next_hop),
                None => Err(Refusal::TooManyNextHops),
            };
            Verdict { attributes, memo: policy::Memo::default(), edits }
        });
        let first = verdict.edits.as_ref().ok()?;
        let prefix = self.routes[at(family)].table.prefix(row);
        import.check_prefix(&prefix).ok()?;
        let next_hop = live.next_hop(path.next_hop)?;
        let edits = first.then(&import.check_policy(&prefix, &verdict.attributes, &next_hop, &mut verdict.memo).ok()?);
        if edits.is_empty() {
            self.attrs.hold(path.received);
            return Some(path.received);
        }
        let mut changed = verdict.attributes.clone();
        import.apply(&edits, &mut changed);
        let local = local(&edits, family, live.session.remote);
        Some(self.attrs.intern_accepted(&changed, &local))
    }
}
