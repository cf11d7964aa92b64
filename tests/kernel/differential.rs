//! The model kernel of the simulator against the running one: the same random steps on both, and after each step the
//! same refusals and the same state.
//!
//! `TWINSPAN_SEED` plays one seed, `TWINSPAN_SEEDS` as many as it says.

use std::{collections::BTreeSet, env, panic, time::Duration};

use twinspan::fib::io::Kernel;
use twinspan::fib::{Failure, Group, NextHop, Op, Settings, Table, Target};
use twinspan::types::{Family, LinkIndex, Prefix, Weight};

use super::model::Model;
use super::space::{Space, within};

/// Links of a run: enough that a group can lose one and keep two.
const LINKS: u32 = 4;
const STEPS: usize = 120;

/// Who asks: we; an earlier run of ours with another table and no metric; another program in our table, in our range of
/// ids, with our metric; and one with a metric of its own.
fn actors() -> [Settings; 4] {
    let ours = Settings { buckets: 32, ..Settings::default() };
    [
        ours.clone(),
        Settings { table: 100, metric: 0, ..ours.clone() },
        Settings { protocol: 99, ..ours.clone() },
        Settings { protocol: 99, metric: 5, ..ours },
    ]
}

/// One step, the same for both kernels.
#[derive(Clone, Debug)]
enum Step {
    Ask(usize, Vec<Op>),
    Carrier(u32, bool),
    Admin(u32, bool),
    Delete(u32),
    Create(u32),
    /// As `ip nexthop del`: whoever made it.
    DeleteId(u32),
    /// As `ip nexthop flush protocol`.
    FlushIds(usize),
    /// As `ip route flush`, of one table, protocol and family.
    FlushRoutes(usize, Family),
}

/// Both kernels, side by side.
struct Pair<'a> {
    space: &'a Space,
    real: Kernel,
    model: Model,
    chance: fastrand::Rng,
    /// By number: the index of the interface, which is another one each time it is created, and whether it is set up and
    /// whether the far end gives it a carrier.
    links: Vec<Link>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    index: LinkIndex,
    exists: bool,
    admin: bool,
    carrier: bool,
}

