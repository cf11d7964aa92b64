//! The election by a lease in etcd, and the one by somebody outside.

use std::cmp::Ordering;
use std::time::Duration;

use super::claim::{Stance, better};
use super::machine::{SETTLE_MAX, State, Twin};
use super::{Lease, Machine, Output, Refusal, Why, Wish};
use crate::types::Time;

/// A lease that ends so soon is given up: what it takes to stop must be done before its end.
const MARGIN: Duration = Duration::from_millis(500);

impl Machine {
    pub(super) fn leased(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.wants.is_some_and(|until| until <= now) {
            self.wants = None;
        }
        if self.is_active() {
            self.stays_leased(now, out);
        } else {
            self.would_lease(now);
        }
        let competes = self.may() && self.abstains <= now && (self.is_active() || self.competing(now));
        if self.competes != competes {
            self.competes = competes;
            out.push(Output::Compete(competes));
        }
        if !self.is_active() && competes && self.lease_left(now) {
            self.take(now, Why::Granted, out);
        }
    }

    /// True if the lease is ours for long enough.
    fn lease_left(&self, now: Time) -> bool {
        matches!(self.lease, Lease::Held { until, .. } if now + MARGIN < until) && self.lifetime(now).is_some()
    }

    fn stays_leased(&mut self, now: Time, out: &mut Vec<Output>) {
        if !self.lease_left(now) {
            let why = match &self.lease {
                Lease::HeldBy(who) => Why::LeaseTaken(who.clone()),
                Lease::Unknown(reason) => Why::LeaseLost(reason.clone()),
                Lease::Free => Why::LeaseLost("it was revoked".to_owned()),
                Lease::Held { .. } => Why::LeaseLost("etcd did not renew it".to_owned()),
            };
            return self.give(now, State::Standby, why, true, out);
        }
        let Twin::Says(claim) = self.twin(now) else { return };
        let (there, fitter) = (claim.stance != Stance::Away, !self.fit && claim.fit);
        let asked = claim.stance == Stance::Wanting && (claim.fit || !self.fit);
        if there && self.leaves {
            self.let_go(now, "it is to be serviced", out);
        } else if there && asked {
            self.let_go(now, "the twin asks for it", out);
        } else if there && fitter && self.settled <= now {
            self.settle = (self.settle * 2).min(SETTLE_MAX);
            self.let_go(now, "it is not fit to serve", out);
        }
    }

    /// Gives the lease back, and the role with it.
    pub(super) fn let_go(&mut self, now: Time, reason: &str, out: &mut Vec<Output>) {
        self.abstains = now + self.settings.yields();
        self.abstaining = true;
        self.give(now, State::Standby, Why::Yielded(reason.to_owned()), false, out);
    }

    fn would_lease(&mut self, now: Time) {
        match (&self.lease, self.twin(now)) {
            (Lease::HeldBy(who), _) => self.wait(now, Why::LeaseTaken(who.clone())),
            (_, Twin::Says(claim)) if claim.stance.is_active() => {
                self.idle = None;
                self.wait(now, Why::TwinActive);
                let rather = self.settings.preempt && self.settings.priority > claim.priority;
                let settled = now.since(self.since) >= super::machine::SETTLE;
                if rather && settled && self.may() && self.fit && !self.rests && self.wants_again <= now {
                    self.wants = Some(now + self.settings.yields());
                    self.wants_again = now + super::machine::SETTLE;
                }
            }
            (_, Twin::Says(_)) => {
                self.idle.get_or_insert(now);
            }
            (_, Twin::Unknown | Twin::Silent(_)) => self.idle = None,
        }
    }

    /// True if one that waits shall try to get the lease: the better of two first.
    fn competing(&self, now: Time) -> bool {
        match self.twin(now) {
            // What is held already is not given back for the asking.
            Twin::Unknown => self.lease_left(now),
            Twin::Silent(_) => true,
            Twin::Says(claim) if claim.stance.is_active() => false,
            Twin::Says(claim) => {
                let ours = self.claim();
                let first = better((&ours, &self.settings.name), (&claim, &self.settings.twin)) == Ordering::Greater;
                first || self.idle.is_some_and(|since| now.since(since) >= self.settings.patience())
            }
        }
    }

    /// Somebody outside decides.
    pub(super) fn external(&mut self, now: Time, wish: Wish, out: &mut Vec<Output>) -> Result<(), Refusal> {
        match wish {
            Wish::Active if self.is_active() => {}
            Wish::Active if !self.willing || self.leaves => return Err(Refusal::Away),
            Wish::Active => {
                if let Twin::Says(claim) = self.twin(now)
                    && claim.stance.is_active()
                {
                    return Err(Refusal::TwinActive(self.settings.twin.clone()));
                }
                self.take(now, Why::Told, out);
            }
            Wish::Standby | Wish::GiveUp => {
                if self.is_active() {
                    self.give(now, State::Standby, Why::Told, false, out);
                }
            }
        }
        Ok(())
    }
}
