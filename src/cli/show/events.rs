//! `twinspan show events`: what has happened, and why.

use std::{
    io::{self, Write},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{Json, show};
use crate::cli::{
    Failure,
    human::{count, or_dash},
    screen::{Screen, Tone},
    table::{Cell, Table},
};
use crate::config;
use crate::control::api::{Event, EventLevel, EventQuery, Events, LIMIT_DEFAULT, LIMIT_MAX, Moment, Request};
use crate::control::io::Client;
use crate::types::Name;

/// Which events.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only those about this neighbor or tunnel; a device's name means all of its
    name: Option<Name>,
    /// Only those from then on: a duration such as 10m or 2h, or a time such as 2026-11-21T03:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<Moment>,
    /// The newest, at most so many
    #[arg(long, value_name = "COUNT", default_value_t = LIMIT_DEFAULT, value_parser = limit)]
    limit: usize,
    #[command(flatten)]
    json: Json,
}

/// Asks and shows.
pub fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    let query = EventQuery { about: args.name.clone(), since: args.since, after: None, limit: args.limit };
    show(client, &Request::Events(query), &args.json, write_events)
}

/// Writes one row an event, the oldest first.
pub fn write_events<W: Write>(reply: &Events, screen: &mut Screen<W>) -> io::Result<()> {
    if reply.events.is_empty() {
        screen.line("no such events are remembered")?;
    } else {
        let mut table = Table::new(&["AT", "EVENT", "ABOUT", "WHAT"]);
        reply.events.iter().for_each(|event| table.row(row(event)));
        table.write(screen)?;
    }
    if reply.forgotten > 0 {
        screen.text("\n")?;
        screen.line(&format!("{} older ones are not remembered: see the log", count(reply.forgotten)))?;
    }
    Ok(())
}

fn row(event: &Event) -> [Cell; 4] {
    let tone = match event.level {
        EventLevel::Warning => Tone::Warn,
        EventLevel::Info | EventLevel::Unknown => Tone::Plain,
    };
    [
        event.at.to_string().into(),
        Cell::toned(event.event.clone(), tone),
        or_dash(event.about.as_ref()).into(),
        event.text.clone().into(),
    ]
}

/// Reads a moment, or how long ago it was.
pub fn since(text: &str) -> Result<Moment, String> {
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    let ago = config::duration(text).ok_or("give a duration such as 10m, or a time such as 2026-11-21T03:00:00Z")?;
    // A clock before 1970 only makes everything recent.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Ok(Moment::from_unix(now.saturating_sub(ago)))
}

fn limit(text: &str) -> Result<usize, String> {
    let limit = text.parse::<usize>().map_err(|error| error.to_string())?;
    if limit <= LIMIT_MAX { Ok(limit) } else { Err(format!("at most {LIMIT_MAX}")) }
}
