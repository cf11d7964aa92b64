//! A gateway whose kernel has no room for all that it learns.

use std::{fmt::Write, time::Duration};

use super::*;

/// A device that teaches so many more prefixes.
fn talkative(asn: u32, net: u8, more: u32) -> String {
    let mut prefixes = String::new();
    for number in 0..more {
        let _ = write!(prefixes, ", \"10.{}.{}.0/24\"", 100 + net, number % 256);
    }
    let old = format!("\"10.5{net}.8.0/24\"");
    device(asn, net).replace(&old, &format!("{old}{prefixes}"))
}

fn times(world: &World, words: &str) -> usize {
    world.hosts[IN_0].events.iter().filter(|event| event.contains(words)).count()
}

#[test]
fn a_kernel_without_room_is_told_of_once_and_everything_else_goes_on() {
    for seed in 0..10 {
        let mut world = dual_redundancy(seed);
        world.hosts[HQ_1].file = talkative(65010, 1, 200);
        world.hosts[HQ_2].file = talkative(65011, 2, 20);
        world.hosts[IN_0].kernel.room = Some(100);
        for host in [IN_0, IN_1, HQ_1, HQ_2] {
            world.start(host);
        }
        let routes = |world: &World, host: usize| world.hosts[host].kernel.table.routes.len();
        let twin = |world: &World| routes(world, IN_1) == 225;
        assert!(world.run_until(Duration::from_secs(60), twin), "{}", story(&world));
        world.run_until(Duration::from_secs(300), |_| false);
        assert_eq!(routes(&world, IN_0), 100);
        assert_eq!(times(&world, "the kernel has no room"), 1, "{}", story(&world));
        assert_eq!(times(&world, "the kernel refused"), 0, "{}", story(&world));
        assert!(world.told(IN_0, "it has 100 of our routes, 125 wait"), "{}", story(&world));
        assert!(world.told(IN_0, "hq-1/in-0 (AS 65010) is Established") && !world.told(IN_0, "is down"));
        assert!(world.hosts[IN_0].kernel.route_operations < 100 + 125 + 64 * 15);
        // A tunnel that is lost is left at once all the same, and room that its routes leave is used.
        let before = world.now;
        world.set_link(IN_0, "tun1", false);
        let left = |world: &World| {
            let on = world.hosts[IN_0].kernel.table.next_hops.values().map(|hop| hop.link);
            on.collect::<std::collections::BTreeSet<_>>().len() == 1 && (23..=24).contains(&routes(world, IN_0))
        };
        assert!(world.run_until(Duration::from_secs(3), left), "{} {}", before, story(&world));
        let over = |world: &World| times(world, "the kernel has room again") == 1;
        assert!(world.run_until(Duration::from_secs(2), over), "{}", story(&world));
        world.set_link(IN_0, "tun1", true);
        world.run_until(Duration::from_secs(60), |_| false);
        assert_eq!((routes(&world, IN_0), times(&world, "the kernel has no room")), (100, 2));
        world.hosts[IN_0].kernel.room = None;
        assert!(world.run_until(Duration::from_secs(31), |world| routes(world, IN_0) == 225), "{}", story(&world));
        assert!(world.run_until(Duration::from_secs(2), |world| times(world, "the kernel has room again") == 2));
    }
}
