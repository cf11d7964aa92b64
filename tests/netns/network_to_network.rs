//! Our gateway against our gateway: one connection, four tunnels, with BGP and without (R10, R27 to R29).

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use nix::sys::signal::Signal;

use crate::flows::Watch;
use crate::gateway::{Gateway, SOON, checkout};
use crate::runner::wait_until;
use crate::traffic::{OneWay, RATE};

pub(crate) const LAB: &str = "labs/network-to-network/network-to-network.clab.yml";
pub(crate) const PORT: u16 = 9000;
pub(crate) const WEST: [&str; 2] = ["west-0", "west-1"];
const EAST: [&str; 2] = ["east-0", "east-1"];
const WEST_NET: &str = "10.20.0.0/16";
pub(crate) const EAST_NET: &str = "10.30.0.0/16";
const WEST_HOST: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 10);
const EAST_HOST: Ipv4Addr = Ipv4Addr::new(10, 30, 1, 10);
/// How long a daemon may take to stop.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// Waits until an instance sends a network into these tunnels and no other.
fn leaves(gateway: &Gateway, instance: &str, network: &str, tunnels: &[&str]) -> Result<()> {
    wait_until(SOON, || {
        let kernel = gateway.kernel(instance).map_err(|error| format!("{error:#}"))?;
        match kernel.members(network) {
            Some(members) if members == tunnels => Ok(()),
            members => Err(format!("{instance}: {network} goes to {members:?}\n{}", gateway.tail(instance))),
        }
    })
}

/// Waits until a network router spreads a network over these gateways.
pub(crate) fn spreads(gateway: &Gateway, core: &str, network: &str, wanted: &[&str]) -> Result<()> {
    wait_until(SOON, || {
        let shown = gateway.lab.must(core, &["ip", "route", "show", network]).map_err(|error| format!("{error:#}"))?;
        let words: Vec<&str> = shown.split_whitespace().collect();
        let via = words.windows(2).filter(|pair| pair[0] == "via").map(|pair| pair[1]).collect::<BTreeSet<_>>();
        if via == wanted.iter().copied().collect() { Ok(()) } else { Err(format!("{core}: {network}: {shown}")) }
    })
}

pub(crate) fn rests(gateway: &Gateway) -> Result<()> {
    for instance in WEST {
        leaves(gateway, instance, EAST_NET, &["tun-e0", "tun-e1"])?;
    }
    for instance in EAST {
        leaves(gateway, instance, WEST_NET, &["tun-w0", "tun-w1"])?;
    }
    spreads(gateway, "west-core", EAST_NET, &["10.20.255.4", "10.20.255.5"])?;
    spreads(gateway, "east-core", WEST_NET, &["10.30.255.4", "10.30.255.5"])
}

/// Flows both ways.
struct Traffic {
    east: OneWay,
    west: OneWay,
}

impl Traffic {
    fn start(gateway: &Gateway) -> Result<Self> {
        Ok(Self {
            east: OneWay::start(&gateway.lab, "west-host", "east-host", &[EAST_HOST], RATE)?,
            west: OneWay::start(&gateway.lab, "east-host", "west-host", &[WEST_HOST], RATE)?,
        })
    }

    /// For so long the flows run on: the time is part of what is measured.
    fn run_for(&self, duration: Duration) {
        thread::sleep(duration);
    }

    /// What was lost both ways.
    fn stop(self) -> u64 {
        self.east.stop().values().chain(self.west.stop().values()).sum()
    }
}

/// The tunnels that packets come out of, each way, while they flow for a second.
fn used(gateway: &Gateway) -> Result<BTreeMap<&'static str, BTreeSet<String>>> {
    let mut watches = Vec::new();
    for node in WEST.into_iter().chain(EAST) {
        watches.push((node, gateway.lab.inside(node, || Watch::open(PORT))??.start()));
    }
    thread::sleep(Duration::from_secs(1)); // the time is part of what is measured
    let mut used = BTreeMap::new();
    for (node, watch) in watches {
        let all: BTreeSet<String> = watch.stop().into_values().flat_map(BTreeMap::into_keys).collect();
        used.insert(node, all.into_iter().filter(|name| name.starts_with("tun-")).collect());
    }
    Ok(used)
}

fn pair(one: &str, other: &str) -> BTreeSet<String> {
    [one.to_owned(), other.to_owned()].into()
}

