//! The tunnels that hooks hold down, in a file beside the control socket: they stay down over a restart of the daemon, and
//! are forgotten with the next boot (`docs/decisions/0015-who-speaks-for-a-tunnel.md`).

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tracing::warn;

use crate::speaker::Held;
use crate::types::Name;

/// The file, and what is to be said when it cannot be used.
#[derive(Debug)]
pub(super) struct HeldFile(PathBuf);

impl HeldFile {
    /// That of the daemon with this control socket.
    pub(super) fn beside(socket: &Path) -> Self {
        Self(socket.with_extension("held"))
    }

    /// What an earlier run left. A file that cannot be read holds nothing, and is told of.
    pub(super) fn read(&self) -> Vec<Held> {
        let read = match fs::read_to_string(&self.0) {
            Ok(text) => serde_json::from_str::<Vec<(Name, String)>>(&text).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => Err(error),
        };
        match read {
            Ok(held) => held.into_iter().map(|(tunnel, reason)| Held { tunnel, reason }).collect(),
            Err(error) => {
                self.tell("read", &error);
                Vec::new()
            }
        }
    }

    /// These from now on; without any there is no file.
    pub(super) fn write(&self, held: &[Held]) {
        if let Err(error) = self.put(held) {
            self.tell("written", &error);
        }
    }

    fn put(&self, held: &[Held]) -> io::Result<()> {
        if held.is_empty() {
            return match fs::remove_file(&self.0) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                Ok(()) | Err(_) => Ok(()),
            };
        }
        let pairs: Vec<_> = held.iter().map(|held| (&held.tunnel, &held.reason)).collect();
        let new = self.0.with_extension("held.new");
        fs::write(&new, serde_json::to_string(&pairs)?)?;
        fs::rename(new, &self.0)
    }

    fn tell(&self, what: &str, error: &io::Error) {
        let file = self.0.display();
        warn!(event = "tunnel.held_file", "{file} cannot be {what}: {error}; `twinspan tunnel down` may be forgotten");
    }
}

#[cfg(test)]
mod tests {
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
