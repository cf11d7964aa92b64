//! One tunnel, told things at times.

use std::time::Duration;

use super::*;
use crate::types::{Name, Time};

const DAMPING: Damping =
    Damping { first: Duration::from_secs(1), max: Duration::from_secs(8), decay: Duration::from_secs(60) };

fn at(millis: u64) -> Time {
    Time::from_start(Duration::from_millis(millis))
}

/// A tunnel and what it has put out.
struct Bench {
    tunnel: Tunnel,
    out: Vec<Entry>,
}

impl Bench {
    /// A tunnel whose interface has been up from the first moment on.
    fn up() -> Self {
        let mut bench = Self { tunnel: Tunnel::new(Time::START, DAMPING), out: Vec::new() };
        bench.agrees(0, Source::Interface);
        assert!(bench.tunnel.carries());
        bench
    }

    fn objects(&mut self, now: u64, source: Source) {
        self.tick(now);
        let reason = format!("{source} says no");
        self.tunnel.handle(at(now), Input::Objects { source, by: None, reason }, &mut self.out);
    }

    fn agrees(&mut self, now: u64, source: Source) {
        self.tick(now);
        self.tunnel.handle(at(now), Input::Agrees { source, by: None }, &mut self.out);
    }

    fn tick(&mut self, now: u64) {
        while let Some(due) = self.tunnel.deadline().filter(|due| *due <= at(now)) {
            self.tunnel.tick(due, &mut self.out);
        }
    }

    /// Down and up again at once; when it carries again, after that moment.
    fn flap(&mut self, now: u64) -> Duration {
        self.objects(now, Source::Interface);
        self.agrees(now + 1, Source::Interface);
        let back = self.tunnel.deadline().unwrap_or(at(now + 1));
        self.tick(now + 100_000);
        assert!(self.tunnel.carries());
        back - at(now + 1)
    }
}

#[test]
fn any_one_takes_it_down_at_once_and_it_is_back_when_none_objects() {
    for source in Source::ALL {
        let mut bench = Bench::up();
        bench.objects(1_000, source);
        assert!(!bench.tunnel.carries(), "{source}");
        assert_eq!(bench.tunnel.lets_sessions(), !source.stops_sessions(), "{source}");
        let other = if source == Source::Hook { Source::Vpn } else { Source::Hook };
        bench.objects(1_010, other);
        bench.agrees(1_020, source);
        assert!(!bench.tunnel.carries() && !bench.tunnel.lets_sessions());
        bench.agrees(1_030, other);
        assert!(bench.tunnel.carries(), "the first return is at once: {:?}", bench.tunnel.phase());
    }
}

#[test]
fn two_neighbors_object_each_for_itself() {
    let mut bench = Bench::up();
    let by = |text| Some(Name::new(text).unwrap());
    for name in ["a", "b"] {
        let input = Input::Objects { source: Source::Bfd, by: by(name), reason: "silent".to_owned() };
        bench.tunnel.handle(at(5), input, &mut bench.out);
    }
    bench.tunnel.handle(at(6), Input::Agrees { source: Source::Bfd, by: by("a") }, &mut bench.out);
    assert!(!bench.tunnel.carries());
    bench.tunnel.handle(at(7), Input::Agrees { source: Source::Bfd, by: by("b") }, &mut bench.out);
    assert!(bench.tunnel.carries());
}

#[test]
fn the_wait_doubles_with_each_failure_and_has_an_end() {
    let mut bench = Bench::up();
    let waits: Vec<_> = (0..7).map(|flap| bench.flap(1_000 + flap * 20_000).as_secs()).collect();
    assert_eq!(waits, [0, 1, 2, 4, 8, 8, 8]);
    assert_eq!(bench.tunnel.flaps(), 7);
}

#[test]
fn quiet_time_forgets_failures_one_by_one() {
    let mut bench = Bench::up();
    for flap in 0..4 {
        bench.flap(1_000 + flap * 10_000);
    }
    // The last wait of 4 s ended at 35 s.
    assert_eq!(bench.tunnel.remembered(at(94_000)), 4);
    assert_eq!(bench.tunnel.remembered(at(155_100)), 2);
    assert_eq!(bench.flap(155_100).as_secs(), 2, "two are left, and this is the third");
    assert_eq!(bench.tunnel.remembered(at(10_000_000)), 0);
    assert_eq!(bench.flap(10_000_000).as_secs(), 0, "as if it had never failed");
}

