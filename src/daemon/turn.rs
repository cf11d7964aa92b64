//! The loop: one input, its effects, one slice of work, and again. What is urgent is looked at first.

use std::{future, io, path::PathBuf};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, oneshot, watch},
    time::{Duration, timeout},
};
use tracing::{info, warn};

use super::clock::Clock;
use super::drained::DrainFile;
use super::held::HeldFile;
use super::kernel::{Answer, KernelThreads};
use super::protocols::ProtocolFile;
use super::reader::Reader;
use super::start::{Prepared, StartError};
use super::surroundings::Here;
use super::tracker::Tracker;
use crate::bfd::io::{Client as BfdClient, News, socket_beside};
use crate::config::OnStop;
use crate::control::api::{ApiError, Reply, Request};
use crate::control::io::Page;
use crate::fib::Part;
use crate::fib::io::sysctl::{Sysctls, Wanted};
use crate::fib::io::{Event as LinkNews, Kernel, LinkEvent, Monitor, Seen, Watch};
use crate::gateway;
use crate::hook::io::Runner;
use crate::hook::{Ran, RunId};
use crate::metrics;
use crate::probe::io::{News as ProbeNews, Prober};
use crate::role;
use crate::role::io::{Keeper, LeaseStanding, News as RoleNews};
use crate::speaker::{Effect, Endpoint, Event, FlushId, Input, Link, Speaker, Weight};
use crate::transport;
use crate::transport::Transport;
use crate::twin::io::{Courier, News as TwinNews};
use crate::types::{ConnId, Name};

/// Chunks of octets that wait for the machine; when they are this many, connections are not read.
const EVENTS: usize = 64;
/// Octets queued for one peer above which no more UPDATEs are made for it.
const HIGH_MARK: usize = 1024 * 1024;
/// How long a clean stop may take before it is given up.
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// How often the sysctls are looked at: the kernel does not tell of those that we need.
const LOOK: Duration = Duration::from_secs(5);
/// How often it is looked where the kernel's routes lead to next hops: it tells of others' routes to nobody who has a
/// full table of his own.
const LEADS: Duration = Duration::from_secs(1);
/// How long answers to people may take to leave at the end.
const FLUSH_LIMIT: Duration = Duration::from_secs(2);

/// A question and where its answer goes.
type Question = (Request, oneshot::Sender<Result<Reply, ApiError>>);

