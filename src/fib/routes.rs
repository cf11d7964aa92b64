//! Every route, wanted or in the kernel, in a few octets each, and queues of them.
//!
//! A million routes must fit beside a million paths, so a cell is 15 octets (IPv4) or 27 (IPv6) with its key.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, Hash, Hasher},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use hashbrown::hash_table::Entry;

use super::hash::OneSeed;

use crate::shards::Shards;
use crate::types::Family;
use crate::types::Prefix;

/// Where a route leads, in 24 bits: nowhere, a group by its offset in our range, a slot of the table of links, or
/// somewhere that we do not know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Ref([u8; 3]);

/// What a [`Ref`] means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum To {
    Nowhere,
    Group(u32),
    Link(u32),
    Other,
}

impl Ref {
    pub(super) const NONE: Self = Self([0; 3]);
    pub(super) const OTHER: Self = Self([0xff; 3]);
    /// Offsets of groups and next hops stay below; links and `OTHER` are above.
    pub(super) const LINKS: u32 = 0xf0_0000;

    fn pack(value: u32) -> Self {
        let [_, a, b, c] = value.to_be_bytes();
        Self([a, b, c])
    }

    pub(super) fn group(offset: u32) -> Self {
        debug_assert!(offset > 0 && offset < Self::LINKS);
        Self::pack(offset)
    }

    pub(super) fn link(slot: u32) -> Self {
        Self::pack(Self::LINKS + slot)
    }

    pub(super) fn to(self) -> To {
        let [a, b, c] = self.0;
        match u32::from_be_bytes([0, a, b, c]) {
            0 => To::Nowhere,
            0xff_ffff => To::Other,
            value if value < Self::LINKS => To::Group(value),
            value => To::Link(value - Self::LINKS),
        }
    }
}

/// One prefix: what is wanted, what the kernel holds, and what is going on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    /// The hop set that it wants, by its number; nothing if it wants no group.
    pub(super) key: Ref,
    /// Where it shall be.
    pub(super) want: Ref,
    /// Where the kernel has it.
    pub(super) have: Ref,
    flags: u8,
}

/// An operation on it is with the kernel.
pub(super) const FLYING: u8 = 1;
/// What the kernel holds is not certain, so the next operation must not count on it.
pub(super) const UNSURE: u8 = 2;
/// The last operation failed; the details and the time of the next try are kept elsewhere.
pub(super) const FAILED: u8 = 4;
/// Somebody else changed it while an operation was with the kernel.
pub(super) const TOUCHED: u8 = 8;
/// While the kernel is read and compared: it was found there.
pub(super) const SEEN: u8 = 16;
/// While the kernel is read and compared: it changed, and is not judged.
pub(super) const MOVED: u8 = 32;
/// The kernel has no room for it: it waits with others of that kind.
pub(super) const HELD: u8 = 64;

impl Cell {
    const EMPTY: Self = Self { key: Ref::NONE, want: Ref::NONE, have: Ref::NONE, flags: 0 };

    pub(super) fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(super) fn set(&mut self, flag: u8, on: bool) {
        if on {
            self.flags |= flag;
        } else {
            self.flags &= !flag;
        }
    }

    fn is_empty(&self) -> bool {
        self.key == Ref::NONE && self.want == Ref::NONE && self.have == Ref::NONE && self.flags == 0
    }
}

/// An IPv4 prefix in five octets.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Key4([u8; 5]);

/// An IPv6 prefix in seventeen.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Key6([u8; 17]);

impl Hash for Key4 {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, len] = self.0;
        state.write_u64(u64::from_be_bytes([0, 0, 0, len, a, b, c, d]));
    }
}

impl Hash for Key6 {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a @ .., len] = self.0;
        state.write_u128(u128::from_be_bytes(a));
        state.write_u8(len);
    }
}

enum Key {
    V4(Key4),
    V6(Key6),
}

impl From<&Prefix> for Key {
    fn from(prefix: &Prefix) -> Self {
        match prefix.addr() {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                Self::V4(Key4([a, b, c, d, prefix.len()]))
            }
            IpAddr::V6(address) => {
                let mut key = [prefix.len(); 17];
                key.iter_mut().zip(address.octets()).for_each(|(to, from)| *to = from);
                Self::V6(Key6(key))
            }
        }
    }
}

