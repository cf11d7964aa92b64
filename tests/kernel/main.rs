//! The route controller against the running kernel, in namespaces of its own. Needs root and iproute2.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // every function here belongs to a test

mod address;
mod differential;
mod foreign;
#[allow(dead_code, reason = "the machine's own tests ask it more")]
#[path = "../../src/fib/model/mod.rs"]
mod model;
mod past;
mod space;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use space::{Space, within};
use twinspan::fib::io::sysctl::{COMPAT_MODE, FORWARD_IPV4, FORWARD_IPV6, HASH_IPV4, HASH_IPV6, Sysctls, of_interface};
use twinspan::fib::io::{Event, Found, Kernel, LinkEvent, Monitor, Resolver};
use twinspan::fib::{Fib, Group, NextHop, Op, RouteState, Settings, Table, Target};
use twinspan::types::{Family, Hop, LinkIndex, Prefix, Time, Weight};

fn settings() -> Settings {
    Settings { buckets: 32, ..Settings::default() }
}

fn v4(number: u32) -> Prefix {
    Prefix::new(Ipv4Addr::from(0x0b00_0000 + (number << 8)).into(), 24).unwrap()
}

fn v6(number: u32) -> Prefix {
    Prefix::new(Ipv6Addr::from(0x2001_0db8 << 96 | u128::from(number) << 64).into(), 64).unwrap()
}

pub(crate) fn hop(link: LinkIndex, family: Family) -> Hop {
    let gateway: IpAddr = match family {
        Family::Ipv4 => Ipv4Addr::from(0x0a63_0001 + (link.get() << 8)).into(),
        Family::Ipv6 => format!("fe80::{:x}", link.get()).parse().unwrap(),
    };
    Hop { link, gateway: Some(gateway), weight: Weight::ONE }
}

/// The machine and the kernel, joined.
struct World {
    fib: Fib,
    kernel: Kernel,
    links: Vec<LinkIndex>,
    now: Time,
    _sysctls: Sysctls,
}

impl World {
    fn new(space: &Space, links: u32) -> Self {
        let (sysctls, wrong) = Sysctls::set(&[COMPAT_MODE, HASH_IPV4, HASH_IPV6]);
        assert_eq!(wrong, []);
        let links = (1..=links).map(|number| space.pair(number)).collect();
        let mut kernel = Kernel::open().unwrap();
        let mut fib = Fib::new(settings());
        fib.set_max_weight(kernel.probe(&settings()).unwrap());
        Self { fib, kernel, links, now: Time::START, _sysctls: sysctls }
    }

    fn want(&mut self, prefix: Prefix, links: &[usize]) {
        let hops: Vec<Hop> = links.iter().map(|at| hop(self.links[*at], prefix.family())).collect();
        self.fib.want(prefix, &hops, &[]);
    }

    /// Everything that is to be done now; how many operations that were.
    fn run(&mut self) -> usize {
        let mut count = 0;
        while let Some(batch) = self.fib.next_batch(self.now) {
            let failures = self.kernel.apply(&settings(), &batch.ops);
            count += batch.ops.len();
            self.fib.done(self.now, batch.id, failures);
        }
        assert!(self.fib.settled());
        count
    }

    /// What the kernel holds, but for next hops that no group has as a member that carries.
    fn without_keepers(&mut self) -> Table {
        let mut table = self.kernel.dump(&settings()).unwrap();
        for group in table.groups.values_mut() {
            group.members = group.carrying();
        }
        let carries = |id: &u32| table.groups.values().any(|group| group.members.iter().any(|(hop, _)| hop == id));
        table.next_hops.retain(|id, _| carries(id));
        table
    }

    /// The mirror is the kernel.
    #[track_caller]
    fn compare(&mut self) {
        assert_eq!(self.kernel.dump(&settings()).unwrap(), self.fib.mirror());
    }
}

/// Link events of the namespace, waited for.
struct Events {
    runtime: tokio::runtime::Runtime,
    monitor: Monitor,
}

