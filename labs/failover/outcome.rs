//! What came of one event: counted from what was sent and what arrived.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::event::Event;
use super::speaker::Speaker;
use crate::flows::{Log, Packet};

/// Packets sent so shortly before an event may still have met it.
const ON_THE_WAY: Duration = Duration::from_millis(10);

/// One line of the results.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Row {
    /// The first load of the four devices' tables.
    Load(Load),
    /// One event.
    Failover(Outcome),
}

/// What the first load took.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct Load {
    /// Who.
    pub speaker: Speaker,
    /// Prefixes a table.
    pub prefixes: usize,
    /// Which time, from 1.
    pub round: u32,
    /// From the first UPDATE until the kernel has all members and the speaker is idle, in seconds.
    pub seconds: f64,
    /// Processor time of all of the speaker's processes, in seconds.
    pub cpu_seconds: f64,
    /// The sum of their peaks of resident memory, in octets.
    pub peak_octets: u64,
}

/// What one event did.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct Outcome {
    /// Who.
    pub speaker: Speaker,
    /// Prefixes a table.
    pub prefixes: usize,
    /// Which time, from 1.
    pub round: u32,
    /// What happened.
    pub event: Event,
    /// From the event until the kernel forwards the first, and the last, of the probed prefixes over a live way, in
    /// milliseconds; `None` where nothing was probed, or it never did.
    pub kernel_first_ms: Option<f64>,
    /// See there.
    pub kernel_last_ms: Option<f64>,
    /// Prefixes probed.
    pub probed: usize,
    /// Processor time of the speaker from the event until it was idle again, in seconds.
    pub cpu_seconds: f64,
    /// The kernel came to hold exactly the live ways.
    pub settled: bool,
    /// After the return, the kernel came to hold all four tunnels; `None` where there is no return.
    pub returned: Option<bool>,
    /// From the return of the way until the last member was back, in seconds.
    pub return_seconds: Option<f64>,
    /// What the flows say.
    #[serde(flatten)]
    pub traffic: Traffic,
}

/// What the flows say of one event.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Traffic {
    /// From the event until the last lost packet was sent, in milliseconds; 0 where none was lost.
    pub last_lost_ms: f64,
    /// Flows that were on the way that failed, and on the others.
    pub flows_on_it: usize,
    /// See there.
    pub flows_elsewhere: usize,
    /// Packets lost of the flows that were on the way that failed, until its return.
    pub lost_on_it: usize,
    /// And of the others.
    pub lost_elsewhere: usize,
    /// Flows of the others of which a packet came through another way, until the return.
    pub moved: usize,
    /// After the return: flows of which a packet came through another way than just before.
    pub moved_back: Option<usize>,
    /// After the return: packets lost.
    pub lost_back: Option<usize>,
    /// Packets lost before the event: what the machine loses by itself.
    pub lost_before: usize,
    /// Flows whose way before the event was not the one that the kernel had told.
    pub mistaken: usize,
}

/// When what happened.
#[derive(Clone, Copy, Debug)]
pub struct Marks {
    /// The event.
    pub event: Instant,
    /// The way was given back.
    pub back: Option<Instant>,
    /// The sink's interface behind the way that failed.
    pub failed: u32,
}

