//! A second connection in every state of the first (RFC 4271 §6.8).

use super::*;

/// One that we dialled and one that we accepted, both without an OPEN yet.
fn both() -> Bench {
    let mut bench = Bench::started();
    bench.input(Input::Connected { conn: DIALLED });
    bench.input(Input::Accepted { conn: ACCEPTED });
    assert!(matches!(bench.sent(ACCEPTED).as_slice(), [Message::Open(_)]), "both go on until an OPEN tells them apart");
    bench
}

fn lower() -> Open {
    open()
}

fn higher() -> Open {
    Open { router_id: router_id(200), ..open() }
}

const COLLISION: Option<(u8, u8, Bytes)> = Some((6, 7, Bytes::new()));

#[test]
fn in_open_confirm_the_connection_of_the_higher_identifier_stays() {
    for (open, first, stays) in [
        (lower(), DIALLED, DIALLED),
        (lower(), ACCEPTED, DIALLED),
        (higher(), DIALLED, ACCEPTED),
        (higher(), ACCEPTED, ACCEPTED),
    ] {
        let mut bench = both();
        let second = if first == DIALLED { ACCEPTED } else { DIALLED };
        let goes = if stays == DIALLED { ACCEPTED } else { DIALLED };
        bench.says(first, &Message::Open(open.clone()));
        assert_eq!(bench.sent(first), [Message::Keepalive]);
        bench.says(second, &Message::Open(open.clone()));
        assert_eq!(bench.told(goes), COLLISION);
        assert_eq!(bench.sent(goes).len(), 1, "the loser's OPEN is not answered first");
        bench.says(stays, &Message::Keepalive);
        assert_eq!(bench.peer.negotiated().map(|n| n.conn), Some(stays));
        // The surplus connection is neither a failure nor a reason to wait.
        let status = bench.peer.status();
        assert_eq!((status.failed_attempts, status.last_down, status.flaps), (0, None, 0));
    }
}

#[test]
fn with_equal_identifiers_the_higher_as_decides() {
    // Ours is 65515, the peer's 65010 (RFC 6286 §2.3).
    let equal = Open { router_id: router_id(5), ..open() };
    let mut bench = both();
    bench.says(ACCEPTED, &Message::Open(equal.clone()));
    bench.says(DIALLED, &Message::Open(equal));
    assert_eq!(bench.told(ACCEPTED), COLLISION);
}

/// One that we dialled is Established, on another the OPEN came in.
fn established_against(open: Open) -> Bench {
    let mut bench = Bench::established();
    bench.input(Input::Accepted { conn: ACCEPTED });
    bench.says(ACCEPTED, &Message::Open(open));
    assert_eq!(bench.out, [], "the OPEN is not answered");
    bench
}

fn assert_replaced(bench: &Bench) {
    assert_eq!((bench.told(DIALLED), bench.sent(ACCEPTED)), (COLLISION, vec![Message::Keepalive]));
    let order: Vec<_> = bench.out.iter().filter(|o| matches!(o, Output::Down(_) | Output::Established(_))).collect();
    assert!(matches!(order.as_slice(), [Output::Down(DownReason::Replaced), Output::Established(_)]), "{order:?}");
}

#[test]
fn a_peer_that_has_restarted_gets_its_new_session_at_once_or_in_a_moment() {
    let mut bench = established_against(higher());
    bench.says(ACCEPTED, &Message::Keepalive);
    assert_replaced(&bench);
    // Against the rule: it may have answered before it saw the other connection, and close this one any time now.
    let mut bench = established_against(lower());
    bench.says(ACCEPTED, &Message::Keepalive);
    assert_eq!(bench.out, []);
    bench.until(at(4.0));
    assert_replaced(&bench);
    // The other one goes meanwhile: the answer was already given.
    let mut bench = established_against(lower());
    bench.says(ACCEPTED, &Message::Keepalive);
    bench.input(Input::Lost { conn: DIALLED, reason: "gone".to_owned() });
    assert_eq!(bench.peer.negotiated().map(|n| n.conn), Some(ACCEPTED));
}

