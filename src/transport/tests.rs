//! Over the loopback, on ports that the kernel chooses.

use std::{net::Ipv6Addr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};

use super::*;
use crate::types::AoAlgorithm;

const LOCALHOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

struct Side {
    transport: Transport,
    events: mpsc::Receiver<Event>,
}

impl Side {
    fn new(capacity: usize) -> Self {
        let (sender, events) = mpsc::channel(capacity);
        Self { transport: Transport::new(sender), events }
    }

    async fn next(&mut self) -> Event {
        timeout(Duration::from_secs(20), self.events.recv()).await.expect("an event within 20 s").expect("open")
    }

    async fn accepted(&mut self, ttl: Ttl) -> ConnId {
        match self.next().await {
            Event::Accepted { conn, .. } => {
                self.transport.adopt(conn, ttl, None);
                conn
            }
            other => panic!("{other:?} instead of Accepted"),
        }
    }

    /// So many octets, from however many events.
    async fn octets(&mut self, count: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < count {
            match self.next().await {
                Event::Octets { octets, .. } => {
                    assert!(octets.len() <= 16 * 1024);
                    all.extend_from_slice(&octets);
                }
                other => panic!("{other:?} instead of Octets"),
            }
        }
        all
    }
}

fn to(remote: SocketAddr, ttl: Ttl) -> Endpoint {
    Endpoint { remote, local: None, interface: None, ttl }
}

/// Two transports with one connection between them.
async fn pair(address: IpAddr, ttl: Ttl) -> (Side, ConnId, Side, ConnId) {
    let (mut dialler, mut listener) = (Side::new(64), Side::new(64));
    let address = listener.transport.listen(SocketAddr::new(address, 0), None).unwrap();
    let dialled = ConnId(7);
    dialler.transport.dial(dialled, to(address, ttl));
    let accepted = listener.accepted(ttl).await;
    assert!(matches!(dialler.next().await, Event::Connected { conn, .. } if conn == dialled));
    (dialler, dialled, listener, accepted)
}

#[tokio::test]
async fn octets_pass_both_ways_with_ttl_security_on_both_families() {
    for address in [LOCALHOST, IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        let (mut dialler, dialled, mut listener, accepted) = pair(address, Ttl::Security).await;
        assert!(accepted.0 >= ACCEPTED);
        dialler.transport.send(dialled, Bytes::from_static(b"there"));
        assert_eq!(listener.octets(5).await, b"there");
        listener.transport.send(accepted, Bytes::from_static(b"back"));
        assert_eq!(dialler.octets(4).await, b"back");
    }
}

/// Connects with that TTL, or hop limit, from the first packet on.
async fn connect_with_ttl(address: SocketAddr, ttl: u8) -> TcpStream {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.unwrap();
    sockopt::set_ttl(&socket, address, ttl).unwrap();
    socket.connect(address).await.unwrap()
}

#[tokio::test]
async fn a_connection_from_farther_than_the_link_is_closed_with_whatever_it_brought() {
    for address in [LOCALHOST, Ipv6Addr::LOCALHOST.into()] {
        let mut listener = Side::new(64);
        let address = listener.transport.listen(SocketAddr::new(address, 0), None).unwrap();
        let mut far = connect_with_ttl(address, 254).await;
        far.write_all(b"before the limit is set").await.unwrap();
        let conn = listener.accepted(Ttl::Security).await;
        let reason = "it came with a TTL of 254, not from the link".to_owned();
        assert_eq!(listener.next().await, Event::Lost { conn, reason }, "{address}");
    }
}

#[tokio::test]
async fn octets_from_farther_than_the_link_are_not_taken_with_ttl_security() {
    let mut listener = Side::new(64);
    let address = listener.transport.listen(SocketAddr::new(LOCALHOST, 0), None).unwrap();
    let mut far = connect_with_ttl(address, 255).await;
    far.set_ttl(254).unwrap();
    let accepted = listener.accepted(Ttl::Security).await;
    listener.transport.send(accepted, Bytes::from_static(b"x"));
    assert_eq!(far.read_u8().await.unwrap(), b'x'); // so the option is set now
    far.write_all(b"spoofed").await.unwrap();
    far.set_ttl(255).unwrap();
    far.write_all(b"!").await.unwrap();
    // The kernel retransmits with the new TTL; until then nothing may have come in.
    assert!(timeout(Duration::from_millis(50), listener.events.recv()).await.is_err());
}

