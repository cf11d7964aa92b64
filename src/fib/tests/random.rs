//! Whatever happens, in whatever order: random steps against the model kernel, and those that once went wrong.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use proptest::prelude::*;

use super::super::group::carrying;
use super::super::model::Model;
use super::*;

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
    /// So many operations of a batch, and the rest later.
    Begin(Lane, usize),
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
        5 => lane().prop_map(Step::CarryOut),
        2 => (lane(), 1_usize..4).prop_map(|(on, some)| Step::Begin(on, some)),
        6 => lane().prop_map(Step::Done),
        1 => Just(Step::Wait),
    ]
}

/// How far the batch is that a lane has come to.
#[derive(Default)]
struct Begun {
    done: usize,
    failures: Vec<Failure>,
}

impl Begun {
    /// The next operations; when all are done, what failed of them, and the next batch begins anew.
    fn go_on(&mut self, kernel: &mut Model, batch: &Batch, some: usize) -> Vec<Failure> {
        let until = self.done.saturating_add(some).min(batch.ops.len());
        for index in self.done..until {
            self.failures.extend(kernel.apply(&batch.ops[index]).err().map(|error| Failure { index, error }));
        }
        self.done = until;
        if some < usize::MAX {
            return Vec::new();
        }
        std::mem::take(self).failures
    }
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
        arrives(steps)?;
    }
}

/// What random steps once found, the fewest that show it.
#[test]
fn a_group_keeps_no_hop_of_a_label_that_lost_its_last_prefix_before_it_grew() {
    use Step::{Bar, Settle, Strip, Unbar, Want};
    let steps = [
        Bar(2),
        Want(1, [2, 3, 4].into(), [].into()),
        Want(5, [3, 4].into(), [].into()),
        Strip(3),
        Unbar(2),
        Settle,
        Want(5, [4].into(), [3].into()),
    ];
    arrives(steps.into()).unwrap();
    let steps = [
        Want(0, [2].into(), [3].into()),
        Bar(4),
        Strip(2),
        Bar(2),
        Want(2, [3, 4].into(), [].into()),
        Unbar(4),
        Settle,
        Want(2, [4].into(), [3].into()),
    ];
    arrives(steps.into()).unwrap();
}

#[test]
fn a_hop_whose_link_was_down_when_its_group_was_barred_comes_back_with_both() {
    use Step::{Bar, Down, Take, Unbar, Up, Want};
    for urgent in [true, false] {
        let steps = [
            Down(4, false),
            Bar(3),
            Bar(2),
            Want(0, [2, 4].into(), [].into()),
            Take(urgent),
            Up(4),
            Unbar(3),
            Unbar(2),
        ];
        arrives(steps.into()).unwrap();
    }
}

#[test]
fn who_waits_for_a_group_to_grow_is_asked_again_when_it_does_not() {
    use Step::{CarryOut, Done, Settle, Strip, Take, Want};
    let want = |prefix, links: &[u32]| Want(prefix, links.iter().copied().collect(), [].into());
    let installed = [
        [Take(false), CarryOut(Lane::Objects), Done(Lane::Objects)],
        [Take(false), CarryOut(Lane::Routes), Done(Lane::Routes)],
    ];
    let mut steps = vec![want(0, &[1])];
    steps.extend(installed.into_iter().flatten());
    steps.extend([want(0, &[1, 2]), want(2, &[1]), want(2, &[1, 3]), Settle, Strip(1), want(4, &[1])]);
    arrives(steps).unwrap();
}

#[test]
fn a_hop_that_counts_no_more_goes_although_late_news_said_that_its_group_had_lost_it() {
    use Step::{CarryOut, Done, Down, Hear, Strip, Take, Up, Want};
    let steps = [
        Down(3, false),
        Want(0, [1, 3].into(), [2].into()),
        Up(3),
        Take(false),
        CarryOut(Lane::Objects),
        Done(Lane::Objects),
        Hear,
        Strip(3),
        Take(false),
    ];
    arrives(steps.into()).unwrap();
}

