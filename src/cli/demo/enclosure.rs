//! The private namespaces of the demo, and the promise that nothing outlives it.
//!
//! The first process becomes a supervisor: it makes the namespaces, starts the same binary as process 1 of the new
//! process namespace and waits. When process 1 ends, for whatever reason, the kernel kills all that runs inside; when the
//! supervisor ends, even by SIGKILL, process 1 reads end of file on its standard input and ends.

use std::fs;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::{Context, anyhow, bail};
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{Gid, Pid, Uid};

/// Where sockets lie, and configurations and logs unless they are kept: a tmpfs that only our mount namespace sees.
pub const RUN: &str = "/run";

/// Makes the namespaces, starts the demo inside and stays until it ends. Returns its exit status.
pub fn supervise(keep: Option<&Path>) -> anyhow::Result<ExitCode> {
    if let Some(dir) = keep {
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        if fs::canonicalize(dir).is_ok_and(|dir| dir.starts_with(RUN)) {
            bail!("--keep {}: the demo has a {RUN} of its own; name a folder elsewhere", dir.display());
        }
    }
    // Signals are waited for, not handled: one thread, no race between a child that ends and a Ctrl-C.
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGCHLD] {
        signals.add(signal);
    }
    signals.thread_block().context("cannot block signals")?;
    separate()?;
    let mut child = Command::new("/proc/self/exe")
        .arg0("twinspan")
        .args(std::env::args_os().skip(1))
        .arg("--enclosed")
        .stdin(Stdio::piped()) // its write end is ours alone: the lifeline
        .process_group(0) // a Ctrl-C is for the supervisor, which then ends all at once
        .spawn()
        .context("cannot start the demo in its namespaces")?;
    loop {
        let signal = signals.wait().context("cannot wait for signals")?;
        if let Some(status) = child.try_wait()? {
            if let Some(signal) = status.signal() {
                eprintln!("demo: ended by signal {signal}, everything is cleaned up");
            }
            return Ok(exit_code(status));
        }
        if signal != Signal::SIGCHLD {
            end(&mut child)?;
            eprintln!("demo: {} received, everything is cleaned up", signal.as_str());
            return Ok(ExitCode::from(128u8.saturating_add(signal as u8)));
        }
    }
}

/// Process 1 of the new namespaces makes them usable. Returns the folder for configurations and logs.
pub fn settle(keep: Option<&Path>) -> anyhow::Result<PathBuf> {
    if std::process::id() != 1 {
        bail!("--enclosed is for the demo's own use");
    }
    // The supervisor blocks signals to wait for them, and a mask is inherited: our children must hear theirs.
    SigSet::all().thread_unblock().context("cannot unblock signals")?;
    std::thread::spawn(|| {
        let mut nothing = [0u8; 1];
        while matches!(std::io::stdin().read(&mut nothing), Ok(1..)) {}
        std::process::exit(1); // the supervisor is gone; as process 1 we take everyone along
    });
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).map_err(|e| refused("mount", e))?;
    // Containers refuse a fresh /proc; the one we came with serves as well then.
    let _ = mount(Some("proc"), "/proc", Some("proc"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, none);
    mount(Some("tmpfs"), RUN, Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=0755"))
        .map_err(|e| refused("mount", e))?;
    Ok(keep.map_or_else(|| PathBuf::from(RUN), Path::to_path_buf))
}

/// Whether we are inside a user namespace: the first one alone maps every id to itself.
pub fn rootless() -> bool {
    fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| !map.contains("4294967295"))
}

fn exit_code(status: std::process::ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

fn end(child: &mut Child) -> anyhow::Result<()> {
    let pid = i32::try_from(child.id()).context("a process id fits")?;
    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL); // it may have ended just now
    child.wait().context("cannot wait for the demo")?;
    Ok(())
}

/// New namespaces for mounts, processes and the network; a user namespace around them unless we are root.
fn separate() -> anyhow::Result<()> {
    let inner = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNET;
    let (uid, gid) = (Uid::effective(), Gid::effective());
    if uid.is_root() && unshare(inner).is_ok() {
        return Ok(());
    }
    // Also for a root without CAP_SYS_ADMIN, as in a container: a user namespace may still be allowed.
    unshare(CloneFlags::CLONE_NEWUSER | inner).map_err(|e| refused("unshare", e))?;
    let write = |file: &str, text: String| fs::write(format!("/proc/self/{file}"), text);
    let map = || {
        write("setgroups", "deny".to_owned())?;
        write("uid_map", format!("0 {uid} 1"))?;
        write("gid_map", format!("0 {gid} 1"))
    };
    map().map_err(|e: std::io::Error| refused("uid_map", Errno::from_raw(e.raw_os_error().unwrap_or(0))))
}

/// One sentence: what the system refused, the setting that made it, and the way out.
fn refused(what: &str, errno: Errno) -> anyhow::Error {
    let exe = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("twinspan"));
    let sysctl = |name: &str| {
        fs::read_to_string(format!("/proc/sys/{name}")).ok().and_then(|text| text.trim().parse::<i64>().ok())
    };
    let setting = if Uid::effective().is_root() && !rootless() {
        "root without CAP_SYS_ADMIN, as in a container: start the container with --privileged".to_owned()
    } else {
        let way = format!("run it as root (sudo {} demo)", exe.display());
        if sysctl("user/max_user_namespaces") == Some(0) {
            format!("user.max_user_namespaces is 0: {way}, or `sysctl user.max_user_namespaces=1000`")
        } else if sysctl("kernel/unprivileged_userns_clone") == Some(0) {
            format!("kernel.unprivileged_userns_clone is 0: {way}, or `sysctl kernel.unprivileged_userns_clone=1`")
        } else if sysctl("kernel/apparmor_restrict_unprivileged_userns") == Some(1) {
            format!(
                "kernel.apparmor_restrict_unprivileged_userns is 1: {way}, or `sysctl \
                 kernel.apparmor_restrict_unprivileged_userns=0`"
            )
        } else {
            way
        }
    };
    anyhow!("this system does not let us make private namespaces ({what}: {}); {setting}", errno.desc())
}
