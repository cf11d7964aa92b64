//! One session, from the device's side: opened, fed as fast as the peer reads, kept alive, and listened to.

use std::collections::{BTreeSet, HashSet};
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use super::mrt::Record;
use super::rewrite::{Counts, Device, Held, Rewriter, codes};
use super::{HEADER_LEN, KEEPALIVE, NOTIFICATION, OPEN, Reader, UPDATE, message};

/// Messages are written in pieces of about this many octets.
const PIECE: usize = 64 * 1024;

/// Between two attempts to connect.
const RETRY: Duration = Duration::from_millis(200);

/// Capability codes: multiprotocol (RFC 4760), four-octet AS (RFC 6793).
const MULTIPROTOCOL: u8 = 1;
const FOUR_OCTET_AS: u8 = 65;

/// Stands for an AS number of four octets in a field of two (RFC 6793).
const AS_TRANS: u32 = 23456;

/// How to open a session.
#[derive(Clone, Debug)]
pub struct Options {
    /// The device's address on the tunnel: TCP source, next hop, and router id.
    pub local: Ipv4Addr,
    /// The instance's.
    pub remote: SocketAddr,
    /// The device's AS.
    pub asn: u32,
    /// Seconds; the lower of both sides' holds.
    pub hold_time: u16,
    /// Say four-octet AS numbers in the OPEN.
    pub four_octet: bool,
    /// How long to try until the session is established.
    pub limit: Duration,
}

/// Why there is no session.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The peer said so: code, subcode, data (RFC 4271 §4.5).
    Notification(u8, u8, Vec<u8>),
    /// Something else, in words.
    Other(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Notification(code, subcode, data) => write!(f, "NOTIFICATION {code}/{subcode} {data:02x?}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Failure {}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Other(error.to_string())
    }
}

/// What came back so far.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// UPDATEs.
    pub updates: u64,
    /// IPv4 prefixes that the peer has announced and not withdrawn.
    pub held: HashSet<Vec<u8>>,
    /// Flags and code of every attribute that came.
    pub attributes: BTreeSet<(u8, u8)>,
    /// When the last prefix was withdrawn.
    pub withdrawn_at: Option<Instant>,
    /// KEEPALIVEs.
    pub keepalives: u64,
    /// Why the peer ended the session.
    pub notification: Option<(u8, u8, Vec<u8>)>,
    /// The connection is gone.
    pub closed: bool,
}

/// What [`Player::play`] sent.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Sent {
    /// Messages and routes.
    #[serde(flatten)]
    pub counts: Counts,
    /// Different prefixes that the peer should hold now.
    pub prefixes: usize,
    /// From the first octet to the last taken by the peer.
    pub seconds: f64,
}

/// An established session.
#[derive(Debug)]
pub struct Player {
    stream: Arc<Mutex<TcpStream>>,
    status: Arc<Mutex<Status>>,
    rewriter: Rewriter,
    threads: Vec<JoinHandle<()>>,
}

impl Player {
    /// Connects, in the network namespace of the calling thread, until established, refused, or the limit.
    pub fn connect(options: &Options) -> Result<Self, Failure> {
        let start = Instant::now();
        loop {
            let failure = match Self::attempt(options) {
                Ok(player) => return Ok(player),
                // Cease: the peer has another connection, or is not ready (RFC 4486); that passes.
                Err(failure @ Failure::Notification(code, ..)) if code != 6 => return Err(failure),
                Err(failure) => failure,
            };
            if start.elapsed() > options.limit {
                return Err(failure);
            }
            thread::sleep(RETRY);
        }
    }

