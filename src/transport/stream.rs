//! One open connection: octets in, octets out, in one task.

use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use socket2::SockRef;
use tokio::{
    io::AsyncWriteExt,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    select,
    sync::mpsc,
    time::{sleep, timeout},
};

use super::{
    Auth, Event, LOW_MARK, Link, Ttl, auth,
    error::plain,
    meter::{Attached, Meter},
    sockopt,
};
use crate::types::ConnId;

/// How long what was sent may take to go out after a close, and again until the peer has closed too.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// How long after the news of its loss a connection is closed.
const CLOSE_AFTER: Duration = Duration::from_millis(1);

/// The sizes of a read: it grows while a peer fills it, so that an idle connection holds no memory.
const SMALL_READ: usize = 4 * 1024;
const LARGE_READ: usize = 16 * 1024;

/// The most pieces in one write.
const PIECES: usize = 64;

/// Carries an accepted connection, with its peer's TTL, on its peer's interface. It has the listening socket's keys.
pub(super) async fn adopted(stream: TcpStream, remote: SocketAddr, ttl: Ttl, interface: Option<String>, link: Link) {
    let set_up = stream.set_nodelay(true).and_then(|()| {
        if let Some(interface) = interface {
            SockRef::from(&stream).bind_device(Some(interface.as_bytes()))?;
        }
        sockopt::set_ttl(&stream, remote, ttl.sent())?;
        sockopt::set_min_ttl(&stream, remote, ttl)?;
        // What came before that was set is as far from here as the packet that opened the connection.
        if ttl == Ttl::Security
            && let Some(came) = sockopt::opening_ttl(&stream).filter(|came| *came < ttl.sent())
        {
            return Err(io::Error::other(format!("it came with a TTL of {came}, not from the link")));
        }
        // The key may have changed since the listening socket gave it the one of then.
        auth::change(&stream, remote, &Auth::None, &link.auth).map_err(io::Error::other)?;
        Meter::attach(&link.meter, &stream)
    });
    match set_up {
        Ok(attached) => run(stream, link, attached).await,
        Err(error) => {
            let _ = link.events.send(Event::Lost { conn: link.conn, reason: plain(&error) }).await;
        }
    }
}

/// How a connection ended.
enum End {
    /// By the peer's doing, or the network's.
    Lost(String),
    /// We closed it, and what was queued is out, or had its time.
    Closed,
    /// We want no more of it.
    Aborted,
}

/// Carries octets both ways until one side closes or it breaks.
pub(super) async fn run(stream: TcpStream, link: Link, attached: Attached) {
    let Link { conn, events, mut outgoing, meter, closing, .. } = link;
    let (mut from, mut to) = stream.into_split();
    let end = {
        let writing = write(conn, &mut to, &mut outgoing, &meter, &events);
        tokio::pin!(writing);
        select! {
            biased;
            result = &mut writing => match result {
                Ok(()) => End::Closed,
                Err(error) => {
                    // A peer that closes says why first: that may still be unread.
                    let _ = timeout(CLOSE_LIMIT, read(conn, &mut from, &events)).await;
                    End::Lost(plain(&error))
                }
            },
            told = closing => match told {
                Ok(()) => End::Aborted,
                Err(_) => {
                    // Whether it all went out or not, there is nobody left to tell.
                    let _ = timeout(CLOSE_LIMIT, writing).await;
                    End::Closed
                }
            },
            reason = read(conn, &mut from, &events) => End::Lost(reason),
        }
    };
    drop(attached);
    match end {
        End::Lost(reason) => {
            let _ = events.send(Event::Lost { conn, reason }).await;
            // Who hears of it has something urgent to do, and may wait for this very processor: closing comes after.
            sleep(CLOSE_AFTER).await;
        }
        End::Aborted => {
            sockopt::reset_on_close(to.as_ref());
            to.forget(); // its end would be a shutdown, which sends all and is no reset
        }
        End::Closed => {
            // Octets left unread would turn the close into a reset, which can overtake the last NOTIFICATION.
            let _ = to.shutdown().await;
            let _ = timeout(CLOSE_LIMIT, discard(&mut from)).await;
        }
    }
}

/// Hands on what comes in; says why it ended.
async fn read(conn: ConnId, from: &mut OwnedReadHalf, events: &mpsc::Sender<Event>) -> String {
    let mut size = SMALL_READ;
    loop {
        if let Err(error) = from.readable().await {
            return plain(&error);
        }
        let mut buffer = BytesMut::with_capacity(size);
        match from.try_read_buf(&mut buffer) {
            Ok(0) => return "closed by the peer".to_owned(),
            Ok(count) => {
                if count >= size {
                    size = (size * 4).min(LARGE_READ);
                } else if count < size / 4 {
                    size = (size / 2).max(SMALL_READ);
                }
                if events.send(Event::Octets { conn, octets: buffer.freeze() }).await.is_err() {
                    return "nobody listens".to_owned();
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return plain(&error),
        }
    }
}

/// Writes what is queued, many pieces at a time, until the queue is closed and empty.
async fn write(
    conn: ConnId,
    to: &mut OwnedWriteHalf,
    outgoing: &mut mpsc::UnboundedReceiver<Bytes>,
    meter: &Meter,
    events: &mpsc::Sender<Event>,
) -> io::Result<()> {
    let mut pieces: Vec<Bytes> = Vec::with_capacity(PIECES);
    while outgoing.recv_many(&mut pieces, PIECES).await > 0 {
        pieces.retain(|piece| !piece.is_empty());
        while !pieces.is_empty() {
            let written = {
                let slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
                to.write_vectored(&slices).await?
            };
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            advance(&mut pieces, written);
            let before = meter.write(written);
            if before > LOW_MARK && before - written <= LOW_MARK {
                let _ = events.send(Event::Drained { conn }).await;
            }
        }
    }
    Ok(())
}

/// Takes what was written off the front.
fn advance(pieces: &mut Vec<Bytes>, mut written: usize) {
    let whole = pieces
        .iter()
        .take_while(|piece| {
            let fits = piece.len() <= written;
            if fits {
                written -= piece.len();
            }
            fits
        })
        .count();
    pieces.drain(..whole);
    if let Some(first) = pieces.first_mut() {
        first.advance(written);
    }
}

async fn discard(from: &mut OwnedReadHalf) {
    let mut buffer = BytesMut::with_capacity(SMALL_READ);
    while from.readable().await.is_ok() {
        buffer.clear();
        match from.try_read_buf(&mut buffer) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}
