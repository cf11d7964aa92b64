//! One agent after the other without a break: the next asks the one that runs for all that it knows.
//!
//! It asks twice. The first answer shows that it can read what comes, and nothing has happened yet; with the second the
//! old agent has closed its sockets, and the new one opens its own.

use std::{
    io::{self, BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::Path as FilePath,
    time::Duration,
};

use super::protocol::{self, FromAgent, Handed, ToAgent};

/// How long each answer may take.
const LIMIT: Duration = Duration::from_secs(2);

/// Takes all from the agent on this socket, which ends.
pub(super) fn take(socket: &FilePath) -> io::Result<Handed> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    let mut lines = BufReader::new(stream.try_clone()?);
    ask(&mut stream, &mut lines, false)?;
    ask(&mut stream, &mut lines, true)
}

/// Gives the last answer on a connection that was asked for it.
pub(super) fn give(stream: &UnixStream, octets: &[u8]) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(LIMIT))?;
    let mut stream = stream;
    stream.write_all(octets)
}

fn ask(stream: &mut UnixStream, lines: &mut impl BufRead, now: bool) -> io::Result<Handed> {
    stream.write_all(&protocol::line(&ToAgent::HandOver { now }))?;
    let mut line = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the agent that runs does not hand over"));
        }
        // What it says of its sessions, in whatever language.
        if let Ok(FromAgent::Handed(handed)) = serde_json::from_str(&line) {
            return Ok(handed);
        }
    }
}
