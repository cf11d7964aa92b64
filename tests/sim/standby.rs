//! Active-standby: one instance has the sessions, the other takes over, and nobody else.

use std::time::Duration;

use twinspan::control::api::{Gateway, Reply, Request, RoleState, RoleWish};
use twinspan::speaker::Input;

use crate::twin::{pair_of, paired};
use crate::world::World;
use crate::{HQ_1, HQ_2, IN_0, IN_1, story};

const SITE: &str = "10.51.8.0/24";

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The gateway in active-standby, with a network side to ask and more in its file.
fn file(more: &str) -> String {
    let text = paired().replace("mode = \"active-active\"", "mode = \"active-standby\"");
    let text = text.replace("twin-link =", "network-interface = \"eth0\"\ntwin-link =");
    format!("{text}\n{more}\n")
}

fn gateway(world: &mut World, host: usize) -> Gateway {
    match world.ask(host, &Request::Gateway) {
        Ok(Reply::Gateway(gateway)) => *gateway,
        other => panic!("{other:?}"),
    }
}

fn state(world: &mut World, host: usize) -> RoleState {
    gateway(world, host).role.unwrap().role
}

/// The host has a way to the first site through its own tunnel.
fn serves(world: &World, host: usize) -> bool {
    let members = world.hosts[host].kernel.members(SITE);
    members.iter().any(|(hop, _)| hop.link.get() == 2)
}

/// Both run, all is at rest, and in-0 is active.
fn at_rest(seed: u64) -> World {
    at_rest_with(seed, "")
}

fn at_rest_with(seed: u64, more: &str) -> World {
    let mut world = pair_of(seed, &file(more));
    for host in [IN_0, IN_1, HQ_1, HQ_2] {
        world.start(host);
    }
    assert!(world.run_until(seconds(60), |world| serves(world, IN_0)), "{}", story(&world));
    world.run_until(seconds(15), |_| false);
    assert_eq!([IN_0, IN_1].map(|host| state(&mut world, host)), [RoleState::Active, RoleState::Standby]);
    world
}

/// How long it takes until that host serves.
fn takeover(world: &mut World, host: usize) -> Duration {
    let began = world.now;
    assert!(world.run_until(seconds(120), |world| serves(world, host)), "{}", story(world));
    world.now.since(began)
}

#[test]
fn r1_the_active_has_the_sessions_and_the_standby_only_that_with_its_twin() {
    for seed in 0..10 {
        let mut world = at_rest(seed);
        let counts = [IN_0, IN_1].map(|host| gateway(&mut world, host).sessions.established);
        assert_eq!(counts, [3, 1], "{}", story(&world));
        // What the active learned is known to the standby, which forwards it over the twin.
        let members = world.hosts[IN_1].kernel.members(SITE);
        let ways: Vec<_> = members.iter().map(|(hop, _)| hop.link.get()).collect();
        assert_eq!(ways, [4], "{}", story(&world));
        assert!(world.hosts[IN_0].address.is_some() && world.hosts[IN_1].address.is_none());
    }
}

#[test]
fn r5_and_r6_the_standby_takes_over_from_a_killed_active_within_three_seconds() {
    for seed in 0..10 {
        let mut world = at_rest(seed);
        world.kill(IN_0);
        let took = takeover(&mut world, IN_1);
        assert!(took < seconds(3), "{took:?}: {}", story(&world));
        assert!(world.told(IN_1, "stays standby"), "as long as the kernel of the dead one has the address");
        // It comes back, and follows.
        world.start(IN_0);
        world.run_until(seconds(30), |_| false);
        assert_eq!([IN_0, IN_1].map(|host| state(&mut world, host)), [RoleState::Standby, RoleState::Active]);
        assert!(!serves(&world, IN_0) && serves(&world, IN_1), "{}", story(&world));
    }
}

#[test]
fn r5_and_r6_the_standby_takes_over_from_a_host_that_is_gone_within_two_seconds() {
    for seed in 0..10 {
        let mut world = at_rest(seed);
        world.die(IN_0);
        let took = takeover(&mut world, IN_1);
        assert!(took < seconds(2), "{took:?}: {}", story(&world));
    }
}

#[test]
fn r3_and_r4_a_planned_takeover_takes_less_than_a_second_and_back_again() {
    for seed in 0..10 {
        let mut world = at_rest(seed);
        world.ask(IN_0, &Request::Role(RoleWish::Standby, false)).unwrap();
        let took = takeover(&mut world, IN_1);
        assert!(took < seconds(1), "{took:?}: {}", story(&world));
        assert!(world.told(HQ_1, "in-0 is standby"), "{}", story(&world));
        world.run_until(seconds(10), |_| false);
        assert!(!serves(&world, IN_0) && world.hosts[IN_0].address.is_none(), "{}", story(&world));
        world.ask(IN_0, &Request::Role(RoleWish::Active, false)).unwrap();
        let took = takeover(&mut world, IN_0);
        assert!(took < seconds(1), "{took:?}: {}", story(&world));
    }
}

