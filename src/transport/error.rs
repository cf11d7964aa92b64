//! What went wrong with a socket, for people.

use std::{fmt, io, net::SocketAddr};

/// Why an address cannot be listened on: one sentence with the way out.
#[derive(Debug)]
pub struct ListenError {
    /// The address that was asked for.
    pub address: SocketAddr,
    /// What the kernel said.
    pub source: io::Error,
}

impl std::error::Error for ListenError {}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address;
        write!(f, "cannot listen on {address}: ")?;
        match self.source.raw_os_error() {
            Some(libc::EADDRINUSE) => write!(
                f,
                "address already in use; is another BGP daemon running? `ss -ltnp 'sport = :{}'` shows which",
                address.port()
            ),
            Some(libc::EACCES | libc::EPERM) if address.port() < 1024 => write!(
                f,
                "permission denied; ports below 1024 need root or CAP_NET_BIND_SERVICE \
                 (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE)"
            ),
            Some(libc::EADDRNOTAVAIL) => {
                write!(f, "no interface of this host has that address")
            }
            _ => f.write_str(&plain(&self.source)),
        }
    }
}

/// The kernel's words without the number that the standard library adds.
#[must_use]
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
