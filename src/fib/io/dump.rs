//! What the kernel holds of ours.

use std::{io, net::IpAddr, time::Duration};

use netlink_packet_core::{NLM_F_DUMP, NlasIterator, Parseable, parse_ip, parse_u32};

use crate::fib::Group;
use crate::fib::Leftovers;
use crate::fib::NextHop;
use crate::fib::OldRoute;
use crate::fib::Settings;
use crate::fib::Table;
use crate::fib::Target;
use crate::types::Family;
use crate::types::LinkIndex;
use crate::types::Prefix;
use crate::types::Weight;

use super::nexthop::NexthopAttribute;
use super::nexthop::NexthopGroupEntry;
use super::nexthop::NexthopMessage;
use super::nexthop::RTM_GETNEXTHOP;
use super::nexthop::RTM_NEWNEXTHOP;
use super::nexthop::ResilientGroupAttribute;
use super::request::RTA_DST;
use super::request::RTA_GATEWAY;
use super::request::RTA_MULTIPATH;
use super::request::RTA_NH_ID;
use super::request::RTA_OIF;
use super::request::RTA_PRIORITY;
use super::request::RTA_TABLE;
use super::request::RTM_NEWROUTE;
use super::request::Requests;
use super::request::family_number;
use super::request::metric;
use super::socket::Socket;

const RTN_UNICAST: u8 = 1;
/// `RTN_BLACKHOLE`, `RTN_UNREACHABLE`, `RTN_PROHIBIT`, `RTN_THROW`: never ours, but perhaps where ours was.
const REFUSING: [u8; 4] = [6, 7, 8, 9];

/// What a route message says, as far as it matters here.
pub(super) struct Found {
    pub(super) prefix: Option<Prefix>,
    pub(super) table: u32,
    pub(super) protocol: u8,
    pub(super) metric: u32,
    pub(super) target: Target,
}

/// One pass over next hops, groups and routes. An error of kind `Interrupted` says that it was torn by a change.
pub(super) fn table(socket: &mut Socket, settings: &Settings) -> io::Result<Table> {
    let mut table = objects(socket, settings)?;
    routes(socket, settings, |prefix, target| {
        table.routes.insert(prefix, target);
    })?;
    Ok(table)
}

/// The same, and what runs before this one left under other settings: in one pass over the routes of our protocol number,
/// and one over those of each number that they used.
pub(super) fn find(socket: &mut Socket, settings: &Settings, former: &[u8]) -> io::Result<(Table, Leftovers)> {
    let (mut table, mut left) = (objects(socket, settings)?, Leftovers::default());
    for protocol in [settings.protocol].iter().chain(former.iter().filter(|former| **former != settings.protocol)) {
        all_routes(socket, *protocol, None, |route, family| {
            let Some(prefix) = route.prefix.filter(|_| route.protocol == *protocol) else { return };
            if is_ours(settings, &route, family) {
                table.routes.insert(prefix, route.target);
                return;
            }
            let Found { table, protocol, metric, target, .. } = route;
            let old = OldRoute { prefix, table, protocol, metric, target };
            if old.is_like_ours(|id| settings.owns(id)) {
                left.routes.push(old);
            }
        })?;
    }
    for protocol in former.iter().filter(|former| **former != settings.protocol) {
        let theirs = objects(socket, &Settings { protocol: *protocol, ..settings.clone() })?;
        left.groups.extend(theirs.groups.keys());
        left.next_hops.extend(theirs.next_hops.keys());
    }
    Ok((table, left))
}

fn is_ours(settings: &Settings, route: &Found, family: Family) -> bool {
    route.table == settings.table && route.protocol == settings.protocol && route.metric == metric(settings, family)
}

/// True if there is a resilient group of ours.
pub(super) fn any_group(socket: &mut Socket, settings: &Settings) -> io::Result<bool> {
    Ok(objects(socket, settings)?.groups.values().any(|group| group.buckets > 0))
}

/// One pass over next hops and groups.
pub(super) fn objects(socket: &mut Socket, settings: &Settings) -> io::Result<Table> {
    let mut table = Table::default();
    let mut requests = Requests::default();
    let sequence = socket.sequence(1);
    requests.nexthop(RTM_GETNEXTHOP, NLM_F_DUMP, sequence, &NexthopMessage::default());
    let dumped = socket.ask(requests.octets(), sequence, |raw| {
        if raw.kind == RTM_NEWNEXTHOP
            && let Ok(message) = NexthopMessage::parse(raw.body)
        {
            object(&mut table, settings, &message);
        }
    })?;
    dumped.map_err(|error| io::Error::other(format!("the kernel does not list its next hops: {error}")))?;
    Ok(table)
}

/// One pass over the routes of both families.
pub(super) fn routes(socket: &mut Socket, settings: &Settings, mut each: impl FnMut(Prefix, Target)) -> io::Result<()> {
    all_routes(socket, settings.protocol, Some(settings.table), |route, family| {
        if let Some(prefix) = route.prefix.filter(|_| is_ours(settings, &route, family)) {
            each(prefix, route.target);
        }
    })
}

