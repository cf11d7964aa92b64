//! What became of a tunnel: the newest changes, each with its time, its source and its reason.

use std::collections::{VecDeque, vec_deque};

use super::Source;
use crate::types::{Name, Time};

/// So many changes are kept.
const KEPT: usize = 64;

/// What a change made of the tunnel, or added to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Word {
    /// It carries traffic.
    Up,
    /// It carries none.
    Down,
    /// It was down already, and one more objects.
    Objected,
    /// It is still down, and one objects no longer.
    Agreed,
    /// Nobody objects any more, and it must be quiet for a while.
    Damped,
}

/// One change, or one pair of changes that came again and again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// When it was first.
    pub at: Time,
    /// What it was.
    pub word: Word,
    /// Who brought it about; `None` for the end of damping.
    pub source: Option<Source>,
    /// Which neighbor's session or BFD that was, where the source is one of those.
    pub by: Option<Name>,
    /// Why, in words for people.
    pub reason: String,
    /// How often it came again, in turn with its opposite, without anything else in between.
    pub repeats: u64,
    /// When it was last.
    pub last: Time,
}

impl Entry {
    fn is_like(&self, other: &Self) -> bool {
        (self.word, self.source, &self.by, &self.reason) == (other.word, other.source, &other.by, &other.reason)
    }
}

/// The newest changes, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct History(VecDeque<Entry>);

impl History {
    /// The changes, the oldest first.
    pub fn iter(&self) -> vec_deque::Iter<'_, Entry> {
        self.0.iter()
    }

    /// Takes a change down, and gives it back as it is kept. What a tunnel that is not used does again and again is one
    /// entry that counts.
    pub(super) fn push(&mut self, entry: Entry) -> Entry {
        let used = entry.word == Word::Up || self.0.back().is_some_and(|last| last.word == Word::Up);
        let twin = self.0.len().checked_sub(2);
        let twin = twin.filter(|at| !used && self.0.get(*at).is_some_and(|old| old.is_like(&entry)));
        let kept = match twin.and_then(|at| self.0.remove(at)) {
            Some(twin) => Entry { repeats: twin.repeats + 1, last: entry.at, ..twin },
            None => {
                if self.0.len() == KEPT {
                    self.0.pop_front();
                }
                entry
            }
        };
        self.0.push_back(kept.clone());
        kept
    }
}
