//! Tunnels taken down by a hook, and tunnels that flap, under traffic.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::dual_redundancy::{PORT, SITE_HOST};
use crate::flows::{Flow, Plan, Running, STRAGGLERS, Seen, Sender, Sink, Watch, lost};
use crate::gateway::{Gateway, SEEN_BY_FRR, SITE, SOON};
use crate::runner::wait_until;

/// How long each part of the traffic is watched.
const PHASE: Duration = Duration::from_secs(2);

/// The tunnel that is taken down, and where its packets come out.
const TUNNEL: &str = "hq-1/in-0";
const OUT: &str = "hq-1/tun-in0";

/// Where each flow comes out while nothing changes, as DEVICE/INTERFACE.
fn homes(gateway: &Gateway) -> Result<BTreeMap<Flow, Vec<String>>> {
    let watches: Vec<(&str, Running<Seen>)> = ["hq-1", "hq-2"]
        .into_iter()
        .map(|node| Ok((node, gateway.lab.inside(node, || Watch::open(PORT))??.start())))
        .collect::<Result<_>>()?;
    thread::sleep(PHASE); // the time is part of what is measured
    let mut homes: BTreeMap<Flow, Vec<String>> = BTreeMap::new();
    for (node, watch) in watches {
        for (flow, interfaces) in watch.stop() {
            homes.entry(flow).or_default().extend(interfaces.keys().map(|name| format!("{node}/{name}")));
        }
    }
    Ok(homes)
}

/// Waits until the site's prefixes leave an instance by so many tunnels, in every group.
fn width(gateway: &Gateway, wanted: usize) -> Result<()> {
    wait_until(SOON, || {
        let kernel = gateway.kernel("in-0").map_err(|error| format!("{error:#}"))?;
        let widths: Vec<_> = SITE.iter().map(|prefix| kernel.members(prefix).map_or(0, |ways| ways.len())).collect();
        let right = widths.iter().all(|width| *width == wanted);
        if right { Ok(()) } else { Err(format!("{widths:?} tunnels\n{}", gateway.tail("in-0"))) }
    })
}

fn shown(gateway: &Gateway) -> Result<Value> {
    gateway.show("in-0", &["tunnels", TUNNEL]).map_err(anyhow::Error::msg)
}

#[test]
fn r11_a_hook_moves_the_flows_of_its_tunnel_and_no_other_without_loss_and_its_return_moves_no_other_either()
-> Result<()> {
    let gateway = Gateway::at_rest()?;
    let sink = gateway.lab.inside("site-host", || Sink::open(PORT))??.start();
    let plan = Plan { to: SITE_HOST.to_vec(), port: PORT, first_port: 20_000, flows: 96, rate: 2_000, duration: None };
    let sender = gateway.lab.inside("cloud-host", || Sender::open(plan))??.start();
    let before = homes(&gateway)?;
    let said = gateway.lab.must("in-0", &["twinspan", "tunnel", "down", TUNNEL, "--reason", "line 2 is cut"])?;
    assert!(said.contains("is down, until: twinspan tunnel up"), "{said}");
    width(&gateway, 1)?;
    let down = homes(&gateway)?;
    // The device was told, and sends nothing into it any more.
    wait_until(SOON, || {
        let ways = gateway.frr_ways()?;
        if ways.iter().eq([SEEN_BY_FRR[1]]) { Ok(()) } else { Err(format!("FRR uses {ways:?}")) }
    })?;
    assert_eq!(shown(&gateway)?["objections"][0]["source"], "hook");
    let said = gateway.lab.must("in-0", &["twinspan", "tunnel", "up", TUNNEL])?;
    assert_eq!(said.trim(), format!("{TUNNEL} is up"));
    width(&gateway, 2)?;
    let up = homes(&gateway)?;
    let sent = sender.stop();
    thread::sleep(STRAGGLERS);
    assert_eq!(lost(&sent, &sink.stop()), BTreeMap::new(), "packets were lost");
    let hit = before.values().filter(|home| home.as_slice() == [OUT]).count();
    assert!(hit > 5, "{hit} of {} flows took the tunnel", before.len());
    for (flow, home) in &before {
        let there = down.get(flow).cloned().unwrap_or_default();
        let expected = if home.as_slice() == [OUT] { vec!["hq-2/tun-in0".to_owned()] } else { home.clone() };
        assert_eq!(there, expected, "{flow:?} while the tunnel was down");
        // Those that had left it may go back, as long as a prefix changes its group with its paths.
        let back = up.get(flow).cloned().unwrap_or_default();
        assert!(back == there || back == *home, "{flow:?} after its return: {back:?}, {there:?} before");
    }
    Ok(())
}

#[test]
fn a_tunnel_that_flaps_ten_times_a_second_is_used_again_when_it_is_quiet_and_nobody_else_notices() -> Result<()> {
    let gateway = Gateway::at_rest()?;
    let flap = "for n in $(seq 30); do ip link set tun-hq1 down; sleep 0.05; ip link set tun-hq1 up; sleep 0.05; done";
    gateway.lab.shell("in-0", flap)?;
    let tunnel = shown(&gateway)?;
    let flaps = tunnel["flaps"].as_u64().unwrap_or_default();
    assert!((2..15).contains(&flaps), "what it does while it waits is no failure: {tunnel}");
    let history = tunnel["history"].as_array().cloned().unwrap_or_default();
    let words: Vec<_> = history.iter().filter_map(|change| change["change"].as_str()).collect();
    assert!(words.contains(&"damped") && words.len() <= 64, "{words:?}");
    gateway.rests()?;
    let events = gateway.show("in-0", &["events"]).map_err(anyhow::Error::msg)?;
    let events = events["events"].as_array().cloned().unwrap_or_default();
    let other = |event: &&Value| event["event"] == "session.down" && event["about"] == "hq-2/in-0";
    assert_eq!(events.iter().find(other), None, "the other session was lost");
    assert!(events.len() < 120, "{} events for one tunnel", events.len());
    Ok(())
}
