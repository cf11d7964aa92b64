//! What has become of the twin, in the words for people.

use std::{fmt, time::Duration};

use super::hello::{Says, Unreadable};
use crate::types::Name;

/// What has become of the twin. Its display is the end of a sentence that begins with the twin's name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum News {
    /// It speaks, for the first time.
    Appeared {
        /// The version of its software.
        version: String,
    },
    /// It has said nothing for so long.
    Silent(Duration),
    /// It speaks again after so long.
    Returned(Duration),
    /// Its daemon was started anew.
    Restarted {
        /// How often that was seen.
        restarts: u64,
    },
    /// It says that it is being stopped.
    Leaving,
    /// A hello was late, and it is not silent.
    Slow {
        /// Since the one before it.
        gap: Duration,
        /// How many in between were sent and did not arrive.
        lost: u64,
    },
    /// Its hellos are in time again.
    Steady,
    /// It hears nothing of us although we hear it.
    Deaf(Duration),
    /// It hears us again.
    Hears,
    /// Its file says something else than ours.
    OtherFile,
    /// Its file says what ours says, again.
    SameFile,
    /// Its software is of another version.
    OtherVersion(String),
    /// Its software is of our version, again.
    SameVersion(String),
    /// Who speaks is not whom we expect there.
    Stranger {
        /// The gateway that it says it belongs to.
        gateway: Name,
        /// The instance that it says it is.
        instance: Name,
    },
    /// What came cannot be read.
    Unreadable(Unreadable),
    /// What it says that it does has changed: its standing or role, or whether it is ready.
    Changed {
        /// As it was.
        before: Says,
        /// As it is.
        now: Says,
    },
}

impl News {
    /// True if somebody should look.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        match self {
            Self::Silent(_)
            | Self::Restarted { .. }
            | Self::Slow { .. }
            | Self::Deaf(_)
            | Self::OtherFile
            | Self::OtherVersion(_)
            | Self::Stranger { .. }
            | Self::Unreadable(_) => true,
            Self::Appeared { .. }
            | Self::Returned(_)
            | Self::Leaving
            | Self::Steady
            | Self::Hears
            | Self::SameFile
            | Self::SameVersion(_)
            | Self::Changed { .. } => false,
        }
    }
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Appeared { version } => write!(f, "is there: twinspan {version}"),
            Self::Silent(silence) => write!(f, "has said nothing for {}", seconds(*silence)),
            Self::Returned(away) => write!(f, "speaks again, after {}", seconds(*away)),
            Self::Restarted { restarts } => write!(f, "was started anew (seen {restarts} times)"),
            Self::Leaving => f.write_str("is being stopped, as it says"),
            Self::Slow { gap, lost: 0 } => write!(f, "is slow: it said nothing for {}", seconds(*gap)),
            Self::Slow { gap, lost } => {
                write!(f, "was not heard for {}: {lost} hellos were lost on the way", seconds(*gap))
            }
            Self::Steady => f.write_str("is heard in time again"),
            Self::Deaf(time) => {
                write!(f, "is heard, and has not heard us for {}: the twin-link works one way", seconds(*time))
            }
            Self::Hears => f.write_str("hears us again"),
            Self::OtherFile => {
                f.write_str("runs another version of the file: give both the same, and reload (`twinspan plan FILE`)")
            }
            Self::SameFile => f.write_str("runs the same file again"),
            Self::OtherVersion(version) => write!(f, "runs twinspan {version}, another version than this"),
            Self::SameVersion(version) => write!(f, "runs twinspan {version} as this one does"),
            Self::Stranger { gateway, instance } => {
                write!(f, "is not who speaks at its address: instance {instance} of gateway {gateway} does; ignored")
            }
            Self::Unreadable(fault) => write!(f, "sent what cannot be read: {fault}"),
            Self::Changed { before, now } => changed(before, now, f),
        }
    }
}

fn changed(before: &Says, now: &Says, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut said = Vec::new();
    if (before.role, before.term) != (now.role, now.term) {
        said.push(format!("is {}", now.role.as_str()));
    }
    if before.standing != now.standing {
        let why = if now.reasons.is_empty() { String::new() } else { format!(": {}", now.reasons.join("; ")) };
        said.push(format!("is {}{why}", now.standing.as_str()));
    }
    if before.ready != now.ready {
        said.push(if now.ready { "has all routes" } else { "has not all routes" }.to_owned());
    }
    f.write_str(&said.join(", and "))
}

fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} s", time.as_secs())
    }
}
