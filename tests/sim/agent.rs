//! BFD on hosts of values: what the agent's process does, with the table of the real one, over wires that may be silent.

use std::time::Duration;

use twinspan::bfd::{Arrival, Effect, Plan, Settings, Table, Wanted};
use twinspan::speaker::Input;
use twinspan::types::{LinkIndex, Time};

use crate::happening::{Happening, Lane};
use crate::world::World;

/// The agent of one host. It lives on when the speaker is killed.
pub struct Agent {
    table: Table,
    plans: Vec<Plan>,
    /// Since when there is no speaker.
    absent: Option<Time>,
}

impl Agent {
    pub fn new(seed: u64) -> Self {
        Self { table: Table::new(seed), plans: Vec::new(), absent: None }
    }

    /// When it has something to do.
    pub fn deadline(&self) -> Option<Time> {
        let absence = self.plans.iter().filter_map(|plan| Some(self.absent? + plan.absence)).min();
        self.table.deadline().into_iter().chain(absence).min()
    }
}

impl World {
    /// What a speaker wants of its agent.
    pub fn watch(&mut self, host: usize, plans: Vec<Plan>) {
        let (now, mut out) = (self.at(host), Vec::new());
        self.hosts[host].due[1] = None;
        let agent = &mut self.hosts[host].agent;
        let wanted = plans.iter().map(|plan| Wanted {
            path: plan.path.clone(),
            settings: Settings {
                interval: plan.interval,
                multiplier: plan.multiplier,
                passive: plan.passive,
                key: None,
            },
        });
        agent.table.want(now, wanted.collect(), &mut out);
        agent.plans = plans;
        let ids: Vec<u32> = agent.table.ids().collect();
        for id in ids {
            let name = self.hosts[host].agent.table.path(id).and_then(|path| path.interface.clone());
            let link = name.and_then(|name| self.interface(host, &name)).map(|link| link.get());
            self.hosts[host].agent.table.set_link(id, link);
        }
        self.carry(host, out);
    }

    /// A speaker finds the agent that an earlier one left.
    pub fn adopt(&mut self, host: usize) {
        self.hosts[host].agent.absent = None;
        self.hosts[host].due[1] = None;
        let reports: Vec<_> = self.hosts[host].agent.table.reports(self.at(host)).collect();
        for report in reports {
            self.tell(host, Input::Bfd(report));
        }
    }

    /// The speaker is gone.
    pub fn abandon(&mut self, host: usize) {
        self.hosts[host].agent.absent = Some(self.at(host));
        self.hosts[host].due[1] = None;
    }

    /// Does what is due at an agent.
    pub fn tick_agent(&mut self, host: usize) {
        let (now, mut out) = (self.at(host), Vec::new());
        self.hosts[host].due[1] = None;
        let agent = &mut self.hosts[host].agent;
        agent.table.tick(now, &mut out);
        if let Some(since) = agent.absent {
            let (late, rest) = std::mem::take(&mut agent.plans).into_iter().partition(|p| since + p.absence <= now);
            agent.plans = rest;
            let late: Vec<Plan> = late;
            for plan in late {
                agent.table.fail(now, &plan.path, &mut out);
            }
        }
        self.carry(host, out);
    }

    /// A packet has come to an agent.
    pub fn packet(&mut self, host: usize, arrival: &Arrival, octets: &[u8]) {
        let (now, mut out) = (self.at(host), Vec::new());
        self.hosts[host].due[1] = None;
        let _ = self.hosts[host].agent.table.receive(now, arrival, octets, &mut out);
        self.carry(host, out);
    }

    /// How long the far ends of the sessions that are up are believed.
    pub fn detections(&self, host: usize) -> Vec<Duration> {
        let all = self.hosts[host].agent.table.reports(self.at(host));
        all.filter(|report| report.is_up()).map(|report| report.status.detection_time).collect()
    }

    /// How long the far end on an interface is believed, if BFD has found it alive.
    pub fn detection(&self, host: usize, link: LinkIndex) -> Option<Duration> {
        let name = &self.hosts[host].interfaces.iter().find(|(index, ..)| *index == link)?.1;
        let mut all = self.hosts[host].agent.table.reports(self.at(host));
        let here = all.find(|report| report.path.interface.as_ref() == Some(name) && report.is_up())?;
        Some(here.status.detection_time)
    }

    fn carry(&mut self, host: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(id, wire) => {
                    let path = self.hosts[host].agent.table.path(id).cloned();
                    let Some((path, name)) = path.and_then(|path| Some((path.clone(), path.interface?))) else {
                        continue;
                    };
                    let Some((far, link, wired)) = self.far_end(host, &name) else { continue };
                    if self.blind && name == "eth1" {
                        continue;
                    }
                    if self.silent.contains(&wired) || self.mute.contains(&(host, wired)) {
                        continue;
                    }
                    let (local, remote, link) = (path.remote, path.local, link.get());
                    let arrival = Arrival { local, remote, link, ttl: 255, multihop: false };
                    let Some(slow) = self.endures(wired) else { continue };
                    let delay = Duration::from_micros(self.chance.u64(50..500)) + slow;
                    self.on(Lane::Packets(wired), delay, Happening::Packet(far, arrival, wire));
                }
                Effect::Changed(id) => {
                    if let Some(report) = self.hosts[host].agent.table.report(self.at(host), id) {
                        let run = self.hosts[host].run;
                        self.later(Happening::Tell(host, run, Input::Bfd(report)));
                    }
                }
                Effect::Gone(_) => {}
            }
        }
    }
}
