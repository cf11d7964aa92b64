//! `twinspan reset`: end something and let it start again.

use super::{Failure, screen::Screen, wait};
use crate::control::api::{Done, Request};
use crate::control::io::Client;
use crate::types::Name;

/// What to reset.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// End the session with a neighbor (Cease / Administrative Reset) and dial again at once
    Neighbor {
        /// The neighbor's name, as show neighbors says it
        name: Name,
    },
}

/// Asks for it and says what was done.
pub fn run(command: &Command, client: &Client) -> Result<(), Failure> {
    let request = match command {
        Command::Neighbor { name } => Request::ResetNeighbor(name.clone()),
    };
    let done: Done = wait(async { Ok(client.ask(&request).await?) })?;
    let mut screen = Screen::stdout();
    screen.line(&done.message)?;
    Ok(screen.flush()?)
}
