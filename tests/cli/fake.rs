//! A daemon of cardboard: the real server on a real socket, with answers from the promised shapes, and the real
//! program to ask it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::mpsc,
    thread::{self, JoinHandle},
};

use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use twinspan::control::api::{
    ApiError, Done, Drains, Events, FibRoutes, Gateway, Neighbors, Reply, Request, RouteQuery, Routes, Select, Tunnels,
};
use twinspan::control::io::Socket;

fn sample<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}

/// A sample as the snapshots hold it.
macro_rules! promised {
    ($name:literal) => {
        sample(include_str!(concat!("../../src/control/snapshots/", $name, ".json")))
    };
}

/// Answers with the samples of the promised shapes.
pub fn samples(request: &Request) -> Result<Reply, ApiError> {
    Ok(match request {
        Request::Gateway => Reply::Gateway(promised!("gateway")),
        Request::Tunnels => Reply::Tunnels(promised!("tunnels")),
        Request::Tunnel(name) if name.as_str() == "hq-1/in-0" => Reply::Tunnel(promised!("tunnel")),
        Request::Tunnel(name) => return Err(ApiError::not_found(format!("there is no tunnel \"{name}\" on in-0"))),
        Request::TunnelDown(name, reason) => Reply::Done(Done { message: format!("down {name}: {reason:?}") }),
        Request::TunnelUp(name, reason) => Reply::Done(Done { message: format!("up {name}: {reason:?}") }),
        Request::Events(_) => Reply::Events(promised!("events")),
        Request::Neighbors => Reply::Neighbors(promised!("neighbors")),
        Request::Neighbor(name) if name.as_str() == "hq-1/in-0" => Reply::Neighbor(promised!("neighbor")),
        Request::Neighbor(name) => return Err(ApiError::no_neighbor(name)),
        Request::Routes(query) => Reply::Routes(routes(query)),
        Request::Metrics => Reply::Metrics(String::new()),
        Request::FibCheck => Reply::FibCheck(promised!("fib_check")),
        Request::Fib => Reply::Fib(promised!("fib")),
        Request::FibRoutes(_) => Reply::FibRoutes(promised!("fib_routes")),
        Request::ResetNeighbor(name, how) => Reply::Done(Done { message: format!("reset {name}: {how:?}") }),
        Request::ResetTunnel(name, why) => Reply::Done(Done { message: format!("reset tunnel {name}: {why:?}") }),
        Request::ResetInstance(why) => Reply::Done(Done { message: format!("reset instance: {why:?}") }),
        Request::ResetGateway(why) => Reply::Done(Done { message: format!("reset gateway: {why:?}") }),
        Request::Plan(_) | Request::Reload(_) => Reply::Plan(promised!("plan")),
        Request::Drains => Reply::Drains(promised!("drains")),
        Request::Drain(_) | Request::Undrain(_) => {
            let all: Drains = promised!("drains");
            Reply::Drain(Box::new(all.drains[1].clone()))
        }
        Request::Role(wish, force) => Reply::Done(Done { message: format!("role {wish}: {force}") }),
        Request::Confirm => Reply::Done(Done { message: "the configuration of the last reload stays".into() }),
    })
}

fn routes(query: &RouteQuery) -> Routes {
    let mut page: Routes = promised!("routes");
    page.next = None;
    match query.select {
        Select::All => {}
        Select::Prefix(prefix) => page.routes.retain(|route| route.prefix == prefix),
        Select::Address(address) => page.routes.retain(|route| route.prefix.holds(address)),
    }
    page
}

/// Answers with empty lists.
pub fn empty(request: &Request) -> Result<Reply, ApiError> {
    Ok(match request {
        Request::Tunnels => Reply::Tunnels(Tunnels::default()),
        Request::Events(_) => Reply::Events(Events::default()),
        Request::Neighbors => Reply::Neighbors(Neighbors::default()),
        Request::Routes(_) => Reply::Routes(Routes::default()),
        Request::FibRoutes(_) => Reply::FibRoutes(FibRoutes::default()),
        Request::Gateway => {
            let mut gateway: Gateway = promised!("gateway");
            gateway.warnings.clear();
            Reply::Gateway(Box::new(gateway))
        }
        other => return samples(other),
    })
}

/// A table of so many /32 routes, paged as the daemon pages.
pub fn large(size: u32) -> impl Fn(&Request) -> Result<Reply, ApiError> + Send + Sync + 'static {
    let sample: Routes = promised!("routes");
    move |request| {
        let Request::Routes(query) = request else { return samples(request) };
        let first = query.after.map_or(0, |after| match after.addr() {
            std::net::IpAddr::V4(address) => u32::from(address) - 0x0a00_0000 + 1,
            std::net::IpAddr::V6(_) => unreachable!("all are IPv4"),
        });
        let mut totals = sample.totals.clone();
        totals[0].prefixes = size.into();
        totals[1].prefixes = 0;
        let last = size.min(first + u32::try_from(query.limit).unwrap());
        let routes: Vec<_> = (first..last)
            .map(|number| {
                let mut route = sample.routes[0].clone();
                route.prefix = twinspan::types::Prefix::host(std::net::Ipv4Addr::from(0x0a00_0000 + number).into());
                route.paths.truncate(2);
                route.kernel = None;
                route
            })
            .collect();
        let next = if last < size { routes.last().map(|route| route.prefix) } else { None };
        Ok(Reply::Routes(Routes { totals, routes, next }))
    }
}

/// A server that stops when this is dropped.
pub struct Daemon {
    dir: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Daemon {
    /// Answers by `answer` until dropped.
    pub fn start(answer: impl Fn(&Request) -> Result<Reply, ApiError> + Send + Sync + 'static) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, wait) = mpsc::channel();
        let path = dir.path().join("twinspan.sock");
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let socket = Socket::bind(&path).unwrap();
                ready.send(()).unwrap();
                let handler = move |request: Request| std::future::ready(answer(&request));
                let until = async {
                    let _ = stopped.await;
                };
                socket.serve(handler, until).await.unwrap();
            });
        });
        wait.recv().unwrap();
        Self { dir, stop: Some(stop), thread: Some(thread) }
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("twinspan.sock")
    }

    /// The program's answer to these words, asked of this daemon.
    pub fn ask(&self, words: &[&str]) -> Answer {
        twinspan(Some(&self.socket()), words)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            assert!(matches!(ended, Some(Ok(()))), "the server ended in order");
        }
    }
}

/// What the program wrote and how it ended.
#[derive(Debug)]
pub struct Answer {
    pub status: i32,
    pub out: String,
    pub err: String,
}

/// The program, with nothing of this environment that could change what it says.
pub fn program(socket: Option<&Path>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twinspan"));
    for key in ["TWINSPAN_SOCKET", "TWINSPAN_INSTANCE", "TWINSPAN_LOG", "JOURNAL_STREAM"] {
        command.env_remove(key);
    }
    if let Some(socket) = socket {
        command.arg("--socket").arg(socket);
    }
    command
}

/// Runs it to its end.
pub fn twinspan(socket: Option<&Path>, words: &[&str]) -> Answer {
    let Output { status, stdout, stderr } = program(socket).args(words).output().unwrap();
    Answer {
        status: status.code().expect("no signal ended it"),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}
