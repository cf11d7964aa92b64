//! Commands that the operator gives us to run: is this host healthy, tell the VPN daemon to begin. Outside of the machine,
//! with a limit on their time.
//!
//! Owns what a command is and what became of a run; `io` runs it. Never decides what an outcome means.

pub mod io;
mod output;

pub use output::LastLine;

use std::{fmt, time::Duration};

/// One run of a command; counted by who asks for it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RunId(pub u64);

/// A program and its arguments. No shell: a word is a word, whatever is in it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Command(Vec<String>);

impl Command {
    /// `None` without a program, or with a NUL in a word, which no system call takes.
    #[must_use]
    pub fn new(words: Vec<String>) -> Option<Self> {
        let program = words.first().is_some_and(|program| !program.is_empty());
        (program && !words.iter().any(|word| word.contains('\0'))).then_some(Self(words))
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// What it is given.
    #[must_use]
    pub fn arguments(&self) -> &[String] {
        self.0.get(1..).unwrap_or_default()
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// How a run ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// With status 0.
    Done,
    /// With another status.
    Failed(i32),
    /// By a signal that somebody sent.
    Killed(i32),
    /// Not by itself: it had its time, and was killed with all that it had started.
    Late(Duration),
    /// It could not be started.
    NotStarted(String),
}

/// What became of a run. Its display is half a sentence: what happened, and what was said last.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ran {
    /// How it ended.
    pub outcome: Outcome,
    /// The last line that it wrote, to standard output or standard error; empty if it wrote none.
    pub said: String,
    /// How long it took.
    pub took: Duration,
}

impl Ran {
    /// True if it ended with status 0.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.outcome == Outcome::Done
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Done => f.write_str("it succeeded")?,
            Outcome::Failed(status) => write!(f, "it ended with status {status}")?,
            Outcome::Killed(signal) => write!(f, "it was ended by signal {signal}")?,
            Outcome::Late(limit) => write!(f, "it did not end within {} s", limit.as_secs_f64())?,
            Outcome::NotStarted(why) => write!(f, "it cannot be started: {why}")?,
        }
        if self.said.is_empty() { Ok(()) } else { write!(f, ": {}", self.said) }
    }
}
