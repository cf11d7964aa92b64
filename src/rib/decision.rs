//! Which path is the best (RFC 4271 §9.1.2.2), as steps that each put paths out.
//!
//! A step looks at the set of paths that are still in and never at their order, so the outcome does not depend on who
//! came first. MED, which is only compared among paths of one neighbor AS, puts out every path for which a path of
//! the same neighbor AS with a lower MED is still in ("deterministic MED"). There is no IGP here, so that step
//! (9.1.2.2 e) is not taken: the only interior paths are the twin's and a route reflector's.
//!
//! One step is ours: a path over the twin stands behind every one of the same LOCAL_PREF that leaves from here
//! (`docs/decisions/0021-twin.md`).

use std::{cmp::Reverse, fmt, net::IpAddr};

use serde::Serialize;
use smallvec::SmallVec;

use crate::types::{Asn, PeerId};
use crate::wire::Origin;

use super::attrs::{AttrsId, Rank};
use super::multipath;

/// The step that put a path out.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The gateway's own route wins over all that is learned.
    Local,
    /// Higher LOCAL_PREF (RFC 4271 §9.1.1).
    LocalPref,
    /// Any path over the other instance of this gateway: what can leave here does, whatever the far end prefers.
    Twin,
    /// Shorter AS_PATH (9.1.2.2 a).
    PathLength,
    /// Lower ORIGIN (b).
    Origin,
    /// Lower MULTI_EXIT_DISC among paths of one neighbor AS (c).
    Med,
    /// External over internal (d).
    External,
    /// Equal to the best so far, but of another neighbor AS: not used beside it without `as-path-relax`.
    NeighborAs,
    /// Equal to the best so far, but there are `max-paths` already.
    MaxPaths,
}

/// What a decision says of one path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// The best.
    Best,
    /// As good: used beside it.
    Multipath,
    /// Put out by a step; and, at the last two, what made the other one the best.
    Lost(Step),
}

/// Where a path came from, in the order of preference.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Kind {
    Local,
    External,
    Internal,
    /// The other instance of this gateway.
    Twin,
}

/// One path that may be chosen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) kind: Kind,
    pub(super) peer: PeerId,
    /// The peer's BGP Identifier, as a number.
    pub(super) router_id: u32,
    /// The peer's address.
    pub(super) remote: IpAddr,
    pub(super) attrs: AttrsId,
    pub(super) rank: Rank,
}

/// What breaks a tie between equal paths: lower ORIGINATOR_ID or BGP Identifier (f; RFC 4456 §9), shorter
/// CLUSTER_LIST (RFC 4456 §9), lower peer address (g).
pub(super) type TieBreak = (u32, u16, IpAddr, PeerId);

impl Candidate {
    pub(super) fn tie_break(&self) -> TieBreak {
        let id = if self.rank.originator == 0 { self.router_id } else { self.rank.originator };
        (id, self.rank.clusters, self.remote, self.peer)
    }
}

/// How far paths may differ and still be used together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Limits {
    pub(super) max_paths: usize,
    pub(super) as_path_relax: bool,
}

/// What became of each candidate, in their order.
pub(super) type Outcomes = SmallVec<[Outcome; 8]>;

/// Decides among candidates; there is a best one unless there are none.
pub(super) fn decide(candidates: &[Candidate], limits: Limits) -> Outcomes {
    if candidates.len() <= 1 {
        return candidates.iter().map(|_| Outcome::Best).collect();
    }
    let mut race = Race { candidates, outcomes: smallvec::smallvec![Outcome::Multipath; candidates.len()] };
    race.keep_least(Step::Local, |c| c.kind != Kind::Local);
    race.keep_least(Step::LocalPref, |c| Reverse(c.rank.local_pref));
    race.keep_least(Step::Twin, |c| c.kind == Kind::Twin);
    race.keep_least(Step::PathLength, |c| c.rank.path_length);
    race.keep_least(Step::Origin, |c| c.rank.origin);
    race.keep_lowest_med();
    race.keep_least(Step::External, |c| c.kind);
    multipath::choose(candidates, &mut race.outcomes, limits);
    race.outcomes
}

struct Race<'a> {
    candidates: &'a [Candidate],
    /// `Multipath` while still in.
    outcomes: Outcomes,
}

