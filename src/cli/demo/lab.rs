//! The topology: seven nodes, their cables and addresses, and nothing that a speaker or a VPN daemon would do.

use std::net::Ipv4Addr;

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};

use super::node::Node;

/// The hosts of the demo.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// Sends the flows.
    Host,
    /// The cloud network's router: spreads over both instances.
    Router,
    /// The first instance.
    In0,
    /// The second instance.
    In1,
    /// The first device.
    Hq1,
    /// The second device.
    Hq2,
    /// Receives the flows, and answers.
    Site,
}

const PLACES: [(Place, &str); 7] = [
    (Place::Host, "host"),
    (Place::Router, "core-1"),
    (Place::In0, "in-0"),
    (Place::In1, "in-1"),
    (Place::Hq1, "hq-1"),
    (Place::Hq2, "hq-2"),
    (Place::Site, "site"),
];

/// A tunnel: one cable between an instance and a device.
#[derive(Clone, Copy, Debug)]
pub struct Tunnel {
    /// Its name in every report.
    pub name: &'static str,
    /// The instance that it belongs to.
    pub instance: Place,
    /// The device at its far end.
    pub device: Place,
    /// The interface at the instance.
    pub near: &'static str,
    /// The interface at the device.
    pub far: &'static str,
    /// The instance's address in it.
    pub near_ip: Ipv4Addr,
    /// The device's.
    pub far_ip: Ipv4Addr,
}

/// The four of them.
pub const TUNNELS: [Tunnel; 4] = [
    tunnel("hq-1/in-0", Place::In0, Place::Hq1, "tun-hq1", "tun-in0", 0),
    tunnel("hq-2/in-0", Place::In0, Place::Hq2, "tun-hq2", "tun-in0", 4),
    tunnel("hq-1/in-1", Place::In1, Place::Hq1, "tun-hq1", "tun-in1", 8),
    tunnel("hq-2/in-1", Place::In1, Place::Hq2, "tun-hq2", "tun-in1", 12),
];

const fn tunnel(
    name: &'static str,
    instance: Place,
    device: Place,
    near: &'static str,
    far: &'static str,
    block: u8,
) -> Tunnel {
    let near_ip = Ipv4Addr::new(169, 254, 21, block + 2);
    Tunnel { name, instance, device, near, far, near_ip, far_ip: Ipv4Addr::new(169, 254, 21, block + 1) }
}

/// The cloud host.
pub const HOST: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 10);
/// The site host, on premises.
pub const SITE: Ipv4Addr = Ipv4Addr::new(10, 52, 0, 10);
/// The router's address in the gateway subnet.
pub const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 20, 255, 1);
/// The instances' BGP addresses, in-0 first.
pub const INSTANCES: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 20, 255, 4), Ipv4Addr::new(10, 20, 255, 5)];
/// The interface of each instance towards the other.
pub const TWIN_LINK: &str = "eth-twin";
/// The instances' addresses on it, in-0 first.
pub const TWINS: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 168, 255, 1), Ipv4Addr::new(192, 168, 255, 2)];
/// The devices' addresses in the site's network, hq-1 first.
pub const DEVICES: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 52, 255, 1), Ipv4Addr::new(10, 52, 255, 5)];

/// All nodes, wired.
#[derive(Debug)]
pub struct Lab {
    runtime: Runtime,
    nodes: Vec<Node>,
    /// Whether the kernel lets each node hash in its own way.
    pub own_seeds: bool,
}

