//! What a person can have done to a session, a tunnel, an instance or both instances: sessions closed and dialled again, or
//! routes said again.
//!
//! A reset of an instance leaves the session with its twin as it is: what the instance learned goes over the twin until its
//! own ways are back, so that nothing is lost for want of a route. A reset of the gateway is one of each instance, the
//! second when the first is back.

use std::time::Duration;

use super::{Effect, Event, Life, Speaker};
use crate::control::api::{ApiError, ErrorCode, Reset, Soft};
use crate::gateway::NeighborKind;
use crate::session;
use crate::types::{Name, PeerId, Time};
use crate::wire::{Cease, Notification};

/// What a neighbor is told without a reason of the person's own.
const REASON: &str = "reset by an operator";

/// How long the other instance waits for this one to be back at the most.
const PATIENCE: Duration = Duration::from_secs(60);

/// An instance is not back before that: its sessions are only just closed.
const BREATH: Duration = Duration::from_secs(1);

/// Resets that one instance asks of the other.
#[derive(Debug, Default)]
pub(super) struct Relay {
    /// How often the other was asked in this run.
    asked: u64,
    /// It is to be asked when this instance is back: not before the one time, and not later than the other.
    pending: Option<(Time, Time)>,
    /// The run of the other that was heard last, and how often it had asked by then.
    heard: Option<(u64, u64)>,
}

impl Relay {
    /// How often the other was asked to reset itself.
    pub(super) fn asked(&self) -> u64 {
        self.asked
    }

    /// Asks the other if that is due.
    pub(super) fn pass(&mut self, now: Time, ready: bool) {
        if self.pending.is_some_and(|(from, until)| now >= until || ready && now >= from) {
            self.pending = None;
            self.asked += 1;
        }
    }

    /// When [`Relay::pass`] may have something to do though nothing else happens.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.pending.map(|(from, until)| if from == until { until } else { from })
    }

    /// True if that is a reset more than was heard of before. What was asked before this instance listened does not count.
    fn hears(&mut self, boot: u64, asked: u64) -> bool {
        let before = self.heard.replace((boot, asked));
        before.is_some_and(|(run, known)| run == boot && asked > known)
    }
}

impl Speaker {
    /// Resets the session in a tunnel, and forgets what the tunnel's failures have cost; says what was done.
    pub(super) fn reset_tunnel(
        &mut self,
        now: Time,
        name: &Name,
        reason: Option<&str>,
        out: &mut Vec<Effect>,
    ) -> Result<String, ApiError> {
        self.tunnels.named(name).ok_or_else(|| self.no_tunnel(name))?;
        self.forgive(now, name, REASON, out);
        if let Some(why) = self.tunnels.named(name).and_then(|tunnel| tunnel.reason(now)) {
            let message = format!("what the failures of {name} have cost is forgotten, and it is still down: {why}");
            return Err(ApiError::new(ErrorCode::Conflict, message).hint(format!("twinspan show tunnels {name}")));
        }
        let how = Reset::Session { reason: reason.map(str::to_owned), hard: false };
        match self.neighbors.named(name).map(|neighbor| neighbor.id) {
            Some(id) => self.reset(now, id, &how, out),
            None => Ok(format!("{name} has no session; what its failures have cost is forgotten")),
        }
    }

    /// Resets all of this instance but the session with its twin; says what was done.
    pub(super) fn reset_instance(
        &mut self,
        now: Time,
        reason: Option<&str>,
        out: &mut Vec<Effect>,
    ) -> Result<String, ApiError> {
        if self.life != Life::Running {
            return Err(ApiError::unavailable("the instance is starting or stopping"));
        }
        let count = self.reset_all(now, None, reason, out);
        let twin = if self.twin_session().is_some() { "; the one with the twin goes on" } else { "" };
        Ok(format!("{}: {} closed and dialled again{twin}", self.instance, sessions(count)))
    }

    /// The same, and has the twin do so when this instance is back.
    pub(super) fn reset_gateway(
        &mut self,
        now: Time,
        reason: Option<&str>,
        out: &mut Vec<Effect>,
    ) -> Result<String, ApiError> {
        let hears = self.pair.twin.as_ref().filter(|twin| twin.hears_us());
        let Some(twin) = hears.map(|twin| twin.settings().twin.clone()) else {
            let message = "the other instance does not hear this one, so it cannot be told";
            let hint = "reset each by itself, on its host: twinspan reset instance";
            return Err(ApiError::new(ErrorCode::Conflict, message).hint(hint));
        };
        let done = self.reset_instance(now, reason, out)?;
        self.pair.relay.pending = Some((now + BREATH, now + PATIENCE));
        Ok(format!(
            "{done}. {twin} follows when {} is back, after {} s at the latest",
            self.instance,
            PATIENCE.as_secs()
        ))
    }

