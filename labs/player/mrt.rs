//! BGP messages out of MRT files (RFC 6396, RFC 8050 left out): BGP4MP and BGP4MP_ET, packed or not.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// One recorded message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// AS numbers in its attributes have four octets.
    pub as4: bool,
    /// The AS that sent it to the collector.
    pub peer_asn: u32,
    /// The whole message, header included.
    pub octets: Vec<u8>,
}

/// The messages of a file, in order; other records are passed over.
pub fn messages(path: &Path) -> io::Result<impl Iterator<Item = Record>> {
    let mut octets = Vec::new();
    let mut file = BufReader::new(File::open(path)?);
    match path.extension().and_then(|end| end.to_str()) {
        Some("gz") => flate2::read::MultiGzDecoder::new(file).read_to_end(&mut octets)?,
        Some("bz2") => bzip2::read::MultiBzDecoder::new(file).read_to_end(&mut octets)?,
        _ => file.read_to_end(&mut octets)?,
    };
    let mut at = 0;
    Ok(std::iter::from_fn(move || {
        loop {
            let header = octets.get(at..at + 12)?;
            let kind = u16::from_be_bytes([header[4], header[5]]);
            let subtype = u16::from_be_bytes([header[6], header[7]]);
            let length = u32::from_be_bytes([header[8], header[9], header[10], header[11]]) as usize;
            let mut body = octets.get(at + 12..at + 12 + length)?;
            at += 12 + length;
            if kind == 17 {
                body = body.get(4..)?;
            }
            let as4 = matches!(subtype, 4 | 7);
            if !matches!((kind, subtype), (16 | 17, 1 | 4 | 6 | 7)) {
                continue;
            }
            let size = if as4 { 4 } else { 2 };
            let peer_asn = body.get(..size)?.iter().fold(0, |asn, octet| asn << 8 | u32::from(*octet));
            let family = body.get(2 * size + 3)?;
            let addresses = if *family == 1 { 8 } else { 32 };
            let octets = body.get(2 * size + 4 + addresses..)?.to_vec();
            return Some(Record { as4, peer_asn, octets });
        }
    }))
}
