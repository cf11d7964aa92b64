//! Both sides dial at the same time (RFC 4271 §6.8): one session results, and both sides hold the same one.

use anyhow::{Result, ensure};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::bird::Bird;
use crate::exabgp::Exabgp;
use crate::frr::Frr;
use crate::gobgp::Gobgp;
use crate::openbgpd::Openbgpd;
use crate::pair::{Pair, Setup};
use crate::peer::Peer;

/// Who has the higher BGP Identifier, and so keeps the connection that it made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Higher {
    Peer,
    Us,
}

/// What a node's packets to the other end are sent to while they shall not arrive.
const NOBODY: &str = "02:00:00:00:00:01";

/// Connections of a node in a state, ours and the peer's ends as `ss` writes them.
fn connections(pair: &Pair, node: &str, state: &str) -> Result<Vec<(String, String)>> {
    let shown = pair.lab.must(node, &["ss", "-Htn", "state", state])?;
    // `0 0 169.254.21.2%tun-frr:49931 169.254.21.1:179`
    let end = |word: &str| match word.split_once('%') {
        Some((address, rest)) => format!("{address}:{}", rest.rsplit(':').next().unwrap_or_default()),
        None => word.to_owned(),
    };
    let lines = shown.lines().map(|line| line.split_whitespace().skip(2).map(end));
    Ok(lines.filter_map(|mut words| Some((words.next()?, words.next()?))).collect())
}

/// Signals a program with all of its processes: the runner starts each in a group of its own.
fn signal(pair: &mut Pair, node: &str, program: &str, signal: Signal) -> Result<()> {
    let group = Pid::from_raw(i32::try_from(pair.lab.pid(node, program)?)?);
    Ok(killpg(group, signal)?)
}

/// True once a node has dialled.
fn dialled(pair: &Pair, node: &str, other: &str) -> Result<Option<()>> {
    let dialled = connections(pair, node, "syn-sent")?;
    ensure!(dialled.iter().any(|(_, to)| *to == format!("{other}:179")), "{node} has dialled {dialled:?}");
    Ok(Some(()))
}

/// Octets that a node's program has not read yet, by connection with an address; accepted or not.
fn unread(pair: &Pair, node: &str, other: &str) -> Result<Vec<u64>> {
    let shown = pair.lab.must(node, &["ss", "-Htn", "state", "established"])?;
    let lines = shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let of_pair = lines.filter(|words| words.get(3).is_some_and(|to| to.starts_with(&format!("{other}:"))));
    Ok(of_pair.filter_map(|words| words.first()?.parse().ok()).collect())
}

