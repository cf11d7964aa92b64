//! The end of a session, with its reason in words (RFC 4486, RFC 9003): shown at the other end, both ways.

use anyhow::{Result, ensure};

use crate::bird::Bird;
use crate::exabgp::Exabgp;
use crate::frr::Frr;
use crate::gobgp::Gobgp;
use crate::openbgpd::Openbgpd;
use crate::pair::{Pair, Setup};
use crate::peer::Peer;

/// More than ASCII, and what no peer says by itself.
const TEXT: &str = "Umbau bis 6 Uhr, gr\u{fc}\u{df}e";

/// What all peers write as it is.
const ASCII: &str = "new line card at 06:00";

/// The peer is shut down with a text: we show it.
fn tells_us(peer: &'static dyn Peer) -> Result<()> {
    let pair = Setup::of(peer).up()?;
    peer.shut_down(&pair.lab, &pair.us(), TEXT)?;
    pair.waits(|| {
        let told = &pair.neighbor()?["last_told"];
        // Where both know RFC 8538 it may stand inside a Hard Reset.
        let text = told["text"].as_str().unwrap_or_default();
        ensure!(text.ends_with(&format!("Cease / Administrative Shutdown: {TEXT}")), "we show {told}");
        Ok(Some(()))
    })?;
    // It stays there when dialling has failed since, also in the table for people.
    pair.waits(|| {
        let down = &pair.neighbor()?["last_down"];
        ensure!(down["reason"] != "notification_received", "nothing has failed since: {down}");
        Ok(Some(()))
    })?;
    let table = pair.tell(&["show", "neighbors"])?;
    ensure!(table.contains(TEXT), "the table says\n{table}");
    Ok(())
}

/// We close the session with a text, by hand: the peer shows it.
fn is_told_on_reset(peer: &'static dyn Peer) -> Result<()> {
    let pair = Setup::of(peer).up()?;
    pair.tell(&["reset", "neighbor", &pair.name(), "--reason", ASCII])?;
    shows(&pair, &peer.words_for_reset())?;
    pair.meets()
}

/// Our file keeps it down, and says why.
fn is_told_on_shutdown(peer: &'static dyn Peer) -> Result<()> {
    let near = "connect-retry = \"1s\"";
    let pair = Setup::of(peer).our_edit(near, &format!("shutdown = \"{ASCII}\"\n{near}")).start()?;
    shows(&pair, &peer.words_for_shutdown())?;
    ensure!(pair.neighbor()?["state"] == "idle", "{}", pair.neighbor()?);
    Ok(())
}

fn shows(pair: &Pair, words: &str) -> Result<()> {
    pair.waits(|| {
        let shown = pair.session()?.last_end;
        let both = shown.to_lowercase().contains(&words.to_lowercase()) && shown.contains(ASCII);
        ensure!(both, "the peer shows {shown}, and not {words:?} with the text");
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

#[test]
fn frr_is_told_why_we_reset_it() -> Result<()> {
    is_told_on_reset(&Frr)
}

#[test]
fn bird_is_told_why_we_reset_it() -> Result<()> {
    is_told_on_reset(&Bird)
}

#[test]
fn gobgp_is_told_why_we_reset_it() -> Result<()> {
    is_told_on_reset(&Gobgp)
}

#[test]
fn openbgpd_is_told_why_we_reset_it() -> Result<()> {
    is_told_on_reset(&Openbgpd)
}

#[test]
fn frr_is_told_why_we_keep_it_down() -> Result<()> {
    is_told_on_shutdown(&Frr)
}

#[test]
fn bird_is_told_why_we_keep_it_down() -> Result<()> {
    is_told_on_shutdown(&Bird)
}

#[test]
fn openbgpd_is_told_why_we_keep_it_down() -> Result<()> {
    is_told_on_shutdown(&Openbgpd)
}

/// It fails over a Cease with a text: all that it shows is its own NOTIFICATION about that.
#[test]
fn exabgp_does_not_understand_why_we_reset_it_and_comes_back() -> Result<()> {
    let pair = Setup::of(&Exabgp).up()?;
    pair.tell(&["reset", "neighbor", &pair.name(), "--reason", ASCII])?;
    pair.waits(|| {
        let shown = pair.session()?.last_end;
        ensure!(shown.contains("can not decode update message of type"), "it shows {shown}");
        Ok(Some(()))
    })?;
    pair.meets()
}

/// Its command takes a subcode and no text; with graceful restart agreed on it closes without a word.
#[test]
fn exabgp_tells_us_that_it_is_shut_down() -> Result<()> {
    let pair = Setup::of(&Exabgp).their_edit("      graceful-restart 30;\n", "").up()?;
    Exabgp.shut_down(&pair.lab, &pair.us(), "")?;
    pair.waits(|| {
        let told = &pair.neighbor()?["last_told"];
        ensure!(told["code"] == 6 && told["subcode"] == 2, "we show {told}");
        Ok(Some(()))
    })?;
    pair.meets()
}
