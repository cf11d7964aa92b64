//! The two instances with a path between them: hellos, the session, and routes over each other.

use std::time::Duration;

use twinspan::control::api::{Gateway, Reply, Request};

use crate::world::World;
use crate::{GATEWAY, HQ_1, HQ_2, IN_0, IN_1, dual_redundancy_of, story};

const SHARED: &str = "10.52.0.0/16";

/// The gateway with a path between its instances.
pub fn paired() -> String {
    let link = |text: String, instance: &str, address: &str| {
        let line = format!("bgp-ip = \"{instance}\"\n");
        let link = format!("{line}twin-link = {{ interface = \"eth1\", address = \"{address}\" }}\n");
        text.replacen(&line, &link, 1)
    };
    let text = link(GATEWAY.to_owned(), "10.20.255.4", "192.168.255.1");
    link(text, "10.20.255.5", "192.168.255.2")
}

/// Two instances with a path between them and two devices; nothing runs yet.
pub fn pair_of(seed: u64, file: &str) -> World {
    let mut world = dual_redundancy_of(seed, file);
    world.wire((IN_0, "eth1", "192.168.255.1"), (IN_1, "eth1", "192.168.255.2"));
    world
}

/// The same at work: all sessions are up, and each has what the other learned behind its own.
fn at_rest(seed: u64, file: &str) -> World {
    let mut world = pair_of(seed, file);
    for host in [IN_0, IN_1, HQ_1, HQ_2] {
        world.start(host);
    }
    assert!(world.run_until(Duration::from_secs(60), rests), "{}", story(&world));
    world.run_until(Duration::from_secs(2), |_| false);
    world
}

fn rests(world: &World) -> bool {
    [IN_0, IN_1].iter().all(|host| {
        let up = world.hosts[*host].kernel.width(SHARED) == 2 && world.hosts[*host].kernel.width("10.51.8.0/24") == 1;
        up && world.told(*host, &format!("{} (AS 65515) is Established", twin_of(*host)))
            && ways(world, *host, SHARED) == [2, 3]
    })
}

fn twin_of(host: usize) -> &'static str {
    ["in-1", "in-0"][host]
}

/// The interfaces by which a prefix leaves a host: 2 and 3 are tunnels, 4 is the path to the twin.
fn ways(world: &World, host: usize, prefix: &str) -> Vec<u32> {
    let members = world.hosts[host].kernel.members(prefix);
    let mut ways: Vec<_> = members.iter().map(|(hop, _)| hop.link.get()).collect();
    ways.sort_unstable();
    ways
}

fn gateway(world: &mut World, host: usize) -> Gateway {
    let Ok(Reply::Gateway(shown)) = world.ask(host, &Request::Gateway) else { panic!("no gateway") };
    *shown
}

#[test]
fn the_instances_find_each_other_and_each_teaches_the_other_what_it_learned() {
    for seed in 0..10 {
        let mut world = at_rest(seed, &paired());
        for host in [IN_0, IN_1] {
            assert!(world.told(host, &format!("the twin, {}, is there", twin_of(host))), "{}", story(&world));
            let shown = gateway(&mut world, host);
            assert_eq!(shown.sessions.established, 3, "{}", story(&world));
        }
    }
}

#[test]
fn when_the_last_tunnel_to_a_prefix_goes_its_traffic_goes_over_the_twin_and_no_route_is_written() {
    let mut world = at_rest(1, &paired());
    world.set_link(IN_0, "tun1", false);
    let left = |world: &World| ways(world, IN_0, SHARED) == [3];
    assert!(world.run_until(Duration::from_secs(2), left), "{}", story(&world));
    let operations = world.hosts[IN_0].kernel.route_operations;
    world.set_link(IN_0, "tun2", false);
    let over = |world: &World| ways(world, IN_0, SHARED) == [4];
    assert!(world.run_until(Duration::from_millis(2), over), "{}", story(&world));
    world.run_until(Duration::from_secs(5), |_| false);
    assert!(over(&world), "{}", story(&world));
    // The host route to the far end went with the interface; the routes of the sites were not touched.
    assert!(world.hosts[IN_0].kernel.route_operations <= operations + 2, "{}", story(&world));
    world.set_link(IN_0, "tun1", true);
    world.set_link(IN_0, "tun2", true);
    assert!(world.run_until(Duration::from_secs(60), rests), "{}", story(&world));
}

#[test]
fn a_twin_link_that_works_one_way_is_known_at_both_ends_and_no_route_leads_over_it() {
    let mut world = at_rest(2, &paired());
    world.set_mute(IN_1, "eth1", true);
    let known = |world: &World| world.told(IN_0, "has said nothing for") && world.told(IN_1, "works one way");
    assert!(world.run_until(Duration::from_secs(4), known), "{}", story(&world));
    for host in [IN_0, IN_1] {
        world.set_link(host, "tun1", false);
        world.set_link(host, "tun2", false);
    }
    let none = |world: &World| [IN_0, IN_1].iter().all(|host| ways(world, *host, SHARED).is_empty());
    assert!(world.run_until(Duration::from_secs(2), none), "{}", story(&world));
    world.set_mute(IN_1, "eth1", false);
    for host in [IN_0, IN_1] {
        world.set_link(host, "tun1", true);
        world.set_link(host, "tun2", true);
    }
    let back = |world: &World| rests(world) && world.told(IN_0, "speaks again") && world.told(IN_1, "hears us again");
    assert!(world.run_until(Duration::from_secs(60), back), "{}", story(&world));
}