/// Everything that the world can say next.
enum Fact {
    Link(LinkNews),
    Kernel(Answer),
    Foreign(Seen),
    Read(u32, Part),
    Bfd(News),
    Probe(ProbeNews),
    Twin(TwinNews),
    Role(RoleNews),
    Ran(RunId, Ran),
    Question(Question),
    Stop,
    Flushed(FlushId),
    Hangup,
    Transport(transport::Event),
    Due,
    /// Time to look at the sysctls.
    Look,
    /// Time to look where the kernel's routes lead to next hops.
    Leads,
    Idle,
    /// A source of facts that must not end has ended.
    Ended(&'static str),
}

/// The shell's side of everything that the machine names.
struct Shell {
    clock: Clock,
    speaker: Speaker,
    transport: Transport,
    kernel: KernelThreads,
    reader: Reader,
    /// Who waits for a comparison of the kernel with what is wanted.
    checks: Vec<oneshot::Sender<Result<Reply, ApiError>>>,
    bfd: BfdClient,
    prober: Prober,
    tracker: Tracker,
    courier: Courier,
    keeper: Keeper,
    runner: Runner,
    /// The kernel settings that matter, for who asks.
    wanted: Vec<Wanted>,
    /// Those that were set.
    sysctls: Sysctls,
    /// The file.
    config: PathBuf,
    /// Which instance this is.
    instance: Name,
    /// What hooks hold down.
    held: HeldFile,
    /// Under which protocol numbers routes of ours may be in the kernel.
    record: ProtocolFile,
    /// What is drained.
    drained: DrainFile,
    effects: Vec<Effect>,
    /// Connections with more in their queues than they should have.
    congested: Vec<ConnId>,
    /// Told when all that was closed is.
    flushed: mpsc::UnboundedSender<FlushId>,
    stopped: bool,
}

/// Runs the machine until it has stopped.
pub(super) async fn run(prepared: Prepared) -> Result<(), StartError> {
    let Prepared { config, instance, speaker, clock, mut kernel, mut sysctls, socket } = prepared;
    let (events, mut from_transport) = mpsc::channel(EVENTS);
    let mut transport = Transport::new(events);
    transport.guard(super::start::guards(&speaker)?)?;
    for family in speaker.listens() {
        transport.listen(super::start::anywhere(family), None)?;
    }
    // Interfaces before routes: whatever the kernel drops after this is told of, and the rest is not in what it lists.
    let mut links = Monitor::open().map_err(StartError::Monitor)?;
    let urgent = Kernel::open().map_err(StartError::Runtime)?;
    let mut others =
        Watch::open(&speaker.fib_settings(), &[kernel.port(), urgent.port()]).map_err(StartError::Watch)?;
    let record = ProtocolFile::beside(&socket, speaker.fib_settings().protocol);
    let former = record.former();
    kernel.succeed(&former);
    let (found, left) = kernel.find(&speaker.fib_settings()).map_err(StartError::Dump)?;
    let (answers, mut from_kernel) = mpsc::unbounded_channel();
    let kernel =
        KernelThreads::start(urgent, kernel, &speaker.fib_settings(), &answers).map_err(StartError::Runtime)?;
    drop(answers); // when both threads are gone, the loop hears of it
    let reader = Kernel::open().map_err(StartError::Runtime)?;
    let (reader, mut from_reader) = Reader::start(reader, speaker.fib_settings()).map_err(StartError::Runtime)?;
    let (questions, mut from_people) = mpsc::channel::<Question>(16);
    let (no_more, end_of_questions) = oneshot::channel::<()>();
    let (answers_of_far_ends, mut from_probes) = mpsc::unbounded_channel();
    let (courier, mut from_twin) = Courier::new();
    let tracker = Tracker::open(&speaker.fib_settings()).map_err(StartError::Runtime)?;
    let (role_news, mut from_role) = mpsc::unbounded_channel();
    let keeper = Keeper::start(role_news).map_err(StartError::Runtime)?;
    let found = (speaker.shared_address().is_some_and(|shared| Keeper::found(&shared)), found);
    let (news, mut from_bfd) = mpsc::unbounded_channel();
    let (ran, mut from_commands) = mpsc::unbounded_channel();
    let environment = vec![("TWINSPAN_INSTANCE".to_owned(), instance.to_string())];
    // The link, not what it says: the file may have been replaced since, and this is the binary that runs.
    let bfd = BfdClient::start("/proc/self/exe".into(), socket_beside(&socket), news);
    let held = HeldFile::beside(&socket);
    let drained = DrainFile::beside(&socket);
    let socket = super::start::bind(&socket)?;
    sysctls.own(); // nobody else answers on the socket
    record.write(&former);
    let (told, events) = watch::channel(0);
    let page = match speaker.config().control.metrics {
        Some(address) => {
            let (page, asked) = (Page::bind(address).await?, questions.clone());
            Some(tokio::spawn(page.serve(move |request| ask(asked.clone(), request), events.clone())))
        }
        None => None,
    };
    let stop = async move {
        let _ = end_of_questions.await;
    };
    let server = tokio::spawn(socket.serve_events(move |request| ask(questions.clone(), request), events, stop));
    let mut signals = Signals::watch().map_err(StartError::Runtime)?;

    let (flushed, mut from_flushes) = mpsc::unbounded_channel();
    let wanted = super::start::sysctls(&speaker);
    let mut shell = Shell {
        clock,
        speaker,
        transport,
        kernel,
        reader,
        checks: Vec::new(),
        bfd,
        prober: Prober::new(answers_of_far_ends),
        tracker,
        courier,
        keeper,
        runner: Runner::new(ran, environment),
        wanted,
        sysctls,
        config,
        instance,
        held,
        record,
        drained,
        effects: Vec::new(),
        congested: Vec::new(),
        flushed,
        stopped: false,
    };
    for link in links.known() {
        shell.link(link);
    }
    shell.tell(Input::Held(shell.held.read()));
    shell.tell(Input::Leftovers(left));
    shell.tell(Input::Drains(shell.drained.read()));
    let (address, found) = found;
    if address {
        shell.tell(Input::Role(role::Done::Found));
    }
    shell.tell(Input::Begin(found));
    info!(event = "instance.started", "twinspan {} runs", env!("CARGO_PKG_VERSION"));
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);