    /// Does what the twin asks for.
    pub(super) fn reset_as_told(&mut self, now: Time, out: &mut Vec<Effect>) {
        let Some((_, hello)) = self.pair.twin.as_ref().and_then(|twin| twin.last()) else { return };
        let (boot, asked, twin) = (hello.boot, hello.says.resets, hello.instance.clone());
        if self.pair.relay.hears(boot, asked) && self.life == Life::Running {
            self.reset_all(now, Some(twin), None, out);
        }
    }

    /// All sessions but that with the twin, what tunnels remember, and what the kernel is thought to hold. How many
    /// sessions it was.
    fn reset_all(&mut self, now: Time, by: Option<Name>, reason: Option<&str>, out: &mut Vec<Effect>) -> usize {
        let own = |id: &PeerId| self.neighbors.get(*id).is_some_and(|one| one.plan.kind != NeighborKind::Twin);
        let ids: Vec<PeerId> = self.neighbors.ids().into_iter().filter(own).collect();
        let tunnels: Vec<Name> = self.tunnels.iter().map(|tunnel| tunnel.plan.name.clone()).collect();
        let count = ids.iter().filter(|id| self.neighbors.get(**id).is_some_and(|one| one.conn.is_some())).count();
        out.push(Effect::Tell(Event::InstanceReset { sessions: count, by }));
        for tunnel in &tunnels {
            self.forgive(now, tunnel, REASON, out);
        }
        let how = Reset::Session { reason: reason.map(str::to_owned), hard: false };
        for id in ids {
            // Who is kept down, or has no tunnel, has nothing to be reset.
            let _ = self.reset(now, id, &how, out);
        }
        // What is in the kernel is read and compared with what is wanted.
        self.links_missed();
        count
    }

    /// Resets a neighbor's session; says what was done.
    pub(super) fn reset(
        &mut self,
        now: Time,
        id: PeerId,
        how: &Reset,
        out: &mut Vec<Effect>,
    ) -> Result<String, ApiError> {
        let Some(neighbor) = self.neighbors.get(id) else { return Err(ApiError::not_found("it is gone")) };
        let name = neighbor.plan.name.clone();
        let conflict = |message: String, hint: &str| Err(ApiError::new(ErrorCode::Conflict, message).hint(hint));
        if neighbor.plan.shutdown.is_some() {
            let message = format!("{name} has no session to reset: the file shuts it down");
            return conflict(message, "remove `shutdown` from its bgp table");
        }
        if neighbor.stance.down.is_some() {
            let message = format!("{name} has no session to reset: this instance keeps it down");
            return conflict(message, "see why: twinspan show gateway");
        }
        if !neighbor.ready() {
            let message = format!("{name} has no session to reset: its tunnel is down");
            return conflict(message, "see why: twinspan show tunnels");
        }
        match how {
            Reset::Session { .. } if neighbor.over.is_some() => {
                self.let_back(now, id, out);
                Ok(format!("{name} may come back, and is dialled"))
            }
            Reset::Session { reason, hard } => {
                let why = Notification::shutdown(Cease::AdministrativeReset, reason.as_deref().unwrap_or(REASON));
                // Without RFC 8538 on both sides a NOTIFICATION ends everything, which is what hard means.
                let why = if *hard && neighbor.keeps_routes_over_notifications() { why.hard_reset() } else { why };
                self.session(now, Some(id), session::Input::Restart(why), out);
                Ok(format!("{name} is closed and dialled again"))
            }
            Reset::Soft(soft) => {
                let Some(agreed) = neighbor.session.negotiated() else {
                    return conflict(format!("{name} is not Established"), "see why: twinspan show neighbors");
                };
                let (families, refresh) = (agreed.families.clone(), agreed.refresh);
                let (asks, says) = (*soft != Soft::Out, *soft != Soft::In);
                if asks && !refresh {
                    let message = format!("{name} cannot be asked for its routes: it announced no route refresh");
                    return conflict(message, "without --soft the session is closed and dialled again");
                }
                for family in families {
                    if asks {
                        self.session(now, Some(id), session::Input::Refresh(family), out);
                    }
                    if says {
                        self.rib.refresh(id, family);
                    }
                }
                Ok(match soft {
                    Soft::In => format!("{name} is asked for all its routes again"),
                    Soft::Out => format!("{name} is told all its routes again"),
                    Soft::Both => format!("{name} is asked for all its routes again, and told all of ours"),
                })
            }
        }
    }
}

fn sessions(count: usize) -> String {
    if count == 1 { "1 session is".to_owned() } else { format!("{count} sessions are") }
}
