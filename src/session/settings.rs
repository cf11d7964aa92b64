//! What a session is told by the configuration.

use std::time::Duration;

use super::OwnRestart;
use crate::types::{Asn, Family, HoldTime, RouterId};
use crate::wire::{Capabilities, Capability, ExtendedNextHop, FamilyCode};

/// What a session is told by the configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Our AS number.
    pub local_asn: Asn,
    /// The AS number that the neighbor must have.
    pub remote_asn: Asn,
    /// AS numbers that it may have instead: of a neighbor that came by itself.
    pub other_asns: Vec<Asn>,
    /// Our BGP Identifier.
    pub router_id: RouterId,
    /// The hold time that we propose; the smaller of both sides' holds (RFC 4271 §4.2).
    pub hold_time: HoldTime,
    /// How often we say that we are there, unless a third of the hold time is less.
    pub keepalive_time: Duration,
    /// How long the peer may take nothing of what it is sent (RFC 9687). Zero is off; `None` is 8 minutes, or twice the
    /// agreed hold time if that is more.
    pub send_hold_time: Option<Duration>,
    /// How long to wait between attempts to connect, before jitter (RFC 4271 §8.2.1.1 ConnectRetryTime).
    pub connect_retry: Duration,
    /// How long the wait can grow to after errors, before jitter.
    pub idle_hold_max: Duration,
    /// Never dial: wait for the neighbor.
    pub passive: bool,
    /// The families to offer.
    pub families: Vec<Family>,
    /// The restart time that we announce (RFC 4724), up to 4,095 s; `None`: graceful restart is off, both ways.
    pub restart_time: Option<Duration>,
}

impl Settings {
    /// What we announce in OPEN; `served` are the families that were exchanged with the peer earlier in this run.
    #[must_use]
    pub fn capabilities(&self, restart: &OwnRestart, served: &[Family]) -> Capabilities {
        let mut list: Vec<_> = self.families.iter().map(|family| Capability::Multiprotocol((*family).into())).collect();
        list.push(Capability::RouteRefresh);
        if self.families.contains(&Family::Ipv4) {
            let family = FamilyCode::from(Family::Ipv4);
            list.push(Capability::ExtendedNextHop(vec![ExtendedNextHop { family, next_hop_afi: Family::Ipv6.afi() }]));
        }
        list.push(Capability::ExtendedMessage);
        list.extend(restart.capability(self, served).map(Capability::GracefulRestart));
        list.push(Capability::FourOctetAsn(self.local_asn));
        list.push(Capability::EnhancedRouteRefresh);
        Capabilities(list)
    }
}
