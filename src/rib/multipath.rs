//! Which of the paths that are equal up to the router id are used at once, and which of them is called the best.

use smallvec::SmallVec;

use super::decision::{Candidate, Limits, Outcome, Outcomes, Step, neighbor};

/// Sorts the paths that are still in: the tie break names the best, which always is one of those in use; the rest are
/// of its neighbor AS unless relaxed, lowest tie break first, up to the limit. Each is a tunnel of its own, so equal
/// next hops count apiece.
pub(super) fn choose(candidates: &[Candidate], outcomes: &mut Outcomes, limits: Limits) {
    let mut left: SmallVec<[usize; 8]> =
        (0..candidates.len()).filter(|at| outcomes[*at] == Outcome::Multipath).collect();
    left.sort_unstable_by_key(|at| candidates[*at].tie_break());
    let Some((&best, rest)) = left.split_first() else { return };
    outcomes[best] = Outcome::Best;
    let mut used = 1;
    for &at in rest {
        if !limits.as_path_relax && neighbor(&candidates[at]) != neighbor(&candidates[best]) {
            outcomes[at] = Outcome::Lost(Step::NeighborAs);
        } else if used >= limits.max_paths {
            outcomes[at] = Outcome::Lost(Step::MaxPaths);
        } else {
            used += 1;
        }
    }
}
