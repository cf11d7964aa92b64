//! The gateway as people describe it.

use std::net::IpAddr;

use super::{Bgp, TwinLink, TwinWords};
use crate::types::Asn;
use crate::types::Name;
use crate::types::Prefix;
use crate::types::RouterId;

/// How the two instances share the work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// Both have tunnels and sessions of their own, and both forward.
    ActiveActive,
}

/// The whole gateway. The same model is on both instances.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Model {
    /// Its name.
    pub name: Name,
    /// How its instances share the work.
    pub mode: Mode,
    /// Its AS.
    pub asn: Asn,
    /// The gateway subnet, where BGP addresses come from.
    pub subnet: Prefix,
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
    /// What joins gateway and devices.
    pub connections: Vec<Connection>,
    /// Routers of the cloud network that learn on-premises prefixes.
    pub network_routers: Vec<NetworkRouter>,
    /// Neighbors that the model of the gateway does not cover.
    pub neighbors: Vec<OtherNeighbor>,
    /// Ranges of addresses that such neighbors may dial from.
    pub ranges: Vec<NeighborRange>,
    /// What holds for every session unless its own table says otherwise.
    pub bgp: Bgp,
    /// How the instances speak to each other.
    pub twin_words: TwinWords,
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
    /// Its end of the path to the other one.
    pub twin_link: Option<TwinLink>,
}

/// An on-premises VPN device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Device {
    /// Its name.
    pub name: Name,
    /// Where it is reached.
    pub public_ip: Option<IpAddr>,
    /// Its AS.
    pub asn: Asn,
    /// Its end of sessions over tunnels without a pair of addresses of their own.
    pub bgp_ip: Option<IpAddr>,
    /// What holds for its sessions.
    pub bgp: Bgp,
}

/// A device joined to the gateway by one or more tunnels.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Connection {
    /// Its name: the device's unless given.
    pub name: Name,
    /// The device's name.
    pub device: Name,
    /// Its tunnels, on both instances.
    pub tunnels: Vec<TunnelEnd>,
    /// What holds for its sessions.
    pub bgp: Bgp,
}

/// One instance's end of a connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TunnelEnd {
    /// Its name, unless the derived one will do: `device/instance`, or `device/instance:interface`.
    pub name: Option<Name>,
    /// The instance's name.
    pub instance: Name,
    /// The kernel interface.
    pub interface: String,
    /// Our address and the far end's, on this tunnel alone (link-local, APIPA).
    pub pair: Option<(IpAddr, IpAddr)>,
    /// What holds for its session.
    pub bgp: Bgp,
}

/// A router or host of the cloud network that learns on-premises prefixes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NetworkRouter {
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

/// Any other BGP neighbor: a route reflector, a collector, a lab.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OtherNeighbor {
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
}

impl Connection {
    /// The name of one of its tunnels: its own, else `device/instance`, and `:interface` behind that if the
    /// connection has several on that instance. `None` if that text is too long for a name.
    #[must_use]
    pub fn tunnel_name(&self, tunnel: &TunnelEnd) -> Option<Name> {
        if let Some(name) = &tunnel.name {
            return Some(name.clone());
        }
        let several = self.tunnels.iter().filter(|t| t.instance == tunnel.instance).count() > 1;
        let mut text = format!("{}/{}", self.device, tunnel.instance);
        if several {
            text = format!("{text}:{}", tunnel.interface);
        }
        Name::new(&text).ok()
    }
}
