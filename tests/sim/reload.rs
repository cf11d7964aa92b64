//! Another configuration on an instance that runs: what differs is changed, and nothing else.

mod keys;

use std::time::Duration;

use twinspan::config::{Class, Fate, KEYS, Key};
use twinspan::speaker::ReloadError;

use crate::files::{Instance, site};
use crate::world::World;
use keys::{BASE, CHANGES, FIXED, SPECIAL, base, edited, special};

const IN_0: usize = 0;

/// One instance with a neighbor of each kind, all Established and told of everything.
fn running(seed: u64, file: &str) -> World {
    let mut world = World::new(seed);
    world.host("in-0", "in-0", file);
    let peers = [
        ("hq-1", 65010, 1, "tun1", "169.254.21.2", "169.254.21.1"),
        ("hq-2", 65011, 2, "tun2", "10.20.255.4", "10.53.0.253"),
        ("core-1", 65001, 3, "tun3", "169.254.23.2", "169.254.23.1"),
        ("other-1", 65020, 4, "tun4", "169.254.24.2", "169.254.24.1"),
        ("branch", 65030, 5, "tun5", "169.254.25.2", "10.9.0.1"),
        ("east", 65516, 6, "tun6", "10.20.255.4", "169.254.26.1"),
    ];
    for (name, asn, net, interface, local, remote) in peers {
        let instance = Instance { name: "in-0", address: local, local: remote, interface: "tun-a" };
        let file = format!("{}\n[bgp]\nconnect-retry = \"1s\"\n", site(asn, net, &[instance]));
        let host = world.host(name, "one", &file);
        world.wire((IN_0, interface, local), (host, "tun-a", remote));
    }
    (0..7).for_each(|host| world.start(host));
    let up = |world: &World| {
        let up = world.hosts[IN_0].events.iter().filter(|event| event.contains("is Established")).count();
        up == 6 && [4, 5].iter().all(|net| world.hosts[IN_0].kernel.width(&format!("10.5{net}.8.0/24")) == 1)
    };
    assert!(world.run_until(Duration::from_secs(60), up), "{:#?}", world.hosts[IN_0].events);
    world.run_until(Duration::from_secs(2), |_| false);
    world
}

/// What a reload did, as it is seen from outside.
fn seen(world: &mut World, file: &str) -> Class {
    let before = world.hosts[IN_0].events.len();
    let done = match world.reload(IN_0, file, None) {
        Ok(done) => done,
        Err(ReloadError::Restart(_)) => return Class::Restart,
        Err(error) => panic!("{error}"),
    };
    world.run_until(Duration::from_secs(10), |_| false);
    let told = &world.hosts[IN_0].events[before..];
    let sessions = ["is down", "is Established", "no session with", "does not exist"];
    let touched = told.iter().any(|event| sessions.iter().any(|words| event.contains(words)));
    match (touched || done.plan.class() == Class::Session, done.soft) {
        (true, _) => {
            assert!(touched, "the plan says that sessions end or begin, and none did: {:?}", done.plan);
            Class::Session
        }
        (false, true) => Class::Soft,
        (false, false) => {
            assert_eq!(done.sends, 0, "messages for nothing");
            Class::None
        }
    }
}

fn find(path: &str) -> &'static Key {
    KEYS.iter().find(|key| key.path() == path).unwrap_or_else(|| panic!("{path} is no key"))
}

fn is_one_table(key: &Key) -> bool {
    key.kind == "table"
}

