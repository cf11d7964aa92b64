//! Links and their addresses, as they change.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
    net::IpAddr,
};

use netlink_packet_core::{NLM_F_DUMP, NlasIterator, parse_ip, parse_string};
use netlink_sys::{AsyncSocket, AsyncSocketExt, SocketAddr, TokioSocket, protocols::NETLINK_ROUTE};

use crate::types::LinkIndex;
use crate::types::Prefix;

use super::request::AF_UNSPEC;
use super::request::Requests;
use super::socket::Raw;
use super::socket::Socket;
use super::socket::enlarge;
use super::socket::messages;

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_GETLINK: u16 = 18;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const RTM_GETADDR: u16 = 22;
const IFLA_IFNAME: u16 = 3;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFF_UP: u32 = 1;
const IFF_LOWER_UP: u32 = 0x1_0000;
/// `RTMGRP_LINK`, `RTMGRP_IPV4_IFADDR`, `RTMGRP_IPV6_IFADDR`.
const GROUPS: u32 = 0x1 | 0x10 | 0x100;

/// A link as it is now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LinkEvent {
    /// Its index.
    pub index: LinkIndex,
    /// Its name now.
    pub name: String,
    /// Set up, and with a carrier: what the kernel wants of a link before it takes a next hop on it.
    pub up: bool,
    /// False once it is deleted or in another namespace.
    pub exists: bool,
    /// Its own addresses, each with the network that it puts on the link: behind a point-to-point address, the far end.
    pub addresses: BTreeSet<(IpAddr, Prefix)>,
}

/// What the monitor saw.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// A link changed, or was there at the start.
    Link(LinkEvent),
    /// Messages were lost. Every link that differs follows as an event; but one that went down and up again in the
    /// meantime does not, so what the kernel holds must be dumped.
    Lost,
}

/// Tells of every link at the start and of each change later, in order.
pub struct Monitor {
    socket: TokioSocket,
    links: BTreeMap<LinkIndex, LinkEvent>,
    ready: VecDeque<Event>,
    buffer: Vec<u8>,
}

impl Monitor {
    /// Subscribes, then reads what there is. Must be called within a tokio runtime.
    pub fn open() -> io::Result<Self> {
        let mut socket = TokioSocket::new(NETLINK_ROUTE)?;
        socket.socket_mut().bind(&SocketAddr::new(0, GROUPS))?;
        enlarge(socket.socket_ref());
        let buffer = Vec::with_capacity(64 << 10);
        let mut monitor = Self { socket, links: BTreeMap::new(), ready: VecDeque::new(), buffer };
        monitor.compare()?;
        Ok(monitor)
    }

    /// All links that there are now, whose events [`Monitor::next`] then leaves out: for the start.
    pub fn known(&mut self) -> Vec<LinkEvent> {
        self.ready.clear();
        self.links.values().cloned().collect()
    }

    /// The next event; waits for one. May be dropped while it waits.
    pub async fn next(&mut self) -> io::Result<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            self.buffer.clear();
            match self.socket.recv(&mut self.buffer).await {
                Ok(()) => {
                    let octets = std::mem::take(&mut self.buffer);
                    messages(&octets).for_each(|raw| self.note(raw));
                    self.buffer = octets;
                }
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    self.ready.push_back(Event::Lost);
                    self.compare()?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn note(&mut self, raw: Raw<'_>) {
        let before = self.links.clone();
        let Some(index) = apply(&mut self.links, raw) else { return };
        let now = self.links.get(&index);
        if now == before.get(&index) {
            return;
        }
        match now {
            Some(link) => self.ready.push_back(Event::Link(link.clone())),
            None => self.ready.extend(before.get(&index).map(gone)),
        }
    }

    /// Reads all links and addresses, and tells of those that differ from what we knew.
    fn compare(&mut self) -> io::Result<()> {
        let now = loop {
            match dump() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        let left = self.links.iter().filter(|(index, _)| !now.contains_key(index));
        self.ready.extend(left.map(|(_, link)| gone(link)));
        let changed = now.iter().filter(|(index, link)| self.links.get(index) != Some(link));
        self.ready.extend(changed.map(|(_, link)| Event::Link(link.clone())));
        self.links = now;
        Ok(())
    }
}

fn gone(link: &LinkEvent) -> Event {
    Event::Link(LinkEvent { up: false, exists: false, addresses: BTreeSet::new(), ..link.clone() })
}

fn dump() -> io::Result<BTreeMap<LinkIndex, LinkEvent>> {
    let mut socket = Socket::open()?;
    let mut links = BTreeMap::new();
    let mut requests = Requests::default();
    for (kind, header) in [(RTM_GETLINK, 16), (RTM_GETADDR, 8)] {
        let sequence = socket.sequence(1);
        requests.clear();
        requests.message(kind, NLM_F_DUMP, sequence, |out| out.resize(out.len() + header, 0));
        let dumped = socket.ask(requests.octets(), sequence, |raw| {
            let _ = apply(&mut links, raw);
        })?;
        dumped.map_err(|error| io::Error::other(format!("the kernel does not list its links: {error}")))?;
    }
    Ok(links)
}

/// Writes a message down; answers the link that it is about.
fn apply(links: &mut BTreeMap<LinkIndex, LinkEvent>, raw: Raw<'_>) -> Option<LinkIndex> {
    match raw.kind {
        RTM_NEWLINK | RTM_DELLINK => {
            let (header, attributes) = raw.body.split_first_chunk::<16>()?;
            let [family, _, _, _, i1, i2, i3, i4, f1, f2, f3, f4, ..] = *header;
            if family != AF_UNSPEC {
                return None; // about a bridge's port: leaving the bridge is no end of a link
            }
            let index = LinkIndex::new(u32::from_ne_bytes([i1, i2, i3, i4]))?;
            if raw.kind == RTM_DELLINK {
                links.remove(&index);
                return Some(index);
            }
            let flags = u32::from_ne_bytes([f1, f2, f3, f4]);
            let name = NlasIterator::new(attributes).flatten().find(|nla| nla.kind() == IFLA_IFNAME);
            let name = parse_string(name?.value()).ok()?;
            let up = flags & IFF_UP != 0 && flags & IFF_LOWER_UP != 0;
            let new = LinkEvent { index, name: String::new(), up, exists: true, addresses: BTreeSet::new() };
            let link = links.entry(index).or_insert(new);
            link.name = name;
            link.up = up;
            Some(index)
        }
        RTM_NEWADDR | RTM_DELADDR => {
            let (header, attributes) = raw.body.split_first_chunk::<8>()?;
            let [_, len, _, _, i1, i2, i3, i4] = *header;
            let index = LinkIndex::new(u32::from_ne_bytes([i1, i2, i3, i4]))?;
            let find = |kind| NlasIterator::new(attributes).flatten().find(|nla| nla.kind() == kind);
            // On a point-to-point link IFA_ADDRESS is the far end and IFA_LOCAL our own.
            let far = parse_ip(find(IFA_ADDRESS).or_else(|| find(IFA_LOCAL))?.value()).ok()?;
            let own = find(IFA_LOCAL).and_then(|nla| parse_ip(nla.value()).ok()).unwrap_or(far);
            let address = (own, Prefix::truncated(far, len).ok()?);
            let link = links.get_mut(&index)?;
            if raw.kind == RTM_NEWADDR {
                link.addresses.insert(address)
            } else {
                link.addresses.remove(&address)
            };
            Some(index)
        }
        _ => None,
    }
}
