//! What proves that segments come from the peer: TCP MD5 (RFC 2385) or TCP-AO (RFC 5925), by the address of the peer.

use std::{
    fs, io,
    net::{IpAddr, SocketAddr},
    os::fd::AsFd,
};

use super::{Secret, error::plain, sockopt};
use crate::types::AoAlgorithm;
use crate::types::Family;
use crate::types::Prefix;

/// How the segments of a peer are signed, in both directions.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Auth {
    /// Not at all; signed segments are dropped.
    #[default]
    None,
    /// With this key (RFC 2385).
    Md5(Secret),
    /// With one of these keys, at least one; the first is used to send until the peer asks for another (RFC 5925).
    Ao(Vec<AoKey>),
}

/// One master key tuple (RFC 5925 §3.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AoKey {
    /// SendID: what our segments carry.
    pub id: u8,
    /// RecvID: what the peer's segments carry.
    pub receive_id: u8,
    /// The algorithm.
    pub algorithm: AoAlgorithm,
    /// The master key.
    pub secret: Secret,
}

/// The peers of a range of addresses, and how they sign. The longest prefix that holds a peer's address counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Guard {
    /// One address, or a range.
    pub prefix: Prefix,
    /// How.
    pub auth: Auth,
}

/// Why the kernel does not sign: a sentence with the way out.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// It was built without.
    #[error("{0}")]
    Missing(&'static str),
    /// A socket has room for so many keys only.
    #[error(
        "the kernel has no room for the key of {0}: raise net.core.optmem_max (some 140 octets are needed for a key)"
    )]
    Room(Prefix),
    /// Something else.
    #[error("the kernel refuses the key of {prefix}: {}", plain(.source))]
    Refused {
        /// Whose key.
        prefix: Prefix,
        /// Its words.
        source: io::Error,
    },
}

/// What an operator can do about a kernel without TCP-AO.
pub const NO_AO: &str = "this kernel has no TCP-AO (CONFIG_TCP_AO, Linux 6.7 and later); \
                         use `password-file` (TCP MD5) in place of `ao-keys`, or another kernel";
const NO_MD5: &str = "this kernel has no TCP MD5 (CONFIG_TCP_MD5SIG); leave out `password-file`, or use another kernel";

/// True if this kernel has TCP-AO. Needs no privilege.
#[must_use]
pub fn has_tcp_ao() -> bool {
    sockopt::has_ao()
}

/// How a peer signs.
pub(super) fn of(guards: &[Guard], peer: IpAddr) -> Auth {
    let holds = guards.iter().filter(|guard| guard.prefix.holds(peer));
    holds.max_by_key(|guard| guard.prefix.len()).map(|guard| guard.auth.clone()).unwrap_or_default()
}

/// Brings a listening socket from one list of guards to another.
pub(super) fn guard(socket: &impl AsFd, family: Family, old: &[Guard], new: &[Guard]) -> Result<(), AuthError> {
    for gone in old.iter().filter(|guard| guard.prefix.family() == family) {
        let stays = new.iter().find(|guard| guard.prefix == gone.prefix);
        match (&gone.auth, stays.map(|guard| &guard.auth)) {
            // A key of MD5 is replaced in place: there is no moment without one.
            (Auth::Md5(_), Some(Auth::Md5(_))) | (Auth::None, _) => {}
            (old, new) if Some(old) == new => {}
            (Auth::Md5(_), _) => cleared(gone.prefix, sockopt::clear_md5(socket, gone.prefix))?,
            (Auth::Ao(keys), _) => {
                for key in keys {
                    cleared(gone.prefix, sockopt::clear_ao(socket, gone.prefix, key))?;
                }
            }
        }
    }
    for Guard { prefix, auth } in new.iter().filter(|guard| guard.prefix.family() == family) {
        if !old.iter().any(|guard| guard.prefix == *prefix && guard.auth == *auth) {
            set(socket, *prefix, auth, false)?;
        }
    }
    Ok(())
}

/// Signs what a socket that has no keys yet exchanges with that peer.
pub(super) fn begin(socket: &impl AsFd, peer: SocketAddr, auth: &Auth) -> Result<(), AuthError> {
    set(socket, Prefix::host(peer.ip()), auth, true)
}

/// Changes how an open connection signs. The peer must follow before its retransmissions end.
pub(super) fn change(socket: &impl AsFd, peer: SocketAddr, old: &Auth, new: &Auth) -> Result<(), AuthError> {
    let prefix = Prefix::host(peer.ip());
    match (old, new) {
        // The peer may still sign with an old key: the kernel changes over when it says so (RFC 5925 §6.1).
        (Auth::Ao(old), Auth::Ao(new)) => {
            let added = new.iter().filter(|key| !old.contains(key)).cloned().collect();
            set(socket, prefix, &Auth::Ao(added), false)
        }
        (Auth::Md5(_), Auth::None) => cleared(prefix, sockopt::clear_md5(socket, prefix)),
        // The kernel takes TCP-AO before a connection begins only, and cannot drop it: the session's next connection.
        (Auth::Ao(_), _) | (_, Auth::Ao(_)) => Ok(()),
        (_, new) => set(socket, prefix, new, false),
    }
}

