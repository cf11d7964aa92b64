//! ROUTE-REFRESH (RFC 2918, RFC 7313).

use super::FamilyCode;

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
