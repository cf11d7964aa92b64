//! `show tunnels`.

use std::collections::HashMap;

use super::Surroundings;
use crate::control::api::{Tunnel, TunnelState, Tunnels};
use crate::gateway::NeighborKind;
use crate::speaker::Speaker;
use crate::speaker::neighbor::Bond;
use crate::types::{LinkIndex, Time};

impl Speaker {
    pub(super) fn show_tunnels(&self, now: Time, around: &dyn Surroundings) -> Tunnels {
        let mut routes: HashMap<LinkIndex, u64> = HashMap::new();
        let hops: HashMap<u32, LinkIndex> = self.fib.hops().iter().map(|view| (view.hop.id, view.hop.link)).collect();
        for view in self.fib.groups() {
            let mut links: Vec<_> = view.group.members.iter().filter_map(|(id, _)| hops.get(id).copied()).collect();
            links.dedup();
            for link in links {
                *routes.entry(link).or_default() += u64::from(view.wanted);
            }
        }
        let tunnels = self.neighbors.iter().filter_map(|neighbor| {
            let NeighborKind::Device { device, connection, tunnel } = &neighbor.plan.kind else { return None };
            let interface = neighbor.plan.interface.clone()?;
            let (state, reason, link) = match neighbor.bond {
                Bond::Up(link) => (TunnelState::Up, None, Some(link)),
                Bond::Down(link) => (TunnelState::Down, Some(format!("interface {interface} is down")), Some(link)),
                Bond::Missing => (TunnelState::Down, Some(format!("interface {interface} does not exist")), None),
                Bond::Free => (TunnelState::Unknown, None, None),
            };
            let since = (neighbor.bond_since > Time::START).then_some(neighbor.bond_since);
            Some(Tunnel {
                name: tunnel.clone(),
                connection: connection.clone(),
                device: Some(device.clone()),
                instance: self.instance.clone(),
                interface_index: link.map(LinkIndex::get),
                state,
                reason,
                since: since.map(|since| self.moment(since)),
                state_seconds: since.map(|since| now.since(since).as_secs()),
                local_address: Some(neighbor.plan.local_address),
                remote_address: Some(neighbor.plan.remote_address),
                neighbor: Some(neighbor.plan.name.clone()),
                session: Some(self.session_state(neighbor)),
                bfd: self.show_bfd(now, neighbor),
                probe: self.show_probe(now, neighbor),
                detection: self.show_detection(neighbor),
                routes: link.and_then(|link| routes.get(&link).copied()).unwrap_or(0),
                counters: around.counters(&interface),
                interface,
            })
        });
        Tunnels { tunnels: tunnels.collect() }
    }
}
