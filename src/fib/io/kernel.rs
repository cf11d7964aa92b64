//! Operations carried out, with the kernel's answer to each.

use std::{fs, io, mem, ops::ControlFlow};

use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_REPLACE};

use crate::fib::Failure;
use crate::fib::KernelError;
use crate::fib::Leftovers;
use crate::fib::OldRoute;
use crate::fib::Op;
use crate::fib::Part;
use crate::fib::Settings;
use crate::fib::Table;
use crate::fib::Target;
use crate::types::Prefix;
use crate::types::Weight;

use super::dump;
use super::nexthop::NexthopAttribute;
use super::nexthop::NexthopHeader;
use super::nexthop::NexthopMessage;
use super::nexthop::RTM_NEWNEXTHOP;
use super::request::Requests;
use super::request::group;
use super::socket::Reply;
use super::socket::Socket;
use super::socket::meaning;
use super::socket::messages;
use super::socket::reply;

/// Octets of a send: the kernel's rate is flat from 4 KiB to 256 KiB.
const SEND: usize = 48 << 10;
/// The largest share before Linux 6.12.
const NARROW: u16 = 256;
/// Routes in one part of what is read.
const PART: usize = 2_000;
/// How often a dump that was torn by a change is asked for again.
const TRIES: usize = 5;

/// Why this kernel, or this process, cannot do the work.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// Not allowed.
    #[error("changing routes is not permitted: run as root or with CAP_NET_ADMIN")]
    NotPermitted,
    /// No nexthop objects at all.
    #[error("this kernel ({0}) has no nexthop objects: Linux 5.3 or later is needed")]
    NoNextHops(String),
    /// No resilient groups.
    #[error("this kernel ({release}) has no resilient nexthop groups: Linux 5.13 or later is needed ({error})")]
    NoResilientGroups {
        /// The kernel's release.
        release: String,
        /// What it said.
        error: KernelError,
    },
    /// The socket failed.
    #[error("cannot talk to the kernel's routing: {0}")]
    Socket(#[from] io::Error),
}

/// A blocking connection to the kernel's routing tables, in the network namespace of the thread that opened it.
pub struct Kernel {
    socket: Socket,
    requests: Requests,
    /// The protocol numbers of runs before this one.
    former: Vec<u8>,
}

impl Kernel {
    /// Opens the socket. Needs no privilege; [`Kernel::probe`] tells whether there is enough.
    pub fn open() -> io::Result<Self> {
        Ok(Self { socket: Socket::open()?, requests: Requests::default(), former: Vec::new() })
    }

    /// Runs before this one used these protocol numbers: a route of theirs in the place of ours is taken over.
    pub fn succeed(&mut self, former: &[u8]) {
        self.former = former.to_vec();
    }

    /// As [`Kernel::dump`], at the start: and what runs before this one left under another table, metric, or protocol
    /// number of [`Kernel::succeed`].
    pub fn find(&mut self, settings: &Settings) -> Result<(Table, Leftovers), io::Error> {
        let mut error = io::Error::other("there was no try");
        for _ in 0..TRIES {
            match dump::find(&mut self.socket, settings, &self.former) {
                Err(torn) if torn.kind() == io::ErrorKind::Interrupted => error = torn,
                result => return result,
            }
        }
        Err(error)
    }

    /// The kernel's number for this connection, which [`super::Watch`] leaves out.
    #[must_use]
    pub fn port(&self) -> u32 {
        self.socket.port()
    }

