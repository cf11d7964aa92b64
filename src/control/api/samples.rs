//! One sample of every reply, with every kind of value in it somewhere.

mod fib;
mod neighbors;
mod routes;
mod tunnels;

use std::{net::IpAddr, str::FromStr};

pub use fib::{fib, fib_check, fib_routes};
pub use neighbors::{neighbor, neighbors};
pub use routes::routes;
pub use tunnels::{tunnel, tunnels};

use super::*;
use crate::types::{Asn, Family, Name, Prefix};
use fib::fib_totals;

fn read<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn name(text: &str) -> Name {
    read(text)
}

fn prefix(text: &str) -> Prefix {
    read(text)
}

fn address(text: &str) -> IpAddr {
    read(text)
}

fn at(time: &str) -> Moment {
    read(&format!("2026-11-21T{time}Z"))
}

fn totals() -> Vec<RouteTotals> {
    vec![
        RouteTotals { family: Family::Ipv4, prefixes: 3, paths: 6, refused: 2 },
        RouteTotals { family: Family::Ipv6, prefixes: 1, paths: 1, refused: 0 },
    ]
}

fn drain() -> Drain {
    Drain {
        target: DrainTarget::Tunnel,
        name: name("hq-1/in-0"),
        reason: Some("a new kernel".into()),
        forced: false,
        step: DrainStep::Moving,
        since: at("03:12:03.000"),
        step_seconds: 9,
        began_at: at("03:12:03.000"),
        took_seconds: None,
        moved: None,
        tunnels: vec![name("hq-1/in-0")],
        received_per_second: Some(1_024),
        sent_per_second: Some(7),
        lost_packets: Some(0),
        text: "tunnel hq-1/in-0: its neighbors are told that every route is about to go".into(),
    }
}

pub fn drains() -> Reply {
    let done = Drain {
        target: DrainTarget::Instance,
        name: name("in-0"),
        reason: None,
        forced: true,
        step: DrainStep::Drained,
        took_seconds: Some(2.518),
        moved: Some(true),
        ..drain()
    };
    Reply::Drains(Drains { drains: vec![drain(), done] })
}

fn twin() -> Twin {
    Twin {
        name: name("in-1"),
        state: TwinState::Present,
        since: at("01:00:04.250"),
        state_seconds: 7_927,
        heard_at: Some(at("03:12:11.900")),
        heard_ms: Some(100),
        hears_us: true,
        role: Some("active".into()),
        standing: Some("unfit".into()),
        reasons: vec!["no tunnel is up".into()],
        ready: Some(false),
        version: Some("0.1.0".into()),
        same_file: Some(true),
        restarts: 1,
        lost: 3,
        session: Some(SessionState::Established),
        connections: vec![TwinConnection { name: name("hq-1"), tunnels: 1, up: 0, active: false }],
    }
}

pub fn gateway() -> Reply {
    Reply::Gateway(Box::new(Gateway {
        name: name("hub-west"),
        mode: Mode::ActiveActive,
        asn: Asn::new(65515),
        instance: name("in-0"),
        router_id: read("10.20.255.4"),
        version: "0.1.0".into(),
        started_at: at("01:00:00.000"),
        uptime_seconds: 7_932,
        state: GatewayState::Running,
        reason: None,
        standing: Standing { state: StandingState::Unfit, reasons: vec!["no tunnel is up".into()] },
        drains: vec![drain()],
        role: Some(Role {
            role: RoleState::Active,
            since: at("02:40:00.000"),
            since_seconds: 1_927,
            reason: "the twin has handed it over".into(),
            term: 4,
            election: "pair".into(),
            shared_address: Some(read("10.20.255.30")),
            shared_interface: Some("eth0".into()),
            answers: None,
        }),
        prefixes: vec![prefix("10.20.0.0/16"), prefix("2001:db8:20::/48")],
        tunnels: TunnelCounts { configured: 3, up: 2, gateway: 6, limit: 30 },
        sessions: SessionCounts { configured: 3, established: 1 },
        routes: totals(),
        fib: fib_totals(),
        twin: Some(twin()),
        warnings: vec![
            Warning {
                code: "tunnel_down".into(),
                message: "tunnel hq-3/in-0 is down: interface xfrm12 is not there".into(),
                hint: Some("ip link show xfrm12; has the VPN daemon made it?".into()),
            },
            Warning { code: "kernel_refused".into(), message: "the kernel refused 1 route".into(), hint: None },
        ],
        sysctls: sysctls(),
        config: ConfigState {
            file: Some("/etc/twinspan/gateway.toml".into()),
            fingerprint: Some("9c1f6f3a5b2e7d40".into()),
            loaded_at: at("02:30:00.000"),
            on_disk: OnDisk::Same,
            unconfirmed_seconds: Some(42),
        },
    }))
}

