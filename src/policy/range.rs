//! Bounds of a number, as the file writes them.

use std::{fmt, str::FromStr};

/// From `least` to `most`, both included.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Range {
    /// The least that fits.
    pub least: u32,
    /// The most that fits; not below `least`.
    pub most: u32,
}

/// Text that is no range.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RangeError {
    /// Not of the form.
    #[error("\"{0}\" is not a range such as \"ge 2\", \"le 5\" or \"ge 2 le 5\"")]
    Syntax(String),
    /// Nothing lies within.
    #[error("nothing is at least {0} and at most {1}")]
    Empty(u32, u32),
}

impl Range {
    /// That number and no other.
    #[must_use]
    pub const fn exactly(number: u32) -> Self {
        Self { least: number, most: number }
    }

    /// True if the number lies within.
    #[must_use]
    pub const fn holds(&self, number: u32) -> bool {
        self.least <= number && number <= self.most
    }

    /// True if every number of `other` lies within.
    #[must_use]
    pub const fn covers(&self, other: &Self) -> bool {
        self.least <= other.least && other.most <= self.most
    }
}

/// `ge N`, `le N`, both in any order, or `N`.
impl FromStr for Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let syntax = || RangeError::Syntax(text.to_owned());
        let (least, most) = bounds(text.split_whitespace()).ok_or_else(syntax)?;
        let range = match (least, most) {
            (None, None) => Self::exactly(text.trim().parse().map_err(|_| syntax())?),
            (least, most) => Self { least: least.unwrap_or(0), most: most.unwrap_or(u32::MAX) },
        };
        if range.least > range.most { Err(RangeError::Empty(range.least, range.most)) } else { Ok(range) }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.least, self.most) {
            (least, most) if least == most => least.fmt(f),
            (least, u32::MAX) => write!(f, "ge {least}"),
            (0, most) => write!(f, "le {most}"),
            (least, most) => write!(f, "ge {least} le {most}"),
        }
    }
}

/// The numbers behind `ge` and `le`; `None` if there is anything else, or one of them twice. A single word that is
/// neither is left to the caller.
pub(super) fn bounds<'t>(words: impl Iterator<Item = &'t str>) -> Option<(Option<u32>, Option<u32>)> {
    let (mut least, mut most) = (None, None);
    let mut words = words.peekable();
    let mut first = true;
    while let Some(word) = words.next() {
        let bound = match word {
            "ge" => &mut least,
            "le" => &mut most,
            _ if first && words.peek().is_none() => return Some((None, None)),
            _ => return None,
        };
        let number = words.next()?.parse().ok()?;
        if bound.replace(number).is_some() {
            return None;
        }
        first = false;
    }
    Some((least, most))
}
