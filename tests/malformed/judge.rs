//! Plays one row and looks for its reaction from both sides.

use std::time::Duration;

use twinspan::config::Config;
use twinspan::control::api::{DownReason, Path, PathState, Reply, Request, RouteQuery, Select};
use twinspan::speaker::Event;
use twinspan::types::{ConnId, Prefix};
use twinspan::wire::{Capability, MessageKind};

use crate::build::{self, NET_TEXT, NET6_TEXT};
use crate::rig::{INTERNAL, OWN, Rig, SUBJECT, WITNESS};
use crate::row::{Reaction, Row, Stage};

/// What is taught after the row: by the witness, and by the subject.
const LATER: ([u8; 3], &str) = ([16, 10, 8], "10.8.0.0/16");
const AGAIN: ([u8; 3], &str) = ([16, 10, 9], "10.9.0.0/16");

/// One row on a speaker of its own. Panics with what is not as it should be.
pub fn judge(config: &Config, row: &Row) {
    let subject = if row.stage == Stage::Internal { INTERNAL } else { SUBJECT };
    let opening = matches!(row.stage, Stage::Opening | Stage::Confirming);
    let mut rig = Rig::new(config, |fars| {
        let capabilities = &mut fars[SUBJECT].open.capabilities.0;
        match row.stage {
            Stage::TwoOctets => capabilities.retain(|one| !matches!(one, Capability::FourOctetAsn(_))),
            Stage::Plain => capabilities.retain(|one| *one != Capability::EnhancedRouteRefresh),
            _ => {}
        }
        fars[SUBJECT].lively = !opening;
    });
    rig.begin();
    assert!(rig.is_up(WITNESS), "the other session came up");
    let mut scene = Scene { rig, subject };
    if opening {
        scene.open(row);
    } else {
        scene.play(row);
    }
    scene.go_on();
}

struct Scene {
    rig: Rig,
    subject: usize,
}

impl Scene {
    /// A row in a session that is up and has routes.
    fn play(&mut self, row: &Row) {
        assert!(self.rig.is_up(self.subject), "the session came up");
        let conn = self.rig.conn(self.subject).unwrap();
        let (good, good6) = (self.good(&build::NET), self.good6());
        self.rig.feed(conn, &good);
        self.rig.feed(conn, &good6);
        assert!(self.used(NET_TEXT) && self.used(NET6_TEXT), "the routes were there before");
        let heard = self.heard(NET_TEXT) && self.heard(NET6_TEXT);
        assert!(heard || self.subject != SUBJECT, "and others heard of them");
        let before = self.rig.detail(self.subject).faults;
        self.rig.events.clear();
        self.rig.feed(conn, &row.octets);
        self.rig.pass(Duration::from_secs(1));

        let after = self.rig.detail(self.subject).faults;
        let (withdrawn, discarded) = (after.withdrawn - before.withdrawn, after.discarded - before.discarded);
        match &row.reaction {
            Reaction::Reset(code, subcode, data) => self.was_reset(conn, *code, *subcode, data, row),
            Reaction::Told(code, subcode, words) => self.was_told(conn, *code, *subcode, words),
            Reaction::Withdrawn(words) => {
                assert!(withdrawn > 0, "it is counted");
                self.softened(words, row);
                assert!(!self.known(self.prefix(row)), "{} is gone", self.prefix(row));
                assert!(!self.heard(self.prefix(row)), "others were told that {} is gone", self.prefix(row));
            }
            Reaction::Discarded(code, words) => {
                assert_eq!((withdrawn, discarded > 0), (0, true), "it is counted");
                self.softened(words, row);
                self.is_there(row, |path| assert!(!carries(path, *code), "{path:?}"));
            }
            Reaction::First(code, words) => {
                assert_eq!((withdrawn, discarded > 0), (0, true), "it is counted");
                self.softened(words, row);
                self.is_there(row, |path| assert!(carries(path, *code), "{path:?}"));
            }
            Reaction::Passed(code) => {
                assert_eq!((withdrawn, discarded), (0, 0), "no fault");
                self.is_there(row, |path| assert!(carries(path, *code), "{path:?}"));
                if self.subject == SUBJECT {
                    let prefix: Prefix = self.prefix(row).parse().unwrap();
                    let told = &self.rig.fars[WITNESS].told[&prefix].0.unknown;
                    let one = told.iter().find(|one| one.code == *code).expect("others get it");
                    assert_eq!(one.flags.0, 0xe0, "with Partial");
                }
            }
            Reaction::Dropped(code) => {
                assert_eq!((withdrawn, discarded), (0, 0), "no fault");
                self.is_there(row, |path| assert!(!carries(path, *code), "{path:?}"));
            }
            Reaction::Refused(words) => {
                assert_eq!((withdrawn, discarded), (0, 0), "no fault");
                let path = self.path(self.prefix(row)).expect("it is kept");
                assert_eq!(path.state, PathState::Refused);
                let why = path.why.unwrap_or_default();
                assert!(why.contains(words), "{why}");
                // The gateway's own prefixes are told to others in any case.
                let ours = OWN.contains(&self.prefix(row));
                assert!(ours || !self.heard(self.prefix(row)), "others do not hear of it");
            }
            Reaction::Taken => {
                assert_eq!((withdrawn, discarded), (0, 0), "no fault");
                self.is_there(row, |_| {});
            }
            Reaction::Ignored => {
                assert_eq!((withdrawn, discarded), (0, 0), "no fault");
                assert!(self.used(NET_TEXT) && self.used(NET6_TEXT), "nothing has changed");
            }
            Reaction::Skipped(words) => {
                assert_eq!(withdrawn, 0);
                self.softened(words, row);
                assert!(self.used(NET_TEXT) && self.used(NET6_TEXT), "nothing has changed");
            }
            Reaction::Up => panic!("only a session that is being opened comes up"),
        }
        if !matches!(row.reaction, Reaction::Reset(..) | Reaction::Told(..)) {
            assert!(self.rig.is_up(self.subject), "the session stays");
            assert!(!self.rig.wires[&conn].over && self.rig.wires[&conn].notification.is_none());
            self.teaches(conn);
        }
    }

