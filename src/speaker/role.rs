//! The role of this instance in active-standby: what its machine wants is done, in its order. Taking over: the shared
//! address, its announcement, the VPN daemon, sessions, the hook. Giving up is the mirror.
//!
//! Owns whether this instance has its sessions ([`Speaker::serves`]). Never decides who is active: [`role::Machine`] does.

use std::time::Duration;

use super::handover::{Handover, Takeover};
use super::input::FlushId;
use super::neighbor::Neighbor;
use super::{Effect, Event, Life, Speaker};
use crate::config::OnStop;
use crate::drain::Step;
use crate::gateway::{ElectedBy, Mode};
use crate::hook;
use crate::hook::{Command, RunId};
use crate::role;
use crate::role::{Claim, Done, Election, Machine, Output, Shared, Stance, Work};
use crate::twin;
use crate::types::Time;
use crate::wire::{Cease, Notification};

/// What neighbors were told may take so long to leave; then the address goes.
const GOODBYE: Duration = Duration::from_millis(500);
/// Runs of hooks are numbered from here: others count from below.
const FIRST_RUN: u64 = 1 << 62;

/// The role, and what is being done about it.
#[derive(Default)]
pub(super) struct Office {
    /// `None` where both are active.
    pub(super) machine: Option<Machine>,
    shared: Option<Shared>,
    /// The address was found from a run before this one.
    found: bool,
    /// It was taken, and the address is not there yet.
    taking: bool,
    /// Sessions are wanted.
    serving: bool,
    /// The address goes when that is done, or at that time.
    leaves: Option<(FlushId, Time)>,
    /// The role was handed over, and this instance forwards until the other does.
    pub(super) hands: Option<Handover>,
    /// The twin said so last.
    other_was_active: bool,
    /// What began with the role.
    pub(super) takeover: Takeover,
    /// Whom etcd's lease is asked of, as the shell was told.
    lease: Option<role::LeaseAt>,
    runs: Vec<(RunId, &'static str, String)>,
    counted: u64,
}

impl Speaker {
    /// The election is as the file says from now on.
    pub(super) fn elect(&mut self, now: Time, out: &mut Vec<Effect>) {
        let settings = self.role_settings();
        let shared = settings.as_ref().and_then(|_| self.shared());
        let lease = settings.as_ref().and_then(|_| self.lease_at());
        if self.office.lease != lease {
            self.office.lease.clone_from(&lease);
            out.push(Effect::Role(Work::Elect(lease)));
        }
        if self.office.shared != shared {
            if let Some(before) = self.office.shared.take() {
                out.push(Effect::Role(Work::Drop(before)));
            }
            self.office.shared = shared;
            let active = self.office.machine.as_ref().is_some_and(Machine::is_active);
            if let Some(shared) = self.office.shared.clone().filter(|_| active && settings.is_some()) {
                let lease = self.config.model.election.lease;
                out.push(Effect::Role(Work::Hold(shared, lease)));
            }
        }
        match (settings, self.office.machine.take()) {
            (None, before) => {
                (self.office.leaves, self.office.hands) = (None, None);
                (self.office.taking, self.office.serving) = (false, false);
                if before.is_some() {
                    self.follow_role(now, out);
                }
            }
            (Some(settings), Some(mut known)) if known.settings().election == settings.election => {
                known.set(settings);
                self.office.machine = Some(known);
            }
            (Some(settings), before) => {
                // One that served goes on until it is decided who does.
                let served = before.is_none_or(|before| before.is_active());
                self.office.serving = served && self.life == Life::Running;
                let mut machine = Machine::new(now, settings);
                let mut outputs = Vec::new();
                if std::mem::take(&mut self.office.found) {
                    machine.handle(now, role::Input::Found, &mut outputs);
                }
                self.office.machine = Some(machine);
                self.obey_role(now, outputs, out);
            }
        }
    }

    fn role_settings(&self) -> Option<role::Settings> {
        let model = &self.config.model;
        let (own, twin) = (model.instance(&self.instance)?, model.twin(&self.instance)?);
        if model.mode != Mode::ActiveStandby {
            return None;
        }
        let words = &model.election;
        Some(role::Settings {
            election: match words.by {
                ElectedBy::Pair => Election::Pair,
                ElectedBy::Etcd => Election::Etcd,
                ElectedBy::External => Election::External,
            },
            name: own.name.clone(),
            twin: twin.name.clone(),
            priority: u32::from(own.priority),
            twin_priority: u32::from(twin.priority),
            preempt: words.preempt,
            hello: model.twin_words.hello,
            lease: words.lease,
            ask: words.ask_network && own.network_interface.is_some(),
        })
    }

