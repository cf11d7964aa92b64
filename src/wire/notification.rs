//! NOTIFICATION (RFC 4271 §4.5).

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use super::{Capabilities, Error, FamilyCode, frame::HEADER_LEN};
use crate::types::Family;

/// The most octets of an operator's text (RFC 9003 §2).
const TEXT_MAX: usize = 255;
/// The subcode of Cease that wraps another NOTIFICATION (RFC 8538 §3.1).
const HARD_RESET: u8 = 9;

/// Why a connection ends, as its numbers; unknown numbers are kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notification {
    /// The error code.
    pub code: u8,
    /// The subcode, 0 where there is none.
    pub subcode: u8,
    /// What belongs to it: the offending octets, or a shutdown text (RFC 9003).
    pub data: Bytes,
}

/// Why a speaker ends a healthy connection: the subcodes of Cease (RFC 4486, RFC 8538, RFC 9384).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(missing_docs)]
pub enum Cease {
    MaximumPrefixes = 1,
    AdministrativeShutdown = 2,
    PeerDeconfigured = 3,
    AdministrativeReset = 4,
    ConnectionRejected = 5,
    OtherConfigurationChange = 6,
    CollisionResolution = 7,
    OutOfResources = 8,
    BfdDown = 10,
}

/// In which state an unexpected message came: the subcodes of Finite State Machine Error (RFC 6608).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(missing_docs)]
pub enum Fsm {
    OpenSent = 1,
    OpenConfirm = 2,
    Established = 3,
}

impl From<Cease> for Notification {
    fn from(cease: Cease) -> Self {
        Self::new(6, cease as u8)
    }
}

impl From<Fsm> for Notification {
    fn from(state: Fsm) -> Self {
        Self::new(5, state as u8)
    }
}

impl Notification {
    /// 2/2: the peer's AS is not the configured one.
    pub const BAD_PEER_AS: Self = Self::new(2, 2);
    /// 2/3: the peer's BGP Identifier is ours (RFC 6286 §2.2).
    pub const BAD_ROUTER_ID: Self = Self::new(2, 3);
    /// 4: nothing came for the hold time.
    pub const HOLD: Self = Self::new(4, 0);
    /// 8: the peer took nothing for the send hold time (RFC 9687).
    pub const SEND_HOLD: Self = Self::new(8, 0);

    /// One without data.
    #[must_use]
    pub const fn new(code: u8, subcode: u8) -> Self {
        Self { code, subcode, data: Bytes::new() }
    }

    /// One with data.
    #[must_use]
    pub const fn with_data(code: u8, subcode: u8, data: Bytes) -> Self {
        Self { code, subcode, data }
    }

    /// Cease with a text for the operator at the other end, cut to 255 octets at a character (RFC 9003 §2).
    ///
    /// Only [`Cease::AdministrativeShutdown`] and [`Cease::AdministrativeReset`] carry one; without text there is no
    /// data at all.
    #[must_use]
    pub fn shutdown(why: Cease, text: &str) -> Self {
        let carries = matches!(why, Cease::AdministrativeShutdown | Cease::AdministrativeReset);
        let text = text.get(..text.floor_char_boundary(TEXT_MAX)).unwrap_or_default();
        let mut notification = Self::from(why);
        if let (true, Ok(length @ 1..)) = (carries, u8::try_from(text.len())) {
            let mut data = BytesMut::with_capacity(1 + text.len());
            data.put_u8(length);
            data.extend_from_slice(text.as_bytes());
            notification.data = data.freeze();
        }
        notification
    }

    /// Cease / Maximum Number of Prefixes Reached, with the family and how many were allowed (RFC 4486 §4).
    #[must_use]
    pub fn max_prefixes(family: Family, limit: u32) -> Self {
        let mut notification = Self::from(Cease::MaximumPrefixes);
        let mut data = BytesMut::with_capacity(7);
        data.put_u16(family.afi());
        data.put_u8(FamilyCode::from(family).safi);
        data.put_u32(limit);
        notification.data = data.freeze();
        notification
    }

    /// What was exceeded, in a Maximum Number of Prefixes Reached that says so: the family, and how many were allowed
    /// (RFC 4486 §4).
    #[must_use]
    pub fn exceeded(&self) -> Option<(FamilyCode, u32)> {
        let [afi, ai, safi, a, b, c, d] = *<&[u8; 7]>::try_from(&*self.data).ok()?;
        let family = FamilyCode { afi: u16::from_be_bytes([afi, ai]), safi };
        (self.code == 6 && self.subcode == 1).then(|| (family, u32::from_be_bytes([a, b, c, d])))
    }

    /// 2/7: the peer lacks capabilities without which there is no session; says which (RFC 5492 §5).
    #[must_use]
    pub fn unsupported_capability(missing: &Capabilities) -> Self {
        let mut data = BytesMut::new();
        missing.encode(&mut data);
        Self::with_data(2, 7, data.freeze())
    }

    /// Cease / Hard Reset around the real reason: graceful restart does not apply (RFC 8538 §3.1).
    #[must_use]
    pub fn hard_reset(&self) -> Self {
        let mut data = BytesMut::with_capacity(2 + self.data.len());
        self.encode(usize::MAX, &mut data);
        Self::with_data(6, HARD_RESET, data.freeze())
    }