fn sysctls() -> Vec<Sysctl> {
    vec![
        Sysctl {
            name: "net.ipv4.nexthop_compat_mode".into(),
            wanted: Some("0".into()),
            actual: Some("0".into()),
            ok: true,
        },
        Sysctl {
            name: "net.ipv4.fib_multipath_hash_policy".into(),
            wanted: Some("1".into()),
            actual: Some("0".into()),
            ok: false,
        },
        Sysctl { name: "net.ipv4.ip_forward".into(), wanted: None, actual: None, ok: true },
    ]
}

pub fn events() -> Reply {
    let down = Event {
        id: 41,
        at: at("03:12:07.123"),
        event: "tunnel.down".into(),
        level: EventLevel::Warning,
        about: Some(name("hq-1/in-0")),
        text: "tunnel hq-1/in-0 is down: BFD with hq-1/in-0: control detection time expired (bfd)".into(),
    };
    let compared = Event {
        id: 42,
        at: at("03:12:08.000"),
        event: "kernel.compared".into(),
        level: EventLevel::Info,
        about: None,
        text: "news of interfaces was lost: the 3 routes in the kernel were compared with the wanted".into(),
    };
    Reply::Events(Events { events: vec![down, compared], forgotten: 40 })
}

pub fn plan() -> Reply {
    Reply::Plan(Box::new(Plan {
        applied: true,
        confirm_within_seconds: Some(60),
        confirm_by: Some(at("03:13:07.123")),
        class: PlanClass::Session,
        changes: vec![
            PlanChange {
                thing: "device hq-2".into(),
                key: Some("device.asn".into()),
                from: Some("65011".into()),
                to: Some("65012".into()),
                class: PlanClass::Session,
            },
            PlanChange {
                thing: "connection hq-3".into(),
                key: None,
                from: None,
                to: Some("connection hq-3".into()),
                class: PlanClass::Session,
            },
        ],
        refused: vec![PlanRefusal {
            key: "kernel.table".into(),
            reason: "the routes that are in the kernel have 254, and would have 100".into(),
        }],
        sessions: vec![
            PlanSession { name: name("hq-1/in-0"), was: None, fate: SessionFate::Kept, because: vec![] },
            PlanSession {
                name: name("paris/in-0"),
                was: Some(name("hq-2/in-0")),
                fate: SessionFate::Reset,
                because: vec!["connection.tunnels.name".into(), "device.asn".into()],
            },
            PlanSession { name: name("hq-3/in-0"), was: None, fate: SessionFate::Added, because: vec![] },
        ],
        ranges: vec![PlanSession {
            name: name("branches"),
            was: None,
            fate: SessionFate::Kept,
            because: vec!["neighbor.limit".into()],
        }],
        announced: vec![prefix("10.30.0.0/16")],
        withdrawn: vec![prefix("10.21.0.0/16")],
        spread: vec!["ecmp.max-paths".into()],
        peers: vec![PlanPeer {
            neighbor: name("hq-3/in-0"),
            instance: Some(name("in-0")),
            device: Some(name("hq-3")),
            address: address("169.254.23.2"),
            was_address: None,
            asn: Asn::new(65515),
            was_asn: None,
        }],
    }))
}
