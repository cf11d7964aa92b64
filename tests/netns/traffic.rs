//! Counted packets both ways between the cloud and the site of a lab, and which tunnel each flow takes.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use anyhow::Result;

use crate::gateway::Gateway;

use sending::CLOUD_HOST;
pub(crate) use sending::{OneWay, Paths, Traffic, Ways};

#[path = "../../labs/behaviours/traffic.rs"]
#[allow(dead_code, reason = "the example uses the rest")]
mod sending;

pub(crate) const SITE_HOST: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 52, 1, 10), Ipv4Addr::new(10, 53, 0, 10)];
/// Packets a second each way.
pub(crate) const RATE: u32 = 1_000;

impl Traffic {
    pub(crate) fn start(gateway: &Gateway) -> Result<Self> {
        Self::start_to(gateway, &SITE_HOST)
    }

    /// The flows to the site go to these addresses in turn.
    pub(crate) fn start_to(gateway: &Gateway, site: &[Ipv4Addr]) -> Result<Self> {
        Self::between(&gateway.lab, site, &[CLOUD_HOST], RATE)
    }

    pub(crate) fn stop_without_loss(self) {
        let (down, up) = (self.down.stop(), self.up.stop());
        assert_eq!((down, up), (BTreeMap::new(), BTreeMap::new()), "lost to the site, and to the cloud");
    }
}

/// Flows that did not stay on one tunnel.
pub(crate) fn moved(ways: &Ways) -> Ways {
    ways.iter().filter(|(_, through)| through.len() != 1).map(|(flow, through)| (*flow, through.clone())).collect()
}
