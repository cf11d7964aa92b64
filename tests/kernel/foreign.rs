//! Others change what is ours: by hand with `ip`, as people and other programs do.

use std::{ops::ControlFlow, time::Duration};

use twinspan::fib::io::{Kernel, Seen, Watch};
use twinspan::fib::{Change, Fib, Findings, Foreign, Harm, Part, RouteState};

use super::space::{Space, within};
use super::{World, settings, v4, v6};

/// What others do in the namespace, waited for.
struct Others {
    runtime: tokio::runtime::Runtime,
    watch: Watch,
}

impl Others {
    fn of(world: &World) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let watch = runtime.block_on(async { Watch::open(&settings(), &[world.kernel.port()]).unwrap() });
        Self { runtime, watch }
    }

    /// The changes so far: somebody else's next hop marks the end of them.
    fn until_now(&mut self, space: &Space) -> Vec<Foreign> {
        let mark = settings().first_id + 4_711;
        space.ip(&format!("nexthop add id {mark} blackhole protocol 99"));
        space.ip(&format!("nexthop del id {mark}"));
        let mut all = Vec::new();
        let Self { runtime, watch } = self;
        let wait = async {
            loop {
                match watch.next().await.unwrap() {
                    Seen::Changes(changes) => all.extend(changes),
                    Seen::Lost => panic!("nothing may be lost here"),
                }
                if all.last().is_some_and(|last| last.change == Change::IdDeleted(mark)) {
                    return;
                }
            }
        };
        runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), wait).await.expect("no mark") });
        all.retain(|one| !matches!(one.change, Change::IdDeleted(id) | Change::IdTaken { id, .. } if id == mark));
        all
    }
}

/// Two links, two groups, routes of each kind, and a host route of each family.
fn filled(space: &Space) -> (World, Others) {
    let mut world = World::new(space, 2);
    let others = Others::of(&world);
    for number in 0..10 {
        world.want(v4(number), &[0, 1]);
        world.want(v6(number), &[0, 1]);
        world.want(v4(100 + number), &[1]);
    }
    // IPv4 over an IPv6 next hop.
    let far = super::hop(world.links[0], twinspan::types::Family::Ipv6);
    (200..210).for_each(|number| world.fib.want(v4(number), &[far], &[]));
    world.fib.want_link("10.52.0.253/32".parse().unwrap(), world.links[0]);
    world.fib.want_link("2001:db8:ffff::1/128".parse().unwrap(), world.links[1]);
    world.run();
    world.compare();
    (world, others)
}

/// What `ip` does to them is seen, and what is done about it makes the kernel as it was.
fn undone(commands: &[&str]) -> Vec<Harm> {
    let commands: Vec<String> = commands.iter().map(ToString::to_string).collect();
    let (give, take) = std::sync::mpsc::channel();
    within(move |space| {
        let (mut world, mut others) = filled(space);
        let before = world.kernel.dump(&settings()).unwrap();
        let ids: Vec<u32> = before.groups.keys().copied().collect();
        let hops: Vec<u32> = before.next_hops.keys().copied().collect();
        for command in &commands {
            let command = command
                .replace("GROUP1", &ids[0].to_string())
                .replace("GROUP2", &ids[1].to_string())
                .replace("HOP1", &hops[0].to_string())
                .replace("HOP2", &hops[1].to_string());
            space.ip(&command);
        }
        let seen = others.until_now(space);
        let harms: Vec<Harm> = seen.iter().filter_map(|foreign| world.fib.foreign(foreign)).collect();
        world.run();
        world.compare();
        assert_eq!(world.kernel.dump(&settings()).unwrap(), before, "after {commands:?}, which showed as {seen:?}");
        assert_eq!(others.until_now(space), [], "our own doing is not told of");
        give.send(harms).unwrap();
    });
    take.recv().unwrap()
}

#[test]
fn a_deleted_route_is_put_back() {
    let harms = undone(&[
        "route del 11.0.3.0/24 proto 179",
        "-6 route del 2001:db8:0:3::/64 proto 179",
        "route del 10.52.0.253/32",
        "-6 route del 2001:db8:ffff::1/128",
        "route del 11.0.200.0/24",
    ]);
    assert_eq!(harms, [Harm::Deleted; 5]);
}

