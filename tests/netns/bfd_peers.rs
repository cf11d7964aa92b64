//! Every kind of BFD that a neighbor may have: `labs/bfd-peers`.

use anyhow::{Context as _, Result};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::bfd::prefer;
use crate::gateway::{Gateway, SOON};
use crate::runner::wait_until;

const LAB: &str = "labs/bfd-peers/bfd-peers.clab.yml";
/// Whose BFD comes up, and whether over more than one hop.
const WATCHED: [(&str, bool); 6] = [
    ("frr-ipv4", false),
    ("frr-ipv6", false),
    ("bird-ipv4", false),
    ("bird-ipv6", false),
    ("far", true),
    ("in-1", false),
];

/// What hq-2 announces, over both families.
const BIRD: [&str; 2] = ["10.53.0.0/16", "fd53::/48"];

/// The lab with its peers' BFD preferred.
fn lab() -> Result<Gateway> {
    let mut gateway = Gateway::of(LAB)?;
    for (node, program) in [("hq-1", "bfdd"), ("hq-2", "bird"), ("far", "bird")] {
        prefer(&mut gateway, node, program)?;
    }
    Ok(gateway)
}

/// What in-0 says of a neighbor.
fn shown(gateway: &Gateway, name: &str) -> Result<Value, String> {
    gateway.show("in-0", &["neighbors", name])
}

/// The routes of a device that in-0 has in its kernel.
fn routes(gateway: &Gateway, prefixes: [&str; 2]) -> Result<usize, String> {
    let list = |family| gateway.lab.must("in-0", &["ip", family, "route", "show", "proto", "179"]);
    let both = list("-4").and_then(|four| Ok(four + &list("-6")?)).map_err(|error| format!("{error:#}"))?;
    Ok(prefixes.iter().filter(|prefix| both.lines().any(|line| line.starts_with(**prefix))).count())
}

/// Waits until BFD and BGP are up with these.
fn up(gateway: &Gateway, names: &[(&str, bool)]) -> Result<()> {
    wait_until(SOON, || {
        for (name, multihop) in names {
            let shown = shown(gateway, name)?;
            let bfd = &shown["bfd"];
            let fine = bfd["state"] == "up" && bfd["detection_time_ms"] == 300 && bfd["multihop"] == *multihop;
            if !fine || shown["state"] != "established" {
                return Err(format!("{name}: {shown}\n{}", gateway.tail("in-0")));
            }
        }
        Ok(())
    })
}

/// How often BFD with a neighbor left Up, and how often that ended BGP.
fn troubles(gateway: &Gateway, name: &str) -> Result<(Value, Value)> {
    let shown = shown(gateway, name).map_err(anyhow::Error::msg)?;
    Ok((shown["bfd"]["flaps"].clone(), shown["bfd"]["failures"].clone()))
}

fn troubles_of_all(gateway: &Gateway) -> Result<Vec<(Value, Value)>> {
    WATCHED.iter().map(|(name, _)| troubles(gateway, name)).collect()
}

fn none() -> (Value, Value) {
    (0.into(), 0.into())
}

#[test]
fn bfd_comes_up_with_frr_bird_and_the_other_instance_over_both_families_with_keys_and_over_a_router() -> Result<()> {
    let mut gateway = lab()?;
    up(&gateway, &WATCHED)?;
    // Who has none is no worse for it, unless it is strict.
    gateway.neighbor("plain-ipv4", "established without BFD", |shown| {
        shown["state"] == "established" && shown["bfd"]["state"] == "down" && shown["bfd"]["failures"] == 0
    })?;
    let waits = shown(&gateway, "plain-ipv6").map_err(anyhow::Error::msg)?;
    assert!(waits["state"] != "established" && waits["bfd"]["state"] == "down", "{waits}");
    // Echo packets were asked for, and we want none.
    let echoes = gateway.lab.must("hq-1", &["vtysh", "-c", "show bfd peers counters json"])?;
    let counters: Value = serde_json::from_str(&echoes)?;
    let sent: Vec<&Value> =
        counters.as_array().context("a list")?.iter().map(|one| &one["echo-packet-output"]).collect();
    assert!(sent.len() == 2 && sent.iter().all(|count| **count == 0), "{echoes}");

    // Silence: the process stands still, its TCP connections do not.
    let before = ["bird-ipv4", "bird-ipv6"].map(|name| shown(&gateway, name));
    gateway.lab.signal("hq-2", "bird", Signal::SIGSTOP)?;
    for name in ["bird-ipv4", "bird-ipv6"] {
        let down = gateway.neighbor(name, "found dead", |shown| shown["bfd"]["failures"] == 1)?;
        assert_eq!(down["bfd"]["last_failure"]["text"], "control detection time expired", "{down}");
        assert_ne!(down["state"], "established", "{before:?}");
    }
    // It has no C bit and restarts gracefully: but its BGP was up, so it is the way that is dead.
    assert_eq!(routes(&gateway, BIRD).map_err(anyhow::Error::msg)?, 0);
    gateway.lab.signal("hq-2", "bird", Signal::SIGCONT)?;
    up(&gateway, &WATCHED)?;
    for name in ["far", "in-1"] {
        assert_eq!(troubles(&gateway, name)?, none(), "{name} has nothing to do with it");
    }
    Ok(())
}

