//! `labs/active-active`: two instances that both forward, and a device that would rather use one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::gateway::{Gateway, INSTANCES, SOON};
use crate::runner::wait_until;
use crate::traffic::{Paths, Traffic, Ways, moved};

const LAB: &str = "labs/active-active/active-active.clab.yml";
const SITE_HOST: [Ipv4Addr; 1] = [Ipv4Addr::new(10, 52, 1, 10)];
const SITE: &str = "10.52.1.0/24";

/// How many flows came in by each way.
fn counted(ways: &Ways) -> BTreeMap<&str, usize> {
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for way in ways.values().flatten() {
        *counted.entry(way).or_default() += 1;
    }
    counted
}

#[test]
fn r7_to_r10_and_r12_cloud_traffic_uses_both_tunnels_of_the_connection_while_the_device_answers_by_one() -> Result<()> {
    let gateway = Gateway::of(LAB)?;
    gateway.check()?;
    let mut public = BTreeSet::new();
    for instance in INSTANCES {
        let tunnels = gateway.show(instance, &["tunnels"]).map_err(anyhow::Error::msg)?;
        let own = tunnels["tunnels"].as_array().cloned().unwrap_or_default();
        ensure!(own.len() == 1, "{instance} has a tunnel of its own: {tunnels}");
        let tunnel = &own[0];
        assert_eq!((&tunnel["connection"], &tunnel["session"]), (&"hq-1".into(), &"established".into()), "{tunnel}");
        public.insert(tunnel["local_address"].to_string());
        let shown = gateway.show(instance, &["gateway"]).map_err(anyhow::Error::msg)?;
        assert_eq!(shown["tunnels"]["gateway"], 2, "{shown}");
    }
    assert_eq!(public.len(), 2, "each has its own end of the connection");
    let paths = Paths::watch(&gateway.lab)?;
    let traffic = Traffic::start_to(&gateway, &SITE_HOST)?;
    traffic.run_for(Duration::from_secs(2));
    traffic.stop_without_loss();
    let (down, up) = paths.stop();
    assert_eq!((moved(&down), moved(&up)), (Ways::new(), Ways::new()), "flows that changed their tunnel");
    let (down, up) = (counted(&down), counted(&up));
    assert_eq!(down.keys().copied().collect::<Vec<_>>(), ["hq-1 tun-in0", "hq-1 tun-in1"]);
    // 32 expected of 64: far from it, the hash is not what spreads them.
    assert!(down.values().all(|flows| *flows >= 12), "{down:?}");
    assert_eq!(up, BTreeMap::from([("in-0 tun-hq1", 64)]), "the device answers by the instance that it prefers");
    Ok(())
}

/// Waits until an instance sends to the site by this interface.
fn leaves_by(gateway: &Gateway, instance: &str, interface: &str) -> Result<()> {
    wait_until(SOON, || {
        let kernel = gateway.kernel(instance).map_err(|error| format!("{error:#}"))?;
        match kernel.members(SITE) {
            Some(members) if members == [interface] => Ok(()),
            members => Err(format!("{instance}: {SITE} goes to {members:?}\n{}", gateway.tail(instance))),
        }
    })
}

#[test]
fn r14_an_instance_that_loses_its_tunnel_is_served_by_its_twin_in_both_directions() -> Result<()> {
    let gateway = Gateway::of(LAB)?;
    gateway.check()?;
    // What enters the gateway through the twin loses nothing, whatever becomes of in-0's tunnel.
    let watch = Paths::watch(&gateway.lab)?;
    let traffic = Traffic::start_to(&gateway, &SITE_HOST)?;
    let (down, _) = watch.stop();
    let spared: BTreeSet<u16> =
        down.iter().filter(|(_, ways)| ways.contains("hq-1 tun-in1")).map(|(flow, _)| flow.port).collect();
    ensure!(spared.len() >= 12, "{} flows through in-1", spared.len());
    gateway.lab.must("hq-1", &["ip", "link", "set", "tun-in0", "down"])?;
    leaves_by(&gateway, "in-0", "twin")?;
    wait_until(SOON, || {
        let routes = gateway.lab.must("hq-1", &["ip", "route", "show", "10.20.0.0/16"]).map_err(|e| e.to_string())?;
        if routes.contains("dev tun-in1") { Ok(()) } else { Err(format!("hq-1: {routes}")) }
    })?;
    let lost = traffic.down.stop();
    let up = traffic.up.stop();
    println!("lost while the tunnel went: {} to the site, {} to the cloud", sum(&lost), sum(&up));
    let of_spared: BTreeMap<_, _> = lost.iter().filter(|(port, _)| spared.contains(port)).collect();
    assert!(of_spared.is_empty(), "lost of flows through the other instance: {of_spared:?}");
    // From here on nothing is lost at all, also while the tunnel comes back.
    let traffic = Traffic::start_to(&gateway, &SITE_HOST)?;
    gateway.lab.must("hq-1", &["ip", "link", "set", "tun-in0", "up"])?;
    leaves_by(&gateway, "in-0", "tun-hq1")?;
    gateway.check()?;
    traffic.stop_without_loss();
    Ok(())
}

fn sum(lost: &BTreeMap<u16, u64>) -> u64 {
    lost.values().sum()
}
