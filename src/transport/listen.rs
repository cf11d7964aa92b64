//! Listening sockets.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::{net::TcpListener, sync::mpsc, time::sleep};

use super::{Event, Pending, sockopt};
use crate::types::ConnId;

/// How many connections may wait in the kernel to be accepted.
const BACKLOG: i32 = 1024;

/// How long to wait after the kernel could not give us a connection, for want of descriptors mostly.
const PAUSE: Duration = Duration::from_millis(200);

/// A listening socket. Answers with a TTL of 255, which a peer with GTSM needs from the first packet on.
pub(super) fn bind(address: SocketAddr, interface: Option<&str>) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if let Some(interface) = interface {
        socket.bind_device(Some(interface.as_bytes()))?;
    }
    sockopt::set_ttl(&socket, address, 255)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Accepts until the machine is gone.
pub(super) async fn accept(
    listener: TcpListener,
    waiting: Pending,
    count: Arc<AtomicU64>,
    events: mpsc::Sender<Event>,
) {
    loop {
        let Ok((stream, remote)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        // The peer may be gone already; then so is its connection.
        let Ok(local) = stream.local_addr() else { continue };
        let conn = ConnId(count.fetch_add(1, Ordering::Relaxed));
        let interface = sockopt::incoming(&stream);
        waiting.put(conn, stream, remote);
        if events.send(Event::Accepted { conn, local, remote, interface }).await.is_err() {
            waiting.take(conn);
            return;
        }
    }
}
