//! Hash maps whose order is the same whenever the same happens in them: a run can be played again from its seed.
//!
//! Neighbors choose the keys, so the seed of the hash is nobody's to know: one for each process, by chance.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use foldhash::fast::{FixedState, FoldHasher};

static SEED: OnceLock<u64> = OnceLock::new();

/// Gives the hashes of this process a seed that is known, so that a run can be played again in another process: for tests.
/// Counts only before there is any map.
pub fn seed_hashes(seed: u64) {
    let _ = SEED.set(seed); // what is in use stays
}

/// The hash of this process.
#[derive(Clone)]
pub(super) struct OneSeed(FixedState);

impl Default for OneSeed {
    fn default() -> Self {
        Self(FixedState::with_seed(*SEED.get_or_init(|| RandomState::new().hash_one(0))))
    }
}

impl BuildHasher for OneSeed {
    type Hasher = FoldHasher<'static>;

    fn build_hasher(&self) -> Self::Hasher {
        self.0.build_hasher()
    }
}

/// As `hashbrown`'s, with one seed.
pub(super) type HashMap<K, V> = hashbrown::HashMap<K, V, OneSeed>;
/// As `hashbrown`'s, with one seed.
pub(super) type HashSet<K> = hashbrown::HashSet<K, OneSeed>;