#[test]
fn r3_and_r4_an_active_that_is_stopped_cleanly_is_followed_within_a_second() {
    let mut world = at_rest(1);
    world.tell(IN_0, Input::Stop);
    let took = takeover(&mut world, IN_1);
    assert!(took < seconds(1), "{took:?}: {}", story(&world));
    world.run_until(seconds(5), |_| false);
    assert!(world.hosts[IN_0].address.is_none());
}

#[test]
fn a_twin_link_that_is_cut_leaves_the_active_alone_active() {
    for seed in 0..5 {
        let mut world = at_rest(seed);
        world.silence(IN_0, "eth1", true);
        world.run_until(seconds(60), |_| false);
        assert_eq!([IN_0, IN_1].map(|host| state(&mut world, host)), [RoleState::Active, RoleState::Standby]);
        assert!(gateway(&mut world, IN_1).role.unwrap().answers.is_some());
        assert!(serves(&world, IN_0) && !serves(&world, IN_1), "{}", story(&world));
        world.silence(IN_0, "eth1", false);
        world.run_until(seconds(10), |_| false);
        assert_eq!(gateway(&mut world, IN_1).role.unwrap().answers, None);
    }
}

#[test]
fn two_actives_on_both_sides_of_a_split_are_one_within_a_second_when_they_meet() {
    for seed in 0..5 {
        let mut world = at_rest(seed);
        world.silence(IN_0, "eth1", true);
        world.network_cut = true;
        takeover(&mut world, IN_1);
        world.run_until(seconds(10), |_| false);
        assert!(serves(&world, IN_0) && serves(&world, IN_1), "each serves who reaches it: {}", story(&world));
        world.network_cut = false;
        world.silence(IN_0, "eth1", false);
        assert!(world.run_until(seconds(1), |world| world.told(IN_0, "no longer active")), "{}", story(&world));
        world.run_until(seconds(10), |_| false);
        assert!(!serves(&world, IN_0) && serves(&world, IN_1), "{}", story(&world));
    }
}

#[test]
fn a_standby_whose_twin_never_came_serves_alone() {
    let mut world = pair_of(3, &file(""));
    for host in [IN_1, HQ_1, HQ_2] {
        world.start(host);
    }
    let took = takeover(&mut world, IN_1);
    assert!(took < seconds(10), "{took:?}: {}", story(&world));
}

#[test]
fn a_role_cannot_be_given_to_a_twin_that_is_not_there_unless_it_is_forced() {
    let mut world = at_rest(2);
    world.die(IN_1);
    world.run_until(seconds(5), |_| false);
    let refused = world.ask(IN_0, &Request::Role(RoleWish::Standby, false)).unwrap_err();
    assert!(refused.message.contains("in-1 is silent"), "{refused:?}");
    assert!(serves(&world, IN_0));
    world.ask(IN_0, &Request::Role(RoleWish::Standby, true)).unwrap();
    world.run_until(seconds(10), |_| false);
    assert!(!serves(&world, IN_0) && world.hosts[IN_0].address.is_none(), "{}", story(&world));
    assert_eq!(state(&mut world, IN_0), RoleState::Away);
}

#[test]
fn r32_a_mode_change_on_a_running_gateway_resets_no_session_of_the_one_that_becomes_active() {
    let mut world = pair_of(5, &paired());
    for host in [IN_0, IN_1, HQ_1, HQ_2] {
        world.start(host);
    }
    let both = |world: &World| serves(world, IN_0) && serves(world, IN_1);
    assert!(world.run_until(seconds(60), both), "{}", story(&world));
    world.run_until(seconds(10), |_| false);
    let before = world.hosts[IN_0].events.len();
    for host in [IN_0, IN_1] {
        world.reload(host, &file(""), None).unwrap();
    }
    world.run_until(seconds(20), |_| false);
    assert_eq!([IN_0, IN_1].map(|host| state(&mut world, host)), [RoleState::Active, RoleState::Standby]);
    let said = world.hosts[IN_0].events[before..].join("\n");
    assert!(!said.contains("hq-1/in-0 is down") && serves(&world, IN_0) && !serves(&world, IN_1), "{said}");
    for host in [IN_0, IN_1] {
        world.reload(host, &paired(), None).unwrap();
    }
    world.run_until(seconds(30), |_| false);
    assert!(both(&world), "{}", story(&world));
    assert!([IN_0, IN_1].iter().all(|host| world.hosts[*host].address.is_none()), "the address goes");
}
