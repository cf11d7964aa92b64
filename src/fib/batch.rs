//! What is handed to the kernel at once, and what comes back.

use std::{fmt, sync::Arc};

use super::Op;

/// Names a batch until it is done.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BatchId(pub u64);

/// Operations to be carried out in order, one batch after the other.
#[derive(Clone, Debug)]
pub struct Batch {
    /// For [`super::Fib::done`].
    pub id: BatchId,
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
    /// Replies were lost: whether the operation happened is not known.
    pub const ENOBUFS: i32 = 105;
    /// No reply within the limit: whether the operation happened is not known.
    pub const ETIMEDOUT: i32 = 110;

    /// True if the operation may have happened all the same.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.errno == Self::ENOBUFS || self.errno == Self::ETIMEDOUT
    }
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
