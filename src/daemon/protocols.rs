//! The protocol numbers under which this daemon and runs before it have put routes into the kernel, in a file beside the
//! control socket: when the file of the gateway names another one, the next run knows what was ours.

use std::{io, path::Path};

use tracing::warn;

use super::record::Record;

/// The file, and the number that counts now.
#[derive(Debug)]
pub(super) struct ProtocolFile {
    record: Record,
    now: u8,
}

impl ProtocolFile {
    /// That of the daemon with this control socket.
    pub(super) fn beside(socket: &Path, now: u8) -> Self {
        Self { record: Record::beside(socket, "protocols"), now }
    }

    /// The numbers of runs before this one, without the one of now. A file that cannot be read holds none.
    pub(super) fn former(&self) -> Vec<u8> {
        let text = self.record.read().unwrap_or_else(|error| {
            self.tell("read", &error);
            None
        });
        let text = text.unwrap_or_default();
        text.split_whitespace().filter_map(|word| word.parse().ok()).filter(|number| *number != self.now).collect()
    }

    /// The one of now, and these.
    pub(super) fn write(&self, former: &[u8]) {
        let text: String = [self.now].iter().chain(former).map(|number| format!("{number}\n")).collect();
        if let Err(error) = self.record.write(&text) {
            self.tell("written", &error);
        }
    }

    fn tell(&self, what: &str, error: &io::Error) {
        let file = self.record.path().display();
        warn!(
            event = "kernel.protocols_file",
            "{file} cannot be {what}: {error}; routes may be left when [kernel] protocol changes"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_run_knows_the_numbers_of_those_before_it_until_it_is_alone() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("twinspan.sock");
        let first = ProtocolFile::beside(&socket, 179);
        assert_eq!(first.former(), [0_u8; 0]);
        first.write(&first.former());
        let second = ProtocolFile::beside(&socket, 180);
        second.write(&second.former());
        let third = ProtocolFile::beside(&socket, 181);
        assert_eq!(third.former(), [180, 179]);
        third.write(&third.former());
        third.write(&[]);
        assert_eq!(ProtocolFile::beside(&socket, 181).former(), [0_u8; 0]);
        assert_eq!(ProtocolFile::beside(&socket, 182).former(), [181]);
        fs::write(dir.path().join("twinspan.protocols"), "x 7 900 -1").unwrap();
        assert_eq!(first.former(), [7], "garbage stops no daemon");
    }
}
