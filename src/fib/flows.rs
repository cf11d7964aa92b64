//! Which hop a flow takes, in a model of the kernel's buckets, through random lives of tunnels.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use proptest::prelude::*;
use proptest::sample::Index;

use crate::types::Hop;
use crate::types::LinkIndex;
use crate::types::Prefix;
use crate::types::Time;
use crate::types::Weight;

use super::model::Model;
use super::*;

const LINKS: u32 = 4;
const PREFIXES: u32 = 40;

/// What the kernel leads where: bucket by bucket, all of them in use by flows that never pause.
#[derive(Default)]
struct Buckets {
    groups: BTreeMap<u32, Vec<Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    hop: Option<u32>,
    /// A packet was noted since it was given to its hop.
    busy: bool,
}

impl Buckets {
    /// As `net/ipv4/nexthop.c` deals buckets out: those of members that left first, then idle ones of members that have
    /// too many, each to the first that has too few.
    fn set(&mut self, group: &Group) {
        let fresh = || vec![Bucket { hop: None, busy: false }; usize::from(group.buckets)];
        let buckets = self.groups.entry(group.id).or_insert_with(fresh);
        let total: u64 = group.members.iter().map(|(_, weight)| u64::from(weight.get())).sum();
        let count = buckets.len() as u64;
        let (mut sum, mut before) = (0, 0);
        let mut wants = BTreeMap::new();
        for (hop, weight) in &group.members {
            sum += u64::from(weight.get());
            let upper = (count * sum + total / 2) / total;
            wants.insert(*hop, upper - before);
            before = upper;
        }
        for bucket in buckets.iter_mut() {
            bucket.hop = bucket.hop.filter(|hop| wants.contains_key(hop));
        }
        let now = group.idle_timer.is_zero();
        for at in 0..buckets.len() {
            let has = |hop: u32| buckets.iter().filter(|bucket| bucket.hop == Some(hop)).count() as u64;
            let may_go = match buckets[at].hop {
                None => true,
                Some(hop) => has(hop) > wants[&hop] && (now || !buckets[at].busy),
            };
            let short = || group.members.iter().map(|(hop, _)| *hop).find(|hop| has(*hop) < wants[hop]);
            if let Some(to) = may_go.then(short).flatten() {
                buckets[at] = Bucket { hop: Some(to), busy: false };
            }
        }
    }

    /// What the model kernel did by itself.
    fn follow(&mut self, table: &Table) {
        self.groups.retain(|id, _| table.groups.contains_key(id));
        for (id, group) in &table.groups {
            let known: BTreeSet<u32> =
                self.groups.get(id).into_iter().flatten().filter_map(|bucket| bucket.hop).collect();
            if known.iter().any(|hop| !group.members.iter().any(|(member, _)| member == hop)) {
                self.set(group);
            }
        }
    }

    /// Every flow sends; of a group with one member the kernel takes no note.
    fn traffic(&mut self, table: &Table) {
        for (id, buckets) in &mut self.groups {
            let noted = table.groups.get(id).is_some_and(|group| group.members.len() > 1);
            buckets.iter_mut().for_each(|bucket| bucket.busy |= noted);
        }
    }
}

/// The machine, the kernel, and the flows through it.
struct World {
    fib: Fib,
    kernel: Model,
    buckets: Buckets,
    /// What each prefix wants.
    wants: BTreeMap<Prefix, BTreeSet<u32>>,
    operations: usize,
}

impl World {
    fn new() -> Self {
        let settings = Settings { first_id: 1000, buckets: 16, ..Settings::default() };
        let kernel = Model { up: (1..=LINKS).filter_map(LinkIndex::new).collect(), ..Model::default() };
        Self { fib: Fib::new(settings), kernel, buckets: Buckets::default(), wants: BTreeMap::new(), operations: 0 }
    }