    fn shared(&self) -> Option<Shared> {
        let model = &self.config.model;
        Some(Shared {
            address: model.shared_ip?,
            interface: model.instance(&self.instance)?.network_interface.clone(),
            tunnels: {
                let ours = self.desired.neighbors.iter().filter(|plan| Some(plan.local_address) == model.shared_ip);
                ours.filter_map(|plan| plan.interface.clone()).collect()
            },
            protocol: self.config.kernel.protocol,
        })
    }

    fn lease_at(&self) -> Option<role::LeaseAt> {
        let model = &self.config.model;
        (model.election.by == ElectedBy::Etcd).then(|| role::LeaseAt {
            endpoints: model.election.endpoints.clone(),
            key: format!("/twinspan/{}/active", model.name),
            name: self.instance.to_string(),
            ttl: model.election.ttl,
        })
    }

    /// The shared address and where it is put, for the shell's look at what is there before the start.
    #[must_use]
    pub fn shared_address(&self) -> Option<Shared> {
        self.role_settings().and_then(|_| self.shared())
    }

    /// True if this instance has sessions with devices and network routers.
    pub(super) fn serves(&self) -> bool {
        self.role_settings().is_none() || self.office.serving
    }

    /// Why there is no session with that neighbor, if that is for the role.
    pub(super) fn waits_behind_twin(&self, neighbor: &Neighbor) -> Option<Notification> {
        let waits = Self::of_role(neighbor) && !self.serves() && !self.stays_for_now(neighbor);
        waits.then(|| {
            let text = format!("{} is standby", self.instance);
            Notification::shutdown(Cease::AdministrativeShutdown, &text)
        })
    }

    /// Before all else in a turn: an instance that was stopped for a while is not active any more.
    pub(super) fn role_first(&mut self, now: Time, out: &mut Vec<Effect>) {
        if self.office.leaves.is_some_and(|(_, until)| until <= now) {
            self.leave_address(out);
        }
        self.go_on_handing_over(now, out);
        if self.office.machine.as_ref().is_some_and(|machine| machine.deadline() <= now) {
            self.with_role(now, out, |machine, outputs| machine.tick(now, outputs));
        }
    }

    /// What the rest of the instance means to the role.
    pub(super) fn role_last(&mut self, now: Time, out: &mut Vec<Effect>) {
        let fit = self.is_fit_for_role();
        let stopping = !matches!(self.life, Life::Waiting | Life::Running);
        // Who is to be serviced hands over first, and has no role at all from the withdrawals on.
        let drain = self.drains.instance();
        let over = matches!(drain, Some(Step::Withdrawing | Step::Closing | Step::Drained));
        let willing = !over && !stopping;
        let leaves = drain.is_some_and(|step| step != Step::Returning || !self.is_active());
        if self.office.machine.as_ref().is_some_and(|machine| machine.leaves() != leaves) {
            self.with_role(now, out, |machine, outputs| machine.handle(now, role::Input::Leaves(leaves), outputs));
        }
        let keeps = stopping && self.config.kernel.on_stop == OnStop::Keep;
        if self.office.machine.as_ref().is_some_and(|machine| machine.is_fit() != fit) {
            self.with_role(now, out, |machine, outputs| machine.handle(now, role::Input::Fit(fit), outputs));
        }
        // Who is only being started again keeps the role, as far as its lease goes.
        if !keeps && self.office.machine.as_ref().is_some_and(|machine| machine.is_willing() != willing) {
            self.with_role(now, out, |machine, outputs| machine.handle(now, role::Input::Willing(willing), outputs));
        }
    }

    /// When [`Speaker::role_first`] has something to do.
    pub(super) fn role_deadline(&self) -> Option<Time> {
        let machine = self.office.machine.as_ref().map(Machine::deadline);
        let leaves = self.office.leaves.map(|(_, until)| until);
        machine.into_iter().chain(leaves).chain(self.handover_deadline()).min()
    }

    /// The twin has said something.
    pub(super) fn role_hears(&mut self, now: Time, says: &twin::Says, out: &mut Vec<Effect>) {
        let claim = claim(says);
        let gone = says.role != twin::Role::Active && self.office.other_was_active;
        self.office.other_was_active = says.role == twin::Role::Active;
        self.with_role(now, out, |machine, outputs| machine.handle(now, role::Input::Heard(claim), outputs));
        // The other does not answer for the address any more.
        if gone && self.is_active() {
            self.redial(now, out);
        }
    }

    /// BFD says whether the way to the twin carries packets.
    pub(super) fn role_bfd(&mut self, now: Time, up: Option<bool>, out: &mut Vec<Effect>) {
        self.with_role(now, out, |machine, outputs| machine.handle(now, role::Input::Bfd(up), outputs));
    }

