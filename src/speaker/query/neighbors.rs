//! `show neighbors`.

use super::{Surroundings, count};
use crate::control::api::{
    Capabilities, Capability, Down, DownReason, FamilyPrefixes, Faults, KeptDown, MessageCounts, Messages, Neighbor,
    NeighborDetail, NeighborKind, Neighbors, Range, SessionState, Stale,
};
use crate::gateway;
use crate::session;
use crate::session::StateName;
use crate::speaker::Speaker;
use crate::speaker::neighbor;
use crate::speaker::neighbor::Bond;
use crate::types::{Family, Name, Time};
use crate::wire;
use crate::wire::{Cease, Notification};

impl Speaker {
    pub(super) fn show_neighbors(&self, now: Time) -> Neighbors {
        let from = |name: &Name| self.neighbors.iter().filter(|n| n.plan.range.as_ref() == Some(name)).count();
        let range = |range: &gateway::Range| Range {
            name: range.name().clone(),
            prefix: range.prefix,
            limit: count(range.limit),
            neighbors: count(from(range.name())),
        };
        Neighbors {
            neighbors: self.neighbors.iter().map(|neighbor| self.neighbor(now, neighbor)).collect(),
            ranges: self.desired.ranges.iter().map(range).collect(),
        }
    }

    pub(super) fn show_neighbor(
        &self,
        now: Time,
        neighbor: &neighbor::Neighbor,
        around: &dyn Surroundings,
    ) -> NeighborDetail {
        let status = neighbor.session.status();
        let agreed = status.negotiated.as_ref();
        let (device, connection, tunnel) = match &neighbor.plan.kind {
            gateway::NeighborKind::Device { device, connection, tunnel } => {
                (Some(device.clone()), Some(connection.clone()), Some(tunnel.clone()))
            }
            gateway::NeighborKind::Twin | gateway::NeighborKind::NetworkRouter | gateway::NeighborKind::Other => {
                (None, None, None)
            }
        };
        let ends = neighbor.conn.and_then(|conn| self.conns.get(&conn)).map(|known| (known.local, known.remote));
        NeighborDetail {
            neighbor: self.neighbor(now, neighbor),
            device,
            connection,
            tunnel,
            router_id: agreed.map(|agreed| agreed.router_id.addr()),
            local_endpoint: ends.and_then(|(local, _)| local),
            remote_endpoint: ends.map(|(_, remote)| remote),
            configured_hold_time_seconds: neighbor.plan.timers.hold_time.as_secs(),
            hold_time_seconds: agreed.map(|agreed| agreed.hold_time.as_secs()),
            keepalive_seconds: agreed.map(|agreed| u16::try_from(agreed.keepalive.as_secs()).unwrap_or(u16::MAX)),
            families: agreed.map(|agreed| agreed.families.clone()).unwrap_or_default(),
            capabilities: Capabilities {
                sent: capabilities(&status.local_capabilities),
                received: status.remote_capabilities.as_ref().map(capabilities).unwrap_or_default(),
            },
            messages: Messages { received: messages(&status.received), sent: messages(&status.sent) },
            faults: Faults { withdrawn: neighbor.softened.withdrawn, discarded: neighbor.softened.discarded },
            queued_octets: neighbor.conn.map_or(0, |conn| around.queued(conn)),
        }
    }

