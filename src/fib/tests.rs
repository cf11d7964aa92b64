//! The plan and the machine against a model kernel.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use proptest::prelude::*;

use crate::types::Family;
use crate::types::Hop;
use crate::types::LinkIndex;
use crate::types::Prefix;
use crate::types::Time;
use crate::types::Weight;

use super::group::carrying;
use super::model::Model;
use super::*;

pub(super) fn link(number: u32) -> LinkIndex {
    LinkIndex::new(number).unwrap()
}

fn hop(number: u32) -> Hop {
    let gateway = IpAddr::V4(Ipv4Addr::from(0x0a63_0001 + (number << 8)));
    Hop { link: link(number), gateway: Some(gateway), weight: Weight::ONE }
}

pub(super) fn hops(set: &[u32]) -> Vec<Hop> {
    set.iter().map(|number| hop(*number)).collect()
}

pub(super) fn prefix(number: u8) -> Prefix {
    if number.is_multiple_of(2) {
        Prefix::new(Ipv4Addr::new(10, number, 0, 0).into(), 16).unwrap()
    } else {
        format!("2001:db8:{number:x}::/48").parse().unwrap()
    }
}

pub(super) fn settings() -> Settings {
    Settings { first_id: 1000, buckets: 8, ..Settings::default() }
}

pub(super) fn model() -> Model {
    Model { up: (1..=4).map(link).collect(), ..Model::default() }
}

/// Runs the machine against the model until it has nothing to do now.
pub(super) fn run(fib: &mut Fib, kernel: &mut Model, now: Time) -> Vec<Op> {
    let mut done = Vec::new();
    fib.settle();
    while let Some(batch) = fib.next_batch(now) {
        let failures = carry_out(kernel, &batch);
        done.extend(batch.ops.iter().cloned());
        fib.done(now, batch.id, failures);
    }
    assert_eq!(kernel.harm, Vec::<String>::new());
    assert!(fib.settled());
    done
}

fn carry_out(kernel: &mut Model, batch: &Batch) -> Vec<Failure> {
    let tried = batch.ops.iter().enumerate();
    tried.filter_map(|(index, op)| kernel.apply(op).err().map(|error| Failure { index, error })).collect()
}

/// Where the members of a group lead, in their order.
pub(super) fn links(kernel: &Model, group: u32) -> Vec<LinkIndex> {
    kernel.table.groups[&group].members.iter().map(|(hop, _)| kernel.table.next_hops[hop].link).collect()
}

prop_compose! {
    fn table()(groups in proptest::collection::btree_map(20_u32..26, proptest::collection::btree_set(1_u32..8, 1..4), 0..5),
               routes in proptest::collection::btree_map(0_u8..12, any::<prop::sample::Index>(), 0..10)) -> Table {
        let mut table = Table::default();
        for (id, members) in &groups {
            for hop in members {
                let object = NextHop { id: *hop, family: Family::Ipv6, link: link(*hop), gateway: None }; // good for both
                table.next_hops.insert(*hop, object);
            }
            let members = members.iter().map(|hop| (*hop, Weight::ONE)).collect();
            let group = Group { id: *id, members, buckets: 8, idle_timer: Duration::from_secs(1) };
            table.groups.insert(*id, group);
        }
        let ids: Vec<u32> = groups.keys().copied().collect();
        for (number, index) in routes {
            if !ids.is_empty() {
                table.routes.insert(prefix(number), Target::Group(*index.get(&ids)));
            }
        }
        table
    }
}

/// What happens to the machine and the kernel.
#[derive(Clone, Debug)]
enum Step {
    Want(u8, BTreeSet<u32>, BTreeSet<u32>),
    Pin(u8, Option<u32>),
    /// A link of the kernel changes; the machine hears of it later.
    Down(u32, bool),
    Up(u32),
    /// Something knows that a far end is not there.
    Bar(u32),
    Unbar(u32),
    /// What was learned over a link counts no longer; and what is wanted is complete.
    Strip(u32),
    Settle,
    Hear,
    /// Another program does something; the machine hears of that later too, by another way.
    Tamper(u8, usize),
    HearOthers,
    Take(bool),
    CarryOut(Lane),
    Done(Lane),
    /// And this it never hears of.
    TamperUnseen(u8, usize),
    /// The kernel is read, a piece at a time.
    Read,
    Wait,
}

fn lane(lane: Lane) -> usize {
    usize::from(lane == Lane::Routes)
}

