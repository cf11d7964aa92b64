//! `cargo run --example lab -- up labs/dual-redundancy/dual-redundancy.clab.yml`: a lab by hand.
#![allow(clippy::print_stdout, reason = "a command's output")]
#![allow(dead_code, reason = "the tests use the rest of the runner")]

#[path = "mod.rs"]
mod runner;

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use runner::lab::{self, Record};
use runner::{Lab, Options, wait_until};
use tokio::signal::unix::{SignalKind, signal};

/// Runs a containerlab file with network namespaces and the system's own daemons.
#[derive(Parser)]
#[command(name = "lab")]
enum Arguments {
    /// Make a lab; it stays until Ctrl-C.
    Up {
        /// The lab's `*.clab.yml`.
        file: PathBuf,
        /// Nodes whose daemons are not started.
        #[arg(long)]
        idle: Vec<String>,
        /// The folder with the `twinspan` to run; else the one that this command was built into.
        #[arg(long)]
        programs: Option<PathBuf>,
    },
    /// Run a command in a node of a lab that is up.
    Exec {
        /// The node.
        node: String,
        /// The command and its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
        /// The lab, where several are up.
        #[arg(long)]
        lab: Option<String>,
    },
    /// List the labs that are up.
    List,
    /// End a lab, and remove what killed runs left.
    Down {
        /// The lab's name or prefix.
        lab: Option<String>,
        /// All of them.
        #[arg(long, conflicts_with = "lab")]
        all: bool,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    match arguments {
        Arguments::Up { file, idle, programs } => up(&file, idle, programs),
        Arguments::Exec { node, command, lab } => exec(&node, &command, lab.as_deref()),
        Arguments::List => {
            for Record { name, prefix, owner, holders } in lab::list().into_iter().filter(Record::lives) {
                println!("{name} {prefix} process {owner}: {}", holders.into_keys().collect::<Vec<_>>().join(" "));
            }
            Ok(())
        }
        Arguments::Down { lab, all } => down(lab.as_deref(), all),
    }
}

fn up(file: &std::path::Path, idle: Vec<String>, programs: Option<PathBuf>) -> Result<()> {
    let programs = match programs {
        Some(folder) => folder,
        None => {
            let own = std::env::current_exe()?; // target/debug/examples/lab
            own.ancestors().nth(2).context("this program is not in a target folder")?.to_path_buf()
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let lab = Lab::up(file, &Options { idle, ..Options::new(programs) })?;
        println!("{} is up as {}: logs in {}", lab.topology.name, lab.prefix, lab.logs().display());
        println!("for example: cargo run --example lab -- exec NODE COMMAND; Ctrl-C ends it");
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        println!("taking {} down", lab.topology.name);
        Ok(())
    })
}

fn exec(node: &str, command: &[String], lab: Option<&str>) -> Result<()> {
    let mut labs = lab::list();
    labs.retain(|record| record.lives() && lab.is_none_or(|wanted| record.name == wanted || record.prefix == wanted));
    let record = match labs.as_slice() {
        [one] => one,
        [] => bail!("no such lab is up"),
        _ => bail!("several labs are up: say which by --lab"),
    };
    let holder = record.holders.get(node).with_context(|| format!("{} has no node {node}", record.name))?;
    let programs = std::env::current_exe()?.ancestors().nth(2).map(PathBuf::from).unwrap_or_default();
    let programs = programs.display();
    let path = format!("{programs}:{programs}/examples:{}", std::env::var("PATH").unwrap_or_default());
    let target = holder.to_string();
    let error = Command::new("nsenter")
        .args(["-t", &target, "--net", "--mount", "--uts", "--pid", "--"])
        .args(command)
        .env("PATH", path)
        .exec();
    Err(error).context("cannot run nsenter")
}

fn down(wanted: Option<&str>, all: bool) -> Result<()> {
    for record in lab::list() {
        // A test's lab ends with its test.
        let by_hand = fs::read_to_string(format!("/proc/{}/comm", record.owner)).is_ok_and(|name| name.trim() == "lab");
        if !by_hand || !(all || wanted.is_some_and(|name| record.name == name || record.prefix == name)) {
            continue;
        }
        kill(Pid::from_raw(i32::try_from(record.owner)?), Signal::SIGTERM)?;
        wait_until(Duration::from_secs(20), || match record.lives() {
            true => Err(format!("process {} still runs", record.owner)),
            false => Ok(()),
        })?;
        println!("{} is down", record.name);
    }
    lab::sweep();
    Ok(())
}
