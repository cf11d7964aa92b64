//! The twin in `show gateway`.

use crate::control::api::{Twin, TwinConnection, TwinState, Warning};
use crate::speaker::Speaker;
use crate::twin;
use crate::twin::Presence;
use crate::types::Time;

impl Speaker {
    pub(super) fn show_twin(&self, now: Time) -> Option<Twin> {
        let known = self.pair.twin.as_ref()?;
        let last = known.last();
        let says = last.map(|(_, hello)| &hello.says);
        let session = self.twin_session().and_then(|id| self.neighbors.get(id));
        let connection = |one: &twin::Connection| TwinConnection {
            name: one.name.clone(),
            tunnels: one.tunnels,
            up: one.up,
            active: one.active,
        };
        Some(Twin {
            name: known.settings().twin.clone(),
            state: match known.presence() {
                Presence::Never => TwinState::NeverSeen,
                Presence::Present if known.is_slow() => TwinState::Slow,
                Presence::Present => TwinState::Present,
                Presence::Silent => TwinState::Silent,
                Presence::Left => TwinState::Left,
            },
            since: self.moment(known.since()),
            state_seconds: now.since(known.since()).as_secs(),
            heard_at: last.map(|(at, _)| self.moment(at)),
            heard_ms: last.map(|(at, _)| u64::try_from(now.since(at).as_millis()).unwrap_or(u64::MAX)),
            hears_us: known.hears_us(),
            role: says.map(|says| says.role.as_str().to_owned()),
            standing: says.map(|says| says.standing.as_str().to_owned()),
            reasons: says.map(|says| says.reasons.clone()).unwrap_or_default(),
            ready: says.map(|says| says.ready),
            version: last.map(|(_, hello)| hello.version.clone()),
            same_file: known.same_file(),
            restarts: known.restarts(),
            lost: known.counts().1,
            session: session.map(|neighbor| self.session_state(neighbor)),
            connections: says.map(|says| says.connections.iter().map(connection).collect()).unwrap_or_default(),
        })
    }

    /// What is not as it should be with the twin. One that never came up is no fault.
    pub(super) fn warn_of_twin(&self, warnings: &mut Vec<Warning>) {
        let Some(known) = &self.pair.twin else { return };
        let name = &known.settings().twin;
        let mut warn = |code: &str, message: String, hint: &str| {
            warnings.push(Warning { code: code.to_owned(), message, hint: Some(hint.to_owned()) });
        };
        if known.presence() == Presence::Silent {
            warn("twin_silent", format!("the twin, {name}, says nothing"), "twinspan show events");
        }
        if known.is_present() && !known.hears_us() {
            let message = format!("the twin, {name}, is heard and does not hear this instance");
            warn("twin_deaf", message, "look at the twin-link in both directions");
        }
        if known.is_present() && known.same_file() == Some(false) {
            let message = format!("the twin, {name}, runs another version of the file");
            warn("twin_other_file", message, "give both the same file, then on each: twinspan reload");
        }
    }
}
