//! The slow comparison of the kernel with what is wanted: now and then, after others have changed something, and when
//! somebody asks. Nothing waits for it but who asked.

use std::time::Duration;

use super::{Effect, Event, Life, Speaker};
use crate::fib::{Findings, Part};
use crate::types::Time;

/// From the end of one comparison to the next when nothing calls for one.
const PERIOD: Duration = Duration::from_secs(300);
/// After others changed something: in case that what they did and what a link did were told of in another order.
const AFTER: Duration = Duration::from_secs(1);
/// Between two, whatever happens.
const BREATH: Duration = Duration::from_millis(500);

/// What goes on, and what was found last.
#[derive(Debug, Default)]
pub(super) struct Audit {
    /// Counts them: parts of one that was given up mean nothing.
    number: u32,
    running: bool,
    due: Option<Time>,
    ended: Option<Time>,
    /// Somebody waits for the answer.
    asked: bool,
    pub(super) last: Option<(Time, Findings)>,
    /// How many were made.
    pub(super) count: u64,
    /// How often changes by others came too fast.
    pub(super) lost: u64,
    /// Such a loss is not made good yet: what we were changing ourselves was not judged.
    pub(super) missed: bool,
}

impl Speaker {
    /// When one is to begin; none while it could not, since who waits for that time would do so in vain.
    pub(super) fn audit_deadline(&self) -> Option<Time> {
        let can = !self.audit.running && self.life == Life::Running && !self.resync.reads();
        self.audit.due.filter(|_| can)
    }

    /// A comparison is wanted by then.
    fn audit_by(&mut self, at: Time) {
        let at = self.audit.ended.map_or(at, |ended| at.max(ended + BREATH));
        self.audit.due = Some(self.audit.due.map_or(at, |due| due.min(at)));
    }

    pub(super) fn audit_later(&mut self, now: Time) {
        self.audit.due = None;
        self.audit_by(now + PERIOD);
    }

    /// Others have changed something of ours.
    pub(super) fn audit_soon(&mut self, now: Time) {
        self.audit_by(now + AFTER);
    }

    /// News was lost, or somebody asks.
    pub(super) fn audit_now(&mut self, now: Time, asked: bool) {
        self.audit.asked |= asked;
        self.audit_by(now);
    }

    /// Begins one if it is time.
    pub(super) fn audit_if_due(&mut self, now: Time, out: &mut Vec<Effect>) {
        if self.audit_deadline().is_none_or(|due| due > now) {
            return;
        }
        self.audit.due = None;
        self.audit.running = true;
        self.audit.number = self.audit.number.wrapping_add(1);
        self.fib.audit_begin();
        out.push(Effect::Audit(self.audit.number));
    }

    /// The kernel is read and compared in another way: this one means nothing any more.
    pub(super) fn audit_give_up(&mut self, now: Time) {
        if std::mem::take(&mut self.audit.running) {
            self.audit.number = self.audit.number.wrapping_add(1);
            self.fib.audit_cancel();
            self.audit_by(now + AFTER);
        }
    }

    pub(super) fn audited(&mut self, now: Time, number: u32, part: Part, out: &mut Vec<Effect>) {
        if !self.audit.running || number != self.audit.number {
            return;
        }
        match part {
            Part::Objects(found) => self.fib.audit_objects(&found),
            Part::Routes(found) => self.fib.audit_routes(&found),
            Part::Again => self.fib.audit_begin(),
            Part::Failed(reason) => {
                self.fib.audit_cancel();
                self.audit.running = false;
                self.audit.ended = Some(now);
                self.audit_soon(now);
                out.push(Effect::Tell(Event::Unread { reason }));
            }
            Part::End => {
                let findings = self.fib.audit_end();
                self.audit.running = false;
                self.audit.ended = Some(now);
                self.audit.count += 1;
                let Some(findings) = findings else { return self.audit_now(now, false) };
                self.audit.missed &= findings.moving > 0;
                if self.audit.missed {
                    self.audit_soon(now);
                }
                if findings.repaired > 0 {
                    out.push(Effect::Tell(Event::Repaired { found: findings.repaired }));
                    self.audit_soon(now);
                }
                self.audit.last = Some((now, findings));
                if self.audit.due.is_none() {
                    self.audit_later(now);
                }
                if std::mem::take(&mut self.audit.asked) {
                    out.push(Effect::Checked);
                }
            }
        }
    }
}
