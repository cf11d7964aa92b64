//! What people were told: the newest events, so that "why did it fail at 03:12" has an answer without the log.

use std::collections::VecDeque;

use super::{Effect, Event, Speaker, Weight};
use crate::control::api;
use crate::control::api::{EventLevel, EventQuery, Events};
use crate::types::{Name, Time};

/// So many events are remembered, and so many octets of their texts.
const KEPT: usize = 4_096;
const OCTETS: usize = 1024 * 1024;
/// The most octets of one text: that of a faulty message can be much longer.
const TEXT: usize = 2_000;

/// One of them.
struct Told {
    at: Time,
    name: &'static str,
    weight: Weight,
    about: Option<Name>,
    text: String,
}

/// The newest events.
#[derive(Default)]
pub(super) struct Journal {
    told: VecDeque<Told>,
    octets: usize,
    forgotten: u64,
}

impl Journal {
    fn note(&mut self, now: Time, event: &Event) {
        let mut text = event.to_string();
        if text.len() > TEXT {
            let end = (0..=TEXT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
            text.push_str("...");
        }
        self.octets += text.len();
        let (name, weight, about) = (event.name(), event.weight(), event.about().cloned());
        self.told.push_back(Told { at: now, name, weight, about, text });
        while self.told.len() > KEPT || self.octets > OCTETS {
            let Some(gone) = self.told.pop_front() else { break };
            self.octets -= gone.text.len();
            self.forgotten += 1;
        }
    }

    /// The id of the newest.
    fn last(&self) -> u64 {
        self.forgotten + self.told.len() as u64
    }
}

impl Speaker {
    /// Remembers what people are told by these effects.
    pub(super) fn remember(&mut self, now: Time, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Tell(event) = effect {
                self.journal.note(now, event);
            }
        }
    }

    /// The id of the newest event; 0 before the first.
    #[must_use]
    pub fn last_event(&self) -> u64 {
        self.journal.last()
    }

    /// The events that are asked for, the oldest first.
    #[must_use]
    pub fn events(&self, query: &EventQuery) -> Events {
        let known = query.after.map_or(0, |after| after.saturating_sub(self.journal.forgotten));
        let skip = usize::try_from(known).unwrap_or(usize::MAX).min(self.journal.told.len());
        let newest = self.journal.told.iter().enumerate().skip(skip).rev().map(|(at, told)| api::Event {
            id: self.journal.forgotten + at as u64 + 1,
            at: self.moment(told.at),
            event: told.name.to_owned(),
            level: match told.weight {
                Weight::Info => EventLevel::Info,
                Weight::Warning => EventLevel::Warning,
            },
            about: told.about.clone(),
            text: told.text.clone(),
        });
        let mut events: Vec<_> = newest.filter(|event| query.wants(event)).take(query.limit).collect();
        events.reverse();
        Events { events, forgotten: self.journal.forgotten }
    }
}
