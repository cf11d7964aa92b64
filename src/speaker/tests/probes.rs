//! Tunnels that are probed.

use super::stale::restarts;
use super::*;
use crate::control::api::DetectionBy;
use crate::fib::Op;
use crate::probe::{Plan, Report, State};

/// The tunnel of these tests, probed.
fn probed(words: &str) -> Bench {
    Bench::waiting(&format!("{FILE}\n[probe]\n{words}\n"))
}

fn plan() -> Plan {
    Plan {
        local: LOCAL.parse().unwrap(),
        remote: "169.254.21.1".parse().unwrap(),
        interface: "tun1".to_owned(),
        interval: Duration::from_secs(1),
        count: 5,
    }
}

fn report(state: State) -> Input {
    Input::Probe(Report { plan: plan(), state })
}

/// Established, with routes in the kernel.
fn established() -> (Bench, ConnId) {
    let mut bench = probed("enabled = true");
    let effects = bench.tell(Input::Begin(Table::default()));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Probe(plans) if *plans == [plan()])), "{effects:?}");
    bench.tell(report(State::Alive));
    let conn = bench.dialled();
    bench.open_with(conn, 65010, &[restarts(true)]);
    let effects = bench.message(conn, &Message::Keepalive);
    assert!(tells(&effects, "is Established"), "{effects:?}");
    bench.teach(conn, 3);
    (bench, conn)
}

fn deletes_a_group(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| match effect {
        Effect::Kernel(batch) => batch.ops.iter().any(|op| matches!(op, Op::DeleteGroup(_))),
        _ => false,
    })
}

fn detection(bench: &mut Bench) -> (Option<u64>, Option<DetectionBy>) {
    let (Ok(Reply::Tunnels(shown)), _) = bench.ask(&Request::Tunnels) else { panic!("no tunnels") };
    (shown.tunnels[0].detection.within_ms, shown.tunnels[0].detection.by)
}

#[test]
fn a_far_end_that_stops_answering_leaves_the_kernel_first_then_bgp_and_nothing_of_it_is_kept() {
    let (mut bench, conn) = established();
    let effects = bench.tell(report(State::Dead));
    assert!(tells(&effects, "the far end of tunnel hq-1/in-0, 169.254.21.1, does not answer: 5 requests in a row"));
    assert!(tells(&effects, "169.254.21.1 has not answered 5 requests in a row (probe)"), "{effects:?}");
    assert!(!tells(&effects, "are kept"), "{effects:?}");
    assert!(deletes_a_group(&effects[..1]), "the kernel comes before all else: {effects:?}");
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Close(closed) if *closed == conn)), "{effects:?}");
    assert!(!sends(&effects).is_empty(), "it is told, in case it hears");
    bench.kernel(effects);
    bench.work();
    // Nothing is tried before it answers, whoever dials.
    bench.now = bench.now + Duration::from_secs(300);
    let mut out = Vec::new();
    bench.speaker.tick(bench.now, &mut out);
    assert_eq!(dial(&out), None, "{out:?}");
    assert!(
        bench
            .accept(&format!("{LOCAL}:179"), "169.254.21.1:50000")
            .iter()
            .any(|effect| matches!(effect, Effect::Abort(_)))
    );
    let effects = bench.tell(report(State::Alive));
    assert!(tells(&effects, "the far end of tunnel hq-1/in-0 answers"), "{effects:?}");
    assert!(dial(&effects).is_some(), "at once: {effects:?}");
}

#[test]
fn a_far_end_that_never_answered_is_no_failure_and_need_not_for_bgp() {
    let mut bench = probed("enabled = true");
    bench.tell(Input::Begin(Table::default()));
    let conn = bench.dialled();
    bench.open(conn, 65010);
    assert!(tells(&bench.message(conn, &Message::Keepalive), "is Established"));
    assert_eq!(detection(&mut bench), (Some(60_000), Some(DetectionBy::Unanswered)));
}

#[test]
fn a_tunnel_that_is_not_to_be_probed_is_not() {
    let mut bench = probed("enabled = false");
    let effects = bench.tell(Input::Begin(Table::default()));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Probe(_))), "{effects:?}");
    bench.tell(report(State::Alive));
    assert!(bench.tell(report(State::Dead)).is_empty());
}

#[test]
fn what_notices_a_silent_far_end_first_is_shown() {
    let (mut bench, _) = established();
    assert_eq!(detection(&mut bench), (Some(6_000), Some(DetectionBy::Probe)));
    bench.tell(report(State::Dead));
    assert_eq!(detection(&mut bench), (None, None), "nothing is up that could notice it again");
}
