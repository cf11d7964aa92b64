//! The authentication section: keyed SHA-1, plain and meticulous (RFC 5880 §4.4, §6.7.4).
//!
//! Simple passwords and MD5 are not here: the first protects nothing, and who can do the second can do SHA-1.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

/// How many octets the section has.
pub(super) const LENGTH: u8 = 28;
/// The most octets of a secret.
const SECRET: usize = 20;

/// How packets are made to prove who sent them.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// The sequence number may stay the same for a while.
    KeyedSha1,
    /// The sequence number grows with every packet, so that none can be played again.
    MeticulousKeyedSha1,
}

impl Algorithm {
    /// The type in the packet (RFC 5880 §4.1).
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::KeyedSha1 => 4,
            Self::MeticulousKeyedSha1 => 5,
        }
    }

    /// True if the sequence number grows with every packet.
    #[must_use]
    pub fn is_meticulous(self) -> bool {
        matches!(self, Self::MeticulousKeyedSha1)
    }
}

/// A secret that both ends know. Its debug form does not show it; its serial form, for another agent alone, does.
#[derive(Clone, Eq, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// Which of several keys it is, by agreement.
    pub id: u8,
    /// What is done with it.
    pub algorithm: Algorithm,
    secret: [u8; SECRET],
}

impl Key {
    /// `None` unless the secret has 1 to 20 octets (RFC 5880 §6.7.4).
    #[must_use]
    pub fn new(id: u8, algorithm: Algorithm, secret: &[u8]) -> Option<Self> {
        let mut padded = [0; SECRET];
        padded.get_mut(..secret.len()).filter(|_| !secret.is_empty())?.copy_from_slice(secret);
        Some(Self { id, algorithm, secret: padded })
    }

    /// The section behind a packet's first 24 octets, whose length field counts the section already.
    pub(super) fn section(&self, head: &[u8; 24], sequence: u32) -> [u8; LENGTH as usize] {
        let [a, b, c, d] = sequence.to_be_bytes();
        let start = [self.algorithm.number(), LENGTH, self.id, 0, a, b, c, d];
        let digest = self.digest(head, &start);
        let mut section = [0; LENGTH as usize];
        for (to, from) in section.iter_mut().zip(start.into_iter().chain(digest)) {
            *to = from;
        }
        section
    }

    /// Over the whole packet, with the secret where the digest will stand.
    fn digest(&self, head: &[u8; 24], start: &[u8; 8]) -> [u8; SECRET] {
        Sha1::new().chain_update(head).chain_update(start).chain_update(self.secret).finalize().into()
    }

    /// True if who wrote the section knows the secret. Takes the same time wherever they differ.
    pub(super) fn proves(&self, section: &AuthSection) -> bool {
        let digest = self.digest(&section.head, &section.start);
        digest.iter().zip(section.digest).fold(0, |differs, (ours, theirs)| differs | (ours ^ theirs)) == 0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// The authentication section of a packet that came in, not proven yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AuthSection {
    /// Type, length, key id, reserved, sequence number; zeroes behind what is not there.
    start: [u8; 8],
    digest: [u8; SECRET],
    /// The packet's first 24 octets.
    head: [u8; 24],
    /// How many octets there really are.
    present: usize,
}

impl AuthSection {
    /// `section` is what the packet's length field leaves behind the first 24 octets.
    pub(super) fn new(head: [u8; 24], section: &[u8]) -> Self {
        let mut start = [0; 8];
        let mut digest = [0; SECRET];
        for (to, from) in start.iter_mut().chain(&mut digest).zip(section) {
            *to = *from;
        }
        Self { start, digest, head, present: section.len() }
    }

    /// The type (RFC 5880 §4.1).
    #[must_use]
    pub fn kind(&self) -> u8 {
        self.start[0]
    }

    /// Its own length field.
    #[must_use]
    pub fn length(&self) -> u8 {
        self.start[1]
    }

    /// Which key.
    #[must_use]
    pub fn key_id(&self) -> u8 {
        self.start[2]
    }

    /// The sequence number.
    #[must_use]
    pub fn sequence(&self) -> u32 {
        let [.., a, b, c, d] = self.start;
        u32::from_be_bytes([a, b, c, d])
    }

    /// True if the section is all there, and its length field says the truth.
    pub(super) fn is_whole(&self) -> bool {
        self.length() == LENGTH && self.present == usize::from(LENGTH)
    }
}
