//! One sample of every reply, with every kind of value in it somewhere.

use std::{net::IpAddr, str::FromStr};

use super::*;
use crate::types::{Asn, Family, Name, Prefix};

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

fn fib_totals() -> FibTotals {
    FibTotals { wanted: 4, present: 2, in_flight: 1, failed: 1 }
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
        other_instance: None,
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

pub fn tunnels() -> Reply {
    let up = Tunnel {
        name: name("hq-1/in-0"),
        connection: name("hq-1"),
        device: Some(name("hq-1")),
        instance: name("in-0"),
        interface: "xfrm10".into(),
        interface_index: Some(7),
        state: TunnelState::Up,
        reason: None,
        since: Some(at("01:00:02.500")),
        state_seconds: Some(7_929),
        local_address: Some(address("169.254.21.2")),
        remote_address: Some(address("169.254.21.1")),
        neighbor: Some(name("hq-1/in-0")),
        session: Some(SessionState::Established),
        bfd: Some(bfd()),
        probe: Some(probe()),
        detection: detection(),
        flaps: 2,
        damped_until: None,
        damped_seconds: None,
        objections: Vec::new(),
        routes: 3,
        counters: Some(Counters {
            rx_packets: 1_048_576,
            rx_bytes: 1_342_177_280,
            tx_packets: 2_000_000,
            tx_bytes: 987_654,
        }),
    };
    let fresh = Tunnel {
        name: name("hq-2/in-0"),
        connection: name("hq-2"),
        device: Some(name("hq-2")),
        interface: "xfrm11".into(),
        interface_index: Some(8),
        since: None,
        state_seconds: None,
        neighbor: Some(name("hq-2/in-0")),
        session: Some(SessionState::Active),
        bfd: None,
        probe: None,
        detection: Detection::default(),
        flaps: 0,
        routes: 0,
        counters: None,
        ..up.clone()
    };
    let down = Tunnel {
        name: name("hq-3/in-0"),
        connection: name("hq-3"),
        device: None,
        interface: "xfrm12".into(),
        interface_index: None,
        state: TunnelState::Down,
        reason: Some("interface xfrm12 is not there".into()),
        since: Some(at("03:08:58.000")),
        state_seconds: Some(194),
        local_address: None,
        remote_address: None,
        neighbor: None,
        session: None,
        bfd: None,
        probe: None,
        detection: Detection::default(),
        flaps: 1,
        objections: vec![Objection {
            source: "interface".into(),
            neighbor: None,
            reason: "interface xfrm12 is not there".into(),
            since: at("03:08:58.000"),
            since_seconds: 194,
        }],
        routes: 0,
        counters: None,
        ..up.clone()
    };
    Reply::Tunnels(Tunnels { tunnels: vec![up, fresh, down] })
}

fn probe() -> Probe {
    Probe {
        state: ProbeState::Answers,
        since: Some(at("01:00:03.000")),
        state_seconds: Some(7_929),
        interval_ms: 1_000,
        count: 5,
        failures: 1,
    }
}

fn detection() -> Detection {
    let way = |by, within, active| DetectionWay { by, within_ms: Some(within), active };
    Detection {
        within_ms: Some(450),
        by: Some(DetectionBy::Bfd),
        ways: vec![
            way(DetectionBy::Bfd, 450, true),
            way(DetectionBy::Probe, 6_000, true),
            way(DetectionBy::Unanswered, 60_000, true),
            way(DetectionBy::HoldTimer, 90_000, false),
        ],
    }
}

pub fn tunnel() -> Reply {
    let Reply::Tunnels(Tunnels { tunnels }) = tunnels() else { unreachable!("it is made of tunnels") };
    let Some(up) = tunnels.into_iter().next() else { unreachable!("there are three") };
    let tunnel = Tunnel {
        state: TunnelState::Down,
        reason: Some("it failed 2 times and must be quiet for 1 s more".into()),
        since: Some(at("03:12:07.123")),
        state_seconds: Some(5),
        session: Some(SessionState::Idle),
        damped_until: Some(at("03:12:13.000")),
        damped_seconds: Some(1),
        ..up
    };
    let change = |time: &str, change: &str, source: Option<&str>, reason: &str| TunnelChange {
        at: at(time),
        ago_seconds: 5,
        change: change.into(),
        source: source.map(Into::into),
        neighbor: None,
        reason: reason.into(),
        repeats: 0,
        last_at: at(time),
    };
    let expired = "BFD with hq-1/in-0: control detection time expired";
    let history = vec![
        TunnelChange { neighbor: Some(name("hq-1/in-0")), ..change("03:12:07.123", "down", Some("bfd"), expired) },
        change("03:12:07.200", "objected", Some("hook"), "peer gone"),
        TunnelChange {
            neighbor: Some(name("hq-1/in-0")),
            ..change("03:12:09.000", "agreed", Some("bfd"), &format!("no longer: {expired}"))
        },
        TunnelChange {
            repeats: 3,
            last_at: at("03:12:12.000"),
            ..change("03:12:10.000", "damped", Some("hook"), "nobody objects any more, and it must be quiet for 1s")
        },
    ];
    Reply::Tunnel(Box::new(TunnelDetail { tunnel, remembered_flaps: 2, history }))
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

fn bfd() -> Bfd {
    Bfd {
        state: Some(BfdState::Up),
        since: Some(at("01:00:05.000")),
        state_seconds: Some(7_927),
        diagnostic: None,
        remote_state: Some(BfdState::Up),
        remote_diagnostic: Some("control detection time expired".into()),
        transmit_interval_ms: Some(100),
        receive_interval_ms: Some(150),
        detection_time_ms: Some(450),
        strict: true,
        multihop: false,
        flaps: 1,
        failures: 1,
        last_failure: Some(BfdFailure {
            at: at("00:59:58.000"),
            ago_seconds: 7_934,
            text: "control detection time expired".into(),
        }),
    }
}

fn prefixes(family: Family, received: u64, refused: u64) -> FamilyPrefixes {
    FamilyPrefixes {
        family,
        received,
        accepted: received - refused,
        refused,
        advertised: 1,
        limit: None,
        trimmed: 0,
        stale: 0,
    }
}

fn established() -> Neighbor {
    Neighbor {
        name: name("hq-1/in-0"),
        kind: NeighborKind::Device,
        address: address("169.254.21.1"),
        local_address: Some(address("169.254.21.2")),
        interface: Some("xfrm10".into()),
        asn: Asn::new(65010),
        state: SessionState::Established,
        since: at("01:00:03.250"),
        state_seconds: 7_929,
        uptime_seconds: Some(7_929),
        flaps: 0,
        last_down: None,
        last_told: None,
        next_retry_at: None,
        next_retry_seconds: None,
        passive: false,
        bfd: None,
        authentication: "tcp-md5".into(),
        range: None,
        leaves_seconds: None,
        kept_down: None,
        stale: None,
        prefixes: vec![prefixes(Family::Ipv4, 4, 1)],
    }
}

pub fn neighbors() -> Reply {
    let down = Neighbor {
        name: name("hq-2/in-0"),
        address: address("10.52.0.253"),
        interface: Some("xfrm11".into()),
        asn: Asn::new(65011),
        state: SessionState::Active,
        since: at("03:08:58.000"),
        state_seconds: 194,
        uptime_seconds: None,
        flaps: 2,
        last_down: Some(Down {
            reason: DownReason::NotificationReceived,
            at: at("03:08:58.000"),
            ago_seconds: 194,
            code: Some(6),
            subcode: Some(2),
            communication: Some("maintenance until 04:00".into()),
            text: "received Cease / Administrative Shutdown: maintenance until 04:00".into(),
        }),
        next_retry_at: Some(at("03:12:16.500")),
        next_retry_seconds: Some(5),
        stale: Some(Stale { prefixes: 4, since: at("03:08:58.000"), until: at("03:12:20.000"), until_seconds: 8 }),
        prefixes: vec![
            FamilyPrefixes { advertised: 0, limit: Some(4_000), stale: 4, ..prefixes(Family::Ipv4, 0, 0) },
            FamilyPrefixes { advertised: 0, ..prefixes(Family::Ipv6, 0, 0) },
        ],
        ..established()
    };
    let waiting = Neighbor {
        name: name("core-1"),
        kind: NeighborKind::NetworkRouter,
        address: address("2001:db8:20:255::1"),
        local_address: None,
        interface: None,
        asn: Asn::new(4_200_000_001),
        state: SessionState::Idle,
        since: at("01:00:00.000"),
        state_seconds: 7_932,
        uptime_seconds: None,
        passive: true,
        authentication: "none".into(),
        prefixes: Vec::new(),
        ..established()
    };
    let shut = Neighbor {
        name: name("core-2"),
        passive: false,
        kept_down: Some(KeptDown::Shutdown),
        last_down: Some(Down {
            reason: DownReason::Stopped,
            at: at("01:00:00.000"),
            ago_seconds: 7_932,
            code: Some(6),
            subcode: Some(2),
            communication: Some("moves to the other rack".into()),
            text: "shut down by the file: moves to the other rack".into(),
        }),
        ..waiting.clone()
    };
    let leaving = Neighbor {
        name: name("leaves:10.9.0.11"),
        kind: NeighborKind::Other,
        address: address("10.9.0.11"),
        interface: None,
        asn: Asn::new(65020),
        range: Some(name("leaves")),
        leaves_seconds: Some(25),
        last_down: Some(Down {
            reason: DownReason::ConnectionLost,
            at: at("03:12:07.000"),
            ago_seconds: 5,
            code: None,
            subcode: None,
            communication: None,
            text: "connection lost: closed by the peer".into(),
        }),
        last_told: Some(Down {
            reason: DownReason::NotificationReceived,
            at: at("03:12:07.000"),
            ago_seconds: 5,
            code: Some(6),
            subcode: Some(3),
            communication: None,
            text: "received Cease / Peer De-configured".into(),
        }),
        flaps: 1,
        since: at("03:12:07.000"),
        state_seconds: 5,
        ..waiting.clone()
    };
    let range = Range { name: name("leaves"), prefix: prefix("10.9.0.0/24"), limit: 100, neighbors: 1 };
    Reply::Neighbors(Neighbors { neighbors: vec![established(), down, waiting, shut, leaving], ranges: vec![range] })
}

pub fn neighbor() -> Reply {
    let capability =
        |code, name: &str, value: Option<&str>| Capability { code, name: name.into(), value: value.map(str::to_owned) };
    let neighbor = Neighbor {
        flaps: 1,
        bfd: Some(bfd()),
        last_down: Some(Down {
            reason: DownReason::HoldTimerExpired,
            at: at("00:59:58.000"),
            ago_seconds: 7_934,
            code: Some(4),
            subcode: Some(0),
            communication: None,
            text: "sent Hold Timer Expired: nothing heard for 90 s".into(),
        }),
        ..established()
    };
    Reply::Neighbor(Box::new(NeighborDetail {
        neighbor,
        device: Some(name("hq-1")),
        connection: Some(name("hq-1")),
        tunnel: Some(name("hq-1/in-0")),
        router_id: Some(read("10.52.0.253")),
        local_endpoint: Some(read("169.254.21.2:34567")),
        remote_endpoint: Some(read("169.254.21.1:179")),
        configured_hold_time_seconds: 90,
        hold_time_seconds: Some(90),
        keepalive_seconds: Some(30),
        families: vec![Family::Ipv4],
        capabilities: Capabilities {
            sent: vec![
                capability(1, "multiprotocol", Some("ipv4")),
                capability(2, "route refresh", None),
                capability(65, "four-octet AS", Some("65515")),
            ],
            received: vec![
                capability(1, "multiprotocol", Some("ipv4")),
                capability(73, "unknown", Some("0x0668712d31")),
            ],
        },
        messages: Messages {
            received: MessageCounts { open: 2, update: 4, notification: 0, keepalive: 264, route_refresh: 0 },
            sent: MessageCounts { open: 2, update: 2, notification: 1, keepalive: 265, route_refresh: 1 },
        },
        faults: Faults { withdrawn: 2, discarded: 1 },
        queued_octets: 0,
    }))
}

fn path(neighbor: &str, next_hop: &str, state: PathState, why: Option<&str>) -> Path {
    Path {
        neighbor: Some(name(neighbor)),
        next_hop: Some(address(next_hop)),
        as_path: vec![
            AsPathItem::Asn(Asn::new(65010)),
            AsPathItem::Asn(Asn::new(3320)),
            AsPathItem::Set { set: vec![Asn::new(64900), Asn::new(64901)] },
        ],
        origin: Origin::Igp,
        source: PathSource::Bgp,
        med: Some(10),
        local_pref: Some(100),
        communities: vec![community(65010 << 16 | 52)],
        extended_communities: Vec::new(),
        large_communities: Vec::new(),
        other_attributes: Vec::new(),
        state,
        weight: matches!(state, PathState::Best | PathState::Multipath).then_some(1),
        stale: false,
        stale_since: None,
        stale_until: None,
        why: why.map(str::to_owned),
    }
}

pub fn routes() -> Reply {
    let many = Route {
        prefix: prefix("10.52.0.0/24"),
        paths: vec![
            path("hq-1/in-0", "169.254.21.1", PathState::Best, None),
            Path { med: None, ..path("hq-2/in-0", "10.52.0.253", PathState::Multipath, None) },
            path("core-1", "10.20.255.1", PathState::NotBest, Some("longer AS_PATH: 4 against 3")),
            path("hq-3/in-0", "169.254.21.5", PathState::Refused, Some("own AS 65515 in AS_PATH")),
        ],
        kernel: Some(FibRoute {
            prefix: prefix("10.52.0.0/24"),
            group: Some(9_000_001),
            interface: None,
            state: InstallState::Present,
            fault: None,
        }),
        told: vec![
            Told {
                neighbor: name("core-1"),
                next_hop: Some(address("10.20.255.4")),
                as_path: vec![AsPathItem::Asn(Asn::new(65515)), AsPathItem::Asn(Asn::new(65010))],
                med: Some(100),
                communities: vec![community(0xffff_0000)],
                why: None,
            },
            Told {
                neighbor: name("hq-2/in-0"),
                next_hop: None,
                as_path: Vec::new(),
                med: None,
                communities: Vec::new(),
                why: Some("this neighbor gets the gateway's own routes only: transit is off".into()),
            },
        ],
    };
    let odd = Route {
        prefix: prefix("2001:db8:52::/48"),
        paths: vec![Path {
            neighbor: None,
            next_hop: None,
            as_path: vec![
                AsPathItem::ConfedSequence { confed_sequence: vec![Asn::new(65001)] },
                AsPathItem::ConfedSet { confed_set: vec![Asn::new(65002)] },
            ],
            origin: Origin::Incomplete,
            source: PathSource::Own,
            med: None,
            local_pref: None,
            communities: Vec::new(),
            extended_communities: vec![extended_community([0, 2, 0xfd, 0xf2, 0, 0, 0, 52])],
            large_communities: vec![large_community(65010, 1, 2)],
            other_attributes: vec![OtherAttribute {
                code: 7,
                name: "aggregator".into(),
                value: "65010 10.52.0.253".into(),
            }],
            ..path("core-1", "10.20.255.1", PathState::Best, None)
        }],
        kernel: None,
        told: Vec::new(),
    };
    Reply::Routes(Routes { totals: totals(), routes: vec![many, odd], next: Some(prefix("2001:db8:52::/48")) })
}

fn refused() -> KernelFault {
    KernelFault { at: None, errno: 22, text: "Nexthop id does not exist".into(), operation: None }
}

pub fn fib() -> Reply {
    let member = FibMember {
        id: 9_000_010,
        interface: Some("xfrm10".into()),
        interface_index: 7,
        gateway: Some(address("169.254.21.1")),
        weight: 1,
        tunnel: Some(name("hq-1/in-0")),
    };
    let group = FibGroup {
        id: 9_000_001,
        family: Family::Ipv4,
        routes: 3,
        buckets: 256,
        idle_timer_seconds: 120,
        state: InstallState::Present,
        members: vec![
            member.clone(),
            FibMember { id: 9_000_011, interface: None, interface_index: 8, gateway: None, weight: 2, tunnel: None },
        ],
        backups: vec![FibMember {
            id: 9_000_012,
            interface: Some("eth1".into()),
            interface_index: 3,
            gateway: Some(address("192.168.255.2")),
            weight: 1,
            tunnel: None,
        }],
        on_backups: false,
    };
    let empty = FibGroup {
        id: 9_000_002,
        family: Family::Ipv6,
        routes: 1,
        state: InstallState::InFlight,
        members: Vec::new(),
        backups: Vec::new(),
        ..group.clone()
    };
    Reply::Fib(Box::new(Fib {
        table: 254,
        protocol: 179,
        metric: 20,
        totals: fib_totals(),
        settled: false,
        last_fault: Some(KernelFault {
            at: Some(at("03:12:00.001")),
            operation: Some("route 10.53.0.0/24".into()),
            ..refused()
        }),
        groups: vec![group, empty],
        counters: FibCounters { operations: 900, failures: 3, repairs: 2, changes_lost: 1, checks: 5 },
        last_check: Some(check()),
        no_room: Some(FibNoRoom {
            since: at("03:11:59.000"),
            errno: 12,
            text: "Cannot allocate memory".into(),
            refused: 2_000,
            routes: 1,
            objects: 0,
            retry: None,
        }),
        sysctls: sysctls(),
    }))
}

pub fn fib_routes() -> Reply {
    let route = FibRoute {
        prefix: prefix("10.52.0.0/24"),
        group: Some(9_000_001),
        interface: None,
        state: InstallState::Present,
        fault: None,
    };
    let host = FibRoute {
        prefix: prefix("10.52.0.253/32"),
        group: None,
        interface: Some("xfrm11".into()),
        state: InstallState::InFlight,
        ..route.clone()
    };
    let failed = FibRoute {
        prefix: prefix("10.53.0.0/24"),
        state: InstallState::Failed,
        fault: Some(refused()),
        ..route.clone()
    };
    Reply::FibRoutes(FibRoutes { totals: fib_totals(), routes: vec![route, host, failed], next: None })
}

pub fn fib_check() -> Reply {
    Reply::FibCheck(Box::new(check()))
}

fn check() -> FibCheck {
    let difference = |kind| FibDifference { prefix: Some(prefix("10.53.0.0/24")), id: None, kind, fault: None };
    FibCheck {
        ok: false,
        at: at("03:12:12.500"),
        wanted: 9,
        present: 4,
        different: 1,
        missing: 2,
        waiting: 1,
        moving: 1,
        unwanted: 1,
        objects: 1,
        repaired: 3,
        differences: vec![
            FibDifference { fault: Some(refused()), ..difference(DifferenceKind::Missing) },
            difference(DifferenceKind::Different),
            FibDifference { prefix: None, id: Some(1_946_157_057), ..difference(DifferenceKind::Unwanted) },
        ],
    }
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
