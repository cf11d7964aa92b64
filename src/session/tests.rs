//! Tests of the session, in virtual time. Here: one peer against messages that the test writes.

mod collision;
mod configure;
mod fsm;
mod interleavings;
mod network;
mod restart;
mod states;
mod timers;

use std::{net::Ipv4Addr, time::Duration};

use bytes::{Bytes, BytesMut};

use super::*;
use crate::types::{Asn, ConnId, Family, HoldTime, PeerId, RouterId, Time};
use crate::wire::{
    Capabilities, Capability, Cease, Context, Deframer, FamilyCode, Message, MessageKind, Notification, Open, Refresh,
    RefreshKind, Update,
};

const LOCAL: u32 = 65515;
const REMOTE: u32 = 65010;
/// As a listener counts them.
const ACCEPTED: ConnId = ConnId(1 << 63);
const DIALLED: ConnId = ConnId(3 << 32);

fn settings() -> Settings {
    Settings {
        local_asn: Asn::new(LOCAL),
        remote_asn: Asn::new(REMOTE),
        other_asns: Vec::new(),
        router_id: router_id(5),
        hold_time: HoldTime::DEFAULT,
        keepalive_time: Duration::from_secs(30),
        send_hold_time: None,
        connect_retry: Duration::from_secs(5),
        idle_hold_max: Duration::from_secs(60),
        passive: false,
        families: vec![Family::Ipv4],
        restart_time: Some(Duration::from_secs(10)),
    }
}

fn router_id(last: u8) -> RouterId {
    RouterId::new(Ipv4Addr::new(10, 0, 0, last)).unwrap()
}

fn at(seconds: f64) -> Time {
    Time::from_start(Duration::from_secs_f64(seconds))
}

/// The remote's OPEN, with a lower router id than ours.
fn open() -> Open {
    open_of(REMOTE)
}

/// The smallest UPDATE: an End-of-RIB.
fn update() -> Message {
    Message::Update(Update { end_of_rib: Some(Family::Ipv4), ..Update::default() })
}

/// The same from another AS.
fn open_of(asn: u32) -> Open {
    let remote =
        Settings { local_asn: Asn::new(asn), remote_asn: Asn::new(LOCAL), router_id: router_id(2), ..settings() };
    Open {
        asn: remote.local_asn,
        hold_time: remote.hold_time,
        router_id: remote.router_id,
        capabilities: remote.capabilities(&OwnRestart::default(), &[]),
    }
}

fn octets(message: &Message) -> Bytes {
    let mut out = BytesMut::new();
    message.encode(&Context { four_octet_asn: true, ..Context::default() }, &mut out);
    out.freeze()
}

/// A peer and the outputs of its last input.
struct Bench {
    peer: Peer,
    now: Time,
    out: Vec<Output>,
}

impl Bench {
    fn new(settings: Settings) -> Self {
        Self { peer: Peer::new(PeerId(3), settings, 1), now: Time::START, out: Vec::new() }
    }

    /// Started, and dialling as `DIALLED`.
    fn started() -> Self {
        let mut bench = Self::new(settings());
        bench.input(Input::Start);
        assert_eq!(bench.out, [Output::Dial { conn: DIALLED }]);
        bench
    }

    /// With one dialled connection, Established.
    fn established() -> Self {
        let mut bench = Self::started();
        bench.input(Input::Connected { conn: DIALLED });
        bench.says(DIALLED, &Message::Open(open()));
        bench.says(DIALLED, &Message::Keepalive);
        assert!(matches!(bench.out.as_slice(), [Output::Established(_)]));
        bench
    }

    fn input(&mut self, input: Input) {
        self.out.clear();
        self.peer.handle(self.now, input, &mut self.out);
    }

    fn says(&mut self, conn: ConnId, message: &Message) {
        self.input(Input::Octets { conn, octets: octets(message) });
    }

    /// Ticks at every deadline until that time, and keeps all outputs.
    fn until(&mut self, end: Time) {
        self.out.clear();
        while let Some(deadline) = self.peer.deadline().filter(|deadline| *deadline <= end) {
            assert!(deadline >= self.now, "a deadline of the past is never served");
            self.now = deadline;
            self.peer.tick(deadline, &mut self.out);
        }
        self.now = end;
    }

