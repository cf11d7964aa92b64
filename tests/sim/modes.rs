//! Resets of instances and of the gateway, and changes of its mode while it runs.

use std::time::Duration;

use twinspan::control::api::{ErrorCode, Reply, Request};

use crate::files::{Instance, site};
use crate::twin::{at_rest, pair_of, paired};
use crate::world::World;
use crate::{HQ_1, HQ_2, IN_0, IN_1, device, story};

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

/// The pair with that mode; the second device has one tunnel, without a pair of addresses.
fn mixed(mode: &str) -> String {
    let text = paired().replace("mode = \"active-active\"", &format!("mode = \"{mode}\""));
    let text = text.replace("bgp-ip = \"10.20.255.4\"", "bgp-ip = \"10.20.255.4\"\npriority = 200");
    let (before, _) = text.split_once("[[connection]]\ndevice = \"hq-2\"").unwrap();
    format!("{before}[[connection]]\ndevice = \"hq-2\"\ntunnels = [{{ instance = \"in-0\", interface = \"tun2\" }}]\n")
}

/// The second device, with the gateway at that address.
fn hq_2(gateway: &str) -> String {
    site(65011, 2, &[Instance { name: "gateway", address: gateway, local: "10.53.0.253", interface: "tun-a" }])
}

const OWN: &str = "10.20.255.4";
const BOTHS: &str = "10.20.255.30";

/// Two instances in active-active, two devices; the first has pairs, the second has none.
fn at_work(seed: u64) -> World {
    let mut world = World::new(seed);
    for name in ["in-0", "in-1"] {
        world.host(name, name, &mixed("active-active"));
    }
    world.host("hq-1", "one", &device(65010, 1));
    world.host("hq-2", "one", &hq_2(OWN));
    for host in [IN_0, IN_1] {
        world.hosts[host].narrow = true;
    }
    world.wire((IN_0, "tun1", "169.254.21.2"), (HQ_1, "tun-a", "169.254.21.1"));
    world.wire((IN_1, "tun1", "169.254.21.6"), (HQ_1, "tun-b", "169.254.21.5"));
    world.wire((IN_0, "tun2", OWN), (HQ_2, "tun-a", "10.53.0.253"));
    world.wire((IN_0, "eth1", "192.168.255.1"), (IN_1, "eth1", "192.168.255.2"));
    (0..4).for_each(|host| world.start(host));
    let up = |world: &World| world.hosts[IN_0].kernel.width(SHARED) == 2 && world.hosts[IN_1].kernel.width(SHARED) >= 1;
    assert!(world.run_until(Duration::from_secs(60), up), "{}", story(&world));
    world.run_until(Duration::from_secs(2), |_| false);
    world
}

/// Goes on, and looks all the while whether the first instance has a route.
fn watch(world: &mut World, seconds: u64) {
    for _ in 0..seconds * 100 {
        world.run_until(Duration::from_millis(10), |_| false);
        assert!(world.hosts[IN_0].kernel.width(SHARED) >= 1, "{}", story(world));
    }
}

fn session_with(world: &World, host: usize, name: &str) -> (usize, usize) {
    (times(world, host, &format!(" {name} (AS")), times(world, host, &format!(" {name} is down: ")))
}

/// Who goes over first: to active-standby the one that shall be active.
fn order(mode: &str) -> [usize; 2] {
    if mode == "active-standby" { [IN_0, IN_1] } else { [IN_1, IN_0] }
}

/// Both instances go over to a mode, and then the device to the address of the gateway in it.
fn change(world: &mut World, mode: &str, address: &str) {
    let [first, second] = order(mode);
    let planned = world.reload(first, &mixed(mode), None).unwrap().plan;
    watch(world, 5);
    let plan = world.reload(second, &mixed(mode), None).unwrap().plan;
    assert_eq!(plan.peers, planned.peers, "what peers must have is the same whichever instance is asked");
    let told: Vec<_> = plan.peers.iter().map(|peer| (peer.neighbor.to_string(), peer.address.1.to_string())).collect();
    assert_eq!(told, [("hq-2/in-0".to_owned(), address.to_owned())]);
    watch(world, 5);
    assert!(world.told(HQ_2, "gateway is down"), "{}", story(world));
    let before = session_with(world, IN_0, "hq-2/in-0").0;
    world.reload(HQ_2, &hq_2(address), None).unwrap();
    watch(world, 90);
    assert_eq!(session_with(world, IN_0, "hq-2/in-0").0, before + 1, "{}", story(world));
    assert_eq!(world.hosts[IN_0].kernel.width(SHARED), 2, "{}", story(world));
}

#[test]
fn r32_and_r33_the_mode_changes_both_ways_while_the_gateway_works() {
    for seed in 0..5 {
        let mut world = at_work(seed);
        let before = session_with(&world, IN_0, "hq-1/in-0");
        change(&mut world, "active-standby", BOTHS);
        change(&mut world, "active-active", OWN);
        // The second instance is there as before.
        let both = |world: &World| world.hosts[HQ_1].kernel.width("10.20.0.0/16") == 2;
        assert!(world.run_until(Duration::from_secs(60), both), "{}", story(&world));
        assert_eq!(session_with(&world, IN_0, "hq-1/in-0"), before, "{}", story(&world));
    }
}

#[test]
fn r34_link_local_pairs_stay_and_so_do_their_sessions() {
    for seed in 0..5 {
        let mut world = at_rest(seed, &first(&paired()));
        let before = device_sessions(&world, IN_0);
        let standby = first(&paired()).replace("mode = \"active-active\"\n", "");
        for (mode, text) in [("active-standby", standby), ("active-active", first(&paired()))] {
            for host in order(mode) {
                let done = world.reload(host, &text, None).unwrap();
                assert!(done.plan.peers.is_empty(), "nobody must change anything: {:?}", done.plan);
                watch(&mut world, 10);
            }
            assert_eq!(device_sessions(&world, IN_0), before, "{}", story(&world));
            assert_eq!(world.hosts[IN_0].kernel.width(SHARED), 2, "{}", story(&world));
            let waits = world.hosts[HQ_1].kernel.width("10.20.0.0/16") == 1;
            assert_eq!(waits, mode == "active-standby", "the second waits in one mode: {}", story(&world));
        }
    }
}

/// The file with the first instance as the one that is rather active.
fn first(text: &str) -> String {
    text.replace("bgp-ip = \"10.20.255.4\"", "bgp-ip = \"10.20.255.4\"\npriority = 200")
}

#[test]
fn r36_a_mode_change_that_is_given_up_half_way_leaves_a_working_gateway() {
    for seed in 0..5 {
        let mut world = at_work(seed);
        let before = session_with(&world, IN_0, "hq-1/in-0");
        let up = session_with(&world, IN_0, "hq-2/in-0").0;
        // One instance has gone over for a minute, the device has not followed, the other instance was never asked.
        world.reload(IN_0, &mixed("active-standby"), Some(Duration::from_secs(60))).unwrap();
        watch(&mut world, 50);
        assert!(world.told(HQ_2, "gateway is down"), "{}", story(&world));
        watch(&mut world, 100);
        assert!(world.told(IN_0, "has gone back"), "{}", story(&world));
        assert_eq!(session_with(&world, IN_0, "hq-2/in-0").0, up + 1, "{}", story(&world));
        assert_eq!(session_with(&world, IN_0, "hq-1/in-0"), before, "{}", story(&world));
        assert_eq!(world.hosts[IN_0].kernel.width(SHARED), 2, "{}", story(&world));
    }
}