impl Traffic {
    /// Counts. `told` is the sink's interface that the kernel had told for each flow before the event.
    pub fn count(log: &Log, packets: &[Packet], marks: &Marks, told: &[u32]) -> Self {
        let flows = log.flows.len();
        // 0 is no interface: lost.
        let mut arrived = vec![0_u32; log.at.len()];
        let first = log.flows.first().map_or(0, |flow| flow.port);
        for packet in packets {
            let place = usize::from(packet.port.wrapping_sub(first));
            let at = usize::try_from(packet.number).ok().and_then(|n| n.checked_mul(flows)?.checked_add(place));
            if let Some(slot) = at.filter(|_| place < flows).and_then(|at| arrived.get_mut(at)) {
                *slot = packet.interface;
            }
        }
        let mut traffic = Self::default();
        let mut home = vec![0_u32; flows];
        let mut last = vec![0_u32; flows];
        let (mut moved, mut moved_back, mut lost_back) = (BTreeSet::new(), BTreeSet::new(), 0);
        let start = marks.event - ON_THE_WAY;
        for (at, (sent, came)) in log.at.iter().zip(&arrived).enumerate() {
            let flow = at % flows;
            let (Some(home), Some(last)) = (home.get_mut(flow), last.get_mut(flow)) else { continue };
            let after = marks.back.is_some_and(|back| *sent >= back);
            match (*came, *sent < start, after) {
                (0, true, _) => traffic.lost_before += 1,
                (0, false, false) => {
                    if *home == marks.failed {
                        traffic.lost_on_it += 1;
                    } else {
                        traffic.lost_elsewhere += 1;
                    }
                    let late = sent.saturating_duration_since(marks.event).as_secs_f64() * 1000.0;
                    traffic.last_lost_ms = traffic.last_lost_ms.max(late);
                }
                (0, false, true) => lost_back += 1,
                (came, true, _) => {
                    *home = came;
                    *last = came;
                }
                (came, false, false) => {
                    if *home != marks.failed && came != *home {
                        moved.insert(flow);
                    }
                    *last = came;
                }
                (came, false, true) => {
                    if came != *last {
                        moved_back.insert(flow);
                    }
                }
            }
        }
        traffic.flows_on_it = home.iter().filter(|home| **home == marks.failed).count();
        traffic.flows_elsewhere = flows - traffic.flows_on_it;
        traffic.mistaken = home.iter().zip(told).filter(|(home, told)| home != told).count();
        traffic.moved = moved.len();
        if marks.back.is_some() {
            traffic.moved_back = Some(moved_back.len());
            traffic.lost_back = Some(lost_back);
        }
        traffic
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::flows::Flow;

    /// Two flows, one packet of each a second; `None` is lost.
    fn counted(came: &[[Option<u32>; 2]], event: f64, back: f64) -> Traffic {
        let zero = Instant::now();
        let flows: Vec<Flow> = [7, 8].into_iter().map(|port| Flow { port, to: Ipv4Addr::new(1, 1, 1, 1) }).collect();
        let at = (0..came.len()).flat_map(|second| [zero + Duration::from_secs(second as u64); 2]).collect();
        let log = Log { flows: flows.clone(), sent: Default::default(), at };
        let mut packets = Vec::new();
        for (number, both) in came.iter().enumerate() {
            for (flow, interface) in flows.iter().zip(both) {
                packets.extend(interface.map(|interface| Packet { port: flow.port, number: number as u64, interface }));
            }
        }
        let mark = |seconds| zero + Duration::from_secs_f64(seconds);
        Traffic::count(&log, &packets, &Marks { event: mark(event), back: Some(mark(back)), failed: 1 }, &[1, 2])
    }

    #[test]
    fn what_was_lost_on_the_failed_way_and_when_the_last_was_sent() {
        let traffic = counted(&[[Some(1), Some(2)], [None, Some(2)], [None, Some(2)], [Some(3), Some(2)]], 0.5, 9.0);
        assert_eq!((traffic.lost_on_it, traffic.lost_elsewhere, traffic.moved), (2, 0, 0));
        assert_eq!((traffic.flows_on_it, traffic.flows_elsewhere, traffic.mistaken), (1, 1, 0));
        assert!((traffic.last_lost_ms - 1500.0).abs() < 1e-6, "{}", traffic.last_lost_ms);
    }

    #[test]
    fn a_flow_of_a_live_way_that_comes_through_another_has_moved_also_if_it_goes_back() {
        let traffic = counted(&[[Some(1), Some(2)], [Some(3), Some(3)], [Some(3), Some(2)]], 0.5, 9.0);
        assert_eq!((traffic.moved, traffic.moved_back), (1, Some(0)));
    }

    #[test]
    fn after_the_return_every_flow_that_changes_its_way_counts() {
        let traffic = counted(&[[Some(1), Some(2)], [Some(3), Some(2)], [Some(1), None], [Some(1), Some(2)]], 0.5, 1.5);
        assert_eq!((traffic.moved, traffic.moved_back, traffic.lost_back), (0, Some(1), Some(1)));
    }

    #[test]
    fn a_flow_that_the_kernel_told_wrongly_is_seen() {
        assert_eq!(counted(&[[Some(1), Some(3)]], 0.5, 9.0).mistaken, 1);
    }
}