    /// The messages sent on a connection by the last input.
    fn sent(&self, on: ConnId) -> Vec<Message> {
        let mut deframer = Deframer::new();
        for output in &self.out {
            if let Output::Send { conn, octets } = output
                && *conn == on
            {
                deframer.push(octets);
            }
        }
        std::iter::from_fn(|| deframer.next().unwrap())
            .map(|frame| Message::decode(&frame, &Context::default()).unwrap())
            .collect()
    }

    /// The NOTIFICATION that the last input sent, if it closed the connection with one.
    fn told(&self, on: ConnId) -> Option<(u8, u8, Bytes)> {
        let Some(Message::Notification(n)) = self.sent(on).pop() else { return None };
        assert!(self.out.contains(&Output::Close { conn: on }), "a NOTIFICATION is the last message");
        Some((n.code, n.subcode, n.data))
    }

    fn dials(&self) -> usize {
        self.out.iter().filter(|output| matches!(output, Output::Dial { .. })).count()
    }

    fn reason(&self) -> String {
        self.peer.status().last_down.unwrap().reason.to_string()
    }
}

#[test]
fn a_session_comes_up_and_says_what_was_agreed_on() {
    let mut bench = Bench::started();
    assert_eq!(bench.peer.state(), StateName::Connect);
    bench.input(Input::Connected { conn: DIALLED });
    assert!(matches!(bench.sent(DIALLED).as_slice(), [Message::Open(open)] if open.asn == Asn::new(LOCAL)));
    assert_eq!(bench.peer.state(), StateName::OpenSent);
    bench.says(DIALLED, &Message::Open(Open { hold_time: HoldTime::from_secs(30).unwrap(), ..open() }));
    assert_eq!(bench.sent(DIALLED), [Message::Keepalive]);
    assert_eq!(bench.peer.state(), StateName::OpenConfirm);
    bench.says(DIALLED, &Message::Keepalive);
    let [Output::Established(agreed)] = bench.out.as_slice() else { panic!("{:?}", bench.out) };
    assert_eq!((agreed.conn, agreed.asn, agreed.router_id), (DIALLED, Asn::new(REMOTE), router_id(2)));
    assert_eq!((agreed.hold_time.as_secs(), agreed.keepalive), (30, Duration::from_secs(10)));
    let context = Context { four_octet_asn: true, extended_message: true, ipv4_over_ipv6: true, ..Context::default() };
    assert_eq!((agreed.context, agreed.families.as_slice()), (context, &[Family::Ipv4][..]));
    assert!(agreed.refresh && agreed.enhanced_refresh && agreed.graceful_restart.is_some());
    let status = bench.peer.status();
    assert_eq!((status.state, status.established_count, status.flaps), (StateName::Established, 1, 0));
    assert_eq!((status.received.opens, status.received.keepalives, status.sent.opens), (1, 1, 1));
    assert_eq!(status.remote_capabilities, Some(open().capabilities));
}

#[test]
fn messages_cut_anywhere_are_put_together() {
    let mut bench = Bench::started();
    bench.input(Input::Connected { conn: DIALLED });
    for octet in [octets(&Message::Open(open())), octets(&Message::Keepalive)].concat() {
        bench.input(Input::Octets { conn: DIALLED, octets: Bytes::copy_from_slice(&[octet]) });
    }
    assert_eq!(bench.peer.state(), StateName::Established);
}

#[test]
fn a_wrong_as_is_told_and_what_was_expected_is_kept() {
    let mut bench = Bench::started();
    bench.input(Input::Connected { conn: DIALLED });
    bench.says(DIALLED, &Message::Open(open_of(65099)));
    assert_eq!(bench.told(DIALLED), Some((2, 2, Bytes::new())));
    assert_eq!(bench.reason(), "peer's AS is 65099, 65010 was expected");
    assert_eq!(bench.peer.status().failed_attempts, 1);
    assert!(bench.peer.status().remote_capabilities.is_some());
}

