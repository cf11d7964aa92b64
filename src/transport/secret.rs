//! Keys that both ends of a connection know: read from files, never shown.

use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::Arc,
};

/// The longest key that the kernel takes, in octets (TCP_MD5SIG_MAXKEYLEN, TCP_AO_MAXKEYLEN).
pub const KEY_LIMIT: usize = 80;

/// A key of 1 to [`KEY_LIMIT`] octets. Its octets are shown to nobody but the kernel.
#[derive(Clone, Eq, PartialEq)]
pub struct Secret(Arc<[u8]>);

/// Why a file gives no key.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It cannot be read.
    #[error("{}", super::error::plain(.0))]
    Read(#[from] io::Error),
    /// It holds nothing but the end of a line.
    #[error("the file is empty")]
    Empty,
    /// Too many octets.
    #[error("a key has at most {KEY_LIMIT} octets, and this is longer")]
    TooLong,
    /// More than one line: some other file, most likely.
    #[error("a key is one line, and there are several")]
    Lines,
}

impl Secret {
    /// These octets, less one line end behind them.
    pub fn new(octets: &[u8]) -> Result<Self, SecretError> {
        let octets = octets.strip_suffix(b"\n").unwrap_or(octets);
        let octets = octets.strip_suffix(b"\r").unwrap_or(octets);
        match octets {
            [] => Err(SecretError::Empty),
            _ if octets.contains(&b'\n') => Err(SecretError::Lines),
            _ if octets.len() > KEY_LIMIT => Err(SecretError::TooLong),
            _ => Ok(Self(octets.into())),
        }
    }

    /// The key in a file, and whether every user of this host may read that file.
    pub fn read(path: &Path) -> Result<(Self, bool), SecretError> {
        let file = File::open(path)?;
        let exposed = file.metadata()?.mode() & 0o004 != 0;
        let mut octets = Vec::with_capacity(KEY_LIMIT);
        // No more than shows that it is too long: the file may be any device.
        file.take(4 * KEY_LIMIT as u64).read_to_end(&mut octets)?;
        Ok((Self::new(&octets)?, exposed))
    }

    pub(super) fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn a_key_is_one_line_of_1_to_80_octets_without_its_end() {
        for same in ["key", "key\n", "key\r\n"] {
            assert_eq!(Secret::new(same.as_bytes()).unwrap().octets(), b"key");
        }
        assert!(matches!(Secret::new(b""), Err(SecretError::Empty)));
        assert!(matches!(Secret::new(b"\n"), Err(SecretError::Empty)));
        assert!(matches!(Secret::new(b"one\ntwo\n"), Err(SecretError::Lines)));
        assert!(Secret::new(&[b'x'; 80]).is_ok());
        assert!(matches!(Secret::new(&[b'x'; 81]), Err(SecretError::TooLong)));
    }

    #[test]
    fn a_key_is_never_shown() {
        let auth = super::super::Auth::Md5(Secret::new(b"hunter2").unwrap());
        assert_eq!(format!("{auth:?}"), "Md5(Secret)");
    }

    #[test]
    fn a_file_that_everybody_may_read_is_told_of() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "key\n").unwrap();
        for (mode, exposed) in [(0o600, false), (0o640, false), (0o644, true)] {
            fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Secret::read(file.path()).unwrap().1, exposed, "{mode:o}");
        }
        assert!(matches!(Secret::read(Path::new("/none")), Err(SecretError::Read(_))));
    }
}
