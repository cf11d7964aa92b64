//! The demonstration as a user runs it: the whole program, real kernels, real packets. Needs root.
//!
//! One at a time: a demo measures packets, and another one beside it would be measured too.

#![allow(clippy::unwrap_used)] // every function here belongs to a test

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::{
        fs::PermissionsExt,
        process::{CommandExt, ExitStatusExt},
    },
    path::Path,
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid},
};
use serde_json::Value;
use tempfile::TempDir;

/// Longer than any demo should take, so that a test that hangs ends and says so.
const LIMIT: Duration = Duration::from_secs(120);
/// Anyone but root.
const NOBODY: u32 = 65_534;
/// Settings of the host that the demo sets inside its own namespaces.
const SETTINGS: [&str; 5] = [
    "ipv4/ip_forward",
    "ipv4/nexthop_compat_mode",
    "ipv4/fib_multipath_hash_policy",
    "ipv6/fib_multipath_hash_policy",
    "ipv4/conf/all/rp_filter",
];

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A demo to run, and a folder whose name is in the command line of each of its processes.
struct Scene {
    folder: TempDir,
    settings: Vec<Option<String>>,
    _alone: MutexGuard<'static, ()>,
}

impl Scene {
    fn new() -> Self {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(Uid::effective().is_root(), "these tests need root: they make network namespaces, and become nobody");
        let folder = tempfile::Builder::new().prefix("ts-demo-").tempdir().unwrap();
        for place in ["keep", "tmp"] {
            fs::create_dir(folder.path().join(place)).unwrap();
            fs::set_permissions(folder.path().join(place), fs::Permissions::from_mode(0o777)).unwrap();
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder, settings: settings(), _alone: alone }
    }

    /// `demo --json` of this program.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .args(["demo", "--json", "--keep"])
            .arg(self.folder.path().join("keep"))
            .env("TMPDIR", self.folder.path().join("tmp"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts it as root, and returns when it has written a line with these words.
    fn run_until(&self, words: &str) -> (Child, Lines) {
        let mut child = self.command(Path::new(env!("CARGO_BIN_EXE_twinspan"))).spawn().unwrap();
        let mut lines = Lines { reader: BufReader::new(child.stderr.take().unwrap()), so_far: String::new() };
        let seen = lines.until(words);
        if !seen {
            let _ = child.kill();
        }
        assert!(seen, "no line with {words:?} in\n{}", lines.so_far);
        assert!(self.processes().len() > 5, "the processes of a running demo are found: {:?}", self.processes());
        (child, lines)
    }

    /// The processes of this demo, anywhere on this machine.
    fn processes(&self) -> Vec<String> {
        let name = self.folder.path().file_name().unwrap().to_str().unwrap();
        let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let numbers = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let known = numbers.filter(|number| number.bytes().all(|octet| octet.is_ascii_digit()));
        let lines = known.filter_map(|number| {
            let words = fs::read(format!("/proc/{number}/cmdline")).ok()?;
            Some(format!("{number}: {}", String::from_utf8_lossy(&words).replace('\0', " ")))
        });
        lines.filter(|line| line.contains(name)).collect()
    }

    /// What every demo must leave as it was, however it ended.
    fn nothing_is_left(&self) {
        assert_eq!(self.processes(), Vec::<String>::new(), "no process is left");
        let files = fs::read_dir(self.folder.path().join("tmp")).unwrap().count();
        assert_eq!(files, 0, "no temporary file is left");
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(self.folder.path().to_str().unwrap()), "no mount is left");
        assert_eq!(settings(), self.settings, "the host's settings are what they were");
    }
}

/// What the demo says while it runs.
struct Lines {
    reader: BufReader<ChildStderr>,
    so_far: String,
}

impl Lines {
    /// Reads up to a line with these words; false if there is none.
    fn until(&mut self, words: &str) -> bool {
        loop {
            let before = self.so_far.len();
            if self.reader.read_line(&mut self.so_far).unwrap() == 0 {
                return false;
            }
            if self.so_far[before..].contains(words) {
                return true;
            }
        }
    }

