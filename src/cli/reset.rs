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
    /// Reset the session in a tunnel, and forget what its failures have cost: a wait that they made ends at once
    Tunnel {
        /// The tunnel's name, as show tunnels says it
        name: Name,
        #[command(flatten)]
        why: Why,
    },
    /// Reset all sessions of this instance but that with its twin, forget the failures of its tunnels, and compare the
    /// kernel
    Instance {
        #[command(flatten)]
        why: Why,
    },
    /// Reset this instance, and once it is back the other one
    Gateway {
        #[command(flatten)]
        why: Why,
    },
}

/// What neighbors are told.
#[derive(Debug, clap::Args)]
pub struct Why {
    /// What the operators at the other ends are told instead of "reset by an operator", at most 255 octets
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
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
        Command::Tunnel { name, why } => Request::ResetTunnel(name.clone(), why.reason.clone()),
        Command::Instance { why } => Request::ResetInstance(why.reason.clone()),
        Command::Gateway { why } => Request::ResetGateway(why.reason.clone()),
    };
    let done: Done = wait(async { Ok(client.ask(&request).await?) })?;
    let mut screen = Screen::stdout();
    screen.line(&done.message)?;
    Ok(screen.flush()?)
}
