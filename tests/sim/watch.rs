//! BFD between whole speakers: what falls silent is left within the detection time, what only restarts is not left.

use std::time::Duration;

use super::world::World;
use super::*;

/// 3 packets, 100 ms apart; and what the way to the kernel takes here.
const DETECTION: Duration = Duration::from_millis(310);

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// All sessions watched, and fast.
fn watched(seed: u64) -> World {
    let bfd = |file: &str| format!("{file}\n[bfd]\nenabled = true\n");
    let mut world = dual_redundancy_of(seed, &bfd(GATEWAY));
    for (host, asn, net) in [(HQ_1, 65010, 1), (HQ_2, 65011, 2)] {
        world.hosts[host].file = bfd(&device(asn, net));
    }
    let mut world = all_started(world);
    assert!(world.run_until(millis(10_000), fast), "{}", story(&world));
    world
}

fn fast(world: &World) -> bool {
    (0..4).all(|host| world.detections(host) == [millis(300); 2])
}

fn narrow(world: &World, gateway: usize, device: usize) -> bool {
    let width = |host: usize, prefix| world.hosts[host].kernel.width(prefix);
    width(gateway, "10.52.0.0/16") == 1 && width(device, "10.20.0.0/16") == 1
}

fn without_loss(world: &mut World, time: Duration) {
    assert!(!world.run_until(time, |world| !all_up(world)), "{}", story(world));
}

#[test]
fn a_wire_that_falls_silent_is_left_by_both_kernels_within_the_detection_time_and_used_again_after_it() {
    for seed in 0..30 {
        let mut world = watched(seed);
        let mut chance = fastrand::Rng::with_seed(seed);
        world.run_until(millis(chance.u64(..500)), |_| false);
        world.silence(IN_0, "tun1", true);
        assert!(world.run_until(DETECTION, |world| narrow(world, IN_0, HQ_1)), "{}", story(&world));
        assert!(!world.told(IN_0, "hq-2/in-0 is down") && !world.told(IN_1, "is down"), "{}", story(&world));
        world.run_until(millis(chance.u64(..20_000)), |_| false);
        world.silence(IN_0, "tun1", false);
        assert!(world.run_until(millis(60_000), |world| all_up(world) && fast(world)), "{}", story(&world));
    }
}

#[test]
fn a_host_that_is_dead_is_left_within_the_detection_time_although_a_restart_would_be_waited_for() {
    for seed in 0..15 {
        for (host, others) in [(HQ_1, [IN_0, IN_1]), (IN_0, [HQ_1, HQ_2])] {
            let mut world = watched(seed);
            world.die(host);
            let (prefix, full) = if host == HQ_1 { ("10.52.0.0/16", 1) } else { ("10.20.0.0/16", 1) };
            let left = |world: &World| others.iter().all(|other| world.hosts[*other].kernel.width(prefix) == full);
            assert!(world.run_until(DETECTION, left), "{}", story(&world));
            world.start(host);
            assert!(world.run_until(millis(120_000), |world| all_up(world) && fast(world)), "{}", story(&world));
        }
    }
}

#[test]
fn a_killed_daemon_whose_bfd_goes_on_loses_no_path_and_nobody_finds_it_dead() {
    for seed in 0..10 {
        for host in [IN_0, HQ_1] {
            let mut world = watched(seed);
            let mut chance = fastrand::Rng::with_seed(seed);
            for _ in 0..2 {
                world.kill(host);
                without_loss(&mut world, millis(chance.u64(..9_000)));
                world.start(host);
                without_loss(&mut world, millis(20_000));
            }
            let found = (0..4).any(|host| world.told(host, "BFD with") && world.told(host, "no route leads over it"));
            assert!(!found, "{}", story(&world));
        }
    }
}

#[test]
fn a_daemon_that_stays_away_is_left_when_its_restart_time_is_over() {
    for seed in 0..10 {
        let mut world = watched(seed);
        world.kill(IN_0);
        without_loss(&mut world, millis(9_900));
        let left = |world: &World| [HQ_1, HQ_2].iter().all(|host| world.hosts[*host].kernel.width("10.20.0.0/16") == 1);
        assert!(world.run_until(millis(600), left), "{}", story(&world));
        let said = |world: &World| [HQ_1, HQ_2].iter().all(|host| world.told(*host, "BFD with in-0"));
        assert!(world.run_until(millis(1_000), said), "{}", story(&world));
        world.run_until(millis(20_000), |_| false);
        world.start(IN_0);
        assert!(world.run_until(millis(120_000), |world| all_up(world) && fast(world)), "{}", story(&world));
    }
}

#[test]
fn whatever_is_killed_dies_falls_silent_or_flaps_all_is_in_use_in_the_end() {
    for seed in 0..40 {
        let mut world = watched(seed);
        let mut chance = fastrand::Rng::with_seed(seed);
        for _ in 0..12 {
            let host = chance.usize(..4);
            let wire = ["tun1", "tun2"][chance.usize(..2)];
            let gateway = chance.usize(..2);
            match chance.u8(..6) {
                0 => world.kill(host),
                1 => world.die(host),
                2 => {
                    if world.hosts[host].speaker.is_none() {
                        world.start(host);
                    }
                }
                3 => world.silence(gateway, wire, true),
                4 => world.silence(gateway, wire, false),
                _ => world.set_link(gateway, wire, chance.bool()),
            }
            world.run_until(millis(chance.u64(..3_000)), |_| false);
        }
        for (host, wire) in [(IN_0, "tun1"), (IN_0, "tun2"), (IN_1, "tun1"), (IN_1, "tun2")] {
            world.set_link(host, wire, true);
            world.silence(host, wire, false);
        }
        for host in 0..4 {
            if world.hosts[host].speaker.is_none() {
                world.start(host);
            }
        }
        let whole = world.run_until(millis(240_000), |world| all_up(world) && fast(world));
        assert!(whole, "seed {seed}\n{}", story(&world));
    }
}
