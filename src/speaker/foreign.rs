//! What others change in the kernel of ours: put back in the same turn, counted, and told of.

use super::{Effect, Event, Speaker};
use crate::fib::Foreign;
use crate::types::Time;

impl Speaker {
    /// Others have changed something. While the kernel is being read, that waits for what is found.
    pub(super) fn foreign(&mut self, now: Time, changes: Vec<Foreign>, out: &mut Vec<Effect>) {
        if let Some(changes) = self.resync.hold(changes) {
            self.put_back(now, &changes, out);
        }
    }

    pub(super) fn put_back(&mut self, now: Time, changes: &[Foreign], out: &mut Vec<Effect>) {
        for foreign in changes {
            let Some(harm) = self.fib.foreign(foreign).filter(|_| !foreign.by.is_kernel()) else { continue };
            self.audit_soon(now);
            if let Some(silent) = self.tampering.pass(now) {
                let (what, by) = (foreign.change.to_string(), foreign.by.clone());
                out.push(Effect::Tell(Event::Tampered { what, harm, by, silent }));
            }
        }
    }
}
