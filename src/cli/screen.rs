//! Where output goes, and whether in colour.

use std::{
    env,
    io::{self, BufWriter, IsTerminal, Write},
};

/// What a piece of text means; colour says it again, never alone.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Tone {
    /// Nothing in particular.
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// Not as it should be.
    Bad,
    /// Of less weight.
    Dim,
}

/// A place to write text to, line by line.
pub struct Screen<W: Write> {
    out: W,
    colour: bool,
}

impl Screen<BufWriter<io::StdoutLock<'static>>> {
    /// Standard output; in colour where it can be.
    pub fn stdout() -> Self {
        let out = io::stdout();
        Self { colour: coloured(&out), out: BufWriter::new(out.lock()) }
    }
}

impl<W: Write> Screen<W> {
    /// Any place.
    pub fn new(out: W, colour: bool) -> Self {
        Self { out, colour }
    }

    /// Writes text as it is.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())
    }

    /// Writes octets as they are.
    pub fn octets(&mut self, octets: &[u8]) -> io::Result<()> {
        self.out.write_all(octets)
    }

    /// Writes text in its tone. Control characters, which only a far end can have put there, become `?`.
    pub fn toned(&mut self, text: &str, tone: Tone) -> io::Result<()> {
        let clean = text.replace(char::is_control, "?");
        let code = match tone {
            _ if !self.colour || clean.is_empty() => return self.text(&clean),
            Tone::Plain => return self.text(&clean),
            Tone::Good => "32",
            Tone::Warn => "33",
            Tone::Bad => "31",
            Tone::Dim => "2",
        };
        write!(self.out, "\x1b[{code}m{clean}\x1b[0m")
    }

    /// Writes a line.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        self.toned(text, Tone::Plain)?;
        self.text("\n")
    }

    /// Hands everything over; what cannot be written is told here at the latest.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Whether to write in colour: on a terminal, unless NO_COLOR is set (no-color.org) or the terminal is dumb.
pub fn coloured(out: &impl IsTerminal) -> bool {
    let set = |key| env::var_os(key).is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    out.is_terminal() && !set("NO_COLOR") && !dumb
}

/// Says something beside the output, on standard error; if nobody can hear it, so be it.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
