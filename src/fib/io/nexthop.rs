//! Messages about nexthop objects (`linux/nexthop.h`), in the shape of netlink-packet-route, which lacks them.

use std::net::IpAddr;

use netlink_packet_core::{
    DecodeError, DefaultNla, Emitable, ErrorContext, NLA_F_NESTED, Nla, NlaBuffer, NlasIterator, Parseable, emit_u16,
    emit_u32, emit_u64, parse_ip, parse_u16, parse_u32, parse_u64,
};

/// `RTM_NEWNEXTHOP`: create, replace, or a line of a dump.
pub const RTM_NEWNEXTHOP: u16 = 104;
/// `RTM_DELNEXTHOP`
pub const RTM_DELNEXTHOP: u16 = 105;
/// `RTM_GETNEXTHOP`
pub const RTM_GETNEXTHOP: u16 = 106;

/// Group type: buckets that stay with their hop while they are busy.
pub const NEXTHOP_GRP_TYPE_RES: u16 = 1;

/// `RTNH_F_ONLINK`: the gateway is on the interface, whatever the routing table says.
pub const RTNH_F_ONLINK: u32 = 4;

const NEXTHOP_HEADER_LEN: usize = 8;

pub(super) const NHA_ID: u16 = 1;
const NHA_GROUP: u16 = 2;
const NHA_GROUP_TYPE: u16 = 3;
const NHA_BLACKHOLE: u16 = 4;
const NHA_OIF: u16 = 5;
const NHA_GATEWAY: u16 = 6;
const NHA_GROUPS: u16 = 9;
const NHA_MASTER: u16 = 10;
const NHA_FDB: u16 = 11;
const NHA_RES_GROUP: u16 = 12;

const NHA_RES_GROUP_BUCKETS: u16 = 1;
const NHA_RES_GROUP_IDLE_TIMER: u16 = 2;
const NHA_RES_GROUP_UNBALANCED_TIMER: u16 = 3;
const NHA_RES_GROUP_UNBALANCED_TIME: u16 = 4;

/// `struct nhmsg` and its attributes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NexthopMessage {
    /// The header.
    pub header: NexthopHeader,
    /// The attributes, in the order of the message.
    pub attributes: Vec<NexthopAttribute>,
}

/// `struct nhmsg`
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct NexthopHeader {
    /// `AF_INET`, `AF_INET6`, or `AF_UNSPEC` for groups.
    pub family: u8,
    /// `RT_SCOPE_*`, told by the kernel.
    pub scope: u8,
    /// `RTPROT_*`: who made it.
    pub protocol: u8,
    /// `RTNH_F_*`
    pub flags: u32,
}

/// An attribute of a nexthop object.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum NexthopAttribute {
    /// `NHA_ID`
    Id(u32),
    /// `NHA_GROUP`
    Group(Vec<NexthopGroupEntry>),
    /// `NHA_GROUP_TYPE`
    GroupType(u16),
    /// `NHA_BLACKHOLE`
    Blackhole,
    /// `NHA_OIF`
    Oif(u32),
    /// `NHA_GATEWAY`
    Gateway(IpAddr),
    /// `NHA_GROUPS`: dump groups only.
    Groups,
    /// `NHA_MASTER`: dump those whose interface has this master.
    Master(u32),
    /// `NHA_FDB`
    Fdb,
    /// `NHA_RES_GROUP`
    ResilientGroup(Vec<ResilientGroupAttribute>),
    /// Anything else, as it came.
    Other(DefaultNla),
}

/// `struct nexthop_grp`: a member of a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NexthopGroupEntry {
    /// Its id.
    pub id: u32,
    /// Its weight less one; the kernel's eight bits of it.
    pub weight: u8,
    /// Upper eight bits of the weight less one, on kernels that have them; else 0.
    pub weight_high: u8,
}

/// An attribute inside `NHA_RES_GROUP`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ResilientGroupAttribute {
    /// `NHA_RES_GROUP_BUCKETS`
    Buckets(u16),
    /// `NHA_RES_GROUP_IDLE_TIMER`, in 1/100 s
    IdleTimer(u32),
    /// `NHA_RES_GROUP_UNBALANCED_TIMER`, in 1/100 s
    UnbalancedTimer(u32),
    /// `NHA_RES_GROUP_UNBALANCED_TIME`, in 1/100 s
    UnbalancedTime(u64),
    /// Anything else, as it came.
    Other(DefaultNla),
}

