//! `show gateway`.

use super::{Surroundings, count};
use crate::config::Hash;
use crate::control::api::{
    FibTotals, Gateway, GatewayState, Mode, RouteTotals, SessionCounts, SessionState, TunnelCounts, Warning,
};
use crate::gateway;
use crate::speaker::neighbor::Bond;
use crate::speaker::{Life, Speaker};
use crate::types::{Family, Time};
use crate::vpn::Source;

impl Speaker {
    pub(super) fn show_gateway(&self, now: Time, around: &dyn Surroundings) -> Gateway {
        let model = &self.config.model;
        let established = self.neighbors.iter().filter(|neighbor| neighbor.conn.is_some()).count();
        let all_tunnels: usize = model.connections.iter().map(|connection| connection.tunnels.len()).sum();
        let (state, reason) = self.show_life();
        Gateway {
            name: model.name.clone(),
            mode: match model.mode {
                gateway::Mode::ActiveActive => Mode::ActiveActive,
                gateway::Mode::ActiveStandby => Mode::ActiveStandby,
            },
            asn: model.asn,
            instance: self.instance.clone(),
            router_id: self.desired.router_id.addr(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.moment(Time::START),
            uptime_seconds: now.since_start().as_secs(),
            state,
            reason,
            standing: self.show_standing(),
            drains: self.show_drains(now).drains,
            role: self.show_role(now),
            prefixes: model.prefixes.clone(),
            tunnels: TunnelCounts {
                configured: self.tunnels.iter().len() as u32,
                up: self.tunnels_up() as u32,
                gateway: all_tunnels as u32,
                limit: model.max_tunnels as u32,
            },
            sessions: SessionCounts { configured: self.neighbors.len() as u32, established: established as u32 },
            routes: self.route_totals(),
            fib: self.fib_totals(),
            twin: self.show_twin(now),
            warnings: self.show_warnings(now, around),
            sysctls: around.sysctls(),
            config: self.show_config(now, around),
        }
    }

    fn show_life(&self) -> (GatewayState, Option<String>) {
        match self.life {
            Life::Waiting => (GatewayState::Starting, Some("reading what the kernel holds".to_owned())),
            Life::Running if self.startup.keeps_routes() => {
                let reason = "routes of an earlier run stay as they are until all neighbors are back";
                (GatewayState::Starting, Some(reason.to_owned()))
            }
            Life::Running => (GatewayState::Running, None),
            Life::Closing(_) | Life::Stopping | Life::Stopped => (GatewayState::Stopping, None),
        }
    }

    pub(super) fn route_totals(&self) -> Vec<RouteTotals> {
        let totals = Family::ALL.map(|family| {
            let found = self.rib.family_totals(family);
            RouteTotals {
                family,
                prefixes: count(found.prefixes),
                paths: count(found.paths),
                refused: count(found.refused),
            }
        });
        totals.to_vec()
    }

    pub(super) fn fib_totals(&self) -> FibTotals {
        let totals = self.fib.totals();
        FibTotals {
            wanted: count(totals.wanted),
            present: count(totals.routes),
            in_flight: count(totals.in_flight),
            failed: count(totals.failed),
        }
    }

    /// What is not as it should be, in one sentence each.
    fn show_warnings(&self, now: Time, around: &dyn Surroundings) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for tunnel in self.tunnels.iter() {
            let (name, interface) = (&tunnel.plan.name, &tunnel.plan.interface);
            let Some(reason) = tunnel.reason(now) else { continue };
            let missing = self.links.named(interface).is_none();
            let first = tunnel.machine.objections().first().map(|objection| objection.source);
            let (code, hint) = match first {
                Some(Source::Interface) if missing => {
                    ("tunnel_missing", "start the VPN daemon, or correct the name in the file".to_owned())
                }
                Some(Source::Interface) => ("tunnel_down", format!("ip link show dev {interface}")),
                Some(Source::Hook) => ("tunnel_down", format!("twinspan tunnel up {name}")),
                _ => ("tunnel_down", format!("twinspan show tunnels {name}")),
            };
            warnings.push(Warning { code: code.to_owned(), message: format!("{name}: {reason}"), hint: Some(hint) });
        }
        for neighbor in self.neighbors.iter() {
            let (name, interface) = (&neighbor.plan.name, neighbor.plan.interface.as_deref().unwrap_or_default());
            match neighbor.bond {
                // Of its tunnel it was said.
                _ if neighbor.held || !neighbor.ready() && self.tunnels.on(interface).is_some() => {}
                Bond::Missing => warnings.push(Warning {
                    code: "tunnel_missing".to_owned(),
                    message: format!("{name}: interface {interface} does not exist"),
                    hint: Some("make it, or correct the name in the file".to_owned()),
                }),
                Bond::Down(_) => warnings.push(Warning {
                    code: "tunnel_down".to_owned(),
                    message: format!("{name}: interface {interface} is down"),
                    hint: Some(format!("ip link show dev {interface}")),
                }),
                Bond::Free | Bond::Up(_) => {
                    if self.session_state(neighbor) != SessionState::Established {
                        warnings.push(Warning {
                            code: "session_down".to_owned(),
                            message: format!("{name}: {}", self.why_down(neighbor)),
                            hint: Some(format!("twinspan show neighbors {name}")),
                        });
                    }
                }
            }
        }
        self.warn_of_twin(&mut warnings);
        let waiting = self.fib.no_room().map_or(0, |full| full.waiting);
        let refused = self.fib.totals().failed.saturating_sub(waiting);
        if refused > 0 {
            warnings.push(Warning {
                code: "kernel_refused".to_owned(),
                message: format!("the kernel refuses {refused} routes"),
                hint: Some("twinspan show fib".to_owned()),
            });
        }
        if let Some(full) = self.fib.no_room() {
            warnings.push(Warning {
                code: "kernel_full".to_owned(),
                message: format!("the kernel has no room ({}): {} routes wait", full.error, full.waiting),
                hint: Some("twinspan show fib".to_owned()),
            });
        }
        for sysctl in around.sysctls().iter().filter(|sysctl| !sysctl.ok) {
            let wanted = sysctl.wanted.as_deref().unwrap_or_default();
            warnings.push(Warning {
                code: "sysctl".to_owned(),
                message: format!(
                    "{} is {}, {wanted} is wanted",
                    sysctl.name,
                    sysctl.actual.as_deref().unwrap_or("unreadable")
                ),
                hint: Some(format!("sysctl -w {}={wanted}", sysctl.name)),
            });
        }
        if self.config.ecmp.hash == Hash::L3 {
            // Said once, because it surprises: it is what the file asks for.
            let message = "ecmp.hash is \"l3\": all flows between two addresses share one tunnel".to_owned();
            warnings.push(Warning { code: "hash_l3".to_owned(), message, hint: None });
        }
        warnings
    }
}