#[test]
fn every_key_costs_what_its_class_says() {
    let mut wrong = Vec::new();
    let plain = CHANGES.iter().map(|change| (base(), BASE, change));
    let special = SPECIAL.iter().map(|change| (special(), "", change));
    for (before, template, (path, from, to)) in plain.chain(special) {
        let text = if template.is_empty() { &before } else { template };
        let after = edited(text, path, from, to);
        let mut world = running(7, &before);
        let (class, found) = (find(path).class(), seen(&mut world, &after));
        if class != found {
            wrong.push(format!("{path}: the table says {class}, and a change of it costs {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_key_has_a_change_that_shows_its_class() {
    for key in KEYS.iter().filter(|key| !is_one_table(key)) {
        let path = key.path();
        let shown = CHANGES.iter().chain(SPECIAL).any(|(known, ..)| *known == path) || FIXED.contains(&path.as_str());
        assert!(
            shown,
            "{path}: give CHANGES in tests/sim/reload/keys.rs a change of it, so that its class is seen to be true"
        );
    }
}

#[test]
fn a_reload_that_changes_nothing_says_nothing_and_touches_nothing() {
    for seed in 0..10 {
        let mut world = running(seed, &base());
        let (table, operations) = (world.hosts[IN_0].kernel.table.clone(), world.hosts[IN_0].kernel.route_operations);
        let heard: Vec<_> = world.hosts.iter().map(|host| host.events.len()).collect();
        for text in [base(), format!("# a comment\n{}\n[bgp]\nhold-time = \"90s\"\n", base())] {
            let done = world.reload(IN_0, &text, None).unwrap();
            assert!(!done.soft && done.sends == 0 && done.plan.is_empty(), "{:?}", done.plan);
        }
        world.run_until(Duration::from_secs(5), |_| false);
        assert_eq!(world.hosts[IN_0].kernel.table, table);
        assert_eq!(world.hosts[IN_0].kernel.route_operations, operations);
        let after: Vec<_> = world.hosts.iter().map(|host| host.events.len()).collect();
        assert_eq!(after[1..], heard[1..], "a neighbor heard of it");
    }
}

#[test]
fn there_and_back_again_ends_where_it_began() {
    let all = CHANGES.iter().filter(|(path, ..)| find(path).class() != Class::Restart);
    for (seed, (path, from, to)) in (0..).zip(all) {
        let mut world = running(seed, &base());
        let table = world.hosts[IN_0].kernel.table.routes.keys().copied().collect::<Vec<_>>();
        let there = world.reload(IN_0, &edited(BASE, path, from, to), None).unwrap();
        world.run_until(Duration::from_secs(5), |_| false);
        world.reload(IN_0, &base(), None).unwrap();
        let back = |world: &World| {
            let host = &world.hosts[IN_0];
            let plan = host.speaker.as_ref().unwrap().plan(&parsed(&base()));
            plan.is_empty()
                && plan.changes.is_empty()
                && host.kernel.table.routes.keys().copied().eq(table.iter().copied())
        };
        let came_back = world.run_until(Duration::from_secs(120), back);
        assert!(came_back, "{path}: {:?}\n{}", there.plan, world.hosts[IN_0].events.join("\n"));
    }
}

fn parsed(text: &str) -> twinspan::config::Config {
    twinspan::config::parse("sim.toml", text).unwrap().0
}

#[test]
fn a_session_that_the_change_is_not_about_goes_on() {
    let mut world = running(3, &base());
    let done = world.reload(IN_0, &base().replace("asn = 65011", "asn = 65012"), None).unwrap();
    let reset: Vec<_> = done.plan.sessions.iter().filter(|session| session.fate == Fate::Reset).collect();
    assert_eq!(reset.len(), 1, "{:?}", done.plan);
    world.run_until(Duration::from_secs(30), |_| false);
    assert!(world.told(2, "Other Configuration Change"), "{:#?}", world.hosts[2].events);
    for host in [1, 3, 4, 5] {
        assert!(!world.told(host, "is down"), "{:#?}", world.hosts[host].events);
    }
}

#[test]
fn a_device_that_is_removed_is_told_so_and_one_that_is_added_comes_up() {
    let connection = "[[connection]]\ndevice = \"hq-2\"\ntunnels = [{ instance = \"in-0\", interface = \"tun2\" }]";
    let fewer = base().replacen(connection, "", 1);
    let mut world = running(4, &base());
    world.reload(IN_0, &fewer, None).unwrap();
    world.run_until(Duration::from_secs(5), |_| false);
    assert!(world.told(2, "Peer De-configured"), "{:#?}", world.hosts[2].events);
    assert_eq!(world.hosts[IN_0].kernel.width("10.52.8.0/24"), 0);
    let host_route = "10.53.0.253/32".parse().unwrap();
    assert!(!world.hosts[IN_0].kernel.table.routes.contains_key(&host_route), "its host route goes with it");
    world.reload(IN_0, &base(), None).unwrap();
    let back = |world: &World| world.hosts[IN_0].kernel.width("10.52.8.0/24") == 1;
    assert!(world.run_until(Duration::from_secs(30), back), "{:#?}", world.hosts[IN_0].events);
}

#[test]
fn neighbors_hear_of_new_and_gone_prefixes_and_of_nothing_else() {
    let mut world = running(5, &base());
    let at = |world: &World, prefix: &str| world.hosts[1].kernel.width(prefix);
    assert_eq!(at(&world, "10.20.0.0/16"), 1);
    let operations = world.hosts[1].kernel.route_operations;
    let done = world.reload(IN_0, &base().replace("\"10.20.0.0/16\"", "\"10.30.0.0/16\""), None).unwrap();
    assert_eq!(done.plan.class(), Class::Soft);
    world.run_until(Duration::from_secs(2), |_| false);
    assert_eq!((at(&world, "10.20.0.0/16"), at(&world, "10.30.0.0/16")), (0, 1), "{:#?}", world.hosts[1].events);
    assert_eq!(world.hosts[1].kernel.route_operations - operations, 2, "one route gone, one new");
}

#[test]
fn a_reload_that_nobody_confirms_goes_back_by_itself() {
    let mut world = running(6, &base());
    let wrong = base().replace("asn = 65011", "asn = 65012");
    world.reload(IN_0, &wrong, Some(Duration::from_secs(60))).unwrap();
    world.run_until(Duration::from_secs(30), |_| false);
    let second = world.reload(IN_0, &base(), None).map(|_| ()).unwrap_err();
    assert_eq!(second, ReloadError::Unconfirmed(30), "one at a time");
    assert!(world.told(IN_0, "no session with hq-2/in-0"), "{:#?}", world.hosts[IN_0].events);
    let back = |world: &World| world.hosts[IN_0].kernel.width("10.52.8.0/24") == 1;
    assert!(!back(&world));
    assert!(world.run_until(Duration::from_secs(60), back), "{:#?}", world.hosts[IN_0].events);
    assert!(world.told(IN_0, "has gone back"), "{:#?}", world.hosts[IN_0].events);
    assert!(!world.told(1, "is down"), "the others noticed nothing");
}

#[test]
fn a_reload_that_is_confirmed_stays() {
    let mut world = running(8, &base());
    let other = base().replace("prefixes = [\"10.20.0.0/16\"]", "prefixes = [\"10.30.0.0/16\"]");
    world.reload(IN_0, &other, Some(Duration::from_secs(60))).unwrap();
    let mut out = Vec::new();
    let speaker = world.hosts[IN_0].speaker.as_mut().unwrap();
    assert!(speaker.confirm(&mut out) && !speaker.confirm(&mut out), "it can be confirmed once");
    world.run_until(Duration::from_secs(120), |_| false);
    assert_eq!(world.hosts[1].kernel.width("10.30.0.0/16"), 1);
    assert!(!world.told(IN_0, "has gone back"));
}

#[test]
fn reloads_under_a_storm_of_changes_end_as_the_last_one_says() {
    for seed in 0..20 {
        let mut world = running(seed, &base());
        let mut chance = fastrand::Rng::with_seed(seed);
        let soft: Vec<_> = CHANGES.iter().filter(|(path, ..)| find(path).class() <= Class::Session).collect();
        for _ in 0..15 {
            let (path, from, to) = soft[chance.usize(..soft.len())];
            world.reload(IN_0, &edited(BASE, path, from, to), None).unwrap();
            let tunnel = ["tun1", "tun2", "tun3", "tun4", "tun5"][chance.usize(..5)];
            world.set_link(IN_0, tunnel, false);
            world.run_until(Duration::from_micros(chance.u64(..900_000)), |_| false);
            world.set_link(IN_0, tunnel, true);
            world.run_until(Duration::from_micros(chance.u64(..900_000)), |_| false);
        }
        world.reload(IN_0, &base(), None).unwrap();
        let whole = |world: &World| {
            let width = |prefix| world.hosts[IN_0].kernel.width(prefix);
            width("10.52.0.0/16") == 6 && width("10.51.8.0/24") == 1 && width("10.52.8.0/24") == 1
        };
        assert!(world.run_until(Duration::from_secs(180), whole), "seed {seed}: {:#?}", world.hosts[IN_0].events);
    }
}
