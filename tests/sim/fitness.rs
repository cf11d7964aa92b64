//! An instance that cannot do its work says so at once, and comes back with its routes first.

use std::time::Duration;

use twinspan::control::api::StandingState;

use crate::twin::{at_rest, gateway, pair_of, paired, rests, ways};
use crate::world::World;
use crate::{HQ_1, HQ_2, IN_0, IN_1, device, story};

const CLOUD: &str = "10.20.0.0/16";
const SHARED: &str = "10.52.0.0/16";
const HEALTH: &str = "[health]\nvpn-command = [\"vpn\"]\ncommand = [\"well\"]\ninterval = \"1s\"\nfall = 3\nrise = 2\n";

fn widths(world: &World) -> [usize; 2] {
    [HQ_1, HQ_2].map(|device| world.hosts[device].kernel.width(CLOUD))
}

/// With commands that all succeed.
fn healthy(seed: u64) -> World {
    let mut world = pair_of(seed, &format!("{}\n{HEALTH}", paired()));
    for host in [IN_0, IN_1] {
        world.hosts[host].programs.extend([("vpn".to_owned(), true), ("well".to_owned(), true)]);
    }
    for host in [IN_0, IN_1, HQ_1, HQ_2] {
        world.start(host);
    }
    assert!(
        world.run_until(Duration::from_secs(60), |world| rests(world) && widths(world) == [2, 2]),
        "{}",
        story(&world)
    );
    world.run_until(Duration::from_secs(2), |_| false);
    world
}

#[test]
fn r13_an_instance_whose_vpn_daemon_does_not_answer_withdraws_at_once_by_message_and_says_why() {
    let mut world = healthy(1);
    world.hosts[IN_0].programs.insert("vpn".to_owned(), false);
    world.run_until(Duration::from_millis(1_500), |_| false);
    assert_eq!(widths(&world), [2, 2], "one failure is none\n{}", story(&world));
    assert!(
        world.run_until(Duration::from_secs(2), |world| world.told(IN_0, "cannot do its work")),
        "{}",
        story(&world)
    );
    assert!(world.run_until(Duration::from_millis(20), |world| widths(world) == [1, 1]), "{}", story(&world));
    assert!(!world.told(IN_0, "is down: "), "sessions stay\n{}", story(&world));
    let standing = gateway(&mut world, IN_0).standing;
    assert_eq!(standing.state, StandingState::Unfit);
    assert_eq!(standing.reasons, ["the VPN daemon does not answer: it ended with status 1: as told"]);
    assert_eq!(ways(&world, IN_0, SHARED), [2, 3], "what still comes is forwarded");
    world.hosts[IN_0].programs.insert("vpn".to_owned(), true);
    let back = |world: &World| widths(world) == [2, 2] && world.told(IN_0, "does its work again");
    assert!(world.run_until(Duration::from_secs(5), back), "{}", story(&world));
    assert_eq!(gateway(&mut world, IN_0).standing.state, StandingState::Serving);
}

#[test]
fn a_health_command_that_fails_now_and_then_is_no_failure() {
    let mut world = healthy(2);
    for _ in 0..20 {
        // It is asked once a second, at its own times: once or twice while it is ill, and at least once while it is well.
        for (well, so_long) in [(false, 1_900), (true, 1_200)] {
            world.hosts[IN_0].programs.insert("well".to_owned(), well);
            world.run_until(Duration::from_millis(so_long), |_| false);
        }
    }
    assert!(!world.told(IN_0, "cannot do its work"), "{}", story(&world));
    assert_eq!(widths(&world), [2, 2]);
}

#[test]
fn an_instance_that_starts_ill_offers_nothing_to_devices() {
    let mut world = pair_of(3, &format!("{}\n{HEALTH}", paired()));
    for host in [IN_0, IN_1] {
        world.hosts[host].programs.extend([("vpn".to_owned(), host == IN_1), ("well".to_owned(), true)]);
    }
    for host in [IN_0, IN_1, HQ_1, HQ_2] {
        world.start(host);
    }
    world.run_until(Duration::from_secs(30), |_| false);
    assert_eq!(widths(&world), [1, 1], "{}", story(&world));
    assert!(world.told(IN_0, "hq-1/in-0 (AS 65010) is Established"), "{}", story(&world));
}

