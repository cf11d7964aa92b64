//! IPv4 and IPv6 over one session of either family (RFC 4760, RFC 2545, RFC 8950), each ended by End-of-RIB (RFC 4724 §2).

use anyhow::{Result, ensure};

use crate::bird::Bird;
use crate::exabgp::Exabgp;
use crate::frr::Frr;
use crate::gobgp::Gobgp;
use crate::openbgpd::Openbgpd;
use crate::pair::{Over, Pair, Setup};
use crate::peer::Peer;

/// Both families are taught and learned, and both kernels that there are carry packets.
fn carries_both_families(peer: &'static dyn Peer, over: Over) -> Result<()> {
    let pair = Setup::of(peer).over(over).up()?;
    ensure!(pair.neighbor()?["families"] == serde_json::json!(["ipv4", "ipv6"]), "{}", pair.neighbor()?["families"]);
    for prefix in pair.site() {
        pair.waits(|| {
            let path = pair.path(&prefix)?;
            ensure!(path.as_ref().is_some_and(|path| path["state"] == "best"), "we have {prefix} as {path:?}");
            Ok(Some(()))
        })?;
    }
    for prefix in ["10.20.0.0/16", "fd20::/48"] {
        pair.waits(|| {
            ensure!(pair.learned(prefix)?.is_some(), "the peer has no {prefix} of ours");
            Ok(Some(()))
        })?;
    }
    says_it_is_done(&pair)
}

/// It has sent End-of-RIB of both families.
fn says_it_is_done(pair: &Pair) -> Result<()> {
    for family in ["ipv4", "ipv6"] {
        pair.waits(|| {
            let end = format!("{} has sent all of {family}", pair.name());
            ensure!(pair.lab.log(pair.instance(), "twinspan").contains(&end), "no End-of-RIB of {family}");
            Ok(Some(()))
        })?;
    }
    Ok(())
}

/// What it announces later on comes, and goes when it takes it back. Later on is after End-of-RIB: FRR, which selects
/// nothing before that, may forget to withdraw what was announced to it meanwhile (`labs/interop`, note 19).
fn comes_and_goes(peer: &'static dyn Peer) -> Result<()> {
    let pair = Setup::of(peer).up()?;
    says_it_is_done(&pair)?;
    let number = peer.number();
    let prefixes = [format!("10.5{number}.77.0/24"), format!("fd5{number}:0:0:77::/64")];
    for there in [true, false] {
        if there {
            peer.announce(&pair.lab, &prefixes)?;
        } else {
            peer.withdraw(&pair.lab, &prefixes)?;
        }
        for prefix in &prefixes {
            pair.waits(|| {
                let path = pair.path(prefix)?;
                ensure!(path.is_some() == there, "we have {prefix} as {path:?}");
                Ok(Some(()))
            })?;
        }
    }
    ensure!(pair.neighbor()?["flaps"] == 0, "the session ended: {}", pair.neighbor()?["last_down"]);
    Ok(())
}

#[test]
fn frr_carries_both_families_over_ipv4() -> Result<()> {
    carries_both_families(&Frr, Over::Ipv4)
}

#[test]
fn bird_carries_both_families_over_ipv4() -> Result<()> {
    carries_both_families(&Bird, Over::Ipv4)
}

#[test]
fn gobgp_carries_both_families_over_ipv4() -> Result<()> {
    carries_both_families(&Gobgp, Over::Ipv4)
}

#[test]
fn exabgp_carries_both_families_over_ipv4() -> Result<()> {
    carries_both_families(&Exabgp, Over::Ipv4)
}

#[test]
fn openbgpd_carries_both_families_over_ipv4() -> Result<()> {
    carries_both_families(&Openbgpd, Over::Ipv4)
}

#[test]
fn frr_carries_both_families_over_ipv6() -> Result<()> {
    carries_both_families(&Frr, Over::Ipv6)
}

#[test]
fn bird_carries_both_families_over_ipv6() -> Result<()> {
    carries_both_families(&Bird, Over::Ipv6)
}

#[test]
fn gobgp_carries_both_families_over_ipv6() -> Result<()> {
    carries_both_families(&Gobgp, Over::Ipv6)
}

#[test]
fn exabgp_carries_both_families_over_ipv6() -> Result<()> {
    carries_both_families(&Exabgp, Over::Ipv6)
}

#[test]
fn frr_announces_both_families_and_takes_them_back() -> Result<()> {
    comes_and_goes(&Frr)
}

#[test]
fn bird_announces_both_families_and_takes_them_back() -> Result<()> {
    comes_and_goes(&Bird)
}

#[test]
fn gobgp_announces_both_families_and_takes_them_back() -> Result<()> {
    comes_and_goes(&Gobgp)
}

#[test]
fn exabgp_announces_both_families_and_takes_them_back() -> Result<()> {
    comes_and_goes(&Exabgp)
}

#[test]
fn openbgpd_announces_both_families_and_takes_them_back() -> Result<()> {
    comes_and_goes(&Openbgpd)
}
