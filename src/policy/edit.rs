//! What a policy changes on a route.

use std::{net::IpAddr, sync::Arc};

use smallvec::SmallVec;

use crate::types::{Asn, Weight};
use crate::wire::{Attributes, Community, ExtendedCommunity, LargeCommunity, Origin};

use super::{CommunityPattern, ExtPattern, LargePattern};

/// The changes of one rule. Those of a list of communities are made in the order: replace, remove, add.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Set {
    /// A new LOCAL_PREF. Never told to another AS.
    pub local_pref: Option<u32>,
    /// A new MULTI_EXIT_DISC.
    pub med: Option<MedEdit>,
    /// A new ORIGIN.
    pub origin: Option<Origin>,
    /// Changes to the communities.
    pub communities: ListEdit<Community, CommunityPattern>,
    /// Changes to the large communities.
    pub large_communities: ListEdit<LargeCommunity, LargePattern>,
    /// Changes to the extended communities.
    pub ext_communities: ListEdit<ExtendedCommunity, ExtPattern>,
    /// ASes put in front of AS_PATH.
    pub prepend: Prepend,
    /// Another next hop.
    pub next_hop: Option<NextHopEdit>,
    /// The path's share of the traffic. Means something on the way in only.
    pub weight: Option<Weight>,
}

/// A change of MULTI_EXIT_DISC; one that is not there counts as 0.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MedEdit {
    /// This.
    To(u32),
    /// So much more, up to the most that fits.
    Add(u32),
    /// So much less, down to 0.
    Subtract(u32),
}

/// Changes to a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListEdit<T, P> {
    /// In place of all that was there.
    pub replace: Option<Vec<T>>,
    /// What fits one of these goes.
    pub remove: Vec<P>,
    /// Put behind, unless it is there.
    pub add: Vec<T>,
}

/// ASes for the front of a path.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Prepend {
    /// None.
    #[default]
    Nothing,
    /// So many times: our own AS on the way out, the neighbor's on the way in.
    Times(u8),
    /// These, the first in front.
    List(Vec<Asn>),
}

/// Where else packets are to go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NextHopEdit {
    /// Our own address in the session: on the way out.
    Own,
    /// The neighbor's address in the session: on the way in.
    Peer,
    /// That address, for routes of its family.
    Address(IpAddr),
}

impl<T, P> Default for ListEdit<T, P> {
    fn default() -> Self {
        Self { replace: None, remove: Vec::new(), add: Vec::new() }
    }
}

impl<T: Copy + PartialEq, P> ListEdit<T, P> {
    fn is_empty(&self) -> bool {
        self.replace.is_none() && self.remove.is_empty() && self.add.is_empty()
    }

    fn apply<L: AsMut<Vec<T>>>(&self, list: &mut L, holds: impl Fn(&P, T) -> bool) {
        let list = list.as_mut();
        if let Some(replace) = &self.replace {
            list.clone_from(replace);
        }
        list.retain(|item| !self.remove.iter().any(|pattern| holds(pattern, *item)));
        for item in &self.add {
            if !list.contains(item) {
                list.push(*item);
            }
        }
    }
}

impl Set {
    /// A LOCAL_PREF and nothing else.
    #[must_use]
    pub fn local_pref(local_pref: u32) -> Self {
        Self { local_pref: Some(local_pref), ..Self::default() }
    }

    /// True if it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// `prepender` is the AS that [`Prepend::Times`] repeats; without one nothing is put in front.
    pub(super) fn apply(&self, attributes: &mut Attributes, prepender: Option<Asn>) {
        let Self {
            local_pref,
            med,
            origin,
            communities,
            large_communities,
            ext_communities,
            prepend,
            next_hop: _,
            weight: _,
        } = self;
        if local_pref.is_some() {
            attributes.local_pref = *local_pref;
        }
        if let Some(med) = med {
            let now = attributes.med.unwrap_or(0);
            attributes.med = Some(match *med {
                MedEdit::To(to) => to,
                MedEdit::Add(more) => now.saturating_add(more),
                MedEdit::Subtract(less) => now.saturating_sub(less),
            });
        }
        if let Some(origin) = origin {
            attributes.origin = *origin;
        }
        if !communities.is_empty() {
            let mut list = attributes.communities.to_vec();
            communities.apply(&mut list, |pattern, found| pattern.holds(found));
            attributes.communities = SmallVec::from_vec(list);
        }
        large_communities.apply(&mut attributes.large_communities, |pattern, found| pattern.holds(found));
        ext_communities.apply(&mut attributes.extended_communities, |pattern, found| pattern.holds(found));
        let Some(asn) = prepender else { return };
        match prepend {
            Prepend::Nothing => {}
            Prepend::Times(times) => attributes.as_path.prepend(asn, usize::from(*times)),
            Prepend::List(list) => list.iter().rev().for_each(|asn| attributes.as_path.prepend(*asn, 1)),
        }
    }
}

/// The changes that all rules which held make, in their order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Edits(SmallVec<[Arc<Set>; 2]>);

impl Edits {
    /// The changes of one set.
    #[must_use]
    pub fn of(set: Set) -> Self {
        let mut edits = Self::default();
        edits.push(&Arc::new(set));
        edits
    }

    /// One more set behind the others.
    pub fn push(&mut self, set: &Arc<Set>) {
        if !set.is_empty() {
            self.0.push(set.clone());
        }
    }

    /// True if nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes the changes. `prepender` is the AS that a count of prepends repeats; without one nothing is put in front.
    pub fn apply(&self, attributes: &mut Attributes, prepender: Option<Asn>) {
        self.0.iter().for_each(|set| set.apply(attributes, prepender));
    }

    /// Both, `later` over this.
    #[must_use]
    pub fn then(&self, later: &Self) -> Self {
        Self(self.0.iter().chain(&later.0).cloned().collect())
    }

    /// The share that they give to the path.
    #[must_use]
    pub fn weight(&self) -> Option<Weight> {
        self.0.iter().rev().find_map(|set| set.weight)
    }

    /// The next hop that they give to the path.
    #[must_use]
    pub fn next_hop(&self) -> Option<NextHopEdit> {
        self.0.iter().rev().find_map(|set| set.next_hop)
    }

    /// True if they put that AS in front by name.
    #[must_use]
    pub fn prepends(&self, asn: Asn) -> bool {
        self.0.iter().any(|set| matches!(&set.prepend, Prepend::List(list) if list.contains(&asn)))
    }

    /// True if the route carries the community once they are made.
    #[must_use]
    pub fn leave(&self, attributes: &Attributes, community: Community) -> bool {
        let mut there = attributes.communities.contains(&community);
        for edit in self.0.iter().map(|set| &set.communities) {
            there = edit.replace.as_ref().map_or(there, |list| list.contains(&community));
            there &= !edit.remove.iter().any(|pattern| pattern.holds(community));
            there |= edit.add.contains(&community);
        }
        there
    }
}