    fn neighbor(&self, now: Time, neighbor: &neighbor::Neighbor) -> Neighbor {
        let plan = &neighbor.plan;
        let status = neighbor.session.status();
        let established = status.state == StateName::Established;
        let counts = self.rib.counts(neighbor.id);
        let prefixes = plan.families.iter().map(|family| {
            let found = counts.family(*family);
            FamilyPrefixes {
                family: *family,
                received: count(found.received),
                accepted: count(found.accepted),
                refused: count(found.refused),
                advertised: count(found.advertised),
                limit: plan.limit.family(*family).map(u64::from),
                trimmed: count(found.trimmed),
                stale: count(found.stale),
            }
        });
        let back = neighbor.over.and_then(|over| over.until);
        let retry = status.retry_at.or(back).filter(|_| neighbor.ready());
        Neighbor {
            name: plan.name.clone(),
            kind: match plan.kind {
                gateway::NeighborKind::Device { .. } => NeighborKind::Device,
                gateway::NeighborKind::Twin => NeighborKind::Twin,
                gateway::NeighborKind::NetworkRouter => NeighborKind::NetworkRouter,
                gateway::NeighborKind::Other => NeighborKind::Other,
            },
            address: plan.remote_address,
            local_address: Some(plan.local_address),
            interface: plan.interface.clone(),
            asn: plan.asn,
            state: state(status.state),
            since: self.moment(status.since),
            state_seconds: now.since(status.since).as_secs(),
            uptime_seconds: established.then(|| now.since(status.since).as_secs()),
            flaps: u64::from(status.flaps),
            last_down: self.last_down(now, neighbor, &status),
            last_told: status.last_received.as_ref().map(|(at, told)| self.said(now, *at, told)),
            next_retry_at: retry.map(|at| self.moment(at)),
            next_retry_seconds: retry.map(|at| at.since(now).as_millis().div_ceil(1000) as u64),
            passive: plan.passive,
            bfd: self.show_bfd(now, neighbor),
            authentication: plan.auth.to_string(),
            range: plan.range.clone(),
            leaves_seconds: neighbor.leaves.map(|at| at.since(now).as_millis().div_ceil(1000) as u64),
            kept_down: match (&plan.shutdown, &neighbor.stance.down, &neighbor.over) {
                (Some(_), _, _) => Some(KeptDown::Shutdown),
                (None, Some(_), _) => Some(KeptDown::Standing),
                (None, None, Some(_)) => Some(KeptDown::MaxPrefixes),
                (None, None, None) => None,
            },
            stale: neighbor.awaited.kept.map(|kept| Stale {
                prefixes: count(self.kept(neighbor.id)),
                since: self.moment(kept.since),
                until: self.moment(kept.until),
                until_seconds: kept.until.since(now).as_millis().div_ceil(1000) as u64,
            }),
            prefixes: prefixes.collect(),
        }
    }

    /// Why it is down, or was last: the file's will before all, then its interface, because nothing else can help then.
    fn last_down(&self, now: Time, neighbor: &neighbor::Neighbor, status: &session::Status) -> Option<Down> {
        if let Some(text) = &neighbor.plan.shutdown {
            let why = Notification::shutdown(Cease::AdministrativeShutdown, text);
            return Some(Down {
                reason: DownReason::Stopped,
                at: self.moment(status.since),
                ago_seconds: now.since(status.since).as_secs(),
                code: Some(why.code),
                subcode: Some(why.subcode),
                communication: why.text().map(str::to_owned),
                text: match why.text() {
                    // Nobody's terminal codes in our tables, not even our own operator's.
                    Some(text) => format!("shut down by the file: {}", text.escape_debug()),
                    None => "shut down by the file".to_owned(),
                },
            });
        }
        let interface = neighbor.plan.interface.as_deref().unwrap_or_default();
        let tunnel = match neighbor.bond {
            Bond::Missing => Some(format!("interface {interface} does not exist")),
            Bond::Down(_) => Some(format!("interface {interface} is down")),
            Bond::Up(_) if neighbor.held => {
                let reason = self.tunnels.on(interface).and_then(|tunnel| tunnel.reason(now));
                Some(format!("its tunnel is down: {}", reason.unwrap_or_default()))
            }
            Bond::Free | Bond::Up(_) => None,
        };
        if let Some(text) = tunnel {
            return Some(Down {
                reason: DownReason::TunnelDown,
                at: self.moment(neighbor.bond_since),
                ago_seconds: now.since(neighbor.bond_since).as_secs(),
                code: None,
                subcode: None,
                communication: None,
                text,
            });
        }
        let down = status.last_down.as_ref()?;
        let sent = status.last_sent.as_ref().filter(|(at, _)| *at == down.at).map(|(_, sent)| sent);
        let (reason, notification) = match &down.reason {
            session::DownReason::Received(received) => (DownReason::NotificationReceived, Some(received)),
            session::DownReason::HoldExpired => (DownReason::HoldTimerExpired, sent),
            session::DownReason::SendHoldExpired => (DownReason::SendHoldTimerExpired, sent),
            session::DownReason::Unanswered(_) => (DownReason::Unanswered, None),
            session::DownReason::Lost(_) => (DownReason::ConnectionLost, None),
            session::DownReason::Connect(_) => (DownReason::ConnectFailed, None),
            session::DownReason::Stopped(cease) => (DownReason::Stopped, Some(cease)),
            session::DownReason::Left => (DownReason::Stopped, None),
            session::DownReason::PeerAs { .. }
            | session::DownReason::RouterId(_)
            | session::DownReason::NoFamily { .. }
            | session::DownReason::Unexpected { .. }
            | session::DownReason::Malformed(_)
            | session::DownReason::Collision
            | session::DownReason::Replaced => (DownReason::NotificationSent, sent),
        };
        Some(Down {
            reason,
            at: self.moment(down.at),
            ago_seconds: now.since(down.at).as_secs(),
            code: notification.map(|notification| notification.code),
            subcode: notification.map(|notification| notification.subcode),
            communication: notification.and_then(Notification::communication),
            text: down.reason.to_string(),
        })
    }

