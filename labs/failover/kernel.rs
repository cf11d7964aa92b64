//! What a node's kernel is asked and told, over a netlink socket of its own: which way a flow goes, through which
//! interfaces a prefix is reached, and that an interface shall go down or away.
//!
//! It reads and writes netlink by itself, sharing no code with what is measured.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

const NLMSG_ERROR: u16 = 2;
const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_GETROUTE: u16 = 26;
const RTM_GETNEXTHOP: u16 = 106;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;

const IFF_UP: u32 = 1;
const IFLA_MASTER: u16 = 10;

const RTA_DST: u16 = 1;
const RTA_SRC: u16 = 2;
const RTA_IIF: u16 = 3;
const RTA_OIF: u16 = 4;
const RTA_MULTIPATH: u16 = 9;
const RTA_IP_PROTO: u16 = 27;
const RTA_SPORT: u16 = 28;
const RTA_DPORT: u16 = 29;
const RTA_NH_ID: u16 = 30;
/// The route as it is stored, not what it comes to.
const RTM_F_FIB_MATCH: u32 = 0x2000;

const NHA_GROUP: u16 = 2;
const NHA_OIF: u16 = 5;

const HEADER: usize = 16;
const ROUTE_HEADER: usize = 12;
const NEXT_HOP_HEADER: usize = 8;
/// Of a `struct rtnexthop` and of a `struct nexthop_grp`.
const ENTRY: usize = 8;
const AF_INET: u8 = 2;
const UDP: u8 = 17;

/// One flow, as the kernel hashes it.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// From.
    pub source: Ipv4Addr,
    /// To.
    pub destination: Ipv4Addr,
    /// UDP.
    pub source_port: u16,
    /// UDP.
    pub destination_port: u16,
    /// The index of the interface through which it comes in.
    pub through: u32,
}

impl Question {
    fn body(&self) -> Vec<u8> {
        let mut body = vec![AF_INET, 32, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        attribute(&mut body, RTA_DST, &self.destination.octets());
        attribute(&mut body, RTA_SRC, &self.source.octets());
        attribute(&mut body, RTA_IIF, &self.through.to_ne_bytes());
        attribute(&mut body, RTA_IP_PROTO, &[UDP]);
        attribute(&mut body, RTA_SPORT, &self.source_port.to_be_bytes());
        attribute(&mut body, RTA_DPORT, &self.destination_port.to_be_bytes());
        body
    }
}

/// An open socket.
#[derive(Debug)]
pub struct Kernel {
    socket: Socket,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Kernel {
    /// Opens it, in the network namespace of the calling thread.
    pub fn open() -> Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { socket, sequence: 0, buffer: vec![0; 32 * 1024] })
    }

    /// The index of the interface to which a packet of the flow is forwarded now; `None` where there is no way.
    pub fn way(&mut self, question: &Question) -> Result<Option<u32>> {
        Ok(self.ways(std::slice::from_ref(question))?.1.into_iter().next().flatten())
    }

    /// The same of several flows, in their order, asked at once; and when all was answered, for the kernel does so while
    /// it is asked.
    pub fn ways(&mut self, questions: &[Question]) -> Result<(Instant, Vec<Option<u32>>)> {
        let mut messages = Vec::new();
        for question in questions {
            messages.extend(self.message(RTM_GETROUTE, NLM_F_REQUEST, &question.body())?);
        }
        self.socket.send(&messages, 0)?;
        let at = Instant::now();
        let first = self.sequence + 1 - u32::try_from(questions.len())?;
        let mut ways = Vec::with_capacity(questions.len());
        for sequence in first..=self.sequence {
            let way = self.answer(sequence)?.ok();
            ways.push(way.and_then(|answer| find(&answer, ROUTE_HEADER, RTA_OIF).and_then(word)));
        }
        Ok((at, ways))
    }

    /// The indexes of the interfaces through which the address is reached, however the kernel keeps them; a member of a
    /// group whose share is a hundredth of another's carries nothing and does not count.
    pub fn members(&mut self, address: Ipv4Addr) -> Result<BTreeSet<u32>> {
        let mut body = vec![AF_INET, 32, 0, 0, 0, 0, 0, 0];
        body.extend(RTM_F_FIB_MATCH.to_ne_bytes());
        attribute(&mut body, RTA_DST, &address.octets());
        let Ok(answer) = self.ask(RTM_GETROUTE, NLM_F_REQUEST, &body)? else { return Ok(BTreeSet::new()) };
        if let Some(id) = find(&answer, ROUTE_HEADER, RTA_NH_ID).and_then(word) {
            return self.next_hop(id);
        }
        if let Some(hops) = find(&answer, ROUTE_HEADER, RTA_MULTIPATH) {
            return Ok(hops_of(hops));
        }
        Ok(find(&answer, ROUTE_HEADER, RTA_OIF).and_then(word).into_iter().collect())
    }

    /// The interfaces of a next hop, or of a group of them.
    fn next_hop(&mut self, id: u32) -> Result<BTreeSet<u32>> {
        let mut body = vec![0; NEXT_HOP_HEADER];
        attribute(&mut body, 1, &id.to_ne_bytes()); // NHA_ID
        let Ok(answer) = self.ask(RTM_GETNEXTHOP, NLM_F_REQUEST, &body)? else { return Ok(BTreeSet::new()) };
        let Some(group) = find(&answer, NEXT_HOP_HEADER, NHA_GROUP) else {
            return Ok(find(&answer, NEXT_HOP_HEADER, NHA_OIF).and_then(word).into_iter().collect());
        };
        let shares: Vec<(u32, u32)> = group.chunks_exact(ENTRY).filter_map(share).collect();
        let most = shares.iter().map(|(_, share)| *share).max().unwrap_or_default();
        let mut members = BTreeSet::new();
        for (id, _) in shares.iter().filter(|(_, share)| share * 100 > most) {
            members.extend(self.next_hop(*id)?);
        }
        Ok(members)
    }

