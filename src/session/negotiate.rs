//! Two OPENs to one agreement, or to the reason why there is none (RFC 4271 §6.2, RFC 5492).

use std::time::Duration;

use super::unanswered;
use super::{DownReason, Settings};
use crate::types::{Asn, ConnId, Family, HoldTime, RouterId};
use crate::wire::{Capabilities, Capability, Context, FamilyCode, GracefulRestart, Notification, Open};

/// The least send hold time unless another is given (RFC 9687 §3).
const LEAST_SEND_HOLD: Duration = Duration::from_secs(480);

/// What both sides agreed on for one session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Negotiated {
    /// The connection that it holds for.
    pub conn: ConnId,
    /// The peer's BGP Identifier.
    pub router_id: RouterId,
    /// The peer's AS number.
    pub asn: Asn,
    /// The smaller of both hold times; off if either side says so.
    pub hold_time: HoldTime,
    /// How often we send KEEPALIVE: ours, or a third of the hold time if that is less. Zero is never.
    pub keepalive: Duration,
    /// How long the peer may take nothing of what it is sent (RFC 9687). Zero is for ever.
    pub send_hold: Duration,
    /// The families of both sides, in our order. At least one.
    pub families: Vec<Family>,
    /// How octets are read and written.
    pub context: Context,
    /// The peer answers ROUTE-REFRESH (RFC 2918).
    pub refresh: bool,
    /// Both bracket a refresh with BoRR and EoRR (RFC 7313).
    pub enhanced_refresh: bool,
    /// What the peer says of its restarts (RFC 4724).
    pub graceful_restart: Option<GracefulRestart>,
    /// We keep what it taught while it restarts.
    pub helps: bool,
    /// All that the peer announced.
    pub capabilities: Capabilities,
}

/// Why a peer cannot be asked for its routes again.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoRefresh {
    /// There is no session to ask on.
    #[error("its session is not Established")]
    Down,
    /// Both did not agree on the family.
    #[error("{0} is not exchanged with it")]
    Family(Family),
    /// It did not announce that it answers (RFC 2918 §4).
    #[error("it has not announced route refresh; only a reset of the session makes it send its routes again")]
    Capability,
}

impl Negotiated {
    /// How long the peer's host may answer nothing of what it was sent; `None` where the hold timer is as fast.
    #[must_use]
    pub fn unanswered(&self) -> Option<Duration> {
        unanswered::limit(self.hold_time, self.keepalive)
    }

    /// How long after its last sign of life such a host is left at the latest: something is sent within the keepalive time.
    #[must_use]
    pub fn unanswered_within(&self) -> Option<Duration> {
        Some(self.keepalive + self.unanswered()?)
    }

    /// Whether the peer can be asked for all its routes of the family again (RFC 2918 §4).
    pub fn refreshes(&self, family: Family) -> Result<(), NoRefresh> {
        if !self.families.contains(&family) {
            Err(NoRefresh::Family(family))
        } else if self.refresh {
            Ok(())
        } else {
            Err(NoRefresh::Capability)
        }
    }
}

/// Why an OPEN is no ground for a session, and what the peer is told.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) notification: Notification,
    pub(super) reason: DownReason,
}