    /// What became of some work.
    pub(super) fn role_done(&mut self, now: Time, done: Done, out: &mut Vec<Effect>) {
        match done {
            Done::Found => {
                self.office.found = true;
                if self.life == Life::Running {
                    self.with_role(now, out, |machine, outputs| machine.handle(now, role::Input::Found, outputs));
                }
            }
            Done::Held => {
                if let Some(shared) = self.office.shared.clone().filter(|_| self.is_active()) {
                    out.push(Effect::Role(Work::Announce(shared)));
                }
                self.serve(now, out);
            }
            Done::NotHeld(reason) => {
                out.push(Effect::Tell(Event::AddressRefused { reason }));
                self.serve(now, out);
            }
            Done::Dropped(Ok(())) => {}
            Done::Dropped(Err(reason)) => out.push(Effect::Tell(Event::AddressRefused { reason })),
            Done::Answered(answer) => {
                self.with_role(now, out, |machine, outputs| {
                    machine.handle(now, role::Input::Answered(answer), outputs);
                });
            }
            Done::Lease(lease) => {
                self.with_role(now, out, |machine, outputs| machine.handle(now, role::Input::Lease(lease), outputs));
            }
        }
    }

    /// What neighbors were told is out: the address can go.
    pub(super) fn role_flushed(&mut self, flush: FlushId, out: &mut Vec<Effect>) {
        if self.office.leaves.is_some_and(|(waits, _)| waits == flush) {
            self.leave_address(out);
        }
    }

    /// A hook has ended; false if it is none of these.
    pub(super) fn role_ran(&mut self, id: RunId, ran: &hook::Ran, out: &mut Vec<Effect>) -> bool {
        let Some(at) = self.office.runs.iter().position(|(known, ..)| *known == id) else { return false };
        let (_, hook, about) = self.office.runs.remove(at);
        if !ran.succeeded() {
            out.push(Effect::Tell(Event::HookFailed { hook, about, ran: ran.to_string() }));
        }
        true
    }

    /// True if this instance is the one that carries traffic: always where both do.
    pub(super) fn is_active(&self) -> bool {
        self.office.machine.as_ref().is_none_or(Machine::is_active)
    }

    /// A person, or a drain, says who shall be active.
    pub(super) fn wish_role(
        &mut self,
        now: Time,
        wish: role::Wish,
        out: &mut Vec<Effect>,
    ) -> Option<Result<(), role::Refusal>> {
        let machine = self.office.machine.as_mut()?;
        let mut outputs = Vec::new();
        let done = machine.wish(now, wish, &mut outputs);
        self.obey_role(now, outputs, out);
        Some(done)
    }

    /// What this instance says of its role to the twin.
    pub(super) fn claim(&self) -> Option<Claim> {
        self.office.machine.as_ref().map(Machine::claim)
    }

    fn with_role(&mut self, now: Time, out: &mut Vec<Effect>, told: impl FnOnce(&mut Machine, &mut Vec<Output>)) {
        let Some(machine) = self.office.machine.as_mut() else { return };
        let mut outputs = Vec::new();
        told(machine, &mut outputs);
        self.obey_role(now, outputs, out);
    }

    fn obey_role(&mut self, now: Time, outputs: Vec<Output>, out: &mut Vec<Effect>) {
        for output in outputs {
            let shared = self.office.shared.clone();
            match output {
                // The next hello holds it, and goes out at the end of this turn.
                Output::Say => {}
                Output::Ask => out.extend(shared.map(|shared| Effect::Role(Work::Ask(shared)))),
                Output::Renew(lifetime) => {
                    out.extend(shared.map(|shared| Effect::Role(Work::Renew(shared, lifetime))));
                }
                Output::Announce => out.extend(shared.map(|shared| Effect::Role(Work::Announce(shared)))),
                Output::Compete(competes) => out.push(Effect::Role(Work::Compete(competes))),
                Output::Take(lifetime) => {
                    self.office.leaves = None;
                    self.tell_role(out);
                    self.office.taking = true;
                    match shared {
                        Some(shared) => out.push(Effect::Role(Work::Hold(shared, lifetime))),
                        None => self.serve(now, out),
                    }
                }
                Output::Give { lapsed, handed } => self.give_up(now, lapsed, handed, out),
                Output::Stays(who) => out.push(Effect::Tell(Event::StaysStandby { who })),
                Output::NotTaken => out.push(Effect::Tell(Event::RoleNotTaken)),
            }
        }
        // One that served both ways before, and is not the one.
        let waits = self.claim().is_some_and(|claim| matches!(claim.stance, Stance::Standby | Stance::Away));
        if waits && self.office.serving {
            self.office.serving = false;
            self.follow_role(now, out);
        }
    }

    fn tell_role(&self, out: &mut Vec<Effect>) {
        if let Some(machine) = &self.office.machine {
            let view = machine.view();
            let active = view.stance.is_active();
            out.push(Effect::Tell(Event::Role { active, why: view.why.to_string(), term: view.term }));
        }
    }