    /// The rest, too. Ends when the last process that can write has ended.
    fn all(mut self) -> String {
        self.reader.read_to_string(&mut self.so_far).unwrap();
        self.so_far
    }
}

fn settings() -> Vec<Option<String>> {
    SETTINGS.iter().map(|name| fs::read_to_string(format!("/proc/sys/net/{name}")).ok()).collect()
}

/// Waits for the end; a demo that hangs is killed and fails the test.
fn end_of(child: &mut Child) -> ExitStatus {
    let until = Instant::now() + LIMIT;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > until {
            let _ = child.kill();
            panic!("the demo does not end");
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

/// Runs it to its end: status, standard output, standard error.
fn whole(command: &mut Command) -> (ExitStatus, String, String) {
    let mut child = command.spawn().unwrap();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let read = thread::spawn(move || {
        let mut text = String::new();
        out.read_to_string(&mut text).unwrap();
        text
    });
    let read_err = thread::spawn(move || {
        let mut text = String::new();
        err.read_to_string(&mut text).unwrap();
        text
    });
    let status = end_of(&mut child);
    (status, read.join().unwrap(), read_err.join().unwrap())
}

/// The result says that everything happened, and the figures behind it say so too.
fn everything_happened(status: ExitStatus, out: &str, err: &str) -> Value {
    assert_eq!(status.code(), Some(0), "{out}\n{err}");
    let result: Value = serde_json::from_str(out).unwrap();
    assert_eq!(result["ok"], true, "{out}\n{err}");
    assert_eq!(result["unmet"], Value::Array(Vec::new()));
    let phases = result["phases"].as_array().unwrap();
    let names: Vec<&str> = phases.iter().map(|phase| phase["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["steady", "down", "up", "drain", "undrain", "stop"]);
    let number = |value: &Value| value.as_u64().unwrap();
    for phase in phases {
        assert!(number(&phase["sent"]) > 1_000, "{phase}");
        assert_eq!((number(&phase["spared"]["moved"]), number(&phase["spared"]["lost"])), (0, 0), "{phase}");
        assert_eq!((number(&phase["new"]["moved"]), number(&phase["new"]["lost"])), (0, 0), "{phase}");
    }
    for (phase, what) in [(0, "nothing"), (2, "a tunnel that comes back"), (3, "a drain"), (4, "an undrain")] {
        let lost = (number(&phases[phase]["lost"]), number(&phases[phase]["lost_back"]));
        assert_eq!(lost, (0, 0), "{what} costs no packet in either direction");
    }
    for (tunnel, drained) in phases[3]["tunnels"].as_array().unwrap().iter().zip([false, false, true, true]) {
        assert_eq!(number(&tunnel["flows"]) == 0, drained, "{tunnel}");
    }
    for tunnel in phases[0]["tunnels"].as_array().unwrap() {
        assert!(number(&tunnel["packets"]) > 0 && number(&tunnel["flows"]) > 0, "{tunnel}");
    }
    assert_eq!(phases[0]["tunnels"].as_array().unwrap().len(), 4);
    for event in &phases[1..] {
        // How fast is the demo's to judge: it knows what each event may take.
        assert!(event["kernel_seconds"].is_number(), "{event}");
    }
    for event in [&phases[1], &phases[3], &phases[5]] {
        assert!(number(&event["hit"]["flows"]) > 0, "{event}");
        assert_eq!(event["hit"]["moved"], event["hit"]["flows"], "{event}");
    }
    result
}

#[test]
fn root_sees_four_tunnels_at_work_and_spared_flows_that_stay() {
    let scene = Scene::new();
    let (status, out, err) = whole(&mut scene.command(Path::new(env!("CARGO_BIN_EXE_twinspan"))));
    let result = everything_happened(status, &out, &err);
    assert_eq!(result["rootless"], false);
    scene.nothing_is_left();
}

#[test]
fn an_unprivileged_user_sees_the_same_or_one_sentence_that_says_why_not() {
    let scene = Scene::new();
    // Where it was built, nobody else may read it.
    let program = scene.folder.path().join("twinspan");
    fs::copy(env!("CARGO_BIN_EXE_twinspan"), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let unshare =
        Command::new("unshare").args(["--user", "--map-root-user", "--net", "true"]).uid(NOBODY).gid(NOBODY).status();
    let allowed = unshare.expect("this test needs util-linux").success();
    let (status, out, err) = whole(scene.command(&program).uid(NOBODY).gid(NOBODY));
    if allowed {
        let result = everything_happened(status, &out, &err);
        assert_eq!(result["rootless"], true);
    } else {
        eprintln!("NOT SHOWN: a demo without root; this system refuses user namespaces: {err}");
        assert_eq!(status.code(), Some(1));
        assert_eq!(out, "");
        assert_eq!(err.lines().count(), 1, "{err}");
        assert!(err.contains("does not let us make private namespaces") && err.contains("root"), "{err}");
    }
    scene.nothing_is_left();
}

#[test]
fn a_demo_that_is_told_to_end_half_way_leaves_nothing() {
    let scene = Scene::new();
    let (mut child, lines) = scene.run_until("is drained");
    signal(&child, Signal::SIGTERM);
    let status = end_of(&mut child);
    // At once, not a little later: the demo waits for all that it started.
    scene.nothing_is_left();
    assert_eq!(status.code(), Some(128 + Signal::SIGTERM as i32));
    let said = lines.all();
    assert!(said.ends_with("demo: SIGTERM received, everything is cleaned up\n"), "{said}");
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(out, "", "no result is better than half of one");
}

#[test]
fn a_demo_whose_first_process_is_killed_leaves_nothing() {
    let scene = Scene::new();
    let (mut child, lines) = scene.run_until("begin, host to site");
    signal(&child, Signal::SIGKILL);
    let status = end_of(&mut child);
    assert_eq!(status.signal(), Some(Signal::SIGKILL as i32));
    lines.all();
    // Nobody waits for process 1 of the namespaces any more: it ends by itself, soon.
    let until = Instant::now() + Duration::from_secs(10);
    while !scene.processes().is_empty() && Instant::now() < until {
        thread::sleep(Duration::from_millis(10));
    }
    scene.nothing_is_left();
}
