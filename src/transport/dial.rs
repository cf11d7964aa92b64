//! Opening connections.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    net::{TcpSocket, TcpStream},
    select,
    time::timeout,
};

use super::{
    Auth, Dropped, Endpoint, Event, Link, auth,
    error::plain,
    meter::{Attached, Meter},
    sockopt, stream,
};

/// How long a peer may take to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Dials, then carries octets until the end. Ends without a word if closed before the peer answers.
pub(super) async fn run(to: Endpoint, mut link: Link) {
    let connected = select! {
        connected = connect(&to, &link.auth, &link.meter) => connected,
        _ = &mut link.closing => return,
    };
    let conn = link.conn;
    match connected {
        Ok((stream, local, attached)) => {
            if link.events.send(Event::Connected { conn, local }).await.is_ok() {
                stream::run(stream, link, attached).await;
            }
        }
        Err(reason) => {
            let _ = link.events.send(Event::Failed { conn, reason }).await;
        }
    }
}

async fn connect(to: &Endpoint, auth: &Auth, meter: &Arc<Meter>) -> Result<(TcpStream, SocketAddr, Attached), String> {
    let socket = prepare(to)?;
    auth::begin(&socket, to.remote, auth).map_err(|error| error.to_string())?;
    let attached = Meter::attach(meter, &socket).map_err(|error| said("socket", &error))?;
    let before = Dropped::now();
    let stream = match timeout(CONNECT_TIMEOUT, socket.connect(to.remote)).await {
        Ok(connected) => connected.map_err(|error| plain(&error))?,
        Err(_) => {
            let hint = Dropped::now().hint(before, auth).map(|hint| format!("; {hint}"));
            return Err(format!("no answer within {} s{}", CONNECT_TIMEOUT.as_secs(), hint.unwrap_or_default()));
        }
    };
    // Not before the peer has answered: the SYN-ACK of one that sets its TTL on accepted sockets only would be lost.
    sockopt::set_min_ttl(&stream, to.remote, to.ttl).map_err(|error| said("TTL security", &error))?;
    let local = stream.local_addr().map_err(|error| plain(&error))?;
    Ok((stream, local, attached))
}

fn prepare(to: &Endpoint) -> Result<TcpSocket, String> {
    let socket = |socket: io::Result<Socket>| socket.map_err(|error| said("socket", &error));
    let socket = socket(Socket::new(Domain::for_address(to.remote), Type::STREAM, Some(Protocol::TCP)))?;
    let set_up = socket.set_nonblocking(true).and_then(|()| socket.set_tcp_nodelay(true));
    set_up
        .and_then(|()| sockopt::set_ttl(&socket, to.remote, to.ttl.sent()))
        .map_err(|error| said("socket", &error))?;
    if let Some(interface) = &to.interface {
        let bound = socket.bind_device(Some(interface.as_bytes()));
        bound.map_err(|error| said(&format!("interface {interface}"), &error))?;
    }
    if let Some(local) = to.local {
        // A link-local source needs the scope of the peer.
        let mut address = SocketAddr::new(local, 0);
        if let (SocketAddr::V6(source), SocketAddr::V6(remote)) = (&mut address, to.remote) {
            source.set_scope_id(remote.scope_id());
        }
        socket.bind(&address.into()).map_err(|error| match error.raw_os_error() {
            Some(libc::EADDRNOTAVAIL) => format!("source address {local}: this host does not have it, or not yet"),
            _ => said(&format!("source address {local}"), &error),
        })?;
    }
    Ok(TcpSocket::from_std_stream(socket.into()))
}

fn said(what: &str, error: &io::Error) -> String {
    format!("{what}: {}", plain(error))
}
