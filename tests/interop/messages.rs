//! Messages of more than 4,096 octets (RFC 8654), both ways, and what becomes of a route that needs one where there are none.

use anyhow::{Result, ensure};

use crate::bird::Bird;
use crate::exabgp::Exabgp;
use crate::feeder::{COMMUNITIES, Feeder, attribute};
use crate::frr::Frr;
use crate::gobgp::Gobgp;
use crate::openbgpd::Openbgpd;
use crate::pair::{Pair, Setup};
use crate::peer::Peer;

/// Communities that need more than 4,096 octets by themselves.
const MANY: u16 = 1100;

/// So many that a message which reaches us with 4,096 octets leaves us with our AS in front, and is longer.
const JUST_ENOUGH: u32 = 1011;

/// Has the feeder teach 8.8.8.0/24, which just fits, and 9.9.9.0/24, which is short.
fn teach(pair: &Pair) -> Result<Feeder> {
    let mut feeder = Feeder::connect(pair)?;
    let communities: Vec<u8> = (0..JUST_ENOUGH).flat_map(|n| (65_001 << 16 | n).to_be_bytes()).collect();
    feeder.teach(&attribute(COMMUNITIES, &communities), &[24, 8, 8, 8])?;
    feeder.teach(&[], &[24, 9, 9, 9])?;
    pair.waits(|| {
        ensure!(pair.learned("9.9.9.0/24")?.is_some(), "the peer has no short route");
        Ok(Some(()))
    })?;
    Ok(feeder)
}

fn stands(pair: &Pair) -> Result<()> {
    pair.meets()?;
    ensure!(pair.neighbor()?["flaps"] == 0, "the session ended: {}", pair.neighbor()?["last_down"]);
    Ok(())
}

fn carries_long_messages(peer: &'static dyn Peer) -> Result<()> {
    let pair = Setup::of(peer).up()?;
    peer.announce_marked(&pair.lab, "11.0.0.0/24", MANY)?;
    pair.waits(|| {
        let path = pair.path("11.0.0.0/24")?;
        let many = path.as_ref().and_then(|path| path["communities"].as_array()).map(Vec::len);
        ensure!(many == Some(MANY.into()), "the route came with {many:?} communities");
        Ok(Some(()))
    })?;
    let _feeder = teach(&pair)?;
    pair.waits(|| {
        let many = pair.learned("8.8.8.0/24")?.map(|route| route.communities.len());
        ensure!(many == Some(JUST_ENOUGH as usize), "the peer has {many:?} communities");
        Ok(Some(()))
    })?;
    stands(&pair)
}

/// A peer that cannot read it is not sent it: the session and the other routes are not harmed.
fn does_without(peer: &'static dyn Peer) -> Result<()> {
    let pair = Setup::of(peer).up()?;
    let _feeder = teach(&pair)?;
    ensure!(pair.learned("8.8.8.0/24")?.is_none(), "the peer has what does not fit into a message");
    stands(&pair)
}

#[test]
fn frr_carries_messages_of_more_than_4096_octets_both_ways() -> Result<()> {
    carries_long_messages(&Frr)
}

#[test]
fn bird_carries_messages_of_more_than_4096_octets_both_ways() -> Result<()> {
    carries_long_messages(&Bird)
}

#[test]
fn exabgp_carries_messages_of_more_than_4096_octets_both_ways() -> Result<()> {
    carries_long_messages(&Exabgp)
}

#[test]
fn gobgp_without_extended_messages_is_spared_a_route_that_needs_one() -> Result<()> {
    does_without(&Gobgp)
}

#[test]
fn openbgpd_without_extended_messages_is_spared_a_route_that_needs_one() -> Result<()> {
    does_without(&Openbgpd)
}
