//! How much of what a connection was sent its peer has taken. Counts octets; knows no time and no limit.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::sockopt;

/// What a peer takes of what it is sent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Measured {
    /// Octets that it has not taken: those in our queue, and those that the kernel holds and it has not acknowledged.
    pub waiting: u64,
    /// Octets that it has acknowledged since the connection came up.
    pub taken: u64,
    /// How long nothing came from the peer's host, if that owes an answer to what is on the wire. A host whose window is
    /// closed, and that says so, owes none.
    pub silent: Option<Duration>,
}

/// Shared between a connection's owner and its task.
#[derive(Debug, Default)]
pub(super) struct Meter {
    queued: AtomicUsize,
    written: AtomicU64,
    /// The socket, while the task has it: the kernel is asked through it.
    socket: Mutex<Option<OwnedFd>>,
}

/// Lets go of the socket when the connection's task is over.
pub(super) struct Attached(Arc<Meter>);

impl Meter {
    /// So many more octets are queued.
    pub(super) fn queue(&self, octets: usize) {
        self.queued.fetch_add(octets, Ordering::Relaxed);
    }

    /// The kernel has taken so many; how many were queued before.
    pub(super) fn write(&self, octets: usize) -> usize {
        self.written.fetch_add(octets as u64, Ordering::Relaxed);
        self.queued.fetch_sub(octets, Ordering::Relaxed)
    }

    /// Octets that the kernel has not taken yet.
    pub(super) fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// The connection's socket from now on, until the result is dropped.
    pub(super) fn attach(meter: &Arc<Self>, socket: &impl AsFd) -> io::Result<Attached> {
        *meter.socket() = Some(socket.as_fd().try_clone_to_owned()?);
        Ok(Attached(Arc::clone(meter)))
    }

    /// Does something with the connection's socket, while there is one.
    pub(super) fn with_socket<E>(&self, act: impl FnOnce(&OwnedFd) -> Result<(), E>) -> Result<(), E> {
        self.socket().as_ref().map_or(Ok(()), act)
    }

    /// Asks the kernel too. Written is read first: what goes out meanwhile can only look as not taken yet.
    pub(super) fn measure(&self) -> Measured {
        let (queued, written) = (self.queued() as u64, self.written.load(Ordering::Relaxed));
        let (unacknowledged, silent) = match self.socket().as_ref() {
            Some(socket) => (sockopt::unacknowledged(socket).ok(), sockopt::silent(socket)),
            None => (None, None),
        };
        let unacknowledged = unacknowledged.unwrap_or(0).min(written);
        Measured { waiting: queued + unacknowledged, taken: written - unacknowledged, silent }
    }

    fn socket(&self) -> MutexGuard<'_, Option<OwnedFd>> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        *self.0.socket() = None;
    }
}