#[test]
fn an_established_session_stays_unless_the_peer_goes_on_with_the_other() {
    let established = || established_against(lower());
    // The peer closes one or the other.
    let mut bench = established();
    bench.input(Input::Lost { conn: ACCEPTED, reason: "closed by the peer".to_owned() });
    assert_eq!((bench.peer.negotiated().map(|n| n.conn), bench.out.len()), (Some(DIALLED), 0));
    let mut bench = established();
    bench.says(DIALLED, &Message::Notification(Cease::CollisionResolution.into()));
    assert_eq!(bench.sent(ACCEPTED), [Message::Keepalive]);
    bench.says(ACCEPTED, &Message::Keepalive);
    assert_eq!(bench.peer.negotiated().map(|n| n.conn), Some(ACCEPTED));
    // Neither: the established one stays.
    let mut bench = established();
    bench.until(at(4.0));
    assert_eq!(bench.told(ACCEPTED), COLLISION);
    assert_eq!(bench.peer.negotiated().map(|n| n.conn), Some(DIALLED));
}

#[test]
fn a_connection_on_which_the_peer_says_nothing_goes_a_moment_after_another_is_established() {
    for (silent, speaks) in [(ACCEPTED, DIALLED), (DIALLED, ACCEPTED)] {
        let mut bench = both();
        bench.says(speaks, &Message::Open(open()));
        bench.until(at(60.0));
        bench.says(speaks, &Message::Keepalive);
        bench.until(at(62.9));
        assert_eq!((bench.told(silent), bench.peer.negotiated().map(|n| n.conn)), (None, Some(speaks)));
        bench.until(at(63.0));
        assert_eq!(bench.told(silent), COLLISION);
        let status = bench.peer.status();
        assert_eq!((bench.peer.state(), status.failed_attempts, status.last_down), (StateName::Established, 0, None));
    }
    // One that came later may be of a peer that has restarted and takes its time: it goes as late as any other, and is
    // no failure either.
    let mut bench = Bench::established();
    bench.input(Input::Accepted { conn: ACCEPTED });
    for second in 1..240 {
        bench.until(at(f64::from(second)));
        bench.says(DIALLED, &Message::Keepalive);
        assert_eq!(bench.told(ACCEPTED), None, "{second}");
    }
    bench.until(at(240.0));
    assert_eq!((bench.told(ACCEPTED), bench.peer.status().failed_attempts), (COLLISION, 0));
}

#[test]
fn a_peer_that_dials_again_has_given_up_its_earlier_attempt() {
    let mut bench = Bench::started();
    let newer = ConnId(ACCEPTED.0 + 1);
    bench.input(Input::Accepted { conn: ACCEPTED });
    bench.input(Input::Accepted { conn: newer });
    assert_eq!(bench.told(ACCEPTED), COLLISION);
    bench.says(newer, &Message::Open(open()));
    let newest = ConnId(ACCEPTED.0 + 2);
    bench.input(Input::Accepted { conn: newest });
    assert_eq!(bench.told(newer), None, "one that has proved itself waits for the OPEN of the other");
    bench.says(newest, &Message::Open(open()));
    assert_eq!(bench.told(newer), COLLISION);
    bench.says(newest, &Message::Keepalive);
    assert_eq!(bench.peer.negotiated().map(|n| n.conn), Some(newest));
}

#[test]
fn a_dial_under_way_is_given_up_when_an_accepted_connection_is_established() {
    let mut bench = Bench::started();
    bench.input(Input::Accepted { conn: ACCEPTED });
    bench.says(ACCEPTED, &Message::Open(open()));
    bench.says(ACCEPTED, &Message::Keepalive);
    assert!(bench.out.contains(&Output::Close { conn: DIALLED }));
    bench.input(Input::Connected { conn: DIALLED });
    assert_eq!(bench.out, []);
}
