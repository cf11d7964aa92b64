//! `twinspan tunnel`: what a person or a hook script says of a tunnel.

use super::{Failure, screen::Screen, wait};
use crate::control::api::{Done, Request};
use crate::control::io::Client;
use crate::types::Name;

/// What to say.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Let it carry traffic again, once nothing else is against it
    Up(Args),
    /// Let nothing use it, until told otherwise; its session ends
    Down(Args),
}

/// Of which tunnel.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The tunnel's name, as show tunnels says it
    name: Name,
    /// Why, for whoever looks at it later, at most 255 octets
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Says it, and what came of it.
pub fn run(command: &Command, client: &Client) -> Result<(), Failure> {
    let request = match command {
        Command::Up(Args { name, reason }) => Request::TunnelUp(name.clone(), reason.clone()),
        Command::Down(Args { name, reason }) => Request::TunnelDown(name.clone(), reason.clone()),
    };
    let done: Done = wait(async { Ok(client.ask(&request).await?) })?;
    let mut screen = Screen::stdout();
    screen.line(&done.message)?;
    Ok(screen.flush()?)
}