impl Emitable for NexthopMessage {
    fn buffer_len(&self) -> usize {
        NEXTHOP_HEADER_LEN + self.attributes.as_slice().buffer_len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        let (header, attributes) = buffer.split_at_mut(NEXTHOP_HEADER_LEN);
        let NexthopHeader { family, scope, protocol, flags } = self.header;
        let [a, b, c, d] = flags.to_ne_bytes();
        header.copy_from_slice(&[family, scope, protocol, 0, a, b, c, d]);
        self.attributes.as_slice().emit(attributes);
    }
}

impl Parseable<[u8]> for NexthopMessage {
    fn parse(buffer: &[u8]) -> Result<Self, DecodeError> {
        let short = || DecodeError::invalid_buffer("nhmsg", buffer.len(), NEXTHOP_HEADER_LEN);
        let (header, rest) = buffer.split_first_chunk::<NEXTHOP_HEADER_LEN>().ok_or_else(short)?;
        let [family, scope, protocol, _, a, b, c, d] = *header;
        let header = NexthopHeader { family, scope, protocol, flags: u32::from_ne_bytes([a, b, c, d]) };
        let parse = |nla: Result<NlaBuffer<_>, _>| NexthopAttribute::parse(&nla?);
        let attributes = NlasIterator::new(rest).map(parse).collect::<Result<_, DecodeError>>();
        Ok(Self { header, attributes: attributes.context("invalid nexthop attribute")? })
    }
}

impl Nla for NexthopAttribute {
    fn value_len(&self) -> usize {
        match self {
            Self::Group(entries) => entries.len() * 8,
            Self::GroupType(_) => 2,
            Self::Blackhole | Self::Groups | Self::Fdb => 0,
            Self::Id(_) | Self::Oif(_) | Self::Master(_) | Self::Gateway(IpAddr::V4(_)) => 4,
            Self::Gateway(IpAddr::V6(_)) => 16,
            Self::ResilientGroup(attributes) => attributes.as_slice().buffer_len(),
            Self::Other(other) => other.value_len(),
        }
    }

    fn kind(&self) -> u16 {
        match self {
            Self::Id(_) => NHA_ID,
            Self::Group(_) => NHA_GROUP,
            Self::GroupType(_) => NHA_GROUP_TYPE,
            Self::Blackhole => NHA_BLACKHOLE,
            Self::Oif(_) => NHA_OIF,
            Self::Gateway(_) => NHA_GATEWAY,
            Self::Groups => NHA_GROUPS,
            Self::Master(_) => NHA_MASTER,
            Self::Fdb => NHA_FDB,
            Self::ResilientGroup(_) => NHA_RES_GROUP | NLA_F_NESTED,
            Self::Other(other) => other.kind(),
        }
    }

