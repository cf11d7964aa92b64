//! Tunnels that flap and tunnels that hooks take down, in whole speakers.

use std::time::Duration;

use twinspan::control::api::Request;

use super::*;

const SITE: &str = "10.52.0.0/16";

/// Both instances and devices, with damping as given.
fn damped(seed: u64, tunnel: &str) -> World {
    all_started(dual_redundancy_of(seed, &format!("{GATEWAY}\n[tunnel]\n{tunnel}\n")))
}

fn width(world: &World) -> usize {
    world.hosts[IN_0].kernel.width(SITE)
}

fn count(world: &World, words: &str) -> usize {
    world.hosts[IN_0].events.iter().filter(|event| event.contains(words)).count()
}

#[test]
fn one_tunnel_that_flaps_ten_times_a_second_for_a_minute_costs_the_others_nothing() {
    for seed in 0..10 {
        let mut world = damped(seed, "damping-first = \"1s\"");
        let operations = world.hosts[IN_0].kernel.route_operations;
        for _ in 0..600 {
            world.set_link(IN_0, "tun1", false);
            let time = Duration::from_millis(world.now.since_start().as_millis() as u64 % 20 + 40);
            assert!(!world.run_until(time, |world| width(world) == 0), "{}", story(&world));
            world.set_link(IN_0, "tun1", true);
            world.run_until(time, |_| false);
        }
        assert_eq!(count(&world, "hq-2/in-0 is down"), 0, "{}", story(&world));
        assert!(count(&world, "hq-1/in-0") < 30, "{}", story(&world));
        let extra = world.hosts[IN_0].kernel.route_operations - operations;
        assert!(extra < 100, "{extra} route operations for a tunnel that is not used");
        assert!(world.run_until(Duration::from_secs(70), all_up), "{}", story(&world));
    }
}

#[test]
fn the_first_return_is_at_once_and_each_later_one_waits_twice_as_long() {
    let mut world = damped(1, "damping-first = \"2s\"\ndamping-max = \"8s\"");
    for wait in [0, 2, 4, 8, 8] {
        world.set_link(IN_0, "tun1", false);
        world.run_until(Duration::from_millis(500), |_| false);
        world.set_link(IN_0, "tun1", true);
        let early = Duration::from_millis((wait * 1_000_u64).saturating_sub(10));
        assert!(!world.run_until(early, |world| wait > 0 && width(world) == 2), "{wait} s: {}", story(&world));
        assert!(world.run_until(Duration::from_millis(300), |world| width(world) == 2), "{wait} s: {}", story(&world));
        assert!(world.run_until(Duration::from_secs(20), all_up), "{}", story(&world));
    }
}

#[test]
fn a_hook_takes_a_tunnel_out_at_both_ends_and_it_comes_back_when_the_hook_says_so_and_nobody_else_objects() {
    for seed in 0..20 {
        let mut world = started(seed);
        let name = "hq-1/in-0".parse().unwrap();
        world.ask(IN_0, &Request::TunnelDown(name, Some("line 2".to_owned()))).unwrap();
        let out = |world: &World| width(world) == 1 && world.hosts[HQ_1].kernel.width("10.20.0.0/16") == 1;
        assert!(world.run_until(Duration::from_millis(20), out), "{}", story(&world));
        // Whatever the interface does: the hook has the last word.
        let mut chance = fastrand::Rng::with_seed(seed);
        let up = chance.bool();
        world.set_link(IN_0, "tun1", false);
        world.run_until(Duration::from_millis(chance.u64(..200)), |_| false);
        if up {
            world.set_link(IN_0, "tun1", true);
        }
        assert!(!world.run_until(Duration::from_secs(60), |world| width(world) != 1), "{}", story(&world));
        let name = "hq-1/in-0".parse().unwrap();
        world.ask(IN_0, &Request::TunnelUp(name, None)).unwrap();
        if !up {
            assert!(!world.run_until(Duration::from_secs(60), |world| width(world) != 1), "{}", story(&world));
            world.set_link(IN_0, "tun1", true);
        }
        // hq-1 has an end of its own, which may have failed twice.
        assert!(world.run_until(Duration::from_secs(20), all_up), "{}", story(&world));
        assert!(world.told(IN_0, "is up again after"), "{}", story(&world));
    }
}
