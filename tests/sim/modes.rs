//! Resets of instances and of the gateway, and changes of its mode while it runs.

use std::time::Duration;

use twinspan::control::api::{ErrorCode, Reply, Request};

use crate::twin::{at_rest, pair_of, paired};
use crate::world::World;
use crate::{HQ_1, HQ_2, IN_0, IN_1, story};

const SHARED: &str = "10.52.0.0/16";

/// How often a host said something with these words.
fn times(world: &World, host: usize, words: &str) -> usize {
    world.hosts[host].events.iter().filter(|event| event.contains(words)).count()
}

/// How often sessions of a host with devices came up, and went down.
fn device_sessions(world: &World, host: usize) -> (usize, usize) {
    let of = |words: &str| {
        let about = |event: &&String| event.contains(words) && event.contains("hq-");
        world.hosts[host].events.iter().filter(about).count()
    };
    (of("is Established"), of("is down: "))
}

fn message(reply: Result<Reply, twinspan::control::api::ApiError>) -> String {
    match reply {
        Ok(Reply::Done(done)) => done.message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn r31_a_reset_of_one_instance_leaves_the_other_forwarding_and_no_prefix_without_a_route() {
    for seed in 0..10 {
        let mut world = at_rest(seed, &paired());
        let (up, down) = device_sessions(&world, IN_0);
        let other = device_sessions(&world, IN_1);
        let operations = world.hosts[IN_1].kernel.route_operations;
        let said = message(world.ask(IN_0, &Request::ResetInstance(None)));
        assert_eq!(said, "in-0: 2 sessions are closed and dialled again; the one with the twin goes on");
        for _ in 0..2_000 {
            world.run_until(Duration::from_millis(10), |_| false);
            let widths = [IN_0, IN_1].map(|host| world.hosts[host].kernel.width(SHARED));
            assert!(widths[0] >= 1 && widths[1] == 2, "{widths:?}\n{}", story(&world));
        }
        assert_eq!(device_sessions(&world, IN_0), (up + 2, down + 2), "{}", story(&world));
        assert_eq!(device_sessions(&world, IN_1), other, "{}", story(&world));
        assert!(!world.told(IN_0, "in-1 is down") && !world.told(IN_1, "in-0 is down"), "{}", story(&world));
        assert_eq!(world.hosts[IN_1].kernel.route_operations, operations, "no route of the other was touched");
        assert_eq!(world.hosts[IN_0].kernel.width(SHARED), 2, "{}", story(&world));
    }
}

#[test]
fn r31_a_reset_of_both_instances_is_one_after_the_other() {
    for seed in 0..10 {
        let mut world = at_rest(seed, &paired());
        let before = [IN_0, IN_1].map(|host| device_sessions(&world, host));
        let said = message(world.ask(IN_0, &Request::ResetGateway(Some("new keys".to_owned()))));
        assert!(said.contains("in-1 follows when in-0 is back"), "{said}");
        let second = |world: &World| world.told(IN_1, "the twin, in-0, has this instance reset: 2 sessions");
        assert!(world.run_until(Duration::from_secs(70), second), "{}", story(&world));
        assert_eq!(device_sessions(&world, IN_0).0, before[0].0 + 2, "the first is back: {}", story(&world));
        let back = |world: &World| device_sessions(world, IN_1).0 == before[1].0 + 2;
        assert!(world.run_until(Duration::from_secs(70), back), "{}", story(&world));
        world.run_until(Duration::from_secs(120), |_| false);
        for host in [IN_0, IN_1] {
            assert_eq!(times(&world, host, "has this instance reset"), 1, "once each: {}", story(&world));
            assert_eq!(world.hosts[host].kernel.width(SHARED), 2, "{}", story(&world));
        }
        assert!(world.told(HQ_1, "new keys") && world.told(HQ_2, "new keys"), "{}", story(&world));
    }
}

#[test]
fn a_reset_of_the_gateway_is_refused_while_the_other_instance_does_not_hear() {
    let mut world = pair_of(1, &paired());
    world.start(IN_0);
    world.run_until(Duration::from_secs(40), |_| false);
    let error = world.ask(IN_0, &Request::ResetGateway(None)).unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(error.hint.unwrap().contains("twinspan reset instance"), "{}", story(&world));
}

#[test]
fn an_instance_that_starts_again_does_not_obey_a_reset_of_before() {
    let mut world = at_rest(3, &paired());
    message(world.ask(IN_0, &Request::ResetGateway(None)));
    let second = |world: &World| times(world, IN_1, "has this instance reset") == 1;
    assert!(world.run_until(Duration::from_secs(70), second), "{}", story(&world));
    world.kill(IN_1);
    world.start(IN_1);
    world.run_until(Duration::from_secs(60), |_| false);
    assert_eq!(times(&world, IN_1, "has this instance reset"), 1, "{}", story(&world));
}

#[test]
fn a_reset_of_a_tunnel_forgets_what_its_failures_have_cost() {
    let mut world = at_rest(4, &format!("{}\n[tunnel]\ndamping-first = \"30s\"\n", paired()));
    for _ in 0..2 {
        world.set_link(IN_0, "tun1", false);
        world.run_until(Duration::from_secs(1), |_| false);
        world.set_link(IN_0, "tun1", true);
        world.run_until(Duration::from_secs(1), |_| false);
    }
    let both = |world: &World| world.hosts[IN_0].kernel.width(SHARED) == 2;
    assert!(!world.run_until(Duration::from_secs(2), both), "it waits for quiet: {}", story(&world));
    let name = "hq-1/in-0".parse().unwrap();
    message(world.ask(IN_0, &Request::ResetTunnel(name, None)));
    assert!(world.run_until(Duration::from_secs(6), both), "{}", story(&world));
    world.set_link(IN_0, "tun2", false);
    world.run_until(Duration::from_secs(1), |_| false);
    let error = world.ask(IN_0, &Request::ResetTunnel("hq-2/in-0".parse().unwrap(), None)).unwrap_err();
    assert!(error.message.contains("interface tun2 is down"), "{error:?}");
}
