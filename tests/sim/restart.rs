//! Restarts of either side, in the kernel of the other: nothing is lost that could be kept, and nothing kept that is dead.

use std::time::Duration;

use twinspan::control::api::{DrainOrder, Request, Reset};
use twinspan::speaker::Input;

use super::world::World;
use super::*;

/// Lets so much time pass; fails as soon as a kernel lacks a path.
fn pass_without_loss(world: &mut World, time: Duration) {
    let lost = world.run_until(time, |world| !all_up(world));
    assert!(!lost, "{}", story(world));
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A gateway that leaves its routes when it is stopped.
fn that_stays(seed: u64) -> World {
    all_started(dual_redundancy_of(seed, &format!("{GATEWAY}\n[kernel]\non-stop = \"keep\"\n")))
}

/// True once every instance has told of the device's return.
fn settled(world: &World) -> bool {
    world.hosts.iter().all(|host| !host.events.iter().any(|event| event.contains("are used no longer")))
}

#[test]
fn a_device_that_is_killed_and_started_again_loses_no_path_anywhere() {
    for seed in 0..30 {
        let mut world = started(seed);
        let mut chance = fastrand::Rng::with_seed(seed);
        let operations = world.hosts[IN_0].kernel.route_operations;
        world.kill(HQ_1);
        pass_without_loss(&mut world, Duration::from_millis(chance.u64(..9_000)));
        world.start(HQ_1);
        pass_without_loss(&mut world, seconds(60));
        assert!(world.told(IN_0, "hq-1/in-0 may be restarting") && settled(&world), "{}", story(&world));
        assert_eq!(world.hosts[IN_0].kernel.route_operations, operations, "routes were written");
    }
}

#[test]
fn an_instance_that_is_killed_and_started_again_loses_no_path_anywhere() {
    for seed in 0..30 {
        let mut world = started(seed);
        let mut chance = fastrand::Rng::with_seed(seed);
        world.kill(IN_0);
        pass_without_loss(&mut world, Duration::from_millis(chance.u64(..9_000)));
        world.start(IN_0);
        pass_without_loss(&mut world, seconds(60));
        assert!(world.told(HQ_1, "in-0 may be restarting") && settled(&world), "{}", story(&world));
    }
}

#[test]
fn an_instance_that_is_stopped_to_come_back_loses_no_path_anywhere() {
    for seed in 0..20 {
        let mut world = that_stays(seed);
        world.tell(IN_0, Input::Stop);
        pass_without_loss(&mut world, seconds(3));
        assert!(world.told(HQ_1, "Administrative Reset: in-0 is being restarted"), "{}", story(&world));
        world.kill(IN_0);
        pass_without_loss(&mut world, seconds(3));
        world.start(IN_0);
        pass_without_loss(&mut world, seconds(60));
        assert!(settled(&world), "{}", story(&world));
    }
}

#[test]
fn devices_that_restart_again_before_they_are_back_lose_no_path() {
    for seed in 0..30 {
        let mut world = started(seed);
        let mut chance = fastrand::Rng::with_seed(seed);
        for _ in 0..6 {
            world.kill(HQ_1);
            pass_without_loss(&mut world, Duration::from_millis(chance.u64(..4_000)));
            world.start(HQ_1);
            pass_without_loss(&mut world, Duration::from_millis(chance.u64(..6_000)));
        }
        pass_without_loss(&mut world, seconds(120));
    }
}

#[test]
fn both_sides_that_restart_at_once_do_not_wait_for_each_other() {
    for seed in 0..20 {
        let mut world = started(seed);
        let all = [IN_0, IN_1, HQ_1, HQ_2];
        all.into_iter().for_each(|host| world.kill(host));
        world.run_until(seconds(1), |_| false);
        all.into_iter().for_each(|host| world.start(host));
        let back = |world: &World| all.iter().all(|host| world.told(*host, "the kernel follows the RIB now"));
        let limit = world.now + seconds(20);
        world.run_until(seconds(20), back);
        assert!(back(&world) && world.now < limit, "{}", story(&world));
        pass_without_loss(&mut world, seconds(60));
    }
}

#[test]
fn a_device_that_never_returns_is_waited_for_its_restart_time_and_no_longer() {
    let mut world = started(3);
    world.kill(HQ_2);
    pass_without_loss(&mut world, Duration::from_millis(9_900));
    let gone = |world: &World| {
        world.hosts[IN_0].kernel.width("10.52.0.0/16") == 1 && world.hosts[IN_0].kernel.width("10.52.8.0/24") == 0
    };
    assert!(world.run_until(seconds(1), gone), "{}", story(&world));
    assert!(world.told(IN_0, "it did not come back in time"), "{}", story(&world));
}

#[test]
fn a_tunnel_that_goes_down_while_its_device_restarts_keeps_nothing() {
    for seed in 0..20 {
        let mut world = started(seed);
        let mut chance = fastrand::Rng::with_seed(seed);
        world.kill(HQ_1);
        pass_without_loss(&mut world, Duration::from_millis(chance.u64(..9_000)));
        world.set_link(IN_0, "tun1", false);
        let narrow = |world: &World| world.hosts[IN_0].kernel.width("10.52.0.0/16") == 1;
        assert!(narrow(&world), "the kernel has dropped it");
        world.set_link(IN_0, "tun1", true);
        assert!(!world.run_until(seconds(5), |world| !narrow(world)), "{}", story(&world));
        assert!(world.told(IN_0, "are used no longer: its tunnel is down"), "{}", story(&world));
        world.start(HQ_1);
        assert!(world.run_until(seconds(60), all_up), "{}", story(&world));
    }
}

#[test]
fn a_device_that_comes_back_with_an_empty_kernel_is_believed_no_longer() {
    for seed in 0..20 {
        let mut world = started(seed);
        world.kill(HQ_1);
        pass_without_loss(&mut world, seconds(2));
        world.hosts[HQ_1].kernel.table = twinspan::fib::Table::default();
        world.start(HQ_1);
        assert!(world.run_until(seconds(60), all_up), "{}", story(&world));
        let told = world.told(IN_0, "it does not say that it went on forwarding");
        assert!(told, "{}", story(&world));
    }
}

#[test]
fn a_restarted_instance_says_nothing_of_what_it_learned_before_all_neighbors_are_back() {
    let gateway = GATEWAY.replace("asn = 65515", "asn = 65515\ntransit = true");
    let mut world = all_started(dual_redundancy_of(7, &gateway));
    let through = |world: &World| world.hosts[HQ_2].kernel.width("10.51.8.0/24");
    assert!(world.run_until(seconds(10), |world| through(world) == 2), "{}", story(&world));
    world.kill(IN_0);
    world.kill(HQ_1);
    world.start(IN_0);
    // hq-2 is back and hq-1 is not: what in-0 taught before is believed, and End-of-RIB does not come before the limit.
    let early = world.run_until(seconds(29), |world| through(world) == 0);
    assert!(!early && world.told(HQ_2, "in-0 may be restarting"), "{}", story(&world));
    assert!(world.run_until(seconds(5), |world| through(world) == 0), "{}", story(&world));
    assert!(world.told(HQ_2, "were kept of in-0 are used no longer: it has not said them again"), "{}", story(&world));
}

/// in-0 was killed, and so was hq-2, so that the start of in-0 waits for its limit; hq-1 is there.
fn that_waits(seed: u64) -> World {
    let mut world = started(seed);
    world.kill(IN_0);
    world.kill(HQ_2);
    world
}

/// Nothing leads to hq-1 any more, and all still leads to hq-2, which may come back.
fn without_hq_1(world: &World) -> bool {
    let width = |prefix| world.hosts[IN_0].kernel.width(prefix);
    assert_eq!(width("10.52.8.0/24"), 1, "of one that may come back: {}", story(world));
    (width("10.52.0.0/16"), width("10.51.8.0/24")) == (1, 0)
}

#[test]
fn after_a_start_what_is_left_of_a_neighbor_that_refuses_us_goes_at_once_whoever_else_is_waited_for() {
    for seed in 0..10 {
        let mut world = that_waits(seed);
        world.ask(HQ_1, &Request::Drain(DrainOrder { force: true, ..DrainOrder::default() })).unwrap();
        assert!(world.run_until(seconds(120), |world| world.told(HQ_1, " is drained")), "{}", story(&world));
        world.start(IN_0);
        assert!(world.run_until(seconds(3), without_hq_1), "{}", story(&world));
        assert!(!world.told(IN_0, "the kernel follows the RIB now"), "{}", story(&world));
        world.start(HQ_2);
        world.ask(HQ_1, &Request::Undrain(DrainOrder::default())).unwrap();
        assert!(world.run_until(seconds(90), all_up), "{}", story(&world));
        assert_eq!(world.hosts[IN_0].kernel.harm, Vec::<String>::new());
    }
}

#[test]
fn after_a_start_a_hard_reset_takes_what_is_left_of_the_neighbor_at_once_whoever_else_is_waited_for() {
    for seed in 0..10 {
        let mut world = that_waits(seed);
        world.start(IN_0);
        let up = |world: &World| world.told(IN_0, "hq-1/in-0 (AS 65010) is Established");
        assert!(world.run_until(seconds(20), up), "{}", story(&world));
        world.run_until(seconds(1), |_| false);
        let reset = Reset::Session { reason: None, hard: true };
        world.ask(HQ_1, &Request::ResetNeighbor("in-0".parse().unwrap(), reset)).unwrap();
        assert!(world.run_until(seconds(1), without_hq_1), "{}", story(&world));
        world.start(HQ_2);
        assert!(world.run_until(seconds(90), all_up), "{}", story(&world));
        assert_eq!(world.hosts[IN_0].kernel.harm, Vec::<String>::new());
    }
}
