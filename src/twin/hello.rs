//! The datagram: a line with the version of the format, then one JSON object.
//!
//! Fields are only ever added: a reader skips those that it does not know, and takes the default for those that are not
//! there. A change that is more than that gets another version, and is not read by older ones.

use serde::{Deserialize, Serialize};

use crate::types::Name;

/// What a hello of this version begins with.
const HEAD: &[u8] = b"twinspan hello 1\n";
/// What a hello of any version begins with.
const ANY: &[u8] = b"twinspan hello ";
/// The longest datagram that is read, in octets. What UDP carries at most is a little more.
pub const LONGEST: usize = 60_000;

/// What one instance tells the other, at every interval and at every change.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// The gateway's name.
    pub gateway: Name,
    /// The sender.
    pub instance: Name,
    /// The number of this run of the sender's daemon, by chance: another one means that it was started again.
    pub boot: u64,
    /// Counts the hellos of a run, from 1.
    pub sequence: u64,
    /// How often it says so at least, in milliseconds.
    pub interval_ms: u64,
    /// The version of its software.
    #[serde(default)]
    pub version: String,
    /// What its file says, 16 hexadecimal digits: see [`crate::twin::Settings::digest`]. `None` if it has no file.
    #[serde(default)]
    pub digest: Option<String>,
    /// The last that it heard of the receiver; `None` if it hears nothing of it.
    #[serde(default)]
    pub heard: Option<Heard>,
    /// What it is doing.
    #[serde(default)]
    pub says: Says,
}

/// Which hello was heard last.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// [`Hello::boot`] of that.
    pub boot: u64,
    /// [`Hello::sequence`] of that.
    pub sequence: u64,
}

/// What an instance is doing, for the other one. A hello goes out at once when any of it changes.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Says {
    /// Whether it is the one that carries traffic.
    pub role: Role,
    /// Which election that comes from; later ones are higher. 0 where there is none.
    pub term: u64,
    /// How much it should be the active one; higher is more.
    pub priority: u32,
    /// It is active, and the receiver shall be.
    pub yields: bool,
    /// It is not active, and wants to be.
    pub wants: bool,
    /// It does not become active, whatever happens.
    pub away: bool,
    /// It could not serve.
    pub unfit: bool,
    /// What it may say and do.
    pub standing: Standing,
    /// Why it stands so, in words for people; empty where nothing is to be said.
    pub reasons: Vec<String>,
    /// All sessions that it wants have said what they have (End-of-RIB), and its kernel has it.
    pub ready: bool,
    /// It takes part in no election: by its file both instances carry traffic.
    pub both: bool,
    /// How often in this run it has asked the other one to reset itself.
    pub resets: u64,
    /// Which devices are drained on the whole gateway, or were: what people said last of each.
    pub devices: Vec<DeviceOrder>,
    /// Each connection of the file with a tunnel on this instance.
    pub connections: Vec<Connection>,
}

impl Says {
    /// What it says of the connection of that name, if that has a tunnel there.
    #[must_use]
    pub fn connection(&self, name: &Name) -> Option<&Connection> {
        self.connections.iter().find(|connection| connection.name == *name)
    }
}

/// What a person said last of one device, to either instance.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct DeviceOrder {
    /// The device's name.
    pub device: Name,
    /// Which order it is: of two, the one with the higher number came later.
    pub number: u64,
    /// It is drained; or brought back.
    pub drained: bool,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// Although something spoke against it.
    #[serde(default)]
    pub forced: bool,
}

/// One connection, as far as one instance has tunnels of it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// Its name.
    pub name: Name,
    /// How many tunnels of it the instance has.
    #[serde(default)]
    pub tunnels: u32,
    /// How many of them are up.
    #[serde(default)]
    pub up: u32,
    /// Traffic can use it there now: a tunnel of it is up, and the far end has a session over it or needs none.
    #[serde(default)]
    pub active: bool,
}

/// Whether an instance carries traffic.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It does: in active-active mode always.
    Active,
    /// It waits to take over.
    Standby,
    /// It has not made up its mind, or uses a word that this version does not know.
    #[default]
    #[serde(other)]
    Undecided,
}

impl Role {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Standby => "standby",
            Self::Undecided => "undecided",
        }
    }
}

/// What an instance may say and do.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// At work.
    Serving,
    /// It waits to take over.
    Standby,
    /// It cannot forward, and offers nothing.
    Unfit,
    /// It is moving its traffic away.
    Draining,
    /// It has no traffic any more.
    Drained,
    /// It is being stopped: the last word of a run.
    Stopping,
    /// Not said, or a word that this version does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Standing {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Standby => "standby",
            Self::Unfit => "unfit",
            Self::Draining => "draining",
            Self::Drained => "drained",
            Self::Stopping => "stopping",
            Self::Unknown => "unknown",
        }
    }
}

/// Why octets were not a hello.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unreadable {
    /// It does not begin as one does.
    #[error("it is no hello")]
    NotOurs,
    /// Another version of the format.
    #[error("it is a hello of version \"{0}\", and this reads version 1")]
    Version(String),
    /// The object is not as it should be.
    #[error("{0}")]
    Malformed(String),
}

impl Hello {
    /// The octets. Connections that would make it longer than [`LONGEST`] are left out.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut octets = self.octets();
        if octets.len() > LONGEST {
            // 100 octets hold a connection with the longest name.
            let room = LONGEST.saturating_sub(4_096) / 100;
            let mut shorter = self.clone();
            shorter.says.connections.truncate(room);
            shorter.says.reasons.clear();
            octets = shorter.octets();
        }
        octets
    }

    fn octets(&self) -> Vec<u8> {
        let mut octets = HEAD.to_vec();
        octets.extend(serde_json::to_vec(self).expect("every value of a hello has a form in JSON"));
        octets
    }

    /// Reads octets.
    pub fn decode(octets: &[u8]) -> Result<Self, Unreadable> {
        let Some(body) = octets.strip_prefix(HEAD) else {
            let rest = octets.strip_prefix(ANY).ok_or(Unreadable::NotOurs)?;
            let version = rest.split(|octet| *octet == b'\n').next().unwrap_or_default();
            let version: String = String::from_utf8_lossy(version).chars().take(8).collect();
            return Err(Unreadable::Version(version));
        };
        serde_json::from_slice(body).map_err(|error| Unreadable::Malformed(error.to_string()))
    }
}
