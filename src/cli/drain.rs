//! `twinspan drain` and `twinspan undrain`: planned maintenance, and back.

use std::time::Duration;

use tokio::time::sleep;

use super::{Failure, screen::Screen, wait};
use crate::control::api::{Drain, DrainOrder, DrainStep, Drains, Request, indented};
use crate::control::io::Client;
use crate::types::Name;

/// How often it is looked how far it is.
const LOOK: Duration = Duration::from_millis(200);

/// What to drain.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// Why: the neighbors are told, at most 255 octets
    #[arg(long, global = true, value_name = "TEXT")]
    reason: Option<String>,
    /// Also if a connection would have no tunnel, or the twin is not ready: traffic may be lost
    #[arg(long, global = true)]
    force: bool,
    /// Write each step as it begins, until it is drained
    #[arg(long, global = true)]
    wait: bool,
    /// Write the daemon's JSON document instead
    #[arg(long, global = true)]
    json: bool,
}

/// What to bring back.
#[derive(Debug, clap::Args)]
pub struct BackArgs {
    #[command(subcommand)]
    what: Option<What>,
    /// Write each step as it begins, until it is back in service
    #[arg(long, global = true)]
    wait: bool,
    /// Write the daemon's JSON document instead
    #[arg(long, global = true)]
    json: bool,
}

/// One thing that can be drained.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// The whole instance; also without a word
    Instance,
    /// One of its tunnels
    Tunnel {
        /// Its name, as show tunnels says it
        name: Name,
    },
    /// All tunnels to one device, on both instances
    Device {
        /// The device's name
        name: Name,
    },
}

fn order(what: Option<&What>, reason: Option<String>, force: bool) -> DrainOrder {
    let (tunnel, device) = match what {
        Some(What::Tunnel { name }) => (Some(name.clone()), None),
        Some(What::Device { name }) => (None, Some(name.clone())),
        Some(What::Instance) | None => (None, None),
    };
    DrainOrder { tunnel, device, reason, force }
}

/// Leads neighbors away, and lets them go.
pub fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    let order = order(args.what.as_ref(), args.reason.clone(), args.force);
    follow(&Request::Drain(order), args.wait, args.json, client)
}

/// Brings it back.
pub fn back(args: &BackArgs, client: &Client) -> Result<(), Failure> {
    follow(&Request::Undrain(order(args.what.as_ref(), None, false)), args.wait, args.json, client)
}

/// Asks for it, and says how far it is until it is done.
fn follow(request: &Request, to_the_end: bool, json: bool, client: &Client) -> Result<(), Failure> {
    let mut drain: Drain = wait(async { Ok(client.ask(request).await?) })?;
    let mut screen = Screen::stdout();
    if !json {
        screen.line(&drain.text)?;
        if let Some(other) = &drain.other_instance {
            screen.line(other)?;
        }
        screen.flush()?;
    }
    while to_the_end && !is_done(&drain) {
        let last = drain.step;
        drain = wait(async {
            sleep(LOOK).await;
            let all: Drains = client.ask(&Request::Drains).await?;
            let same = |one: &Drain| one.target == drain.target && one.name == drain.name;
            all.drains.into_iter().find(same).ok_or_else(|| Failure::new("it is not drained any more".to_owned()))
        })?;
        if last != drain.step && !json {
            screen.line(&drain.text)?;
            screen.flush()?;
        }
        let turned = matches!(request, Request::Drain(_)) != (drain.step as u8 <= DrainStep::Drained as u8);
        if turned {
            return Err(Failure::new(format!("somebody wanted the opposite: {}", drain.text)));
        }
    }
    if json {
        screen.text(&indented(&drain))?;
    } else if !is_done(&drain) {
        screen.line("it goes on by itself; the same command with --wait follows it")?;
    }
    Ok(screen.flush()?)
}

fn is_done(drain: &Drain) -> bool {
    matches!(drain.step, DrainStep::Drained | DrainStep::Returned | DrainStep::Unknown)
}
