//! One node: a holder process that keeps its namespaces, and the way to run things inside them.
//!
//! Network, mount, host name and process ids are the node's own. The holder reads a pipe: when this process ends, however
//! it ends, the pipe closes, the holder ends, and the kernel kills all that runs in its process namespace.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::wait::wait_until;

/// How long a node may take to end after its first process was killed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes the node's own `/etc`, `/run` and `/var/tmp`, then waits for the pipe to close.
const HOLD: &str = r#"
set -e
for name in /run/netns/*; do umount -l "$name"; done 2>/dev/null || true
umount -l /run/netns 2>/dev/null || true
mount -t sysfs sysfs /sys 2>/dev/null || true
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/tmp && chmod 1777 /var/tmp
mkdir /run/.etc && cp -a /etc/. /run/.etc/ && mount --bind /run/.etc /etc
hostname "$1"
ip link set lo up
echo ready
exec cat >/dev/null
"#;

/// A node's namespaces.
#[derive(Debug)]
pub struct Node {
    /// Its name in the lab.
    pub name: String,
    /// The name of its network namespace in `ip netns`.
    pub netns: String,
    /// Environment of what runs inside.
    pub env: BTreeMap<String, String>,
    /// The holder's id, as seen from here: `nsenter -t ID -a` enters the node by hand.
    pub holder: u32,
    unshare: Child,
    net: File,
    others: Vec<(File, CloneFlags)>,
}

impl Node {
    /// Makes the namespaces. `share` is a node whose network is used in place of an own one.
    pub fn new(prefix: &str, name: &str, share: Option<&Self>, env: BTreeMap<String, String>) -> Result<Self> {
        let mut unshare = Command::new("unshare");
        if share.is_none() {
            unshare.arg("--net");
        }
        unshare
            .args(["--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"])
            .args(["--", "sh", "-c", HOLD, "hold", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        std::os::unix::process::CommandExt::process_group(&mut unshare, 0);
        let start = || unshare.spawn().context("cannot run unshare");
        let mut unshare = match share {
            Some(other) => other.inside(start)?,
            None => {
                let mut start = start;
                start()
            }
        }?;
        let mut line = String::new();
        if let Some(stdout) = unshare.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        if line.trim() != "ready" {
            let _ = unshare.kill();
            let said = unshare.wait_with_output().map(|ended| String::from_utf8_lossy(&ended.stderr).trim().to_owned());
            let said = said.unwrap_or_default();
            bail!("cannot make the namespaces of node {name}: this needs root and the right to mount: {said}");
        }
        let id = unshare.id();
        let holder: u32 = fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?
            .trim()
            .parse()
            .context("the holder has no single process id")?;
        let open = |kind: &str| File::open(format!("/proc/{holder}/ns/{kind}"));
        let netns = format!("{prefix}{name}");
        let node = Self {
            name: name.to_owned(),
            netns: netns.clone(),
            env,
            holder,
            unshare,
            net: open("net")?,
            others: vec![
                (open("pid")?, CloneFlags::CLONE_NEWPID),
                (open("uts")?, CloneFlags::CLONE_NEWUTS),
                (open("mnt")?, CloneFlags::CLONE_NEWNS),
            ],
        };
        if share.is_none() {
            run(Command::new("ip").args(["netns", "attach", &netns, &holder.to_string()]))?;
        }
        Ok(node)
    }

    /// Runs `work` on a thread whose sockets are the node's; files and process ids stay those of this process.
    pub fn inside<R: Send>(&self, work: impl FnOnce() -> R + Send) -> Result<R> {
        self.on_thread(false, work)
    }

    /// Starts a program inside all of the node's namespaces; the id of the child is its id out here.
    pub fn spawn(&self, command: &mut Command) -> Result<Child> {
        command.envs(&self.env).current_dir("/");
        std::os::unix::process::CommandExt::process_group(command, 0);
        let what = format!("{command:?}");
        self.on_thread(true, || command.spawn())?.with_context(|| format!("cannot run {what} in {}", self.name))
    }

    fn on_thread<R: Send>(&self, all: bool, work: impl FnOnce() -> R + Send) -> Result<R> {
        thread::scope(|scope| {
            let thread = scope.spawn(|| -> Result<R> {
                setns(&self.net, CloneFlags::CLONE_NEWNET)?;
                if all {
                    unshare(CloneFlags::CLONE_FS)?;
                    for (file, kind) in &self.others {
                        setns(file, *kind)?;
                    }
                }
                Ok(work())
            });
            match thread.join() {
                Ok(result) => result.with_context(|| format!("cannot enter node {}", self.name)),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// Makes `source` visible at `target` inside: a file as a copy of its own, a folder as it is.
    pub fn bind(&self, source: &Path, target: &Path) -> Result<()> {
        let script = r#"
            set -e
            if [ -d "$1" ]; then mkdir -p "$2"; mount --bind "$1" "$2"
            else mkdir -p "$(dirname "$2")"; cp --remove-destination "$1" "$2"; chmod 0644 "$2"; fi"#;
        let mut command = Command::new("sh");
        command.args(["-c", script, "bind"]).arg(source).arg(target);
        let done = self.spawn(command.stderr(Stdio::piped()))?.wait_with_output()?;
        if !done.status.success() {
            bail!("cannot bind {} in {}: {}", source.display(), self.name, String::from_utf8_lossy(&done.stderr));
        }
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.unshare.stdin.take());
        // The holder is the first process inside: with it the kernel kills all others, and unshare ends once they are gone.
        let holder = i32::try_from(self.holder).map(Pid::from_raw);
        let _ = holder.map(|holder| kill(holder, Signal::SIGKILL));
        let ended = || match self.unshare.try_wait() {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err("it still runs".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        if wait_until(PATIENCE, ended).is_err() {
            let _ = self.unshare.kill();
            let _ = self.unshare.wait();
        }
        forget_netns(&self.netns);
    }
}

/// Takes the name of a network namespace away; the namespace ends with its last process.
pub fn forget_netns(name: &str) {
    if Path::new("/run/netns").join(name).exists() {
        let _ = Command::new("ip").args(["netns", "del", name]).status();
    }
}

/// Runs a command outside of all nodes; what it says on failure is the error.
pub fn run(command: &mut Command) -> Result<()> {
    let done = command.output().with_context(|| format!("cannot run {command:?}"))?;
    if !done.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(())
}
