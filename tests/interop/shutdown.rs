//! The end of a session, with its reason in words (RFC 4486, RFC 9003): shown at the other end, both ways.

use anyhow::{Result, ensure};

use crate::bird::Bird;
use crate::frr::Frr;
use crate::gobgp::Gobgp;
use crate::openbgpd::Openbgpd;
use crate::pair::Setup;
use crate::peer::Peer;

/// More than ASCII, and what no peer says by itself.
const TEXT: &str = "Umbau bis 6 Uhr, gr\u{fc}\u{df}e";

/// The peer is shut down with a text: we show it.
fn tells_us(peer: &'static dyn Peer) -> Result<()> {
    let pair = Setup::of(peer).up()?;
    peer.shut_down(&pair.lab, &pair.us(), TEXT)?;
    pair.waits(|| {
        let down = &pair.neighbor()?["last_down"];
        let text = down["text"].as_str().unwrap_or_default();
        let told = down["reason"] == "notification_received" && down["code"] == 6 && down["subcode"] == 2;
        ensure!(told && text.contains(TEXT), "we show {down}");
        Ok(Some(()))
    })
}

#[test]
fn frr_tells_us_why_it_is_shut_down() -> Result<()> {
    tells_us(&Frr)
}

#[test]
fn bird_tells_us_why_it_is_shut_down() -> Result<()> {
    tells_us(&Bird)
}

#[test]
fn gobgp_tells_us_why_it_is_shut_down() -> Result<()> {
    tells_us(&Gobgp)
}

#[test]
fn openbgpd_tells_us_why_it_is_shut_down() -> Result<()> {
    tells_us(&Openbgpd)
}
