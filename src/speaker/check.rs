//! A command that is run again and again, and what its runs mean: not every failure is one.

use crate::config::Health;
use crate::hook::{Command, Ran, RunId};
use crate::types::Time;

/// One command.
#[derive(Debug)]
pub(super) struct Check {
    command: Command,
    /// When it is run next.
    due: Option<Time>,
    /// The run that is under way.
    running: Option<RunId>,
    /// What is believed; `None` before the first run has ended.
    healthy: Option<bool>,
    /// So many runs in a row have said the opposite.
    against: u32,
    /// What the last failure said.
    said: String,
}

impl Check {
    /// One that is due at once.
    pub(super) fn new(now: Time, command: Command) -> Self {
        Self { command, due: Some(now), running: None, healthy: None, against: 0, said: String::new() }
    }

    pub(super) fn command(&self) -> &Command {
        &self.command
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.due
    }

    /// It is being run.
    pub(super) fn begin(&mut self, id: RunId) {
        (self.due, self.running) = (None, Some(id));
    }

    /// A run has ended. The first of all is believed: nothing else is known then.
    pub(super) fn ran(&mut self, now: Time, id: RunId, ran: &Ran, rules: &Health) {
        if self.running != Some(id) {
            return;
        }
        (self.running, self.due) = (None, Some(now + rules.interval));
        let good = ran.succeeded();
        if self.healthy == Some(good) {
            self.against = 0;
            return;
        }
        self.against += 1;
        let enough = if good { rules.rise } else { rules.fall };
        if self.healthy.is_none() || self.against >= enough {
            (self.healthy, self.against) = (Some(good), 0);
            self.said = ran.to_string();
        }
    }

    /// What it said when it was found to fail, if it fails.
    pub(super) fn failure(&self) -> Option<&str> {
        (self.healthy == Some(false)).then_some(self.said.as_str())
    }
}
