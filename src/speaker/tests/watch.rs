//! BFD, as the agent tells of it.

use super::stale::restarts;
use super::*;
use crate::bfd::{Diag, Path, Plan, Report, State, Status};
use crate::fib::Op;

const BGP: &str = "bgp = { families = [\"ipv4\", \"ipv6\"] }";

/// The file with this in the device's `bfd`.
fn with(bfd: &str) -> String {
    FILE.replace(BGP, &format!("{BGP}\nbfd = {bfd}"))
}

fn watched(bfd: &str) -> Bench {
    Bench::waiting(&with(bfd))
}

fn plans(effects: &[Effect]) -> Option<&[Plan]> {
    effects.iter().find_map(|effect| match effect {
        Effect::Bfd(plans) => Some(plans.as_slice()),
        _ => None,
    })
}

fn path() -> Path {
    let (local, remote) = (LOCAL.parse().unwrap(), "169.254.21.1".parse().unwrap());
    Path { local, remote, interface: Some("tun1".to_owned()), hops: 1 }
}

fn report(state: State, remote: State, ups: u32, diag: Diag) -> Input {
    let flaps = if state == State::Up { ups.saturating_sub(1) } else { ups };
    let detection_time = Duration::from_millis(300);
    let status = Status { state, remote_state: remote, diag, ups, flaps, detection_time, ..Status::default() };
    Input::Bfd(Report { path: path(), status, age: Duration::ZERO })
}

fn up() -> Input {
    report(State::Up, State::Up, 1, Diag::NONE)
}

pub(super) fn dead() -> Input {
    report(State::Down, State::Up, 1, Diag::EXPIRED)
}

/// Established, with a route in the kernel.
pub(super) fn established(bfd: &str) -> (Bench, ConnId) {
    let mut bench = watched(bfd);
    bench.tell(Input::Begin(Table::default()));
    bench.tell(up());
    let conn = bench.dialled();
    bench.open(conn, 65010);
    let effects = bench.message(conn, &Message::Keepalive);
    assert!(events(&effects, "session.up"), "{effects:?}");
    let update = update("10.52.0.0/16", "169.254.21.1");
    bench.message(conn, &update);
    let mut effects = Vec::new();
    bench.speaker.work(bench.now, &mut effects);
    bench.kernel(effects);
    (bench, conn)
}

fn update(prefix: &str, next_hop: &str) -> Message {
    use crate::wire::{AsPath, Attributes, NextHop, Origin, PathSegment, Reach, SegmentKind, Update};
    let segment = PathSegment { kind: SegmentKind::Sequence, asns: [Asn::new(65010)].into_iter().collect() };
    let attributes = Attributes {
        origin: Origin::Igp,
        as_path: AsPath { segments: [segment].into_iter().collect() },
        ..Attributes::default()
    };
    let reach = Reach {
        family: Family::Ipv4,
        next_hop: NextHop::V4(next_hop.parse().unwrap()),
        prefixes: vec![prefix.parse().unwrap()],
    };
    Message::Update(Update { reach: vec![reach], attributes, ..Update::default() })
}

fn events(effects: &[Effect], name: &str) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Tell(event) if event.name() == name))
}

#[test]
fn sessions_are_wanted_as_the_file_says_and_again_only_when_that_changes() {
    let mut bench = watched("{ enabled = true, interval = \"50ms\" }");
    assert_eq!(plans(&bench.link(7, false)), None, "interfaces come first");
    let effects = bench.tell(Input::Begin(Table::default()));
    let (interval, absence) = (Duration::from_millis(50), Duration::from_secs(10));
    let plan = Plan { path: path(), interval, multiplier: 3, passive: false, key: None, absence };
    assert_eq!(plans(&effects), Some([plan].as_slice()));
    assert_eq!(plans(&bench.link(7, true)), None);
    assert_eq!(plans(&bench.tell(Input::Stop)), Some([].as_slice()), "a clean stop ends BFD");
    let effects = watched("{ interval = \"50ms\" }").tell(Input::Begin(Table::default()));
    assert_eq!(plans(&effects), Some([].as_slice()), "off is the default, and an agent of an earlier run may go");
}

#[test]
fn what_bfd_found_dead_leaves_the_kernel_while_that_is_being_read_and_it_is_read_again() {
    let (mut bench, _) = established("{ enabled = true }");
    let effects = bench.tell(Input::LinksMissed);
    assert!(matches!(effects[..], [Effect::Dump]), "{effects:?}");
    let effects = bench.tell(dead());
    let Some(Effect::Kernel(batch)) = effects.first() else { panic!("{effects:?}") };
    assert!(matches!(batch.ops.as_ref(), [Op::DeleteGroup(_)]), "{batch:?}");
    let done = Input::KernelDone { batch: batch.id, failures: Vec::new() };
    bench.tell(Input::Dumped(Ok(Table::default())));
    let effects = bench.tell(done);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Dump)), "what was found is old: {effects:?}");
}

