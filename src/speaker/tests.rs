//! One speaker, told of the world by hand: what it wants done, and in which order.

use std::{net::SocketAddr, time::Duration};

use bytes::{Bytes, BytesMut};

use super::{Effect, Event, FlushId, Input, Link, Speaker};
use crate::config;
use crate::config::Config;
use crate::control::api::{ErrorCode, FibRouteQuery, Reply, Request, Reset, RouteQuery};
use crate::fib::Table;
use crate::types::{Asn, ConnId, Family, HoldTime, LinkIndex, Name, Prefix, RouterId, Time};
use crate::wire::{Capabilities, Capability, Context, Message, Notification, Open};

mod backups;
mod devices;
mod dynamic;
mod keep_down;
mod neighbors;
mod probes;
mod resolve;
mod settling;
mod stale;
mod statics;
mod tunnels;
mod urgent;
mod watch;

/// The gateway with one device, behind a tunnel of each instance.
const FILE: &str = concat!(
    include_str!("../../tests/gateway.toml"),
    r#"
[[device]]
name = "hq-1"
public-ip = "198.51.100.1"
asn = 65010
bgp-ip = "10.52.0.253"
bgp = { families = ["ipv4", "ipv6"] }

[[connection]]
device = "hq-1"
tunnels = [
  { instance = "in-0", interface = "tun1", local-ip = "169.254.21.2", remote-ip = "169.254.21.1" },
  { instance = "in-1", interface = "tun1", local-ip = "169.254.21.6", remote-ip = "169.254.21.5" },
]
"#
);

const LOCAL: &str = "169.254.21.2";

fn config(file: &str) -> Config {
    config::parse("test.toml", file).unwrap_or_else(|faults| panic!("{faults:#?}")).0
}

struct Bench {
    speaker: Speaker,
    now: Time,
    local: &'static str,
}

impl Bench {
    /// Begun on an empty kernel, without any interface.
    fn new() -> Self {
        Self::of(FILE)
    }

    /// The same with another file.
    fn of(file: &str) -> Self {
        let mut bench = Self::waiting(file);
        bench.tell(Input::Begin(Table::default()));
        bench
    }

    /// One that has not begun.
    fn waiting(file: &str) -> Self {
        let instance: Name = "in-0".parse().unwrap();
        let speaker = Speaker::new(config(file), &instance, 1, Duration::ZERO).unwrap();
        Self { speaker, now: Time::START, local: LOCAL }
    }

    fn tell(&mut self, input: Input) -> Vec<Effect> {
        let mut out = Vec::new();
        self.speaker.handle(self.now, input, &mut out);
        out
    }

    fn link(&mut self, index: u32, up: bool) -> Vec<Effect> {
        let local = self.local.parse().unwrap();
        let addresses = vec![(local, Prefix::host(local))];
        self.tell(Input::Link(Link { index: LinkIndex::new(index).unwrap(), name: "tun1".to_owned(), up, addresses }))
    }

    /// The kernel does all that it is told, until there is no more; the other effects.
    fn kernel(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let mut rest = Vec::new();
        let mut open = effects;
        while !open.is_empty() {
            for effect in std::mem::take(&mut open) {
                match effect {
                    Effect::Kernel(batch) => {
                        open.extend(self.tell(Input::KernelDone { batch: batch.id, failures: Vec::new() }));
                    }
                    other => rest.push(other),
                }
            }
        }
        rest
    }

    /// The interface comes up, and the dial.
    fn dialled(&mut self) -> ConnId {
        let effects = self.link(7, true);
        let effects = self.kernel(effects);
        dial(&effects).expect("no dial").0
    }

    fn open(&mut self, conn: ConnId, asn: u32) -> Vec<Effect> {
        self.open_with(conn, asn, &[])
    }

    fn open_with(&mut self, conn: ConnId, asn: u32, more: &[Capability]) -> Vec<Effect> {
        let families = Family::ALL.map(|family| Capability::Multiprotocol(family.into()));
        let local = SocketAddr::new(self.local.parse().unwrap(), 40_000);
        self.tell(Input::Connected { conn, local });
        let open = Open {
            asn: Asn::from(asn),
            hold_time: HoldTime::from_secs(90).unwrap(),
            router_id: RouterId::new([1, 2, 3, 4].into()).unwrap(),
            capabilities: Capabilities([&families[..], more].concat()),
        };
        self.message(conn, &Message::Open(open))
    }

    fn message(&mut self, conn: ConnId, message: &Message) -> Vec<Effect> {
        let mut octets = BytesMut::new();
        message.encode(&Context::default(), &mut octets);
        self.tell(Input::Octets { conn, octets: octets.freeze() })
    }