#[test]
fn an_instance_without_a_tunnel_is_unfit_and_fit_when_one_returns() {
    let mut world = at_rest(4, &paired());
    world.set_link(IN_0, "tun1", false);
    world.run_until(Duration::from_secs(1), |_| false);
    assert_eq!(gateway(&mut world, IN_0).standing.state, StandingState::Serving);
    world.set_link(IN_0, "tun2", false);
    world.run_until(Duration::from_secs(1), |_| false);
    assert_eq!(gateway(&mut world, IN_0).standing.reasons, ["no tunnel is up"]);
    assert_eq!(ways(&world, IN_0, SHARED), [4], "what comes here goes over the twin");
    world.set_link(IN_0, "tun1", true);
    world.set_link(IN_0, "tun2", true);
    let back = |world: &World| rests(world) && widths(world) == [2, 2] && world.told(IN_0, "does its work again");
    assert!(world.run_until(Duration::from_secs(60), back), "{}", story(&world));
}

const CORE: usize = 4;
const ROUTERS: &str = r#"
[[network-router]]
name = "core-a"
address = "169.254.23.1"
asn = 65001
interface = "cloud"
local-address = "169.254.23.2"
instances = ["in-0"]

[[network-router]]
name = "core-b"
address = "169.254.23.5"
asn = 65001
interface = "cloud"
local-address = "169.254.23.6"
instances = ["in-1"]
"#;

/// Behind one device alone.
const SITE: &str = "10.51.8.0/24";

/// With a router of the cloud network that both instances teach.
fn routed(seed: u64) -> World {
    let mut world = pair_of(seed, &format!("{}\n{ROUTERS}\n{HEALTH}", paired()));
    world.host("core", "one", &device(65001, 3).replace("\"10.52.0.0/16\", ", ""));
    world.wire((IN_0, "cloud", "169.254.23.2"), (CORE, "tun-a", "169.254.23.1"));
    world.wire((IN_1, "cloud", "169.254.23.6"), (CORE, "tun-b", "169.254.23.5"));
    for host in [IN_0, IN_1] {
        world.hosts[host].programs.extend([("vpn".to_owned(), true), ("well".to_owned(), true)]);
    }
    for host in [IN_0, IN_1, HQ_1, HQ_2, CORE] {
        world.start(host);
    }
    let up = |world: &World| rests(world) && widths(world) == [2, 2] && world.hosts[CORE].kernel.width(SITE) == 2;
    assert!(world.run_until(Duration::from_secs(60), up), "{}", story(&world));
    world.run_until(Duration::from_secs(2), |_| false);
    world
}

#[test]
fn r13_network_routers_are_told_at_once_by_an_instance_that_cannot_do_its_work() {
    let mut world = routed(5);
    world.hosts[IN_0].programs.insert("well".to_owned(), false);
    assert!(
        world.run_until(Duration::from_secs(5), |world| world.told(IN_0, "cannot do its work")),
        "{}",
        story(&world)
    );
    let left = |world: &World| ways(world, CORE, SITE) == [3];
    assert!(world.run_until(Duration::from_millis(20), left), "{}", story(&world));
    world.hosts[IN_0].programs.insert("well".to_owned(), true);
    let back = |world: &World| ways(world, CORE, SITE) == [2, 3];
    assert!(world.run_until(Duration::from_secs(5), back), "{}", story(&world));
}

#[test]
fn an_instance_without_a_tunnel_is_the_last_choice_of_a_network_router_as_long_as_its_twin_forwards() {
    let mut world = routed(6);
    for tunnel in ["tun1", "tun2"] {
        world.set_link(IN_0, tunnel, false);
    }
    let direct = |world: &World| ways(world, CORE, SITE) == [3];
    assert!(world.run_until(Duration::from_secs(5), direct), "{}", story(&world));
    // The router loses the other instance, and this one still forwards over it.
    world.set_link(IN_1, "cloud", false);
    let around = |world: &World| ways(world, CORE, SITE) == [2] && ways(world, IN_0, SITE) == [4];
    assert!(world.run_until(Duration::from_secs(5), around), "{}", story(&world));
    world.run_until(Duration::from_secs(20), |_| false);
    assert!(around(&world), "{}", story(&world));
    world.set_link(IN_0, "eth1", false);
    let none = |world: &World| ways(world, CORE, SITE).is_empty();
    assert!(world.run_until(Duration::from_secs(5), none), "{}", story(&world));
}
