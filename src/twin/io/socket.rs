//! UDP on the twin-link: bound to its interface, TTL 255 out, and nothing taken in that has passed a router (RFC 5082 §3).

use std::{
    io::{self, IoSliceMut},
    net::{IpAddr, SocketAddr, SocketAddrV6},
    os::fd::AsRawFd,
};

use nix::{
    net::if_::if_nametoindex,
    sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt},
};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{io::Interest, net::UdpSocket};

use super::super::{LONGEST, Link, PORT};
use crate::types::Family;

/// Network control: what must get through when little does.
const TOS: u32 = 0xc0;
/// As sent, and as it must arrive.
const TTL: u32 = 255;
/// Some hellos while the process waits for its turn; more are old.
const RECEIVE_BUFFER: usize = 256 * 1024;

/// An open socket to the twin.
pub(super) struct Wire {
    socket: UdpSocket,
    index: u32,
}

impl Wire {
    pub(super) fn open(link: &Link) -> Result<Self, String> {
        let index = if_nametoindex(link.interface.as_str()).map_err(|_| format!("there is no {}", link.interface))?;
        let refused = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
        let family = Family::of(link.local);
        let domain = match family {
            Family::Ipv4 => Domain::IPV4,
            Family::Ipv6 => Domain::IPV6,
        };
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP)).map_err(refused("socket"))?;
        let set = || -> io::Result<()> {
            socket.set_nonblocking(true)?;
            match family {
                Family::Ipv4 => {
                    socket.set_ttl_v4(TTL)?;
                    socket.set_tos_v4(TOS)?;
                    setsockopt(&socket, sockopt::Ipv4RecvTtl, &true)?;
                }
                Family::Ipv6 => {
                    socket.set_only_v6(true)?;
                    socket.set_unicast_hops_v6(TTL)?;
                    socket.set_tclass_v6(TOS)?;
                    setsockopt(&socket, sockopt::Ipv6RecvHopLimit, &true)?;
                }
            }
            Ok(())
        };
        set().map_err(refused("socket"))?;
        // A smaller one is no harm.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        socket.bind_device(Some(link.interface.as_bytes())).map_err(refused("interface"))?;
        socket.bind(&scoped(link.local, index).into()).map_err(|error| format!("address {}: {error}", link.local))?;
        // From now on it hears nobody else.
        socket.connect(&scoped(link.remote, index).into()).map_err(|error| format!("{}: {error}", link.remote))?;
        let socket = UdpSocket::from_std(socket.into()).map_err(refused("socket"))?;
        Ok(Self { socket, index })
    }

    /// True if the interface that it is bound to is still the one of that name.
    pub(super) fn is_current(&self, link: &Link) -> bool {
        if_nametoindex(link.interface.as_str()) == Ok(self.index)
    }

    /// Waits until something may have come.
    pub(super) async fn readable(&self) {
        // An error comes again when it is read.
        let _ = self.socket.readable().await;
    }

    pub(super) fn send(&self, octets: &[u8]) -> io::Result<()> {
        self.socket.try_send(octets).map(drop)
    }

    /// The next datagram; `None` if nothing has come any more.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> Option<usize> {
        // Errors of the socket, such as a port that nobody is at, are told of once each; so this ends soon.
        for _ in 0..1_000 {
            match self.socket.try_io(Interest::READABLE, || self.message(buffer)) {
                Ok(Some(length)) => return Some(length),
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(_) => {}
            }
        }
        None
    }

    /// One datagram; `None` if it came from further away than the link, or is longer than any hello.
    fn message(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let mut parts = [IoSliceMut::new(buffer)];
        let mut control = nix::cmsg_space!(libc::c_int);
        let flags = MsgFlags::MSG_DONTWAIT;
        let message = recvmsg::<SockaddrStorage>(self.socket.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
        let near = message.cmsgs().into_iter().flatten().any(|control| match control {
            ControlMessageOwned::Ipv4Ttl(hops) | ControlMessageOwned::Ipv6HopLimit(hops) => {
                u32::try_from(hops) == Ok(TTL)
            }
            _ => false,
        });
        let whole = !message.flags.contains(MsgFlags::MSG_TRUNC) && message.bytes <= LONGEST;
        Ok((near && whole).then_some(message.bytes))
    }
}

/// A link-local address means nothing without its interface.
fn scoped(address: IpAddr, link: u32) -> SocketAddr {
    match address {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => SocketAddrV6::new(v6, PORT, 0, link).into(),
        other => SocketAddr::new(other, PORT),
    }
}
