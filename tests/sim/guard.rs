//! What must never hold for longer than a stated time, looked at after every event of a simulated world.

use std::{collections::BTreeMap, time::Duration};

use twinspan::types::Time;

/// One thing that is wrong, since when, and how long it may be.
#[derive(Clone, Debug)]
struct Wrong {
    since: Time,
    bound: Duration,
}

/// What is wrong at this moment, each with its bound.
pub type Found = Vec<(String, Duration)>;

/// Keeps the time of what is wrong.
#[derive(Default)]
pub struct Guard {
    wrong: BTreeMap<String, Wrong>,
    /// The first that lasted too long.
    pub broken: Option<String>,
    /// The longest that each kind lasted, by its first word.
    pub longest: BTreeMap<String, Duration>,
}

impl Guard {
    /// Takes what is wrong now, if that was looked up again, and lets the time pass.
    pub fn look(&mut self, now: Time, found: Option<Found>) {
        if let Some(found) = found {
            let ended = |what: &String| !found.iter().any(|(known, _)| known == what);
            for what in self.wrong.keys().filter(|what| ended(what)).cloned().collect::<Vec<_>>() {
                if let Some(wrong) = self.wrong.remove(&what) {
                    self.note(&what, now.since(wrong.since));
                }
            }
            for (what, bound) in found {
                let wrong = self.wrong.entry(what).or_insert(Wrong { since: now, bound });
                wrong.bound = wrong.bound.max(bound);
            }
        }
        if self.broken.is_some() {
            return;
        }
        let late = self.wrong.iter().find(|(_, wrong)| now.since(wrong.since) > wrong.bound);
        self.broken = late.map(|(what, wrong)| {
            format!("{what}: since {}, and {:?} is the most that it may last", wrong.since, wrong.bound)
        });
    }

    fn note(&mut self, what: &str, lasted: Duration) {
        let kind = what.split(' ').next().unwrap_or_default().to_owned();
        let longest = self.longest.entry(kind).or_default();
        *longest = (*longest).max(lasted);
    }
}
