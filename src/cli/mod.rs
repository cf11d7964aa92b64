//! The command line: one file a subcommand, tables for people and JSON for programs.
//!
//! Owns the words that are typed and printed, and the exit status: 0 done, 1 refused or failed, 2 wrong usage,
//! 3 daemon not reachable. All that it knows of a running daemon it asks through the control socket.

mod bfd_agent;
mod check;
mod completions;
mod demo;
mod drain;
mod failure;
mod human;
mod plan;
mod reload;
mod reset;
mod role;
mod run;
mod screen;
mod show;
mod table;
mod tunnel;
mod watch;

#[cfg(test)]
mod tests;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::control::io::Client;
use failure::Failure;

/// Where the daemon's socket is unless told otherwise.
pub const SOCKET: &str = "/run/twinspan/twinspan.sock";

/// A BGP-4 speaker and ECMP route controller for Linux VPN gateways.
#[derive(Debug, Parser)]
#[command(
    name = "twinspan",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 daemon not reachable."
)]
struct Cli {
    /// The daemon's control socket [default: /run/twinspan/twinspan.sock; for run: what the file says]
    #[arg(long, global = true, env = "TWINSPAN_SOCKET", value_name = "PATH", hide_env_values = true)]
    socket: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run one instance of the gateway, until SIGTERM or SIGINT
    Run(run::Args),
    /// Look for faults in a file, all at once; touches nothing
    Check(check::Args),
    /// What a reload of a file would change on the running instance; changes nothing
    Plan(plan::Args),
    /// Let the daemon read its file again, and change only what differs
    Reload(reload::Args),
    /// Keep what a reload with --confirm-within brought
    Confirm,
    /// What the running instance is doing
    #[command(subcommand)]
    Show(show::Command),
    /// Events as they happen, one a line
    Watch(watch::Args),
    /// Take a tunnel down, or let it be up: for people and for hook scripts
    #[command(subcommand)]
    Tunnel(tunnel::Command),
    /// Lead all neighbors away from this instance, a tunnel or a device, and let them go: before maintenance
    Drain(drain::Args),
    /// Bring back what was drained: routes first, then what neighbors are told
    Undrain(drain::BackArgs),
    /// End a session and open it again
    #[command(subcommand)]
    Reset(reset::Command),
    /// Which instance shall be active, in active-standby
    #[command(subcommand)]
    Role(role::Command),
    /// Show the whole thing at work in private network namespaces, and what was measured
    Demo(demo::Args),
    /// Print the completions of a shell, to be put where it looks for them
    Completions(completions::Args),
    /// The daemon's process for BFD
    #[command(hide = true)]
    BfdAgent {
        /// Go on with the sessions of the agent that runs, which ends
        #[arg(long)]
        take_over: bool,
    },
}

/// Runs the command line and gives the exit status.
pub fn main() -> ExitCode {
    let Cli { socket, command } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody may be there to read the help; the status says the same.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let client = || Client::new(socket.clone().unwrap_or_else(|| SOCKET.into()));
    let done = match command {
        Command::Run(args) => run::run(args, socket),
        Command::Check(args) => check::run(&args),
        Command::Plan(args) => plan::run(&args, &client()),
        Command::Reload(args) => reload::run(&args, &client()),
        Command::Confirm => reload::confirm(&client()),
        Command::Show(command) => show::run(&command, &client()),
        Command::Watch(args) => watch::run(&args, &client()),
        Command::Tunnel(command) => tunnel::run(&command, &client()),
        Command::Drain(args) => drain::run(&args, &client()),
        Command::Undrain(args) => drain::back(&args, &client()),
        Command::Reset(command) => reset::run(&command, &client()),
        Command::Role(command) => role::run(&command, &client()),
        Command::Demo(args) => return demo::run(args),
        Command::Completions(args) => completions::run(&args),
        Command::BfdAgent { take_over } => bfd_agent::run(socket, take_over),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

/// Waits for an answer, on this thread.
fn wait<T>(answer: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::new(format!("cannot start: {error}")))?.block_on(answer)
}