    /// True for a Hard Reset, whatever it was sent for (RFC 8538 §3.1).
    #[must_use]
    pub const fn is_hard_reset(&self) -> bool {
        self.code == 6 && self.subcode == HARD_RESET
    }

    /// What a Hard Reset was sent for (RFC 8538 §3.1).
    #[must_use]
    pub fn inside_hard_reset(&self) -> Option<Self> {
        self.is_hard_reset().then(|| Self::decode(&self.data).ok()).flatten()
    }

    /// The operator's text in an administrative shutdown or reset (RFC 9003 §2). `None` if there is none, if its
    /// length is wrong, or if it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let (length, rest) = self.data.split_first()?;
        let text = rest.get(..usize::from(*length))?;
        (self.code == 6 && matches!(self.subcode, 2 | 4) && !text.is_empty())
            .then(|| std::str::from_utf8(text).ok())
            .flatten()
    }

    /// [`Notification::text`], also of what a Hard Reset was sent for.
    #[must_use]
    pub fn communication(&self) -> Option<String> {
        let of = |notification: &Self| notification.text().map(str::to_owned);
        of(self).or_else(|| of(&self.inside_hard_reset()?))
    }

    pub(super) fn decode(body: &Bytes) -> Result<Self, Error> {
        match body.split_first_chunk() {
            Some(([code, subcode], _)) => Ok(Self::with_data(*code, *subcode, body.slice(2..))),
            None => Err(Error::Length(u16::try_from(HEADER_LEN + body.len()).unwrap_or(u16::MAX))),
        }
    }

    /// Data that does not fit into `room` octets is cut: an attribute that came in an extended message may be longer
    /// than what the peer takes.
    pub(super) fn encode(&self, room: usize, out: &mut BytesMut) {
        out.put_u8(self.code);
        out.put_u8(self.subcode);
        out.extend_from_slice(self.data.get(..room.saturating_sub(2)).unwrap_or(&self.data));
    }

    /// The RFC's names of code and subcode, each `None` if there is none.
    fn names(&self) -> (Option<&'static str>, Option<&'static str>) {
        let (code, subcodes): (_, &[&str]) = match self.code {
            1 => ("Message Header Error", &["Connection Not Synchronized", "Bad Message Length", "Bad Message Type"]),
            2 => (
                "OPEN Message Error",
                &[
                    "Unsupported Version Number",
                    "Bad Peer AS",
                    "Bad BGP Identifier",
                    "Unsupported Optional Parameter",
                    "Authentication Failure",
                    "Unacceptable Hold Time",
                    "Unsupported Capability",
                    "",
                    "",
                    "",
                    "Role Mismatch",
                ],
            ),
            3 => (
                "UPDATE Message Error",
                &[
                    "Malformed Attribute List",
                    "Unrecognized Well-known Attribute",
                    "Missing Well-known Attribute",
                    "Attribute Flags Error",
                    "Attribute Length Error",
                    "Invalid ORIGIN Attribute",
                    "AS Routing Loop",
                    "Invalid NEXT_HOP Attribute",
                    "Optional Attribute Error",
                    "Invalid Network Field",
                    "Malformed AS_PATH",
                ],
            ),
            4 => ("Hold Timer Expired", &[]),
            5 => (
                "Finite State Machine Error",
                &[
                    "Receive Unexpected Message in OpenSent State",
                    "Receive Unexpected Message in OpenConfirm State",
                    "Receive Unexpected Message in Established State",
                ],
            ),
            6 => (
                "Cease",
                &[
                    "Maximum Number of Prefixes Reached",
                    "Administrative Shutdown",
                    "Peer De-configured",
                    "Administrative Reset",
                    "Connection Rejected",
                    "Other Configuration Change",
                    "Connection Collision Resolution",
                    "Out of Resources",
                    "Hard Reset",
                    "BFD Down",
                ],
            ),
            7 => ("ROUTE-REFRESH Message Error", &["Invalid Message Length"]),
            8 => ("Send Hold Timer Expired", &[]),
            _ => return (None, None),
        };
        let index = usize::from(self.subcode).checked_sub(1);
        (Some(code), index.and_then(|index| subcodes.get(index)).copied().filter(|name| !name.is_empty()))
    }
}

/// `Cease / Administrative Shutdown: text`; numbers where there is no name, data in hex where it is not text.
impl fmt::Display for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, subcode) = self.names();
        match code {
            Some(name) => f.write_str(name)?,
            None => write!(f, "code {}", self.code)?,
        }
        match subcode {
            Some(name) => write!(f, " / {name}")?,
            None if self.subcode != 0 => write!(f, " / subcode {}", self.subcode)?,
            None => {}
        }
        if let Some(text) = self.text() {
            // The text is a stranger's: no line breaks or terminal codes of theirs in our logs.
            return write!(f, ": {}", text.escape_debug());
        }
        if let Some((family, limit)) = self.exceeded() {
            return match family.family() {
                Some(family) => write!(f, ": {limit} {family} prefixes"),
                None => write!(f, ": {limit} prefixes of AFI {} SAFI {}", family.afi, family.safi),
            };
        }
        if let Some(inner) = self.inside_hard_reset() {
            // An inner Hard Reset has no meaning, and a chain of them must not nest calls.
            return if inner.inside_hard_reset().is_some() { Ok(()) } else { write!(f, ": {inner}") };
        }
        if self.data.is_empty() { Ok(()) } else { write!(f, ": data {:x}", Hex(&self.data)) }
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::LowerHex for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}