fn step() -> impl Strategy<Value = Step> {
    let lane = || prop_oneof![Just(Lane::Objects), Just(Lane::Routes)];
    let links = || proptest::collection::btree_set(1_u32..5, 0..4);
    prop_oneof![
        4 => (0_u8..6, links(), proptest::option::of(links()))
            .prop_map(|(p, hops, backups)| Step::Want(p, hops, backups.unwrap_or_default())),
        1 => (0_u8..6, proptest::option::of(1_u32..5)).prop_map(|(p, on)| Step::Pin(p, on)),
        1 => (1_u32..5, any::<bool>()).prop_map(|(l, admin)| Step::Down(l, admin)),
        2 => (1_u32..5).prop_map(Step::Up),
        1 => (1_u32..5).prop_map(Step::Bar),
        2 => (1_u32..5).prop_map(Step::Unbar),
        1 => (1_u32..5).prop_map(Step::Strip),
        2 => Just(Step::Settle),
        2 => Just(Step::Hear),
        2 => (0_u8..6, 0_usize..6).prop_map(|(kind, which)| Step::Tamper(kind, which)),
        2 => Just(Step::HearOthers),
        1 => (0_u8..6, 0_usize..6).prop_map(|(kind, which)| Step::TamperUnseen(kind, which)),
        3 => Just(Step::Read),
        4 => any::<bool>().prop_map(Step::Take),
        6 => lane().prop_map(Step::CarryOut),
        6 => lane().prop_map(Step::Done),
        1 => Just(Step::Wait),
    ]
}

/// One piece of a comparison: next hops and groups, IPv4, IPv6 and the end.
fn read(fib: &mut Fib, kernel: &Model, piece: &mut u8) {
    let routes = |family| {
        let of = kernel.table.routes.iter().filter(|(prefix, _)| prefix.family() == family);
        of.map(|(prefix, target)| (*prefix, *target)).collect::<Vec<_>>()
    };
    match *piece {
        0 => {
            fib.audit_begin();
            fib.audit_objects(&Table { routes: BTreeMap::new(), ..kernel.table.clone() });
        }
        1 => fib.audit_routes(&routes(Family::Ipv4)),
        _ => {
            fib.audit_routes(&routes(Family::Ipv6));
            fib.audit_end();
        }
    }
    *piece = (*piece + 1) % 3;
}

