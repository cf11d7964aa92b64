//! What a neighbor said before, and has not said again.

use std::time::Duration;

use super::*;
use crate::wire::{Cease, Deframer, GracefulFamily, GracefulRestart, Refresh, RefreshKind};

impl Bench {
    fn marker(&mut self, conn: ConnId, kind: RefreshKind) -> Vec<Effect> {
        self.message(conn, &Message::Refresh(Refresh { family: Family::Ipv4.into(), kind }))
    }

    /// Lets time pass; the neighbor says that it is there.
    fn pass(&mut self, conn: ConnId, seconds: u64) -> Vec<Effect> {
        let end = self.now + Duration::from_secs(seconds);
        let mut out = Vec::new();
        while let Some(due) = self.speaker.deadline().filter(|due| *due <= end) {
            self.now = due;
            self.speaker.tick(due, &mut out);
            self.message(conn, &Message::Keepalive);
        }
        self.now = end;
        out
    }
}

#[test]
fn a_refresh_that_does_not_end_is_waited_for_no_longer_than_the_stale_time() {
    let mut bench = Bench::new();
    let conn = bench.established_with(&[Capability::EnhancedRouteRefresh]);
    bench.teach(conn, 3);
    assert!(bench.marker(conn, RefreshKind::Begin).is_empty());
    assert!(bench.pass(conn, 119).iter().all(|effect| !matches!(effect, Effect::Tell(_))));
    let effects = bench.pass(conn, 2);
    assert!(tells(&effects, "did not end within 120s"), "{effects:?}");
    assert!(tells(&effects, "hq-1/in-0 has sent all of ipv4 again, without 3 of its routes"), "{effects:?}");
    assert!(tells(&bench.marker(conn, RefreshKind::End), "ended without a begin"));
}

#[test]
fn a_refresh_of_a_restarted_neighbor_does_not_begin_before_end_of_rib() {
    let mut bench = Bench::new();
    let restarts = Capability::GracefulRestart(GracefulRestart::default());
    let conn = bench.established_with(&[Capability::EnhancedRouteRefresh, restarts]);
    bench.teach(conn, 3);
    assert!(tells(&bench.marker(conn, RefreshKind::Begin), "it began before End-of-RIB"));
    bench.update(conn, &[], &[]);
    assert!(bench.marker(conn, RefreshKind::Begin).is_empty());
    assert!(tells(&bench.marker(conn, RefreshKind::End), "without 3 of its routes"));
}

/// The messages that go to a connection.
fn sent(effects: &[Effect], to: ConnId) -> Vec<Message> {
    let octets = effects.iter().filter_map(|effect| match effect {
        Effect::Send { conn, octets } if *conn == to => Some(octets.as_ref()),
        _ => None,
    });
    let mut deframer = Deframer::default();
    deframer.push(&octets.collect::<Vec<_>>().concat());
    let mut messages = Vec::new();
    while let Some(frame) = deframer.next().unwrap() {
        messages.push(Message::decode(&frame, &Context::default()).unwrap());
    }
    messages
}

#[test]
fn a_neighbor_that_has_restarted_hears_end_of_rib_behind_the_answer_to_its_refresh_and_after_three_seconds() {
    let mut bench = Bench::new();
    let family = GracefulFamily { family: Family::Ipv4.into(), forwarding: true };
    let restarted = Capability::GracefulRestart(GracefulRestart {
        restarting: true,
        notification: false,
        restart_time: Duration::from_secs(30),
        families: vec![family],
    });
    let conn = bench.established_with(&[Capability::EnhancedRouteRefresh, restarted]);
    let ends = |messages: &[Message]| {
        messages.iter().filter(|one| matches!(one, Message::Update(update) if update.end_of_rib.is_some())).count()
    };
    let routes = |messages: &[Message]| {
        messages.iter().filter(|one| matches!(one, Message::Update(update) if !update.reach.is_empty())).count()
    };
    let told = sent(&bench.work(), conn);
    assert_eq!((routes(&told), ends(&told)), (1, 0), "{told:?}");
    bench.pass(conn, 1);
    bench.marker(conn, RefreshKind::Request);
    let again = sent(&bench.work(), conn);
    assert_eq!((routes(&again), again.len()), (1, 1), "the routes, and no markers before End-of-RIB: {again:?}");
    bench.pass(conn, 1);
    assert_eq!(sent(&bench.work(), conn), []);
    bench.pass(conn, 1);
    let last = sent(&bench.work(), conn);
    assert_eq!((ends(&last), last.len()), (2, 2), "{last:?}");
}

