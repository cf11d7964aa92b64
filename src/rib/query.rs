//! Looking at the RIB: pages of routes with the reason of each path that lost, and counts.

use std::{collections::BinaryHeap, net::IpAddr, sync::Arc};

use crate::policy::{Refusal, Withheld};
use crate::types::{Family, PeerId, Prefix, Weight};
use crate::wire::{Attributes, NextHop};

use super::adj_in::Path;
use super::decision::{Outcome, Step, why};
use super::sessions::SessionId;
use super::table::{RowId, Table};
use super::{Rib, at};

/// A prefix and all that is known of it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Which prefix.
    pub prefix: Prefix,
    /// The best first, then those beside it, then the others.
    pub paths: Vec<PathView>,
}

/// One path of a prefix.
#[derive(Clone, Debug)]
pub struct PathView {
    /// Who taught it; `None` for the gateway's own.
    pub peer: Option<PeerId>,
    /// Its attributes after import, or as they came if it was refused.
    pub attributes: Arc<Attributes>,
    /// Its next hop; `None` for the gateway's own.
    pub next_hop: Option<NextHop>,
    /// It was said before a restart or a refresh, and not again yet.
    pub stale: bool,
    /// Stale because the session that taught it was lost.
    pub lost: bool,
    /// What became of it.
    pub state: PathState,
    /// Its share of the traffic beside the others in use; `None` if it is not used.
    pub weight: Option<Weight>,
}

/// What became of a path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PathState {
    /// The best.
    Best,
    /// As good, and used beside it.
    Multipath,
    /// Lost against the best.
    NotBest {
        /// At this step.
        step: Step,
        /// The two values, for people.
        why: String,
    },
    /// Not accepted.
    Refused(Refusal),
}

/// Counts of one neighbor and family.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FamilyCounts {
    /// Prefixes that it has told us.
    pub received: usize,
    /// Those of them that may be used.
    pub accepted: usize,
    /// Those that were refused.
    pub refused: usize,
    /// Those of the refused that are above the cap.
    pub trimmed: usize,
    /// Prefixes that we have told it.
    pub advertised: usize,
    /// How often a prefix could not be told because its attributes fit no message (RFC 8654 §4).
    pub too_big: u64,
    /// Paths that are used though they were not said again: kept of a session that was lost, which [`Self::received`]
    /// does not count, or of before a refresh that is under way, which it does.
    pub stale: usize,
}

/// Counts of one neighbor; all but the stale are zero without a session.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// IPv4 unicast.
    pub ipv4: FamilyCounts,
    /// IPv6 unicast.
    pub ipv6: FamilyCounts,
}

/// Counts of the whole RIB.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    /// IPv4 prefixes stored, also with refused paths only.
    pub ipv4_prefixes: usize,
    /// IPv6 prefixes stored, also with refused paths only.
    pub ipv6_prefixes: usize,
    /// Paths stored, refused ones and those that wait for their sweep too.
    pub paths: usize,
    /// Different sets of attributes.
    pub attribute_sets: usize,
    /// Prefixes that wait for a decision.
    pub undecided: usize,
}

/// Counts of one family.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FamilyTotals {
    /// Prefixes with a path in use, our own too.
    pub prefixes: usize,
    /// Paths that neighbors taught, refused ones too.
    pub paths: usize,
    /// Of them, those that were refused.
    pub refused: usize,
}

impl Counts {
    /// Of one family.
    #[must_use]
    pub const fn family(&self, family: Family) -> &FamilyCounts {
        match family {
            Family::Ipv4 => &self.ipv4,
            Family::Ipv6 => &self.ipv6,
        }
    }
}

