//! Capabilities in OPEN (RFC 5492).

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use nom::{
    IResult, Parser,
    bytes::complete::tag,
    combinator::all_consuming,
    multi::{length_data, many0},
    number::complete::{be_u8, be_u16, be_u32},
};

use crate::types::{Asn, Family};

use super::Error;

/// All capabilities of one OPEN, in the order given.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Capabilities(pub Vec<Capability>);

/// One capability.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Capability {
    /// Code 1: routes of a family can be exchanged (RFC 4760 §8).
    Multiprotocol(FamilyCode),
    /// Code 2 (RFC 2918).
    RouteRefresh,
    /// Code 5: NLRI of one family with next hops of another (RFC 8950 §4).
    ExtendedNextHop(Vec<ExtendedNextHop>),
    /// Code 6 (RFC 8654).
    ExtendedMessage,
    /// Code 64 (RFC 4724 §3).
    GracefulRestart(GracefulRestart),
    /// Code 65 (RFC 6793 §3).
    FourOctetAsn(Asn),
    /// Code 70 (RFC 7313).
    EnhancedRouteRefresh,
    /// Any other, and known ones whose value cannot be read, as they came.
    Unknown {
        /// The capability code.
        code: u8,
        /// Its value.
        value: Bytes,
    },
}

/// AFI and SAFI as they came, known here or not.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(missing_docs)]
pub struct FamilyCode {
    pub afi: u16,
    pub safi: u8,
}

impl FamilyCode {
    /// The family, if it is one that is routed here.
    #[must_use]
    pub fn family(self) -> Option<Family> {
        Family::ALL.into_iter().find(|family| Self::from(*family) == self)
    }
}

impl From<Family> for FamilyCode {
    fn from(family: Family) -> Self {
        Self { afi: family.afi(), safi: 1 }
    }
}

/// NLRI of `family` may have a next hop of `next_hop_afi` (RFC 8950 §4).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(missing_docs)]
pub struct ExtendedNextHop {
    pub family: FamilyCode,
    pub next_hop_afi: u16,
}

/// The graceful restart capability (RFC 4724 §3, RFC 8538 §2).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GracefulRestart {
    /// R: the speaker has restarted and waits for End-of-RIB.
    pub restarting: bool,
    /// N: NOTIFICATION and hold timer expiry do not end it (RFC 8538).
    pub notification: bool,
    /// How long it may take to come back, 0 to 4,095 s.
    pub restart_time: Duration,
    /// For which families, and whether forwarding was kept.
    pub families: Vec<GracefulFamily>,
}

/// One family of a graceful restart capability.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GracefulFamily {
    /// The family.
    pub family: FamilyCode,
    /// F: forwarding state was kept over the restart.
    pub forwarding: bool,
}

impl Capabilities {
    /// The four-octet AS number, if it was given (RFC 6793 §3).
    #[must_use]
    pub fn asn(&self) -> Option<Asn> {
        self.0.iter().find_map(|c| if let Capability::FourOctetAsn(asn) = c { Some(*asn) } else { None })
    }

    /// The graceful restart capability; the last one counts if there are several (RFC 4724 §3).
    #[must_use]
    pub fn graceful_restart(&self) -> Option<&GracefulRestart> {
        self.0.iter().rev().find_map(|c| if let Capability::GracefulRestart(g) = c { Some(g) } else { None })
    }

    /// True if it is there with just this value.
    #[must_use]
    pub fn has(&self, capability: &Capability) -> bool {
        self.0.contains(capability)
    }

    /// The families offered. Without any multiprotocol capability it is IPv4 unicast alone (RFC 4760 §8).
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        let mut offered =
            self.0.iter().filter_map(|c| if let Capability::Multiprotocol(f) = c { Some(*f) } else { None });
        let Some(first) = offered.next() else { return vec![Family::Ipv4] };
        let codes: Vec<_> = std::iter::once(first).chain(offered).collect();
        Family::ALL.into_iter().filter(|family| codes.contains(&FamilyCode::from(*family))).collect()
    }

    /// True if prefixes of `family` may have next hops of the family `next_hop` (RFC 8950 §4).
    #[must_use]
    pub fn extended_next_hop(&self, family: Family, next_hop: Family) -> bool {
        let wanted = ExtendedNextHop { family: family.into(), next_hop_afi: next_hop.afi() };
        self.0.iter().any(|c| matches!(c, Capability::ExtendedNextHop(pairs) if pairs.contains(&wanted)))
    }

    /// Adds those of one optional parameter.
    pub(super) fn decode(&mut self, parameter: &Bytes) -> Result<(), Error> {
        let found = whole(many0((be_u8, length_data(be_u8))), parameter).ok_or(Error::OptionalParameters)?;
        for (code, value) in found {
            let known = Capability::known(code, value);
            self.0.push(known.unwrap_or_else(|| Capability::Unknown { code, value: parameter.slice_ref(value) }));
        }
        Ok(())
    }

    /// All of them, each with code and length.
    pub(super) fn encode(&self, out: &mut BytesMut) {
        for capability in &self.0 {
            capability.encode(out);
        }
    }
}

