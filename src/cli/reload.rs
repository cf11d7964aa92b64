//! `twinspan reload` and `twinspan confirm`: the daemon reads its file again.

use super::{
    Failure,
    plan::write_plan,
    screen::{self, Screen},
    wait,
};
use crate::config::duration;
use crate::control::api::{CONFIRM_MAX, Done, Plan, Request, indented};
use crate::control::io::{Client, ClientError};

/// How to reload.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Go back by itself after this time, such as 60s, unless `twinspan confirm` comes before
    #[arg(long, value_name = "TIME", value_parser = within)]
    confirm_within: Option<u64>,
    /// Write the daemon's JSON document instead
    #[arg(long)]
    json: bool,
}

/// Asks for it and says what was done. A file with faults changes nothing, and all of them are told.
pub fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    let request = Request::Reload(args.confirm_within);
    let plan: Plan = wait(async { client.ask(&request).await.map_err(told) })?;
    let mut screen = Screen::stdout();
    if args.json {
        screen.text(&indented(&plan))?;
    } else {
        write_plan(&plan, &mut screen)?;
        if let Some(seconds) = plan.confirm_within_seconds {
            screen.line(&format!("it goes back by itself in {seconds} s: twinspan confirm keeps it"))?;
        }
    }
    Ok(screen.flush()?)
}

/// Keeps what the last reload brought.
pub fn confirm(client: &Client) -> Result<(), Failure> {
    let done: Done = wait(async { Ok(client.ask(&Request::Confirm).await?) })?;
    let mut screen = Screen::stdout();
    screen.line(&done.message)?;
    Ok(screen.flush()?)
}

/// Tells every fault of the file, then fails.
fn told(error: ClientError) -> Failure {
    if let ClientError::Refused(error) = &error {
        for fault in &error.faults {
            screen::note(&fault.to_string());
        }
    }
    error.into()
}

/// Whole seconds.
fn within(text: &str) -> Result<u64, String> {
    let time = duration(text).ok_or_else(|| format!("\"{text}\" is not a duration such as \"60s\" or \"5m\""))?;
    let seconds = time.as_secs();
    if time.subsec_nanos() == 0 && (1..=CONFIRM_MAX).contains(&seconds) {
        Ok(seconds)
    } else {
        Err("not within 1s to 24h, in whole seconds".to_owned())
    }
}