/// Checks the peer's OPEN and joins it with ours.
///
/// A peer without any multiprotocol capability speaks IPv4 unicast and nothing else (RFC 4760 §8). With no family in
/// common it is told Unsupported Capability and which ones it would have needed (RFC 5492 §5).
pub(super) fn negotiate(settings: &Settings, conn: ConnId, open: Open) -> Result<Negotiated, Refused> {
    let internal = open.asn == settings.local_asn;
    if open.asn != settings.remote_asn && !settings.other_asns.contains(&open.asn) {
        let reason = DownReason::PeerAs { got: open.asn, expected: settings.remote_asn };
        return Err(Refused { notification: Notification::BAD_PEER_AS, reason });
    }
    if internal && open.router_id == settings.router_id {
        let reason = DownReason::RouterId(open.router_id);
        return Err(Refused { notification: Notification::BAD_ROUTER_ID, reason });
    }
    let theirs = Announced::read(&open.capabilities);
    let families: Vec<_> = settings.families.iter().copied().filter(|family| theirs.speaks(*family)).collect();
    if families.is_empty() {
        let reason = DownReason::NoFamily { ours: settings.families.clone() };
        let needed = settings.families.iter().map(|family| Capability::Multiprotocol((*family).into())).collect();
        return Err(Refused { notification: Notification::unsupported_capability(&Capabilities(needed)), reason });
    }
    let hold_time = settings.hold_time.min(open.hold_time);
    let offered_ipv4 = settings.families.contains(&Family::Ipv4);
    Ok(Negotiated {
        conn,
        router_id: open.router_id,
        asn: open.asn,
        hold_time,
        keepalive: keepalive(settings.keepalive_time, hold_time),
        send_hold: send_hold(settings.send_hold_time, hold_time),
        families,
        context: Context {
            four_octet_asn: theirs.four_octet_asn,
            extended_message: theirs.extended_message,
            ipv4_over_ipv6: offered_ipv4 && theirs.ipv4_over_ipv6,
            internal,
        },
        refresh: theirs.refresh,
        enhanced_refresh: theirs.enhanced_refresh,
        graceful_restart: theirs.graceful_restart,
        helps: settings.restart_time.is_some(),
        capabilities: open.capabilities,
    })
}

/// Ours or a third of the hold time, whichever is less; at least a second (RFC 4271 §4.4); zero without a hold time.
pub(super) fn keepalive(ours: Duration, hold_time: HoldTime) -> Duration {
    match hold_time.duration() {
        None => Duration::ZERO,
        Some(hold) if ours.is_zero() => hold / 3,
        Some(hold) => ours.min(hold / 3).max(Duration::from_secs(1)),
    }
}

/// Ours, else 8 minutes or twice the hold time, whichever is more; zero without a hold time (RFC 9687 §3).
pub(super) fn send_hold(ours: Option<Duration>, hold_time: HoldTime) -> Duration {
    let Some(hold) = hold_time.duration() else { return Duration::ZERO };
    ours.unwrap_or_else(|| (2 * hold).max(LEAST_SEND_HOLD))
}

/// What an OPEN's capabilities come to.
#[derive(Default)]
struct Announced {
    multiprotocol: Vec<FamilyCode>,
    refresh: bool,
    enhanced_refresh: bool,
    extended_message: bool,
    four_octet_asn: bool,
    ipv4_over_ipv6: bool,
    graceful_restart: Option<GracefulRestart>,
}

impl Announced {
    fn read(capabilities: &Capabilities) -> Self {
        let mut read = Self::default();
        for capability in &capabilities.0 {
            match capability {
                Capability::Multiprotocol(family) => read.multiprotocol.push(*family),
                Capability::RouteRefresh => read.refresh = true,
                Capability::ExtendedNextHop(list) => {
                    let ipv4 = FamilyCode::from(Family::Ipv4);
                    read.ipv4_over_ipv6 |=
                        list.iter().any(|entry| entry.family == ipv4 && entry.next_hop_afi == Family::Ipv6.afi());
                }
                Capability::ExtendedMessage => read.extended_message = true,
                Capability::GracefulRestart(restart) => read.graceful_restart = Some(restart.clone()),
                Capability::FourOctetAsn(_) => read.four_octet_asn = true,
                Capability::EnhancedRouteRefresh => read.enhanced_refresh = true,
                Capability::Unknown { .. } => {}
            }
        }
        read
    }

    fn speaks(&self, family: Family) -> bool {
        if self.multiprotocol.is_empty() { family == Family::Ipv4 } else { self.multiprotocol.contains(&family.into()) }
    }
}
