//! A routing socket with a large buffer, a time limit, and the kernel's own words for every error.

use std::{io, time::Duration};

use netlink_packet_core::{NLMSG_DONE, NLMSG_ERROR, NlasIterator};
use netlink_sys::{Socket as Netlink, SocketAddr, protocols::NETLINK_ROUTE};
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::TimeVal;

use crate::fib::KernelError;

use super::request::HEADER;

/// Room for the errors of a whole send: each is charged about a KiB.
const RECEIVE_BUFFER: usize = 8 << 20;
/// The kernel answers within the system call that asks, so this is for a kernel that is in trouble.
const LIMIT: Duration = Duration::from_secs(10);
/// The largest datagram of a dump (the kernel makes them up to 32 KiB), with room to spare.
const DATAGRAM: usize = 64 << 10;

/// One message of a datagram.
#[derive(Clone, Copy)]
pub(super) struct Raw<'a> {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) sequence: u32,
    /// Who caused it: the port of a socket, 0 for the kernel by itself.
    pub(super) port: u32,
    pub(super) body: &'a [u8],
}

/// What became of a request.
pub(super) enum Reply<'a> {
    /// It was carried out, or the dump is complete.
    Done,
    /// It was refused.
    Refused(KernelError),
    /// A part of the answer.
    Part(Raw<'a>),
}

/// A blocking socket.
pub(super) struct Socket {
    inner: Netlink,
    port: u32,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Socket {
    pub(super) fn open() -> io::Result<Self> {
        let mut inner = Netlink::new(NETLINK_ROUTE)?;
        let port = inner.bind_auto()?.port_number();
        inner.connect(&SocketAddr::new(0, 0))?;
        inner.set_ext_ack(true)?;
        inner.set_cap_ack(true)?;
        inner.set_netlink_get_strict_chk(true)?;
        enlarge(&inner);
        setsockopt(&inner, sockopt::ReceiveTimeout, &TimeVal::new(LIMIT.as_secs().cast_signed(), 0))?;
        Ok(Self { inner, port, sequence: 0, buffer: Vec::with_capacity(DATAGRAM) })
    }

    /// What the kernel calls it: notifications of what it caused carry this number.
    pub(super) fn port(&self) -> u32 {
        self.port
    }

    /// Sequence numbers for `count` requests: the first of them.
    pub(super) fn sequence(&mut self, count: u32) -> u32 {
        let first = self.sequence.wrapping_add(1);
        self.sequence = self.sequence.wrapping_add(count);
        first
    }

    pub(super) fn send(&self, octets: &[u8]) -> io::Result<()> {
        loop {
            match self.inner.send(octets, 0) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result.map(drop),
            }
        }
    }

    /// The next datagram, within the limit. `now` does not wait at all.
    pub(super) fn receive(&mut self, now: bool) -> io::Result<&[u8]> {
        let flags = if now { libc::MSG_DONTWAIT } else { 0 };
        loop {
            self.buffer.clear();
            match self.inner.recv(&mut self.buffer, flags) {
                Ok(_) => return Ok(&self.buffer),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends one request and hands every part of the answer to `part`. An interrupted dump is an error of kind
    /// `Interrupted`: the caller asks again.
    pub(super) fn ask(
        &mut self,
        octets: &[u8],
        sequence: u32,
        mut part: impl FnMut(Raw<'_>),
    ) -> io::Result<Result<(), KernelError>> {
        const NLM_F_MULTI: u16 = 2;
        const NLM_F_DUMP_INTR: u16 = 16;
        self.send(octets)?;
        let mut torn = false;
        loop {
            let datagram = self.receive(false)?;
            for raw in messages(datagram).filter(|raw| raw.sequence == sequence) {
                torn |= raw.flags & NLM_F_DUMP_INTR != 0;
                match reply(raw) {
                    Reply::Done if torn => return Err(io::ErrorKind::Interrupted.into()),
                    Reply::Done => return Ok(Ok(())),
                    Reply::Refused(error) => return Ok(Err(error)),
                    Reply::Part(raw) => {
                        part(raw);
                        if raw.flags & NLM_F_MULTI == 0 {
                            return Ok(Ok(()));
                        }
                    }
                }
            }
        }
    }
}

/// As much receive buffer as we may have.
pub(super) fn enlarge(socket: &Netlink) {
    if setsockopt(socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
        let _ = setsockopt(socket, sockopt::RcvBuf, &RECEIVE_BUFFER); // then what the system gave
    }
}

/// The messages of a datagram; a broken one ends it.
pub(super) fn messages(mut octets: &[u8]) -> impl Iterator<Item = Raw<'_>> {
    std::iter::from_fn(move || {
        let (header, _) = octets.split_first_chunk::<HEADER>()?;
        let [a, b, c, d, k1, k2, f1, f2, s1, s2, s3, s4, p1, p2, p3, p4] = *header;
        let length = u32::from_ne_bytes([a, b, c, d]) as usize;
        let body = octets.get(HEADER..length)?;
        octets = octets.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Raw {
            kind: u16::from_ne_bytes([k1, k2]),
            flags: u16::from_ne_bytes([f1, f2]),
            sequence: u32::from_ne_bytes([s1, s2, s3, s4]),
            port: u32::from_ne_bytes([p1, p2, p3, p4]),
            body,
        })
    })
}

/// What a message says of its request.
pub(super) fn reply(raw: Raw<'_>) -> Reply<'_> {
    if raw.kind != NLMSG_ERROR && raw.kind != NLMSG_DONE {
        return Reply::Part(raw);
    }
    let Some((code, rest)) = raw.body.split_first_chunk::<4>() else { return Reply::Done };
    let code = i32::from_ne_bytes(*code);
    if code >= 0 {
        return Reply::Done;
    }
    // With NETLINK_CAP_ACK the attributes follow the header of the request; at the end of a dump they follow the code.
    let attributes = if raw.kind == NLMSG_ERROR { rest.get(HEADER..).unwrap_or_default() } else { rest };
    let errno = -code;
    Reply::Refused(KernelError { errno, text: words(attributes).unwrap_or_else(|| meaning(errno)) })
}

/// The kernel's own text: `NLMSGERR_ATTR_MSG`.
fn words(attributes: &[u8]) -> Option<String> {
    const NLMSGERR_ATTR_MSG: u16 = 1;
    let text = NlasIterator::new(attributes).flatten().find(|nla| nla.kind() == NLMSGERR_ATTR_MSG)?;
    let text = String::from_utf8_lossy(text.value());
    Some(text.trim_end_matches(['\0', '.']).to_owned()).filter(|text| !text.is_empty())
}

/// The usual words for an error number.
pub(super) fn meaning(errno: i32) -> String {
    nix::errno::Errno::from_raw(errno).desc().to_owned()
}
