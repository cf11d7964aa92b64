//! What must be there before the loop can run; each thing that is not gets one clear sentence.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use super::Options;
use super::clock::Clock;
use super::keys;
use super::keys::KeyError;
use crate::config;
use crate::config::Diagnostic;
use crate::control::io::{BindError, Socket};
use crate::fib::io::sysctl;
use crate::fib::io::sysctl::{Sysctls, Wanted};
use crate::fib::io::{Kernel, ProbeError};
use crate::session::PORT;
use crate::speaker::{Speaker, UnknownInstance};
use crate::transport::{AuthError, Guard, ListenError};
use crate::types::{Family, Name, NameError};

/// Why an instance cannot be started, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The file cannot be read.
    #[error("cannot read {}: {error}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// The file has faults; they are with their places.
    #[error("{} cannot be used: {} fault(s)", .path.display(), .faults.len())]
    Faults {
        /// The file.
        path: PathBuf,
        /// Its text, to show the places.
        text: String,
        /// All of them.
        faults: Vec<Diagnostic>,
    },
    /// This host does not know which instance it is.
    #[error("cannot tell which instance this host is: {0}; say --instance NAME")]
    Host(String),
    /// Not a name.
    #[error("--instance: {0}")]
    Name(#[from] NameError),
    /// No such instance.
    #[error("{0}; say which one this host is with --instance NAME")]
    Instance(#[from] UnknownInstance),
    /// The kernel cannot be used.
    #[error(transparent)]
    Kernel(#[from] ProbeError),
    /// The kernel's tables cannot be read.
    #[error("cannot read the kernel's routes: {0}")]
    Dump(io::Error),
    /// Interfaces cannot be watched.
    #[error("cannot watch the kernel's interfaces: {0}")]
    Monitor(io::Error),
    /// What others do to our routes cannot be watched.
    #[error("cannot watch the kernel's routes: {0}")]
    Watch(io::Error),
    /// The port of BGP is not to be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A neighbor's key is not to be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The kernel does not take a key.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The control socket is not to be had.
    #[error(transparent)]
    Control(#[from] BindError),
    /// Threads, signals or timers are not to be had.
    #[error("the system refuses what every daemon needs: {0}")]
    Runtime(io::Error),
    /// A stop took too long.
    #[error("the stop is not complete after {0} s: routes, groups or next hops of ours may be left in the kernel")]
    GaveUp(u64),
    /// A person did not want to wait for the end of a stop.
    #[error("told to stop a second time: routes, groups or next hops of ours may be left in the kernel")]
    Forced,
    /// A part that must not end has ended.
    #[error("{0} has ended unexpectedly; this is a bug")]
    Ended(&'static str),
}

/// All that the loop starts with.
pub(super) struct Prepared {
    pub(super) config: PathBuf,
    pub(super) instance: Name,
    pub(super) speaker: Speaker,
    pub(super) clock: Clock,
    pub(super) kernel: Kernel,
    pub(super) sysctls: Sysctls,
    pub(super) socket: PathBuf,
}

/// Reads the file, finds the instance, opens the kernel.
pub(super) fn prepare(options: &Options) -> Result<Prepared, StartError> {
    let path = &options.config;
    let text = fs::read_to_string(path).map_err(|error| StartError::Read { path: path.clone(), error })?;
    let (config, warnings) = config::parse(&path.display().to_string(), &text)
        .map_err(|faults| StartError::Faults { path: path.clone(), text, faults })?;
    for warning in warnings {
        tracing::warn!(
            event = "config.warning",
            "{}:{}:{}: {}; {}",
            warning.file,
            warning.line,
            warning.column,
            warning.message,
            warning.way_out
        );
    }
    let instance = instance(options)?;
    let clock = Clock::start();
    let mut speaker = Speaker::new(config.clone(), &instance, fastrand::u64(..), clock.epoch)?;
    let settings = speaker.fib_settings();
    let mut kernel = Kernel::open().map_err(ProbeError::Socket)?;
    speaker.set_max_weight(kernel.probe(&settings)?);
    let socket = options.socket.clone().unwrap_or_else(|| config.control.socket.clone());
    let (sysctls, wrong, noted) = Sysctls::set_noting(&sysctls(&speaker), &socket.with_extension("sysctls"));
    if let Err(error) = noted {
        tracing::warn!(
            event = "kernel.sysctl",
            "the sysctls as they were found cannot be noted for a next run: {error}"
        );
    }
    for fault in wrong {
        tracing::warn!(event = "kernel.sysctl", "{fault}");
    }
    Ok(Prepared { config: path.clone(), instance, speaker, clock, kernel, sysctls, socket })
}

/// The kernel settings that an instance relies on.
pub(super) fn sysctls(speaker: &Speaker) -> Vec<Wanted> {
    let mut wanted = vec![sysctl::COMPAT_MODE, sysctl::FORWARD_IPV4];
    if let Some(policy) = speaker.config().ecmp.hash.policy() {
        let value = if policy == 0 { "0" } else { "1" };
        wanted.extend([sysctl::HASH_IPV4, sysctl::HASH_IPV6].map(|hash| Wanted { value, ..hash }));
    }
    let ipv6 = speaker.forwards_ipv6();
    if ipv6 {
        wanted.push(sysctl::FORWARD_IPV6);
    }
    wanted.extend(speaker.interfaces().into_iter().flat_map(|name| sysctl::of_interface(name, ipv6)));
    wanted
}

/// The instance that this host is: told, or else the host's name up to the first dot.
fn instance(options: &Options) -> Result<Name, StartError> {
    if let Some(told) = &options.instance {
        return Ok(Name::new(told)?);
    }
    let host = nix::unistd::gethostname().map_err(|error| StartError::Host(error.to_string()))?;
    let host = host.to_string_lossy();
    Ok(Name::new(host.split('.').next().unwrap_or_default())?)
}

/// Where to listen for a family: on every address.
pub(super) fn anywhere(family: Family) -> SocketAddr {
    let any = match family {
        Family::Ipv4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::Ipv6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    SocketAddr::new(any, PORT)
}

/// How every neighbor signs, from the files as they are now: at the start, and whenever they may have changed.
pub(super) fn guards(speaker: &Speaker) -> Result<Vec<Guard>, KeyError> {
    let (guards, exposed) = keys::guards(speaker.signatures())?;
    for path in exposed {
        tracing::warn!(event = "config.key_exposed", "the key in {} is no secret: {}", path.display(), keys::EXPOSED);
    }
    Ok(guards)
}

/// Makes the control socket.
pub(super) fn bind(path: &Path) -> Result<Socket, StartError> {
    Ok(Socket::bind(path)?)
}
