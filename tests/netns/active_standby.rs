//! `labs/active-standby`: one instance serves; the other takes over, with the shared address, when it is told to and when it must.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use crate::gateway::{Gateway, SOON};
use crate::runner::wait_until;
use crate::traffic::Traffic;

const LAB: &str = "labs/active-standby/active-standby.clab.yml";

/// Behind the device that speaks to the shared address, and behind the one with a link-local pair to each instance.
const SITES: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 52, 1, 10), Ipv4Addr::new(10, 53, 1, 10)];

/// Packets a second to each site, and from the first one to the cloud.
const RATES: [u64; 3] = [500, 500, 1_000];

/// How long a daemon that is killed may take to be gone.
const END: Duration = Duration::from_secs(5);

/// Waits until an instance is active and has sessions with both devices and all of their routes.
fn serves(gateway: &Gateway, instance: &str) -> Result<()> {
    wait_until(SOON, || {
        let shown = gateway.show(instance, &["gateway"])?;
        if shown["role"]["role"] != "active" {
            return Err(format!("{instance} is {}", shown["role"]));
        }
        let kernel = gateway.kernel(instance).map_err(|error| format!("{error:#}"))?;
        let ways = ["10.52.1.0/24", "10.53.1.0/24"].map(|site| kernel.members(site).unwrap_or_default());
        if ways == [["tun-hq1"], ["tun-hq2"]] { Ok(()) } else { Err(format!("{instance}: {ways:?}")) }
    })
}

/// How long each kind of traffic was away, in milliseconds, counted in packets: to the first site, to the second, from the first.
fn away(traffic: Traffic) -> [u64; 3] {
    let (down, up) = (traffic.down.stop(), traffic.up.stop());
    // Flows go to the sites in turn.
    let of = |lost: &BTreeMap<u16, u64>, place: u16| -> u64 {
        lost.iter().filter(|(port, _)| **port % 2 == place).map(|(_, lost)| lost).sum()
    };
    let lost = [of(&down, 0), of(&down, 1), up.values().sum()];
    [0, 1, 2].map(|at| lost[at] * 1_000 / RATES[at])
}

#[test]
fn r2_to_r4_a_planned_takeover_moves_address_sessions_and_traffic_and_takes_less_than_the_reference() -> Result<()> {
    let gateway = Gateway::of(LAB)?;
    gateway.check()?;
    serves(&gateway, "in-0")?;
    let traffic = Traffic::start_to(&gateway, &SITES)?;
    gateway.lab.must("in-0", &["twinspan", "role", "standby"])?;
    serves(&gateway, "in-1")?;
    gateway.check()?;
    let away = away(traffic);
    println!("planned takeover: {away:?} ms away to hq-1 (shared address), to hq-2 (pairs), from hq-1");
    ensure!(away.iter().all(|ms| *ms < 10_000), "{away:?}");
    Ok(())
}

#[test]
fn r13_the_active_is_drained_by_handing_over_first_and_traffic_hardly_notices() -> Result<()> {
    let gateway = Gateway::of(LAB)?;
    gateway.check()?;
    serves(&gateway, "in-0")?;
    let traffic = Traffic::start_to(&gateway, &SITES)?;
    let said = gateway.lab.must("in-0", &["twinspan", "drain", "--wait", "--reason", "a new kernel"])?;
    ensure!(said.contains("in-0 is drained after"), "{said}");
    serves(&gateway, "in-1")?;
    let away = away(traffic);
    println!("drain of the active: {away:?} ms away to hq-1 (shared address), to hq-2 (pairs), from hq-1");
    ensure!(away.iter().all(|ms| *ms < 1_000), "{away:?}\n{}\n{}", gateway.tail("in-0"), gateway.tail("in-1"));
    let shown = gateway.show("in-0", &["gateway"]).map_err(anyhow::Error::msg)?;
    ensure!(shown["role"]["role"] == "away" && shown["standing"]["state"] == "drained", "{shown}");
    gateway.lab.must("in-0", &["twinspan", "undrain", "--wait"])?;
    gateway.check()
}

#[test]
fn r5_and_r6_an_unplanned_takeover_is_over_long_before_the_reference_whether_the_daemon_or_the_host_is_gone()
-> Result<()> {
    let mut gateway = Gateway::of(LAB)?;
    gateway.check()?;
    serves(&gateway, "in-0")?;
    let traffic = Traffic::start_to(&gateway, &SITES)?;
    gateway.lab.stop("in-0", "twinspan", Signal::SIGKILL, END)?;
    serves(&gateway, "in-1")?;
    // The killed one comes back, and follows.
    gateway.lab.start("in-0")?;
    gateway.check()?;
    let killed = away(traffic);
    println!("daemon killed: {killed:?} ms away to hq-1 (shared address), to hq-2 (pairs), from hq-1");
    ensure!(killed.iter().all(|ms| *ms < 60_000), "{killed:?}");
    let traffic = Traffic::start_to(&gateway, &SITES)?;
    for interface in ["eth1", "twin", "tun-hq1", "tun-hq2"] {
        gateway.lab.must("in-1", &["ip", "link", "set", interface, "down"])?;
    }
    gateway.lab.signal("in-1", "twinspan", Signal::SIGKILL)?;
    serves(&gateway, "in-0")?;
    wait_until(SOON, || {
        let ping = ["ping", "-c", "1", "-W", "1", "10.52.1.10"];
        gateway.lab.must("cloud-host", &ping).map(drop).map_err(|error| format!("{error:#}"))
    })?;
    let gone = away(traffic);
    println!("host gone: {gone:?} ms away to hq-1 (shared address), to hq-2 (pairs), from hq-1");
    ensure!(gone.iter().all(|ms| *ms < 60_000), "{gone:?}");
    Ok(())
}
