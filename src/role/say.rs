//! Why an instance has the role that it has, in words for people.

use std::{fmt, time::Duration};

/// Why the role is what it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Why {
    /// It has just begun.
    Started,
    /// A run before this one was active, and its claim has not run out.
    Resumed,
    /// Nothing was done for so long: the claim may have run out meanwhile.
    Paused(Duration),
    /// The twin is active.
    TwinActive,
    /// The twin claimed the role later.
    TwinStronger,
    /// Neither was active, and this is the better one.
    Better,
    /// Neither was active, and the better one did nothing.
    NobodyElse,
    /// The twin is silent for so long, and nobody answers for the shared address on the network side.
    Unanswered(Duration),
    /// The twin is silent for so long that a claim of its own has run out, and there is nobody to ask.
    RunOut(Duration),
    /// The twin has handed it over.
    HandedOver,
    /// It was handed over to the twin, for that reason.
    Yielded(String),
    /// Another host has the shared address on the network side, and the twin is silent.
    Conflict(String),
    /// A person, or a program, said so.
    Told,
    /// The lease in etcd was granted.
    Granted,
    /// The lease in etcd has run out, for that reason.
    LeaseLost(String),
    /// Another has the lease in etcd.
    LeaseTaken(String),
    /// It is to be drained, or to end.
    Away,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |time: &Duration| format!("{:.1} s", time.as_secs_f64());
        match self {
            Self::Started => f.write_str("it has just started and asks first"),
            Self::Resumed => f.write_str("it was active before it was started again, and its claim had not run out"),
            Self::Paused(gap) => write!(f, "it was stopped for {}, so its claim counts no more", seconds(gap)),
            Self::TwinActive => f.write_str("the twin is active"),
            Self::TwinStronger => f.write_str("the twin is active by a stronger claim"),
            Self::Better => f.write_str("neither was active, and it is the better one"),
            Self::NobodyElse => f.write_str("neither was active, and the twin did not take over"),
            Self::Unanswered(silent) => {
                let silent = seconds(silent);
                write!(f, "the twin is silent for {silent} and nobody answers for the shared address")
            }
            Self::RunOut(silent) => {
                let silent = seconds(silent);
                write!(f, "the twin is silent for {silent}, longer than a claim lasts")
            }
            Self::HandedOver => f.write_str("the twin has handed it over"),
            Self::Yielded(reason) => write!(f, "it was handed over to the twin: {reason}"),
            Self::Conflict(who) => write!(f, "{who} answers for the shared address, and the twin is silent"),
            Self::Told => f.write_str("it was told to"),
            Self::Granted => f.write_str("etcd has granted the lease"),
            Self::LeaseLost(reason) => write!(f, "the lease in etcd has run out: {reason}"),
            Self::LeaseTaken(who) => write!(f, "{who} has the lease in etcd"),
            Self::Away => f.write_str("it must not be active now"),
        }
    }
}
