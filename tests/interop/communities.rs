//! Communities of all three kinds (RFC 1997, RFC 4360, RFC 8092), from the peer to us and from us to the peer.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::bird::Bird;
use crate::exabgp::Exabgp;
use crate::feeder::{COMMUNITIES, Feeder, attribute};
use crate::frr::Frr;
use crate::gobgp::Gobgp;
use crate::openbgpd::Openbgpd;
use crate::pair::Setup;
use crate::peer::{Peer, Route, set};

/// Attribute codes.
const EXTENDED_COMMUNITIES: u8 = 16;
const LARGE_COMMUNITIES: u8 = 32;

fn carries_communities(peer: &'static dyn Peer) -> Result<()> {
    let pair = Setup::of(peer).up()?;
    // From the peer: what its file says of the marked prefixes, in both families.
    for prefix in pair.marked() {
        pair.waits(|| {
            let Some(path) = pair.path(&prefix)? else { return Ok(None) };
            let found = [&path["communities"], &path["extended_communities"], &path["large_communities"]];
            ensure!(found == [&json!(["65001:52"]), &json!(["rt:65001:52"]), &json!(["65001:5:2"])], "{found:?}");
            Ok(Some(()))
        })?;
    }
    // From us: what the feeder teaches, two of each kind, and large numbers where they fit.
    let mut feeder = Feeder::connect(&pair)?;
    let octets = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>();
    let more = [
        attribute(COMMUNITIES, &octets(&[65_001 << 16 | 7, 65_002 << 16 | 65_535])),
        attribute(EXTENDED_COMMUNITIES, &octets(&[0x0002 << 16 | 65_001, 7, 0x0002 << 16 | 65_002, u32::MAX])),
        attribute(LARGE_COMMUNITIES, &octets(&[65_001, 7, 0, 4_200_000_000, u32::MAX, 1])),
    ];
    feeder.teach(&more.concat(), &[24, 8, 8, 8])?;
    let wanted = Route {
        communities: set(["65001:7", "65002:65535"]),
        extended: set(["rt:65001:7", "rt:65002:4294967295"]),
        large: set(["65001:7:0", "4200000000:4294967295:1"]),
    };
    pair.waits(|| {
        let learned = pair.learned("8.8.8.0/24")?;
        ensure!(learned.as_ref() == Some(&wanted), "the peer has {learned:?}");
        Ok(Some(()))
    })
}

#[test]
fn frr_carries_communities_of_all_three_kinds_both_ways() -> Result<()> {
    carries_communities(&Frr)
}

#[test]
fn bird_carries_communities_of_all_three_kinds_both_ways() -> Result<()> {
    carries_communities(&Bird)
}

#[test]
fn gobgp_carries_communities_of_all_three_kinds_both_ways() -> Result<()> {
    carries_communities(&Gobgp)
}

#[test]
fn exabgp_carries_communities_of_all_three_kinds_both_ways() -> Result<()> {
    carries_communities(&Exabgp)
}

#[test]
fn openbgpd_carries_communities_of_all_three_kinds_both_ways() -> Result<()> {
    carries_communities(&Openbgpd)
}
