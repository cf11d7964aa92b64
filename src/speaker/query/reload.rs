//! `plan`, `reload` and `confirm`: a text in, what it would change or has changed out.

use std::time::Duration;

use super::Surroundings;
use crate::config;
use crate::config::{Config, Diagnostic, Fate, Plan, SessionPlan, Severity};
use crate::control::api;
use crate::control::api::{ApiError, ConfigState, ErrorCode, Fault, FaultSeverity, FileText, OnDisk, Reply};
use crate::speaker::{Effect, Event, ReloadError, Speaker};
use crate::types::Time;

impl Speaker {
    /// What a reload of that text would do; nothing is changed.
    pub(super) fn ask_plan(&self, file: &FileText) -> Result<Reply, ApiError> {
        let plan = self.plan(&read(file)?);
        Ok(Reply::Plan(Box::new(shown(&plan))))
    }

    /// Reads the file again and goes over to it.
    pub(super) fn ask_reload(
        &mut self,
        now: Time,
        confirm_within: Option<u64>,
        around: &dyn Surroundings,
        out: &mut Vec<Effect>,
    ) -> Result<Reply, ApiError> {
        let done = self.reload_file(now, confirm_within.map(Duration::from_secs), around, out);
        if let Err(error) = &done {
            let reason = error.message.clone();
            out.push(Effect::Tell(Event::ReloadRefused { reason, faults: error.faults.clone() }));
        }
        done
    }

    fn reload_file(
        &mut self,
        now: Time,
        confirm_within: Option<Duration>,
        around: &dyn Surroundings,
        out: &mut Vec<Effect>,
    ) -> Result<Reply, ApiError> {
        let config = read(&around.file().map_err(|reason| ApiError::new(ErrorCode::Conflict, reason))?)?;
        around.admits(&config).map_err(|reason| ApiError::new(ErrorCode::Conflict, reason))?;
        let plan = self.reload(now, config, confirm_within, out).map_err(|error| {
            let hint = match &error {
                ReloadError::Restart(_) => Some("restart the daemon, or put that back; nothing was changed"),
                ReloadError::Unconfirmed(_) => Some("keep it: twinspan confirm; or wait until it has gone back"),
                ReloadError::NotRunning(_) => None,
            };
            ApiError { hint: hint.map(str::to_owned), ..ApiError::new(ErrorCode::Conflict, error.to_string()) }
        })?;
        let mut plan = shown(&plan);
        plan.applied = true;
        plan.confirm_within_seconds = self.unconfirmed_for(now);
        plan.confirm_by = self.reload_deadline().map(|at| self.moment(at));
        Ok(Reply::Plan(Box::new(plan)))
    }

    /// Keeps what the last reload brought.
    pub(super) fn ask_confirm(&mut self, out: &mut Vec<Effect>) -> Result<Reply, ApiError> {
        if self.confirm(out) {
            let message = "the configuration of the last reload stays".to_owned();
            return Ok(Reply::Done(api::Done { message }));
        }
        let message = "no reload waits to be confirmed: it was without --confirm-within, or has gone back";
        Err(ApiError::new(ErrorCode::Conflict, message).hint("see what runs: twinspan show gateway"))
    }

    /// What runs, and how that compares to the file.
    pub(super) fn show_config(&self, now: Time, around: &dyn Surroundings) -> ConfigState {
        let runs = self.config.written.source();
        let on_disk = match around.file() {
            _ if runs.is_none() => OnDisk::Unknown,
            Ok(file) if runs == Some(&config::Source::of(&file.file, &file.text)) => OnDisk::Same,
            Ok(_) => OnDisk::Differs,
            Err(_) => OnDisk::Unreadable,
        };
        ConfigState {
            file: runs.map(|source| source.file.clone()),
            fingerprint: runs.map(|source| source.fingerprint.clone()),
            loaded_at: self.moment(self.loaded),
            on_disk,
            unconfirmed_seconds: self.unconfirmed_for(now),
        }
    }
}

/// The text as a configuration, or all its faults.
fn read(file: &FileText) -> Result<Config, ApiError> {
    config::parse(&file.file, &file.text).map(|(config, _)| config).map_err(|faults| {
        let errors = faults.iter().filter(|fault| fault.severity == Severity::Error).count();
        let (name, s) = (&file.file, if errors == 1 { "" } else { "s" });
        let message = format!("{name} cannot be used: {errors} error{s}; nothing was changed");
        let mut error = ApiError::new(ErrorCode::BadRequest, message).hint(format!("see all: twinspan check {name}"));
        error.faults = faults.into_iter().map(fault).collect();
        error
    })
}

fn fault(found: Diagnostic) -> Fault {
    Fault {
        severity: match found.severity {
            Severity::Error => FaultSeverity::Error,
            Severity::Warning => FaultSeverity::Warning,
        },
        code: found.code.to_owned(),
        message: found.message,
        help: found.way_out,
        file: found.file,
        line: found.line as u64,
        column: found.column as u64,
    }
}

/// The plan as the API writes it.
fn shown(plan: &Plan) -> api::Plan {
    let class = |class: config::Class| match class {
        config::Class::None => api::PlanClass::None,
        config::Class::Soft => api::PlanClass::Soft,
        config::Class::Session => api::PlanClass::Session,
        config::Class::Restart => api::PlanClass::Restart,
    };
    let keys = |keys: &[&'static config::Key]| keys.iter().map(|key| key.path()).collect();
    let session = |session: &SessionPlan| api::PlanSession {
        name: session.name.clone(),
        was: session.was.clone(),
        fate: match session.fate {
            Fate::Kept => api::SessionFate::Kept,
            Fate::Soft => api::SessionFate::Soft,
            Fate::Reset => api::SessionFate::Reset,
            Fate::Added => api::SessionFate::Added,
            Fate::Removed => api::SessionFate::Removed,
        },
        because: keys(&session.because),
    };
    api::Plan {
        applied: false,
        confirm_within_seconds: None,
        confirm_by: None,
        class: class(plan.class()),
        changes: plan
            .changes
            .iter()
            .map(|change| api::PlanChange {
                thing: change.thing.clone(),
                key: change.key.map(config::Key::path),
                from: change.from.clone(),
                to: change.to.clone(),
                class: class(change.class),
            })
            .collect(),
        refused: plan
            .refused
            .iter()
            .map(|refused| api::PlanRefusal { key: refused.key.path(), reason: refused.reason.clone() })
            .collect(),
        sessions: plan.sessions.iter().map(session).collect(),
        ranges: plan.ranges.iter().map(session).collect(),
        announced: plan.announced.clone(),
        withdrawn: plan.withdrawn.clone(),
        spread: keys(&plan.spread),
        peers: plan
            .peers
            .iter()
            .map(|peer| api::PlanPeer {
                neighbor: peer.neighbor.clone(),
                instance: Some(peer.instance.clone()),
                device: peer.device.clone(),
                address: peer.address.1,
                was_address: peer.address.0,
                asn: peer.asn.1,
                was_asn: peer.asn.0,
            })
            .collect(),
    }
}
