//! When groups get the hops of a neighbor that says its table.

use std::net::SocketAddr;
use std::time::Duration;

use super::*;
use crate::wire::GracefulRestart;

/// The bench's file, with a neighbor of another AS on a network of its own.
const SECOND: &str = r#"
[[neighbor]]
name = "second"
address = "192.168.255.2"
asn = 65099
interface = "eth1"
local-address = "192.168.255.1"
import = ["accept"]
export = ["accept"]
"#;

/// The device has taught three prefixes and is done; the other is Established and has said nothing.
pub(super) fn one_of_two(more: &[Capability]) -> (Bench, ConnId) {
    let mut bench = Bench::of(&format!("{FILE}{SECOND}"));
    let device = bench.established();
    bench.teach(device, 3);
    bench.update(device, &[], &[]);
    bench.update(device, &[0x80, 15, 3, 0, 2, 1], &[]);
    bench.rest();
    let local = "192.168.255.1".parse().unwrap();
    let addresses = vec![(local, "192.168.255.0/30".parse().unwrap())];
    let link = Link { index: LinkIndex::new(8).unwrap(), name: "eth1".to_owned(), up: true, addresses };
    let effects = bench.tell(Input::Link(link));
    let effects = bench.kernel(effects);
    let (second, _) = dial(&effects).expect("the other is dialled");
    bench.open_with(second, 65099, more);
    bench.tell(Input::Connected { conn: second, local: SocketAddr::new(local, 40_001) });
    let effects = bench.message(second, &Message::Keepalive);
    assert!(tells(&effects, "is Established"), "{effects:?}");
    (bench, second)
}

impl Bench {
    /// Does all that is to be done now.
    fn rest(&mut self) {
        let mut out = Vec::new();
        self.speaker.tick(self.now, &mut out);
        while self.speaker.busy() {
            self.speaker.work(self.now, &mut out);
        }
        self.kernel(out);
    }

    /// It says these prefixes of the device's, with a path as long.
    pub(super) fn also(&mut self, conn: ConnId, numbers: std::ops::Range<u8>) {
        for number in numbers {
            let path = [0x40, 1, 1, 0, 0x40, 2, 4, 2, 1, 0xfe, 0x4b, 0x40, 3, 4, 192, 168, 255, 2];
            self.update(conn, &path, &[24, 10, 52, number]);
        }
        self.rest();
    }

    /// Lets time pass in small steps.
    pub(super) fn linger(&mut self, conn: ConnId, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now = self.now + Duration::from_millis(100);
            let effects = self.message(conn, &Message::Keepalive);
            self.kernel(effects);
            self.rest();
        }
    }

    /// The groups with routes over the device: their ids, the interfaces of their members, and how many routes.
    pub(super) fn groups(&mut self) -> Vec<(u32, Vec<u32>, u64)> {
        let Ok(Reply::Fib(fib)) = self.ask(&Request::Fib).0 else { panic!("no fib") };
        let links =
            |group: &crate::control::api::FibGroup| group.members.iter().map(|one| one.interface_index).collect();
        let shown = fib.groups.iter().filter(|group| group.family == Family::Ipv4 && group.routes > 0);
        shown.map(|group| (group.id, links(group), group.routes)).collect()
    }
}

#[test]
fn a_group_gets_the_hop_of_a_neighbor_when_that_has_sent_end_of_rib() {
    let restarts = Capability::GracefulRestart(GracefulRestart::default());
    let (mut bench, second) = one_of_two(&[restarts]);
    let before = bench.groups();
    assert!(matches!(before.as_slice(), [(_, links, 3)] if *links == [7]), "{before:?}");
    bench.also(second, 0..3);
    bench.linger(second, Duration::from_secs(8));
    assert_eq!(bench.groups(), before, "more may come");
    bench.update(second, &[], &[]);
    bench.update(second, &[0x80, 15, 3, 0, 2, 1], &[]);
    bench.rest();
    assert_eq!(bench.groups(), [(before[0].0, vec![7, 8], 3)], "under its id");
}

#[test]
fn a_neighbor_that_sends_no_end_of_rib_is_done_when_it_has_been_silent_for_a_while() {
    let (mut bench, second) = one_of_two(&[]);
    let before = bench.groups();
    bench.also(second, 0..1);
    bench.linger(second, Duration::from_secs(3));
    bench.also(second, 1..2);
    bench.linger(second, Duration::from_secs(3));
    assert_eq!(bench.groups(), before, "it spoke three seconds ago");
    bench.linger(second, Duration::from_secs(3));
    let mut after = bench.groups();
    after.sort_by_key(|(_, _, routes)| *routes);
    assert_eq!(after[1], (before[0].0, vec![7, 8], 2), "most of them want it");
    assert_eq!((&after[0].1, after[0].2), (&vec![7], 1), "one does not: {after:?}");
}

#[test]
fn nobody_waits_longer_than_the_limit_for_a_neighbor_that_never_ends() {
    let restarts = Capability::GracefulRestart(GracefulRestart::default());
    let (mut bench, second) = one_of_two(&[restarts]);
    let before = bench.groups();
    bench.also(second, 0..3);
    bench.linger(second, Duration::from_secs(29));
    assert_eq!(bench.groups(), before);
    bench.linger(second, Duration::from_secs(2));
    assert_eq!(bench.groups(), [(before[0].0, vec![7, 8], 3)]);
}
