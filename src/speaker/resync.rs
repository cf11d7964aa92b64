//! After news of interfaces, or of what others did, was lost: what the kernel dropped by itself in the meantime is not
//! known, so all that it holds of ours is read and compared.
//!
//! An interface that went down and up again between two looks shows no difference, yet its next hops are gone. Routes
//! wait while the kernel is read, so that what is found is not old when it arrives; what a lost tunnel needs does not.

use std::time::Duration;

use super::{Effect, Event, Life, Speaker};
use crate::fib;
use crate::fib::Foreign;
use crate::types::{LinkIndex, Time};

/// How long to wait after the kernel could not be read.
const PAUSE: Duration = Duration::from_secs(5);

/// At least so long lies between two readings because changes by others came too fast: they may go on for a while.
const BREATH: Duration = Duration::from_secs(1);

/// Changes by others that wait while the kernel is read; if there are more, it is read again instead.
const HELD: usize = 100_000;

/// How often in a row what was read may be thrown away because something urgent was done meanwhile.
const OVERTAKEN: u8 = 3;

/// How far it is.
#[derive(Debug, Default)]
pub(super) enum Resync {
    /// Nothing was missed.
    #[default]
    Not,
    /// To be asked for as soon as no batch is with the kernel.
    Due,
    /// To be asked for at that time.
    Paused(Time),
    /// The kernel is being read.
    Asked {
        /// Interfaces that changed since: what was found may be older.
        touched: Vec<LinkIndex>,
        /// More was missed since.
        again: bool,
        /// What others changed since, in order.
        held: Vec<Foreign>,
        /// Groups were replaced since, which could not wait.
        overtaken: bool,
    },
}

impl Resync {
    /// True while the kernel is read, or about to be.
    pub(super) fn reads(&self) -> bool {
        matches!(self, Self::Due | Self::Asked { .. })
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        match self {
            Self::Paused(until) => Some(*until),
            Self::Not | Self::Due | Self::Asked { .. } => None,
        }
    }

    /// Changes by others are kept back while the kernel is read, since what is found may be older or newer; else they are
    /// answered as they came.
    pub(super) fn hold(&mut self, changes: Vec<Foreign>) -> Option<Vec<Foreign>> {
        let Self::Asked { again, held, .. } = self else { return Some(changes) };
        if held.len() + changes.len() > HELD {
            *again = true;
            held.clear();
        } else {
            held.extend(changes);
        }
        None
    }

    /// An interface has changed.
    pub(super) fn touch(&mut self, link: LinkIndex) {
        if let Self::Asked { touched, .. } = self
            && !touched.contains(&link)
        {
            touched.push(link);
        }
    }
}

impl Speaker {
    pub(super) fn links_missed(&mut self) {
        match &mut self.resync {
            _ if self.life == Life::Waiting => {} // the first look at the kernel is still to come
            Resync::Asked { again, .. } => *again = true,
            Resync::Not | Resync::Due | Resync::Paused(_) => self.resync = Resync::Due,
        }
    }

    pub(super) fn foreign_missed(&mut self, now: Time, out: &mut Vec<Effect>) {
        if self.life == Life::Waiting {
            return;
        }
        self.audit.lost += 1;
        self.audit.missed = true;
        out.push(Effect::Tell(Event::ForeignMissed));
        match &mut self.resync {
            Resync::Asked { again, .. } => *again = true,
            Resync::Not | Resync::Due | Resync::Paused(_) => self.audit_now(now, false),
        }
    }

    /// True while no batch may go because the kernel is read; asks for that when the time has come.
    pub(super) fn compares(&mut self, now: Time, out: &mut Vec<Effect>) -> bool {
        if matches!(self.resync, Resync::Paused(until) if until <= now) {
            self.resync = Resync::Due;
        }
        match self.resync {
            Resync::Due => {
                if self.fib.is_idle() {
                    self.audit_give_up(now);
                    self.resync =
                        Resync::Asked { touched: Vec::new(), again: false, held: Vec::new(), overtaken: false };
                    out.push(Effect::Dump);
                }
                true
            }
            Resync::Asked { .. } => true,
            Resync::Not | Resync::Paused(_) => false,
        }
    }

    /// What is urgent does not wait until the kernel has been read: groups are replaced, and it is read once more. Not
    /// without end, if something is urgent all the time.
    pub(super) fn overtake(&mut self, now: Time, out: &mut Vec<Effect>) {
        if self.overtaken >= OVERTAKEN {
            return;
        }
        while let Some(batch) = self.fib.next_objects(now) {
            out.push(Effect::Kernel(batch));
            if let Resync::Asked { overtaken, .. } = &mut self.resync {
                *overtaken = true;
            }
        }
    }

    pub(super) fn dumped(&mut self, now: Time, found: Result<fib::Table, String>, out: &mut Vec<Effect>) {
        let Resync::Asked { touched, again, held, overtaken } = std::mem::take(&mut self.resync) else { return };
        if overtaken {
            self.overtaken += 1;
            self.resync = Resync::Due; // what was found is older than what was done since
            return;
        }
        self.overtaken = 0;
        match found {
            Ok(found) => {
                let routes = found.routes.len();
                self.fib.adopt(found);
                self.put_back(now, &held, out);
                if !(self.startup.keeps_routes() || self.sweeping) {
                    self.fib.sweep();
                }
                // The worst is assumed of what happened meanwhile: everything on those interfaces is put there anew.
                for link in touched {
                    match self.links.get(link).map(|link| link.up) {
                        Some(up) => {
                            self.fib.link_down(link);
                            if up {
                                self.fib.link_up(link);
                            }
                        }
                        None => self.fib.link_gone(link),
                    }
                }
                if again {
                    self.resync = Resync::Paused(now + BREATH);
                }
                out.push(Effect::Tell(Event::Compared { routes }));
            }
            Err(reason) => {
                self.resync = Resync::Paused(now + PAUSE);
                out.push(Effect::Tell(Event::Unread { reason }));
            }
        }
    }
}
