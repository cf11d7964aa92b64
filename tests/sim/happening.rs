//! What happens in a simulated world, and in which order: nothing overtakes what is before it on its lane.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use twinspan::bfd::{Arrival, Wire};
use twinspan::fib::{Batch, Failure, KernelError, Part, Table};
use twinspan::speaker::Input;
use twinspan::types::Family;

use crate::tcp::End;
use crate::world::World;

/// What happens at a moment.
pub enum Happening {
    Tell(usize, u32, Input),
    /// The kernel gets to a batch.
    Apply(usize, u32, Batch),
    /// The kernel lists what it holds.
    Dump(usize, u32),
    /// News of interfaces was lost, which the monitor finds out and compares.
    Compare(usize, u32),
    /// A part of what the kernel holds is read: objects, then IPv4, then IPv6, then the end.
    Read(usize, u32, u32, u8),
    /// What was sent arrives, unless the connection is gone by then.
    Deliver(End, Bytes),
    /// The other end of it learns that it is over.
    Hangup(End),
    /// A BFD packet arrives.
    Packet(usize, Arrival, Wire),
    /// A hello arrives over a wire, if that carries it by then.
    Hello(usize, usize, Bytes),
    /// The network side is asked for the shared address, so many times more.
    Ask(usize, u32, u32),
}

/// What comes in order: everything on one of these, and nothing beside it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Lane {
    Kernel(usize),
    Answers(usize),
    Links(usize),
    Watch(usize),
    /// What is read beside the rest, to be compared.
    Audit(usize),
    Bfd(usize),
    /// BFD packets over one wire.
    Packets(usize),
    Hellos,
    /// The connections over one wire: what is accepted, carried and closed.
    Wire(usize),
    /// What else is told of connections.
    Tcp,
}

impl World {
    pub(super) fn happen(&mut self, happening: Happening) {
        let Some(happening) = self.awake(happening) else { return };
        if let Happening::Deliver(end, _) | Happening::Hangup(end) = &happening
            && let Some(wire) = self.over.get(end).filter(|wire| self.blocked(end, **wire))
        {
            self.held.push((*wire, happening));
            return;
        }
        match happening {
            Happening::Hello(host, wire, octets) => {
                if !self.silent.contains(&wire) {
                    self.tell(host, Input::Hello(octets));
                }
            }
            Happening::Ask(host, run, left) => self.ask_network(host, run, left),
            Happening::Packet(host, arrival, wire) => self.packet(host, &arrival, wire.as_slice()),
            Happening::Tell(host, run, input) => {
                if self.hosts[host].run == run {
                    self.tell(host, input);
                }
            }
            Happening::Apply(host, run, batch) => {
                let mut failures = self.hosts[host].kernel.carry_out(&batch.ops);
                if let Some(left) = self.hosts[host].unheard.checked_sub(1) {
                    self.hosts[host].unheard = left;
                    failures = (0..batch.ops.len()).map(|index| Failure { index, error: unheard() }).collect();
                }
                self.later(Happening::Tell(host, run, Input::KernelDone { batch: batch.id, failures }));
            }
            Happening::Dump(host, run) => {
                let kernel = &self.hosts[host].kernel;
                let found = kernel.dump(&kernel.settings);
                self.later(Happening::Tell(host, run, Input::Dumped(Ok(found))));
            }
            Happening::Compare(host, run) => {
                if self.hosts[host].run == run {
                    self.compare(host);
                }
            }
            Happening::Read(host, run, number, part) => {
                let kernel = &self.hosts[host].kernel;
                let table = kernel.dump(&kernel.settings);
                let of = |family| {
                    let routes = table.routes.iter().filter(|(prefix, _)| prefix.family() == family);
                    Part::Routes(routes.map(|(prefix, target)| (*prefix, *target)).collect())
                };
                let part = match part {
                    0 => Part::Objects(Table { routes: BTreeMap::new(), ..table.clone() }),
                    1 => of(Family::Ipv4),
                    2 => of(Family::Ipv6),
                    _ => Part::End,
                };
                self.later(Happening::Tell(host, run, Input::Audited(number, part)));
            }
            Happening::Deliver(end, octets) => {
                if self.peers.contains_key(&end) && self.hosts[end.host].run == end.run {
                    self.tell(end.host, Input::Octets { conn: end.conn, octets });
                }
            }
            Happening::Hangup(end) => {
                if self.peers.remove(&end).is_some() && self.hosts[end.host].run == end.run {
                    self.tell(end.host, Input::Lost { conn: end.conn, reason: "connection reset".to_owned() });
                }
            }
        }
    }

    /// A little later, behind everything on the same lane.
    pub fn later(&mut self, happening: Happening) {
        let delay = Duration::from_micros(self.chance.u64(50..500));
        let delay = match &happening {
            Happening::Deliver(end, _) | Happening::Hangup(end) => {
                delay + self.over.get(end).copied().map_or(Duration::ZERO, |wire| self.endured(wire))
            }
            _ => delay,
        };
        self.after(delay, happening);
    }

    /// As [`World::later`], at least so much later.
    pub fn after(&mut self, delay: Duration, happening: Happening) {
        let lane = match &happening {
            Happening::Deliver(end, _) | Happening::Hangup(end) => self.over.get(end).map(|wire| Lane::Wire(*wire)),
            _ => None,
        };
        let lane = lane.unwrap_or_else(|| happening.lane());
        self.on(lane, delay, happening);
    }

    /// At least so much later, behind everything on that lane.
    pub(super) fn on(&mut self, lane: Lane, delay: Duration, happening: Happening) {
        self.count += 1;
        let last = self.lanes.entry(lane).or_insert(self.now);
        let at = (self.now + delay).max(*last);
        *last = at;
        self.queue.insert((at, self.count), happening);
    }
}

impl Happening {
    fn lane(&self) -> Lane {
        match self {
            Self::Apply(host, ..) | Self::Dump(host, _) => Lane::Kernel(*host),
            Self::Compare(host, _) => Lane::Links(*host),
            Self::Read(host, ..) => Lane::Audit(*host),
            Self::Packet(host, ..) => Lane::Bfd(*host),
            Self::Hello(..) | Self::Ask(..) => Lane::Hellos,
            Self::Deliver(..) | Self::Hangup(_) => Lane::Tcp,
            Self::Tell(host, _, input) => match input {
                Input::KernelDone { .. } | Input::Dumped(_) => Lane::Answers(*host),
                Input::Link(_) | Input::LinkGone(_) | Input::LinksMissed => Lane::Links(*host),
                Input::Foreign(_) | Input::ForeignMissed => Lane::Watch(*host),
                Input::Audited(..) => Lane::Audit(*host),
                Input::Bfd(_) | Input::BfdLost(_) => Lane::Bfd(*host),
                _ => Lane::Tcp,
            },
        }
    }
}

fn unheard() -> KernelError {
    KernelError { errno: KernelError::ETIMEDOUT, text: "the kernel's answers were lost".to_owned() }
}
