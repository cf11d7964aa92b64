//! `twinspan run`: one instance of the gateway.

use std::path::PathBuf;

use super::{Failure, check};
use crate::daemon::{self, Options, StartError};
use crate::telemetry;

/// How to run.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The gateway's file, the same on both instances
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// Which instance of the file this is [default: the host's name]
    #[arg(long, env = "TWINSPAN_INSTANCE", value_name = "NAME")]
    instance: Option<String>,
    /// How the log is written, to standard error
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: telemetry::Format,
    /// What is logged: error, warn, info, debug or trace, also by module (info,twinspan::session=debug)
    /// [default: info]
    #[arg(long, env = telemetry::VARIABLE, value_name = "LEVEL", hide_env_values = true)]
    log: Option<String>,
}

/// Runs until it is told to stop.
pub fn run(args: Args, socket: Option<PathBuf>) -> Result<(), Failure> {
    telemetry::init(args.log_format, args.log.as_deref()).map_err(|error| Failure::Usage(error.to_string()))?;
    // An empty variable is none.
    let instance = args.instance.filter(|name| !name.is_empty());
    match daemon::run(&Options { config: args.config, instance, socket }) {
        Ok(()) => Ok(()),
        Err(error) => {
            if let StartError::Faults { text, faults, .. } = &error {
                check::tell(faults, text);
            }
            Err(Failure::new(error.to_string()))
        }
    }
}