    /// A row instead of OPEN, or of the KEEPALIVE behind it.
    fn open(&mut self, row: &Row) {
        let conn = self.rig.accept(self.subject);
        if row.stage == Stage::Confirming {
            let octets = self.rig.fars[self.subject].open_octets();
            self.rig.feed(conn, &octets);
        }
        self.rig.feed(conn, &row.octets);
        match &row.reaction {
            Reaction::Reset(code, subcode, data) => {
                let wire = &self.rig.wires[&conn];
                assert_eq!(wire.notification, Some((*code, *subcode, data.clone().into())));
                assert!(wire.over, "the connection is closed");
                self.shows(*code, *subcode, DownReason::NotificationSent);
            }
            Reaction::Told(code, subcode, words) => {
                let wire = &self.rig.wires[&conn];
                assert!(wire.over && wire.notification.is_none(), "closed without an answer");
                let text = self.shows(*code, *subcode, DownReason::NotificationReceived);
                assert!(text.contains(words), "{text}");
            }
            Reaction::Up => {
                self.rig.feed(conn, &build::keepalive());
                assert!(self.rig.is_up(self.subject), "{:?}", self.rig.neighbor(self.subject).last_down);
                assert!(self.rig.wires[&conn].heard.contains(&MessageKind::Keepalive));
                self.teaches(conn);
            }
            other => panic!("{other:?} is no reaction to an OPEN"),
        }
    }

    /// The neighbor got a NOTIFICATION, and an operator can see why.
    fn was_reset(&mut self, conn: ConnId, code: u8, subcode: u8, data: &[u8], row: &Row) {
        let wire = &self.rig.wires[&conn];
        assert_eq!(wire.notification, Some((code, subcode, data.to_vec().into())));
        assert!(wire.over, "the connection is closed");
        self.shows(code, subcode, DownReason::NotificationSent);
        self.is_gone();
        if code == 3 {
            let message = hex(&row.octets[19..]);
            let told = self.rig.events.iter().any(|event| event.to_string().contains(&message));
            assert!(told, "the log holds the message (RFC 7606 section 6)");
        }
    }

    /// The neighbor said why it ends the session; it gets no answer, and an operator can read it.
    fn was_told(&mut self, conn: ConnId, code: u8, subcode: u8, words: &str) {
        let wire = &self.rig.wires[&conn];
        assert!(wire.over && wire.notification.is_none(), "closed without an answer");
        let text = self.shows(code, subcode, DownReason::NotificationReceived);
        assert!(text.contains(words), "{text}");
        self.is_gone();
    }

    fn is_gone(&mut self) {
        let down = |event: &Event| matches!(event, Event::SessionDown { .. });
        assert!(self.rig.events.iter().any(down), "people are told that it is down");
        assert!(!self.known(NET_TEXT) && !self.known(NET6_TEXT), "its routes are gone");
        assert!(!self.heard(NET_TEXT) && !self.heard(NET6_TEXT), "others were told that they are gone");
    }

    /// What `show neighbors` says of the end of the session: its words.
    fn shows(&mut self, code: u8, subcode: u8, reason: DownReason) -> String {
        let down = self.rig.neighbor(self.subject).last_down.expect("an operator sees why");
        assert_eq!((down.code, down.subcode, down.reason), (Some(code), Some(subcode), reason), "{}", down.text);
        assert!(!down.text.is_empty());
        down.text
    }

    /// An event tells of the fault, and holds the whole message and what it was about (RFC 7606 §6).
    fn softened(&self, words: &str, row: &Row) {
        let faults: Vec<_> = self.rig.events.iter().filter(|event| event.name() == "session.fault_softened").collect();
        let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(texts.iter().any(|text| text.contains(words)), "{texts:?}");
        let message = hex(&row.octets[19..]);
        assert!(texts.iter().any(|text| text.contains(&message)), "the message is in {texts:?}");
    }

