//! Restarts that lose no packet (RFC 4724, RFC 8538): what is announced of our own, and which ends of a session keep the
//! routes of the other side. Owns no timer and no route.

use super::negotiate::Negotiated;
use super::{DownReason, Settings};
use crate::types::Family;
use crate::wire::{Cease, GracefulFamily, GracefulRestart, Notification};

/// What the next OPEN says of our own restart (RFC 4724 §3).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct OwnRestart {
    /// R: we have restarted and wait for End-of-RIB; the peer must not wait for ours.
    pub restarting: bool,
    /// F: families whose routes stayed in the kernel over our last restart.
    pub preserved: Vec<Family>,
}

impl OwnRestart {
    /// The capability; `None` if graceful restart is off.
    ///
    /// F is also set for the families in `served`, of an earlier session of this run: they were forwarded ever since.
    pub(super) fn capability(&self, settings: &Settings, served: &[Family]) -> Option<GracefulRestart> {
        let forwarding = |family: &Family| self.preserved.contains(family) || served.contains(family);
        let family = |family: &Family| GracefulFamily { family: (*family).into(), forwarding: forwarding(family) };
        Some(GracefulRestart {
            restarting: self.restarting,
            notification: true,
            restart_time: settings.restart_time?,
            families: settings.families.iter().map(family).collect(),
        })
    }
}

impl Negotiated {
    /// Families whose routes each side keeps when this session is lost: the peer announced them for graceful restart
    /// (RFC 4724 §4.2), and we speak it.
    #[must_use]
    pub fn restartable(&self) -> Vec<Family> {
        let theirs = self.graceful_restart.as_ref().filter(|_| self.helps);
        let named =
            |family: &Family| theirs.is_some_and(|theirs| theirs.families.iter().any(|f| f.family == (*family).into()));
        self.families.iter().copied().filter(named).collect()
    }

    /// Families for which the peer says that it went on forwarding (F, RFC 4724 §3).
    #[must_use]
    pub fn preserved(&self) -> Vec<Family> {
        let theirs = self.graceful_restart.as_ref().map(|theirs| theirs.families.as_slice()).unwrap_or_default();
        let forwards = |family: &Family| theirs.iter().any(|f| f.family == (*family).into() && f.forwarding);
        self.restartable().into_iter().filter(forwards).collect()
    }

    /// The peer keeps what we taught while we restart: it speaks graceful restart, be it without families of its own,
    /// as one does that would not keep its own forwarding (RFC 4724 §3).
    #[must_use]
    pub fn is_helped(&self) -> bool {
        self.helps && self.graceful_restart.is_some()
    }

    /// Both sides keep routes also when the session ends by a NOTIFICATION or a hold timer (N, RFC 8538 §2).
    #[must_use]
    pub fn survives_notifications(&self) -> bool {
        self.helps && self.graceful_restart.as_ref().is_some_and(|theirs| theirs.notification)
    }

    /// What the peer is told when this session ends and it shall keep nothing: as it is, or inside a Hard Reset
    /// (RFC 8538 §3.1).
    pub(super) fn for_good(&self, notification: &Notification) -> Notification {
        if self.survives_notifications() && notification.inside_hard_reset().is_none() {
            notification.hard_reset()
        } else {
            notification.clone()
        }
    }
}

impl DownReason {
    /// True if the routes of a peer that may restart are kept after this end of a session with it (RFC 4724 §4.2);
    /// `notifications`: also after those that both agreed on (RFC 8538 §4).
    #[must_use]
    pub fn keeps_routes(&self, notifications: bool) -> bool {
        match self {
            Self::Lost(_) | Self::Replaced => true,
            // The peer gave up this connection for another one, not the session (decision 0003).
            Self::Received(_) if self.is_collision() => true,
            Self::Received(said) | Self::Stopped(said) => notifications && !is_final(said),
            Self::HoldExpired | Self::Unexpected { .. } | Self::Malformed(_) => notifications,
            // It has not taken what we had to say for minutes.
            Self::SendHoldExpired => false,
            // A daemon that restarts is on a host that answers.
            Self::Unanswered(_) => false,
            Self::Connect(_)
            | Self::PeerAs { .. }
            | Self::RouterId(_)
            | Self::NoFamily { .. }
            | Self::Left
            | Self::Collision => false,
        }
    }
}

impl DownReason {
    /// True if the peer has said, in whatever state, that it is not there for us: what it taught before does not outlive
    /// that, be it of a session before our own restart (RFC 8538 §3.1 and §3.2).
    #[must_use]
    pub fn turns_away(&self) -> bool {
        matches!(self, Self::Received(said) if is_final(said) || is_for_good(said))
    }
}

/// Reasons after which nothing may be kept: a Hard Reset (RFC 8538 §3.1), and a dead way to the peer (RFC 9384).
fn is_final(said: &Notification) -> bool {
    let bfd = Notification::from(Cease::BfdDown);
    said.is_hard_reset() || (said.code, said.subcode) == (bfd.code, bfd.subcode)
}

/// True for reasons that mean "not again so soon", whatever the wish was: they are told as Hard Resets (RFC 8538 §3.2).
pub(super) fn is_for_good(said: &Notification) -> bool {
    let reasons = [Cease::MaximumPrefixes, Cease::AdministrativeShutdown, Cease::PeerDeconfigured, Cease::BfdDown];
    reasons.into_iter().map(Notification::from).any(|reason| (reason.code, reason.subcode) == (said.code, said.subcode))
}