/// A gateway for both families would be refused by the kernel, so hops are plain interfaces here.
fn plain(set: &BTreeSet<u32>) -> Vec<Hop> {
    set.iter().map(|number| Hop { link: link(*number), gateway: None, weight: Weight::ONE }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_arrives_and_never_leaves_a_kept_prefix_without_a_route(have in table(), want in table()) {
        let mut kernel = Model { table: have.clone(), up: (1..=8).map(link).collect(), ..Model::default() };
        for op in plan(&have, &want) {
            prop_assert_eq!(kernel.apply_strictly(&op), Ok(()));
            let mut kept = have.routes.keys().filter(|prefix| want.routes.contains_key(prefix));
            prop_assert!(kept.all(|prefix| kernel.table.routes.contains_key(prefix)));
        }
        prop_assert_eq!(kernel.table, want);
    }

    #[test]
    fn whatever_happens_in_whatever_order_the_kernel_ends_up_as_wanted(steps in proptest::collection::vec(step(), 0..120)) {
        let mut kernel = model();
        let mut fib = Fib::new(settings());
        let mut now = Time::START;
        let mut wanted: BTreeMap<Prefix, [BTreeSet<u32>; 2]> = BTreeMap::new();
        let mut pinned: BTreeMap<Prefix, u32> = BTreeMap::new();
        let mut barred: BTreeSet<u32> = BTreeSet::new();
        let mut news = VecDeque::new();
        let mut others = VecDeque::new();
        let (mut tampered, mut flapped, mut unseen, mut piece) = (false, false, false, 0);
        let by = Author { port: 7, program: None };
        // A lane keeps its order, and the two overtake each other at will.
        let mut taken = [VecDeque::new(), VecDeque::new()];
        let mut results = [VecDeque::new(), VecDeque::new()];
        let hear = |fib: &mut Fib, (number, up): (u32, bool)| if up { fib.link_up(link(number)) } else { fib.link_down(link(number)) };
        for step in steps {
            match step {
                Step::Want(number, set, backups) => {
                    fib.want(prefix(number), &plain(&set), &plain(&backups));
                    wanted.insert(prefix(number), [set, backups]);
                }
                Step::Pin(number, Some(on)) => {
                    fib.want_link(prefix(number), link(on));
                    pinned.insert(prefix(number), on);
                }
                Step::Pin(number, None) => {
                    fib.unwant_link(&prefix(number));
                    pinned.remove(&prefix(number));
                }
                Step::Down(number, admin) => if kernel.up.contains(&link(number)) {
                    flapped = true;
                    kernel.link_down(link(number), admin);
                    news.push_back((number, false));
                },
                Step::Up(number) => if kernel.up.insert(link(number)) {
                    news.push_back((number, true));
                },
                Step::Bar(number) => {
                    fib.bar(Bar::Link(link(number)));
                    barred.insert(number);
                }
                Step::Unbar(number) => {
                    fib.unbar(Bar::Link(link(number)));
                    barred.remove(&number);
                }
                Step::Strip(number) => fib.strip(Bar::Link(link(number))),
                Step::Settle => fib.settle(),
                Step::Hear => if let Some(event) = news.pop_front() { hear(&mut fib, event) },
                Step::Tamper(kind, which) => {
                    tampered = true;
                    others.extend(kernel.tamper(kind, which));
                }
                Step::HearOthers => if let Some(change) = others.pop_front() {
                    fib.foreign(&Foreign { change, by: by.clone() });
                },
                Step::TamperUnseen(kind, which) => {
                    unseen = true;
                    kernel.tamper(kind, which);
                }
                Step::Read => read(&mut fib, &kernel, &mut piece),
                Step::Take(urgent) => {
                    let batch = if urgent { fib.next_objects(now) } else { fib.next_batch(now) };
                    if let Some(batch) = batch {
                        let routes = |op: &Op| matches!(op, Op::AddRoute(..) | Op::ReplaceRoute(..) | Op::DeleteRoute(_));
                        prop_assert!(batch.ops.iter().all(|op| routes(op) == (batch.lane == Lane::Routes)));
                        taken[lane(batch.lane)].push_back(batch);
                    }
                }
                Step::CarryOut(on) => if let Some(batch) = taken[lane(on)].pop_front() {
                    let failures = carry_out(&mut kernel, &batch);
                    results[lane(on)].push_back((batch.id, failures));
                },
                Step::Done(on) => if let Some((id, failures)) = results[lane(on)].pop_front() { fib.done(now, id, failures) },
                Step::Wait => now = now + Duration::from_secs(3),
            }
        }
        for event in news { hear(&mut fib, event) }
        for change in others { fib.foreign(&Foreign { change, by: by.clone() }); }
        for batch in taken.into_iter().flatten() {
            let failures = carry_out(&mut kernel, &batch);
            results[lane(batch.lane)].push_back((batch.id, failures));
        }
        for (id, failures) in results.into_iter().flatten() { fib.done(now, id, failures) }
        run(&mut fib, &mut kernel, now);
        if unseen || (tampered && flapped) {
            // Which came first is not known, as both are told of by different ways: the kernel is read some time after.
            piece = 0;
            (0..3).for_each(|_| read(&mut fib, &kernel, &mut piece));
        }
        for _ in 0..4 {
            run(&mut fib, &mut kernel, now);
            now = now + Duration::from_secs(100);
        }
        prop_assert_eq!(&kernel.harm, &Vec::<String>::new());
        for number in 0..6 {
            let prefix = prefix(number);
            let held = kernel.table.routes.get(&prefix);
            if let Some(on) = pinned.get(&prefix) {
                if kernel.up.contains(&link(*on)) {
                    prop_assert_eq!(held, Some(&Target::Link(link(*on))));
                }
                continue;
            }
            let sets = wanted.get(&prefix).cloned().unwrap_or_default();
            let usable = |number: &u32| kernel.up.contains(&link(*number)) && !barred.contains(number);
            let up = |set: &BTreeSet<u32>| set.iter().copied().filter(usable).collect::<BTreeSet<u32>>();
            let [mut up, backups] = sets.each_ref().map(up);
            let on_backups = up.is_empty();
            if on_backups {
                up.clone_from(&backups);
            }
            match held {
                None => prop_assert!(up.is_empty(), "{} has no route", prefix),
                Some(Target::Group(id)) if !up.is_empty() => {
                    let (members, keeper) = carrying(&kernel.table.groups[id].members);
                    let link = |hop: &u32| kernel.table.next_hops[hop].link.get();
                    prop_assert_eq!(&members.iter().map(|(hop, _)| link(hop)).collect::<BTreeSet<u32>>(), &up);
                    let keeper = keeper.as_ref().map(link);
                    if let Some(first) = backups.iter().find(|backup| !up.contains(backup)) {
                        prop_assert_eq!(keeper, Some(*first), "{} falls back by itself", prefix);
                    } else if !sets[0].is_empty() && !on_backups && up.len() == 1 {
                        prop_assert_eq!(keeper, up.first().copied(), "{} is in a group of one", prefix);
                    }
                }
                Some(_) => prop_assert!(sets.iter().any(|set| !set.is_empty()) && up.is_empty(), "{} has a stale route", prefix),
            }
        }
        if kernel.up.len() == 4 && barred.is_empty() {
            let mirror = fib.mirror();
            prop_assert_eq!(plan(&kernel.table, &mirror), vec![]);
        }
        fib.clear();
        for _ in 0..4 {
            run(&mut fib, &mut kernel, now);
            now = now + Duration::from_secs(100);
        }
        prop_assert_eq!(kernel.table, Table::default());
    }
}

/// What we do while nothing happens that we did not ask for.
#[derive(Clone, Debug)]
enum Calm {
    Want(u8, BTreeSet<u32>, BTreeSet<u32>),
    /// The far end of tunnel 1 is silent, or is not.
    Silent(bool),
    Take(bool),
    CarryOut(Lane),
    Done(Lane),
}

fn calm() -> impl Strategy<Value = Calm> {
    let lane = || prop_oneof![Just(Lane::Objects), Just(Lane::Routes)];
    let links = |least| proptest::collection::btree_set(1_u32..5, least..4);
    prop_oneof![
        4 => (0_u8..4, links(0), links(0)).prop_map(|(prefix, hops, backups)| Calm::Want(prefix, hops, backups)),
        1 => any::<bool>().prop_map(Calm::Silent),
        4 => any::<bool>().prop_map(Calm::Take),
        5 => lane().prop_map(Calm::CarryOut),
        5 => lane().prop_map(Calm::Done),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_we_ask_for_is_refused_and_what_is_installed_is_there_however_the_lanes_overtake_each_other(
        steps in proptest::collection::vec(calm(), 0..150),
    ) {
        let (mut fib, mut kernel) = (Fib::new(settings()), model());
        let mut taken = [VecDeque::<Batch>::new(), VecDeque::new()];
        let mut results = [VecDeque::new(), VecDeque::new()];
        for step in steps {
            match step {
                Calm::Want(number, mut set, backups) => {
                    // Never tunnel 1 alone: when its far end is silent, groups of it alone are deleted under their routes.
                    if set.iter().chain(&backups).all(|number| *number == 1) {
                        set.remove(&1);
                    }
                    let backups = if set.is_empty() { BTreeSet::new() } else { backups };
                    fib.want(prefix(number), &plain(&set), &plain(&backups));
                }
                Calm::Silent(true) => fib.bar(Bar::Link(link(1))),
                Calm::Silent(false) => fib.unbar(Bar::Link(link(1))),
                Calm::Take(urgent) => {
                    let batch = if urgent { fib.next_objects(Time::START) } else { fib.next_batch(Time::START) };
                    if let Some(batch) = batch {
                        taken[lane(batch.lane)].push_back(batch);
                    }
                }
                Calm::CarryOut(on) => if let Some(batch) = taken[lane(on)].pop_front() {
                    let failures = carry_out(&mut kernel, &batch);
                    prop_assert_eq!(&failures, &Vec::<Failure>::new(), "{:?}", batch.ops);
                    results[lane(on)].push_back(batch.id);
                },
                Calm::Done(on) => if let Some(id) = results[lane(on)].pop_front() {
                    fib.done(Time::START, id, Vec::new());
                },
            }
            prop_assert_eq!(&kernel.harm, &Vec::<String>::new());
            for number in 0..4 {
                let Some(view) = fib.route(&prefix(number)) else { continue };
                if view.state == RouteState::Installed {
                    prop_assert_eq!(kernel.table.routes.get(&prefix(number)).copied(), view.wanted);
                }
            }
        }
    }
}

#[test]
fn routes_over_the_same_hops_share_one_group_whatever_the_order() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    fib.want(prefix(0), &hops(&[1, 2]), &[]);
    fib.want(prefix(2), &hops(&[2, 1]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table.groups.len(), 1);
    assert_eq!(kernel.table.next_hops.len(), 2);
    assert_eq!(kernel.table.routes[&prefix(0)], kernel.table.routes[&prefix(2)]);
}

#[test]
fn a_group_keeps_its_id_and_its_routes_are_not_touched_when_a_link_goes_and_returns() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    fib.want(prefix(0), &hops(&[1, 2]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    let before = kernel.table.clone();
    kernel.link_down(link(1), false);
    fib.link_down(link(1));
    assert_eq!(fib.mirror(), kernel.table);
    let ops = run(&mut fib, &mut kernel, Time::START);
    let [Op::AddNextHop(_), Op::SetGroup(group)] = ops.as_slice() else { panic!("{ops:?}") };
    assert_eq!(links(&kernel, group.id), [link(2), link(2)], "one that carries, and a keeper");
    kernel.up.insert(link(1));
    fib.link_up(link(1));
    let ops = run(&mut fib, &mut kernel, Time::START);
    assert!(matches!(ops.as_slice(), [Op::AddNextHop(_), Op::SetGroup(_)]), "{ops:?}");
    assert_eq!((&kernel.table.groups, &kernel.table.routes), (&before.groups, &before.routes));
}

#[test]
fn when_the_last_tunnel_goes_the_kernel_falls_to_the_backup_by_itself_and_keeps_the_routes() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    for number in 0..6 {
        fib.want(prefix(number * 2), &hops(&[1]), &hops(&[3]));
    }
    run(&mut fib, &mut kernel, Time::START);
    let (before, writes) = (kernel.table.clone(), kernel.route_writes);
    kernel.link_down(link(1), false);
    assert_eq!(kernel.table.routes, before.routes);
    fib.link_down(link(1));
    assert_eq!(run(&mut fib, &mut kernel, Time::START), vec![], "there is nothing left to do");
    assert!(fib.groups()[0].on_backups && fib.mirror() == kernel.table);
    kernel.up.insert(link(1));
    fib.link_up(link(1));
    let ops = run(&mut fib, &mut kernel, Time::START);
    let [Op::AddNextHop(_), Op::SetGroup(home), Op::SetGroup(rest)] = ops.as_slice() else { panic!("{ops:?}") };
    assert_eq!((home.idle_timer, rest.idle_timer), (Duration::ZERO, settings().idle_timer), "busy flows too");
    assert_eq!((kernel.table, kernel.route_writes), (before, writes));
}

#[test]
fn when_the_last_far_end_is_silent_all_routes_fall_to_the_backup_with_one_message() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    for number in 0..6 {
        fib.want(prefix(number * 2), &hops(&[1, 2]), &hops(&[3, 4]));
    }
    run(&mut fib, &mut kernel, Time::START);
    let before = kernel.table.clone();
    fib.bar(Bar::Link(link(1)));
    run(&mut fib, &mut kernel, Time::START);
    fib.bar(Bar::Link(link(2)));
    let ops = run(&mut fib, &mut kernel, Time::START);
    let [Op::SetGroup(group)] = ops.as_slice() else { panic!("{ops:?}") };
    assert_eq!(links(&kernel, group.id), [link(3), link(4)]);
    assert_eq!(kernel.table.routes, before.routes);
    fib.unbar(Bar::Link(link(2)));
    fib.unbar(Bar::Link(link(1)));
    let ops = run(&mut fib, &mut kernel, Time::START);
    assert!(ops.iter().all(|op| matches!(op, Op::SetGroup(_))), "{ops:?}");
    assert_eq!(kernel.table, before);
}

#[test]
fn a_barred_hop_leaves_its_groups_with_one_message_each_and_comes_back_so() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    for number in 0..6 {
        fib.want(prefix(number * 2), &hops(&[1, 2]), &[]);
    }
    run(&mut fib, &mut kernel, Time::START);
    let before = kernel.table.clone();
    fib.bar(Bar::Gateway(hop(1).gateway.unwrap()));
    let ops = run(&mut fib, &mut kernel, Time::START);
    let [Op::AddNextHop(copy), Op::SetGroup(group)] = ops.as_slice() else { panic!("{ops:?}") };
    assert!(kernel.table.groups.values().eq([group]) && group.members[1] == (copy.id, Weight::ONE), "{ops:?}");
    assert!(links(&kernel, group.id) == [link(2), link(2)] && copy.link == link(2));
    fib.unbar(Bar::Gateway(hop(1).gateway.unwrap()));
    let ops = run(&mut fib, &mut kernel, Time::START);
    assert!(matches!(ops.as_slice(), [Op::SetGroup(_)]), "{ops:?}");
    assert_eq!((&kernel.table.groups, &kernel.table.routes), (&before.groups, &before.routes));
}