    fn attempt(options: &Options) -> Result<Self, Failure> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_ttl_v4(255)?; // RFC 5082
        socket.bind(&SocketAddr::new(IpAddr::V4(options.local), 0).into())?;
        socket.connect_timeout(&options.remote.into(), Duration::from_secs(2))?;
        socket.set_tcp_nodelay(true)?;
        let mut stream: TcpStream = socket.into();
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(&open(options))?;
        let mut hold_time = options.hold_time;
        let (mut four_octet, mut internal) = (false, false);
        loop {
            match read(&mut stream)? {
                (OPEN, body) => {
                    let theirs = Reader(body.get(1..).unwrap_or_default()).number(2).unwrap_or_default();
                    internal = theirs == options.asn && theirs != AS_TRANS;
                    let theirs = Reader(body.get(3..).unwrap_or_default()).number(2).unwrap_or_default();
                    hold_time = hold_time.min(u16::try_from(theirs).unwrap_or(hold_time));
                    four_octet = options.four_octet && announces(&body, FOUR_OCTET_AS);
                    stream.write_all(&message(KEEPALIVE, &[]))?;
                }
                (KEEPALIVE, _) => break,
                (NOTIFICATION, body) => return Err(notification(&body)),
                (kind, _) => return Err(Failure::Other(format!("message of type {kind} instead of an OPEN"))),
            }
        }
        stream.set_read_timeout(None)?;
        let status = Arc::new(Mutex::new(Status::default()));
        let listener = {
            let (mut stream, status) = (stream.try_clone()?, Arc::clone(&status));
            thread::spawn(move || listen(&mut stream, &status))
        };
        let stream = Arc::new(Mutex::new(stream));
        let keeper = {
            let (stream, status) = (Arc::clone(&stream), Arc::clone(&status));
            thread::spawn(move || keep_alive(&stream, &status, hold_time))
        };
        let device = Device { asn: options.asn, address: options.local, four_octet, internal };
        Ok(Self { stream, status, rewriter: Rewriter::new(device), threads: vec![listener, keeper] })
    }

    /// Sends all records as the device's own, then End-of-RIB. Counts go on from what was played before.
    pub fn play(&mut self, records: impl Iterator<Item = Record>) -> Result<Sent, Failure> {
        let start = Instant::now();
        let mut piece = Vec::with_capacity(2 * PIECE);
        for record in records {
            self.rewriter.rewrite(&record, &mut piece);
            if piece.len() >= PIECE {
                self.write(&piece)?;
                piece.clear();
            }
        }
        piece.extend(message(UPDATE, &[0; 4])); // RFC 4724 §2
        self.write(&piece)?;
        let (counts, prefixes) = (self.rewriter.counts.clone(), self.rewriter.held.len());
        Ok(Sent { counts, prefixes, seconds: start.elapsed().as_secs_f64() })
    }

    /// Ends as a killed process does: the connection closes without a word.
    pub fn kill(self) {
        let _ = lock(&self.stream).shutdown(std::net::Shutdown::Both);
        lock(&self.status).closed = true; // and so nothing is said at the end
    }

    /// Ends as a host does that loses its power: nothing goes out, not even the end of the connection.
    pub fn vanish(self) {
        let stream = lock(&self.stream);
        // Closed with this, a socket forgets what was not sent, and sends one RST, which nothing carries.
        let _ = socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO));
        drop(stream);
        self.kill();
    }

    fn write(&self, octets: &[u8]) -> Result<(), Failure> {
        let written = lock(&self.stream).write_all(octets);
        written.map_err(|error| match lock(&self.status).notification.clone() {
            Some((code, subcode, data)) => Failure::Notification(code, subcode, data),
            None => error.into(),
        })
    }

    /// What the peer should hold.
    pub fn held(&self) -> &Held {
        &self.rewriter.held
    }

    /// What came back so far.
    pub fn status(&self) -> Status {
        lock(&self.status).clone()
    }

    /// `Ok` while the session stands.
    pub fn stands(&self) -> Result<(), Failure> {
        let status = lock(&self.status);
        match (&status.notification, status.closed) {
            (Some((code, subcode, data)), _) => Err(Failure::Notification(*code, *subcode, data.clone())),
            (None, true) => Err(Failure::Other("the connection was closed".to_owned())),
            (None, false) => Ok(()),
        }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        let mut stream = lock(&self.stream);
        if !lock(&self.status).closed {
            let _ = stream.write_all(&message(NOTIFICATION, &[6, 2])); // Cease / Administrative Shutdown (RFC 4486)
        }
        let _ = stream.shutdown(std::net::Shutdown::Both);
        drop(stream);
        lock(&self.status).closed = true;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open(options: &Options) -> Vec<u8> {
    let mut capabilities = vec![MULTIPROTOCOL, 4, 0, 1, 0, 1]; // IPv4 unicast
    if options.four_octet {
        capabilities.extend([FOUR_OCTET_AS, 4]);
        capabilities.extend(options.asn.to_be_bytes());
    }
    let length = u8::try_from(capabilities.len()).expect("a dozen octets");
    let mut body = vec![4]; // BGP-4
    body.extend(u16::try_from(options.asn).unwrap_or(AS_TRANS as u16).to_be_bytes()); // AS_TRANS (RFC 6793)
    body.extend(options.hold_time.to_be_bytes());
    body.extend(options.local.octets());
    body.extend([length + 2, 2, length]); // one parameter: capabilities (RFC 5492)
    body.extend(capabilities);
    message(OPEN, &body)
}

/// True if an OPEN announces a capability.
fn announces(body: &[u8], wanted: u8) -> bool {
    let mut parameters = Reader(body.get(10..).unwrap_or_default());
    while let (Some(kind), Some(length)) = (parameters.number(1), parameters.length(1)) {
        let Some(value) = parameters.take(length) else { return false };
        let mut capabilities = Reader(value);
        while let (2, Some(code), Some(length)) = (kind, capabilities.number(1), capabilities.length(1)) {
            if code == u32::from(wanted) {
                return true;
            }
            capabilities.take(length);
        }
    }
    false
}

fn notification(body: &[u8]) -> Failure {
    let mut octets = body.iter().copied();
    Failure::Notification(octets.next().unwrap_or_default(), octets.next().unwrap_or_default(), octets.collect())
}

/// One whole message: its type and its body.
fn read(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut header = [0; HEADER_LEN];
    stream.read_exact(&mut header)?;
    let [.., high, low, kind] = header;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let length = length.checked_sub(HEADER_LEN).ok_or(io::ErrorKind::InvalidData)?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((kind, body))
}

fn listen(stream: &mut TcpStream, status: &Mutex<Status>) {
    while let Ok((kind, body)) = read(stream) {
        let mut status = lock(status);
        match kind {
            UPDATE => {
                status.updates += 1;
                status.attributes.extend(codes(&message(UPDATE, &body)));
                let _ = note(&body, &mut status);
            }
            KEEPALIVE => status.keepalives += 1,
            NOTIFICATION => {
                if let Failure::Notification(code, subcode, data) = notification(&body) {
                    status.notification = Some((code, subcode, data));
                }
            }
            _ => {}
        }
    }
    lock(status).closed = true;
}

/// Keeps the prefixes of an UPDATE's own fields; routes in multiprotocol attributes are not counted.
fn note(body: &[u8], status: &mut Status) -> Option<()> {
    let mut body = Reader(body);
    let length = body.length(2)?;
    let mut gone = Reader(body.take(length)?);
    while let Some(bits) = gone.0.first() {
        status.held.remove(gone.take(1 + usize::from(bits.div_ceil(8)))?);
        status.withdrawn_at = Some(Instant::now());
    }
    let length = body.length(2)?;
    body.take(length)?;
    while let Some(bits) = body.0.first() {
        status.held.insert(body.take(1 + usize::from(bits.div_ceil(8)))?.to_vec());
    }
    Some(())
}

/// A KEEPALIVE every third of the hold time (RFC 4271 §4.4), until the connection is gone.
fn keep_alive(stream: &Mutex<TcpStream>, status: &Mutex<Status>, hold_time: u16) {
    let interval = Duration::from_secs(u64::from(hold_time)) / 3;
    let mut last = Instant::now();
    while !lock(status).closed {
        thread::sleep(Duration::from_millis(100));
        if hold_time > 0 && last.elapsed() >= interval {
            last = Instant::now();
            if lock(stream).write_all(&message(KEEPALIVE, &[])).is_err() {
                return;
            }
        }
    }
}