    /// The address is there, or cannot be: everything else.
    fn serve(&mut self, now: Time, out: &mut Vec<Effect>) {
        if !std::mem::take(&mut self.office.taking) {
            return;
        }
        let tunnels: Vec<_> = self.desired.tunnels.clone();
        let hooks = self.config.model.hooks.clone();
        for tunnel in tunnels {
            let words = hooks.initiate.iter().map(|word| {
                word.replace("{tunnel}", tunnel.name.as_str())
                    .replace("{interface}", &tunnel.interface)
                    .replace("{connection}", tunnel.connection.as_str())
                    .replace("{device}", tunnel.device.as_str())
            });
            self.run_hook("initiate", tunnel.name.to_string(), words.collect(), hooks.limit, out);
        }
        self.office.serving = true;
        let view = self.office.machine.as_ref().map(Machine::view);
        self.take_up(now, view.is_some_and(|view| view.why == role::Why::HandedOver), out);
        self.follow_role(now, out);
        self.run_hook("on-active", String::new(), hooks.on_active, hooks.limit, out);
    }

    fn give_up(&mut self, now: Time, lapsed: bool, handed: bool, out: &mut Vec<Effect>) {
        self.tell_role(out);
        self.depart(now, handed);
        (self.office.taking, self.office.serving) = (false, false);
        if lapsed && let Some(shared) = self.office.shared.clone() {
            out.push(Effect::Role(Work::Drop(shared)));
        }
        self.follow_role(now, out);
        if !lapsed && self.office.shared.is_some() {
            let flush = self.flush(out);
            self.office.leaves = Some((flush, now + GOODBYE));
        }
        let hooks = self.config.model.hooks.clone();
        self.run_hook("on-standby", String::new(), hooks.on_standby, hooks.limit, out);
    }

    fn leave_address(&mut self, out: &mut Vec<Effect>) {
        if self.office.leaves.take().is_some()
            && let Some(shared) = self.office.shared.clone()
        {
            out.push(Effect::Role(Work::Drop(shared)));
        }
    }

    /// Sessions and BFD follow the role.
    pub(super) fn follow_role(&mut self, now: Time, out: &mut Vec<Effect>) {
        self.take_stances(now, out);
        let tunnels: Vec<_> = self.tunnels.iter().map(|tunnel| tunnel.plan.name.clone()).collect();
        for tunnel in tunnels {
            self.follow_statics(&tunnel);
        }
        for id in self.neighbors.ids() {
            if self.neighbors.get(id).is_some_and(|neighbor| neighbor.stance.down.is_some()) {
                // What BFD saw was seen from an address that goes.
                self.unbar(now, id, out);
                if let Some(neighbor) = self.neighbors.get_mut(id) {
                    neighbor.watched = Default::default();
                }
            }
        }
        self.watch_again = true;
    }

    fn run_hook(
        &mut self,
        hook: &'static str,
        about: String,
        words: Vec<String>,
        limit: Duration,
        out: &mut Vec<Effect>,
    ) {
        let Some(command) = Command::new(words) else { return };
        let id = RunId(FIRST_RUN + self.office.counted);
        self.office.counted += 1;
        self.office.runs.push((id, hook, about));
        out.push(Effect::Run { id, command, limit });
    }
}

/// What a hello says of the role. A twin whose file has both instances active claims nothing: while the mode changes, who
/// goes over first is the active one of the two, and the other waits when it follows.
fn claim(says: &twin::Says) -> Claim {
    let stance = match says.role {
        _ if says.both => Stance::Standby,
        twin::Role::Active if says.yields => Stance::Yielding,
        twin::Role::Active => Stance::Active,
        twin::Role::Standby | twin::Role::Undecided if says.away => Stance::Away,
        twin::Role::Standby | twin::Role::Undecided if says.wants => Stance::Wanting,
        twin::Role::Standby => Stance::Standby,
        twin::Role::Undecided => Stance::Asking,
    };
    Claim { stance, term: says.term, fit: !says.unfit, priority: says.priority }
}

/// The same the other way: role, then `yields`, `away` and `wants`.
pub(super) fn said(stance: Stance) -> (twin::Role, [bool; 3]) {
    match stance {
        Stance::Active => (twin::Role::Active, [false; 3]),
        Stance::Yielding => (twin::Role::Active, [true, false, false]),
        Stance::Away => (twin::Role::Standby, [false, true, false]),
        Stance::Wanting => (twin::Role::Standby, [false, false, true]),
        Stance::Standby => (twin::Role::Standby, [false; 3]),
        Stance::Asking => (twin::Role::Undecided, [false; 3]),
    }
}