impl Pair<'_> {
    fn new(space: &Space, seed: u64) -> Pair<'_> {
        let mut model = Model { settings: actors()[0].clone(), ..Model::default() };
        let links =
            (1..=LINKS).map(|number| Link { index: space.pair(number), exists: true, admin: true, carrier: true });
        let links: Vec<Link> = links.collect();
        links.iter().for_each(|link| model.link_up(link.index));
        Pair { space, real: Kernel::open().unwrap(), model, chance: fastrand::Rng::with_seed(seed), links }
    }

    fn step(&mut self) -> Step {
        let number = self.chance.u32(1..=LINKS);
        let link = self.links[number as usize - 1];
        match self.chance.u32(..20) {
            0 | 1 if link.exists => Step::Carrier(number, !link.carrier),
            2 | 3 if link.exists => Step::Admin(number, !link.admin),
            4 if link.exists => Step::Delete(number),
            0..=4 if !link.exists => Step::Create(number),
            5 => {
                let id = self.id();
                Step::DeleteId(id)
            }
            6 if self.chance.u32(..3) == 0 => Step::FlushIds(self.chance.usize(..actors().len())),
            7 if self.chance.u32(..3) == 0 => {
                let family = self.family();
                Step::FlushRoutes(self.chance.usize(..actors().len()), family)
            }
            _ => {
                let who = if self.chance.bool() { 0 } else { self.chance.usize(..actors().len()) };
                let count = self.chance.usize(1..8);
                Step::Ask(who, in_the_machines_order((0..count).map(|_| self.op()).collect()))
            }
        }
    }

    fn family(&mut self) -> Family {
        if self.chance.bool() { Family::Ipv4 } else { Family::Ipv6 }
    }

    fn id(&mut self) -> u32 {
        actors()[0].first_id + if self.chance.bool() { self.chance.u32(1..=6) } else { self.chance.u32(11..=14) }
    }

    fn prefix(&mut self) -> Prefix {
        let number = self.chance.u32(..5);
        match (self.family(), number) {
            (Family::Ipv4, 0) => "0.0.0.0/0".parse().unwrap(),
            (Family::Ipv6, 0) => "::/0".parse().unwrap(),
            (Family::Ipv4, _) => super::v4(number),
            (Family::Ipv6, _) => super::v6(number),
        }
    }

    fn link(&mut self) -> LinkIndex {
        let at = self.chance.usize(..self.links.len());
        if self.chance.u32(..30) == 0 { LinkIndex::new(4_711).unwrap() } else { self.links[at].index }
    }

    fn target(&mut self) -> Target {
        if self.chance.u32(..5) == 0 {
            return Target::Link(self.link());
        }
        // Mostly something that is there: refusals are tried often enough.
        let held = self.model.dump(&actors()[0]);
        let ids: Vec<u32> = held.groups.keys().chain(held.next_hops.keys()).copied().collect();
        match self.chance.choice(ids) {
            Some(id) if self.chance.u32(..6) != 0 => Target::Group(id),
            _ => Target::Group(self.id()),
        }
    }

    fn op(&mut self) -> Op {
        let first = actors()[0].first_id;
        match self.chance.u32(..16) {
            0..=3 => {
                let family = self.family();
                let link = self.link();
                let gateway = self.chance.bool().then(|| {
                    let family = if self.chance.u32(..20) == 0 { self.family() } else { family };
                    super::hop(link, family).gateway.unwrap()
                });
                // A few wrong ids: next hops where groups are.
                let id = if self.chance.u32(..20) == 0 { self.id() } else { first + self.chance.u32(1..=6) };
                Op::AddNextHop(NextHop { id, family, link, gateway })
            }
            4..=7 => {
                let id = if self.chance.u32(..20) == 0 { self.id() } else { first + self.chance.u32(11..=14) };
                let mut known: Vec<u32> = self.model.dump(&actors()[0]).next_hops.keys().copied().collect();
                self.chance.shuffle(&mut known);
                let wide = self.chance.usize(..5);
                let mut members: Vec<u32> = known.into_iter().take(wide).collect();
                if self.chance.u32(..8) == 0 {
                    members.push(self.id()); // missing, a group, or one twice
                }
                let weigh = |id| (id, Weight::new(self.chance.u16(1..=256)).unwrap());
                let members = members.into_iter().map(weigh).collect();
                let buckets = if self.chance.u32(..12) == 0 { 16 } else { 32 };
                let idle_timer = Duration::from_secs(if self.chance.bool() { 120 } else { 60 });
                Op::SetGroup(Group { id, members, buckets, idle_timer })
            }
            8..=11 => Op::AddRoute(self.prefix(), self.target()),
            12 | 13 => Op::ReplaceRoute(self.prefix(), self.target()),
            14 => Op::DeleteRoute(self.prefix()),
            _ if self.chance.bool() => Op::DeleteGroup(first + self.chance.u32(11..=14)),
            _ => Op::DeleteNextHop(first + self.chance.u32(1..=6)),
        }
    }

    /// Does it to both; the refusals of each.
    fn take(&mut self, step: &Step) -> [Vec<Refusal>; 2] {
        match step {
            Step::Ask(who, ops) => {
                let settings = &actors()[*who];
                let real = refusals(&self.real.apply(settings, ops));
                return [real, refusals(&self.model.carry_out_as(settings, ops))];
            }
            Step::Carrier(number, on) => {
                self.ip(&format!("link set p{number} {}", if *on { "up" } else { "down" }));
                self.links[*number as usize - 1].carrier = *on;
            }
            Step::Admin(number, on) => {
                self.ip(&format!("link set d{number} {}", if *on { "up" } else { "down" }));
                self.links[*number as usize - 1].admin = *on;
            }
            Step::Delete(number) => {
                self.ip(&format!("link del d{number}"));
                self.links[*number as usize - 1].exists = false;
            }
            Step::Create(number) => {
                let index = self.space.pair(*number);
                self.links[*number as usize - 1] = Link { index, exists: true, admin: true, carrier: true };
            }
            Step::DeleteId(id) => {
                let there = self.model.dump(&actors()[0]);
                let known = |table: &Table| {
                    table.next_hops.contains_key(id) || table.groups.contains_key(id) || table.taken.contains(id)
                };
                if known(&there) {
                    self.ip(&format!("nexthop del id {id}"));
                }
                self.model.remove(*id);
            }
            Step::FlushIds(who) => {
                let settings = &actors()[*who];
                self.ip(&format!("nexthop flush protocol {}", settings.protocol));
                let found = self.model.dump(settings);
                let ids: BTreeSet<u32> = found.next_hops.keys().chain(found.groups.keys()).copied().collect();
                ids.into_iter().for_each(|id| self.model.remove(id));
            }
            Step::FlushRoutes(who, family) => {
                let settings = &actors()[*who];
                let prefixes: Vec<Prefix> = self.model.dump(settings).routes.into_keys().collect();
                for prefix in prefixes.into_iter().filter(|prefix| prefix.family() == *family) {
                    let Settings { table, protocol, metric, .. } = settings;
                    let number = if *family == Family::Ipv4 { 4 } else { 6 };
                    let metric = if *metric == 0 { String::new() } else { format!("metric {metric}") };
                    self.ip(&format!("-{number} route del {prefix} table {table} protocol {protocol} {metric}"));
                    let op = Op::DeleteRoute(prefix);
                    assert_eq!(self.model.apply_as(settings, &op), Ok(()));
                }
            }
        }
        self.follow();
        [Vec::new(), Vec::new()]
    }

    fn ip(&self, words: &str) {
        self.space.ip(words);
    }

    /// Waits until the kernel has noticed what links do, and tells the model the same.
    fn follow(&mut self) {
        for (number, link) in (1..).zip(&self.links) {
            let (up, dark) = (self.model.up.contains(&link.index), self.model.dark.contains(&link.index));
            let down = self.model.down.contains(&link.index);
            match (link.exists, link.admin, link.carrier) {
                (false, ..) => {
                    if up || dark || down {
                        self.model.link_gone(link.index);
                    }
                    continue;
                }
                (true, true, true) if !up => self.model.link_up(link.index),
                (true, true, false) if up => self.model.link_down(link.index, false),
                (true, true, false) if !dark => {
                    self.model.link_up(link.index);
                    self.model.link_down(link.index, false);
                }
                (true, false, _) if !down => self.model.link_down(link.index, true),
                (true, ..) => {}
            }
            // Asked for one link, the kernel first does what it had put off about it.
            let shown = self.space.ip(&format!("-o link show d{number}"));
            assert_eq!(shown.contains("LOWER_UP"), link.admin && link.carrier, "{shown}");
        }
    }

    /// What everybody holds, in both.
    fn states(&mut self) -> [Vec<Table>; 2] {
        let real = actors().iter().map(|settings| self.real.dump(settings).unwrap()).collect();
        [real, actors().iter().map(|settings| self.model.dump(settings)).collect()]
    }
}

