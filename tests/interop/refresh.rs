//! ROUTE-REFRESH (RFC 2918, RFC 7313): who asks is sent all of a family again, and the session stays.

use anyhow::{Result, ensure};

use crate::bird::Bird;
use crate::exabgp::Exabgp;
use crate::frr::Frr;
use crate::gobgp::Gobgp;
use crate::openbgpd::Openbgpd;
use crate::pair::{Pair, Setup};
use crate::peer::Peer;

/// ROUTE-REFRESH messages and UPDATEs so far, of one direction.
fn counts(pair: &Pair, way: &str) -> Result<(u64, u64)> {
    let messages = &pair.neighbor()?["messages"][way];
    Ok((messages["route_refresh"].as_u64().unwrap_or_default(), messages["update"].as_u64().unwrap_or_default()))
}

fn settles(pair: &Pair) -> Result<()> {
    pair.waits(|| {
        ensure!(pair.learned("10.20.0.0/16")?.is_some(), "the peer has not heard of the cloud network");
        for prefix in pair.marked() {
            ensure!(pair.path(&prefix)?.is_some(), "we have not heard of {prefix}");
        }
        Ok(Some(()))
    })
}

fn stands(pair: &Pair) -> Result<()> {
    settles(pair)?;
    pair.meets()?;
    ensure!(pair.neighbor()?["flaps"] == 0, "the session ended: {}", pair.neighbor()?["last_down"]);
    Ok(())
}

/// With RFC 7313 at both ends what is sent again stands between two markers, once End-of-RIB was sent: that waits for 3 s
/// where the peer's OPEN said that it has restarted, as the first one of some does.
fn is_sent_everything_again(peer: &'static dyn Peer) -> Result<()> {
    let pair = Setup::of(peer).up()?;
    settles(&pair)?;
    pair.waits(|| {
        let up = pair.neighbor()?["uptime_seconds"].as_u64();
        ensure!(up >= Some(4), "the session is up for {up:?} s");
        Ok(Some(()))
    })?;
    let (asked, sent) = (counts(&pair, "received")?, counts(&pair, "sent")?);
    peer.ask_again(&pair.lab, &pair.us())?;
    pair.waits(|| {
        let (asked_now, sent_now) = (counts(&pair, "received")?, counts(&pair, "sent")?);
        let again = asked_now.0 > asked.0 && sent_now.0 >= sent.0 + 2 && sent_now.1 > sent.1;
        ensure!(again, "(refreshes, updates) received: {asked:?}, now {asked_now:?}; sent: {sent:?}, now {sent_now:?}");
        Ok(Some(()))
    })?;
    stands(&pair)
}

/// We ask for both families; `markers` if the peer knows RFC 7313.
fn sends_us_everything_again(peer: &'static dyn Peer, markers: bool) -> Result<()> {
    let pair = Setup::of(peer).up()?;
    settles(&pair)?;
    let (received, sent) = (counts(&pair, "received")?, counts(&pair, "sent")?);
    pair.tell(&["reset", "neighbor", &pair.name(), "--soft", "in"])?;
    let markers = if markers { 4 } else { 0 };
    pair.waits(|| {
        let (received_now, sent_now) = (counts(&pair, "received")?, counts(&pair, "sent")?);
        // Two prefixes in each family, which need two UPDATEs: their attributes differ.
        let again =
            sent_now.0 == sent.0 + 2 && received_now.0 == received.0 + markers && received_now.1 >= received.1 + 4;
        ensure!(
            again,
            "(refreshes, updates) received: {received:?}, now {received_now:?}; sent: {sent:?}, now {sent_now:?}"
        );
        Ok(Some(()))
    })?;
    stands(&pair)
}

/// It cannot do what it announces: it says so and keeps the session, and nothing that it taught goes.
fn refuses(peer: &'static dyn Peer, log: &str) -> Result<()> {
    let pair = Setup::of(peer).up()?;
    settles(&pair)?;
    pair.tell(&["reset", "neighbor", &pair.name(), "--soft", "in"])?;
    pair.waits(|| {
        ensure!(pair.lab.log(peer.node(), peer.program()).contains(log), "its log does not say {log:?}");
        Ok(Some(()))
    })?;
    stands(&pair)
}

/// It fails over the request, and closes the connection: the session comes back, with all routes.
fn breaks(peer: &'static dyn Peer) -> Result<()> {
    let pair = Setup::of(peer).up()?;
    settles(&pair)?;
    pair.tell(&["reset", "neighbor", &pair.name(), "--soft", "in"])?;
    pair.waits(|| {
        ensure!(pair.neighbor()?["flaps"] == 1, "the session stands");
        Ok(Some(()))
    })?;
    pair.meets()?;
    settles(&pair)
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

#[test]
fn frr_sends_us_everything_again_when_we_ask() -> Result<()> {
    sends_us_everything_again(&Frr, true)
}

#[test]
fn bird_sends_us_everything_again_when_we_ask() -> Result<()> {
    sends_us_everything_again(&Bird, true)
}

#[test]
fn gobgp_sends_us_everything_again_when_we_ask() -> Result<()> {
    sends_us_everything_again(&Gobgp, false)
}

#[test]
fn openbgpd_refuses_to_send_again_and_loses_nothing_by_being_asked() -> Result<()> {
    refuses(&Openbgpd, "route refresh: AID IPv4 unicast not negotiated")
}

#[test]
fn exabgp_breaks_when_we_ask_and_comes_back_with_all_routes() -> Result<()> {
    breaks(&Exabgp)
}
