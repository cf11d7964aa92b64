//! A random life of a RIB, against a naive one.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::policy::Scope;
use crate::rib::decision::{Candidate, Kind, Limits, Outcome, decide};
use crate::rib::*;
use crate::types::PeerId;
use crate::wire::{Attributes, NextHop, Origin, Update};

use super::lab::*;

pub(super) const ASNS: [u32; 4] = [65010, 65010, 65020, 65515];

#[derive(Clone, Debug)]
pub(super) enum Act {
    Up(u32),
    Down(u32),
    /// The session is lost, and the peer may come back: one family is kept, or both.
    Lose(u32, bool),
    /// The time of what was kept has passed.
    Expire(u32),
    EndOfRib(u32, bool),
    BeginRefresh(u32),
    EndRefresh(u32),
    Teach(u32, Vec<u8>, Box<Attributes>),
    Withdraw(u32, u8),
    Originate(u8),
    Unoriginate(u8),
    Work(usize),
    Take(usize),
    Send(u32, usize),
    Refresh(u32),
}

/// Small values, so that they meet; AS 65515 in a path is refused.
pub(super) fn attributes() -> impl Strategy<Value = Attributes> {
    let asn = prop_oneof![4 => Just(65010_u32), 3 => Just(65020), 1 => Just(65515)];
    (proptest::collection::vec(asn, 1..3), proptest::option::of(0..3_u32), any::<bool>()).prop_map(
        |(asns, med, incomplete)| Attributes {
            med,
            origin: if incomplete { Origin::Incomplete } else { Origin::Igp },
            ..path(&asns)
        },
    )
}

pub(super) fn act() -> impl Strategy<Value = Act> {
    let peer = || 0..4_u32;
    prop_oneof![
        2 => peer().prop_map(Act::Up),
        1 => peer().prop_map(Act::Down),
        2 => (peer(), any::<bool>()).prop_map(|(peer, both)| Act::Lose(peer, both)),
        1 => peer().prop_map(Act::Expire),
        2 => (peer(), any::<bool>()).prop_map(|(peer, v6)| Act::EndOfRib(peer, v6)),
        1 => peer().prop_map(Act::BeginRefresh),
        1 => peer().prop_map(Act::EndRefresh),
        9 => (peer(), proptest::collection::vec(0..8_u8, 1..4), attributes()).prop_map(|(p, n, a)| Act::Teach(p, n, Box::new(a))),
        3 => (peer(), 0..8_u8).prop_map(|(peer, net)| Act::Withdraw(peer, net)),
        1 => (0..8_u8).prop_map(Act::Originate),
        1 => (0..8_u8).prop_map(Act::Unoriginate),
        2 => (1..5_usize).prop_map(Act::Work),
        3 => (1..5_usize).prop_map(Act::Take),
        3 => (peer(), 1..3_usize).prop_map(|(peer, count)| Act::Send(peer, count)),
        1 => peer().prop_map(Act::Refresh),
    ]
}

/// One of eight prefixes; the last is a default route, every other one IPv6.
pub(super) fn net(number: u8) -> Prefix {
    match number {
        7 => prefix("0.0.0.0/0"),
        n if n % 2 == 0 => prefix(&format!("10.{n}.0.0/16")),
        n => prefix(&format!("fd{n:02}::/32")),
    }
}

/// Maps and nothing clever.
#[derive(Default)]
pub(super) struct Naive {
    /// What each peer taught, stale or not; peers that are lost too.
    pub(super) up: BTreeMap<u32, BTreeMap<Prefix, Attributes>>,
    pub(super) local: BTreeMap<Prefix, Attributes>,
    /// Peers with a session.
    pub(super) connected: BTreeSet<u32>,
    /// Kept of a lost session.
    lost: BTreeSet<(u32, Prefix)>,
    /// Not said again since a refresh began.
    aged: BTreeSet<(u32, Prefix)>,
    /// Refreshes that were begun and not ended, and those that were ended and perhaps not swept.
    begun: BTreeMap<u32, (usize, usize)>,
}

impl Naive {
    fn drop_where(&mut self, peer: u32, which: impl Fn(&Self, &Prefix) -> bool) {
        let all: Vec<_> = self.up.get(&peer).into_iter().flat_map(BTreeMap::keys).copied().collect();
        for to in all.iter().filter(|to| which(self, to)).collect::<Vec<_>>() {
            self.said(peer, to);
            self.up.get_mut(&peer).unwrap().remove(to);
        }
    }