#[test]
fn a_group_of_barred_hops_alone_goes_with_its_routes_and_comes_back_with_them() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    for number in 0..6 {
        fib.want(prefix(number * 2), &hops(&[1, 2]), &[]);
    }
    run(&mut fib, &mut kernel, Time::START);
    let before = kernel.table.clone();
    fib.bar(Bar::Link(link(1)));
    fib.bar(Bar::Link(link(2)));
    let ops = run(&mut fib, &mut kernel, Time::START);
    assert!(matches!(ops.as_slice(), [Op::DeleteGroup(_)]), "{ops:?}");
    assert!(kernel.table.routes.is_empty() && fib.totals().routes == 0);
    fib.unbar(Bar::Link(link(2)));
    fib.unbar(Bar::Link(link(1)));
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table, before);
}

#[test]
fn a_barred_hop_of_an_earlier_run_leaves_its_groups_before_anybody_wants_them() {
    let (mut first, mut kernel) = (Fib::new(settings()), model());
    first.want(prefix(0), &hops(&[1, 2]), &[]);
    run(&mut first, &mut kernel, Time::START);
    let mut second = Fib::new(settings());
    second.adopt(kernel.table.clone());
    second.bar(Bar::Link(link(1)));
    let ops = run(&mut second, &mut kernel, Time::START);
    assert!(
        matches!(ops.as_slice(), [Op::AddNextHop(_), Op::SetGroup(group)] if links(&kernel, group.id) == [link(2), link(2)]),
        "{ops:?}"
    );
    assert_eq!(kernel.table.routes.len(), 1);
}

