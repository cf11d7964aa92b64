//! Two machines that speak to each other by hand.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::types::{Name, Time};

const MS: fn(u64) -> Duration = Duration::from_millis;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn settings(instance: &str, twin: &str) -> Settings {
    Settings {
        gateway: name("hub"),
        instance: name(instance),
        twin: name(twin),
        hello: MS(200),
        silent_after: MS(1_000),
        version: "0.1.0",
        digest: Some("0123456789abcdef".to_owned()),
    }
}

fn serving() -> Says {
    Says { role: Role::Active, standing: Standing::Serving, ready: true, ..Says::default() }
}

/// Two instances, and what has become of each other's twin.
struct Two {
    now: Time,
    ends: [Twin; 2],
    told: [Vec<News>; 2],
    /// What each sends does not arrive.
    cut: [bool; 2],
    sent: [u64; 2],
}

impl Two {
    fn new() -> Self {
        let ends = [
            Twin::new(Time::START, 11, settings("in-0", "in-1")),
            Twin::new(Time::START, 22, settings("in-1", "in-0")),
        ];
        let mut two = Self { now: Time::START, ends, told: Default::default(), cut: [false; 2], sent: [0; 2] };
        for end in 0..2 {
            two.tell(end, Input::Says(serving()));
        }
        two
    }

    fn tell(&mut self, end: usize, input: Input<'_>) {
        let mut out = Vec::new();
        self.ends[end].handle(self.now, input, &mut out);
        self.obey(end, out);
    }

    fn obey(&mut self, end: usize, out: Vec<Output>) {
        for output in out {
            match output {
                Output::News(news) => self.told[end].push(news),
                Output::Send(octets) => {
                    self.sent[end] += 1;
                    if !self.cut[end] {
                        self.tell(1 - end, Input::Hello(&octets));
                    }
                }
            }
        }
    }

    fn run(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some((due, end)) =
            (0..2).map(|end| (self.ends[end].deadline(), end)).min().filter(|(due, _)| *due <= until)
        {
            self.now = self.now.max(due);
            let mut out = Vec::new();
            self.ends[end].tick(self.now, &mut out);
            assert!(!out.is_empty(), "what is due does something");
            self.obey(end, out);
        }
        self.now = until;
    }

    fn take(&mut self, end: usize) -> Vec<News> {
        std::mem::take(&mut self.told[end])
    }
}

fn both() -> Two {
    let mut two = Two::new();
    two.run(MS(2_000));
    for end in 0..2 {
        assert_eq!(two.take(end), [News::Appeared { version: "0.1.0".to_owned() }]);
        assert!(two.ends[end].is_present() && two.ends[end].hears_us());
        assert_eq!(two.ends[end].same_file(), Some(true));
        assert_eq!(two.ends[end].says(), Some(&serving()));
    }
    two
}

#[test]
fn a_hello_goes_out_at_every_interval_and_at_every_change_but_never_more_often_than_fifty_times_a_second() {
    let mut two = both();
    let before = two.sent[0];
    two.run(MS(2_000));
    assert_eq!(two.sent[0] - before, 10);
    two.run(MS(100));
    let before = two.sent[0];
    two.tell(0, Input::Says(Says { ready: false, ..serving() }));
    two.run(MS(1));
    assert_eq!(two.sent[0] - before, 1, "at once");
    assert_eq!(two.ends[1].says().map(|says| says.ready), Some(false));
    for ready in [true, false, true, false, true] {
        two.tell(0, Input::Says(Says { ready, ..serving() }));
        two.run(MS(1));
    }
    assert_eq!(two.sent[0] - before, 1, "what has changed again goes with the next one");
    two.run(MS(20));
    assert_eq!(two.sent[0] - before, 2);
    two.tell(0, Input::Says(serving()));
    two.run(MS(100));
    assert_eq!(two.sent[0] - before, 2, "nothing has changed");
}

#[test]
fn a_twin_that_says_nothing_for_the_limit_is_silent_and_is_there_again_with_its_first_word() {
    let mut two = both();
    two.cut = [false, true];
    two.run(MS(990));
    assert!(two.ends[0].is_present());
    two.run(MS(220));
    assert_eq!(two.take(0), [News::Silent(MS(1_000))]);
    assert_eq!((two.ends[0].presence(), two.ends[0].says()), (Presence::Silent, None));
    two.run(MS(5_000));
    two.cut = [false; 2];
    two.run(MS(200));
    let told = two.take(0);
    assert!(matches!(told.as_slice(), [News::Returned(away)] if *away >= MS(5_000)), "{told:?}");
    assert_eq!(two.ends[0].restarts(), 0);
}

