//! `twinspan watch`: events as they happen, one a line.

use std::ops::ControlFlow;

use super::{
    Failure,
    human::or_dash,
    screen::{Screen, Tone},
    show::since,
    wait,
};
use crate::control::api::{Event, EventLevel, EventQuery, LIMIT_DEFAULT, Moment};
use crate::control::io::Client;
use crate::types::Name;

/// Which events.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only those about this neighbor or tunnel; a device's name means all of its
    name: Option<Name>,
    /// First those from then on: a duration such as 10m or 2h, or a time such as 2026-11-21T03:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<Moment>,
    /// Stop after so many
    #[arg(long, value_name = "COUNT")]
    count: Option<u64>,
    /// Write each as a line of JSON: the event of the control API
    #[arg(long)]
    json: bool,
}

/// Follows until told otherwise, or the daemon goes.
pub fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    let query = EventQuery { about: args.name.clone(), since: args.since, after: None, limit: LIMIT_DEFAULT };
    let mut left = args.count;
    let mut failed = None;
    let each = |event: Event| {
        if let Err(error) = line(&event, args.json) {
            failed = Some(error);
            return ControlFlow::Break(());
        }
        left = left.map(|left| left.saturating_sub(1));
        if left == Some(0) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    if args.count == Some(0) {
        return Ok(());
    }
    wait(async { Ok(client.follow(&query, each).await?) })?;
    failed.map_or(Ok(()), |error| Err(Failure::Output(error)))
}

/// One event, seen at once.
fn line(event: &Event, json: bool) -> std::io::Result<()> {
    let mut screen = Screen::stdout();
    if json {
        screen.line(&serde_json::to_string(event)?)?;
    } else {
        let tone = match event.level {
            EventLevel::Warning => Tone::Warn,
            EventLevel::Info | EventLevel::Unknown => Tone::Plain,
        };
        screen.text(&format!("{}  ", event.at))?;
        screen.toned(&event.event, tone)?;
        screen.line(&format!("  {}  {}", or_dash(event.about.as_ref()), event.text))?;
    }
    screen.flush()
}
