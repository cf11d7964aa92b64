//! `POST /v1/plan` and `POST /v1/reload`: what another file changes.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Moment;
use crate::types::{Asn, Name, Prefix};

/// A file, as a client sends it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct FileText {
    /// What people call it; only shown.
    pub file: String,
    /// All of its text.
    pub text: String,
}

/// What a reload would change, or has changed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// True if it was done; false if it was only asked for.
    pub applied: bool,
    /// If it was done: in how many seconds it goes back by itself; `null` if it stays.
    pub confirm_within_seconds: Option<u64>,
    /// When that is.
    pub confirm_by: Option<Moment>,
    /// The worst that it does.
    pub class: PlanClass,
    /// What the files say differently.
    pub changes: Vec<PlanChange>,
    /// What takes a restart; if there is any, a reload is refused.
    pub refused: Vec<PlanRefusal>,
    /// Every session of before and after, in the order of the new file; those that go are last.
    pub sessions: Vec<PlanSession>,
    /// Every range of before and after: what becomes of the neighbors that came from it.
    pub ranges: Vec<PlanSession>,
    /// Prefixes of the gateway that are new.
    pub announced: Vec<Prefix>,
    /// Prefixes of the gateway that go.
    pub withdrawn: Vec<Prefix>,
    /// Keys of all routes that differ: decisions, groups or how flows are spread change.
    pub spread: Vec<String>,
    /// What people must change at the far ends of sessions.
    pub peers: Vec<PlanPeer>,
}

/// What a change costs.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanClass {
    /// Nothing that anybody sees.
    None,
    /// Routes are looked through again; no session ends.
    Soft,
    /// The sessions that it is about end and are opened anew.
    Session,
    /// A restart of the daemon.
    Restart,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

/// One key that the files say differently, or one thing that only one of them has.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct PlanChange {
    /// What it is about, such as `device hq-1` or `[ecmp]`.
    pub thing: String,
    /// The key, with its table; `null` if the whole thing is new or gone.
    pub key: Option<String>,
    /// As written before; `null` if it was not there.
    pub from: Option<String>,
    /// As written now; `null` if it is not there.
    pub to: Option<String>,
    /// What it costs where it makes a difference.
    pub class: PlanClass,
}

/// A key that takes a restart.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct PlanRefusal {
    /// Which, with its table.
    pub key: String,
    /// Why, for people.
    pub reason: String,
}

/// What becomes of one session.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct PlanSession {
    /// The neighbor, as it is called after.
    pub name: Name,
    /// As it was called before; `null` if that is the same.
    pub was: Option<Name>,
    /// What becomes of it.
    pub fate: SessionFate,
    /// The keys that differ for it, with their tables.
    pub because: Vec<String>,
}

/// What becomes of a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionFate {
    /// Nothing that anybody sees.
    Kept,
    /// It goes on; what it taught or was told is looked through again.
    Soft,
    /// It ends and is opened anew.
    Reset,
    /// It is new.
    Added,
    /// It goes.
    Removed,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

/// What people must change at the far end of a session.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct PlanPeer {
    /// The neighbor, as it is called after.
    pub neighbor: Name,
    /// The instance that has the session; `null` from a daemon that does not say.
    #[serde(default)]
    pub instance: Option<Name>,
    /// The device, if it is one.
    pub device: Option<Name>,
    /// The address that the far end must have as its neighbor.
    pub address: IpAddr,
    /// The one that it had; `null` if there was no such session.
    pub was_address: Option<IpAddr>,
    /// The AS that the far end must have for that neighbor.
    pub asn: Asn,
    /// The one that it had; `null` if there was no such session.
    pub was_asn: Option<Asn>,
}

/// What runs, and how that compares to the file.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ConfigState {
    /// The file that the running configuration came from; `null` if it came from none.
    pub file: Option<String>,
    /// 16 hexadecimal digits that differ when a text differs; `null` without a file.
    pub fingerprint: Option<String>,
    /// When it was taken: at the start, by the last reload, or when that went back.
    pub loaded_at: Moment,
    /// How the file on disk compares to what runs.
    pub on_disk: OnDisk,
    /// In how many seconds the last reload goes back by itself; `null` if none waits to be confirmed.
    pub unconfirmed_seconds: Option<u64>,
}

/// How the file on disk compares to what runs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDisk {
    /// It is what runs.
    Same,
    /// It has changed since, or what runs has gone back.
    Differs,
    /// It cannot be read.
    Unreadable,
    /// Nobody can tell.
    #[default]
    #[serde(other)]
    Unknown,
}
