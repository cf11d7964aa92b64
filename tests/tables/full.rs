//! A full table from two devices at once, and a stream of today's updates.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use serde_json::Value;

use crate::gateway::{Gateway, checkout};
use crate::player::mrt::{self, Record};
use crate::player::{Failure, Options, Player, Sent, table};
use crate::runner::wait_until;

/// Different prefixes in the table of 2015, some of them with AS 0 in their path; a made-up one has as many.
const PREFIXES: usize = 577_703;

/// Goes behind the gateway's file: tables of that time have paths with sets.
const SETS: &str = "\n[bgp]\nallow-as-sets = true\n";

/// How long a table may take to be in the kernel: a limit for this test to end, not a target.
const LOAD_LIMIT: Duration = Duration::from_secs(120);

/// An answer that takes longer than this waited for the table.
const ANSWER_LIMIT: Duration = Duration::from_millis(100);

/// The table takes 2.4 s where the machine has nothing else to do. Where it has, an answer may take longer in proportion.
const ANSWERS_A_LOAD: u32 = 24;

/// A recording: from `TWINSPAN_DATA`, else from the data folder beside the checkout.
pub(crate) fn recording(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("TWINSPAN_DATA").map_or_else(|| checkout("../shared/data"), PathBuf::from);
    Some(folder.join(name)).filter(|path| path.exists())
}

/// The records of a recording, or of a made-up table where it is not there; says so.
fn records(name: &str, prefixes: usize) -> Box<dyn Iterator<Item = Record>> {
    match recording(name) {
        Some(path) => Box::new(mrt::messages(&path)),
        None => {
            eprintln!("NOTE: {name} is not there: a made-up table of {prefixes} prefixes is played instead");
            Box::new(table::records(prefixes, 1))
        }
    }
}

/// A device of the lab, played.
pub(crate) fn device(gateway: &Gateway, node: &str, asn: u32) -> Result<Player> {
    let (local, remote) = match node {
        "hq-1" => ([169, 254, 21, 1], [169, 254, 21, 2]),
        _ => ([169, 254, 21, 9], [169, 254, 21, 10]),
    };
    let options = Options {
        local: local.into(),
        remote: (remote, 179).into(),
        asn,
        hold_time: 90,
        four_octet: true,
        limit: Duration::from_secs(20),
    };
    gateway
        .lab
        .inside(node, || Player::connect(&options))?
        .map_err(|failure| anyhow!("{node}: {failure}\n{}", gateway.tail("in-0")))
}

/// What in-0 says of a neighbor's IPv4 prefixes: received, accepted, refused.
fn counts(shown: &Value, interface: &str) -> Option<[u64; 3]> {
    let neighbor = shown["neighbors"].as_array()?.iter().find(|neighbor| neighbor["interface"] == interface)?;
    let family = neighbor["prefixes"].as_array()?.iter().find(|family| family["family"] == "ipv4")?;
    Some(["received", "accepted", "refused"].map(|key| family[key].as_u64().unwrap_or_default()))
}

/// Asks for routes again and again until told to stop, from the command's start to its end; the longest answer.
fn ask(socket: &str, stop: &AtomicBool) -> Result<Duration, String> {
    let mut longest = Duration::ZERO;
    while !stop.load(Ordering::Relaxed) {
        let mut show = Command::new(env!("CARGO_BIN_EXE_twinspan"));
        show.args(["--socket", socket, "show", "routes", "--json"]);
        let start = Instant::now();
        let answer = show.output().map_err(|error| error.to_string())?;
        longest = longest.max(start.elapsed());
        if !answer.status.success() {
            return Err(String::from_utf8_lossy(&answer.stderr).into_owned());
        }
        let shown: Value = serde_json::from_slice(&answer.stdout).map_err(|error| error.to_string())?;
        if !shown["routes"].is_array() {
            return Err(format!("no routes in {shown}"));
        }
        thread::sleep(Duration::from_millis(20)); // a person with a shell loop, not an attack
    }
    Ok(longest)
}

/// Plays the table as another host does: that does not take processor time from the gateway's.
fn play_from_elsewhere(player: &mut Player) -> Result<Sent, Failure> {
    let _ = rustix::process::nice(10);
    player.play(records("ris-updates.et-header.2015.gz", PREFIXES))
}

