//! Planned maintenance in virtual time: at no moment is somebody without a way, in whatever step anybody is killed.

use std::time::Duration;

use twinspan::control::api::{DrainOrder, ErrorCode, Reply, Request, SessionState, StandingState};

use crate::twin::{at_rest, gateway, pair_of, paired, rests, ways};
use crate::world::World;
use crate::{HQ_1, HQ_2, IN_0, IN_1, story};

const CLOUD: &str = "10.20.0.0/16";
const SHARED: &str = "10.52.0.0/16";

fn drain(world: &mut World, host: usize, force: bool) -> Result<Reply, twinspan::control::api::ApiError> {
    let order = DrainOrder { reason: Some("a new kernel".to_owned()), force, ..DrainOrder::default() };
    world.ask(host, &Request::Drain(order))
}

fn undrain(world: &mut World, host: usize) {
    world.ask(host, &Request::Undrain(DrainOrder::default())).unwrap();
}

fn standing(world: &mut World, host: usize) -> StandingState {
    gateway(world, host).standing.state
}

/// At this moment every device has a way to the cloud, and each instance one to the site.
fn served(world: &World) {
    for device in [HQ_1, HQ_2] {
        assert!(
            world.hosts[device].kernel.width(CLOUD) > 0,
            "{} has no way\n{}",
            world.hosts[device].name,
            story(world)
        );
    }
    for instance in [IN_0, IN_1] {
        assert!(
            !ways(world, instance, SHARED).is_empty(),
            "{} has no way\n{}",
            world.hosts[instance].name,
            story(world)
        );
    }
}

/// So long, and served all the time.
fn run(world: &mut World, limit: Duration, done: impl Fn(&World) -> bool) -> bool {
    world.run_until(limit, |world| {
        served(world);
        done(world)
    })
}

fn widths(world: &World, wide: usize) -> bool {
    [HQ_1, HQ_2].iter().all(|device| world.hosts[*device].kernel.width(CLOUD) == wide)
}

/// The places of these words among what a host has told, each behind the one before.
fn in_order(world: &World, host: usize, words: &[&str]) {
    let mut events = world.hosts[host].events.iter();
    for word in words {
        assert!(events.any(|event| event.contains(word)), "no \"{word}\" in its place\n{}", story(world));
    }
}

#[test]
fn r13_an_instance_that_is_drained_withdraws_before_it_stops_and_nobody_is_without_a_way() {
    for seed in 0..10 {
        let mut world = at_rest(seed, &paired());
        drain(&mut world, IN_0, false).unwrap();
        assert_eq!(standing(&mut world, IN_0), StandingState::Draining);
        let moved = run(&mut world, Duration::from_secs(2), |world| widths(world, 1));
        assert!(moved, "GRACEFUL_SHUTDOWN alone leads them away\n{}", story(&world));
        assert!(!world.told(IN_0, "withdrawn"), "{}", story(&world));
        let done = run(&mut world, Duration::from_secs(30), |world| world.told(IN_0, "in-0 is drained after"));
        assert!(done, "{}", story(&world));
        in_order(
            &world,
            IN_0,
            &[
                "about to go",
                "traffic has moved; all routes are withdrawn",
                "sessions are ended",
                "hq-1/in-0 is down",
                "is drained",
            ],
        );
        assert!(world.told(HQ_1, "a new kernel") && world.told(HQ_2, "a new kernel"), "{}", story(&world));
        assert_eq!(standing(&mut world, IN_0), StandingState::Drained);
        assert_eq!(ways(&world, IN_0, SHARED), [4], "what still comes here goes on over the twin");
        run(&mut world, Duration::from_secs(60), |_| false);
        let Ok(Reply::Neighbors(shown)) = world.ask(IN_0, &Request::Neighbors) else { panic!("no neighbors") };
        let up = |name: &str| {
            shown.neighbors.iter().any(|one| one.name.as_str() == name && one.state == SessionState::Established)
        };
        assert!(up("in-1") && !up("hq-1/in-0") && !up("hq-2/in-0"), "{}", story(&world));
        // And back: the kernel first.
        undrain(&mut world, IN_0);
        let back = run(&mut world, Duration::from_secs(60), |world| {
            if world.hosts[HQ_1].kernel.width(CLOUD) == 2 || world.hosts[HQ_2].kernel.width(CLOUD) == 2 {
                assert_eq!(ways(world, IN_0, SHARED), [2, 3], "offered before the kernel had it\n{}", story(world));
            }
            widths(world, 2) && world.told(IN_0, "in-0 is back in service")
        });
        assert!(back, "{}", story(&world));
        assert_eq!(standing(&mut world, IN_0), StandingState::Serving);
        assert!(world.hosts[IN_0].drains.is_empty());
        run(&mut world, Duration::from_secs(5), |_| false);
        assert!(rests(&world), "{}", story(&world));
    }
}

