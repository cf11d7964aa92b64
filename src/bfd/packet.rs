//! Control packets (RFC 5880 §4.1): octets to values and back, and every reason not to believe one.

use std::time::Duration;

use super::auth::{self, AuthSection, Key};
use super::{Diag, State};

/// Octets without an authentication section.
const HEAD: u8 = 24;
/// The least octets with one.
const HEAD_WITH_AUTH: u8 = 26;
/// The most that we write.
const MOST: usize = HEAD as usize + auth::LENGTH as usize;

/// A control packet. Intervals are whole microseconds below 2^32 (71 min); what is longer is cut to that.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packet {
    /// Why the sender's session last left Up.
    pub diag: Diag,
    /// The sender's state.
    pub state: State,
    /// An answer with `final_` is wanted at once.
    pub poll: bool,
    /// This is that answer.
    pub final_: bool,
    /// The sender's BFD does not die with its control plane.
    pub control_plane_independent: bool,
    /// The sender wants no periodic packets while both are Up.
    pub demand: bool,
    /// So many missed packets are a failure; never 0.
    pub multiplier: u8,
    /// The sender's number for the session; never 0.
    pub my_discriminator: u32,
    /// The number that the sender heard from us, or 0.
    pub your_discriminator: u32,
    /// The sender wants to send no faster than this.
    pub desired_min_tx: Duration,
    /// The sender takes no more than one packet in this time; zero: none at all.
    pub required_min_rx: Duration,
    /// The same for echo packets; zero: none at all.
    pub required_min_echo_rx: Duration,
}

/// Why octets are not taken as a packet of a session (RFC 5880 §6.8.6, RFC 5881 §5).
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Discard {
    /// Fewer octets than any packet has.
    #[error("{0} octets are no packet")]
    Short(usize),
    /// Not the version that there is.
    #[error("version {0} is not 1")]
    Version(u8),
    /// A length field below the least.
    #[error("length field of {0} is too small")]
    Length(u8),
    /// A length field beyond what came.
    #[error("length field of {length}, and only {came} octets came")]
    Cut {
        /// The field.
        length: u8,
        /// What came.
        came: usize,
    },
    /// No packet may be missed, so none would be in time.
    #[error("detect multiplier is 0")]
    Multiplier,
    /// The bit that must be 0.
    #[error("multipoint bit is set")]
    Multipoint,
    /// The sender must have a number.
    #[error("my discriminator is 0")]
    MyDiscriminator,
    /// Only who has not heard us may leave our number out.
    #[error("your discriminator is 0 in state {0}")]
    YourDiscriminator(State),
    /// Not a number of ours.
    #[error("no session has discriminator {0}")]
    NoSession(u32),
    /// No session is between these ends.
    #[error("no session is between these addresses")]
    Stranger,
    /// It came from farther than the link (RFC 5881 §5), or than so many hops (RFC 5883 §5).
    #[error("TTL {0} is too low: it came from too far away")]
    Ttl(u8),
    /// Single-hop packet of a multihop session, or the other way round.
    #[error("it came to the port of another kind of session")]
    Port,
    /// It proves something that nobody asked for.
    #[error("authentication of type {0} is not in use")]
    Unasked(u8),
    /// It proves nothing.
    #[error("authentication is missing")]
    Unproven,
    /// Another way to prove than ours.
    #[error("authentication of type {0} is not the one in use")]
    AuthType(u8),
    /// Its length is not that of its type.
    #[error("authentication section of length {0}")]
    AuthLength(u8),
    /// Another key than ours.
    #[error("key {0} is not the one in use")]
    KeyId(u8),
    /// Played again, or far from what was expected.
    #[error("sequence number {0} is out of turn")]
    Sequence(u32),
    /// Who sent it does not know the secret.
    #[error("wrong digest")]
    Digest,
    /// The session is held down by a person.
    #[error("session is administratively down")]
    AdminDown,
}

/// A packet as octets; no allocation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Wire {
    octets: [u8; MOST],
    length: usize,
}

impl Wire {
    /// What is sent.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or(&self.octets)
    }
}

impl Packet {
    /// Reads a packet, and its authentication section if it has one. What only a session can judge is left to it.
    pub fn decode(octets: &[u8]) -> Result<(Self, Option<AuthSection>), Discard> {
        let (head, rest) = octets.split_first_chunk::<24>().ok_or(Discard::Short(octets.len()))?;
        let [first, second, multiplier, length, words @ ..] = head;
        if first >> 5 != 1 {
            return Err(Discard::Version(first >> 5));
        }
        let has_auth = second & 4 != 0;
        if *length < if has_auth { HEAD_WITH_AUTH } else { HEAD } {
            return Err(Discard::Length(*length));
        }
        let section =
            rest.get(..usize::from(length - HEAD)).ok_or(Discard::Cut { length: *length, came: octets.len() })?;
        if *multiplier == 0 {
            return Err(Discard::Multiplier);
        }
        if second & 1 != 0 {
            return Err(Discard::Multipoint);
        }
        let (words, _) = words.as_chunks::<4>();
        let mut words = words.iter().map(|word| u32::from_be_bytes(*word));
        let mut word = || words.next().unwrap_or_default();
        let packet = Self {
            diag: Diag::from_bits(*first),
            state: State::from_bits(second >> 6),
            poll: second & 32 != 0,
            final_: second & 16 != 0,
            control_plane_independent: second & 8 != 0,
            demand: second & 2 != 0,
            multiplier: *multiplier,
            my_discriminator: word(),
            your_discriminator: word(),
            desired_min_tx: Duration::from_micros(word().into()),
            required_min_rx: Duration::from_micros(word().into()),
            required_min_echo_rx: Duration::from_micros(word().into()),
        };
        if packet.my_discriminator == 0 {
            return Err(Discard::MyDiscriminator);
        }
        if packet.your_discriminator == 0 && matches!(packet.state, State::Init | State::Up) {
            return Err(Discard::YourDiscriminator(packet.state));
        }
        Ok((packet, has_auth.then(|| AuthSection::new(*head, section))))
    }

    /// Writes it; with a key, also the proof, under this sequence number.
    #[must_use]
    pub fn encode(&self, auth: Option<(&Key, u32)>) -> Wire {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let length = if auth.is_some() { HEAD + auth::LENGTH } else { HEAD };
        let first = 1 << 5 | self.diag.bits();
        let second = self.state.bits() << 6
            | flag(self.poll, 32)
            | flag(self.final_, 16)
            | flag(self.control_plane_independent, 8)
            | flag(auth.is_some(), 4)
            | flag(self.demand, 2);
        let words = [
            self.my_discriminator,
            self.your_discriminator,
            micros(self.desired_min_tx),
            micros(self.required_min_rx),
            micros(self.required_min_echo_rx),
        ];
        let mut head = [0; HEAD as usize];
        let written = [first, second, self.multiplier, length];
        for (to, from) in head.iter_mut().zip(written.into_iter().chain(words.into_iter().flat_map(u32::to_be_bytes))) {
            *to = from;
        }
        let section = auth.map(|(key, sequence)| key.section(&head, sequence));
        let mut octets = [0; MOST];
        for (to, from) in octets.iter_mut().zip(head.into_iter().chain(section.into_iter().flatten())) {
            *to = from;
        }
        Wire { octets, length: usize::from(length) }
    }
}

fn micros(interval: Duration) -> u32 {
    u32::try_from(interval.as_micros()).unwrap_or(u32::MAX)
}
