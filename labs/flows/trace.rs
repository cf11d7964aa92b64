//! Keeps every packet of the flows that comes in to a node: which one, and through which interface.

use std::io;
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::socket::{LinkAddr, recvfrom};
use socket2::Socket;

use super::watch::{flow_to, tap};
use super::{NUMBER_LEN, Running, with_room};

/// The header of UDP, in octets.
const UDP_LEN: usize = 8;

/// One packet that came in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packet {
    /// The flow's source port.
    pub port: u16,
    /// Its number in the flow, from 0.
    pub number: u64,
    /// The index of the interface through which it came.
    pub interface: u32,
}

/// An open trace over all interfaces of a node, for packets to one UDP port.
#[derive(Debug)]
pub struct Trace {
    socket: Socket,
    port: u16,
}

impl Trace {
    /// Opens it, in the network namespace of the calling thread.
    pub fn open(port: u16) -> io::Result<Self> {
        let socket = tap()?;
        with_room(&socket)?;
        Ok(Self { socket, port })
    }

    /// Keeps packets until stopped, in the order in which they came.
    pub fn start(self) -> Running<Vec<Packet>> {
        Running::start(move |stop| self.run(stop))
    }

    fn run(&self, stop: &AtomicBool) -> Vec<Packet> {
        let mut seen = Vec::new();
        let mut packet = [0; 128];
        loop {
            match recvfrom::<LinkAddr>(self.socket.as_raw_fd(), &mut packet) {
                Ok((length, Some(from))) => {
                    let octets = packet.get(..length).unwrap_or_default();
                    let read = flow_to(self.port, octets).zip(number(octets));
                    if let (Some((flow, number)), Ok(interface)) = (read, u32::try_from(from.ifindex())) {
                        seen.push(Packet { port: flow.port, number, interface });
                    }
                }
                Ok((_, None)) => {}
                // Only when nothing is left to read is it time to stop.
                Err(_) if stop.load(Ordering::Relaxed) => return seen,
                Err(_) => {}
            }
        }
    }
}

/// The number in an IPv4 UDP packet of a flow.
fn number(packet: &[u8]) -> Option<u64> {
    let start = usize::from(packet.first()? & 0x0f) * 4 + UDP_LEN;
    Some(u64::from_be_bytes(packet.get(start..start + NUMBER_LEN)?.try_into().ok()?))
}
