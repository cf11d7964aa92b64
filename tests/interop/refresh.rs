//! ROUTE-REFRESH (RFC 2918): the peer asks, and we send all of a family again.

use anyhow::{Result, ensure};

use crate::bird::Bird;
use crate::exabgp::Exabgp;
use crate::frr::Frr;
use crate::openbgpd::Openbgpd;
use crate::pair::{Pair, Setup};
use crate::peer::Peer;

/// ROUTE-REFRESH messages that we received, and UPDATEs that we sent.
fn counts(pair: &Pair) -> Result<(u64, u64)> {
    let messages = &pair.neighbor()?["messages"];
    let count = |way: &str, kind: &str| messages[way][kind].as_u64().unwrap_or_default();
    Ok((count("received", "route_refresh"), count("sent", "update")))
}

fn is_sent_everything_again(peer: &'static dyn Peer) -> Result<()> {
    let pair = Setup::of(peer).up()?;
    pair.waits(|| {
        ensure!(pair.learned("10.20.0.0/16")?.is_some(), "the peer has not heard of the cloud network");
        Ok(Some(()))
    })?;
    let before = counts(&pair)?;
    peer.ask_again(&pair.lab, &pair.us())?;
    pair.waits(|| {
        let after = counts(&pair)?;
        let again = after.0 > before.0 && after.1 > before.1;
        ensure!(again, "refreshes received and updates sent were {before:?}, are {after:?}");
        Ok(Some(()))
    })?;
    ensure!(pair.learned("10.20.0.0/16")?.is_some(), "the refresh took the cloud network away");
    pair.meets()?;
    ensure!(pair.neighbor()?["flaps"] == 0, "the session ended: {}", pair.neighbor()?["last_down"]);
    Ok(())
}

#[test]
fn frr_is_sent_everything_again_when_it_asks() -> Result<()> {
    is_sent_everything_again(&Frr)
}

#[test]
fn bird_is_sent_everything_again_when_it_asks() -> Result<()> {
    is_sent_everything_again(&Bird)
}

#[test]
fn exabgp_is_sent_everything_again_when_it_asks() -> Result<()> {
    is_sent_everything_again(&Exabgp)
}

#[test]
fn openbgpd_is_sent_everything_again_when_it_asks() -> Result<()> {
    is_sent_everything_again(&Openbgpd)
}
