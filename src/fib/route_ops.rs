//! Operations on routes: which come next, and what became of them.

use crate::types::Prefix;
use crate::types::Time;

use super::Fib;
use super::KernelError;
use super::Op;
use super::Target;
use super::machine::Retry;
use super::objects::Trouble;
use super::routes::FAILED;
use super::routes::FLYING;
use super::routes::HELD;
use super::routes::Ref;
use super::routes::TOUCHED;
use super::routes::To;
use super::routes::UNSURE;

impl Fib {
    pub(super) fn route_op(&mut self, prefix: &Prefix) -> Option<Op> {
        let cell = *self.routes.get(prefix)?;
        if cell.is(FLYING) || cell.is(FAILED) || cell.is(HELD) {
            return None;
        }
        let have = self.effective(&cell);
        let unsure = cell.is(UNSURE);
        // A group that vanished may be there all the same, if the news of its link was late: nothing is left to that.
        let nothing = if cell.want == Ref::NONE { cell.have == Ref::NONE } else { cell.want == have };
        if nothing && !unsure {
            return None;
        }
        // Until the sweep, what an earlier run left leads packets as it did: half of what is wanted is not known yet.
        let kept = matches!(have.to(), To::Group(_)) && !matches!(cell.want.to(), To::Link(_));
        if kept && !self.swept && !unsure {
            return None;
        }
        if !matches!(cell.want.to(), To::Link(_)) && self.is_kept(prefix) {
            return None;
        }
        if cell.have != have && cell.want != Ref::NONE {
            self.set_have(prefix, have);
            self.routes.change(prefix, |cell| cell.set(UNSURE, true));
        }
        let target = match cell.want.to() {
            To::Nowhere | To::Other => None,
            To::Group(id) => {
                let group = self.objects.groups.get_mut(&id)?;
                if !group.is_ready() {
                    group.waiting.push(prefix);
                    self.objects.dirty_groups.insert(id);
                    return None;
                }
                if have == Ref::NONE && self.must_wait(prefix) {
                    return None;
                }
                self.coming(id);
                Some(Target::Group(self.settings.first_id + id))
            }
            To::Link(slot) => {
                let link = self.links.get(slot)?;
                if self.down.contains(&link) {
                    return None;
                }
                Some(Target::Link(link))
            }
        };
        self.routes.change(prefix, |cell| cell.set(FLYING, true));
        Some(match target {
            None => Op::DeleteRoute(*prefix),
            Some(target) if have == Ref::NONE || unsure => Op::AddRoute(*prefix, target),
            Some(target) => Op::ReplaceRoute(*prefix, target),
        })
    }

    fn coming(&mut self, group: u32) {
        if let Some(group) = self.objects.groups.get_mut(&group) {
            group.coming += 1;
        }
    }

    pub(super) fn route_set(
        &mut self,
        now: Time,
        events: u64,
        prefix: Prefix,
        target: Target,
        error: Option<KernelError>,
    ) {
        let (to, overtaken) = match target {
            Target::Group(id) => {
                let id = id - self.settings.first_id;
                let group = self.objects.groups.get_mut(&id);
                let vanished = group.as_ref().is_none_or(|group| group.vanished_at > events);
                if let Some(group) = group {
                    group.coming -= 1;
                }
                (Ref::group(id), vanished)
            }
            Target::Link(link) => {
                (self.links.known(link), self.dropped.get(&link).is_some_and(|dropped| *dropped > events))
            }
            Target::Other => return,
        };
        let lost = error.as_ref().is_some_and(KernelError::is_unknown);
        let (want, touched) = self.routes.change(&prefix, |cell| {
            cell.set(FLYING, false);
            if error.is_none() {
                // A host route that is not wanted any more hears nothing of its link.
                let unwatched = matches!(target, Target::Link(_)) && cell.want != to;
                cell.set(UNSURE, overtaken || unwatched);
            } else if lost || overtaken {
                cell.set(UNSURE, true);
            }
            let touched = cell.is(TOUCHED);
            if touched {
                cell.set(TOUCHED, false);
                cell.set(UNSURE, true);
            }
            (cell.want, touched)
        });
        match error {
            None => {
                self.set_have(&prefix, to);
                if !self.failed.is_empty() {
                    self.failed.remove(&prefix);
                }
            }
            Some(error) if want == to && error.is_full() && matches!(target, Target::Group(_)) => {
                self.hold(now, &prefix);
            }
            // What was in the way may be what others have changed meanwhile.
            Some(error) if want == to && !overtaken && !touched => self.route_failed(now, prefix, error),
            Some(_) => {}
        }
        if let To::Group(id) = to.to() {
            self.drop_if_unused(id);
        }
        self.look_again(&prefix);
    }

    pub(super) fn route_deleted(&mut self, now: Time, prefix: Prefix, error: Option<KernelError>) {
        let gone = error.is_none();
        let lost = error.as_ref().is_some_and(KernelError::is_unknown);
        let want = self.routes.change(&prefix, |cell| {
            cell.set(FLYING, false);
            let touched = cell.is(TOUCHED);
            cell.set(TOUCHED, false);
            if gone || touched || lost {
                // Without an answer it may be gone, also for who wants it back meanwhile.
                cell.set(UNSURE, touched || lost);
            }
            cell.want
        });
        match error {
            None => {
                self.set_have(&prefix, Ref::NONE);
                self.failed.remove(&prefix);
                self.room_was_left(now);
            }
            Some(error) if want == Ref::NONE => self.route_failed(now, prefix, error),
            Some(_) => {}
        }
        self.look_again(&prefix);
    }

    fn look_again(&mut self, prefix: &Prefix) {
        if self.routes.get(prefix).is_some_and(|cell| cell.is(UNSURE) || cell.want != cell.have) {
            self.queue.push(prefix);
        }
    }

    fn route_failed(&mut self, now: Time, prefix: Prefix, error: KernelError) {
        let count = self.failed.get(&prefix).map_or(0, |trouble| trouble.count);
        let retry = now + Self::wait(count, &error);
        self.failed.insert(prefix, Trouble { error, count: count + 1, retry });
        self.retries.insert((retry, Retry::Route(prefix)));
        self.routes.change(&prefix, |cell| cell.set(FAILED, true));
    }
}
