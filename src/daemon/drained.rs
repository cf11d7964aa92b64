//! What is drained, in a file beside the control socket: a drain goes on from its step over a restart of the daemon, and is
//! forgotten with the next boot (`docs/decisions/0023-fitness-and-drain.md`).

use std::{io, path::Path};

use tracing::warn;

use super::record::Record;
use crate::drain::Kept;

/// The file, and what is to be said when it cannot be used.
#[derive(Debug)]
pub(super) struct DrainFile(Record);

impl DrainFile {
    /// That of the daemon with this control socket.
    pub(super) fn beside(socket: &Path) -> Self {
        Self(Record::beside(socket, "drain"))
    }

    /// What an earlier run left. A file that cannot be read holds nothing, and is told of.
    pub(super) fn read(&self) -> Vec<Kept> {
        let read = self.0.read().and_then(|text| Ok(text.map(|text| serde_json::from_str(&text)).transpose()?));
        read.unwrap_or_else(|error| {
            self.tell("read", &error);
            None
        })
        .unwrap_or_default()
    }

    /// These from now on; without any there is no file.
    pub(super) fn write(&self, kept: &[Kept]) {
        if let Err(error) = self.put(kept) {
            self.tell("written", &error);
        }
    }

    fn put(&self, kept: &[Kept]) -> io::Result<()> {
        if kept.is_empty() {
            return self.0.remove();
        }
        self.0.write(&serde_json::to_string(kept)?)
    }

    fn tell(&self, what: &str, error: &io::Error) {
        let file = self.0.path().display();
        warn!(event = "drain.file", "{file} cannot be {what}: {error}; a restart of the daemon may end a drain");
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::drain::{Step, Target};

    #[test]
    fn what_is_drained_is_there_for_the_next_daemon_and_leaves_no_file_when_nothing_is() {
        let dir = tempfile::tempdir().unwrap();
        let file = DrainFile::beside(&dir.path().join("twinspan.sock"));
        assert_eq!(file.read(), []);
        let one = |target, step| Kept { target, reason: Some("new \"kernel\"".to_owned()), forced: true, step };
        let kept =
            [one(Target::Instance, Step::Closing), one(Target::Tunnel("hq-1/in-0".parse().unwrap()), Step::Moving)];
        file.write(&kept);
        assert_eq!(DrainFile::beside(&dir.path().join("twinspan.sock")).read(), kept);
        file.write(&[]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        fs::write(dir.path().join("twinspan.drain"), "{").unwrap();
        assert_eq!(file.read(), [], "garbage stops no daemon");
    }
}