/// What a neighbor announces that keeps both families for half a minute, and went on forwarding IPv4 only.
pub(super) fn restarts(notification: bool) -> Capability {
    let family = |family: Family| GracefulFamily { family: family.into(), forwarding: family == Family::Ipv4 };
    Capability::GracefulRestart(GracefulRestart {
        restarting: false,
        notification,
        restart_time: Duration::from_secs(30),
        families: Family::ALL.map(family).to_vec(),
    })
}

impl Bench {
    /// Three routes of each family from a neighbor that then goes without a word.
    fn lost(&mut self) -> Vec<Effect> {
        let conn = self.established_with(&[restarts(false)]);
        self.teach(conn, 3);
        let effects = self.tell(Input::Lost { conn, reason: "reset".to_owned() });
        self.quiet(effects)
    }

    /// The events and dials, after all work: nothing may have gone to the kernel.
    pub(super) fn quiet(&mut self, mut effects: Vec<Effect>) -> Vec<Effect> {
        while self.speaker.busy() {
            self.speaker.work(self.now, &mut effects);
        }
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Kernel(_))), "{effects:?}");
        effects
    }

    /// Ticks at every deadline until so much later.
    pub(super) fn wait(&mut self, seconds: u64) -> Vec<Effect> {
        let end = self.now + Duration::from_secs(seconds);
        let mut out = Vec::new();
        while let Some(due) = self.speaker.deadline().filter(|due| *due <= end) {
            self.now = due;
            self.speaker.tick(due, &mut out);
        }
        self.now = end;
        out
    }

    /// How many routes are wanted in the kernel, the host route not counted.
    pub(super) fn wanted(&self) -> usize {
        let host = |prefix: Prefix| prefix == Prefix::host(prefix.addr());
        let all = Family::ALL.into_iter().flat_map(|family| self.speaker.fib.page(family, None, 100));
        all.filter(|view| view.wanted.is_some() && !host(view.prefix)).count()
    }

    /// The neighbor is back: the effects of its session becoming Established.
    pub(super) fn back(&mut self, capability: Capability) -> (ConnId, Vec<Effect>) {
        let (conn, _) = dial(&self.wait(2)).expect("it is dialled at once");
        self.open_with(conn, 65010, &[capability]);
        let effects = self.message(conn, &Message::Keepalive);
        assert!(tells(&effects, "is Established"), "{effects:?}");
        (conn, effects)
    }
}

#[test]
fn a_neighbor_that_may_be_restarting_keeps_its_routes_for_its_restart_time() {
    let mut bench = Bench::new();
    let effects = bench.lost();
    assert!(tells(&effects, "hq-1/in-0 may be restarting: its 6 routes are kept, for 30s at most"), "{effects:?}");
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Kernel(_))));
    bench.wait(29);
    assert_eq!(bench.wanted(), 6);
    let effects = bench.wait(2);
    assert!(tells(&effects, "6 routes that were kept of hq-1/in-0 are used no longer: it did not come back in time"));
    bench.work();
    assert_eq!(bench.wanted(), 0);
}

#[test]
fn a_neighbor_that_was_silent_for_the_hold_time_keeps_its_routes_no_longer_than_we_ask_for_ourselves() {
    let mut bench = Bench::new();
    let conn = bench.established_with(&[restarts(true)]);
    bench.teach(conn, 3);
    let effects = bench.wait(90);
    let effects = bench.quiet(effects);
    assert!(tells(&effects, "hold timer expired"), "{effects:?}");
    assert!(tells(&effects, "may be restarting: its 6 routes are kept, for 10s at most"), "{effects:?}");
    bench.wait(11);
    bench.work();
    assert_eq!(bench.wanted(), 0);
}

#[test]
fn a_neighbor_whose_host_answers_nothing_keeps_nothing() {
    let mut bench = Bench::new();
    let conn = bench.established_with(&[restarts(true)]);
    bench.teach(conn, 3);
    let mut told = Vec::new();
    while let Some(due) = bench.speaker.deadline().filter(|due| due.since_start() < Duration::from_secs(80)) {
        let effects = bench.wait(due.since(bench.now).as_secs() + 1);
        for _ in effects.iter().filter(|effect| matches!(effect, Effect::Measure(_))) {
            let silent = Some(bench.now.since_start());
            told.extend(bench.tell(Input::Measured { conn, waiting: 19, taken: 100, silent }));
        }
    }
    assert!(tells(&told, "answered nothing of what it was sent for 30 s"), "{told:?}");
    assert!(!tells(&told, "are kept"), "{told:?}");
    bench.work();
    assert_eq!(bench.wanted(), 0);
}

