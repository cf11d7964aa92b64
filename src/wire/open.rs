//! OPEN (RFC 4271 §4.2).

use crate::types::{Asn, HoldTime, RouterId};

use super::Capabilities;

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
