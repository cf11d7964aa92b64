//! Samples of what is said of tunnels.

use super::super::*;
use super::neighbors::bfd;
use super::{address, at, name};

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
