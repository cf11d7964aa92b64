//! The loop: one input, its effects, one slice of work, and again. What is urgent is looked at first.

use std::future;

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Duration, timeout},
};
use tracing::{info, warn};

use super::drained::DrainFile;
use super::held::HeldFile;
use super::kernel::{Answer, KernelThreads};
use super::protocols::ProtocolFile;
use super::reader::Reader;
use super::shell::Shell;
use super::signals::{Signal, Signals};
use super::start::{Prepared, StartError};
use super::tracker::Tracker;
use crate::bfd::io::{Client as BfdClient, News, socket_beside};
use crate::config::OnStop;
use crate::control::api::{ApiError, Reply, Request};
use crate::control::io::Page;
use crate::fib::Part;
use crate::fib::io::{Event as LinkNews, Kernel, Monitor, Seen, Watch};
use crate::hook::io::Runner;
use crate::hook::{Ran, RunId};
use crate::probe::io::{News as ProbeNews, Prober};
use crate::role;
use crate::role::io::{Keeper, News as RoleNews};
use crate::speaker::{FlushId, Input};
use crate::transport;
use crate::transport::Transport;
use crate::twin::io::{Courier, News as TwinNews};

/// Chunks of octets that wait for the machine; when they are this many, connections are not read.
const EVENTS: usize = 64;
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
    Signal(Signal),
    Flushed(FlushId),
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
        hurried: Vec::new(),
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
        let hurries = shell.hurries();
        let busy = hurries.is_none() && shell.speaker.busy();
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
            signal = signals.next() => Fact::Signal(signal),
            flush = from_flushes.recv() => flush.map_or(Fact::Ended("the shell"), Fact::Flushed),
            () = wait_until(give_up) => {
                unfinished = Some(StartError::GaveUp(STOP_LIMIT.as_secs()));
                break;
            }
            event = from_transport.recv() => event.map_or(Fact::Ended("the transport"), Fact::Transport),
            _ = looks.tick() => Fact::Look,
            _ = leads.tick() => Fact::Leads,
            () = wait_until(due) => Fact::Due,
            () = wait_until(hurries) => Fact::Idle,
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
            Fact::Kernel(Answer::Done { batch, failures }) => shell.done(batch, failures),
            Fact::Kernel(Answer::Dumped(found)) => shell.tell(Input::Dumped(found)),
            Fact::Question((request, answer)) => shell.answer(&request, answer),
            Fact::Signal(Signal::Stop) if give_up.is_some() => {
                unfinished = Some(StartError::Forced);
                break;
            }
            Fact::Signal(Signal::Stop) => {
                let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
                give_up = Some(tokio::time::Instant::now() + STOP_LIMIT);
                shell.tell(Input::Stop);
            }
            Fact::Flushed(flush) => shell.tell(Input::Flushed(flush)),
            Fact::Signal(Signal::Reload) => {
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
