//! `cargo run --example behaviours`: what planned and unplanned events cost a gateway, in packets, beside what the reference
//! product says of itself. Needs root, FRR, BIRD and GoBGP.
//!
//! Prints one table in Markdown. Each measurement runs in a lab of its own, one after the other.
#![allow(clippy::print_stdout, reason = "a command's output")]
#![allow(dead_code, reason = "the tests use the rest")]

#[path = "../flows/mod.rs"]
#[allow(unused_imports, reason = "the tests use the rest")]
mod flows;
mod place;
mod rows;
#[path = "../runner/mod.rs"]
#[allow(unused_imports, reason = "the tests use the rest")]
mod runner;
mod traffic;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use place::Place;
use rows::{Figure, Row};

/// Measures what planned and unplanned events cost in packets.
#[derive(Parser)]
#[command(name = "behaviours")]
struct Arguments {
    /// Only rows whose name contains one of these words.
    rows: Vec<String>,
    /// Times that each is done; the table shows the worst.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Packets a second each way, of 64 flows together.
    #[arg(long, default_value_t = 2000)]
    rate: u32,
    /// The folder with the `twinspan` to measure; else it is built.
    #[arg(long)]
    programs: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("behaviours: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let programs = match &arguments.programs {
        Some(folder) => fs::canonicalize(folder).context("the folder of the programs")?,
        None => runner::check::built()?,
    };
    let place = Place { programs, rate: arguments.rate };
    let mut table = vec![
        "| what happens | wanted | packets lost to the sites, to the cloud, of so many each way | the worst flow was away for \
         | done after | the reference product |"
            .to_owned(),
        "| --- | --- | --- | --- | --- | --- |".to_owned(),
    ];
    let mut missed = Vec::new();
    for row in rows::ALL {
        if !arguments.rows.is_empty() && !arguments.rows.iter().any(|word| row.name.contains(word.as_str())) {
            continue;
        }
        let mut worst: Option<Figure> = None;
        for round in 1..=arguments.rounds.min(row.most) {
            let load = fs::read_to_string("/proc/loadavg")?;
            let figure = (row.measure)(&place).with_context(|| row.name)?;
            eprintln!("{}, round {round}: {figure:?}, load {}", row.name, load.trim());
            worst = Some(match worst {
                Some(before) => before.worse(figure),
                None => figure,
            });
        }
        let Some(figure) = worst else { continue };
        if !(row.wanted)(&figure) {
            missed.push(row.name);
        }
        table.push(line(row, &figure));
    }
    println!("{}", table.join("\n"));
    ensure!(missed.is_empty(), "not as wanted: {}", missed.join("; "));
    Ok(())
}

fn line(row: &Row, figure: &Figure) -> String {
    let Figure { lost, sent, away, after } = figure;
    format!(
        "| {} | {} | {}, {} of {} | {} ms | {:.1} s | {} |",
        row.name,
        row.words,
        lost[0],
        lost[1],
        sent,
        away.as_millis(),
        after.as_secs_f64(),
        row.reference
    )
}
