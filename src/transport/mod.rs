//! TCP for the sessions: listening, dialling, signatures, octets both ways. Owns sockets and their tasks; reads no message.
//!
//! Nothing here blocks its caller. Received octets wait in the bounded channel of events, so that a busy machine slows
//! its peers down and nobody else. What is to be sent is queued without a limit of its own: whoever sends looks at
//! [`Transport::queued`] and waits for [`Event::Drained`].

mod auth;
mod dial;
mod error;
mod listen;
mod meter;
mod secret;
mod sockopt;
mod stream;

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
};

use bytes::Bytes;
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use crate::types::ConnId;
use crate::types::Family;
use crate::types::LinkIndex;

use meter::Meter;

pub use auth::{AoKey, Auth, AuthError, Dropped, Guard, NO_AO, has_tcp_ao};
pub use error::{ListenError, plain};
pub use meter::Measured;
pub use secret::{KEY_LIMIT, Secret, SecretError};

/// Accepted connections are counted from here, apart from those that a peer dials.
const ACCEPTED: u64 = 1 << 63;

/// When a queue falls to this many octets after it was longer, [`Event::Drained`] says so.
pub const LOW_MARK: usize = 256 * 1024;

/// Where to dial, and how.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    /// The peer's address and port; with the scope id if it is link-local.
    pub remote: SocketAddr,
    /// The source address; the kernel chooses one without.
    pub local: Option<IpAddr>,
    /// The interface that packets must leave and come by.
    pub interface: Option<String>,
    /// How far packets may travel.
    pub ttl: Ttl,
}

/// How far packets of a connection may travel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ttl {
    /// Send 255 and take only 255: the peer is on the link (GTSM, RFC 5082).
    Security,
    /// Send this, take any. 1 to 255.
    Hops(u8),
}

/// What happened to a connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// A dialled one is up; octets may follow.
    Connected {
        /// Which.
        conn: ConnId,
        /// Our end of it.
        local: SocketAddr,
    },
    /// A dialled one did not come up.
    Failed {
        /// Which.
        conn: ConnId,
        /// Why, for people.
        reason: String,
    },
    /// Somebody dialled us: [`Transport::adopt`] or [`Transport::abort`] it.
    Accepted {
        /// Its id from now on.
        conn: ConnId,
        /// Our end of it.
        local: SocketAddr,
        /// The other end.
        remote: SocketAddr,
        /// The interface that it came in by, as far as the kernel tells.
        interface: Option<LinkIndex>,
    },
    /// Octets came in, at most 16 KiB.
    Octets {
        /// On which.
        conn: ConnId,
        /// As they came, cut anywhere.
        octets: Bytes,
    },
    /// It is gone, by the peer's doing or the network's.
    Lost {
        /// Which.
        conn: ConnId,
        /// Why, for people.
        reason: String,
    },
    /// Its queue is down to [`LOW_MARK`] again.
    Drained {
        /// Which.
        conn: ConnId,
    },
}

/// The owner's end of a connection's task. Dropped, the task writes out what is queued, and closes.
struct Handle {
    outgoing: mpsc::UnboundedSender<Bytes>,
    meter: Arc<Meter>,
    task: JoinHandle<()>,
    remote: SocketAddr,
    auth: Auth,
    /// Dropped: close when all is out. Told: at once.
    open: oneshot::Sender<()>,
}

/// The task's end of it.
struct Link {
    conn: ConnId,
    events: mpsc::Sender<Event>,
    outgoing: mpsc::UnboundedReceiver<Bytes>,
    meter: Arc<Meter>,
    closing: oneshot::Receiver<()>,
    auth: Auth,
}

/// Accepted connections that nobody has adopted yet.
#[derive(Clone, Default)]
struct Pending(Arc<Mutex<HashMap<ConnId, (TcpStream, SocketAddr)>>>);

impl Pending {
    fn put(&self, conn: ConnId, stream: TcpStream, remote: SocketAddr) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(conn, (stream, remote));
    }

    fn take(&self, conn: ConnId) -> Option<(TcpStream, SocketAddr)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&conn)
    }
}

/// A listening socket, for its options, and the task that accepts from it.
struct Listener {
    socket: OwnedFd,
    family: Family,
    task: JoinHandle<()>,
}

/// All TCP of one daemon. Its methods must be called inside a tokio runtime.
pub struct Transport {
    events: mpsc::Sender<Event>,
    conns: HashMap<ConnId, Handle>,
    closing: Vec<JoinHandle<()>>,
    listeners: Vec<Listener>,
    guards: Vec<Guard>,
    pending: Pending,
    accepted: Arc<AtomicU64>,
}

impl Transport {
    /// No connections yet; what happens goes to `events`.
    #[must_use]
    pub fn new(events: mpsc::Sender<Event>) -> Self {
        Self {
            events,
            conns: HashMap::new(),
            closing: Vec::new(),
            listeners: Vec::new(),
            guards: Vec::new(),
            pending: Pending::default(),
            accepted: Arc::new(AtomicU64::new(ACCEPTED)),
        }
    }

