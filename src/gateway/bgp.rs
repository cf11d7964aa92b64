//! How a BGP session is to be run: what a `bgp` table says, and what becomes of it.

use std::{fmt, time::Duration};

use super::Auth;
use super::Bfd;
use super::ProbeWords;
use crate::types::Family;
use crate::types::HoldTime;
use crate::types::Name;
use crate::types::Weight;

/// How far away a neighbor may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ttl {
    /// On the link: packets are sent with 255 and none below 255 is believed (RFC 5082). The neighbor must do the same.
    Security,
    /// At most so many hops away, 1 to 255: packets are sent with this TTL, and any is believed.
    Hops(u8),
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Security => f.write_str("ttl-security"),
            Self::Hops(hops) => write!(f, "multihop {hops}"),
        }
    }
}

/// What is done so that a restart of either side loses no packet (RFC 4724, RFC 8538).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Restart {
    /// It is announced, and a neighbor that restarts is helped.
    pub enabled: bool,
    /// How long neighbors are asked to wait for us, in whole seconds, up to 4,095 s (RFC 4724 §3).
    pub restart_time: Duration,
    /// How long what a neighbor has not said again is used at most: after its session was lost, or a refresh began.
    pub stale_time: Duration,
}

impl Default for Restart {
    fn default() -> Self {
        Self { enabled: true, restart_time: Duration::from_secs(10), stale_time: Duration::from_secs(120) }
    }
}

/// How long things take on one session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timers {
    /// What we propose; the smaller of both proposals holds (RFC 4271 §4.2).
    pub hold_time: HoldTime,
    /// Between our KEEPALIVEs, below the hold time; zero when the hold time is off.
    pub keepalive: Duration,
    /// How long the neighbor may take nothing of what it is sent; zero is off, `None` is 8 minutes or twice the agreed
    /// hold time, whichever is more (RFC 9687).
    pub send_hold: Option<Duration>,
    /// Between attempts to connect, before jitter (RFC 4271 §8.2.2).
    pub connect_retry: Duration,
    /// The longest wait after errors.
    pub idle_hold_max: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Bgp::default().timers()
    }
}

/// A policy by its name; two names are words of their own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Word {
    /// Everything that the safety rules let through.
    Accept,
    /// Nothing.
    Reject,
    /// What the file's policy of that name says.
    Named(Name),
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept => f.write_str("accept"),
            Self::Reject => f.write_str("reject"),
            Self::Named(name) => name.fmt(f),
        }
    }
}

/// Policies in order; the first that decides counts. None means that nothing passes (RFC 8212).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Words(pub Vec<Word>);

impl Words {
    /// Everything passes that the safety rules let through.
    #[must_use]
    pub fn accept() -> Self {
        Self(vec![Word::Accept])
    }

