//! Receives flows, and says what came, what was late, and how long each was silent.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{NUMBER_LEN, PAUSE, Running, Sent, with_room};

/// What came of one flow.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Received {
    /// Packets.
    pub received: u64,
    /// Packets that came after one with a higher number.
    pub reordered: u64,
    /// The longest time between two packets that came one after the other.
    pub longest_gap_seconds: f64,
    /// One more than the highest number that came: at least so many were sent.
    pub end: u64,
    #[serde(skip)]
    last: Option<Instant>,
}

impl Received {
    fn take(&mut self, number: u64, now: Instant) {
        self.received += 1;
        if number < self.end {
            self.reordered += 1;
        }
        self.end = self.end.max(number.saturating_add(1));
        if let Some(last) = self.last.replace(now) {
            self.longest_gap_seconds = self.longest_gap_seconds.max((now - last).as_secs_f64());
        }
    }
}

/// An open sink: one socket for all flows to one port.
#[derive(Debug)]
pub struct Sink {
    socket: UdpSocket,
}

impl Sink {
    /// Opens it, in the network namespace of the calling thread.
    pub fn open(port: u16) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))?;
        socket.set_read_timeout(Some(PAUSE))?;
        with_room(&socket)?;
        Ok(Self { socket })
    }

    /// Receives until stopped; flows by source port.
    pub fn start(self) -> Running<BTreeMap<u16, Received>> {
        Running::start(move |stop| self.run(stop))
    }

    fn run(&self, stop: &AtomicBool) -> BTreeMap<u16, Received> {
        let mut flows: BTreeMap<u16, Received> = BTreeMap::new();
        let mut packet = [0; NUMBER_LEN];
        loop {
            match self.socket.recv_from(&mut packet) {
                Ok((NUMBER_LEN, SocketAddr::V4(from))) => {
                    flows.entry(from.port()).or_default().take(u64::from_be_bytes(packet), Instant::now());
                }
                Ok(_) => {} // not ours
                // Only when nothing is left to read is it time to stop.
                Err(_) if stop.load(Ordering::Relaxed) => return flows,
                Err(_) => {}
            }
        }
    }
}

/// Packets lost, by source port; flows that lost none are not in it.
pub fn lost(sent: &Sent, received: &BTreeMap<u16, Received>) -> BTreeMap<u16, u64> {
    let came = |port| received.get(port).map_or(0, |flow: &Received| flow.received);
    let lost = sent.iter().map(|(flow, sent)| (flow.port, sent.saturating_sub(came(&flow.port))));
    lost.filter(|(_, lost)| *lost > 0).collect()
}

/// How long a sink waits for stragglers after the sender's end.
pub const STRAGGLERS: Duration = Duration::from_millis(200);