    fn said(&mut self, peer: u32, to: &Prefix) {
        self.lost.remove(&(peer, *to));
        self.aged.remove(&(peer, *to));
    }

    /// Paths of the peer that are stale.
    pub(super) fn stale(&self, peer: u32) -> usize {
        self.lost.iter().chain(&self.aged).filter(|(of, _)| *of == peer).count()
    }

    /// Paths that the peer's session taught.
    pub(super) fn fresh(&self, peer: u32) -> impl Iterator<Item = (&Prefix, &Attributes)> {
        self.up[&peer].iter().filter(move |(to, _)| !self.lost.contains(&(peer, **to)))
    }

    pub(super) fn best(&self, to: &Prefix) -> Vec<u32> {
        self.best_without(to, &[])
    }

    /// The same as if some neighbors were not there.
    fn best_without(&self, to: &Prefix, gone: &[u32]) -> Vec<u32> {
        if self.local.contains_key(to) {
            return Vec::new();
        }
        let taught = self.up.iter().filter_map(|(peer, paths)| Some((*peer, paths.get(to)?)));
        let taught = taught.filter(|(peer, _)| !gone.contains(peer));
        let accepted = taught.filter(|(_, attributes)| !attributes.as_path.contains(OWN));
        let mut attrs = Attrs::default();
        let candidates: Vec<_> = accepted
            .map(|(peer, attributes)| {
                let id = attrs.intern(attributes);
                let kind = if ASNS[peer as usize] == 65515 { Kind::Internal } else { Kind::External };
                let rank = *attrs.rank(id);
                Candidate { kind, peer: PeerId(peer), router_id: peer, remote: address(peer).into(), attrs: id, rank }
            })
            .collect();
        let outcomes = decide(&candidates, Limits { max_paths: 3, as_path_relax: false });
        let mut used: Vec<_> =
            candidates.iter().zip(outcomes).filter(|(_, o)| !matches!(o, Outcome::Lost(_))).collect();
        used.sort_by_key(|(candidate, outcome)| (*outcome != Outcome::Best, candidate.tie_break()));
        used.into_iter().map(|(candidate, _)| candidate.peer.0).collect()
    }
}

pub(super) fn start(scopes: [Scope; 4]) -> Rib {
    let mut rib = rib(3, false);
    for (peer, scope) in (0..).zip(scopes) {
        rib.add_peer(PeerId(peer), settings(peer, ASNS[peer as usize], scope));
    }
    rib
}