/// As the machine makes batches: next hops and groups before routes, and a prefix once. The kernel's answers are judged
/// when all of a batch is carried out, so what was refused and is tried in another way comes behind the rest.
fn in_the_machines_order(ops: Vec<Op>) -> Vec<Op> {
    let prefix = |op: &Op| match op {
        Op::AddRoute(prefix, _) | Op::ReplaceRoute(prefix, _) | Op::DeleteRoute(prefix) => Some(*prefix),
        Op::AddNextHop(_) | Op::SetGroup(_) | Op::DeleteOld(_) | Op::DeleteGroup(_) | Op::DeleteNextHop(_) => None,
    };
    let (mut objects, routes): (Vec<Op>, Vec<Op>) = ops.into_iter().partition(|op| prefix(op).is_none());
    let mut seen = BTreeSet::new();
    objects.extend(routes.into_iter().filter(|op| prefix(op).is_some_and(|prefix| seen.insert(prefix))));
    objects
}

/// A refusal as far as both must agree.
#[derive(Debug, Eq, PartialEq)]
struct Refusal {
    index: usize,
    errno: i32,
    text: String,
}

fn refusals(failures: &[Failure]) -> Vec<Refusal> {
    // Whose route is in the way is not always to be found out.
    let in_the_way = |text: &str| text.starts_with("another program's route");
    let text = |text: &str| if in_the_way(text) { "in the way".to_owned() } else { text.to_owned() };
    let told = |f: &Failure| Refusal { index: f.index, errno: f.error.errno, text: text(&f.error.text) };
    failures.iter().map(told).collect()
}

/// What only one of them holds, a line each.
fn differences(real: &[Table], model: &[Table]) -> Vec<String> {
    let lines = |tables: &[Table]| -> BTreeSet<String> {
        let of = |(who, table): (usize, &Table)| {
            let hops = table.next_hops.values().map(|hop| format!("{hop:?}"));
            let groups = table.groups.values().map(|group| format!("{group:?}"));
            let routes = table.routes.iter().map(|(prefix, target)| format!("{prefix} {target:?}"));
            let taken = table.taken.iter().map(|id| format!("taken {id}"));
            hops.chain(groups).chain(routes).chain(taken).map(|line| format!("{who}: {line}")).collect::<Vec<_>>()
        };
        tables.iter().enumerate().flat_map(of).collect()
    };
    let (real, model) = (lines(real), lines(model));
    let only_real = real.difference(&model).map(|line| format!("only the kernel: {line}"));
    only_real.chain(model.difference(&real).map(|line| format!("only the model: {line}"))).collect()
}

fn play(seed: u64) {
    within(move |space| {
        let mut pair = Pair::new(space, seed);
        for number in 0..STEPS {
            let step = pair.step();
            let before = format!("{:?}", pair.model);
            let [real, model] = pair.take(&step);
            let at = || format!("TWINSPAN_SEED={seed}, step {number}: {step:#?}\nbefore: {before}");
            assert_eq!(real, model, "refused by the kernel, and by the model; {}", at());
            let [real, model] = pair.states();
            assert!(real == model, "{}\n{}", at(), differences(&real, &model).join("\n"));
        }
    });
}

#[test]
fn the_model_kernel_of_the_simulator_refuses_and_holds_what_the_running_kernel_does() {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    if let Some(seed) = number("TWINSPAN_SEED") {
        return play(seed);
    }
    for seed in 0..number("TWINSPAN_SEEDS").unwrap_or(8) {
        if let Err(cause) = panic::catch_unwind(|| play(seed)) {
            println!("to see it again: TWINSPAN_SEED={seed}");
            panic::resume_unwind(cause);
        }
    }
}
