//! Next hops of a network router: on the network, behind a route of the kernel, or nowhere.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::*;
use crate::control::api::{Path, PathState, Select};
use crate::fib::{Lead, Target};

const ROUTER: &str = r#"
[[network-router]]
name = "core-1"
address = "10.20.255.1"
asn = 65001

[[network-router]]
name = "core-2"
address = "10.20.255.2"
asn = 65001
"#;

const NET: &str = "10.90.0.0/16";

/// The gateway's network is there, and both network routers are Established.
fn routers() -> (Bench, ConnId, ConnId) {
    let mut bench = Bench { local: "10.20.255.4", ..Bench::waiting(&format!("{FILE}{ROUTER}")) };
    network(&mut bench, true);
    let effects = bench.tell(Input::Begin(Table::default()));
    let dials: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Dial { conn, to } => Some((*conn, to.remote.ip())),
            _ => None,
        })
        .collect();
    bench.kernel(effects);
    let of = |remote: &str| dials.iter().find(|(_, to)| *to == remote.parse::<IpAddr>().unwrap()).expect("a dial").0;
    let (first, second) = (of("10.20.255.1"), of("10.20.255.2"));
    for (conn, port, id) in [(first, 40_001, 1), (second, 40_002, 2)] {
        bench.tell(Input::Connected { conn, local: SocketAddr::new("10.20.255.4".parse().unwrap(), port) });
        let capabilities = Capabilities(vec![Capability::Multiprotocol(Family::Ipv4.into())]);
        let router_id = RouterId::new([10, 20, 255, id].into()).unwrap();
        let hold_time = HoldTime::from_secs(90).unwrap();
        bench.message(conn, &Message::Open(Open { asn: Asn::from(65001_u32), hold_time, router_id, capabilities }));
        let effects = bench.message(conn, &Message::Keepalive);
        assert!(tells(&effects, "is Established"), "{effects:?}");
    }
    (bench, first, second)
}

fn network(bench: &mut Bench, up: bool) -> Vec<Effect> {
    let addresses = vec![("10.20.255.4".parse().unwrap(), "10.20.255.0/27".parse().unwrap())];
    let link = Link { index: LinkIndex::new(9).unwrap(), name: "eth0".to_owned(), up, addresses };
    let effects = bench.tell(Input::Link(link));
    bench.kernel(effects)
}

impl Bench {
    /// A router teaches the network behind a next hop; what is to be resolved then, if that has changed.
    fn behind(&mut self, conn: ConnId, next_hop: [u8; 4]) -> Option<Vec<IpAddr>> {
        let path = [&[0x40, 1, 1, 0, 0x40, 2, 4, 2, 1, 0xfd, 0xe9, 0x40, 3, 4][..], &next_hop].concat();
        self.update(conn, &path, &[16, 10, 90]);
        self.update(conn, &[], &[]); // that is all
        let effects = self.settled();
        effects.into_iter().find_map(|effect| match effect {
            Effect::Resolve(addresses) => Some(addresses),
            _ => None,
        })
    }

    /// All that can wait is done, groups too.
    fn settled(&mut self) -> Vec<Effect> {
        let mut all = self.work();
        self.now = self.now + Duration::from_secs(1);
        let mut out = Vec::new();
        self.speaker.tick(self.now, &mut out);
        all.extend(self.kernel(out));
        all
    }

    fn resolved(&mut self, address: &str, gateway: Option<&str>) {
        let lead =
            gateway.map(|gateway| Lead { link: LinkIndex::new(9).unwrap(), gateway: Some(gateway.parse().unwrap()) });
        let effects = self.tell(Input::Resolved { address: address.parse().unwrap(), lead });
        self.kernel(effects);
        self.settled();
    }

    /// The gateways that packets to the network are sent to, in the kernel.
    fn gateways(&self) -> Vec<String> {
        let table = self.speaker.fib.mirror();
        let Some(Target::Group(group)) = table.routes.get(&NET.parse::<Prefix>().unwrap()) else { return Vec::new() };
        let hops = table.groups[group].carrying();
        let gateways = hops.iter().filter_map(|(hop, _)| table.next_hops[hop].gateway);
        gateways.map(|gateway| gateway.to_string()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn taught(&mut self) -> Vec<Path> {
        let query = RouteQuery { select: Select::Prefix(NET.parse().unwrap()), ..RouteQuery::default() };
        let (Ok(Reply::Routes(mut shown)), _) = self.ask(&Request::Routes(query)) else { panic!("no routes") };
        shown.routes.pop().map(|route| route.paths).unwrap_or_default()
    }
}

#[test]
fn a_next_hop_on_the_network_is_used_as_it_is_even_if_it_is_not_the_routers_own() {
    let (mut bench, first, _) = routers();
    assert_eq!(bench.behind(first, [10, 20, 255, 9]), None);
    assert_eq!(bench.gateways(), ["10.20.255.9"]);
    network(&mut bench, false);
    bench.settled();
    assert_eq!(bench.gateways(), [""; 0]);
    network(&mut bench, true);
    bench.settled();
    assert_eq!(bench.gateways(), ["10.20.255.9"]);
}

#[test]
fn a_next_hop_elsewhere_follows_the_kernels_route_to_it_and_counts_only_while_there_is_one() {
    let (mut bench, first, second) = routers();
    assert_eq!(bench.behind(first, [10, 20, 7, 1]), Some(vec!["10.20.7.1".parse().unwrap()]));
    assert_eq!(bench.gateways(), [""; 0], "nothing is guessed");
    let shown = bench.taught();
    assert_eq!(shown[0].state, PathState::Refused);
    assert!(shown[0].why.as_ref().unwrap().starts_with("nothing leads to its next hop 10.20.7.1"), "{shown:?}");
    // The other router's path, which would be no better, is used instead.
    bench.behind(second, [10, 20, 255, 2]);
    assert_eq!(bench.gateways(), ["10.20.255.2"]);
    bench.resolved("10.20.7.1", Some("10.20.255.7"));
    assert_eq!(bench.gateways(), ["10.20.255.2", "10.20.255.7"]);
    bench.resolved("10.20.7.1", Some("10.20.255.8"));
    assert_eq!(bench.gateways(), ["10.20.255.2", "10.20.255.8"]);
    bench.resolved("10.20.7.1", None);
    assert_eq!(bench.gateways(), ["10.20.255.2"]);
}
