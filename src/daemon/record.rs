//! A small file beside the control socket: what one run of the daemon leaves for the next, until the next boot.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The file. It is there as a whole or not at all.
#[derive(Debug)]
pub(super) struct Record(PathBuf);

impl Record {
    /// That of the daemon with this control socket, by its ending.
    pub(super) fn beside(socket: &Path, ending: &str) -> Self {
        Self(socket.with_extension(ending))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// What an earlier run left, if it left anything.
    pub(super) fn read(&self) -> io::Result<Option<String>> {
        match fs::read_to_string(&self.0) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// This from now on.
    pub(super) fn write(&self, text: &str) -> io::Result<()> {
        let mut new = self.0.clone().into_os_string();
        new.push(".new");
        fs::write(&new, text)?;
        fs::rename(new, &self.0)
    }

    /// Nothing is left, and there is no file.
    pub(super) fn remove(&self) -> io::Result<()> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
