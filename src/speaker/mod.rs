//! The whole speaker as one machine: no socket, clock, lock or task. Facts come in as [`Input`], work goes out as
//! [`Effect`], time is an argument. The same inputs at the same times give the same effects.
//!
//! A turn is: one input, its effects on the kernel first; then bounded slices of [`Speaker::work`] while there is
//! some, between which the shell hands in whatever is more urgent.

mod accept;
mod alone;
mod audit;
mod check;
mod devices;
mod drains;
mod dynamic;
mod event;
mod fitness;
mod flow;
mod foreign;
mod handover;
mod input;
mod interfaces;
mod journal;
mod keep_down;
mod life;
mod link;
mod neighbor;
mod neighbors;
mod probes;
mod query;
mod rate;
mod readiness;
mod reload;
mod reset;
mod resolve;
mod resync;
mod role;
mod room;
mod sessions;
mod settings;
mod settling;
mod slices;
mod stale;
mod standing;
mod startup;
mod statics;
mod tunnels;
mod twin;
mod watch;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
    time::Duration,
};

pub use drains::Counted;
pub use event::{Event, Weight};
pub use input::{Effect, Endpoint, FlushId, Held, Input};
pub use link::Link;
pub use query::Surroundings;
pub use reload::ReloadError;
pub use standing::Standing;

use crate::bfd;
use crate::config::Config;
use crate::control::api::Reset;
use crate::fib;
use crate::fib::{Failure, Fib};
use crate::gateway;
use crate::gateway::Desired;
use crate::probe;
use crate::rib;
use crate::rib::Rib;
use crate::session;
use crate::types::{ConnId, Family, Name, PeerId, Prefix, Time};
use crate::wire::Attributes;
use accept::Way;
use alone::FarEnds;
use audit::Audit;
use drains::Drains;
use fitness::Fitness;
use journal::Journal;
use life::Life;
use link::Links;
use neighbor::Neighbor;
use neighbors::{Leaving, Neighbors};
use rate::Rate;
use reload::Unconfirmed;
use resolve::Leads;
use resync::Resync;
use role::Office;
use room::Lacking;
use settling::Settling;
use slices::SLICE_PREFIXES;
use startup::Startup;
use statics::Statics;
use tunnels::Tunnels;
use twin::Pair;

/// Why an instance of that name cannot be run.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the file has no instance \"{wanted}\": it has {known}")]
pub struct UnknownInstance {
    wanted: Name,
    known: String,
}

/// One TCP connection, or the attempt at one.
struct Conn {
    peer: PeerId,
    /// Our end, once it is connected.
    local: Option<SocketAddr>,
    remote: SocketAddr,
}

/// One instance of a gateway.
pub struct Speaker {
    config: Config,
    instance: Name,
    desired: Desired,
    /// What the wall clock said at [`Time::START`], since the Unix epoch: for people only.
    epoch: Duration,
    neighbors: Neighbors,
    /// Host routes of neighbors that are gone and are still being told.
    leaving: Vec<Leaving>,
    /// Families that connections are accepted in.
    listening: BTreeSet<Family>,
    /// How often it was asked to be told of closed connections.
    flushes: u32,
    conns: HashMap<ConnId, Conn>,
    links: Links,
    tunnels: Tunnels,
    statics: Statics,
    leads: Leads,
    /// Host routes to far ends without a session.
    far_ends: FarEnds,
    /// What hooks hold down, as the shell was last told.
    held: Vec<Held>,
    rib: Rib,
    fib: Fib,
    startup: Startup,
    /// What an earlier run left and nobody wants goes as soon as the FIB has all that the RIB holds.
    sweeping: bool,
    /// Neighbors hear of learned routes as soon as the kernel has them all: they were not, since a restart.
    releasing: bool,
    /// What an earlier run left under other settings, before it begins.
    leftovers: fib::Leftovers,
    /// That is being told of until it is gone.
    sweeps_past: bool,
    /// Families whose routes an earlier run left in the kernel.
    preserved: Vec<Family>,
    resync: Resync,
    settling: Settling,
    /// Whether it can do its work.
    fitness: Fitness,
    /// What is being serviced.
    drains: Drains,
    /// How often in a row what was read of the kernel was old when it came.
    overtaken: u8,
    audit: Audit,
    /// Who is watched by BFD may have changed.
    watch_again: bool,
    /// Whom BFD was last told to watch.
    watching: Option<Vec<bfd::Plan>>,
    /// Far ends that are asked whether they are there.
    probing: Vec<probe::Plan>,
    /// The role, where only one of the two is active.
    office: Office,
    /// The other instance.
    pair: Pair,
    life: Life,
    journal: Journal,
    strangers: Rate,
    refusals: Rate,
    /// Changes that others made to what is ours.
    tampering: Rate,
    /// Who found a range full.
    crowds: Rate,
    changed: Vec<rib::Changed>,
    last_refusal: Option<(Time, String, fib::KernelError)>,
    lacking: Option<Lacking>,
    /// When what runs was taken.
    loaded: Time,
    unconfirmed: Option<Unconfirmed>,
}