#[test]
fn a_key_that_changes_on_both_ends_is_no_failure_and_one_that_cannot_be_read_changes_nothing() -> Result<()> {
    let gateway = lab()?;
    let keyed = &WATCHED[2..4];
    up(&gateway, keyed)?;
    let reload = |text: &str| -> Result<()> {
        gateway.lab.shell("in-0", &format!("printf '{text}' > /etc/twinspan/bfd.key && twinspan reload"))?;
        Ok(())
    };
    // 21 octets are too many: what runs goes on.
    reload("twenty-one octets !!!\\n")?;
    wait_until(SOON, || {
        let log = gateway.lab.log("in-0", "twinspan");
        if log.contains("stays as it was") { Ok(()) } else { Err(gateway.tail("in-0")) }
    })?;
    reload("another one\\n")?;
    up(&gateway, keyed)?;
    gateway.lab.shell("hq-2", "sed -i 's/known to both/another one/' /etc/bird/bird.conf && birdc configure")?;
    up(&gateway, keyed)?;
    for (name, _) in keyed {
        assert_eq!(troubles(&gateway, name)?, none(), "{name}");
    }
    // Both have gone over: they come up again, and the old key is not believed any more.
    gateway.lab.must("hq-2", &["birdc", "restart", "all"])?;
    up(&gateway, keyed)
}

#[test]
fn another_agent_takes_over_and_no_peer_notices() -> Result<()> {
    let mut gateway = lab()?;
    up(&gateway, &WATCHED)?;
    let seen = |gateway: &Gateway| -> Result<(Vec<Value>, String)> {
        let text = gateway.lab.must("hq-1", &["vtysh", "-c", "show bfd peers counters json"])?;
        let counters: Value = serde_json::from_str(&text)?;
        let downs = counters.as_array().context("a list")?.iter().map(|one| one["session-down"].clone()).collect();
        // Since when each session is up.
        let bird = gateway.lab.must("hq-2", &["birdc", "show", "bfd", "sessions"])?;
        Ok((downs, bird))
    };
    let before = (troubles_of_all(&gateway)?, seen(&gateway)?);
    let words = ["twinspan", "--socket", "/run/twinspan/twinspan.bfd.sock", "bfd-agent", "--take-over"];
    gateway.lab.spawn("in-0", &words)?;
    wait_until(SOON, || {
        let ready = gateway.lab.log("in-0", "twinspan").matches("bfd.agent_ready").count();
        if ready == 2 { Ok(()) } else { Err(format!("{ready} agents\n{}", gateway.tail("in-0"))) }
    })?;
    up(&gateway, &WATCHED)?;
    let log = gateway.lab.log("in-0", "twinspan");
    let line = log.lines().rev().find(|line| line.contains("bfd.agent_ready")).context("two were seen")?;
    assert!(line.contains(" has 8 sessions"), "{line}");
    assert_eq!((troubles_of_all(&gateway)?, seen(&gateway)?), before);
    Ok(())
}

#[test]
fn a_peer_whose_bfd_dies_with_its_restarting_daemon_loses_no_route() -> Result<()> {
    let mut gateway = lab()?;
    let keyed = &WATCHED[2..4];
    up(&gateway, keyed)?;
    wait_until(SOON, || match routes(&gateway, BIRD)? {
        2 => Ok(()),
        some => Err(format!("{some} routes\n{}", gateway.tail("in-0"))),
    })?;
    let watch = "ip monitor route nexthop > /run/changes 2>&1";
    gateway.lab.spawn("in-0", &["sh", "-c", watch])?;
    gateway.lab.stop("hq-2", "bird", Signal::SIGKILL, SOON)?;
    for (name, _) in keyed {
        gateway.neighbor(name, "without BFD", |shown| shown["bfd"]["state"] == "down")?;
    }
    assert_eq!(routes(&gateway, BIRD).map_err(anyhow::Error::msg)?, 2, "{}", gateway.tail("in-0"));
    // `-R`: it says that it went on forwarding.
    let bird = ["/usr/sbin/bird", "-f", "-R", "-c", "/etc/bird/bird.conf", "-s", "/run/bird/bird.ctl"];
    gateway.lab.spawn("hq-2", &bird)?;
    up(&gateway, keyed)?;
    for (name, _) in keyed {
        let shown = gateway.neighbor(name, "as before", |shown| shown["stale"].is_null())?;
        assert_eq!(shown["bfd"]["failures"], 0, "{shown}");
    }
    assert_eq!(routes(&gateway, BIRD).map_err(anyhow::Error::msg)?, 2);
    let changes = gateway.lab.must("in-0", &["cat", "/run/changes"])?;
    let ours: Vec<&str> = changes.lines().filter(|line| line.contains("53:") || line.contains("10.53.")).collect();
    assert!(ours.is_empty(), "{changes}");
    Ok(())
}

#[test]
fn an_agent_that_is_killed_is_started_again_and_nothing_is_concluded_from_its_end() -> Result<()> {
    let gateway = lab()?;
    up(&gateway, &WATCHED)?;
    let before = troubles_of_all(&gateway)?;
    let log = gateway.lab.log("in-0", "twinspan");
    let line = log.lines().find(|line| line.contains("bfd.agent_ready")).context("there is one")?;
    let pid = line.split("(process ").nth(1).and_then(|rest| rest.split([',', ')']).next()).context("its number")?;
    gateway.lab.must("in-0", &["kill", "-9", pid])?;
    wait_until(SOON, || {
        let log = gateway.lab.log("in-0", "twinspan");
        if log.contains("bfd.agent_lost") { Ok(()) } else { Err(gateway.tail("in-0")) }
    })?;
    up(&gateway, &WATCHED)?;
    let failures = |of: Vec<(Value, Value)>| of.into_iter().map(|(_, failures)| failures).collect::<Vec<_>>();
    assert_eq!(failures(troubles_of_all(&gateway)?), failures(before), "{}", gateway.tail("in-0"));
    Ok(())
}