    /// Finds out by trying, with ids at the end of our range that are never given out: may we, and can the kernel?
    /// Tells the largest share that it takes, for [`Settings::max_weight`].
    pub fn probe(&mut self, settings: &Settings) -> Result<u16, ProbeError> {
        let hop = settings.first_id + (1 << 24) - 1;
        let resilient = hop - 1;
        self.one(settings, &Op::DeleteGroup(resilient))?.or_else(|error| able(&error, release()))?;
        if dump::any_group(&mut self.socket, settings).unwrap_or(false) {
            // Of an earlier run, to be taken over: nothing in this kernel is touched without need.
            return self.max_weight(settings);
        }
        let attributes = vec![NexthopAttribute::Id(hop), NexthopAttribute::Blackhole];
        let header = NexthopHeader { family: 2, protocol: settings.protocol, ..NexthopHeader::default() };
        let blackhole = NexthopMessage { header, attributes };
        self.put(&blackhole)?.map_err(|_| ProbeError::NoNextHops(release()))?;
        let members = vec![(hop, Weight::ONE)];
        let of_one = crate::fib::Group { id: resilient, members, buckets: 8, idle_timer: settings.idle_timer };
        let made = self.put(&group(settings, &of_one))?;
        self.apply(settings, &[Op::DeleteGroup(resilient), Op::DeleteNextHop(hop)]);
        made.map_err(|error| ProbeError::NoResilientGroups { release: release(), error })?;
        self.max_weight(settings)
    }

    /// The largest share. A group whose only member does not exist is refused in any case: for that by a kernel that
    /// reads all of the share, and before it looks for the member by one that wants zeros in the upper half.
    fn max_weight(&mut self, settings: &Settings) -> Result<u16, ProbeError> {
        let nobody = settings.first_id + (1 << 24) - 1;
        let members = vec![(nobody, Weight::new(NARROW + 1).unwrap_or(Weight::ONE))];
        let large = crate::fib::Group { id: nobody - 1, members, buckets: 8, idle_timer: settings.idle_timer };
        let refused = self.put(&group(settings, &large))?.err();
        let wide = refused.is_some_and(|error| error.text.contains("Invalid nexthop id"));
        Ok(if wide { u16::MAX } else { NARROW })
    }

    /// Carries the operations out in order and tells which were refused. All are tried. Deleting what is gone already
    /// is no failure; neither is adding a route that is there already and ours: it is led where it should.
    pub fn apply(&mut self, settings: &Settings, ops: &[Op]) -> Vec<Failure> {
        let mut failures = Vec::new();
        let mut start = 0;
        while start < ops.len() {
            let count = u32::try_from(ops.len() - start).unwrap_or(u32::MAX);
            let first = self.socket.sequence(count);
            self.requests.clear();
            let mut end = start;
            for op in ops.iter().skip(start) {
                let sequence = first.wrapping_add(u32::try_from(end - start).unwrap_or_default());
                self.requests.op(settings, op, sequence);
                end += 1;
                if self.requests.len() >= SEND {
                    break;
                }
            }
            self.requests.acknowledge();
            let refused = self.exchange(first, end - start);
            for (index, error) in refused {
                let Some(op) = ops.get(start + index) else { continue };
                if let Some(error) = self.judge(settings, op, error) {
                    failures.push(Failure { index: start + index, error });
                }
            }
            start = end;
        }
        failures
    }

    /// Everything of ours: next hops and groups in the range of ids, routes of our protocol and metric in our table.
    pub fn dump(&mut self, settings: &Settings) -> Result<Table, io::Error> {
        let mut error = io::Error::other("there was no try");
        for _ in 0..TRIES {
            match dump::table(&mut self.socket, settings) {
                Err(torn) if torn.kind() == io::ErrorKind::Interrupted => error = torn,
                result => return result,
            }
        }
        Err(error)
    }

    /// The same in parts, for who does not want to hold it all; [`Part::End`] and [`Part::Failed`] are left to the caller.
    pub fn read(&mut self, settings: &Settings, mut give: impl FnMut(Part) -> ControlFlow<()>) -> io::Result<()> {
        for _ in 0..TRIES {
            match self.read_once(settings, &mut give) {
                Err(torn) if torn.kind() == io::ErrorKind::Interrupted => {
                    if give(Part::Again).is_break() {
                        return Ok(());
                    }
                }
                result => return result,
            }
        }
        Err(io::Error::other("others change it all the time"))
    }