impl Lab {
    /// Makes the namespaces, the cables and the addresses, and the static routes that are no speaker's business.
    pub fn build() -> anyhow::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().context("cannot start a runtime")?;
        let nodes = PLACES.iter().map(|(_, name)| Node::new(name, &runtime)).collect::<anyhow::Result<Vec<Node>>>()?;
        let mut lab = Self { runtime, nodes, own_seeds: true };
        for (seed, (place, _)) in PLACES.iter().enumerate() {
            let seed = 0x7715_0000_u32.wrapping_add(u32::try_from(seed).unwrap_or(0).wrapping_mul(0x9E37));
            lab.own_seeds &= lab.node(*place).set_hash_seed(seed);
        }
        lab.cloud()?;
        lab.twin_link()?;
        for tunnel in &TUNNELS {
            let (near, far) = (lab.node(tunnel.instance), lab.node(tunnel.device));
            near.tunnel(&lab.runtime, tunnel.near, far, tunnel.far)?;
            near.link(&lab.runtime, tunnel.near, true)?;
            far.link(&lab.runtime, tunnel.far, true)?;
            lab.address(tunnel.instance, tunnel.near, tunnel.near_ip, 30, None)?;
            lab.address(tunnel.device, tunnel.far, tunnel.far_ip, 30, None)?;
        }
        lab.premises()?;
        Ok(lab)
    }

    /// A node.
    pub fn node(&self, place: Place) -> &Node {
        let at = PLACES.iter().position(|(known, _)| *known == place);
        at.and_then(|at| self.nodes.get(at)).expect("every place has its node")
    }

    /// Runs a future, and with it the netlink connections of the nodes.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Sets a link by index, and nothing else: the moment it returns the kernel has done it.
    pub fn link_at(&self, place: Place, index: u32, up: bool) -> anyhow::Result<()> {
        self.node(place).link_at(&self.runtime, index, up)
    }

    /// ECMP routes by hand where the speakers would put theirs.
    pub fn routes_by_hand(&self) -> anyhow::Result<()> {
        let premises = (Ipv4Addr::new(10, 52, 0, 0), 16);
        let [in_0, in_1] = INSTANCES;
        self.route(Place::Router, premises, &[("eth-in0", in_0), ("eth-in1", in_1)])?;
        for instance in [Place::In0, Place::In1] {
            let hops: Vec<_> = TUNNELS.iter().filter(|t| t.instance == instance).map(|t| (t.near, t.far_ip)).collect();
            self.route(instance, premises, &hops)?;
        }
        let cloud = (Ipv4Addr::new(10, 20, 0, 0), 16);
        for device in [Place::Hq1, Place::Hq2] {
            let hops: Vec<_> = TUNNELS.iter().filter(|t| t.device == device).map(|t| (t.far, t.near_ip)).collect();
            self.route(device, cloud, &hops)?;
        }
        for place in [Place::Router, Place::In0, Place::In1, Place::Hq1, Place::Hq2] {
            self.node(place).set("ipv4/fib_multipath_hash_policy", "1")?;
        }
        Ok(())
    }

    fn cloud(&self) -> anyhow::Result<()> {
        let gateway = Ipv4Addr::new(10, 20, 0, 1);
        self.cable((Place::Host, "eth0"), (Place::Router, "eth-host"))?;
        self.address(Place::Host, "eth0", HOST, 24, None)?;
        self.address(Place::Router, "eth-host", gateway, 24, None)?;
        self.route(Place::Host, (Ipv4Addr::UNSPECIFIED, 0), &[("eth0", gateway)])?;
        for (place, port, address) in [(Place::In0, "eth-in0", INSTANCES[0]), (Place::In1, "eth-in1", INSTANCES[1])] {
            self.cable((Place::Router, port), (place, "eth0"))?;
            self.address(Place::Router, port, ROUTER, 32, Some(address))?;
            self.address(place, "eth0", address, 32, Some(ROUTER))?;
            self.route(place, (Ipv4Addr::new(10, 20, 0, 0), 24), &[("eth0", ROUTER)])?;
        }
        Ok(())
    }

    fn twin_link(&self) -> anyhow::Result<()> {
        self.cable((Place::In0, TWIN_LINK), (Place::In1, TWIN_LINK))?;
        for (place, address) in [Place::In0, Place::In1].into_iter().zip(TWINS) {
            self.address(place, TWIN_LINK, address, 24, None)?;
        }
        Ok(())
    }

    fn premises(&self) -> anyhow::Result<()> {
        self.address(Place::Site, "lo", SITE, 32, None)?;
        let mut devices = Vec::new();
        for (place, port, address) in [(Place::Hq1, "eth-hq1", DEVICES[0]), (Place::Hq2, "eth-hq2", DEVICES[1])] {
            let [a, b, c, d] = address.octets();
            let site = Ipv4Addr::new(a, b, c, d + 1);
            self.cable((place, "lan"), (Place::Site, port))?;
            self.address(place, "lan", address, 30, None)?;
            self.address(Place::Site, port, site, 30, None)?;
            self.route(place, (Ipv4Addr::new(10, 52, 0, 0), 24), &[("lan", site)])?;
            devices.push((port, address));
        }
        self.node(Place::Site).set("ipv4/fib_multipath_hash_policy", "1")?; // answers over both devices
        self.route(Place::Site, (Ipv4Addr::new(10, 20, 0, 0), 16), &devices)
    }

    fn cable(&self, here: (Place, &str), there: (Place, &str)) -> anyhow::Result<()> {
        self.node(here.0).cable(&self.runtime, here.1, self.node(there.0), there.1)?;
        self.node(here.0).link(&self.runtime, here.1, true)?;
        self.node(there.0).link(&self.runtime, there.1, true)
    }

    fn address(
        &self,
        place: Place,
        port: &str,
        address: Ipv4Addr,
        length: u8,
        peer: Option<Ipv4Addr>,
    ) -> anyhow::Result<()> {
        self.node(place).address(&self.runtime, port, address, length, peer)
    }

    fn route(&self, place: Place, prefix: (Ipv4Addr, u8), via: &[(&str, Ipv4Addr)]) -> anyhow::Result<()> {
        self.node(place).route(&self.runtime, prefix, via)
    }
}
