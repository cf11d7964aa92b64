//! What one instance of a gateway must do: its sessions, what it originates, the host routes and tunnels it needs.

use std::net::IpAddr;

use super::{
    Auth, Bgp, Connection, Device, Far, FixedNeighbor, Instance, Mode, Model, NeighborRange, PeerGateway, PrefixLimit,
    Probe, Range, Restart, Shutdown, Timers, Ttl, TunnelEnd, Watch, Words,
};
use crate::types::Asn;
use crate::types::Family;
use crate::types::Name;
use crate::types::Prefix;
use crate::types::RouterId;
use crate::types::Weight;

/// All that one instance must do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Desired {
    /// Its AS: the gateway's.
    pub asn: Asn,
    /// Its BGP Identifier.
    pub router_id: RouterId,
    /// How the two instances share the work.
    pub mode: Mode,
    /// What it originates, and never accepts from anyone.
    pub prefixes: Vec<Prefix>,
    /// Its sessions: tunnels in the order of the file, the twin, network routers, other neighbors.
    pub neighbors: Vec<Neighbor>,
    /// Where more neighbors may come from by themselves.
    pub ranges: Vec<Range>,
    /// The routes that make far ends reachable, one for each that has an address inside its tunnel.
    pub host_routes: Vec<HostRoute>,
    /// Its tunnels.
    pub tunnels: Vec<Tunnel>,
}

/// One BGP session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Neighbor {
    /// Unique; a device's session is named as its tunnel is.
    pub name: Name,
    /// What it is to the gateway.
    pub kind: NeighborKind,
    /// Its AS.
    pub asn: Asn,
    /// Our end.
    pub local_address: IpAddr,
    /// Its end.
    pub remote_address: IpAddr,
    /// The interface that the session is bound to; `None` leaves it to the routing table.
    pub interface: Option<String>,
    /// How long things take.
    pub timers: Timers,
    /// True if we never dial.
    pub passive: bool,
    /// How far away it may be.
    pub ttl: Ttl,
    /// What is done about restarts.
    pub restart: Restart,
    /// How many prefixes it may teach.
    pub limit: PrefixLimit,
    /// The text that it is told if it is kept down on purpose.
    pub shutdown: Option<String>,
    /// What signs its segments.
    pub auth: Auth,
    /// What it exchanges routes of, IPv4 first, at least one.
    pub families: Vec<Family>,
    /// What is believed of what it says, behind the safety rules.
    pub import: Words,
    /// What it is told of what [`Neighbor::offer`] holds.
    pub export: Words,
    /// What there is to tell it at all.
    pub offer: Offer,
    /// How the way to it is watched by BFD, if it is.
    pub bfd: Option<Watch>,
    /// How its tunnel is probed, if it is; none of other neighbors is.
    pub probe: Option<Probe>,
    /// The range that it came from by itself; `None` for one of the file.
    pub range: Option<Name>,
    /// The share of its paths beside others, where `[ecmp] weights` is `configured`.
    pub weight: Weight,
    /// It is told that every route is about to go (RFC 8326).
    pub graceful_shutdown: bool,
    /// Paths with sets come in from it and go out to it (RFC 9774).
    pub allow_as_sets: bool,
}

/// What a neighbor is to the gateway.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NeighborKind {
    /// An on-premises device, or an instance of a peer gateway, at the far end of a tunnel.
    Device {
        /// The device, or the peer gateway.
        device: Name,
        /// The connection that the tunnel belongs to.
        connection: Name,
        /// The tunnel.
        tunnel: Name,
    },
    /// The other instance of this gateway.
    Twin,
    /// A router of the cloud network.
    NetworkRouter,
    /// One that the model of the gateway does not cover.
    Other,
}

/// Which routes can be told to a neighbor at all; never those that came from it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Offer {
    /// The gateway's own prefixes: a device.
    Own,
    /// The gateway's own prefixes, and what others taught without the default routes: a device, with `transit`.
    Transit,
    /// What others taught, without the gateway's own prefixes: a network router, which is inside of those, and the twin,
    /// which has them too.
    Learned,
    /// Everything: a neighbor outside the model.
    All,
}

/// A route to one neighbor's address through its tunnel.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct HostRoute {
    /// The address: a /32 or /128.
    pub prefix: Prefix,
    /// The tunnel's interface.
    pub interface: String,
}

