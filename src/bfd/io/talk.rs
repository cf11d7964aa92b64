//! The agent's end of the unix socket: lines in and out, without ever waiting.

use std::{
    io::{self, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
};

use super::protocol::{self, FromAgent, ToAgent};

/// Octets for a daemon that does not read, after which it is left: the next connection tells everything anyway.
const BACKLOG: usize = 16 * 1024 * 1024;

/// A connection to a daemon.
pub(super) struct Talk {
    stream: UnixStream,
    come: Vec<u8>,
    goes: Vec<u8>,
    /// It said which sessions it wants.
    pub(super) has_spoken: bool,
}

impl Talk {
    pub(super) fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream, come: Vec::new(), goes: Vec::new(), has_spoken: false })
    }

    pub(super) fn say(&mut self, message: &FromAgent) {
        self.goes.extend(protocol::line(message));
    }

    /// The connection, and what was not sent on it yet.
    pub(super) fn into_parts(self) -> (UnixStream, Vec<u8>) {
        (self.stream, self.goes)
    }

    pub(super) fn has_more(&self) -> bool {
        !self.goes.is_empty()
    }

    /// What was said since the last time, and false if there is nobody any more.
    pub(super) fn hear(&mut self) -> (Vec<ToAgent>, bool) {
        let mut octets = [0; 16 * 1024];
        let mut alive = loop {
            match self.stream.read(&mut octets) {
                Ok(0) => break false,
                Ok(read) => self.come.extend_from_slice(octets.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break error.kind() == io::ErrorKind::WouldBlock,
            }
        };
        let mut said = Vec::new();
        while let Some(end) = self.come.iter().position(|octet| *octet == b'\n') {
            let line: Vec<u8> = self.come.drain(..=end).collect();
            match serde_json::from_slice(&line) {
                Ok(message) => {
                    self.has_spoken |= matches!(message, ToAgent::Sessions(_));
                    said.push(message);
                }
                Err(_) => alive = false, // it speaks another language
            }
        }
        (said, alive && self.come.len() <= protocol::LONGEST)
    }

    /// Sends what it can; false if there is nobody any more.
    pub(super) fn flush(&mut self) -> bool {
        while !self.goes.is_empty() {
            match self.stream.write(&self.goes) {
                Ok(0) => return false,
                Ok(sent) => drop(self.goes.drain(..sent)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock && self.goes.len() <= BACKLOG,
            }
        }
        true
    }
}

impl AsFd for Talk {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