    /// Accepts connections to this address, from one interface only if one is named. Tells the address that it got,
    /// which matters for port 0.
    pub fn listen(&mut self, address: SocketAddr, interface: Option<&str>) -> Result<SocketAddr, ListenError> {
        let refused = |source| ListenError { address, source };
        let listener = listen::bind(address, interface).map_err(refused)?;
        let bound = listener.local_addr().map_err(refused)?;
        let socket = listener.as_fd().try_clone_to_owned().map_err(refused)?;
        let family = Family::of(address.ip());
        auth::guard(&socket, family, &[], &self.guards).map_err(|error| refused(io::Error::other(error)))?;
        let task = listen::accept(listener, self.pending.clone(), Arc::clone(&self.accepted), self.events.clone());
        self.listeners.push(Listener { socket, family, task: tokio::spawn(task) });
        Ok(bound)
    }

    /// Says how peers sign, in place of what was said before: who listens and who dials from now on does so, and open
    /// connections change over without an end where the kernel can (TCP MD5: always). On an error who listens is as
    /// before.
    pub fn guard(&mut self, guards: Vec<Guard>) -> Result<(), AuthError> {
        let change = |from: &[Guard], to: &[Guard]| {
            let mut listeners = self.listeners.iter();
            listeners.try_for_each(|listener| auth::guard(&listener.socket, listener.family, from, to))
        };
        if let Err(error) = change(&self.guards, &guards) {
            // What was there before had room, and a key that is left over would shut a peer out.
            let _ = change(&guards, &self.guards);
            return Err(error);
        }
        self.guards = guards;
        for handle in self.conns.values_mut() {
            let wanted = auth::of(&self.guards, handle.remote.ip());
            if wanted != handle.auth {
                handle.meter.with_socket(|socket| auth::change(socket, handle.remote, &handle.auth, &wanted))?;
                handle.auth = wanted;
            }
        }
        Ok(())
    }

    /// Opens a connection: `Connected` or `Failed` follows, unless it is closed before.
    pub fn dial(&mut self, conn: ConnId, to: Endpoint) {
        self.spawn(conn, to.remote, |link| dial::run(to, link));
    }

    /// An accepted connection belongs to a peer now: applies its TTL, binds it to the peer's interface, and starts to
    /// read.
    pub fn adopt(&mut self, conn: ConnId, ttl: Ttl, interface: Option<String>) {
        if let Some((stream, remote)) = self.pending.take(conn) {
            self.spawn(conn, remote, |link| stream::adopted(stream, remote, ttl, interface, link));
        }
    }

    /// Queues octets. Those for a connection that is gone are dropped: its `Lost` is on the way.
    pub fn send(&mut self, conn: ConnId, octets: Bytes) {
        if let Some(handle) = self.conns.get(&conn) {
            handle.meter.queue(octets.len());
            let _ = handle.outgoing.send(octets);
        }
    }

    /// How many octets the kernel has not taken yet.
    #[must_use]
    pub fn queued(&self, conn: ConnId) -> usize {
        self.conns.get(&conn).map_or(0, |handle| handle.meter.queued())
    }

    /// How the peer takes what it is sent; nothing waits on a connection that is gone.
    #[must_use]
    pub fn measure(&self, conn: ConnId) -> Measured {
        self.conns.get(&conn).map(|handle| handle.meter.measure()).unwrap_or_default()
    }

    /// Closes when all that is queued is out, or two seconds have passed. Gives up a dial. No event follows.
    pub fn close(&mut self, conn: ConnId) {
        self.pending.take(conn);
        if let Some(Handle { task, .. }) = self.conns.remove(&conn) {
            self.closing.push(task);
        }
    }

    /// Closes at once by a reset; what is queued is forgotten, here and in the kernel. No event follows but those on
    /// the way.
    pub fn abort(&mut self, conn: ConnId) {
        self.pending.take(conn);
        if let Some(Handle { open, .. }) = self.conns.remove(&conn) {
            let _ = open.send(());
        }
    }

    /// Is done when every connection that was closed so far is: about four seconds at most.
    pub fn closed(&mut self) -> impl Future<Output = ()> + Send + use<> {
        let closing = std::mem::take(&mut self.closing);
        async move {
            for task in closing {
                let _ = task.await;
            }
        }
    }

    /// Closes all and waits until it is done: about two seconds at most.
    pub async fn finish(mut self) {
        let closing = std::mem::take(&mut self.closing);
        let open: Vec<_> = self.conns.drain().map(|(_, Handle { task, .. })| task).collect();
        for task in closing.into_iter().chain(open) {
            let _ = task.await;
        }
    }

    fn spawn<F>(&mut self, conn: ConnId, remote: SocketAddr, task: impl FnOnce(Link) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.conns.retain(|_, handle| !handle.task.is_finished());
        self.closing.retain(|task| !task.is_finished());
        let (outgoing, receiver) = mpsc::unbounded_channel();
        let (open, closing) = oneshot::channel();
        let meter = Arc::new(Meter::default());
        let events = self.events.clone();
        let auth = auth::of(&self.guards, remote.ip());
        let link = Link { conn, events, outgoing: receiver, meter: Arc::clone(&meter), closing, auth: auth.clone() };
        let task = tokio::spawn(task(link));
        self.conns.insert(conn, Handle { outgoing, meter, task, remote, auth, open });
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        for listener in &self.listeners {
            listener.task.abort();
        }
    }
}
