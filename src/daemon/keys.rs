//! Keys that neighbors are to sign with: read from their files here, and handed to the transport alone.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

use super::wireguard;
use crate::config::{Host, HostFault, Severity};
use crate::gateway;
use crate::transport;
use crate::transport::{Guard, Secret, SecretError};
use crate::types::{Name, Prefix};

/// Why a neighbor's key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Its file gives none.
    #[error("{neighbor}: the key in {} cannot be used: {source}", .path.display())]
    File {
        /// The neighbor.
        neighbor: Name,
        /// The file.
        path: PathBuf,
        /// Why.
        source: SecretError,
    },
    /// The kernel lacks TCP-AO.
    #[error("{neighbor}: {}", transport::NO_AO)]
    NoAo {
        /// The neighbor.
        neighbor: Name,
    },
}

/// The guards of all neighbors of an instance, and the files among theirs that every user may read. Every file is read
/// once; nothing is kept but what the guards hold.
pub(super) fn guards<'a>(
    neighbors: impl Iterator<Item = (&'a Name, Prefix, &'a gateway::Auth)>,
) -> Result<(Vec<Guard>, Vec<PathBuf>), KeyError> {
    let mut read: HashMap<&Path, Secret> = HashMap::new();
    let (mut guards, mut exposed) = (Vec::new(), Vec::new());
    for (neighbor, prefix, auth) in neighbors {
        if matches!(auth, gateway::Auth::Ao(_)) && !transport::has_tcp_ao() {
            return Err(KeyError::NoAo { neighbor: neighbor.clone() });
        }
        let mut secret = |path: &'a PathBuf| {
            if let Some(known) = read.get(path.as_path()) {
                return Ok(known.clone());
            }
            let refused = |source| KeyError::File { neighbor: neighbor.clone(), path: path.clone(), source };
            let (secret, open) = Secret::read(path).map_err(refused)?;
            exposed.extend(open.then(|| path.clone()));
            read.insert(path, secret.clone());
            Ok(secret)
        };
        let auth = match auth {
            gateway::Auth::None => transport::Auth::None,
            gateway::Auth::Md5(path) => transport::Auth::Md5(secret(path)?),
            gateway::Auth::Ao(keys) => {
                let key = |key: &'a gateway::AoKey| {
                    Ok(transport::AoKey {
                        id: key.id,
                        receive_id: key.receive_id,
                        algorithm: key.algorithm,
                        secret: secret(&key.file)?,
                    })
                };
                transport::Auth::Ao(keys.iter().map(key).collect::<Result<_, KeyError>>()?)
            }
        };
        guards.push(Guard { prefix, auth });
    }
    Ok((guards, exposed))
}

/// What to do about a file that every user may read.
pub(super) const EXPOSED: &str = "every user of this host may read it: `chmod o-r` takes that away";

/// This host, for `check`. A key that is not there may be on the host that the file is for.
#[derive(Clone, Copy, Debug)]
pub struct ThisHost;

impl Host for ThisHost {
    fn key(&self, path: &Path) -> Option<HostFault> {
        let shown = path.display();
        let fault = |severity, code, message, way_out: &str| {
            Some(HostFault { severity, code, message, way_out: way_out.to_owned() })
        };
        match Secret::read(path) {
            Ok((_, false)) => None,
            Ok((_, true)) => {
                let message = format!("the key in {shown} is no secret: every user of this host may read it");
                fault(Severity::Warning, "key-exposed", message, "take that right away: `chmod o-r`")
            }
            Err(SecretError::Read(error)) => {
                let message = format!("the key in {shown} cannot be read here: {}", transport::plain(&error));
                let way_out = match error.kind() {
                    io::ErrorKind::NotFound => "make the file on the hosts of the gateway: `run` needs it there",
                    _ => "`run` must be able to read it",
                };
                fault(Severity::Warning, "key-unreadable", message, way_out)
            }
            Err(wrong) => {
                let message = format!("the key in {shown} cannot be used: {wrong}");
                fault(Severity::Error, "key-unusable", message, "write one line of 1 to 80 octets into the file")
            }
        }
    }

    fn no_tcp_ao(&self) -> Option<HostFault> {
        (!transport::has_tcp_ao()).then(|| HostFault {
            severity: Severity::Error,
            code: "no-tcp-ao",
            message: "this kernel has no TCP-AO (CONFIG_TCP_AO, Linux 6.7 and later)".to_owned(),
            way_out: "use `password-file` (TCP MD5) in place of `ao-keys`, or another kernel".to_owned(),
        })
    }

    fn allowed_ips(&self, interface: &str) -> Option<Vec<Prefix>> {
        wireguard::allowed_ips(interface)
    }
}