#[test]
fn a_group_that_vanished_comes_back_with_all_its_routes() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    for number in 0..6 {
        fib.want(prefix(number * 2), &hops(&[1]), &[]);
    }
    run(&mut fib, &mut kernel, Time::START);
    let before = kernel.table.clone();
    kernel.link_down(link(1), false);
    fib.link_down(link(1));
    assert_eq!((fib.mirror(), fib.totals().routes), (kernel.table.clone(), 0));
    kernel.up.insert(link(1));
    fib.link_up(link(1));
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table, before);
}

#[test]
fn late_news_of_a_link_leaves_no_stale_route() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    kernel.link_down(link(4), false);
    kernel.up.insert(link(4)); // it went and returned before we used it, and we hear of it only later
    fib.want(prefix(0), &hops(&[4]), &[]);
    fib.want(prefix(2), &hops(&[4]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    fib.want(prefix(2), &[], &[]);
    fib.link_down(link(4));
    fib.link_up(link(4));
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table.routes.keys().collect::<Vec<_>>(), [&prefix(0)]);
}

#[test]
fn a_route_given_up_while_its_group_is_put_back_after_late_news_goes_from_the_kernel() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    fib.want(prefix(0), &hops(&[1]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    fib.link_down(link(1)); // old news: the kernel has all of it
    fib.link_up(link(1));
    fib.want(prefix(2), &hops(&[1]), &[]);
    let back = fib.next_batch(Time::START).unwrap();
    fib.want(prefix(0), &[], &[]);
    let failures = carry_out(&mut kernel, &back);
    fib.done(Time::START, back.id, failures);
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table.routes.keys().collect::<Vec<_>>(), [&prefix(2)]);
}