    /// What the neighbor said at that time.
    fn said(&self, now: Time, at: Time, told: &Notification) -> Down {
        Down {
            reason: DownReason::NotificationReceived,
            at: self.moment(at),
            ago_seconds: now.since(at).as_secs(),
            code: Some(told.code),
            subcode: Some(told.subcode),
            communication: told.communication(),
            text: session::DownReason::Received(told.clone()).to_string(),
        }
    }

    pub(super) fn session_state(&self, neighbor: &neighbor::Neighbor) -> SessionState {
        state(neighbor.session.state())
    }

    /// One sentence about a session that is not Established.
    pub(super) fn why_down(&self, neighbor: &neighbor::Neighbor) -> String {
        if neighbor.plan.shutdown.is_some() {
            return "shut down by the file".to_owned();
        }
        if let Some(why) = &neighbor.stance.down {
            return format!("kept down: {}", why.text().unwrap_or_default());
        }
        let status = neighbor.session.status();
        match status.last_down {
            Some(down) => format!("{}: {}", status.state, down.reason),
            None => format!("{}: it has not been up yet", status.state),
        }
    }
}

fn state(name: StateName) -> SessionState {
    match name {
        StateName::Idle => SessionState::Idle,
        StateName::Connect => SessionState::Connect,
        StateName::Active => SessionState::Active,
        StateName::OpenSent => SessionState::OpenSent,
        StateName::OpenConfirm => SessionState::OpenConfirm,
        StateName::Established => SessionState::Established,
    }
}

fn messages(counters: &session::Counters) -> MessageCounts {
    MessageCounts {
        open: counters.opens,
        update: counters.updates,
        notification: counters.notifications,
        keepalive: counters.keepalives,
        route_refresh: counters.refreshes,
    }
}

fn capabilities(list: &wire::Capabilities) -> Vec<Capability> {
    list.0.iter().map(capability).collect()
}

fn capability(one: &wire::Capability) -> Capability {
    let named = |code: u8, name: &str, value: Option<String>| Capability { code, name: name.to_owned(), value };
    match one {
        wire::Capability::Multiprotocol(family) => named(1, "multiprotocol", Some(code(*family))),
        wire::Capability::RouteRefresh => named(2, "route-refresh", None),
        wire::Capability::ExtendedNextHop(list) => {
            let afi = |afi: u16| match Family::ALL.into_iter().find(|family| family.afi() == afi) {
                Some(family) => family.to_string(),
                None => format!("AFI {afi}"),
            };
            let words = list.iter().map(|entry| format!("{} over {}", code(entry.family), afi(entry.next_hop_afi)));
            named(5, "extended-next-hop", Some(words.collect::<Vec<_>>().join(", ")))
        }
        wire::Capability::ExtendedMessage => named(6, "extended-message", None),
        wire::Capability::GracefulRestart(restart) => {
            let mut words = vec![format!("{}s", restart.restart_time.as_secs())];
            words.extend(restart.restarting.then(|| "restarting".to_owned()));
            words.extend(restart.notification.then(|| "notifications".to_owned()));
            words.extend(restart.families.iter().map(|entry| {
                let kept = if entry.forwarding { " (forwarding kept)" } else { "" };
                format!("{}{kept}", code(entry.family))
            }));
            named(64, "graceful-restart", Some(words.join(", ")))
        }
        wire::Capability::FourOctetAsn(asn) => named(65, "four-octet-asn", Some(asn.to_string())),
        wire::Capability::EnhancedRouteRefresh => named(70, "enhanced-route-refresh", None),
        wire::Capability::Unknown { code, value } => named(*code, unused(*code), Some(hex(value))),
    }
}

/// The name of a capability that is not used here (IANA, Capability Codes).
fn unused(code: u8) -> &'static str {
    match code {
        9 => "role",
        69 => "add-path",
        71 => "long-lived-graceful-restart",
        73 => "fqdn",
        128 => "route-refresh-old",
        _ => "unknown",
    }
}

fn code(family: wire::FamilyCode) -> String {
    match family.family() {
        Some(family) => family.to_string(),
        None => format!("AFI {} SAFI {}", family.afi, family.safi),
    }
}

pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
