//! What people can ask: every answer is made from the machine's state at that moment, and changes nothing.

mod bfd;
mod detection;
mod drains;
mod fib;
mod gateway;
mod neighbors;
mod reload;
mod role;
mod routes;
mod tunnels;
mod twin;

use super::{Effect, Speaker};
use crate::config::Config;
use crate::control::api::{ApiError, Counters, Done, FileText, Moment, Reply, Request, Sysctl};
use crate::types::{ConnId, Time};

/// What a question needs and the machine does not know: the shell does. By itself nothing is known.
pub trait Surroundings {
    /// Octets that wait to be written to a connection.
    fn queued(&self, conn: ConnId) -> u64 {
        let _ = conn;
        0
    }
    /// What has passed an interface.
    fn counters(&self, interface: &str) -> Option<Counters> {
        let _ = interface;
        None
    }
    /// The kernel settings that matter.
    fn sysctls(&self) -> Vec<Sysctl> {
        Vec::new()
    }
    /// The file of configuration as it is now; or why it cannot be read, in one sentence.
    fn file(&self) -> Result<FileText, String> {
        Err("this instance was started without a file".to_owned())
    }
    /// Why this host cannot run by that configuration, in one sentence.
    fn admits(&self, config: &Config) -> Result<(), String> {
        let _ = config;
        Ok(())
    }
}

/// No shell, for who asks a speaker that has none.
impl Surroundings for () {}

impl Speaker {
    /// Answers one request. Only what HTTP calls POST has effects.
    pub fn ask(
        &mut self,
        now: Time,
        request: &Request,
        around: &dyn Surroundings,
        out: &mut Vec<Effect>,
    ) -> Result<Reply, ApiError> {
        let said = out.len();
        self.role_first(now, out);
        let reply = self.answer(now, request, around, out);
        self.remember(now, out.get(said..).unwrap_or_default());
        reply
    }

    fn answer(
        &mut self,
        now: Time,
        request: &Request,
        around: &dyn Surroundings,
        out: &mut Vec<Effect>,
    ) -> Result<Reply, ApiError> {
        match request {
            Request::Gateway => Ok(Reply::Gateway(Box::new(self.show_gateway(now, around)))),
            Request::Tunnels => Ok(Reply::Tunnels(self.show_tunnels(now, around))),
            Request::Tunnel(name) => Ok(Reply::Tunnel(Box::new(self.show_tunnel(now, name, around)?))),
            Request::TunnelDown(name, reason) => self.hook(now, name, true, reason.as_deref(), out),
            Request::TunnelUp(name, reason) => self.hook(now, name, false, reason.as_deref(), out),
            Request::Events(query) => Ok(Reply::Events(self.events(query))),
            Request::Neighbors => Ok(Reply::Neighbors(self.show_neighbors(now))),
            Request::Neighbor(name) => match self.neighbors.named(name) {
                Some(neighbor) => Ok(Reply::Neighbor(Box::new(self.show_neighbor(now, neighbor, around)))),
                None => Err(ApiError::no_neighbor(name)),
            },
            Request::Routes(query) => self.show_routes(query).map(Reply::Routes),
            Request::Plan(file) => self.ask_plan(file),
            Request::Reload(confirm_within) => self.ask_reload(now, *confirm_within, around, out),
            Request::Confirm => self.ask_confirm(out),
            Request::Fib => Ok(Reply::Fib(Box::new(self.show_fib(around)))),
            Request::Drains => Ok(Reply::Drains(self.show_drains(now))),
            Request::Drain(order) => self.ask_drain(now, order, out),
            Request::Undrain(order) => self.ask_undrain(now, order, out),
            Request::Role(wish, force) => self.ask_role(now, *wish, *force, out),
            Request::FibCheck => self.show_fib_check(),
            Request::Metrics => Err(ApiError::unavailable("the metrics are put together by the daemon")),
            Request::FibRoutes(query) => Ok(Reply::FibRoutes(self.show_fib_routes(query))),
            Request::ResetNeighbor(name, how) => {
                let found = self.neighbors.named(name);
                let id = found.ok_or_else(|| ApiError::no_neighbor(name))?.id;
                let done = self.reset(now, id, how, out).map(|message| Reply::Done(Done { message }));
                self.follow_up(now, out);
                done
            }
            Request::ResetTunnel(name, reason) => {
                let done = self.reset_tunnel(now, name, reason.as_deref(), out);
                self.follow_up(now, out);
                Ok(Reply::Done(Done { message: done? }))
            }
            Request::ResetInstance(reason) => {
                let message = self.reset_instance(now, reason.as_deref(), out)?;
                self.follow_up(now, out);
                Ok(Reply::Done(Done { message }))
            }
            Request::ResetGateway(reason) => {
                let message = self.reset_gateway(now, reason.as_deref(), out)?;
                self.follow_up(now, out);
                Ok(Reply::Done(Done { message }))
            }
        }
    }

    /// The wall clock at a moment of the machine's.
    pub(super) fn moment(&self, at: Time) -> Moment {
        Moment::from_unix(self.epoch + at.since_start())
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
