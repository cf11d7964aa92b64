//! What people see: the drawing, progress lines, trouble. Colour only on a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

const DRAWING: &str = r"
    cloud: 10.20.0.0/16, AS 65515               four tunnels           premises: 10.52.0.0/16, AS 65010

                                +------+                     +------+
                           +----| in-0 |=====================| hq-1 |----+
                           |    +------+ `-._           _.-' +------+    |
    +------+   +--------+  |                 `-._   _.-'                 |   +------+
    | host |---| core-1 |--+                      X                      +---| site |
    +------+   +--------+  |                 _.-'   `-._                 |   +------+
                           |    +------+ _.-'           `-._ +------+    |
                           +----| in-1 |=====================| hq-2 |----+
                                +------+                     +------+
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
        let terminal = if json { io::stderr().is_terminal() } else { io::stdout().is_terminal() };
        let colour = terminal && std::env::var_os("NO_COLOR").is_none();
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
        self.line(&format!("{} {text}", self.paint("2", &format!("[{seconds:5.1} s]"))));
    }

    /// One expected thing happened.
    pub fn good(&self, text: &str) {
        self.line(&format!("          {} {text}", self.paint("32", "ok")));
    }

    /// One expected thing did not happen.
    pub fn bad(&self, text: &str) {
        self.line(&format!("          {} {text}", self.paint("31", "NOT")));
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

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