impl Events {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let monitor = runtime.block_on(async { Monitor::open().unwrap() });
        Self { runtime, monitor }
    }

    fn until(&mut self, found: impl Fn(&LinkEvent) -> bool) -> LinkEvent {
        let Self { runtime, monitor } = self;
        let wait = async {
            loop {
                match monitor.next().await.unwrap() {
                    Event::Link(link) if found(&link) => return link,
                    Event::Link(_) | Event::Lost => {}
                }
            }
        };
        runtime.block_on(async { tokio::time::timeout(Duration::from_secs(10), wait).await.expect("no such event") })
    }
}

#[test]
fn the_running_kernel_passes_the_probe_and_nothing_stays_behind() {
    within(|space| {
        let mut kernel = Kernel::open().unwrap();
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
        let mut parts = release.split(['.', '-']).map_while(|part| part.trim().parse::<u32>().ok());
        let wide = (parts.next(), parts.next()) >= (Some(6), Some(12));
        assert_eq!(kernel.probe(&settings()).unwrap(), if wide { u16::MAX } else { 256 }, "{release}");
        assert_eq!(space.ip("nexthop show"), "");
    });
}

#[test]
fn ten_thousand_routes_of_each_family_come_move_and_go() {
    within(|space| {
        let mut world = World::new(space, 4);
        for number in 0..10_000 {
            world.want(v4(number), &[0, 1, 2, 3]);
            world.want(v6(number), &[0, 1, 2, 3]);
        }
        world.run();
        world.compare();
        assert_eq!(world.fib.totals().routes, 20_000);
        let shown = space.ip("-d nexthop show");
        assert_eq!(shown.matches("type resilient buckets 32 idle_timer 120").count(), 2, "{shown}");
        for number in 0..5_000 {
            world.want(v4(number * 2), &[0, 1]);
            world.want(v6(number * 2), &[3]);
        }
        world.run();
        world.compare();
        assert_eq!(space.ip("route show proto 179").lines().count(), 10_000);
        assert_eq!(space.ip("-6 route show proto 179").lines().count(), 10_000);
        world.fib.clear();
        world.run();
        world.compare();
        assert_eq!(space.ip("nexthop show"), "");
        assert_eq!(space.ip("route show"), "");
    });
}

#[test]
fn default_routes_host_routes_and_weights_are_as_wanted() {
    within(|space| {
        let mut world = World::new(space, 2);
        let heavy = Hop { weight: Weight::new(256).unwrap(), ..hop(world.links[0], Family::Ipv4) };
        world.fib.want("0.0.0.0/0".parse().unwrap(), &[heavy, hop(world.links[1], Family::Ipv4)], &[]);
        world.want("::/0".parse().unwrap(), &[0, 1]);
        world.fib.want_link("10.52.0.253/32".parse().unwrap(), world.links[0]);
        world.fib.want_link("fd00::1/128".parse().unwrap(), world.links[0]);
        let bare = Hop { gateway: None, ..hop(world.links[0], Family::Ipv4) };
        world.fib.want(v4(1), &[bare], &[]);
        world.fib.want(v6(1), &[bare], &[]);
        world.fib.want(v4(2), &[hop(world.links[0], Family::Ipv6)], &[]); // an IPv6 gateway serves IPv4
        world.run();
        world.compare();
        assert_eq!(world.fib.totals().routes, 7);
        assert!(space.ip("route show 10.52.0.253").contains("dev d1 proto 179 scope link metric 20"));
    });
}

#[test]
fn an_ipv6_route_over_an_ipv4_gateway_fails_with_the_kernels_own_words() {
    within(|space| {
        let mut world = World::new(space, 1);
        world.fib.want(v6(1), &[hop(world.links[0], Family::Ipv4)], &[]);
        world.run();
        let RouteState::Failed { error, .. } = world.fib.route(&v6(1)).unwrap().state else { panic!("no failure") };
        assert_eq!(error.text, "IPv6 routes can not use an IPv4 nexthop");
    });
}

