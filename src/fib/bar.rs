//! Hops that must carry nothing although their interface is up: something knows that the far end is not there.

use std::net::IpAddr;

use super::Fib;
use super::HopKey;

use crate::types::LinkIndex;

/// Which hops carry nothing.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Bar {
    /// All on this interface: a tunnel has one far end.
    Link(LinkIndex),
    /// Those over this gateway, on whatever interface.
    Gateway(IpAddr),
}

impl Bar {
    pub(super) fn holds(self, hop: &HopKey) -> bool {
        match self {
            Self::Link(link) => hop.link == link,
            Self::Gateway(gateway) => hop.gateway == Some(gateway),
        }
    }
}

impl Fib {
    /// Takes hops out of all their groups, with one message a group, whatever the number of routes. A group that has
    /// no other hop goes with its routes. Stays until [`Fib::unbar`].
    pub fn bar(&mut self, bar: Bar) {
        if self.bars.insert(bar) {
            self.lost = true;
            self.unsettle();
            self.touch_barred(bar);
        }
    }

    /// Lets hops carry again: they are put back into their groups, and routes onto groups that had gone.
    pub fn unbar(&mut self, bar: Bar) {
        if self.bars.remove(&bar) {
            self.unsettle();
            self.touch_barred(bar);
        }
    }

    fn touch_barred(&mut self, bar: Bar) {
        let barred = self.objects.hops.iter().filter(|(_, hop)| bar.holds(&hop.key)).map(|(id, _)| *id);
        for id in barred.collect::<Vec<_>>() {
            self.objects.touch_users(id);
            self.doubt_barred(id);
        }
    }

    /// What the kernel holds of a barred hop is not certain where news of its link came late, and must be: its groups
    /// are set again, or deleted again.
    pub(super) fn doubt_barred(&mut self, hop: u32) {
        let Some(state) = self.objects.hops.get(&hop) else { return };
        if !self.bars.iter().any(|bar| bar.holds(&state.key)) {
            return;
        }
        self.doubt_users(hop);
    }

    /// What the kernel holds of the groups of a hop is not certain.
    pub(super) fn doubt_users(&mut self, hop: u32) {
        let Some(state) = self.objects.hops.get(&hop) else { return };
        for group in &state.users {
            if let Some(held) = self.objects.groups.get_mut(group).and_then(|group| group.have.as_mut()) {
                held.sure = false;
            }
        }
    }
}
