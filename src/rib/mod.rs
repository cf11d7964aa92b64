//! Routes: what neighbors taught, what is chosen of it, what neighbors are told. One machine without I/O or clock.
//!
//! Owns the adj-in, the loc-rib and the adj-outs (RFC 4271 §3.2) and the decision process (§9.1). Never knows about
//! connections, interfaces or the kernel: the speaker feeds it UPDATEs, takes what changed ([`Rib::take_changed`]) to
//! the kernel, and takes messages for the neighbors ([`Rib::next_output`]). All work is done in bounded pieces.
//!
//! The decision is made when it is asked for, from the paths as they are; nothing about it is stored but which paths
//! the speaker was last told of. So a session can end in O(1): its paths no longer count from then on, and
//! [`Rib::work`] finds the prefixes that this changes.

mod adj_in;
mod adj_out;
mod attrs;
mod compact;
mod decision;
mod loc;
mod multipath;
mod pack;
mod query;
mod rejudge;
mod sessions;
mod stale;
mod statics;
mod sweep;
mod table;
#[cfg(test)]
mod tests;
mod trim;
mod weights;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque, btree_map},
    net::{IpAddr, Ipv6Addr},
};

use hashbrown::HashSet;

use crate::policy::{Edits, Export, Import, Memo, NextHopEdit, Refusal, Scope};
use crate::types::{Asn, Family, Name, PeerId, Prefix, RouterId, Weight};
use crate::wire::{Attributes, Context, NextHop, Reach, Update};

use adj_in::{Path, Paths};
use adj_out::{Stage, Walk};
use attrs::{Attrs, AttrsId, Local};
use decision::Kind;
use rejudge::Rejudge;
use sessions::{Live, SessionId, Sessions};
use sweep::Sweep;
use table::{Row, RowId, Table};

pub use decision::Step;
pub use loc::{Changed, Chosen};
pub use query::{Counts, Entry, FamilyCounts, FamilyTotals, PathState, PathView, Totals};
pub use stale::Retain;
pub use statics::Way;
pub use trim::Caps;
pub use weights::Weights;

/// What holds for all neighbors.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Our AS.
    pub local_asn: Asn,
    /// Our BGP Identifier.
    pub router_id: RouterId,
    /// The most paths that are used at once for a prefix, at least 1.
    pub max_paths: usize,
    /// Paths of different neighbor ASes may be used at once if AS_PATH is as long.
    pub as_path_relax: bool,
    /// Where the shares of paths come from that are used at once.
    pub weights: Weights,
}

/// A neighbor as configured.
#[derive(Clone, Debug)]
pub struct PeerSettings {
    /// What people call it.
    pub name: Name,
    /// Its AS.
    pub asn: Asn,
    /// What is accepted from it.
    pub import: Import,
    /// What it is told.
    pub export: Export,
    /// The most prefixes of it that may be in the table; what comes above that is refused.
    pub caps: Caps,
    /// The share of its paths, where the shares are configured.
    pub weight: Weight,
    /// It is the other instance of this gateway: its paths stand behind all others of the same LOCAL_PREF.
    pub twin: bool,
}

/// A session that is Established.
#[derive(Clone, Debug)]
pub struct Session {
    /// The neighbor's BGP Identifier.
    pub router_id: RouterId,
    /// The neighbor's address.
    pub remote: IpAddr,
    /// Our address in it: the next hop that it is told.
    pub local: IpAddr,
    /// Our IPv6 address, where `local` is none, for IPv6 routes.
    pub local_v6: Option<Ipv6Addr>,
    /// Our link-local address on the link that the neighbor shares with that one: said beside it (RFC 2545 §3).
    pub link_local: Option<Ipv6Addr>,
    /// The families that both agreed on; others are ignored.
    pub families: Vec<Family>,
    /// Those of them whose stale paths stay until End-of-RIB, because the neighbor says that it went on forwarding
    /// (RFC 4724 §4.2). Of the others nothing stays.
    pub preserved: Vec<Family>,
    /// A refresh is sent between its two markers (RFC 7313 §4).
    pub enhanced_refresh: bool,
    /// How UPDATEs to it are written.
    pub context: Context,
}

struct Peer {
    settings: PeerSettings,
    session: Option<SessionId>,
    /// Lost sessions whose paths still count, the oldest first.
    kept: stale::Kept,
}

/// The routes of one family, all neighbors together.
struct Routes {
    family: Family,
    table: Table,
    /// Rows with [`Row::CHANGED`], the oldest first.
    changed: VecDeque<RowId>,
    /// Rows with a route of our own.
    local: BTreeSet<RowId>,
    /// How many rows have [`Row::REACHED`].
    reached: usize,
}

