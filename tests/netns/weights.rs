//! Traffic shared as the devices' links are wide: FRR's link bandwidth communities in the weights of the kernel's group.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::gateway::{Gateway, SOON};
use crate::runner::wait_until;

/// The weight of each interface in the group of the route to a prefix, as the kernel lists them.
fn weights(gateway: &Gateway, prefix: &str) -> Result<BTreeMap<String, u32>, String> {
    let must = |words: &[&str]| gateway.lab.must("in-0", words).map_err(|error| format!("{error:#}"));
    let after = |text: &str, word: &str| {
        text.split(word).nth(1).and_then(|rest| rest.split_whitespace().next()).map(str::to_owned)
    };
    let route = must(&["ip", "route", "show", prefix])?;
    let id = after(&route, "nhid ").ok_or_else(|| format!("no group: {route}\n{}", gateway.tail("in-0")))?;
    let group = must(&["ip", "nexthop", "show", "id", &id])?;
    let members = after(&group, "group ").ok_or_else(|| format!("no members: {group}"))?;
    let mut found = BTreeMap::new();
    for member in members.split('/') {
        let (id, weight) = member.split_once(',').unwrap_or((member, "1"));
        let hop = must(&["ip", "nexthop", "show", "id", id])?;
        found.insert(after(&hop, "dev ").unwrap_or_default(), weight.parse().map_err(|_| group.clone())?);
    }
    Ok(found)
}

fn wait_for(gateway: &Gateway, wanted: [u32; 2]) -> Result<()> {
    wait_until(SOON, || {
        let found = weights(gateway, "10.52.0.0/16")?;
        let is = ["tun-hq1", "tun-hq2"].map(|interface| found.get(interface).copied().unwrap_or_default());
        if is == wanted { Ok(()) } else { Err(format!("{found:?}, {wanted:?} is wanted\n{}", gateway.tail("in-0"))) }
    })
}

#[test]
fn link_bandwidths_of_frr_in_both_encodings_become_the_weights_of_the_kernels_group() -> Result<()> {
    let gateway = Gateway::of("labs/weights/weights.clab.yml")?;
    wait_for(&gateway, [10, 1])?;
    let shown = gateway.lab.must("in-0", &["twinspan", "show", "routes", "10.52.0.0/16"])?;
    assert!(shown.contains("10 of 11") && shown.contains("1 of 11"), "{shown}");
    assert!(shown.contains("bandwidth:65010:125000000") && shown.contains("bandwidth:65011:12500000"), "{shown}");
    assert!(shown.contains("not told to hq-1/in-0: it came from this neighbor"), "{shown}");
    assert!(shown.contains("not told to hq-2/in-0: this neighbor gets the gateway's own routes only"), "{shown}");
    let own = gateway.lab.must("in-0", &["twinspan", "show", "routes", "10.20.0.0/16"])?;
    assert!(own.contains("told to hq-1/in-0: as path 65515, next hop 169.254.21.2"), "{own}");
    // The narrow link becomes wider, without a reset.
    let wider = ["configure terminal", "route-map to-gateway permit 10", "set extcommunity bandwidth 500"];
    let words: Vec<&str> = ["vtysh"].into_iter().chain(wider.iter().flat_map(|line| ["-c", line])).collect();
    gateway.lab.must("hq-2", &words)?;
    wait_for(&gateway, [2, 1])?;
    // One that says nothing: all are the same.
    let silent = ["configure terminal", "route-map to-gateway permit 10", "no set extcommunity bandwidth 500"];
    let words: Vec<&str> = ["vtysh"].into_iter().chain(silent.iter().flat_map(|line| ["-c", line])).collect();
    gateway.lab.must("hq-2", &words)?;
    wait_for(&gateway, [1, 1])
}