#[test]
fn the_mirror_follows_the_kernel_through_lost_carriers_and_back() {
    within(|space| {
        let mut world = World::new(space, 3);
        let mut events = Events::new();
        for number in 0..100 {
            world.want(v4(number), &[0, 1]);
            world.want(v6(number), &[0, 1]);
            world.want(v4(1_000 + number), &[0]);
            world.want(v6(1_000 + number), &[2]);
        }
        world.fib.want_link("10.52.0.253/32".parse().unwrap(), world.links[0]);
        world.run();
        world.compare();
        let before = world.without_keepers();

        space.ip("link set p1 down");
        let event = events.until(|link| link.name == "d1" && !link.up);
        assert!(event.exists);
        world.fib.link_down(event.index);
        world.compare();
        assert_eq!(world.run(), 4, "in each family a group of one is left, which gets a keeper");
        world.compare();
        assert_eq!(world.fib.totals().routes, 301);

        space.ip("link set p1 up");
        let event = events.until(|link| link.name == "d1" && link.up);
        world.fib.link_up(event.index);
        world.run();
        world.compare();
        assert_eq!(world.without_keepers(), before);

        space.ip("link set d1 down");
        let event = events.until(|link| link.name == "d1" && !link.up);
        world.fib.link_down(event.index);
        let host = world.kernel.dump(&settings()).unwrap().routes.remove(&"10.52.0.253/32".parse().unwrap());
        assert_eq!(host, None, "set down, the kernel deletes plain routes too");
        space.ip("link set d1 up");
        let event = events.until(|link| link.name == "d1" && link.up);
        world.fib.link_up(event.index);
        world.run();
        world.compare();
        assert_eq!(world.without_keepers(), before);

        space.ip("link del d1");
        let event = events.until(|link| link.name == "d1" && !link.exists);
        world.fib.link_gone(event.index);
        world.run();
        world.compare();
        assert_eq!(world.fib.totals().routes, 300);
        assert_eq!(world.fib.route(&v4(1_000)).unwrap().state, RouteState::Waiting);
    });
}

#[test]
fn when_the_last_tunnel_goes_the_kernel_itself_leads_every_route_over_the_backup() {
    within(|space| {
        let mut world = World::new(space, 3);
        let mut events = Events::new();
        for number in 0..100 {
            for prefix in [v4(number), v6(number)] {
                let hop = |at: usize| hop(world.links[at], prefix.family());
                let hops = [hop(0), hop(1)];
                world.fib.want(prefix, &hops, &[hop(2)]);
            }
        }
        world.run();
        world.compare();
        let before = world.kernel.dump(&settings()).unwrap();
        for (number, how) in [(1, "link set p1 down"), (2, "link set d2 down")] {
            space.ip(how);
            let event = events.until(|link| link.name == format!("d{number}") && !link.up);
            let found = world.kernel.dump(&settings()).unwrap();
            assert_eq!(found.routes, before.routes, "{how}");
            world.fib.link_down(event.index);
            world.compare();
            assert_eq!(world.run(), 0, "{how}: nothing is left to do");
        }
        assert!(world.fib.groups().iter().all(|group| group.on_backups));
        for (number, how) in [(1, "link set p1 up"), (2, "link set d2 up")] {
            space.ip(how);
            let event = events.until(|link| link.name == format!("d{number}") && link.up);
            world.fib.link_up(event.index);
            world.run();
            world.compare();
        }
        let after = world.kernel.dump(&settings()).unwrap();
        assert_eq!((after.routes, after.groups), (before.routes, before.groups));
    });
}

#[test]
fn somebody_elses_routes_of_the_same_prefix_and_metric_stay_as_they_are() {
    within(|space| {
        let mut world = World::new(space, 2);
        space.ip("route add 11.0.1.0/24 dev d2 proto 99 metric 20");
        space.ip("-6 route add 2001:db8:0:1::/64 via fe80::7 dev d2 proto 99 metric 20");
        space.ip("route add 11.0.2.0/24 dev d2 proto 99 metric 10");
        let foreign = (space.ip("route show proto 99"), space.ip("-6 route show proto 99"));
        for number in 1..=2 {
            world.want(v4(number), &[0, 1]);
            world.want(v6(number), &[0, 1]);
        }
        world.run();
        for prefix in [v4(1), v6(1)] {
            let RouteState::Failed { error, .. } = world.fib.route(&prefix).unwrap().state else { panic!("{prefix}") };
            assert_eq!(error.text, "another program's route (protocol 99) with our metric 20 is in the way");
        }
        world.compare();
        world.fib.clear();
        world.run();
        assert_eq!((space.ip("route show proto 99"), space.ip("-6 route show proto 99")), foreign);
        let ops = [v4(1), v6(1)].map(Op::DeleteRoute);
        assert_eq!(world.kernel.apply(&settings(), &ops), []);
        assert_eq!((space.ip("route show proto 99"), space.ip("-6 route show proto 99")), foreign);
        assert_eq!(space.ip("route show proto 179"), "");
    });
}

