//! Kernel settings of the caller's network namespace that decide whether any of this works: set, and put back.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

/// A sysctl and the value that it should have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Wanted {
    /// Below `/proc/sys`, with slashes.
    pub name: &'static str,
    /// As written to the file.
    pub value: &'static str,
    /// What goes wrong with another value.
    pub why: &'static str,
}

/// A group is replaced in 70 us instead of 0.8 s with a million routes on it.
pub const COMPAT_MODE: Wanted = Wanted {
    name: "net/ipv4/nexthop_compat_mode",
    value: "0",
    why: "with 1 the kernel walks all routes whenever a group changes",
};

/// Flows, not pairs of hosts, are spread over the hops of a group (IPv4).
pub const HASH_IPV4: Wanted = Wanted {
    name: "net/ipv4/fib_multipath_hash_policy",
    value: "1",
    why: "with 0 all flows between two hosts share a tunnel",
};

/// The same for IPv6.
pub const HASH_IPV6: Wanted = Wanted { name: "net/ipv6/fib_multipath_hash_policy", ..HASH_IPV4 };

/// What could not be made right.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wrong {
    /// Which.
    pub wanted: Wanted,
    /// The value that it has; `None` if it cannot be read.
    pub found: Option<String>,
    /// Why it could not be changed.
    pub reason: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Wanted { name, value, why } = self.wanted;
        let found = self.found.as_deref().unwrap_or("unknown");
        write!(f, "{} is {found} and should be {value}: {why} ({})", name.replace('/', "."), self.reason)
    }
}

/// Sysctls that we changed; dropping it puts the found values back, in the namespace of the thread that drops it.
///
/// The found values are also written to a file, so that they outlive a run that is killed: the next one puts them back.
#[derive(Debug, Default)]
pub struct Sysctls {
    changed: Vec<(Wanted, String)>,
    /// What a run before this one had found and not put back: perhaps it still runs, until [`Sysctls::own`].
    inherited: Vec<(Wanted, String)>,
    /// Where the found values are noted.
    file: Option<PathBuf>,
}

/// A sysctl that somebody else has changed since we set it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Strayed {
    /// Which, and the value that it should have.
    pub wanted: Wanted,
    /// The value that it had.
    pub found: String,
    /// Why it could not be set again; `None` if it was.
    pub reason: Option<String>,
}

impl fmt::Display for Strayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Wanted { name, value, .. } = self.wanted;
        write!(f, "{} was set to {} by somebody", name.replace('/', "."), self.found)?;
        match &self.reason {
            None => write!(f, ": it is {value} again"),
            Some(reason) => write!(f, " and cannot be set to {value} again: {reason}"),
        }
    }
}

impl Sysctls {
    /// Sets what is not right yet. What cannot be set is told and is no error: it may be right for all we know, or be
    /// somebody else's to set.
    #[must_use]
    pub fn set(wanted: &[Wanted]) -> (Self, Vec<Wrong>) {
        Self::set_after(wanted, &BTreeMap::new())
    }

    /// The same, with the found values kept in a file. What a run that was killed had found there, and left as it had set
    /// it, is put back in the end by this one, once it is certain that the other runs no more ([`Sysctls::own`]). A file that cannot be written is an error.
    pub fn set_noting(wanted: &[Wanted], file: &Path) -> (Self, Vec<Wrong>, io::Result<()>) {
        let text = fs::read_to_string(file).unwrap_or_default();
        let left = text.lines().filter_map(|line| line.split_once(' ')).map(|(name, found)| (name, found.to_owned()));
        let (mut set, wrong) = Self::set_after(wanted, &left.collect());
        set.file = Some(file.to_owned());
        let noted = set.note();
        (set, wrong, noted)
    }

