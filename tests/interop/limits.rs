//! Maximum prefixes (RFC 4271 §6.7, RFC 4486): ours ends the session with a peer that teaches more, the peer's one with us.

use anyhow::{Result, ensure};

use crate::bird::Bird;
use crate::exabgp::Exabgp;
use crate::feeder::Feeder;
use crate::frr::Frr;
use crate::gobgp::Gobgp;
use crate::openbgpd::Openbgpd;
use crate::pair::Setup;
use crate::peer::Peer;

/// The peer teaches two prefixes in each family, so two more are one too many.
fn is_told_of_ours(peer: &'static dyn Peer) -> Result<()> {
    let near = "connect-retry = \"1s\"";
    let pair = Setup::of(peer).our_edit(near, &format!("max-prefixes = 3\n{near}")).up()?;
    let prefix = |n: u8| format!("10.5{}.7{n}.0/24", peer.number());
    peer.announce(&pair.lab, &[prefix(1), prefix(2)])?;
    pair.waits(|| {
        let (neighbor, shown) = (pair.neighbor()?, pair.session()?.last_end);
        ensure!(neighbor["kept_down"] == "max_prefixes", "we show {}", neighbor["kept_down"]);
        let words = peer.words_for_max_prefixes();
        ensure!(shown.to_lowercase().contains(&words.to_lowercase()), "the peer shows {shown}, and not {words:?}");
        Ok(Some(()))
    })?;
    // With what is too much gone, an operator lets it come back.
    peer.withdraw(&pair.lab, &[prefix(1), prefix(2)])?;
    pair.tell(&["reset", "neighbor", &pair.name()])?;
    pair.meets()
}

/// It has one prefix of ours in each family, and takes three.
fn tells_of_its_own(peer: &'static dyn Peer) -> Result<()> {
    let (from, to) = peer.with_limit_of_three();
    let pair = Setup::of(peer).their_edit(from, to).up()?;
    pair.waits(|| {
        ensure!(pair.learned("10.20.0.0/16")?.is_some(), "the peer has not heard of the cloud network");
        Ok(Some(()))
    })?;
    let mut feeder = Feeder::connect(&pair)?;
    feeder.teach(&[], &[24, 8, 8, 8, 24, 8, 8, 9, 24, 8, 8, 10])?;
    pair.waits(|| {
        let some = pair.learned("8.8.8.0/24")?.is_some() || !pair.neighbor()?["last_told"].is_null();
        ensure!(some, "nothing of it came");
        Ok(Some(()))
    })?;
    // FRR looks at what it has before it counts what comes: it needs one more.
    feeder.teach(&[], &[24, 8, 8, 11])?;
    pair.waits(|| {
        let told = &pair.neighbor()?["last_told"];
        // Where both know RFC 8538 it may stand inside a Hard Reset.
        let text = told["text"].as_str().unwrap_or_default();
        ensure!(text.contains("Cease / Maximum Number of Prefixes Reached"), "we show {told}");
        Ok(Some(()))
    })
}

#[test]
fn frr_is_told_when_it_teaches_more_than_we_take() -> Result<()> {
    is_told_of_ours(&Frr)
}

#[test]
fn bird_is_told_when_it_teaches_more_than_we_take() -> Result<()> {
    is_told_of_ours(&Bird)
}

#[test]
fn gobgp_is_told_when_it_teaches_more_than_we_take() -> Result<()> {
    is_told_of_ours(&Gobgp)
}

#[test]
fn exabgp_is_told_when_it_teaches_more_than_we_take() -> Result<()> {
    is_told_of_ours(&Exabgp)
}

#[test]
fn openbgpd_is_told_when_it_teaches_more_than_we_take() -> Result<()> {
    is_told_of_ours(&Openbgpd)
}

#[test]
fn frr_tells_us_when_we_teach_more_than_it_takes() -> Result<()> {
    tells_of_its_own(&Frr)
}

#[test]
fn bird_tells_us_when_we_teach_more_than_it_takes() -> Result<()> {
    tells_of_its_own(&Bird)
}

#[test]
fn gobgp_tells_us_when_we_teach_more_than_it_takes() -> Result<()> {
    tells_of_its_own(&Gobgp)
}

#[test]
fn openbgpd_tells_us_when_we_teach_more_than_it_takes() -> Result<()> {
    tells_of_its_own(&Openbgpd)
}