/// Both ends have dialled and both connections stand before either end can read: then one goes on, and then the other.
fn collides(peer: &'static dyn Peer, higher: Higher, kept: Option<Higher>) -> Result<()> {
    let number = peer.number();
    // Who reads first has the other's OPEN on both connections, and decides: the one whose connection is to go.
    let decides = if higher == Higher::Us { Higher::Peer } else { Higher::Us };
    let mut setup = Setup::of(peer).idle(peer.node()).idle("in-0");
    if higher == Higher::Us {
        setup = setup.their_edit(&format!("10.5{number}.1.10"), "10.1.1.1");
    }
    let mut pair = setup.start()?;
    let (us, them) = (pair.us(), format!("169.254.21.{}", 4 * number + 1));
    let tunnel = format!("tun-{}", peer.node());
    // The peer first: some of them take their time before they dial, and dialling we do at once.
    let ends = [(peer.node(), peer.program(), &us, "tun-in0"), ("in-0", "twinspan", &them, &tunnel)];
    // Nothing arrives: both dial in vain.
    for (node, _, other, interface) in ends {
        pair.lab.shell(node, &format!("ip neighbor replace {other} lladdr {NOBODY} dev {interface} nud permanent"))?;
    }
    for (node, _, other, _) in ends {
        pair.lab.start(node)?;
        pair.waits(|| dialled(&pair, node, other))?;
    }
    pair.waits(|| {
        ends.iter().map(|(node, _, other, _)| dialled(&pair, node, other)).collect::<Result<Option<Vec<_>>>>()
    })?;
    // Both stop, and their kernels go on: two connections.
    for (node, program, _, _) in ends {
        signal(&mut pair, node, program, Signal::SIGSTOP)?;
    }
    for (node, _, other, interface) in ends {
        pair.lab.shell(node, &format!("ip neighbor del {other} dev {interface}"))?;
    }
    for (node, _, other, _) in ends {
        pair.waits(|| {
            let mut stand = connections(&pair, node, "established")?;
            stand.retain(|(_, to)| to.starts_with(&format!("{other}:")));
            ensure!(stand.len() == 2, "{node} has {stand:?}");
            Ok(Some(()))
        })?;
    }
    // One of them speaks on both, and the other then finds both.
    let [peer_end, our_end] = ends;
    let theirs_first = kept.is_some() && decides == Higher::Us;
    let (first, second) = if theirs_first { (peer_end, our_end) } else { (our_end, peer_end) };
    signal(&mut pair, first.0, first.1, Signal::SIGCONT)?;
    pair.waits(|| {
        let waiting = unread(&pair, second.0, second.2)?;
        ensure!(waiting.iter().all(|octets| *octets > 0), "{} has to read {waiting:?}", second.0);
        Ok(Some(()))
    })?;
    signal(&mut pair, first.0, first.1, Signal::SIGSTOP)?;
    signal(&mut pair, second.0, second.1, Signal::SIGCONT)?;
    if kept.is_some() {
        // It has read, and answered with what it decided. Who gives one up by itself may never read that.
        pair.waits(|| {
            let waiting = unread(&pair, second.0, second.2)?;
            ensure!(waiting.iter().all(|octets| *octets == 0), "{} has to read {waiting:?}", second.0);
            Ok(Some(()))
        })?;
    }
    signal(&mut pair, first.0, first.1, Signal::SIGCONT)?;
    pair.meets()?;
    // The one that stays was dialled by the end with the higher identifier, and no other is left.
    pair.waits(|| {
        let mut here = connections(&pair, "in-0", "established")?;
        here.retain(|(_, to)| to.starts_with(&format!("{them}:")));
        let mut there = connections(&pair, peer.node(), "established")?;
        there.retain(|(_, to)| to.starts_with(&format!("{us}:")));
        ensure!(here.len() == 1 && there.len() == 1, "we have {here:?}, the peer has {there:?}");
        let (ours, theirs) = (here[0].clone(), there[0].clone());
        ensure!(ours == (theirs.1.clone(), theirs.0), "we have {ours:?}, the peer has {there:?}");
        let dialled = if ours.1.ends_with(":179") { Higher::Us } else { Higher::Peer };
        ensure!(kept.is_none_or(|kept| dialled == kept), "the session is {ours:?}, dialled by {dialled:?}");
        Ok(Some(()))
    })?;
    let neighbor = pair.neighbor()?;
    ensure!(neighbor["messages"]["sent"]["open"].as_u64() >= Some(2), "there was no second connection: {neighbor}");
    Ok(())
}

#[test]
fn frr_agrees_with_us_on_one_session_when_both_dial_and_its_identifier_is_higher() -> Result<()> {
    collides(&Frr, Higher::Peer, Some(Higher::Peer))
}

#[test]
fn bird_agrees_with_us_on_one_session_when_both_dial_and_its_identifier_is_higher() -> Result<()> {
    collides(&Bird, Higher::Peer, Some(Higher::Peer))
}

#[test]
fn gobgp_agrees_with_us_on_one_session_when_both_dial_and_its_identifier_is_higher() -> Result<()> {
    collides(&Gobgp, Higher::Peer, None) // it gives one of the two up by itself, whoever has which identifier
}

#[test]
fn exabgp_agrees_with_us_on_one_session_when_both_dial_and_its_identifier_is_higher() -> Result<()> {
    collides(&Exabgp, Higher::Peer, None) // it gives one of the two up by itself, whoever has which identifier
}

#[test]
fn openbgpd_agrees_with_us_on_one_session_when_both_dial_and_its_identifier_is_higher() -> Result<()> {
    collides(&Openbgpd, Higher::Peer, None) // it gives one of the two up by itself, whoever has which identifier
}

#[test]
fn frr_agrees_with_us_on_our_connection_when_both_dial_and_our_identifier_is_higher() -> Result<()> {
    collides(&Frr, Higher::Us, Some(Higher::Us))
}

#[test]
fn bird_agrees_with_us_on_our_connection_when_both_dial_and_our_identifier_is_higher() -> Result<()> {
    collides(&Bird, Higher::Us, Some(Higher::Us))
}

#[test]
fn gobgp_agrees_with_us_on_one_session_when_both_dial_and_our_identifier_is_higher() -> Result<()> {
    collides(&Gobgp, Higher::Us, None) // as above
}

#[test]
fn exabgp_agrees_with_us_on_one_session_when_both_dial_and_our_identifier_is_higher() -> Result<()> {
    collides(&Exabgp, Higher::Us, None) // as above
}

#[test]
fn openbgpd_agrees_with_us_on_one_session_when_both_dial_and_our_identifier_is_higher() -> Result<()> {
    collides(&Openbgpd, Higher::Us, None) // as above
}
