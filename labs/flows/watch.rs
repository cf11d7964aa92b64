//! Sees which interface of a node each packet of a flow comes in through.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use nix::net::if_::if_nameindex;
use nix::sys::socket::{LinkAddr, recvfrom};
use socket2::{Domain, Protocol, Socket, Type};

use super::{Flow, PAUSE, Running, STRAGGLERS, with_room};

/// Packets seen, by flow and by the interface through which they came in.
pub type Seen = BTreeMap<Flow, BTreeMap<String, u64>>;

/// An open watch over all interfaces of a node, for packets that come in to one UDP port.
#[derive(Debug)]
pub struct Watch {
    socket: Socket,
    names: BTreeMap<usize, String>,
    port: u16,
}

impl Watch {
    /// Opens it, in the network namespace of the calling thread; interfaces made later are not known to it.
    pub fn open(port: u16) -> io::Result<Self> {
        let socket = tap()?;
        with_room(&socket)?;
        let names = if_nameindex()?;
        let names = names.iter().map(|i| (i.index() as usize, i.name().to_string_lossy().into_owned())).collect();
        Ok(Self { socket, names, port })
    }

    /// Watches until stopped.
    pub fn start(self) -> Running<Seen> {
        Running::start(move |stop| self.run(stop))
    }

    fn run(&self, stop: &AtomicBool) -> Seen {
        let mut seen = Seen::new();
        let mut packet = [0; 128];
        let mut told: Option<Instant> = None;
        loop {
            // Who is told to stop while packets still come does not wait for their end.
            if stop.load(Ordering::Relaxed) && told.get_or_insert_with(Instant::now).elapsed() > STRAGGLERS {
                return seen;
            }
            match recvfrom::<LinkAddr>(self.socket.as_raw_fd(), &mut packet) {
                Ok((length, Some(from))) => {
                    let Some(flow) = packet.get(..length).and_then(|packet| flow_to(self.port, packet)) else {
                        continue;
                    };
                    let index = from.ifindex();
                    let name = self.names.get(&index).cloned().unwrap_or_else(|| format!("#{index}"));
                    *seen.entry(flow).or_default().entry(name).or_default() += 1;
                }
                Ok((_, None)) => {}
                Err(_) if stop.load(Ordering::Relaxed) => return seen,
                Err(_) => {}
            }
        }
    }
}

/// A socket that sees all IPv4 packets that come in, without their link headers; what goes out is not seen by it.
pub(super) fn tap() -> io::Result<Socket> {
    let protocol = Protocol::from(i32::from(u16::try_from(libc::ETH_P_IP).unwrap_or_default().to_be()));
    let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(protocol))?;
    socket.set_read_timeout(Some(PAUSE))?;
    Ok(socket)
}

/// The flow of an IPv4 packet, if it is UDP to `port`.
pub(super) fn flow_to(port: u16, packet: &[u8]) -> Option<Flow> {
    let header = usize::from(packet.first()? & 0x0f) * 4;
    let udp = *packet.get(9)? == 17;
    let to: [u8; 4] = packet.get(16..20)?.try_into().ok()?;
    let ports = packet.get(header..header + 4)?;
    let word = |at: usize| Some(u16::from_be_bytes([*ports.get(at)?, *ports.get(at + 1)?]));
    (udp && word(2)? == port).then_some(Flow { port: word(0)?, to: Ipv4Addr::from(to) })
}
