//! Three gateways that pass on what others teach them: the shorter way, the way around, and no loop (R30).

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::gateway::{Gateway, SOON};
use crate::runner::wait_until;
use crate::traffic::{OneWay, RATE};

const LAB: &str = "labs/transit/transit.clab.yml";
const WEST_NET: &str = "10.20.0.0/16";
const HUB_NET: &str = "10.21.0.0/16";
const EAST_NET: &str = "10.22.0.0/16";
const BRANCH_NET: &str = "10.60.0.0/16";
/// Each instance, its own network and AS.
const INSTANCES: [(&str, &str, u32); 6] = [
    ("west-0", WEST_NET, 64520),
    ("west-1", WEST_NET, 64520),
    ("hub-0", HUB_NET, 64521),
    ("hub-1", HUB_NET, 64521),
    ("east-0", EAST_NET, 64522),
    ("east-1", EAST_NET, 64522),
];

/// The paths of a prefix on an instance.
fn paths(gateway: &Gateway, instance: &str, prefix: &str) -> Result<Vec<Value>, String> {
    let shown = gateway.show(instance, &["routes", prefix])?;
    Ok(shown["routes"][0]["paths"].as_array().cloned().unwrap_or_default())
}

/// Waits until an instance sends a prefix into these tunnels and no other.
fn leaves(gateway: &Gateway, instance: &str, prefix: &str, tunnels: [&str; 2]) -> Result<()> {
    wait_until(SOON, || {
        let kernel = gateway.kernel(instance).map_err(|error| format!("{error:#}"))?;
        match kernel.members(prefix) {
            Some(members) if members == tunnels => Ok(()),
            members => Err(format!("{instance}: {prefix} goes to {members:?}\n{}", gateway.tail(instance))),
        }
    })
}

/// The AS paths by which an instance uses a prefix.
fn as_paths(gateway: &Gateway, instance: &str, prefix: &str) -> Result<BTreeSet<String>> {
    let all = paths(gateway, instance, prefix).map_err(anyhow::Error::msg)?;
    let used = all.iter().filter(|path| path["state"] == "best" || path["state"] == "multipath");
    Ok(used.map(|path| path["as_path"].to_string()).collect())
}

#[test]
fn r30_transit_takes_the_shorter_way_goes_around_when_it_is_lost_and_never_in_circles() -> Result<()> {
    let gateway = Gateway::of(LAB)?;
    // Everybody reaches everybody straight, by both tunnels of each instance.
    let straight = [
        ("west", "tun-h", HUB_NET),
        ("west", "tun-e", EAST_NET),
        ("hub", "tun-w", WEST_NET),
        ("hub", "tun-e", EAST_NET),
        ("east", "tun-w", WEST_NET),
        ("east", "tun-h", HUB_NET),
        // What a device of the hub teaches is passed on.
        ("west", "tun-h", BRANCH_NET),
        ("east", "tun-h", BRANCH_NET),
    ];
    for (side, tunnels, prefix) in straight {
        for instance in 0..2 {
            let tunnels = [format!("{tunnels}0"), format!("{tunnels}1")];
            leaves(&gateway, &format!("{side}-{instance}"), prefix, [&tunnels[0], &tunnels[1]])?;
        }
    }
    assert_eq!(as_paths(&gateway, "west-0", EAST_NET)?, ["[64522]".to_owned()].into());
    assert_eq!(as_paths(&gateway, "west-0", BRANCH_NET)?, ["[64521,65010]".to_owned()].into());
    // The hub has the branch's default route, and passes it on to nobody.
    wait_until(SOON, || match paths(&gateway, "hub-0", "0.0.0.0/0")?.first() {
        Some(path) if path["neighbor"] == "branch/hub-0" => Ok(()),
        found => Err(format!("the hub has {found:?}")),
    })?;
    for instance in ["west-0", "west-1", "east-0", "east-1"] {
        assert_eq!(paths(&gateway, instance, "0.0.0.0/0").map_err(anyhow::Error::msg)?, [] as [Value; 0], "{instance}");
    }
    // The straight tunnels are lost at one end: traffic goes around, over the hub.
    for instance in ["west-0", "west-1"] {
        gateway.lab.shell(instance, "ip link set tun-e0 down; ip link set tun-e1 down")?;
    }
    for instance in 0..2 {
        leaves(&gateway, &format!("west-{instance}"), EAST_NET, ["tun-h0", "tun-h1"])?;
        leaves(&gateway, &format!("east-{instance}"), WEST_NET, ["tun-h0", "tun-h1"])?;
    }
    assert_eq!(as_paths(&gateway, "west-1", EAST_NET)?, ["[64521,64522]".to_owned()].into());
    let east = OneWay::start(&gateway.lab, "west-host", "east-host", &[Ipv4Addr::new(10, 22, 1, 10)], RATE)?;
    let west = OneWay::start(&gateway.lab, "east-host", "west-host", &[Ipv4Addr::new(10, 20, 1, 10)], RATE)?;
    thread::sleep(Duration::from_secs(1)); // the time is part of what is measured
    let lost: u64 = east.stop().values().chain(west.stop().values()).sum();
    assert_eq!(lost, 0, "packets were lost on the way around");
    // Nobody believes in a way to its own network, nor in one through itself.
    for (instance, own, asn) in INSTANCES {
        let learned = paths(&gateway, instance, own).map_err(anyhow::Error::msg)?;
        let believed = learned.iter().filter(|path| !path["neighbor"].is_null() && path["state"] != "refused");
        assert_eq!(believed.count(), 0, "{instance}: {learned:?}");
        for prefix in [WEST_NET, HUB_NET, EAST_NET, BRANCH_NET] {
            let all = paths(&gateway, instance, prefix).map_err(anyhow::Error::msg)?;
            let through = |path: &&Value| {
                let asns = path["as_path"].as_array().cloned().unwrap_or_default();
                path["state"] != "refused" && asns.iter().any(|hop| *hop == asn)
            };
            assert_eq!(all.iter().filter(through).count(), 0, "{instance}: {prefix}: {all:?}");
        }
    }
    // A packet to nowhere dies at the end of its way: it does not go round.
    let lost = gateway.lab.exec("west-host", &["ping", "-c", "1", "-W", "1", "-t", "64", "10.60.9.9"])?;
    let said = String::from_utf8_lossy(&lost.stdout).into_owned();
    assert!(!said.contains("Time to live exceeded"), "{said}");
    Ok(())
}
