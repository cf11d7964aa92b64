//! How long a peer may take nothing of what it is sent (RFC 9687). A deadline as data; asks, and never measures itself.
//!
//! While octets may be waiting, it asks now and then how many the peer has taken. So a session costs one question a
//! minute, and not one for each write; a peer that stops reading is found out after the limit, and an eighth of it more
//! at most.

use std::time::Duration;

use crate::types::Time;

/// So many times it asks within the limit.
const LOOKS: u32 = 8;

/// The send hold timer of one connection.
#[derive(Debug)]
pub(super) struct SendHold {
    /// Zero is off.
    limit: Duration,
    /// What the peer had taken when we last asked.
    taken: u64,
    watch: Option<Watch>,
}

/// Octets may be waiting.
#[derive(Debug)]
struct Watch {
    /// When the peer last took some, as far as we know; or when there was first something to be taken.
    progress: Time,
    /// When we ask next.
    next: Time,
}

impl SendHold {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, taken: 0, watch: None }
    }

    /// Something was handed to the connection.
    pub(super) fn sent(&mut self, now: Time) {
        if self.watch.is_none() && !self.limit.is_zero() {
            self.watch = Some(Watch { progress: now, next: now + self.limit / LOOKS });
        }
    }

    /// Another limit, zero for none. What waits already has waited: it counts.
    pub(super) fn set_limit(&mut self, now: Time, limit: Duration) {
        self.limit = limit;
        if limit.is_zero() {
            self.watch = None;
        } else if let Some(watch) = &mut self.watch {
            watch.next = watch.next.min(now + limit / LOOKS);
        }
    }

    /// When to ask.
    pub(super) fn due(&self) -> Option<Time> {
        self.watch.as_ref().map(|watch| watch.next)
    }

    /// True if it is time to ask.
    pub(super) fn is_due(&self, now: Time) -> bool {
        self.due().is_some_and(|due| due <= now)
    }

    /// The question is on its way.
    pub(super) fn asked(&mut self, now: Time) {
        if let Some(watch) = &mut self.watch {
            watch.next = now + self.limit / LOOKS;
        }
    }

    /// The answer; true if the peer has taken nothing for the limit.
    pub(super) fn measured(&mut self, now: Time, waiting: u64, taken: u64) -> bool {
        let progress = taken != std::mem::replace(&mut self.taken, taken);
        let Some(watch) = &mut self.watch else { return false };
        if waiting == 0 {
            self.watch = None;
            return false;
        }
        if progress {
            watch.progress = now;
        }
        let end = watch.progress + self.limit;
        watch.next = watch.next.min(end.max(now));
        end <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(480);

    fn at(seconds: u64) -> Time {
        Time::from_start(Duration::from_secs(seconds))
    }

    /// When a peer is given up that takes one octet at each of these seconds, of many that wait from second 100 on.
    fn given_up(takes: &[u64]) -> u64 {
        let mut hold = SendHold::new(LIMIT);
        hold.sent(at(100));
        loop {
            let now = hold.due().unwrap();
            hold.asked(now);
            let taken = takes.iter().filter(|take| at(**take) <= now).count();
            if hold.measured(now, 1000, taken as u64) {
                return now.since_start().as_secs();
            }
        }
    }

    #[test]
    fn a_peer_that_takes_nothing_is_given_up_after_the_limit_and_any_progress_starts_it_anew() {
        assert_eq!(given_up(&[]), 580);
        for last in [150, 333, 579, 10_000] {
            let takes: Vec<u64> = (101..=last).step_by(7).chain([last]).collect();
            let end = given_up(&takes);
            assert!((last + 480..=last + 540).contains(&end), "{last}: {end}");
        }
    }

    #[test]
    fn nothing_is_asked_while_nothing_waits_or_when_it_is_off() {
        let mut hold = SendHold::new(LIMIT);
        assert_eq!(hold.due(), None);
        hold.sent(at(0));
        assert!(!hold.measured(at(60), 0, 19));
        assert_eq!(hold.due(), None);
        let mut off = SendHold::new(Duration::ZERO);
        off.sent(at(0));
        assert_eq!(off.due(), None);
    }
}
