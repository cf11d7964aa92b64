//! The twin's path stands behind that of a device.

use std::net::SocketAddr;

use super::*;
use crate::bfd::{Diag, Path, Report, State, Status};
use crate::fib::Op;

/// The bench's file, with a path between the instances.
fn paired() -> String {
    let end = |text: String, ip: &str, address: &str| {
        let line = format!("bgp-ip = \"{ip}\"\n");
        text.replacen(&line, &format!("{line}twin-link = {{ interface = \"eth1\", address = \"{address}\" }}\n"), 1)
    };
    end(end(FILE.to_owned(), "10.20.255.4", "192.168.255.1"), "10.20.255.5", "192.168.255.2")
}

/// Both sessions are up, and both have taught the same prefixes.
fn taught() -> Bench {
    let mut bench = Bench::of(&paired());
    let device = bench.established();
    let local = "192.168.255.1".parse().unwrap();
    let link_local = ("fe80::1".parse().unwrap(), "fe80::/64".parse().unwrap());
    let addresses = vec![(local, "192.168.255.0/30".parse().unwrap()), link_local];
    let link = Link { index: LinkIndex::new(8).unwrap(), name: "eth1".to_owned(), up: true, addresses };
    let effects = bench.tell(Input::Link(link));
    let effects = bench.kernel(effects);
    let (twin, to) = dial(&effects).expect("the twin is dialled");
    assert_eq!(to, "192.168.255.2:179".parse::<SocketAddr>().unwrap());
    bench.open(twin, 65515);
    bench.tell(Input::Connected { conn: twin, local: SocketAddr::new(local, 40_001) });
    let effects = bench.message(twin, &Message::Keepalive);
    assert!(tells(&effects, "is Established"), "{effects:?}");
    bench.teach(device, 3);
    let path = [0x40, 1, 1, 0, 0x40, 2, 4, 2, 1, 0xfd, 0xf2, 0x40, 5, 4, 0, 0, 0, 100];
    for number in 0..3 {
        let attributes = [&path[..], &[0x40, 3, 4, 192, 168, 255, 2]].concat();
        bench.update(twin, &attributes, &[24, 10, 52, number]);
        // IPv6 over the same session: the next hop is the twin's link-local address.
        let mut v6 = [&path[..], &[0x80, 14, 28, 0, 2, 1, 16, 0xfe, 0x80]].concat();
        v6.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 48, 0x2a, 0, 0, 0, 0x12, number]);
        bench.update(twin, &v6, &[]);
    }
    for conn in [device, twin] {
        bench.update(conn, &[], &[]);
        bench.update(conn, &[0x80, 15, 3, 0, 2, 1], &[]);
    }
    bench.work();
    bench
}

/// The IPv4 group: interfaces of its members and of its backups, and whether these carry.
fn group(bench: &mut Bench) -> (Vec<u32>, Vec<u32>, bool) {
    group_of(bench, Family::Ipv4)
}

fn group_of(bench: &mut Bench, family: Family) -> (Vec<u32>, Vec<u32>, bool) {
    let Ok(Reply::Fib(fib)) = bench.ask(&Request::Fib).0 else { panic!("no fib") };
    let found = fib.groups.iter().find(|group| group.family == family && group.routes == 3).expect("a group");
    let links = |members: &[crate::control::api::FibMember]| members.iter().map(|one| one.interface_index).collect();
    (links(&found.members), links(&found.backups), found.on_backups)
}

#[test]
fn when_a_tunnel_goes_its_routes_lead_over_the_twin_and_none_is_written() {
    let mut bench = taught();
    assert_eq!(group(&mut bench), (vec![7], vec![8], false));
    let effects = bench.link(7, false);
    let on_kernel = |effects: &[Effect]| -> Vec<Op> {
        let batches = effects.iter().filter_map(|effect| match effect {
            Effect::Kernel(batch) => Some(batch.ops.to_vec()),
            _ => None,
        });
        batches.flatten().collect()
    };
    let routes = |op: &Op| matches!(op, Op::AddRoute(prefix, _) | Op::ReplaceRoute(prefix, _) | Op::DeleteRoute(prefix) if prefix.len() == 24);
    assert!(!on_kernel(&effects).iter().any(routes), "{effects:?}");
    assert_eq!(group(&mut bench), (vec![8], vec![], false), "what stood behind it is what there is");
    bench.kernel(effects);
    let mut out = Vec::new();
    while bench.speaker.busy() {
        bench.speaker.work(bench.now, &mut out);
    }
    assert!(!on_kernel(&out).iter().any(routes), "nor when the session's paths are swept: {out:?}");
}

#[test]
fn ipv6_routes_go_over_the_twin_too_though_the_session_is_over_ipv4() {
    let mut bench = taught();
    assert_eq!(group_of(&mut bench, Family::Ipv6), (vec![7], vec![8], false));
    let effects = bench.link(7, false);
    bench.kernel(effects);
    bench.work();
    assert_eq!(group_of(&mut bench, Family::Ipv6), (vec![8], vec![], false));
    let Ok(Reply::Fib(fib)) = bench.ask(&Request::Fib).0 else { panic!("no fib") };
    let group = fib.groups.iter().find(|group| group.family == Family::Ipv6 && group.routes == 3).unwrap();
    assert_eq!(group.members[0].gateway, Some("fe80::2".parse().unwrap()));
}

#[test]
fn when_the_way_to_the_twin_is_dead_nothing_of_either_family_leads_over_it() {
    let mut bench = taught();
    let report = |state: State, diag: Diag| Report {
        path: Path {
            local: "192.168.255.1".parse().unwrap(),
            remote: "192.168.255.2".parse().unwrap(),
            interface: Some("eth1".to_owned()),
            hops: 1,
        },
        status: Status { state, remote_state: State::Up, ups: 1, diag, ..Status::default() },
        age: Duration::ZERO,
    };
    let effects = bench.tell(Input::Bfd(report(State::Up, Diag::NONE)));
    bench.kernel(effects);
    let effects = bench.link(7, false);
    bench.kernel(effects);
    bench.work();
    for family in Family::ALL {
        assert_eq!(group_of(&mut bench, family), (vec![8], vec![], false));
    }
    let effects = bench.tell(Input::Bfd(report(State::Down, Diag::EXPIRED)));
    // Before any of its routes is looked at.
    let Some(Effect::Kernel(batch)) = effects.first() else { panic!("{effects:?}") };
    assert!(matches!(batch.ops[..], [Op::DeleteGroup(_), Op::DeleteGroup(_)]), "{batch:?}");
    bench.kernel(effects);
    bench.work();
    let Ok(Reply::Fib(fib)) = bench.ask(&Request::Fib).0 else { panic!("no fib") };
    let over = |group: &&crate::control::api::FibGroup| group.members.iter().any(|one| one.interface_index == 8);
    assert_eq!(fib.groups.iter().find(over), None);
}
