//! `twinspan role`: who shall be active, in active-standby.

use std::time::{Duration, Instant};

use super::{Failure, screen::Screen, wait};
use crate::control::api::{Done, Gateway, Request, RoleState, RoleWish};
use crate::control::io::Client;

/// How long the instances may take to agree.
const LIMIT: Duration = Duration::from_secs(5);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Who shall be active.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// This instance shall be active; the twin hands over
    Active,
    /// The twin shall be active: it takes over before this instance gives up
    Standby {
        /// Give the role up although nobody takes it, and take it from nobody until told `role active`
        #[arg(long)]
        force: bool,
    },
}

/// Says it, waits until it is so, and says how long that took.
pub fn run(command: &Command, client: &Client) -> Result<(), Failure> {
    let (wish, force) = match command {
        Command::Active => (RoleWish::Active, false),
        Command::Standby { force } => (RoleWish::Standby, *force),
    };
    let began = Instant::now();
    let done: Done = wait(async { Ok(client.ask(&Request::Role(wish, force)).await?) })?;
    let state = wait(async {
        loop {
            let gateway: Gateway = client.ask(&Request::Gateway).await?;
            let Some(role) = gateway.role else { return Ok(None) };
            let active = matches!(role.role, RoleState::Active | RoleState::Yielding);
            if active == (wish == RoleWish::Active) {
                return Ok(Some(role));
            }
            if began.elapsed() > LIMIT {
                let message =
                    format!("{}, and after {} s it is not so: {}", done.message, LIMIT.as_secs(), role.reason);
                return Err(Failure::new(message));
            }
            tokio::time::sleep(LOOK).await;
        }
    })?;
    let mut screen = Screen::stdout();
    match state {
        Some(role) => {
            let took = began.elapsed().as_millis();
            screen.line(&format!("this instance is {} after {took} ms: {}", role.role.as_str(), role.reason))?;
        }
        None => screen.line(&done.message)?,
    }
    Ok(screen.flush()?)
}
