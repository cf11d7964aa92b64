//! A whole connection, or several, of one neighbor: any octets, cut anywhere, while time passes, tunnels go up and down,
//! operators reset it, the kernel is slow or refuses, and the peer takes octets or not. Another neighbor never notices.
//!
//! Input: one octet that says what the neighbor is and can do, then steps: one octet that says which, then its
//! arguments. See [`Driver::step`].
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use twinspan::config::Config;
use twinspan::control::api::{FibRouteQuery, Reply, Request, RouteQuery, SessionState};
use twinspan::speaker::Input;
use twinspan::types::{ConnId, Family};
use twinspan::wire::Capability;

#[allow(dead_code)] // the simulation asks it more
#[path = "../../tests/sim/kernel.rs"]
mod kernel;
#[path = "../../tests/malformed/rig/mod.rs"]
mod rig;

use rig::{Far, INTERNAL, Rig, SUBJECT, WITNESS};

static CONFIG: LazyLock<Config> = LazyLock::new(rig::config);

/// More steps say nothing new, and each costs time.
const STEPS: usize = 100;

fuzz_target!(|input: &[u8]| {
    let [what, steps @ ..] = input else { return };
    let subject = if what & 1 == 0 { SUBJECT } else { INTERNAL };
    let mut rig = Rig::new(&CONFIG, |fars| {
        fars[SUBJECT].lively = false;
        fars[INTERNAL].lively = false;
        adjust(&mut fars[subject], *what);
    });
    rig.begin();
    assert!(rig.is_up(WITNESS));
    let mut driver = Driver { rig, subject, fed: 0, octets: Octets(steps) };
    for number in 0..STEPS {
        if driver.step().is_none() {
            break;
        }
        if number % 4 == 0 {
            driver.check();
        }
    }
    driver.end(what & 16 != 0);
});

/// What the neighbor says in OPEN.
fn adjust(far: &mut Far, what: u8) {
    let capabilities = &mut far.open.capabilities.0;
    if what & 2 != 0 {
        capabilities.retain(|one| !matches!(one, Capability::FourOctetAsn(_)));
    }
    if what & 4 != 0 {
        capabilities.push(Capability::ExtendedMessage);
    }
    if what & 8 != 0 {
        capabilities.retain(|one| *one != Capability::Multiprotocol(Family::Ipv6.into()));
    }
}

/// What is left of the input.
struct Octets<'a>(&'a [u8]);

impl<'a> Octets<'a> {
    fn one(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// At most so many.
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

struct Driver<'a> {
    rig: Rig,
    subject: usize,
    /// Octets that the subject has sent.
    fed: usize,
    octets: Octets<'a>,
}

impl Driver<'_> {
    /// One step; `None` when there is none left.
    fn step(&mut self) -> Option<()> {
        let rig = &mut self.rig;
        let kind = self.octets.one()?;
        let argument = kind >> 4;
        let conn = nth(rig, self.subject, argument);
        match kind & 15 {
            // Octets as they are.
            0 => {
                let count = usize::from(self.octets.one()?);
                self.feed(conn, self.octets.0.get(..count).unwrap_or(self.octets.0).to_vec());
                self.octets.take(count);
            }
            // A message with a good header.
            1 | 2 => {
                let (kind, high, low) = (self.octets.one()?, self.octets.one()?, self.octets.one()?);
                let body = self.octets.take(usize::from(u16::from_be_bytes([high, low])) % 65_516);
                self.feed(conn, rig::message(kind, body));
            }
            // The same in two pieces, with time between them.
            3 => {
                let (kind, at, count) = (self.octets.one()?, self.octets.one()?, self.octets.one()?);
                let whole = rig::message(kind, self.octets.take(usize::from(count)));
                let (first, second) = whole.split_at(usize::from(at).min(whole.len()));
                self.feed(conn, first.to_vec());
                self.pass(Duration::from_millis(700));
                self.feed(conn, second.to_vec());
            }
            4 => self.pass(Duration::from_millis(1 << argument)),
            5 => self.pass(Duration::from_secs(1 << (argument % 8))),
            6 if rig.wires.len() < 64 => {
                rig.accept(self.subject);
            }
            7 => {
                let dialled = rig.wires.iter().filter(|(_, w)| w.far == self.subject && !w.connected && !w.over);
                let dialled: Vec<ConnId> = dialled.map(|(conn, _)| *conn).collect();
                for conn in dialled {
                    rig.answer(conn, argument % 4 != 0);
                }
                rig.settle();
            }
            8 => conn.into_iter().for_each(|conn| rig.lose(conn)),
            9 => rig.set_link(self.subject, argument % 2 == 0),
            10 => rig.tell(Input::Reset(rig.fars[self.subject].name.clone())),
            11 => {
                let Some(conn) = conn else { return Some(()) };
                rig.tell(if argument < 8 { Input::Congested(conn) } else { Input::Drained(conn) });
            }
            12 => match argument % 4 {
                0 => rig.refusing = !rig.refusing,
                1 => rig.slow = true,
                2 => rig.catch_up(),
                _ => rig.tell(Input::LinksMissed),
            },
            // OPEN and KEEPALIVE.
            13 => {
                let octets = rig.fars[self.subject].open_octets().to_vec();
                self.feed(conn, octets);
            }
            14 => self.feed(conn, rig::message(4, &[])),
            // The whole way to Established.
            _ => {
                if rig.wires.len() < 64 {
                    let conn = rig.accept(self.subject);
                    let octets = [&rig.fars[self.subject].open_octets()[..], &rig::message(4, &[])].concat();
                    self.feed(Some(conn), octets);
                }
            }
        }
        Some(())
    }

