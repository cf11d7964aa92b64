//! The gateway as people describe it.

use std::net::IpAddr;

use super::{Bgp, Election, Hooks, TwinLink, TwinWords};
use crate::types::Asn;
use crate::types::Name;
use crate::types::Prefix;
use crate::types::RouterId;

/// How the two instances share the work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// Both have tunnels and sessions of their own, and both forward.
    ActiveActive,
    /// One has the tunnels' sessions and forwards, the other waits to take over.
    ActiveStandby,
}

/// Whose numbers and fixed timers hold beside our own rules.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Profile {
    /// Azure VPN Gateway.
    Azure,
    /// AWS Site-to-Site VPN.
    Aws,
    /// Google Cloud HA VPN with Cloud Router.
    Gcp,
}

/// The whole gateway. The same model is on both instances.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Model {
    /// Its name.
    pub name: Name,
    /// How its instances share the work.
    pub mode: Mode,
    /// The cloud whose rules hold, if any.
    pub profile: Option<Profile>,
    /// Its AS.
    pub asn: Asn,
    /// The gateway subnet, where BGP addresses come from.
    pub subnet: Prefix,
    /// The BGP address that the active instance has in active-standby: as given, else the last usable one of `subnet`.
    /// Without use in active-active, where it may be absent because the subnet has no room for it.
    pub shared_ip: Option<IpAddr>,
    /// The cloud network: what devices learn, and what is never accepted back.
    pub prefixes: Vec<Prefix>,
    /// Passes what one connection teaches on to the others.
    pub transit: bool,
    /// The most tunnels that there may be, on both instances together.
    pub max_tunnels: usize,
    /// Its hosts.
    pub instances: Vec<Instance>,
    /// The on-premises devices.
    pub devices: Vec<Device>,
    /// Other gateways that network-to-network connections lead to.
    pub peer_gateways: Vec<PeerGateway>,
    /// What joins gateway and devices or other gateways.
    pub connections: Vec<Connection>,
    /// Routers of the cloud network that learn on-premises prefixes.
    pub network_routers: Vec<FixedNeighbor>,
    /// Neighbors that the model of the gateway does not cover.
    pub neighbors: Vec<FixedNeighbor>,
    /// Ranges of addresses that such neighbors may dial from.
    pub ranges: Vec<NeighborRange>,
    /// What holds for every session unless its own table says otherwise.
    pub bgp: Bgp,
    /// How the instances speak to each other.
    pub twin_words: TwinWords,
    /// Who decides which instance is active, in active-standby.
    pub election: Election,
    /// What is run when that changes.
    pub hooks: Hooks,
}

/// One of the two hosts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Instance {
    /// Its name.
    pub name: Name,
    /// Where devices reach it.
    pub public_ip: Option<IpAddr>,
    /// Its end of BGP sessions without a pair of addresses of their own.
    pub bgp_ip: IpAddr,
    /// Its BGP Identifier.
    pub router_id: RouterId,
    /// Its interface in the gateway subnet, where the shared address is put and announced.
    pub network_interface: Option<String>,
    /// Its path to the other instance.
    pub twin_link: Option<TwinLink>,
    /// Of two that may both become active, the one with the higher number does.
    pub priority: u8,
}

/// An on-premises VPN device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Device {
    /// Its name.
    pub name: Name,
    /// Where it is reached.
    pub public_ip: Option<IpAddr>,
    /// Its AS; a device without BGP needs none.
    pub asn: Option<Asn>,
    /// Its end of sessions over tunnels without a pair of addresses of their own.
    pub bgp_ip: Option<IpAddr>,
    /// What is behind it, where it does not say so by BGP.
    pub prefixes: Vec<Prefix>,
    /// What holds for its sessions.
    pub bgp: Bgp,
}

/// Another gateway, for network-to-network.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PeerGateway {
    /// Its name.
    pub name: Name,
    /// Its AS; one without BGP needs none.
    pub asn: Option<Asn>,
    /// Its cloud network, where it does not say so by BGP.
    pub prefixes: Vec<Prefix>,
    /// Its hosts, one or two.
    pub instances: Vec<PeerInstance>,
    /// What holds for its sessions.
    pub bgp: Bgp,
}

/// One host of a peer gateway.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PeerInstance {
    /// Its name there.
    pub name: Name,
    /// Where it is reached.
    pub public_ip: Option<IpAddr>,
    /// Its end of sessions over tunnels without a pair of addresses of their own.
    pub bgp_ip: Option<IpAddr>,
}

/// What is at the far end of a connection, by its name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Far {
    /// An on-premises device.
    Device(Name),
    /// Another gateway.
    PeerGateway(Name),
}

