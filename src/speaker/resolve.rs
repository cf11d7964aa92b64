//! Next hops of neighbors on a network: on which interface each is, or over which gateway a route of the kernel leads
//! there. One to which nothing leads puts its paths out of the decision; it is never guessed.
//!
//! Owns the next hops that are on no network of this host. The shell looks where the kernel's routes lead to them, and
//! tells when that changes ([`Effect::Resolve`], [`super::Input::Resolved`]).

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::flow::{self, Reach};
use super::{Effect, Speaker};
use crate::fib::Lead;
use crate::types::{Family, PeerId, Weight};
use crate::wire::NextHop;

/// So many next hops are looked at. More than a network has routers.
const MOST: usize = 256;

/// All that is known of them.
#[derive(Debug, Default)]
pub(super) struct Leads {
    /// Next hops that were on no network when a path with them was chosen, of the sessions of now.
    asked: Vec<(PeerId, Family, NextHop)>,
    /// What the shell looks at.
    told: Vec<IpAddr>,
    known: BTreeMap<IpAddr, Lead>,
}

impl Leads {
    /// Where the kernel's routes lead to that address, if they do.
    pub(super) fn to(&self, address: IpAddr) -> Option<Lead> {
        self.known.get(&address).copied()
    }
}

impl Speaker {
    /// Paths of these next hops were chosen, and nothing leads there: they count no more until something does.
    pub(super) fn unresolved(&mut self, next_hops: Vec<(PeerId, Family, NextHop)>) {
        let mut lost: Vec<(PeerId, NextHop)> = Vec::new();
        for (peer, family, next_hop) in next_hops {
            if lost.last() == Some(&(peer, next_hop)) || !matches!(self.reach(peer), Some(Reach::Network { .. })) {
                continue;
            }
            lost.push((peer, next_hop));
            let asked = &mut self.leads.asked;
            if asked.len() < MOST && !asked.contains(&(peer, family, next_hop)) {
                asked.push((peer, family, next_hop));
            }
        }
        self.rib.set_reachable(&lost, false);
    }

    /// Has the shell look at what is to be looked at, if that has changed.
    pub(super) fn resolve(&mut self, out: &mut Vec<Effect>) {
        let mut wanted: Vec<IpAddr> = self.leads.asked.iter().map(|(_, _, next_hop)| next_hop.addr()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        if self.leads.told != wanted {
            self.leads.known.retain(|known, _| wanted.contains(known));
            self.leads.told.clone_from(&wanted);
            out.push(Effect::Resolve(wanted));
        }
    }

    /// The kernel's routes lead to a next hop in another way than before, or no longer.
    pub(super) fn resolved(&mut self, address: IpAddr, lead: Option<Lead>) {
        let before = match lead {
            Some(lead) => self.leads.known.insert(address, lead),
            None => self.leads.known.remove(&address),
        };
        if before != lead {
            self.lead_again(Some(address));
        }
    }

    /// Interfaces, or the way to one next hop, have changed: what leads somewhere now counts again, and by its new way.
    pub(super) fn lead_again(&mut self, only: Option<IpAddr>) {
        for (peer, family, next_hop) in self.leads.asked.clone() {
            if only.is_some_and(|only| only != next_hop.addr()) {
                continue;
            }
            let Some(reach) = self.reach(peer) else { continue };
            let leads = flow::hop(reach, family, next_hop, Weight::ONE, &self.links, &self.leads).is_some();
            let news = self.rib.set_reachable(&[(peer, next_hop)], leads);
            if leads && !news {
                self.rib.reconsider(peer);
            }
        }
    }

    /// Nothing that the neighbor said counts any more.
    pub(super) fn forget_next_hops(&mut self, peer: PeerId) {
        self.leads.asked.retain(|(of, _, _)| *of != peer);
    }
}
