//! `cargo run --example flows -- send|sink|watch`: flows of numbered UDP packets, by hand; each prints JSON.
#![allow(clippy::print_stdout, reason = "a command's output")]
#![allow(dead_code, reason = "the tests use the rest")]

#[path = "mod.rs"]
#[allow(unused_imports, reason = "the tests use the rest")]
mod flows;

use std::net::Ipv4Addr;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use flows::{Plan, Sender, Sink, Watch};

/// Sends, receives or watches flows of numbered UDP packets.
#[derive(Parser)]
#[command(name = "flows")]
enum Arguments {
    /// Send flows; prints how many packets each flow sent.
    Send {
        /// Where to; the flows go to these in turn.
        #[arg(required = true)]
        to: Vec<Ipv4Addr>,
        #[arg(long, default_value_t = 9000)]
        port: u16,
        #[arg(long, default_value_t = 20_000)]
        first_port: u16,
        #[arg(long, default_value_t = 64)]
        flows: u16,
        /// Packets a second, of all flows together.
        #[arg(long, default_value_t = 1000)]
        rate: u32,
        #[arg(long, default_value_t = 5.0)]
        seconds: f64,
    },
    /// Receive flows; prints what came of each.
    Sink {
        #[arg(long, default_value_t = 9000)]
        port: u16,
        #[arg(long, default_value_t = 7.0)]
        seconds: f64,
    },
    /// Print through which interface each flow's packets came in.
    Watch {
        #[arg(long, default_value_t = 9000)]
        port: u16,
        #[arg(long, default_value_t = 7.0)]
        seconds: f64,
    },
}

fn main() -> Result<()> {
    match Arguments::parse() {
        Arguments::Send { to, port, first_port, flows, rate, seconds } => {
            let duration = Some(Duration::from_secs_f64(seconds));
            let sent = Sender::open(Plan { to, port, first_port, flows, rate, duration })?.start().wait();
            let sent: Vec<_> = sent.into_iter().map(|(flow, sent)| (flow.port, flow.to, sent)).collect();
            println!("{}", serde_json::to_string(&sent)?);
        }
        Arguments::Sink { port, seconds } => {
            let sink = Sink::open(port)?.start();
            thread::sleep(Duration::from_secs_f64(seconds));
            println!("{}", serde_json::to_string(&sink.stop())?);
        }
        Arguments::Watch { port, seconds } => {
            let watch = Watch::open(port)?.start();
            thread::sleep(Duration::from_secs_f64(seconds));
            let seen: Vec<_> = watch.stop().into_iter().map(|(flow, by)| (flow.port, flow.to, by)).collect();
            println!("{}", serde_json::to_string(&seen)?);
        }
    }
    Ok(())
}