    /// An Established session.
    fn established(&mut self) -> ConnId {
        self.established_with(&[])
    }

    /// The same with a peer that announces more than its families.
    fn established_with(&mut self, more: &[Capability]) -> ConnId {
        let conn = self.dialled();
        self.open_with(conn, 65010, more);
        let effects = self.message(conn, &Message::Keepalive);
        assert!(tells(&effects, "is Established"), "{effects:?}");
        conn
    }

    /// UPDATEs with `count` prefixes of each family.
    fn teach(&mut self, conn: ConnId, count: u8) {
        for number in 0..count {
            let path = [0x40, 1, 1, 0, 0x40, 2, 4, 2, 1, 0xfd, 0xf2];
            let v4 = [&path[..], &[0x40, 3, 4, 169, 254, 21, 1]].concat();
            self.update(conn, &v4, &[24, 10, 52, number]);
            let mut v6 = path.to_vec();
            v6.extend([0x80, 14, 28, 0, 2, 1, 16, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
            v6.extend([48, 0x2a, 0, 0, 0, 0x12, number]);
            self.update(conn, &v6, &[]);
        }
        self.work();
    }

    fn update(&mut self, conn: ConnId, attributes: &[u8], nlri: &[u8]) {
        let mut octets = vec![0xff; 16];
        octets.extend((23 + attributes.len() as u16 + nlri.len() as u16).to_be_bytes());
        octets.extend([2, 0, 0, 0, attributes.len() as u8]);
        octets.extend([attributes, nlri].concat());
        let effects = self.tell(Input::Octets { conn, octets: Bytes::from(octets) });
        self.kernel(effects);
    }

    fn work(&mut self) -> Vec<Effect> {
        let mut out = Vec::new();
        while self.speaker.busy() {
            self.speaker.work(self.now, &mut out);
        }
        self.kernel(out)
    }

    fn accept(&mut self, local: &str, remote: &str) -> Vec<Effect> {
        let (local, remote) = (local.parse().unwrap(), remote.parse().unwrap());
        self.tell(Input::Accepted { conn: ConnId(1 << 63), local, remote, interface: None })
    }

    fn ask(&mut self, request: &Request) -> (Result<Reply, crate::control::api::ApiError>, Vec<Effect>) {
        let mut out = Vec::new();
        let reply = self.speaker.ask(self.now, request, &(), &mut out);
        (reply, out)
    }
}

fn dial(effects: &[Effect]) -> Option<(ConnId, SocketAddr)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Dial { conn, to } => Some((*conn, to.remote)),
        _ => None,
    })
}

fn tells(effects: &[Effect], words: &str) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Tell(event) if event.to_string().contains(words)))
}

fn flushes(effects: &[Effect]) -> Vec<FlushId> {
    let asked = effects.iter().filter_map(|effect| match effect {
        Effect::Flush(id) => Some(*id),
        _ => None,
    });
    asked.collect()
}

fn sends(effects: &[Effect]) -> Vec<&[u8]> {
    let sent = effects.iter().filter_map(|effect| match effect {
        Effect::Send { octets, .. } => Some(&octets[..]),
        _ => None,
    });
    sent.collect()
}

#[test]
fn a_neighbor_is_dialled_when_the_kernel_has_its_host_route_and_not_before() {
    let mut bench = Bench::new();
    let effects = bench.link(7, true);
    assert!(matches!(effects[..], [Effect::Tell(_), Effect::Kernel(_)]), "{effects:?}");
    let effects = bench.kernel(effects);
    assert!(dial(&effects).is_some(), "{effects:?}");
}

#[test]
fn a_lost_interface_is_followed_in_the_kernel_before_the_session_is_told() {
    let mut bench = Bench::new();
    let conn = bench.established();
    bench.teach(conn, 1);
    let effects = bench.link(7, false);
    let kernel = effects.iter().position(|effect| matches!(effect, Effect::Kernel(_)));
    let send = effects.iter().position(|effect| matches!(effect, Effect::Send { .. }));
    assert!(kernel.is_some() && kernel < send, "{effects:?}");
}

