//! What the daemon answers when it cannot do what was asked.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A refusal: what is wrong and the way out of it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// What kind of refusal, for programs.
    pub code: ErrorCode,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to do about it; `null` if that is plain.
    pub hint: Option<String>,
    /// What is wrong with a file, if that is what it is about: all of it, in the order of its text.
    #[serde(default)]
    pub faults: Vec<Fault>,
}

/// One thing that is wrong with a file; the same as `check --json` says.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// How bad it is.
    pub severity: FaultSeverity,
    /// The rule's name.
    pub code: String,
    /// What is wrong and why.
    pub message: String,
    /// What to write instead.
    pub help: String,
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
}

/// How bad a [`Fault`] is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultSeverity {
    /// The file cannot be used.
    Error,
    /// The file can be used, and someone may be surprised.
    Warning,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            FaultSeverity::Error => "error",
            FaultSeverity::Warning => "warning",
            FaultSeverity::Unknown => "fault",
        };
        let Self { file, line, column, code, message, help, .. } = self;
        write!(f, "{file}:{line}:{column}: {severity}[{code}]: {message}; {help}")
    }
}

/// How an [`ApiError`] stands in the body of a response: `{"error": {...}}`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The refusal.
    pub error: ApiError,
}

/// Kinds of refusal; each has one HTTP status.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// 400: the request cannot be understood.
    BadRequest,
    /// 404: there is no such thing.
    NotFound,
    /// 405: there is, but not to be used so.
    MethodNotAllowed,
    /// 409: not in the present state.
    Conflict,
    /// 501: this version does not do that yet.
    NotYet,
    /// 503: the daemon is starting, stopping, or does not answer.
    Unavailable,
    /// 500: a fault of ours, or a word that this version does not know.
    #[serde(other)]
    Internal,
}

impl ErrorCode {
    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict => 409,
            Self::Internal => 500,
            Self::NotYet => 501,
            Self::Unavailable => 503,
        }
    }
}

impl ApiError {
    /// A refusal without a hint.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, faults: Vec::new() }
    }

    /// The same with the way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// There is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotFound, message)
    }

    /// There is no neighbor of that name.
    pub fn no_neighbor(name: impl fmt::Display) -> Self {
        Self::not_found(format!("there is no neighbor \"{name}\"")).hint("see all: twinspan show neighbors")
    }

    /// The request cannot be understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadRequest, message)
    }

    /// The daemon cannot answer now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Unavailable, message)
    }
}
