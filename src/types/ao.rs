//! The algorithms of TCP-AO.

/// What signs a segment with TCP-AO (RFC 5926 §3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AoAlgorithm {
    /// HMAC-SHA-1-96.
    HmacSha1,
    /// AES-128-CMAC-96.
    AesCmac,
}