#[test]
fn a_host_route_given_up_while_its_link_was_set_down_is_written_again_when_it_is_wanted_again() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    fib.want_link(prefix(0), link(1));
    run(&mut fib, &mut kernel, Time::START);
    kernel.link_down(link(1), true);
    kernel.up.insert(link(1));
    fib.unwant_link(&prefix(0));
    fib.link_down(link(1));
    fib.want_link(prefix(0), link(1));
    fib.link_up(link(1));
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table.routes[&prefix(0)], Target::Link(link(1)));
}

#[test]
fn a_route_on_its_way_while_its_group_vanishes_and_returns_is_written_again() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    fib.want(prefix(0), &hops(&[1]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    fib.want(prefix(2), &hops(&[1]), &[]);
    let route = fib.next_batch(Time::START).unwrap();
    let failures = carry_out(&mut kernel, &route);
    kernel.link_down(link(1), false);
    fib.link_down(link(1));
    kernel.up.insert(link(1));
    fib.link_up(link(1));
    let back = fib.next_batch(Time::START).unwrap();
    let later = carry_out(&mut kernel, &back);
    fib.done(Time::START, route.id, failures);
    fib.done(Time::START, back.id, later);
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table.routes.len(), 2);
}

#[test]
fn a_second_start_rewrites_nothing_and_sweeps_what_nobody_wants() {
    let (mut first, mut kernel) = (Fib::new(settings()), model());
    first.want(prefix(0), &hops(&[1, 2]), &[]);
    first.want(prefix(2), &hops(&[3]), &[]);
    first.want_link(prefix(4), link(1));
    run(&mut first, &mut kernel, Time::START);
    let (before, writes) = (kernel.table.clone(), kernel.route_writes);
    let mut second = Fib::new(settings());
    assert!(second.adopt(before.clone()));
    assert_eq!(run(&mut second, &mut kernel, Time::START), vec![]);
    second.want(prefix(0), &hops(&[2, 1]), &[]);
    second.want_link(prefix(4), link(1));
    assert_eq!(run(&mut second, &mut kernel, Time::START), vec![]);
    assert_eq!(second.route(&prefix(2)).unwrap().state, RouteState::Stale);
    second.sweep();
    run(&mut second, &mut kernel, Time::START);
    assert_eq!(kernel.route_writes, writes);
    assert!(!kernel.table.routes.contains_key(&prefix(2)));
    assert_eq!((kernel.table.groups.len(), kernel.table.next_hops.len()), (1, 2));
    second.want(prefix(6), &hops(&[4]), &[]);
    run(&mut second, &mut kernel, Time::START);
    assert!(kernel.table.groups.keys().max() > before.groups.keys().max(), "ids continue above what was found");
}