/// The whole RIB.
pub struct Rib {
    settings: Settings,
    peers: BTreeMap<PeerId, Peer>,
    sessions: Sessions,
    /// Sessions that are up and may hear of learned routes.
    wide: Vec<SessionId>,
    /// Sessions that are up and hear of the gateway's own routes only.
    narrow: Vec<SessionId>,
    paths: Paths,
    attrs: Attrs,
    routes: [Routes; 2],
    sweep: Option<Sweep>,
    /// How many lost sessions are kept, of all neighbors.
    keeping: usize,
    /// Only own routes are told, and no End-of-RIB, until [`Rib::tell_all`].
    deferring: bool,
    rejudge: Option<Rejudge>,
}

const fn at(family: Family) -> usize {
    match family {
        Family::Ipv4 => 0,
        Family::Ipv6 => 1,
    }
}

impl Rib {
    /// An empty one.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let routes = |family| Routes {
            family,
            table: Table::new(family),
            changed: VecDeque::new(),
            local: BTreeSet::new(),
            reached: 0,
        };
        Self {
            settings,
            peers: BTreeMap::new(),
            sessions: Sessions::default(),
            wide: Vec::new(),
            narrow: Vec::new(),
            paths: Paths::default(),
            attrs: Attrs::default(),
            routes: Family::ALL.map(routes),
            sweep: None,
            keeping: 0,
            deferring: false,
            rejudge: None,
        }
    }

    /// Makes a neighbor known; one that is known already is changed as by [`Rib::set_peer`].
    pub fn add_peer(&mut self, id: PeerId, settings: PeerSettings) {
        match self.peers.entry(id) {
            btree_map::Entry::Vacant(new) => {
                new.insert(Peer { settings, session: None, kept: stale::Kept::new() });
            }
            btree_map::Entry::Occupied(_) => self.set_peer(id, settings),
        }
    }

    /// Forgets a neighbor, and its routes.
    pub fn remove_peer(&mut self, id: PeerId) {
        self.down(id, Retain::Nothing);
        for family in Family::ALL {
            self.drop_stale(id, family);
        }
        self.peers.remove(&id);
    }

    /// A session with the neighbor is Established: it will be told the table, then End-of-RIB.
    /// What was kept of an earlier one stays where the neighbor went on forwarding, until it has said all again.
    pub fn up(&mut self, id: PeerId, session: Session) {
        self.down(id, Retain::Nothing);
        for family in Family::ALL {
            if !(session.preserved.contains(&family) && session.families.contains(&family)) {
                self.drop_stale(id, family);
            }
        }
        let Some(peer) = self.peers.get(&id) else { return };
        let internal = peer.settings.asn == self.settings.local_asn;
        let wide = peer.settings.export.scope != Scope::LocalOnly;
        let kind = match (peer.settings.twin, internal) {
            (true, _) => Kind::Twin,
            (false, true) => Kind::Internal,
            (false, false) => Kind::External,
        };
        let mut live = Live::new(id, session, kind);
        for routes in &mut self.routes {
            if !live.has(routes.family) {
                continue;
            }
            let out = &mut live.out[at(routes.family)];
            out.stage = Stage::EndOfRib;
            if wide {
                out.walk = Some(Walk { next: 0, forced: false });
            } else {
                routes.local.iter().for_each(|row| out.mark(*row, false, &mut routes.table));
            }
        }
        let session = self.open(live);
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.session = session;
        }
        self.sort_sessions();
    }

    /// Gives a session its number.
    fn open(&mut self, live: Live) -> Option<SessionId> {
        match self.sessions.add(live) {
            Ok(session) => Some(session),
            Err(live) => {
                // Every number waits for its sweep: finish that first.
                while self.work(usize::MAX) {}
                self.sessions.add(*live).ok()
            }
        }
    }

    /// An UPDATE from the neighbor. Ignored without a session, as are families that were not agreed on.
    pub fn update(&mut self, id: PeerId, update: Update) {
        let Some(session) = self.peers.get(&id).and_then(|peer| peer.session) else { return };
        let Some(live) = self.sessions.get_mut(session) else { return };
        let families = Family::ALL.map(|family| live.has(family));
        if let Some(family) = update.end_of_rib.filter(|family| live.has(*family)) {
            live.end_of_rib[at(family)] = true;
            self.drop_stale(id, family);
        }
        for prefix in update.withdrawn.iter().filter(|prefix| families[at(prefix.family())]) {
            self.withdraw(session, prefix);
        }
        if update.reach.iter().any(|reach| families[at(reach.family)]) {
            let received = self.attrs.intern(&update.attributes);
            for reach in update.reach.iter().filter(|reach| families[at(reach.family)]) {
                self.learn(id, session, reach, &update.attributes, received);
            }
            self.attrs.release(received);
        }
    }

    /// The neighbor asked for the whole family again (RFC 2918): it gets it, with End-of-RIB after it, or between BoRR
    /// and EoRR (RFC 7313). BoRR must not come before End-of-RIB, and one refresh not within another: then it waits.
    pub fn refresh(&mut self, id: PeerId, family: Family) {
        let Some(peer) = self.peers.get(&id) else { return };
        let Some(live) = peer.session.and_then(|session| self.sessions.get_mut(session)) else { return };
        if live.has(family) {
            live.out[at(family)].refresh(live.session.enhanced_refresh, live.end_held);
        }
    }

    /// The session of now is told routes, but no End-of-RIB until [`Rib::let_end`].
    pub fn hold_end(&mut self, id: PeerId) {
        self.set_end_held(id, true);
    }

    /// Ends [`Rib::hold_end`]: End-of-RIB goes behind what is still to be told.
    pub fn let_end(&mut self, id: PeerId) {
        self.set_end_held(id, false);
    }

    /// End-of-RIB goes out once more, behind what is still to be told: for who shall know that a withdrawal is complete.
    pub fn say_end(&mut self, id: PeerId) {
        let session = self.peers.get(&id).and_then(|peer| peer.session);
        let Some(live) = session.and_then(|session| self.sessions.get_mut(session)) else { return };
        for family in live.session.families.clone() {
            let out = &mut live.out[at(family)];
            if out.stage == Stage::Quiet {
                out.stage = Stage::EndOfRib;
            }
        }
    }

    fn set_end_held(&mut self, id: PeerId, held: bool) {
        let session = self.peers.get(&id).and_then(|peer| peer.session);
        if let Some(live) = session.and_then(|session| self.sessions.get_mut(session)) {
            live.end_held = held;
        }
    }

    /// From now on neighbors are told of the gateway's own routes only, without End-of-RIB (RFC 4724 §4.1).
    pub fn defer(&mut self) {
        self.deferring = true;
    }

    /// Ends [`Rib::defer`]: they are told the rest.
    pub fn tell_all(&mut self) {
        if std::mem::take(&mut self.deferring) {
            for live in self.sessions.iter_mut().filter(|live| live.up) {
                for family in live.session.families.clone() {
                    live.out[at(family)].walk.get_or_insert(Walk { next: 0, forced: false }).next = 0;
                }
            }
        }
    }

    /// The neighbor's next hops lead elsewhere now: its paths that are in use come as changed again, after a walk over
    /// the table.
    pub fn reconsider(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get(&id) else { return };
        let taught = |path: &Path| peer.session == Some(path.session) || peer.kept.contains(&path.session);
        for family in Family::ALL {
            let Routes { table, changed, .. } = &mut self.routes[at(family)];
            for row in 0..table.end() {
                let head = table.row(row).head;
                if self.paths.iter(head).any(|path| taught(path) && path.is(Path::USED)) {
                    self.paths.for_each_mut(head, |path| {
                        if taught(path) {
                            path.touch();
                        }
                    });
                    if !table.row(row).is(Row::CHANGED) {
                        table.row_mut(row).set(Row::CHANGED);
                        changed.push_back(row);
                    }
                }
            }
        }
    }

    /// Something leads to these next hops of neighbors, or nothing does any more: then paths with them are not chosen
    /// (RFC 4271 §9.1.2). True if that is news for one of them; then one walk over the table finds them.
    pub fn set_reachable(&mut self, next_hops: &[(PeerId, NextHop)], reachable: bool) -> bool {
        let mut concerned = HashSet::new();
        for (id, next_hop) in next_hops {
            let Some(peer) = self.peers.get(id) else { continue };
            for session in peer.kept.iter().copied().chain(peer.session) {
                let live = self.sessions.get_mut(session);
                concerned.extend(
                    live.and_then(|live| live.set_reachable(next_hop, reachable)).map(|number| (session, number)),
                );
            }
        }
        for family in Family::ALL.into_iter().filter(|_| !concerned.is_empty()) {
            for row in 0..self.routes[at(family)].table.end() {
                let head = self.routes[at(family)].table.row(row).head;
                if self.paths.iter(head).any(|path| concerned.contains(&(path.session, path.next_hop))) {
                    self.mark_changed(family, row);
                }
            }
        }
        !concerned.is_empty()
    }

    /// A route of the gateway's own: it wins over all that is learned. Replaces an earlier one.
    pub fn originate(&mut self, prefix: Prefix, attributes: Attributes) {
        let attrs = self.attrs.intern(&attributes);
        let routes = &mut self.routes[at(prefix.family())];
        let row = routes.table.find_or_add(&prefix);
        routes.table.row_mut(row).set(Row::LOCAL);
        routes.local.insert(row);
        self.attrs.hold(attrs); // as received and as accepted
        self.put(prefix.family(), row, Path::new(SessionId::LOCAL, 0, attrs, Some(attrs)));
    }

    /// Takes a route of the gateway's own back.
    pub fn unoriginate(&mut self, prefix: &Prefix) {
        self.withdraw(SessionId::LOCAL, prefix);
    }

    /// True once the neighbor sent its whole table of the family (RFC 4724 §2).
    #[must_use]
    pub fn end_of_rib_seen(&self, id: PeerId, family: Family) -> bool {
        let session = self.peers.get(&id).and_then(|peer| peer.session);
        session.and_then(|session| self.sessions.get(session)).is_some_and(|live| live.end_of_rib[at(family)])
    }

    /// Routes of one next hop: policy, then the table.
    fn learn(&mut self, id: PeerId, session: SessionId, reach: &Reach, attributes: &Attributes, received: AttrsId) {
        let Some(live) = self.sessions.get_mut(session) else { return };
        let remote = live.session.remote;
        let round = live.rounds[at(reach.family)].now;
        let number = live.next_hop_number(reach.next_hop).ok_or(Refusal::TooManyNextHops);
        let next_hop = *number.as_ref().unwrap_or(&u16::MAX);
        let trims = self.trims(session, reach.family);
        // One set for all prefixes that get the same changes, which are all of them unless policies differ by prefix.
        let mut last: Option<(Edits, AttrsId)> = None;
        let (mut path, mut policy, mut memo) = (None, None, Memo::default());
        for prefix in &reach.prefixes {
            let Some(peer) = self.peers.get(&id) else { return };
            let import = &peer.settings.import;
            let path =
                path.get_or_insert_with(|| number.clone().and_then(|_| import.check_path(attributes, &reach.next_hop)));
            let edits = path.as_ref().ok().filter(|_| import.check_prefix(prefix).is_ok()).and_then(|first| {
                if policy.is_none() || import.differs_by_prefix(attributes) {
                    let later = import.check_policy(prefix, attributes, &reach.next_hop, &mut memo);
                    policy = Some(later.ok().map(|later| first.then(&later)));
                }
                policy.clone().flatten()
            });
            let accepted = edits.map(|edits| match &last {
                _ if edits.is_empty() => received,
                Some((same, id)) if *same == edits => *id,
                _ => {
                    let mut changed = attributes.clone();
                    import.apply(&edits, &mut changed);
                    let local = local(&edits, reach.family, remote);
                    let id = self.attrs.intern_accepted(&changed, &local);
                    if let Some((_, old)) = last.replace((edits, id)) {
                        self.attrs.release(old);
                    }
                    id
                }
            });
            let row = self.routes[at(reach.family)].table.find_or_add(prefix);
            let over = trims && self.trim(session, reach.family, row);
            let accepted = accepted.filter(|_| !over);
            self.attrs.hold(received);
            if let Some(accepted) = accepted {
                self.attrs.hold(accepted);
            }
            self.put(reach.family, row, Path::new(session, next_hop, received, accepted).in_round(round));
        }
        if let Some((_, id)) = last {
            self.attrs.release(id);
        }
    }

    /// Puts a path into a row, in place of the neighbor's earlier one. The path's sets are held already.
    fn put(&mut self, family: Family, row: RowId, path: Path) {
        let head = self.routes[at(family)].table.row(row).head;
        let old = match self.paths.find_mut(head, path.session) {
            Some(slot) => {
                let old = *slot;
                *slot = path.succeeds(&old);
                Some(old)
            }
            None => {
                let old = self.take_kept(path.session, family, row);
                let mut head = self.routes[at(family)].table.row(row).head;
                self.paths.push(&mut head, old.map_or(path, |old| path.succeeds(&old)));
                self.routes[at(family)].table.row_mut(row).head = head;
                old
            }
        };
        if let Some(old) = &old {
            self.uncount(family, old);
        }
        if let Some(live) = self.sessions.get_mut(path.session) {
            let counts = &mut live.counts[at(family)];
            live.paths += 1;
            counts.received += 1;
            counts.accepted += usize::from(path.accepted().is_some());
            let rounds = &mut live.rounds[at(family)];
            rounds.stale += usize::from(live.up && rounds.now != path.round());
        }
        let same = old.is_some_and(|old| {
            let key = |path: &Path| (path.accepted(), path.received);
            key(&old) == key(&path) && self.leads_alike(&old, &path) && !old.is(Path::TOUCHED)
        });
        if same {
            // Said again: nothing to decide, so not touched either.
            let head = self.routes[at(family)].table.row(row).head;
            if let Some(slot) = self.paths.find_mut(head, path.session) {
                slot.untouch();
            }
        } else if path.accepted().is_some() || old.is_some_and(|old| old.accepted().is_some()) {
            self.mark_changed(family, row);
        }
        if let Some(old) = old {
            self.release(&old);
        }
    }

    /// Takes a session's path out of a prefix, if there is one.
    fn withdraw(&mut self, session: SessionId, prefix: &Prefix) {
        let family = prefix.family();
        let routes = &mut self.routes[at(family)];
        let Some(row) = routes.table.find(prefix) else { return };
        let mut head = routes.table.row(row).head;
        let mut gone = None;
        self.paths.remove(&mut head, |path| path.session == session, |path| gone = Some(path));
        routes.table.row_mut(row).head = head;
        let Some(gone) = gone.or_else(|| self.take_kept(session, family, row)) else { return };
        if session == SessionId::LOCAL {
            self.routes[at(family)].local.remove(&row);
        }
        self.gone(family, row, &gone);
        self.refill(session, family);
        self.routes[at(family)].table.free_if_idle(row);
    }

    /// True if two paths of one neighbor mean the same to everybody who knows their attributes.
    fn leads_alike(&self, a: &Path, b: &Path) -> bool {
        if a.session == b.session {
            return a.next_hop == b.next_hop;
        }
        let of = |path: &Path| {
            let live = self.sessions.get(path.session)?;
            Some((live.next_hop(path.next_hop)?, live.session.router_id, live.session.remote))
        };
        of(a).is_some() && of(a) == of(b)
    }

    /// A path of a session is there no more, or is another one.
    fn uncount(&mut self, family: Family, gone: &Path) {
        if let Some(live) = self.sessions.get_mut(gone.session) {
            let counts = &mut live.counts[at(family)];
            live.paths -= 1;
            counts.received -= 1;
            counts.accepted -= usize::from(gone.accepted().is_some());
            let rounds = &mut live.rounds[at(family)];
            rounds.stale -= usize::from(live.up && rounds.now != gone.round());
        }
    }

    /// A path was taken out of a row.
    fn gone(&mut self, family: Family, row: RowId, gone: &Path) {
        if let Some(live) = self.sessions.get_mut(gone.session) {
            live.trimmed[at(family)].remove(row);
        }
        self.uncount(family, gone);
        if gone.is(Path::USED) {
            self.routes[at(family)].table.row_mut(row).set(Row::LOST);
        }
        if gone.accepted().is_some() || gone.is(Path::USED) {
            self.mark_changed(family, row);
        }
        self.release(gone);
    }

    fn release(&mut self, path: &Path) {
        self.attrs.release(path.received);
        if let Some(accepted) = path.accepted() {
            self.attrs.release(accepted);
        }
    }

    fn mark_changed(&mut self, family: Family, row: RowId) {
        let routes = &mut self.routes[at(family)];
        if !routes.table.row(row).is(Row::CHANGED) {
            routes.table.row_mut(row).set(Row::CHANGED);
            routes.changed.push_back(row);
        }
    }

    fn sort_sessions(&mut self) {
        let up = self.peers.values().filter_map(|peer| Some((peer.session?, peer.settings.export.scope)));
        let (narrow, wide): (Vec<_>, Vec<_>) = up.partition(|(_, scope)| *scope == Scope::LocalOnly);
        let ids = |of: Vec<(SessionId, Scope)>| of.into_iter().map(|(session, _)| session).collect();
        (self.narrow, self.wide) = (ids(narrow), ids(wide));
    }
}

/// What policies give to a path beside its attributes. A next hop of the other family leads nowhere: it is left out.
fn local(edits: &Edits, family: Family, remote: IpAddr) -> Local {
    let next_hop = match edits.next_hop() {
        Some(NextHopEdit::Peer) => Some(remote),
        Some(NextHopEdit::Address(address)) => Some(address),
        Some(NextHopEdit::Own) | None => None,
    };
    let next_hop = next_hop.filter(|address| Family::of(*address) == family).map(NextHop::from);
    Local { weight: edits.weight(), next_hop }
}
