//! Whole speakers against each other in virtual time: what takes time or luck, replayed from a seed.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test may stop where it stands

mod agent;
mod bounds;
mod chaos;
mod drain;
mod faults;
mod files;
mod fitness;
mod foreign;
mod full;
mod guard;
mod happening;
mod kernel;
mod leftovers;
mod modes;
mod reload;
mod restart;
mod standby;
mod tcp;
mod trouble;
mod tunnels;
mod twin;
mod walk;
mod watch;
mod weather;
mod whole;
mod world;

use std::time::Duration;

use files::{GATEWAY, device, gateway_with};
use world::World;

const IN_0: usize = 0;
const IN_1: usize = 1;
const HQ_1: usize = 2;
const HQ_2: usize = 3;

/// Two instances, two devices, four tunnels; nothing runs yet.
fn dual_redundancy(seed: u64) -> World {
    dual_redundancy_of(seed, GATEWAY)
}

fn dual_redundancy_of(seed: u64, gateway: &str) -> World {
    let mut world = World::new(seed);
    world.host("in-0", "in-0", gateway);
    world.host("in-1", "in-1", gateway);
    world.host("hq-1", "one", &device(65010, 1));
    world.host("hq-2", "one", &device(65011, 2));
    for host in [IN_0, IN_1] {
        world.hosts[host].narrow = true;
    }
    world.wire((IN_0, "tun1", "169.254.21.2"), (HQ_1, "tun-a", "169.254.21.1"));
    world.wire((IN_1, "tun1", "169.254.21.6"), (HQ_1, "tun-b", "169.254.21.5"));
    world.wire((IN_0, "tun2", "169.254.22.2"), (HQ_2, "tun-a", "169.254.22.1"));
    world.wire((IN_1, "tun2", "169.254.22.6"), (HQ_2, "tun-b", "169.254.22.5"));
    world
}

fn all_up(world: &World) -> bool {
    let width = |host: usize, prefix| world.hosts[host].kernel.width(prefix);
    [IN_0, IN_1].iter().all(|host| width(*host, "10.52.0.0/16") == 2 && width(*host, "10.51.8.0/24") == 1)
        && [HQ_1, HQ_2].iter().all(|host| width(*host, "10.20.0.0/16") == 2)
}

fn started(seed: u64) -> World {
    all_started(dual_redundancy(seed))
}

fn all_started(mut world: World) -> World {
    for host in [IN_0, IN_1, HQ_1, HQ_2] {
        world.start(host);
    }
    assert!(world.run_until(Duration::from_secs(60), all_up), "{}", story(&world));
    world
}

fn story(world: &World) -> String {
    let lines = |host: &world::Host| format!("== {}\n{}\n{:#?}", host.name, host.events.join("\n"), host.kernel.table);
    world.hosts.iter().map(lines).collect::<Vec<_>>().join("\n")
}

#[test]
fn r18_to_r20_every_shared_prefix_has_a_path_over_every_tunnel_whatever_the_order_of_events() {
    for seed in 0..50 {
        started(seed);
    }
}

#[test]
fn a_peer_that_stops_reading_is_dropped_after_the_send_hold_time_and_holds_nothing_up() {
    let mut world =
        all_started(dual_redundancy_of(5, &gateway_with("send-hold-time = \"8s\"\ngraceful-restart = false")));
    world.deaf.insert(HQ_1);
    let dropped = |world: &World| {
        [IN_0, IN_1].iter().all(|host| world.told(*host, "hq-1/in") && world.told(*host, "send hold timer expired"))
    };
    // The next KEEPALIVE is not taken, and 8 to 9 s later it is over: long before the hold time of 90 s.
    assert!(world.run_until(Duration::from_secs(40), dropped), "{}", story(&world));
    assert!(world.stuck.is_empty(), "what was queued is forgotten");
    let spared = |world: &World| {
        [IN_0, IN_1]
            .iter()
            .all(|host| world.hosts[*host].kernel.width("10.52.0.0/16") == 1 && !world.told(*host, "hq-2/in-0 is down"))
    };
    assert!(world.run_until(Duration::from_secs(1), spared), "{}", story(&world));
    world.deaf.clear();
    assert!(world.run_until(Duration::from_secs(60), all_up), "{}", story(&world));
}