    fn feed(&mut self, conn: Option<ConnId>, octets: Vec<u8>) {
        if let Some(conn) = conn {
            self.fed += octets.len();
            self.rig.feed(conn, &octets);
            self.rig.settle();
        }
    }

    fn pass(&mut self, so_long: Duration) {
        self.rig.pass(so_long);
    }

    /// What holds at any time.
    fn check(&mut self) {
        assert!(self.rig.is_up(WITNESS), "the other session is down: {:?}", self.rig.neighbor(WITNESS).last_down);
        let subject = self.rig.neighbor(self.subject);
        let open =
            self.rig.wires.values().filter(|wire| wire.far == self.subject && wire.connected && !wire.over).count();
        assert!(open <= 4, "{open} connections of one neighbor are open");
        if subject.state == SessionState::Established {
            assert!(open > 0, "Established without a connection");
        }
        for family in &subject.prefixes {
            assert_eq!(family.received, family.accepted + family.refused);
            // A prefix takes an octet at least.
            assert!(family.received as usize <= self.fed);
        }
    }

    /// What holds when the kernel has answered and all was read; `asked` as people ask, for which there is not always
    /// time.
    fn end(mut self, asked: bool) {
        let rig = &mut self.rig;
        rig.refusing = false;
        rig.catch_up();
        let conns: Vec<ConnId> = rig.wires.keys().copied().collect();
        for conn in conns {
            rig.tell(Input::Drained(conn));
        }
        // Longer than the kernel's refusals are believed for.
        self.pass(Duration::from_secs(90));
        self.check();
        let rig = &mut self.rig;
        let requests = [
            Request::Gateway,
            Request::Tunnels,
            Request::Neighbors,
            Request::Routes(RouteQuery::default()),
            Request::Fib,
            Request::FibRoutes(FibRouteQuery::default()),
        ];
        for request in requests.iter().filter(|_| asked) {
            let reply = rig.ask(request).expect("every question has an answer");
            serde_json::to_string(&reply).map(drop).expect("every answer is JSON");
        }
        // The other neighbor holds what it was told of, by its own account and by ours.
        let witness = rig.neighbor(WITNESS);
        for family in Family::ALL {
            let told = rig.fars[WITNESS].told.keys().filter(|prefix| prefix.family() == family).count();
            let ours = witness.prefixes.iter().find(|one| one.family == family).map_or(0, |one| one.advertised);
            assert_eq!(ours as usize, told, "{family}");
        }
        // The kernel holds a route for every prefix in use that leads anywhere.
        let Ok(Reply::Routes(routes)) = rig.ask(&Request::Routes(RouteQuery::default())) else {
            panic!("a question without an answer")
        };
        let used = routes.routes.iter().flat_map(|route| &route.paths).filter(|path| path.neighbor.is_some()).count();
        if used == 0 {
            // Host routes to the far ends only.
            assert!(rig.kernel.table.routes.len() <= rig.fars.len(), "{:?}", rig.kernel.table.routes);
        }
        self.rig.tell(Input::Stop);
        self.pass(Duration::from_secs(60));
        assert!(self.rig.is_stopped(), "a stop comes to its end");
        assert!(self.rig.kernel.table.routes.is_empty(), "{:?}", self.rig.kernel.table.routes);
    }
}

/// One of the subject's connections that are up.
fn nth(rig: &Rig, subject: usize, number: u8) -> Option<ConnId> {
    let open = |wire: &rig::Wire| wire.far == subject && wire.connected && !wire.over;
    let conns: Vec<ConnId> = rig.wires.iter().filter(|(_, wire)| open(wire)).map(|(conn, _)| *conn).collect();
    // 0 is the newest, as most steps mean it.
    conns.len().checked_sub(1).map(|last| conns[last - usize::from(number) % conns.len()])
}
