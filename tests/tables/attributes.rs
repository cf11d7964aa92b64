//! What an instance passes on of attributes that it does not know (RFC 4271 §5).

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::full::{device, recording};
use crate::gateway::{Gateway, SOON};
use crate::player::mrt::{self, Record};
use crate::player::rewrite::codes;
use crate::player::{Options, Player};
use crate::runner::wait_until;

/// A neighbor outside of the model, in the cloud network, that is taught everything.
const COLLECTOR: &str = r#"
[[neighbor]]
name = "collector"
address = "10.20.255.1"
asn = 65020
import = ["reject"]
export = ["accept"]
"#;

/// Attributes that a speaker of today knows: RFC 4271, 1997, 4456, 4760, 4360, 6793, 8092.
const KNOWN: [u8; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 32];

const OPTIONAL: u8 = 0x80;
const TRANSITIVE: u8 = 0x40;
const PARTIAL: u8 = 0x20;

/// One route with an attribute to pass on and one to drop, both unknown to everybody.
fn odd() -> Record {
    let attributes = [
        &[0x40, 1, 1, 0][..],
        &[0x40, 2, 6, 2, 1, 0, 0, 0, 9],
        &[0x40, 3, 4, 192, 0, 2, 1],
        &[OPTIONAL | TRANSITIVE, 201, 3, 1, 2, 3],
        &[OPTIONAL, 202, 3, 1, 2, 3],
    ];
    let attributes = attributes.concat();
    let mut octets = vec![0xff; 16];
    octets.extend([0, 23 + 4 + attributes.len() as u8, 2, 0, 0, 0, attributes.len() as u8]);
    octets.extend(attributes);
    octets.extend([24, 8, 8, 8]);
    Record { time: 0, as4: true, peer_asn: 0, octets }
}

#[test]
fn unknown_transitive_attributes_are_passed_on_as_partial_and_others_are_not() -> Result<()> {
    let gateway = Gateway::up_with(&["hq-1", "hq-2", "in-1"], COLLECTOR)?;
    let options = Options {
        local: [10, 20, 255, 1].into(),
        remote: ([10, 20, 255, 4], 179).into(),
        asn: 65020,
        hold_time: 90,
        four_octet: true,
        limit: Duration::from_secs(20),
    };
    let collector = gateway.lab.inside("core", || Player::connect(&options))?;
    let collector = collector.map_err(|failure| anyhow!("{failure}\n{}", gateway.tail("in-0")))?;
    let mut records = vec![odd()];
    match recording("ris-updates.et-header.2015.gz") {
        Some(path) => records.extend(mrt::messages(&path).filter(|record| {
            record.octets.get(18) == Some(&2) && codes(&record.octets).iter().any(|(_, code)| !KNOWN.contains(code))
        })),
        None => eprintln!("NOTE: no recorded table: only made-up attributes are played"),
    }
    let played: BTreeSet<(u8, u8)> = records.iter().flat_map(|record| codes(&record.octets)).collect();
    let mut device = device(&gateway, "hq-1", 65010)?;
    let sent = device.play(records.into_iter())?;
    wait_until(SOON, || match collector.status().held.len() {
        held if held == sent.prefixes + 1 => Ok(()), // and the cloud's own
        held => Err(format!("{} prefixes sent, {held} came out\n{}", sent.prefixes, gateway.tail("in-0"))),
    })?;
    let unknown = |all: &BTreeSet<(u8, u8)>| -> BTreeSet<_> {
        all.iter().copied().filter(|(_, code)| !KNOWN.contains(code)).collect()
    };
    let passed = unknown(&played).into_iter().filter(|(flags, _)| flags & TRANSITIVE != 0);
    let wanted: BTreeSet<_> = passed.map(|(flags, code)| (flags | PARTIAL, code)).collect();
    eprintln!("passed on: {wanted:?} (flags, code) of {:?}", unknown(&played));
    assert_eq!(unknown(&collector.status().attributes), wanted);
    device.stands()?;
    Ok(collector.stands()?)
}
