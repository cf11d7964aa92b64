//! `twinspan check`: the faults of a file, all at once, before anything uses it.

use std::{
    env, fs,
    io::{self, IsTerminal},
    path::PathBuf,
};

use super::{
    Failure,
    screen::{self, Screen},
};
use crate::config::{Diagnostic, Report, check_text_on};
use crate::control::api::indented;
use crate::daemon::ThisHost;

/// What to check.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The gateway's file
    file: PathBuf,
    /// Write one JSON document to standard output instead
    #[arg(long)]
    json: bool,
}

/// Checks it: faults to standard error, one line that sums up to standard output. Fails if there is an error.
pub fn run(args: &Args) -> Result<(), Failure> {
    let name = args.file.display().to_string();
    let text = fs::read_to_string(&args.file).map_err(|error| Failure::new(format!("cannot read {name}: {error}")))?;
    let report = check_text_on(&name, &text, &ThisHost);
    let mut screen = Screen::stdout();
    if args.json {
        screen.text(&indented(&report))?;
    } else {
        tell(&report.diagnostics, &text);
        screen.line(&summary(&report))?;
    }
    screen.flush()?;
    if report.ok { Ok(()) } else { Err(Failure::told()) }
}

/// Writes every fault with its place in the text to standard error, in colour on a terminal.
pub fn tell(diagnostics: &[Diagnostic], text: &str) {
    let colour = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    for diagnostic in diagnostics {
        let shown = if colour { diagnostic.render_styled(text) } else { diagnostic.render(text) };
        screen::note(&format!("{shown}\n"));
    }
}

fn summary(report: &Report) -> String {
    if report.diagnostics.is_empty() { format!("{}: no faults", report.file) } else { report.summary() }
}
