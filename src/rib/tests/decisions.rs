//! One sentence a step, and that the order of arrival never matters.

use proptest::prelude::*;

use crate::policy::Scope;
use crate::rib::decision::{Candidate, Kind, Limits, Outcome, decide};
use crate::rib::{PathState, attrs::AttrsId, attrs::Rank};
use crate::types::{Asn, PeerId};
use crate::wire::{Attributes, Origin};

use super::lab::*;

/// Two external neighbors of different ASes and the twin teach one prefix; the best, and why the others lost.
fn contest(taught: &[(u32, Attributes)]) -> (u32, Vec<String>) {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    join(&mut rib, 1, 65020, Scope::LocalOnly);
    join(&mut rib, 2, 65515, Scope::LocalOnly);
    taught.iter().for_each(|(peer, attributes)| teach(&mut rib, *peer, "10.52.0.0/16", attributes.clone()));
    let entry = rib.entry(&prefix("10.52.0.0/16")).unwrap();
    assert_eq!(entry.paths[0].state, PathState::Best);
    let why = entry.paths.iter().filter_map(|path| match &path.state {
        PathState::NotBest { why, .. } => Some(why.clone()),
        PathState::Best | PathState::Multipath | PathState::Refused(_) => None,
    });
    (entry.paths[0].peer.unwrap().0, why.collect())
}

#[test]
fn the_higher_local_pref_wins_over_a_shorter_path() {
    let (best, why) =
        contest(&[(0, path(&[65010])), (2, Attributes { local_pref: Some(200), ..path(&[65010, 65011, 65012]) })]);
    assert_eq!((best, why), (2, vec!["LOCAL_PREF is lower: 100 < 200".to_owned()]));
}

#[test]
fn the_shorter_path_wins_over_a_better_origin() {
    let (best, why) = contest(&[
        (0, path(&[65010, 65011, 65012])),
        (1, Attributes { origin: Origin::Incomplete, ..path(&[65020, 65021]) }),
    ]);
    assert_eq!((best, why), (1, vec!["AS_PATH is longer: 3 > 2".to_owned()]));
}

#[test]
fn the_better_origin_wins_over_a_lower_med() {
    let (best, why) = contest(&[
        (0, Attributes { med: Some(9), ..path(&[65010]) }),
        (1, Attributes { origin: Origin::Egp, ..path(&[65010]) }),
    ]);
    assert_eq!((best, why), (0, vec!["ORIGIN is worse: EGP after IGP".to_owned()]));
}

#[test]
fn the_lower_med_wins_within_one_neighbor_as_and_none_is_zero() {
    let (best, why) = contest(&[(0, Attributes { med: Some(9), ..path(&[65010]) }), (1, path(&[65010]))]);
    assert_eq!((best, why), (1, vec!["MED of neighbor AS 65010 is higher: 9 > 0".to_owned()]));
}

#[test]
fn meds_of_different_neighbor_ases_are_not_compared() {
    let (best, why) = contest(&[(0, Attributes { med: Some(9), ..path(&[65010]) }), (1, path(&[65020]))]);
    let text = "equal, but of neighbor AS 65020 and not 65010 (as-path-relax would use both); \
                router id 1.1.1.2 is higher than 1.1.1.1";
    assert_eq!((best, why), (0, vec![text.to_owned()]));
}

#[test]
fn external_wins_over_internal() {
    let (best, why) = contest(&[(2, path(&[65010])), (0, path(&[65010]))]);
    assert_eq!((best, why), (0, vec!["learned from an internal neighbor, the best from an external one".to_owned()]));
}

#[test]
fn paths_of_different_ases_are_used_at_once_when_relaxed_and_never_more_than_allowed() {
    for (max_paths, expected) in [(64, vec![0, 1, 2]), (2, vec![0, 1]), (1, vec![0])] {
        let mut rib = rib(max_paths, true);
        for peer in [2, 0, 1] {
            join(&mut rib, peer, 65010 + peer, Scope::LocalOnly);
            teach(&mut rib, peer, "10.52.0.0/16", path(&[65010 + peer]));
        }
        assert_eq!(chosen(&settle(&mut rib)), [("10.52.0.0/16".to_owned(), expected)]);
    }
}

#[test]
fn a_lower_med_elsewhere_puts_out_a_path_that_would_have_won() {
    // The trap: 0 beats 1 by router id, 1 beats 2 by router id, 2 beats 0 by MED. Pairwise comparison depends on order.
    let zero = (0, Attributes { med: Some(9), ..path(&[65010]) });
    let one = (1, path(&[65020]));
    let two = (2, Attributes { med: Some(1), ..path(&[65010]) });
    for order in [[&zero, &one, &two], [&two, &one, &zero], [&one, &zero, &two], [&two, &zero, &one]] {
        let (best, _) = contest(&order.map(Clone::clone));
        assert_eq!(best, 1);
    }
}

fn candidate() -> impl Strategy<Value = Candidate> {
    let rank = (99..101_u32, 1..3_u32, 0..2_u8, 0..4_u32, 1..4_u32, 0..3_u32, 0..2_u16);
    (rank, any::<bool>(), 1..4_u32).prop_map(|(rank, external, router_id)| {
        let (local_pref, path_length, origin, med, neighbor, originator, clusters) = rank;
        let origin = if origin == 0 { Origin::Igp } else { Origin::Egp };
        let neighbor = Asn::new(neighbor);
        Candidate {
            kind: if external { Kind::External } else { Kind::Internal },
            peer: PeerId(0),
            router_id,
            remote: address(0).into(),
            attrs: AttrsId::from_raw(1),
            rank: Rank {
                local_pref,
                path_length,
                origin,
                med,
                neighbor,
                originator,
                clusters,
                bandwidth: 0,
                weight: None,
                redirected: false,
            },
        }
    })
}

proptest! {
    #[test]
    fn the_decision_does_not_depend_on_the_order_of_arrival(
        mut candidates in proptest::collection::vec(candidate(), 0..9),
        seed in any::<u64>(),
        max_paths in 1..5_usize,
        as_path_relax in any::<bool>(),
    ) {
        for (number, candidate) in (0..).zip(&mut candidates) {
            candidate.peer = PeerId(number);
        }
        let limits = Limits { max_paths, as_path_relax };
        let by_peer = |candidates: &[Candidate]| {
            let mut all: Vec<_> = candidates.iter().map(|c| c.peer).zip(decide(candidates, limits)).collect();
            all.sort_by_key(|(peer, _)| *peer);
            all
        };
        let expected = by_peer(&candidates);
        let best = expected.iter().filter(|(_, outcome)| *outcome == Outcome::Best).count();
        prop_assert_eq!(best, usize::from(!candidates.is_empty()));
        fastrand::Rng::with_seed(seed).shuffle(&mut candidates);
        prop_assert_eq!(by_peer(&candidates), expected);
    }
}
