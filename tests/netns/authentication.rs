//! Who may be a neighbor: signed segments (RFC 2385), proven distance (RFC 5082), over a router, on its interface.

use std::io::Read as _;
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;

use crate::gateway::{Gateway, INSTANCES, SOON};
use crate::runner::wait_until;

const LAB: &str = "labs/sessions/sessions.clab.yml";
/// All but the device over IPv4.
const OTHERS: [&str; 4] = ["hq-2", "far", "leaf-1", "leaf-2"];

/// What the kernel of a node has counted.
fn counted(gateway: &Gateway, node: &str, counter: &str) -> Result<u64, String> {
    let shown = gateway.lab.must(node, &["nstat", "-asz", counter]).map_err(|error| format!("{error:#}"))?;
    let line = shown.lines().find(|line| line.starts_with(counter)).ok_or_else(|| format!("no {counter}: {shown}"))?;
    line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).ok_or_else(|| line.to_owned())
}

/// Changes a device's configuration while it runs.
fn configure(gateway: &Gateway, node: &str, asn: &str, line: &str) -> Result<()> {
    let bgp = format!("router bgp {asn}");
    gateway.lab.must(node, &["vtysh", "-c", "configure terminal", "-c", &bgp, "-c", line]).map(drop)
}

fn up(gateway: &Gateway, name: &str) -> Result<serde_json::Value> {
    gateway.neighbor(name, "established", |shown| shown["state"] == "established")
}

#[test]
fn signed_sessions_come_up_over_ipv4_over_ipv6_and_over_a_router_from_the_address_of_the_file() -> Result<()> {
    let gateway = Gateway::of(LAB)?;
    for name in ["hq-1/in-0", "hq-2/in-0", "far"] {
        let shown = up(&gateway, name)?;
        ensure!(shown["authentication"] == "tcp-md5", "{shown}");
        gateway.neighbor(name, "teaching", |shown| shown["prefixes"][0]["accepted"] == 1)?;
    }
    let far = up(&gateway, "far")?;
    let local = far["local_endpoint"].as_str().unwrap_or_default();
    ensure!(local.starts_with("10.20.254.4:"), "{local}");
    for counter in ["TcpExtTCPMD5Failure", "TcpExtTCPMD5Unexpected"] {
        ensure!(counted(&gateway, "in-0", counter).map_err(anyhow::Error::msg)? == 0, "{counter}");
    }
    Ok(())
}

#[test]
fn another_key_keeps_a_session_down_and_says_so_until_ours_is_changed_too() -> Result<()> {
    let mut gateway = Gateway::of_edited(LAB, &OTHERS, str::to_owned)?;
    up(&gateway, "hq-1/in-0")?;
    configure(&gateway, "hq-1", "65010", "neighbor 169.254.21.2 password another")?;
    gateway.neighbor("hq-1/in-0", "down for its key", |shown| {
        let why = shown["last_down"]["text"].as_str().unwrap_or_default();
        shown["state"] != "established" && why.contains("the keys may differ: this host dropped")
    })?;
    ensure!(!gateway.lab.log("in-0", "twinspan").contains("tunnel-one"), "a key is never logged");
    gateway.lab.shell("in-0", "echo another > /etc/twinspan/hq-1.key")?;
    gateway.lab.signal("in-0", "twinspan", Signal::SIGHUP)?;
    up(&gateway, "hq-1/in-0")?;
    // A device without a key is no better.
    configure(&gateway, "hq-1", "65010", "no neighbor 169.254.21.2 password")?;
    gateway.neighbor("hq-1/in-0", "down for the lack of a key", |shown| {
        let why = shown["last_down"]["text"].as_str().unwrap_or_default();
        shown["state"] != "established" && why.contains("the peer may have no key")
    })?;
    Ok(())
}

#[test]
fn a_device_that_signs_and_has_no_key_here_is_told_of() -> Result<()> {
    let plain = |text: &str| text.replace("password-file = \"/etc/twinspan/hq-1.key\"", "");
    let gateway = Gateway::of_edited(LAB, &OTHERS, plain)?;
    gateway.neighbor("hq-1/in-0", "down for the lack of a key", |shown| {
        shown["last_down"]["text"].as_str().unwrap_or_default().contains("the peer may sign, and there is no key")
    })?;
    Ok(())
}