    fn want(&mut self, prefix: Prefix, set: BTreeSet<u32>) {
        let hops: Vec<Hop> = set.iter().map(|link| hop(*link)).collect();
        self.fib.want(prefix, &hops, &[]);
        self.wants.insert(prefix, set);
    }

    /// The prefix gains or loses a hop.
    fn change(&mut self, prefix: Prefix, link: u32, gains: bool) {
        let mut set = self.wants.get(&prefix).cloned().unwrap_or_default();
        if gains {
            set.insert(link)
        } else {
            set.remove(&link)
        };
        self.want(prefix, set);
    }

    fn run(&mut self) {
        while let Some(batch) = self.fib.next_batch(Time::START) {
            let mut failures = Vec::new();
            for (index, op) in batch.ops.iter().enumerate() {
                match self.kernel.apply(op) {
                    Ok(()) => {
                        if let Op::SetGroup(group) = op {
                            self.buckets.set(group);
                        }
                    }
                    Err(error) => failures.push(Failure { index, error }),
                }
            }
            self.operations += batch.ops.len();
            self.fib.done(Time::START, batch.id, failures);
            self.buckets.follow(&self.kernel.table);
            self.buckets.traffic(&self.kernel.table);
        }
        assert_eq!(self.kernel.harm, Vec::<String>::new());
    }

    fn settle(&mut self) {
        self.run();
        self.fib.settle();
        self.run();
        self.fib.settle();
        self.run();
    }

    /// The link that each flow takes: a prefix and a bucket.
    fn flows(&self) -> BTreeMap<(Prefix, usize), u32> {
        let mut flows = BTreeMap::new();
        for (prefix, target) in &self.kernel.table.routes {
            let Target::Group(id) = target else { continue };
            for (at, bucket) in self.buckets.groups[id].iter().enumerate() {
                if let Some(hop) = bucket.hop {
                    flows.insert((*prefix, at), self.kernel.table.next_hops[&hop].link.get());
                }
            }
        }
        flows
    }

    /// These prefixes, and those on groups that have mostly such: there the others are fewer, and go.
    fn with_most_of(&self, these: &BTreeSet<Prefix>) -> BTreeSet<Prefix> {
        let mut by_group: BTreeMap<Target, Vec<Prefix>> = BTreeMap::new();
        for (prefix, target) in &self.kernel.table.routes {
            by_group.entry(*target).or_default().push(*prefix);
        }
        let some = |on: &&Vec<Prefix>| 2 * on.iter().filter(|prefix| these.contains(prefix)).count() >= on.len();
        these.iter().chain(by_group.values().filter(some).flatten()).copied().collect()
    }

    fn all_as_wanted(&self) {
        for (prefix, set) in &self.wants {
            let up: BTreeSet<u32> =
                set.iter().copied().filter(|link| self.kernel.up.contains(&LinkIndex::new(*link).unwrap())).collect();
            let Some(Target::Group(id)) = self.kernel.table.routes.get(prefix) else {
                assert!(up.is_empty(), "{prefix} has no route");
                continue;
            };
            let links =
                self.kernel.table.groups[id].members.iter().map(|(hop, _)| self.kernel.table.next_hops[hop].link.get());
            assert_eq!(links.collect::<BTreeSet<u32>>(), up, "{prefix}");
        }
    }
}

fn hop(link: u32) -> Hop {
    let gateway = Ipv4Addr::from(0x0a63_0001 + (link << 8)).into();
    Hop { link: LinkIndex::new(link).unwrap(), gateway: Some(gateway), weight: Weight::ONE }
}

fn prefix(number: u32) -> Prefix {
    Prefix::new(Ipv4Addr::from(0x0b00_0000 + (number << 8)).into(), 24).unwrap()
}

/// A tunnel goes and returns.
#[derive(Clone, Debug)]
struct Life {
    link: u32,
    /// Its carrier was lost, not only its session.
    carrier: bool,
    /// Prefixes that it does not announce again: less than half.
    gone: BTreeSet<u32>,
    /// Where in the order of its prefixes the machine gets on with its work.
    pauses: Vec<Index>,
    /// It loses its session again before it has said all.
    again: bool,
    /// The order in which prefixes come.
    seed: u64,
}

