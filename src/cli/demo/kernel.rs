//! What the kernel of a node holds: its nexthop groups, read by a short dump of our own.
//!
//! It shares no code with the speakers that the demo measures, and never changes anything.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use netlink_sys::{Socket, protocols::NETLINK_ROUTE};

use super::node::Node;

const RTM_NEWNEXTHOP: u16 = 104;
const RTM_GETNEXTHOP: u16 = 106;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST_DUMP: u16 = 0x1 | 0x300;
const NHA_ID: u16 = 1;
const NHA_GROUP: u16 = 2;
const NHA_OIF: u16 = 5;
const NLA_TYPE: u16 = 0x3fff;
const HEADER: usize = 16;
const NHMSG: usize = 8;

/// A window into one node's kernel.
#[derive(Debug)]
pub struct Kernel {
    socket: Socket,
}

impl Kernel {
    /// Opens it in the node's namespace.
    pub fn open(node: &Node) -> anyhow::Result<Self> {
        let socket = node.within(|| Ok(Socket::new(NETLINK_ROUTE)?))?;
        Ok(Self { socket })
    }

    /// Every group, as the interfaces of its members. Empty when there is no group.
    pub fn groups(&self) -> anyhow::Result<Vec<Vec<u32>>> {
        let length = u32::try_from(HEADER + NHMSG)?;
        let mut request = Vec::with_capacity(HEADER + NHMSG);
        request.extend(length.to_ne_bytes());
        request.extend(RTM_GETNEXTHOP.to_ne_bytes());
        request.extend(NLM_F_REQUEST_DUMP.to_ne_bytes());
        request.extend([0; 8 + NHMSG]); // sequence and port by the kernel; any family
        self.socket.send(&request, 0).context("cannot ask the kernel for its next hops")?;
        let mut found = Found::default();
        loop {
            let (octets, _) = self.socket.recv_from_full().context("the kernel does not answer")?;
            if found.read(&octets)? {
                break;
            }
        }
        let interfaces = |ids: Vec<u32>| ids.iter().filter_map(|id| found.interfaces.get(id).copied()).collect();
        Ok(found.groups.into_iter().map(interfaces).collect())
    }
}

#[derive(Default)]
struct Found {
    interfaces: BTreeMap<u32, u32>,
    groups: Vec<Vec<u32>>,
}

impl Found {
    /// Reads one datagram; true when it ends the dump.
    fn read(&mut self, mut octets: &[u8]) -> anyhow::Result<bool> {
        while let (Some(length), Some(kind)) = (number(octets, 0), short(octets, 4)) {
            let length = usize::try_from(length)?;
            let Some(message) = octets.get(HEADER..length) else { bail!("a netlink message is cut short") };
            match kind {
                NLMSG_DONE => return Ok(true),
                NLMSG_ERROR => bail!("the kernel refuses: no nexthop objects before Linux 5.3"),
                RTM_NEWNEXTHOP => self.next_hop(message.get(NHMSG..).unwrap_or_default()),
                _ => {}
            }
            octets = octets.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Ok(false)
    }

    fn next_hop(&mut self, mut attributes: &[u8]) {
        let (mut id, mut interface, mut group) = (None, None, None);
        while let (Some(length), Some(kind)) = (short(attributes, 0), short(attributes, 2)) {
            let length = usize::from(length);
            let Some(value) = attributes.get(4..length) else { break };
            match kind & NLA_TYPE {
                NHA_ID => id = number(value, 0),
                NHA_OIF => interface = number(value, 0),
                NHA_GROUP => group = Some(carrying(value)),
                _ => {}
            }
            attributes = attributes.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        self.groups.extend(group);
        if let (Some(id), Some(interface)) = (id, interface) {
            self.interfaces.insert(id, interface);
        }
    }
}

/// The members of a group but a keeper, which is the last one and has no bucket beside the large shares of the others.
fn carrying(members: &[u8]) -> Vec<u32> {
    let mut ids: Vec<u32> = members.chunks_exact(8).filter_map(|member| number(member, 0)).collect();
    let large = |member: &[u8]| member.get(4) == Some(&u8::MAX) || member.get(5).is_some_and(|high| *high > 0);
    if members.chunks_exact(8).any(large) {
        ids.pop();
    }
    ids
}

fn number(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..)?.first_chunk().map(|octets| u32::from_ne_bytes(*octets))
}

fn short(octets: &[u8], at: usize) -> Option<u16> {
    octets.get(at..)?.first_chunk().map(|octets| u16::from_ne_bytes(*octets))
}
