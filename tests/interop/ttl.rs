//! GTSM (RFC 5082): both ends send with 255 and take nothing that came from farther.

use anyhow::{Result, ensure};

use crate::bird::Bird;
use crate::exabgp::Exabgp;
use crate::frr::Frr;
use crate::gobgp::Gobgp;
use crate::openbgpd::Openbgpd;
use crate::pair::{Over, Pair, Setup};
use crate::peer::Peer;

/// Segments that a node's kernel dropped because of their TTL.
fn dropped(pair: &Pair, node: &str) -> Result<u64> {
    let shown = pair.lab.must(node, &["nstat", "-az", "TcpExtTCPMinTTLDrop"])?;
    let line = shown.lines().find(|line| line.starts_with("TcpExtTCPMinTTLDrop")).unwrap_or_default();
    Ok(line.split_whitespace().nth(1).unwrap_or_default().parse()?)
}

/// Without it at one end the other end drops what comes, and there is no session.
fn is_not_believed_from_afar(peer: &'static dyn Peer, over: Over) -> Result<()> {
    let (from, to) = peer.without_ttl_security();
    let pair = Setup::of(peer).over(over).their_edit(from, to).idle(peer.node()).start()?;
    // What a peer does not set is the system's.
    pair.lab.shell(peer.node(), "sysctl -qw net.ipv4.ip_default_ttl=64 net.ipv6.conf.tun-in1.hop_limit=64")?;
    let mut pair = pair;
    pair.lab.start(peer.node())?;
    pair.waits(|| {
        ensure!(dropped(&pair, pair.instance())? > 2, "nothing was dropped here");
        Ok(Some(()))
    })?;
    ensure!(pair.neighbor()?["state"] != "established", "{}", pair.neighbor()?);
    // Its OPEN may be here before our limit is, on a connection that we made; nothing after it is.
    ensure!(pair.neighbor()?["messages"]["received"]["keepalive"] == 0, "a KEEPALIVE came through");
    Ok(())
}

/// The same with us as the one who is too far away.
fn does_not_believe_us_from_afar(peer: &'static dyn Peer) -> Result<()> {
    let near = "connect-retry = \"1s\"";
    let setup = Setup::of(peer).our_edit(near, &format!("ttl-security = false\n{near}"));
    let pair = setup.start()?;
    pair.waits(|| {
        ensure!(dropped(&pair, peer.node())? > 2, "nothing was dropped there");
        Ok(Some(()))
    })?;
    // GoBGP sets its limit after it has accepted: our OPEN may slip through, nothing after it does.
    ensure!(!pair.session()?.established, "the peer holds a session");
    Ok(())
}

#[test]
fn frr_is_not_believed_from_farther_than_the_link_over_ipv4() -> Result<()> {
    is_not_believed_from_afar(&Frr, Over::Ipv4)
}

#[test]
fn bird_is_not_believed_from_farther_than_the_link_over_ipv4() -> Result<()> {
    is_not_believed_from_afar(&Bird, Over::Ipv4)
}

#[test]
fn gobgp_is_not_believed_from_farther_than_the_link_over_ipv4() -> Result<()> {
    is_not_believed_from_afar(&Gobgp, Over::Ipv4)
}

#[test]
fn exabgp_is_not_believed_from_farther_than_the_link_over_ipv4() -> Result<()> {
    is_not_believed_from_afar(&Exabgp, Over::Ipv4)
}

#[test]
fn openbgpd_is_not_believed_from_farther_than_the_link_over_ipv4() -> Result<()> {
    is_not_believed_from_afar(&Openbgpd, Over::Ipv4)
}

#[test]
fn frr_is_not_believed_from_farther_than_the_link_over_ipv6() -> Result<()> {
    is_not_believed_from_afar(&Frr, Over::Ipv6)
}

#[test]
fn bird_is_not_believed_from_farther_than_the_link_over_ipv6() -> Result<()> {
    is_not_believed_from_afar(&Bird, Over::Ipv6)
}

#[test]
fn gobgp_is_not_believed_from_farther_than_the_link_over_ipv6() -> Result<()> {
    is_not_believed_from_afar(&Gobgp, Over::Ipv6)
}

#[test]
fn exabgp_is_not_believed_from_farther_than_the_link_over_ipv6() -> Result<()> {
    is_not_believed_from_afar(&Exabgp, Over::Ipv6)
}

#[test]
fn openbgpd_is_not_believed_from_farther_than_the_link_over_ipv6() -> Result<()> {
    is_not_believed_from_afar(&Openbgpd, Over::Ipv6)
}

#[test]
fn frr_does_not_believe_us_from_farther_than_the_link() -> Result<()> {
    does_not_believe_us_from_afar(&Frr)
}

#[test]
fn bird_does_not_believe_us_from_farther_than_the_link() -> Result<()> {
    does_not_believe_us_from_afar(&Bird)
}

#[test]
fn gobgp_does_not_believe_us_from_farther_than_the_link() -> Result<()> {
    does_not_believe_us_from_afar(&Gobgp)
}

#[test]
fn openbgpd_does_not_believe_us_from_farther_than_the_link() -> Result<()> {
    does_not_believe_us_from_afar(&Openbgpd)
}
