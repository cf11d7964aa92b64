//! Where routes that are not ours lead to an address.

use std::{io, net::IpAddr};

use netlink_packet_core::{NlasIterator, parse_ip, parse_u32};

use crate::fib::Lead;
use crate::fib::Settings;
use crate::types::Family;
use crate::types::LinkIndex;
use crate::types::Prefix;

use super::dump;
use super::request::RTA_GATEWAY;
use super::request::RTA_OIF;
use super::request::RTA_VIA;
use super::request::Requests;
use super::socket::Socket;

/// Asks the kernel, an address at a time.
pub struct Resolver {
    socket: Socket,
    protocol: u8,
}

/// What the kernel says of an address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Found {
    /// A route of somebody else, or a network of this host, leads there.
    Lead(Lead),
    /// A route of ours does, which proves nothing: it may be there because of this very address.
    Ours,
    /// Nothing does, or a default route only.
    Nothing,
}

impl Resolver {
    /// Opens a socket in the network namespace of the calling thread.
    pub fn open(settings: &Settings) -> io::Result<Self> {
        Ok(Self { socket: Socket::open()?, protocol: settings.protocol })
    }

    /// The way that packets to the address take now.
    pub fn find(&mut self, address: IpAddr) -> io::Result<Found> {
        let family = Family::of(address);
        // The entry first: its length and who made it. Then the way itself, which an entry may have several of.
        let entry = self.ask(address, true, |body| dump::route(body, family))?;
        match entry {
            Some(entry) if entry.protocol == self.protocol => return Ok(Found::Ours),
            Some(entry) if entry.prefix.is_some_and(|prefix| prefix.len() > 0) => {}
            _ => return Ok(Found::Nothing),
        }
        let lead = self.ask(address, false, lead)?;
        Ok(lead.map_or(Found::Nothing, Found::Lead))
    }

    fn ask<T>(&mut self, address: IpAddr, entry: bool, read: impl Fn(&[u8]) -> Option<T>) -> io::Result<Option<T>> {
        let mut requests = Requests::default();
        let sequence = self.socket.sequence(1);
        requests.way_to(&Prefix::host(address), entry, sequence);
        let mut found = None;
        // The kernel's refusal is an answer: there is no way.
        let _ = self.socket.ask(requests.octets(), sequence, |raw| found = read(raw.body))?;
        Ok(found)
    }
}

/// Interface and gateway of an answer.
fn lead(body: &[u8]) -> Option<Lead> {
    let (header, attributes) = body.split_first_chunk::<12>()?;
    const RTN_UNICAST: u8 = 1;
    if header.get(7) != Some(&RTN_UNICAST) {
        return None;
    }
    let (mut link, mut gateway) = (None, None);
    for nla in NlasIterator::new(attributes) {
        let nla = nla.ok()?;
        match nla.kind() {
            RTA_OIF => link = LinkIndex::new(parse_u32(nla.value()).ok()?),
            RTA_GATEWAY => gateway = Some(parse_ip(nla.value()).ok()?),
            // A family in two octets, then the address.
            RTA_VIA => gateway = Some(parse_ip(nla.value().get(2..)?).ok()?),
            _ => {}
        }
    }
    Some(Lead { link: link?, gateway })
}