prop_compose! {
    fn life()(link in 1..=LINKS, carrier: bool, again in prop::bool::weighted(0.2), seed: u64,
              gone in proptest::collection::btree_set(0..PREFIXES, 0..(PREFIXES as usize / 4)),
              pauses in proptest::collection::vec(any::<Index>(), 0..3)) -> Life {
        Life { link, carrier, gone, pauses, again, seed }
    }
}

fn shuffled(seed: u64) -> Vec<Prefix> {
    let mut order: Vec<Prefix> = (0..PREFIXES).map(prefix).collect();
    fastrand::Rng::with_seed(seed).shuffle(&mut order);
    order
}

/// Flows that are elsewhere than before although their hop lives and their prefix did not change.
fn astray(
    before: &BTreeMap<(Prefix, usize), u32>,
    world: &World,
    dead: Option<u32>,
    changed: &BTreeSet<Prefix>,
) -> usize {
    let after = world.flows();
    let stays = |prefix: &Prefix, link: u32| Some(link) != dead && !changed.contains(prefix);
    before
        .iter()
        .filter(|((prefix, at), link)| stays(prefix, **link) && after.get(&(*prefix, *at)) != Some(*link))
        .count()
}

fn lose(world: &mut World, life: &Life) {
    let index = LinkIndex::new(life.link).unwrap();
    if life.carrier {
        world.kernel.link_down(index, false);
        world.buckets.follow(&world.kernel.table);
        world.fib.link_down(index);
        world.run();
    }
    world.fib.strip(Bar::Link(index));
    let order = shuffled(life.seed);
    for (at, prefix) in order.iter().enumerate() {
        if life.pauses.iter().any(|pause| pause.index(order.len()) == at) {
            world.run();
        }
        world.change(*prefix, life.link, false);
    }
    world.settle();
}