#[test]
fn r27_two_gateways_are_joined_by_four_tunnels_which_all_carry_traffic_and_r28_maintenance_leaves_two() -> Result<()> {
    let mut gateway = Gateway::of(LAB)?;
    rests(&gateway)?;
    let shown = gateway.show("west-0", &["gateway"]).map_err(anyhow::Error::msg)?;
    assert_eq!((&shown["tunnels"]["up"], &shown["tunnels"]["gateway"]), (&2.into(), &4.into()), "{shown}");
    // r10: the network routers spread over both instances, and those over both tunnels of each.
    let traffic = Traffic::start(&gateway)?;
    for (node, tunnels) in used(&gateway)? {
        let far = if node.starts_with("west") { "tun-e" } else { "tun-w" };
        assert_eq!(tunnels, pair(&format!("{far}0"), &format!("{far}1")), "{node}");
    }
    assert_eq!(traffic.stop(), 0, "packets were lost");
    // One instance of one side is serviced.
    let status = gateway.lab.stop("west-1", "twinspan", Signal::SIGTERM, STOP_LIMIT)?;
    assert!(status.success(), "{status}\n{}", gateway.tail("west-1"));
    leaves(&gateway, "west-0", EAST_NET, &["tun-e0", "tun-e1"])?;
    for instance in EAST {
        leaves(&gateway, instance, WEST_NET, &["tun-w0"])?;
    }
    spreads(&gateway, "west-core", EAST_NET, &["10.20.255.4"])?;
    let traffic = Traffic::start(&gateway)?;
    let now = used(&gateway)?;
    assert_eq!(now["west-0"], pair("tun-e0", "tun-e1"));
    assert!(now["west-1"].is_empty(), "{now:?}");
    assert_eq!(traffic.stop(), 0, "packets were lost by two tunnels");
    gateway.lab.start("west-1")?;
    rests(&gateway)
}

/// The lab's files without BGP between the gateways.
fn without_bgp() -> Result<Vec<(&'static str, &'static str, String)>> {
    let mut files = Vec::new();
    for (side, far, nodes) in [("west", EAST_NET, WEST), ("east", WEST_NET, EAST)] {
        let text = std::fs::read_to_string(checkout(&format!("labs/network-to-network/{side}/twinspan.toml")))?;
        let asn = text.lines().skip_while(|line| *line != "[[peer-gateway]]").find(|line| line.starts_with("asn"));
        let text = text.replace("bgp = true", "bgp = false");
        let text = text
            .replace(&format!("{}\ninstance", asn.unwrap_or_default()), &format!("prefixes = [\"{far}\"]\ninstance"));
        files.extend(nodes.map(|node| (node, "/etc/twinspan/twinspan.toml", text.clone())));
    }
    Ok(files)
}

#[test]
fn r29_without_bgp_static_prefixes_follow_each_tunnel_and_network_routers_learn_them_all_the_same() -> Result<()> {
    let gateway = Gateway::of_files(LAB, &without_bgp()?)?;
    rests(&gateway)?;
    let shown = gateway.show("west-0", &["routes", EAST_NET]).map_err(anyhow::Error::msg)?;
    let paths = shown["routes"][0]["paths"].as_array().cloned().unwrap_or_default();
    let own: Vec<_> = paths.iter().filter(|path| path["source"] == "static").collect();
    assert_eq!(own.len(), 2, "{shown}");
    let traffic = Traffic::start(&gateway)?;
    traffic.run_for(Duration::from_millis(500));
    // A hook takes a tunnel down at both ends: its own flows move, and none is lost.
    for (instance, tunnel) in [("west-0", "east:east-0/west-0"), ("east-0", "west:west-0/east-0")] {
        gateway.lab.must(instance, &["twinspan", "tunnel", "down", tunnel, "--reason", "line 2 is cut"])?;
    }
    leaves(&gateway, "west-0", EAST_NET, &["tun-e1"])?;
    leaves(&gateway, "east-0", WEST_NET, &["tun-w1"])?;
    traffic.run_for(Duration::from_millis(500));
    for (instance, tunnel) in [("west-0", "east:east-0/west-0"), ("east-0", "west:west-0/east-0")] {
        gateway.lab.must(instance, &["twinspan", "tunnel", "up", tunnel])?;
    }
    rests(&gateway)?;
    traffic.run_for(Duration::from_millis(500));
    assert_eq!(traffic.stop(), 0, "packets were lost");
    // An instance that is cut off from the other side tells its network router, by its twin or not at all.
    gateway.lab.shell("west-0", "ip link set tun-e0 down; ip link set tun-e1 down")?;
    wait_until(SOON, || {
        let kernel = gateway.kernel("west-0").map_err(|error| format!("{error:#}"))?;
        let ways = kernel.members(EAST_NET).unwrap_or_default();
        if ways.iter().any(|way| way.starts_with("tun-")) { Err(format!("{ways:?}")) } else { Ok(()) }
    })?;
    for instance in EAST {
        leaves(&gateway, instance, WEST_NET, &["tun-w1"])?;
    }
    wait_until(SOON, || {
        let ping = ["ping", "-c", "20", "-i", "0.01", "-W", "2", "10.30.1.10"];
        gateway.lab.must("west-host", &ping).map(drop).map_err(|error| format!("{error:#}"))
    })
}
