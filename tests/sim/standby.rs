//! Active-standby: one instance has the sessions, the other takes over, and nobody else.

use std::time::Duration;

use twinspan::control::api::{DrainOrder, Gateway, Neighbor, Reply, Request, RoleState, RoleWish, SessionState};
use twinspan::speaker::Input;

use crate::twin::{pair_of, paired, ways};
use crate::world::World;
use crate::{HQ_1, HQ_2, IN_0, IN_1, story};

const CLOUD: &str = "10.20.0.0/16";
const SITE: &str = "10.51.8.0/24";

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The gateway in active-standby, with a network side to ask and more in its file.
fn file(more: &str) -> String {
    let text = paired().replace("mode = \"active-active\"", "mode = \"active-standby\"");
    let text = text.replace("twin-link =", "network-interface = \"eth1\"\ntwin-link =");
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
        world.run_until(seconds(10), |_| false);
        assert!(world.told(HQ_1, "in-0 is standby"), "{}", story(&world));
        assert!(!serves(&world, IN_0) && world.hosts[IN_0].address.is_none(), "{}", story(&world));
        world.ask(IN_0, &Request::Role(RoleWish::Active, false)).unwrap();
        let took = takeover(&mut world, IN_0);
        assert!(took < seconds(1), "{took:?}: {}", story(&world));
    }
}

/// At this moment every device has a way to the cloud, and each instance one to the first site.
fn served(world: &World) {
    for host in [HQ_1, HQ_2] {
        assert!(world.hosts[host].kernel.width(CLOUD) > 0, "{host} has no way: {}", story(world));
    }
    for host in [IN_0, IN_1] {
        assert!(world.hosts[host].kernel.width(SITE) > 0, "{host} has no way: {}", story(world));
    }
}

/// The host has a session with that device.
fn meets(world: &mut World, host: usize, name: &str) -> bool {
    let Ok(Reply::Neighbors(shown)) = world.ask(host, &Request::Neighbors) else { panic!("no neighbors") };
    let up = |one: &&Neighbor| one.name.as_str() == name && one.state == SessionState::Established;
    shown.neighbors.iter().any(|one| up(&one))
}

#[test]
fn r2_to_r4_who_hands_the_role_over_forwards_until_the_other_is_ready_and_at_no_moment_is_nobody_there() {
    for seed in 0..20 {
        let mut world = at_rest(seed);
        for (from, to) in [(IN_0, IN_1), (IN_1, IN_0)] {
            world.ask(from, &Request::Role(RoleWish::Standby, false)).unwrap();
            let alone = |world: &World| {
                served(world);
                serves(world, to) && !serves(world, from)
            };
            assert!(world.run_until(seconds(4), alone), "{}", story(&world));
            assert!(world.hosts[from].address.is_none() && world.hosts[to].address.is_some());
        }
    }
}

#[test]
fn who_hands_the_role_over_to_one_that_never_gets_its_sessions_stops_after_ten_seconds() {
    let mut world = at_rest(4);
    for tunnel in ["tun1", "tun2"] {
        world.silence(IN_1, tunnel, true);
    }
    world.ask(IN_0, &Request::Role(RoleWish::Standby, false)).unwrap();
    world.run_until(seconds(9), |_| false);
    assert!(meets(&mut world, IN_0, "hq-1/in-0") && serves(&world, IN_0), "it forwards: {}", story(&world));
    assert_eq!([IN_0, IN_1].map(|host| state(&mut world, host)), [RoleState::Standby, RoleState::Active]);
    world.run_until(Duration::from_millis(1_500), |_| false);
    assert!(!meets(&mut world, IN_0, "hq-1/in-0") && !serves(&world, IN_0), "{}", story(&world));
}

