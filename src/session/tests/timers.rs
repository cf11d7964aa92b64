//! What time alone brings about: keepalives, hold and send hold times, the waits between attempts.

use super::*;

#[test]
fn keepalives_are_sent_in_time_and_not_all_at_once() {
    let mut bench = Bench::established();
    let mut sent = Vec::new();
    for second in 1..=300 {
        bench.until(at(f64::from(second)));
        sent.extend(bench.sent(DIALLED).into_iter().map(|_| second));
        bench.says(DIALLED, &Message::Keepalive);
    }
    let gaps: Vec<_> = sent.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| (22..=31).contains(gap)), "{gaps:?}");
    assert!(gaps.iter().any(|gap| *gap != gaps[0]), "no jitter: {gaps:?}");
}

#[test]
fn an_update_that_was_sent_stands_for_a_keepalive() {
    let mut bench = Bench::established();
    for second in 1..=300 {
        bench.until(at(f64::from(second)));
        assert_eq!(bench.sent(DIALLED), []);
        bench.input(Input::Sent { conn: DIALLED, kind: MessageKind::Update });
        bench.says(DIALLED, &Message::Keepalive);
    }
    assert_eq!(bench.peer.status().sent.updates, 300);
}

#[test]
fn a_silent_peer_is_believed_for_the_hold_time_and_no_longer() {
    let mut bench = Bench::established();
    bench.until(at(40.0));
    bench.says(DIALLED, &update());
    bench.until(at(129.9));
    assert_eq!(bench.peer.state(), StateName::Established);
    bench.until(at(130.0));
    assert_eq!(bench.told(DIALLED), Some((4, 0, Bytes::new())));
    assert!(bench.out.contains(&Output::Down(DownReason::HoldExpired)));
    assert_eq!(bench.reason(), "hold timer expired");
    assert_eq!(bench.peer.status().flaps, 1);
}

#[test]
fn octets_that_came_in_count_before_the_hold_timer_does() {
    let mut bench = Bench::established();
    bench.now = at(1000.0);
    bench.says(DIALLED, &Message::Keepalive);
    bench.peer.tick(bench.now, &mut bench.out);
    assert_eq!(bench.peer.state(), StateName::Established);
}

#[test]
fn without_a_hold_time_nothing_is_due() {
    let mut bench = Bench::started();
    bench.input(Input::Connected { conn: DIALLED });
    bench.says(DIALLED, &Message::Open(Open { hold_time: HoldTime::from_secs(0).unwrap(), ..open() }));
    bench.says(DIALLED, &Message::Keepalive);
    assert_eq!(bench.peer.deadline(), None);
}

#[test]
fn the_smaller_hold_time_holds_and_zero_from_either_side_is_off() {
    for (ours, theirs, agreed, keepalive) in [
        (90, 30, 30, 10),
        (30, 90, 30, 10),
        (3, 90, 3, 1),
        (180, 3, 3, 1),
        (65_535, 65_535, 65_535, 30),
        (0, 90, 0, 0),
        (90, 0, 0, 0),
        (0, 0, 0, 0),
    ] {
        let of = |seconds| HoldTime::from_secs(seconds).unwrap();
        let mut bench = Bench::new(Settings { hold_time: of(ours), ..settings() });
        bench.input(Input::Start);
        bench.input(Input::Connected { conn: DIALLED });
        assert!(matches!(bench.sent(DIALLED).as_slice(), [Message::Open(open)] if open.hold_time == of(ours)));
        bench.says(DIALLED, &Message::Open(Open { hold_time: of(theirs), ..open() }));
        assert_eq!(bench.sent(DIALLED), [Message::Keepalive], "an OPEN is always answered");
        bench.says(DIALLED, &Message::Keepalive);
        let live = bench.peer.negotiated().unwrap();
        let found = (live.hold_time.as_secs(), live.keepalive.as_secs());
        assert_eq!(found, (agreed, keepalive), "{ours} and {theirs}");
        if agreed > 0 {
            let end = bench.now + Duration::from_secs(u64::from(agreed));
            let mut last = Vec::new();
            while let Some(due) = bench.peer.deadline().filter(|due| *due <= end) {
                bench.until(due);
                last = bench.out.clone();
                if last.contains(&Output::Measure { conn: DIALLED }) {
                    bench.input(Input::Measured { conn: DIALLED, waiting: 0, taken: 1, silent: None });
                }
            }
            assert!(last.contains(&Output::Down(DownReason::HoldExpired)) && bench.now == end, "{ours} and {theirs}");
        }
    }
    // 1 and 2 s are refused (RFC 4271 §6.2).
    for wrong in [1, 2] {
        let mut bench = Bench::started();
        bench.input(Input::Connected { conn: DIALLED });
        let mut octets = octets(&Message::Open(open())).to_vec();
        octets[22..24].copy_from_slice(&[0, wrong]);
        bench.input(Input::Octets { conn: DIALLED, octets: octets.into() });
        assert_eq!(bench.told(DIALLED).map(|(code, subcode, _)| (code, subcode)), Some((2, 6)));
    }
}

