//! A hash table in parts. A table of a million entries that doubles moves all of them at once, and for tens of milliseconds
//! nothing else happens, not even to a tunnel that is lost. Here the parts double one after the other.
//!
//! Names nothing else of this crate.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// How many parts there are: a 64th of a million entries moves in less than a millisecond.
const PARTS: usize = 64;

/// As `hashbrown::HashTable`: whoever uses it brings the hashes, of 64 bits that are all as good as any.
pub(crate) struct Shards<T>([HashTable<T>; PARTS]);

impl<T> Default for Shards<T> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| HashTable::new()))
    }
}

impl<T> Shards<T> {
    /// The entry with that hash that is meant.
    pub(crate) fn find(&self, hash: u64, is_it: impl FnMut(&T) -> bool) -> Option<&T> {
        self.0.get(part(hash))?.find(hash, is_it)
    }

    /// The same, or the place where it would be.
    pub(crate) fn entry(
        &mut self,
        hash: u64,
        is_it: impl FnMut(&T) -> bool,
        rehash: impl Fn(&T) -> u64,
    ) -> Entry<'_, T> {
        self.0[part(hash)].entry(hash, is_it, rehash)
    }

    /// Adds one that is not there yet.
    pub(crate) fn insert_unique(&mut self, hash: u64, value: T, rehash: impl Fn(&T) -> u64) {
        self.0[part(hash)].insert_unique(hash, value, rehash);
    }

    /// Takes the entry with that hash that is meant out.
    pub(crate) fn remove(&mut self, hash: u64, is_it: impl FnMut(&T) -> bool) -> Option<T> {
        let entry = self.0.get_mut(part(hash))?.find_entry(hash, is_it).ok()?;
        Some(entry.remove().0)
    }

    /// Looks at each, and drops those that are not to stay.
    pub(crate) fn retain(&mut self, mut stays: impl FnMut(&mut T) -> bool) {
        self.0.iter_mut().for_each(|part| part.retain(&mut stays));
    }

    /// Each once, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flat_map(HashTable::iter)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(HashTable::len).sum()
    }
}

/// The part of a hash, by bits of which the parts make no use: they take the lowest and the seven highest.
fn part(hash: u64) -> usize {
    (hash >> 48) as usize % PARTS
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use super::*;

    #[test]
    fn what_is_put_in_is_found_until_it_is_taken_out() {
        let hasher = RandomState::new();
        let hash = |number: &u32| hasher.hash_one(number);
        let mut shards = Shards::default();
        for number in 0..10_000 {
            shards.insert_unique(hash(&number), number, hash);
        }
        assert_eq!(shards.len(), 10_000);
        for number in (0..10_000).step_by(2) {
            assert_eq!(shards.remove(hash(&number), |one| *one == number), Some(number));
            assert_eq!(shards.remove(hash(&number), |one| *one == number), None);
        }
        shards.retain(|number| *number % 3 == 0);
        let mut left: Vec<u32> = shards.iter().copied().collect();
        left.sort_unstable();
        assert_eq!(left, (0..10_000).filter(|number| number % 6 == 3).collect::<Vec<_>>());
        assert!(left.iter().all(|number| shards.find(hash(number), |one| one == number).is_some()));
    }

    #[test]
    fn no_part_holds_much_more_than_its_share() {
        let hasher = RandomState::new();
        let mut shards = Shards::default();
        for number in 0..100_000_u32 {
            shards.insert_unique(hasher.hash_one(number), number, |number| hasher.hash_one(number));
        }
        let most = shards.0.iter().map(HashTable::len).max().unwrap();
        assert!(most < 2 * 100_000 / PARTS, "{most}");
    }
}
