//! Kernel settings of the caller's network namespace that decide whether any of this works: set, and put back.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt, fs, io,
    path::{Path, PathBuf},
};

/// A sysctl and the value that it should have.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wanted {
    /// Below `/proc/sys`, with slashes.
    pub name: Cow<'static, str>,
    /// As written to the file.
    pub value: &'static str,
    /// What goes wrong with another value.
    pub why: &'static str,
    /// When it is right, and whether it is ours to set.
    pub rule: Rule,
}

/// When a sysctl is right.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rule {
    /// With this value; set where it has another.
    Exactly,
    /// With this value; never set, because more than we know of hangs on it. People are told.
    Told,
    /// `rp_filter` of an interface: the larger of this and that of `all` counts, and may not be 1.
    NotStrict,
    /// On where it is 1, or that of `all` is.
    Either,
}

/// A group is replaced in 70 us instead of 0.8 s with a million routes on it.
pub const COMPAT_MODE: Wanted = Wanted {
    name: Cow::Borrowed("net/ipv4/nexthop_compat_mode"),
    value: "0",
    why: "with 1 the kernel walks all routes whenever a group changes",
    rule: Rule::Exactly,
};

/// Flows, not pairs of hosts, are spread over the hops of a group (IPv4).
pub const HASH_IPV4: Wanted = Wanted {
    name: Cow::Borrowed("net/ipv4/fib_multipath_hash_policy"),
    value: "1",
    why: "with 0 all flows between two hosts share a tunnel",
    rule: Rule::Exactly,
};

/// The same for IPv6.
pub const HASH_IPV6: Wanted = Wanted {
    name: Cow::Borrowed("net/ipv6/fib_multipath_hash_policy"),
    value: "1",
    why: "with 0 all flows between two hosts share a tunnel",
    rule: Rule::Exactly,
};

/// Packets of others are passed on (IPv4).
pub const FORWARD_IPV4: Wanted = Wanted {
    name: Cow::Borrowed("net/ipv4/ip_forward"),
    value: "1",
    why: "with 0 this host forwards nothing",
    rule: Rule::Exactly,
};

/// The same for IPv6. With it, a host takes no router advertisements any more where `accept_ra` is 1, and may lose its own
/// default route: that is for people to decide.
pub const FORWARD_IPV6: Wanted = Wanted {
    name: Cow::Borrowed("net/ipv6/conf/all/forwarding"),
    value: "1",
    why: "with 0 this host forwards no IPv6; where it has its own default route by router advertisements, accept_ra must be 2",
    rule: Rule::Told,
};

/// What an interface needs over which the gateway forwards: a tunnel, the link to the twin.
pub fn of_interface(name: &str, ipv6: bool) -> impl Iterator<Item = Wanted> {
    let linkdown = "with 0 packets go on to an interface without a carrier instead of another way";
    let of = |family: &str, key: &str, value, why, rule| Wanted {
        name: format!("net/{family}/conf/{name}/{key}").into(),
        value,
        why,
        rule,
    };
    let strict = "with 1 what comes in by another tunnel than answers leave by is dropped";
    [
        Some(of("ipv4", "rp_filter", "2", strict, Rule::NotStrict)),
        Some(of("ipv4", "ignore_routes_with_linkdown", "1", linkdown, Rule::Either)),
        ipv6.then(|| of("ipv6", "ignore_routes_with_linkdown", "1", linkdown, Rule::Exactly)),
    ]
    .into_iter()
    .flatten()
}

impl Wanted {
    /// True if it is right with this value.
    #[must_use]
    pub fn is_right(&self, found: &str) -> bool {
        let of_all = || {
            let (before, key) = (self.name.split("/conf/").next()?, self.name.rsplit('/').next()?);
            fs::read_to_string(format!("/proc/sys/{before}/conf/all/{key}")).ok()
        };
        self.judge(found, of_all().as_deref().unwrap_or_default().trim())
    }

    fn judge(&self, found: &str, of_all: &str) -> bool {
        match self.rule {
            Rule::Exactly | Rule::Told => found == self.value,
            Rule::NotStrict => found.max(of_all) != "1",
            Rule::Either => found == "1" || of_all == "1",
        }
    }

    /// It is of one interface, which may not be there.
    fn may_be_missing(&self) -> bool {
        self.name.contains("/conf/") && !self.name.contains("/conf/all/")
    }

