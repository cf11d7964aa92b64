//! AS_PATH: what the decision process asks of it, its merging with AS4_PATH, its octets.

use std::fmt;

use bytes::{BufMut, BytesMut};
use nom::{IResult, Parser, bytes::complete::take, number::complete::be_u8};
use smallvec::SmallVec;

use crate::types::Asn;

use super::{AsPath, PathSegment, SegmentKind};

/// The most ASes of a segment: its count has one octet.
const SEGMENT_MAX: usize = 255;

impl SegmentKind {
    fn new(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Set,
            2 => Self::Sequence,
            3 => Self::ConfedSequence,
            4 => Self::ConfedSet,
            _ => return None,
        })
    }

    const fn code(self) -> u8 {
        match self {
            Self::Set => 1,
            Self::Sequence => 2,
            Self::ConfedSequence => 3,
            Self::ConfedSet => 4,
        }
    }

    /// True for the two kinds that never leave a confederation (RFC 5065 §3).
    #[must_use]
    pub const fn is_confed(self) -> bool {
        matches!(self, Self::ConfedSequence | Self::ConfedSet)
    }
}

impl AsPath {
    /// One sequence, or several if there are more than 255 ASes.
    #[must_use]
    pub fn sequence(asns: impl IntoIterator<Item = Asn>) -> Self {
        let mut path = Self::default();
        for asn in asns {
            match path.segments.last_mut() {
                Some(last) if last.asns.len() < SEGMENT_MAX => last.asns.push(asn),
                _ => path.segments.push(PathSegment { kind: SegmentKind::Sequence, asns: SmallVec::from_iter([asn]) }),
            }
        }
        path
    }

    /// How many ASes the decision process counts: a set is one, confederation segments none (RFC 4271 §9.1.2.2 a,
    /// RFC 5065 §5.3).
    #[must_use]
    pub fn length(&self) -> usize {
        let count = |segment: &PathSegment| match segment.kind {
            SegmentKind::Sequence => segment.asns.len(),
            SegmentKind::Set => 1,
            SegmentKind::ConfedSequence | SegmentKind::ConfedSet => 0,
        };
        self.segments.iter().map(count).sum()
    }

    /// True for a path without segments: the route began in the own AS.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Every AS in wire order, those of sets and confederations too.
    pub fn asns(&self) -> impl Iterator<Item = Asn> {
        self.segments.iter().flat_map(|segment| segment.asns.iter().copied())
    }

    /// True if any segment is an AS_SET or an AS_CONFED_SET, which nobody shall send any more (RFC 9774 §3).
    #[must_use]
    pub fn has_sets(&self) -> bool {
        self.segments.iter().any(|segment| matches!(segment.kind, SegmentKind::Set | SegmentKind::ConfedSet))
    }

    /// True if the AS is in any segment: a loop, if it is the own one (RFC 4271 §9.1.2).
    #[must_use]
    pub fn contains(&self, asn: Asn) -> bool {
        self.asns().any(|found| found == asn)
    }

    /// The AS that the route came from, which MEDs are compared within (RFC 4271 §9.1.2.2 c); confederation segments
    /// before it are skipped (RFC 5065 §5.3). `None` if there is no such AS or the path begins with a set.
    #[must_use]
    pub fn neighbor(&self) -> Option<Asn> {
        let first = self.segments.iter().find(|segment| !segment.kind.is_confed())?;
        (first.kind == SegmentKind::Sequence).then(|| first.asns.first().copied()).flatten()
    }

    /// The AS that the route began in; `None` if the path is empty or ends with anything but a sequence.
    #[must_use]
    pub fn origin(&self) -> Option<Asn> {
        let last = self.segments.last()?;
        (last.kind == SegmentKind::Sequence).then(|| last.asns.last().copied()).flatten()
    }

    /// Puts an AS in front, `times` times: into the first segment if that is a sequence with room, else into a new
    /// one (RFC 4271 §5.1.2).
    pub fn prepend(&mut self, asn: Asn, times: usize) {
        for _ in 0..times {
            match self.segments.first_mut() {
                Some(first) if first.kind == SegmentKind::Sequence && first.asns.len() < SEGMENT_MAX => {
                    first.asns.insert(0, asn);
                }
                _ => self
                    .segments
                    .insert(0, PathSegment { kind: SegmentKind::Sequence, asns: SmallVec::from_iter([asn]) }),
            }
        }
    }

    /// Without confederation segments: what leaves a confederation, and what AS4_PATH may hold (RFC 6793 §4.2.2).
    #[must_use]
    pub fn without_confed(&self) -> Self {
        Self { segments: self.segments.iter().filter(|segment| !segment.kind.is_confed()).cloned().collect() }
    }