#[test]
fn a_peer_that_takes_nothing_for_the_send_hold_time_is_cut_off_although_it_speaks() {
    // Ours, and the default: 8 minutes, or twice the hold time if that is more (RFC 9687 §3).
    for (ours, hold, limit) in [(Some(20.0), 90, 20.0), (None, 90, 480.0), (None, 300, 600.0)] {
        let send_hold_time = ours.map(Duration::from_secs_f64);
        let hold_time = HoldTime::from_secs(hold).unwrap();
        let mut bench = Bench::new(Settings { send_hold_time, hold_time, ..settings() });
        bench.input(Input::Start);
        bench.input(Input::Connected { conn: DIALLED });
        bench.says(DIALLED, &Message::Open(Open { hold_time, ..open() }));
        bench.says(DIALLED, &Message::Keepalive);
        let (mut asked, mut taken) = (0, 19);
        // It takes everything at first, then nothing more; and says all the time that it is there.
        for second in 1..=(100 + limit as u64 * 9 / 8) {
            bench.until(at(second as f64));
            if bench.out.contains(&Output::Measure { conn: DIALLED }) {
                asked += 1;
                if second < 100 {
                    taken += 19;
                }
                let waiting = if second < 40 { 0 } else { 1000 };
                bench.input(Input::Measured { conn: DIALLED, waiting, taken, silent: None });
            }
            if bench.peer.state() != StateName::Established {
                break;
            }
            bench.says(DIALLED, &Message::Keepalive);
        }
        let end = bench.now.since_start().as_secs_f64();
        assert!((40.0 + limit..=100.0 + limit * 1.25).contains(&end), "{limit}: {end}");
        // Eight times within each of the limits for what waits.
        assert!(asked <= (8.0 * end / limit + 8.0 * end / (f64::from(hold) / 3.0)) as u32, "{asked} questions");
        assert!(matches!(bench.sent(DIALLED).as_slice(), [Message::Notification(n)] if *n == Notification::SEND_HOLD));
        assert!(bench.out.contains(&Output::Down(DownReason::SendHoldExpired)));
        assert!(bench.out.contains(&Output::Abort { conn: DIALLED }), "nothing waits for the peer: {:?}", bench.out);
        assert!(bench.reason().starts_with("send hold timer expired"), "{}", bench.reason());
    }
}

#[test]
fn the_send_hold_timer_is_off_when_told_so_or_without_a_hold_time() {
    for (send_hold_time, hold) in [(Some(Duration::ZERO), 90), (Some(Duration::from_secs(5)), 0), (None, 0)] {
        let mut bench = Bench::new(Settings { send_hold_time, ..settings() });
        bench.input(Input::Start);
        bench.input(Input::Connected { conn: DIALLED });
        bench.says(DIALLED, &Message::Open(Open { hold_time: HoldTime::from_secs(hold).unwrap(), ..open() }));
        bench.says(DIALLED, &Message::Keepalive);
        for second in (10..2000).step_by(10) {
            bench.input(Input::Sent { conn: DIALLED, kind: MessageKind::Update });
            bench.until(at(f64::from(second)));
            assert!(hold > 0 || !bench.out.contains(&Output::Measure { conn: DIALLED }));
            bench.input(Input::Measured { conn: DIALLED, waiting: 1000, taken: 0, silent: None });
            bench.says(DIALLED, &Message::Keepalive);
        }
        assert_eq!(bench.peer.state(), StateName::Established);
    }
}

/// When a session of 90 s of hold time ends whose peer says nothing from second 100 on, and how: `silent` says what the
/// kernel knows of its host.
fn ends(silent: impl Fn(f64) -> Option<f64>) -> (f64, Bench) {
    let mut bench = Bench::started();
    bench.input(Input::Connected { conn: DIALLED });
    bench.says(DIALLED, &Message::Open(open()));
    bench.says(DIALLED, &Message::Keepalive);
    loop {
        let due = bench.peer.deadline().unwrap();
        let now = due.since_start().as_secs_f64();
        if now < 100.0 {
            bench.says(DIALLED, &Message::Keepalive);
        }
        bench.until(due);
        if bench.peer.state() != StateName::Established {
            return (now, bench);
        }
        if bench.out.contains(&Output::Measure { conn: DIALLED }) {
            let waiting = if now < 100.0 { 0 } else { 19 };
            let silent = silent(now).map(Duration::from_secs_f64);
            bench.input(Input::Measured { conn: DIALLED, waiting, taken: 19, silent });
            if bench.peer.state() != StateName::Established {
                return (now, bench);
            }
        }
    }
}

