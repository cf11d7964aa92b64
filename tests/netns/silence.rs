//! Far ends that fall silent, without BFD: `labs/bfd`, where the wire of a tunnel is cut and both its interfaces stay up.

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::gateway::{Gateway, SOON};
use crate::runner::wait_until;

const LAB: &str = "labs/bfd/bfd.clab.yml";
/// What both devices announce.
const SITE: &str = "10.52.0.0/16";

/// The lab without BFD on our side, and with `more` at the end of the file.
fn lab(more: &str) -> Result<Gateway> {
    Gateway::of_edited(LAB, &[], |file| format!("{}{more}", file.replace("enabled = true", "enabled = false")))
}

/// Waits until both sessions are up and both tunnels in the kernel.
fn at_rest(gateway: &Gateway) -> Result<()> {
    wait_until(SOON, || {
        let (states, width) = (gateway.states("in-0")?, width(gateway)?);
        let fine = states == ["established", "established"] && width == 2;
        if fine { Ok(()) } else { Err(format!("{states:?}, {width} tunnels\n{}", gateway.tail("in-0"))) }
    })
}

/// How many tunnels the site's prefix uses.
fn width(gateway: &Gateway) -> Result<usize, String> {
    let kernel = gateway.kernel("in-0").map_err(|error| format!("{error:#}"))?;
    Ok(kernel.members(SITE).map_or(0, |members| members.len()))
}

fn cut(gateway: &Gateway, wire: &str) -> Result<()> {
    gateway.lab.must(wire, &["ip", "link", "set", "eth2", "nomaster"]).map(drop)
}

/// Why the session with a neighbor is down; null while it is up.
fn why_down(gateway: &Gateway, name: &str) -> Result<Value, String> {
    let shown = gateway.show("in-0", &["neighbors", name])?;
    Ok(if shown["state"] == "established" { Value::Null } else { shown["last_down"].clone() })
}

#[test]
fn a_host_that_answers_nothing_is_left_before_the_hold_time_and_one_whose_daemon_hangs_after_it() -> Result<()> {
    let mut gateway = lab("\n[bgp]\nhold-time = \"15s\"\n")?;
    at_rest(&gateway)?;
    cut(&gateway, "wire-1")?;
    gateway.lab.signal("hq-2", "bird", Signal::SIGSTOP)?;
    for (name, reason) in [("hq-1/in-0", "unanswered"), ("hq-2/in-0", "hold_timer_expired")] {
        let down = wait_until(SOON, || match why_down(&gateway, name)? {
            Value::Null => Err(format!("{name} is up\n{}", gateway.tail("in-0"))),
            down => Ok(down),
        })?;
        // What came after it may be an attempt that failed.
        let log = gateway.lab.log("in-0", "twinspan");
        let first = log.lines().find(|line| line.contains("session.down") && line.contains(name)).unwrap_or_default();
        let words = if reason == "unanswered" { "answered nothing of what it was sent" } else { "hold timer expired" };
        ensure!(first.contains(words), "{name}: {down}\n{first}\n{log}");
    }
    wait_until(SOON, || match width(&gateway)? {
        0 => Ok(()),
        width => Err(format!("{width} tunnels\n{}", gateway.tail("in-0"))),
    })
}

#[test]
fn a_far_end_that_stops_answering_a_probe_leaves_the_kernel_and_is_dialled_when_it_answers_again() -> Result<()> {
    let gateway = lab("\n[probe]\nenabled = true\ninterval = \"200ms\"\ncount = 4\n")?;
    at_rest(&gateway)?;
    let detection = |gateway: &Gateway| -> Result<Value, String> {
        let shown = gateway.show("in-0", &["tunnels"])?;
        Ok(shown["tunnels"][0]["detection"].clone())
    };
    wait_until(SOON, || {
        let shown = detection(&gateway)?;
        if (&shown["within_ms"], &shown["by"]) == (&1_000.into(), &"probe".into()) {
            Ok(())
        } else {
            Err(shown.to_string())
        }
    })?;
    cut(&gateway, "wire-1")?;
    // The hold time is 90 s.
    wait_until(SOON, || match width(&gateway)? {
        1 => Ok(()),
        width => Err(format!("{width} tunnels\n{}", gateway.tail("in-0"))),
    })?;
    let log = gateway.lab.log("in-0", "twinspan");
    ensure!(log.lines().any(|line| line.contains("probe.silent") && line.contains("hq-1/in-0")), "{log}");
    gateway.lab.must("wire-1", &["ip", "link", "set", "eth2", "master", "wire"])?;
    at_rest(&gateway)
}