    fn emit_value(&self, buffer: &mut [u8]) {
        match self {
            Self::Id(value) | Self::Oif(value) | Self::Master(value) => put_u32(buffer, *value),
            Self::Group(entries) => {
                for (entry, octets) in entries.iter().zip(buffer.chunks_exact_mut(8)) {
                    let [a, b, c, d] = entry.id.to_ne_bytes();
                    octets.copy_from_slice(&[a, b, c, d, entry.weight, entry.weight_high, 0, 0]);
                }
            }
            Self::GroupType(value) => emit_u16(buffer, *value).expect("value_len gave room for two octets"),
            Self::Blackhole | Self::Groups | Self::Fdb => {}
            Self::Gateway(IpAddr::V4(address)) => buffer.copy_from_slice(&address.octets()),
            Self::Gateway(IpAddr::V6(address)) => buffer.copy_from_slice(&address.octets()),
            Self::ResilientGroup(attributes) => attributes.as_slice().emit(buffer),
            Self::Other(other) => other.emit_value(buffer),
        }
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized> Parseable<NlaBuffer<&'a T>> for NexthopAttribute {
    fn parse(nla: &NlaBuffer<&'a T>) -> Result<Self, DecodeError> {
        let value = nla.value();
        Ok(match nla.kind() {
            NHA_ID => Self::Id(parse_u32(value).context("NHA_ID")?),
            NHA_GROUP => Self::Group(NexthopGroupEntry::parse_all(value)?),
            NHA_GROUP_TYPE => Self::GroupType(parse_u16(value).context("NHA_GROUP_TYPE")?),
            NHA_BLACKHOLE => Self::Blackhole,
            NHA_OIF => Self::Oif(parse_u32(value).context("NHA_OIF")?),
            NHA_GATEWAY => Self::Gateway(parse_ip(value).context("NHA_GATEWAY")?),
            NHA_GROUPS => Self::Groups,
            NHA_MASTER => Self::Master(parse_u32(value).context("NHA_MASTER")?),
            NHA_FDB => Self::Fdb,
            NHA_RES_GROUP => {
                let parse = |nla: Result<NlaBuffer<_>, _>| ResilientGroupAttribute::parse(&nla?);
                let attributes = NlasIterator::new(value).map(parse).collect::<Result<_, DecodeError>>();
                Self::ResilientGroup(attributes.context("NHA_RES_GROUP")?)
            }
            _ => Self::Other(DefaultNla::parse(nla)?),
        })
    }
}

impl NexthopGroupEntry {
    fn parse_all(value: &[u8]) -> Result<Vec<Self>, DecodeError> {
        let (entries, rest) = value.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(DecodeError::from("NHA_GROUP is not a whole number of members"));
        }
        let entry = |[a, b, c, d, weight, weight_high, _, _]: &[u8; 8]| Self {
            id: u32::from_ne_bytes([*a, *b, *c, *d]),
            weight: *weight,
            weight_high: *weight_high,
        };
        Ok(entries.iter().map(entry).collect())
    }
}

impl Nla for ResilientGroupAttribute {
    fn value_len(&self) -> usize {
        match self {
            Self::Buckets(_) => 2,
            Self::IdleTimer(_) | Self::UnbalancedTimer(_) => 4,
            Self::UnbalancedTime(_) => 8,
            Self::Other(other) => other.value_len(),
        }
    }

    fn kind(&self) -> u16 {
        match self {
            Self::Buckets(_) => NHA_RES_GROUP_BUCKETS,
            Self::IdleTimer(_) => NHA_RES_GROUP_IDLE_TIMER,
            Self::UnbalancedTimer(_) => NHA_RES_GROUP_UNBALANCED_TIMER,
            Self::UnbalancedTime(_) => NHA_RES_GROUP_UNBALANCED_TIME,
            Self::Other(other) => other.kind(),
        }
    }

    fn emit_value(&self, buffer: &mut [u8]) {
        match self {
            Self::Buckets(value) => emit_u16(buffer, *value).expect("value_len gave room for two octets"),
            Self::IdleTimer(value) | Self::UnbalancedTimer(value) => put_u32(buffer, *value),
            Self::UnbalancedTime(value) => emit_u64(buffer, *value).expect("value_len gave room for eight octets"),
            Self::Other(other) => other.emit_value(buffer),
        }
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized> Parseable<NlaBuffer<&'a T>> for ResilientGroupAttribute {
    fn parse(nla: &NlaBuffer<&'a T>) -> Result<Self, DecodeError> {
        let value = nla.value();
        Ok(match nla.kind() {
            NHA_RES_GROUP_BUCKETS => Self::Buckets(parse_u16(value).context("NHA_RES_GROUP_BUCKETS")?),
            NHA_RES_GROUP_IDLE_TIMER => Self::IdleTimer(parse_u32(value).context("NHA_RES_GROUP_IDLE_TIMER")?),
            NHA_RES_GROUP_UNBALANCED_TIMER => {
                Self::UnbalancedTimer(parse_u32(value).context("NHA_RES_GROUP_UNBALANCED_TIMER")?)
            }
            NHA_RES_GROUP_UNBALANCED_TIME => {
                Self::UnbalancedTime(parse_u64(value).context("NHA_RES_GROUP_UNBALANCED_TIME")?)
            }
            _ => Self::Other(DefaultNla::parse(nla)?),
        })
    }
}

fn put_u32(buffer: &mut [u8], value: u32) {
    emit_u32(buffer, value).expect("value_len gave room for four octets");
}
