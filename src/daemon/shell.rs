//! The shell around the machine: what it is told in the machine's words, and what the machine wants done.

use std::path::PathBuf;
use std::thread;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Duration, Instant};
use tracing::{info, warn};

use super::clock::Clock;
use super::drained::DrainFile;
use super::held::HeldFile;
use super::kernel::KernelThreads;
use super::protocols::ProtocolFile;
use super::reader::Reader;
use super::start::StartError;
use super::surroundings::Here;
use super::tracker::Tracker;
use crate::bfd::io::{Client as BfdClient, News};
use crate::control::api::{ApiError, Reply, Request};
use crate::fib::io::LinkEvent;
use crate::fib::io::sysctl::{Sysctls, Wanted};
use crate::fib::{BatchId, Failure, Lane};
use crate::gateway;
use crate::hook::io::Runner;
use crate::metrics;
use crate::probe::io::Prober;
use crate::role;
use crate::role::io::{Keeper, LeaseStanding, News as RoleNews};
use crate::speaker::{Effect, Endpoint, Event, FlushId, Input, Link, Speaker, Weight};
use crate::transport;
use crate::transport::Transport;
use crate::twin::io::Courier;
use crate::types::{ConnId, Name};

/// Octets queued for one peer above which no more UPDATEs are made for it.
const HIGH_MARK: usize = 1024 * 1024;

/// How long bulk work waits at most for the kernel to do what is urgent.
const HURRY_LIMIT: Duration = Duration::from_millis(5);

/// The shell's side of everything that the machine names.
pub(super) struct Shell {
    pub(super) clock: Clock,
    pub(super) speaker: Speaker,
    pub(super) transport: Transport,
    pub(super) kernel: KernelThreads,
    pub(super) reader: Reader,
    /// Who waits for a comparison of the kernel with what is wanted.
    pub(super) checks: Vec<oneshot::Sender<Result<Reply, ApiError>>>,
    pub(super) bfd: BfdClient,
    pub(super) prober: Prober,
    pub(super) tracker: Tracker,
    pub(super) courier: Courier,
    pub(super) keeper: Keeper,
    pub(super) runner: Runner,
    /// The kernel settings that matter, for who asks.
    pub(super) wanted: Vec<Wanted>,
    /// Those that were set.
    pub(super) sysctls: Sysctls,
    /// The file.
    pub(super) config: PathBuf,
    /// Which instance this is.
    pub(super) instance: Name,
    /// What hooks hold down.
    pub(super) held: HeldFile,
    /// Under which protocol numbers routes of ours may be in the kernel.
    pub(super) record: ProtocolFile,
    /// What is drained.
    pub(super) drained: DrainFile,
    pub(super) effects: Vec<Effect>,
    /// What is urgent and under way to the kernel, and until when all else that is a lot of work waits for it.
    pub(super) hurried: Vec<(BatchId, Instant)>,
    /// Connections with more in their queues than they should have.
    pub(super) congested: Vec<ConnId>,
    /// Told when all that was closed is.
    pub(super) flushed: mpsc::UnboundedSender<FlushId>,
    pub(super) stopped: bool,
}

impl Shell {
    pub(super) fn tell(&mut self, input: Input) {
        self.turn(input, false);
        self.obey();
    }

    /// One turn of the machine; its groups are under way before it goes on with all else that follows from the fact. What
    /// follows is as urgent only if it goes on with something urgent.
    fn turn(&mut self, input: Input, goes_on: bool) {
        let (now, mut effects) = (self.clock.now(), Vec::new());
        self.speaker.learn(now, input, &mut effects);
        self.hurry(&mut effects);
        self.speaker.finish(now, &mut effects);
        if goes_on {
            self.hurry(&mut effects);
        }
        self.effects.append(&mut effects);
    }

    /// Gives groups and next hops to their thread before all else.
    fn hurry(&mut self, effects: &mut Vec<Effect>) {
        let urgent = |effect: &mut Effect| matches!(effect, Effect::Kernel(batch) if batch.lane == Lane::Objects);
        let before = self.hurried.len();
        for effect in effects.extract_if(.., urgent) {
            if let Effect::Kernel(batch) = effect {
                self.hurried.push((batch.id, Instant::now() + HURRY_LIMIT));
                self.kernel.apply(batch);
            }
        }
        if self.hurried.len() > before {
            // The thread that does it may have been woken on this very processor, where it would wait for us.
            thread::yield_now();
        }
    }

    /// The file names other interfaces, or another hash.
    pub(super) fn change_sysctls(&mut self) {
        self.wanted = super::start::sysctls(&self.speaker);
        for fault in self.sysctls.change(&self.wanted) {
            warn!(event = "kernel.sysctl", "{fault}");
        }
    }

    /// Reads the keys of all neighbors again, and changes over to those that differ; on a fault all stay as they are.
    fn read_keys(&mut self) {
        let read = super::start::guards(&self.speaker).map_err(StartError::from);
        match read.and_then(|guards| Ok(self.transport.guard(guards)?)) {
            Ok(()) if self.speaker.signatures().all(|(_, _, auth)| *auth == gateway::Auth::None) => {}
            Ok(()) => info!(event = "config.keys_read", "the keys of all neighbors were read"),
            Err(error) => warn!(event = "config.keys_refused", "the keys stay as they were: {error}"),
        }
    }

