//! What is accepted from a neighbor.

use std::net::IpAddr;

use crate::types::{Asn, Name, Prefix, RouterId};
use crate::wire::{Attributes, Community, NextHop, SegmentKind};

use super::{Chain, Edits, Memo, NextHopEdit, Refusal, Route, Set, Verdict, martian::martian};

/// The rules for routes that come in from one neighbor: safety first, then its policies.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Import {
    /// What people call the neighbor: policies can ask for it.
    pub neighbor: Option<Name>,
    /// Our AS.
    pub local_asn: Asn,
    /// The neighbor's AS; equal to ours for an internal one.
    pub peer_asn: Asn,
    /// Our router id, which is also our cluster id.
    pub router_id: RouterId,
    /// The cloud network's prefixes: never accepted back, nor parts of them.
    pub own_prefixes: Vec<Prefix>,
    /// Addresses of this instance: never a next hop.
    pub own_addresses: Vec<IpAddr>,
    /// An external neighbor's AS_PATH must begin with its AS; off for route servers (RFC 7947 §2.2.2).
    pub enforce_first_as: bool,
    /// Paths with sets are taken, against RFC 9774 §3.
    pub allow_as_sets: bool,
    /// What it teaches is used last, as if all of it had GRACEFUL_SHUTDOWN (RFC 8326 §4.2): it is about to go.
    pub leaving: bool,
    /// The neighbor's policies.
    pub chain: Chain,
}

impl Import {
    /// The rules with nothing of our own yet: no prefixes, no addresses, first AS enforced, no sets.
    #[must_use]
    pub fn new(local_asn: Asn, peer_asn: Asn, router_id: RouterId, chain: Chain) -> Self {
        let (own_prefixes, own_addresses) = (Vec::new(), Vec::new());
        let neighbor = None;
        Self {
            neighbor,
            local_asn,
            peer_asn,
            router_id,
            own_prefixes,
            own_addresses,
            enforce_first_as: true,
            allow_as_sets: false,
            leaving: false,
            chain,
        }
    }

    /// Of the neighbor of that name.
    #[must_use]
    pub fn of(mut self, neighbor: Name) -> Self {
        self.neighbor = Some(neighbor);
        self
    }

    /// With the cloud network's prefixes and this instance's addresses.
    #[must_use]
    pub fn with_own(mut self, prefixes: Vec<Prefix>, addresses: Vec<IpAddr>) -> Self {
        (self.own_prefixes, self.own_addresses) = (prefixes, addresses);
        self
    }

