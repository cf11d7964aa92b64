//! The time after a start in which the kernel keeps what an earlier run left (RFC 4724 §4.1, Selection_Deferral_Timer).

use std::{collections::BTreeSet, time::Duration};

use crate::types::{Family, PeerId, Time};

/// How long the neighbors may take to come back and send all that they have.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// How long a neighbor that has restarted too may take once its session is up. It may wait for us, so it is not waited
/// for without end (RFC 4724 §4.1); but what it says until then need not be lost.
const RESTARTED: Duration = Duration::from_secs(5);

/// What is still missing before the kernel may follow the RIB.
#[derive(Debug, Default)]
pub(super) enum Startup {
    /// It has not begun.
    #[default]
    Before,
    /// It lasts.
    Lasting {
        /// When it is over at the latest.
        until: Time,
        /// An earlier run left routes: they must not be touched yet.
        adopted: bool,
        /// End-of-RIB markers that have not come.
        missing: BTreeSet<(PeerId, Family)>,
        /// Neighbors that are waited for until then only.
        hurried: Vec<(PeerId, Time)>,
    },
    /// It is over.
    Over,
}

/// How it ended.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct End {
    /// An earlier run had left routes.
    pub(super) adopted: bool,
    /// Neighbors that did not come back in time.
    pub(super) missing: Vec<PeerId>,
}

impl Startup {
    pub(super) fn begin(&mut self, now: Time, adopted: bool, missing: BTreeSet<(PeerId, Family)>) {
        *self = Self::Lasting { until: now + LIMIT, adopted, missing, hurried: Vec::new() };
    }

    pub(super) fn end_of_rib(&mut self, peer: PeerId, family: Family) {
        if let Self::Lasting { missing, .. } = self {
            missing.remove(&(peer, family));
        }
    }

    /// Nothing is waited for from a neighbor whose tunnel is down: what led over that is gone from the kernel already.
    pub(super) fn give_up(&mut self, peer: PeerId) {
        if let Self::Lasting { missing, .. } = self {
            missing.retain(|(waited, _)| *waited != peer);
        }
    }

    /// True while something is missing from that neighbor.
    pub(super) fn waits_for(&self, peer: PeerId) -> bool {
        match self {
            Self::Lasting { missing, .. } => missing.iter().any(|(waited, _)| *waited == peer),
            Self::Before | Self::Over => false,
        }
    }

    /// The neighbor has restarted as we have, and its session is up.
    pub(super) fn hurry(&mut self, now: Time, peer: PeerId) {
        if let Self::Lasting { hurried, .. } = self {
            hurried.push((peer, now + RESTARTED));
        }
    }

    /// True while routes of an earlier run stay as they are.
    pub(super) fn keeps_routes(&self) -> bool {
        matches!(self, Self::Lasting { adopted: true, .. })
    }

    /// True if it should be ended now.
    pub(super) fn is_over(&mut self, now: Time) -> bool {
        let Self::Lasting { until, missing, hurried, .. } = self else { return false };
        for (late, _) in hurried.extract_if(.., |(_, until)| *until <= now) {
            missing.retain(|(waited, _)| *waited != late);
        }
        missing.is_empty() || *until <= now
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        match self {
            Self::Lasting { until, hurried, .. } => hurried.iter().map(|(_, until)| *until).chain([*until]).min(),
            Self::Before | Self::Over => None,
        }
    }

    /// Ends it; `None` if it does not last.
    pub(super) fn end(&mut self) -> Option<End> {
        match std::mem::replace(self, Self::Over) {
            Self::Lasting { adopted, missing, .. } => {
                Some(End { adopted, missing: missing.into_iter().map(|(peer, _)| peer).collect() })
            }
            Self::Before => {
                *self = Self::Before;
                None
            }
            Self::Over => None,
        }
    }
}
