//! A task for each run: starts it, reads what it writes, and ends it when its time is over.

use std::{
    io,
    os::unix::process::ExitStatusExt as _,
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::{
    net::unix::pipe::Receiver,
    process::{Child, Command as Process},
    select,
    sync::mpsc,
    time::{sleep, timeout},
};

use super::super::{Command, LastLine, Outcome, Ran, RunId};

/// How long what a command has written may take to be read when it has ended. Somebody whom it left behind may keep the
/// other end of the pipe open for ever.
const REST: Duration = Duration::from_millis(100);

/// Who runs commands, and tells what became of them.
pub struct Runner {
    told: mpsc::UnboundedSender<(RunId, Ran)>,
    /// What every command finds in its environment beside ours.
    environment: Vec<(String, String)>,
}

impl Runner {
    /// One that tells there.
    #[must_use]
    pub fn new(told: mpsc::UnboundedSender<(RunId, Ran)>, environment: Vec<(String, String)>) -> Self {
        Self { told, environment }
    }

    /// Runs it; needs a tokio runtime. A run that lasts longer than `limit` is killed, with its process group.
    pub fn run(&self, id: RunId, command: Command, limit: Duration) {
        let (told, environment) = (self.told.clone(), self.environment.clone());
        tokio::spawn(async move {
            let began = Instant::now();
            let mut said = LastLine::default();
            let outcome = match run(&command, &environment, limit, &mut said).await {
                Ok(outcome) => outcome,
                Err(error) => Outcome::NotStarted(error.to_string()),
            };
            // A daemon that has ended does not want to know.
            let _ = told.send((id, Ran { outcome, said: said.text(), took: began.elapsed() }));
        });
    }
}

/// A group of processes that is killed unless it was let go.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw))
    }

    /// Its leader was waited for: the number may be another's from now on.
    fn forget(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            let _ = killpg(leader, Signal::SIGKILL); // gone already is as good
        }
    }
}

async fn run(
    command: &Command,
    environment: &[(String, String)],
    limit: Duration,
    said: &mut LastLine,
) -> io::Result<Outcome> {
    let (output, input) = io::pipe()?;
    let mut process = Process::new(command.program());
    process.args(command.arguments()).envs(environment.iter().cloned()).process_group(0).kill_on_drop(true);
    process.stdin(Stdio::null()).stdout(input.try_clone()?).stderr(input);
    let mut child = process.spawn()?;
    drop(process); // with our copies of the end that it writes to
    let mut group = Group::of(&child);
    let output = Receiver::from_owned_fd(output.into())?;
    let outcome = select! {
        outcome = ended(&mut child, &output, said) => outcome?,
        () = sleep(limit) => {
            drop(group);
            child.wait().await?;
            let _ = timeout(REST, read(&output, said)).await;
            return Ok(Outcome::Late(limit));
        }
    };
    group.forget();
    let _ = timeout(REST, read(&output, said)).await;
    Ok(outcome)
}

/// Waits for its end, and reads meanwhile: who writes to a full pipe would wait for us.
async fn ended(child: &mut Child, output: &Receiver, said: &mut LastLine) -> io::Result<Outcome> {
    let mut open = true;
    loop {
        select! {
            status = child.wait() => return status.map(outcome),
            more = some(output, said), if open => open = more,
        }
    }
}

/// Reads until the other end is closed.
async fn read(output: &Receiver, said: &mut LastLine) {
    while some(output, said).await {}
}

/// Reads some; false when there will be no more.
async fn some(output: &Receiver, said: &mut LastLine) -> bool {
    if output.readable().await.is_err() {
        return false;
    }
    let mut octets = [0; 4096];
    match output.try_read(&mut octets) {
        Ok(0) => false,
        Ok(length) => {
            said.push(octets.get(..length).unwrap_or_default());
            true
        }
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

fn outcome(status: ExitStatus) -> Outcome {
    match (status.code(), status.signal()) {
        (Some(0), _) => Outcome::Done,
        (Some(status), _) => Outcome::Failed(status),
        (None, signal) => Outcome::Killed(signal.unwrap_or_default()),
    }
}
