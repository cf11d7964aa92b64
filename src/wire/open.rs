//! OPEN (RFC 4271 §4.2, RFC 9072).

use std::net::Ipv4Addr;

use bytes::{BufMut, Bytes, BytesMut};
use nom::{
    IResult, Parser,
    combinator::all_consuming,
    multi::{length_data, many0},
    number::complete::{be_u8, be_u16, be_u32},
};

use crate::types::{Asn, HoldTime, RouterId};

use super::{Capabilities, Error, frame::HEADER_LEN};

/// The only version spoken here.
const VERSION: u8 = 4;
/// The optional parameter that holds capabilities (RFC 5492 §4).
const CAPABILITIES: u8 = 2;
/// Stands where the first parameter's type would: lengths have two octets from here on (RFC 9072 §2).
const EXTENDED: u8 = 255;

/// Who a speaker is and what it can do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Open {
    /// Its AS number, the four-octet one if it has that capability (RFC 6793 §4.1).
    pub asn: Asn,
    /// The hold time it proposes.
    pub hold_time: HoldTime,
    /// Its BGP Identifier.
    pub router_id: RouterId,
    /// What it can do (RFC 5492).
    pub capabilities: Capabilities,
}

impl Open {
    pub(super) fn decode(body: &Bytes) -> Result<Self, Error> {
        let (parameters, (version, asn, hold, id)) =
            fixed(body).map_err(|_| Error::Length(u16::try_from(HEADER_LEN + body.len()).unwrap_or(u16::MAX)))?;
        if version != VERSION {
            return Err(Error::Version(version));
        }
        let mut capabilities = Capabilities::default();
        let (_, parameters) = optional(parameters).map_err(|_| Error::OptionalParameters)?;
        for (kind, value) in parameters {
            if kind != CAPABILITIES {
                return Err(Error::OptionalParameter(kind));
            }
            capabilities.decode(&body.slice_ref(value))?;
        }
        let asn = capabilities.asn().filter(|_| asn != 0).unwrap_or(Asn::from(asn));
        if asn.is_zero() {
            return Err(Error::Asn);
        }
        Ok(Self {
            asn,
            hold_time: HoldTime::from_secs(hold).ok_or(Error::HoldTime(hold))?,
            router_id: RouterId::new(Ipv4Addr::from(id)).ok_or(Error::RouterId)?,
            capabilities,
        })
    }

    /// Capabilities that no longer fit into 253 octets take the extended form (RFC 9072).
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u8(VERSION);
        out.put_u16(self.asn.two_octets());
        out.put_u16(self.hold_time.as_secs());
        out.extend_from_slice(&self.router_id.addr().octets());
        let mut capabilities = BytesMut::new();
        self.capabilities.encode(&mut capabilities);
        match (u8::try_from(capabilities.len() + 2), u16::try_from(capabilities.len() + 3)) {
            (Ok(2), _) => out.put_u8(0),
            (Ok(all), _) => {
                out.put_u8(all);
                out.put_u8(CAPABILITIES);
                out.put_u8(all - 2);
            }
            (Err(_), all) => {
                let all = all.unwrap_or(u16::MAX);
                out.put_u8(EXTENDED);
                out.put_u8(EXTENDED);
                out.put_u16(all);
                out.put_u8(CAPABILITIES);
                out.put_u16(all - 3);
            }
        }
        out.extend_from_slice(&capabilities);
    }
}

fn fixed(input: &[u8]) -> IResult<&[u8], (u8, u16, u16, u32)> {
    (be_u8, be_u16, be_u16, be_u32).parse(input)
}

/// The optional parameters with the length before them, in both forms.
fn optional(input: &[u8]) -> IResult<&[u8], Vec<(u8, &[u8])>> {
    let (after, length) = be_u8(input)?;
    if length != 0 && after.first() == Some(&EXTENDED) {
        let (after, _) = be_u8(after)?;
        all_consuming(length_data(be_u16).and_then(all_consuming(many0((be_u8, length_data(be_u16)))))).parse(after)
    } else {
        all_consuming(length_data(be_u8).and_then(all_consuming(many0((be_u8, length_data(be_u8)))))).parse(input)
    }
}
