//! The twin's path stands behind that of a device.

use std::net::SocketAddr;

use super::*;
use crate::fib::Op;

/// The bench's file, with a session to the twin over a network of their own.
const TWIN: &str = r#"
[[neighbor]]
name = "twin"
address = "192.168.255.2"
asn = 65515
interface = "eth1"
local-address = "192.168.255.1"
import = ["accept"]
export = ["accept"]
"#;

/// Both sessions are up, and both have taught the same prefixes.
fn taught() -> Bench {
    let mut bench = Bench::of(&format!("{FILE}{TWIN}"), LOCAL, "169.254.21.1");
    let device = bench.established();
    let local = "192.168.255.1".parse().unwrap();
    let addresses = vec![(local, "192.168.255.0/30".parse().unwrap())];
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
    let Ok(Reply::Fib(fib)) = bench.ask(&Request::Fib).0 else { panic!("no fib") };
    let found = fib.groups.iter().find(|group| group.family == Family::Ipv4 && group.routes == 3).expect("a group");
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
