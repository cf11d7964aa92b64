//! What is handed to the kernel at once, and what comes back.

use std::{fmt, sync::Arc};

use super::Op;

/// Names a batch until it is done.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BatchId(pub u64);

/// Which way a batch goes to the kernel. Each is carried out in its own order, and neither waits for the other: nothing
/// goes out on one that counts on what is still under way on the other.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Lane {
    /// Next hops and groups: few, and what a lost tunnel needs.
    Objects,
    /// Routes: there may be a million in line.
    Routes,
}

/// Operations to be carried out in order, one batch of a lane after the other.
#[derive(Clone, Debug)]
pub struct Batch {
    /// For [`super::Fib::done`].
    pub id: BatchId,
    /// Which way it goes.
    pub lane: Lane,
    /// The operations; all of them are tried, also after one that failed.
    pub ops: Arc<[Op]>,
}

/// An operation that the kernel refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// Which one of the batch.
    pub index: usize,
    /// Why.
    pub error: KernelError,
}

/// Why the kernel refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct KernelError {
    /// The error number, positive.
    pub errno: i32,
    /// The kernel's own words (extended acknowledgement), or the usual ones for the number.
    pub text: String,
}

impl KernelError {
    /// No such object.
    pub const ENOENT: i32 = 2;
    /// Something is in the way.
    pub const EEXIST: i32 = 17;
    /// No memory.
    pub const ENOMEM: i32 = 12;
    /// No room: a table of limited size is full.
    pub const ENOSPC: i32 = 28;
    /// No memory, as the routing table says it.
    pub const ENOBUFS: i32 = 105;
    /// No reply within the limit, or replies were lost: whether the operation happened is not known.
    pub const ETIMEDOUT: i32 = 110;

    /// True if the operation may have happened all the same.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.errno == Self::ETIMEDOUT
    }

    /// True if the kernel has no room or no memory for it.
    #[must_use]
    pub fn is_full(&self) -> bool {
        [Self::ENOMEM, Self::ENOSPC, Self::ENOBUFS].contains(&self.errno)
    }
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