/// One tunnel of this instance.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tunnel {
    /// Unique; the session inside it, if there is one, has the same name.
    pub name: Name,
    /// The connection that it belongs to.
    pub connection: Name,
    /// The device, or the peer gateway, at its far end.
    pub device: Name,
    /// The kernel interface.
    pub interface: String,
    /// Where the far end is reached outside the tunnel.
    pub device_public_ip: Option<IpAddr>,
    /// Where the far end is reached inside the tunnel, if the file says so. A tunnel without a session needs no such
    /// address.
    pub remote: Option<IpAddr>,
    /// What is reached through it while it is up, without BGP: empty where there is a session.
    pub statics: Vec<Prefix>,
    /// Our end inside it, if it has one.
    pub local: Option<IpAddr>,
    /// Its share beside others, where `[ecmp] weights` is `configured`; a session says it itself.
    pub weight: Weight,
    /// How it is watched by BFD, if it is; always `None` where there is a session, which says it itself.
    pub bfd: Option<Watch>,
    /// How it is probed, if it is; always `None` where there is a session, which says it itself.
    pub probe: Option<Probe>,
}

/// What the instance of that name must do. `None` if the model has no such instance.
///
/// A host route to the neighbor's address is wanted on every tunnel, with a pair of addresses of its own too: an
/// interface may carry its local address as a /32, and the route does no harm where the far end is on the link.
/// A tunnel whose session has no addresses, or whose far end is unknown, gives no neighbor; `config` lets none pass.
/// A tunnel of a connection without BGP has no neighbor either: its [`Tunnel::statics`] follow its state.
///
/// In active-standby both instances want the same sessions, from the shared address; which of them has them is not said
/// here.
#[must_use]
pub fn desired(model: &Model, instance: &Name) -> Option<Desired> {
    let host = model.instance(instance)?;
    let mut desired = Desired {
        asn: model.asn,
        router_id: host.router_id,
        mode: model.mode,
        prefixes: model.prefixes.clone(),
        neighbors: Vec::new(),
        ranges: Vec::new(),
        host_routes: Vec::new(),
        tunnels: Vec::new(),
    };
    for connection in &model.connections {
        for tunnel in connection.tunnels.iter().filter(|t| t.instance == *instance) {
            let Some((tunnel, neighbor)) = inside(model, host, connection, tunnel) else { continue };
            // Without a session the far end may have the same address in several tunnels: the first has the route.
            let routed = |to: &Prefix| desired.host_routes.iter().any(|route| route.prefix == *to);
            let to = tunnel.remote.map(Prefix::host).filter(|to| neighbor.is_some() || !routed(to));
            desired.host_routes.extend(to.map(|prefix| HostRoute { prefix, interface: tunnel.interface.clone() }));
            desired.neighbors.extend(neighbor);
            desired.tunnels.push(tunnel);
        }
    }
    desired.neighbors.extend(super::twin::session(model, host));
    let here = |instances: &[Name]| instances.is_empty() || instances.contains(instance);
    for router in model.network_routers.iter().filter(|r| here(&r.instances)) {
        let defaults = Defaults { kind: NeighborKind::NetworkRouter, words: Words::accept(), offer: Offer::Learned };
        desired.neighbors.push(outside(model, host, router, defaults));
    }
    for other in model.neighbors.iter().filter(|n| here(&n.instances)) {
        desired.neighbors.push(outside(model, host, other, Defaults::beyond()));
    }
    for range in model.ranges.iter().filter(|range| here(&range.instances)) {
        desired.ranges.extend(from_range(model, host, range));
    }
    Some(desired)
}

/// What is at the far end of one tunnel.
struct FarEnd<'a> {
    name: &'a Name,
    asn: Option<Asn>,
    public_ip: Option<IpAddr>,
    bgp_ip: Option<IpAddr>,
    prefixes: &'a [Prefix],
    bgp: &'a Bgp,
}

fn far_end<'a>(model: &'a Model, connection: &Connection, end: &TunnelEnd) -> Option<FarEnd<'a>> {
    Some(match &connection.far {
        Far::Device(name) => {
            let Device { name, public_ip, asn, bgp_ip, prefixes, bgp } = model.device(name)?;
            FarEnd { name, asn: *asn, public_ip: *public_ip, bgp_ip: *bgp_ip, prefixes, bgp }
        }
        Far::PeerGateway(name) => {
            let PeerGateway { name, asn, prefixes, instances: _, bgp } = model.peer_gateway(name)?;
            let host = model.peer_gateway(name)?.instance(end.peer_instance.as_ref()?)?;
            FarEnd { name, asn: *asn, public_ip: host.public_ip, bgp_ip: host.bgp_ip, prefixes, bgp }
        }
    })
}

