//! `cargo run --release --example failover`: what a failover costs, ours beside FRR and BIRD. Needs root, FRR and BIRD.
//!
//! Prints the tables in Markdown. Each row of the results is also appended to a file as JSON while they come, and
//! tables can be made again of several such files.
#![allow(clippy::print_stdout, reason = "a command's output")]
#![allow(dead_code, reason = "the tests use the rest")]

#[path = "mod.rs"]
mod failover;
#[path = "../flows/mod.rs"]
#[allow(unused_imports, reason = "the tests use the rest")]
mod flows;
#[path = "../player/mod.rs"]
#[allow(unused_imports, reason = "the tests use the rest")]
mod player;
#[path = "../runner/mod.rs"]
#[allow(unused_imports, reason = "the tests use the rest")]
mod runner;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, ValueEnum as _};
use failover::{Event, Plan, Row, Settings, Speaker, missing, tables};

/// Measures what a failover costs: twinspan beside FRR and BIRD.
#[derive(Parser)]
#[command(name = "failover")]
struct Arguments {
    /// Prefixes that each of the four devices and the twin announce.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    prefixes: Vec<usize>,
    /// The speakers to measure; else all.
    #[arg(long, value_delimiter = ',')]
    speakers: Vec<Speaker>,
    /// The events to measure; else all.
    #[arg(long, value_delimiter = ',')]
    events: Vec<Event>,
    /// Times that all of it is done; the tables show medians.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// How many flows.
    #[arg(long, default_value_t = 1000)]
    flows: u16,
    /// Packets a second, of all flows together.
    #[arg(long, default_value_t = 5000)]
    rate: u32,
    /// The hold time on the tunnel without BFD, in seconds.
    #[arg(long, default_value_t = 9)]
    hold: u64,
    /// Between two BFD packets, in milliseconds; three missed are a failure.
    #[arg(long, default_value_t = 100)]
    bfd: u64,
    /// Seed of the table.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where each result is appended as a line of JSON.
    #[arg(long, default_value = "target/failover.jsonl")]
    results: PathBuf,
    /// Measure nothing: make the tables of these files.
    #[arg(long, num_args = 1..)]
    tables: Vec<PathBuf>,
    /// The folder with the `twinspan` to measure; else it is built.
    #[arg(long)]
    programs: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failover: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    if !arguments.tables.is_empty() {
        let mut rows = Vec::new();
        for path in &arguments.tables {
            rows.extend(read(path)?);
        }
        println!("{}", tables(&rows));
        return Ok(());
    }
    let all = |given: &[Speaker]| if given.is_empty() { Speaker::value_variants().to_vec() } else { given.to_vec() };
    let plan = Plan {
        speakers: all(&arguments.speakers),
        events: if arguments.events.is_empty() { Event::ALL.to_vec() } else { arguments.events.clone() },
        prefixes: arguments.prefixes.clone(),
        rounds: arguments.rounds,
    };
    let settings = Settings {
        programs: match arguments.programs {
            Some(folder) => folder,
            None => runner::check::built()?,
        },
        folder: Path::new(env!("CARGO_MANIFEST_DIR")).join("labs/failover"),
        seed: arguments.seed,
        flows: arguments.flows,
        rate: arguments.rate,
        hold: Duration::from_secs(arguments.hold),
        bfd: Duration::from_millis(arguments.bfd),
        idle: Duration::from_secs(2),
        rest: Duration::from_millis(2500),
    };
    let mut file = File::options().create(true).append(true).open(&arguments.results)?;
    let mut rows = Vec::new();
    failover::run(&plan, &settings, |row| {
        let line = serde_json::to_string(row)?;
        eprintln!("{line}");
        rows.push(row.clone());
        Ok(writeln!(file, "{line}")?)
    })?;
    println!("{}", tables(&rows));
    let missing = missing(&rows, &plan.speakers, &plan.events, &plan.prefixes, plan.rounds);
    ensure!(missing.is_empty(), "not measured: {}", missing.join("; "));
    Ok(())
}

fn read(path: &Path) -> Result<Vec<Row>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}
