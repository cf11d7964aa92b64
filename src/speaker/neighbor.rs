//! One neighbor as the machine holds it: its plan, its session, and what its interface is doing.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use super::flow::Reach;
use super::input::Endpoint;
use super::keep_down::{Over, Told};
use super::link::Links;
use super::probes::Probed;
use super::rate::Rate;
use super::settling::Loading;
use super::stale::Awaited;
use super::standing::Stance;
use super::tunnels::Tunnels;
use super::watch::Watched;
use crate::config::Policies;
use crate::gateway;
use crate::gateway::{NeighborKind, Offer};
use crate::policy::{Chain, Export, Import, Scope, Word};
use crate::rib;
use crate::session;
use crate::session::PORT;
use crate::types::{ConnId, LinkIndex, PeerId, Prefix, Time};
use crate::wire::{Capabilities, FaultAction};

/// What a neighbor's interface is doing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Bond {
    /// It has none: the routing table decides, and the session is always tried.
    Free,
    /// It is up.
    Up(LinkIndex),
    /// It exists, and is administratively down or without carrier.
    Down(LinkIndex),
    /// There is none of that name.
    Missing,
}

/// Faults that RFC 7606 softened, since the daemon started.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Softened {
    /// Their routes were taken as withdrawn.
    pub(super) withdrawn: u64,
    /// An attribute was left out.
    pub(super) discarded: u64,
}

impl Softened {
    pub(super) fn count(&mut self, action: FaultAction) {
        match action {
            FaultAction::TreatAsWithdraw => self.withdrawn += 1,
            FaultAction::AttributeDiscard => self.discarded += 1,
        }
    }
}

/// A neighbor and all that belongs to it.
pub(super) struct Neighbor {
    pub(super) id: PeerId,
    pub(super) plan: gateway::Neighbor,
    pub(super) session: session::Peer,
    pub(super) bond: Bond,
    /// Since when the bond is as it is.
    pub(super) bond_since: Time,
    /// Its tunnel lets no session be, whatever its interface does.
    pub(super) held: bool,
    /// The host route that makes it reachable, if it is in a tunnel.
    pub(super) host_route: Option<Prefix>,
    /// Its Established connection.
    pub(super) conn: Option<ConnId>,
    /// The peer takes less than there is to send.
    pub(super) congested: bool,
    /// Its session is started when the kernel has its host route: a dial before that would fail and be put off.
    pub(super) awaits_route: bool,
    /// Softened faults that are told of.
    pub(super) faults: Rate,
    /// All softened faults.
    pub(super) softened: Softened,
    /// It taught more prefixes than it may, and was dropped.
    pub(super) over: Option<Over>,
    /// How it is treated, by what the instance may say and do.
    pub(super) stance: Stance,
    /// What people were told of its limits in this session, for each family.
    pub(super) told: [Told; 2],
    /// What it has yet to say again.
    pub(super) awaited: Awaited,
    /// It has not said all yet.
    pub(super) loading: Option<Loading>,
    /// What BFD knows of the way to it.
    pub(super) watched: Watched,
    /// What its tunnel's probe says.
    pub(super) probed: Probed,
    /// When it is forgotten, if it came by itself and is not connected.
    pub(super) leaves: Option<Time>,
}

impl Neighbor {
    pub(super) fn new(id: PeerId, plan: gateway::Neighbor, desired: &gateway::Desired, seed: u64) -> Self {
        let settings = Self::session_settings(&plan, desired);
        let bond = if plan.interface.is_some() { Bond::Missing } else { Bond::Free };
        let host_route = desired
            .host_routes
            .iter()
            .find(|route| {
                route.prefix == Prefix::host(plan.remote_address) && Some(&route.interface) == plan.interface.as_ref()
            })
            .map(|route| route.prefix);
        Self {
            id,
            session: session::Peer::new(id, settings, seed),
            plan,
            bond,
            bond_since: Time::START,
            held: false,
            host_route,
            conn: None,
            congested: false,
            awaits_route: false,
            faults: Rate::default(),
            softened: Softened::default(),
            over: None,
            stance: Stance::default(),
            told: Default::default(),
            awaited: Awaited::default(),
            loading: None,
            watched: Watched::default(),
            probed: Probed::default(),
            leaves: None,
        }
    }

    /// What its session is told.
    pub(super) fn session_settings(plan: &gateway::Neighbor, desired: &gateway::Desired) -> session::Settings {
        session::Settings {
            local_asn: desired.asn,
            remote_asn: plan.asn,
            other_asns: from(desired, plan).map(|range| range.asns.clone()).unwrap_or_default(),
            router_id: desired.router_id,
            hold_time: plan.timers.hold_time,
            keepalive_time: plan.timers.keepalive,
            send_hold_time: plan.timers.send_hold,
            connect_retry: plan.timers.connect_retry,
            idle_hold_max: plan.timers.idle_hold_max,
            passive: plan.passive,
            families: plan.families.clone(),
            restart_time: plan.restart.enabled.then_some(plan.restart.restart_time),
        }
    }

