//! The election between the two instances alone.

use std::cmp::Ordering;
use std::time::Duration;

use super::claim::{Claim, Stance, better, stronger};
use super::machine::{SETTLE_MAX, Settings, State, Twin, Yield};
use super::{Answer, Election, Machine, Output, Refusal, Why, Wish};
use crate::types::Time;

/// A person who has the role given up says when it may be taken again.
const UNTIL_TOLD: Duration = Duration::from_secs(u32::MAX as u64);
/// How long an instance with the higher priority must have waited before it wants the role back by itself, and how long
/// before it tries again.
const PREEMPT_AFTER: Duration = Duration::from_secs(10);

impl Machine {
    pub(super) fn pair(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.is_active() {
            self.keeps(now, out);
        } else {
            self.waits(now, out);
        }
    }

    // ---- one that waits ---------------------------------------------------------------------------------------

    fn waits(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.wants.is_some_and(|until| until <= now) {
            self.wants = None;
        }
        let twin = self.twin(now);
        if !matches!(twin, Twin::Silent(_)) {
            self.forget_answer();
        }
        match twin {
            Twin::Unknown => {}
            Twin::Says(claim) => self.with_twin(now, &claim, out),
            Twin::Silent(_) if !self.may() => self.wait(now, Why::Away),
            Twin::Silent(silent) => self.alone(now, silent, out),
        }
    }

    /// The twin is there.
    fn with_twin(&mut self, now: Time, claim: &Claim, out: &mut Vec<Output>) {
        match claim.stance {
            Stance::Active => {
                self.idle = None;
                self.wait(now, Why::TwinActive);
                let rather = self.settings.preempt && self.settings.priority > claim.priority;
                let ready = self.may() && self.fit && !self.rests && now.since(self.since) >= PREEMPT_AFTER;
                if rather && ready && self.wants.is_none() && self.wants_again <= now {
                    self.wants = Some(now + self.settings.yields());
                    self.wants_again = now + PREEMPT_AFTER;
                }
            }
            Stance::Yielding if self.may() => self.take(now, Why::HandedOver, out),
            Stance::Yielding => self.wait(now, Why::TwinActive),
            Stance::Asking | Stance::Standby | Stance::Wanting | Stance::Away => {
                let since = *self.idle.get_or_insert(now);
                if !self.may() {
                    return self.wait(now, Why::Away);
                }
                let ours = self.claim();
                let first = better((&ours, &self.settings.name), (claim, &self.settings.twin));
                if first == Ordering::Greater {
                    self.take(now, Why::Better, out);
                } else if now.since(since) >= self.settings.patience() {
                    self.take(now, Why::NobodyElse, out);
                }
            }
        }
    }

    /// The twin is silent.
    fn alone(&mut self, now: Time, silent: Duration, out: &mut Vec<Output>) {
        self.idle = None;
        if !self.settings.ask {
            if silent >= self.settings.run_out() {
                self.take(now, Why::RunOut(silent), out);
            }
            return;
        }
        match self.answer.take() {
            Some(Answer::Nobody) => return self.take(now, Why::Unanswered(silent), out),
            Some(Answer::Somebody(who)) => {
                self.wait(now, Why::TwinActive);
                if self.answers.replace(who.clone()).is_none() {
                    out.push(Output::Stays(who));
                }
            }
            // Who cannot ask knows nothing of the network side, and could not serve it either.
            Some(Answer::Unknown(_)) | None => {}
        }
        self.ask(now, out);
    }

    // ---- one that is active -----------------------------------------------------------------------------------

    fn keeps(&mut self, now: Time, out: &mut Vec<Output>) {
        let State::Active { yields, .. } = &mut self.state else { return };
        let late = yields.take_if(|yields| yields.until <= now).is_some();
        let yields = yields.clone();
        if late {
            self.settled = now + self.settle;
            out.push(Output::NotTaken);
        }
        match self.twin(now) {
            Twin::Says(claim) => {
                self.forget_answer();
                if claim.stance.is_active() {
                    self.meets(now, &claim, yields, out);
                } else {
                    self.beside(now, &claim, yields.is_some(), out);
                }
            }
            // Also one that goes on after a start and has heard nothing yet: somebody may have taken it meanwhile.
            Twin::Unknown | Twin::Silent(_) if self.settings.ask => self.watches(now, late || yields.is_some(), out),
            Twin::Unknown | Twin::Silent(_) => {}
        }
    }

