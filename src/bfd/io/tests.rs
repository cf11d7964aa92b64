#![allow(clippy::unwrap_used)] // a test may stop where it stands

use std::path::Path;

use super::protocol::{FromAgent, ToAgent, line};
use super::socket_beside;
use crate::bfd::{Algorithm, KeyFile, Path as Between, Plan, Report, Status};

#[test]
fn the_agents_socket_is_named_after_the_daemons() {
    let beside = socket_beside(Path::new("/run/twinspan/twinspan.sock"));
    assert_eq!(beside, Path::new("/run/twinspan/twinspan.bfd.sock"));
}

#[test]
fn what_is_said_is_one_line_and_understood() {
    let path =
        Between { local: "fe80::1".parse().unwrap(), remote: "fe80::2".parse().unwrap(), interface: None, hops: 1 };
    let key = KeyFile { id: 1, algorithm: Algorithm::KeyedSha1, file: "/a\nb".into() };
    let plan = Plan {
        path: path.clone(),
        interval: std::time::Duration::from_millis(100),
        multiplier: 3,
        passive: false,
        key: Some(key),
    };
    let said = line(&ToAgent::Sessions(vec![plan.clone()]));
    assert_eq!(said.iter().filter(|octet| **octet == b'\n').count(), 1);
    assert!(matches!(serde_json::from_slice(&said).unwrap(), ToAgent::Sessions(heard) if heard == [plan]));
    let report = Report { path, status: Status::default(), age: std::time::Duration::ZERO };
    let said = line(&FromAgent::Report(report.clone()));
    assert!(matches!(serde_json::from_slice(&said).unwrap(), FromAgent::Report(heard) if heard == report));
}
