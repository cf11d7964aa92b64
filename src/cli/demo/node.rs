//! One network namespace of the demo: entering it, its links, addresses, routes and settings.
//!
//! A namespace lives as long as its descriptor here; nothing is named in the file system.

use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsRawFd;
use std::thread;

use anyhow::{Context, anyhow};
use nix::net::if_::if_nametoindex;
use nix::sched::{CloneFlags, setns, unshare};
use rtnetlink::packet_route::address::AddressAttribute;
use rtnetlink::packet_route::link::{InfoData, InfoKind, InfoVeth};
use rtnetlink::{
    Handle, LinkMessageBuilder, LinkUnspec, LinkVeth, RouteMessageBuilder, RouteNextHopBuilder, new_connection,
};
use tokio::runtime::Runtime;

/// A host of the demo.
#[derive(Debug)]
pub struct Node {
    name: &'static str,
    namespace: File,
    netlink: Handle,
}

impl Node {
    /// A new, empty namespace with its loopback up and settings that forward, whatever the host's defaults are.
    pub fn new(name: &'static str, runtime: &Runtime) -> anyhow::Result<Self> {
        let make = || -> anyhow::Result<(File, Handle)> {
            unshare(CloneFlags::CLONE_NEWNET)?;
            let namespace = File::open("/proc/thread-self/ns/net")?;
            let _context = runtime.enter();
            let (connection, netlink, _) = new_connection()?;
            runtime.spawn(connection);
            Ok((namespace, netlink))
        };
        let (namespace, netlink) =
            on_a_thread(make)?.with_context(|| format!("cannot make the namespace of {name}"))?;
        let node = Self { name, namespace, netlink };
        for (setting, value) in [
            ("ipv4/ip_forward", "1"),
            ("ipv4/conf/all/rp_filter", "0"),
            ("ipv4/conf/default/rp_filter", "0"),
            ("ipv4/conf/all/send_redirects", "0"),
            ("ipv4/conf/default/send_redirects", "0"),
        ] {
            node.set(setting, value)?;
        }
        node.link(runtime, "lo", true)?;
        Ok(node)
    }

    /// Its name in the drawing and the configuration.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the closure on a thread of its own inside the namespace. Processes that it starts stay there.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
        on_a_thread(|| {
            setns(&self.namespace, CloneFlags::CLONE_NEWNET)?;
            work()
        })?
        .with_context(|| format!("in {}", self.name))
    }

    /// Sets `net/<setting>`.
    pub fn set(&self, setting: &str, value: &str) -> anyhow::Result<()> {
        let path = format!("/proc/sys/net/{setting}");
        self.within(|| fs::write(&path, value).with_context(|| format!("cannot write {value} to {path}")))
    }

    /// Gives this node a hash seed of its own, so that two stages in a row do not choose alike.
    /// False on kernels that know no such setting (before 6.11).
    pub fn set_hash_seed(&self, seed: u32) -> bool {
        self.set("ipv4/fib_multipath_hash_seed", &seed.to_string()).is_ok()
    }

    /// The index of an interface.
    pub fn index(&self, interface: &str) -> anyhow::Result<u32> {
        self.within(|| if_nametoindex(interface).with_context(|| format!("no interface {interface}")))
    }

    /// A cable: an interface here and one in the other node, both down.
    pub fn cable(&self, runtime: &Runtime, here: &str, other: &Node, there: &str) -> anyhow::Result<()> {
        let far = LinkUnspec::new_with_name(there);
        let near = LinkMessageBuilder::<LinkVeth>::new_with_info_kind(InfoKind::Veth).name(here);
        self.wire(runtime, (here, near), other, (there, far))
    }

    /// A tunnel: a cable without ARP, for a real tunnel has none. Both ends have one hardware address, which each puts
    /// on what it sends, so that the other takes it.
    pub fn tunnel(&self, runtime: &Runtime, here: &str, other: &Node, there: &str) -> anyhow::Result<()> {
        let address = vec![0x02, 0x74, 0x77, 0x69, 0x6e, 0x01]; // local, unicast
        let far = LinkUnspec::new_with_name(there).arp(false).address(address.clone());
        let near = LinkMessageBuilder::<LinkVeth>::new_with_info_kind(InfoKind::Veth).name(here);
        self.wire(runtime, (here, near.arp(false).address(address)), other, (there, far))
    }

    fn wire(
        &self,
        runtime: &Runtime,
        (here, near): (&str, LinkMessageBuilder<LinkVeth>),
        other: &Node,
        (there, far): (&str, LinkMessageBuilder<LinkUnspec>),
    ) -> anyhow::Result<()> {
        let far = far.setns_by_fd(other.namespace.as_raw_fd()).build();
        let link = near.set_info_data(InfoData::Veth(InfoVeth::Peer(far))).build();
        runtime.block_on(self.netlink.link().add(link).execute()).with_context(|| {
            format!(
                "cannot make a cable from {}:{here} to {}:{there}; does this kernel have veth?",
                self.name, other.name
            )
        })
    }

    /// Sets an interface up or down; done when the kernel says so.
    pub fn link(&self, runtime: &Runtime, interface: &str, up: bool) -> anyhow::Result<()> {
        self.link_at(runtime, self.index(interface)?, up).with_context(|| format!("{}:{interface}", self.name))
    }

    /// The same by index: nothing but the one request, for those who measure it.
    pub fn link_at(&self, runtime: &Runtime, index: u32, up: bool) -> anyhow::Result<()> {
        let link = LinkUnspec::new_with_index(index);
        let message = if up { link.up() } else { link.down() }.build();
        runtime.block_on(self.netlink.link().set(message).execute()).context("cannot set a link")
    }

    /// Gives an interface an address; with `peer`, a point-to-point one.
    pub fn address(
        &self,
        runtime: &Runtime,
        interface: &str,
        address: Ipv4Addr,
        length: u8,
        peer: Option<Ipv4Addr>,
    ) -> anyhow::Result<()> {
        let mut request = self.netlink.address().add(self.index(interface)?, IpAddr::V4(address), length);
        if let Some(peer) = peer {
            request.message_mut().attributes =
                vec![AddressAttribute::Local(IpAddr::V4(address)), AddressAttribute::Address(IpAddr::V4(peer))];
        }
        runtime.block_on(request.execute()).with_context(|| format!("cannot give {}:{interface} {address}", self.name))
    }

    /// A route by hand, over all of `via` (interface, gateway).
    pub fn route(&self, runtime: &Runtime, prefix: (Ipv4Addr, u8), via: &[(&str, Ipv4Addr)]) -> anyhow::Result<()> {
        let route = RouteMessageBuilder::<Ipv4Addr>::new().destination_prefix(prefix.0, prefix.1);
        let message = match via {
            [(interface, gateway)] => route.output_interface(self.index(interface)?).gateway(*gateway).build(),
            _ => {
                let mut hops = Vec::new();
                for (interface, gateway) in via {
                    let hop = RouteNextHopBuilder::new_ipv4().interface(self.index(interface)?);
                    hops.push(hop.via(IpAddr::V4(*gateway)).map_err(|e| anyhow!("{e}"))?.build());
                }
                route.multipath(hops).build()
            }
        };
        runtime
            .block_on(self.netlink.route().add(message).execute())
            .with_context(|| format!("cannot route {}/{} in {}", prefix.0, prefix.1, self.name))
    }
}

fn on_a_thread<T: Send>(work: impl FnOnce() -> T + Send) -> anyhow::Result<T> {
    thread::scope(|scope| scope.spawn(work).join()).map_err(|_| anyhow!("a thread of the demo panicked"))
}
