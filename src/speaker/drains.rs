//! What is drained, and how far each drain is: facts for [`drain::Drain`], and its steps carried out.
//!
//! Owns the drains of this run, what is kept of them for the next, and when one is refused. What a step means for a
//! neighbor is in [`super::standing`].

use super::input::FlushId;
use super::neighbor::Neighbor;
use super::tunnels::Tunnel;
use super::{Effect, Event, Life, Speaker};
use crate::drain;
use crate::drain::{Drain, Kept, Output, Rules, Step, Target, Traffic};
use crate::gateway::{ElectedBy, NeighborKind};
use crate::policy::Manner;
use crate::types::{Name, PeerId, Time};
use crate::wire::{Cease, Notification};

/// So many that are over are shown.
const SHOWN: usize = 8;

/// One drain, and what it waits for.
pub(super) struct Work {
    pub(super) machine: Drain,
    /// Asked for when its sessions were ended.
    flush: Option<FlushId>,
}

/// All of them.
#[derive(Default)]
pub(super) struct Drains {
    pub(super) work: Vec<Work>,
    /// What the shell keeps.
    kept: Vec<Kept>,
}

/// What the interfaces and the host have counted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counted {
    /// Each interface that was asked for and is there.
    pub interfaces: Vec<(String, Traffic)>,
    /// Packets for which this host had no route, of all interfaces.
    pub no_route: u64,
}

impl Drains {
    pub(super) fn of(&self, target: &Target) -> Option<&Work> {
        self.work.iter().find(|work| work.machine.target() == target)
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.work.iter().filter_map(|work| work.machine.deadline()).min()
    }

    /// How far the whole instance is, if it is to be drained.
    pub(super) fn instance(&self) -> Option<Step> {
        let step = self.of(&Target::Instance)?.machine.step().0;
        (step != Step::Returned).then_some(step)
    }
}

impl Speaker {
    /// What an earlier run was at goes on from its step.
    pub(super) fn drain_again(&mut self, now: Time, kept: Vec<Kept>) {
        let rules = self.drain_rules();
        self.drains.kept.clone_from(&kept);
        let known = |kept: &Kept| kept.step != Step::Returned && self.has(&kept.target);
        let work =
            kept.into_iter().filter(known).map(|kept| Work { machine: Drain::at(now, kept, rules), flush: None });
        self.drains.work = work.collect();
    }

    /// Begins to drain something, or goes on with it; what speaks against it otherwise.
    pub(super) fn drain(
        &mut self,
        now: Time,
        target: Target,
        reason: Option<String>,
        force: bool,
        out: &mut Vec<Effect>,
    ) -> Result<(), Vec<String>> {
        let under_way = |work: &Work| work.machine.step().0 < Step::Returning;
        if self.drains.of(&target).is_some_and(under_way) {
            return Ok(()); // who asks again wants to know how far it is
        }
        let against = self.against(&target);
        let never = target == Target::Instance && self.twin_goes();
        if never || !force && !against.is_empty() {
            return Err(against);
        }
        out.push(Effect::Tell(Event::DrainBegins {
            instance: self.instance.clone(),
            target: target.clone(),
            reason: reason.clone(),
            against: if force { against } else { Vec::new() },
        }));
        match self.drains.work.iter_mut().find(|work| *work.machine.target() == target) {
            Some(known) => {
                let mut outputs = Vec::new();
                known.machine.explain(reason, force);
                known.machine.handle(now, drain::Input::Drain, &mut outputs);
                self.obey_drain(now, &target, outputs, out);
            }
            None => {
                let machine = Drain::new(now, target.clone(), reason, force, self.drain_rules());
                self.drains.work.push(Work { machine, flush: None });
                self.enter_step(now, &target, Step::Moving, out);
            }
        }
        Ok(())
    }

