//! What one peer was told of one family, and what it has yet to be told.
//!
//! A word a prefix, in pages that exist only where something was told: a peer that gets ten prefixes of a million costs
//! a few pages. The word holds the set that was sent, so that only differences go out.

use std::collections::VecDeque;

use super::attrs::{Attrs, AttrsId};
use super::table::{Row, RowId, Table};

const PAGE: usize = 512;

/// Waits in the queue.
const PENDING: u32 = 1 << 31;
/// To be sent even if it is what was sent (RFC 2918).
const FORCED: u32 = 1 << 30;
/// The id of the set that was sent; 0 for none.
const SENT: u32 = FORCED - 1;

/// One prefix of a batch: what the peer shall be told of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planned {
    /// The set to send, held; `None` withdraws.
    pub(super) target: Option<AttrsId>,
    /// The prefix, held.
    pub(super) row: RowId,
}

/// What is said beside routes, once all that is queued has been.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Stage {
    /// Nothing.
    #[default]
    Quiet,
    /// End-of-RIB.
    EndOfRib,
    /// BoRR, and then everything again (RFC 7313 §4).
    Begin,
    /// EoRR.
    End,
}

/// A look at every row, a piece at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    pub(super) next: RowId,
    pub(super) forced: bool,
}

/// The adj-out of a session and family.
#[derive(Default)]
pub(super) struct AdjOut {
    pages: Vec<Option<Box<[u32; PAGE]>>>,
    /// Words that are not zero.
    pub(super) words: usize,
    /// Prefixes that the peer has from us.
    pub(super) advertised: usize,
    /// Prefixes that could not be told because their attributes fit no message (RFC 8654 §4).
    pub(super) too_big: u64,
    pub(super) queue: VecDeque<RowId>,
    /// Being sent, the last first.
    pub(super) batch: Vec<Planned>,
    pub(super) walk: Option<Walk>,
    pub(super) stage: Stage,
    /// A refresh was asked for that could not begin yet.
    again: bool,
}

impl AdjOut {
    /// What was sent for a row.
    pub(super) fn sent(&self, row: RowId) -> Option<AttrsId> {
        let id = self.word(row) & SENT;
        (id != 0).then(|| AttrsId::from_raw(id))
    }

    /// Queues a row.
    pub(super) fn mark(&mut self, row: RowId, forced: bool, table: &mut Table) {
        let word = self.word(row);
        let wanted = word | PENDING | if forced { FORCED } else { 0 };
        if word != wanted {
            self.set_word(row, wanted, table);
        }
        if word & PENDING == 0 {
            self.queue.push_back(row);
        }
    }

    /// Takes the next row from the queue; says if it is to be sent in any case. The row is held for the caller.
    pub(super) fn pop(&mut self, table: &mut Table) -> Option<(RowId, bool)> {
        let row = self.queue.pop_front()?;
        let word = self.word(row);
        table.hold(row);
        self.set_word(row, word & SENT, table);
        Some((row, word & FORCED != 0))
    }

    /// Lets go of a row that was taken and is not decided yet: the decision will queue it again.
    pub(super) fn defer(&mut self, row: RowId, forced: bool, table: &mut Table) {
        if forced {
            self.set_word(row, self.word(row) | FORCED, table);
        }
        table.row_mut(row).set(Row::AWAITED);
        table.release(row);
    }

    /// Notes that a batch entry went out: its holds end or pass to the word.
    pub(super) fn record(&mut self, planned: Planned, table: &mut Table, attrs: &mut Attrs) {
        let Planned { target, row } = planned;
        let word = self.word(row);
        if let Some(old) = self.sent(row) {
            attrs.release(old);
            self.advertised -= 1;
        }
        self.advertised += usize::from(target.is_some());
        self.set_word(row, (word & !SENT) | target.map_or(0, AttrsId::get), table);
        table.release(row);
    }

    /// Forgets a batch entry that is not sent after all.
    pub(super) fn drop_planned(planned: Planned, table: &mut Table, attrs: &mut Attrs) {
        if let Some(target) = planned.target {
            attrs.release(target);
        }
        table.release(planned.row);
    }

    /// Forgets a row, when the session is over.
    pub(super) fn forget(&mut self, row: RowId, table: &mut Table, attrs: &mut Attrs) {
        if let Some(old) = self.sent(row) {
            attrs.release(old);
        }
        if self.word(row) != 0 {
            self.set_word(row, 0, table);
        }
    }

    /// Forgets what was about to be sent, when the session is over. Bounded by the size of a batch.
    pub(super) fn forget_batch(&mut self, table: &mut Table, attrs: &mut Attrs) {
        self.queue = VecDeque::new();
        for planned in std::mem::take(&mut self.batch) {
            Self::drop_planned(planned, table, attrs);
        }
    }

    /// Everything shall be sent again, between markers or not. While End-of-RIB is held back it is a part of what is told
    /// before that, where no markers may be.
    pub(super) fn refresh(&mut self, markers: bool, end_held: bool) {
        match self.stage {
            Stage::EndOfRib if end_held => self.walk = Some(Walk { next: 0, forced: true }),
            Stage::Quiet if markers => self.stage = Stage::Begin,
            Stage::EndOfRib | Stage::End if markers => self.again = true,
            Stage::Begin => {} // asked for twice before it began: once is enough
            Stage::Quiet | Stage::EndOfRib | Stage::End => {
                self.stage = Stage::EndOfRib;
                self.walk = Some(Walk { next: 0, forced: true });
            }
        }
    }

    /// Takes what is to be said now that all routes are told, and goes on to what comes after it.
    pub(super) fn next_stage(&mut self) -> Stage {
        let stage = self.stage;
        self.stage = match stage {
            Stage::Begin => {
                self.walk = Some(Walk { next: 0, forced: true });
                Stage::End
            }
            Stage::EndOfRib | Stage::End if std::mem::take(&mut self.again) => Stage::Begin,
            Stage::Quiet | Stage::EndOfRib | Stage::End => Stage::Quiet,
        };
        stage
    }

    /// True if there are routes to send.
    pub(super) fn has_routes(&self) -> bool {
        !self.batch.is_empty() || !self.queue.is_empty() || self.walk.is_some()
    }

    fn word(&self, row: RowId) -> u32 {
        let at = row as usize;
        self.pages.get(at / PAGE).and_then(Option::as_ref).map_or(0, |page| page[at % PAGE])
    }

    /// Holds the row while the word is not zero.
    fn set_word(&mut self, row: RowId, word: u32, table: &mut Table) {
        let at = row as usize;
        if self.pages.len() <= at / PAGE {
            self.pages.resize_with(at / PAGE + 1, || None);
        }
        let page = self.pages[at / PAGE].get_or_insert_with(|| Box::new([0; PAGE]));
        let old = std::mem::replace(&mut page[at % PAGE], word);
        match (old, word) {
            (0, 0) => {}
            (0, _) => {
                self.words += 1;
                table.hold(row);
            }
            (_, 0) => {
                self.words -= 1;
                table.release(row);
            }
            (_, _) => {}
        }
    }
}