#[test]
fn one_that_flaps_while_it_waits_must_be_quiet_and_is_not_punished_for_more() {
    let mut bench = Bench::up();
    bench.flap(1_000);
    bench.objects(10_000, Source::Interface);
    // Ten times a second for a minute: it is never used meanwhile.
    for flap in 0..600 {
        bench.agrees(10_050 + flap * 100, Source::Interface);
        assert!(!bench.tunnel.carries() && !bench.tunnel.lets_sessions(), "flap {flap}");
        bench.objects(10_100 + flap * 100, Source::Interface);
    }
    bench.agrees(80_000, Source::Interface);
    assert_eq!(bench.tunnel.deadline(), Some(at(81_000)), "it failed once more, whatever it did since");
    assert_eq!(bench.tunnel.flaps(), 2);
    let history: Vec<_> = bench.tunnel.history().iter().map(|entry| (entry.word, entry.repeats)).collect();
    assert!(history.len() < 10 && history.contains(&(Word::Damped, 600)), "{history:?}");
}

#[test]
fn sessions_are_not_tried_on_an_interface_that_flaps_even_if_bfd_alone_is_left_against_it() {
    let mut bench = Bench::up();
    bench.flap(1_000);
    bench.objects(5_000, Source::Interface);
    bench.objects(5_001, Source::Bfd);
    bench.agrees(5_100, Source::Interface);
    assert!(!bench.tunnel.lets_sessions());
    bench.tick(6_099);
    assert!(!bench.tunnel.lets_sessions());
    bench.tick(6_100);
    assert!(bench.tunnel.lets_sessions() && !bench.tunnel.carries(), "BFD alone does not forbid them");
    // After a first failure there is nothing to wait for.
    let mut bench = Bench::up();
    bench.objects(5_000, Source::Interface);
    bench.objects(5_001, Source::Bfd);
    bench.agrees(5_100, Source::Interface);
    assert!(bench.tunnel.lets_sessions());
}

#[test]
fn the_first_time_up_is_no_return() {
    let mut tunnel = Tunnel::new(Time::START, DAMPING);
    let mut out = Vec::new();
    let down = |reason: &str| Input::Objects { source: Source::Interface, by: None, reason: reason.to_owned() };
    tunnel.handle(at(1), down("it does not exist"), &mut out);
    tunnel.handle(at(2), down("it is down"), &mut out);
    tunnel.handle(at(3), Input::Agrees { source: Source::Interface, by: None }, &mut out);
    assert!(tunnel.carries());
    assert_eq!(tunnel.flaps(), 0);
}

#[test]
fn every_change_is_in_the_history_with_its_reason_its_time_and_its_source() {
    let mut bench = Bench::up();
    bench.objects(180_000, Source::Bfd);
    bench.objects(180_500, Source::Hook);
    bench.agrees(181_000, Source::Bfd);
    bench.agrees(182_000, Source::Hook);
    let lines: Vec<_> = bench
        .tunnel
        .history()
        .iter()
        .map(|entry| (entry.at, entry.word, entry.source.map(Source::as_str), entry.reason.as_str()))
        .collect();
    let expected = [
        (at(0), Word::Up, Some("interface"), "nobody objects any more"),
        (at(180_000), Word::Down, Some("bfd"), "bfd says no"),
        (at(180_500), Word::Objected, Some("hook"), "hook says no"),
        (at(181_000), Word::Agreed, Some("bfd"), "no longer: bfd says no"),
        (at(182_000), Word::Up, Some("hook"), "nobody objects any more"),
    ];
    assert_eq!(lines, expected);
    for flap in 0..1_000 {
        bench.flap(1_000_000 + flap * 200_000);
    }
    assert_eq!(bench.tunnel.history().iter().count(), 64, "the history is bounded");
}

#[test]
fn saying_the_same_again_changes_nothing() {
    let mut bench = Bench::up();
    bench.objects(10, Source::Hook);
    let said = bench.out.len();
    bench.objects(20, Source::Hook);
    bench.agrees(30, Source::Bgp);
    assert_eq!(bench.out.len(), said);
    assert_eq!(bench.tunnel.objections().len(), 1);
}

#[test]
fn other_rules_of_damping_shorten_a_wait_that_has_begun() {
    let mut bench = Bench::up();
    for flap in 0..4 {
        bench.flap(1_000 + flap * 10_000);
    }
    bench.objects(60_000, Source::Interface);
    bench.agrees(60_001, Source::Interface);
    assert_eq!(bench.tunnel.deadline(), Some(at(68_001)));
    bench.tunnel.set(Damping { first: Duration::ZERO, max: Duration::ZERO, decay: DAMPING.decay });
    bench.tick(60_001);
    assert!(bench.tunnel.carries());
    assert_eq!(bench.flap(61_000).as_secs(), 0, "no damping at all");
}
