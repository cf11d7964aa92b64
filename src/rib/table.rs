//! The prefixes of one family: each has a row, found by its prefix, and keeps its number while anybody needs it.
//!
//! Rows are visited in the order of their numbers, so that nothing depends on the seed of the hash.

use std::{
    hash::BuildHasher,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use hashbrown::DefaultHashBuilder;

use crate::shards::Shards;
use crate::types::{Family, Prefix};

use super::adj_in::Head;

/// The number of a row within its family.
pub(super) type RowId = u32;

/// What is known of one prefix, besides itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Row {
    /// The first of its paths.
    pub(super) head: Head,
    /// How many adj-outs hold or want it. Sticks at its maximum: such a row is never freed.
    pub(super) users: u16,
    len: u8,
    flags: u8,
}

impl Row {
    /// In the queue of [`super::Rib::take_changed`].
    pub(super) const CHANGED: u8 = 1;
    /// Has, or once had, a local route: neighbors that only get those must look.
    pub(super) const LOCAL: u8 = 2;
    /// A path that was chosen is gone.
    pub(super) const LOST: u8 = 4;
    /// A neighbor waits for the decision.
    pub(super) const AWAITED: u8 = 8;
    /// The last decision found a path to use.
    pub(super) const REACHED: u8 = 32;
    /// Not in use.
    const FREE: u8 = 16;

    /// True if the flag is set.
    pub(super) const fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Sets a flag.
    pub(super) fn set(&mut self, flag: u8) {
        self.flags |= flag;
    }

    /// Clears a flag.
    pub(super) fn clear(&mut self, flag: u8) {
        self.flags &= !flag;
    }

    /// True if nobody needs it.
    fn idle(&self) -> bool {
        self.users == 0 && self.head.is_empty() && !self.is(Self::CHANGED | Self::FREE)
    }
}

enum Addresses {
    V4(Vec<u32>),
    V6(Vec<[u64; 2]>),
}

/// All prefixes of a family.
pub(super) struct Table {
    rows: Vec<Row>,
    addresses: Addresses,
    index: Shards<RowId>,
    free: Vec<RowId>,
    hasher: DefaultHashBuilder,
}

impl Table {
    pub(super) fn new(family: Family) -> Self {
        let addresses = match family {
            Family::Ipv4 => Addresses::V4(Vec::new()),
            Family::Ipv6 => Addresses::V6(Vec::new()),
        };
        let (rows, index, free) = (Vec::new(), Shards::default(), Vec::new());
        Self { rows, addresses, index, free, hasher: DefaultHashBuilder::default() }
    }

    /// The row of a prefix, if it has one. The prefix must be of the table's family.
    pub(super) fn find(&self, prefix: &Prefix) -> Option<RowId> {
        let (address, len) = (bits(prefix.addr()), prefix.len());
        let hash = self.hash(address, len);
        self.index.find(hash, |&id| self.key(id) == (address, len)).copied()
    }

    /// The row of a prefix, a new one if need be.
    pub(super) fn find_or_add(&mut self, prefix: &Prefix) -> RowId {
        let (address, len) = (bits(prefix.addr()), prefix.len());
        let hash = self.hash(address, len);
        if let Some(&id) = self.index.find(hash, |&id| self.key(id) == (address, len)) {
            return id;
        }
        let row = Row { len, ..Row::default() };
        let id = match self.free.pop() {
            Some(id) => {
                self.rows[id as usize] = row;
                self.addresses.set(id, address);
                id
            }
            None => {
                let id = RowId::try_from(self.rows.len()).expect("there are not so many prefixes in memory");
                self.rows.push(row);
                self.addresses.push(address);
                id
            }
        };
        let (rows, addresses, hasher) = (&self.rows, &self.addresses, &self.hasher);
        let rehash = |&id: &RowId| hash_of(hasher, addresses.get(id), rows[id as usize].len);
        self.index.insert_unique(hash, id, rehash);
        id
    }

    pub(super) fn row(&self, id: RowId) -> &Row {
        &self.rows[id as usize]
    }

    pub(super) fn row_mut(&mut self, id: RowId) -> &mut Row {
        &mut self.rows[id as usize]
    }

    /// The prefix of a row.
    pub(super) fn prefix(&self, id: RowId) -> Prefix {
        let (address, len) = self.key(id);
        let address = match self.addresses {
            Addresses::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(address as u32)),
            Addresses::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(address)),
        };
        Prefix::truncated(address, len).expect("it was made from a prefix")
    }

    /// One more adj-out needs the row.
    pub(super) fn hold(&mut self, id: RowId) {
        let users = &mut self.row_mut(id).users;
        *users = users.saturating_add(1);
    }

    /// One adj-out less.
    pub(super) fn release(&mut self, id: RowId) {
        let users = &mut self.row_mut(id).users;
        if *users < u16::MAX {
            *users -= 1;
        }
        self.free_if_idle(id);
    }

    /// Frees the row if nobody needs it any more.
    pub(super) fn free_if_idle(&mut self, id: RowId) {
        if !self.row(id).idle() {
            return;
        }
        let (address, len) = self.key(id);
        self.index.remove(self.hash(address, len), |&found| found == id);
        self.row_mut(id).flags = Row::FREE;
        self.free.push(id);
    }

    /// The number that the next new row would get: all rows are below it.
    pub(super) fn end(&self) -> RowId {
        self.rows.len() as RowId
    }

    /// Rows in use, by number.
    pub(super) fn ids(&self) -> impl Iterator<Item = RowId> + '_ {
        (0..self.end()).filter(|id| !self.row(*id).is(Row::FREE))
    }

    /// The key of a prefix.
    pub(super) fn key_of(prefix: &Prefix) -> (u128, u8) {
        (bits(prefix.addr()), prefix.len())
    }

    /// How many rows are in use.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// The address, as a number, and length of a row's prefix: sorts as prefixes do.
    pub(super) fn key(&self, id: RowId) -> (u128, u8) {
        (self.addresses.get(id), self.rows[id as usize].len)
    }

    fn hash(&self, address: u128, len: u8) -> u64 {
        hash_of(&self.hasher, address, len)
    }
}

impl Addresses {
    fn get(&self, id: RowId) -> u128 {
        match self {
            Self::V4(all) => u128::from(all[id as usize]),
            Self::V6(all) => {
                let [high, low] = all[id as usize];
                u128::from(high) << 64 | u128::from(low)
            }
        }
    }

    fn set(&mut self, id: RowId, address: u128) {
        match self {
            Self::V4(all) => all[id as usize] = address as u32,
            Self::V6(all) => all[id as usize] = [(address >> 64) as u64, address as u64],
        }
    }

    fn push(&mut self, address: u128) {
        match self {
            Self::V4(all) => all.push(address as u32),
            Self::V6(all) => all.push([(address >> 64) as u64, address as u64]),
        }
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn hash_of(hasher: &DefaultHashBuilder, address: u128, len: u8) -> u64 {
    hasher.hash_one((address, len))
}