#[test]
fn r14_a_drain_goes_on_from_its_step_whenever_the_daemon_is_killed() {
    for seed in 0..60 {
        let mut world = at_rest(seed, &paired());
        drain(&mut world, IN_0, false).unwrap();
        let wait = Duration::from_millis(world.chance.u64(0..4_000));
        world.run_until(wait, |_| false);
        let kept = world.hosts[IN_0].drains.clone();
        world.kill(IN_0);
        world.run_until(Duration::from_millis(300), |_| false);
        world.start(IN_0);
        let done =
            world.run_until(Duration::from_secs(90), |world| world.told(IN_0, "in-0 is drained") && widths(world, 1));
        assert!(done, "seed {seed}, killed in {kept:?}\n{}", story(&world));
        assert_eq!(standing(&mut world, IN_0), StandingState::Drained);
        undrain(&mut world, IN_0);
        let wait = Duration::from_millis(world.chance.u64(0..1_500));
        world.run_until(wait, |_| false);
        world.kill(IN_0);
        world.start(IN_0);
        let back = world.run_until(Duration::from_secs(90), |world| widths(world, 2) && rests(world));
        assert!(back, "seed {seed}\n{}", story(&world));
        world.run_until(Duration::from_secs(40), |_| false);
        assert_eq!(standing(&mut world, IN_0), StandingState::Serving, "seed {seed}\n{}", story(&world));
    }
}

#[test]
fn r13_a_drain_is_refused_without_a_twin_that_is_ready() {
    let mut world = pair_of(3, &paired());
    for host in [IN_0, HQ_1, HQ_2] {
        world.start(host);
    }
    let up = |world: &World| ways(world, IN_0, SHARED) == [2, 3];
    assert!(world.run_until(Duration::from_secs(60), up), "{}", story(&world));
    let refused = drain(&mut world, IN_0, false).unwrap_err();
    assert_eq!(refused.code, ErrorCode::Conflict);
    let all =
        ["in-1 has not been heard of", "connection hq-1 would have no tunnel", "connection hq-2 would have no tunnel"];
    assert!(all.iter().all(|part| refused.message.contains(part)), "{}", refused.message);
    assert!(refused.hint.unwrap().contains("--force"));
    assert_eq!(standing(&mut world, IN_0), StandingState::Serving);
    drain(&mut world, IN_0, true).unwrap();
    let done = world.run_until(Duration::from_secs(60), |world| world.told(IN_0, "in-0 is drained"));
    assert!(done && world.told(IN_0, "although in-1 has not been heard of"), "{}", story(&world));
    assert!(world.told(IN_0, "not all traffic has moved within the limit"), "{}", story(&world));
}

#[test]
fn a_drain_is_refused_that_would_leave_a_connection_without_a_tunnel() {
    let mut world = at_rest(4, &paired());
    world.set_link(IN_1, "tun2", false);
    world.run_until(Duration::from_secs(2), |_| false);
    let refused = drain(&mut world, IN_0, false).unwrap_err();
    assert!(refused.message.contains("connection hq-2 would have no tunnel"), "{}", refused.message);
    assert!(!refused.message.contains("hq-1"), "{}", refused.message);
}

#[test]
fn never_both_instances_are_drained_even_if_two_people_begin_at_once() {
    for seed in 0..20 {
        let mut world = at_rest(seed, &paired());
        drain(&mut world, IN_0, false).unwrap();
        drain(&mut world, IN_1, false).unwrap();
        let both = |world: &World| [IN_0, IN_1].iter().all(|host| world.told(*host, &format!("in-{host} is drained")));
        let settled = |world: &World| {
            assert!(!both(world), "{}", story(world));
            world.told(IN_0, "in-0 is drained") && world.told(IN_1, "in-1 is back in service")
        };
        assert!(run(&mut world, Duration::from_secs(60), settled), "seed {seed}\n{}", story(&world));
        world.run_until(Duration::from_secs(1), |_| false);
        let refused = drain(&mut world, IN_1, true).unwrap_err();
        assert!(refused.message.contains("in-0 is drained"), "{}", refused.message);
    }
}

