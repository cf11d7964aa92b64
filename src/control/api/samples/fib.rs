//! Samples of what is said of the kernel and what is wanted of it.

use super::super::*;
use super::{address, at, name, prefix, sysctls};
use crate::types::Family;

pub(super) fn fib_totals() -> FibTotals {
    FibTotals { wanted: 4, present: 2, in_flight: 1, failed: 1 }
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
