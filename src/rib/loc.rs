//! The loc-rib: the decision for a prefix, and which decisions came out differently than before.

use smallvec::SmallVec;

use crate::types::{Family, PeerId, Prefix, Weight};
use crate::wire::NextHop;

use super::adj_in::Path;
use super::attrs::AttrsId;
use super::decision::{self, Candidate, Kind, Limits, Outcome, Outcomes};
use super::sessions::SessionId;
use super::table::{Row, RowId};
use super::{Rib, at};

/// A prefix whose chosen paths are others than before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Changed {
    /// Which prefix.
    pub prefix: Prefix,
    /// The best, and its equals, by tie break. Empty: no route through a neighbor, also when the gateway's own wins.
    pub paths: SmallVec<[Chosen; 4]>,
    /// What the decision would be if nobody who taught one of those were there: the twin's path beside those of
    /// devices, a longer one beside the short ones. In use only when all the others are gone.
    pub backups: SmallVec<[Chosen; 2]>,
}

/// A path that is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Chosen {
    /// Who taught it.
    pub peer: PeerId,
    /// Where it says packets go.
    pub next_hop: NextHop,
    /// Its share.
    pub weight: Weight,
}

/// A decision, with the paths it was made of.
#[derive(Default)]
pub(super) struct Decision {
    pub(super) candidates: SmallVec<[Candidate; 4]>,
    /// Session and next hop number of each candidate.
    pub(super) origins: SmallVec<[(SessionId, u16); 4]>,
    pub(super) outcomes: Outcomes,
}

impl Decision {
    /// The place of the best among the candidates.
    pub(super) fn best(&self) -> Option<usize> {
        self.outcomes.iter().position(|outcome| *outcome == Outcome::Best)
    }

    fn outcome(&self, session: SessionId) -> Option<Outcome> {
        let place = self.origins.iter().position(|(of, _)| *of == session)?;
        self.outcomes.get(place).copied()
    }

    /// How the path of this session is used, by this decision and the one without its winners.
    fn flags(&self, session: SessionId, spare: &Self) -> u32 {
        match self.outcome(session) {
            Some(Outcome::Best) => Path::CHOSEN | Path::BEST,
            Some(Outcome::Multipath) => Path::CHOSEN,
            Some(Outcome::Lost(_)) | None => match spare.outcome(session) {
                Some(Outcome::Best | Outcome::Multipath) => Path::BACKUP,
                Some(Outcome::Lost(_)) | None => 0,
            },
        }
    }
}

impl Rib {
    /// Decides about up to `limit` prefixes that may have changed, and tells of those that did. Each prefix comes once,
    /// however often it changed since it last came. What neighbors are told follows from this: call it before
    /// [`Rib::next_output`].
    pub fn take_changed(&mut self, limit: usize, out: &mut Vec<Changed>) {
        let mut left = limit;
        for family in Family::ALL {
            while left > 0 {
                let Some(row) = self.routes[at(family)].changed.pop_front() else { break };
                left -= 1;
                if let Some(changed) = self.settle(family, row) {
                    out.push(changed);
                }
                self.routes[at(family)].table.free_if_idle(row);
            }
        }
    }

