//! Octets of a stream to whole messages (RFC 4271 §4.1, RFC 8654). Owns marker, length and type; reads no body.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use nom::{
    IResult, Parser,
    bytes::streaming::take,
    number::streaming::{be_u8, be_u16},
};

use super::Error;

/// The octets before a body: marker, length, type.
pub(super) const HEADER_LEN: usize = 19;
/// The most octets of a message, header included (RFC 4271 §4.1).
pub(super) const MAX_LEN: usize = 4096;
/// The same with the Extended Message capability (RFC 8654 §3).
pub(super) const MAX_EXTENDED_LEN: usize = 65_535;
/// All ones (RFC 4271 §4.1).
pub(super) const MARKER: [u8; 16] = [0xff; 16];

/// The type of a message (RFC 4271 §4.1, RFC 2918).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(missing_docs)]
pub enum MessageKind {
    Open = 1,
    Update = 2,
    Notification = 3,
    Keepalive = 4,
    Refresh = 5,
}

impl MessageKind {
    fn new(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Open,
            2 => Self::Update,
            3 => Self::Notification,
            4 => Self::Keepalive,
            5 => Self::Refresh,
            _ => return None,
        })
    }

    /// The kind of a whole message that was written here; `None` if it is none.
    #[must_use]
    pub fn of(message: &[u8]) -> Option<Self> {
        message.get(HEADER_LEN - 1).and_then(|code| Self::new(*code))
    }

    /// The lengths that a message of this kind can have, header included.
    ///
    /// ROUTE-REFRESH checks its own, because the fault has a code of its own (RFC 7313 §5).
    fn lengths(self, max: usize) -> std::ops::RangeInclusive<usize> {
        match self {
            Self::Open => 29..=MAX_LEN, // never extended: RFC 8654 §4
            Self::Update => 23..=max,
            Self::Notification => 21..=max,
            Self::Keepalive => HEADER_LEN..=HEADER_LEN,
            Self::Refresh => HEADER_LEN..=max,
        }
    }
}

/// One whole message: marker, length and type are checked, the body is not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame {
    kind: MessageKind,
    body: Bytes,
}

impl Frame {
    /// Which message it is.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// What follows the header. Cheap to clone: it shares the buffer of the deframer.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }
}

/// Octets in, frames out. Holds at most one unfinished message beyond what was pushed.
///
/// Frames share its buffer and are not copied. After an error it gives that error again for ever, since there is no
/// way to find the next message.
#[derive(Debug)]
pub struct Deframer {
    buffer: BytesMut,
    max: usize,
}

impl Default for Deframer {
    fn default() -> Self {
        Self::new()
    }
}

impl Deframer {
    /// Empty, for messages of up to 4,096 octets.
    #[must_use]
    pub fn new() -> Self {
        Self { buffer: BytesMut::new(), max: MAX_LEN }
    }

    /// Takes messages of up to 65,535 octets from now on: we announced the Extended Message capability and the peer
    /// did too (RFC 8654 §4). OPEN stays at 4,096.
    pub fn allow_extended(&mut self) {
        self.max = MAX_EXTENDED_LEN;
    }

    /// Adds octets as they came from the stream, in pieces of any size.
    pub fn push(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
    }

    /// How many octets wait for the rest of their message.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.buffer.len()
    }

    /// The next whole message, `None` until more octets come.
    #[allow(clippy::should_implement_trait)] // it is not one: None is not the end
    pub fn next(&mut self) -> Result<Option<Frame>, Error> {
        let Ok((_, (marker, length, kind))) = header(&self.buffer) else { return Ok(None) };
        if marker != MARKER {
            return Err(Error::Marker);
        }
        let whole = usize::from(length);
        if !(HEADER_LEN..=self.max).contains(&whole) {
            return Err(Error::Length(length));
        }
        let kind = MessageKind::new(kind).ok_or(Error::Type(kind))?;
        if !kind.lengths(self.max).contains(&whole) {
            return Err(Error::Length(length));
        }
        if self.buffer.len() < whole {
            return Ok(None);
        }
        let mut body = self.buffer.split_to(whole).freeze();
        body.advance(HEADER_LEN);
        Ok(Some(Frame { kind, body }))
    }
}

fn header(octets: &[u8]) -> IResult<&[u8], (&[u8], u16, u8)> {
    (take(MARKER.len()), be_u16, be_u8).parse(octets)
}

/// Writes one message: the header, then what `body` writes, then the length of both into the header.
pub(super) fn write(kind: MessageKind, out: &mut BytesMut, body: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.extend_from_slice(&MARKER);
    out.put_u16(0);
    out.put_u8(kind as u8);
    body(out);
    let length = out.len() - start;
    patch_u16(out, start + MARKER.len(), length);
}

/// Puts a length into two octets that were left for it. Callers keep lengths within two octets.
pub(super) fn patch_u16(out: &mut BytesMut, at: usize, length: usize) {
    debug_assert!(length <= MAX_EXTENDED_LEN, "{length} octets do not fit a length of two");
    if let Some(place) = out.get_mut(at..at + 2) {
        place.copy_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
    }
}
