//! `twinspan demo`: the main job on this machine, in private namespaces, measured.
//!
//! Owns the demonstration and nothing else. It never touches the network, the files or the settings of the host: all
//! that it makes lives in namespaces of its own, which end with its processes.

mod enclosure;
mod kernel;
mod lab;
mod ledger;
mod node;
mod report;
mod screen;
mod speakers;
mod story;
mod stream;

use std::path::PathBuf;
use std::process::ExitCode;

use screen::Screen;

/// Show the main job on this machine: two instances, two devices, four tunnels, a stream of flows, failures, maintenance, results.
///
/// Everything happens in private namespaces, without root where the system allows it, and takes about 16 seconds.
/// Exit status 0 says that everything expected happened.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print the result as JSON on standard output; progress goes to standard error
    #[arg(long)]
    pub json: bool,

    /// Keep the speakers' configuration files and logs in this folder
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,

    /// Routes by hand and no speakers: what this machine alone does with the stream
    #[arg(long)]
    pub wiring_only: bool,

    /// Set by the demo for the process that it starts inside the namespaces
    #[arg(long, hide = true)]
    pub enclosed: bool,
}

/// Runs the demo. To be called before any thread exists: user namespaces demand it.
pub fn run(args: Args) -> ExitCode {
    if !args.enclosed {
        return match enclosure::supervise(args.keep.as_deref()) {
            Ok(code) => code,
            Err(error) => {
                eprintln!("demo: {error:#}");
                ExitCode::FAILURE
            }
        };
    }
    let screen = Screen::new(args.json);
    match enclosure::settle(args.keep.as_deref()).and_then(|dir| story::tell(&screen, &dir, args.wiring_only)) {
        Ok(report) => {
            if args.json {
                screen.result(&report.json());
            } else {
                report.print(&screen);
            }
            if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            screen.trouble(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