#[test]
fn a_route_replaced_under_our_protocol_number_is_put_right() {
    let harms = undone(&[
        "route replace 11.0.3.0/24 dev d2 proto 179 metric 20",
        "route replace blackhole 11.0.4.0/24 proto 179 metric 20",
        "-6 route replace 2001:db8:0:3::/64 dev d2 proto 179 metric 20",
        "route replace 10.52.0.253/32 dev d2 proto 179 metric 20",
        "route replace 11.0.201.0/24 via 10.99.1.1 dev d1 onlink proto 179 metric 20",
    ]);
    assert_eq!(harms, [Harm::Changed; 5]);
}

#[test]
fn a_route_that_somebody_adds_under_our_protocol_number_is_taken_out() {
    let harms = undone(&["route add 192.0.2.0/24 dev d1 proto 179 metric 20"]);
    assert_eq!(harms, [Harm::Added]);
}

#[test]
fn a_deleted_group_comes_back_with_its_routes() {
    let harms = undone(&["nexthop del id GROUP1"]);
    assert_eq!(harms, [Harm::Deleted]);
    let harms = undone(&["nexthop del id GROUP2"]);
    assert_eq!(harms, [Harm::Deleted]);
}

#[test]
fn a_deleted_next_hop_comes_back_into_its_groups() {
    assert_eq!(undone(&["nexthop del id HOP1"]), [Harm::Deleted]);
    assert_eq!(undone(&["nexthop del id HOP2"]), [Harm::Deleted]);
    assert_eq!(undone(&["nexthop del id HOP2", "nexthop del id HOP1"]).len(), 2);
}

#[test]
fn flushed_next_hops_come_back_with_everything_on_them() {
    let harms = undone(&["nexthop flush proto 179"]);
    assert!(!harms.is_empty() && harms.iter().all(|harm| *harm == Harm::Deleted), "{harms:?}");
}

#[test]
fn a_replaced_next_hop_or_group_is_put_right() {
    let harms = undone(&[
        "nexthop replace id HOP1 via 10.99.77.1 dev d1 onlink protocol 179",
        "nexthop replace id HOP2 via 10.99.78.1 dev d2 onlink",
        "nexthop replace id GROUP1 group HOP1 type resilient",
    ]);
    assert_eq!(harms, [Harm::Changed; 3]);
}

#[test]
fn a_foreign_route_in_the_place_of_ours_is_left_alone_and_ours_comes_when_it_goes() {
    within(|space| {
        let (mut world, mut others) = filled(space);
        for (replace, show, delete) in [
            ("route replace 11.0.3.0/24 dev d2 metric 20", "route show 11.0.3.0/24", "route del 11.0.3.0/24"),
            (
                "-6 route replace 2001:db8:0:3::/64 dev d2 metric 20",
                "-6 route show 2001:db8:0:3::/64",
                "-6 route del 2001:db8:0:3::/64",
            ),
        ] {
            space.ip(replace);
            let shown = space.ip(show);
            let seen = others.until_now(space);
            let harms: Vec<_> = seen.iter().filter_map(|one| world.fib.foreign(one)).collect();
            assert_eq!(harms, [Harm::Replaced], "{seen:?}");
            world.run();
            assert_eq!(space.ip(show), shown, "it is theirs");
            space.ip(delete);
            others.until_now(space).iter().for_each(|one| {
                world.fib.foreign(one);
            });
            world.run();
            world.compare();
            assert!(space.ip(show).contains("proto 179"), "ours is back without waiting for a retry");
        }
        assert_eq!(world.fib.route(&v4(3)).unwrap().state, RouteState::Installed);
    });
}

