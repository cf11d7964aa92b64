//! The daemon's way to the agent: finds one that an earlier daemon left, or starts one, and keeps it told.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path as FilePath, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    select,
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::super::{Plan, Report};
use super::protocol::{self, FromAgent, ToAgent};

/// How long an agent that was started may take to listen.
const START: Duration = Duration::from_secs(5);
/// How long to wait between looks for it.
const LOOK: Duration = Duration::from_millis(10);
/// How long until an agent that was lost is looked for again, or started again.
const AGAIN: Duration = Duration::from_secs(1);

/// What the agent says, and what is said about it.
#[derive(Debug)]
pub enum News {
    /// There is one.
    Ready {
        /// Its process.
        pid: u32,
        /// Sessions that it had already.
        adopted: usize,
        /// Its version is not ours, and it goes on.
        other_build: Option<String>,
        /// True if the system lets it go before others.
        preferred: bool,
    },
    /// A session as it is.
    Report(Report),
    /// Something that a person should see to.
    Trouble(String),
    /// There is none; another is started.
    Lost(String),
}

/// The socket of the agent: beside the daemon's, named after it.
#[must_use]
pub fn socket_beside(control: &FilePath) -> PathBuf {
    control.with_extension("bfd.sock")
}

/// The way to the agent. Dropping it leaves the agent to itself.
pub struct Client {
    plans: watch::Sender<Option<Vec<Plan>>>,
    task: JoinHandle<()>,
}

/// What the way is made of.
struct Way {
    program: PathBuf,
    socket: PathBuf,
    plans: watch::Receiver<Option<Vec<Plan>>>,
    news: mpsc::UnboundedSender<News>,
}

/// Why a connection is over.
enum End {
    /// Nothing is wanted any more, and the agent knows.
    Done,
    /// The agent is gone.
    Lost(String),
    /// It speaks another version; why that is so, for people.
    Foreign(String),
    /// The daemon is.
    Dropped,
}

impl Client {
    /// Does nothing before the first [`Client::want`]. `program` is started with `bfd-agent`. Needs a tokio runtime.
    #[must_use]
    pub fn start(program: PathBuf, socket: PathBuf, news: mpsc::UnboundedSender<News>) -> Self {
        let (plans, wanted) = watch::channel(None);
        let way = Way { program, socket, plans: wanted, news };
        Self { plans, task: tokio::spawn(way.run()) }
    }

    /// These sessions are wanted and no others. With none, an agent that there is ends, and none is started.
    pub fn want(&self, plans: Vec<Plan>) {
        self.plans.send_replace(Some(plans));
    }

    /// Has the keys of all sessions read again.
    pub fn read_keys(&self) {
        // Told again, the agent reads them.
        self.plans.send_modify(|_| ());
    }

    /// Waits until the agent was told of what was last wanted, or has had its time.
    pub async fn finish(self, limit: Duration) {
        drop(self.plans);
        let _ = timeout(limit, self.task).await;
    }
}

/// Takes the exit status of an agent at whatever time it ends. Not a task: the agent may well outlive the daemon, whose
/// runtime waits for all of its tasks.
fn reap(mut child: Child) {
    // Without a thread it stays a zombie until the daemon ends, and that is all.
    let _ = thread::Builder::new().name("reaper".to_owned()).spawn(move || child.wait());
}