#[test]
fn a_full_table_from_two_devices_is_in_the_kernel_with_two_members_and_the_daemon_answers_meanwhile() -> Result<()> {
    let mut gateway = Gateway::up_with(&["hq-1", "hq-2", "in-1"], SETS)?;
    let mut players = [device(&gateway, "hq-1", 65010)?, device(&gateway, "hq-2", 65011)?];
    // The daemon's socket as it is seen from outside of its mount namespace.
    let socket = format!("/proc/{}/root/run/twinspan/twinspan.sock", gateway.lab.pid("in-0", "twinspan")?);
    let stop = AtomicBool::new(false);
    let start = Instant::now();
    let (sent, settled, longest) = thread::scope(|scope| {
        let asking = scope.spawn(|| ask(&socket, &stop));
        let playing = players.each_mut().map(|player| scope.spawn(|| play_from_elsewhere(player)));
        let sent = playing.map(|player| player.join().expect("a player does not panic"));
        let settled = wait_until(LOAD_LIMIT, || {
            let shown = gateway.show("in-0", &["neighbors"])?;
            for (interface, sent) in ["tun-hq1", "tun-hq2"].into_iter().zip(&sent) {
                let held = sent.as_ref().map_err(ToString::to_string)?.prefixes as u64;
                match counts(&shown, interface) {
                    Some([received, ..]) if received == held => {}
                    other => return Err(format!("{interface}: {held} sent; received, accepted, refused: {other:?}")),
                }
            }
            let fib = gateway.show("in-0", &["fib"])?;
            if fib["settled"] == true { Ok(start.elapsed()) } else { Err(format!("{}", fib["totals"])) }
        });
        stop.store(true, Ordering::Relaxed);
        (sent, settled, asking.join().expect("asking does not panic"))
    });
    let [one, two]: [Result<Sent, _>; 2] = sent;
    let (one, two) = (one.map_err(|e| anyhow!("hq-1: {e}"))?, two.map_err(|e| anyhow!("hq-2: {e}"))?);
    let settled = settled.map_err(|error| anyhow!("{error:#}\n{}", gateway.tail("in-0")))?;
    let longest = longest.map_err(anyhow::Error::msg)?;
    eprintln!("{} prefixes from each of two devices were in the kernel after {settled:?}", one.prefixes);
    eprintln!("while they came, the longest answer to `show routes --json` took {longest:?}");

    // Sent, RIB, kernel: the same number three times, but for what no speaker may use.
    assert_eq!((one.counts.unreadable, two.counts.unreadable), (0, 0));
    assert_eq!(one.prefixes + usize::try_from(one.counts.as_zero)?, PREFIXES, "different prefixes sent");
    assert_eq!(one.prefixes, two.prefixes);
    let kernel = gateway.kernel("in-0")?;
    let text = |(network, length): &(u32, u8)| format!("{}/{length}", Ipv4Addr::from(*network));
    let missing: Vec<String> =
        players[0].held().iter().map(text).filter(|prefix| !kernel.routes.contains_key(prefix)).collect();
    eprintln!("{} routes with AS 0 in their path; not in the kernel: {missing:?}", one.counts.as_zero);
    let martians: Vec<String> =
        players[0].held().iter().filter(|(network, length)| table::kept_out(*network, *length)).map(text).collect();
    assert!(missing.iter().all(|prefix| martians.contains(prefix)), "{missing:?} are missing, martians: {martians:?}");
    let shown = gateway.show("in-0", &["neighbors"]).map_err(anyhow::Error::msg)?;
    let (all, refused) = (one.prefixes as u64, missing.len() as u64);
    for interface in ["tun-hq1", "tun-hq2"] {
        let wanted = [all, all - refused, refused];
        assert_eq!(counts(&shown, interface), Some(wanted), "{interface}: received, accepted, refused");
    }
    assert_eq!(kernel.routes.len(), one.prefixes - missing.len());
    let two_members = kernel.routes.values().filter(|group| kernel.groups.get(group).is_some_and(|g| g.len() == 2));
    assert_eq!(two_members.count(), kernel.routes.len(), "routes through a resilient group with two members");

    // No session was lost, before, during and after; then there is nothing left to do.
    let limit = ANSWER_LIMIT.max(settled / ANSWERS_A_LOAD);
    assert!(longest <= limit, "an answer took {longest:?}, more than {limit:?}");
    let window = Duration::from_secs(5);
    let before = gateway.lab.cpu_time("in-0", "twinspan")?;
    thread::sleep(window); // the time over which idle is measured
    let used = gateway.lab.cpu_time("in-0", "twinspan")? - before;
    assert!(used < window / 100, "idle, the daemon used {used:?} of processor time in {window:?}");
    for player in &players {
        player.stands()?;
    }
    let shown = gateway.show("in-0", &["neighbors"]).map_err(anyhow::Error::msg)?;
    let flaps: Vec<_> = shown["neighbors"].as_array().into_iter().flatten().map(|n| n["flaps"].as_u64()).collect();
    assert_eq!(flaps, [Some(0), Some(0)]);
    Ok(())
}

#[test]
fn the_stream_of_2019_plays_without_a_reset() -> Result<()> {
    let gateway = Gateway::up_with(&["hq-1", "hq-2", "in-1"], SETS)?;
    let mut player = device(&gateway, "hq-1", 65010)?;
    let sent = player.play(records("updates.20190101.0000.gz", 18_153))?;
    eprintln!("{} UPDATEs, {} prefixes at the end", sent.counts.updates, sent.prefixes);
    wait_until(LOAD_LIMIT, || {
        player.stands().map_err(|failure| failure.to_string())?;
        let shown = gateway.show("in-0", &["neighbors"])?;
        match counts(&shown, "tun-hq1") {
            Some([received, ..]) if received == sent.prefixes as u64 => Ok(()),
            other => Err(format!("{} prefixes sent, received, accepted, refused: {other:?}", sent.prefixes)),
        }
    })?;
    Ok(player.stands()?)
}
