//! Neighbors that come by themselves from a range of addresses.

use super::*;
use crate::types::PeerId;

const RANGES: &str = r#"
[[neighbor]]
name = "leaves"
range = "10.9.0.0/24"
limit = 2
asns = [65020, 65021]
local-address = "10.9.0.1"
instances = ["in-0"]
import = ["accept"]
bgp = { password-file = "/etc/leaves.key" }

[[neighbor]]
name = "corner"
range = "10.9.0.128/25"
asn = 65030
interface = "eth2"
local-address = "10.9.0.1"
instances = ["in-0"]
bgp = { password-file = "/etc/corner.key" }

[[neighbor]]
name = "fixed"
address = "10.9.0.5"
asn = 65040
local-address = "10.9.0.1"
instances = ["in-0"]
bgp = { password-file = "/etc/fixed.key" }
"#;

const LONGER_THAN_THE_GRACE: Duration = Duration::from_secs(31);

struct Field(Bench, u64);

impl Field {
    fn new() -> Self {
        Self(Bench::of(&format!("{FILE}{RANGES}")), 1 << 63)
    }

    fn dials(&mut self, from: &str, interface: u32) -> (ConnId, Vec<Effect>) {
        self.1 += 1;
        let (local, remote) = ("10.9.0.1:179".parse().unwrap(), format!("{from}:40000").parse().unwrap());
        let input = Input::Accepted { conn: ConnId(self.1), local, remote, interface: LinkIndex::new(interface) };
        (ConnId(self.1), self.0.tell(input))
    }

    fn says(&mut self, conn: ConnId, asn: u32, id: u8) -> Vec<Effect> {
        let open = Open {
            asn: Asn::from(asn),
            hold_time: HoldTime::from_secs(90).unwrap(),
            router_id: RouterId::new([1, 2, 3, id].into()).unwrap(),
            capabilities: Capabilities(vec![Capability::Multiprotocol(Family::Ipv4.into())]),
        };
        let mut effects = self.0.message(conn, &Message::Open(open));
        effects.extend(self.0.message(conn, &Message::Keepalive));
        effects
    }

    /// An Established session.
    fn comes(&mut self, from: &str, asn: u32, id: u8) -> ConnId {
        let (conn, effects) = self.dials(from, 9);
        assert!(matches!(effects[0], Effect::Adopt { .. }), "{effects:?}");
        let effects = self.says(conn, asn, id);
        assert!(tells(&effects, &format!("(AS {asn}) is Established")), "{effects:?}");
        conn
    }

    fn goes(&mut self, conn: ConnId) {
        self.0.tell(Input::Lost { conn, reason: "closed by the peer".to_owned() });
    }

    fn later(&mut self, time: Duration) -> Vec<Effect> {
        self.0.now = self.0.now + time;
        let mut out = Vec::new();
        self.0.speaker.tick(self.0.now, &mut out);
        out
    }

    fn names(&self) -> Vec<String> {
        self.0.speaker.neighbors.iter().skip(2).map(|neighbor| neighbor.plan.name.to_string()).collect()
    }

    fn id(&self, name: &str) -> PeerId {
        self.0.speaker.neighbors.named(&name.parse().unwrap()).unwrap().id
    }
}

#[test]
fn who_dials_from_a_range_is_a_neighbor_with_the_as_that_it_has_of_those_it_may_have() {
    let mut field = Field::new();
    assert!(field.names().is_empty());
    field.comes("10.9.0.11", 65020, 1);
    field.comes("10.9.0.12", 65021, 2);
    assert_eq!(field.names(), ["leaves:10.9.0.11", "leaves:10.9.0.12"]);
    let Ok(Reply::Neighbors(shown)) = field.0.ask(&Request::Neighbors).0 else { panic!("no neighbors") };
    let two = &shown.neighbors[3];
    assert_eq!((two.asn.get(), two.passive, two.authentication.as_str()), (65021, true, "tcp-md5"));
    assert_eq!((two.range.as_ref().map(Name::as_str), two.leaves_seconds), (Some("leaves"), None));
    assert_eq!((shown.ranges[0].neighbors, shown.ranges[0].limit), (2, 2));
}

