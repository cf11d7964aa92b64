//! Why a command did not do what was asked, and the exit status that says so.

use std::{io, process::ExitCode};

use super::screen;
use crate::control::io::ClientError;

/// A command's failure.
#[derive(Debug)]
pub enum Failure {
    /// Refused or failed: status 1.
    Failed {
        /// One sentence; empty if all has been said already.
        message: String,
        /// The way out.
        hint: Option<String>,
    },
    /// What was typed cannot be meant: status 2.
    Usage(String),
    /// The daemon cannot be reached: status 3.
    Unreachable {
        /// One sentence.
        message: String,
        /// The way out.
        hint: String,
    },
    /// Writing to standard output failed.
    Output(io::Error),
}

impl Failure {
    /// Refused or failed, for this reason.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), hint: None }
    }

    /// Failed, and all has been said already.
    pub fn told() -> Self {
        Self::new("")
    }

    /// Says it on standard error and gives the status.
    pub fn tell(self) -> ExitCode {
        let (status, message, hint) = match self {
            // Who reads no further has seen enough: `twinspan show routes | head` is no failure.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
            Self::Output(error) => (1, format!("cannot write the output: {error}"), None),
            Self::Failed { message, hint } => (1, message, hint),
            Self::Usage(message) => (2, message, None),
            Self::Unreachable { message, hint } => (3, message, Some(hint)),
        };
        if !message.is_empty() {
            screen::note(&format!("error: {message}"));
        }
        if let Some(hint) = hint {
            screen::note(&format!("hint: {hint}"));
        }
        ExitCode::from(status)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Unreachable { message, hint } => Self::Unreachable { message, hint },
            ClientError::Refused(error) => Self::Failed { message: error.message, hint: error.hint },
            garbled @ ClientError::Garbled { .. } => Self::new(garbled.to_string()),
        }
    }
}
