//! What is announced of restarts, and which ends of a session keep routes.

use super::*;
use crate::wire::{GracefulFamily, GracefulRestart};

/// What a peer announces that keeps IPv4 routes for two minutes.
fn restart(notification: bool) -> GracefulRestart {
    let families = vec![GracefulFamily { family: Family::Ipv4.into(), forwarding: true }];
    GracefulRestart { notification, restart_time: Duration::from_secs(120), families, ..GracefulRestart::default() }
}

/// Established with a peer that announces this, or no graceful restart at all.
fn with(theirs: Option<GracefulRestart>) -> Bench {
    let mut bench = Bench::started();
    bench.input(Input::Connected { conn: DIALLED });
    let mut open = open();
    open.capabilities.0.retain(|capability| !matches!(capability, Capability::GracefulRestart(_)));
    open.capabilities.0.extend(theirs.map(Capability::GracefulRestart));
    bench.says(DIALLED, &Message::Open(open));
    bench.says(DIALLED, &Message::Keepalive);
    assert_eq!(bench.peer.state(), StateName::Established);
    bench
}

/// The capability in the OPEN of the next dial.
fn announced(bench: &mut Bench) -> Option<GracefulRestart> {
    let conn = bench
        .out
        .iter()
        .find_map(|output| match output {
            Output::Dial { conn } => Some(*conn),
            _ => None,
        })
        .expect("it dials");
    bench.input(Input::Connected { conn });
    let Some(Message::Open(open)) = bench.sent(conn).pop() else { panic!("no OPEN") };
    open.capabilities.graceful_restart().cloned()
}

#[test]
fn a_first_open_claims_no_forwarding_and_one_of_a_restart_only_what_stayed() {
    let mut bench = Bench::started();
    let first = announced(&mut bench).unwrap();
    assert_eq!((first.restarting, first.notification, first.restart_time.as_secs()), (false, true, 10));
    assert_eq!(first.families, [GracefulFamily { family: Family::Ipv4.into(), forwarding: false }]);

    let mut bench = Bench::new(Settings { families: Family::ALL.to_vec(), ..settings() });
    bench.input(Input::Announce(OwnRestart { restarting: true, preserved: vec![Family::Ipv6] }));
    bench.input(Input::Start);
    let second = announced(&mut bench).unwrap();
    assert!(second.restarting);
    assert_eq!(second.families.iter().map(|family| family.forwarding).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn after_a_session_of_this_run_the_next_open_says_that_forwarding_went_on() {
    let mut bench = with(Some(restart(true)));
    bench.until(at(70.0));
    bench.input(Input::Lost { conn: DIALLED, reason: String::new() });
    bench.until(at(72.0));
    assert!(announced(&mut bench).unwrap().families[0].forwarding);
}

#[test]
fn without_graceful_restart_nothing_is_announced_and_nothing_kept() {
    let mut bench = Bench::new(Settings { restart_time: None, ..settings() });
    bench.input(Input::Start);
    assert_eq!(announced(&mut bench), None);
    let mut open = open();
    open.capabilities.0.push(Capability::GracefulRestart(restart(true)));
    bench.says(DIALLED, &Message::Open(open));
    bench.says(DIALLED, &Message::Keepalive);
    let agreed = bench.peer.negotiated().unwrap();
    assert_eq!((agreed.restartable(), agreed.survives_notifications()), (vec![], false));
}

#[test]
fn a_stop_is_a_hard_reset_only_for_a_peer_that_would_keep_routes_after_it() {
    let cease = Notification::shutdown(Cease::AdministrativeShutdown, "kernel update");
    for (theirs, hard) in [(Some(restart(true)), true), (Some(restart(false)), false), (None, false)] {
        let mut bench = with(theirs);
        bench.input(Input::Stop(cease.clone()));
        let (code, subcode, _) = bench.told(DIALLED).unwrap();
        assert_eq!((code, subcode), if hard { (6, 9) } else { (6, 2) });
    }
}

#[test]
fn one_that_comes_back_leaves_by_message_or_by_silence_so_that_its_routes_are_kept() {
    let cease = Notification::shutdown(Cease::AdministrativeReset, "in-0 is being restarted");
    let aware = GracefulRestart { families: Vec::new(), ..restart(false) };
    let cases = [(Some(restart(true)), true), (Some(restart(false)), false), (Some(aware), false), (None, true)];
    for (theirs, told) in cases {
        let mut bench = with(theirs);
        bench.input(Input::Leave(cease.clone()));
        let said = bench.sent(DIALLED);
        assert_eq!(said, if told { vec![Message::Notification(cease.clone())] } else { vec![] });
        assert!(bench.out.contains(&Output::Close { conn: DIALLED }));
        assert!(bench.peer.status().stopped);
    }
}

#[test]
fn a_reset_is_gentle_unless_its_reason_is_for_good() {
    for (cease, hard) in [(Cease::AdministrativeReset, false), (Cease::MaximumPrefixes, true)] {
        let mut bench = with(Some(restart(true)));
        bench.input(Input::Restart(cease.into()));
        let (_, subcode, _) = bench.told(DIALLED).unwrap();
        assert_eq!(subcode == 9, hard, "{cease:?}");
    }
}

#[test]
fn routes_are_kept_after_a_loss_and_after_notifications_only_if_both_agreed() {
    let reset = Notification::from(Cease::AdministrativeReset);
    let received = |said: &Notification| DownReason::Received(said.clone());
    let collision = received(&Cease::CollisionResolution.into());
    let always = [DownReason::Lost(String::new()), DownReason::Replaced, collision];
    let with_n = [
        received(&reset),
        DownReason::Stopped(reset.clone()),
        DownReason::HoldExpired,
        DownReason::Malformed(crate::wire::Error::Marker),
    ];
    let never = [
        received(&reset.hard_reset()),
        received(&Cease::BfdDown.into()),
        received(&Notification::from(Cease::AdministrativeShutdown).hard_reset().hard_reset()),
        DownReason::Stopped(reset.hard_reset()),
        DownReason::SendHoldExpired,
        DownReason::Unanswered(Duration::from_secs(30)),
    ];
    assert!(always.iter().all(|reason| reason.keeps_routes(false) && reason.keeps_routes(true)));
    assert!(with_n.iter().all(|reason| !reason.keeps_routes(false) && reason.keeps_routes(true)));
    assert!(never.iter().all(|reason| !reason.keeps_routes(false) && !reason.keeps_routes(true)));
}

#[test]
fn a_lost_peer_that_may_be_restarting_is_dialled_within_a_second() {
    for (theirs, dials) in [(Some(restart(false)), 1), (None, 0)] {
        let mut bench = with(theirs);
        bench.until(at(2.0));
        bench.input(Input::Lost { conn: DIALLED, reason: String::new() });
        bench.until(at(3.0));
        assert_eq!(bench.dials(), dials);
    }
}
