//! How long a peer's host may answer nothing at all of what it was sent: a dead way is known before the hold timer says so.
//!
//! A live host acknowledges within a round trip, whatever its BGP does: the kernel does it. Some KEEPALIVE is always
//! sent soon, so a peer whose host says nothing is found out well within the hold time. A peer that takes nothing
//! because it is busy acknowledges all the same (a closed window is an answer), and is left to the send hold timer. So
//! this is not the kernel's TCP_USER_TIMEOUT, which knows no difference between the two. A deadline as data; asks, and
//! never measures itself.

use std::time::Duration;

use crate::types::{HoldTime, Time};

/// Of the hold time, this part.
const PART: u32 = 3;
/// A shorter silence can be some lost packets in a row: TCP sends again after 0.2, 0.6, 1.4 and 3 seconds.
const LEAST: Duration = Duration::from_secs(5);
/// So many times it asks within the limit.
const LOOKS: u32 = 8;

/// The machine of one connection.
#[derive(Debug)]
pub(super) struct Unanswered {
    /// `None` is off.
    limit: Option<Duration>,
    watch: Option<Watch>,
}

/// Octets may be waiting for an answer.
#[derive(Debug)]
struct Watch {
    /// All that was sent before was answered then, or something was heard.
    since: Time,
    /// When we ask next.
    next: Time,
}

/// How long a host may answer nothing: a third of the hold time and at least 5 s. `None` where the hold timer is as fast:
/// something is sent every `keepalive`.
pub(super) fn limit(hold_time: HoldTime, keepalive: Duration) -> Option<Duration> {
    let hold = hold_time.duration()?;
    let limit = (hold / PART).max(LEAST);
    (!keepalive.is_zero() && keepalive + limit < hold).then_some(limit)
}

impl Unanswered {
    pub(super) fn new(limit: Option<Duration>) -> Self {
        Self { limit, watch: None }
    }

    /// Other timers were agreed on. What waits already has waited: it counts.
    pub(super) fn set_limit(&mut self, now: Time, limit: Option<Duration>) {
        self.limit = limit;
        match (limit, &mut self.watch) {
            (None, watch) => *watch = None,
            (Some(limit), Some(watch)) => watch.next = watch.next.min(now + limit / LOOKS),
            (Some(_), None) => {}
        }
    }

    /// Something was handed to the connection.
    pub(super) fn sent(&mut self, now: Time) {
        if let (None, Some(limit)) = (&self.watch, self.limit) {
            self.watch = Some(Watch { since: now, next: now + limit / LOOKS });
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
        if let (Some(limit), Some(watch)) = (self.limit, &mut self.watch) {
            watch.next = now + limit / LOOKS;
        }
    }

    /// The answer: `waiting` octets are not taken; `silent` is how long nothing came of the peer's host, if it owes an
    /// answer to something that is on the wire. The silence if it has lasted for the limit.
    pub(super) fn measured(&mut self, now: Time, waiting: u64, silent: Option<Duration>) -> Option<Duration> {
        let (Some(limit), Some(watch)) = (self.limit, &mut self.watch) else { return None };
        if waiting == 0 {
            self.watch = None;
            return None;
        }
        let waited = now.since(watch.since);
        if silent.is_none_or(|silent| silent < waited) {
            // Of what is on the wire now, all may have been sent a moment ago.
            watch.since = now;
            return None;
        }
        watch.next = watch.next.min((watch.since + limit).max(now));
        (waited >= limit).then_some(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    fn at(seconds: f64) -> Time {
        Time::from_start(Duration::from_secs_f64(seconds))
    }

    /// When a host is given up that is sent something at second 100 and every ten seconds after it, and is heard at each of
    /// these seconds; `None` if it is not within ten minutes.
    fn given_up(heard: &[f64], owes: impl Fn(f64) -> bool) -> Option<f64> {
        let mut machine = Unanswered::new(Some(LIMIT));
        machine.sent(at(100.0));
        while let Some(now) = machine.due().filter(|now| *now < at(700.0)) {
            machine.asked(now);
            let seconds = now.since_start().as_secs_f64();
            let last = heard.iter().copied().filter(|heard| *heard <= seconds).fold(0.0, f64::max);
            let silent = owes(seconds).then(|| Duration::from_secs_f64(seconds - last));
            if machine.measured(now, 19, silent).is_some() {
                return Some(seconds);
            }
        }
        None
    }

    #[test]
    fn a_host_that_answers_nothing_is_given_up_after_the_limit_and_not_before() {
        assert_eq!(given_up(&[99.9], |_| true), Some(130.0));
    }

    #[test]
    fn any_sign_of_life_starts_the_silence_anew() {
        let end = given_up(&[101.0, 125.0], |_| true).unwrap();
        assert!((155.0..=159.0).contains(&end), "{end}");
        let often: Vec<f64> = (100..700).step_by(20).map(f64::from).collect();
        assert_eq!(given_up(&often, |_| true), None);
    }

    #[test]
    fn a_host_that_takes_nothing_but_has_answered_all_that_is_on_the_wire_is_not_given_up() {
        assert_eq!(given_up(&[100.0], |_| false), None);
        // The kernel looks ever more rarely whether the window is open; each look is answered at once.
        assert_eq!(given_up(&[100.0], |seconds| (seconds as u64).is_multiple_of(3)), None);
    }

    #[test]
    fn nothing_is_asked_while_nothing_waits() {
        let mut machine = Unanswered::new(Some(LIMIT));
        assert_eq!(machine.due(), None);
        machine.sent(at(0.0));
        assert!(machine.is_due(at(4.0)));
        assert_eq!(machine.measured(at(4.0), 0, None), None);
        assert_eq!(machine.due(), None);
        let mut off = Unanswered::new(None);
        off.sent(at(0.0));
        assert_eq!(off.due(), None);
    }

    #[test]
    fn the_limit_is_a_third_of_the_hold_time_where_that_is_sooner_than_the_hold_timer() {
        let of = |hold, keepalive| {
            limit(HoldTime::from_secs(hold).unwrap(), Duration::from_secs(keepalive)).map(|limit| limit.as_secs())
        };
        assert_eq!(of(90, 30), Some(30));
        assert_eq!(of(180, 60), Some(60));
        assert_eq!(of(9, 3), Some(5));
        assert_eq!(of(6, 2), None);
        assert_eq!(of(3, 1), None);
        assert_eq!(of(90, 60), None);
        assert_eq!(of(0, 0), None);
    }
}
