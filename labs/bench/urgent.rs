//! From an event to the kernel: how long until the groups of a lost tunnel are replaced, with the kernel idle and while
//! a table is being loaded, and what a lane of their own is worth to them.

use std::{
    net::Ipv4Addr,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use twinspan::fib::io::Kernel;
use twinspan::fib::{Bar, Batch, BatchId, Failure, Fib, Lane, Settings};
use twinspan::types::{Hop, Prefix, Time};

use crate::player::table;

/// How often a tunnel goes or comes in each measurement.
const EVENTS: usize = 300;
/// Between two events.
const PAUSE: Duration = Duration::from_millis(7);
/// Prefixes that the loop hands on at a time, as the speaker's does.
const SLICE: usize = 1_000;
/// The table that is loaded, and taken out, and loaded again meanwhile.
const TABLE: usize = 1_000_000;
/// How much the thread for groups goes before others, and how much that for routes gives way, as the daemon's do.
const PREFERENCE: i32 = -15;
const YIELD: i32 = 5;
/// Of the prefixes: lengths as in a real table, and as spread.
const SEED: u64 = 1;

enum Fact {
    /// A tunnel goes or comes.
    Event(Instant),
    Done {
        batch: BatchId,
        failures: Vec<Failure>,
        at: Instant,
    },
}

/// The loop of a daemon without sessions: facts, batches, slices of a table.
struct Loop<'a> {
    fib: Fib,
    lanes: [mpsc::Sender<Batch>; 2],
    facts: mpsc::Receiver<Fact>,
    /// When the event was of which this batch is the answer, and how long after it the batch was handed on.
    since: Option<(BatchId, Instant, Duration)>,
    /// Until the kernel had done it, and until then.
    taken: Vec<(Duration, Duration)>,
    lost: bool,
    hops: Vec<Hop>,
    table: &'a [Prefix],
    /// The next prefix of the table, and whether it is being loaded.
    next: (usize, bool),
}

/// Milliseconds that half of the events, and 99 of 100, took at most; and the latter until the batch was handed on.
#[derive(Clone, Copy)]
pub struct Taken {
    p50: f64,
    p99: f64,
    handed: f64,
}

/// Measures with tables of three sizes in the kernel, and prints a row for each.
pub fn run(settings: &Settings, hops: &[Hop]) -> Result<()> {
    println!("event to kernel, ms, p50 / p99 of {EVENTS}; p99 until the batch is handed to its thread");
    println!("| routes on the groups | idle | while {TABLE} others load | the same with one lane |");
    println!("| --- | --- | --- | --- |");
    let prefixes: Vec<Prefix> = table::prefixes(SEED).take(2 * TABLE).map(prefix).collect();
    let (table, others) = prefixes.split_at(TABLE);
    for routes in [10_000, 100_000, 1_000_000] {
        let routes_there = others.get(..routes).context("there are as many")?;
        let idle = measure(settings, hops, routes_there, None, true)?;
        let loading = measure(settings, hops, routes_there, Some(table), true)?;
        let one = measure(settings, hops, routes_there, Some(table), false)?;
        let cell = |taken: Taken| format!("{:.2} / {:.2}; {:.2}", taken.p50, taken.p99, taken.handed);
        println!("| {routes} | {} | {} | {} |", cell(idle), cell(loading), cell(one));
    }
    Ok(())
}

/// With routes that are there all the time, and, beside them, a table that is loaded.
fn measure(
    settings: &Settings,
    hops: &[Hop],
    routes: &[Prefix],
    load: Option<&[Prefix]>,
    two_lanes: bool,
) -> Result<Taken> {
    let (tell, facts) = mpsc::channel();
    let routes_lane = lane(settings, tell.clone(), YIELD)?;
    let objects = if two_lanes { lane(settings, tell.clone(), PREFERENCE)? } else { routes_lane.clone() };
    let mut fib = Fib::new(settings.clone());
    let (backups, primaries) = hops.split_last().map(|(last, rest)| ([*last], rest)).context("there are hops")?;
    for prefix in routes {
        fib.want(*prefix, primaries, &backups);
    }
    let (since, taken) = (None, Vec::new());
    let lanes = [objects, routes_lane];
    let table = load.unwrap_or_default();
    let mut all = Loop { fib, lanes, facts, since, taken, lost: false, hops: hops.to_vec(), table, next: (0, true) };
    all.settle()?;
    thread::spawn(move || {
        while tell.send(Fact::Event(Instant::now())).is_ok() {
            thread::sleep(PAUSE);
        }
    });
    while all.taken.len() < EVENTS {
        let fact = if load.is_some() && all.can_load() { all.facts.try_recv().ok() } else { Some(all.facts.recv()?) };
        match fact {
            Some(fact) => all.take(fact),
            None => all.slice(),
        }
        all.hand_out();
    }
    all.fib.clear();
    all.settle()?;
    ensure!(all.fib.totals().routes == 0, "{:?}", all.fib.totals());
    let (whole, handed): (Vec<Duration>, Vec<Duration>) = all.taken.into_iter().unzip();
    let (p50, p99) = (at(whole.clone(), 50), at(whole, 99));
    Ok(Taken { p50, p99, handed: at(handed, 99) })
}

