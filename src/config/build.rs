//! Makes settings of a file that passed every rule.

use std::{net::IpAddr, sync::Arc};

use super::{
    Config, Control, Ecmp, Kernel, Written,
    file::{self, File, Outside},
    policy,
    rules::AddressPlan,
};
use crate::gateway::Connection;
use crate::gateway::Device;
use crate::gateway::Far;
use crate::gateway::FixedNeighbor;
use crate::gateway::Instance;
use crate::gateway::Mode;
use crate::gateway::Model;
use crate::gateway::NeighborRange;
use crate::gateway::PeerGateway;
use crate::gateway::PeerInstance;
use crate::gateway::TunnelEnd;
use crate::policy::Policy;
use crate::types::Name;
use crate::types::RouterId;
use crate::vpn::Damping;

/// `max-tunnels` unless given.
pub(super) const MAX_TUNNELS: usize = 30;

/// `priority` of an instance unless given.
const PRIORITY: u8 = 100;

/// `limit` of a range unless given.
const RANGE_LIMIT: usize = 100;

/// `None` if something that every rule wants is missing: then a fault was reported.
pub(super) fn config(file: &File) -> Option<Config> {
    let ecmp = Ecmp::default();
    let max_paths = file.ecmp.max_paths.as_ref().map_or(ecmp.max_paths, |at| at.value);
    let max_tunnels = file.gateway.as_ref().and_then(|gateway| gateway.max_tunnels.as_ref());
    let max_tunnels = max_tunnels.map_or(MAX_TUNNELS, |at| at.value);
    let kernel = Kernel::default();
    let damping = Damping::default();
    let first = file.damping.first.as_ref().map_or(damping.first, |at| at.value);
    Some(Config {
        model: model(file)?,
        policies: file.policies.iter().map(named).collect::<Option<_>>()?,
        damping: Damping {
            first,
            // Whoever gives only the first may give one that is longer than the longest.
            max: file.damping.max.as_ref().map_or(damping.max.max(first), |at| at.value),
            decay: file.damping.decay.as_ref().map_or(damping.decay, |at| at.value),
        },
        health: file.health.clone(),
        drain: file.drain.clone(),
        ecmp: Ecmp {
            max_paths,
            as_path_relax: file.ecmp.as_path_relax.as_ref().map_or(ecmp.as_path_relax, |at| at.value),
            weights: file.ecmp.weights.as_ref().map_or(ecmp.weights, |at| at.value),
            hash: file.ecmp.hash.as_ref().map_or(ecmp.hash, |at| at.value),
            buckets: file
                .ecmp
                .buckets
                .as_ref()
                .map_or_else(|| Ecmp::buckets(max_paths.min(max_tunnels)), |at| at.value),
            idle_timer: file.ecmp.idle_timer.as_ref().map_or(ecmp.idle_timer, |at| at.value),
        },
        kernel: Kernel {
            table: file.kernel.table.as_ref().map_or(kernel.table, |at| at.value),
            protocol: file.kernel.protocol.as_ref().map_or(kernel.protocol, |at| at.value),
            metric: file.kernel.metric.as_ref().map_or(kernel.metric, |at| at.value),
            on_stop: file.kernel.on_stop.as_ref().map_or(kernel.on_stop, |at| at.value),
        },
        control: Control {
            metrics: file.metrics.as_ref().map(|at| at.value),
            socket: file.socket.as_ref().map_or_else(|| Control::default().socket, |at| at.value.clone()),
        },
        written: Written::default(),
    })
}

fn named(given: &policy::Policy) -> Option<(Name, Arc<Policy>)> {
    let name = given.name.as_ref()?.value.clone();
    let rules = given.rules.iter().map(|rule| rule.rule.clone()).collect::<Option<_>>()?;
    Some((name.clone(), Arc::new(Policy { name, rules })))
}

fn model(file: &File) -> Option<Model> {
    let gateway = file.gateway.as_ref()?;
    let plan = AddressPlan::of(gateway);
    let mode = mode(gateway);
    Some(Model {
        name: gateway.name.as_ref()?.value.clone(),
        mode,
        profile: gateway.profile.as_ref().map(|at| at.value),
        asn: gateway.asn.as_ref()?.value,
        subnet: gateway.subnet.as_ref()?.value,
        shared_ip: match mode {
            Mode::ActiveActive => plan.shared,
            Mode::ActiveStandby => Some(plan.shared?),
        },
        prefixes: gateway.prefixes.iter().map(|at| at.value).collect(),
        transit: gateway.transit.as_ref().is_some_and(|at| at.value),
        max_tunnels: gateway.max_tunnels.as_ref().map_or(MAX_TUNNELS, |at| at.value),
        instances: gateway
            .instances
            .iter()
            .zip(plan.instances)
            .map(|(given, bgp_ip)| instance(given, bgp_ip?))
            .collect::<Option<_>>()?,
        devices: file.devices.iter().map(device).collect::<Option<_>>()?,
        peer_gateways: file.peers.iter().map(peer_gateway).collect::<Option<_>>()?,
        connections: file.connections.iter().map(connection).collect::<Option<_>>()?,
        network_routers: file.routers.iter().map(neighbor).collect::<Option<_>>()?,
        neighbors: file.neighbors.iter().filter(|n| n.range.is_none()).map(neighbor).collect::<Option<_>>()?,
        ranges: file.neighbors.iter().filter(|n| n.range.is_some()).map(range).collect::<Option<_>>()?,
        bgp: file.bgp.bgp.clone(),
        twin_words: file.twin.made(),
        election: file.election.made(),
        hooks: file.hooks.made(),
    })
}