#[test]
fn our_own_identifier_in_our_own_as_is_refused_but_not_in_another() {
    let same = Open { router_id: router_id(5), ..open_of(LOCAL) };
    let mut bench = Bench::new(Settings { remote_asn: Asn::new(LOCAL), ..settings() });
    bench.input(Input::Start);
    bench.input(Input::Connected { conn: DIALLED });
    bench.says(DIALLED, &Message::Open(same));
    assert_eq!(bench.told(DIALLED), Some((2, 3, Bytes::new())));
    let mut bench = Bench::started();
    bench.input(Input::Connected { conn: DIALLED });
    bench.says(DIALLED, &Message::Open(Open { router_id: router_id(5), ..open() }));
    assert_eq!(bench.peer.state(), StateName::OpenConfirm);
}

#[test]
fn a_peer_without_multiprotocol_speaks_ipv4_and_one_of_another_family_is_told_what_it_lacks() {
    let mut bench = Bench::started();
    bench.input(Input::Connected { conn: DIALLED });
    bench.says(DIALLED, &Message::Open(Open { capabilities: Capabilities::default(), ..open() }));
    bench.says(DIALLED, &Message::Keepalive);
    let agreed = bench.peer.negotiated().unwrap();
    assert_eq!((agreed.families.as_slice(), agreed.context), (&[Family::Ipv4][..], Context::default()));

    let mut bench = Bench::started();
    bench.input(Input::Connected { conn: DIALLED });
    let ipv6 = Capabilities(vec![Capability::Multiprotocol(FamilyCode::from(Family::Ipv6))]);
    bench.says(DIALLED, &Message::Open(Open { capabilities: ipv6, ..open() }));
    assert_eq!(bench.told(DIALLED), Some((2, 7, Bytes::from_static(&[1, 4, 0, 1, 0, 1]))));
    assert_eq!(bench.reason(), "peer offers none of our families (ipv4)");
}

#[test]
fn refused_dials_are_repeated_with_jitter_and_reported_once() {
    let mut bench = Bench::started();
    let (mut dials, mut reports) = (0, 0);
    for _ in 0..20 {
        let conn = ConnId(DIALLED.0 + dials);
        bench.input(Input::ConnectFailed { conn, reason: "Connection refused".to_owned() });
        reports += bench.out.len();
        let before = bench.now;
        let retry = bench.peer.status().retry_at.unwrap();
        assert!((3.75..=5.0).contains(&(retry - before).as_secs_f64()));
        bench.until(retry);
        assert_eq!(bench.dials(), 1);
        dials += 1;
    }
    assert_eq!((reports, bench.peer.status().failed_attempts), (1, 20));
    assert_eq!(bench.reason(), "connect: Connection refused");
}

#[test]
fn after_faults_the_wait_grows_to_its_limit_and_dial_now_forgets_them() {
    let mut bench = Bench::started();
    let mut waits = Vec::new();
    for count in 0..8 {
        let conn = ConnId(DIALLED.0 + count);
        bench.input(Input::Connected { conn });
        bench.says(conn, &Message::Open(open_of(65099)));
        assert_eq!(bench.peer.state(), StateName::Idle);
        let retry = bench.peer.status().retry_at.unwrap();
        waits.push((retry - bench.now).as_secs_f64());
        bench.until(retry);
        assert_eq!(bench.dials(), 1);
    }
    for (wait, base) in waits.iter().zip([5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0, 60.0]) {
        assert!((base * 0.75..=base).contains(wait), "{waits:?}");
    }
    // The dial under way may be stuck: it starts anew.
    bench.input(Input::DialNow);
    let (old, new) = (ConnId(DIALLED.0 + 8), ConnId(DIALLED.0 + 9));
    assert_eq!(bench.out, [Output::Close { conn: old }, Output::Dial { conn: new }]);
    bench.input(Input::Connected { conn: old });
    assert_eq!(bench.out, []);
    bench.input(Input::Connected { conn: new });
    bench.says(new, &Message::Open(open_of(65099)));
    assert!(bench.peer.status().retry_at.unwrap() - bench.now <= Duration::from_secs(5));
}

