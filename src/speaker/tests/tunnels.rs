//! Tunnels: who takes one down, what that does in which order, and when it is back.

use super::*;
use crate::control::api::{EventQuery, Events, TunnelDetail, TunnelState};
use crate::fib::Op;
use crate::speaker::Held;
use crate::vpn::Source;

/// Established, with routes in the kernel.
fn loaded() -> (Bench, ConnId) {
    let mut bench = Bench::new();
    let conn = bench.established();
    bench.teach(conn, 3);
    (bench, conn)
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn tunnel() -> Name {
    name("hq-1/in-0")
}

fn detail(bench: &mut Bench) -> TunnelDetail {
    match bench.ask(&Request::Tunnel(tunnel())).0 {
        Ok(Reply::Tunnel(detail)) => *detail,
        other => panic!("{other:?}"),
    }
}

fn hook(bench: &mut Bench, down: bool) -> (String, Vec<Effect>) {
    let reason = Some("line 2 is cut".to_owned());
    let request = if down { Request::TunnelDown(tunnel(), reason) } else { Request::TunnelUp(tunnel(), None) };
    match bench.ask(&request) {
        (Ok(Reply::Done(done)), effects) => (done.message, effects),
        other => panic!("{other:?}"),
    }
}

fn passes(bench: &mut Bench, time: Duration) -> Vec<Effect> {
    let (end, mut all) = (bench.now + time, Vec::new());
    while let Some(due) = bench.speaker.deadline().filter(|due| *due <= end) {
        bench.now = bench.now.max(due);
        let mut out = Vec::new();
        bench.speaker.tick(bench.now, &mut out);
        all.extend(bench.kernel(out));
        all.extend(bench.work());
    }
    bench.now = end;
    all
}

fn position(effects: &[Effect], of: impl Fn(&Effect) -> bool) -> usize {
    effects.iter().position(of).unwrap_or_else(|| panic!("{effects:?}"))
}

#[test]
fn a_hook_takes_the_tunnel_out_of_its_groups_first_and_ends_the_session_with_the_reason_after_that() {
    let (mut bench, conn) = loaded();
    let (said, effects) = hook(&mut bench, true);
    assert_eq!(said, "hq-1/in-0 is down, until: twinspan tunnel up hq-1/in-0");
    let groups = position(
        &effects,
        |effect| matches!(effect, Effect::Kernel(batch) if batch.ops.iter().any(|op| matches!(op, Op::DeleteGroup(_)))),
    );
    let cease = position(
        &effects,
        |effect| matches!(effect, Effect::Send { conn: on, octets } if *on == conn && octets.ends_with(b"line 2 is cut")),
    );
    assert!(groups < cease, "{effects:?}");
    assert!(tells(&effects, "tunnel hq-1/in-0 is down: line 2 is cut (hook)"), "{effects:?}");
    assert!(passes(&mut bench, Duration::from_secs(300)).iter().all(|effect| !matches!(effect, Effect::Dial { .. })));
    assert!(
        matches!(bench.accept("169.254.21.2:179", "169.254.21.1:40000").as_slice(), [Effect::Abort(_)]),
        "nor is it let in"
    );
    let shown = detail(&mut bench).tunnel;
    assert_eq!((shown.state, shown.reason.as_deref()), (TunnelState::Down, Some("line 2 is cut")));
    let (said, effects) = hook(&mut bench, false);
    assert_eq!(said, "hq-1/in-0 is up");
    assert!(dial(&effects).is_some(), "it is dialled at once: {effects:?}");
}

#[test]
fn what_a_hook_holds_down_stays_down_through_a_flap_a_reload_and_a_restart() {
    let (mut bench, _) = loaded();
    let (_, effects) = hook(&mut bench, true);
    let held = [Held { tunnel: tunnel(), reason: "line 2 is cut".to_owned() }];
    let kept = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::Hold(held) => Some(held.clone()),
            _ => None,
        })
    };
    assert_eq!(kept(&effects).as_deref(), Some(held.as_slice()));
    assert_eq!(kept(&hook(&mut bench, true).1), None, "said again it changes nothing");
    bench.link(7, false);
    let effects = bench.link(7, true);
    assert!(dial(&bench.kernel(effects)).is_none());
    let text = FILE.replace("hub-west", "hub-east");
    let mut out = Vec::new();
    bench.speaker.reload(bench.now, config(&text), None, &mut out).unwrap();
    assert!(dial(&bench.kernel(out)).is_none());
    // Another run is told what the one before held.
    let mut next = Bench::waiting(&text);
    next.tell(Input::Held(held.to_vec()));
    next.link(7, true);
    let effects = next.tell(Input::Begin(Table::default()));
    assert!(dial(&next.kernel(effects)).is_none());
    assert_eq!(detail(&mut next).tunnel.reason.as_deref(), Some("line 2 is cut"));
    let (_, effects) = hook(&mut next, false);
    assert_eq!(kept(&effects), Some(Vec::new()));
    assert!(dial(&next.kernel(effects)).is_some());
}