    /// What the RIB is told of it: the safety rules of the model first, then its words.
    pub(super) fn rib_settings(&self, desired: &gateway::Desired, policies: &Policies) -> rib::PeerSettings {
        let ranges = desired.ranges.iter().map(|range| &range.like);
        let mut own: Vec<_> = desired.neighbors.iter().chain(ranges).map(|neighbor| neighbor.local_address).collect();
        own.sort_unstable();
        own.dedup();
        let mut import = Import::new(desired.asn, self.plan.asn, desired.router_id, chain(&self.plan.import, policies))
            .of(self.plan.name.clone())
            .with_own(desired.prefixes.clone(), own);
        import.leaving = self.stance.used_last;
        import.allow_as_sets = self.plan.allow_as_sets;
        let scope = match self.plan.offer {
            Offer::Own => Scope::LocalOnly,
            Offer::Transit => Scope::Transit,
            Offer::Learned => Scope::Learned,
            Offer::All => Scope::Everything,
        };
        let mut export = Export::new(desired.asn, self.plan.asn, scope, chain(&self.plan.export, policies));
        export.graceful_shutdown = self.plan.graceful_shutdown;
        export.allow_as_sets = self.plan.allow_as_sets;
        let twin = self.plan.kind == NeighborKind::Twin;
        export.next_hop_self = twin;
        export.manner = self.stance.offers;
        let (name, asn, weight) = (self.plan.name.clone(), self.plan.asn, self.plan.weight);
        rib::PeerSettings { name, asn, import, export, caps: self.caps(), weight, twin }
    }

    /// Its interface and its tunnel as they are now; true if that is news.
    pub(super) fn bind(&mut self, now: Time, links: &Links, tunnels: &Tunnels) -> bool {
        let Some(interface) = &self.plan.interface else { return false };
        let bond = match links.named(interface) {
            Some(link) if link.up => Bond::Up(link.index),
            Some(link) => Bond::Down(link.index),
            None => Bond::Missing,
        };
        let held = tunnels.on(interface).is_some_and(|tunnel| !tunnel.machine.lets_sessions());
        let news = (&bond, held) != (&self.bond, self.held);
        if news {
            self.bond = bond;
            self.held = held;
            self.bond_since = now;
        }
        news
    }

    /// True if a NOTIFICATION that is not a hard reset would let both sides keep routes (RFC 8538 §2).
    pub(super) fn keeps_routes_over_notifications(&self) -> bool {
        let says = |of: &Capabilities| of.graceful_restart().is_some_and(|restart| restart.notification);
        let theirs = self.session.negotiated().is_some_and(|agreed| says(&agreed.capabilities));
        theirs && says(&self.session.status().local_capabilities)
    }

    /// True if its session can be tried.
    pub(super) fn ready(&self) -> bool {
        matches!(self.bond, Bond::Free | Bond::Up(_)) && !self.held
    }

    /// Where to dial it. A link-local address means nothing without its interface.
    pub(super) fn endpoint(&self) -> Endpoint {
        let remote = match (self.plan.remote_address, &self.bond) {
            (IpAddr::V6(address), Bond::Up(link)) if address.is_unicast_link_local() => {
                SocketAddrV6::new(address, PORT, 0, link.get()).into()
            }
            (address, _) => SocketAddr::new(address, PORT),
        };
        Endpoint { remote, local: self.plan.local_address, interface: self.plan.interface.clone(), ttl: self.plan.ttl }
    }

    /// True if it has these ends. An IPv4 address in IPv6 clothes is an IPv4 address.
    pub(super) fn is_between(&self, local: SocketAddr, remote: SocketAddr) -> bool {
        self.plan.remote_address == remote.ip().to_canonical() && self.plan.local_address == local.ip().to_canonical()
    }

    /// True if its packets come by that interface: any, unless it is bound to one. What the shell could not tell is
    /// believed: an adopted connection is bound, and gets nothing by another interface.
    pub(super) fn is_on(&self, interface: Option<LinkIndex>) -> bool {
        match self.bond {
            Bond::Free => true,
            Bond::Up(link) => interface.is_none_or(|came| came == link),
            Bond::Down(_) | Bond::Missing => false,
        }
    }

    /// How its next hops become hops.
    pub(super) fn reach(&self) -> Reach {
        let remote = self.plan.remote_address;
        match (&self.bond, &self.plan.kind) {
            // There are others on its network.
            (Bond::Up(link) | Bond::Down(link), NeighborKind::NetworkRouter) => {
                Reach::Network { bound: Some((*link, remote)) }
            }
            (Bond::Up(link) | Bond::Down(link), _) => Reach::Tunnel { link: *link, remote },
            (Bond::Free | Bond::Missing, _) => Reach::Network { bound: None },
        }
    }
}

/// The range that a neighbor came from.
fn from<'d>(desired: &'d gateway::Desired, plan: &gateway::Neighbor) -> Option<&'d gateway::Range> {
    let name = plan.range.as_ref()?;
    desired.ranges.iter().find(|range| range.name() == name)
}

/// The policies of those names. A name that nothing has lets nothing pass; `config` lets none through.
fn chain(words: &gateway::Words, policies: &Policies) -> Chain {
    let word = |word: &gateway::Word| match word {
        gateway::Word::Accept => Word::Accept,
        gateway::Word::Reject => Word::Reject,
        gateway::Word::Named(name) => policies.get(name).map_or(Word::Reject, |policy| Word::Named(policy.clone())),
    };
    Chain(words.0.iter().map(word).collect())
}
