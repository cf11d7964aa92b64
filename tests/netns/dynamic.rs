//! Neighbors that the file does not name: FRR from a range of addresses.

use std::time::Duration;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use crate::gateway::{Gateway, SOON};
use crate::runner::wait_until;

const LAB: &str = "labs/sessions/sessions.clab.yml";
const OTHERS: [&str; 3] = ["hq-1", "hq-2", "far"];

/// The names and states of those that came from the range.
fn leaves(gateway: &Gateway) -> Result<Vec<(String, String)>, String> {
    let shown = gateway.show("in-0", &["neighbors"])?;
    let all = shown["neighbors"].as_array().cloned().unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let of = all.iter().filter(|neighbor| neighbor["range"] == "leaves");
    let mut found: Vec<_> = of.map(|neighbor| (text(&neighbor["name"]), text(&neighbor["state"]))).collect();
    found.sort();
    Ok(found)
}

#[test]
fn who_dials_from_the_range_with_its_key_is_a_neighbor_until_it_has_left() -> Result<()> {
    let mut gateway = Gateway::of_edited(LAB, &OTHERS, str::to_owned)?;
    let up = |name: &str| (name.to_owned(), "established".to_owned());
    wait_until(SOON, || match leaves(&gateway)? {
        found if found == [up("leaves:10.9.0.11"), up("leaves:10.9.0.12")] => Ok(()),
        found => Err(format!("{found:?}\n{}", gateway.tail("in-0"))),
    })?;
    for (address, asn) in [("10.9.0.11", 65020), ("10.9.0.12", 65021)] {
        let name = format!("leaves:{address}");
        let shown = gateway.neighbor(&name, "teaching", |shown| shown["prefixes"][0]["accepted"] == 1)?;
        ensure!(shown["asn"] == asn && shown["authentication"] == "tcp-md5", "{shown}");
        gateway.lab.must("in-0", &["twinspan", "show", "neighbors", &name])?;
    }
    // And the gateway's prefixes are told to both.
    wait_until(SOON, || {
        let shown = gateway.lab.must("leaf-2", &["ip", "route", "show", "10.20.0.0/16"]);
        let shown = shown.map_err(|error| format!("{error:#}"))?;
        if shown.contains("10.9.0.1") { Ok(()) } else { Err(shown) }
    })?;
    gateway.lab.stop("leaf-1", "bgpd", Signal::SIGKILL, Duration::from_secs(10))?;
    gateway.neighbor("leaves:10.9.0.11", "leaving", |shown| shown["leaves_seconds"].as_u64().is_some())?;
    wait_until(SOON, || match leaves(&gateway)? {
        found if found == [up("leaves:10.9.0.12")] => Ok(()),
        found => Err(format!("{found:?}")),
    })
}

#[test]
fn one_too_many_is_rejected_with_a_word_and_takes_the_place_of_the_other_when_that_goes() -> Result<()> {
    let one = |text: &str| text.replace("limit = 2", "limit = 1");
    let mut gateway = Gateway::of_edited(LAB, &OTHERS, one)?;
    let state = |gateway: &Gateway| {
        wait_until(SOON, || match leaves(gateway)? {
            found if matches!(&found[..], [(_, state)] if state == "established") => Ok(found[0].0.clone()),
            found => Err(format!("{found:?}\n{}", gateway.tail("in-0"))),
        })
    };
    let first = state(&gateway)?;
    let (here, other) = if first.ends_with(".11") { ("leaf-1", "leaf-2") } else { ("leaf-2", "leaf-1") };
    wait_until(SOON, || {
        let said = gateway.lab.log(other, "bgpd");
        if said.contains("6/5 (Cease/Connection Rejected)") { Ok(()) } else { Err(said) }
    })?;
    let log = gateway.lab.log("in-0", "twinspan");
    ensure!(log.contains("one too many in the range leaves") && log.contains("session.range_full"), "{log}");
    gateway.lab.stop(here, "bgpd", Signal::SIGKILL, Duration::from_secs(10))?;
    wait_until(SOON, || match leaves(&gateway)? {
        found if matches!(&found[..], [(name, state)] if *name != first && state == "established") => Ok(()),
        found => Err(format!("{found:?}\n{}", gateway.tail("in-0"))),
    })
}
