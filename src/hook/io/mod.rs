//! Runs commands: each in a process group of its own, so that what it started ends with it when its time is over.

mod runner;
#[cfg(test)]
mod tests;

pub use runner::Runner;