#[test]
fn a_hold_of_a_tunnel_that_is_not_in_the_file_is_forgotten() {
    let mut bench = Bench::new();
    let held = vec![Held { tunnel: name("hq-9/in-0"), reason: "gone".to_owned() }];
    let effects = bench.tell(Input::Held(held));
    assert!(matches!(effects.as_slice(), [Effect::Hold(held)] if held.is_empty()), "{effects:?}");
}

#[test]
fn an_interface_that_flaps_is_back_at_once_the_first_time_and_after_a_quiet_time_later() {
    let (mut bench, _) = loaded();
    let effects = bench.link(7, false);
    bench.kernel(effects);
    let effects = bench.link(7, true);
    assert!(dial(&bench.kernel(effects)).is_some(), "the first return is at once");
    for _ in 0..30 {
        bench.now = bench.now + Duration::from_millis(50);
        let effects = bench.link(7, false);
        bench.kernel(effects);
        bench.now = bench.now + Duration::from_millis(50);
        let effects = bench.link(7, true);
        let effects = bench.kernel(effects);
        assert!(dial(&effects).is_none(), "{effects:?}");
    }
    assert_eq!(detail(&mut bench).tunnel.flaps, 2, "what it does while it is not used counts no more");
    assert!(detail(&mut bench).tunnel.damped_until.is_some());
    assert!(dial(&passes(&mut bench, Duration::from_millis(990))).is_none());
    let effects = passes(&mut bench, Duration::from_millis(10));
    assert!(dial(&effects).is_some() && tells(&effects, "is up again after"), "{effects:?}");
    let Ok(Reply::Events(Events { events, .. })) = bench.ask(&Request::Events(EventQuery::default())).0 else {
        panic!("no events")
    };
    let told = events.iter().filter(|event| event.event.starts_with("tunnel.")).count();
    assert!(told < 10, "a flood in the log: {events:#?}");
}

#[test]
fn the_tunnel_of_a_session_that_hears_nothing_leaves_its_groups_before_its_routes_go_one_by_one() {
    let (mut bench, _) = loaded();
    let mut out = Vec::new();
    bench.now = bench.now + Duration::from_secs(91);
    bench.speaker.tick(bench.now, &mut out);
    assert!(tells(&out, "hold timer expired"), "{out:?}");
    let gone = |effect: &Effect| matches!(effect, Effect::Kernel(batch) if batch.ops.iter().any(|op| matches!(op, Op::DeleteGroup(_))));
    assert!(out.iter().any(gone), "in the same turn: {out:?}");
    assert!(tells(&out, "tunnel hq-1/in-0 is down: BGP with hq-1/in-0: hold timer expired (bgp)"), "{out:?}");
    bench.kernel(out);
    bench.work();
    // It is dialled on, and what comes up is believed.
    let effects = passes(&mut bench, Duration::from_secs(120));
    let (conn, _) = dial(&effects).expect("a session that was lost is tried again");
    bench.open(conn, 65010);
    let effects = bench.message(conn, &Message::Keepalive);
    assert!(tells(&effects, "is up again"), "{effects:?}");
    assert_eq!(detail(&mut bench).tunnel.state, TunnelState::Up);
}

#[test]
fn a_peer_that_says_goodbye_or_resets_says_nothing_against_its_tunnel() {
    let (mut bench, conn) = loaded();
    bench.message(conn, &Message::Notification(Notification::from(crate::wire::Cease::AdministrativeShutdown)));
    assert_eq!(detail(&mut bench).tunnel.state, TunnelState::Up);
    let (mut bench, conn) = loaded();
    bench.tell(Input::Lost { conn, reason: "connection reset by peer".to_owned() });
    assert_eq!(detail(&mut bench).tunnel.state, TunnelState::Up);
    bench.tell(Input::Lost { conn, reason: "connection timed out".to_owned() });
    assert_eq!(detail(&mut bench).tunnel.state, TunnelState::Up, "that one was gone already");
    let (mut bench, conn) = loaded();
    bench.tell(Input::Lost { conn, reason: "connection timed out".to_owned() });
    assert_eq!(detail(&mut bench).tunnel.state, TunnelState::Down);
}