impl From<Key4> for Prefix {
    fn from(key: Key4) -> Self {
        let [a, b, c, d, len] = key.0;
        Self::truncated(Ipv4Addr::new(a, b, c, d).into(), len).expect("it was a prefix before it was a key")
    }
}

impl From<Key6> for Prefix {
    fn from(key: Key6) -> Self {
        let [address @ .., len] = key.0;
        Self::truncated(Ipv6Addr::from(address).into(), len).expect("it was a prefix before it was a key")
    }
}

/// All cells. A cell that is neither wanted nor held, with nothing going on, does not exist.
#[derive(Default)]
pub(super) struct Routes {
    v4: Shards<(Key4, Cell)>,
    v6: Shards<(Key6, Cell)>,
    hasher: OneSeed,
}

impl Routes {
    pub(super) fn get(&self, prefix: &Prefix) -> Option<&Cell> {
        fn of<'a, K: Hash + Eq>(cells: &'a Shards<(K, Cell)>, hasher: &OneSeed, key: &K) -> Option<&'a Cell> {
            cells.find(hasher.hash_one(key), |(known, _)| known == key).map(|(_, cell)| cell)
        }
        match prefix.into() {
            Key::V4(key) => of(&self.v4, &self.hasher, &key),
            Key::V6(key) => of(&self.v6, &self.hasher, &key),
        }
    }

    /// Changes the cell of a prefix, which is made or dropped as needed.
    pub(super) fn change<R>(&mut self, prefix: &Prefix, change: impl FnOnce(&mut Cell) -> R) -> R {
        fn of<K: Hash + Eq, R>(
            cells: &mut Shards<(K, Cell)>,
            hasher: &OneSeed,
            key: K,
            change: impl FnOnce(&mut Cell) -> R,
        ) -> R {
            let hash = hasher.hash_one(&key);
            match cells.entry(hash, |(known, _)| *known == key, |(known, _)| hasher.hash_one(known)) {
                Entry::Occupied(mut entry) => {
                    let result = change(&mut entry.get_mut().1);
                    if entry.get().1.is_empty() {
                        entry.remove();
                    }
                    result
                }
                Entry::Vacant(entry) => {
                    let mut cell = Cell::EMPTY;
                    let result = change(&mut cell);
                    if !cell.is_empty() {
                        entry.insert((key, cell));
                    }
                    result
                }
            }
        }
        match prefix.into() {
            Key::V4(key) => of(&mut self.v4, &self.hasher, key, change),
            Key::V6(key) => of(&mut self.v6, &self.hasher, key, change),
        }
    }

    /// Every cell once, in no order; those that became empty are dropped.
    pub(super) fn change_all(&mut self, mut change: impl FnMut(Prefix, &mut Cell)) {
        self.v4.retain(|(key, cell)| {
            change((*key).into(), cell);
            !cell.is_empty()
        });
        self.v6.retain(|(key, cell)| {
            change((*key).into(), cell);
            !cell.is_empty()
        });
    }

    /// Every cell of a family, in no order.
    pub(super) fn iter(&self, family: Family) -> Box<dyn Iterator<Item = (Prefix, &Cell)> + '_> {
        match family {
            Family::Ipv4 => Box::new(self.v4.iter().map(|(key, cell)| ((*key).into(), cell))),
            Family::Ipv6 => Box::new(self.v6.iter().map(|(key, cell)| ((*key).into(), cell))),
        }
    }
}

/// Prefixes in line, five or seventeen octets each.
#[derive(Default)]
pub(super) struct Queue {
    v4: VecDeque<Key4>,
    v6: VecDeque<Key6>,
}

impl Queue {
    pub(super) fn push(&mut self, prefix: &Prefix) {
        match prefix.into() {
            Key::V4(key) => self.v4.push_back(key),
            Key::V6(key) => self.v6.push_back(key),
        }
    }

    /// IPv4 first: the order between families carries no meaning.
    pub(super) fn pop(&mut self) -> Option<Prefix> {
        let next = match self.v4.pop_front() {
            Some(key) => Some(key.into()),
            None => self.v6.pop_front().map(Prefix::from),
        };
        if self.is_empty() {
            *self = Self::default(); // a full table has passed: give its memory back
        }
        next
    }

    pub(super) fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.v4.len() + self.v6.len()
    }

    pub(super) fn append(&mut self, mut other: Self) {
        if self.is_empty() {
            *self = other;
        } else {
            self.v4.append(&mut other.v4);
            self.v6.append(&mut other.v6);
        }
    }
}
