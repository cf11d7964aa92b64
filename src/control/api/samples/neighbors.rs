//! Samples of what is said of neighbors.

use super::super::*;
use super::{address, at, name, prefix, read};
use crate::types::{Asn, Family};

pub(super) fn bfd() -> Bfd {
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