    fn read_once(&mut self, settings: &Settings, give: &mut impl FnMut(Part) -> ControlFlow<()>) -> io::Result<()> {
        if give(Part::Objects(dump::objects(&mut self.socket, settings)?)).is_break() {
            return Ok(());
        }
        let mut routes = Vec::with_capacity(PART);
        let mut wanted = true;
        dump::routes(&mut self.socket, settings, |prefix, target| {
            routes.push((prefix, target));
            if routes.len() == PART && wanted {
                let full = mem::replace(&mut routes, Vec::with_capacity(PART));
                wanted = give(Part::Routes(full)).is_continue();
            }
        })?;
        if wanted {
            let _ = give(Part::Routes(routes)); // what comes next finds out too
        }
        Ok(())
    }

    /// Sends what is in the buffer, `count` messages numbered from `first`; answers which were refused and why.
    fn exchange(&mut self, first: u32, count: usize) -> Vec<(usize, KernelError)> {
        let everything = |error: &io::Error| {
            let errno = error.raw_os_error().unwrap_or(libc::EIO);
            let error = KernelError { errno, text: format!("sending to the kernel failed: {}", meaning(errno)) };
            (0..count).map(|index| (index, error.clone())).collect()
        };
        if let Err(error) = self.socket.send(self.requests.octets()) {
            return everything(&error);
        }
        let mut refused: Vec<(usize, KernelError)> = Vec::new();
        let mut lost: Option<KernelError> = None;
        loop {
            let datagram = match self.socket.receive(lost.is_some()) {
                Ok(datagram) => datagram,
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    let text = "the kernel's answers were lost: the receive buffer is too small".to_owned();
                    lost = Some(KernelError { errno: KernelError::ETIMEDOUT, text });
                    continue;
                }
                Err(error) => {
                    let text = format!("no answer from the kernel: {error}");
                    lost.get_or_insert(KernelError { errno: KernelError::ETIMEDOUT, text });
                    break;
                }
            };
            let mut complete = false;
            for raw in messages(datagram) {
                let index = raw.sequence.wrapping_sub(first) as usize;
                if index >= count {
                    continue; // a late answer to an earlier send
                }
                if let Reply::Refused(error) = reply(raw) {
                    refused.push((index, error));
                }
                complete |= index + 1 == count;
            }
            if complete {
                break;
            }
        }
        if let Some(lost) = lost {
            let known: std::collections::HashSet<usize> = refused.iter().map(|(index, _)| *index).collect();
            let unknown = (0..count).filter(|index| !known.contains(index));
            let unknown: Vec<_> = unknown.map(|index| (index, lost.clone())).collect();
            refused.extend(unknown);
        }
        refused
    }

    /// What a refusal means: `None` if all is well in truth.
    fn judge(&mut self, settings: &Settings, op: &Op, error: KernelError) -> Option<KernelError> {
        match op {
            Op::DeleteRoute(_) | Op::DeleteOld(_) | Op::DeleteGroup(_) | Op::DeleteNextHop(_) => {
                let gone = [libc::ENOENT, libc::ESRCH, libc::EEXIST, libc::ENODEV].contains(&error.errno);
                (!gone).then_some(error)
            }
            Op::AddRoute(prefix, target) if error.errno == libc::EEXIST => self.collision(settings, prefix, *target),
            Op::AddRoute(..) | Op::ReplaceRoute(..) | Op::AddNextHop(_) | Op::SetGroup(_) => Some(error),
        }
    }

    /// A route of the prefix with our metric is there, which we did not know of. Ours is led where it should; somebody
    /// else's is left alone, although the kernel would let us replace it.
    fn collision(&mut self, settings: &Settings, prefix: &Prefix, target: Target) -> Option<KernelError> {
        let result = match self.owner(settings, prefix) {
            Some(protocol) if protocol == settings.protocol || self.former.contains(&protocol) => {
                self.one(settings, &Op::ReplaceRoute(*prefix, target))
            }
            Some(protocol) => return Some(foreign(settings, prefix, Some(protocol))),
            // The way there is barred by another route. Deleting touches ours alone: if there is still one, it is not.
            None => {
                let metric = super::request::metric(settings, prefix.family());
                for protocol in [settings.protocol].into_iter().chain(self.former.clone()) {
                    let old =
                        OldRoute { prefix: *prefix, table: settings.table, protocol, metric, target: Target::Other };
                    let _ = self.one(settings, &Op::DeleteOld(old));
                }
                self.one(settings, &Op::AddRoute(*prefix, target))
            }
        };
        match result {
            Ok(Ok(())) => None,
            Ok(Err(error)) if error.errno == libc::EEXIST => Some(foreign(settings, prefix, None)),
            Ok(Err(error)) => Some(error),
            Err(error) => Some(KernelError { errno: KernelError::ETIMEDOUT, text: error.to_string() }),
        }
    }

    /// Whose the route of exactly this prefix, our table and our metric is, if the kernel's look-up ends there.
    fn owner(&mut self, settings: &Settings, prefix: &Prefix) -> Option<u8> {
        let sequence = self.socket.sequence(1);
        self.requests.clear();
        self.requests.route_for(prefix, sequence);
        let mut found = None;
        let part = |raw: super::socket::Raw<'_>| found = dump::route(raw.body, prefix.family());
        self.socket.ask(self.requests.octets(), sequence, part).ok()?.ok()?;
        let route = found?;
        let same = route.prefix == Some(*prefix)
            && route.table == settings.table
            && route.metric == super::request::metric(settings, prefix.family());
        same.then_some(route.protocol)
    }

    fn one(&mut self, settings: &Settings, op: &Op) -> io::Result<Result<(), KernelError>> {
        let sequence = self.socket.sequence(1);
        self.requests.clear();
        self.requests.op(settings, op, sequence);
        self.requests.acknowledge();
        self.socket.ask(self.requests.octets(), sequence, |_| {})
    }

    fn put(&mut self, message: &NexthopMessage) -> io::Result<Result<(), KernelError>> {
        let sequence = self.socket.sequence(1);
        self.requests.clear();
        self.requests.nexthop(RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, sequence, message);
        self.socket.ask(self.requests.octets(), sequence, |_| {})
    }
}