    pub(super) fn is_due(&self) -> bool {
        let now = self.clock.now();
        self.speaker.deadline().is_some_and(|due| due <= now)
    }

    pub(super) fn tick(&mut self) {
        self.speaker.tick(self.clock.now(), &mut self.effects);
        self.obey();
    }

    /// The kernel has done a batch, or refused parts of it.
    pub(super) fn done(&mut self, batch: BatchId, failures: Vec<Failure>) {
        let before = self.hurried.len();
        self.hurried.retain(|(hurried, _)| *hurried != batch);
        self.turn(Input::KernelDone { batch, failures }, self.hurried.len() < before);
        self.obey();
    }

    /// Until when bulk work leaves the processors to what is urgent and still under way.
    pub(super) fn hurries(&mut self) -> Option<Instant> {
        let now = Instant::now();
        self.hurried.retain(|(_, until)| *until > now);
        self.hurried.iter().map(|(_, until)| *until).max()
    }

    /// One slice of what can wait.
    pub(super) fn work(&mut self) {
        if self.hurries().is_none() && self.speaker.busy() {
            self.speaker.work(self.clock.now(), &mut self.effects);
            self.obey();
        }
    }

    /// Tells of next hops to which the kernel's routes lead in another way than before.
    pub(super) fn leads(&mut self) {
        for (address, lead) in self.tracker.look() {
            self.tell(Input::Resolved { address, lead });
        }
    }

    pub(super) fn link(&mut self, event: LinkEvent) {
        let LinkEvent { index, name, up, exists, addresses } = event;
        self.tell(if exists {
            Input::Link(Link { index, name, up, addresses: addresses.into_iter().collect() })
        } else {
            Input::LinkGone(index)
        });
    }

    pub(super) fn role(&mut self, news: RoleNews) {
        let done = match news {
            RoleNews::Held => role::Done::Held,
            RoleNews::NotHeld(reason) => role::Done::NotHeld(reason),
            RoleNews::Dropped(done) => role::Done::Dropped(done),
            RoleNews::Answered(answer) => role::Done::Answered(answer),
            RoleNews::Lease(standing) => role::Done::Lease(match standing {
                LeaseStanding::Held { until, term } => role::Lease::Held { until: self.clock.at(until), term },
                LeaseStanding::HeldBy(who) => role::Lease::HeldBy(who),
                LeaseStanding::Free => role::Lease::Free,
                LeaseStanding::Unknown(reason) => role::Lease::Unknown(reason),
            }),
        };
        self.tell(Input::Role(done));
    }

    pub(super) fn bfd(&mut self, news: News) {
        match news {
            News::Report(report) => self.tell(Input::Bfd(report)),
            News::Lost(reason) => self.tell(Input::BfdLost(reason)),
            News::Trouble(text) => warn!(event = "bfd.trouble", "{text}"),
            News::Ready { pid, adopted, other_build, preferred } => {
                let version = other_build.map_or_else(String::new, |build| format!(", of version {build}"));
                let order = if preferred { "" } else { "; the system does not let it go before others" };
                info!(
                    event = "bfd.agent_ready",
                    "the BFD agent (process {pid}{version}) has {adopted} sessions of an earlier run{order}"
                );
            }
        }
    }

    pub(super) fn transport(&mut self, event: transport::Event) {
        let input = match event {
            transport::Event::Connected { conn, local } => Input::Connected { conn, local },
            transport::Event::Failed { conn, reason } => Input::ConnectFailed { conn, reason },
            transport::Event::Accepted { conn, local, remote, interface } => {
                Input::Accepted { conn, local, remote, interface }
            }
            transport::Event::Octets { conn, octets } => Input::Octets { conn, octets },
            transport::Event::Lost { conn, reason } => {
                self.congested.retain(|known| *known != conn);
                Input::Lost { conn, reason }
            }
            transport::Event::Drained { conn } => {
                self.congested.retain(|known| *known != conn);
                Input::Drained(conn)
            }
        };
        self.tell(input);
    }

    pub(super) fn answer(&mut self, request: &Request, answer: oneshot::Sender<Result<Reply, ApiError>>) {
        if *request == Request::FibCheck {
            self.checks.push(answer);
            return self.tell(Input::Check);
        }
        // Who asked may have gone away.
        let _ = answer.send(if *request == Request::Metrics { Ok(self.metrics()) } else { self.ask(request) });
    }

    /// What all of the instance says of itself, as text for Prometheus.
    fn metrics(&mut self) -> Reply {
        let mut ask = |request| self.ask(&request).ok();
        match (ask(Request::Gateway), ask(Request::Tunnels), ask(Request::Neighbors), ask(Request::Fib)) {
            (
                Some(Reply::Gateway(gateway)),
                Some(Reply::Tunnels(tunnels)),
                Some(Reply::Neighbors(neighbors)),
                Some(Reply::Fib(fib)),
            ) => Reply::Metrics(metrics::text(&metrics::Facts {
                gateway: &gateway,
                tunnels: &tunnels,
                neighbors: &neighbors,
                fib: &fib,
            })),
            _ => Reply::Metrics(String::new()), // these questions have these answers
        }
    }