    /// Brings something back; false if it is not drained.
    pub(super) fn undrain(&mut self, now: Time, target: &Target, out: &mut Vec<Effect>) -> bool {
        let Some(work) = self.drains.work.iter_mut().find(|work| work.machine.target() == target) else { return false };
        match work.machine.step().0 {
            Step::Returned => false,
            Step::Returning => true,
            Step::Moving | Step::Withdrawing | Step::Closing | Step::Drained => {
                let mut outputs = Vec::new();
                work.machine.handle(now, drain::Input::Undrain, &mut outputs);
                self.obey_drain(now, target, outputs, out);
                true
            }
        }
    }

    /// Facts for every drain, and what is due: at the end of every turn and of every slice of work.
    pub(super) fn go_on_draining(&mut self, now: Time, out: &mut Vec<Effect>) {
        if self.life != Life::Running || self.drains.work.is_empty() {
            return;
        }
        self.yield_to_twin(now, out);
        let targets: Vec<_> = self.drains.work.iter().map(|work| work.machine.target().clone()).collect();
        for target in targets {
            let Some(step) = self.drains.of(&target).map(|work| work.machine.step().0) else { continue };
            let input = match step {
                Step::Moving if self.has_settled(&target) && !self.role_moves(now, &target) => {
                    Some(drain::Input::Settled)
                }
                Step::Withdrawing | Step::Closing if self.has_settled(&target) => Some(drain::Input::Settled),
                Step::Returning
                    if self.is_back(|one| {
                        self.covers(&target, one) && matches!(one.plan.kind, NeighborKind::Device { .. })
                    }) =>
                {
                    Some(drain::Input::Back)
                }
                _ => None,
            };
            let mut outputs = Vec::new();
            let Some(work) = self.drains.work.iter_mut().find(|work| *work.machine.target() == target) else {
                continue;
            };
            if let Some(input) = input {
                work.machine.handle(now, input, &mut outputs);
            }
            if work.machine.deadline().is_some_and(|due| due <= now) {
                work.machine.tick(now, &mut outputs);
            }
            self.obey_drain(now, &target, outputs, out);
        }
    }

    /// The counters, as a drain had asked for.
    pub(super) fn counted(&mut self, now: Time, counted: &Counted, out: &mut Vec<Effect>) {
        let targets: Vec<_> = self.drains.work.iter().map(|work| work.machine.target().clone()).collect();
        for target in targets {
            let names = self.interfaces_of(&target);
            let mut traffic = Traffic { lost: counted.no_route, ..Traffic::default() };
            for (_, more) in counted.interfaces.iter().filter(|(name, _)| names.contains(name)) {
                traffic.received += more.received;
                traffic.sent += more.sent;
                traffic.lost += more.lost;
            }
            let mut outputs = Vec::new();
            if let Some(work) = self.drains.work.iter_mut().find(|work| *work.machine.target() == target) {
                work.machine.handle(now, drain::Input::Counted(traffic, names.len()), &mut outputs);
            }
            self.obey_drain(now, &target, outputs, out);
        }
    }

    /// What was closed is; who waited for that goes on.
    pub(super) fn drains_flushed(&mut self, now: Time, flush: FlushId, out: &mut Vec<Effect>) {
        let Some(work) = self.drains.work.iter_mut().find(|work| work.flush == Some(flush)) else { return };
        let mut outputs = Vec::new();
        work.flush = None;
        work.machine.handle(now, drain::Input::Closed, &mut outputs);
        let target = work.machine.target().clone();
        self.obey_drain(now, &target, outputs, out);
    }

    /// Other rules, and perhaps other tunnels: what is not in the file any more is drained no longer.
    pub(super) fn plan_drains(&mut self, out: &mut Vec<Effect>) {
        let rules = self.drain_rules();
        let work = std::mem::take(&mut self.drains.work);
        self.drains.work = work.into_iter().filter(|work| self.has(work.machine.target())).collect();
        self.drains.work.iter_mut().for_each(|work| work.machine.set(rules));
        self.keep_drains(out);
    }