/// A device or another gateway joined to the gateway by one or more tunnels.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Connection {
    /// Its name: that of the far end unless given.
    pub name: Name,
    /// The far end.
    pub far: Far,
    /// False if the far end says nothing by BGP: its prefixes follow the tunnels' state.
    pub uses_bgp: bool,
    /// Its tunnels, on both instances.
    pub tunnels: Vec<TunnelEnd>,
    /// What holds for its sessions.
    pub bgp: Bgp,
}

/// One instance's end of a connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TunnelEnd {
    /// Its name, unless the derived one will do: see [`Connection::tunnel_name`].
    pub name: Option<Name>,
    /// The instance's name.
    pub instance: Name,
    /// The instance of the peer gateway at the far end; of connections with one only.
    pub peer_instance: Option<Name>,
    /// The kernel interface.
    pub interface: String,
    /// Our address and the far end's, on this tunnel alone (link-local, APIPA).
    pub pair: Option<(IpAddr, IpAddr)>,
    /// What holds for its session.
    pub bgp: Bgp,
}

/// A BGP neighbor outside the tunnels: a router or host of the cloud network, or a route reflector, a collector, a lab.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FixedNeighbor {
    /// Its name.
    pub name: Name,
    /// Its address.
    pub address: IpAddr,
    /// Its AS.
    pub asn: Asn,
    /// The interface that it is on, if the routing table shall not decide.
    pub interface: Option<String>,
    /// Our end; the instance's BGP address unless given.
    pub local_address: Option<IpAddr>,
    /// The instances that have this session; empty is all.
    pub instances: Vec<Name>,
    /// What holds for its session.
    pub bgp: Bgp,
}

/// A range of addresses whose hosts may be neighbors without being named one by one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NeighborRange {
    /// Its name.
    pub name: Name,
    /// The addresses.
    pub prefix: Prefix,
    /// The most neighbors from it at once, on one instance.
    pub limit: usize,
    /// The AS numbers that they may have, at least one.
    pub asns: Vec<Asn>,
    /// The interface that they must come by, if it is not to be any.
    pub interface: Option<String>,
    /// Our end; the instance's BGP address unless given.
    pub local_address: Option<IpAddr>,
    /// The instances that take them; empty is all.
    pub instances: Vec<Name>,
    /// What holds for their sessions.
    pub bgp: Bgp,
}

impl Model {
    /// The instance of that name.
    #[must_use]
    pub fn instance(&self, name: &Name) -> Option<&Instance> {
        self.instances.iter().find(|i| i.name == *name)
    }

    /// The other instance than the one of that name.
    #[must_use]
    pub fn twin(&self, name: &Name) -> Option<&Instance> {
        self.instances.iter().find(|i| i.name != *name)
    }

    /// The device of that name.
    #[must_use]
    pub fn device(&self, name: &Name) -> Option<&Device> {
        self.devices.iter().find(|d| d.name == *name)
    }

    /// The peer gateway of that name.
    #[must_use]
    pub fn peer_gateway(&self, name: &Name) -> Option<&PeerGateway> {
        self.peer_gateways.iter().find(|peer| peer.name == *name)
    }

    /// Our end of sessions in tunnels of that instance that have no pair of addresses: its own address in active-active;
    /// in active-standby the shared one, so that far ends find the same neighbor on whoever is active.
    #[must_use]
    pub fn tunnel_ip(&self, instance: &Instance) -> Option<IpAddr> {
        match self.mode {
            Mode::ActiveActive => Some(instance.bgp_ip),
            Mode::ActiveStandby => self.shared_ip,
        }
    }
}

impl Far {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Name {
        match self {
            Self::Device(name) | Self::PeerGateway(name) => name,
        }
    }
}

impl PeerGateway {
    /// Its host of that name.
    #[must_use]
    pub fn instance(&self, name: &Name) -> Option<&PeerInstance> {
        self.instances.iter().find(|instance| instance.name == *name)
    }
}

impl Connection {
    /// The name of one of its tunnels: its own, else `device/instance`, or `peer-gateway:peer-instance/instance`; and
    /// `:interface` behind that if several of the connection would have that name. `None` if that text is too long for a
    /// name.
    #[must_use]
    pub fn tunnel_name(&self, tunnel: &TunnelEnd) -> Option<Name> {
        if let Some(name) = &tunnel.name {
            return Some(name.clone());
        }
        let plain = |tunnel: &TunnelEnd| {
            let far = tunnel.peer_instance.as_ref().map(|peer| format!(":{peer}")).unwrap_or_default();
            format!("{}{far}/{}", self.far.name(), tunnel.instance)
        };
        let mut text = plain(tunnel);
        if self.tunnels.iter().filter(|other| plain(other) == text).count() > 1 {
            text = format!("{text}:{}", tunnel.interface);
        }
        Name::new(&text).ok()
    }
}
