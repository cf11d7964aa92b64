use std::time::Duration;

use super::packet::packet;
use crate::bfd::{Algorithm, Diag, Discard, Key, Output, Packet, Session, Settings, State};
use crate::types::Time;

fn at(millis: u64) -> Time {
    Time::from_start(Duration::from_millis(millis))
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn settings() -> Settings {
    Settings { interval: millis(100), multiplier: 3, passive: false, key: None }
}

fn session() -> Session {
    Session::new(at(0), 42, settings(), 1)
}

fn hear(session: &mut Session, now: u64, state: State, change: impl FnOnce(&mut Packet)) -> Vec<Packet> {
    let mut heard = Packet { state, your_discriminator: 42, ..packet() };
    change(&mut heard);
    let mut out = Vec::new();
    session.receive(at(now), &heard, None, &mut out).unwrap();
    sent(&out)
}

fn sent(out: &[Output]) -> Vec<Packet> {
    let packets = out.iter().filter_map(|output| match output {
        Output::Send(wire) => Some(Packet::decode(wire.as_slice()).unwrap().0),
        Output::Changed => None,
    });
    packets.collect()
}

fn fast(packet: &mut Packet) {
    packet.desired_min_tx = millis(100);
}

/// Up at 10 ms, timers agreed at 20 ms.
fn up() -> Session {
    let mut session = session();
    hear(&mut session, 10, State::Init, |_| {});
    hear(&mut session, 20, State::Up, |packet| {
        fast(packet);
        packet.final_ = true;
    });
    assert_eq!(session.status().state, State::Up);
    session
}

/// All that it sends by itself until then.
fn run(session: &mut Session, until: u64) -> Vec<(Time, Packet)> {
    let mut all = Vec::new();
    while let Some(due) = session.deadline().filter(|due| *due <= at(until)) {
        let mut out = Vec::new();
        session.tick(due, &mut out);
        all.extend(sent(&out).into_iter().map(|packet| (due, packet)));
    }
    all
}

#[test]
fn every_pair_of_states_leads_where_the_rfc_says() {
    use State::{AdminDown, Down, Init, Up};
    let reach = |state: State| {
        let mut session = session();
        match state {
            AdminDown => session.shut(at(1), &mut Vec::new()),
            Down => {}
            Init => drop(hear(&mut session, 1, Down, |_| {})),
            Up => drop(hear(&mut session, 1, Init, |_| {})),
        }
        session
    };
    let expected = [
        (Down, [(AdminDown, Down), (Down, Init), (Init, Up), (Up, Down)]),
        (Init, [(AdminDown, Down), (Down, Init), (Init, Up), (Up, Up)]),
        (Up, [(AdminDown, Down), (Down, Down), (Init, Up), (Up, Up)]),
    ];
    for (from, moves) in expected {
        for (heard, to) in moves {
            let mut session = reach(from);
            hear(&mut session, 5, heard, |_| {});
            assert_eq!(session.status().state, to, "{from}, and {heard} is heard");
            let diag = if from == to || to != Down { Diag::NONE } else { Diag::NEIGHBOR_DOWN };
            assert_eq!(session.status().diag, diag, "{from}, and {heard} is heard");
        }
    }
    let mut shut = reach(AdminDown);
    let heard = Packet { state: Init, your_discriminator: 42, ..packet() };
    assert_eq!(shut.receive(at(5), &heard, None, &mut Vec::new()), Err(Discard::AdminDown));
    assert_eq!(shut.status().state, AdminDown);
}

#[test]
fn a_session_that_is_not_up_sends_slowly_and_not_evenly() {
    let mut session = session();
    let sent = run(&mut session, 60_000);
    let gaps: Vec<Duration> = sent.windows(2).map(|two| two[1].0 - two[0].0).collect();
    assert!(gaps.iter().all(|gap| (millis(750)..=millis(1000)).contains(gap)), "{gaps:?}");
    assert!(gaps.iter().max().unwrap().saturating_sub(*gaps.iter().min().unwrap()) > millis(100), "{gaps:?}");
    assert!(sent.iter().all(|(_, packet)| packet.desired_min_tx == millis(1000) && packet.state == State::Down));
}

#[test]
fn with_a_multiplier_of_one_a_packet_is_never_as_late_as_the_interval() {
    let mut session = Session::new(at(0), 42, Settings { multiplier: 1, ..settings() }, 1);
    let sent = run(&mut session, 60_000);
    let gaps: Vec<Duration> = sent.windows(2).map(|two| two[1].0 - two[0].0).collect();
    assert!(gaps.iter().all(|gap| (millis(750)..=millis(900)).contains(gap)), "{gaps:?}");
}

#[test]
fn coming_up_is_told_at_once_and_the_fast_timers_are_asked_for() {
    let mut session = session();
    let sent = hear(&mut session, 10, State::Init, |_| {});
    let [told] = sent[..] else { panic!("{sent:?}") };
    assert_eq!((told.state, told.poll, told.desired_min_tx), (State::Up, true, millis(100)));
    assert_eq!(told.your_discriminator, 7);
    let asked = run(&mut session, 500);
    assert!(asked.len() >= 4 && asked.iter().all(|(_, packet)| packet.poll), "{asked:?}");
    hear(&mut session, 501, State::Up, |packet| packet.final_ = true);
    assert!(run(&mut session, 900).iter().all(|(_, packet)| !packet.poll));
}

#[test]
fn a_poll_is_answered_at_once_and_with_nothing_else() {
    let mut session = up();
    let sent = hear(&mut session, 30, State::Up, |packet| {
        fast(packet);
        packet.poll = true;
    });
    let [answer] = sent[..] else { panic!("{sent:?}") };
    assert!(answer.final_ && !answer.poll);
}

#[test]
fn a_silent_peer_is_believed_for_the_negotiated_product_and_no_longer() {
    let mut session = up();
    hear(&mut session, 100, State::Up, |packet| {
        packet.desired_min_tx = millis(250);
        packet.multiplier = 4;
    });
    assert_eq!(session.status().detection_time, millis(1000));
    session.tick(at(1099), &mut Vec::new());
    assert_eq!(session.status().state, State::Up);
    let mut out = Vec::new();
    session.tick(at(1100), &mut out);
    let status = session.status();
    assert_eq!((status.state, status.diag, status.flaps), (State::Down, Diag::EXPIRED, 1));
    assert_eq!(status.remote_discriminator, 0);
    let first = sent(&out)[0];
    assert_eq!((first.state, first.diag, first.your_discriminator), (State::Down, Diag::EXPIRED, 0));
}

#[test]
fn the_peers_wish_for_fewer_packets_is_followed_at_once() {
    let mut session = up();
    hear(&mut session, 30, State::Up, |packet| {
        fast(packet);
        packet.required_min_rx = millis(500);
        packet.desired_min_tx = millis(10_000);
    });
    let sent = run(&mut session, 10_000);
    let gaps: Vec<Duration> = sent.windows(2).map(|two| two[1].0 - two[0].0).collect();
    assert!(gaps.len() > 10 && gaps.iter().all(|gap| (millis(375)..=millis(500)).contains(gap)), "{gaps:?}");
}

#[test]
fn a_peer_that_wants_no_packets_gets_none_but_answers() {
    let mut session = up();
    hear(&mut session, 30, State::Up, |packet| packet.required_min_rx = Duration::ZERO);
    assert_eq!(run(&mut session, 2_000), []);
    let sent = hear(&mut session, 2_001, State::Up, |packet| {
        packet.required_min_rx = Duration::ZERO;
        packet.poll = true;
    });
    assert_eq!(sent.len(), 1);
}

#[test]
fn a_peer_in_demand_mode_gets_no_periodic_packets_and_we_never_ask_for_it() {
    let mut session = up();
    hear(&mut session, 30, State::Up, |packet| {
        packet.desired_min_tx = millis(10_000);
        packet.demand = true;
    });
    assert_eq!(run(&mut session, 2_000), []);
    let sent = hear(&mut session, 2_001, State::Up, |packet| packet.poll = true);
    assert!(sent.iter().all(|packet| !packet.demand && packet.required_min_echo_rx.is_zero()));
}

#[test]
fn slower_timers_hold_when_the_peer_knows_of_them_and_faster_judgement_too() {
    let mut session = up();
    let mut out = Vec::new();
    assert!(hear(&mut session, 1000, State::Up, fast).is_empty());
    session.set(at(1020), Settings { interval: millis(300), ..settings() }, &mut out);
    let asked = run(&mut session, 1290);
    assert!(asked.len() >= 2, "still every 100 ms: {asked:?}");
    assert!(asked.iter().all(|(_, packet)| packet.poll && packet.desired_min_tx == millis(300)));
    hear(&mut session, 1291, State::Up, |packet| {
        fast(packet);
        packet.final_ = true;
    });
    assert_eq!((session.status().transmit_interval, session.status().detection_time), (millis(300), millis(900)));
    session.set(at(1310), settings(), &mut out);
    hear(&mut session, 1900, State::Up, |packet| {
        fast(packet);
        packet.final_ = true; // to a packet of the poll before
    });
    assert!(run(&mut session, 2400).iter().any(|(_, packet)| packet.poll));
    assert_eq!(session.status().detection_time, millis(900), "the peer still sends every 300 ms");
    hear(&mut session, 2410, State::Up, |packet| {
        fast(packet);
        packet.final_ = true;
    });
    assert_eq!(session.status().detection_time, millis(300));
}

#[test]
fn a_passive_session_speaks_when_it_is_spoken_to() {
    let mut session = Session::new(at(0), 42, Settings { passive: true, ..settings() }, 1);
    assert_eq!(run(&mut session, 10_000), []);
    hear(&mut session, 10_001, State::Down, |packet| packet.your_discriminator = 0);
    assert_eq!(session.status().state, State::Init);
    assert!(!run(&mut session, 12_000).is_empty());
}

#[test]
fn a_shut_session_says_so_and_one_that_failed_says_that_the_way_is_down() {
    let mut out = Vec::new();
    up().shut(at(50), &mut out);
    let told = sent(&out)[0];
    assert_eq!((told.state, told.diag), (State::AdminDown, Diag::ADMIN_DOWN));
    let mut failed = up();
    out.clear();
    failed.fail(at(50), &mut out);
    let told = sent(&out)[0];
    assert_eq!((told.state, told.diag), (State::Down, Diag::PATH_DOWN));
    let heard = Packet { state: State::Down, your_discriminator: 42, ..packet() };
    assert_eq!(failed.receive(at(60), &heard, None, &mut out), Err(Discard::AdminDown));
    assert_eq!(failed.status().state, State::Down, "it does not come back by itself");
    failed.revive(at(70), &mut out);
    assert!(failed.receive(at(80), &heard, None, &mut out).is_ok());
    assert_eq!(failed.status().state, State::Init);
}

#[test]
fn authentication_refuses_each_fault_with_its_reason() {
    let key = |id, secret: &[u8]| Key::new(id, Algorithm::MeticulousKeyedSha1, secret).unwrap();
    let ours = key(1, b"secret");
    let mut session = Session::new(at(0), 42, Settings { key: Some(ours.clone()), ..settings() }, 1);
    let mut try_with = |wire: crate::bfd::Wire| {
        let (packet, section) = Packet::decode(wire.as_slice()).unwrap();
        session.receive(at(10), &packet, section.as_ref(), &mut Vec::new())
    };
    let plain = Key::new(1, Algorithm::KeyedSha1, b"secret").unwrap();
    assert_eq!(try_with(packet().encode(None)), Err(Discard::Unproven));
    assert_eq!(try_with(packet().encode(Some((&plain, 1)))), Err(Discard::AuthType(4)));
    assert_eq!(try_with(packet().encode(Some((&key(2, b"secret"), 1)))), Err(Discard::KeyId(2)));
    assert_eq!(try_with(packet().encode(Some((&key(1, b"other"), 1)))), Err(Discard::Digest));
    assert_eq!(try_with(packet().encode(Some((&ours, 100)))), Ok(()));
    assert_eq!(try_with(packet().encode(Some((&ours, 100)))), Err(Discard::Sequence(100)), "played again");
    assert_eq!(try_with(packet().encode(Some((&ours, 110)))), Err(Discard::Sequence(110)), "too far ahead");
    assert_eq!(try_with(packet().encode(Some((&ours, 109)))), Ok(()));
    let mut without = self::session();
    let (packet, section) = Packet::decode(packet().encode(Some((&ours, 1))).as_slice()).unwrap();
    let refused = without.receive(at(10), &packet, section.as_ref(), &mut Vec::new());
    assert_eq!(refused, Err(Discard::Unasked(5)));
}