    fn obey_drain(&mut self, now: Time, target: &Target, outputs: Vec<Output>, out: &mut Vec<Effect>) {
        for output in outputs {
            match output {
                Output::Count => out.push(Effect::Count(self.interfaces_of(target))),
                Output::Enter(step) => self.enter_step(now, target, step, out),
            }
        }
    }

    /// A step begins: it is kept first, so that the next run does not begin before it.
    fn enter_step(&mut self, now: Time, target: &Target, step: Step, out: &mut Vec<Effect>) {
        self.keep_drains(out);
        if let Some(work) = self.drains.of(target) {
            out.push(Effect::Tell(self.step_event(&work.machine)));
        }
        self.take_stances(now, out);
        for tunnel in self.tunnels_of(target) {
            self.follow_statics(&tunnel);
        }
        match step {
            Step::Withdrawing => {
                for id in self.covered(target) {
                    self.rib.say_end(id);
                }
            }
            Step::Closing => {
                let flush = self.flush(out);
                if let Some(work) = self.drains.work.iter_mut().find(|work| work.machine.target() == target) {
                    work.flush = Some(flush);
                }
            }
            Step::Moving | Step::Drained | Step::Returning | Step::Returned => {}
        }
        self.kernel(now, out);
        let over = |work: &&mut Work| work.machine.step().0 == Step::Returned;
        let past = self.drains.work.iter_mut().filter(over).count();
        if past > SHOWN
            && let Some(oldest) = self.drains.work.iter().position(|work| work.machine.step().0 == Step::Returned)
        {
            self.drains.work.remove(oldest);
        }
    }

    /// How far a drain is, for people.
    pub(super) fn step_event(&self, machine: &Drain) -> Event {
        Event::DrainStep {
            instance: self.instance.clone(),
            target: machine.target().clone(),
            step: machine.step().0,
            moved: machine.moved(),
            took: machine.took(),
            lost: machine.lost(),
        }
    }

    /// Has what the next run must know kept, if that has changed.
    fn keep_drains(&mut self, out: &mut Vec<Effect>) {
        let kept: Vec<_> = self.drains.work.iter().map(|work| work.machine.kept()).collect();
        let kept: Vec<_> = kept.into_iter().filter(|kept| kept.step != Step::Returned).collect();
        if kept != self.drains.kept {
            self.drains.kept.clone_from(&kept);
            out.push(Effect::Keep(kept));
        }
    }

    fn drain_rules(&self) -> Rules {
        let rules = &self.config.drain;
        Rules { limit: rules.limit, quiet: rules.quiet, return_limit: rules.return_limit }
    }

    // ---- what it is about -------------------------------------------------------------------------------------

    /// True if this instance has what is to be drained.
    pub(super) fn has(&self, target: &Target) -> bool {
        *target == Target::Instance || !self.tunnels_of(target).is_empty()
    }

    /// The tunnels that a drain is about.
    pub(super) fn tunnels_of(&self, target: &Target) -> Vec<Name> {
        let of = |tunnel: &&Tunnel| match target {
            Target::Instance => true,
            Target::Tunnel(name) => tunnel.plan.name == *name,
            Target::Device(name) => tunnel.plan.device == *name,
        };
        self.tunnels.iter().filter(of).map(|tunnel| tunnel.plan.name.clone()).collect()
    }

    /// The interfaces of those.
    fn interfaces_of(&self, target: &Target) -> Vec<String> {
        let names = self.tunnels_of(target);
        let of = |tunnel: &&Tunnel| names.contains(&tunnel.plan.name);
        self.tunnels.iter().filter(of).map(|tunnel| tunnel.plan.interface.clone()).collect()
    }

