//! The shared address in the kernel: put there with a lifetime and our mark, and taken away only where that mark is.

use std::{io, net::IpAddr, time::Duration};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressMessage, AddressProtocol, AddressScope, CacheInfo,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::TimeVal;

use super::super::Shared;

/// The kernel answers within the system call that asks, so this is for a kernel that is in trouble.
const LIMIT: i64 = 5;
/// The lifetime of an address that stays until it is taken away.
const FOREVER: u32 = u32::MAX;

/// Whose an address is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Owner {
    /// Nobody has put it there.
    Nobody,
    /// We have, and it goes by itself.
    Us,
    /// Somebody else has.
    Another,
}

/// The kernel's addresses.
pub(super) struct Addresses {
    socket: Socket,
    sequence: u32,
}

impl Addresses {
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::new(LIMIT, 0))?;
        Ok(Self { socket, sequence: 0 })
    }

    /// Whose the address is now.
    pub(super) fn owner(&mut self, shared: &Shared) -> io::Result<Owner> {
        let index = index(shared)?;
        let mut owner = Owner::Nobody;
        let mut message = AddressMessage::default();
        message.header.family = family(shared.address);
        self.ask(RouteNetlinkMessage::GetAddress(message), NLM_F_DUMP, |found| {
            let RouteNetlinkMessage::NewAddress(found) = found else { return };
            if found.header.index == index && has(&found, shared.address) {
                owner = if ours(&found, shared.protocol) { Owner::Us } else { Owner::Another };
            }
        })?;
        Ok(owner)
    }

    /// Puts the address there for that time from now, or lets one of ours stay so long.
    pub(super) fn put(&mut self, shared: &Shared, lifetime: Duration) -> io::Result<()> {
        let seconds = u32::try_from(lifetime.as_secs()).unwrap_or(FOREVER - 1).max(1);
        let mut message = message(shared)?;
        let mut lasts = CacheInfo::default();
        lasts.ifa_valid = seconds;
        lasts.ifa_preferred = seconds;
        message.attributes.extend([
            AddressAttribute::CacheInfo(lasts),
            // It was another's a moment ago, and is wanted at once.
            AddressAttribute::Flags(AddressFlags::Nodad),
            AddressAttribute::Protocol(AddressProtocol::Other(shared.protocol)),
        ]);
        self.ask(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, |_| {})
    }

    /// Takes it away, if it is ours.
    pub(super) fn remove(&mut self, shared: &Shared) -> io::Result<()> {
        if self.owner(shared)? != Owner::Us {
            return Ok(());
        }
        let message = message(shared)?;
        match self.ask(RouteNetlinkMessage::DelAddress(message), NLM_F_ACK, |_| {}) {
            Err(error) if error.raw_os_error() == Some(Errno::EADDRNOTAVAIL as i32) => Ok(()),
            done => done,
        }
    }

    fn ask(
        &mut self,
        request: RouteNetlinkMessage,
        flags: u16,
        mut part: impl FnMut(RouteNetlinkMessage),
    ) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut request = NetlinkMessage::new(header, NetlinkPayload::from(request));
        request.finalize();
        let mut octets = vec![0; request.buffer_len()];
        request.serialize(&mut octets);
        self.socket.send(&octets, 0)?;
        let mut answer = Vec::with_capacity(64 << 10);
        loop {
            answer.clear();
            self.socket.recv(&mut answer, 0)?;
            let mut rest = answer.as_slice();
            while !rest.is_empty() {
                let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest)
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
                let length = (message.header.length as usize).next_multiple_of(4).max(16);
                rest = rest.get(length..).unwrap_or_default();
                if message.header.sequence_number != self.sequence {
                    continue;
                }
                match message.payload {
                    NetlinkPayload::Done(_) => return Ok(()),
                    NetlinkPayload::Error(error) if error.code.is_none() => return Ok(()),
                    NetlinkPayload::Error(error) => return Err(error.to_io()),
                    NetlinkPayload::InnerMessage(inner) => part(inner),
                    _ => {}
                }
            }
        }
    }
}

fn message(shared: &Shared) -> io::Result<AddressMessage> {
    let mut message = AddressMessage::default();
    message.header.family = family(shared.address);
    message.header.prefix_len = if shared.address.is_ipv4() { 32 } else { 128 };
    message.header.scope = AddressScope::Universe;
    message.header.index = index(shared)?;
    message.attributes = vec![AddressAttribute::Local(shared.address), AddressAttribute::Address(shared.address)];
    Ok(message)
}

fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

fn index(shared: &Shared) -> io::Result<u32> {
    let name = shared.on();
    if_nametoindex(name).map_err(|_| io::Error::new(io::ErrorKind::NotFound, format!("there is no interface {name}")))
}

fn has(found: &AddressMessage, address: IpAddr) -> bool {
    found.attributes.iter().any(|attribute| match attribute {
        AddressAttribute::Local(found) | AddressAttribute::Address(found) => *found == address,
        _ => false,
    })
}

/// Our mark, and a time at which it ends.
fn ours(found: &AddressMessage, protocol: u8) -> bool {
    let marked = found.attributes.contains(&AddressAttribute::Protocol(AddressProtocol::Other(protocol)));
    let ends = found.attributes.iter().any(|attribute| match attribute {
        AddressAttribute::CacheInfo(lasts) => lasts.ifa_valid != FOREVER,
        _ => false,
    });
    marked && ends
}