#[test]
fn an_instance_that_is_about_to_go_is_the_last_choice_of_every_device() {
    let mut world = dual_redundancy_of(6, &gateway_with("graceful-shutdown = true"));
    // The same file with the key in one instance's: the other one stays as it was.
    world.hosts[IN_1].file = GATEWAY.to_owned();
    for host in [IN_0, IN_1, HQ_1, HQ_2] {
        world.start(host);
    }
    let left = |world: &World| {
        let members = |host: usize| world.hosts[host].kernel.members("10.20.0.0/16");
        [HQ_1, HQ_2].iter().all(|host| members(*host).len() == 1)
            && [IN_0, IN_1].iter().all(|host| world.hosts[*host].kernel.width("10.52.0.0/16") == 2)
    };
    assert!(world.run_until(Duration::from_secs(60), left), "{}", story(&world));
    let second = [HQ_1, HQ_2].map(|host| world.hosts[host].kernel.members("10.20.0.0/16")[0].0.link.get());
    assert_eq!(second, [3, 3], "the tunnels to in-1");
}

/// A device whose routes say how wide its link is, in octets per second.
fn device_of_width(asn: u32, net: u8, width: u32) -> String {
    let policy = format!(
        "[[policy]]\nname = \"width\"\nrule = [{{ set = {{ add-ext-communities = [\"bandwidth:{asn}:{width}\"] }}, then = \"accept\" }}]\n"
    );
    format!("{}\n{policy}", device(asn, net).replace("export = [\"accept\"]", "export = [\"width\"]"))
}

#[test]
fn traffic_is_shared_as_the_devices_links_are_wide() {
    let mut world = dual_redundancy_of(7, &format!("{GATEWAY}\n[ecmp]\nweights = \"link-bandwidth\"\n"));
    world.hosts[HQ_1].file = device_of_width(65010, 1, 125_000_000);
    world.hosts[HQ_2].file = device_of_width(65011, 2, 12_500_000);
    let world = all_started(world);
    for host in [IN_0, IN_1] {
        let members = world.hosts[host].kernel.members("10.52.0.0/16");
        let mut weights: Vec<_> = members.iter().map(|(hop, weight)| (hop.link.get(), weight.get())).collect();
        weights.sort_unstable();
        assert_eq!(weights, [(2, 10), (3, 1)], "{}", story(&world));
    }
}

#[test]
fn traffic_is_shared_as_the_file_says_and_by_policy() {
    let policy = "[[policy]]\nname = \"mine\"\nrule = [{ prefixes = \"10.52.0.0/16\", set = { weight = 9 }, then = \"accept\" }, { then = \"accept\" }]";
    let one = GATEWAY.replace("asn = 65010\n", "asn = 65010\nbgp = { weight = 3, import = [\"mine\"] }\n");
    let world = all_started(dual_redundancy_of(8, &format!("{one}\n{policy}\n")));
    let mut weights: Vec<_> =
        world.hosts[IN_0].kernel.members("10.52.0.0/16").iter().map(|(_, weight)| weight.get()).collect();
    weights.sort_unstable();
    assert_eq!(weights, [1, 9], "{}", story(&world));
}

#[test]
fn a_tunnel_that_goes_and_returns_leaves_and_joins_its_group_under_its_id() {
    let mut world = started(9);
    let site = |world: &World| world.hosts[IN_0].kernel.table.routes.get(&"10.52.0.0/16".parse().unwrap()).copied();
    let before = site(&world);
    world.set_link(IN_0, "tun1", false);
    let width = |wanted: usize| move |world: &World| world.hosts[IN_0].kernel.width("10.52.0.0/16") == wanted;
    assert!(world.run_until(Duration::from_secs(5), width(1)), "{}", story(&world));
    world.run_until(Duration::from_secs(2), |_| false);
    assert_eq!(site(&world), before, "also when its neighbor has been forgotten");
    world.set_link(IN_0, "tun1", true);
    assert!(world.run_until(Duration::from_secs(60), width(2)), "{}", story(&world));
    assert_eq!(site(&world), before);
}

#[test]
fn r13_a_stopped_instance_is_left_by_message_and_cleans_its_kernel() {
    let mut world = started(1);
    world.tell(IN_1, twinspan::speaker::Input::Stop);
    let gone = |world: &World| {
        [HQ_1, HQ_2].iter().all(|host| world.hosts[*host].kernel.width("10.20.0.0/16") == 1)
            && world.hosts[IN_1].kernel.table == twinspan::fib::Table::default()
    };
    assert!(world.run_until(Duration::from_secs(1), gone), "{}", story(&world));
    assert!(world.told(HQ_1, "Administrative Shutdown"), "{}", story(&world));
}

#[test]
fn after_a_kill_the_next_start_rewrites_no_route_that_is_still_wanted() {
    let mut world = started(2);
    let before = world.hosts[IN_0].kernel.table.clone();
    world.kill(IN_0);
    world.run_until(Duration::from_secs(1), |_| false);
    assert_eq!(world.hosts[IN_0].kernel.table, before, "a dead daemon's routes stay");
    let operations = world.hosts[IN_0].kernel.route_operations;
    world.start(IN_0);
    let back = |world: &World| world.told(IN_0, "the kernel follows the RIB now") && all_up(world);
    assert!(world.run_until(Duration::from_secs(60), back), "{}", story(&world));
    assert_eq!(world.hosts[IN_0].kernel.route_operations, operations, "routes were written");
    assert_eq!(world.hosts[IN_0].kernel.table, before);
}