impl Race<'_> {
    fn left(&self) -> impl Iterator<Item = (usize, &Candidate)> {
        self.candidates.iter().enumerate().filter(|(at, _)| self.outcomes[*at] == Outcome::Multipath)
    }

    fn keep_least<K: Ord>(&mut self, step: Step, key: impl Fn(&Candidate) -> K) {
        let Some(least) = self.left().map(|(_, candidate)| key(candidate)).min() else { return };
        for (outcome, candidate) in self.outcomes.iter_mut().zip(self.candidates) {
            if *outcome == Outcome::Multipath && key(candidate) > least {
                *outcome = Outcome::Lost(step);
            }
        }
    }

    fn keep_lowest_med(&mut self) {
        let beaten = |(_, candidate): &(usize, &Candidate)| {
            self.left().any(|(_, c)| c.rank.neighbor == candidate.rank.neighbor && c.rank.med < candidate.rank.med)
        };
        let out: SmallVec<[usize; 8]> = self.left().filter(beaten).map(|(at, _)| at).collect();
        out.into_iter().for_each(|at| self.outcomes[at] = Outcome::Lost(Step::Med));
    }
}

/// Why `loser` was put out at `step`, in words.
pub(super) fn why(step: Step, loser: &Candidate, candidates: &[Candidate], best: &Candidate) -> String {
    let (lost, won) = (&loser.rank, &best.rank);
    match step {
        Step::Local => "the gateway's own route wins".to_owned(),
        Step::LocalPref => format!("LOCAL_PREF is lower: {} < {}", lost.local_pref, won.local_pref),
        Step::Twin => "it leads over the twin, the best leaves from here".to_owned(),
        Step::PathLength => format!("AS_PATH is longer: {} > {}", lost.path_length, won.path_length),
        Step::Origin => format!("ORIGIN is worse: {} after {}", origin(lost.origin), origin(won.origin)),
        Step::Med => {
            let same = |c: &&Candidate| c.rank.neighbor == lost.neighbor && equal_before_med(c, best);
            let lowest = candidates.iter().filter(same).map(|c| c.rank.med).min().unwrap_or(won.med);
            format!("MED of neighbor AS {} is higher: {} > {lowest}", lost.neighbor, lost.med)
        }
        Step::External => "learned from an internal neighbor, the best from an external one".to_owned(),
        Step::NeighborAs => format!(
            "equal, but of neighbor AS {} and not {} (as-path-relax would use both); {}",
            lost.neighbor,
            won.neighbor,
            tie(loser, best)
        ),
        Step::MaxPaths => format!("equal, but max-paths are in use; {}", tie(loser, best)),
    }
}

fn equal_before_med(a: &Candidate, b: &Candidate) -> bool {
    let first = |c: &Candidate| (c.kind == Kind::Local, c.rank.local_pref, c.kind == Kind::Twin);
    let key = |c: &Candidate| (first(c), c.rank.path_length, c.rank.origin);
    key(a) == key(b)
}

fn tie(loser: &Candidate, best: &Candidate) -> String {
    let (lost, won) = (loser.tie_break(), best.tie_break());
    let id = |raw: u32| std::net::Ipv4Addr::from_bits(raw);
    if lost.0 != won.0 {
        format!("router id {} is higher than {}", id(lost.0), id(won.0))
    } else if lost.1 != won.1 {
        format!("CLUSTER_LIST is longer: {} > {}", lost.1, won.1)
    } else {
        format!("peer address {} is higher than {}", lost.2, won.2)
    }
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Igp => "IGP",
        Origin::Egp => "EGP",
        Origin::Incomplete => "incomplete",
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "own route",
            Self::LocalPref => "LOCAL_PREF",
            Self::Twin => "own way over the twin's",
            Self::PathLength => "AS_PATH length",
            Self::Origin => "ORIGIN",
            Self::Med => "MED",
            Self::External => "external over internal",
            Self::NeighborAs => "neighbor AS",
            Self::MaxPaths => "max-paths",
        })
    }
}

/// The AS that multipath stays within unless relaxed.
pub(super) fn neighbor(candidate: &Candidate) -> Asn {
    candidate.rank.neighbor
}
