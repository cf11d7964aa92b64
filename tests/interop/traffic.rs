//! Numbered packets of both families between two nodes, and how many did not arrive.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use nix::sys::socket::{setsockopt, sockopt};

use crate::runner::Lab;
use crate::watch::Watch;

const PORT: u16 = 9000;

/// Between two packets of one way.
const PACE: Duration = Duration::from_millis(2);

/// What is on its way when the sender stops has so long to arrive.
const STRAGGLERS: Duration = Duration::from_millis(300);

/// So many lost packets of a way are told one by one.
const TOLD: usize = 20;

/// A receiver looks so often whether it shall stop.
const PAUSE: Duration = Duration::from_millis(50);

/// Room for what comes while a receiver waits for a processor, in octets: the kernel's own is full after half a second.
const BUFFER: usize = 16 << 20;

/// Packets from one address to another.
struct Way {
    from: IpAddr,
    to: IpAddr,
    sender: JoinHandle<Sent>,
    sink: JoinHandle<BTreeSet<usize>>,
}

/// When each packet was sent, by its number, and what the kernel said of those that it did not take.
#[derive(Default)]
struct Sent {
    times: Vec<Timestamp>,
    refused: Vec<(usize, io::Error)>,
}

/// Packets on all ways.
pub(crate) struct Traffic {
    watch: Watch,
    send: Arc<AtomicBool>,
    receive: Arc<AtomicBool>,
    ways: Vec<Way>,
}

impl Traffic {
    /// Sends from the first node to the second on each pair of addresses, and back.
    ///
    /// The kernels of the two nodes and of what is between them are watched.
    pub(crate) fn start(lab: &mut Lab, nodes: [&str; 2], between: &str, pairs: &[[IpAddr; 2]]) -> Result<Self> {
        let watch = Watch::start(lab, &[nodes[0], between, nodes[1]])?;
        let mut traffic = Self { watch, send: Arc::new(true.into()), receive: Arc::new(true.into()), ways: Vec::new() };
        for [here, there] in pairs {
            traffic.way(lab, nodes, *here, *there)?;
            traffic.way(lab, [nodes[1], nodes[0]], *there, *here)?;
        }
        Ok(traffic)
    }

    fn way(&mut self, lab: &Lab, [node, other]: [&str; 2], from: IpAddr, to: IpAddr) -> Result<()> {
        let sink = lab.inside(other, || UdpSocket::bind(SocketAddr::new(to, PORT)))??;
        sink.set_read_timeout(Some(PAUSE))?;
        setsockopt(&sink, sockopt::RcvBufForce, &BUFFER)?;
        let on = Arc::clone(&self.receive);
        let sink = thread::spawn(move || {
            let (mut came, mut packet) = (BTreeSet::new(), [0; 8]);
            loop {
                match sink.recv_from(&mut packet) {
                    Ok((_, sender)) if sender.ip() == from => _ = came.insert(u64::from_be_bytes(packet) as usize),
                    Ok(_) => {}
                    Err(_) if on.load(Ordering::Relaxed) => {}
                    Err(_) => return came,
                }
            }
        });
        let socket = lab.inside(node, || UdpSocket::bind(SocketAddr::new(from, 0)))??;
        let on = Arc::clone(&self.send);
        let sender = thread::spawn(move || {
            let mut sent = Sent::default();
            while on.load(Ordering::Relaxed) {
                // What cannot be sent counts as sent, and so as lost.
                let number = sent.times.len();
                sent.times.push(Timestamp::now());
                if let Err(error) = socket.send_to(&(number as u64).to_be_bytes(), SocketAddr::new(to, PORT)) {
                    sent.refused.push((number, error));
                }
                thread::sleep(PACE);
            }
            sent
        });
        self.ways.push(Way { from, to, sender, sink });
        Ok(())
    }

    /// For so long it runs on: the time is part of what is measured.
    pub(crate) fn run_for(&self, duration: Duration) {
        thread::sleep(duration);
    }

    /// What was lost on each way that lost any, in words, with what the kernels said at that time. Of what goes out from
    /// the addresses that `excused` names, what the sender's own kernel refused is not counted.
    pub(crate) fn stop(self, lab: &Lab, excused: impl Fn(IpAddr) -> bool) -> Vec<String> {
        self.send.store(false, Ordering::Relaxed);
        thread::sleep(STRAGGLERS);
        self.receive.store(false, Ordering::Relaxed);
        let mut out = Vec::new();
        for way in self.ways {
            let Way { from, to, sender, sink } = way;
            let (sent, came) = (sender.join().unwrap_or_default(), sink.join().unwrap_or_default());
            let refused: BTreeSet<usize> = sent.refused.iter().map(|(number, _)| *number).collect();
            let counts = |number: &usize| !(came.contains(number) || (excused(from) && refused.contains(number)));
            let lost: Vec<_> = sent.times.iter().enumerate().filter(|(number, _)| counts(number)).collect();
            let times: Vec<Timestamp> = lost.iter().map(|(_, time)| **time).collect();
            if !lost.is_empty() {
                let all = sent.times.len();
                let some = &lost[..lost.len().min(TOLD)];
                let refused = &sent.refused[..sent.refused.len().min(TOLD)];
                out.push(format!(
                    "{} of {all} from {from} to {to}: {some:?}; refused by its own kernel: {refused:?}\n{}",
                    lost.len(),
                    self.watch.tell(lab, &times)
                ));
            }
        }
        out
    }
}