/// The kernel read and compared with what is wanted.
fn check(world: &mut World) -> Findings {
    let World { fib, kernel, .. } = world;
    fib.audit_begin();
    kernel
        .read(&settings(), |part| {
            match part {
                Part::Objects(found) => fib.audit_objects(&found),
                Part::Routes(found) => fib.audit_routes(&found),
                Part::Again | Part::Failed(_) | Part::End => panic!("nobody else changes anything"),
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    fib.audit_end().expect("nothing happened in between")
}

#[test]
fn reading_the_kernel_finds_what_differs_and_puts_it_right() {
    within(|space| {
        let (mut world, _others) = filled(space);
        let before = world.kernel.dump(&settings()).unwrap();
        assert!(check(&mut world).is_clean());
        let (group, hop) = (before.groups.keys().next().unwrap(), before.next_hops.keys().next().unwrap());
        space.ip("route del 11.0.3.0/24");
        space.ip("-6 route replace 2001:db8:0:3::/64 dev d2 proto 179 metric 20");
        space.ip("route add 192.0.2.0/24 dev d1 proto 179 metric 20");
        space.ip(&format!("nexthop add id {} dev d1 protocol 179", settings().first_id + 900));
        let found = check(&mut world);
        assert_eq!((found.missing, found.different, found.unwanted, found.objects), (1, 1, 1, 1), "{found:?}");
        assert_eq!(found.repaired, 4);
        world.run();
        assert_eq!(world.kernel.dump(&settings()).unwrap(), before);
        space.ip(&format!("nexthop replace id {group} group {hop} type resilient"));
        assert_eq!(check(&mut world).objects, 1);
        world.run();
        assert_eq!(world.kernel.dump(&settings()).unwrap(), before);
        space.ip(&format!("nexthop del id {group}"));
        check(&mut world);
        world.run();
        check(&mut world);
        world.run();
        assert_eq!(world.kernel.dump(&settings()).unwrap(), before);
        assert!(check(&mut world).is_clean());
    });
}

#[test]
fn others_routes_cost_nothing() {
    within(|space| {
        let (world, mut others) = filled(space);
        space.ip("route add 192.0.2.0/24 dev d1");
        space.ip("route add 192.0.2.0/24 dev d1 metric 20 proto 99");
        space.ip("route replace 192.0.2.0/24 dev d2");
        space.ip("route add 192.0.2.0/24 dev d1 metric 20 proto 99 table 77");
        space.ip("route replace 192.0.2.0/24 dev d2 metric 20 proto 99 table 77");
        space.ip("-6 route add 2001:db8:99::/48 dev d1");
        space.ip("-6 route del 2001:db8:99::/48 dev d1");
        space.ip("nexthop add id 5 dev d1");
        space.ip("nexthop add id 6 group 5");
        space.ip("nexthop del id 5");
        assert_eq!(others.until_now(space), []);
        drop(world);
    });
}

#[test]
fn a_full_table_of_our_own_makes_no_notification_and_a_flood_of_others_loses_some_loudly() {
    within(|space| {
        let mut world = World::new(space, 1);
        let mut others = Others::of(&world);
        (0..60_000).for_each(|number| world.want(v4(number), &[0]));
        world.run();
        assert_eq!(others.until_now(space), []);
        // Another program, which is what another socket is, deletes them all while nobody reads.
        let ops: Vec<_> = (0..60_000).map(|number| twinspan::fib::Op::DeleteRoute(v4(number))).collect();
        assert_eq!(Kernel::open().unwrap().apply(&settings(), &ops), []);
        let Others { runtime, watch } = &mut others;
        let mut seen = 0;
        runtime.block_on(async {
            loop {
                let next = tokio::time::timeout(Duration::from_secs(20), watch.next());
                match next.await.expect("neither the loss nor an end").unwrap() {
                    Seen::Changes(changes) => seen += changes.len(),
                    Seen::Lost => break,
                }
            }
        });
        assert!(seen < 60_000);
        // What was lost is found by reading the kernel.
        let found = check(&mut world);
        assert_eq!((found.missing, found.present, found.repaired), (60_000, 0, 60_000));
        world.run();
        let found = check(&mut world);
        assert_eq!((found.is_clean(), found.present, found.repaired), (true, 60_000, 0));
        world.compare();
        assert_eq!(Fib::totals(&world.fib).routes, 60_000);
    });
}