impl Way {
    async fn run(mut self) {
        loop {
            let Some(wanted) = self.plans.borrow_and_update().clone() else {
                if self.plans.changed().await.is_err() {
                    return;
                }
                continue;
            };
            let stream = match (UnixStream::connect(&self.socket).await, wanted.is_empty()) {
                (Ok(stream), _) => Ok(stream),
                (Err(_), true) => {
                    // Nobody to tell that nothing is wanted.
                    if self.plans.changed().await.is_err() {
                        return;
                    }
                    continue;
                }
                (Err(_), false) => self.start_agent().await,
            };
            let mut end = match stream {
                Ok(stream) => self.talk(stream).await,
                Err(reason) => End::Lost(reason),
            };
            if let End::Foreign(reason) = end {
                end = match self.replace_agent().await {
                    Ok(stream) => self.talk(stream).await,
                    Err(error) => End::Lost(format!("{reason}, and cannot be replaced: {error}")),
                };
            }
            match end {
                End::Done => {
                    if self.plans.changed().await.is_err() {
                        return;
                    }
                }
                End::Dropped => return,
                End::Lost(reason) | End::Foreign(reason) => {
                    if self.news.send(News::Lost(reason)).is_err() {
                        return;
                    }
                    sleep(AGAIN).await;
                    if self.plans.has_changed().is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Starts an agent, and waits for it to listen.
    async fn start_agent(&self) -> Result<UnixStream, String> {
        let mut child = self.spawn(false)?;
        let started = timeout(START, async {
            loop {
                if let Ok(stream) = UnixStream::connect(&self.socket).await {
                    return Ok(stream);
                }
                if let Ok(Some(status)) = child.try_wait() {
                    return Err(format!("ended at once: {status}"));
                }
                sleep(LOOK).await;
            }
        })
        .await
        .unwrap_or_else(|_| Err(format!("does not answer within {} s", START.as_secs())));
        reap(child);
        started
    }

    /// Starts an agent that takes over from the one that listens, and waits until it listens itself.
    async fn replace_agent(&self) -> Result<UnixStream, String> {
        let identity =
            || std::fs::symlink_metadata(&self.socket).ok().map(|found| (found.dev(), found.ino(), found.ctime_nsec()));
        let before = identity();
        let mut child = self.spawn(true)?;
        let started = timeout(START, async {
            loop {
                if let Ok(Some(status)) = child.try_wait() {
                    return Err(format!("the next one ended at once: {status}"));
                }
                if identity().is_some_and(|now| Some(now) != before)
                    && let Ok(stream) = UnixStream::connect(&self.socket).await
                {
                    return Ok(stream);
                }
                sleep(LOOK).await;
            }
        })
        .await
        .unwrap_or_else(|_| Err(format!("the next one does not answer within {} s", START.as_secs())));
        reap(child);
        started
    }

    fn spawn(&self, take_over: bool) -> Result<Child, String> {
        let mut command = Command::new(&self.program);
        command.arg("bfd-agent").arg("--socket").arg(&self.socket);
        if take_over {
            command.arg("--take-over");
        }
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.spawn().map_err(|error| format!("cannot be started: {error}"))
    }

    async fn talk(&mut self, stream: UnixStream) -> End {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        match self.greet(&mut lines, &mut write).await {
            Ok(None) => {}
            Ok(Some(foreign)) => return End::Foreign(foreign),
            Err(reason) => return End::Lost(reason),
        }
        loop {
            let wanted = self.plans.borrow_and_update().clone().unwrap_or_default();
            let done = wanted.is_empty();
            if let Err(error) = write.write_all(&protocol::line(&ToAgent::Sessions(wanted))).await {
                return End::Lost(error.to_string());
            }
            loop {
                select! {
                    changed = self.plans.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return End::Dropped,
                    },
                    line = lines.next_line() => match line {
                        Ok(Some(line)) => match serde_json::from_str(&line) {
                            Ok(FromAgent::Report(report)) => self.tell(News::Report(report)),
                            Ok(FromAgent::Trouble(text)) => self.tell(News::Trouble(text)),
                            Ok(FromAgent::Hello { .. } | FromAgent::Handed(_)) => {}
                            Err(error) => return End::Lost(format!("said what is not understood: {error}")),
                        },
                        Ok(None) | Err(_) if done => return End::Done,
                        Ok(None) => return End::Lost("it ended".to_owned()),
                        Err(error) => return End::Lost(error.to_string()),
                    },
                }
            }
        }
    }

    /// What a person should know if it speaks another version.
    async fn greet(
        &self,
        lines: &mut Lines<BufReader<OwnedReadHalf>>,
        write: &mut OwnedWriteHalf,
    ) -> Result<Option<String>, String> {
        let hello = ToAgent::Hello { version: protocol::VERSION };
        write.write_all(&protocol::line(&hello)).await.map_err(|error| error.to_string())?;
        let line = timeout(START, lines.next_line()).await.map_err(|_| "it does not answer".to_owned())?;
        let line = line.map_err(|error| error.to_string())?.ok_or("it ended")?;
        match serde_json::from_str(&line) {
            Ok(FromAgent::Hello { version: protocol::VERSION, build, pid, sessions, preferred }) => {
                let other_build = (build != env!("CARGO_PKG_VERSION")).then_some(build);
                self.tell(News::Ready { pid, adopted: sessions, other_build, preferred });
                Ok(None)
            }
            Ok(FromAgent::Hello { version, .. }) => {
                Ok(Some(format!("it speaks version {version}, not {}", protocol::VERSION)))
            }
            Ok(_) | Err(_) => Ok(Some("it speaks another language".to_owned())),
        }
    }

    fn tell(&self, news: News) {
        // A daemon that does not listen any more is on its way out.
        let _ = self.news.send(news);
    }
}