    /// Nothing passes because nobody said so (RFC 8212 §2).
    #[must_use]
    pub fn none() -> Self {
        Self(Vec::new())
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (at, word) in self.0.iter().enumerate() {
            write!(f, "{}{word}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// What is done about a neighbor that teaches more prefixes than it may.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LimitAction {
    /// It is told of, and all are taken.
    Warn,
    /// Those above the limit are refused.
    Trim,
    /// The session is ended (RFC 4486 §4).
    Drop,
}

/// The most prefixes that a neighbor may teach, refused ones included (RFC 4271 §6.7).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PrefixLimit {
    /// Of IPv4 unicast; 0 is no limit.
    pub ipv4: u32,
    /// Of IPv6 unicast; 0 is no limit.
    pub ipv6: u32,
    /// What is done above it.
    pub action: LimitAction,
    /// People are told when so many of a hundred of it are reached, 1 to 100.
    pub warn_at: u8,
    /// How long the neighbor stays away after a drop; for ever without.
    pub restart: Option<Duration>,
}

impl PrefixLimit {
    /// No limit.
    pub const NONE: Self = Self { ipv4: 0, ipv6: 0, action: LimitAction::Drop, warn_at: 75, restart: None };

    /// Of one family, if there is a limit.
    #[must_use]
    pub fn family(&self, family: Family) -> Option<u32> {
        let limit = match family {
            Family::Ipv4 => self.ipv4,
            Family::Ipv6 => self.ipv6,
        };
        (limit > 0).then_some(limit)
    }
}

/// Whether a neighbor is kept down on purpose.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Shutdown {
    /// It is not.
    No,
    /// It is, and is told this text (RFC 9003), at most 255 octets; empty is none.
    Yes(String),
}

/// What one `bgp` table says. `None` leaves the word to the table around it, and in the end to the defaults.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Bgp {
    /// `hold-time`; 90 s unless given.
    pub hold_time: Option<HoldTime>,
    /// `keepalive-time`; a third of the hold time unless given.
    pub keepalive: Option<Duration>,
    /// `send-hold-time`; 8 minutes or twice the agreed hold time unless given, whichever is more.
    pub send_hold: Option<Duration>,
    /// `connect-retry`; 5 s unless given.
    pub connect_retry: Option<Duration>,
    /// `idle-hold-max`; 60 s unless given, or `connect-retry` if that is longer.
    pub idle_hold_max: Option<Duration>,
    /// `passive`: never dial; false unless given.
    pub passive: Option<bool>,
    /// `ttl-security` or `multihop`; on the link unless given.
    pub ttl: Option<Ttl>,
    /// `graceful-restart`; on unless given.
    pub restart: Option<Restart>,
    /// `max-prefixes`; no limit unless given.
    pub max_prefixes: Option<PrefixLimit>,
    /// `shutdown`; not unless given.
    pub shutdown: Option<Shutdown>,
    /// `password-file` or `ao-keys`; nothing is signed unless given.
    pub auth: Option<Auth>,
    /// `families`; the family of the neighbor's address unless given.
    pub families: Option<Vec<Family>>,
    /// The `bfd` table beside it.
    pub bfd: Bfd,
    /// The `probe` table beside it.
    pub probe: ProbeWords,
    /// `import`; what the kind of neighbor implies unless given.
    pub import: Option<Words>,
    /// `export`; what the kind of neighbor implies unless given.
    pub export: Option<Words>,
    /// `weight`; 1 unless given.
    pub weight: Option<Weight>,
    /// `graceful-shutdown`; false unless given.
    pub graceful_shutdown: Option<bool>,
    /// `allow-as-sets`; false unless given.
    pub allow_as_sets: Option<bool>,
}

impl Bgp {
    /// Ours where it says something, else `outer`, the table around it.
    #[must_use]
    pub fn or(&self, outer: &Self) -> Self {
        Self {
            hold_time: self.hold_time.or(outer.hold_time),
            keepalive: self.keepalive.or(outer.keepalive),
            send_hold: self.send_hold.or(outer.send_hold),
            connect_retry: self.connect_retry.or(outer.connect_retry),
            idle_hold_max: self.idle_hold_max.or(outer.idle_hold_max),
            passive: self.passive.or(outer.passive),
            ttl: self.ttl.or(outer.ttl),
            restart: self.restart.or(outer.restart),
            max_prefixes: self.max_prefixes.or(outer.max_prefixes),
            shutdown: self.shutdown.clone().or_else(|| outer.shutdown.clone()),
            auth: self.auth.clone().or_else(|| outer.auth.clone()),
            families: self.families.clone().or_else(|| outer.families.clone()),
            bfd: self.bfd.or(&outer.bfd),
            probe: self.probe.or(&outer.probe),
            import: self.import.clone().or_else(|| outer.import.clone()),
            export: self.export.clone().or_else(|| outer.export.clone()),
            weight: self.weight.or(outer.weight),
            graceful_shutdown: self.graceful_shutdown.or(outer.graceful_shutdown),
            allow_as_sets: self.allow_as_sets.or(outer.allow_as_sets),
        }
    }

    /// The timers, defaults filled in. Without a hold time there are no keepalives either (RFC 4271 §4.4).
    #[must_use]
    pub fn timers(&self) -> Timers {
        let hold_time = self.hold_time.unwrap_or(HoldTime::DEFAULT);
        let connect_retry = self.connect_retry.unwrap_or(Duration::from_secs(5));
        let keepalive = match hold_time.duration() {
            None => Duration::ZERO,
            Some(hold) => self.keepalive.unwrap_or(hold / 3),
        };
        Timers {
            hold_time,
            keepalive,
            send_hold: self.send_hold,
            connect_retry,
            idle_hold_max: self.idle_hold_max.unwrap_or(connect_retry.max(Duration::from_secs(60))),
        }
    }
}
