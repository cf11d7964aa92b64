//! Connections between simulated hosts: who can dial whom, and what waits while a wire carries nothing.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use twinspan::speaker::Input;
use twinspan::types::{ConnId, Prefix};

use crate::happening::{Happening, Lane};
use crate::world::World;

/// One end of a TCP connection: which host, in which of its runs, under which id.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct End {
    pub(super) host: usize,
    pub(super) run: u32,
    pub(super) conn: ConnId,
}

impl End {
    pub(super) fn host(&self) -> usize {
        self.host
    }
}

impl World {
    /// Nothing arrives over this wire any more, either way, and no interface goes down; or all does again.
    pub fn silence(&mut self, host: usize, name: &str, silent: bool) {
        let index = self.interface(host, name).unwrap();
        let wire = self.wires.iter().position(|wire| wire.contains(&(host, index))).unwrap();
        self.turns += 1;
        if silent {
            self.silent.insert(wire);
            return;
        }
        self.silent.remove(&wire);
        self.send_again(wire);
    }

    /// What this host sends over the wire does not arrive any more, though it hears the other end; or all does again.
    pub fn set_mute(&mut self, host: usize, name: &str, mute: bool) {
        let index = self.interface(host, name).unwrap();
        let wire = self.wires.iter().position(|wire| wire.contains(&(host, index))).unwrap();
        self.turns += 1;
        if mute {
            self.mute.insert((host, wire));
        } else {
            self.mute.remove(&(host, wire));
            self.send_again(wire);
        }
    }

    /// True if what comes for that end over the wire does not arrive.
    pub(super) fn blocked(&self, end: &End, wire: usize) -> bool {
        let from = |other: &End| self.mute.contains(&(other.host, wire));
        self.silent.contains(&wire) || self.peers.get(end).is_some_and(from)
    }

    pub(super) fn send_again(&mut self, wire: usize) {
        let (due, rest) = std::mem::take(&mut self.held).into_iter().partition(|(held, _)| *held == wire);
        self.held = rest;
        let due: Vec<(usize, Happening)> = due;
        // What was sent after that and is still on its way comes behind it.
        let carried = |happening: &Happening| match happening {
            Happening::Deliver(end, _) | Happening::Hangup(end) => self.over.get(end) == Some(&wire),
            _ => false,
        };
        let late: Vec<_> = self.queue.iter().filter(|(_, happening)| carried(happening)).map(|(at, _)| *at).collect();
        let late: Vec<Happening> = late.into_iter().filter_map(|at| self.queue.remove(&at)).collect();
        for happening in due.into_iter().map(|(_, happening)| happening).chain(late) {
            self.later(happening);
        }
    }

    pub(super) fn dial(&mut self, from: End, remote: SocketAddr, local: IpAddr, interface: Option<String>) {
        let name = interface.unwrap_or_default();
        let tunnel = name.starts_with("tun");
        let far = self.far_end(from.host, &name).filter(|(host, index, wire)| {
            let there = self.hosts[*host].interfaces.iter().find(|(known, ..)| known == index);
            let alive = self.hosts[*host].speaker.is_some() && !self.hosts[*host].frozen;
            let answers = there.is_some_and(|there| there.2 == remote.ip()) && alive;
            // Who has no way back cannot answer.
            let there = &self.hosts[*host];
            let back = !there.narrow || !tunnel || there.kernel.table.routes.contains_key(&Prefix::host(local));
            let both = !self.mute.contains(&(from.host, *wire)) && !self.mute.contains(&(*host, *wire));
            answers && back && both && !self.silent.contains(wire)
        });
        let h = &self.hosts[from.host];
        if h.narrow && tunnel && !h.kernel.table.routes.contains_key(&Prefix::host(remote.ip())) {
            let input = Input::ConnectFailed { conn: from.conn, reason: "Network is unreachable".to_owned() };
            return self.later(Happening::Tell(from.host, from.run, input));
        }
        let Some((host, index, wire)) = far else {
            let input = Input::ConnectFailed { conn: from.conn, reason: "Connection refused".to_owned() };
            return self.later(Happening::Tell(from.host, from.run, input));
        };
        self.accepted += 1;
        let to = End { host, run: self.hosts[host].run, conn: ConnId(self.accepted) };
        self.peers.insert(from, to);
        self.peers.insert(to, from);
        self.over.extend([(from, wire), (to, wire)]);
        let local = SocketAddr::new(local, 40_000);
        let accepted = Input::Accepted { conn: to.conn, local: remote, remote: local, interface: Some(index) };
        for happening in [
            Happening::Tell(to.host, to.run, accepted),
            Happening::Tell(from.host, from.run, Input::Connected { conn: from.conn, local }),
        ] {
            let delay = Duration::from_micros(self.chance.u64(50..500)) + self.endured(wire);
            self.on(Lane::Wire(wire), delay, happening);
        }
    }

    /// Ends a connection from one side.
    pub(super) fn hang_up(&mut self, end: End) {
        self.stuck.remove(&end);
        if let Some(other) = self.peers.remove(&end) {
            self.later(Happening::Hangup(other));
        }
    }
}
