//! The tests' own speaker in the cloud network: it teaches the instance what the instance is to pass on.

use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::pair::Pair;
use crate::player::mrt::Record;
use crate::player::{Options, Player};

/// RFC 4271 §4.3: flags of a well-known attribute, and of an optional transitive one.
const WELL_KNOWN: u8 = 0x40;
const OPTIONAL_TRANSITIVE: u8 = 0xc0;
const EXTENDED_LENGTH: u8 = 0x10;

/// RFC 1997.
pub(crate) const COMMUNITIES: u8 = 8;

/// A session with the instance.
pub(crate) struct Feeder(Player);

impl Feeder {
    /// Dials the instance.
    pub(crate) fn connect(pair: &Pair) -> Result<Self> {
        let options = Options {
            local: [10, 20, 255, 1].into(),
            remote: ([10, 20, 255, 4], 179).into(),
            asn: 65020,
            hold_time: 90,
            four_octet: true,
            limit: Duration::from_secs(20),
        };
        let player = pair.lab.inside("cloud-host", || Player::connect(&options))?;
        Ok(Self(player.map_err(|failure| anyhow!("{failure}\n{}", pair.tail()))?))
    }

    /// Announces prefixes as (length, octets) with these attributes beside ORIGIN, AS_PATH and NEXT_HOP.
    pub(crate) fn teach(&mut self, more: &[u8], prefixes: &[u8]) -> Result<()> {
        let own = [
            &[WELL_KNOWN, 1, 1, 0][..],
            &[WELL_KNOWN, 2, 6, 2, 1, 0, 0, 0xfd, 0xfc],
            &[WELL_KNOWN, 3, 4, 10, 20, 255, 1],
            more,
        ];
        let attributes = own.concat();
        let mut octets = vec![0xff; 16];
        octets.extend(u16::try_from(23 + attributes.len() + prefixes.len())?.to_be_bytes());
        octets.extend([2, 0, 0]);
        octets.extend(u16::try_from(attributes.len())?.to_be_bytes());
        octets.extend(attributes);
        octets.extend(prefixes);
        self.0.play([Record { time: 0, as4: true, peer_asn: 65020, octets }].into_iter())?;
        Ok(())
    }
}

/// An optional transitive attribute.
pub(crate) fn attribute(code: u8, value: &[u8]) -> Vec<u8> {
    let mut octets = vec![OPTIONAL_TRANSITIVE | EXTENDED_LENGTH, code];
    octets.extend(u16::try_from(value.len()).expect("a short one").to_be_bytes());
    octets.extend(value);
    octets
}