#[test]
fn an_accepted_connection_is_taken_while_waiting_after_faults() {
    let mut bench = Bench::started();
    bench.input(Input::Connected { conn: DIALLED });
    bench.says(DIALLED, &Message::Open(open_of(65099)));
    bench.input(Input::Accepted { conn: ACCEPTED });
    bench.says(ACCEPTED, &Message::Open(open()));
    bench.says(ACCEPTED, &Message::Keepalive);
    assert_eq!(bench.peer.state(), StateName::Established);
    bench.until(at(80.0));
    assert_eq!(bench.dials(), 0);
}

#[test]
fn a_peer_that_was_never_started_rejects_connections() {
    let mut bench = Bench::new(settings());
    bench.input(Input::Accepted { conn: ACCEPTED });
    assert_eq!(bench.told(ACCEPTED), Some((6, 5, Bytes::new())));
}

#[test]
fn a_stopped_peer_stays_down_and_rejects_connections_until_it_is_started() {
    let mut bench = Bench::established();
    let cease = Notification::shutdown(Cease::AdministrativeShutdown, "kernel update");
    bench.input(Input::Stop(cease.clone()));
    let told = bench.told(DIALLED).map(|(code, subcode, data)| Notification::with_data(code, subcode, data)).unwrap();
    assert_eq!(told.inside_hard_reset(), Some(cease), "the peer would keep our routes after anything else");
    assert_eq!(bench.peer.deadline(), None);
    bench.input(Input::DialNow);
    assert_eq!(bench.out, []);
    bench.input(Input::Accepted { conn: ACCEPTED });
    let told = bench.told(ACCEPTED).map(|(code, subcode, data)| Notification::with_data(code, subcode, data));
    assert_eq!(told.unwrap().to_string(), "Cease / Administrative Shutdown: kernel update", "it is told the same");
    assert!(bench.peer.status().stopped);
    bench.input(Input::Start);
    assert_eq!(bench.dials(), 1);
}

#[test]
fn a_restart_says_why_and_dials_again_soon() {
    let mut bench = Bench::established();
    bench.input(Input::Restart(Cease::AdministrativeReset.into()));
    assert_eq!(bench.told(DIALLED), Some((6, 4, Bytes::new())));
    bench.until(at(1.0));
    assert_eq!(bench.dials(), 1);
}

#[test]
fn a_passive_peer_never_dials() {
    let mut bench = Bench::new(Settings { passive: true, ..settings() });
    bench.input(Input::Start);
    bench.input(Input::DialNow);
    assert_eq!((bench.out.len(), bench.peer.state()), (0, StateName::Active));
    bench.input(Input::Accepted { conn: ACCEPTED });
    bench.says(ACCEPTED, &Message::Open(open()));
    bench.says(ACCEPTED, &Message::Keepalive);
    assert_eq!(bench.peer.state(), StateName::Established);
    bench.input(Input::Lost { conn: ACCEPTED, reason: "closed by the peer".to_owned() });
    assert_eq!((bench.peer.state(), bench.peer.deadline()), (StateName::Active, None));
}

#[test]
fn a_lost_session_that_had_lasted_is_dialled_again_within_a_second() {
    let mut bench = Bench::established();
    bench.until(at(70.0));
    bench.input(Input::Lost { conn: DIALLED, reason: "Connection reset by peer".to_owned() });
    assert_eq!(bench.reason(), "connection lost: Connection reset by peer");
    assert!(!bench.out.contains(&Output::Close { conn: DIALLED }));
    bench.until(at(71.0));
    assert_eq!(bench.dials(), 1);
}

#[test]
fn a_received_shutdown_is_kept_with_its_text() {
    let mut bench = Bench::established();
    let text = Notification::shutdown(Cease::AdministrativeShutdown, "back at noon");
    bench.says(DIALLED, &Message::Notification(text.clone()));
    assert_eq!(bench.sent(DIALLED), []);
    assert_eq!(bench.reason(), "received Cease / Administrative Shutdown: back at noon");
    assert_eq!(bench.peer.status().last_received, Some((bench.now, text)));
}

