//! IPv4 and IPv6 over sessions of either family, with FRR and BIRD (RFC 4760, RFC 2545, RFC 8950).

use anyhow::Result;

use crate::gateway::{Gateway, INSTANCES, SOON};
use crate::runner::wait_until;

/// The gateways of the group that a prefix leads to, as the kernel lists its next hops.
fn gateways(gateway: &Gateway, instance: &str, route: &str) -> Result<Vec<String>, String> {
    let must = |words: &[&str]| gateway.lab.must(instance, words).map_err(|error| format!("{error:#}"));
    let words: Vec<&str> = ["ip"].into_iter().chain(route.split(' ')).collect();
    let shown = must(&words)?;
    let id = shown.split("nhid ").nth(1).and_then(|rest| rest.split(' ').next());
    let id = id.ok_or_else(|| format!("{instance}: `{route}` shows no group: {shown}\n{}", gateway.tail(instance)))?;
    let group = must(&["ip", "nexthop", "show", "id", id])?;
    let members = group.split("group ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    let hop = |id: &str| must(&["ip", "nexthop", "show", "id", id]);
    let via = |text: String| text.split("via ").nth(1).and_then(|rest| rest.split(' ').next()).map(str::to_owned);
    members.split('/').map(|id| hop(id).map(|text| via(text).unwrap_or_default())).collect()
}

#[test]
fn both_families_are_routed_over_sessions_of_either_with_frr_and_bird() -> Result<()> {
    let gateway = Gateway::of("labs/both-families/both-families.clab.yml")?;
    for instance in INSTANCES {
        wait_until(SOON, || {
            let four = gateways(&gateway, instance, "route show 10.52.0.0/16")?;
            let colons = four.iter().filter(|via| via.contains(':')).count();
            if (four.len(), colons) != (2, 1) {
                return Err(format!("{instance}: IPv4 goes to {four:?}: an IPv4 and an IPv6 gateway are wanted"));
            }
            let six = gateways(&gateway, instance, "-6 route show fd52::/48")?;
            if six.len() != 2 || !six.iter().all(|via| via.contains(':')) {
                return Err(format!("{instance}: IPv6 goes to {six:?}: two IPv6 gateways are wanted"));
            }
            Ok(())
        })?;
    }
    // Both devices have both ways back, in both families.
    for device in ["hq-1", "hq-2"] {
        for route in ["route show 10.20.0.0/16", "-6 route show fd20::/48"] {
            let words: Vec<&str> = ["ip"].into_iter().chain(route.split(' ')).collect();
            wait_until(SOON, || {
                let shown = gateway.lab.must(device, &words).map_err(|error| format!("{error:#}"))?;
                let ways = shown.matches("dev tun-in").count();
                if ways == 2 { Ok(()) } else { Err(format!("{device}: {route}: {ways} of 2 ways: {shown}")) }
            })?;
        }
    }
    // And packets arrive: whichever tunnel they take, and whichever the answer takes.
    for (instance, from, to) in [("in-0", "10.20.255.4", "10.52.1.10"), ("in-1", "fd20::5", "fd52::10")] {
        gateway.lab.must(instance, &["ping", "-c", "3", "-i", "0.2", "-W", "5", "-I", from, to])?;
    }
    Ok(())
}
