//! The last line of what a command writes, however much it writes.

/// The most octets of a line that are kept.
const MOST: usize = 200;

/// Keeps the last line that has something in it; the rest is forgotten as it comes.
#[derive(Clone, Debug, Default)]
pub struct LastLine {
    complete: Vec<u8>,
    begun: Vec<u8>,
}

impl LastLine {
    /// More output, cut anywhere.
    pub fn push(&mut self, octets: &[u8]) {
        for octet in octets {
            match octet {
                b'\n' | b'\r' if self.begun.trim_ascii().is_empty() => self.begun.clear(),
                b'\n' | b'\r' => self.complete = std::mem::take(&mut self.begun),
                _ if self.begun.len() < MOST => self.begun.push(*octet),
                _ => {}
            }
        }
    }

    /// The line, as text for people: nobody's terminal codes.
    #[must_use]
    pub fn text(&self) -> String {
        let line = if self.begun.trim_ascii().is_empty() { &self.complete } else { &self.begun };
        String::from_utf8_lossy(line).replace(char::is_control, " ").trim().to_owned()
    }
}