/// Does it to both.
pub(super) fn perform(rib: &mut Rib, naive: &mut Naive, act: &Act) {
    match act {
        Act::Up(peer) => {
            let preserved = Family::ALL.to_vec();
            rib.up(PeerId(*peer), Session { preserved, ..session(*peer, ASNS[*peer as usize]) });
            naive.begun.remove(peer);
            if !naive.connected.insert(*peer) {
                naive.drop_where(*peer, |_, _| true);
            }
            naive.up.entry(*peer).or_default();
        }
        Act::Down(peer) => {
            rib.down(PeerId(*peer), Retain::Nothing);
            if naive.connected.remove(peer) {
                naive.drop_where(*peer, |_, _| true);
            }
        }
        Act::Lose(peer, both) => {
            let families = if *both { Family::ALL.to_vec() } else { vec![Family::Ipv6] };
            rib.down(PeerId(*peer), Retain::Families(families.clone()));
            if naive.connected.remove(peer) {
                naive.drop_where(*peer, |_, to| !families.contains(&to.family()));
                naive.aged.retain(|(of, _)| of != peer);
                naive.lost.extend(naive.up[peer].keys().map(|to| (*peer, *to)));
            }
        }
        Act::Expire(peer) => {
            for family in Family::ALL {
                rib.drop_stale(PeerId(*peer), family);
            }
            naive.drop_where(*peer, |naive, to| naive.lost.contains(&(*peer, *to)));
        }
        Act::EndOfRib(peer, v6) => {
            let family = if *v6 { Family::Ipv6 } else { Family::Ipv4 };
            rib.update(PeerId(*peer), Update { end_of_rib: Some(family), ..Update::default() });
            if naive.connected.contains(peer) {
                naive.drop_where(*peer, |naive, to| to.family() == family && naive.lost.contains(&(*peer, *to)));
            }
        }
        Act::BeginRefresh(peer) => {
            let (begun, ended) = naive.begun.entry(*peer).or_default();
            // The fourth round has no place until one was swept.
            if naive.connected.contains(peer) && *begun + *ended < 3 {
                *begun += 1;
                Family::ALL.into_iter().for_each(|family| rib.begin_refresh(PeerId(*peer), family));
                let fresh: Vec<_> = naive.fresh(*peer).map(|(to, _)| (*peer, *to)).collect();
                naive.aged.extend(fresh);
            }
        }
        Act::EndRefresh(peer) => {
            let (begun, ended) = naive.begun.entry(*peer).or_default();
            *ended += std::mem::take(begun);
            for family in Family::ALL {
                rib.end_refresh(PeerId(*peer), family);
            }
            naive.drop_where(*peer, |naive, to| naive.aged.contains(&(*peer, *to)));
        }
        Act::Teach(peer, nets, attributes) => {
            for number in nets {
                let to = net(*number);
                let next_hop = match to.family() {
                    Family::Ipv4 => NextHop::V4(address(*peer)),
                    Family::Ipv6 => NextHop::V6 { global: address(*peer).to_ipv6_compatible(), link_local: None },
                };
                rib.update(PeerId(*peer), reach(&[to], (**attributes).clone(), next_hop));
                if naive.connected.contains(peer) {
                    naive.said(*peer, &to);
                    naive.up.entry(*peer).or_default().insert(to, (**attributes).clone());
                }
            }
        }
        Act::Withdraw(peer, number) => {
            rib.update(PeerId(*peer), Update { withdrawn: vec![net(*number)], ..Update::default() });
            if naive.connected.contains(peer) {
                naive.said(*peer, &net(*number));
                naive.up.entry(*peer).or_default().remove(&net(*number));
            }
        }
        Act::Originate(number) => {
            rib.originate(net(*number), Attributes::default());
            naive.local.insert(net(*number), Attributes::default());
        }
        Act::Unoriginate(number) => {
            rib.unoriginate(&net(*number));
            naive.local.remove(&net(*number));
        }
        Act::Work(budget) => {
            if !rib.work(*budget) {
                naive.begun.values_mut().for_each(|(_, ended)| *ended = 0);
            }
        }
        Act::Take(_) | Act::Send(_, _) => {}
        Act::Refresh(peer) => Family::ALL.into_iter().for_each(|family| rib.refresh(PeerId(*peer), family)),
    }
}

proptest! {
    #[test]
    fn a_random_life_chooses_the_same_paths_as_a_naive_rib(acts in proptest::collection::vec(act(), 1..80)) {
        let mut rib = start([Scope::LocalOnly; 4]);
        let mut naive = Naive::default();
        let mut installed: BTreeMap<Prefix, (Vec<u32>, Vec<u32>)> = BTreeMap::new();
        let mut changed = Vec::new();
        for act in &acts {
            perform(&mut rib, &mut naive, act);
            if let Act::Take(limit) = act {
                let before = changed.len();
                rib.take_changed(*limit, &mut changed);
                prop_assert!(changed.len() - before <= *limit);
            }
        }
        while rib.work(3) {}
        changed.extend(settle(&mut rib));
        for Changed { prefix, paths, backups } in &changed {
            let peers = |of: &[Chosen]| of.iter().map(|path| path.peer.0).collect::<Vec<_>>();
            installed.insert(*prefix, (peers(paths), peers(backups)));
        }
        for number in 0..8 {
            let to = net(number);
            let (paths, backups) = installed.get(&to).cloned().unwrap_or_default();
            prop_assert_eq!(&paths, &naive.best(&to), "{}", to);
            let without = if paths.is_empty() { Vec::new() } else { naive.best_without(&to, &paths) };
            prop_assert_eq!(backups, without, "what is left of {}", to);
        }
        for peer in naive.up.keys() {
            let counts = rib.counts(PeerId(*peer));
            let accepted = naive.fresh(*peer).filter(|(_, attributes)| !attributes.as_path.contains(OWN)).count();
            prop_assert_eq!(counts.ipv4.received + counts.ipv6.received, naive.fresh(*peer).count());
            prop_assert_eq!(counts.ipv4.accepted + counts.ipv6.accepted, accepted);
            prop_assert_eq!(counts.ipv4.stale + counts.ipv6.stale, naive.stale(*peer));
        }
        let stored = naive.up.values().map(BTreeMap::len).sum::<usize>() + naive.local.len();
        prop_assert_eq!(rib.totals().paths, stored);
    }
}