/// The time that so many of a hundred took at most, in milliseconds.
fn at(mut taken: Vec<Duration>, part: usize) -> f64 {
    taken.sort_unstable();
    taken.get(taken.len() * part / 100).map_or(0.0, |taken| taken.as_secs_f64() * 1e3)
}

impl Loop<'_> {
    /// Everything that is to be done is done.
    fn settle(&mut self) -> Result<()> {
        self.hand_out();
        while !self.fib.settled() {
            match self.facts.recv()? {
                Fact::Event(_) => {}
                done @ Fact::Done { .. } => self.take(done),
            }
            self.hand_out();
        }
        Ok(())
    }

    fn take(&mut self, fact: Fact) {
        match fact {
            Fact::Event(_) if self.since.is_some() => {} // the last one is still under way
            Fact::Event(since) => {
                let Some(tunnel) = self.hops.first() else { return };
                self.lost = !self.lost;
                match self.lost {
                    true => self.fib.bar(Bar::Link(tunnel.link)),
                    false => self.fib.unbar(Bar::Link(tunnel.link)),
                }
                let mut last = None;
                while let Some(batch) = self.fib.next_objects(Time::START) {
                    let id = batch.id;
                    self.hand(batch);
                    last = Some((id, since, since.elapsed()));
                }
                self.since = last;
            }
            Fact::Done { batch, failures, at } => {
                if let Some((_, since, handed)) = self.since.take_if(|(of, ..)| *of == batch) {
                    self.taken.push((at - since, handed));
                }
                self.fib.done(Time::START, batch, failures);
            }
        }
    }

    fn can_load(&self) -> bool {
        self.fib.totals().queued < 10 * SLICE
    }

    /// A slice of the table, as a session brings it; and as it takes it back.
    fn slice(&mut self) {
        let (from, loads) = self.next;
        let primaries = self.hops.split_last().map_or(&[][..], |(_, rest)| rest);
        for prefix in self.table.iter().skip(from).take(SLICE) {
            self.fib.want(*prefix, if loads { primaries } else { &[] }, &[]);
        }
        let next = from + SLICE;
        self.next = if next >= self.table.len() { (0, !loads) } else { (next, loads) };
    }

    fn hand_out(&mut self) {
        while let Some(batch) = self.fib.next_batch(Time::START) {
            self.hand(batch);
        }
    }

    fn hand(&self, batch: Batch) {
        let [objects, routes] = &self.lanes;
        let lane = match batch.lane {
            Lane::Objects => objects,
            Lane::Routes => routes,
        };
        let _ = lane.send(batch); // a thread that is gone tells nothing any more, which is noticed
    }
}

/// A thread that carries batches out, on a socket of its own.
fn lane(settings: &Settings, tell: mpsc::Sender<Fact>, nice: i32) -> Result<mpsc::Sender<Batch>> {
    let (give, given) = mpsc::channel::<Batch>();
    let mut kernel = Kernel::open()?;
    let settings = settings.clone();
    thread::spawn(move || {
        let _ = rustix::process::nice(nice);
        for batch in given {
            let failures = kernel.apply(&settings, &batch.ops);
            if tell.send(Fact::Done { batch: batch.id, failures, at: Instant::now() }).is_err() {
                return;
            }
        }
    });
    Ok(give)
}

fn prefix((network, length): (u32, u8)) -> Prefix {
    Prefix::truncated(Ipv4Addr::from(network).into(), length).expect("no length is above 32")
}