#[tokio::test]
async fn a_close_flushes_what_was_sent_and_is_seen_as_the_peers_close() {
    let (mut dialler, dialled, mut listener, accepted) = pair(LOCALHOST, Ttl::Hops(1)).await;
    let size = 3_000_000;
    for piece in 0..30u8 {
        dialler.transport.send(dialled, Bytes::from(vec![piece; size / 30]));
    }
    // Unread octets at the closing end must not turn the close into a reset.
    listener.transport.send(accepted, Bytes::from(vec![9; 100_000]));
    dialler.transport.close(dialled);
    let got = listener.octets(size).await;
    assert_eq!(got.len(), size);
    assert!(got.chunks(size / 30).enumerate().all(|(index, chunk)| chunk.iter().all(|o| usize::from(*o) == index)));
    assert_eq!(listener.next().await, Event::Lost { conn: accepted, reason: "closed by the peer".to_owned() });
    listener.transport.close(accepted);
    dialler.transport.finish().await;
}

#[tokio::test]
async fn the_queue_says_how_long_it_is_and_when_it_has_drained() {
    let (mut dialler, dialled, mut listener, _accepted) = pair(LOCALHOST, Ttl::Hops(1)).await;
    let size = 32 << 20;
    for _ in 0..size / 4096 {
        dialler.transport.send(dialled, Bytes::from_static(&[1; 4096]));
    }
    assert_eq!(dialler.transport.queued(dialled), size);
    assert_eq!(listener.octets(size).await.len(), size);
    assert_eq!(dialler.next().await, Event::Drained { conn: dialled });
    while dialler.transport.queued(dialled) > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_machine_that_does_not_read_holds_its_peer_back() {
    let (mut dialler, dialled, mut listener, _accepted) = pair(LOCALHOST, Ttl::Hops(1)).await;
    let size = 64 << 20;
    dialler.transport.send(dialled, Bytes::from(vec![1; size]));
    // 64 events of 64 KiB and the kernel's buffers hold less than that.
    assert!(timeout(Duration::from_millis(300), dialler.events.recv()).await.is_err());
    assert!(dialler.transport.queued(dialled) > 0);
    assert_eq!(listener.octets(size).await.len(), size);
}

#[tokio::test]
async fn a_close_gives_up_on_a_peer_that_does_not_read() {
    let listener = TcpListener::bind(SocketAddr::new(LOCALHOST, 0)).await.unwrap();
    let mut dialler = Side::new(64);
    let conn = ConnId(1);
    dialler.transport.dial(conn, to(listener.local_addr().unwrap(), Ttl::Hops(1)));
    let _deaf = listener.accept().await.unwrap();
    assert!(matches!(dialler.next().await, Event::Connected { .. }));
    dialler.transport.send(conn, Bytes::from(vec![1; 64 << 20]));
    dialler.transport.close(conn);
    assert_eq!(dialler.transport.queued(conn), 0);
    timeout(Duration::from_secs(10), dialler.transport.finish()).await.expect("closed within its limits");
}

#[tokio::test]
async fn what_a_peer_has_not_taken_is_measured_also_in_the_kernel_and_an_abort_forgets_it() {
    let listener = TcpListener::bind(SocketAddr::new(LOCALHOST, 0)).await.unwrap();
    let mut dialler = Side::new(64);
    let conn = ConnId(1);
    dialler.transport.dial(conn, to(listener.local_addr().unwrap(), Ttl::Hops(1)));
    let (mut deaf, _) = listener.accept().await.unwrap();
    assert!(matches!(dialler.next().await, Event::Connected { .. }));
    let size = 64 << 20;
    dialler.transport.send(conn, Bytes::from(vec![1; size]));
    // Until the buffers of both kernels are full.
    let mut stuck = Measured::default();
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = dialler.transport.measure(conn);
        assert_eq!(now.waiting + now.taken, size as u64);
        if std::mem::replace(&mut stuck, now) == now {
            break;
        }
    }
    assert!(stuck.silent.is_none_or(|silent| silent < Duration::from_secs(1)), "it says that it is full: {stuck:?}");
    assert!(stuck.waiting > dialler.transport.queued(conn) as u64, "the kernel holds some too: {stuck:?}");
    let mut buffer = vec![0; 8 << 20];
    deaf.read_exact(&mut buffer).await.unwrap();
    assert!(dialler.transport.measure(conn).taken > stuck.taken);
    dialler.transport.abort(conn);
    assert_eq!(dialler.transport.measure(conn), Measured::default());
    let end = timeout(Duration::from_secs(10), async {
        loop {
            match deaf.read(&mut buffer).await {
                Ok(0) => panic!("a close is not a reset"),
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    });
    assert_eq!(end.await.expect("a reset is not held up").kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_reset_is_a_loss_with_its_reason() {
    let (mut dialler, dialled, mut listener, accepted) = pair(LOCALHOST, Ttl::Hops(1)).await;
    // Octets that the other side has not read make its close a reset.
    let stream = TcpListener::bind(SocketAddr::new(LOCALHOST, 0)).await.unwrap();
    let other = ConnId(8);
    dialler.transport.dial(other, to(stream.local_addr().unwrap(), Ttl::Hops(1)));
    let (stream, _) = stream.accept().await.unwrap();
    assert!(matches!(dialler.next().await, Event::Connected { .. }));
    dialler.transport.send(other, Bytes::from_static(b"unread"));
    assert_eq!(stream.peek(&mut [0; 1]).await.unwrap(), 1);
    drop(stream);
    match dialler.next().await {
        Event::Lost { conn, reason } => assert_eq!((conn, reason.as_str()), (other, "Connection reset by peer")),
        event => panic!("{event:?} instead of Lost"),
    }
    // An abort needs no word from the other side, and the other connection lives.
    dialler.transport.abort(dialled);
    assert!(matches!(listener.next().await, Event::Lost { conn, .. } if conn == accepted));
}

#[tokio::test]
async fn a_refused_dial_fails_with_the_kernels_words() {
    let closed = TcpListener::bind(SocketAddr::new(LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    let mut dialler = Side::new(64);
    let conn = ConnId(1);
    dialler.transport.dial(conn, to(closed, Ttl::Security));
    assert_eq!(dialler.next().await, Event::Failed { conn, reason: "Connection refused".to_owned() });
}

#[tokio::test]
async fn a_dial_from_what_is_not_there_says_what_is_missing() {
    let mut dialler = Side::new(64);
    let conn = ConnId(1);
    let remote = SocketAddr::new(LOCALHOST, 9);
    let endpoint = to(remote, Ttl::Security);
    dialler.transport.dial(conn, Endpoint { interface: Some("ts-none".to_owned()), ..endpoint.clone() });
    let reason = "interface ts-none: No such device".to_owned();
    assert_eq!(dialler.next().await, Event::Failed { conn, reason });
    dialler.transport.dial(conn, Endpoint { local: Some("192.0.2.77".parse().unwrap()), ..endpoint });
    let reason = "source address 192.0.2.77: this host does not have it, or not yet".to_owned();
    assert_eq!(dialler.next().await, Event::Failed { conn, reason });
}

#[tokio::test]
async fn the_source_address_and_the_interface_are_those_asked_for() {
    let mut listener = Side::new(64);
    let address = listener.transport.listen(SocketAddr::new(LOCALHOST, 0), Some("lo")).unwrap();
    let mut dialler = Side::new(64);
    let local: IpAddr = "127.0.0.9".parse().unwrap();
    let endpoint = Endpoint { local: Some(local), interface: Some("lo".to_owned()), ..to(address, Ttl::Security) };
    dialler.transport.dial(ConnId(1), endpoint);
    match listener.next().await {
        Event::Accepted { local: here, remote, .. } => assert_eq!((here, remote.ip()), (address, local)),
        event => panic!("{event:?} instead of Accepted"),
    }
}

#[tokio::test]
async fn a_port_in_use_and_an_address_of_nobody_are_told_in_a_sentence() {
    let mut side = Side::new(64);
    let address = side.transport.listen(SocketAddr::new(LOCALHOST, 0), None).unwrap();
    let error = side.transport.listen(address, None).unwrap_err().to_string();
    let expected = format!("cannot listen on {address}: address already in use; is another BGP daemon running?");
    assert!(error.starts_with(&expected), "{error}");
    let error = side.transport.listen("192.0.2.77:1179".parse().unwrap(), None).unwrap_err();
    assert_eq!(error.to_string(), "cannot listen on 192.0.2.77:1179: no interface of this host has that address");
}

#[test]
fn a_port_without_permission_is_told_with_the_way_out() {
    let source = io::Error::from_raw_os_error(libc::EACCES);
    let error = ListenError { address: "0.0.0.0:179".parse().unwrap(), source };
    assert!(error.to_string().contains("CAP_NET_BIND_SERVICE"), "{error}");
}

#[tokio::test]
async fn an_accepted_connection_that_is_aborted_is_closed() {
    let mut listener = Side::new(64);
    let address = listener.transport.listen(SocketAddr::new(LOCALHOST, 0), None).unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let Event::Accepted { conn, .. } = listener.next().await else { panic!("not accepted") };
    listener.transport.abort(conn);
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
}

#[tokio::test]
async fn the_last_octets_of_a_peer_are_read_although_writing_to_it_fails() {
    let listener = std::net::TcpListener::bind(SocketAddr::new(LOCALHOST, 0)).unwrap();
    let mut dialler = Side::new(64);
    let conn = ConnId(1);
    dialler.transport.dial(conn, to(listener.local_addr().unwrap(), Ttl::Hops(1)));
    assert!(matches!(dialler.next().await, Event::Connected { .. }));
    dialler.transport.send(conn, Bytes::from_static(b"unread"));
    // The one thread of the runtime waits here, so that its task finds a reset and octets at the same time.
    let (mut peer, _) = listener.accept().unwrap();
    tokio::task::yield_now().await;
    assert_eq!(peer.peek(&mut [0; 1]).unwrap(), 1);
    io::Write::write_all(&mut peer, b"why").unwrap();
    drop(peer);
    dialler.transport.send(conn, Bytes::from_static(b"more"));
    assert_eq!(dialler.octets(3).await, b"why");
    assert!(matches!(dialler.next().await, Event::Lost { .. }));
}

fn key(text: &str) -> Auth {
    Auth::Md5(Secret::new(text.as_bytes()).unwrap())
}

fn guards(auth: &Auth) -> Vec<Guard> {
    let prefixes = ["127.0.0.0/8", "::1/128"].map(|prefix| prefix.parse().unwrap());
    prefixes.map(|prefix| Guard { prefix, auth: auth.clone() }).into()
}

/// Two transports that sign, with one connection between them.
async fn signed_pair(address: IpAddr) -> (Side, ConnId, Side, ConnId) {
    let (mut dialler, mut listener) = (Side::new(64), Side::new(64));
    dialler.transport.guard(guards(&key("one"))).unwrap();
    listener.transport.guard(guards(&key("one"))).unwrap();
    let address = listener.transport.listen(SocketAddr::new(address, 0), None).unwrap();
    let dialled = ConnId(7);
    dialler.transport.dial(dialled, to(address, Ttl::Security));
    let accepted = listener.accepted(Ttl::Security).await;
    assert!(matches!(dialler.next().await, Event::Connected { .. }));
    (dialler, dialled, listener, accepted)
}

#[tokio::test]
async fn octets_pass_between_peers_that_sign_with_one_key_on_both_families() {
    for address in [LOCALHOST, IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        let (mut dialler, dialled, mut listener, accepted) = signed_pair(address).await;
        dialler.transport.send(dialled, Bytes::from_static(b"there"));
        assert_eq!(listener.octets(5).await, b"there");
        listener.transport.send(accepted, Bytes::from_static(b"back"));
        assert_eq!(dialler.octets(4).await, b"back");
    }
}

#[tokio::test]
async fn a_key_changes_on_an_open_connection_although_one_side_is_first() {
    for address in [LOCALHOST, IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        let (mut dialler, dialled, mut listener, accepted) = signed_pair(address).await;
        let mut old = key("one");
        // To another key, to none, and to one again: what is sent in between waits for the other side.
        for new in [key("two"), Auth::None, key("three")] {
            dialler.transport.guard(guards(&new)).unwrap();
            dialler.transport.send(dialled, Bytes::from_static(b"signed as the other side does not yet"));
            let early = timeout(Duration::from_millis(100), listener.events.recv()).await;
            assert!(early.is_err(), "from {old:?} to {new:?}: {early:?}");
            listener.transport.guard(guards(&new)).unwrap();
            assert_eq!(listener.octets(37).await, b"signed as the other side does not yet");
            listener.transport.send(accepted, Bytes::from_static(b"back"));
            assert_eq!(dialler.octets(4).await, b"back");
            old = new;
        }
        // Who dials from now on needs the new one.
        let bound = listener.transport.listen(SocketAddr::new(address, 0), None).unwrap();
        dialler.transport.dial(ConnId(8), to(bound, Ttl::Security));
        listener.accepted(Ttl::Security).await;
    }
}

#[tokio::test]
async fn a_peer_with_another_key_or_none_does_not_get_through_and_the_kernel_counts_it() {
    for (ours, theirs) in [(key("one"), key("two")), (key("one"), Auth::None), (Auth::None, key("two"))] {
        let (mut dialler, mut listener) = (Side::new(64), Side::new(64));
        dialler.transport.guard(guards(&theirs)).unwrap();
        listener.transport.guard(guards(&ours)).unwrap();
        let address = listener.transport.listen(SocketAddr::new(LOCALHOST, 0), None).unwrap();
        let before = Dropped::now();
        dialler.transport.dial(ConnId(1), to(address, Ttl::Security));
        let counted = |now: Dropped| match (&ours, &theirs) {
            (Auth::None, _) => now.unexpected > before.unexpected,
            (_, Auth::None) => now.missing > before.missing,
            _ => now.wrong > before.wrong,
        };
        while !counted(Dropped::now()) {
            tokio::task::yield_now().await;
        }
        assert!(listener.events.try_recv().is_err(), "{ours:?} and {theirs:?}");
        assert!(dialler.events.try_recv().is_err(), "{ours:?} and {theirs:?}");
    }
}

#[tokio::test]
async fn keys_without_room_on_a_socket_are_refused_with_the_way_out_and_leave_none_behind() {
    let mut listener = Side::new(64);
    let address = listener.transport.listen(SocketAddr::new(LOCALHOST, 0), None).unwrap();
    let guard =
        |n: u32| Guard { prefix: crate::types::Prefix::host(std::net::Ipv4Addr::from(n).into()), auth: key("k") };
    // What `net.core.optmem_max` allows by default holds less than that.
    let loopback = u32::from(std::net::Ipv4Addr::LOCALHOST);
    let error = listener.transport.guard((loopback..loopback + 100_000).map(guard).collect()).unwrap_err();
    assert!(error.to_string().contains("raise net.core.optmem_max"), "{error}");
    // Who does not sign gets through as before, although a key for it was among those that had room.
    let _stream = timeout(Duration::from_secs(5), TcpStream::connect(address)).await.expect("it gets through").unwrap();
    listener.accepted(Ttl::Security).await;
}

#[tokio::test]
async fn tcp_ao_works_or_is_refused_in_words() {
    let secret = Secret::new(b"key").unwrap();
    for algorithm in [AoAlgorithm::HmacSha1, AoAlgorithm::AesCmac] {
        let auth = Auth::Ao(vec![AoKey { id: 1, receive_id: 1, algorithm, secret: secret.clone() }]);
        let (mut dialler, mut listener) = (Side::new(64), Side::new(64));
        let address = listener.transport.listen(SocketAddr::new(LOCALHOST, 0), None).unwrap();
        let guarded = listener.transport.guard(guards(&auth));
        if !has_tcp_ao() {
            assert!(guarded.unwrap_err().to_string().contains("use `password-file`"));
            continue;
        }
        guarded.unwrap();
        dialler.transport.guard(guards(&auth)).unwrap();
        dialler.transport.dial(ConnId(1), to(address, Ttl::Security));
        listener.accepted(Ttl::Security).await;
        assert!(matches!(dialler.next().await, Event::Connected { .. }));
        dialler.transport.send(ConnId(1), Bytes::from_static(b"there"));
        assert_eq!(listener.octets(5).await, b"there");
    }
}

#[tokio::test]
async fn the_interface_of_an_accepted_connection_is_known_and_the_connection_is_bound_to_it() {
    for address in [LOCALHOST, IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        let mut listener = Side::new(64);
        let bound = listener.transport.listen(SocketAddr::new(address, 0), None).unwrap();
        let mut stream = TcpStream::connect(bound).await.unwrap();
        match listener.next().await {
            Event::Accepted { conn, interface, .. } => {
                let loopback = nix::net::if_::if_nametoindex("lo").unwrap();
                assert_eq!(interface, LinkIndex::new(loopback));
                listener.transport.adopt(conn, Ttl::Hops(1), Some("lo".to_owned()));
            }
            other => panic!("{other:?} instead of Accepted"),
        }
        stream.write_all(b"there").await.unwrap();
        assert_eq!(listener.octets(5).await, b"there");
    }
}

#[tokio::test]
async fn octets_from_farther_than_the_link_are_not_taken_over_ipv6_either() {
    let mut listener = Side::new(64);
    let address = listener.transport.listen(SocketAddr::new(Ipv6Addr::LOCALHOST.into(), 0), None).unwrap();
    let mut far = connect_with_ttl(address, 255).await;
    let hops = |far: &TcpStream, hops| socket2::SockRef::from(far).set_unicast_hops_v6(hops).unwrap();
    hops(&far, 254);
    let accepted = listener.accepted(Ttl::Security).await;
    listener.transport.send(accepted, Bytes::from_static(b"x"));
    assert_eq!(far.read_u8().await.unwrap(), b'x'); // so the option is set now
    far.write_all(b"spoofed").await.unwrap();
    assert!(timeout(Duration::from_millis(50), listener.events.recv()).await.is_err());
    // The kernel sends it again with the new limit.
    hops(&far, 255);
    assert_eq!(listener.octets(7).await, b"spoofed");
}
