//! Next hops that are on no network of this host: where the kernel's routes lead to them, looked at again and again.

use std::{collections::BTreeMap, io, net::IpAddr};

use crate::fib;
use crate::fib::Lead;
use crate::fib::io::{Found, Resolver};

/// Those that are looked at, and what was last found.
pub(super) struct Tracker {
    resolver: Resolver,
    known: BTreeMap<IpAddr, Option<Lead>>,
}

impl Tracker {
    /// Looks at none.
    pub(super) fn open(settings: &fib::Settings) -> io::Result<Self> {
        Ok(Self { resolver: Resolver::open(settings)?, known: BTreeMap::new() })
    }

    /// Looks at these from now on; what is found of those that are new.
    pub(super) fn want(&mut self, addresses: &[IpAddr]) -> Vec<(IpAddr, Option<Lead>)> {
        self.known.retain(|known, _| addresses.contains(known));
        let new = addresses.iter().filter(|address| !self.known.contains_key(address));
        for address in new.copied().collect::<Vec<_>>() {
            self.known.insert(address, None);
        }
        self.look()
    }

    /// What has changed.
    pub(super) fn look(&mut self) -> Vec<(IpAddr, Option<Lead>)> {
        let mut changed = Vec::new();
        for (address, known) in &mut self.known {
            let found = match self.resolver.find(*address) {
                Ok(Found::Lead(lead)) => Some(lead),
                Ok(Found::Nothing) => None,
                // Our own route to it hides what is below: what was known holds until that is gone.
                Ok(Found::Ours) | Err(_) => *known,
            };
            if *known != found {
                *known = found;
                changed.push((*address, found));
            }
        }
        changed
    }
}
