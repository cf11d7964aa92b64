//! A tunnel that flaps ten times a second under a full table.

use std::fs;
use std::process::Command;
use std::sync::PoisonError;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::player::{Options, Player, table};
use crate::runner::wait_until;
use crate::site::{SOON, Site};
use crate::{TURN, number};

/// Between down and up, and between up and down.
const HALF: Duration = Duration::from_millis(50);

fn player(site: &Site, n: u8) -> Result<Player> {
    let options = Options {
        local: [169, 254, n, 1].into(),
        remote: ([169, 254, n, 2], 179).into(),
        asn: 65010,
        hold_time: 90,
        four_octet: true,
        limit: Duration::from_secs(20),
    };
    site.lab.inside("hq", || Player::connect(&options))?.map_err(|failure| anyhow!("{n}: {failure}\n{}", site.log()))
}

/// Memory that a process has, in KiB.
fn resident(id: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no such line")?;
    Ok(line.split_whitespace().nth(1).context("no number")?.parse()?)
}

/// Goes on for so long; how many times.
fn flap(netns: &str, time: Duration) -> Result<u64> {
    let start = Instant::now();
    let mut flaps = 0;
    while start.elapsed() < time {
        for state in ["down", "up"] {
            let done = Command::new("ip").args(["-n", netns, "link", "set", "tun1", state]).status()?;
            ensure!(done.success(), "ip has failed");
            thread::sleep(HALF);
        }
        flaps += 1;
    }
    Ok(flaps)
}

#[test]
fn a_tunnel_that_flaps_ten_times_a_second_under_a_full_table_costs_little_and_disturbs_nobody() -> Result<()> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let prefixes = number("TWINSPAN_FLAP_PREFIXES").unwrap_or(100_000);
    let time = Duration::from_secs(number("TWINSPAN_FLAP_SECONDS").unwrap_or(12));
    let mut site = Site::up("", &["hq"])?;
    let mut players = [player(&site, 1)?, player(&site, 2)?, player(&site, 3)?];
    for player in &mut players {
        player.play(table::records(usize::try_from(prefixes)?, 1)).map_err(|failure| anyhow!("{failure}"))?;
    }
    let full = |site: &Site| match site.show(&["fib"])? {
        fib if fib["settled"] == true && fib["totals"]["present"].as_u64() >= Some(prefixes * 9 / 10) => Ok(()),
        fib => Err(format!("{}", fib["totals"])),
    };
    wait_until(SOON * 4, || full(&site)).with_context(|| site.log())?;
    let (id, netns) = (site.lab.pid("gw", "twinspan")?, site.lab.node("hq")?.netns.clone());
    let used_to_load = site.lab.cpu_time("gw", "twinspan")?;

    // The first loss takes the paths of that session away and packs what it freed.
    let mut flaps = flap(&netns, time / 4)?;
    let (early, from) = (resident(id)?, site.lab.cpu_time("gw", "twinspan")?);
    let start = Instant::now();
    flaps += flap(&netns, time - time / 4)?;
    let (late, used) = (resident(id)?, site.lab.cpu_time("gw", "twinspan")? - from);
    let share = used.as_secs_f64() / start.elapsed().as_secs_f64();
    println!(
        "{flaps} flaps, {prefixes} prefixes: {share:.3} of a processor while it flaps, {used_to_load:?} to load; \
         {early} KiB, then {late} KiB"
    );
    ensure!(late < early + early / 10 + 4_096, "memory grew from {early} KiB to {late} KiB");
    // Two lookups and some messages each: most of a processor would be a loop.
    ensure!(share < 0.8, "{share:.2} of a processor");
    for player in &players[1..] {
        player.stands().map_err(|failure| anyhow!("{failure}\n{}", site.log()))?;
    }
    let shown = site.show(&["neighbors"]).map_err(anyhow::Error::msg)?;
    let others = shown["neighbors"].as_array().into_iter().flatten().filter(|n| n["interface"] != "tun1");
    let states: Vec<_> = others.map(|n| (n["state"].as_str().unwrap_or_default(), n["flaps"].as_u64())).collect();
    ensure!(states == [("established", Some(0)); 2], "{states:?}\n{}", site.log());
    wait_until(SOON, || full(&site)).with_context(|| site.log())?;
    Ok(())
}
