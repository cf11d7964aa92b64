//! Counted packets both ways between the cloud and the site of a lab, and which tunnel each flow takes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::flows::{Flow, Plan, Received, Running, STRAGGLERS, Seen, Sender, Sent, Sink, Watch, lost};
use crate::gateway::{Gateway, INSTANCES};
use crate::runner::Lab;

const PORT: u16 = 9000;
const CLOUD_HOST: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 10);
pub(crate) const SITE_HOST: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 52, 1, 10), Ipv4Addr::new(10, 53, 0, 10)];
/// At the far ends of the tunnels.
const DEVICES: [&str; 3] = ["hq-1", "hq-2", "hq-3"];

/// Flows one way.
pub(crate) struct OneWay {
    sender: Running<Sent>,
    sink: Running<BTreeMap<u16, Received>>,
}

impl OneWay {
    pub(crate) fn start(lab: &Lab, from: &str, to: &str, addresses: &[Ipv4Addr]) -> Result<Self> {
        let sink = lab.inside(to, || Sink::open(PORT))??.start();
        let plan =
            Plan { to: addresses.to_vec(), port: PORT, first_port: 20_000, flows: 64, rate: 1_000, duration: None };
        let sender = lab.inside(from, || Sender::open(plan))??.start();
        Ok(Self { sender, sink })
    }

    /// What was lost, by flow.
    pub(crate) fn stop(self) -> BTreeMap<u16, u64> {
        let sent = self.sender.stop();
        thread::sleep(STRAGGLERS);
        lost(&sent, &self.sink.stop())
    }
}

/// Flows both ways.
pub(crate) struct Traffic {
    pub(crate) down: OneWay,
    pub(crate) up: OneWay,
}

impl Traffic {
    pub(crate) fn start(gateway: &Gateway) -> Result<Self> {
        Self::start_to(gateway, &SITE_HOST)
    }

    /// The flows to the site go to these addresses in turn.
    pub(crate) fn start_to(gateway: &Gateway, site: &[Ipv4Addr]) -> Result<Self> {
        let traffic = Self {
            down: OneWay::start(&gateway.lab, "cloud-host", "site-host", site)?,
            up: OneWay::start(&gateway.lab, "site-host", "cloud-host", &[CLOUD_HOST])?,
        };
        thread::sleep(Duration::from_secs(1));
        Ok(traffic)
    }

    /// For so long the flows run on: the time is part of what is measured.
    pub(crate) fn run_for(&self, duration: Duration) {
        thread::sleep(duration);
    }

    pub(crate) fn stop_without_loss(self) {
        let (down, up) = (self.down.stop(), self.up.stop());
        assert_eq!((down, up), (BTreeMap::new(), BTreeMap::new()), "lost to the site, and to the cloud");
    }
}

/// Who sees which flow come in through which interface, on all nodes at both ends of the tunnels.
pub(crate) struct Paths(Vec<(&'static str, Running<Seen>)>);

/// The nodes and interfaces that packets of a flow came in through.
pub(crate) type Ways = BTreeMap<Flow, BTreeSet<String>>;

impl Paths {
    pub(crate) fn watch(gateway: &Gateway) -> Result<Self> {
        let open = |node: &'static str| Ok((node, gateway.lab.inside(node, || Watch::open(PORT))??.start()));
        let there = |node: &&str| gateway.lab.topology.nodes.contains_key(*node);
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

/// Flows that did not stay on one tunnel.
pub(crate) fn moved(ways: &Ways) -> Ways {
    ways.iter().filter(|(_, through)| through.len() != 1).map(|(flow, through)| (*flow, through.clone())).collect()
}