#[test]
fn a_route_that_nobody_teaches_any_more_goes_after_a_restart() {
    let mut world = started(3);
    world.kill(IN_0);
    world.kill(HQ_2);
    world.start(IN_0);
    let swept = |world: &World| {
        world.hosts[IN_0].kernel.width("10.52.0.0/16") == 1 && world.hosts[IN_0].kernel.width("10.52.8.0/24") == 0
    };
    assert!(world.run_until(Duration::from_secs(60), swept), "{}", story(&world));
    assert!(world.told(IN_0, "the limit has passed without hq-2/in-0"), "{}", story(&world));
}

#[test]
fn a_tunnel_that_is_down_at_a_restart_holds_nothing_up() {
    let mut world = started(4);
    world.kill(IN_0);
    world.set_link(IN_0, "tun2", false);
    world.start(IN_0);
    let swept = |world: &World| {
        world.told(IN_0, "the kernel follows the RIB now") && world.hosts[IN_0].kernel.width("10.52.8.0/24") == 0
    };
    assert!(world.run_until(Duration::from_secs(20), swept), "{}", story(&world));
    assert_eq!(world.hosts[IN_0].kernel.width("10.52.0.0/16"), 1, "{}", story(&world));
}

#[test]
fn tunnels_that_flap_at_random_end_with_every_path_back() {
    for seed in 0..30 {
        let mut world = started(seed);
        let mut chance = fastrand::Rng::with_seed(seed);
        for _ in 0..20 {
            let host = [IN_0, IN_1][chance.usize(..2)];
            let tunnel = ["tun1", "tun2"][chance.usize(..2)];
            world.set_link(host, tunnel, false);
            world.run_until(Duration::from_millis(chance.u64(..3_000)), |_| false);
            world.set_link(host, tunnel, true);
            world.run_until(Duration::from_millis(chance.u64(..3_000)), |_| false);
        }
        assert!(world.run_until(Duration::from_secs(120), all_up), "seed {seed}\n{}", story(&world));
    }
}

#[test]
fn no_dial_is_lost_on_a_tunnel_that_has_no_route_yet() {
    for seed in 0..20 {
        let world = started(seed);
        let failed = [IN_0, IN_1].iter().any(|host| world.told(*host, "Network is unreachable"));
        assert!(!failed, "{}", story(&world));
    }
}

#[test]
fn with_one_neighbor_that_never_comes_changes_of_the_others_are_followed_at_once() {
    let mut world = dual_redundancy(4);
    world.start(IN_0);
    world.start(HQ_1);
    let width = |world: &World| world.hosts[IN_0].kernel.width("10.52.0.0/16");
    assert!(world.run_until(Duration::from_secs(20), |world| width(world) == 1), "{}", story(&world));
    world.tell(HQ_1, twinspan::speaker::Input::Stop);
    assert!(world.run_until(Duration::from_secs(1), |world| width(world) == 0), "{}", story(&world));
}

#[test]
fn a_flap_that_nobody_told_of_is_found_and_put_right() {
    for seed in 0..20 {
        let mut world = started(seed);
        let before = world.hosts[IN_0].kernel.table.clone();
        world.flap_unseen(IN_0, "tun1");
        assert!(!all_up(&world), "the kernel dropped what was on the interface");
        if seed % 2 == 0 {
            // More happens while the kernel is read.
            world.set_link(IN_0, "tun2", false);
            world.set_link(IN_0, "tun2", true);
        }
        assert!(world.run_until(Duration::from_secs(60), all_up), "seed {seed}\n{}", story(&world));
        if seed % 2 == 1 {
            assert_eq!(world.hosts[IN_0].kernel.table, before, "seed {seed}");
        }
    }
}

#[test]
fn flaps_seen_and_unseen_end_with_every_path_back() {
    for seed in 0..30 {
        let mut world = started(seed);
        let mut chance = fastrand::Rng::with_seed(seed);
        for _ in 0..20 {
            let host = [IN_0, IN_1][chance.usize(..2)];
            let tunnel = ["tun1", "tun2"][chance.usize(..2)];
            if chance.bool() {
                world.flap_unseen(host, tunnel);
            } else {
                world.set_link(host, tunnel, false);
                world.run_until(Duration::from_micros(chance.u64(..3_000)), |_| false);
                world.set_link(host, tunnel, true);
            }
            world.run_until(Duration::from_micros(chance.u64(..3_000)), |_| false);
        }
        assert!(world.run_until(Duration::from_secs(120), all_up), "seed {seed}\n{}", story(&world));
    }
}
