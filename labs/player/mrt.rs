//! BGP messages out of MRT files (RFC 6396 §4.4, RFC 6397, RFC 8050): what collectors recorded, as it was on the wire.
//!
//! Names nothing of the crate, so that tests and the player can both include it by path. Not for untrusted files: a
//! file that is cut off or no MRT panics with its name.

use std::{fs::File, io::Read, net::IpAddr, path::Path};

/// One BGP message of a BGP4MP or BGP4MP_ET record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// When it was recorded: seconds of the Unix epoch.
    pub time: u32,
    /// AS numbers in it have four octets: subtypes 4 and 7, not 1 and 6.
    pub as4: bool,
    /// The AS of the peer that sent it, or that it was sent to (subtypes 6 and 7).
    pub peer_asn: u32,
    /// The whole message, header included.
    pub octets: Vec<u8>,
}

/// All messages of a file, in its order; state changes and other types of record are passed over. Reads gzip (`.gz`),
/// bzip2 (`.bz2`) and plain files.
pub fn messages(path: &Path) -> impl Iterator<Item = Record> + use<> {
    by_peer(path).map(|(_, record)| record)
}

/// The same, each with the address of its peer: several peers may be of one AS.
pub fn by_peer(path: &Path) -> impl Iterator<Item = (IpAddr, Record)> + use<> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut reader: Box<dyn Read> = match path.extension().and_then(|extension| extension.to_str()) {
        Some("gz") => Box::new(flate2::read::MultiGzDecoder::new(file)),
        Some("bz2") => Box::new(bzip2::read::MultiBzDecoder::new(file)),
        _ => Box::new(file),
    };
    let mut octets = Vec::new();
    reader.read_to_end(&mut octets).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let name = path.display().to_string();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < octets.len() {
            let mut rest = Octets(&octets[at..]);
            let cut = || panic!("{name}: the record at octet {at} is cut off");
            let record = record(&mut rest).unwrap_or_else(cut);
            at = octets.len() - rest.0.len();
            if record.is_some() {
                return record;
            }
        }
        None
    })
}

/// Octets that are taken from the front.
struct Octets<'a>(&'a [u8]);

impl<'a> Octets<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, octets: usize) -> Option<u32> {
        Some(self.take(octets)?.iter().fold(0, |number, octet| number << 8 | u32::from(*octet)))
    }
}

/// The next record: outer `None` if it is cut off, inner if it holds no message.
fn record(input: &mut Octets<'_>) -> Option<Option<(IpAddr, Record)>> {
    let time = input.number(4)?;
    let (kind, subtype, length) = (input.number(2)?, input.number(2)?, input.number(4)?);
    let mut body = Octets(input.take(length as usize)?);
    match kind {
        16 => {}
        17 => {
            body.take(4)?; // microseconds
        }
        _ => return Some(None),
    }
    let as4 = match subtype {
        1 | 6 => false,
        4 | 7 => true,
        _ => return Some(None),
    };
    let width = if as4 { 4 } else { 2 };
    let peer_asn = body.number(width)?;
    body.take(width + 2)?; // the collector's AS, its interface
    let peer = if body.number(2)? == 2 {
        IpAddr::from(<[u8; 16]>::try_from(body.take(16)?).ok()?)
    } else {
        IpAddr::from(<[u8; 4]>::try_from(body.take(4)?).ok()?)
    };
    body.take(if peer.is_ipv6() { 16 } else { 4 })?; // the collector's address
    Some(Some((peer, Record { time, as4, peer_asn, octets: body.0.to_vec() })))
}
