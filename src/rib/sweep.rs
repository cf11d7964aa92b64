//! Taking out of the table what no longer counts, a piece at a time: paths and adj-outs of sessions that are over, and
//! paths that were stale when their time came.

use crate::types::Family;

use super::sessions::SessionId;
use super::stale::Rounds;
use super::table::RowId;
use super::{Rib, at};

/// One pass over all rows, for what was due when it began.
pub(super) struct Sweep {
    jobs: Vec<Job>,
    family: Family,
    next: RowId,
    /// Every row was seen.
    done: bool,
}

/// What is to go of one session.
struct Job {
    session: SessionId,
    /// All of it: its number is free afterwards.
    over: bool,
    /// What it was told.
    out: bool,
    /// Its paths of these rounds, a bit each, by family.
    rounds: [u8; 2],
}

impl Rib {
    /// Does up to `budget` rows of what is to be taken out, then of what changed settings mean; true if there is more.
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
            for job in sweep.jobs {
                if job.over {
                    self.sessions.remove(job.session);
                } else if let Some(live) = self.sessions.get_mut(job.session) {
                    live.out_due &= !job.out;
                    live.rounds.iter_mut().zip(job.rounds).for_each(|(rounds, gone)| rounds.swept(gone));
                }
            }
        }
    }

    /// True if [`Rib::work`] has something to do.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.sweep.is_some() || self.sessions.any_due() || self.rejudge.is_some()
    }

    fn begin_sweep(&mut self) -> Option<Sweep> {
        let mut jobs = Vec::new();
        for session in self.sessions.due() {
            let Some(live) = self.sessions.get_mut(session) else { continue };
            let over = live.is_over();
            let rounds = live.rounds.each_ref().map(|rounds| if over { Rounds::ALL } else { rounds.due });
            let out = over || live.out_due;
            if out {
                for (out, routes) in live.out.iter_mut().zip(&mut self.routes) {
                    out.forget_batch(&mut routes.table, &mut self.attrs);
                }
            }
            jobs.push(Job { session, over, out, rounds });
        }
        (!jobs.is_empty()).then_some(Sweep { jobs, family: Family::Ipv4, next: 0, done: false })
    }

    /// True once nothing that is to go is left, which may be long before the last row.
    fn is_swept(&self, sweep: &Sweep) -> bool {
        sweep.done
            || sweep.jobs.iter().all(|job| {
                self.sessions.get(job.session).is_none_or(|live| {
                    let told = live.out.iter().any(|out| out.words != 0);
                    let paths = if job.over { live.paths != 0 } else { job.rounds != [0; 2] };
                    !(paths || (job.out && told))
                })
            })
    }

    fn sweep_row(&mut self, sweep: &mut Sweep) {
        let (family, row) = (sweep.family, sweep.next);
        if row >= self.routes[at(family)].table.end() {
            // What is to go gets no new paths, so one look at each row finds all.
            (sweep.family, sweep.next, sweep.done) = (Family::Ipv6, 0, family == Family::Ipv6);
            return;
        }
        sweep.next += 1;
        let routes = &mut self.routes[at(family)];
        let before = routes.table.row(row).head;
        if !before.is_empty() {
            let mut head = before;
            let mut gone = smallvec::SmallVec::<[_; 4]>::new();
            let of = |job: &Job, session, round: u8| job.session == session && job.rounds[at(family)] & 1 << round != 0;
            let due = |path: &super::Path| sweep.jobs.iter().any(|job| of(job, path.session, path.round()));
            self.paths.remove(&mut head, due, |path| gone.push(path));
            routes.table.row_mut(row).head = head;
            for path in gone {
                self.gone(family, row, &path);
                self.refill(path.session, family);
                if !sweep.jobs.iter().any(|job| job.over && job.session == path.session) {
                    self.refill(path.session, family);
                }
            }
        }
        let routes = &mut self.routes[at(family)];
        for job in sweep.jobs.iter().filter(|job| job.out) {
            if let Some(live) = self.sessions.get_mut(job.session) {
                live.out[at(family)].forget(row, &mut routes.table, &mut self.attrs);
            }
        }
        routes.table.free_if_idle(row);
    }
}