#[test]
fn a_link_local_neighbor_is_dialled_and_known_by_its_interface() {
    let local = "fe80::2";
    let mut bench = Bench { local, ..Bench::of(&FILE.replace(LOCAL, local).replace("169.254.21.1", "fe80::1")) };
    let effects = bench.link(7, true);
    let effects = bench.kernel(effects);
    let (_, remote) = dial(&effects).unwrap();
    assert_eq!(remote.to_string(), "[fe80::1%7]:179");
    let effects = bench.accept("[fe80::2%7]:179", "[fe80::1%7]:40000");
    assert!(matches!(effects[0], Effect::Adopt { .. }), "{effects:?}");
    let effects = bench.accept("[fe80::2%8]:179", "[fe80::1%8]:40000");
    assert!(matches!(effects[0], Effect::Abort(_)), "{effects:?}");
}

#[test]
fn a_neighbors_address_on_another_interface_is_refused_and_told_of_and_on_its_own_the_connection_is_bound() {
    let mut bench = Bench::new();
    bench.dialled();
    let mut come = |index| {
        let (local, remote) = ("169.254.21.2:179".parse().unwrap(), "169.254.21.1:40000".parse().unwrap());
        bench.tell(Input::Accepted { conn: ConnId(1 << 63), local, remote, interface: LinkIndex::new(index) })
    };
    let effects = come(8);
    assert!(matches!(effects[0], Effect::Abort(_)), "{effects:?}");
    assert!(tells(&effects, "has the address of hq-1/in-0 and came by another interface"), "{effects:?}");
    let effects = come(7);
    let bound = matches!(&effects[0], Effect::Adopt { interface: Some(name), .. } if name == "tun1");
    assert!(bound, "{effects:?}");
}

#[test]
fn an_interface_that_takes_the_name_of_another_gets_a_session_of_its_own() {
    let mut bench = Bench::new();
    let conn = bench.established();
    let effects = bench.link(9, true);
    let closed = effects.iter().any(|effect| matches!(effect, Effect::Close(known) if *known == conn));
    assert!(closed, "{effects:?}");
    let effects = bench.kernel(effects);
    assert!(dial(&effects).is_some(), "{effects:?}");
}

#[test]
fn an_address_that_comes_late_is_dialled_from_at_once() {
    let mut bench = Bench::new();
    let link = |addresses| Link { index: LinkIndex::new(7).unwrap(), name: "tun1".to_owned(), up: true, addresses };
    let effects = bench.tell(Input::Link(link(Vec::new())));
    let effects = bench.kernel(effects);
    let (conn, _) = dial(&effects).unwrap();
    bench.tell(Input::ConnectFailed { conn, reason: "Cannot assign requested address".to_owned() });
    let local = LOCAL.parse().unwrap();
    let effects = bench.tell(Input::Link(link(vec![(local, Prefix::host(local))])));
    assert!(dial(&effects).is_some(), "{effects:?}");
}

#[test]
fn a_stranger_is_aborted_and_told_of_up_to_a_rate() {
    let mut bench = Bench::new();
    bench.dialled();
    let mut told = 0;
    for _ in 0..100 {
        let effects = bench.accept("169.254.21.2:179", "192.0.2.1:40000");
        assert!(matches!(effects[0], Effect::Abort(_)), "{effects:?}");
        told += effects.iter().filter(|effect| matches!(effect, Effect::Tell(Event::Stranger { .. }))).count();
    }
    assert_eq!(told, 5);
}

#[test]
fn a_neighbor_whose_tunnel_is_down_is_no_stranger() {
    let mut bench = Bench::new();
    let effects = bench.accept("169.254.21.2:179", "169.254.21.1:40000");
    assert!(matches!(effects[..], [Effect::Abort(_)]), "{effects:?}");
}

#[test]
fn a_wrong_as_gets_2_2_and_a_line_with_what_was_expected() {
    let mut bench = Bench::new();
    let conn = bench.dialled();
    let effects = bench.open(conn, 64999);
    assert!(sends(&effects).iter().any(|octets| octets[18..21] == [3, 2, 2]), "{effects:?}");
    assert!(tells(&effects, "64999") && tells(&effects, "expected") && tells(&effects, "65010"), "{effects:?}");
}

#[test]
fn a_full_queue_stops_updates_until_it_is_drained() {
    let mut bench = Bench::new();
    let conn = bench.established();
    bench.tell(Input::Congested(conn));
    assert!(sends(&bench.work()).is_empty(), "UPDATEs for a full queue");
    bench.tell(Input::Drained(conn));
    let effects = bench.work();
    assert!(sends(&effects).iter().any(|octets| octets[18] == 2), "{effects:?}");
}

