//! How soon a silent far end of a tunnel is noticed, and by what.

use std::time::Duration;

use crate::bfd::State as BfdState;
use crate::control::api::{Detection, DetectionBy, DetectionWay, Probe, ProbeState};
use crate::probe::{Plan, State};
use crate::speaker::Speaker;
use crate::speaker::neighbor::{Bond, Neighbor};
use crate::speaker::probes::Probed;
use crate::speaker::tunnels::Tunnel;
use crate::types::Time;

impl Speaker {
    /// All that would notice it, the soonest first.
    pub(super) fn show_detection(&self, neighbor: &Neighbor) -> Detection {
        let way = |by, within: Option<Duration>, active| DetectionWay { by, within_ms: within.map(millis), active };
        let agreed = neighbor.session.negotiated();
        let up = matches!(neighbor.bond, Bond::Up(_));
        let mut ways = Vec::new();
        if let Some(watch) = &neighbor.plan.bfd {
            let alive = neighbor.watched.status.as_ref().filter(|status| status.state == BfdState::Up);
            let wanted = watch.interval * u32::from(watch.multiplier);
            let within = alive.map_or(wanted, |status| status.detection_time);
            ways.push(way(DetectionBy::Bfd, Some(within), up && alive.is_some()));
        }
        if let Some(plan) = neighbor.probe_plan() {
            let active = up && neighbor.probed.state == State::Alive;
            ways.push(way(DetectionBy::Probe, Some(plan.detection()), active));
        }
        let (hold, unanswered) = match agreed {
            Some(agreed) => (agreed.hold_time.duration(), agreed.unanswered_within()),
            None => (neighbor.plan.timers.hold_time.duration(), None),
        };
        if let Some(within) = unanswered {
            ways.push(way(DetectionBy::Unanswered, Some(within), up));
        }
        if hold.is_some() {
            ways.push(way(DetectionBy::HoldTimer, hold, up && agreed.is_some()));
        }
        soonest(ways)
    }

    /// The same for a tunnel without a session.
    pub(super) fn show_detection_alone(&self, tunnel: &Tunnel) -> Detection {
        let up = self.links.named(&tunnel.plan.interface).is_some_and(|link| link.up);
        let mut ways = Vec::new();
        if let Some(watch) = &tunnel.plan.bfd {
            let alive = tunnel.watch.watched.status.as_ref().filter(|status| status.state == BfdState::Up);
            let wanted = watch.interval * u32::from(watch.multiplier);
            let within = Some(millis(alive.map_or(wanted, |status| status.detection_time)));
            ways.push(DetectionWay { by: DetectionBy::Bfd, within_ms: within, active: up && alive.is_some() });
        }
        if let Some(plan) = tunnel.probe_plan() {
            let active = up && tunnel.watch.probed.state == State::Alive;
            ways.push(DetectionWay { by: DetectionBy::Probe, within_ms: Some(millis(plan.detection())), active });
        }
        soonest(ways)
    }

    /// `None` for a tunnel that is not probed.
    pub(super) fn show_probe(&self, now: Time, neighbor: &Neighbor) -> Option<Probe> {
        neighbor.probe_plan().map(|plan| self.show_probed(now, &plan, &neighbor.probed))
    }

    /// What the probe says, and has said, of one far end.
    pub(super) fn show_probed(&self, now: Time, plan: &Plan, probed: &Probed) -> Probe {
        Probe {
            state: match probed.state {
                State::Unknown => ProbeState::Unknown,
                State::Alive => ProbeState::Answers,
                State::Dead => ProbeState::Silent,
            },
            since: probed.since.map(|since| self.moment(since)),
            state_seconds: probed.since.map(|since| now.since(since).as_secs()),
            interval_ms: millis(plan.interval),
            count: plan.count,
            failures: probed.failures,
        }
    }
}

fn soonest(mut ways: Vec<DetectionWay>) -> Detection {
    ways.sort_by_key(|way| (!way.active, way.within_ms));
    let first = ways.first().filter(|way| way.active);
    Detection { within_ms: first.and_then(|way| way.within_ms), by: first.map(|way| way.by), ways: ways.clone() }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
