//! What people are told of a kernel without room: once when it begins, with counts, and once when it is over.

use std::time::Duration;

use super::{Effect, Event, Speaker};
use crate::types::Time;

/// How long the counts may grow before they are told.
const GATHER: Duration = Duration::from_secs(1);

/// A lack of room that people are to hear of, or have heard of.
#[derive(Debug)]
pub(super) struct Lacking {
    since: Time,
    refused: u64,
    /// The most routes that waited at a time.
    waiting: usize,
    told: bool,
}

impl Speaker {
    pub(super) fn tell_of_room(&mut self, now: Time, out: &mut Vec<Effect>) {
        match (self.fib.no_room(), &mut self.lacking) {
            (None, None) => {}
            (Some(full), lacking) => {
                let lacking = lacking.get_or_insert(Lacking { since: full.since, refused: 0, waiting: 0, told: false });
                lacking.refused = full.refused;
                lacking.waiting = lacking.waiting.max(full.waiting);
                if !lacking.told && now.since(full.since) >= GATHER {
                    lacking.told = true;
                    out.push(Effect::Tell(Event::KernelFull {
                        error: full.error,
                        waiting: lacking.waiting,
                        objects: full.objects,
                        present: self.fib.totals().routes,
                    }));
                }
            }
            (None, Some(Lacking { since, refused, told, waiting: _ })) => {
                if *told {
                    out.push(Effect::Tell(Event::KernelRoom { refused: *refused, lasted: now.since(*since) }));
                }
                self.lacking = None;
            }
        }
    }
}