    /// The path that a two-octet AS_PATH and the AS4_PATH beside it mean: AS4_PATH, and in front of it what AS_PATH
    /// has more, with its leading confederation segments. AS_PATH alone if AS4_PATH has more ASes (RFC 6793 §4.2.3).
    pub(super) fn merged(self, as4: Self) -> Self {
        let Some(mut more) = self.length().checked_sub(as4.length()) else { return self };
        let mut path = Self::default();
        let mut cut = false;
        for mut segment in self.segments {
            match segment.kind {
                SegmentKind::ConfedSequence | SegmentKind::ConfedSet => {}
                _ if more == 0 => break,
                SegmentKind::Set => more -= 1,
                SegmentKind::Sequence => {
                    cut = segment.asns.len() > more;
                    segment.asns.truncate(more);
                    more -= segment.asns.len();
                }
            }
            path.segments.push(segment);
        }
        // A sequence that was cut goes on in AS4_PATH: the two are one.
        let mut rest = as4.segments.into_iter().peekable();
        if let (true, Some(last), Some(next)) = (cut, path.segments.last_mut(), rest.peek())
            && next.kind == SegmentKind::Sequence
            && last.asns.len() + next.asns.len() <= SEGMENT_MAX
        {
            last.asns.extend_from_slice(&next.asns);
            rest.next();
        }
        path.segments.extend(rest);
        path
    }

    /// `None` if it is malformed: a type that is not known, an empty segment, or octets too few (RFC 7606 §7.2).
    pub(super) fn decode(mut octets: &[u8], four: bool) -> Option<Self> {
        let mut path = Self::default();
        while !octets.is_empty() {
            let (rest, (kind, count)) = head(octets).ok()?;
            let kind = SegmentKind::new(kind).filter(|_| count > 0)?;
            let width = if four { 4 } else { 2 };
            let (rest, asns) = list(rest, usize::from(count) * width).ok()?;
            let asns = if four {
                asns.as_chunks().0.iter().map(|asn| Asn::new(u32::from_be_bytes(*asn))).collect()
            } else {
                asns.as_chunks().0.iter().map(|asn| Asn::from(u16::from_be_bytes(*asn))).collect()
            };
            path.segments.push(PathSegment { kind, asns });
            octets = rest;
        }
        Some(path)
    }

    /// How many octets [`AsPath::encode`] writes.
    pub(super) fn encoded_len(&self, four: bool) -> usize {
        let width = if four { 4 } else { 2 };
        self.pieces().map(|(_, asns)| 2 + asns.len() * width).sum()
    }

    /// Its octets; what two octets cannot say becomes AS_TRANS (RFC 6793 §4.2.2).
    pub(super) fn encode(&self, four: bool, out: &mut BytesMut) {
        for (kind, asns) in self.pieces() {
            out.put_u8(kind.code());
            out.put_u8(u8::try_from(asns.len()).expect("pieces have at most 255 ASes"));
            for asn in asns {
                if four { out.put_u32(asn.get()) } else { out.put_u16(asn.two_octets()) }
            }
        }
    }

    /// Segments as the wire can carry them: none empty, none over 255.
    fn pieces(&self) -> impl Iterator<Item = (SegmentKind, &[Asn])> {
        self.segments.iter().flat_map(|segment| segment.asns.chunks(SEGMENT_MAX).map(|asns| (segment.kind, asns)))
    }
}

fn head(input: &[u8]) -> IResult<&[u8], (u8, u8)> {
    (be_u8, be_u8).parse(input)
}

fn list(input: &[u8], octets: usize) -> IResult<&[u8], &[u8]> {
    take(octets).parse(input)
}

/// As routers print it: `65010 65020 {65030,65031}`; confederation sequences in `()`, sets in `[]`.
impl fmt::Display for AsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, segment) in self.segments.iter().enumerate() {
            let (open, between, close) = match segment.kind {
                SegmentKind::Sequence => ("", " ", ""),
                SegmentKind::Set => ("{", ",", "}"),
                SegmentKind::ConfedSequence => ("(", " ", ")"),
                SegmentKind::ConfedSet => ("[", ",", "]"),
            };
            write!(f, "{}{open}", if number == 0 { "" } else { " " })?;
            for (place, asn) in segment.asns.iter().enumerate() {
                write!(f, "{}{asn}", if place == 0 { "" } else { between })?;
            }
            f.write_str(close)?;
        }
        Ok(())
    }
}