fn set(socket: &impl AsFd, prefix: Prefix, auth: &Auth, prefer: bool) -> Result<(), AuthError> {
    match auth {
        Auth::None => Ok(()),
        Auth::Md5(secret) => sockopt::set_md5(socket, prefix, secret).map_err(|error| match error.raw_os_error() {
            Some(libc::ENOPROTOOPT) => AuthError::Missing(NO_MD5),
            _ => refused(prefix, error),
        }),
        Auth::Ao(keys) => keys.iter().enumerate().try_for_each(|(at, key)| {
            sockopt::set_ao(socket, prefix, key, prefer && at == 0).map_err(|error| match error.raw_os_error() {
                Some(libc::ENOPROTOOPT) => AuthError::Missing(NO_AO),
                _ => refused(prefix, error),
            })
        }),
    }
}

/// A key that is not there needs not go: an earlier change may have ended half-way.
fn cleared(prefix: Prefix, result: io::Result<()>) -> Result<(), AuthError> {
    match result {
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
        result => result.map_err(|error| refused(prefix, error)),
    }
}

fn refused(prefix: Prefix, source: io::Error) -> AuthError {
    match source.raw_os_error() {
        Some(libc::ENOMEM) => AuthError::Room(prefix),
        _ => AuthError::Refused { prefix, source },
    }
}

/// What this host dropped because of signatures since it started: the kernel counts for all peers together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Dropped {
    /// Unsigned segments from peers that have a key here.
    pub missing: u64,
    /// Signed segments from peers that have none here.
    pub unexpected: u64,
    /// Segments signed with another key.
    pub wrong: u64,
}

impl Dropped {
    /// As it is now; all zero if the kernel does not tell.
    #[must_use]
    pub fn now() -> Self {
        // Of this thread's network namespace.
        fs::read_to_string("/proc/thread-self/net/netstat").map(|text| Self::read(&text)).unwrap_or_default()
    }

    fn read(text: &str) -> Self {
        let mut lines = text.lines().filter_map(|line| line.strip_prefix("TcpExt: "));
        let (Some(names), Some(values)) = (lines.next(), lines.next()) else { return Self::default() };
        let sum = |wanted: &[&str]| {
            let found = names.split(' ').zip(values.split(' ')).filter(|(name, _)| wanted.contains(name));
            found.filter_map(|(_, value)| value.parse::<u64>().ok()).sum()
        };
        Self {
            missing: sum(&["TCPMD5NotFound", "TCPAORequired"]),
            unexpected: sum(&["TCPMD5Unexpected", "TCPAOKeyNotFound"]),
            wrong: sum(&["TCPMD5Failure", "TCPAOBad"]),
        }
    }

    /// What a peer that does not answer may have to do with it, if anything was dropped since `before`.
    pub(super) fn hint(self, before: Self, auth: &Auth) -> Option<String> {
        let [missing, unexpected, wrong] = [
            self.missing.saturating_sub(before.missing),
            self.unexpected.saturating_sub(before.unexpected),
            self.wrong.saturating_sub(before.wrong),
        ];
        let signed = *auth != Auth::None;
        if signed && wrong > 0 {
            Some(format!("the keys may differ: this host dropped {wrong} segments with a wrong signature meanwhile"))
        } else if signed && missing > 0 {
            Some(format!(
                "the peer may have no key, or nothing listens there: this host dropped {missing} unsigned segments meanwhile"
            ))
        } else if !signed && unexpected > 0 {
            Some(format!(
                "the peer may sign, and there is no key for it here: this host dropped {unexpected} signed segments \
                 meanwhile"
            ))
        } else if signed {
            Some("our segments are signed: a peer without the same key drops them in silence".to_owned())
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_that_holds_a_peer_says_how_it_signs() {
        let secret = |text: &str| Auth::Md5(Secret::new(text.as_bytes()).unwrap());
        let guard = |prefix: &str, auth| Guard { prefix: prefix.parse().unwrap(), auth };
        let guards = [
            guard("10.9.0.7/32", Auth::None),
            guard("10.9.0.0/24", secret("range")),
            guard("10.9.0.9/32", secret("one")),
        ];
        assert_eq!(of(&guards, [10, 9, 0, 7].into()), Auth::None);
        assert_eq!(of(&guards, [10, 9, 0, 8].into()), secret("range"));
        assert_eq!(of(&guards, [10, 9, 0, 9].into()), secret("one"));
        assert_eq!(of(&guards, [10, 8, 0, 9].into()), Auth::None);
    }

    #[test]
    fn what_the_kernel_dropped_says_what_may_be_wrong() {
        let text = "TcpExt: A TCPMD5NotFound TCPMD5Unexpected TCPMD5Failure TCPAOBad\nTcpExt: 1 2 3 4 5\nIpExt: A\n";
        let now = Dropped::read(text);
        assert_eq!(now, Dropped { missing: 2, unexpected: 3, wrong: 9 });
        let key = Auth::Md5(Secret::new(b"k").unwrap());
        let said = |before, auth| now.hint(before, auth).unwrap_or_default();
        assert!(said(Dropped::default(), &key).contains("9 segments with a wrong signature"));
        assert!(said(Dropped { wrong: 9, ..Dropped::default() }, &key).contains("2 unsigned segments"));
        assert!(said(now, &key).contains("drops them in silence"));
        assert!(said(Dropped::default(), &Auth::None).contains("3 signed segments"));
        assert_eq!(now.hint(now, &Auth::None), None);
    }
}
