//! What an instance says of its role, and which of two claims is the better one.

use std::cmp::Ordering;

use crate::types::Name;

/// Where an instance stands, as it says itself.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Stance {
    /// It has just begun, or was away, and does not know yet.
    Asking,
    /// It waits, and takes over when it must.
    Standby,
    /// It waits, and wants to take over now: a person said so, or `preempt` does.
    Wanting,
    /// It has the role.
    Active,
    /// It has the role, and the twin shall take it now.
    Yielding,
    /// It does not have the role and takes it from nobody: it is drained, or it is about to end.
    Away,
}

impl Stance {
    /// True if it has the role.
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Self::Active | Self::Yielding)
    }
}

/// What an instance says of its role.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Claim {
    /// Where it stands.
    pub stance: Stance,
    /// Of one that has the role: which claim it is. Of another: the highest that it knows of. 0 is none.
    pub term: u64,
    /// Whether it could serve.
    pub fit: bool,
    /// The higher, the rather it has the role.
    pub priority: u32,
}

/// Of two that both have the role, the one that keeps it: the later claim, then who is fit, priority, and at last the
/// name, the earlier before the later. `Greater` if it is the first. Both instances come to the same answer.
pub(super) fn stronger(ours: (&Claim, &Name), theirs: (&Claim, &Name)) -> Ordering {
    ours.0.term.cmp(&theirs.0.term).then_with(|| better(ours, theirs))
}

/// Of two neither of which has the role, the one that shall take it. `Greater` if it is the first.
pub(super) fn better((ours, us): (&Claim, &Name), (theirs, them): (&Claim, &Name)) -> Ordering {
    let willing = |claim: &Claim| claim.stance != Stance::Away;
    let wanting = |claim: &Claim| claim.stance == Stance::Wanting;
    willing(ours)
        .cmp(&willing(theirs))
        .then(ours.fit.cmp(&theirs.fit))
        .then(wanting(ours).cmp(&wanting(theirs)))
        .then(ours.priority.cmp(&theirs.priority))
        .then_with(|| them.cmp(us))
}