#[test]
fn a_peer_whose_host_answers_nothing_is_left_before_the_hold_time_is_over_and_without_a_word() {
    let (end, bench) = ends(|now| (now >= 100.0).then_some(now - 100.0));
    assert!((130.0..=160.0).contains(&end), "a KEEPALIVE within 30 s, and 30 s without an answer to it: {end}");
    assert!(bench.out.contains(&Output::Down(DownReason::Unanswered(Duration::from_secs(30)))), "{:?}", bench.out);
    assert!(bench.out.contains(&Output::Abort { conn: DIALLED }) && bench.sent(DIALLED).is_empty());
    assert!(bench.reason().starts_with("the peer's host answered nothing"), "{}", bench.reason());
}

#[test]
fn a_peer_that_hangs_on_a_host_that_answers_is_left_when_the_hold_time_is_over() {
    for silent in [None, Some(0.05)] {
        let (end, bench) = ends(|_| silent);
        assert!(bench.out.contains(&Output::Down(DownReason::HoldExpired)), "{end}: {:?}", bench.out);
    }
}

#[test]
fn a_peer_that_never_says_open_is_closed_after_the_large_hold_time() {
    let mut bench = Bench::started();
    bench.input(Input::Connected { conn: DIALLED });
    bench.until(at(239.0));
    assert_eq!((bench.peer.state(), bench.out.len()), (StateName::OpenSent, 0));
    bench.until(at(240.0));
    assert_eq!(bench.told(DIALLED), Some((4, 0, Bytes::new())));
}

#[test]
fn a_session_that_flaps_is_dialled_ever_later_until_one_lasts() {
    let mut bench = Bench::started();
    let mut number = 0;
    let mut session = |bench: &mut Bench, lasts: u64| {
        let conn = ConnId(DIALLED.0 + number);
        number += 1;
        bench.input(Input::Connected { conn });
        bench.says(conn, &Message::Open(open()));
        bench.says(conn, &Message::Keepalive);
        bench.until(bench.now + Duration::from_secs(lasts));
        bench.says(conn, &Message::Notification(Cease::OutOfResources.into()));
        let (state, retry) = (bench.peer.state(), bench.peer.status().retry_at.unwrap());
        let wait = (retry - bench.now).as_secs_f64();
        bench.until(retry);
        assert_eq!(bench.dials(), 1);
        (state, wait)
    };
    for base in [5.0, 10.0, 20.0, 40.0, 60.0, 60.0] {
        let (state, wait) = session(&mut bench, 59);
        assert!(state == StateName::Idle && (base * 0.75..=base).contains(&wait), "{base}: {wait} in {state}");
    }
    // One that has lasted as long as the longest wait is not to blame.
    let (state, wait) = session(&mut bench, 60);
    assert!(state == StateName::Active && wait <= 1.0, "{wait} in {state}");
    assert!(session(&mut bench, 1).1 <= 5.0, "and what was before it is forgotten");
    // Whose connections end in a collision has done nothing wrong.
    let conn = ConnId(DIALLED.0 + 8);
    bench.input(Input::Connected { conn });
    bench.says(conn, &Message::Open(open()));
    bench.says(conn, &Message::Notification(Cease::CollisionResolution.into()));
    assert_eq!(bench.peer.state(), StateName::Idle, "the fault before counts on");
    assert!(bench.peer.status().retry_at.unwrap() - bench.now <= Duration::from_secs(1));
}

#[test]
fn who_dials_and_goes_without_a_word_does_not_keep_us_from_dialling() {
    let mut bench = Bench::started();
    bench.input(Input::ConnectFailed { conn: DIALLED, reason: "refused".to_owned() });
    let mut dialled = Vec::new();
    for tenth in 1..=100_u64 {
        bench.until(at(tenth as f64 / 10.0));
        dialled.extend(bench.out.iter().filter(|output| matches!(output, Output::Dial { .. })).map(|_| tenth));
        // Twice a second somebody comes, as from a peer whose packets do not come from the link.
        if tenth % 5 == 0 {
            let conn = ConnId(ACCEPTED.0 + tenth);
            bench.input(Input::Accepted { conn });
            bench.input(Input::Lost { conn, reason: "not from the link".to_owned() });
        }
    }
    assert!(dialled.first().is_some_and(|tenth| (37..=50).contains(tenth)), "{dialled:?}");
    let last = bench.peer.status().last_down.map(|down| down.reason);
    assert_eq!(last, Some(DownReason::Lost("not from the link".to_owned())), "people are told");
}
