//! `twinspan completions`: what a shell needs to complete our words.

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, Failure, screen::Screen};

/// Which shell.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell; for bash: twinspan completions bash > /etc/bash_completion.d/twinspan
    shell: Shell,
}

/// Prints them.
pub fn run(args: &Args) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "twinspan", &mut script);
    let mut screen = Screen::stdout();
    screen.octets(&script)?;
    Ok(screen.flush()?)
}