    /// True if a drain is about that neighbor: whoever is in its tunnels, and of the instance all but the twin.
    pub(super) fn covers(&self, target: &Target, neighbor: &Neighbor) -> bool {
        match target {
            Target::Instance => neighbor.plan.kind != NeighborKind::Twin,
            Target::Tunnel(_) | Target::Device(_) => {
                let tunnel = neighbor.plan.interface.as_deref().and_then(|interface| self.tunnels.on(interface));
                tunnel.is_some_and(|tunnel| match target {
                    Target::Tunnel(name) => tunnel.plan.name == *name,
                    Target::Device(name) => tunnel.plan.device == *name,
                    Target::Instance => true,
                })
            }
        }
    }

    fn covered(&self, target: &Target) -> Vec<PeerId> {
        self.neighbors.iter().filter(|neighbor| self.covers(target, neighbor)).map(|neighbor| neighbor.id).collect()
    }

    /// True if routes that need no session may lead through that tunnel.
    pub(super) fn leads_through(&self, tunnel: &Name) -> bool {
        !self.drains.work.iter().any(|work| {
            let step = work.machine.step().0;
            matches!(step, Step::Withdrawing | Step::Closing | Step::Drained)
                && self.tunnels_of(work.machine.target()).contains(tunnel)
        })
    }

    /// What a drain says of a neighbor that it is about: what it is offered, whether it is used last, what ends it.
    pub(super) fn drained(&self, neighbor: &Neighbor) -> Option<(Manner, bool, Option<Notification>)> {
        let about = self.drains.work.iter().filter(|work| self.covers(work.machine.target(), neighbor));
        let worst = about.filter_map(|work| {
            let (machine, target) = (&work.machine, work.machine.target());
            let part = *target != Target::Instance;
            Some(match machine.step().0 {
                Step::Moving => (1, (Manner::Leaving, part, None)),
                Step::Returning => (2, (Manner::Withheld, false, None)),
                Step::Withdrawing => (3, (Manner::Withheld, true, None)),
                Step::Closing | Step::Drained => {
                    let own = format!("{} is being serviced", self.instance);
                    let text = machine.reason().map_or(own, str::to_owned);
                    let why = Notification::shutdown(Cease::AdministrativeShutdown, &text);
                    (4, (Manner::Withheld, true, Some(why)))
                }
                Step::Returned => return None,
            })
        });
        worst.max_by_key(|(rank, _)| *rank).map(|(_, stance)| stance)
    }

    // ---- facts ------------------------------------------------------------------------------------------------

    /// True if the kernel has what the RIB wants, and nothing is still to be decided.
    fn kernel_has_all(&self) -> bool {
        self.fib.settled() && !self.fib.is_unsettled() && !self.rib.has_changed() && !self.rib.has_work()
    }

    /// True while the other instance has not taken over the role of this one, or cannot do without it yet. An election that
    /// somebody else decides is not waited for.
    fn role_moves(&self, now: Time, target: &Target) -> bool {
        let hands = self.config.model.election.by != ElectedBy::External;
        let has = self.office.machine.is_some() && self.is_active();
        *target == Target::Instance && (has && hands || !self.is_handed_over(now))
    }

    /// True if the neighbors that a drain is about were told all, and the kernel has what follows.
    fn has_settled(&self, target: &Target) -> bool {
        let silent = |id: PeerId| {
            let neighbor = self.neighbors.get(id);
            neighbor.is_none_or(|neighbor| neighbor.conn.is_none() || !self.rib.has_output(id))
        };
        self.kernel_has_all() && self.covered(target).into_iter().all(silent)
    }

    /// True if all of these sessions that can be up are, have said all that they have, and the kernel has it.
    pub(super) fn is_back(&self, of: impl Fn(&Neighbor) -> bool) -> bool {
        let back = |neighbor: &Neighbor| {
            let wanted = neighbor.ready() && neighbor.kept_down().is_none();
            !wanted || neighbor.conn.is_some() && neighbor.loading.is_none()
        };
        let known = !self.startup.keeps_routes() && !self.sweeping && !self.releasing;
        known && self.kernel_has_all() && self.neighbors.iter().filter(|neighbor| of(neighbor)).all(back)
    }
}