#[test]
fn a_key_that_is_not_there_keeps_the_daemon_from_starting_and_is_named() -> Result<()> {
    let gone = |text: &str| text.replace("/etc/twinspan/far.key", "/etc/twinspan/none.key");
    let gateway = Gateway::of_edited(LAB, &["hq-1", "hq-2", "far", "leaf-1", "leaf-2"], gone)?;
    wait_until(SOON, || {
        let log = gateway.lab.log("in-0", "twinspan");
        let wanted = "far: the key in /etc/twinspan/none.key cannot be used: No such file or directory";
        if log.contains(wanted) { Ok(()) } else { Err(log) }
    })?;
    let said = gateway.lab.exec("in-0", &["twinspan", "check", "/etc/twinspan/twinspan.toml"])?;
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    ensure!(said.contains("warning[key-unreadable]") && said.contains("none.key"), "{said}");
    Ok(())
}

#[test]
fn who_does_not_send_a_ttl_of_255_is_not_believed_by_either_side_over_ipv4_and_ipv6() -> Result<()> {
    let gateway = Gateway::of_edited(LAB, &["far", "leaf-1", "leaf-2"], str::to_owned)?;
    for (node, asn, peer, name) in
        [("hq-1", "65010", "169.254.21.2", "hq-1/in-0"), ("hq-2", "65011", "fd21:2::2", "hq-2/in-0")]
    {
        up(&gateway, name)?;
        let before = counted(&gateway, "in-0", "TcpExtTCPMinTTLDrop").map_err(anyhow::Error::msg)?;
        configure(&gateway, node, asn, &format!("no neighbor {peer} ttl-security hops 1"))?;
        gateway.lab.must(node, &["vtysh", "-c", &format!("clear bgp {peer}")])?;
        wait_until(SOON, || {
            let now = counted(&gateway, "in-0", "TcpExtTCPMinTTLDrop")?;
            if now > before + 2 { Ok(()) } else { Err(format!("{name}: {before} and then {now} dropped")) }
        })?;
        gateway.neighbor(name, "down", |shown| shown["state"] != "established")?;
    }
    drop(gateway);
    // The other way round: we do not, and they insist.
    let low = |text: &str| text.replace("bgp = { password-file", "bgp = { ttl-security = false, password-file");
    let gateway = Gateway::of_edited(LAB, &["far", "leaf-1", "leaf-2"], low)?;
    for (node, name) in [("hq-1", "hq-1/in-0"), ("hq-2", "hq-2/in-0")] {
        wait_until(SOON, || {
            let dropped = counted(&gateway, node, "TcpExtTCPMinTTLDrop")?;
            if dropped > 2 { Ok(()) } else { Err(format!("{node} has dropped {dropped}")) }
        })?;
        gateway.neighbor(name, "down", |shown| shown["state"] != "established")?;
    }
    Ok(())
}

#[test]
fn a_connection_from_the_right_address_by_the_wrong_interface_is_refused() -> Result<()> {
    let plain = |text: &str| text.replace("password-file = \"/etc/twinspan/hq-1.key\"", "");
    let gateway = Gateway::of_edited(LAB, &["hq-1", "hq-2", "far", "leaf-1", "leaf-2"], plain)?;
    wait_until(SOON, || gateway.states("in-0").map(drop))?;
    // The router takes the device's address, and what the instance answers goes to it: the handshake is complete.
    for line in
        ["ip address add 169.254.21.1/32 dev lo", "ip route add 169.254.21.2/32 via 10.20.255.4 src 169.254.21.1"]
    {
        gateway.lab.shell("router", line)?;
    }
    for line in [
        "ip rule add from 169.254.21.2 to 169.254.21.1 lookup 100 priority 100",
        "ip route add 169.254.21.1/32 via 10.20.255.1 dev eth1 table 100",
    ] {
        gateway.lab.shell("in-0", line)?;
    }
    let got = gateway.lab.inside("router", || -> Result<Vec<u8>> {
        let mut stream = TcpStream::connect(("169.254.21.2", 179)).context("the handshake is not complete")?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut got = Vec::new();
        match stream.read_to_end(&mut got) {
            Ok(_) => Ok(got),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Ok(got),
            Err(error) => Err(error.into()),
        }
    })??;
    ensure!(got.is_empty(), "it was sent {got:?}");
    wait_until(SOON, || {
        let log = gateway.lab.log(INSTANCES[0], "twinspan");
        let wanted = "has the address of hq-1/in-0 and came by eth1, not by its interface";
        if log.contains(wanted) { Ok(()) } else { Err(log) }
    })
}
