//! Settings that change while a session is up.

use super::*;

fn configured(bench: &mut Bench, change: impl FnOnce(&mut Settings)) {
    let mut new = bench.peer.settings().clone();
    change(&mut new);
    bench.input(Input::Configure(Box::new(new)));
}

#[test]
fn a_new_keepalive_time_holds_at_once_and_says_nothing() {
    let mut bench = Bench::established();
    configured(&mut bench, |new| new.keepalive_time = Duration::from_secs(2));
    assert!(bench.out.is_empty(), "{:?}", bench.out);
    assert_eq!(bench.peer.negotiated().unwrap().keepalive, Duration::from_secs(2));
    bench.until(bench.now + Duration::from_secs(10));
    assert!(bench.sent(DIALLED).len() >= 5, "{:?}", bench.out);
}

#[test]
fn a_keepalive_time_never_exceeds_a_third_of_what_was_agreed_on() {
    let mut bench = Bench::established();
    configured(&mut bench, |new| new.keepalive_time = Duration::from_secs(3600));
    let agreed = bench.peer.negotiated().unwrap();
    assert_eq!(agreed.keepalive, agreed.hold_time.duration().unwrap() / 3);
}

#[test]
fn a_neighbor_that_becomes_passive_while_it_is_dialled_is_dialled_no_more() {
    let mut bench = Bench::started();
    configured(&mut bench, |new| new.passive = true);
    assert_eq!(bench.out, [Output::Close { conn: DIALLED }]);
    bench.until(bench.now + Duration::from_secs(600));
    assert!(bench.out.is_empty(), "{:?}", bench.out);
    configured(&mut bench, |new| new.passive = false);
    assert!(matches!(bench.out[..], [Output::Dial { .. }]), "{:?}", bench.out);
}

#[test]
fn a_session_that_is_up_stays_up_whatever_is_configured() {
    let mut bench = Bench::established();
    configured(&mut bench, |new| {
        new.passive = true;
        new.hold_time = HoldTime::from_secs(9).unwrap();
        new.connect_retry = Duration::from_millis(10);
        new.send_hold_time = Some(Duration::from_secs(1));
    });
    assert!(bench.out.is_empty(), "{:?}", bench.out);
    assert_eq!(bench.peer.state(), StateName::Established);
    let agreed = bench.peer.negotiated().unwrap();
    assert_eq!(agreed.hold_time, settings().hold_time, "what both ends agreed on stays");
    assert_eq!(agreed.send_hold, Duration::from_secs(1));
}

#[test]
fn a_new_send_hold_time_counts_what_has_waited_already() {
    let mut bench = Bench::established();
    configured(&mut bench, |new| new.send_hold_time = Some(Duration::from_secs(8)));
    bench.input(Input::Sent { conn: DIALLED, kind: MessageKind::Update });
    bench.until(bench.now + Duration::from_secs(3));
    assert!(bench.out.iter().any(|output| matches!(output, Output::Measure { .. })), "{:?}", bench.out);
    configured(&mut bench, |new| new.send_hold_time = Some(Duration::ZERO));
    bench.until(bench.now + Duration::from_secs(5));
    // Whether its host answers is asked all the same, but not every second.
    let asked = bench.out.iter().filter(|output| matches!(output, Output::Measure { .. })).count();
    assert!(asked <= 2, "{:?}", bench.out);
}