#[test]
fn a_refresh_of_a_family_that_was_not_agreed_on_is_ignored() {
    let mut bench = Bench::established();
    let refresh = |family: Family| Refresh { family: family.into(), kind: RefreshKind::Request };
    bench.says(DIALLED, &Message::Refresh(refresh(Family::Ipv4)));
    assert_eq!(bench.out, [Output::Refresh(refresh(Family::Ipv4))]);
    bench.says(DIALLED, &Message::Refresh(refresh(Family::Ipv6)));
    assert_eq!(bench.out, []);
}

#[test]
fn the_markers_of_a_refresh_are_passed_on_and_an_unknown_subtype_ends_nothing() {
    let mut bench = Bench::established();
    for kind in [RefreshKind::Begin, RefreshKind::End, RefreshKind::Unknown(9)] {
        let refresh = Refresh { family: Family::Ipv4.into(), kind };
        bench.says(DIALLED, &Message::Refresh(refresh));
        assert_eq!(bench.out, [Output::Refresh(refresh)]);
    }
    let longer = [&[0xff; 16][..], &[0, 25, 5, 0, 1, 9, 1, 0, 0]].concat();
    bench.input(Input::Octets { conn: DIALLED, octets: longer.into() });
    assert_eq!(bench.peer.state(), StateName::Established);
}

#[test]
fn a_marker_of_a_wrong_length_is_told_with_the_whole_message() {
    let mut bench = Bench::established();
    let shorter = Bytes::from([&[0xff; 16][..], &[0, 22, 5, 0, 1, 1]].concat());
    bench.input(Input::Octets { conn: DIALLED, octets: shorter.clone() });
    assert_eq!(bench.told(DIALLED), Some((7, 1, shorter)));
}

/// Established with a peer that announced everything but these.
fn without(lacking: &[Capability]) -> Bench {
    let mut bench = Bench::started();
    bench.input(Input::Connected { conn: DIALLED });
    let mut open = open();
    open.capabilities.0.retain(|capability| !lacking.contains(capability));
    bench.says(DIALLED, &Message::Open(open));
    bench.says(DIALLED, &Message::Keepalive);
    assert_eq!(bench.peer.state(), StateName::Established);
    bench
}

#[test]
fn without_enhanced_refresh_the_subtype_means_nothing() {
    let mut bench = without(&[Capability::EnhancedRouteRefresh]);
    let said = Refresh { family: Family::Ipv4.into(), kind: RefreshKind::Begin };
    bench.says(DIALLED, &Message::Refresh(said));
    assert_eq!(bench.out, [Output::Refresh(Refresh { kind: RefreshKind::Request, ..said })]);
    let shorter = [&[0xff; 16][..], &[0, 22, 5, 0, 1, 1]].concat();
    bench.input(Input::Octets { conn: DIALLED, octets: shorter.into() });
    assert_eq!(bench.told(DIALLED), Some((1, 2, Bytes::from_static(&[0, 22]))));
}

#[test]
fn a_peer_is_asked_for_its_routes_again_only_if_it_can_be() {
    let mut bench = Bench::established();
    bench.input(Input::Refresh(Family::Ipv4));
    let request = Refresh { family: Family::Ipv4.into(), kind: RefreshKind::Request };
    assert_eq!(bench.sent(DIALLED), [Message::Refresh(request)]);
    assert_eq!(bench.peer.status().sent.refreshes, 1);
    bench.input(Input::Refresh(Family::Ipv6));
    assert_eq!(bench.out, []);
    assert_eq!(bench.peer.refreshes(Family::Ipv6), Err(NoRefresh::Family(Family::Ipv6)));

    let mut bench = without(&[Capability::RouteRefresh]);
    bench.input(Input::Refresh(Family::Ipv4));
    assert_eq!(bench.out, []);
    assert!(bench.peer.refreshes(Family::Ipv4).unwrap_err().to_string().contains("not announced route refresh"));
    assert_eq!(Bench::started().peer.refreshes(Family::Ipv4), Err(NoRefresh::Down));
}
