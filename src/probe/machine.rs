//! One target: when to ask, and what the answers and the silence mean.

use std::{collections::VecDeque, time::Duration};

use crate::types::Time;

/// Requests that can still be answered: an answer may take longer than an interval.
const OPEN: usize = 16;

/// What is known of a target.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum State {
    /// It has never answered, which says nothing: many hosts do not.
    #[default]
    Unknown,
    /// It answers.
    Alive,
    /// It did, and does not.
    Dead,
}

/// The machine of one target.
#[derive(Debug)]
pub struct Target {
    interval: Duration,
    count: u8,
    state: State,
    /// The next request.
    number: u16,
    /// When that is due.
    next: Time,
    /// Requests that can still be answered.
    open: VecDeque<u16>,
    /// Requests in a row whose interval is over and that nothing has answered.
    missed: u8,
    /// The newest request has its interval still, and no answer.
    waits: bool,
}

impl Target {
    /// A target that is asked at once, then every `interval`; `count` requests in a row without an answer are a failure.
    #[must_use]
    pub fn new(now: Time, interval: Duration, count: u8) -> Self {
        let open = VecDeque::with_capacity(OPEN);
        Self { interval, count, state: State::Unknown, number: 0, next: now, open, missed: 0, waits: false }
    }

    /// What is known of it.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// When [`Target::tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Time {
        self.next
    }

    /// Counts the last request as lost if nothing has answered it, and gives the number of the one to be sent now, if
    /// one is due. What has arrived must have been told before. A tick that comes late costs one request, not several.
    pub fn tick(&mut self, now: Time) -> Option<u16> {
        if now < self.next {
            return None;
        }
        if std::mem::replace(&mut self.waits, true) {
            self.missed = self.missed.saturating_add(1);
        }
        if self.missed >= self.count && self.state == State::Alive {
            self.state = State::Dead;
        }
        self.next = now + self.interval;
        let number = self.number;
        self.number = number.wrapping_add(1);
        if self.open.len() == OPEN {
            self.open.pop_front();
        }
        self.open.push_back(number);
        Some(number)
    }

    /// An answer to that request has come.
    pub fn answered(&mut self, number: u16) {
        let Some(place) = self.open.iter().position(|open| *open == number) else { return };
        self.open.drain(..=place);
        // One that comes late says all the same that there is somebody; the newest may be on its way.
        self.waits = !self.open.is_empty();
        self.missed = 0;
        self.state = State::Alive;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(1);

    /// The seconds at which the state changed, where requests are answered at once if sent at a second that `answers`.
    fn changes(count: u8, answers: impl Fn(u64) -> bool) -> Vec<(u64, State)> {
        let mut target = Target::new(Time::START, INTERVAL, count);
        let (mut found, mut state) = (Vec::new(), State::Unknown);
        for second in 0..60 {
            let now = Time::from_start(Duration::from_secs(second));
            let number = target.tick(now).unwrap();
            if answers(second) {
                target.answered(number);
            }
            if std::mem::replace(&mut state, target.state()) != target.state() {
                found.push((second, state));
            }
        }
        found
    }

    #[test]
    fn a_target_that_never_answers_is_no_failure() {
        assert_eq!(changes(3, |_| false), []);
    }

    #[test]
    fn so_many_requests_in_a_row_without_an_answer_are_a_failure_and_fewer_are_none() {
        assert_eq!(changes(3, |second| second < 10), [(0, State::Alive), (13, State::Dead)]);
        assert_eq!(changes(3, |second| !(10..12).contains(&second)), [(0, State::Alive)]);
        assert_eq!(changes(3, |second| second % 3 == 0), [(0, State::Alive)]);
        let back = changes(3, |second| !(10..20).contains(&second));
        assert_eq!(back, [(0, State::Alive), (13, State::Dead), (20, State::Alive)]);
    }

    #[test]
    fn answers_that_take_longer_than_an_interval_count() {
        let mut target = Target::new(Time::START, INTERVAL, 2);
        let mut sent = Vec::new();
        for second in 0..60 {
            sent.push(target.tick(Time::from_start(Duration::from_secs(second))).unwrap());
            if let Some(early) = sent.len().checked_sub(2) {
                target.answered(sent[early]);
            }
        }
        assert_eq!(target.state(), State::Alive);
    }

    #[test]
    fn a_process_that_was_stopped_for_a_while_blames_nobody() {
        let mut target = Target::new(Time::START, INTERVAL, 2);
        let number = target.tick(Time::START).unwrap();
        target.answered(number);
        let at = |seconds| Time::from_start(Duration::from_secs(seconds));
        assert_eq!(target.tick(at(1)), Some(1));
        assert_eq!(target.tick(at(100)), Some(2));
        assert_eq!((target.state(), target.deadline()), (State::Alive, at(101)));
    }

    #[test]
    fn an_answer_to_what_was_never_asked_says_nothing() {
        let mut target = Target::new(Time::START, INTERVAL, 2);
        target.tick(Time::START);
        target.answered(7);
        assert_eq!(target.state(), State::Unknown);
        target.answered(0);
        assert_eq!(target.state(), State::Alive);
    }
}
