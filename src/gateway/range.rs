//! Neighbors that are not in the file one by one: whoever dials from a range of addresses.

use std::net::IpAddr;

use super::Neighbor;
use crate::types::{Asn, Name, Prefix};

/// A range of addresses, and what a neighbor from it is like.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Range {
    /// The addresses.
    pub prefix: Prefix,
    /// The most neighbors from it at once.
    pub limit: usize,
    /// The AS numbers that they may have, at least one.
    pub asns: Vec<Asn>,
    /// Such a neighbor, but for its name and address: these are the range's.
    pub like: Neighbor,
}

impl Range {
    /// The range's name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.like.name
    }

    /// The neighbor of that address, named `NAME:ADDRESS`. `None` if that text is too long for a name.
    #[must_use]
    pub fn neighbor(&self, address: IpAddr) -> Option<Neighbor> {
        let name = Name::new(&format!("{}:{address}", self.like.name)).ok()?;
        Some(Neighbor { name, remote_address: address, range: Some(self.like.name.clone()), ..self.like.clone() })
    }
}
