//! UPDATE (RFC 4271 §4.3, RFC 4760 §3-4).

use bytes::Bytes;

use crate::types::{Family, Prefix};

use super::{Attributes, NextHop};

mod decode;
mod encode;

pub use encode::{encode_end_of_rib, encode_reach, encode_withdraw};

/// What one UPDATE says, of both families and both ways to say it. A receiver takes `withdrawn` first: a prefix that
/// is in `reach` too is there (RFC 4271 §4.3).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Update {
    /// Routes that are gone: WITHDRAWN ROUTES, MP_UNREACH_NLRI, and what RFC 7606 treats as withdrawn.
    pub withdrawn: Vec<Prefix>,
    /// Routes that are there, those of the NLRI field before those of MP_REACH_NLRI; all share `attributes`.
    pub reach: Vec<Reach>,
    /// The attributes of all in `reach`; empty and meaningless without.
    pub attributes: Attributes,
    /// Set if this is the End-of-RIB marker of a family (RFC 4724 §2): then nothing else is.
    pub end_of_rib: Option<Family>,
    /// What was wrong with it and was softened (RFC 7606), in the order found.
    pub faults: Vec<Fault>,
    /// The body of the message, as it came, if there are faults: what people need to find who made them (RFC 7606 §6).
    pub faulty: Option<Bytes>,
}

/// Prefixes behind one next hop.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reach {
    /// The family of `prefixes`.
    pub family: Family,
    /// Where they are reached.
    pub next_hop: NextHop,
    /// At least one.
    pub prefixes: Vec<Prefix>,
}

/// One fault that did not end the session (RFC 7606).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The attribute's type code; `None` where the fault is the message's own.
    pub attribute: Option<u8>,
    /// What was done about it.
    pub action: FaultAction,
    /// What was wrong, for people.
    pub reason: &'static str,
}

/// What RFC 7606 §2 lets a receiver do short of a reset.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum FaultAction {
    /// The attribute was dropped, the routes kept.
    AttributeDiscard,
    /// The routes were taken as withdrawn.
    TreatAsWithdraw,
}
