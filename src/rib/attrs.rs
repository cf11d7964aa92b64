//! Attribute sets, each kept once however many routes share it.
//!
//! A full table has some 100,000 sets for a million routes, and each neighbor brings its own: so a set is stored as
//! octets of our own ([`super::compact`]) beside the few fields that the decision process reads ([`Rank`]).

use std::hash::BuildHasher;

use hashbrown::DefaultHashBuilder;

use crate::shards::Shards;
use crate::types::{Asn, Weight};
use crate::wire::{Attributes, NextHop, Origin};

use super::{compact, weights};

/// A stored attribute set.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct AttrsId(u32);

impl AttrsId {
    /// The number, from 1 to 2^27: rows keep it beside flags.
    pub(super) const fn get(self) -> u32 {
        self.0
    }

    /// The id of a number that [`AttrsId::get`] gave.
    pub(super) const fn from_raw(raw: u32) -> Self {
        Self(raw)
    }
}

/// What the decision process reads of a set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Rank {
    /// LOCAL_PREF; 100 where there is none.
    pub(super) local_pref: u32,
    /// The length of AS_PATH.
    pub(super) path_length: u32,
    /// ORIGIN.
    pub(super) origin: Origin,
    /// MULTI_EXIT_DISC; 0 where there is none (RFC 4271 §9.1.2.2 c).
    pub(super) med: u32,
    /// The first AS of AS_PATH: MEDs compare within it.
    pub(super) neighbor: Asn,
    /// ORIGINATOR_ID as a number; 0 where there is none.
    pub(super) originator: u32,
    /// How many clusters in CLUSTER_LIST.
    pub(super) clusters: u16,
    /// The bits of the link bandwidth in octets per second; zero where there is none.
    pub(super) bandwidth: u32,
    /// The share that a policy gave to the path.
    pub(super) weight: Option<Weight>,
    /// A policy gave the path another next hop: [`Attrs::next_hop`] has it.
    pub(super) redirected: bool,
}

/// What policies gave to a path beside its attributes. Never told to anybody.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Local {
    /// Its share of the traffic.
    pub(super) weight: Option<Weight>,
    /// In place of the next hop that it came with.
    pub(super) next_hop: Option<NextHop>,
}

impl Rank {
    /// The LOCAL_PREF of routes that say none.
    pub(super) const LOCAL_PREF: u32 = 100;

    fn of(attributes: &Attributes, local: &Local) -> Self {
        Self {
            local_pref: attributes.local_pref.unwrap_or(Self::LOCAL_PREF),
            path_length: u32::try_from(attributes.as_path.length()).unwrap_or(u32::MAX),
            origin: attributes.origin,
            med: attributes.med.unwrap_or(0),
            neighbor: attributes.as_path.neighbor().unwrap_or_default(),
            originator: attributes.originator_id.map_or(0, u32::from),
            clusters: u16::try_from(attributes.cluster_list.len()).unwrap_or(u16::MAX),
            bandwidth: weights::bandwidth(attributes).to_bits(),
            weight: local.weight,
            redirected: local.next_hop.is_some(),
        }
    }
}

struct Set {
    rank: Rank,
    users: u32,
    octets: Box<[u8]>,
}

/// All attribute sets in use, counted.
#[derive(Default)]
pub(super) struct Attrs {
    sets: Vec<Set>,
    free: Vec<u32>,
    index: Shards<u32>,
    hasher: DefaultHashBuilder,
    scratch: Vec<u8>,
}

impl Attrs {
    /// Stores a set, or finds it, with one more user: the caller.
    pub(super) fn intern(&mut self, attributes: &Attributes) -> AttrsId {
        self.scratch.clear();
        compact::write(attributes, &mut self.scratch);
        self.intern_scratch(attributes, &Local::default())
    }

    /// The same for a set with what policies gave to the path.
    pub(super) fn intern_accepted(&mut self, attributes: &Attributes, local: &Local) -> AttrsId {
        self.scratch.clear();
        compact::write(attributes, &mut self.scratch);
        if *local != Local::default() {
            compact::write_local(local.weight, local.next_hop.as_ref(), &mut self.scratch);
        }
        self.intern_scratch(attributes, local)
    }

    /// The same for a set with its next hop, as it goes out.
    pub(super) fn intern_with(&mut self, attributes: &Attributes, next_hop: &NextHop) -> AttrsId {
        self.scratch.clear();
        compact::write(attributes, &mut self.scratch);
        compact::write_next_hop(next_hop, &mut self.scratch);
        self.intern_scratch(attributes, &Local::default())
    }

    fn intern_scratch(&mut self, attributes: &Attributes, local: &Local) -> AttrsId {
        let hash = self.hasher.hash_one(self.scratch.as_slice());
        let (sets, scratch) = (&mut self.sets, &self.scratch);
        if let Some(&at) = self.index.find(hash, |&at| *sets[at as usize].octets == **scratch) {
            sets[at as usize].users += 1;
            return AttrsId(at + 1);
        }
        let set = Set { rank: Rank::of(attributes, local), users: 1, octets: scratch.as_slice().into() };
        let at = match self.free.pop() {
            Some(at) => {
                sets[at as usize] = set;
                at
            }
            None => {
                let at = u32::try_from(sets.len()).expect("four billion sets do not fit in memory");
                sets.push(set);
                at
            }
        };
        let hasher = &self.hasher;
        self.index.insert_unique(hash, at, |&at| hasher.hash_one(&*sets[at as usize].octets));
        AttrsId(at + 1)
    }

    /// One more user.
    pub(super) fn hold(&mut self, id: AttrsId) {
        self.set_mut(id).users += 1;
    }

    /// One user less; the last one frees the set.
    pub(super) fn release(&mut self, id: AttrsId) {
        let set = self.set_mut(id);
        set.users -= 1;
        if set.users > 0 {
            return;
        }
        let octets = std::mem::take(&mut set.octets);
        let at = id.0 - 1;
        self.index.remove(self.hasher.hash_one(&*octets), |&found| found == at);
        self.free.push(at);
    }

    /// What the decision process reads.
    pub(super) fn rank(&self, id: AttrsId) -> &Rank {
        &self.sets[(id.0 - 1) as usize].rank
    }

    /// The set as a value.
    pub(super) fn get(&self, id: AttrsId) -> Attributes {
        compact::read(&self.sets[(id.0 - 1) as usize].octets)
    }

    /// The next hop that a policy gave to a path with this set, if one did.
    pub(super) fn next_hop(&self, id: AttrsId) -> Option<NextHop> {
        let set = &self.sets[(id.0 - 1) as usize];
        set.rank.redirected.then(|| compact::read_local_next_hop(&set.octets)).flatten()
    }

    /// A set with the next hop that it was stored with.
    pub(super) fn get_with(&self, id: AttrsId) -> (Attributes, NextHop) {
        compact::read_with(&self.sets[(id.0 - 1) as usize].octets)
    }

    /// How many sets are in use.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    fn set_mut(&mut self, id: AttrsId) -> &mut Set {
        &mut self.sets[(id.0 - 1) as usize]
    }
}