#[test]
fn what_is_kept_goes_at_once_when_its_tunnel_goes_down() {
    let mut bench = Bench::new();
    bench.lost();
    let effects = bench.link(7, false);
    assert!(tells(&effects, "are used no longer: its tunnel is down"), "{effects:?}");
    bench.kernel(effects);
    bench.work();
    assert_eq!(bench.wanted(), 0);
    let effects = bench.link(7, true);
    bench.kernel(effects);
    bench.work();
    assert_eq!(bench.wanted(), 0, "a tunnel that is back brings no route back");
}

#[test]
fn a_session_that_ends_because_its_tunnel_is_down_keeps_nothing() {
    let mut bench = Bench::new();
    let conn = bench.established_with(&[restarts(true)]);
    bench.teach(conn, 3);
    let effects = bench.link(7, false);
    assert!(!tells(&effects, "are kept"), "{effects:?}");
    bench.kernel(effects);
    bench.work();
    assert_eq!((bench.speaker.kept(crate::types::PeerId(0)), bench.wanted()), (0, 0));
}

#[test]
fn a_family_without_the_forwarding_bit_goes_when_the_session_is_back_and_the_other_at_end_of_rib() {
    let mut bench = Bench::new();
    bench.lost();
    let (conn, effects) = bench.back(restarts(false));
    assert!(tells(&effects, "3 routes that were kept of hq-1/in-0 are used no longer: it does not say that"));
    bench.work();
    assert_eq!(bench.wanted(), 3);
    // Two of three, then End-of-RIB.
    bench.teach(conn, 2);
    let end = [0xff; 16].into_iter().chain([0, 23, 2, 0, 0, 0, 0]).collect::<Vec<_>>();
    let effects = bench.tell(Input::Octets { conn, octets: end.into() });
    assert!(tells(&effects, "1 routes that were kept of hq-1/in-0 are used no longer: it has not said them again"));
    bench.work();
    assert_eq!(bench.wanted(), 4);
}

#[test]
fn a_neighbor_that_never_says_end_of_rib_is_waited_for_no_longer_than_the_stale_time() {
    let mut bench = Bench::new();
    bench.lost();
    let (conn, _) = bench.back(restarts(false));
    let effects = bench.pass(conn, 117);
    assert!(!tells(&effects, "are used no longer"), "{effects:?}");
    let effects = bench.pass(conn, 5);
    assert!(tells(&effects, "are used no longer: it did not send End-of-RIB in time"), "{effects:?}");
}

#[test]
fn a_neighbor_that_is_lost_again_and_again_keeps_nothing_longer_than_the_stale_time() {
    let mut bench = Bench::new();
    bench.lost();
    let since = bench.now;
    let mut gone = None;
    while gone.is_none() && bench.now.since(since) < Duration::from_secs(300) {
        let effects = bench.wait(20);
        gone = tells(&effects, "are used no longer: it did not").then(|| bench.now.since(since).as_secs());
        let Some((conn, _)) = dial(&effects) else { continue };
        bench.open_with(conn, 65010, &[restarts(false)]);
        bench.message(conn, &Message::Keepalive);
        bench.tell(Input::Lost { conn, reason: "again".to_owned() });
    }
    assert!(gone.is_some_and(|seconds| seconds <= 140), "{gone:?}");
}

#[test]
fn a_hard_reset_keeps_nothing_and_another_cease_does_where_both_agreed_on_it() {
    let cease = Notification::from(Cease::AdministrativeReset);
    for (notification, said, kept) in
        [(true, cease.clone(), true), (true, cease.hard_reset(), false), (false, cease.clone(), false)]
    {
        let mut bench = Bench::new();
        let conn = bench.established_with(&[restarts(notification)]);
        bench.teach(conn, 3);
        let effects = bench.message(conn, &Message::Notification(said));
        assert_eq!(tells(&effects, "its 6 routes are kept"), kept, "{effects:?}");
        bench.work();
        assert_eq!(bench.wanted(), if kept { 6 } else { 0 });
    }
}

#[test]
fn a_stop_for_good_lets_go_of_what_is_kept() {
    let mut bench = Bench::new();
    bench.lost();
    let out = bench.tell(Input::Stop);
    assert!(tells(&out, "are used no longer: its session was stopped"), "{out:?}");
}
