//! `twinspan reset`: end something and let it start again.

use super::{Failure, screen::Screen, wait};
use crate::control::api::{Done, Request, Reset, Soft};
use crate::control::io::Client;
use crate::types::Name;

/// What to reset.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// End the session with a neighbor (Cease / Administrative Reset) and dial again at once
    Neighbor {
        /// The neighbor's name, as show neighbors says it
        name: Name,
        /// What the operator at the other end is told instead of "reset by an operator", at most 255 octets
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Have the neighbor forget our routes at once, whatever it would keep over a restart (RFC 8538)
        #[arg(long)]
        hard: bool,
        /// Keep the session: in asks for all its routes again (route refresh), out tells all of ours, both does both
        #[arg(
            long,
            value_name = "WAY",
            num_args = 0..=1,
            default_missing_value = "both",
            require_equals = false,
            conflicts_with_all = ["reason", "hard"]
        )]
        soft: Option<Soft>,
    },
}

/// Asks for it and says what was done.
pub fn run(command: &Command, client: &Client) -> Result<(), Failure> {
    let request = match command {
        Command::Neighbor { name, reason, hard, soft } => {
            let how = match soft {
                Some(soft) => Reset::Soft(*soft),
                None => Reset::Session { reason: reason.clone(), hard: *hard },
            };
            Request::ResetNeighbor(name.clone(), how)
        }
    };
    let done: Done = wait(async { Ok(client.ask(&request).await?) })?;
    let mut screen = Screen::stdout();
    screen.line(&done.message)?;
    Ok(screen.flush()?)
}
