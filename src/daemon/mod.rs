//! The shell around the machine: it turns the world into inputs, and effects into system calls. It decides nothing.

mod clock;
mod drained;
mod held;
mod kernel;
mod keys;
mod protocols;
mod reader;
mod record;
mod shell;
mod signals;
mod start;
mod surroundings;
mod tally;
mod tracker;
mod turn;
mod wireguard;

use std::path::PathBuf;

pub use keys::{KeyError, ThisHost};
pub use start::StartError;

/// What `twinspan run` is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// The file.
    pub config: PathBuf,
    /// The instance that this host is; else `TWINSPAN_INSTANCE`, else the host's name.
    pub instance: Option<String>,
    /// The control socket, instead of the file's.
    pub socket: Option<PathBuf>,
}

/// Runs one instance until it is told to stop. Returns when it has stopped cleanly.
pub fn run(options: &Options) -> Result<(), StartError> {
    let prepared = start::prepare(options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(StartError::Runtime)?;
    runtime.block_on(turn::run(prepared))
}