impl Capability {
    /// The capability code (RFC 5492 §4).
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Multiprotocol(_) => 1,
            Self::RouteRefresh => 2,
            Self::ExtendedNextHop(_) => 5,
            Self::ExtendedMessage => 6,
            Self::GracefulRestart(_) => 64,
            Self::FourOctetAsn(_) => 65,
            Self::EnhancedRouteRefresh => 70,
            Self::Unknown { code, .. } => *code,
        }
    }

    /// `None` if the code is not known or its value cannot be read.
    fn known(code: u8, value: &[u8]) -> Option<Self> {
        Some(match code {
            1 => {
                let (afi, _, safi) = whole((be_u16, be_u8, be_u8), value)?;
                Self::Multiprotocol(FamilyCode { afi, safi })
            }
            2 if value.is_empty() => Self::RouteRefresh,
            5 => Self::ExtendedNextHop(whole(many0(extended_next_hop), value)?),
            6 if value.is_empty() => Self::ExtendedMessage,
            64 => Self::GracefulRestart(whole(graceful_restart, value)?),
            65 => Self::FourOctetAsn(Asn::new(whole(be_u32, value)?)),
            70 if value.is_empty() => Self::EnhancedRouteRefresh,
            _ => return None,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        out.put_u8(self.code());
        let at = out.len();
        out.put_u8(0);
        match self {
            Self::Multiprotocol(family) => {
                out.put_u16(family.afi);
                out.put_u8(0);
                out.put_u8(family.safi);
            }
            Self::RouteRefresh | Self::ExtendedMessage | Self::EnhancedRouteRefresh => {}
            Self::ExtendedNextHop(pairs) => {
                for pair in pairs.iter().take(255 / 6) {
                    out.put_u16(pair.family.afi);
                    out.put_u16(u16::from(pair.family.safi));
                    out.put_u16(pair.next_hop_afi);
                }
            }
            Self::GracefulRestart(graceful) => graceful.encode(out),
            Self::FourOctetAsn(asn) => out.put_u32(asn.get()),
            Self::Unknown { value, .. } => out.extend(value.iter().take(255)),
        }
        let length = u8::try_from(out.len() - at - 1).expect("each arm above writes at most 255 octets");
        if let Some(octet) = out.get_mut(at) {
            *octet = length;
        }
    }
}

impl GracefulRestart {
    /// R, the first of four flags before twelve bits of time.
    const RESTARTING: u16 = 0x8000;
    /// N (RFC 8538 §2).
    const NOTIFICATION: u16 = 0x4000;
    /// The longest restart time.
    const MAX_TIME: u16 = 0x0fff;
    /// F, the first flag of a family.
    const FORWARDING: u8 = 0x80;

    fn encode(&self, out: &mut BytesMut) {
        let mut head = u16::try_from(self.restart_time.as_secs()).unwrap_or(u16::MAX).min(Self::MAX_TIME);
        if self.restarting {
            head |= Self::RESTARTING;
        }
        if self.notification {
            head |= Self::NOTIFICATION;
        }
        out.put_u16(head);
        for one in self.families.iter().take((255 - 2) / 4) {
            out.put_u16(one.family.afi);
            out.put_u8(one.family.safi);
            out.put_u8(if one.forwarding { Self::FORWARDING } else { 0 });
        }
    }
}

fn graceful_restart(input: &[u8]) -> IResult<&[u8], GracefulRestart> {
    let (rest, head) = be_u16(input)?;
    let (rest, families) = many0((be_u16, be_u8, be_u8)).parse(rest)?;
    let families = families.into_iter().map(|(afi, safi, flags)| GracefulFamily {
        family: FamilyCode { afi, safi },
        forwarding: flags & GracefulRestart::FORWARDING != 0,
    });
    Ok((
        rest,
        GracefulRestart {
            restarting: head & GracefulRestart::RESTARTING != 0,
            notification: head & GracefulRestart::NOTIFICATION != 0,
            restart_time: Duration::from_secs(u64::from(head & GracefulRestart::MAX_TIME)),
            families: families.collect(),
        },
    ))
}

/// SAFI has two octets here, of which the upper is zero.
fn extended_next_hop(input: &[u8]) -> IResult<&[u8], ExtendedNextHop> {
    let (rest, (afi, _, safi, next_hop_afi)) = (be_u16, tag([0].as_slice()), be_u8, be_u16).parse(input)?;
    Ok((rest, ExtendedNextHop { family: FamilyCode { afi, safi }, next_hop_afi }))
}

/// What a parser makes of all of the value; `None` if it leaves some or fails.
fn whole<'a, T>(
    parser: impl Parser<&'a [u8], Output = T, Error = nom::error::Error<&'a [u8]>>,
    value: &'a [u8],
) -> Option<T> {
    all_consuming(parser).parse(value).ok().map(|(_, found)| found)
}
