//! Counted packets both ways between the cloud and the sites of a lab.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::flows::{Flow, Plan, Received, Running, STRAGGLERS, Seen, Sender, Sent, Sink, Watch, lost};
use crate::runner::Lab;

/// The sinks' port.
pub(crate) const PORT: u16 = 9000;
/// In the cloud network of every lab.
pub(crate) const CLOUD_HOST: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 10);
/// The instances.
const INSTANCES: [&str; 2] = ["in-0", "in-1"];
/// At the far ends of the tunnels.
const DEVICES: [&str; 3] = ["hq-1", "hq-2", "hq-3"];
/// How many flows go each way.
const FLOWS: u16 = 64;

/// Flows one way.
pub(crate) struct OneWay {
    sender: Running<Sent>,
    sink: Running<BTreeMap<u16, Received>>,
}

impl OneWay {
    /// So many packets a second from one node to addresses of another, in turn.
    pub(crate) fn start(lab: &Lab, from: &str, to: &str, addresses: &[Ipv4Addr], rate: u32) -> Result<Self> {
        let sink = lab.inside(to, || Sink::open(PORT))??.start();
        let plan = Plan { to: addresses.to_vec(), port: PORT, first_port: 20_000, flows: FLOWS, rate, duration: None };
        let sender = lab.inside(from, || Sender::open(plan))??.start();
        Ok(Self { sender, sink })
    }

    /// What was lost, by flow.
    pub(crate) fn stop(self) -> BTreeMap<u16, u64> {
        self.count().1
    }

    /// How many were sent, and what was lost, by flow.
    pub(crate) fn count(self) -> (u64, BTreeMap<u16, u64>) {
        let sent = self.sender.stop();
        thread::sleep(STRAGGLERS);
        let lost = lost(&sent, &self.sink.stop());
        (sent.values().sum(), lost)
    }
}

/// Flows both ways.
pub(crate) struct Traffic {
    pub(crate) down: OneWay,
    pub(crate) up: OneWay,
}

impl Traffic {
    /// Between `cloud-host` and `site-host`, for a second already when this returns.
    pub(crate) fn between(lab: &Lab, site: &[Ipv4Addr], cloud: &[Ipv4Addr], rate: u32) -> Result<Self> {
        let traffic = Self {
            down: OneWay::start(lab, "cloud-host", "site-host", site, rate)?,
            up: OneWay::start(lab, "site-host", "cloud-host", cloud, rate)?,
        };
        thread::sleep(Duration::from_secs(1));
        Ok(traffic)
    }

    /// For so long the flows run on: the time is part of what is measured.
    pub(crate) fn run_for(&self, duration: Duration) {
        thread::sleep(duration);
    }
}

/// Who sees which flow come in through which interface, on all nodes at both ends of the tunnels.
pub(crate) struct Paths(Vec<(&'static str, Running<Seen>)>);

/// The nodes and interfaces that packets of a flow came in through.
pub(crate) type Ways = BTreeMap<Flow, BTreeSet<String>>;

impl Paths {
    pub(crate) fn watch(lab: &Lab) -> Result<Self> {
        let open = |node: &'static str| Ok((node, lab.inside(node, || Watch::open(PORT))??.start()));
        let there = |node: &&str| lab.topology.nodes.contains_key(*node);
        Ok(Self(INSTANCES.into_iter().chain(DEVICES).filter(there).map(open).collect::<Result<_>>()?))
    }

    /// The tunnels of the flows to the site, and of those to the cloud.
    pub(crate) fn stop(self) -> (Ways, Ways) {
        let (mut down, mut up) = (Ways::new(), Ways::new());
        for (node, running) in self.0 {
            for (flow, interfaces) in running.stop() {
                let (ways, ends) =
                    if flow.to == CLOUD_HOST { (&mut up, &INSTANCES[..]) } else { (&mut down, &DEVICES[..]) };
                if ends.contains(&node) {
                    let through = interfaces.into_keys().map(|interface| format!("{node} {interface}"));
                    ways.entry(flow).or_default().extend(through);
                }
            }
        }
        (down, up)
    }
}