    fn set_after(wanted: &[Wanted], left: &BTreeMap<&str, String>) -> (Self, Vec<Wrong>) {
        let (mut changed, mut inherited) = (Vec::new(), Vec::new());
        let mut wrong = Vec::new();
        for wanted in wanted {
            let found = match fs::read_to_string(path(wanted)) {
                Ok(text) => text.trim().to_owned(),
                Err(error) => {
                    wrong.push(Wrong { wanted: *wanted, found: None, reason: error.to_string() });
                    continue;
                }
            };
            if found == wanted.value {
                let first = left.get(wanted.name).filter(|first| **first != found);
                inherited.extend(first.map(|first| (*wanted, first.clone())));
                continue;
            }
            match fs::write(path(wanted), wanted.value) {
                Ok(()) => changed.push((*wanted, found)),
                Err(error) => wrong.push(Wrong { wanted: *wanted, found: Some(found), reason: error.to_string() }),
            }
        }
        (Self { changed, inherited, file: None }, wrong)
    }

    /// No other run uses these settings any more: what it had found is ours to put back.
    pub fn own(&mut self) {
        self.changed.append(&mut self.inherited);
    }

    /// Goes over to other values: what is no longer wanted is put back as by a drop, the rest is set.
    #[must_use]
    pub fn change(&mut self, wanted: &[Wanted]) -> Vec<Wrong> {
        let kept = |old: &Wanted| wanted.iter().find(|new| new.name == old.name);
        let mut found_first = Vec::new();
        for (old, found) in std::mem::take(&mut self.changed) {
            match kept(&old) {
                Some(_) => found_first.push((old, found)),
                None => put_back(&old, &found),
            }
        }
        let (mut set, wrong) = Self::set(wanted);
        for (old, found) in found_first {
            let Some(new) = kept(&old) else { continue };
            set.changed.retain(|(changed, _)| changed.name != old.name);
            // What was there before us stays what is put back in the end.
            if found != new.value {
                set.changed.push((*new, found));
            }
        }
        self.changed = std::mem::take(&mut set.changed);
        let _ = self.note(); // it could be written at the start
        wrong
    }

    /// Looks whether all is still as it was set, and sets again what is not.
    #[must_use]
    pub fn look(&self, wanted: &[Wanted]) -> Vec<Strayed> {
        let ours = |wanted: &&Wanted| self.changed.iter().any(|(changed, _)| changed.name == wanted.name);
        let strayed = wanted.iter().filter(ours).filter_map(|wanted| {
            let found = read(wanted).filter(|found| found != wanted.value)?;
            let reason = fs::write(path(wanted), wanted.value).err().map(|error| error.to_string());
            Some(Strayed { wanted: *wanted, found, reason })
        });
        strayed.collect()
    }

    /// Writes the found values down: whole or not at all.
    fn note(&self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        if self.changed.is_empty() && self.inherited.is_empty() {
            return match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let text: String = self
            .changed
            .iter()
            .chain(&self.inherited)
            .map(|(wanted, found)| format!("{} {found}\n", wanted.name))
            .collect();
        let new = file.with_extension("new");
        fs::write(&new, text)?;
        fs::rename(&new, file)
    }

    /// Leaves them as they are: what stays in the kernel was made for them.
    pub fn keep(&mut self) {
        self.changed.clear();
        self.file = None; // the next run takes over what was found
    }

    /// What was changed, and the values that were found.
    pub fn changed(&self) -> impl Iterator<Item = (&Wanted, &str)> {
        self.changed.iter().map(|(wanted, found)| (wanted, found.as_str()))
    }
}

impl Drop for Sysctls {
    fn drop(&mut self) {
        for (wanted, found) in std::mem::take(&mut self.changed) {
            put_back(&wanted, &found);
        }
        let _ = self.note(); // an old file does no harm: what is not as we set it is not put back
    }
}

/// Only what is still as we set it: somebody may have decided otherwise since.
fn put_back(wanted: &Wanted, found: &str) {
    if read(wanted).as_deref() == Some(wanted.value) {
        let _ = fs::write(path(wanted), found);
    }
}

/// The value that it has now; `None` if it cannot be read.
#[must_use]
pub fn read(wanted: &Wanted) -> Option<String> {
    Some(fs::read_to_string(path(wanted)).ok()?.trim().to_owned())
}

fn path(wanted: &Wanted) -> PathBuf {
    PathBuf::from("/proc/sys").join(wanted.name)
}