impl Speaker {
    /// The machine of one instance. `seed` feeds the jitter of its timers; `epoch` is the wall clock at
    /// [`Time::START`], since the Unix epoch.
    pub fn new(config: Config, instance: &Name, seed: u64, epoch: Duration) -> Result<Self, UnknownInstance> {
        let desired = gateway::desired(&config.model, instance).ok_or_else(|| {
            let names: Vec<_> = config.model.instances.iter().map(|known| known.name.to_string()).collect();
            UnknownInstance { wanted: instance.clone(), known: names.join(" and ") }
        })?;
        let mut rib = Rib::new(settings::rib(&config, &desired));
        for prefix in &desired.prefixes {
            rib.originate(*prefix, Attributes::default());
        }
        let fib = Fib::new(settings::fib(&config));
        let plans = desired.neighbors.clone();
        let ranges: Vec<_> = desired.ranges.iter().map(|range| range.prefix.family()).collect();
        let families = plans.iter().map(|plan| Family::of(plan.remote_address)).chain(ranges);
        let mut speaker = Self {
            instance: instance.clone(),
            desired,
            epoch,
            neighbors: Neighbors::new(seed),
            leaving: Vec::new(),
            listening: families.collect(),
            flushes: 0,
            conns: HashMap::new(),
            links: Links::default(),
            tunnels: Tunnels::default(),
            statics: Statics::default(),
            leads: Leads::default(),
            far_ends: FarEnds::default(),
            held: Vec::new(),
            rib,
            fib,
            startup: Startup::default(),
            sweeping: false,
            releasing: false,
            leftovers: fib::Leftovers::default(),
            sweeps_past: false,
            preserved: Vec::new(),
            resync: Resync::default(),
            settling: Settling::default(),
            fitness: Fitness::default(),
            drains: Drains::default(),
            overtaken: 0,
            audit: Audit::default(),
            watch_again: true,
            watching: None,
            probing: Vec::new(),
            office: Office::default(),
            pair: Pair::new(seed),
            life: Life::Waiting,
            journal: Journal::default(),
            strangers: Rate::default(),
            refusals: Rate::default(),
            tampering: Rate::default(),
            crowds: Rate::default(),
            changed: Vec::new(),
            last_refusal: None,
            lacking: None,
            loaded: Time::START,
            unconfirmed: None,
            config,
        };
        speaker.plan_checks(Time::START);
        speaker.plan_tunnels(Time::START, &mut Vec::new()); // before it begins, nothing is to be done about them
        for plan in plans {
            speaker.register(plan);
        }
        Ok(speaker)
    }

