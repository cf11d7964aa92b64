//! `twinspan bfd-agent`: the process that the daemon starts for BFD. Not for people.

use std::path::PathBuf;

use super::Failure;

/// Runs until the daemon wants nothing more from it, or has stayed away for too long.
pub fn run(socket: Option<PathBuf>, take_over: bool) -> Result<(), Failure> {
    let socket = socket.ok_or_else(|| Failure::Usage("bfd-agent needs --socket".to_owned()))?;
    crate::bfd::io::run(&socket, take_over)
        .map_err(|error| Failure::new(format!("BFD agent on {}: {error}", socket.display())))
}
