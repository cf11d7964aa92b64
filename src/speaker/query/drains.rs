//! `drain` and `undrain`, and how far they are.

use crate::control::api;
use crate::control::api::{ApiError, DrainStep, DrainTarget, Drains, ErrorCode, Reply, StandingState};
use crate::drain::{Step, Target};
use crate::speaker::drains::Work;
use crate::speaker::{Effect, Life, Speaker, Standing};
use crate::types::Time;

impl Speaker {
    pub(super) fn show_drains(&self, now: Time) -> Drains {
        Drains { drains: self.drains.work.iter().map(|work| self.show_drain(now, work)).collect() }
    }

    pub(super) fn ask_drain(
        &mut self,
        now: Time,
        order: &api::DrainOrder,
        out: &mut Vec<Effect>,
    ) -> Result<Reply, ApiError> {
        let target = self.drain_target(order)?;
        let reason = order.reason.as_ref().map(|text| text.replace(char::is_control, " "));
        if let Err(against) = self.drain(now, target.clone(), reason.clone(), order.force, out) {
            let what = self.drain_name(&target);
            let error = ApiError::new(ErrorCode::Conflict, format!("{what} is not drained: {}", against.join("; ")));
            let hint = if target == Target::Instance && self.twin_goes() {
                "never both instances are drained: bring the other one back first"
            } else if matches!(target, Target::Device(_)) {
                "its tunnels on both instances go; with --force that is meant, and traffic may be lost"
            } else {
                "mend that first; with --force it is drained all the same, and traffic may be lost"
            };
            return Err(error.hint(hint));
        }
        if let Target::Device(device) = &target {
            self.order_device(device, true, reason, order.force);
        }
        self.follow_up(now, out);
        self.reply_drain(now, &target)
    }

    pub(super) fn ask_undrain(
        &mut self,
        now: Time,
        order: &api::DrainOrder,
        out: &mut Vec<Effect>,
    ) -> Result<Reply, ApiError> {
        let target = self.drain_target(order)?;
        if !self.undrain(now, &target, out) {
            let message = format!("{} is not drained", self.drain_name(&target));
            return Err(ApiError::new(ErrorCode::Conflict, message).hint("see what is: twinspan show gateway"));
        }
        if let Target::Device(device) = &target {
            self.order_device(device, false, None, false);
        }
        self.follow_up(now, out);
        self.reply_drain(now, &target)
    }

    /// What the instance may say and do.
    pub(super) fn show_standing(&self) -> api::Standing {
        let standing = self.standing();
        let drains = || {
            let about = |work: &&Work| *work.machine.target() == Target::Instance;
            self.drains.work.iter().filter(about).filter_map(|work| work.machine.reason().map(str::to_owned)).collect()
        };
        let (state, reasons) = match standing {
            Standing::Serving => (StandingState::Serving, Vec::new()),
            Standing::Standby => (StandingState::Standby, Vec::new()),
            Standing::Unfit(reasons) => (StandingState::Unfit, reasons),
            Standing::Draining => (StandingState::Draining, drains()),
            Standing::Drained => (StandingState::Drained, drains()),
        };
        api::Standing { state, reasons }
    }

    fn drain_target(&self, order: &api::DrainOrder) -> Result<Target, ApiError> {
        match self.life {
            Life::Running => {}
            Life::Waiting => return Err(ApiError::unavailable("the instance is starting")),
            Life::Closing(_) | Life::Stopping | Life::Stopped => {
                return Err(ApiError::unavailable("the instance is stopping"));
            }
        }
        let target = match (&order.tunnel, &order.device) {
            (Some(tunnel), _) if self.tunnels.named(tunnel).is_none() => return Err(self.no_tunnel(tunnel)),
            (Some(tunnel), _) => Target::Tunnel(tunnel.clone()),
            (None, Some(device)) => Target::Device(device.clone()),
            (None, None) => Target::Instance,
        };
        match &target {
            Target::Device(device) if !self.has(&target) => {
                let message = format!("there is no tunnel to a device \"{device}\" on {}", self.instance);
                Err(ApiError::not_found(message).hint("see all: twinspan show tunnels"))
            }
            _ => Ok(target),
        }
    }

    fn drain_name(&self, target: &Target) -> String {
        match target {
            Target::Instance => self.instance.to_string(),
            Target::Tunnel(_) | Target::Device(_) => target.to_string(),
        }
    }

    fn reply_drain(&self, now: Time, target: &Target) -> Result<Reply, ApiError> {
        match self.drains.of(target) {
            Some(work) => Ok(Reply::Drain(Box::new(self.show_drain(now, work)))),
            None => Err(ApiError::not_found("it is gone")),
        }
    }

    fn show_drain(&self, now: Time, work: &Work) -> api::Drain {
        let machine = &work.machine;
        let (step, since) = machine.step();
        let (kind, name) = match machine.target() {
            Target::Instance => (DrainTarget::Instance, self.instance.clone()),
            Target::Tunnel(name) => (DrainTarget::Tunnel, name.clone()),
            Target::Device(name) => (DrainTarget::Device, name.clone()),
        };
        let rate = machine.rate();
        api::Drain {
            target: kind,
            name,
            reason: machine.reason().map(str::to_owned),
            forced: machine.forced(),
            step: match step {
                Step::Moving => DrainStep::Moving,
                Step::Withdrawing => DrainStep::Withdrawing,
                Step::Closing => DrainStep::Closing,
                Step::Drained => DrainStep::Drained,
                Step::Returning => DrainStep::Returning,
                Step::Returned => DrainStep::Returned,
            },
            since: self.moment(since),
            step_seconds: now.since(since).as_secs(),
            began_at: self.moment(machine.began()),
            took_seconds: machine.took().map(|took| took.as_millis() as f64 / 1_000.0),
            moved: machine.moved(),
            tunnels: self.tunnels_of(machine.target()),
            received_per_second: rate.map(|(received, _)| received),
            sent_per_second: rate.map(|(_, sent)| sent),
            lost_packets: machine.lost(),
            other_instance: self.on_the_other(machine.target()),
            text: self.step_event(machine).to_string(),
        }
    }
}
