//! Sends flows at an even pace.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Flow, Running};

/// What to send.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The flows go to these in turn.
    pub to: Vec<Ipv4Addr>,
    /// The sink's port.
    pub port: u16,
    /// The first flow's source port; the next flow has the next.
    pub first_port: u16,
    /// How many flows.
    pub flows: u16,
    /// Packets a second, of all flows together.
    pub rate: u32,
    /// For how long; until stopped if `None`.
    pub duration: Option<Duration>,
}

/// Packets sent, by flow.
pub type Sent = BTreeMap<Flow, u64>;

/// When each packet was sent.
#[derive(Debug)]
pub struct Log {
    /// The flows, in the order in which they take turns.
    pub flows: Vec<Flow>,
    /// Packets sent, by flow.
    pub sent: Sent,
    /// One instant a packet: packet `n` of the flow at place `i` is at `n * flows + i`.
    pub at: Vec<Instant>,
}

/// An open sender: one socket a flow.
#[derive(Debug)]
pub struct Sender {
    plan: Plan,
    sockets: Vec<(Flow, UdpSocket)>,
}

impl Sender {
    /// Opens the sockets, in the network namespace of the calling thread.
    pub fn open(plan: Plan) -> io::Result<Self> {
        if plan.to.is_empty() || plan.rate == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "nowhere to send to, or no packets a second"));
        }
        let sockets = (plan.first_port..)
            .zip(plan.to.iter().cycle())
            .take(plan.flows.into())
            .map(|(port, to)| Ok((Flow { port, to: *to }, UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))?)))
            .collect::<io::Result<_>>()?;
        Ok(Self { plan, sockets })
    }

    /// Sends; what could not be sent counts as sent, and so as lost.
    pub fn start(self) -> Running<Sent> {
        Running::start(move |stop| self.run(stop, |_| ()))
    }

    /// Sends, and keeps when each packet was sent.
    pub fn start_logged(self) -> Running<Log> {
        Running::start(move |stop| {
            let mut at = Vec::new();
            let sent = self.run(stop, |now| at.push(now));
            Log { flows: self.sockets.iter().map(|(flow, _)| *flow).collect(), sent, at }
        })
    }

    fn run(&self, stop: &AtomicBool, mut note: impl FnMut(Instant)) -> Sent {
        let mut sent: Sent = self.sockets.iter().map(|(flow, _)| (*flow, 0)).collect();
        let start = Instant::now();
        let interval = Duration::from_secs(1) / self.plan.rate;
        let mut due = Duration::ZERO;
        // Whole rounds only: at the end every flow has sent the same number.
        while !stop.load(Ordering::Relaxed) && self.plan.duration.is_none_or(|limit| due < limit) {
            for (flow, socket) in &self.sockets {
                if let Some(early) = due.checked_sub(start.elapsed()) {
                    thread::sleep(early);
                }
                due += interval;
                let number = sent.entry(*flow).or_default();
                note(Instant::now());
                let _ = socket.send_to(&number.to_be_bytes(), (flow.to, self.plan.port));
                *number += 1;
            }
        }
        sent
    }
}