#[test]
fn a_reset_tells_the_neighbor_and_dials_it_again() {
    let mut bench = Bench::new();
    bench.established();
    let (reply, effects) = bench.ask(&Request::ResetNeighbor("hq-1/in-0".parse().unwrap(), Reset::default()));
    assert!(matches!(reply, Ok(Reply::Done(_))), "{reply:?}");
    assert!(sends(&effects).iter().any(|octets| octets[18..21] == [3, 6, 4]), "{effects:?}");
    bench.now = bench.now + Duration::from_secs(5);
    let mut out = Vec::new();
    bench.speaker.tick(bench.now, &mut out);
    assert!(dial(&out).is_some(), "{out:?}");
}

#[test]
fn a_reset_of_a_neighbor_whose_tunnel_is_down_is_refused_with_the_reason() {
    let mut bench = Bench::new();
    let (reply, _) = bench.ask(&Request::ResetNeighbor("hq-1/in-0".parse().unwrap(), Reset::default()));
    let error = reply.unwrap_err();
    assert!(error.message.contains("its tunnel is down"), "{error:?}");
}

#[test]
fn every_question_has_an_answer_and_an_unknown_neighbor_is_not_found() {
    let mut bench = Bench::new();
    let conn = bench.established();
    bench.teach(conn, 3);
    let known: Name = "hq-1/in-0".parse().unwrap();
    let all = [
        Request::Gateway,
        Request::Tunnels,
        Request::Neighbors,
        Request::Neighbor(known),
        Request::Routes(RouteQuery::default()),
        Request::Fib,
        Request::FibRoutes(FibRouteQuery::default()),
    ];
    for request in all {
        let (reply, effects) = bench.ask(&request);
        assert!(reply.is_ok(), "{request:?}: {reply:?}");
        assert!(effects.is_empty(), "{request:?} changes something: {effects:?}");
    }
    let nobody: Name = "nobody".parse().unwrap();
    let query = RouteQuery { neighbor: Some(nobody.clone()), ..RouteQuery::default() };
    for request in
        [Request::Neighbor(nobody.clone()), Request::ResetNeighbor(nobody, Reset::default()), Request::Routes(query)]
    {
        let (reply, _) = bench.ask(&request);
        assert_eq!(reply.unwrap_err().code, ErrorCode::NotFound, "{request:?}");
    }
}

#[test]
fn pages_of_routes_visit_every_prefix_once_and_in_order_over_both_families() {
    let mut bench = Bench::new();
    let conn = bench.established();
    bench.teach(conn, 23);
    for limit in [1, 2, 7, 23, 24, 47, 100] {
        let mut seen: Vec<Prefix> = Vec::new();
        let mut after = None;
        loop {
            let (reply, _) = bench.ask(&RouteQuery::default().page(limit, after));
            let Ok(Reply::Routes(page)) = reply else { panic!("{reply:?}") };
            seen.extend(page.routes.iter().map(|route| route.prefix));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 47, "limit {limit}: 23 of each family and our own: {seen:?}");
        assert!(seen.is_sorted_by(|a, b| a < b), "limit {limit}: {seen:?}");
    }
}

#[test]
fn the_host_route_stays_until_the_neighbor_was_told_of_the_stop() {
    let mut bench = Bench::new();
    let conn = bench.established();
    let effects = bench.tell(Input::Stop);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Close(known) if *known == conn)), "{effects:?}");
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Kernel(_))), "{effects:?}");
    let effects = bench.tell(Input::Flushed(flushes(&effects)[0]));
    assert!(matches!(effects[..], [Effect::Kernel(_)]), "{effects:?}");
    let effects = bench.kernel(effects);
    assert!(matches!(effects[..], [Effect::Stopped]), "{effects:?}");
}

#[test]
fn a_kernel_that_cannot_be_read_is_read_again_later() {
    let mut bench = Bench::new();
    let effects = bench.tell(Input::LinksMissed);
    assert!(matches!(effects[..], [Effect::Dump]), "{effects:?}");
    let effects = bench.tell(Input::Dumped(Err("out of memory".to_owned())));
    assert!(tells(&effects, "out of memory"), "{effects:?}");
    bench.now = bench.speaker.deadline().unwrap().max(bench.now + Duration::from_secs(5));
    let mut out = Vec::new();
    bench.speaker.tick(bench.now, &mut out);
    assert!(out.iter().any(|effect| matches!(effect, Effect::Dump)), "{out:?}");
}

#[test]
fn a_neighbor_that_ends_the_session_is_told_of_with_its_words() {
    let mut bench = Bench::new();
    let conn = bench.established();
    let why = Notification::shutdown(crate::wire::Cease::AdministrativeShutdown, "maintenance");
    let effects = bench.message(conn, &Message::Notification(why));
    assert!(tells(&effects, "maintenance"), "{effects:?}");
}