#[test]
fn what_others_made_of_a_hop_goes_with_the_groups_that_have_nothing_else() {
    use Step::{CarryOut, Done, Down, Hear, Settle, Strip, Take, Tamper, Want};
    let objects = Lane::Objects;
    let steps = [
        Want(0, [2, 3].into(), [].into()),
        Take(false),
        CarryOut(objects),
        Tamper(5, 4),
        Done(objects),
        Down(2, false),
        Hear,
        Down(3, false),
        Settle,
        Take(false),
        CarryOut(objects),
        Strip(2),
        Done(objects),
        Take(false),
    ];
    arrives(steps.into()).unwrap();
}

#[test]
fn a_hop_that_others_moved_unseen_before_its_link_was_lost_does_not_stay_behind() {
    use Step::{CarryOut, Done, Down, HearOthers, Take, Tamper, TamperUnseen, Want};
    let objects = Lane::Objects;
    let steps = [
        Want(0, [4].into(), [].into()),
        Take(false),
        CarryOut(objects),
        Tamper(5, 3),
        HearOthers,
        Done(objects),
        TamperUnseen(3, 0),
        TamperUnseen(5, 0),
        Down(4, false),
        Take(false),
        CarryOut(objects),
        Done(objects),
    ];
    arrives(steps.into()).unwrap();
}

/// After these steps the kernel ends up as wanted, and empty when nothing is wanted.
fn arrives(steps: Vec<Step>) -> Result<(), TestCaseError> {
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
    let mut begun = [Begun::default(), Begun::default()];
    let hear = |fib: &mut Fib, (number, up): (u32, bool)| {
        if up { fib.link_up(link(number)) } else { fib.link_down(link(number)) }
    };
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
            Step::Down(number, admin) => {
                if kernel.up.contains(&link(number)) {
                    flapped = true;
                    kernel.link_down(link(number), admin);
                    news.push_back((number, false));
                }
            }
            Step::Up(number) => {
                if kernel.up.insert(link(number)) {
                    news.push_back((number, true));
                }
            }
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
            Step::Hear => {
                if let Some(event) = news.pop_front() {
                    hear(&mut fib, event)
                }
            }
            Step::Tamper(kind, which) => {
                tampered = true;
                others.extend(kernel.tamper(kind, which));
            }
            Step::HearOthers => {
                if let Some(change) = others.pop_front() {
                    fib.foreign(&Foreign { change, by: by.clone() });
                }
            }
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
            Step::CarryOut(on) => {
                if let Some(batch) = taken[lane(on)].pop_front() {
                    let failures = begun[lane(on)].go_on(&mut kernel, &batch, usize::MAX);
                    results[lane(on)].push_back((batch.id, failures));
                }
            }
            Step::Begin(on, some) => {
                if let Some(batch) = taken[lane(on)].front() {
                    begun[lane(on)].go_on(&mut kernel, batch, some);
                }
            }
            Step::Done(on) => {
                if let Some((id, failures)) = results[lane(on)].pop_front() {
                    fib.done(now, id, failures)
                }
            }
            Step::Wait => now = now + Duration::from_secs(3),
        }
    }
    for event in news {
        hear(&mut fib, event)
    }
    for change in others {
        fib.foreign(&Foreign { change, by: by.clone() });
    }
    for batch in taken.into_iter().flatten() {
        let failures = begun[lane(batch.lane)].go_on(&mut kernel, &batch, usize::MAX);
        results[lane(batch.lane)].push_back((batch.id, failures));
    }
    for (id, failures) in results.into_iter().flatten() {
        fib.done(now, id, failures)
    }
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
            Some(_) => {
                prop_assert!(sets.iter().any(|set| !set.is_empty()) && up.is_empty(), "{} has a stale route", prefix)
            }
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
    Ok(())
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
