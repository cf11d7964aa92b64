//! Planned maintenance of an instance, a tunnel or a device: neighbors are led away, told to go, and only then let go; and
//! the way back. One machine for each thing that is drained, in the order of `docs/decisions/0023-fitness-and-drain.md`.
//!
//! Owns the steps and their deadlines, and what is kept of them over a restart. Never knows neighbors, routes or the
//! kernel: it is told that things are as they should be, and says what shall be.

mod machine;
mod step;
#[cfg(test)]
mod tests;

pub use machine::{Drain, Input, Output, Rules};
pub use step::{Kept, Step, Target};

/// What has passed, added up over the interfaces that are looked at; since they were made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Traffic {
    /// Packets that came in.
    pub received: u64,
    /// Packets that went out.
    pub sent: u64,
    /// Packets that were lost here, for want of room or of a route.
    pub lost: u64,
}

impl Traffic {
    /// What has come to it since another look. A counter that went back was reset, and counts from zero.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let more = |now: u64, before: u64| now.checked_sub(before).unwrap_or(now);
        Self {
            received: more(self.received, before.received),
            sent: more(self.sent, before.sent),
            lost: more(self.lost, before.lost),
        }
    }
}
