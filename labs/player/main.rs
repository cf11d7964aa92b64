//! `cargo run --example player -- --local 169.254.21.1 --remote 169.254.21.2 --asn 65010 --file TABLE.gz`
//!
//! Prints one JSON object a line: established, sent, then what came back. Exit status 1 after a NOTIFICATION, 2 where
//! there was no session.
#![allow(clippy::print_stdout, reason = "a command's output")]
#![allow(dead_code, reason = "the tests use the rest")]

#[path = "mod.rs"]
#[allow(unused_imports, reason = "the tests use the rest")]
mod player;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use player::mrt::{self, Record};
use player::{Failure, Options, Player, table};
use serde_json::json;

/// Plays a recorded or a made-up table to a BGP speaker.
#[derive(Parser)]
#[command(name = "player")]
struct Arguments {
    /// The own address: source, next hop, router id.
    #[arg(long)]
    local: Ipv4Addr,
    /// The speaker's address.
    #[arg(long)]
    remote: Ipv4Addr,
    #[arg(long, default_value_t = 179)]
    port: u16,
    /// The own AS.
    #[arg(long)]
    asn: u32,
    /// An MRT file, as it is or packed by gzip or bzip2.
    #[arg(long, conflicts_with = "generate", required_unless_present = "generate")]
    file: Option<PathBuf>,
    /// Play a made-up table of so many prefixes instead.
    #[arg(long)]
    generate: Option<usize>,
    /// Its seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Play no more than so many records.
    #[arg(long)]
    max: Option<usize>,
    #[arg(long, default_value_t = 90)]
    hold_time: u16,
    /// Speak as one who knows two-octet AS numbers only.
    #[arg(long)]
    two_octet: bool,
    /// Keep the session for so long after the last message.
    #[arg(long, default_value_t = 5.0)]
    stay_seconds: f64,
}

fn main() -> ExitCode {
    match play(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Notification(code, subcode, data)) => {
            println!("{}", json!({"event": "notification", "code": code, "subcode": subcode, "data": data}));
            ExitCode::from(1)
        }
        Err(Failure::Other(reason)) => {
            println!("{}", json!({"event": "failed", "reason": reason}));
            ExitCode::from(2)
        }
    }
}

fn play(arguments: &Arguments) -> Result<(), Failure> {
    let records: Box<dyn Iterator<Item = Record>> = match &arguments.file {
        Some(file) => Box::new(mrt::messages(file)),
        None => Box::new(table::records(arguments.generate.unwrap_or_default(), arguments.seed)),
    };
    let mut player = Player::connect(&Options {
        local: arguments.local,
        remote: SocketAddr::from((arguments.remote, arguments.port)),
        asn: arguments.asn,
        hold_time: arguments.hold_time,
        four_octet: !arguments.two_octet,
        limit: Duration::from_secs(30),
    })?;
    println!("{}", json!({"event": "established"}));
    let sent = player.play(records.take(arguments.max.unwrap_or(usize::MAX)))?;
    println!("{}", json!({"event": "sent", "sent": sent}));
    let end = Instant::now() + Duration::from_secs_f64(arguments.stay_seconds);
    while Instant::now() < end {
        player.stands()?;
        thread::sleep(Duration::from_millis(50));
    }
    let status = player.status();
    let back = json!({"updates": status.updates, "prefixes": status.held.len(), "keepalives": status.keepalives});
    println!("{}", json!({"event": "received", "received": back}));
    Ok(())
}