#[test]
fn an_as_that_the_range_does_not_have_is_refused() {
    let mut field = Field::new();
    let (conn, _) = field.dials("10.9.0.11", 9);
    let effects = field.says(conn, 65022, 1);
    assert!(tells(&effects, "AS is 65022"), "{effects:?}");
}

#[test]
fn one_too_many_is_told_that_it_is_rejected_and_people_are_told_up_to_a_rate() {
    let mut field = Field::new();
    field.comes("10.9.0.11", 65020, 1);
    field.comes("10.9.0.12", 65020, 2);
    let mut told = 0;
    for at in 0..1000 {
        let (_, effects) = field.dials(&format!("10.9.0.{}", 20 + at % 50), 9);
        let sent = effects.iter().find_map(|effect| match effect {
            Effect::Send { octets, .. } => Some(octets[18..21].to_vec()),
            _ => None,
        });
        assert_eq!(sent, Some(vec![3, 6, 5]), "NOTIFICATION, Cease, Connection Rejected");
        assert!(effects.iter().any(|effect| matches!(effect, Effect::Close(_))), "{effects:?}");
        told += usize::from(tells(&effects, "one too many in the range leaves"));
    }
    assert_eq!((told, field.names().len()), (5, 2));
}

#[test]
fn one_that_left_is_shown_for_a_while_and_makes_room_before_that_if_it_must() {
    let mut field = Field::new();
    let one = field.comes("10.9.0.11", 65020, 1);
    let two = field.comes("10.9.0.12", 65020, 2);
    let id = field.id("leaves:10.9.0.11");
    field.goes(one);
    let Ok(Reply::Neighbors(shown)) = field.0.ask(&Request::Neighbors).0 else { panic!("no neighbors") };
    assert_eq!(shown.neighbors[2].leaves_seconds, Some(30));
    // It comes back in time, and is the same.
    field.later(Duration::from_secs(20));
    field.comes("10.9.0.11", 65020, 1);
    field.later(LONGER_THAN_THE_GRACE);
    assert_eq!(field.id("leaves:10.9.0.11"), id);
    // It does not come back.
    field.goes(two);
    field.later(LONGER_THAN_THE_GRACE);
    assert_eq!(field.names(), ["leaves:10.9.0.11"]);
    // A third takes the place of one that has just left.
    let two = field.comes("10.9.0.12", 65020, 2);
    field.goes(two);
    field.comes("10.9.0.13", 65020, 3);
    assert_eq!(field.names(), ["leaves:10.9.0.11", "leaves:10.9.0.13"]);
}

#[test]
fn the_longest_range_counts_and_a_neighbor_of_the_file_before_every_range() {
    let mut field = Field::new();
    field.comes("10.9.0.5", 65040, 5);
    assert!(field.names().is_empty(), "the fixed neighbor has this address");
    // The corner is on one interface.
    let (_, effects) = field.dials("10.9.0.200", 9);
    assert!(matches!(effects[0], Effect::Abort(_)), "{effects:?}");
    let link = Link { index: LinkIndex::new(9).unwrap(), name: "eth2".to_owned(), up: true, addresses: Vec::new() };
    field.0.tell(Input::Link(link));
    let (_, effects) = field.dials("10.9.0.200", 8);
    assert!(tells(&effects, "has the address of corner"), "{effects:?}");
    field.comes("10.9.0.200", 65030, 6);
    assert_eq!(field.names(), ["corner:10.9.0.200"]);
}

#[test]
fn a_range_has_one_key_whoever_comes_from_it() {
    let mut field = Field::new();
    let keys = |field: &Field| {
        let signatures = field.0.speaker.signatures();
        signatures.map(|(name, prefix, auth)| format!("{name} {prefix} {auth}")).collect::<Vec<_>>()
    };
    let before = keys(&field);
    assert!(before.contains(&"leaves 10.9.0.0/24 tcp-md5".to_owned()), "{before:?}");
    assert!(before.contains(&"fixed 10.9.0.5/32 tcp-md5".to_owned()), "{before:?}");
    field.comes("10.9.0.11", 65020, 1);
    assert_eq!(keys(&field), before);
}

#[test]
fn who_dials_another_address_of_ours_is_a_stranger() {
    let mut field = Field::new();
    let effects = field.0.accept("10.20.255.4:179", "10.9.0.11:40000");
    assert!(tells(&effects, "no neighbor of ours"), "{effects:?}");
}