/// `mode`, or the default.
pub(super) fn mode(gateway: &file::Gateway) -> Mode {
    gateway.mode.as_ref().map_or(Mode::ActiveStandby, |at| at.value)
}

fn instance(given: &file::Instance, bgp_ip: IpAddr) -> Option<Instance> {
    let router_id = match (&given.router_id, bgp_ip) {
        (Some(at), _) => at.value,
        (None, IpAddr::V4(ip)) => RouterId::new(ip)?,
        (None, IpAddr::V6(_)) => return None,
    };
    Some(Instance {
        name: given.name.as_ref()?.value.clone(),
        public_ip: given.public_ip.as_ref().map(|at| at.value),
        bgp_ip,
        router_id,
        network_interface: given.network_interface.as_ref().map(|at| at.value.clone()),
        twin_link: match &given.twin_link {
            Some(link) => Some(link.made()?),
            None => None,
        },
        priority: given.priority.as_ref().map_or(PRIORITY, |at| at.value),
    })
}

fn device(given: &file::Device) -> Option<Device> {
    Some(Device {
        name: given.name.as_ref()?.value.clone(),
        public_ip: given.public_ip.as_ref().map(|at| at.value),
        asn: given.asn.as_ref().map(|at| at.value),
        bgp_ip: given.bgp_ip.as_ref().map(|at| at.value),
        prefixes: given.prefixes.iter().map(|at| at.value).collect(),
        bgp: given.bgp.bgp.clone(),
    })
}

fn peer_gateway(given: &file::PeerGateway) -> Option<PeerGateway> {
    let host = |given: &file::PeerInstance| {
        Some(PeerInstance {
            name: given.name.as_ref()?.value.clone(),
            public_ip: given.public_ip.as_ref().map(|at| at.value),
            bgp_ip: given.bgp_ip.as_ref().map(|at| at.value),
        })
    };
    Some(PeerGateway {
        name: given.name.as_ref()?.value.clone(),
        asn: given.asn.as_ref().map(|at| at.value),
        prefixes: given.prefixes.iter().map(|at| at.value).collect(),
        instances: given.instances.iter().map(host).collect::<Option<_>>()?,
        bgp: given.bgp.bgp.clone(),
    })
}

fn connection(given: &file::Connection) -> Option<Connection> {
    let far = match (&given.device, &given.peer_gateway) {
        (Some(device), None) => Far::Device(device.value.clone()),
        (None, Some(peer)) => Far::PeerGateway(peer.value.clone()),
        (Some(_), Some(_)) | (None, None) => return None,
    };
    Some(Connection {
        name: given.name.as_ref().map_or_else(|| far.name().clone(), |at| at.value.clone()),
        far,
        uses_bgp: given.uses_bgp,
        tunnels: given.tunnels.iter().map(tunnel).collect::<Option<_>>()?,
        bgp: given.bgp.bgp.clone(),
    })
}

fn tunnel(given: &file::Tunnel) -> Option<TunnelEnd> {
    Some(TunnelEnd {
        name: given.name.as_ref().map(|at| at.value.clone()),
        instance: given.instance.as_ref()?.value.clone(),
        peer_instance: given.peer_instance.as_ref().map(|at| at.value.clone()),
        interface: given.interface.as_ref()?.value.clone(),
        pair: given.local_ip.as_ref().zip(given.remote_ip.as_ref()).map(|(local, remote)| (local.value, remote.value)),
        bgp: given.bgp.bgp.clone(),
    })
}

fn range(given: &Outside) -> Option<NeighborRange> {
    Some(NeighborRange {
        name: given.name.as_ref()?.value.clone(),
        prefix: given.range.as_ref()?.value,
        limit: given.limit.as_ref().map_or(RANGE_LIMIT, |at| at.value),
        asns: given.asns.iter().chain(&given.asn).map(|at| at.value).collect(),
        interface: given.interface.as_ref().map(|at| at.value.clone()),
        local_address: given.local_address.as_ref().map(|at| at.value),
        instances: given.instances.iter().map(|at| at.value.clone()).collect(),
        bgp: given.bgp.bgp.clone(),
    })
}

fn neighbor(given: &Outside) -> Option<FixedNeighbor> {
    Some(FixedNeighbor {
        name: given.name.as_ref()?.value.clone(),
        address: given.address.as_ref()?.value,
        asn: given.asn.as_ref()?.value,
        interface: given.interface.as_ref().map(|at| at.value.clone()),
        local_address: given.local_address.as_ref().map(|at| at.value),
        instances: given.instances.iter().map(|at| at.value.clone()).collect(),
        bgp: given.bgp.bgp.clone(),
    })
}
