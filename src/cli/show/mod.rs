//! `twinspan show`: what a running instance knows, as tables or as the API's own JSON.

mod events;
mod fib;
mod gateway;
mod neighbors;
mod pages;
mod routes;
mod tunnels;

pub use events::since;
use serde::de::DeserializeOwned;

use super::{Failure, screen::Screen, wait};
use crate::control::api::Request;
use crate::control::io::Client;
use crate::types::Family;

/// What to show.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// The gateway on one page: is all well?
    Gateway(Json),
    /// Tunnels: up or down, why, and the session inside
    #[command(alias = "tunnel")]
    Tunnels(tunnels::Args),
    /// BGP sessions: state, routes, why one is down and when it is tried again
    #[command(alias = "neighbor")]
    Neighbors(neighbors::Args),
    /// Routes learned, every path, and why one is not used
    #[command(alias = "route")]
    Routes(routes::Args),
    /// What has happened, when and why
    #[command(alias = "event")]
    Events(events::Args),
    /// What is in the kernel: nexthop groups and routes
    Fib(fib::Args),
}

/// For people or for programs.
#[derive(Debug, clap::Args)]
pub struct Json {
    /// Write the answer as JSON: the document of the control API
    #[arg(long)]
    json: bool,
}

/// Asks and shows.
pub fn run(command: &Command, client: &Client) -> Result<(), Failure> {
    match command {
        Command::Gateway(json) => show(client, &Request::Gateway, json, gateway::write_gateway),
        Command::Tunnels(args) => tunnels::run(args, client),
        Command::Events(args) => events::run(args, client),
        Command::Neighbors(args) => neighbors::run(args, client),
        Command::Routes(args) => routes::run(args, client),
        Command::Fib(args) => fib::run(args, client),
    }
}

/// Standard output, as commands write to it.
type Stdout = Screen<std::io::BufWriter<std::io::StdoutLock<'static>>>;

/// One question, one answer: handed on as it came, or written for people.
fn show<T: DeserializeOwned>(
    client: &Client,
    request: &Request,
    json: &Json,
    write: impl FnOnce(&T, &mut Stdout) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let mut screen = if json.json {
        let document = wait(async { Ok(client.fetch(request).await?) })?;
        let mut screen = Screen::stdout();
        screen.octets(&document)?;
        screen
    } else {
        let reply = wait(async { Ok(client.ask(request).await?) })?;
        let mut screen = Screen::stdout();
        write(&reply, &mut screen)?;
        screen
    };
    Ok(screen.flush()?)
}

/// Reads `ipv4` or `ipv6`.
fn family(text: &str) -> Result<Family, String> {
    Family::ALL
        .into_iter()
        .find(|family| family.to_string() == text)
        .ok_or_else(|| "families are ipv4 and ipv6".to_owned())
}
