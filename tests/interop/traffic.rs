//! Numbered packets of both families between two nodes, and how many did not arrive.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Result;

use crate::runner::Lab;

const PORT: u16 = 9000;

/// Between two packets of one way.
const PACE: Duration = Duration::from_millis(2);

/// What is on its way when the sender stops has so long to arrive.
const STRAGGLERS: Duration = Duration::from_millis(300);

/// A receiver looks so often whether it shall stop.
const PAUSE: Duration = Duration::from_millis(50);

/// Packets from one address to another.
struct Way {
    from: IpAddr,
    to: IpAddr,
    sender: JoinHandle<u64>,
    sink: JoinHandle<BTreeSet<u64>>,
}

/// Packets on all ways.
pub(crate) struct Traffic {
    send: Arc<AtomicBool>,
    receive: Arc<AtomicBool>,
    ways: Vec<Way>,
}

impl Traffic {
    /// Sends from the first node to the second on each pair of addresses, and back.
    pub(crate) fn start(lab: &Lab, nodes: [&str; 2], pairs: &[[IpAddr; 2]]) -> Result<Self> {
        let mut traffic = Self { send: Arc::new(true.into()), receive: Arc::new(true.into()), ways: Vec::new() };
        for [here, there] in pairs {
            traffic.way(lab, nodes, *here, *there)?;
            traffic.way(lab, [nodes[1], nodes[0]], *there, *here)?;
        }
        Ok(traffic)
    }

    fn way(&mut self, lab: &Lab, [node, other]: [&str; 2], from: IpAddr, to: IpAddr) -> Result<()> {
        let sink = lab.inside(other, || UdpSocket::bind(SocketAddr::new(to, PORT)))??;
        sink.set_read_timeout(Some(PAUSE))?;
        let on = Arc::clone(&self.receive);
        let sink = thread::spawn(move || {
            let (mut came, mut packet) = (BTreeSet::new(), [0; 8]);
            loop {
                match sink.recv_from(&mut packet) {
                    Ok((_, sender)) if sender.ip() == from => _ = came.insert(u64::from_be_bytes(packet)),
                    Ok(_) => {}
                    Err(_) if on.load(Ordering::Relaxed) => {}
                    Err(_) => return came,
                }
            }
        });
        let socket = lab.inside(node, || UdpSocket::bind(SocketAddr::new(from, 0)))??;
        let on = Arc::clone(&self.send);
        let sender = thread::spawn(move || {
            let mut sent = 0_u64;
            while on.load(Ordering::Relaxed) {
                // What cannot be sent counts as sent, and so as lost.
                let _ = socket.send_to(&sent.to_be_bytes(), SocketAddr::new(to, PORT));
                sent += 1;
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

    /// What was lost on each way that lost any, in words.
    pub(crate) fn stop(self) -> Vec<String> {
        self.send.store(false, Ordering::Relaxed);
        thread::sleep(STRAGGLERS);
        self.receive.store(false, Ordering::Relaxed);
        let mut out = Vec::new();
        for way in self.ways {
            let (sent, came) = (way.sender.join().unwrap_or(u64::MAX), way.sink.join().unwrap_or_default());
            let lost: Vec<u64> = (0..sent).filter(|number| !came.contains(number)).collect();
            if let (Some(first), Some(last)) = (lost.first(), lost.last()) {
                out.push(format!("{} of {sent} from {} to {}, number {first} to {last}", lost.len(), way.from, way.to));
            }
        }
        out
    }
}
