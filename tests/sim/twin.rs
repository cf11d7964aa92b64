//! The two instances with a path between them: hellos, the session, and routes over each other.

use std::time::Duration;

use twinspan::control::api::{Gateway, Reply, Request, TwinState};
use twinspan::speaker::Input;

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
pub fn at_rest(seed: u64, file: &str) -> World {
    let mut world = pair_of(seed, file);
    for host in [IN_0, IN_1, HQ_1, HQ_2] {
        world.start(host);
    }
    assert!(world.run_until(Duration::from_secs(60), rests), "{}", story(&world));
    world.run_until(Duration::from_secs(2), |_| false);
    world
}

pub fn rests(world: &World) -> bool {
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
pub fn ways(world: &World, host: usize, prefix: &str) -> Vec<u32> {
    let members = world.hosts[host].kernel.members(prefix);
    let mut ways: Vec<_> = members.iter().map(|(hop, _)| hop.link.get()).collect();
    ways.sort_unstable();
    ways
}

pub fn gateway(world: &mut World, host: usize) -> Gateway {
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
fn r14_when_the_last_tunnel_to_a_prefix_goes_its_traffic_goes_over_the_twin_and_no_route_is_written() {
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

#[test]
fn what_is_known_of_the_twin_is_shown() {
    let mut world = at_rest(3, &paired());
    for host in [IN_0, IN_1] {
        let shown = gateway(&mut world, host);
        let twin = shown.twin.clone().unwrap();
        assert_eq!((twin.name.as_str(), twin.state, twin.hears_us), (twin_of(host), TwinState::Present, true));
        assert_eq!((twin.role.as_deref(), twin.standing.as_deref()), (Some("active"), Some("serving")));
        assert_eq!((twin.ready, twin.same_file, twin.restarts), (Some(true), Some(true), 0));
        assert!(twin.heard_ms.unwrap() <= 201, "{twin:?}");
        let connections: Vec<_> = twin.connections.iter().map(|one| (one.name.as_str(), one.up, one.active)).collect();
        assert_eq!(connections, [("hq-1", 1, true), ("hq-2", 1, true)]);
        assert!(shown.warnings.is_empty(), "{:?}", shown.warnings);
    }
    world.set_link(IN_1, "tun1", false);
    world.run_until(Duration::from_millis(30), |_| false);
    let twin = gateway(&mut world, IN_0).twin.unwrap();
    assert_eq!((twin.connections[0].up, twin.connections[0].active), (0, false), "it is told at once");
}

#[test]
fn a_twin_with_another_version_of_the_file_is_said_on_both_sides_and_gone_when_they_are_equal_again() {
    let mut world = at_rest(4, &paired());
    let other = paired().replace("prefixes = [\"10.20.0.0/16\"]", "prefixes = [\"10.20.0.0/16\", \"10.21.0.0/16\"]");
    world.reload(IN_0, &other, None).unwrap();
    world.run_until(Duration::from_millis(50), |_| false);
    for host in [IN_0, IN_1] {
        assert!(world.told(host, "runs another version of the file"), "{}", story(&world));
        let shown = gateway(&mut world, host);
        assert_eq!(shown.twin.unwrap().same_file, Some(false));
        assert!(shown.warnings.iter().any(|warning| warning.code == "twin_other_file"), "{:?}", shown.warnings);
    }
    world.reload(IN_1, &format!("# moved\n{other}"), None).unwrap();
    world.run_until(Duration::from_millis(50), |_| false);
    for host in [IN_0, IN_1] {
        assert!(world.told(host, "runs the same file again"), "{}", story(&world));
        assert!(gateway(&mut world, host).warnings.is_empty());
    }
}

#[test]
fn after_a_partition_both_converge_and_in_it_no_route_leads_over_the_twin() {
    for seed in 0..10 {
        let mut world = at_rest(seed, &paired());
        world.silence(IN_0, "eth1", true);
        // In the middle of it the one loses its tunnels: what it knew of the twin must not be used.
        world.run_until(Duration::from_millis(500), |_| false);
        world.set_link(IN_0, "tun1", false);
        world.set_link(IN_0, "tun2", false);
        world.run_until(Duration::from_secs(3), |_| false);
        assert_eq!(ways(&world, IN_0, SHARED), [0_u32; 0], "seed {seed}: {}", story(&world));
        assert_eq!(ways(&world, IN_1, SHARED), [2, 3]);
        for host in [IN_0, IN_1] {
            assert!(world.told(host, "has said nothing for"), "{}", story(&world));
            assert_eq!(gateway(&mut world, host).twin.unwrap().state, TwinState::Silent);
        }
        world.silence(IN_0, "eth1", false);
        let over = |world: &World| ways(world, IN_0, SHARED) == [4] && ways(world, IN_1, SHARED) == [2, 3];
        assert!(world.run_until(Duration::from_secs(5), over), "seed {seed}: {}", story(&world));
        assert!(!world.told(IN_0, "was started anew"), "{}", story(&world));
        world.set_link(IN_0, "tun1", true);
        world.set_link(IN_0, "tun2", true);
        assert!(world.run_until(Duration::from_secs(60), rests), "seed {seed}: {}", story(&world));
    }
}

#[test]
fn a_twin_whose_daemon_is_killed_is_waited_for_and_known_as_started_anew() {
    let mut world = at_rest(5, &paired());
    world.kill(IN_1);
    world.run_until(Duration::from_secs(2), |_| false);
    assert_eq!(gateway(&mut world, IN_0).twin.unwrap().state, TwinState::Silent, "{}", story(&world));
    assert_eq!(ways(&world, IN_0, SHARED), [2, 3]);
    world.start(IN_1);
    let back = |world: &World| world.told(IN_0, "was started anew (seen 1 times)") && world.told(IN_0, "speaks again");
    assert!(world.run_until(Duration::from_secs(5), back), "{}", story(&world));
    assert!(world.run_until(Duration::from_secs(40), rests), "{}", story(&world));
    assert_eq!(gateway(&mut world, IN_0).twin.unwrap().restarts, 1);
}

#[test]
fn a_twin_that_is_stopped_says_so_and_its_routes_go_by_message() {
    let mut world = at_rest(6, &paired());
    world.set_link(IN_0, "tun1", false);
    world.set_link(IN_0, "tun2", false);
    world.run_until(Duration::from_secs(1), |_| false);
    assert_eq!(ways(&world, IN_0, SHARED), [4]);
    world.tell(IN_1, Input::Stop);
    let gone = |world: &World| world.told(IN_0, "is being stopped, as it says") && ways(world, IN_0, SHARED).is_empty();
    assert!(world.run_until(Duration::from_millis(50), gone), "{}", story(&world));
    world.run_until(Duration::from_secs(30), |_| false);
    assert!(!world.told(IN_0, "has said nothing for"), "{}", story(&world));
    assert_eq!(gateway(&mut world, IN_0).twin.unwrap().state, TwinState::Left);
}

#[test]
fn one_instance_alone_serves_and_a_restart_does_not_wait_for_a_twin_that_does_not_speak() {
    let mut world = pair_of(7, &paired());
    for host in [IN_0, HQ_1, HQ_2] {
        world.start(host);
    }
    let serves = |world: &World| ways(world, IN_0, SHARED) == [2, 3];
    assert!(world.run_until(Duration::from_secs(20), serves), "{}", story(&world));
    assert!(!world.told(IN_0, "the twin"), "one that never came is no news: {}", story(&world));
    assert_eq!(gateway(&mut world, IN_0).twin.unwrap().state, TwinState::NeverSeen);
    world.kill(IN_0);
    world.start(IN_0);
    let followed = |world: &World| world.told(IN_0, "the kernel follows the RIB now") && serves(world);
    assert!(world.run_until(Duration::from_secs(12), followed), "{}", story(&world));
}

#[test]
fn hellos_that_are_lost_and_overtake_each_other_make_no_alarm_and_those_that_are_late_do() {
    let mut world = at_rest(8, &paired());
    world.hello_loss = 8;
    world.hello_delay = Duration::from_millis(150);
    world.run_until(Duration::from_secs(60), |_| false);
    assert!(!world.told(IN_0, "has said nothing") && !world.told(IN_0, "was started anew"), "{}", story(&world));
    assert!(gateway(&mut world, IN_0).twin.unwrap().lost > 10);
    world.hello_loss = 0;
    world.hello_delay = Duration::from_millis(1_500);
    let slow = |world: &World| world.told(IN_0, "is slow") || world.told(IN_0, "was not heard for");
    assert!(world.run_until(Duration::from_secs(60), slow), "{}", story(&world));
    world.hello_delay = Duration::ZERO;
    let steady = |world: &World| world.told(IN_0, "is heard in time again") || world.told(IN_0, "speaks again");
    assert!(world.run_until(Duration::from_secs(20), steady), "{}", story(&world));
}

#[test]
fn a_device_that_prefers_one_instance_does_not_pull_the_others_traffic_over_the_twin() {
    let mut world = pair_of(9, &paired());
    // Both devices make their paths to in-1 longer.
    let policy = "[[policy]]\nname = \"longer\"\nrule = [{ set = { prepend = 3 }, then = \"accept\" }]\n";
    for host in [HQ_1, HQ_2] {
        let file = world.hosts[host].file.clone();
        let (before, second) = file.split_at(file.find("name = \"in-1\"").unwrap());
        let second = second.replacen("export = [\"accept\"]", "export = [\"longer\"]", 1);
        world.hosts[host].file = format!("{before}{second}\n{policy}");
    }
    for host in [IN_0, IN_1, HQ_1, HQ_2] {
        world.start(host);
    }
    assert!(world.run_until(Duration::from_secs(60), rests), "{}", story(&world));
    world.run_until(Duration::from_secs(5), |_| false);
    assert_eq!((ways(&world, IN_0, SHARED), ways(&world, IN_1, SHARED)), (vec![2, 3], vec![2, 3]), "{}", story(&world));
}
