//! What others do to our routes, next hops and groups, as they do it. Our own doing is left out by the kernel itself.

use std::{
    fs, future, io,
    task::{Context, Poll},
};

use netlink_packet_core::Parseable;
use netlink_sys::{AsyncSocket, SocketAddr, TokioSocket, protocols::NETLINK_ROUTE};
use socket2::SockRef;

use crate::fib::Author;
use crate::fib::Change;
use crate::fib::Foreign;
use crate::fib::Settings;
use crate::types::Family;

use super::dump;
use super::dump::Object;
use super::filter;
use super::nexthop::NexthopMessage;
use super::nexthop::RTM_DELNEXTHOP;
use super::nexthop::RTM_NEWNEXTHOP;
use super::request::RTM_DELROUTE;
use super::request::RTM_NEWROUTE;
use super::request::family_number;
use super::request::metric;
use super::socket::Raw;
use super::socket::enlarge;
use super::socket::messages;

const RTNLGRP_IPV4_ROUTE: u32 = 7;
const RTNLGRP_IPV6_ROUTE: u32 = 11;
const RTNLGRP_NEXTHOP: u32 = 32;
/// Changes handed over at once.
const MANY: usize = 256;
/// A notification is one message of some hundred octets.
const DATAGRAM: usize = 16 << 10;

/// What the watch saw.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Seen {
    /// Changes, in order; at least one.
    Changes(Vec<Foreign>),
    /// Changes were lost: what the kernel holds must be compared with what is wanted.
    Lost,
}

/// Tells of every change to what is ours that we did not make ourselves.
pub struct Watch {
    socket: TokioSocket,
    settings: Settings,
    buffer: Vec<u8>,
    /// Who was looked up last: floods come from one program.
    last: Option<Author>,
    lost: bool,
}

impl Watch {
    /// Subscribes. What the sockets of these ports ([`super::Kernel::port`]) do is not told of. Must be called within a
    /// tokio runtime.
    pub fn open(settings: &Settings, ports: &[u32]) -> io::Result<Self> {
        let mut socket = TokioSocket::new(NETLINK_ROUTE)?;
        SockRef::from(socket.socket_ref()).attach_filter(&filter::program(settings, ports))?;
        enlarge(socket.socket_ref());
        socket.socket_mut().bind(&SocketAddr::new(0, 0))?;
        for group in [RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEXTHOP] {
            socket.socket_mut().add_membership(group)?;
        }
        let buffer = Vec::with_capacity(DATAGRAM);
        Ok(Self { socket, settings: settings.clone(), buffer, last: None, lost: false })
    }

    /// What happened next; waits for it. May be dropped while it waits.
    pub async fn next(&mut self) -> io::Result<Seen> {
        future::poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Seen>> {
        // What came before a loss was handed over first.
        if std::mem::take(&mut self.lost) {
            return Poll::Ready(Ok(Seen::Lost));
        }
        let mut changes = Vec::new();
        while changes.len() < MANY && !self.lost {
            self.buffer.clear();
            match self.socket.poll_recv(context, &mut self.buffer) {
                Poll::Pending if changes.is_empty() => return Poll::Pending,
                Poll::Pending => break,
                Poll::Ready(Ok(())) => {
                    for raw in messages(&self.buffer) {
                        if let Some(change) = read(raw, &self.settings) {
                            let by = author(&mut self.last, raw.port);
                            changes.push(Foreign { change, by });
                        }
                    }
                }
                Poll::Ready(Err(error)) if error.raw_os_error() == Some(libc::ENOBUFS) => self.lost = true,
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            }
        }
        if changes.is_empty() {
            self.lost = false;
            return Poll::Ready(Ok(Seen::Lost));
        }
        Poll::Ready(Ok(Seen::Changes(changes)))
    }
}

/// Who has that port. The process that has the number as its id has usually opened the socket; it may be gone by now.
fn author(last: &mut Option<Author>, port: u32) -> Author {
    if let Some(known) = last.as_ref().filter(|known| known.port == port) {
        return known.clone();
    }
    let name = || fs::read_to_string(format!("/proc/{port}/comm")).ok();
    let program = if port == 0 { None } else { name().map(|name| name.trim().to_owned()) };
    last.insert(Author { port, program }).clone()
}

/// What a notification says of a route of our table and metric, or of an id of our range.
fn read(raw: Raw<'_>, settings: &Settings) -> Option<Change> {
    match raw.kind {
        RTM_NEWROUTE | RTM_DELROUTE => {
            let family = Family::ALL.into_iter().find(|family| Some(&family_number(*family)) == raw.body.first())?;
            let route = dump::route(raw.body, family)?;
            if route.table != settings.table || route.metric != metric(settings, family) {
                return None;
            }
            let (prefix, protocol) = (route.prefix?, route.protocol);
            Some(if raw.kind == RTM_NEWROUTE {
                Change::RouteSet { prefix, protocol, target: route.target }
            } else {
                Change::RouteDeleted { prefix, protocol }
            })
        }
        RTM_NEWNEXTHOP | RTM_DELNEXTHOP => {
            let message = NexthopMessage::parse(raw.body).ok()?;
            let (id, object) = dump::read(&message).filter(|(id, _)| settings.owns(*id))?;
            Some(match object {
                _ if raw.kind == RTM_DELNEXTHOP => Change::IdDeleted(id),
                Object::Hop(hop) if message.header.protocol == settings.protocol => Change::HopSet(hop),
                Object::Group(group) if message.header.protocol == settings.protocol => Change::GroupSet(group),
                Object::Hop(hop) => Change::IdTaken { id, link: Some(hop.link) },
                Object::Group(_) | Object::Other => Change::IdTaken { id, link: None },
            })
        }
        _ => None,
    }
}