    /// The kernel was read and compared, as somebody had asked.
    fn checked(&mut self) {
        let around = Here::look(&self.transport, &self.wanted, &self.instance, &self.config);
        let reply = self.speaker.ask(self.clock.now(), &Request::FibCheck, &around, &mut Vec::new());
        for answer in self.checks.drain(..) {
            let _ = answer.send(reply.clone());
        }
    }

    pub(super) fn ask(&mut self, request: &Request) -> Result<Reply, ApiError> {
        let reloads = matches!(request, Request::Reload(_));
        if reloads {
            let now = sd_notify::NotifyState::monotonic_usec_now();
            let _ = now.and_then(|now| sd_notify::notify(&[sd_notify::NotifyState::Reloading, now]));
        }
        let around = Here::look(&self.transport, &self.wanted, &self.instance, &self.config);
        let reply = self.speaker.ask(self.clock.now(), request, &around, &mut self.effects);
        self.obey();
        if reloads {
            if reply.is_ok() {
                // A key can be another one though its file has the same name.
                self.read_keys();
                self.bfd.read_keys();
            }
            let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        }
        reply
    }

    /// Does what the machine wants done, in its order.
    fn obey(&mut self) {
        while !self.effects.is_empty() {
            let mut facts = Vec::new();
            for effect in std::mem::take(&mut self.effects) {
                match effect {
                    Effect::Kernel(batch) => self.kernel.apply(batch),
                    Effect::Dump => self.kernel.dump(),
                    Effect::Audit(number) => self.reader.read(number),
                    Effect::Checked => self.checked(),
                    Effect::Dial { conn, to } => self.transport.dial(conn, endpoint(to)),
                    Effect::Adopt { conn, ttl, interface } => self.transport.adopt(conn, hops(ttl), interface),
                    Effect::Abort(conn) => {
                        self.congested.retain(|known| *known != conn);
                        self.transport.abort(conn);
                    }
                    Effect::Measure(conn) => {
                        let transport::Measured { waiting, taken, silent } = self.transport.measure(conn);
                        facts.push(Input::Measured { conn, waiting, taken, silent });
                    }
                    Effect::Send { conn, octets } => {
                        self.transport.send(conn, octets);
                        if self.transport.queued(conn) > HIGH_MARK && !self.congested.contains(&conn) {
                            self.congested.push(conn);
                            facts.push(Input::Congested(conn));
                        }
                    }
                    Effect::Close(conn) => {
                        self.congested.retain(|known| *known != conn);
                        self.transport.close(conn);
                    }
                    Effect::Flush(flush) => {
                        let (closed, flushed) = (self.transport.closed(), self.flushed.clone());
                        tokio::spawn(async move {
                            closed.await;
                            let _ = flushed.send(flush); // a daemon that has ended does not wait for it
                        });
                    }
                    Effect::Listen(family) => {
                        if let Err(error) = self.transport.listen(super::start::anywhere(family), None) {
                            facts.push(Input::NotListening { family, reason: error.to_string() });
                        }
                    }
                    Effect::Bfd(plans) => self.bfd.want(plans),
                    Effect::Resolve(addresses) => {
                        let found = self.tracker.want(&addresses);
                        facts.extend(found.into_iter().map(|(address, lead)| Input::Resolved { address, lead }));
                    }
                    Effect::Probe(plans) => self.prober.want(plans),
                    Effect::Role(work) => self.keeper.obey(work),
                    Effect::TwinLink(link) => self.courier.want(link),
                    Effect::Hello(octets) => self.courier.send(octets),
                    Effect::Run { id, command, limit } => self.runner.run(id, command, limit),
                    Effect::Sign => self.read_keys(),
                    Effect::Hold(held) => self.held.write(&held),
                    Effect::Alone => self.record.write(&[]),
                    Effect::Hash(_) => self.change_sysctls(),
                    Effect::Keep(kept) => self.drained.write(&kept),
                    Effect::Count(interfaces) => facts.push(Input::Counted(super::tally::count(&interfaces))),
                    Effect::Tell(event) => log(&event),
                    Effect::Stopped => self.stopped = true,
                }
            }
            for fact in facts {
                self.turn(fact, false);
            }
        }
    }
}

fn endpoint(to: Endpoint) -> transport::Endpoint {
    transport::Endpoint { remote: to.remote, local: Some(to.local), interface: to.interface, ttl: hops(to.ttl) }
}

fn hops(ttl: gateway::Ttl) -> transport::Ttl {
    match ttl {
        gateway::Ttl::Security => transport::Ttl::Security,
        gateway::Ttl::Hops(hops) => transport::Ttl::Hops(hops),
    }
}

fn log(event: &Event) {
    let about = event.about().map(Name::as_str);
    match event.weight() {
        Weight::Info => info!(event = event.name(), about, "{event}"),
        Weight::Warning => warn!(event = event.name(), about, "{event}"),
    }
}