#[test]
fn what_somebody_removed_is_put_back_after_a_dump() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    fib.want(prefix(0), &hops(&[1, 2]), &[]);
    fib.want(prefix(2), &hops(&[1]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    let good = kernel.table.clone();
    kernel.table.routes.remove(&prefix(0));
    let gone = *kernel.table.groups.keys().max().unwrap();
    kernel.table.groups.remove(&gone);
    kernel.table.routes.retain(|_, target| *target != Target::Group(gone));
    fib.adopt(kernel.table.clone());
    fib.sweep();
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table, good);
}

#[test]
fn a_host_route_stands_before_what_the_session_over_it_teaches() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    fib.want(prefix(0), &hops(&[1]), &[]);
    fib.want_link(prefix(0), link(2));
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table.routes[&prefix(0)], Target::Link(link(2)));
    fib.want(prefix(0), &hops(&[3]), &[]);
    fib.unwant_link(&prefix(0));
    run(&mut fib, &mut kernel, Time::START);
    let Target::Group(id) = kernel.table.routes[&prefix(0)] else { panic!("no group") };
    assert_eq!(kernel.table.next_hops[&kernel.table.groups[&id].members[0].0].link, link(3));
}

#[test]
fn a_refused_route_is_kept_with_the_kernels_words_and_tried_again_later() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    kernel.foreign.insert(prefix(0));
    fib.want(prefix(0), &hops(&[1]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    let view = fib.route(&prefix(0)).unwrap();
    assert!(matches!(view.state, RouteState::Failed { count: 1, .. }), "{view:?}");
    assert_eq!(fib.totals().failed, 1);
    let again = fib.deadline().unwrap();
    assert_eq!(run(&mut fib, &mut kernel, Time::START + Duration::from_millis(1)), vec![]);
    kernel.foreign.clear();
    run(&mut fib, &mut kernel, again);
    assert_eq!(fib.route(&prefix(0)).unwrap().state, RouteState::Installed);
    assert_eq!(fib.totals().failed, 0);
}

#[test]
fn a_route_that_was_in_the_way_and_went_unseen_holds_ours_up_no_longer_than_to_the_next_reading() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    kernel.foreign.insert(prefix(0));
    fib.want(prefix(0), &hops(&[1]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    assert!(kernel.table.routes.is_empty());
    kernel.foreign.clear();
    fib.adopt(kernel.table.clone());
    fib.sweep();
    run(&mut fib, &mut kernel, Time::START);
    assert!(kernel.table.routes.contains_key(&prefix(0)), "before the time of the next try");
}

#[test]
fn a_route_whose_deletion_was_not_answered_is_written_when_it_is_wanted_again() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    fib.want(prefix(0), &hops(&[1]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    fib.want(prefix(0), &[], &[]);
    let batch = fib.next_batch(Time::START).unwrap();
    assert_eq!(carry_out(&mut kernel, &batch), []);
    let lost = KernelError { errno: KernelError::ETIMEDOUT, text: "lost".to_owned() };
    fib.done(Time::START, batch.id, vec![Failure { index: 0, error: lost }]);
    fib.want(prefix(0), &hops(&[1]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    assert!(kernel.table.routes.contains_key(&prefix(0)));
}

#[test]
fn a_route_that_is_refused_for_what_has_gone_meanwhile_is_tried_again_at_once() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    kernel.foreign.insert(prefix(0));
    fib.want(prefix(2), &hops(&[1]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    fib.want(prefix(0), &hops(&[1]), &[]);
    let batch = fib.next_batch(Time::START).unwrap();
    let refused = carry_out(&mut kernel, &batch);
    kernel.foreign.clear();
    let by = Author { port: 4_711, program: None };
    fib.foreign(&Foreign { change: Change::RouteDeleted { prefix: prefix(0), protocol: 99 }, by });
    fib.done(Time::START, batch.id, refused);
    run(&mut fib, &mut kernel, Time::START);
    assert!(kernel.table.routes.contains_key(&prefix(0)));
}

#[test]
fn a_member_that_the_kernel_refuses_does_not_keep_the_others_out() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    kernel.up.remove(&link(1)); // nobody told the machine
    fib.want(prefix(0), &hops(&[1, 2]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    let group = *kernel.table.groups.keys().next().unwrap();
    assert_eq!(links(&kernel, group), [link(2), link(2)]);
    kernel.up.insert(link(1));
    let again = fib.deadline().unwrap();
    run(&mut fib, &mut kernel, again);
    assert_eq!(links(&kernel, group), [link(1), link(2)]);
}

#[test]
fn at_most_two_batches_of_routes_are_with_the_kernel_and_groups_still_pass() {
    let mut fib = Fib::new(settings());
    let mut kernel = model();
    fib.want("192.0.2.0/24".parse().unwrap(), &hops(&[1, 2]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    for number in 0..10_000_u32 {
        let prefix = Prefix::new(Ipv4Addr::from(0x0b00_0000 + (number << 8)).into(), 24).unwrap();
        fib.want(prefix, &hops(&[1, 2]), &[]);
    }
    let first = fib.next_batch(Time::START).unwrap();
    let second = fib.next_batch(Time::START).unwrap();
    assert_eq!([first.lane, second.lane], [Lane::Routes; 2]);
    assert!(fib.next_batch(Time::START).is_none());
    fib.link_down(link(1));
    fib.link_up(link(1));
    let urgent = fib.next_batch(Time::START).unwrap();
    assert!(matches!(urgent.ops.as_ref(), [Op::AddNextHop(_), Op::SetGroup(_)]), "{urgent:?}");
    assert_eq!(urgent.lane, Lane::Objects);
    assert!(fib.next_batch(Time::START).is_none());
    for batch in [urgent, first, second] {
        let failures = carry_out(&mut kernel, &batch);
        fib.done(Time::START, batch.id, failures);
    }
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table.routes.len(), 10_001);
}

#[test]
fn a_page_holds_the_smallest_prefixes_behind_the_last() {
    let mut fib = Fib::new(settings());
    for number in [8, 2, 6, 4, 0] {
        fib.want(prefix(number), &hops(&[1]), &[]);
    }
    let page = fib.page(Family::Ipv4, Some(prefix(0)), 2);
    assert_eq!(page.iter().map(|view| view.prefix).collect::<Vec<_>>(), [prefix(2), prefix(4)]);
}

#[test]
fn a_new_idle_timer_is_one_message_a_group_and_a_new_number_of_buckets_leaves_groups_alone() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    for number in 0..10 {
        fib.want(prefix(number), &hops(&[1, 2]), &[]);
    }
    run(&mut fib, &mut kernel, Time::START);
    let groups = kernel.table.groups.len();
    fib.set(&settings());
    assert!(fib.next_batch(Time::START).is_none(), "nothing has changed");
    fib.set(&Settings { buckets: 64, ..settings() });
    assert!(fib.next_batch(Time::START).is_none(), "a group keeps its buckets as long as it lives");
    fib.set(&Settings { idle_timer: Duration::from_secs(7), ..settings() });
    let done = run(&mut fib, &mut kernel, Time::START);
    assert!(done.len() == groups && done.iter().all(|op| matches!(op, Op::SetGroup(_))), "{done:?}");
    assert!(kernel.table.groups.values().all(|group| group.idle_timer == Duration::from_secs(7)));
}
