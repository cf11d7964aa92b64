//! What goes wrong on a simulated host: its links, its kernel.

use std::time::Duration;

use twinspan::fib::{Author, Change, Foreign, Op, Settings};
use twinspan::speaker::{Input, Link};
use twinspan::types::LinkIndex;

use crate::happening::Happening;
use crate::world::{World, fact};

impl World {
    fn place(&self, host: usize, name: &str) -> usize {
        self.hosts[host].interfaces.iter().position(|(_, known, ..)| known == name).unwrap()
    }

    /// What an interface is now is told of a little later, or the news of it is lost and that is noticed.
    fn news(&mut self, host: usize, link: Option<Link>, gone: Option<LinkIndex>, lost: bool) {
        let run = self.hosts[host].run;
        if self.hosts[host].speaker.is_none() {
            return;
        }
        if lost {
            return self.later(Happening::Compare(host, run));
        }
        if let Some(index) = gone {
            self.hosts[host].monitor.remove(&index);
            self.later(Happening::Tell(host, run, Input::LinkGone(index)));
        }
        if let Some(link) = link {
            self.hosts[host].monitor.insert(link.index, link.clone());
            self.later(Happening::Tell(host, run, Input::Link(link)));
        }
    }

    /// The carrier of a tunnel goes or comes, at both ends; `lost` are the ends whose news does not arrive.
    pub fn carrier(&mut self, host: usize, name: &str, up: bool, lost: [bool; 2]) {
        let index = self.hosts[host].interfaces[self.place(host, name)].0;
        let wire = *self.wires.iter().find(|wire| wire.contains(&(host, index))).unwrap();
        for ((host, index), lost) in wire.into_iter().zip(lost) {
            self.set(host, index, up, false, lost);
        }
    }

    /// An interface is set down or up, and its far end hears of nothing.
    pub fn admin(&mut self, host: usize, name: &str, up: bool, lost: bool) {
        let index = self.hosts[host].interfaces[self.place(host, name)].0;
        self.set(host, index, up, true, lost);
    }

    fn set(&mut self, host: usize, index: LinkIndex, up: bool, admin: bool, lost: bool) {
        let Some(at) = self.hosts[host].interfaces.iter().position(|(known, ..)| *known == index) else { return };
        let h = &mut self.hosts[host];
        h.interfaces[at].3 = up;
        if up {
            h.kernel.link_up(index)
        } else {
            h.kernel.link_down(index, admin)
        }
        let link = fact(&h.interfaces[at]);
        self.news(host, Some(link), None, lost);
    }

    /// An interface is deleted and made again: the same name, another index.
    pub fn make_anew(&mut self, host: usize, name: &str, pause: Duration, lost: [bool; 2]) {
        let at = self.place(host, name);
        let old = self.hosts[host].interfaces[at].0;
        self.hosts[host].interfaces[at].3 = false;
        self.hosts[host].kernel.link_gone(old);
        self.news(host, None, Some(old), lost[0]);
        self.run_until(pause, |_| false);
        let highest = self.hosts[host].interfaces.iter().map(|(index, ..)| index.get()).max().unwrap_or(0);
        let new = LinkIndex::new(highest + 1).unwrap();
        self.hosts[host].interfaces[at].0 = new;
        self.hosts[host].interfaces[at].3 = true;
        self.hosts[host].kernel.link_up(new);
        for end in self.wires.iter_mut().flatten().filter(|end| **end == (host, old)) {
            end.1 = new;
        }
        let link = fact(&self.hosts[host].interfaces[at]);
        self.news(host, Some(link), None, lost[1]);
    }

    /// The monitor has lost messages: it says so, and what differs from what it knew.
    pub(super) fn compare(&mut self, host: usize) {
        self.tell(host, Input::LinksMissed);
        let h = &self.hosts[host];
        // While an interface is gone, its entry stays, and is not up: then the kernel has none of it.
        let exists = |index: LinkIndex| h.kernel.exists(index);
        let now: Vec<Link> = h.interfaces.iter().filter(|(index, ..)| exists(*index)).map(fact).collect();
        let gone: Vec<LinkIndex> =
            h.monitor.keys().filter(|index| !now.iter().any(|link| link.index == **index)).copied().collect();
        for index in gone {
            self.hosts[host].monitor.remove(&index);
            self.tell(host, Input::LinkGone(index));
        }
        for link in now {
            if self.hosts[host].monitor.get(&link.index) != Some(&link) {
                self.hosts[host].monitor.insert(link.index, link.clone());
                self.tell(host, Input::Link(link));
            }
        }
    }

    /// Another program changes what is ours; see `Model::tamper`.
    pub fn tamper(&mut self, host: usize, kind: u8, which: usize, lost: bool) {
        let told = self.hosts[host].kernel.tamper(kind, which);
        self.foreign(host, told, lost);
    }

    /// As `ip nexthop flush protocol 179`.
    pub fn flush_hops(&mut self, host: usize, lost: bool) {
        let mut told = Vec::new();
        while !self.hosts[host].kernel.table.next_hops.is_empty() {
            told.extend(self.hosts[host].kernel.tamper(3, 0));
        }
        self.foreign(host, told, lost);
    }

    /// Another program does something under its own protocol number, which takes a place of ours or gives it back.
    pub fn stranger(&mut self, host: usize, settings: &Settings, op: &Op, lost: bool) {
        assert_eq!(self.hosts[host].kernel.apply_as(settings, op), Ok(()));
        let told = match op {
            Op::AddRoute(prefix, target) | Op::ReplaceRoute(prefix, target) => {
                Change::RouteSet { prefix: *prefix, protocol: settings.protocol, target: *target }
            }
            Op::DeleteRoute(prefix) => Change::RouteDeleted { prefix: *prefix, protocol: settings.protocol },
            Op::AddNextHop(_) | Op::SetGroup(_) | Op::DeleteOld(_) | Op::DeleteGroup(_) | Op::DeleteNextHop(_) => {
                return;
            }
        };
        self.foreign(host, vec![told], lost);
    }

    fn foreign(&mut self, host: usize, told: Vec<Change>, lost: bool) {
        if told.is_empty() || self.hosts[host].speaker.is_none() {
            return;
        }
        let run = self.hosts[host].run;
        let by = Author { port: 4_711, program: Some("ip".to_owned()) };
        let changes = told.into_iter().map(|change| Foreign { change, by: by.clone() }).collect();
        let input = if lost { Input::ForeignMissed } else { Input::Foreign(changes) };
        self.later(Happening::Tell(host, run, input));
    }
}