#[test]
fn a_tunnel_and_a_device_are_drained_while_the_rest_serves_on() {
    let mut world = at_rest(5, &paired());
    let order = DrainOrder { tunnel: Some("hq-1/in-0".parse().unwrap()), ..DrainOrder::default() };
    world.ask(IN_0, &Request::Drain(order.clone())).unwrap();
    let ours = |world: &World| ways(world, IN_0, SHARED) == [3];
    assert!(run(&mut world, Duration::from_secs(2), ours), "our own traffic moves first\n{}", story(&world));
    assert!(!world.told(IN_0, "sessions are ended"), "{}", story(&world));
    let done = |world: &World| world.told(IN_0, "tunnel hq-1/in-0 is drained");
    assert!(run(&mut world, Duration::from_secs(30), done), "{}", story(&world));
    assert_eq!((world.hosts[HQ_1].kernel.width(CLOUD), world.hosts[HQ_2].kernel.width(CLOUD)), (1, 2));
    assert_eq!(standing(&mut world, IN_0), StandingState::Serving);
    // The same device on the other instance now has the only tunnel of its connection.
    let device = DrainOrder { device: Some("hq-1".parse().unwrap()), ..DrainOrder::default() };
    world.ask(IN_0, &Request::Undrain(order)).unwrap();
    let back = |world: &World| widths(world, 2) && rests(world);
    assert!(run(&mut world, Duration::from_secs(60), back), "{}", story(&world));
    let refused = world.ask(IN_1, &Request::Drain(device.clone())).unwrap_err();
    assert!(refused.message.contains("connection hq-1 would have no tunnel"), "{}", refused.message);
    let Ok(Reply::Drain(drain)) = world.ask(IN_1, &Request::Drain(DrainOrder { force: true, ..device.clone() })) else {
        panic!("not drained")
    };
    assert_eq!(drain.other_instance.as_deref(), Some("in-0 does the same"));
    let done = |world: &World| [IN_0, IN_1].iter().all(|host| world.told(*host, "device hq-1 is drained"));
    // Its traffic has no other way: it is waited for in vain, for as long as the file says.
    assert!(world.run_until(Duration::from_secs(60), done), "{}", story(&world));
    assert_eq!((world.hosts[HQ_1].kernel.width(CLOUD), world.hosts[HQ_2].kernel.width(CLOUD)), (0, 2));
    assert_eq!([IN_0, IN_1].map(|host| ways(&world, host, SHARED)), [vec![3], vec![3]]);
    // The other instance is asked to bring it back.
    world.ask(IN_0, &Request::Undrain(device)).unwrap();
    let back = |world: &World| widths(world, 2) && rests(world);
    assert!(world.run_until(Duration::from_secs(60), back), "{}", story(&world));
}

#[test]
fn an_instance_that_was_away_drains_a_device_when_it_hears_of_it() {
    let mut world = at_rest(6, &paired());
    world.kill(IN_1);
    world.run_until(Duration::from_secs(30), |_| false);
    let device = DrainOrder { device: Some("hq-1".parse().unwrap()), force: true, ..DrainOrder::default() };
    let Ok(Reply::Drain(drain)) = world.ask(IN_0, &Request::Drain(device.clone())) else { panic!("not drained") };
    assert_eq!(drain.other_instance.as_deref(), Some("in-1 is not there: it does the same once it is heard of"));
    let done = |world: &World| world.told(IN_0, "device hq-1 is drained");
    assert!(world.run_until(Duration::from_secs(40), done), "{}", story(&world));
    world.start(IN_1);
    let done = |world: &World| world.told(IN_1, "device hq-1 is drained");
    assert!(world.run_until(Duration::from_secs(60), done), "{}", story(&world));
    // What was said last counts, though both were killed since.
    world.ask(IN_1, &Request::Undrain(device)).unwrap();
    let back = |world: &World| widths(world, 2) && rests(world);
    assert!(world.run_until(Duration::from_secs(60), back), "{}", story(&world));
}