    /// Sets an interface up or down.
    pub fn set(&mut self, index: u32, up: bool) -> Result<()> {
        self.tell(RTM_NEWLINK, &link(index, if up { IFF_UP } else { 0 }, IFF_UP))
    }

    /// Deletes an interface.
    pub fn delete(&mut self, index: u32) -> Result<()> {
        self.tell(RTM_DELLINK, &link(index, 0, 0))
    }

    /// Puts an interface into a bridge, or takes it out.
    pub fn master(&mut self, index: u32, bridge: Option<u32>) -> Result<()> {
        let mut body = link(index, 0, 0);
        attribute(&mut body, IFLA_MASTER, &bridge.unwrap_or_default().to_ne_bytes());
        self.tell(RTM_NEWLINK, &body)
    }

    fn tell(&mut self, kind: u16, body: &[u8]) -> Result<()> {
        match self.ask(kind, NLM_F_REQUEST | NLM_F_ACK, body)? {
            Ok(_) => Ok(()),
            Err(number) => bail!("the kernel says {}", std::io::Error::from_raw_os_error(number)),
        }
    }

    /// One message and its answer: the body of what came back, or the kernel's error number.
    fn ask(&mut self, kind: u16, flags: u16, body: &[u8]) -> Result<Result<Vec<u8>, i32>> {
        let message = self.message(kind, flags, body)?;
        self.socket.send(&message, 0)?;
        self.answer(self.sequence)
    }

    /// A message with the next number.
    fn message(&mut self, kind: u16, flags: u16, body: &[u8]) -> Result<Vec<u8>> {
        self.sequence += 1;
        let mut message = u32::try_from(HEADER + body.len())?.to_ne_bytes().to_vec();
        message.extend(kind.to_ne_bytes());
        message.extend(flags.to_ne_bytes());
        message.extend(self.sequence.to_ne_bytes());
        message.extend([0; 4]);
        message.extend(body);
        Ok(message)
    }

    /// The answer to the message with that number.
    fn answer(&mut self, sequence: u32) -> Result<Result<Vec<u8>, i32>> {
        loop {
            let mut free: &mut [u8] = &mut self.buffer;
            let length = self.socket.recv(&mut free, 0)?;
            let answer = self.buffer.get(..length).context("a longer answer than there is room for")?;
            let header = answer.get(..HEADER).context("an answer without a header")?;
            let half =
                |at: usize| header.get(at..at + 2).and_then(|two| Some(u16::from_ne_bytes(two.try_into().ok()?)));
            if header.get(8..).and_then(word) != Some(sequence) {
                continue;
            }
            let rest = answer.get(HEADER..).unwrap_or_default();
            if half(4) != Some(NLMSG_ERROR) {
                return Ok(Ok(rest.to_vec()));
            }
            let number = word(rest).map(u32::cast_signed).unwrap_or_default();
            return Ok(if number == 0 { Ok(Vec::new()) } else { Err(-number) });
        }
    }
}

/// The index of an interface, in the network namespace of the calling thread.
pub fn index(name: &str) -> Result<u32> {
    let index = nix::net::if_::if_nametoindex(name).with_context(|| format!("there is no interface {name}"))?;
    ensure!(index > 0, "interface {name} has no index");
    Ok(index)
}

fn link(index: u32, flags: u32, change: u32) -> Vec<u8> {
    [[0; 4], index.to_ne_bytes(), flags.to_ne_bytes(), change.to_ne_bytes()].concat()
}

fn attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(4 + value.len()).expect("a few octets");
    body.extend(length.to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

/// The value of the first attribute of a kind, behind a fixed header.
fn find(answer: &[u8], header: usize, wanted: u16) -> Option<&[u8]> {
    let mut rest = answer.get(header..)?;
    loop {
        let length = usize::from(u16::from_ne_bytes(rest.get(..2)?.try_into().ok()?));
        let kind = u16::from_ne_bytes(rest.get(2..4)?.try_into().ok()?);
        let value = rest.get(4..length)?;
        if kind & 0x3fff == wanted {
            return Some(value);
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
}

fn word(value: &[u8]) -> Option<u32> {
    Some(u32::from_ne_bytes(value.get(..4)?.try_into().ok()?))
}

/// The id and the share of a member of a group: 16 bits, in two places, and one less than what it is.
fn share(entry: &[u8]) -> Option<(u32, u32)> {
    let (low, high) = (entry.get(4)?, entry.get(5)?);
    Some((word(entry)?, u32::from(u16::from_be_bytes([*high, *low])) + 1))
}

/// The interfaces of the next hops inside of RTA_MULTIPATH.
fn hops_of(mut hops: &[u8]) -> BTreeSet<u32> {
    let mut members = BTreeSet::new();
    while let Some(entry) = hops.get(..ENTRY) {
        let length = entry.first().zip(entry.get(1)).map_or(0, |(low, high)| u16::from_ne_bytes([*low, *high]));
        members.extend(entry.get(4..).and_then(word));
        let Some(rest) = hops.get(usize::from(length.max(8)).next_multiple_of(4)..) else { break };
        hops = rest;
    }
    members
}
