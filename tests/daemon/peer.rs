//! The peer at the far end of the tunnel: raw octets, written by hand.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::place::{LIMIT, Place, until};

const OPEN: u8 = 1;
const UPDATE: u8 = 2;
pub const NOTIFICATION: u8 = 3;
const KEEPALIVE: u8 = 4;

/// One TCP connection to the daemon.
pub struct Peer(TcpStream);

impl Peer {
    /// Dials the daemon until it is taken: at first it may not listen yet, or wait for its tunnel.
    pub fn dial(place: &Place) -> Self {
        Self::dial_from(place, "169.254.21.1")
    }

    /// One connection, whatever the daemon says on it first.
    pub fn dial_raw(place: &Place) -> Self {
        Self(Self::connect(place, "169.254.21.1").unwrap())
    }

    /// The same from another address of the peer's host.
    pub fn dial_from(place: &Place, address: &'static str) -> Self {
        until(|| Self::try_dial(place, address)).expect("the daemon takes no connection")
    }

    fn connect(place: &Place, address: &'static str) -> std::io::Result<TcpStream> {
        let stream = place.within(&place.peer, move || {
            let from = SocketAddr::new(address.parse().unwrap(), 0);
            let to: SocketAddr = "169.254.21.2:179".parse().unwrap();
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
            socket.bind(&from.into())?;
            // From the first packet on: a connection that begins with less is not from the link.
            socket.set_ttl_v4(255)?;
            socket.connect_timeout(&to.into(), Duration::from_secs(1))?;
            std::io::Result::Ok(TcpStream::from(socket))
        })?;
        stream.set_read_timeout(Some(LIMIT))?;
        Ok(stream)
    }

    fn try_dial(place: &Place, address: &'static str) -> Option<Self> {
        let mut stream = Self::connect(place, address).ok()?;
        // A daemon that takes the connection opens by itself.
        let (kind, _) = read(&mut stream)?;
        (kind == OPEN).then_some(Self(stream))
    }

    pub fn write(&mut self, octets: &[u8]) {
        self.0.write_all(octets).unwrap();
    }

    /// The next message that is not a KEEPALIVE; `None` at the end.
    pub fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            let message = read(&mut self.0)?;
            if message.0 != KEEPALIVE {
                return Some(message);
            }
        }
    }

    /// An OPEN of that AS, hold time 90 s.
    pub fn open(&mut self, asn: u16) {
        let [a, b] = asn.to_be_bytes();
        self.write(&message(OPEN, &[4, a, b, 0, 90, 198, 51, 100, 1, 0]));
    }

    pub fn keepalive(&mut self) {
        self.write(&message(KEEPALIVE, &[]));
    }

    /// The same, to a daemon that may have gone.
    pub fn try_keepalive(&mut self) -> std::io::Result<()> {
        self.0.write_all(&message(KEEPALIVE, &[]))
    }

    /// So many /32 prefixes, many in an UPDATE.
    pub fn teach_table(&mut self, count: u32) {
        let attributes =
            [&[0x40, 1, 1, 0][..], &[0x40, 2, 4, 2, 1, 0xfd, 0xf2], &[0x40, 3, 4, 169, 254, 21, 1]].concat();
        let all: Vec<u32> = (0..count).collect();
        for chunk in all.chunks(700) {
            let mut update = vec![0, 0, 0, attributes.len() as u8];
            update.extend(&attributes);
            for number in chunk {
                update.push(32);
                update.extend((0x2d00_0000 + number).to_be_bytes());
            }
            self.write(&message(UPDATE, &update));
        }
    }

    /// 10.52.0.0/16, AS path 65010, and the End-of-RIB.
    pub fn teach(&mut self) {
        let attributes =
            [&[0x40, 1, 1, 0][..], &[0x40, 2, 4, 2, 1, 0xfd, 0xf2], &[0x40, 3, 4, 169, 254, 21, 1]].concat();
        let mut update = vec![0, 0, 0, attributes.len() as u8];
        update.extend(attributes);
        update.extend([16, 10, 52]);
        self.write(&message(UPDATE, &update));
        self.write(&message(UPDATE, &[0, 0, 0, 0]));
    }

    /// A session that is Established, with one prefix taught.
    pub fn session(place: &Place) -> Self {
        let mut peer = Self::dial(place);
        peer.open(65010);
        peer.keepalive();
        peer.teach();
        peer
    }
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = vec![0xff; 16];
    octets.extend((body.len() as u16 + 19).to_be_bytes());
    octets.push(kind);
    octets.extend(body);
    octets
}

fn read(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut header = [0; 19];
    stream.read_exact(&mut header).ok()?;
    let len = usize::from(u16::from_be_bytes([header[16], header[17]]));
    let mut body = vec![0; len - 19];
    stream.read_exact(&mut body).ok()?;
    Some((header[18], body))
}
