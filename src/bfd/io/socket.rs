//! UDP as BFD wants it: TTL 255 out, TTL and interface of what comes in (RFC 5881 §4, §5; RFC 5883 §5).

use std::{
    io::{self, IoSliceMut},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6},
    os::fd::{AsFd, AsRawFd, BorrowedFd},
};

use nix::{
    errno::Errno,
    net::if_::if_nametoindex,
    sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt},
};
use socket2::{Domain, Protocol, Socket, Type};

use super::super::{Arrival, Path};
use crate::types::Family;

/// Single hop (RFC 5881 §4).
const SINGLE_HOP: u16 = 3784;
/// Multihop (RFC 5883 §5).
const MULTIHOP: u16 = 4784;
/// Where source ports are from (RFC 5881 §4).
const SOURCE_PORTS: std::ops::RangeInclusive<u16> = 49_152..=65_535;
/// Network control: what must get through when little does.
const TOS: u32 = 0xc0;
/// A burst of all peers while the process waits for its turn.
const RECEIVE_BUFFER: usize = 1024 * 1024;
/// The longest packet that is looked at; what is behind it is no part of it.
const LONGEST: usize = 512;

fn port(multihop: bool) -> u16 {
    if multihop { MULTIHOP } else { SINGLE_HOP }
}

fn domain(family: Family) -> Domain {
    match family {
        Family::Ipv4 => Domain::IPV4,
        Family::Ipv6 => Domain::IPV6,
    }
}

/// Where packets of one family and kind come in.
pub(super) struct Receiver {
    socket: Socket,
    multihop: bool,
    octets: [u8; LONGEST],
    control: Vec<u8>,
}

impl Receiver {
    pub(super) fn open(family: Family, multihop: bool) -> io::Result<Self> {
        let socket = Socket::new(domain(family), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        // A smaller one is no harm.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        let any = match family {
            Family::Ipv4 => {
                setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
                setsockopt(&socket, sockopt::Ipv4RecvTtl, &true)?;
                IpAddr::V4(Ipv4Addr::UNSPECIFIED)
            }
            Family::Ipv6 => {
                socket.set_only_v6(true)?;
                setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
                setsockopt(&socket, sockopt::Ipv6RecvHopLimit, &true)?;
                IpAddr::V6(Ipv6Addr::UNSPECIFIED)
            }
        };
        socket.bind(&SocketAddr::new(any, port(multihop)).into())?;
        let control = nix::cmsg_space!(libc::in6_pktinfo, libc::c_int, libc::in_pktinfo);
        Ok(Self { socket, multihop, octets: [0; LONGEST], control })
    }

    /// The next packet; `None` if there is no more now.
    pub(super) fn receive(&mut self) -> io::Result<Option<(Arrival, &[u8])>> {
        loop {
            let mut parts = [IoSliceMut::new(&mut self.octets)];
            let flags = MsgFlags::MSG_DONTWAIT;
            let fd = self.socket.as_raw_fd();
            let message = match recvmsg::<SockaddrStorage>(fd, &mut parts, Some(&mut self.control), flags) {
                Ok(message) => message,
                Err(Errno::EINTR) => continue,
                Err(Errno::EAGAIN) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let (mut local, mut link, mut ttl) = (None, 0, None);
            for control in message.cmsgs().into_iter().flatten() {
                match control {
                    ControlMessageOwned::Ipv4PacketInfo(info) => {
                        local = Some(IpAddr::V4(Ipv4Addr::from(info.ipi_addr.s_addr.to_ne_bytes())));
                        link = u32::try_from(info.ipi_ifindex).unwrap_or_default();
                    }
                    ControlMessageOwned::Ipv6PacketInfo(info) => {
                        local = Some(IpAddr::V6(Ipv6Addr::from(info.ipi6_addr.s6_addr)));
                        link = info.ipi6_ifindex;
                    }
                    ControlMessageOwned::Ipv4Ttl(hops) | ControlMessageOwned::Ipv6HopLimit(hops) => {
                        ttl = u8::try_from(hops).ok();
                    }
                    _ => {}
                }
            }
            let remote = message.address.as_ref().and_then(address);
            let length = message.bytes;
            // Without these nobody can say whose it is, or how far away that is.
            if let (Some(local), Some(remote), Some(ttl)) = (local, remote, ttl) {
                let arrival = Arrival { local, remote, link, ttl, multihop: self.multihop };
                return Ok(Some((arrival, self.octets.get(..length).unwrap_or(&self.octets))));
            }
        }
    }
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn address(from: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = from.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| from.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}

/// Where the packets of one session leave: a socket of its own, since each session has a source port of its own.
pub(super) struct Sender {
    socket: Socket,
    to: SocketAddr,
    /// The source port.
    pub(super) source: u16,
    /// The index of the interface that it is bound to.
    pub(super) link: Option<u32>,
}

impl Sender {
    /// `port_before` is the one that the session had in another process.
    pub(super) fn open(path: &Path, port_before: Option<u16>) -> Result<Self, String> {
        let link = match &path.interface {
            None => None,
            Some(name) => Some(if_nametoindex(name.as_str()).map_err(|_| format!("there is no interface {name}"))?),
        };
        let said = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
        let family = Family::of(path.local);
        let socket = Socket::new(domain(family), Type::DGRAM, Some(Protocol::UDP)).map_err(said("socket"))?;
        let set = || -> io::Result<()> {
            socket.set_nonblocking(true)?;
            match family {
                Family::Ipv4 => {
                    socket.set_ttl_v4(255)?;
                    socket.set_tos_v4(TOS)
                }
                Family::Ipv6 => {
                    socket.set_only_v6(true)?;
                    socket.set_unicast_hops_v6(255)?;
                    socket.set_tclass_v6(TOS)
                }
            }
        };
        set().map_err(said("socket"))?;
        // Nobody reads what is sent to it.
        let _ = socket.set_recv_buffer_size(0);
        if let Some(name) = &path.interface {
            socket.bind_device(Some(name.as_bytes())).map_err(said("interface"))?;
        }
        let mut tries = 0;
        let mut source = port_before.unwrap_or_else(|| fastrand::u16(SOURCE_PORTS));
        loop {
            let local = scoped(path.local, source, link);
            match socket.bind(&local.into()) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries < 100 => tries += 1,
                Err(error) => return Err(format!("source address {}: {error}", path.local)),
            }
            source = fastrand::u16(SOURCE_PORTS);
        }
        Ok(Self { socket, source, to: scoped(path.remote, port(path.is_multihop()), link), link })
    }

    pub(super) fn send(&self, octets: &[u8]) -> io::Result<()> {
        self.socket.send_to(octets, &self.to.into()).map(|_| ())
    }

    /// True if the interface that it is bound to is still the one of that name.
    pub(super) fn is_current(&self, path: &Path) -> bool {
        match &path.interface {
            None => true,
            Some(name) => if_nametoindex(name.as_str()).ok() == self.link,
        }
    }
}

/// A link-local address means nothing without its interface.
fn scoped(address: IpAddr, port: u16, link: Option<u32>) -> SocketAddr {
    match address {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => SocketAddrV6::new(v6, port, 0, link.unwrap_or_default()).into(),
        other => SocketAddr::new(other, port),
    }
}