#[test]
fn a_route_that_comes_free_is_taken_at_the_next_try() {
    within(|space| {
        let mut world = World::new(space, 1);
        space.ip("route add 11.0.1.0/24 dev d1 proto 99 metric 20");
        world.want(v4(1), &[0]);
        world.run();
        space.ip("route del 11.0.1.0/24 proto 99 metric 20");
        world.now = world.fib.deadline().unwrap();
        world.run();
        world.compare();
        assert_eq!(world.fib.route(&v4(1)).unwrap().state, RouteState::Installed);
    });
}

#[test]
fn a_new_start_adopts_without_a_write_and_sweeps_what_is_stale() {
    within(|space| {
        let mut world = World::new(space, 3);
        for number in 0..1_000 {
            world.want(v4(number), &[2, 0, 1]);
            world.want(v6(number), &[1, 2]);
        }
        world.fib.want_link("10.52.0.253/32".parse().unwrap(), world.links[0]);
        world.run();
        let before = world.kernel.dump(&settings()).unwrap();

        world.fib = Fib::new(settings());
        world.fib.set_max_weight(world.kernel.probe(&settings()).unwrap());
        assert!(world.fib.adopt(before.clone()));
        assert_eq!(world.run(), 0);
        world.compare();
        for number in 0..900 {
            world.want(v4(number), &[0, 1, 2]);
        }
        world.fib.want_link("10.52.0.253/32".parse().unwrap(), world.links[0]);
        assert_eq!(world.run(), 0, "what is right already is not written again");
        assert_eq!(world.kernel.dump(&settings()).unwrap(), before);
        world.fib.sweep();
        assert_eq!(world.run(), 100 + 1_000 + 1 + 2, "stale routes, a group and its two next hops");
        world.compare();
        assert_eq!(world.fib.totals().routes, 901);
    });
}

#[test]
fn a_route_of_ours_that_we_lost_sight_of_is_taken_over() {
    within(|space| {
        let mut world = World::new(space, 2);
        for number in 0..10 {
            world.want(v4(number), &[0]);
            world.want(v6(number), &[0]);
        }
        world.want("0.0.0.0/0".parse().unwrap(), &[0]);
        world.run();
        // Somebody else's better route bars the look-up to one of them.
        space.ip("route add 11.0.3.0/25 dev d2 proto 99 metric 1");
        let found = world.kernel.dump(&settings()).unwrap();
        let id = *found.groups.keys().next().unwrap();
        let ops: Vec<Op> = found.routes.keys().map(|prefix| Op::AddRoute(*prefix, found.routes[prefix])).collect();
        assert_eq!(world.kernel.apply(&settings(), &ops), []);
        assert_eq!(world.kernel.dump(&settings()).unwrap(), found);
        assert!(settings().owns(id));
    });
}

#[test]
fn every_refusal_is_matched_to_its_operation_with_the_kernels_words() {
    within(|space| {
        let mut world = World::new(space, 1);
        let (first, link) = (settings().first_id, world.links[0]);
        let object = NextHop { id: first + 1, family: Family::Ipv4, link, gateway: None };
        let group = |id| Group {
            id: first + id,
            members: vec![(first + 1, Weight::ONE)],
            buckets: 8,
            idle_timer: Duration::from_secs(60),
        };
        let mut ops =
            vec![Op::AddNextHop(object), Op::SetGroup(group(2)), Op::SetGroup(Group { buckets: 16, ..group(2) })];
        ops.extend((0..5_000).map(|number| {
            let id = if number % 1_000 == 7 { first + 99 } else { first + 2 };
            Op::AddRoute(v4(number), Target::Group(id))
        }));
        ops.push(Op::DeleteRoute(v4(9_999)));
        ops.push(Op::DeleteGroup(first + 98));
        ops.push(Op::AddNextHop(NextHop { id: first + 3, link: LinkIndex::new(4_711).unwrap(), ..object }));
        let failures = world.kernel.apply(&settings(), &ops);
        let found: Vec<(usize, &str)> = failures.iter().map(|f| (f.index, f.error.text.as_str())).collect();
        let missing = "Nexthop id does not exist";
        assert_eq!(
            found,
            [
                (2, "Can not change number of buckets of a resilient nexthop group"),
                (10, missing),
                (1_010, missing),
                (2_010, missing),
                (3_010, missing),
                (4_010, missing),
                (5_005, "Invalid device index"),
            ]
        );
        assert_eq!(failures[1].error.errno, 22);
        let table = world.kernel.dump(&settings()).unwrap();
        assert_eq!((table.routes.len(), &table.groups[&(first + 2)]), (4_995, &group(2)));
    });
}

