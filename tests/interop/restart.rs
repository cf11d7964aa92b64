//! Graceful restart (RFC 4724) of either side, while packets of both families run both ways: none is lost.
//!
//! Where a peer programs no kernel, static routes in its node stand for one: its restart is one of the control plane.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use crate::bird::Bird;
use crate::exabgp::Exabgp;
use crate::frr::Frr;
use crate::gobgp::Gobgp;
use crate::openbgpd::Openbgpd;
use crate::pair::{Pair, SOON, Setup};
use crate::peer::Peer;
use crate::traffic::Traffic;

/// So long the traffic runs on with one side away.
const AWAY: Duration = Duration::from_secs(2);

/// So long it runs on once both are back and the peer has said that it has told all: past our own End-of-RIB, which a
/// neighbor that has restarted hears 3 s after its session is up.
const BACK: Duration = Duration::from_secs(4);

/// The cloud network, as the instance announces it.
const CLOUD: [&str; 2] = ["10.20.0.0/16", "fd20::/48"];

/// The pair at rest, with packets of both families both ways through both kernels.
fn with_traffic(peer: &'static dyn Peer) -> Result<(Pair, Traffic)> {
    let mut pair = Setup::of(peer).up()?;
    knows_all(&pair)?;
    let number = peer.number();
    let pairs: [[IpAddr; 2]; 2] = [
        ["10.20.255.1".parse()?, format!("10.5{number}.1.10").parse()?],
        ["fd20::1".parse()?, format!("fd5{number}::10").parse()?],
    ];
    // The kernels follow what the speakers say: both ways are open before anything is counted.
    for [here, there] in pairs {
        let [here, there] = [here.to_string(), there.to_string()];
        pair.waits(|| {
            pair.lab.must("cloud-host", &["ping", "-c1", "-W1", "-I", &here, &there])?;
            Ok(Some(()))
        })?;
    }
    let traffic = Traffic::start(&mut pair.lab, ["cloud-host", peer.node()], "in-0", &pairs)?;
    traffic.run_for(Duration::from_millis(500));
    Ok((pair, traffic))
}

/// Both know what the other announces, and each has said that it is all.
fn knows_all(pair: &Pair) -> Result<()> {
    pair.waits(|| {
        for prefix in pair.site().iter().chain(&pair.marked()) {
            let path = pair.path(prefix)?;
            ensure!(path.as_ref().is_some_and(|path| path["stale"] != true), "we have {prefix} as {path:?}");
        }
        for prefix in CLOUD {
            ensure!(pair.learned(prefix)?.is_some(), "the peer has no {prefix}");
        }
        Ok(Some(()))
    })
}

/// How often we heard End-of-RIB.
fn ends_of_rib(pair: &Pair) -> usize {
    pair.lab.log("in-0", "twinspan").matches("event=session.end_of_rib").count()
}

/// Both have all again, and the peer has said so for both families: what it changes in its kernel then, it is about to.
fn is_back(pair: &Pair, ends_before: usize) -> Result<()> {
    pair.meets()?;
    knows_all(pair)?;
    pair.waits(|| {
        ensure!(ends_of_rib(pair) >= ends_before + 2, "no End-of-RIB for both families");
        Ok(Some(()))
    })
}

fn lost_nothing(pair: &Pair, traffic: Traffic) -> Result<()> {
    let site = pair.site()[1].trim_end_matches("/48").to_owned();
    let excused = |from: IpAddr| pair.peer.forgets_ipv6_routes() && from.to_string().starts_with(&site);
    let lost = traffic.stop(&pair.lab, excused);
    ensure!(lost.is_empty(), "lost: {}\n{}", lost.join("\n"), pair.tail());
    Ok(())
}

/// The peer is killed and comes back: we use what it taught all the while.
fn restarts(peer: &'static dyn Peer) -> Result<()> {
    let (mut pair, traffic) = with_traffic(peer)?;
    pair.lab.stop(peer.node(), peer.program(), Signal::SIGKILL, SOON)?;
    pair.waits(|| {
        ensure!(pair.neighbor()?["state"] != "established", "the session stands");
        for prefix in pair.site() {
            let path = pair.path(&prefix)?;
            let stale = path.as_ref().is_some_and(|path| path["stale"] == true && path["state"] == "best");
            ensure!(stale, "we have {prefix} as {path:?}");
        }
        Ok(Some(()))
    })?;
    traffic.run_for(AWAY);
    let before = ends_of_rib(&pair);
    peer.start_again(&mut pair.lab)?;
    is_back(&pair, before)?;
    traffic.run_for(BACK);
    lost_nothing(&pair, traffic)
}

/// We are killed and come back: the peer, and our kernel, use what we taught all the while.
fn waits_for_us(peer: &'static dyn Peer, helps: bool) -> Result<()> {
    let (mut pair, traffic) = with_traffic(peer)?;
    pair.lab.stop("in-0", "twinspan", Signal::SIGKILL, SOON)?;
    pair.waits(|| {
        ensure!(!pair.session()?.established, "the peer has not noticed");
        Ok(Some(()))
    })?;
    traffic.run_for(AWAY);
    for prefix in CLOUD {
        ensure!(!helps || pair.learned(prefix)?.is_some(), "the peer did not keep {prefix}");
    }
    let before = ends_of_rib(&pair);
    pair.lab.start("in-0")?;
    is_back(&pair, before)?;
    traffic.run_for(BACK);
    lost_nothing(&pair, traffic)
}

/// Our End-of-RIB comes late enough for it (README, 18); what its own kernel has no IPv6 route for is its own (README, 20).
#[test]
fn frr_is_killed_and_comes_back_and_no_packet_is_lost() -> Result<()> {
    restarts(&Frr)
}

#[test]
fn bird_is_killed_and_comes_back_and_no_packet_is_lost() -> Result<()> {
    restarts(&Bird)
}

#[test]
fn gobgp_is_killed_and_comes_back_and_no_packet_is_lost() -> Result<()> {
    restarts(&Gobgp)
}

#[test]
fn exabgp_is_killed_and_comes_back_and_no_packet_is_lost() -> Result<()> {
    restarts(&Exabgp)
}

#[test]
fn frr_keeps_our_routes_while_we_are_killed_and_come_back_and_no_packet_is_lost() -> Result<()> {
    waits_for_us(&Frr, true)
}

#[test]
fn bird_keeps_our_routes_while_we_are_killed_and_come_back_and_no_packet_is_lost() -> Result<()> {
    waits_for_us(&Bird, true)
}

#[test]
fn gobgp_keeps_our_routes_while_we_are_killed_and_come_back_and_no_packet_is_lost() -> Result<()> {
    waits_for_us(&Gobgp, true)
}

#[test]
fn openbgpd_keeps_our_routes_while_we_are_killed_and_come_back_and_no_packet_is_lost() -> Result<()> {
    waits_for_us(&Openbgpd, true)
}

/// It keeps no routes that could be stale: what it hears goes to its programs.
#[test]
fn exabgp_loses_no_packet_while_we_are_killed_and_come_back() -> Result<()> {
    waits_for_us(&Exabgp, false)
}
