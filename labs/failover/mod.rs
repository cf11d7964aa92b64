//! What a failover costs: time until the kernel and the traffic are on live ways, packets lost, flows moved. One
//! topology, and in it twinspan, FRR and BIRD one after the other.
//!
//! Owns the faults, the flows and the clock. It asks the kernel and counts packets; what a speaker says of itself is
//! not part of any figure.

mod event;
mod kernel;
mod outcome;
mod place;
mod settle;
mod speaker;
mod table;

pub use event::Event;
pub use outcome::Row;
pub use place::{Place, Settings, Table};
pub use speaker::Speaker;
pub use table::{missing, tables};

use anyhow::{Context as _, Result};

/// What to measure: every event, at every size, with every speaker, so many times.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Prefixes that each of the four devices and the twin announce.
    pub prefixes: Vec<usize>,
    /// Side by side, in this order.
    pub speakers: Vec<Speaker>,
    /// In the order of [`Event::ALL`], whatever the order here.
    pub events: Vec<Event>,
    /// Times that all of it is done.
    pub rounds: u32,
}

/// Measures all of it; each row is told as soon as it is known.
pub fn run(plan: &Plan, settings: &Settings, mut tell: impl FnMut(&Row) -> Result<()>) -> Result<()> {
    for round in 1..=plan.rounds {
        for prefixes in &plan.prefixes {
            let table = Table::new(*prefixes, settings.seed);
            for speaker in &plan.speakers {
                let run = Run { round, speaker: *speaker, table: &table, settings };
                run.all(&plan.events, &mut tell)
                    .with_context(|| format!("{} with {prefixes} prefixes, round {round}", speaker.name()))?;
            }
        }
    }
    Ok(())
}

/// One speaker at one size, once.
struct Run<'a> {
    round: u32,
    speaker: Speaker,
    table: &'a Table,
    settings: &'a Settings,
}

impl Run<'_> {
    fn all(&self, events: &[Event], tell: &mut impl FnMut(&Row) -> Result<()>) -> Result<()> {
        let mut place = None;
        let mut first = true;
        for event in Event::ALL.into_iter().filter(|event| events.contains(event)) {
            let mut here = match place.take() {
                Some(place) => place,
                None => {
                    let mut fresh = Place::up(self.speaker, self.table, self.settings)?;
                    let load = fresh.load(self.round)?;
                    if std::mem::take(&mut first) {
                        tell(&Row::Load(load))?;
                    }
                    fresh
                }
            };
            let outcome = here.measure(event, self.round).with_context(|| format!("{event:?}"))?;
            tell(&Row::Failover(outcome.clone()))?;
            // A speaker that did not find back to four tunnels starts the next event anew.
            place = (outcome.returned == Some(true)).then_some(here);
        }
        Ok(())
    }
}
