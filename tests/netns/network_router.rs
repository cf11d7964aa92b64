//! Network routers: they learn from both instances and spread over them, and an instance that can forward nothing is
//! left at once (R10, R13).

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::flows::{Flow, Watch};
use crate::gateway::Gateway;
use crate::network_to_network::{EAST_NET, LAB, PORT, WEST, rests, spreads};
use crate::traffic::{OneWay, RATE};

/// The instances of the west that packets of each flow come through, while they flow for a second.
fn ways(gateway: &Gateway) -> Result<BTreeMap<Flow, BTreeSet<&'static str>>> {
    let mut watches = Vec::new();
    for node in WEST {
        watches.push((node, gateway.lab.inside(node, || Watch::open(PORT))??.start()));
    }
    thread::sleep(Duration::from_secs(1)); // the time is part of what is measured
    let mut ways: BTreeMap<Flow, BTreeSet<&'static str>> = BTreeMap::new();
    for (node, watch) in watches {
        for flow in watch.stop().into_keys() {
            ways.entry(flow).or_default().insert(node);
        }
    }
    Ok(ways)
}

#[test]
fn r10_a_network_router_spreads_flows_over_both_instances_and_leaves_one_at_once_that_can_forward_nothing() -> Result<()>
{
    let gateway = Gateway::of(LAB)?;
    rests(&gateway)?;
    let traffic = OneWay::start(&gateway.lab, "west-host", "east-host", &[Ipv4Addr::new(10, 30, 1, 10)], RATE)?;
    let both = ways(&gateway)?;
    assert_eq!(both.values().flatten().collect::<BTreeSet<_>>().len(), 2, "{both:?}");
    assert!(both.values().all(|through| through.len() == 1), "each flow goes through one: {both:?}");
    assert_eq!(traffic.stop(), BTreeMap::new(), "packets were lost");
    // One instance loses its tunnels and its twin: it withdraws by message, and keeps its session.
    gateway.lab.shell("west-0", "ip link set twin down; ip link set tun-e0 down; ip link set tun-e1 down")?;
    spreads(&gateway, "west-core", EAST_NET, &["10.20.255.5"])?;
    let router = gateway.show("west-0", &["neighbors", "west-core"]).map_err(anyhow::Error::msg)?;
    assert_eq!(router["state"], "established", "{router}");
    let traffic = OneWay::start(&gateway.lab, "west-host", "east-host", &[Ipv4Addr::new(10, 30, 1, 10)], RATE)?;
    let one = ways(&gateway)?;
    assert!(one.values().all(|through| through.iter().eq([&"west-1"])), "{one:?}");
    assert_eq!(traffic.stop(), BTreeMap::new(), "packets were lost");
    gateway.lab.shell("west-0", "ip link set twin up; ip link set tun-e0 up; ip link set tun-e1 up")?;
    rests(&gateway)
}