    fn is_there(&mut self, row: &Row, check: impl Fn(&Path)) {
        let prefix = self.prefix(row);
        let path = self.path(prefix).unwrap_or_else(|| panic!("{prefix} is there"));
        assert_eq!(path.state, PathState::Best, "{:?}", path.why);
        check(&path);
        if self.subject == SUBJECT {
            assert!(self.heard(prefix), "others hear of it");
        }
    }

    /// The prefix that a row is about: the IPv6 one if the IPv4 one is not in it.
    fn prefix(&self, row: &Row) -> &'static str {
        if let Some(about) = row.about {
            return about;
        }
        let holds = |net: &[u8]| row.octets.windows(net.len()).any(|octets| octets == net);
        if holds(&build::NET6) && !holds(&build::NET) { NET6_TEXT } else { NET_TEXT }
    }

    /// What `show routes` says of the subject's path to a prefix.
    fn path(&mut self, prefix: &str) -> Option<Path> {
        let select = Select::Prefix(prefix.parse().unwrap());
        let neighbor = Some(self.rig.fars[self.subject].name.clone());
        self.routes(RouteQuery { select, neighbor, ..RouteQuery::default() })
    }

    fn routes(&mut self, query: RouteQuery) -> Option<Path> {
        match self.rig.ask(&Request::Routes(query)) {
            Ok(Reply::Routes(mut found)) => found.routes.pop().and_then(|mut route| route.paths.pop()),
            other => panic!("{other:?}"),
        }
    }

    fn known(&mut self, prefix: &str) -> bool {
        self.path(prefix).is_some()
    }

    fn used(&mut self, prefix: &str) -> bool {
        self.path(prefix).is_some_and(|path| path.state == PathState::Best)
    }

    /// True if the witness holds the route by what it was sent.
    fn heard(&self, prefix: &str) -> bool {
        self.rig.fars[WITNESS].told.contains_key(&prefix.parse().unwrap())
    }

    /// AS_PATH of the subject, as long as was agreed on.
    fn as_path(&mut self) -> Vec<u8> {
        let capabilities = self.rig.detail(self.subject).capabilities.received;
        if capabilities.iter().any(|one| one.name == "four-octet-asn") {
            build::path(&[65010])
        } else {
            build::attr(build::WELL, 2, &build::segment2(2, &[65010]))
        }
    }

    /// A good UPDATE of the subject.
    fn good(&mut self, net: &[u8]) -> Vec<u8> {
        build::update(&[], &[build::origin(), self.as_path(), build::next_hop()].concat(), net)
    }

    /// The same in IPv6.
    fn good6(&mut self) -> Vec<u8> {
        let reach = build::reach6(&build::HOP6, &build::NET6);
        build::update(&[], &[reach, build::origin(), self.as_path()].concat(), &[])
    }

    /// A good UPDATE of the subject works.
    fn teaches(&mut self, conn: ConnId) {
        let octets = self.good(&AGAIN.0);
        self.rig.feed(conn, &octets);
        assert!(self.used(AGAIN.1), "a good UPDATE works");
        if self.subject == SUBJECT {
            assert!(self.heard(AGAIN.1), "and is passed on");
        }
    }

    /// The other session never noticed, and the subject's is up again in the end.
    fn go_on(&mut self) {
        let witness = self.rig.neighbor(WITNESS);
        assert_eq!((witness.flaps, witness.last_down), (0, None), "the other session never noticed");
        assert!(self.rig.is_up(WITNESS));
        let conn = self.rig.conn(WITNESS).unwrap();
        let attributes = [build::origin(), build::path(&[65011]), build::next_hop()].concat();
        self.rig.feed(conn, &build::update(&[], &attributes, &LATER.0));
        let select = Select::Prefix(LATER.1.parse().unwrap());
        let path = self.routes(RouteQuery { select, ..RouteQuery::default() }).expect("the other session works");
        assert_eq!(path.state, PathState::Best);
        if !self.rig.is_up(self.subject) {
            self.rig.revive(self.subject);
            self.rig.pass(Duration::from_secs(600));
            assert!(self.rig.is_up(self.subject), "it comes back: {:?}", self.rig.neighbor(self.subject).last_down);
            let conn = self.rig.conn(self.subject).unwrap();
            self.teaches(conn);
        }
    }
}

/// True if a path has an attribute, by what an operator sees.
fn carries(path: &Path, code: u8) -> bool {
    match code {
        4 => path.med.is_some(),
        5 => path.local_pref.is_some(),
        8 => !path.communities.is_empty(),
        16 => !path.extended_communities.is_empty(),
        32 => !path.large_communities.is_empty(),
        other => path.other_attributes.iter().any(|one| one.code == other),
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
