//! BFD, in `show neighbors` and `show tunnels`.

use std::time::Duration;

use crate::bfd::{Diag, State, Status};
use crate::control::api::{Bfd, BfdFailure, BfdState};
use crate::gateway::Watch;
use crate::speaker::Speaker;
use crate::speaker::neighbor::Neighbor;
use crate::speaker::watch::Watched;
use crate::types::Time;

impl Speaker {
    /// `None` for a neighbor that BFD does not watch.
    pub(super) fn show_bfd(&self, now: Time, neighbor: &Neighbor) -> Option<Bfd> {
        let watch = neighbor.plan.bfd.as_ref()?;
        Some(self.show_watched(now, watch, &neighbor.watched, neighbor.bfd_path().is_multihop()))
    }

    /// What BFD says, and has said, of one far end.
    pub(super) fn show_watched(&self, now: Time, watch: &Watch, watched: &Watched, multihop: bool) -> Bfd {
        let status = watched.status.as_ref();
        let heard = status.filter(|status| status.remote_discriminator != 0);
        let failure = watched.last_failure.map(|(at, diag)| BfdFailure {
            at: self.moment(at),
            ago_seconds: now.since(at).as_secs(),
            text: diag.to_string(),
        });
        let since = watched.since.filter(|_| status.is_some());
        Bfd {
            state: status.map(|status| state(status.state)),
            since: since.map(|since| self.moment(since)),
            state_seconds: since.map(|since| now.since(since).as_secs()),
            diagnostic: status.and_then(|status| words(status.diag)),
            remote_state: heard.map(|status| state(status.remote_state)),
            remote_diagnostic: heard.and_then(|status| words(status.remote_diag)),
            transmit_interval_ms: heard.map(|status| millis(status.transmit_interval)),
            receive_interval_ms: heard.map(|status| millis(status.receive_interval)),
            detection_time_ms: heard.map(|status: &Status| millis(status.detection_time)),
            strict: watch.strict,
            multihop,
            flaps: status.map_or(0, |status| u64::from(status.flaps)),
            failures: watched.failures,
            last_failure: failure,
        }
    }
}

fn words(diag: Diag) -> Option<String> {
    (diag != Diag::NONE).then(|| diag.to_string())
}

fn millis(interval: Duration) -> u64 {
    u64::try_from(interval.as_millis()).unwrap_or(u64::MAX)
}

fn state(state: State) -> BfdState {
    match state {
        State::AdminDown => BfdState::AdminDown,
        State::Down => BfdState::Down,
        State::Init => BfdState::Init,
        State::Up => BfdState::Up,
    }
}
