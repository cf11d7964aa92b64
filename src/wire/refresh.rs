//! ROUTE-REFRESH (RFC 2918, RFC 7313).

use bytes::{BufMut, Bytes, BytesMut};
use nom::{
    IResult, Parser,
    combinator::all_consuming,
    number::complete::{be_u8, be_u16},
};

use super::{Error, FamilyCode, frame::HEADER_LEN};

/// Asks for, or brackets, a whole advertisement.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Refresh {
    /// Of which family.
    pub family: FamilyCode,
    /// What it says.
    pub kind: RefreshKind,
}

/// The subtype (RFC 7313 §3.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RefreshKind {
    /// 0: send it all again.
    Request,
    /// 1: BoRR, it begins.
    Begin,
    /// 2: EoRR, it ends.
    End,
    /// A subtype that is not known; ignored by a receiver (RFC 7313 §4).
    Unknown(u8),
}

impl RefreshKind {
    fn new(subtype: u8) -> Self {
        match subtype {
            0 => Self::Request,
            1 => Self::Begin,
            2 => Self::End,
            other => Self::Unknown(other),
        }
    }

    /// The subtype's number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Request => 0,
            Self::Begin => 1,
            Self::End => 2,
            Self::Unknown(subtype) => subtype,
        }
    }
}

impl Refresh {
    pub(super) fn decode(body: &Bytes) -> Result<Self, Error> {
        match (all_consuming(fields).parse(body), body.get(2).copied().map(RefreshKind::new)) {
            (Ok((_, refresh)), _) => Ok(refresh),
            (Err(_), Some(RefreshKind::Begin | RefreshKind::End)) => Err(Error::RefreshLength(body.clone())),
            // Whatever else it says, it is ignored (RFC 7313 §5).
            (Err(_), Some(kind @ RefreshKind::Unknown(_))) => Ok(Self { family: FamilyCode { afi: 0, safi: 0 }, kind }),
            (Err(_), Some(RefreshKind::Request) | None) => Err(Self::length(body)),
        }
    }

    /// The fault of a wrong length where subtypes mean nothing (RFC 4271 §6.1).
    pub(super) fn length(body: &Bytes) -> Error {
        Error::Length(u16::try_from(HEADER_LEN + body.len()).unwrap_or(u16::MAX))
    }

    pub(super) fn encode(self, out: &mut BytesMut) {
        out.put_u16(self.family.afi);
        out.put_u8(self.kind.code());
        out.put_u8(self.family.safi);
    }
}

fn fields(input: &[u8]) -> IResult<&[u8], Refresh> {
    let (rest, (afi, subtype, safi)) = (be_u16, be_u8, be_u8).parse(input)?;
    Ok((rest, Refresh { family: FamilyCode { afi, safi }, kind: RefreshKind::new(subtype) }))
}