#[test]
fn while_somebody_else_is_heard_in_the_tunnel_a_silent_session_says_nothing_against_it() {
    let second = r#"
[[neighbor]]
name = "beside"
address = "169.254.21.9"
asn = 65020
interface = "tun1"
local-address = "169.254.21.2"
"#;
    let mut bench = Bench::of(&format!("{FILE}{second}"));
    let effects = bench.link(7, true);
    let effects = bench.kernel(effects);
    let dials: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Dial { conn, to } => Some((*conn, to.remote.ip().to_string())),
            _ => None,
        })
        .collect();
    // The one waits for its host route, the other has none to wait for.
    let [(other, beside), (first, _)] = dials.as_slice() else { panic!("{dials:?}") };
    assert_eq!(beside, "169.254.21.9");
    bench.open(*first, 65010);
    bench.message(*first, &Message::Keepalive);
    bench.open(*other, 65020);
    bench.message(*other, &Message::Keepalive);
    for _ in 0..4 {
        passes(&mut bench, Duration::from_secs(30));
        bench.message(*other, &Message::Keepalive);
    }
    let shown = detail(&mut bench).tunnel;
    assert_ne!(shown.session, Some(crate::control::api::SessionState::Established));
    assert_eq!(shown.state, TunnelState::Up, "one of two is heard");
    passes(&mut bench, Duration::from_secs(100));
    let shown = detail(&mut bench).tunnel;
    assert_eq!((shown.state, shown.flaps), (TunnelState::Down, 1), "the last of them fell silent too");
    // Both follow the tunnel, whoever spoke against it.
    let (_, effects) = hook(&mut bench, true);
    assert!(dial(&effects).is_none());
    assert!(passes(&mut bench, Duration::from_secs(300)).iter().all(|effect| !matches!(effect, Effect::Dial { .. })));
    let (_, effects) = hook(&mut bench, false);
    let dialled = effects.iter().filter(|effect| matches!(effect, Effect::Dial { .. })).count();
    assert_eq!(dialled, 2, "and both are dialled when it lets them: {effects:?}");
}

#[test]
fn why_it_failed_is_remembered_with_time_and_source() {
    let (mut bench, _) = loaded();
    bench.now = Time::from_start(Duration::from_secs(40));
    bench.link(7, false);
    bench.now = Time::from_start(Duration::from_secs(50));
    hook(&mut bench, true);
    let detail = detail(&mut bench);
    let lines: Vec<_> = detail
        .history
        .iter()
        .map(|change| (change.change.as_str(), change.source.as_deref(), change.reason.as_str(), change.ago_seconds))
        .collect();
    let expected = [
        ("down", Some("interface"), "interface tun1 does not exist", 50),
        ("up", Some("interface"), "nobody objects any more", 50),
        ("down", Some("interface"), "interface tun1 is down", 10),
        ("objected", Some("hook"), "line 2 is cut", 0),
    ];
    assert_eq!(lines, expected);
    assert_eq!(detail.tunnel.reason.as_deref(), Some("interface tun1 is down; line 2 is cut"));
    let about = EventQuery { about: Some(name("hq-1")), ..EventQuery::default() };
    let Ok(Reply::Events(Events { events, forgotten: 0 })) = bench.ask(&Request::Events(about.clone())).0 else {
        panic!("no events")
    };
    let down: Vec<_> = events.iter().filter(|event| event.event == "tunnel.down").collect();
    assert_eq!(down.last().unwrap().at.to_string(), "1970-01-01T00:00:40.000Z");
    assert_eq!(down.last().unwrap().text, "tunnel hq-1/in-0 is down: interface tun1 is down (interface)");
    // Only what came after is told to one who asks again.
    let last = events.last().unwrap().id;
    assert_eq!(bench.speaker.events(&EventQuery { after: Some(last), ..about }).events, []);
    assert_eq!(bench.speaker.last_event(), last);
}

#[test]
fn a_tunnel_that_is_not_there_is_not_found_and_the_other_instances_is_said_to_be_there() {
    let mut bench = Bench::new();
    let error = bench.ask(&Request::TunnelDown(name("hq-1/in-1"), None)).0.unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
    assert_eq!(error.hint.as_deref(), Some("it is one of in-1: ask there"));
    let error = bench.ask(&Request::Tunnel(name("hq-7"))).0.unwrap_err();
    assert_eq!(error.hint.as_deref(), Some("see all: twinspan show tunnels"));
}

#[test]
fn what_people_were_told_is_remembered_within_bounds() {
    let mut bench = Bench::new();
    for flap in 0..5_000 {
        bench.now = Time::from_start(Duration::from_secs(10_000 * flap));
        bench.link(7, flap % 2 == 0);
    }
    let all = bench.speaker.events(&EventQuery { limit: 10_000, ..EventQuery::default() });
    assert!(all.events.len() == 4_096 && all.forgotten > 0, "{} and {}", all.events.len(), all.forgotten);
    assert_eq!(all.events.first().unwrap().id, all.forgotten + 1);
    assert_eq!(all.events.last().unwrap().id, bench.speaker.last_event());
    let few = bench.speaker.events(&EventQuery { limit: 3, ..EventQuery::default() });
    assert_eq!(few.events, all.events[4_093..]);
}

#[test]
fn a_vpn_daemon_and_a_probe_are_heard_as_well() {
    for source in [Source::Vpn, Source::Probe] {
        let (mut bench, _) = loaded();
        let says = |objection: Option<&str>| Input::Tunnel {
            tunnel: tunnel(),
            source,
            objection: objection.map(str::to_owned),
        };
        let effects = bench.tell(says(Some("no answer")));
        assert!(matches!(effects.first(), Some(Effect::Kernel(_))), "groups first: {effects:?}");
        assert!(tells(&effects, &format!("is down: no answer ({source})")), "{effects:?}");
        assert!(dial(&bench.tell(says(None))).is_some());
        let nobody = Input::Tunnel { tunnel: name("hq-9"), source, objection: Some("what".to_owned()) };
        assert!(bench.tell(nobody).is_empty());
    }
}