#[test]
fn who_is_heard_and_hears_nothing_is_deaf_and_both_know() {
    let mut two = both();
    two.cut = [true, false];
    two.run(MS(1_300));
    assert!(!two.ends[0].hears_us() && two.ends[0].is_present(), "the one that is not heard");
    assert_eq!(two.ends[1].presence(), Presence::Silent);
    two.run(MS(1_500));
    let told = two.take(0);
    assert!(matches!(told.as_slice(), [News::Deaf(_)]), "{told:?}");
    two.cut = [false; 2];
    two.run(MS(1_000));
    assert_eq!(two.take(0), [News::Hears]);
    assert!(two.ends[0].hears_us());
}

#[test]
fn a_run_that_is_over_is_known_by_its_number_and_its_late_datagrams_mean_nothing() {
    let mut two = both();
    let mut old = Vec::new();
    two.ends[1].tick(two.now + MS(200), &mut old);
    let [Output::Send(late)] = old.as_slice() else { panic!("{old:?}") };
    two.ends[1] = Twin::new(two.now, 33, settings("in-1", "in-0"));
    two.run(MS(300));
    assert_eq!(two.take(0)[0], News::Restarted { restarts: 1 });
    let at = two.ends[0].last().map(|(at, hello)| (at, hello.boot, hello.sequence));
    two.tell(0, Input::Hello(late));
    assert_eq!(two.ends[0].last().map(|(at, hello)| (at, hello.boot, hello.sequence)), at);
    assert_eq!(two.ends[0].restarts(), 1);
}

#[test]
fn a_hello_that_another_overtook_means_nothing() {
    let mut two = both();
    two.cut = [false, true];
    let mut out = Vec::new();
    two.ends[1].tick(two.now + MS(200), &mut out);
    two.ends[1].handle(two.now + MS(300), Input::Says(Says { ready: false, ..serving() }), &mut out);
    two.ends[1].tick(two.now + MS(400), &mut out);
    let sent: Vec<_> =
        out.iter().filter_map(|one| if let Output::Send(octets) = one { Some(octets) } else { None }).collect();
    let [first, second] = sent.as_slice() else { panic!("{out:?}") };
    two.tell(0, Input::Hello(second));
    two.tell(0, Input::Hello(first));
    assert_eq!(two.ends[0].says().map(|says| says.ready), Some(false));
}

#[test]
fn a_late_hello_makes_a_twin_slow_until_it_was_in_time_for_a_while() {
    let mut two = both();
    two.cut = [false, true];
    two.run(MS(600));
    two.cut = [false; 2];
    two.run(MS(200));
    let told = two.take(0);
    assert!(matches!(told.as_slice(), [News::Slow { lost: 3, gap }] if *gap > MS(600)), "{told:?}");
    assert!(two.ends[0].is_slow() && two.ends[0].is_present());
    two.run(MS(6_000));
    assert_eq!(two.take(0), [News::Steady]);
}

#[test]
fn one_lost_hello_is_not_told_of() {
    let mut two = both();
    two.cut = [false, true];
    two.run(MS(200));
    two.cut = [false; 2];
    two.run(MS(2_000));
    assert_eq!(two.take(0), []);
    assert_eq!(two.ends[0].counts().1, 1, "it is counted");
}

#[test]
fn another_file_is_said_on_both_sides_and_gone_when_both_have_the_same_again() {
    let mut two = both();
    let other = Settings { digest: Some("fedcba9876543210".to_owned()), ..settings("in-0", "in-1") };
    two.tell(0, Input::Configure(other.clone()));
    two.run(MS(50));
    assert_eq!((two.take(0), two.take(1)), (vec![News::OtherFile], vec![News::OtherFile]));
    assert_eq!(two.ends[1].same_file(), Some(false));
    two.tell(1, Input::Configure(Settings { instance: name("in-1"), twin: name("in-0"), ..other }));
    two.run(MS(50));
    assert_eq!((two.take(0), two.take(1)), (vec![News::SameFile], vec![News::SameFile]));
}

