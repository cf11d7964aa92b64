//! Taking the paths and adj-outs of sessions that are over out of the table, a piece at a time.

use crate::types::Family;

use super::adj_out::AdjOut;
use super::sessions::SessionId;
use super::table::RowId;
use super::{Rib, at};

/// One pass over all rows, for the sessions that were over when it began.
pub(super) struct Sweep {
    sessions: Vec<SessionId>,
    family: Family,
    next: RowId,
    /// Every row was seen.
    done: bool,
}

impl Rib {
    /// Does up to `budget` rows of what ended sessions left behind, then of what changed settings mean; true if there is
    /// more.
    pub fn work(&mut self, budget: usize) -> bool {
        let mut left = budget.max(1);
        loop {
            let Some(mut sweep) = self.sweep.take().or_else(|| self.begin_sweep()) else {
                self.rejudge(left);
                return self.rejudge.is_some();
            };
            while left > 0 && !self.is_swept(&sweep) {
                self.sweep_row(&mut sweep);
                left -= 1;
            }
            if !self.is_swept(&sweep) {
                self.sweep = Some(sweep);
                return true;
            }
            sweep.sessions.into_iter().for_each(|session| self.sessions.remove(session));
        }
    }

    /// True if [`Rib::work`] has something to do.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.sweep.is_some() || self.sessions.any_over() || self.rejudge.is_some()
    }

    fn begin_sweep(&mut self) -> Option<Sweep> {
        let sessions = self.sessions.over();
        for session in &sessions {
            let Some(live) = self.sessions.get_mut(*session) else { continue };
            for (out, routes) in live.out.iter_mut().zip(&mut self.routes) {
                out.forget_batch(&mut routes.table, &mut self.attrs);
            }
        }
        (!sessions.is_empty()).then_some(Sweep { sessions, family: Family::Ipv4, next: 0, done: false })
    }

    /// True once nothing refers to the sessions, which may be long before the last row.
    fn is_swept(&self, sweep: &Sweep) -> bool {
        let clean = |out: &AdjOut| out.words == 0;
        sweep.done
            || sweep.sessions.iter().all(|session| {
                self.sessions.get(*session).is_none_or(|live| live.paths == 0 && live.out.iter().all(clean))
            })
    }

    fn sweep_row(&mut self, sweep: &mut Sweep) {
        let (family, row) = (sweep.family, sweep.next);
        if row >= self.routes[at(family)].table.end() {
            // What is over gets no new paths, so one look at each row finds all.
            (sweep.family, sweep.next, sweep.done) = (Family::Ipv6, 0, family == Family::Ipv6);
            return;
        }
        sweep.next += 1;
        let routes = &mut self.routes[at(family)];
        let before = routes.table.row(row).head;
        if !before.is_empty() {
            let mut head = before;
            let mut gone = smallvec::SmallVec::<[_; 4]>::new();
            self.paths.remove(&mut head, |path| sweep.sessions.contains(&path.session), |path| gone.push(path));
            routes.table.row_mut(row).head = head;
            for path in gone {
                if let Some(live) = self.sessions.get_mut(path.session) {
                    live.paths -= 1;
                }
                self.lost(family, row, &path);
            }
        }
        let routes = &mut self.routes[at(family)];
        for session in &sweep.sessions {
            if let Some(live) = self.sessions.get_mut(*session) {
                live.out[at(family)].forget(row, &mut routes.table, &mut self.attrs);
            }
        }
        routes.table.free_if_idle(row);
    }
}
