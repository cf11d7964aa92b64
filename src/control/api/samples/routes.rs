//! A sample of what is said of routes.

use super::super::*;
use super::{address, name, prefix, totals};
use crate::types::Asn;

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