#[test]
fn somebody_elses_next_hops_in_our_range_are_counted_around() {
    within(|space| {
        let mut world = World::new(space, 1);
        let first = settings().first_id;
        space.ip(&format!("nexthop add id {} dev d1 protocol 99", first + 1));
        let found = world.kernel.dump(&settings()).unwrap();
        world.fib.adopt(found);
        world.want(v4(1), &[0]);
        world.run();
        assert!(space.ip(&format!("nexthop show id {}", first + 1)).contains("proto"));
        world.fib.clear();
        world.run();
        assert!(space.ip(&format!("nexthop show id {}", first + 1)).contains("dev d1"));
    });
}

#[test]
fn sysctls_are_set_in_this_namespace_and_put_back() {
    within(|_| {
        let read = |name: &str| std::fs::read_to_string(format!("/proc/sys/{name}")).unwrap().trim().to_owned();
        assert_eq!((read(&COMPAT_MODE.name), read(&HASH_IPV4.name)), ("1".to_owned(), "0".to_owned()));
        let (sysctls, wrong) = Sysctls::set(&[COMPAT_MODE, HASH_IPV4, HASH_IPV6]);
        assert_eq!((wrong, sysctls.changed().count()), (vec![], 3));
        assert_eq!((read(&COMPAT_MODE.name), read(&HASH_IPV6.name)), ("0".to_owned(), "1".to_owned()));
        drop(sysctls);
        assert_eq!((read(&COMPAT_MODE.name), read(&HASH_IPV4.name)), ("1".to_owned(), "0".to_owned()));
        let missing = twinspan::fib::io::sysctl::Wanted { name: "net/ipv4/no_such_thing".into(), ..COMPAT_MODE };
        assert_eq!(Sysctls::set(&[missing]).1.len(), 1);
    });
}

#[test]
fn the_found_values_of_sysctls_outlive_a_run_that_is_killed() {
    within(|_| {
        let read = |name: &str| std::fs::read_to_string(format!("/proc/sys/{name}")).unwrap().trim().to_owned();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("made/here.sysctls");
        let set = || {
            let (sysctls, wrong, noted) = Sysctls::set_noting(&[COMPAT_MODE, HASH_IPV4], &file);
            assert_eq!((wrong, noted.is_ok()), (vec![], true));
            sysctls
        };
        std::mem::forget(set()); // killed
        assert_eq!((read(&COMPAT_MODE.name), read(&HASH_IPV4.name)), ("0".to_owned(), "1".to_owned()));
        std::mem::forget(set()); // and again
        drop(set()); // one that finds another running, and gives up
        assert_eq!((read(&COMPAT_MODE.name), read(&HASH_IPV4.name)), ("0".to_owned(), "1".to_owned()));
        let mut third = set();
        third.own();
        assert_eq!(third.changed().count(), 2);
        std::fs::write(format!("/proc/sys/{}", HASH_IPV4.name), "2").unwrap();
        let strayed = third.look(&[COMPAT_MODE, HASH_IPV4]);
        assert_eq!(
            strayed.iter().map(|one| (one.found.as_str(), one.reason.clone())).collect::<Vec<_>>(),
            [("2", None)]
        );
        assert_eq!(read(&HASH_IPV4.name), "1", "it is set again");
        drop(third);
        assert_eq!((read(&COMPAT_MODE.name), read(&HASH_IPV4.name)), ("1".to_owned(), "0".to_owned()));
        assert!(!file.exists());
    });
}

