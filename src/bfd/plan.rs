//! A session as the daemon wants it: with the name of a key's file where the machine has the key.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Algorithm, Path};

/// A session that the daemon wants.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Between whom.
    pub path: Path,
    /// Between packets while Up, both ways, as far as the peer agrees.
    pub interval: Duration,
    /// So many missed packets are a failure; at least 1.
    pub multiplier: u8,
    /// Says nothing before the peer does.
    pub passive: bool,
    /// What every packet must prove.
    pub key: Option<KeyFile>,
    /// How long it goes on when the daemon is gone and no other comes.
    pub absence: Duration,
}

/// A key, and where its secret is.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct KeyFile {
    /// Which of several keys it is, by agreement.
    pub id: u8,
    /// What is done with it.
    pub algorithm: Algorithm,
    /// 1 to 20 octets, without the line's end.
    pub file: PathBuf,
}