    let mut give_up: Option<tokio::time::Instant> = None;
    let mut unfinished = None;
    // While something is due: how many events came before that and count first.
    let mut ahead: Option<usize> = None;
    let mut foreign_last = false;
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut leads = tokio::time::interval(LEADS);
    leads.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !shell.stopped {
        let busy = shell.speaker.busy();
        let due = shell.speaker.deadline().map(|time| shell.clock.instant(time));
        // Who changes our routes without end has every second turn at most.
        let flooded = std::mem::take(&mut foreign_last);
        let fact = tokio::select! {
            biased;
            news = links.next() => Fact::Link(news.map_err(StartError::Monitor)?),
            news = from_bfd.recv() => news.map_or(Fact::Ended("the way to the BFD agent"), Fact::Bfd),
            ran = from_commands.recv() => ran.map_or(Fact::Ended("the commands"), |(id, ran)| Fact::Ran(id, ran)),
            news = from_probes.recv() => news.map_or(Fact::Ended("the probes"), Fact::Probe),
            news = from_role.recv() => news.map_or(Fact::Ended("the keeper of the shared address"), Fact::Role),
            news = from_twin.recv() => news.map_or(Fact::Ended("the way to the twin"), Fact::Twin),
            seen = others.next(), if !flooded => Fact::Foreign(seen.map_err(StartError::Watch)?),
            read = from_reader.recv() => read.map_or(Fact::Ended("the reader's thread"), |(number, part)| Fact::Read(number, part)),
            answer = from_kernel.recv() => answer.map_or(Fact::Ended("the kernel's thread"), Fact::Kernel),
            question = from_people.recv() => question.map_or(Fact::Ended("the control socket"), Fact::Question),
            fact = signals.next() => fact,
            flush = from_flushes.recv() => flush.map_or(Fact::Ended("the shell"), Fact::Flushed),
            () = wait_until(give_up) => {
                unfinished = Some(StartError::GaveUp(STOP_LIMIT.as_secs()));
                break;
            }
            event = from_transport.recv() => event.map_or(Fact::Ended("the transport"), Fact::Transport),
            _ = looks.tick() => Fact::Look,
            _ = leads.tick() => Fact::Leads,
            () = wait_until(due) => Fact::Due,
            () = future::ready(()), if busy || flooded => Fact::Idle,
        };
        match fact {
            Fact::Link(LinkNews::Link(link)) => {
                shell.link(link);
                shell.leads();
            }
            Fact::Leads => shell.leads(),
            Fact::Link(LinkNews::Lost) => {
                warn!(event = "kernel.events_lost", "the kernel's events came too fast: all is read again");
                shell.tell(Input::LinksMissed);
            }
            Fact::Foreign(Seen::Changes(changes)) => {
                foreign_last = true;
                shell.tell(Input::Foreign(changes));
            }
            Fact::Read(number, part) => shell.tell(Input::Audited(number, part)),
            Fact::Foreign(Seen::Lost) => shell.tell(Input::ForeignMissed),
            Fact::Bfd(news) => shell.bfd(news),
            Fact::Ran(id, ran) => shell.tell(Input::Ran { id, ran }),
            Fact::Probe(ProbeNews::Report(report)) => shell.tell(Input::Probe(report)),
            Fact::Probe(ProbeNews::Trouble(plan, trouble)) => {
                warn!(event = "probe.trouble", "{} on {} cannot be probed: {trouble}", plan.remote, plan.interface);
            }
            Fact::Role(news) => shell.role(news),
            Fact::Twin(TwinNews::Hello(octets)) => shell.tell(Input::Hello(octets)),
            Fact::Twin(TwinNews::Trouble(trouble)) => {
                warn!(event = "twin.trouble", "the twin-link cannot be used: {trouble}; tried again");
            }
            Fact::Kernel(Answer::Done { batch, failures }) => shell.tell(Input::KernelDone { batch, failures }),
            Fact::Kernel(Answer::Dumped(found)) => shell.tell(Input::Dumped(found)),
            Fact::Question((request, answer)) => shell.answer(&request, answer),
            Fact::Stop if give_up.is_some() => {
                unfinished = Some(StartError::Forced);
                break;
            }
            Fact::Stop => {
                let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
                give_up = Some(tokio::time::Instant::now() + STOP_LIMIT);
                shell.tell(Input::Stop);
            }
            Fact::Flushed(flush) => shell.tell(Input::Flushed(flush)),
            Fact::Hangup => {
                // What came of it is in the log.
                let _ = shell.ask(&Request::Reload(None));
            }
            Fact::Transport(event) => {
                shell.transport(event);
                ahead = ahead.map(|events| events.saturating_sub(1));
            }
            Fact::Look => {
                if shell.wanted != super::start::sysctls(&shell.speaker) {
                    shell.change_sysctls();
                }
                for strayed in shell.sysctls.look(&shell.wanted) {
                    warn!(event = "kernel.sysctl_changed", "{strayed}");
                }
            }
            Fact::Due | Fact::Idle => {}
            Fact::Ended(what) => return Err(StartError::Ended(what)),
        }
        // Octets that have come count before a hold timer does, even if nobody has looked at them yet.
        if shell.is_due() {
            if *ahead.get_or_insert_with(|| from_transport.len()) == 0 {
                shell.tick();
                ahead = None;
            }
        } else {
            ahead = None;
        }
        shell.work();
        told.send_if_modified(|last| {
            let before = std::mem::replace(last, shell.speaker.last_event());
            before != *last
        });
    }
    drop(told); // who follows the events sees the end of them