#[test]
fn r13_the_active_is_drained_by_handing_over_first_and_nobody_is_without_a_way() {
    for seed in 0..10 {
        let mut world = at_rest(seed);
        world.ask(IN_0, &Request::Drain(DrainOrder::default())).unwrap();
        let drained = |world: &World| {
            served(world);
            world.told(IN_0, "in-0 is drained after")
        };
        assert!(world.run_until(seconds(30), drained), "{}", story(&world));
        assert!(world.told(IN_1, "the twin has handed it over"), "{}", story(&world));
        assert_eq!([IN_0, IN_1].map(|host| state(&mut world, host)), [RoleState::Away, RoleState::Active]);
        world.ask(IN_0, &Request::Undrain(DrainOrder::default())).unwrap();
        let back = |world: &World| {
            served(world);
            world.told(IN_0, "in-0 is back in service")
        };
        assert!(world.run_until(seconds(40), back), "{}", story(&world));
        world.run_until(seconds(15), |_| false);
        assert_eq!([IN_0, IN_1].map(|host| state(&mut world, host)), [RoleState::Standby, RoleState::Active]);
    }
}

#[test]
fn a_standby_is_drained_without_a_word_to_the_devices_and_does_not_take_over_meanwhile() {
    let mut world = at_rest(3);
    world.ask(IN_1, &Request::Drain(DrainOrder::default())).unwrap();
    let drained = |world: &World| {
        assert!(!serves(world, IN_1), "{}", story(world));
        world.told(IN_1, "in-1 is drained after")
    };
    assert!(world.run_until(seconds(30), drained), "{}", story(&world));
    assert!(!world.told(HQ_1, "in-0 is down") && serves(&world, IN_0), "{}", story(&world));
}

#[test]
fn r5_and_r6_the_standby_takes_over_when_the_vpn_daemon_of_the_active_does_not_answer() {
    for (times, limit) in [("interval = \"500ms\"\nfall = 2\n", 3), ("", 90)] {
        for seed in 0..5 {
            let mut world = pair_of(seed, &file(&format!("[health]\nvpn-command = [\"vpn\"]\n{times}")));
            for host in [IN_0, IN_1] {
                world.hosts[host].programs.insert("vpn".to_owned(), true);
            }
            for host in [IN_0, IN_1, HQ_1, HQ_2] {
                world.start(host);
            }
            assert!(world.run_until(seconds(60), |world| serves(world, IN_0)), "{}", story(&world));
            world.run_until(seconds(15), |_| false);
            world.hosts[IN_0].programs.insert("vpn".to_owned(), false);
            // Nothing passes its tunnels any more, and no carrier tells of that.
            for tunnel in ["tun1", "tun2"] {
                world.silence(IN_0, tunnel, true);
            }
            let took = takeover(&mut world, IN_1);
            assert!(took < seconds(limit), "{took:?}: {}", story(&world));
            assert!(world.told(IN_1, "the twin has handed it over"), "{}", story(&world));
        }
    }
}

#[test]
fn r5_and_r6_without_bfd_on_the_twin_link_the_standby_takes_over_within_ninety_seconds_whatever_has_happened() {
    let faults: [fn(&mut World); 3] =
        [|world| world.kill(IN_0), |world| world.die(IN_0), |world| world.pause(IN_0, false)];
    for fault in faults {
        for seed in 0..5 {
            let mut world = pair_of(seed, &file(""));
            world.blind = true;
            for host in [IN_0, IN_1, HQ_1, HQ_2] {
                world.start(host);
            }
            assert!(world.run_until(seconds(60), |world| serves(world, IN_0)), "{}", story(&world));
            world.run_until(seconds(15), |_| false);
            fault(&mut world);
            let took = takeover(&mut world, IN_1);
            assert!(took < seconds(90), "{took:?}: {}", story(&world));
            // Devices leave the old one after the hold time, and the time that they give it to restart.
            let left = |world: &World| [HQ_1, HQ_2].iter().all(|host| ways(world, *host, CLOUD) == [3]);
            assert!(world.run_until(seconds(105), left), "{}", story(&world));
        }
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
