//! One drain, told by hand.

use std::time::Duration;

use super::*;
use crate::types::Time;

const RULES: Rules = Rules { limit: Duration::from_secs(30), quiet: 50, return_limit: Duration::from_secs(20) };

struct Bench {
    machine: Drain,
    now: Time,
    packets: u64,
}

impl Bench {
    fn new() -> Self {
        let machine = Drain::new(Time::START, Target::Instance, None, false, RULES);
        Self { machine, now: Time::START, packets: 0 }
    }

    fn tell(&mut self, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        self.machine.handle(self.now, input, &mut out);
        out
    }

    /// Half a second passes, in which so many packets a second come in; the counters are read when that is wanted.
    fn pass(&mut self, rate: u64) -> Vec<Output> {
        self.now = self.now + Duration::from_millis(500);
        self.packets += rate / 2;
        let mut out = Vec::new();
        self.machine.tick(self.now, &mut out);
        if out.contains(&Output::Count) {
            let traffic = Traffic { received: self.packets, sent: 0, lost: 0 };
            self.machine.handle(self.now, Input::Counted(traffic, 2), &mut out);
        }
        out.retain(|output| *output != Output::Count);
        out
    }

    fn step(&self) -> Step {
        self.machine.step().0
    }
}

#[test]
fn routes_are_withdrawn_when_the_counters_show_that_traffic_has_moved() {
    let mut bench = Bench::new();
    for _ in 0..6 {
        assert!(bench.pass(0).is_empty(), "nobody was told yet");
    }
    bench.tell(Input::Settled);
    for _ in 0..4 {
        assert!(bench.pass(1_000).is_empty());
    }
    assert!(bench.pass(90).is_empty(), "below 50 a tunnel: once may be chance");
    assert_eq!(bench.pass(100), [Output::Enter(Step::Withdrawing)]);
    assert_eq!(bench.machine.moved(), Some(true));
}

#[test]
fn who_does_not_move_within_the_limit_is_told_to() {
    let mut bench = Bench::new();
    bench.tell(Input::Settled);
    for _ in 0..59 {
        assert!(bench.pass(1_000).is_empty());
    }
    assert_eq!(bench.pass(1_000), [Output::Enter(Step::Withdrawing)]);
    assert_eq!(bench.machine.moved(), Some(false));
    bench.tell(Input::Settled);
    let mut outputs = Vec::new();
    (0..10).for_each(|_| outputs.extend(bench.pass(1_000)));
    assert_eq!(outputs, [Output::Enter(Step::Closing)], "nor is that waited for without end");
}

#[test]
fn it_is_drained_only_when_sessions_are_closed_and_the_kernel_has_followed() {
    let mut bench = Bench::new();
    for step in [Step::Withdrawing, Step::Closing] {
        bench.tell(Input::Settled);
        while bench.step() != step {
            bench.pass(0);
        }
    }
    assert!(bench.tell(Input::Settled).is_empty());
    assert_eq!(bench.tell(Input::Closed), [Output::Enter(Step::Drained), Output::Count]);
    assert_eq!(bench.machine.deadline(), None, "it lasts");
    assert!(bench.machine.took().is_some_and(|took| took < Duration::from_secs(5)), "{:?}", bench.machine.took());
}

#[test]
fn it_is_brought_back_from_every_step_and_waits_for_routes_with_a_limit() {
    for step in [Step::Moving, Step::Withdrawing, Step::Closing, Step::Drained] {
        let kept = Kept { target: Target::Instance, reason: None, forced: false, step };
        let mut bench = Bench { machine: Drain::at(Time::START, kept, RULES), ..Bench::new() };
        assert_eq!(bench.tell(Input::Undrain), [Output::Enter(Step::Returning)]);
        assert!(bench.tell(Input::Undrain).is_empty());
        bench.pass(0);
        assert_eq!(bench.tell(Input::Back).first(), Some(&Output::Enter(Step::Returned)));
        assert_eq!(bench.tell(Input::Drain), [Output::Enter(Step::Moving)]);
        bench.tell(Input::Undrain);
        let mut outputs = Vec::new();
        (0..40).for_each(|_| outputs.extend(bench.pass(0)));
        assert_eq!(outputs, [Output::Enter(Step::Returned)], "who does not come back in time is not waited for");
    }
}

#[test]
fn every_step_is_the_same_after_a_restart() {
    for step in [Step::Moving, Step::Withdrawing, Step::Closing, Step::Drained, Step::Returning] {
        let kept =
            Kept { target: Target::Device("hq-1".parse().unwrap()), reason: Some("x".to_owned()), forced: true, step };
        let text = serde_json::to_string(&kept).unwrap();
        assert_eq!(serde_json::from_str::<Kept>(&text).unwrap(), kept);
        assert_eq!(Drain::at(Time::START, kept.clone(), RULES).kept(), kept);
    }
}

#[test]
fn what_was_lost_is_what_was_counted_since_it_began() {
    let mut bench = Bench::new();
    let at = |lost| Input::Counted(Traffic { received: 10, sent: 10, lost }, 1);
    bench.tell(at(100));
    bench.tell(at(107));
    assert_eq!(bench.machine.lost(), Some(7));
    let before = Traffic { received: 9, sent: 5, lost: 0 };
    let reset = Traffic { received: 3, sent: 6, lost: 0 }.since(&before);
    assert_eq!((reset.received, reset.sent), (3, 1), "a counter that was reset counts from zero");
}
