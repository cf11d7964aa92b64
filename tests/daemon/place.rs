//! Where a daemon under test lives: its own network namespace, and one for the peer at the far end of a tunnel.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nix::{
    sched::{CloneFlags, setns},
    sys::signal::{Signal, kill},
    unistd::Pid,
};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// How long anything may take.
pub const LIMIT: Duration = Duration::from_secs(20);

/// A gateway with one device, behind a tunnel of each instance.
pub const GATEWAY: &str = concat!(
    include_str!("../gateway.toml"),
    r#"
[[device]]
name = "hq-1"
public-ip = "198.51.100.1"
asn = 65010
bgp-ip = "10.52.0.253"

[[connection]]
device = "hq-1"
tunnels = [
  { instance = "in-0", interface = "tun1", local-ip = "169.254.21.2", remote-ip = "169.254.21.1" },
  { instance = "in-1", interface = "tun1", local-ip = "169.254.21.6", remote-ip = "169.254.21.5" },
]
"#
);

/// Two namespaces and a folder; all gone when dropped.
pub struct Place {
    pub gateway: String,
    pub peer: String,
    pub dir: tempfile::TempDir,
    pub socket: PathBuf,
}

impl Drop for Place {
    fn drop(&mut self) {
        for name in [&self.gateway, &self.peer] {
            let _ = Command::new("ip").args(["netns", "del", name]).status();
        }
    }
}

impl Place {
    pub fn new() -> Self {
        let name = |end| format!("ts-{}-{}{end}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let dir = tempfile::tempdir().unwrap();
        let place = Self { gateway: name("g"), peer: name("p"), socket: dir.path().join("socket"), dir };
        for name in [&place.gateway, &place.peer] {
            run(&["ip", "netns", "add", name]);
            run(&["ip", "-n", name, "link", "set", "lo", "up"]);
        }
        place.file(GATEWAY);
        place
    }

    /// With the tunnel: `tun1` here, `far` there.
    pub fn with_tunnel() -> Self {
        let place = Self::new();
        place.tunnel();
        place
    }

    pub fn tunnel(&self) {
        run(&[
            "ip",
            "-n",
            &self.peer,
            "link",
            "add",
            "far",
            "type",
            "veth",
            "peer",
            "name",
            "tun1",
            "netns",
            &self.gateway,
        ]);
        // No addresses but those that are given: the kernel's own come late and would look like a change.
        run(&["ip", "-n", &self.peer, "link", "set", "far", "addrgenmode", "none"]);
        run(&["ip", "-n", &self.gateway, "link", "set", "tun1", "addrgenmode", "none"]);
        run(&["ip", "-n", &self.peer, "addr", "add", "169.254.21.1/30", "dev", "far"]);
        run(&["ip", "-n", &self.peer, "link", "set", "far", "up"]);
        // The address comes last and holds no network, as on many a VPN interface.
        run(&["ip", "-n", &self.gateway, "link", "set", "tun1", "up"]);
        run(&["ip", "-n", &self.gateway, "addr", "add", "169.254.21.2/32", "dev", "tun1"]);
    }

    pub fn file(&self, text: &str) {
        fs::write(self.path("gateway.toml"), text).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `words` in the gateway's namespace; what it printed.
    pub fn here(&self, words: &str) -> String {
        let mut all = vec!["ip", "netns", "exec", &self.gateway];
        all.extend(words.split_whitespace());
        run(&all)
    }

    /// Everything in the kernel that a daemon could change.
    pub fn kernel(&self) -> String {
        let settings = ["nexthop_compat_mode", "fib_multipath_hash_policy"].map(|key| format!("net.ipv4.{key}"));
        let settings = self.here(&format!("sysctl {} net.ipv6.fib_multipath_hash_policy", settings.join(" ")));
        let routes = self.here("ip route show table all") + &self.here("ip -6 route show table all");
        settings + &routes + &self.here("ip nexthop show")
    }

    /// Runs something on a thread of its own in one of the namespaces: sockets made there stay there.
    pub fn within<T: Send + 'static>(&self, name: &str, what: impl FnOnce() -> T + Send + 'static) -> T {
        let path = format!("/run/netns/{name}");
        let run = move || {
            setns(File::open(path).unwrap(), CloneFlags::CLONE_NEWNET).unwrap();
            what()
        };
        thread::spawn(run).join().unwrap()
    }

    /// The daemon of instance `in-0`.
    pub fn start(&self) -> Daemon {
        self.start_as(&[], &["--instance", "in-0"])
    }

    /// The daemon, with words before the program and behind its first ones.
    pub fn start_as(&self, before: &[&str], more: &[&str]) -> Daemon {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.gateway]).args(before);
        command.args([env!("CARGO_BIN_EXE_twinspan"), "run", "-c"]).arg(self.path("gateway.toml"));
        command.args(more).arg("--socket").arg(&self.socket);
        for variable in ["TWINSPAN_INSTANCE", "TWINSPAN_LOG", "JOURNAL_STREAM", "NOTIFY_SOCKET"] {
            command.env_remove(variable);
        }
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (lines, written) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(&log));
        let reader = thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let mut log = written.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        Daemon { child, log, reader: Some(reader) }
    }

    /// Asks the daemon by its own client.
    pub fn ask(&self, words: &[&str]) -> std::process::Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twinspan"));
        command.args(words).arg("--socket").arg(&self.socket).output().unwrap()
    }
}

/// A running daemon; killed when dropped.
pub struct Daemon {
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<thread::JoinHandle<()>>,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Daemon {
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits for a line with all these words.
    pub fn says(&self, words: &[&str]) -> String {
        let line = |log: &str| log.lines().find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned);
        let found = until(|| line(&self.log()));
        found.unwrap_or_else(|| panic!("nothing about {words:?} in:\n{}", self.log()))
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// Waits for its end; all that it said.
    pub fn ends(&mut self) -> (ExitStatus, String) {
        let status = until(|| self.child.try_wait().unwrap());
        let status = status.unwrap_or_else(|| panic!("it does not end:\n{}", self.log()));
        self.reader.take().unwrap().join().unwrap();
        (status, self.log())
    }

    /// It refused to run: status 1, and one sentence of error, which holds all these words.
    pub fn refused(&mut self, words: &[&str]) -> String {
        let (status, log) = self.ends();
        assert_eq!(status.code(), Some(1), "{log}");
        let errors: Vec<&str> = log.lines().filter(|line| line.starts_with("error")).collect();
        let [error] = errors[..] else { panic!("not one error:\n{log}") };
        assert!(words.iter().all(|word| error.contains(word)), "{words:?} in {error}");
        log
    }
}

/// Looks until there is something, with a limit.
pub fn until<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if start.elapsed() > LIMIT {
            return None;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

pub fn run(words: &[&str]) -> String {
    let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
    assert!(output.status.success(), "{words:?} (needs root): {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