/// What the kernel's refusal to delete a next hop that does not exist tells of it.
fn able(error: &KernelError, release: String) -> Result<(), ProbeError> {
    match error.errno {
        libc::ENOENT => Ok(()), // it knows what a next hop is, and we may
        libc::EPERM => Err(ProbeError::NotPermitted),
        _ => Err(ProbeError::NoNextHops(release)),
    }
}

fn foreign(settings: &Settings, prefix: &Prefix, protocol: Option<u8>) -> KernelError {
    let metric = super::request::metric(settings, prefix.family());
    let whose = protocol.map_or_else(String::new, |protocol| format!(" (protocol {protocol})"));
    let text = format!("another program's route{whose} with our metric {metric} is in the way");
    KernelError { errno: KernelError::EEXIST, text }
}

/// The running kernel, for people.
fn release() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease")
        .map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_lacks_or_forbids_is_said_in_one_sentence_with_the_way_out() {
        let said = |errno| {
            let error = KernelError { errno, text: String::new() };
            able(&error, "4.19.0".to_owned()).map_err(|error| error.to_string())
        };
        assert_eq!(said(libc::ENOENT), Ok(()));
        // A kernel before 5.3 does not know the kind of message.
        let old = said(libc::EOPNOTSUPP).unwrap_err();
        assert!(old.contains("4.19.0") && old.contains("nexthop objects") && old.contains("5.3"), "{old}");
        let forbidden = said(libc::EPERM).unwrap_err();
        assert!(forbidden.contains("CAP_NET_ADMIN"), "{forbidden}");
    }
}