#[test]
fn forwarding_is_on_and_an_interface_that_appears_filters_loosely() {
    within(|space| {
        let read = |name: &str| std::fs::read_to_string(format!("/proc/sys/{name}")).unwrap().trim().to_owned();
        let write = |name: &str, value: &str| std::fs::write(format!("/proc/sys/{name}"), value).unwrap();
        write("net/ipv4/ip_forward", "0");
        write("net/ipv4/conf/all/rp_filter", "1");
        let wanted: Vec<_> = [FORWARD_IPV4, FORWARD_IPV6].into_iter().chain(of_interface("d1", true)).collect();
        let (mut sysctls, wrong) = Sysctls::set(&wanted);
        assert_eq!(wrong.iter().map(|wrong| wrong.wanted.key()).collect::<Vec<_>>(), ["net.ipv6.conf.all.forwarding"]);
        assert_eq!(read("net/ipv4/ip_forward"), "1");
        space.pair(1);
        assert_eq!(sysctls.look(&wanted), [], "what an interface is born with is nobody's doing");
        assert_eq!((read("net/ipv4/conf/d1/rp_filter"), read("net/ipv4/conf/all/rp_filter")), ("2".into(), "1".into()));
        assert_eq!(read("net/ipv4/conf/d1/ignore_routes_with_linkdown"), "1");
        assert_eq!(read("net/ipv6/conf/d1/ignore_routes_with_linkdown"), "1");
        write("net/ipv4/conf/d1/rp_filter", "1");
        write("net/ipv4/ip_forward", "0");
        let told: Vec<_> = sysctls.look(&wanted).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            ["net.ipv4.ip_forward was 0: it is 1 again", "net.ipv4.conf.d1.rp_filter was 1: it is 2 again"]
        );
        write("net/ipv6/conf/all/forwarding", "1");
        assert_eq!(sysctls.look(&wanted), []);
        write("net/ipv6/conf/all/forwarding", "0");
        assert_eq!((sysctls.look(&wanted).len(), sysctls.look(&wanted).len()), (1, 0), "told of once");
        drop(sysctls);
        assert_eq!((read("net/ipv4/ip_forward"), read("net/ipv4/conf/d1/rp_filter")), ("0".into(), "0".into()));
    });
}

#[test]
fn the_monitor_knows_addresses_and_names() {
    within(|space| {
        let mut events = Events::new();
        assert_eq!(events.until(|_| true).name, "lo");
        let index = space.pair(1);
        space.ip("addr add 169.254.21.2/30 dev d1");
        let network: Prefix = "169.254.21.0/30".parse().unwrap();
        let address = ("169.254.21.2".parse().unwrap(), network);
        let event = events.until(|link| link.addresses.contains(&address));
        assert_eq!((event.index, event.up), (index, true));
        space.ip("addr del 169.254.21.2/30 dev d1");
        events.until(|link| link.index == index && !link.addresses.contains(&address));
    });
}

#[test]
fn a_next_hop_is_found_behind_a_route_of_others_and_not_behind_ours_or_a_default_one() {
    within(|space| {
        space.pair(8);
        space.ip("address add 10.20.255.4/27 dev d8");
        space.ip("address add fd20::4/64 dev d8 nodad");
        space.ip("route add default via 10.20.255.1");
        space.ip("route add 10.20.7.0/24 via 10.20.255.7");
        space.ip("route add 10.20.8.0/24 via inet6 fd20::8 dev d8");
        space.ip("route add 10.20.9.0/24 via 10.20.255.9 proto 179");
        space.ip("route add blackhole 10.20.10.0/24");
        space.ip("-6 route add fd21::/64 via fd20::7");
        let mut resolver = Resolver::open(&settings()).unwrap();
        let mut find = |address: &str| match resolver.find(address.parse().unwrap()).unwrap() {
            Found::Lead(lead) => lead.gateway.map_or_else(|| "here".to_owned(), |gateway| gateway.to_string()),
            other => format!("{other:?}"),
        };
        assert_eq!(find("10.20.255.20"), "here");
        assert_eq!(find("10.20.7.1"), "10.20.255.7");
        assert_eq!(find("10.20.8.1"), "fd20::8");
        assert_eq!(find("fd21::1"), "fd20::7");
        assert_eq!(find("10.20.9.1"), "Ours");
        assert_eq!(find("10.20.10.1"), "Nothing");
        assert_eq!(find("192.0.2.1"), "Nothing", "a default route proves nothing");
        assert_eq!(find("fd99::1"), "Nothing");
    });
}
