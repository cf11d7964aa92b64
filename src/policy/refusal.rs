//! Why a route is not accepted.

use std::net::IpAddr;

use crate::types::{Asn, Prefix};

use super::Rejected;

/// Why a route of a neighbor stays out of the table; its text is what people read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A loop (RFC 4271 §9.1.2).
    #[error("own AS {0} in AS_PATH")]
    OwnAs(Asn),
    /// Our own network, or a part of it.
    #[error("inside our own {0}")]
    OwnPrefix(Prefix),
    /// Space that nobody routes.
    #[error("{0} is never routed")]
    Martian(&'static str),
    /// The AS_PATH of an external neighbor begins with another AS (RFC 4271 §6.3).
    #[error("AS_PATH begins with {}, not with the neighbor's AS {expected}", .found.map_or("no AS".to_owned(), |asn| format!("AS {asn}")))]
    FirstAs {
        /// What it begins with, if with one AS.
        found: Option<Asn>,
        /// The neighbor's.
        expected: Asn,
    },
    /// A segment of its path is a set, AS_SET or AS_CONFED_SET (RFC 9774 §3).
    #[error("a set of ASes in AS_PATH, which is deprecated (RFC 9774): allow-as-sets = true takes it")]
    AsSet,
    /// ORIGINATOR_ID is our own: a reflected loop (RFC 4456 §8).
    #[error("own router id in ORIGINATOR_ID")]
    OwnOriginator,
    /// CLUSTER_LIST has our own id: a reflected loop (RFC 4456 §8).
    #[error("own cluster id in CLUSTER_LIST")]
    OwnCluster,
    /// NEXT_HOP is an address of ours (RFC 4271 §5.1.3).
    #[error("next hop {0} is our own address")]
    OwnNextHop(IpAddr),
    /// NEXT_HOP is no address that a packet can be sent to (RFC 4271 §6.3).
    #[error("next hop {0} is not the address of a host")]
    NextHop(IpAddr),
    /// No policy for a neighbor of another AS.
    #[error("no import policy for this neighbor (RFC 8212): import = [\"accept\"] takes all")]
    NoPolicy,
    /// A policy says no.
    #[error("{0}")]
    Policy(Rejected),
    /// The neighbor teaches more prefixes than it may, and this one came when the table had as many.
    #[error("above the limit of {0} prefixes (max-prefixes)")]
    OverLimit(usize),
    /// It asks that traffic be dropped, and no rule of a policy speaks of that (RFC 7999 §3.3).
    #[error("it asks to drop traffic (blackhole), and no policy rule for the community blackhole accepts it")]
    Blackhole,
    /// It asks that the traffic of more than one address be dropped (RFC 7999 §3.3).
    #[error("it asks to drop traffic (blackhole) of more than a single address")]
    WideBlackhole,
    /// Nothing leads to its next hop (RFC 4271 §9.1.2).
    #[error("nothing leads to its next hop {0}: no network of this host, and no route of the kernel but a default one")]
    Unreachable(IpAddr),
    /// The settings that refused it are being replaced.
    #[error("refused by settings that have changed since")]
    Outdated,
    /// The neighbor uses more next hops than are kept apart for one session.
    #[error("more than 65535 different next hops from this neighbor")]
    TooManyNextHops,
}