    /// Both are active: one of them must end it, and both know which.
    fn meets(&mut self, now: Time, claim: &Claim, yields: Option<Yield>, out: &mut Vec<Output>) {
        let ours = self.claim();
        match stronger((&ours, &self.settings.name), (claim, &self.settings.twin)) {
            Ordering::Less => {
                let why = yields.map_or(Why::TwinStronger, |yields| Why::Yielded(yields.reason));
                self.term = self.term.max(claim.term);
                self.give(now, State::Standby, why, false, out);
            }
            Ordering::Equal | Ordering::Greater => self.duel = true,
        }
    }

    /// The twin is there, and waits.
    fn beside(&mut self, now: Time, claim: &Claim, yields: bool, out: &mut Vec<Output>) {
        if std::mem::take(&mut self.duel) {
            out.push(Output::Announce);
        }
        if claim.term > self.term {
            // Of before a restart: the claim that is held is the last.
            self.term = claim.term + 1;
        }
        if yields || claim.stance == Stance::Away {
            return;
        }
        let unfit = !self.fit && claim.fit;
        if self.leaves {
            self.hand_over(now, "it is to be serviced".to_owned());
        } else if claim.stance == Stance::Wanting && (claim.fit || !self.fit) {
            self.hand_over(now, "the twin asks for it".to_owned());
        } else if unfit && self.settled <= now {
            self.settle = (self.settle * 2).min(SETTLE_MAX);
            self.hand_over(now, "it is not fit to serve".to_owned());
        }
    }

    /// The twin is silent: if it is active too, it shows on the network side.
    fn watches(&mut self, now: Time, yields: bool, out: &mut Vec<Output>) {
        if let Some(Answer::Somebody(who)) = self.answer.take() {
            // Nothing can be said, but both know the file: one of the two gives way.
            let Settings { priority, twin_priority, name, twin, .. } = &self.settings;
            let gives_way = priority.cmp(twin_priority).then_with(|| twin.cmp(name)) == Ordering::Less;
            if gives_way || yields {
                return self.give(now, State::Standby, Why::Conflict(who), false, out);
            }
            out.push(Output::Announce);
        }
        let asked = self.asked;
        self.ask(now, out);
        // One that was active on the other side of a split may have given way already, and its network believes it still.
        if self.asked != asked && !matches!(self.twin(now), Twin::Unknown) {
            out.push(Output::Announce);
        }
    }

    pub(super) fn hand_over(&mut self, now: Time, reason: String) {
        let until = now + self.settings.yields();
        if let State::Active { yields, .. } = &mut self.state {
            *yields = Some(Yield { until, reason });
        }
    }

    /// Asks on the network side, if it is time. An answer that does not come must not stop the asking.
    fn ask(&mut self, now: Time, out: &mut Vec<Output>) {
        let due = match self.asked {
            Some(at) => now.since(at) >= self.settings.listen() * 2,
            None => self.asks_again <= now,
        };
        if due {
            self.asked = Some(now);
            out.push(Output::Ask);
        }
    }

    // ---- people -----------------------------------------------------------------------------------------------

    pub(super) fn wished(&mut self, now: Time, wish: Wish, out: &mut Vec<Output>) -> Result<(), Refusal> {
        let twin = self.settings.twin.clone();
        match wish {
            Wish::GiveUp => {
                self.rests = true;
                self.abstains = now + UNTIL_TOLD;
                if self.is_active() {
                    self.give(now, State::Standby, Why::Told, false, out);
                }
            }
            Wish::Standby if self.is_active() => match self.twin(now) {
                Twin::Unknown | Twin::Silent(_) => return Err(Refusal::TwinSilent(twin)),
                Twin::Says(claim) if claim.stance == Stance::Away => return Err(Refusal::TwinAway(twin)),
                Twin::Says(claim) if !claim.fit && self.fit => return Err(Refusal::TwinUnfit(twin)),
                Twin::Says(_) => {
                    self.rests = true;
                    match self.settings.election {
                        Election::Etcd => self.let_go(now, "it was told to", out),
                        Election::Pair | Election::External => self.hand_over(now, "it was told to".to_owned()),
                    }
                }
            },
            Wish::Standby => {
                self.rests = true;
                self.wants = None;
            }
            Wish::Active if self.is_active() => {
                if let State::Active { yields, .. } = &mut self.state {
                    *yields = None;
                }
                self.rests = false;
            }
            Wish::Active if !self.willing || self.leaves => return Err(Refusal::Away),
            Wish::Active => {
                if let Some(who) = &self.answers {
                    return Err(Refusal::Answered(who.clone()));
                }
                self.rests = false;
                self.abstains = now;
                self.wants = Some(now + self.settings.yields());
            }
        }
        Ok(())
    }
}