/// A tunnel of this host, and the session inside it, if it has one.
fn inside(
    model: &Model,
    host: &Instance,
    connection: &Connection,
    end: &TunnelEnd,
) -> Option<(Tunnel, Option<Neighbor>)> {
    let far = far_end(model, connection, end)?;
    let name = connection.tunnel_name(end)?;
    let (local, remote) = match end.pair {
        Some((local, remote)) => (Some(local), Some(remote)),
        None => (model.tunnel_ip(host), far.bgp_ip),
    };
    let bgp = end.bgp.or(&connection.bgp).or(far.bgp).or(&model.bgp);
    // What a session would do is done for its tunnel, where there is none and both ends have an address.
    let alone = !connection.uses_bgp && local.is_some() && remote.is_some();
    let tunnel = Tunnel {
        name: name.clone(),
        connection: connection.name.clone(),
        device: far.name.clone(),
        interface: end.interface.clone(),
        device_public_ip: far.public_ip,
        remote,
        statics: if connection.uses_bgp { Vec::new() } else { far.prefixes.to_vec() },
        local,
        weight: bgp.weight.unwrap_or(Weight::ONE),
        bfd: if alone { bgp.bfd.watch() } else { None },
        probe: if alone { bgp.probe.probe() } else { None },
    };
    if !connection.uses_bgp {
        return Some((tunnel, None));
    }
    let kind =
        NeighborKind::Device { device: far.name.clone(), connection: connection.name.clone(), tunnel: name.clone() };
    let offer = if model.transit { Offer::Transit } else { Offer::Own };
    let defaults = Defaults { kind, words: Words::accept(), offer };
    let end = End { name: &name, asn: far.asn?, local: local?, remote: remote?, interface: Some(&end.interface) };
    Some((tunnel, Some(neighbor(end, &bgp, defaults))))
}

/// The session with a neighbor that is in no tunnel.
fn outside(model: &Model, host: &Instance, fixed: &FixedNeighbor, defaults: Defaults) -> Neighbor {
    let end = End {
        name: &fixed.name,
        asn: fixed.asn,
        local: fixed.local_address.unwrap_or(host.bgp_ip),
        remote: fixed.address,
        interface: fixed.interface.as_deref(),
    };
    neighbor(end, &fixed.bgp.or(&model.bgp), defaults)
}

/// A range, whose neighbors are as other neighbors and never dialled. `None` without an AS number.
fn from_range(model: &Model, host: &Instance, range: &NeighborRange) -> Option<Range> {
    let bgp = range.bgp.or(&model.bgp);
    let end = End {
        name: &range.name,
        asn: *range.asns.first()?,
        local: range.local_address.unwrap_or(host.bgp_ip),
        remote: range.prefix.addr(),
        interface: range.interface.as_deref(),
    };
    let like = neighbor(end, &bgp, Defaults::beyond());
    let like = Neighbor { passive: true, ..like };
    Some(Range { prefix: range.prefix, limit: range.limit, asns: range.asns.clone(), like })
}

pub(super) struct End<'a> {
    pub(super) name: &'a Name,
    pub(super) asn: Asn,
    pub(super) local: IpAddr,
    pub(super) remote: IpAddr,
    pub(super) interface: Option<&'a str>,
}

/// What the kind of a neighbor implies where no table says otherwise.
pub(super) struct Defaults {
    pub(super) kind: NeighborKind,
    pub(super) words: Words,
    pub(super) offer: Offer,
}

impl Defaults {
    /// Of a neighbor that the model does not cover: nothing passes unless its words say so (RFC 8212).
    fn beyond() -> Self {
        Self { kind: NeighborKind::Other, words: Words::none(), offer: Offer::All }
    }
}

pub(super) fn neighbor(end: End<'_>, bgp: &Bgp, defaults: Defaults) -> Neighbor {
    let mut families = bgp.families.clone().unwrap_or_default();
    families.sort_unstable();
    families.dedup();
    if families.is_empty() {
        families.push(Family::of(end.remote));
    }
    let in_tunnel = matches!(defaults.kind, NeighborKind::Device { .. });
    Neighbor {
        name: end.name.clone(),
        kind: defaults.kind,
        asn: end.asn,
        local_address: end.local,
        remote_address: end.remote,
        interface: end.interface.map(str::to_owned),
        timers: bgp.timers(),
        passive: bgp.passive.unwrap_or(false),
        ttl: bgp.ttl.unwrap_or(Ttl::Security),
        restart: bgp.restart.unwrap_or_default(),
        limit: bgp.max_prefixes.unwrap_or(PrefixLimit::NONE),
        shutdown: match &bgp.shutdown {
            Some(Shutdown::Yes(text)) => Some(text.clone()),
            Some(Shutdown::No) | None => None,
        },
        auth: bgp.auth.clone().unwrap_or_default(),
        families,
        import: bgp.import.clone().unwrap_or_else(|| defaults.words.clone()),
        export: bgp.export.clone().unwrap_or(defaults.words),
        offer: defaults.offer,
        bfd: bgp.bfd.watch(),
        probe: if in_tunnel { bgp.probe.probe() } else { None },
        range: None,
        weight: bgp.weight.unwrap_or(Weight::ONE),
        graceful_shutdown: bgp.graceful_shutdown.unwrap_or(false),
        allow_as_sets: bgp.allow_as_sets.unwrap_or(false),
    }
}