fn say(world: &mut World, life: &Life, of: &[Prefix], gone: &BTreeSet<Prefix>) {
    for (at, prefix) in of.iter().enumerate().filter(|(_, prefix)| !gone.contains(prefix)) {
        if life.pauses.iter().any(|pause| pause.index(of.len()) == at) {
            world.run();
        }
        world.change(*prefix, life.link, true);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_flow_of_a_live_hop_moves_whatever_tunnels_go_and_return(first: u64, lives in proptest::collection::vec(life(), 1..6)) {
        let mut world = World::new();
        for link in 1..=LINKS {
            for prefix in shuffled(first + u64::from(link)) {
                world.change(prefix, link, true);
            }
            world.run(); // its neighbor is done, others are not
        }
        world.settle();
        world.all_as_wanted();
        for life in lives {
            let before = world.flows();
            lose(&mut world, &life);
            world.all_as_wanted();
            prop_assert_eq!(astray(&before, &world, Some(life.link), &BTreeSet::new()), 0, "when it was lost");

            let index = LinkIndex::new(life.link).unwrap();
            if life.carrier {
                world.kernel.up.insert(index);
                world.fib.link_up(index);
                world.run();
            }
            let before = world.flows();
            let order = shuffled(!life.seed);
            if life.again {
                say(&mut world, &life, &order[..order.len() / 2], &BTreeSet::new());
                world.fib.strip(Bar::Link(index));
                order[..order.len() / 2].iter().for_each(|prefix| world.change(*prefix, life.link, false));
                world.settle();
                prop_assert_eq!(astray(&before, &world, None, &BTreeSet::new()), 0, "when it was lost half way");
            }
            let gone: BTreeSet<Prefix> = life.gone.iter().map(|number| prefix(*number)).collect();
            let changed = world.with_most_of(&gone);
            let operations = world.operations;
            say(&mut world, &life, &order, &gone);
            world.settle();
            world.all_as_wanted();
            prop_assert_eq!(astray(&before, &world, None, &changed), 0, "when it returned");
            let groups = world.kernel.table.groups.len();
            let took = world.operations - operations;
            prop_assert!(took <= changed.len() + 6 * (groups + 1), "{took} operations for {} that did not come back", gone.len());
            // What was left out comes back one after the other, so that the next life begins as this one did.
            for prefix in gone {
                world.change(prefix, life.link, true);
                world.settle();
            }
            world.all_as_wanted();
        }
    }
}

#[test]
fn a_thousand_prefixes_that_gain_a_hop_are_one_message_about_their_group() {
    let mut world = World::new();
    (0..1000).for_each(|number| world.want(prefix(number), [1, 2].into()));
    world.settle();
    let group = *world.kernel.table.groups.keys().next().unwrap();
    (0..1000).for_each(|number| world.want(prefix(number), [1, 2, 3].into()));
    let before = world.operations;
    world.run();
    assert_eq!(world.operations, before, "they wait");
    world.settle();
    assert_eq!(world.operations - before, 2, "a next hop and the group");
    assert_eq!(world.kernel.table.groups.keys().collect::<Vec<_>>(), [&group]);
}

#[test]
fn a_prefix_never_waits_on_a_hop_that_it_does_not_want() {
    let mut world = World::new();
    (0..10).for_each(|number| world.want(prefix(number), [1, 2].into()));
    world.settle();
    world.want(prefix(3), [2, 3].into());
    world.run();
    world.all_as_wanted();
}

#[test]
fn the_first_hops_of_a_prefix_do_not_wait() {
    let mut world = World::new();
    (0..10).for_each(|number| world.want(prefix(number), [1].into()));
    world.run();
    world.all_as_wanted();
}

#[test]
fn busy_flows_leave_a_hop_that_is_only_a_backup_from_now_on_and_the_others_stay() {
    // Also when none of the hops of before goes on.
    for (before, after) in [(&[1, 2, 3][..], &[1, 3][..]), (&[1, 2], &[1]), (&[2], &[1]), (&[2], &[1, 3])] {
        let mut world = World::new();
        world.want(prefix(0), before.iter().copied().collect());
        world.settle();
        world.buckets.traffic(&world.kernel.table);
        let flows = world.flows();
        let hops: Vec<Hop> = after.iter().map(|link| hop(*link)).collect();
        world.fib.want(prefix(0), &hops, &[hop(2)]);
        world.settle();
        let now = world.flows();
        assert!(now.values().all(|link| after.contains(link)), "{before:?} to {after:?}: {now:?}");
        let stray = flows.iter().filter(|(flow, link)| **link != 2 && now.get(*flow) != Some(*link)).count();
        assert_eq!(stray, 0, "{before:?} to {after:?}");
        let groups = || world.kernel.table.groups.values();
        assert!(groups().any(|group| group.members.last().is_some_and(|(_, share)| *share == Weight::ONE)), "a keeper");
        assert!(groups().all(|group| !group.idle_timer.is_zero()), "the timer is put back");
    }
}

#[test]
fn routes_that_want_something_else_leave_a_group_before_it_grows() {
    let mut world = World::new();
    (0..10).for_each(|number| world.want(prefix(number), [1, 2].into()));
    world.settle();
    (0..9).for_each(|number| world.want(prefix(number), [1, 2, 3].into()));
    world.fib.settle();
    let mut moved = false;
    while let Some(batch) = world.fib.next_batch(Time::START) {
        for op in batch.ops.iter() {
            moved |= matches!(op, Op::ReplaceRoute(of, _) if *of == prefix(9));
            let grows = matches!(op, Op::SetGroup(group) if group.members.len() == 3);
            assert!(moved || !grows, "the group grew while {} was on it", prefix(9));
            world.kernel.apply(op).unwrap();
        }
        world.fib.done(Time::START, batch.id, Vec::new());
    }
    world.all_as_wanted();
}