#[test]
fn what_bfd_found_dead_leaves_the_kernel_before_bgp_hears_of_it() {
    let (mut bench, conn) = established("{ enabled = true }");
    let effects = bench.tell(dead());
    let Some(Effect::Kernel(batch)) = effects.first() else { panic!("{effects:?}") };
    assert!(matches!(batch.ops.as_ref(), [Op::DeleteGroup(_)]), "{batch:?}");
    assert!(events(&effects, "bfd.down") && events(&effects, "session.down"), "{effects:?}");
    let notification = Message::Notification(Notification::from(crate::wire::Cease::BfdDown));
    let mut octets = BytesMut::new();
    notification.encode(&Context::default(), &mut octets);
    let said = effects
        .iter()
        .any(|effect| matches!(effect, Effect::Send { conn: on, octets: sent } if *on == conn && *sent == octets));
    assert!(said, "{effects:?}");
}

#[test]
fn bgp_that_comes_back_without_bfd_is_believed_again() {
    let (mut bench, _) = established("{ enabled = true }");
    let effects = bench.tell(dead());
    bench.kernel(effects);
    bench.now = bench.now + Duration::from_secs(5);
    let mut effects = Vec::new();
    bench.speaker.tick(bench.now, &mut effects);
    let (conn, _) = dial(&effects).expect("it is dialled again");
    bench.open(conn, 65010);
    let effects = bench.message(conn, &Message::Keepalive);
    bench.kernel(effects);
    bench.message(conn, &update("10.52.0.0/16", "169.254.21.1"));
    let mut effects = Vec::new();
    bench.speaker.work(bench.now, &mut effects);
    bench.kernel(effects);
    let shown = bench.speaker.fib.totals();
    assert_eq!((shown.wanted, shown.routes), (2, 2), "the host route and the neighbor's");
}

#[test]
fn a_bfd_that_was_never_up_neither_holds_bgp_up_nor_ends_it() {
    let mut bench = watched("{ enabled = true }");
    bench.tell(Input::Begin(Table::default()));
    let conn = bench.dialled();
    bench.open(conn, 65010);
    assert!(events(&bench.message(conn, &Message::Keepalive), "session.up"));
    let effects = bench.tell(report(State::Down, State::Down, 0, Diag::NONE));
    assert!(effects.is_empty(), "{effects:?}");
    let effects = bench.tell(Input::BfdLost("it ended".to_owned()));
    assert!(!events(&effects, "session.down"), "{effects:?}");
}

#[test]
fn a_peer_that_shuts_its_bfd_loses_nothing() {
    let (mut bench, _) = established("{ enabled = true }");
    let effects = bench.tell(report(State::Down, State::AdminDown, 1, Diag::NEIGHBOR_DOWN));
    assert!(events(&effects, "bfd.silent") && !events(&effects, "session.down"), "{effects:?}");
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Kernel(_))), "{effects:?}");
}

#[test]
fn a_lost_agent_says_nothing_about_the_way() {
    let (mut bench, _) = established("{ enabled = true }");
    let effects = bench.tell(Input::BfdLost("it ended".to_owned()));
    assert!(events(&effects, "bfd.agent_lost") && !events(&effects, "session.down"), "{effects:?}");
    let effects = bench.tell(report(State::Down, State::Down, 0, Diag::NONE));
    assert!(!events(&effects, "session.down"), "the new one begins anew: {effects:?}");
}

#[test]
fn a_failure_that_an_earlier_run_did_not_see_counts() {
    let mut bench = watched("{ enabled = true }");
    bench.tell(Input::Begin(Table::default()));
    let conn = bench.dialled();
    bench.open(conn, 65010);
    bench.message(conn, &Message::Keepalive);
    assert!(events(&bench.tell(dead()), "session.down"));
}

#[test]
fn strict_bgp_waits_for_bfd_and_ends_with_it() {
    let mut bench = watched("{ enabled = true, strict = true }");
    bench.tell(Input::Begin(Table::default()));
    let effects = bench.link(7, true);
    let effects = bench.kernel(effects);
    assert!(dial(&effects).is_none(), "{effects:?}");
    let local = SocketAddr::new(LOCAL.parse().unwrap(), 179);
    let remote = SocketAddr::new("169.254.21.1".parse().unwrap(), 40_000);
    let accepted = Input::Accepted { conn: ConnId(1 << 63), local, remote, interface: None };
    assert!(bench.tell(accepted).iter().any(|effect| matches!(effect, Effect::Abort(_))));
    let effects = bench.tell(up());
    let (conn, _) = dial(&effects).expect("now it is dialled");
    bench.open(conn, 65010);
    bench.message(conn, &Message::Keepalive);
    let effects = bench.tell(report(State::Down, State::AdminDown, 1, Diag::NEIGHBOR_DOWN));
    assert!(events(&effects, "session.down"), "{effects:?}");
    bench.now = bench.now + Duration::from_secs(120);
    let mut effects = Vec::new();
    bench.speaker.tick(bench.now, &mut effects);
    assert!(dial(&effects).is_none(), "{effects:?}");
    let effects = bench.tell(report(State::Up, State::Up, 2, Diag::NONE));
    assert!(dial(&effects).is_some(), "{effects:?}");
}

