//! Kernel settings of the caller's network namespace that decide whether any of this works: set, and put back.

use std::{fmt, fs, path::PathBuf};

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
#[derive(Debug, Default)]
pub struct Sysctls {
    changed: Vec<(Wanted, String)>,
}

impl Sysctls {
    /// Sets what is not right yet. What cannot be set is told and is no error: it may be right for all we know, or be
    /// somebody else's to set.
    #[must_use]
    pub fn set(wanted: &[Wanted]) -> (Self, Vec<Wrong>) {
        let mut changed = Vec::new();
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
                continue;
            }
            match fs::write(path(wanted), wanted.value) {
                Ok(()) => changed.push((*wanted, found)),
                Err(error) => wrong.push(Wrong { wanted: *wanted, found: Some(found), reason: error.to_string() }),
            }
        }
        (Self { changed }, wrong)
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
        wrong
    }

    /// Leaves them as they are: what stays in the kernel was made for them.
    pub fn keep(&mut self) {
        self.changed.clear();
    }

    /// What was changed, and the values that were found.
    pub fn changed(&self) -> impl Iterator<Item = (&Wanted, &str)> {
        self.changed.iter().map(|(wanted, found)| (wanted, found.as_str()))
    }
}

impl Drop for Sysctls {
    fn drop(&mut self) {
        for (wanted, found) in &self.changed {
            put_back(wanted, found);
        }
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
