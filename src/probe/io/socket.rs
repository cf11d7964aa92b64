//! ICMP sockets: those that need no right where the system allows it, else raw ones.

use std::{
    io,
    net::{IpAddr, SocketAddr, SocketAddrV6},
};

use nix::net::if_::if_nametoindex;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::super::{Plan, reply, request};
use crate::types::Family;

/// The longest packet that is looked at: an IP header with all its options, and an echo.
const LONGEST: usize = 128;
/// A raw socket hears every ICMP packet of the host: enough for some, and no more.
const RECEIVE_BUFFER: usize = 64 * 1024;

/// An open socket of one target.
pub(super) struct Echo {
    /// Of ICMP, not UDP: what tokio calls so carries any datagrams.
    socket: UdpSocket,
    family: Family,
    /// It shows the IP header before the ICMP of IPv4, and all packets of the host.
    raw: bool,
    id: u16,
    mark: u64,
    link: u32,
}

impl Echo {
    pub(super) fn open(plan: &Plan) -> Result<Self, String> {
        let family = Family::of(plan.remote);
        let link = if_nametoindex(plan.interface.as_str()).map_err(|_| format!("there is no {}", plan.interface))?;
        let (domain, protocol) = match family {
            Family::Ipv4 => (Domain::IPV4, Protocol::ICMPV4),
            Family::Ipv6 => (Domain::IPV6, Protocol::ICMPV6),
        };
        let refused = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
        let (socket, raw) = match Socket::new(domain, Type::DGRAM, Some(protocol)) {
            Ok(socket) => (socket, false),
            Err(error) => match Socket::new(domain, Type::RAW, Some(protocol)) {
                Ok(socket) => (socket, true),
                Err(_) => {
                    let way_out = "allow the group of the daemon in net.ipv4.ping_group_range, or give it CAP_NET_RAW";
                    return Err(format!("the system allows no ICMP socket ({error}): {way_out}"));
                }
            },
        };
        socket.set_nonblocking(true).map_err(refused("socket"))?;
        // A larger one is no harm.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        socket.bind_device(Some(plan.interface.as_bytes())).map_err(refused("interface"))?;
        socket.bind(&scoped(plan.local, link).into()).map_err(|error| format!("source {}: {error}", plan.local))?;
        // From now on it hears nobody else.
        socket.connect(&scoped(plan.remote, link).into()).map_err(|error| format!("{}: {error}", plan.remote))?;
        let socket = UdpSocket::from_std(socket.into()).map_err(refused("socket"))?;
        let (id, mark) = (fastrand::u16(..), fastrand::u64(..));
        Ok(Self { socket, family, raw, id, mark, link })
    }

    /// True if the interface that it is bound to is still the one of that name.
    pub(super) fn is_current(&self, plan: &Plan) -> bool {
        if_nametoindex(plan.interface.as_str()) == Ok(self.link)
    }

    /// Waits until something may have come.
    pub(super) async fn readable(&self) {
        // An error comes again when it is read.
        let _ = self.socket.readable().await;
    }

    pub(super) fn send(&self, number: u16) -> io::Result<()> {
        self.socket.try_send(&request(self.family, self.id, number, self.mark)).map(drop)
    }

    /// The number of the next request that was answered; `None` if nothing has come any more.
    pub(super) fn receive(&self) -> Option<u16> {
        // Errors of the socket are told of once each, so this ends much sooner.
        for _ in 0..1_000 {
            let mut buffer = [0; LONGEST];
            let length = match self.socket.try_recv(&mut buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                // What somebody on the way said of a request: each is told of once.
                Err(_) => continue,
            };
            let octets = buffer.get(..length).unwrap_or_default();
            let skip = match (self.raw, self.family, octets.first()) {
                (true, Family::Ipv4, Some(first)) => usize::from(first & 0x0f) * 4,
                _ => 0,
            };
            if let Some(number) = reply(self.family, self.mark, octets.get(skip..).unwrap_or_default()) {
                return Some(number);
            }
        }
        None
    }
}

/// A link-local address means nothing without its interface.
fn scoped(address: IpAddr, link: u32) -> SocketAddr {
    match address {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => SocketAddrV6::new(v6, 0, 0, link).into(),
        other => SocketAddr::new(other, 0),
    }
}