#[test]
fn a_reload_changes_how_a_neighbor_is_watched_and_no_session() {
    let (mut bench, _) = established("{ enabled = true, strict = true }");
    let again = |bench: &mut Bench, bfd: &str| {
        let mut out = Vec::new();
        bench.speaker.reload(bench.now, config(&with(bfd)), None, &mut out).unwrap();
        out
    };
    let effects = again(&mut bench, "{ enabled = true, strict = true }");
    assert_eq!(plans(&effects), None, "nothing has changed");
    let effects = again(&mut bench, "{ enabled = true, interval = \"300ms\" }");
    assert_eq!(plans(&effects).map(|plans| plans[0].interval), Some(Duration::from_millis(300)));
    assert!(!events(&effects, "session.down"), "{effects:?}");
    let effects = again(&mut bench, "{ enabled = false }");
    assert_eq!(plans(&effects), Some([].as_slice()));
    assert!(!events(&effects, "session.down"), "{effects:?}");
    assert!(!events(&bench.tell(dead()), "bfd.down"), "late news of a session that is not wanted any more");
}

/// A neighbor with graceful restart that taught six routes, is watched, and then closed the connection without a word.
fn gone(bfd: &str) -> Bench {
    let mut bench = watched(bfd);
    bench.tell(Input::Begin(Table::default()));
    bench.tell(up());
    let conn = bench.established_with(&[restarts(false)]);
    bench.teach(conn, 3);
    let effects = bench.tell(Input::Lost { conn, reason: "reset".to_owned() });
    bench.quiet(effects);
    assert_eq!(bench.wanted(), 6);
    bench
}

fn dead_and(independent: bool) -> Input {
    let Input::Bfd(mut report) = dead() else { panic!() };
    report.status.remote_independent = independent;
    Input::Bfd(report)
}

#[test]
fn bfd_that_goes_with_the_control_plane_of_a_restarting_neighbor_costs_no_route() {
    let mut bench = gone("{ enabled = true }");
    let effects = bench.tell(dead_and(false));
    assert!(events(&effects, "bfd.silent"), "{effects:?}");
    bench.quiet(effects);
    assert_eq!(bench.wanted(), 6);
    bench.back(restarts(false));
    assert!(!events(&bench.tell(report(State::Up, State::Up, 2, Diag::NONE)), "session.down"));
}

#[test]
fn bfd_that_does_not_share_the_fate_of_the_control_plane_ends_what_graceful_restart_keeps() {
    let mut bench = gone("{ enabled = true }");
    let effects = bench.tell(dead_and(true));
    assert!(matches!(effects.first(), Some(Effect::Kernel(_))), "the kernel before all else: {effects:?}");
    assert!(tells(&effects, "are used no longer: BFD found the way dead"), "{effects:?}");
    bench.kernel(effects);
    bench.work();
    assert_eq!(bench.wanted(), 0);
}

#[test]
fn a_way_that_is_dead_while_bgp_is_up_is_dead_whatever_bfd_shares_its_fate_with() {
    let mut bench = watched("{ enabled = true }");
    bench.tell(Input::Begin(Table::default()));
    bench.tell(up());
    let conn = bench.established_with(&[restarts(true)]);
    bench.teach(conn, 3);
    let effects = bench.tell(dead_and(false));
    assert!(events(&effects, "bfd.down") && events(&effects, "session.down"), "{effects:?}");
    bench.kernel(effects);
    bench.work();
    assert_eq!(bench.wanted(), 0);
}

#[test]
fn a_strict_neighbor_that_restarts_keeps_its_routes_and_waits_for_bfd() {
    let mut bench = gone("{ enabled = true, strict = true }");
    let effects = bench.tell(dead_and(false));
    bench.quiet(effects);
    assert_eq!(bench.wanted(), 6);
    assert!(dial(&bench.wait(20)).is_none());
    let effects = bench.tell(report(State::Up, State::Up, 2, Diag::NONE));
    assert!(dial(&effects).is_some(), "{effects:?}");
}

#[test]
fn bfd_goes_on_without_the_daemon_for_the_restart_time_and_after_a_stop_that_keeps_routes() {
    for (told, absence) in [("30s", 30), ("0s", 2)] {
        let families = "families = [\"ipv4\", \"ipv6\"]";
        let restart = format!("bgp = {{ {families}, graceful-restart = {{ restart-time = \"{told}\" }} }}");
        let text = FILE.replace(BGP, &format!("{restart}\nbfd = {{ enabled = true }}"));
        let mut bench = Bench::waiting(&format!("{text}\n[kernel]\non-stop = \"keep\"\n"));
        let effects = bench.tell(Input::Begin(Table::default()));
        assert_eq!(plans(&effects).map(|plans| plans[0].absence), Some(Duration::from_secs(absence)));
        assert_eq!(plans(&bench.tell(Input::Stop)), None, "its process is left to itself");
    }
}
