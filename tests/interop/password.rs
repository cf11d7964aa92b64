//! TCP MD5 (RFC 2385), over both families: with one password there is a session, with two there is none.

use anyhow::{Result, ensure};

use crate::bird::Bird;
use crate::exabgp::Exabgp;
use crate::frr::Frr;
use crate::gobgp::Gobgp;
use crate::openbgpd::Openbgpd;
use crate::pair::{Over, Pair, Setup};
use crate::peer::Peer;

const PASSWORD: &str = "brass-lantern-7";

/// An instance that has that password, and a peer that has another or the same.
fn with(peer: &'static dyn Peer, over: Over, theirs: &str) -> Result<Pair> {
    let near = "connect-retry = \"1s\"";
    let (from, to) = peer.with_password(theirs);
    let setup = Setup::of(peer)
        .over(over)
        .our_edit(near, &format!("password-file = \"/etc/twinspan/key\"\n{near}"))
        .their_edit(from, &to)
        .idle(if over == Over::Ipv4 { "in-0" } else { "in-1" });
    let mut pair = setup.start()?;
    let instance = pair.instance();
    pair.lab.shell(instance, &format!("umask 077; echo {PASSWORD} >/etc/twinspan/key"))?;
    pair.lab.start(instance)?;
    Ok(pair)
}

/// Segments that a node's kernel dropped because of their signature, or for the want of one.
fn dropped(pair: &Pair, node: &str) -> Result<u64> {
    let names = ["TcpExtTCPMD5NotFound", "TcpExtTCPMD5Unexpected", "TcpExtTCPMD5Failure"];
    let shown = pair.lab.must(node, &[&["nstat", "-az"][..], &names].concat())?;
    let lines = shown.lines().filter(|line| line.starts_with("TcpExtTCPMD5"));
    Ok(lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum())
}

fn signs(peer: &'static dyn Peer, over: Over) -> Result<()> {
    let pair = with(peer, over, PASSWORD)?;
    pair.meets()?;
    ensure!(pair.neighbor()?["authentication"] == "tcp-md5", "{}", pair.neighbor()?["authentication"]);
    ensure!(dropped(&pair, pair.instance())? == 0, "segments were dropped here");
    Ok(())
}

fn needs_the_same(peer: &'static dyn Peer) -> Result<()> {
    let pair = with(peer, Over::Ipv4, "brass-lantern-8")?;
    pair.waits(|| {
        ensure!(dropped(&pair, "in-0")? > 2, "nothing was dropped here");
        ensure!(dropped(&pair, peer.node())? > 2, "nothing was dropped there");
        Ok(Some(()))
    })?;
    ensure!(pair.neighbor()?["messages"]["received"]["open"] == 0, "{}", pair.neighbor()?);
    ensure!(!pair.session()?.established, "the peer holds a session");
    Ok(())
}

/// Changes the key of an open connection in the kernel of the node, as software does that changes it without a reset:
/// PROCESS, the other end's address, KEY. It takes the socket from the process (pidfd_getfd) and sets `TCP_MD5SIG`.
const CHANGE: &str = r#"
import ctypes, os, socket, struct, sys
process, other, key = int(sys.argv[1]), sys.argv[2], sys.argv[3].encode()
handle, changed = os.pidfd_open(process), 0
for name in os.listdir(f"/proc/{process}/fd"):
    if os.readlink(f"/proc/{process}/fd/{name}").startswith("socket:"):
        with socket.socket(fileno=ctypes.CDLL(None).syscall(438, handle, int(name), 0)) as taken:
            try:
                remote = taken.getpeername()[0]
            except (OSError, IndexError):
                continue
            if remote == other:
                address = struct.pack("=HH4s120x", socket.AF_INET, 0, socket.inet_aton(other))
                taken.setsockopt(socket.IPPROTO_TCP, 14, address + struct.pack("=BBHi80s", 0, 0, len(key), 0, key))
                changed += 1
sys.exit(changed != 1)
"#;

/// The key changes at both ends of a session that stands, ours first: it stands, and what FRR says behind that arrives.
///
/// FRR itself ends a session when its password is changed, as BIRD does (README, 21): so its kernel is told alone.
#[test]
fn frr_and_we_change_the_md5_key_of_a_session_that_goes_on() -> Result<()> {
    let pair = with(&Frr, Over::Ipv4, PASSWORD)?;
    pair.meets()?;
    let flaps = pair.neighbor()?["flaps"].clone();
    pair.lab.shell("in-0", "umask 077; echo brass-lantern-8 >/etc/twinspan/key")?;
    pair.tell(&["reload"])?;
    let process = pair.lab.must("frr", &["pidof", "bgpd"])?;
    pair.lab.must("frr", &["python3", "-c", CHANGE, process.trim(), "169.254.21.2", "brass-lantern-8"])?;
    let news = ["10.50.7.0/24".to_owned()];
    Frr.announce(&pair.lab, &news)?;
    pair.waits(|| {
        ensure!(pair.path(&news[0])?.is_some(), "nothing of {news:?}");
        Ok(Some(()))
    })?;
    let shown = pair.neighbor()?;
    ensure!(shown["state"] == "established" && shown["flaps"] == flaps, "{shown}\n{}", pair.tail());
    Ok(())
}

#[test]
fn frr_signs_with_md5_over_ipv4() -> Result<()> {
    signs(&Frr, Over::Ipv4)
}

#[test]
fn bird_signs_with_md5_over_ipv4() -> Result<()> {
    signs(&Bird, Over::Ipv4)
}

#[test]
fn gobgp_signs_with_md5_over_ipv4() -> Result<()> {
    signs(&Gobgp, Over::Ipv4)
}

#[test]
fn exabgp_signs_with_md5_over_ipv4() -> Result<()> {
    signs(&Exabgp, Over::Ipv4)
}

#[test]
fn openbgpd_signs_with_md5_over_ipv4() -> Result<()> {
    signs(&Openbgpd, Over::Ipv4)
}

#[test]
fn frr_signs_with_md5_over_ipv6() -> Result<()> {
    signs(&Frr, Over::Ipv6)
}

#[test]
fn bird_signs_with_md5_over_ipv6() -> Result<()> {
    signs(&Bird, Over::Ipv6)
}

#[test]
fn gobgp_signs_with_md5_over_ipv6() -> Result<()> {
    signs(&Gobgp, Over::Ipv6)
}

#[test]
fn exabgp_signs_with_md5_over_ipv6() -> Result<()> {
    signs(&Exabgp, Over::Ipv6)
}

#[test]
fn openbgpd_signs_with_md5_over_ipv6() -> Result<()> {
    signs(&Openbgpd, Over::Ipv6)
}

#[test]
fn frr_has_no_session_with_us_by_another_password() -> Result<()> {
    needs_the_same(&Frr)
}

#[test]
fn bird_has_no_session_with_us_by_another_password() -> Result<()> {
    needs_the_same(&Bird)
}

#[test]
fn gobgp_has_no_session_with_us_by_another_password() -> Result<()> {
    needs_the_same(&Gobgp)
}

#[test]
fn exabgp_has_no_session_with_us_by_another_password() -> Result<()> {
    needs_the_same(&Exabgp)
}

#[test]
fn openbgpd_has_no_session_with_us_by_another_password() -> Result<()> {
    needs_the_same(&Openbgpd)
}