    /// True if [`Rib::take_changed`] has something to decide.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.routes.iter().any(|routes| !routes.changed.is_empty())
    }

    /// The decision for a row, from the paths that count now.
    pub(super) fn decide(&self, family: Family, row: RowId) -> Decision {
        let mut decision = Decision::default();
        for path in self.paths.iter(self.routes[at(family)].table.row(row).head) {
            if let Some(candidate) = self.candidate(family, path) {
                decision.candidates.push(candidate);
                decision.origins.push((path.session, path.next_hop));
            }
        }
        decision.outcomes = decision::decide(&decision.candidates, self.limits());
        decision
    }

    /// The decision among those that lost, as if nobody who taught a winner were there. The gateway's own route needs
    /// no other one.
    pub(super) fn spare(&self, decision: &Decision) -> Decision {
        let mut spare = Decision::default();
        let lost = |at: usize| matches!(decision.outcomes.get(at), Some(Outcome::Lost(_)));
        let all = || decision.candidates.iter().zip(&decision.origins).enumerate();
        if decision.best().and_then(|best| decision.candidates.get(best)).is_none_or(|best| best.kind == Kind::Local) {
            return spare;
        }
        for (_, (candidate, origin)) in all().filter(|(at, _)| lost(*at)) {
            if !all().any(|(at, (winner, _))| !lost(at) && winner.peer == candidate.peer) {
                spare.candidates.push(*candidate);
                spare.origins.push(*origin);
            }
        }
        spare.outcomes = decision::decide(&spare.candidates, self.limits());
        spare
    }

    pub(super) fn limits(&self) -> Limits {
        Limits { max_paths: self.settings.max_paths.max(1), as_path_relax: self.settings.as_path_relax }
    }

    /// The path as the decision sees it; `None` if it was refused or its session is over.
    pub(super) fn candidate(&self, family: Family, path: &Path) -> Option<Candidate> {
        let attrs = path.accepted()?;
        let rank = *self.attrs.rank(attrs);
        if path.session == SessionId::LOCAL {
            let remote = std::net::Ipv4Addr::UNSPECIFIED.into();
            return Some(Candidate { kind: Kind::Local, peer: PeerId(0), router_id: 0, remote, attrs, rank });
        }
        let live = self.sessions.get(path.session).filter(|live| live.stands(family))?;
        let router_id = live.session.router_id.addr().to_bits();
        Some(Candidate { kind: live.kind, peer: live.peer, router_id, remote: live.session.remote, attrs, rank })
    }

    /// Decides about a row that may have changed, queues it for the neighbors, and says if the chosen paths are others.
    fn settle(&mut self, family: Family, row: RowId) -> Option<Changed> {
        let decision = self.decide(family, row);
        let spare = self.spare(&decision);
        let routes = &mut self.routes[at(family)];
        let head = routes.table.row(row).head;
        let (mut used, mut best) = (routes.table.row(row).is(Row::LOST), false);
        let mut backup = false;
        self.paths.for_each_mut(head, |path| {
            let flags = decision.flags(path.session, &spare);
            let before = |flag: u32| path.is(flag) != (flags & flag != 0);
            let touched = path.is(Path::TOUCHED) && flags & Path::CHOSEN != 0;
            used |= before(Path::CHOSEN) || touched;
            backup |= before(Path::BACKUP) || (path.is(Path::TOUCHED) && flags & Path::BACKUP != 0);
            best |= before(Path::BEST) || (touched && flags & Path::BEST != 0);
            path.decided(flags);
        });
        let entry = routes.table.row_mut(row);
        let awaited = entry.is(Row::AWAITED);
        entry.clear(Row::CHANGED | Row::LOST | Row::AWAITED);
        match (entry.is(Row::REACHED), decision.best().is_some()) {
            (false, true) => {
                entry.set(Row::REACHED);
                routes.reached += 1;
            }
            (true, false) => {
                entry.clear(Row::REACHED);
                routes.reached -= 1;
            }
            (true, true) | (false, false) => {}
        }
        if !used && !best && !backup && !awaited {
            return None;
        }
        let narrow = if entry.is(Row::LOCAL) { self.narrow.as_slice() } else { &[] };
        // Nobody is told of what would be if all were different.
        let told = used || best || awaited;
        for session in self.wide.iter().chain(narrow).filter(|_| told) {
            if let Some(live) = self.sessions.get_mut(*session).filter(|live| live.has(family)) {
                live.out[at(family)].mark(row, false, &mut routes.table);
            }
        }
        let prefix = routes.table.prefix(row);
        (used || best || backup).then(|| Changed {
            prefix,
            paths: self.chosen(&decision).collect(),
            backups: self.chosen(&spare).collect(),
        })
    }

    /// The next hop of a path: what a policy said, else what the neighbor said.
    pub(super) fn next_hop(&self, accepted: AttrsId, session: SessionId, number: u16) -> Option<NextHop> {
        self.attrs.next_hop(accepted).or_else(|| self.sessions.get(session)?.next_hop(number))
    }

    fn chosen(&self, decision: &Decision) -> impl Iterator<Item = Chosen> {
        let chosen = move |(at, weight): (usize, Weight)| {
            let (session, number) = decision.origins[at];
            let live = self.sessions.get(session)?;
            let next_hop = self.next_hop(decision.candidates[at].attrs, session, number)?;
            Some(Chosen { peer: live.peer, next_hop, weight })
        };
        self.shares(decision).into_iter().filter_map(chosen)
    }
}