    /// True for a neighbor of our own AS.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.local_asn == self.peer_asn
    }

    /// All rules for one route: what to change on it, or why it is refused.
    pub fn check(&self, prefix: &Prefix, attributes: &Attributes, next_hop: &NextHop) -> Result<Edits, Refusal> {
        let edits = self.check_path(attributes, next_hop)?;
        self.check_prefix(prefix)?;
        self.check_policy(prefix, attributes, next_hop, &mut Memo::default()).map(|later| edits.then(&later))
    }

    /// The part of [`Import::check`] that is the same for all prefixes of one UPDATE.
    pub fn check_path(&self, attributes: &Attributes, next_hop: &NextHop) -> Result<Edits, Refusal> {
        if attributes.as_path.contains(self.local_asn) {
            return Err(Refusal::OwnAs(self.local_asn));
        }
        if self.is_internal() {
            if attributes.originator_id == Some(self.router_id.addr()) {
                return Err(Refusal::OwnOriginator);
            }
            if attributes.cluster_list.iter().any(|cluster| cluster.0 == self.router_id.addr()) {
                return Err(Refusal::OwnCluster);
            }
        } else if self.enforce_first_as {
            let first = attributes.as_path.segments.first();
            let found = first.filter(|s| s.kind == SegmentKind::Sequence).and_then(|s| s.asns.first().copied());
            if found != Some(self.peer_asn) {
                return Err(Refusal::FirstAs { found, expected: self.peer_asn });
            }
        }
        if !self.allow_as_sets && attributes.as_path.has_sets() {
            return Err(Refusal::AsSet);
        }
        self.check_next_hop(next_hop)?;
        // LOCAL_PREF is not a neighbor's to say (RFC 4271 §5.1.5).
        let said = !self.is_internal() && attributes.local_pref.is_some();
        Ok(if said { Edits::of(Set::local_pref(100)) } else { Edits::default() })
    }

    /// The part of [`Import::check`] that depends on the prefix alone.
    pub fn check_prefix(&self, prefix: &Prefix) -> Result<(), Refusal> {
        if let Some(own) = self.own_prefixes.iter().find(|own| own.covers(prefix)) {
            return Err(Refusal::OwnPrefix(*own));
        }
        martian(prefix).map_or(Ok(()), |why| Err(Refusal::Martian(why)))
    }

    /// The policies, and what they cannot change. The same for all prefixes of one UPDATE unless
    /// [`Import::differs_by_prefix`]; `memo` is for those prefixes.
    pub fn check_policy(
        &self,
        prefix: &Prefix,
        attributes: &Attributes,
        next_hop: &NextHop,
        memo: &mut Memo,
    ) -> Result<Edits, Refusal> {
        let neighbor = self.neighbor.as_ref();
        let route = Route { prefix, attributes, next_hop: Some(next_hop), neighbor };
        let (mut edits, names_blackhole) = match self.chain.judge_with(&route, self.prepender(), memo) {
            Verdict::Accept { edits, names_blackhole } => (edits, names_blackhole),
            Verdict::Reject(by) => return Err(Refusal::Policy(by)),
            Verdict::NoPolicy if self.is_internal() => (Edits::default(), false),
            Verdict::NoPolicy => return Err(Refusal::NoPolicy),
        };
        if attributes.communities.contains(&Community::BLACKHOLE) && edits.leave(attributes, Community::BLACKHOLE) {
            if !names_blackhole {
                return Err(Refusal::Blackhole);
            }
            if prefix.len() < prefix.family().bits() {
                return Err(Refusal::WideBlackhole);
            }
        }
        if edits.prepends(self.local_asn) {
            return Err(Refusal::OwnAs(self.local_asn));
        }
        if let Some(NextHopEdit::Address(address)) = edits.next_hop() {
            self.check_next_hop(&address.into())?;
        }
        if self.leaving || edits.leave(attributes, Community::GRACEFUL_SHUTDOWN) {
            edits = edits.then(&Edits::of(Set::local_pref(0))); // RFC 8326 §4.2
        }
        Ok(edits)
    }

    /// True if [`Import::check_policy`] may say different things of prefixes with these attributes.
    #[must_use]
    pub fn differs_by_prefix(&self, attributes: &Attributes) -> bool {
        self.chain.differs_by_prefix() || attributes.communities.contains(&Community::BLACKHOLE)
    }

    /// Makes the changes that one of the checks found.
    pub fn apply(&self, edits: &Edits, attributes: &mut Attributes) {
        edits.apply(attributes, self.prepender());
    }

    /// The AS that a policy repeats in front of a path: our own would be a loop.
    fn prepender(&self) -> Option<Asn> {
        (!self.is_internal()).then_some(self.peer_asn)
    }

    fn check_next_hop(&self, next_hop: &NextHop) -> Result<(), Refusal> {
        let own = |address: IpAddr| self.own_addresses.contains(&address);
        let (address, link_local) = match *next_hop {
            NextHop::V4(v4) => {
                if v4.is_unspecified() || v4.is_loopback() || v4.is_multicast() || v4.is_broadcast() {
                    return Err(Refusal::NextHop(v4.into()));
                }
                (IpAddr::V4(v4), None)
            }
            NextHop::V6 { global, link_local } => {
                // Some send only a link-local address, and none for the global one.
                if global.is_loopback() || global.is_multicast() || (global.is_unspecified() && link_local.is_none()) {
                    return Err(Refusal::NextHop(global.into()));
                }
                (IpAddr::V6(global), link_local.map(IpAddr::V6))
            }
        };
        match [Some(address), link_local].into_iter().flatten().find(|address| own(*address)) {
            Some(address) => Err(Refusal::OwnNextHop(address)),
            None => Ok(()),
        }
    }
}
