//! Each state against each message that it does not allow, and against octets that are no message.

use super::*;

fn in_state(state: StateName) -> Bench {
    let mut bench = Bench::started();
    bench.input(Input::Connected { conn: DIALLED });
    if state > StateName::OpenSent {
        bench.says(DIALLED, &Message::Open(open()));
    }
    if state > StateName::OpenConfirm {
        bench.says(DIALLED, &Message::Keepalive);
    }
    assert_eq!(bench.peer.state(), state);
    bench
}

const STATES: [StateName; 3] = [StateName::OpenSent, StateName::OpenConfirm, StateName::Established];

#[test]
fn an_unexpected_message_is_told_with_the_state_and_its_type() {
    let refresh = Refresh { family: Family::Ipv4.into(), kind: RefreshKind::Request };
    let messages = [Message::Open(open()), update(), Message::Keepalive, Message::Refresh(refresh)];
    // Rows are states, columns are messages: the FSM subcode, 0 where the message is allowed (RFC 6608).
    let table = [[0, 1, 1, 1], [2, 2, 0, 2], [3, 0, 0, 0]];
    for (state, row) in STATES.into_iter().zip(table) {
        for (message, subcode) in messages.iter().zip(row) {
            let mut bench = in_state(state);
            bench.says(DIALLED, message);
            let kind = octets(message)[18];
            let expected = (subcode > 0).then(|| (5, subcode, Bytes::copy_from_slice(&[kind])));
            assert_eq!(bench.told(DIALLED), expected, "{message:?} in {state}");
        }
    }
}

#[test]
fn a_broken_message_that_the_state_does_not_allow_is_told_as_unexpected() {
    // UPDATE, OPEN and ROUTE-REFRESH whose bodies are wrong in themselves: 3/1, 2/1 and 7/1 where they may come.
    let update = [&[0xff; 16][..], &[0, 24, 2, 0xff, 0xff, 0, 0, 0]].concat();
    let open = [&[0xff; 16][..], &[0, 29, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0]].concat();
    let refresh = [&[0xff; 16][..], &[0, 22, 5, 0, 1, 1]].concat();
    let table = [
        (StateName::OpenSent, &update, (5, 1)),
        (StateName::OpenSent, &open, (2, 1)),
        (StateName::OpenSent, &refresh, (5, 1)),
        (StateName::OpenConfirm, &update, (5, 2)),
        (StateName::OpenConfirm, &open, (5, 2)),
        (StateName::OpenConfirm, &refresh, (5, 2)),
        (StateName::Established, &update, (3, 1)),
        (StateName::Established, &open, (5, 3)),
    ];
    for (state, wrong, expected) in table {
        let mut bench = in_state(state);
        bench.input(Input::Octets { conn: DIALLED, octets: wrong.clone().into() });
        let told = bench.told(DIALLED).map(|(code, subcode, _)| (code, subcode));
        assert_eq!(told, Some(expected), "type {} in {state}", wrong[18]);
        assert_eq!(bench.peer.status().received.total(), [0, 1, 2][state as usize - 3] + u64::from(expected.0 == 5));
    }
}

#[test]
fn a_hold_timer_that_ends_a_connection_is_told_although_the_peer_has_dialled_again() {
    let two = || {
        let mut bench = Bench::started();
        bench.input(Input::Accepted { conn: ACCEPTED });
        bench.says(ACCEPTED, &Message::Open(open()));
        bench.until(at(60.0));
        bench.input(Input::Connected { conn: DIALLED });
        bench
    };
    let mut bench = two();
    bench.until(at(90.0));
    assert_eq!(bench.told(ACCEPTED).map(|(code, ..)| code), Some(4));
    assert_eq!(bench.reason(), "hold timer expired");
    assert!(bench.out.contains(&Output::Failed(DownReason::HoldExpired)));
    let mut bench = two();
    bench.says(ACCEPTED, &Message::Notification(Cease::OtherConfigurationChange.into()));
    assert_eq!(bench.reason(), "received Cease / Other Configuration Change");
    // Which of two connections the peer drops without a word is no news.
    let mut bench = two();
    bench.input(Input::Lost { conn: ACCEPTED, reason: "closed by the peer".to_owned() });
    assert_eq!((bench.peer.status().last_down, bench.out.len()), (None, 0));
}

#[test]
fn octets_that_are_no_message_are_told_in_every_state() {
    for state in STATES {
        for (wrong, code, subcode) in [
            ([&[0xfe; 16][..], &[0, 19, 4]].concat(), 1, 1),
            ([&[0xff; 16][..], &[0, 18, 4]].concat(), 1, 2),
            ([&[0xff; 16][..], &[0, 19, 9]].concat(), 1, 3),
        ] {
            let mut bench = in_state(state);
            bench.input(Input::Octets { conn: DIALLED, octets: wrong.into() });
            let told = bench.told(DIALLED).map(|(code, subcode, _)| (code, subcode));
            assert_eq!(told, Some((code, subcode)), "{state}");
            assert!(bench.reason().starts_with("peer sent a wrong message: "), "{}", bench.reason());
        }
    }
}

#[test]
fn a_notification_or_a_loss_ends_every_state_without_an_answer() {
    for state in STATES {
        let mut bench = in_state(state);
        bench.says(DIALLED, &Message::Notification(Cease::OutOfResources.into()));
        assert_eq!((bench.sent(DIALLED), bench.out.contains(&Output::Close { conn: DIALLED })), (vec![], true));
        let mut bench = in_state(state);
        bench.input(Input::Lost { conn: DIALLED, reason: "gone".to_owned() });
        assert_eq!(bench.sent(DIALLED), []);
        assert_eq!(bench.out.iter().any(|o| matches!(o, Output::Down(_))), state == StateName::Established);
    }
}

#[test]
fn nothing_is_read_after_the_message_that_ended_a_connection() {
    let mut bench = in_state(StateName::Established);
    let both = [octets(&Message::Open(open())), octets(&update())].concat();
    bench.input(Input::Octets { conn: DIALLED, octets: both.into() });
    assert!(!bench.out.iter().any(|output| matches!(output, Output::Update(_))));
    assert_eq!(bench.peer.status().received.updates, 0);
}