#[test]
fn another_version_of_the_software_is_said() {
    let mut two = both();
    two.ends[1] = Twin::new(two.now, 33, Settings { version: "0.2.0", ..settings("in-1", "in-0") });
    two.run(MS(300));
    let told = two.take(0);
    assert!(told.contains(&News::OtherVersion("0.2.0".to_owned())), "{told:?}");
}

#[test]
fn a_twin_that_is_being_stopped_says_so_at_once_and_its_silence_is_no_news() {
    let mut two = both();
    two.tell(1, Input::Says(Says { ready: false, ..serving() }));
    two.run(MS(1));
    two.take(0);
    two.tell(1, Input::Says(Says { standing: Standing::Stopping, ..serving() }));
    two.run(MS(0));
    assert_eq!(two.take(0), [News::Leaving]);
    two.cut = [false, true];
    two.run(MS(10_000));
    assert_eq!((two.take(0), two.ends[0].presence()), (vec![], Presence::Left));
    two.cut = [false; 2];
    two.ends[1] = Twin::new(two.now, 33, settings("in-1", "in-0"));
    two.run(MS(300));
    let told = two.take(0);
    assert!(matches!(told.as_slice(), [News::Restarted { .. }, News::Returned(_)]), "{told:?}");
}

#[test]
fn whoever_is_not_the_twin_is_told_of_and_not_believed() {
    let mut two = both();
    for (gateway, instance) in [("hub", "in-0"), ("other", "in-1")] {
        let stranger = Settings { gateway: name(gateway), ..settings(instance, "in-0") };
        let mut out = Vec::new();
        Twin::new(two.now, 44, stranger).tick(two.now, &mut out);
        let [Output::Send(octets)] = out.as_slice() else { panic!("{out:?}") };
        two.tell(0, Input::Hello(octets));
        assert_eq!(two.take(0), [News::Stranger { gateway: name(gateway), instance: name(instance) }]);
    }
    assert_eq!(two.ends[0].restarts(), 0);
}

#[test]
fn words_and_fields_of_later_versions_are_read_as_far_as_they_are_known() {
    let text = r#"{"gateway":"hub","instance":"in-1","boot":7,"sequence":1,"interval_ms":200,"weather":"fine",
        "says":{"role":"king","standing":"dancing","ready":true,"connections":[{"name":"hq-1","color":3}]}}"#;
    let octets = [b"twinspan hello 1\n", text.as_bytes()].concat();
    let hello = Hello::decode(&octets).unwrap();
    assert_eq!((hello.says.role, hello.says.standing), (Role::Undecided, Standing::Unknown));
    let connection = hello.says.connection(&name("hq-1")).unwrap();
    assert_eq!((connection.tunnels, connection.active, hello.says.ready), (0, false, true));
    assert_eq!(Hello::decode(b"twinspan hello 2\n{}"), Err(Unreadable::Version("2".to_owned())));
    assert_eq!(Hello::decode(b"GET / HTTP/1.1"), Err(Unreadable::NotOurs));
}

#[test]
fn what_does_not_fit_a_datagram_is_left_out() {
    let mut two = both();
    let connection = |number: u32| Connection { name: name(&format!("{number:063}")), tunnels: 1, up: 1, active: true };
    two.tell(0, Input::Says(Says { connections: (0..2_000).map(connection).collect(), ..serving() }));
    two.run(MS(50));
    let heard = two.ends[1].says().unwrap().connections.len();
    assert!((400..2_000).contains(&heard), "{heard}");
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..400), head in any::<bool>()) {
        let octets = if head { [b"twinspan hello 1\n".to_vec(), octets].concat() } else { octets };
        let _ = Hello::decode(&octets);
        let mut twin = Twin::new(Time::START, 1, settings("in-0", "in-1"));
        twin.handle(Time::START, Input::Hello(&octets), &mut Vec::new());
    }

    #[test]
    fn a_hello_is_read_as_it_was_written(boot in any::<u64>(), sequence in any::<u64>(), ready in any::<bool>(), term in any::<u64>()) {
        let hello = Hello {
            gateway: name("hub"),
            instance: name("in-0"),
            boot,
            sequence,
            interval_ms: 200,
            version: "0.1.0".to_owned(),
            digest: None,
            heard: Some(Heard { boot: sequence, sequence: boot }),
            says: Says { ready, term, reasons: vec!["no tunnel is up".to_owned()], ..serving() },
        };
        prop_assert_eq!(Hello::decode(&hello.encode()), Ok(hello));
    }
}
