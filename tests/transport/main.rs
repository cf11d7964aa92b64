//! Two sessions over real TCP on the loopback: `session` and `transport` fit together.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use tokio::{sync::mpsc, time::timeout};
use twinspan::{
    session::{Input, Output, Peer, Settings, StateName},
    transport::{Auth, Endpoint, Event, Guard, Measured, Secret, Transport, Ttl},
    types::{Asn, Family, HoldTime, PeerId, RouterId, Time},
    wire::{Cease, Notification},
};

struct Speaker {
    peer: Peer,
    transport: Transport,
    events: mpsc::Receiver<Event>,
    address: SocketAddr,
    remote: Option<SocketAddr>,
    began: Instant,
}

impl Speaker {
    fn new(id: u8, local: u32, remote: u32) -> Self {
        let settings = Settings {
            local_asn: Asn::new(local),
            remote_asn: Asn::new(remote),
            other_asns: Vec::new(),
            router_id: RouterId::new(Ipv4Addr::new(10, 0, 0, id)).expect("not zero"),
            hold_time: HoldTime::DEFAULT,
            keepalive_time: Duration::from_secs(30),
            send_hold_time: None,
            connect_retry: Duration::from_millis(200),
            idle_hold_max: Duration::from_secs(1),
            passive: false,
            families: vec![Family::Ipv4, Family::Ipv6],
            restart_time: Some(Duration::from_secs(10)),
        };
        let (sender, events) = mpsc::channel(64);
        let mut transport = Transport::new(sender);
        let any_port = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        let address = transport.listen(any_port, None).expect("the loopback has free ports");
        let peer = Peer::new(PeerId(u32::from(id)), settings, u64::from(id));
        Self { peer, transport, events, address, remote: None, began: Instant::now() }
    }

    fn now(&self) -> Time {
        Time::from_start(self.began.elapsed())
    }

    fn input(&mut self, input: Input) {
        let mut out = Vec::new();
        self.peer.handle(self.now(), input, &mut out);
        self.obey(out);
    }

    fn obey(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Dial { conn } => {
                    let remote = self.remote.expect("started with an address");
                    self.transport.dial(conn, Endpoint { remote, local: None, interface: None, ttl: Ttl::Security });
                }
                Output::Send { conn, octets } => self.transport.send(conn, octets),
                Output::Close { conn } => self.transport.close(conn),
                Output::Abort { conn } => self.transport.abort(conn),
                Output::Measure { conn } => {
                    let Measured { waiting, taken, silent } = self.transport.measure(conn);
                    self.input(Input::Measured { conn, waiting, taken, silent });
                }
                Output::Established(_) | Output::Down(_) | Output::Failed(_) => {}
                Output::Update(_) | Output::Refresh(_) => {}
            }
        }
    }

    /// A KEEPALIVE before its time.
    fn peer_says_keepalive(&mut self) {
        let conn = self.peer.status().negotiated.expect("established").conn;
        let octets = [&[0xff; 16][..], &[0, 19, 4]].concat();
        self.transport.send(conn, octets.into());
    }

    /// One event or deadline.
    async fn turn(&mut self) {
        let wait = self.peer.deadline().map_or(Duration::from_secs(60), |deadline| deadline.since(self.now()));
        match timeout(wait, self.events.recv()).await {
            Ok(Some(event)) => match event {
                Event::Connected { conn, .. } => self.input(Input::Connected { conn }),
                Event::Failed { conn, reason } => self.input(Input::ConnectFailed { conn, reason }),
                Event::Accepted { conn, .. } => {
                    self.transport.adopt(conn, Ttl::Security, None);
                    self.input(Input::Accepted { conn });
                }
                Event::Octets { conn, octets } => self.input(Input::Octets { conn, octets }),
                Event::Lost { conn, reason } => self.input(Input::Lost { conn, reason }),
                Event::Drained { .. } => {}
            },
            Ok(None) => {}
            Err(_) => {
                let mut out = Vec::new();
                self.peer.tick(self.now(), &mut out);
                self.obey(out);
            }
        }
    }
}

#[tokio::test]
async fn two_speakers_that_dial_each_other_agree_and_one_hears_why_the_other_stops() {
    let (mut one, mut two) = (Speaker::new(1, 65515, 65010), Speaker::new(2, 65010, 65515));
    (one.remote, two.remote) = (Some(two.address), Some(one.address));
    one.input(Input::Start);
    two.input(Input::Start);
    let both_are = |one: &Speaker, two: &Speaker| {
        one.peer.state() == StateName::Established && two.peer.state() == StateName::Established
    };
    let up = async {
        while !both_are(&one, &two) {
            tokio::select! { () = one.turn() => {}, () = two.turn() => {} }
        }
    };
    timeout(Duration::from_secs(20), up).await.expect("established within 20 s");
    assert_eq!(one.peer.status().negotiated.map(|agreed| agreed.families), Some(Family::ALL.to_vec()));

    one.input(Input::Stop(Notification::shutdown(Cease::AdministrativeShutdown, "new kernel")));
    let down = async {
        while two.peer.state() == StateName::Established {
            two.turn().await;
        }
    };
    timeout(Duration::from_secs(20), down).await.expect("told within 20 s");
    let reason = two.peer.status().last_down.map(|down| down.reason.to_string());
    assert_eq!(reason.as_deref(), Some("received Cease / Hard Reset: Cease / Administrative Shutdown: new kernel"));
    one.transport.finish().await;
}

/// How both sign from now on.
fn key(text: &str) -> Vec<Guard> {
    let auth = Auth::Md5(Secret::new(text.as_bytes()).expect("a key"));
    vec![Guard { prefix: "127.0.0.0/8".parse().expect("a prefix"), auth }]
}

#[tokio::test]
async fn a_session_stays_established_while_both_sides_change_their_key_one_after_the_other() {
    let (mut one, mut two) = (Speaker::new(1, 65515, 65010), Speaker::new(2, 65010, 65515));
    (one.remote, two.remote) = (Some(two.address), Some(one.address));
    for side in [&mut one, &mut two] {
        side.transport.guard(key("first")).expect("the kernel has TCP MD5");
    }
    one.input(Input::Start);
    two.input(Input::Start);
    let up = async {
        while one.peer.state() != StateName::Established || two.peer.state() != StateName::Established {
            tokio::select! { () = one.turn() => {}, () = two.turn() => {} }
        }
    };
    timeout(Duration::from_secs(20), up).await.expect("established within 20 s");
    one.transport.guard(key("second")).expect("the kernel has TCP MD5");
    // What the one says meanwhile is dropped by the other, and sent again.
    let heard = two.peer.status().received.keepalives;
    one.peer_says_keepalive();
    let quiet = async {
        loop {
            tokio::select! { () = one.turn() => {}, () = two.turn() => {} }
        }
    };
    assert!(timeout(Duration::from_millis(500), quiet).await.is_err());
    assert_eq!(two.peer.status().received.keepalives, heard, "signed with a key that the other side has not");
    two.transport.guard(key("second")).expect("the kernel has TCP MD5");
    let again = async {
        while two.peer.status().received.keepalives == heard {
            tokio::select! { () = one.turn() => {}, () = two.turn() => {} }
        }
    };
    timeout(Duration::from_secs(20), again).await.expect("sent again within 20 s");
    assert_eq!((one.peer.state(), two.peer.state()), (StateName::Established, StateName::Established));
    assert_eq!((one.peer.status().flaps, two.peer.status().flaps), (0, 0));
}