    /// As `sysctl` writes it.
    #[must_use]
    pub fn key(&self) -> String {
        self.name.replace('.', "\u{0}").replace('/', ".").replace('\u{0}', "/")
    }

    fn put(&self) -> Result<(), String> {
        if self.rule == Rule::Told {
            return Err("it is not ours to set".to_owned());
        }
        fs::write(path(self), self.value).map_err(|error| error.to_string())
    }
}

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
        let Wanted { value, why, .. } = &self.wanted;
        let found = self.found.as_deref().unwrap_or("unknown");
        write!(f, "{} is {found} and should be {value}: {why} ({})", self.wanted.key(), self.reason)
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
    /// What is wrong and stays so, as people were told.
    told: BTreeSet<Cow<'static, str>>,
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
        let Wanted { value, why, .. } = &self.wanted;
        match &self.reason {
            None => write!(f, "{} was {}: it is {value} again", self.wanted.key(), self.found),
            Some(reason) => {
                write!(f, "{} is {} now and should be {value}: {why} ({reason})", self.wanted.key(), self.found)
            }
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
    /// it, is put back in the end by this one, once it is certain that the other runs no more ([`Sysctls::own`]). A
    /// file that cannot be written is an error.
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
                Err(error) if error.kind() == io::ErrorKind::NotFound && wanted.may_be_missing() => continue,
                Err(error) => {
                    wrong.push(Wrong { wanted: wanted.clone(), found: None, reason: error.to_string() });
                    continue;
                }
            };
            if wanted.is_right(&found) {
                let first = left.get(&*wanted.name).filter(|first| **first != found && found == wanted.value);
                inherited.extend(first.map(|first| (wanted.clone(), first.clone())));
                continue;
            }
            match wanted.put() {
                Ok(()) => changed.push((wanted.clone(), found)),
                Err(reason) => wrong.push(Wrong { wanted: wanted.clone(), found: Some(found), reason }),
            }
        }
        let told = wrong.iter().map(|wrong| wrong.wanted.name.clone()).collect();
        (Self { changed, inherited, file: None, told }, wrong)
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
                set.changed.push((new.clone(), found));
            }
        }
        self.changed = std::mem::take(&mut set.changed);
        self.told = std::mem::take(&mut set.told);
        let _ = self.note(); // it could be written at the start
        wrong
    }

    /// Looks whether all is right, and sets what is not. Tells of what somebody has changed, and once of what cannot be
    /// set; not of what an interface is born with.
    #[must_use]
    pub fn look(&mut self, wanted: &[Wanted]) -> Vec<Strayed> {
        let mut strayed = Vec::new();
        let before = self.changed.len();
        for wanted in wanted {
            let Some(found) = read(wanted) else { continue };
            if wanted.is_right(&found) {
                self.told.remove(&wanted.name);
                continue;
            }
            let reason = wanted.put().err();
            let known = self.changed.iter().any(|(changed, _)| changed.name == wanted.name);
            if reason.is_none() && !known {
                self.changed.push((wanted.clone(), found.clone()));
            }
            let new = match &reason {
                Some(_) => self.told.insert(wanted.name.clone()),
                None => known || !wanted.may_be_missing(),
            };
            if new {
                strayed.push(Strayed { wanted: wanted.clone(), found, reason });
            }
        }
        if self.changed.len() > before {
            let _ = self.note(); // it could be written at the start
        }
        strayed
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
    Path::new("/proc/sys").join(&*wanted.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_filter_counts_and_either_switch_does() {
        let wanted: Vec<Wanted> = of_interface("xfrm1.7", true).collect();
        let [filter, linkdown, six] = wanted.as_slice() else { panic!("{wanted:?}") };
        assert_eq!(filter.key(), "net.ipv4.conf.xfrm1/7.rp_filter");
        let right = |one: &Wanted, pairs: [(&str, &str); 4]| pairs.map(|(found, all)| one.judge(found, all));
        assert_eq!(right(filter, [("0", "0"), ("0", "1"), ("1", "2"), ("2", "1")]), [true, false, true, true]);
        assert_eq!(right(linkdown, [("0", "0"), ("0", "1"), ("1", "0"), ("1", "1")]), [false, true, true, true]);
        assert_eq!(right(six, [("0", "0"), ("0", "1"), ("1", "0"), ("1", "1")]), [false, false, true, true]);
        assert!(FORWARD_IPV6.put().is_err(), "it is for people to decide");
    }
}