fn all_routes(
    socket: &mut Socket,
    protocol: u8,
    table: Option<u32>,
    mut each: impl FnMut(Found, Family),
) -> io::Result<()> {
    let mut requests = Requests::default();
    for family in Family::ALL {
        let sequence = socket.sequence(1);
        requests.clear();
        requests.dump_routes(protocol, table, family, sequence);
        let dumped = socket.ask(requests.octets(), sequence, |raw| {
            if raw.kind == RTM_NEWROUTE
                && let Some(found) = route(raw.body, family)
            {
                each(found, family);
            }
        })?;
        match dumped {
            // No such table, or a kernel without the family: then it holds nothing of ours.
            Err(error) if [libc::ENOENT, libc::EAFNOSUPPORT, libc::EOPNOTSUPP].contains(&error.errno) => {}
            Err(error) => {
                return Err(io::Error::other(format!("the kernel does not list its {family} routes: {error}")));
            }
            Ok(()) => {}
        }
    }
    Ok(())
}

/// A next hop or group, as far as it can be one of ours.
pub(super) enum Object {
    Hop(NextHop),
    Group(Group),
    /// A blackhole, or broken.
    Other,
}

fn object(table: &mut Table, settings: &Settings, message: &NexthopMessage) {
    let Some((id, object)) = read(message).filter(|(id, _)| settings.owns(*id)) else { return };
    match object {
        _ if message.header.protocol != settings.protocol => drop(table.taken.insert(id)),
        Object::Group(group) => drop(table.groups.insert(id, group)),
        Object::Hop(hop) => drop(table.next_hops.insert(id, hop)),
        Object::Other => drop(table.taken.insert(id)),
    }
}

/// Reads a message about a next hop or group; `None` for one without an id.
pub(super) fn read(message: &NexthopMessage) -> Option<(u32, Object)> {
    let mut id = None;
    let mut link = None;
    let mut gateway = None;
    let mut members: Option<Vec<(u32, Weight)>> = None;
    let mut buckets = 0;
    let mut idle_timer = Duration::ZERO;
    for attribute in &message.attributes {
        match attribute {
            NexthopAttribute::Id(value) => id = Some(*value),
            NexthopAttribute::Oif(index) => link = LinkIndex::new(*index),
            NexthopAttribute::Gateway(address) => gateway = Some(*address),
            NexthopAttribute::Group(entries) => {
                let weight = |entry: &NexthopGroupEntry| {
                    let told = u16::from_be_bytes([entry.weight_high, entry.weight]);
                    Weight::new(told.saturating_add(1)).unwrap_or(Weight::ONE)
                };
                members = Some(entries.iter().map(|entry| (entry.id, weight(entry))).collect());
            }
            NexthopAttribute::ResilientGroup(attributes) => {
                for attribute in attributes {
                    match attribute {
                        ResilientGroupAttribute::Buckets(value) => buckets = *value,
                        ResilientGroupAttribute::IdleTimer(value) => {
                            idle_timer = Duration::from_millis(u64::from(*value) * 10);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    let family = if message.header.family == family_number(Family::Ipv6) { Family::Ipv6 } else { Family::Ipv4 };
    let id = id?;
    let object = match (members, link) {
        (Some(members), _) => Object::Group(Group { id, members, buckets, idle_timer }),
        (None, Some(link)) => Object::Hop(NextHop { id, family, link, gateway }),
        (None, None) => Object::Other,
    };
    Some((id, object))
}

/// Reads a route message; `None` for one that is broken, of another family, or of a kind that nobody adds.
pub(super) fn route(body: &[u8], family: Family) -> Option<Found> {
    let (header, attributes) = body.split_first_chunk::<12>()?;
    let [number, len, _, tos, table, protocol, _, kind, f1, f2, f3, f4] = *header;
    const RTM_F_CLONED: u32 = 0x200;
    let cloned = u32::from_ne_bytes([f1, f2, f3, f4]) & RTM_F_CLONED != 0;
    if number != family_number(family) || tos != 0 || !(kind == RTN_UNICAST || REFUSING.contains(&kind)) || cloned {
        return None;
    }
    let mut address = match family {
        Family::Ipv4 => IpAddr::from([0; 4]),
        Family::Ipv6 => IpAddr::from([0; 16]),
    };
    let mut found = Found { prefix: None, table: u32::from(table), protocol, metric: 0, target: Target::Other };
    let mut link = None;
    let mut group = None;
    let mut plain = kind == RTN_UNICAST;
    for nla in NlasIterator::new(attributes) {
        let nla = nla.ok()?;
        match nla.kind() {
            RTA_DST => address = parse_ip(nla.value()).ok()?,
            RTA_TABLE => found.table = parse_u32(nla.value()).ok()?,
            RTA_PRIORITY => found.metric = parse_u32(nla.value()).ok()?,
            RTA_NH_ID => group = Some(parse_u32(nla.value()).ok()?),
            RTA_OIF => link = LinkIndex::new(parse_u32(nla.value()).ok()?),
            RTA_GATEWAY | RTA_MULTIPATH => plain = false,
            _ => {}
        }
    }
    found.prefix = Prefix::new(address, len).ok();
    found.target = match (group, link) {
        (Some(id), _) if kind == RTN_UNICAST => Target::Group(id),
        (None, Some(link)) if plain => Target::Link(link),
        _ => Target::Other,
    };
    Some(found)
}
