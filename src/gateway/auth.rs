//! How a neighbor proves that segments are its own: the files that hold the keys. Their contents are never here.

use std::{fmt, path::PathBuf};

use crate::types::AoAlgorithm;

/// What signs the TCP segments of a session.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Auth {
    /// Nothing.
    #[default]
    None,
    /// TCP MD5 with the key in this file (RFC 2385).
    Md5(PathBuf),
    /// TCP-AO with these keys, at least one (RFC 5925).
    Ao(Vec<AoKey>),
}

/// One key of TCP-AO (RFC 5925 §3.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AoKey {
    /// What our segments carry.
    pub id: u8,
    /// What the neighbor's segments carry.
    pub receive_id: u8,
    /// What signs.
    pub algorithm: AoAlgorithm,
    /// The file that holds the key.
    pub file: PathBuf,
}

impl fmt::Display for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Md5(_) => "tcp-md5",
            Self::Ao(_) => "tcp-ao",
        })
    }
}