    /// Takes one fact, and says all that is to be done about it: the kernel first.
    pub fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Effect>) {
        let mut effects = Vec::new();
        self.learn(now, input, &mut effects);
        self.finish(now, &mut effects);
        out.append(&mut effects);
    }

    /// The first part of a turn: learns one fact, and says what is to be done about it at once. That can be carried out
    /// before the second part, [`Speaker::finish`], which must follow.
    pub fn learn(&mut self, now: Time, input: Input, out: &mut Vec<Effect>) {
        self.role_first(now, out);
        match input {
            Input::Begin(table) => self.begin(now, table, out),
            Input::Held(held) => self.hold_again(now, held, out),
            Input::Leftovers(left) => self.leftovers = left,
            Input::Tunnel { tunnel, source, objection } => self.knows(now, &tunnel, source, objection, out),
            Input::Link(link) => self.link(now, link, out),
            Input::LinkGone(index) => self.link_gone(now, index, out),
            Input::LinksMissed => self.links_missed(),
            Input::Foreign(changes) => self.foreign(now, changes, out),
            Input::ForeignMissed => self.foreign_missed(now, out),
            Input::Audited(number, part) => self.audited(now, number, part, out),
            Input::Resolved { address, lead } => self.resolved(address, lead),
            Input::Check => self.audit_now(now, true),
            Input::Dumped(found) => self.dumped(now, found, out),
            Input::Connected { conn, local } => {
                if let Some(known) = self.conns.get_mut(&conn) {
                    known.local = Some(local);
                }
                self.conn(now, conn, session::Input::Connected { conn }, out);
            }
            Input::ConnectFailed { conn, reason } => {
                let peer = self.conns.remove(&conn).map(|known| known.peer);
                self.session(now, peer, session::Input::ConnectFailed { conn, reason }, out);
            }
            Input::Accepted { conn, local, remote, interface } => {
                self.accepted(now, conn, Way { local, remote, interface }, out);
            }
            Input::Octets { conn, octets } => self.conn(now, conn, session::Input::Octets { conn, octets }, out),
            Input::Lost { conn, reason } => {
                let peer = self.conns.remove(&conn).map(|known| known.peer);
                self.session(now, peer, session::Input::Lost { conn, reason }, out);
            }
            Input::Congested(conn) => self.congestion(conn, true),
            Input::Drained(conn) => self.congestion(conn, false),
            Input::Measured { conn, waiting, taken, silent } => {
                self.conn(now, conn, session::Input::Measured { conn, waiting, taken, silent }, out);
            }
            Input::KernelDone { batch, failures } => self.kernel_done(now, batch, failures, out),
            Input::Reset(name) => {
                if let Some(id) = self.neighbors.named(&name).map(|found| found.id) {
                    // Who wants to know why nothing was done asks: see `Speaker::ask`.
                    let _ = self.reset(now, id, &Reset::default(), out);
                }
            }
            Input::Bfd(report) => self.bfd(now, report, out),
            Input::BfdLost(reason) => self.bfd_lost(now, reason, out),
            Input::Probe(report) => self.probed(now, &report, out),
            Input::Hello(octets) => self.hear_twin(now, &octets, out),
            Input::Drains(kept) => self.drain_again(now, kept),
            Input::Counted(counted) => self.counted(now, &counted, out),
            Input::Role(done) => self.role_done(now, done, out),
            Input::Ran { id, ran } => {
                if !self.role_ran(id, &ran, out) {
                    self.ran(now, id, &ran);
                }
            }
            Input::Stop => self.stop(now, out),
            Input::Flushed(flush) => {
                self.role_flushed(flush, out);
                self.flushed(flush);
                self.drains_flushed(now, flush, out);
            }
            Input::NotListening { family, reason } => {
                self.listening.remove(&family); // the next neighbor of that family tries again
                out.push(Effect::Tell(Event::NotListening { family, reason }));
            }
        }
    }

    /// The second part of a turn: what follows from the fact that was learnt. `out` is what the first part said, so that
    /// what is told is remembered; batches for the kernel may have been taken out of it.
    pub fn finish(&mut self, now: Time, out: &mut Vec<Effect>) {
        self.follow_up(now, out);
        self.remember(now, out);
    }

    /// What every turn ends with.
    fn follow_up(&mut self, now: Time, out: &mut Vec<Effect>) {
        if self.startup.is_over(now) {
            self.converge(now, out);
        }
        self.settle_groups(now);
        self.kernel(now, out);
        self.tell_of_room(now, out);
        self.audit_if_due(now, out);
        self.judge_fitness(now, out);
        self.role_last(now, out);
        self.watch(out);
        self.go_on_draining(now, out);
        self.tell_twin(now, out);
        self.settle(out);
    }

    /// Does what is due by now.
    pub fn tick(&mut self, now: Time, out: &mut Vec<Effect>) {
        let said = out.len();
        self.role_first(now, out);
        self.fib.tick(now);
        self.kernel(now, out);
        self.tunnels_due(now, out);
        self.revert_if_due(now, out);
        for id in self.neighbors.ids() {
            if self.neighbors.get(id).and_then(|neighbor| neighbor.awaited.deadline()).is_some_and(|due| due <= now) {
                self.overdue(now, id, out);
            }
            let Some(neighbor) = self.neighbors.get_mut(id) else { continue };
            if neighbor.session.deadline().is_some_and(|due| due <= now) {
                let mut outputs = Vec::new();
                neighbor.session.tick(now, &mut outputs);
                self.obey(now, id, outputs, out);
            }
        }
        self.let_back_in_time(now, out);
        self.forget_gone(now, out);
        self.follow_up(now, out);
        self.remember(now, out.get(said..).unwrap_or_default());
    }

    /// When [`Speaker::tick`] is due next.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let sessions = self.neighbors.iter().filter_map(|neighbor| neighbor.session.deadline());
        let awaited = self.neighbors.iter().filter_map(|neighbor| neighbor.awaited.deadline());
        let leaving = self.neighbors.iter().filter_map(|neighbor| neighbor.leaves);
        let back = self.neighbors.iter().filter_map(|neighbor| neighbor.over?.until);
        sessions
            .chain(self.fib.deadline())
            .chain(self.tunnels.deadline())
            .chain(self.startup.deadline())
            .chain(self.resync.deadline())
            .chain(self.settle_deadline())
            .chain(self.audit_deadline())
            .chain(awaited)
            .chain(self.reload_deadline())
            .chain(self.twin_deadline())
            .chain(self.fitness_deadline())
            .chain(self.drains.deadline().filter(|_| self.life == Life::Running))
            .chain(self.role_deadline())
            .chain(leaving)
            .chain(back)
            .min()
    }

    /// True if [`Speaker::work`] has something to do.
    #[must_use]
    pub fn busy(&self) -> bool {
        let routes = self.life == Life::Running && (self.rib.has_changed() || self.sweeping);
        self.rib.has_work() || routes || self.neighbors.iter().any(|neighbor| self.can_send(neighbor))
    }

    /// One bounded slice of what can wait: routes into the kernel, UPDATEs out, the tidy-up after lost sessions.
    pub fn work(&mut self, now: Time, out: &mut Vec<Effect>) {
        let said = out.len();
        self.role_first(now, out);
        self.rib.work(SLICE_PREFIXES);
        if self.life == Life::Running {
            self.program();
            self.resolve(out);
            self.waits(now);
            self.sweep();
            self.settle_groups(now);
            self.kernel(now, out);
        }
        for id in self.neighbors.ids() {
            self.advertise(now, id, out);
        }
        self.judge_fitness(now, out);
        self.go_on_draining(now, out);
        self.settle(out);
        self.remember(now, out.get(said..).unwrap_or_default());
    }

    /// True once a clean stop is complete.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.life == Life::Stopped
    }

    /// The families to listen for at the start: those of the far ends of all sessions. [`Effect::Listen`] tells of more.
    pub fn listens(&self) -> impl Iterator<Item = Family> {
        self.listening.iter().copied()
    }

    /// How the segments of each neighbor and range are signed, by their addresses.
    pub fn signatures(&self) -> impl Iterator<Item = (&Name, Prefix, &gateway::Auth)> {
        let signed = |neighbor: &'_ Neighbor| Prefix::host(neighbor.plan.remote_address);
        let fixed = self.neighbors.iter().filter(|neighbor| neighbor.plan.range.is_none());
        let ranges = self.desired.ranges.iter().map(|range| (range.name(), range.prefix, &range.like.auth));
        fixed.map(move |neighbor| (&neighbor.plan.name, signed(neighbor), &neighbor.plan.auth)).chain(ranges)
    }

    /// The interfaces that the file names: those of tunnels and of neighbors.
    #[must_use]
    pub fn interfaces(&self) -> BTreeSet<&str> {
        let tunnels = self.desired.tunnels.iter().map(|tunnel| tunnel.interface.as_str());
        tunnels.chain(self.desired.neighbors.iter().filter_map(|plan| plan.interface.as_deref())).collect()
    }

    /// True if the gateway forwards IPv6: it has prefixes or neighbors of that family.
    #[must_use]
    pub fn forwards_ipv6(&self) -> bool {
        let prefixes = self.desired.prefixes.iter().any(|prefix| prefix.family() == Family::Ipv6);
        prefixes || self.desired.neighbors.iter().any(|plan| plan.families.contains(&Family::Ipv6))
    }

    /// The largest share that the kernel takes, before anything else: see [`fib::Settings::max_weight`].
    pub fn set_max_weight(&mut self, most: u16) {
        self.fib.set_max_weight(most);
    }

    /// What the kernel's part of the shell must know.
    #[must_use]
    pub fn fib_settings(&self) -> fib::Settings {
        settings::fib(&self.config)
    }

    /// Hands out what the kernel can take now.
    fn kernel(&mut self, now: Time, out: &mut Vec<Effect>) {
        if self.compares(now, out) {
            self.overtake(now, out);
            return;
        }
        while let Some(batch) = self.fib.next_batch(now) {
            out.push(Effect::Kernel(batch));
        }
    }

    fn kernel_done(&mut self, now: Time, batch: fib::BatchId, failures: Vec<Failure>, out: &mut Vec<Effect>) {
        if let Some(first) = failures.first() {
            let operation = self.fib.operation(batch, first.index).map(ToString::to_string).unwrap_or_default();
            let error = first.error.clone();
            self.last_refusal = Some((now, operation.clone(), error.clone()));
            let others: Vec<&Failure> = failures.iter().filter(|failure| !failure.error.is_full()).collect();
            if let Some(first) = others.first()
                && let Some(silent) = self.refusals.pass(now)
            {
                let (refused, error) = (others.len(), first.error.clone());
                let operation = self.fib.operation(batch, first.index).map(ToString::to_string).unwrap_or_default();
                out.push(Effect::Tell(Event::KernelRefused { refused, first: operation, error, silent }));
            }
        }
        self.fib.done(now, batch, failures);
        self.routed(now, out);
    }

    /// `None` if it is gone. Of a way without BGP it is the tunnel's.
    fn name(&self, peer: PeerId) -> Option<Name> {
        let neighbor = self.neighbors.get(peer).map(|neighbor| &neighbor.plan.name);
        neighbor.or_else(|| self.statics.name(peer)).cloned()
    }
}
