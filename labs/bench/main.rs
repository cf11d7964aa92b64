//! Measures the route controller on the running kernel, in a network namespace of its own: needs root.
//!
//! `cargo run --release --example bench -- [ROUTES]`: so many routes through one group of four, by the machine and its
//! batches, and beside it in the same run the same routes as bare operations. What counts is the ratio.
//!
//! `cargo run --release --example bench -- urgent`: how long a lost tunnel takes to reach the kernel, see [`urgent`].

#![allow(clippy::print_stdout)] // what it is for

#[path = "../player/mod.rs"]
#[allow(dead_code, unused_imports, reason = "a table's prefixes are all that is needed here")]
mod player;
mod urgent;

use std::{
    net::Ipv4Addr,
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use nix::sched::{CloneFlags, unshare};
use twinspan::fib::io::{Kernel, sysctl};
use twinspan::fib::{Fib, Op, Settings, Target};
use twinspan::types::{Hop, LinkIndex, Prefix, Time, Weight};

const TUNNELS: u32 = 4;
const SLICE: usize = 2_000;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let word = std::env::args().nth(1);
    let is_urgent = word.as_deref() == Some("urgent");
    let routes: u32 =
        word.filter(|_| !is_urgent).map_or(Ok(1_000_000), |word| word.parse()).context("ROUTES, or \"urgent\"")?;
    ensure!(routes <= 14_000_000, "at most 14,000,000 routes");
    unshare(CloneFlags::CLONE_NEWNET).context("a network namespace needs root")?;
    let (_sysctls, wrong) = sysctl::Sysctls::set(&[sysctl::COMPAT_MODE]);
    ensure!(wrong.is_empty(), "{}", wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
    let hops = tunnels()?;
    let settings = Settings::default();
    let mut kernel = Kernel::open()?;
    let settings = Settings { max_weight: kernel.probe(&settings)?, ..settings };

    if is_urgent {
        return urgent::run(&settings, &hops);
    }
    println!("{routes} routes through one group of {TUNNELS}");
    let mut ratios = Vec::new();
    for round in 1..=3 {
        let machine = by_machine(&settings, &mut kernel, &hops, routes)?;
        let bare = bare(&settings, &mut kernel, &hops, routes)?;
        let ratio = machine.as_secs_f64() / bare.as_secs_f64();
        println!("round {round}: by the machine {machine:.3?}, bare operations {bare:.3?}, ratio {ratio:.2}");
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    println!("median ratio {:.2}", ratios[1]);
    let status = std::fs::read_to_string("/proc/self/status")?;
    let memory: Vec<_> = status.lines().filter(|line| line.starts_with("VmHWM")).collect();
    println!("{}", memory.join(" "));
    Ok(())
}

/// Wanted, in the kernel, and gone again; the time from the first wish to the last route in the kernel.
fn by_machine(settings: &Settings, kernel: &mut Kernel, hops: &[Hop], routes: u32) -> Result<Duration> {
    let mut fib = Fib::new(settings.clone());
    let start = Instant::now();
    for number in 0..routes {
        fib.want(prefix(number), hops, &[]);
    }
    settle(&mut fib, settings, kernel);
    let taken = start.elapsed();
    ensure!(fib.totals().routes == routes as usize, "{:?}", fib.totals());
    fib.clear();
    settle(&mut fib, settings, kernel);
    ensure!(fib.totals().routes == 0, "{:?}", fib.totals());
    Ok(taken)
}

fn settle(fib: &mut Fib, settings: &Settings, kernel: &mut Kernel) {
    while let Some(batch) = fib.next_batch(Time::START) {
        let failures = kernel.apply(settings, &batch.ops);
        fib.done(Time::START, batch.id, failures);
    }
}

/// The same group, and the same routes as operations made beforehand: what the kernel and the messages cost.
fn bare(settings: &Settings, kernel: &mut Kernel, hops: &[Hop], routes: u32) -> Result<Duration> {
    let mut fib = Fib::new(settings.clone());
    let keeper = "192.0.2.1/32".parse::<Prefix>()?;
    fib.want(keeper, hops, &[]);
    settle(&mut fib, settings, kernel);
    let group = fib.groups().first().context("a group was made")?.group.id;
    let ops: Vec<Op> = (0..routes).map(|number| Op::AddRoute(prefix(number), Target::Group(group))).collect();
    let start = Instant::now();
    for slice in ops.chunks(SLICE) {
        let failures = kernel.apply(settings, slice);
        ensure!(failures.is_empty(), "{:?}", failures.first());
    }
    let taken = start.elapsed();
    for slice in ops.chunks(SLICE) {
        let gone: Vec<Op> = slice
            .iter()
            .filter_map(|op| match op {
                Op::AddRoute(prefix, _) => Some(Op::DeleteRoute(*prefix)),
                _ => None,
            })
            .collect();
        kernel.apply(settings, &gone);
    }
    fib.clear();
    settle(&mut fib, settings, kernel);
    Ok(taken)
}

fn prefix(number: u32) -> Prefix {
    Prefix::truncated(Ipv4Addr::from(0x0100_0000 + (number << 8)).into(), 24).expect("24 bits are not too many")
}

/// Four tunnels to nowhere.
fn tunnels() -> Result<Vec<Hop>> {
    ip("link set lo up")?;
    let mut hops = Vec::new();
    for number in 0..TUNNELS {
        ip(&format!("link add tun{number} type veth peer name far{number}"))?;
        ip(&format!("link set far{number} up"))?;
        ip(&format!("link set tun{number} up"))?;
        ip(&format!("addr add 169.254.{number}.1/30 dev tun{number}"))?;
        let index = nix::net::if_::if_nametoindex(format!("tun{number}").as_str())?;
        let gateway = Some(Ipv4Addr::new(169, 254, number as u8, 2).into());
        let link = LinkIndex::new(index).context("an interface has an index")?;
        hops.push(Hop { link, gateway, weight: Weight::ONE });
    }
    Ok(hops)
}

fn ip(words: &str) -> Result<()> {
    let done = Command::new("ip").args(words.split(' ')).output()?;
    ensure!(done.status.success(), "ip {words}: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}
