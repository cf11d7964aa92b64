//! The tunnels that hooks hold down, in a file beside the control socket: they stay down over a restart of the daemon, and
//! are forgotten with the next boot (`docs/decisions/0015-who-speaks-for-a-tunnel.md`).

use std::{io, path::Path};

use tracing::warn;

use super::record::Record;
use crate::speaker::Held;
use crate::types::Name;

/// The file, and what is to be said when it cannot be used.
#[derive(Debug)]
pub(super) struct HeldFile(Record);

impl HeldFile {
    /// That of the daemon with this control socket.
    pub(super) fn beside(socket: &Path) -> Self {
        Self(Record::beside(socket, "held"))
    }

    /// What an earlier run left. A file that cannot be read holds nothing, and is told of.
    pub(super) fn read(&self) -> Vec<Held> {
        let read = self.0.read().and_then(|text| Ok(text.map(|text| serde_json::from_str(&text)).transpose()?));
        let held: Option<Vec<(Name, String)>> = read.unwrap_or_else(|error| {
            self.tell("read", &error);
            None
        });
        held.into_iter().flatten().map(|(tunnel, reason)| Held { tunnel, reason }).collect()
    }

    /// These from now on; without any there is no file.
    pub(super) fn write(&self, held: &[Held]) {
        if let Err(error) = self.put(held) {
            self.tell("written", &error);
        }
    }

    fn put(&self, held: &[Held]) -> io::Result<()> {
        if held.is_empty() {
            return self.0.remove();
        }
        let pairs: Vec<_> = held.iter().map(|held| (&held.tunnel, &held.reason)).collect();
        self.0.write(&serde_json::to_string(&pairs)?)
    }

    fn tell(&self, what: &str, error: &io::Error) {
        let file = self.0.path().display();
        warn!(event = "tunnel.held_file", "{file} cannot be {what}: {error}; `twinspan tunnel down` may be forgotten");
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_held_down_is_there_for_the_next_daemon_and_leaves_no_file_when_nothing_is() {
        let dir = tempfile::tempdir().unwrap();
        let file = HeldFile::beside(&dir.path().join("twinspan.sock"));
        assert_eq!(file.read(), []);
        let held = [Held { tunnel: "hq-1/in-0".parse().unwrap(), reason: "line \"2\"".to_owned() }];
        file.write(&held);
        assert_eq!(HeldFile::beside(&dir.path().join("twinspan.sock")).read(), held);
        file.write(&[]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        fs::write(dir.path().join("twinspan.held"), "{").unwrap();
        assert_eq!(file.read(), [], "garbage stops no daemon");
    }
}
