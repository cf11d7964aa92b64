//! A kernel that has no room or no memory for more. What it refuses for that waits together: a little of it is tried now
//! and then, and more as long as that is taken. Everything else goes on, and room that our own routes leave is used soon.

use std::time::Duration;

use super::Fib;
use super::KernelError;
use super::machine::Retry;
use super::routes::HELD;
use super::routes::Queue;

use crate::types::Prefix;
use crate::types::Time;

/// New routes that are let through at a try; four times as many whenever all of them were taken.
const STEP: usize = 64;
/// The waits between tries grow from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(30);

/// What is known of the kernel's lack of room.
pub(super) struct Full {
    since: Time,
    error: KernelError,
    refused: u64,
    /// Prefixes that wait, and perhaps some that do not any more.
    waits: Queue,
    /// How many do.
    held: usize,
    /// The time of the next try; `None` while one goes on.
    retry: Option<Time>,
    /// Tries in a row of which nothing was taken.
    tries: u32,
    step: usize,
    /// New routes that may still go out.
    allowance: usize,
}

/// The kernel's lack of room, for people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoRoom {
    /// When it first refused something for that.
    pub since: Time,
    /// What it said last.
    pub error: KernelError,
    /// Operations that it has refused for that since.
    pub refused: u64,
    /// Routes that wait for room.
    pub waiting: usize,
    /// Next hops, groups and host routes that it had no room for; each is tried again by itself.
    pub objects: usize,
    /// When some of the routes are tried again; `None` while they are.
    pub retry: Option<Time>,
}

impl Fib {
    /// What the kernel has no room for; `None` if it has room.
    #[must_use]
    pub fn no_room(&self) -> Option<NoRoom> {
        let full = self.full.as_ref()?;
        Some(NoRoom {
            since: full.since,
            error: full.error.clone(),
            refused: full.refused,
            waiting: full.held,
            objects: self.objects_without_room(),
            retry: full.retry,
        })
    }

    /// Routes that the kernel had no room for.
    pub(super) fn waiting_for_room(&self) -> usize {
        self.full.as_ref().map_or(0, |full| full.held)
    }

    /// The kernel has refused something for want of room.
    pub(super) fn refused_for_room(&mut self, now: Time, error: &KernelError) {
        let full = self.full.get_or_insert_with(|| Full {
            since: now,
            error: error.clone(),
            refused: 0,
            waits: Queue::default(),
            held: 0,
            retry: None,
            tries: 0,
            step: STEP,
            allowance: usize::MAX,
        });
        full.error.clone_from(error);
        full.refused += 1;
    }

    /// It was this route: it waits, and new ones wait with it.
    pub(super) fn hold(&mut self, now: Time, prefix: &Prefix) {
        let Some(full) = &mut self.full else { return };
        if full.retry.is_none() {
            full.tries = if full.step == STEP { full.tries + 1 } else { 1 };
            let pause = FIRST_PAUSE.saturating_mul(1 << (full.tries - 1).min(5)).min(LAST_PAUSE);
            full.retry = Some(now + pause);
            self.retries.insert((now + pause, Retry::Room));
        }
        full.allowance = 0;
        self.put_aside(prefix);
    }

    fn put_aside(&mut self, prefix: &Prefix) {
        let Some(full) = &mut self.full else { return };
        let new = self.routes.change(prefix, |cell| {
            let new = !cell.is(HELD);
            cell.set(HELD, true);
            new
        });
        if new {
            full.held += 1;
            full.waits.push(prefix);
        }
    }

    /// True if a new route must wait, which it does from now on; else one more is let through.
    pub(super) fn must_wait(&mut self, prefix: &Prefix) -> bool {
        match &mut self.full {
            None => return false,
            Some(full) if full.allowance > 0 => {
                full.allowance -= 1;
                return false;
            }
            Some(_) => {}
        }
        self.put_aside(prefix);
        true
    }

    /// It does not wait any more: nothing is wanted of it.
    pub(super) fn unhold(&mut self, prefix: &Prefix) {
        let held = self.routes.change(prefix, |cell| {
            let held = cell.is(HELD);
            cell.set(HELD, false);
            held
        });
        if let Some(full) = self.full.as_mut().filter(|_| held) {
            full.held -= 1;
        }
    }

    /// What waits was looked up in the kernel, and is in line again.
    pub(super) fn unhold_all(&mut self) {
        if let Some(full) = &mut self.full {
            full.waits = Queue::default();
            full.held = 0;
        }
    }

    /// Something of ours has left the kernel: there may be room for what waits.
    pub(super) fn room_was_left(&mut self, now: Time) {
        let soon = now + FIRST_PAUSE;
        if let Some(full) = self.full.as_mut().filter(|full| full.retry.is_some_and(|retry| retry > soon)) {
            full.retry = Some(soon);
            self.retries.insert((soon, Retry::Room));
        }
    }

    /// Lets some of what waits through when it is time for that, and more when that was taken; finds out when it is over.
    pub(super) fn use_room(&mut self, now: Time) {
        let quiet = self.queue.is_empty() && !self.routes_fly();
        let done = quiet && self.full.as_ref().is_some_and(|full| full.held == 0) && self.objects_without_room() == 0;
        let Some(full) = &mut self.full else { return };
        match full.retry {
            Some(retry) if retry <= now => {
                full.retry = None;
                full.step = STEP;
            }
            None if quiet && full.held > 0 => full.step = full.step.saturating_mul(4),
            None if done => {
                self.full = None;
                return;
            }
            Some(_) | None => return,
        }
        let Some(full) = &mut self.full else { return };
        full.allowance = full.step;
        let mut through = 0;
        while through < full.step
            && let Some(prefix) = full.waits.pop()
        {
            let held = self.routes.change(&prefix, |cell| {
                let held = cell.is(HELD);
                cell.set(HELD, false);
                held
            });
            if held {
                full.held -= 1;
                through += 1;
                self.queue.push(&prefix);
            }
        }
    }

    fn objects_without_room(&self) -> usize {
        let hops = self.objects.hops.values().filter_map(|hop| hop.trouble.as_ref());
        let groups = self.objects.groups.values().filter_map(|group| group.trouble.as_ref());
        hops.chain(groups).chain(self.failed.values()).filter(|trouble| trouble.error.is_full()).count()
    }
}
