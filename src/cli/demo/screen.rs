//! What people see: the drawing, progress lines, trouble. Colour only on a terminal.

use std::io::{self, Write};
use std::time::Instant;

use crate::cli::screen::{self, Tone};
use crate::cli::table::Table;

const DRAWING: &str = r"
A VPN gateway of two instances, two devices on premises, four tunnels at work.
All of it runs in private namespaces, which end with it: this host's network is
not touched. It takes about 16 seconds.

  cloud network     VPN gateway, AS 65515  VPN devices, AS 65010  premises
  10.20.0.0/16              +------+               +------+       10.52.0.0/16
                        +---| in-0 |===============| hq-1 |---+
                        |   +------+ `-.       .-' +------+   |
  +------+  +--------+  |  twin |       `-. .-'               |  +------+
  | host |--| core-1 |--+  link |  tunnels X                  +--| site |
  +------+  +--------+  |       |       .-' `-.               |  +------+
                        |   +------+ .-'       `-. +------+   |
                        +---| in-1 |===============| hq-2 |---+
                            +------+               +------+
";

/// Writes for people: to standard output, or to standard error when that is kept for JSON.
#[derive(Debug)]
pub struct Screen {
    to_stderr: bool,
    colour: bool,
    began: Instant,
}

impl Screen {
    /// With `json`, standard output stays free for the result.
    pub fn new(json: bool) -> Self {
        let colour = if json { screen::coloured(&io::stderr()) } else { screen::coloured(&io::stdout()) };
        Self { to_stderr: json, colour, began: Instant::now() }
    }

    /// Seconds since the demo began.
    pub fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// The topology.
    pub fn drawing(&self) {
        self.line(DRAWING);
    }

    /// Progress: what begins or has just been seen.
    pub fn step(&self, text: &str) {
        let seconds = self.seconds();
        self.line(&format!("{} {text}", self.paint(Tone::Dim, &format!("[{seconds:5.1} s]"))));
    }

    /// One expected thing happened.
    pub fn good(&self, text: &str) {
        self.line(&format!("          {} {text}", self.paint(Tone::Good, "ok")));
    }

    /// One expected thing did not happen.
    pub fn bad(&self, text: &str) {
        self.line(&format!("         {} {text}", self.paint(Tone::Bad, "NOT")));
    }

    /// What belongs to the line above and is neither good nor bad.
    pub fn aside(&self, text: &str) {
        self.line(&format!("             {text}"));
    }

    /// A table.
    pub fn table(&self, table: &mut Table) {
        let text = self.written(|page| table.write(page));
        self.line(text.trim_end());
    }

    /// The verdict.
    pub fn verdict(&self, tone: Tone, text: &str) {
        self.line(&self.paint(tone, text));
    }

    /// A line as it is.
    pub fn line(&self, text: &str) {
        // Nobody left to read is no reason to fail.
        let _ = if self.to_stderr { writeln!(io::stderr(), "{text}") } else { writeln!(io::stdout(), "{text}") };
    }

    /// The end of a demo that could not go on.
    pub fn trouble(&self, text: &str) {
        let _ = writeln!(io::stderr(), "demo: {text}");
    }

    /// The result for programs, on standard output.
    pub fn result(&self, text: &str) {
        let _ = writeln!(io::stdout(), "{text}");
    }

    fn paint(&self, tone: Tone, text: &str) -> String {
        self.written(|page| page.toned(text, tone))
    }

    fn written(&self, write: impl FnOnce(&mut screen::Screen<&mut Vec<u8>>) -> io::Result<()>) -> String {
        let mut octets = Vec::new();
        write(&mut screen::Screen::new(&mut octets, self.colour)).expect("memory takes what is written");
        String::from_utf8_lossy(&octets).into_owned()
    }
}
