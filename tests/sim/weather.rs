//! What the network and the hosts themselves do to a simulated gateway: packets lost and late, daemons and hosts that are
//! stopped and go on, clocks that jump, power that goes.

use std::{net::IpAddr, time::Duration};

use twinspan::types::{LinkIndex, Time};

use crate::happening::Happening;
use crate::kernel::ModelKernel;
use crate::world::{Host, World};

/// How a wire treats what it carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Weather {
    /// So many of a hundred packets are lost; TCP sends them again.
    pub loss: u32,
    /// So much later packets come, at least half of it.
    pub delay: Duration,
}

/// What TCP waits before it sends a lost segment again.
const AGAIN: Duration = Duration::from_millis(200);

impl Host {
    /// When the clock of this host shows that time.
    pub fn true_time(&self, shown: Time) -> Time {
        Time::from_start(shown.since_start().saturating_sub(self.ahead))
    }
}

impl World {
    /// What the clock of a host shows now.
    pub fn at(&self, host: usize) -> Time {
        self.now + self.hosts[host].ahead
    }

    /// Counts what changes what becomes of packets.
    pub fn changes(&self) -> u64 {
        self.turns + self.hosts.iter().map(|host| host.kernel.changes).sum::<u64>()
    }

    /// True if what a host sends over a wire arrives.
    pub fn carries(&self, host: usize, wire: usize) -> bool {
        !self.silent.contains(&wire) && !self.mute.contains(&(host, wire))
    }

    /// How much later a datagram arrives; `None` if it does not.
    pub(super) fn endures(&mut self, wire: usize) -> Option<Duration> {
        let Some(Weather { loss, delay }) = self.weather.get(&wire).copied() else { return Some(Duration::ZERO) };
        if self.chance.u32(..100) < loss {
            return None;
        }
        Some(self.slow(delay))
    }

    /// How much later a segment of a connection arrives.
    pub(super) fn endured(&mut self, wire: usize) -> Duration {
        let Some(Weather { loss, delay }) = self.weather.get(&wire).copied() else { return Duration::ZERO };
        let mut late = self.slow(delay);
        let mut again = AGAIN;
        while self.chance.u32(..100) < loss {
            late += again;
            again = (again * 2).min(Duration::from_secs(3));
        }
        late
    }

    fn slow(&mut self, delay: Duration) -> Duration {
        delay / 2 + Duration::from_micros(self.chance.u64(..=delay.as_micros() as u64 / 2))
    }

    /// What is for a daemon or a host that is stopped waits, or is lost; all else happens.
    pub(super) fn awake(&mut self, happening: Happening) -> Option<Happening> {
        let (host, waits) = match &happening {
            Happening::Tell(host, ..) | Happening::Compare(host, _) => (*host, self.hosts[*host].asleep),
            Happening::Deliver(end, _) | Happening::Hangup(end) => (end.host(), self.hosts[end.host()].asleep),
            Happening::Apply(host, ..) | Happening::Dump(host, _) | Happening::Read(host, ..) => {
                (*host, self.hosts[*host].frozen)
            }
            Happening::Hello(host, ..) if self.hosts[*host].frozen => return None,
            Happening::Packet(host, ..) if self.hosts[*host].frozen => return None,
            Happening::Hello(host, ..) | Happening::Ask(host, ..) => (*host, self.hosts[*host].asleep),
            Happening::Packet(..) => return Some(happening),
        };
        if waits {
            self.hosts[host].backlog.push(happening);
            return None;
        }
        Some(happening)
    }

    /// The daemon of a host is stopped (SIGSTOP), or all of the host with its kernel.
    pub fn pause(&mut self, host: usize, all: bool) {
        self.turns += 1;
        self.hosts[host].asleep = true;
        self.hosts[host].frozen = all;
        self.hosts[host].stopped = all.then_some(self.now);
    }

    /// It goes on: what has come meanwhile comes first.
    pub fn wake(&mut self, host: usize) {
        self.turns += 1;
        self.hosts[host].asleep = false;
        self.hosts[host].frozen = false;
        let stopped = self.hosts[host].stopped.take().map_or(Duration::ZERO, |since| self.now.since(since));
        if let Some(until) = self.hosts[host].address.as_mut().filter(|until| **until + stopped > self.now) {
            *until = *until + stopped; // an address whose time did not pass
        }
        for happening in std::mem::take(&mut self.hosts[host].backlog) {
            self.count += 1;
            self.queue.insert((self.now, self.count), happening);
        }
    }

    /// The clock of a host shows that much more from now on.
    pub fn jump(&mut self, host: usize, by: Duration) {
        self.hosts[host].ahead += by;
    }

    /// A host loses its power, and its kernel all that it held.
    pub fn lose_power(&mut self, host: usize) {
        self.die(host);
        let h = &mut self.hosts[host];
        h.dark = true;
        h.asleep = false;
        h.frozen = false;
        h.backlog.clear();
        let (up, dark): (Vec<_>, Vec<_>) = h.interfaces.iter().partition(|(.., up)| *up);
        let all = |some: Vec<&(LinkIndex, String, IpAddr, bool)>| some.into_iter().map(|(index, ..)| *index).collect();
        h.kernel = ModelKernel {
            up: all(up),
            dark: all(dark),
            changes: h.kernel.changes,
            settings: h.kernel.settings.clone(),
            ..ModelKernel::default()
        };
    }

    /// It has power again, and its daemon is started.
    pub fn boot(&mut self, host: usize) {
        self.turns += 1;
        self.hosts[host].dark = false;
        self.start(host);
    }
}