    let _ = no_more.send(());
    if let Some(page) = page {
        page.abort(); // it only shows
    }
    drop(from_transport); // nobody reads any more: a connection must not wait for that
    shell.keeper.finish();
    shell.transport.finish().await;
    shell.bfd.finish(FLUSH_LIMIT).await;
    let _ = timeout(FLUSH_LIMIT, server).await;
    if shell.speaker.config().kernel.on_stop == OnStop::Keep {
        // The routes that stay need the kernel settings that they were made for.
        shell.sysctls.keep();
    }
    match unfinished {
        None => {
            info!(event = "instance.stopped", "stopped");
            Ok(())
        }
        Some(why) => Err(why),
    }
}

impl Shell {
    fn tell(&mut self, input: Input) {
        self.speaker.handle(self.clock.now(), input, &mut self.effects);
        self.obey();
    }

    /// The file names other interfaces, or another hash.
    fn change_sysctls(&mut self) {
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

    fn is_due(&self) -> bool {
        let now = self.clock.now();
        self.speaker.deadline().is_some_and(|due| due <= now)
    }

    fn tick(&mut self) {
        self.speaker.tick(self.clock.now(), &mut self.effects);
        self.obey();
    }

    /// One slice of what can wait.
    fn work(&mut self) {
        if self.speaker.busy() {
            self.speaker.work(self.clock.now(), &mut self.effects);
            self.obey();
        }
    }

    /// Tells of next hops to which the kernel's routes lead in another way than before.
    fn leads(&mut self) {
        for (address, lead) in self.tracker.look() {
            self.tell(Input::Resolved { address, lead });
        }
    }

    fn link(&mut self, event: LinkEvent) {
        let LinkEvent { index, name, up, exists, addresses } = event;
        self.tell(if exists {
            Input::Link(Link { index, name, up, addresses: addresses.into_iter().collect() })
        } else {
            Input::LinkGone(index)
        });
    }

    fn role(&mut self, news: RoleNews) {
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

    fn bfd(&mut self, news: News) {
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

    fn transport(&mut self, event: transport::Event) {
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

    fn answer(&mut self, request: &Request, answer: oneshot::Sender<Result<Reply, ApiError>>) {
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

    fn ask(&mut self, request: &Request) -> Result<Reply, ApiError> {
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
                self.speaker.handle(self.clock.now(), fact, &mut self.effects);
            }
        }
    }
}

/// Hands a question to the loop and waits for the answer.
async fn ask(questions: mpsc::Sender<Question>, request: Request) -> Result<Reply, ApiError> {
    let (answer, reply) = oneshot::channel();
    let stopping = || ApiError::unavailable("the daemon is stopping");
    questions.send((request, answer)).await.map_err(|_| stopping())?;
    reply.await.map_err(|_| stopping())?
}

async fn wait_until(due: Option<tokio::time::Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => future::pending().await,
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

/// The signals that mean something.
struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    fn watch() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Fact {
        tokio::select! {
            _ = self.term.recv() => Fact::Stop,
            _ = self.int.recv() => Fact::Stop,
            _ = self.hup.recv() => Fact::Hangup,
        }
    }
}