impl Rib {
    /// What a neighbor taught and was told.
    #[must_use]
    pub fn counts(&self, id: PeerId) -> Counts {
        let session = self.peers.get(&id).and_then(|peer| peer.session);
        let live = session.and_then(|session| self.sessions.get(session));
        let of = |family| {
            let stale = self.count_stale(id, family);
            let Some(live) = live else { return FamilyCounts { stale, ..FamilyCounts::default() } };
            let (counts, out) = (live.counts[at(family)], &live.out[at(family)]);
            let refused = counts.received - counts.accepted;
            let trimmed = live.trimmed[at(family)].len();
            FamilyCounts { refused, trimmed, advertised: out.advertised, too_big: out.too_big, stale, ..counts }
        };
        Counts { ipv4: of(Family::Ipv4), ipv6: of(Family::Ipv6) }
    }

    /// How much there is.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let [ipv4, ipv6] = &self.routes;
        Totals {
            ipv4_prefixes: ipv4.table.len(),
            ipv6_prefixes: ipv6.table.len(),
            paths: self.paths.len(),
            attribute_sets: self.attrs.len(),
            undecided: ipv4.changed.len() + ipv6.changed.len(),
        }
    }

    /// How much there is in one family.
    #[must_use]
    pub fn family_totals(&self, family: Family) -> FamilyTotals {
        let mut totals = FamilyTotals { prefixes: self.routes[at(family)].reached, paths: 0, refused: 0 };
        for live in self.sessions.iter().filter(|live| live.stands(family)) {
            let counts = live.counts[at(family)];
            totals.paths += counts.received;
            totals.refused += counts.received - counts.accepted;
        }
        totals
    }

    /// The first `limit` prefixes behind `after`, in order, of one neighbor or of all: one look at all, so its cost
    /// does not depend on `after`.
    #[must_use]
    pub fn page(&self, family: Family, after: Option<Prefix>, limit: usize, of: Option<PeerId>) -> Vec<Entry> {
        let by = |path: &Path, id: PeerId| {
            self.sessions.get(path.session).is_some_and(|live| live.peer == id && live.stands(family))
        };
        let taught = |row: RowId| {
            of.is_none_or(|id| self.paths.iter(self.routes[at(family)].table.row(row).head).any(|path| by(path, id)))
        };
        let table = &self.routes[at(family)].table;
        let after = after.filter(|prefix| prefix.family() == family).map(|prefix| Table::key_of(&prefix));
        let mut least: BinaryHeap<((u128, u8), RowId)> = BinaryHeap::with_capacity(limit.min(4096) + 1);
        for row in table.ids() {
            let key = table.key(row);
            let full = least.len() >= limit;
            if after.is_some_and(|after| key <= after)
                || (full && least.peek().is_none_or(|(most, _)| key > *most))
                || !self.is_visible(family, row)
                || !taught(row)
            {
                continue;
            }
            least.push((key, row));
            if full {
                least.pop();
            }
        }
        least.into_sorted_vec().into_iter().map(|(_, row)| self.view(family, row)).collect()
    }

    /// All that is known of one prefix.
    #[must_use]
    pub fn entry(&self, prefix: &Prefix) -> Option<Entry> {
        let family = prefix.family();
        let row = self.routes[at(family)].table.find(prefix)?;
        self.is_visible(family, row).then(|| self.view(family, row))
    }

    /// The longest prefix with a usable path that holds an address.
    #[must_use]
    pub fn longest(&self, address: IpAddr) -> Option<Entry> {
        let family = Family::of(address);
        let table = &self.routes[at(family)].table;
        let rows = (0..=family.bits()).rev().filter_map(|len| table.find(&Prefix::truncated(address, len).ok()?));
        let usable =
            |row: &RowId| self.paths.iter(table.row(*row).head).any(|path| self.candidate(family, path).is_some());
        rows.into_iter().find(usable).map(|row| self.view(family, row))
    }

    /// What the neighbor has from us of a prefix.
    #[must_use]
    pub fn advertised(&self, id: PeerId, prefix: &Prefix) -> Option<(Attributes, NextHop)> {
        let family = prefix.family();
        let row = self.routes[at(family)].table.find(prefix)?;
        let live = self.sessions.get(self.peers.get(&id)?.session?)?;
        live.out[at(family)].sent(row).map(|sent| self.attrs.get_with(sent))
    }

    /// Why a neighbor is not told of a prefix; `None` if it is, or if there is no route to tell.
    #[must_use]
    pub fn withheld(&self, id: PeerId, prefix: &Prefix) -> Option<Withheld> {
        let family = prefix.family();
        let peer = self.peers.get(&id)?;
        let decision = self.decide(family, self.routes[at(family)].table.find(prefix)?);
        let best = decision.best()?;
        let (candidate, (from, number)) = (&decision.candidates[best], decision.origins[best]);
        let taught = self.next_hop(candidate.attrs, from, number);
        self.told(id, peer.session?, prefix, candidate, taught).err()
    }

    /// True if the row has a path of a session that is not over.
    fn is_visible(&self, family: Family, row: RowId) -> bool {
        self.paths
            .iter(self.routes[at(family)].table.row(row).head)
            .any(|path| self.sessions.counts(path.session, family))
    }

    fn view(&self, family: Family, row: RowId) -> Entry {
        let table = &self.routes[at(family)].table;
        let prefix = table.prefix(row);
        let decision = self.decide(family, row);
        let best = decision.best();
        let shares = self.shares(&decision);
        let mut paths = Vec::new();
        for path in self.paths.iter(table.row(row).head).filter(|path| self.sessions.counts(path.session, family)) {
            let place = decision.origins.iter().position(|(session, _)| *session == path.session);
            let (state, key) = match (place, best) {
                (Some(place), Some(best)) => {
                    let (candidate, won) = (&decision.candidates[place], &decision.candidates[best]);
                    let (state, order) = match decision.outcomes[place] {
                        Outcome::Best => (PathState::Best, 0),
                        Outcome::Multipath => (PathState::Multipath, 1),
                        Outcome::Lost(step) => {
                            let why = why(step, candidate, &decision.candidates, won);
                            (PathState::NotBest { step, why }, 2)
                        }
                    };
                    (state, (order, Some(candidate.tie_break())))
                }
                _ => (PathState::Refused(self.refusal(&prefix, row, path)), (3, None)),
            };
            let share = |(at, weight): &(usize, Weight)| (Some(*at) == place).then_some(*weight);
            let weight = shares.iter().find_map(share);
            paths.push((key, PathView { weight, ..self.path_view(family, path, state) }));
        }
        paths.sort_by_key(|(key, view)| (*key, view.peer));
        Entry { prefix, paths: paths.into_iter().map(|(_, view)| view).collect() }
    }

    fn path_view(&self, family: Family, path: &Path, state: PathState) -> PathView {
        let live = self.sessions.get(path.session).filter(|_| path.session != SessionId::LOCAL);
        PathView {
            peer: live.map(|live| live.peer),
            attributes: Arc::new(self.attrs.get(path.accepted().unwrap_or(path.received))),
            next_hop: live.and_then(|live| {
                let said = path.accepted().and_then(|accepted| self.attrs.next_hop(accepted));
                said.or_else(|| live.next_hop(path.next_hop))
            }),
            stale: self.is_stale(family, path),
            lost: live.is_some_and(|live| !live.up),
            state,
            weight: None,
        }
    }

    /// Why a stored path was refused: asked again, which costs nothing until somebody wants to know.
    fn refusal(&self, prefix: &Prefix, row: RowId, path: &Path) -> Refusal {
        if self.is_trimmed(path.session, prefix.family(), row) {
            return Refusal::OverLimit(self.cap(path.session, prefix.family()).unwrap_or_default());
        }
        let hop = path.accepted().and_then(|_| self.sessions.get(path.session)?.next_hop(path.next_hop));
        if let Some(next_hop) = hop {
            return Refusal::Unreachable(next_hop.addr());
        }
        let found = self.sessions.get(path.session).and_then(|live| {
            let import = &self.peers.get(&live.peer)?.settings.import;
            let Some(next_hop) = live.next_hop(path.next_hop) else { return Some(Refusal::TooManyNextHops) };
            import.check(prefix, &self.attrs.get(path.received), &next_hop).err()
        });
        found.unwrap_or(Refusal::Outdated)
    }
}
