//! Streams of UPDATEs through whole speakers: what collectors recorded, peer by peer, with sessions of four and of two
//! octets. No session resets, no route is lost: the RIB holds what a naive reader of the stream says, no more, no less.
//!
//! Without the folder of recordings a made-up stream with the same oddities is played, and it says so.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test may stop where it stands, and says what it played

#[allow(dead_code)] // the simulation asks it more
#[path = "../sim/kernel.rs"]
mod kernel;
#[allow(dead_code)] // others need no addresses of peers
#[path = "../../labs/player/mrt.rs"]
mod mrt;
mod naive;
#[path = "../malformed/rig/mod.rs"]
mod rig;
mod wild;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use mrt::Record;
use naive::{Naive, Route};
use rig::{Far, Rig};
use twinspan::config;
use twinspan::control::api::{self, Origin, Reply, Request, RouteQuery};
use twinspan::speaker::Event;
use twinspan::types::{ConnId, Name};
use twinspan::wire::{Capability, Deframer, Error};

/// `TWINSPAN_DATA`, else `../shared/data` beside the checkout.
fn recording(name: &str) -> Option<PathBuf> {
    let folder = match std::env::var_os("TWINSPAN_DATA") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
    };
    let file = folder.join(name);
    if !file.exists() {
        println!("NOT REPLAYED: there is no {}; a made-up stream is. Set TWINSPAN_DATA.", file.display());
        return None;
    }
    Some(file)
}

/// A message, and the address of the peer that sent it.
type Recorded = (IpAddr, Record);

/// Who sent it: AS, address, and whether AS numbers have four octets.
type Peer = (u32, IpAddr, bool);

fn peer((address, record): &Recorded) -> Peer {
    (record.peer_asn, *address, record.as4)
}

/// A made-up stream of ten peers, some with two octets.
fn made_up(updates: usize) -> Vec<Recorded> {
    let mut random = fastrand::Rng::with_seed(2019);
    let record = |number: usize| {
        let as4 = !number.is_multiple_of(5);
        let peer_asn = 3_000 + u32::try_from(number % 10).unwrap();
        let sender = wild::Sender { asn: peer_asn, as4, internal: false };
        let octets = match random.u32(..20) {
            0 => wild::withdrawal(&mut random),
            _ => wild::update(&mut random, sender),
        };
        (IpAddr::from([192, 0, 2, 1]), Record { time: 0, as4, peer_asn, octets })
    };
    let mut records: Vec<_> = (0..updates).map(record).collect();
    let octets = wild::long(&mut fastrand::Rng::with_seed(8654));
    records.push(([192, 0, 2, 1].into(), Record { time: 0, as4: true, peer_asn: 3_001, octets }));
    records
}

/// The gateway with one neighbor for each peer of a stream.
fn gateway(peers: &[Peer]) -> String {
    let mut text = String::from(
        r#"
[gateway]
name = "hub"
mode = "active-active"
asn = 65515
subnet = "10.20.255.0/27"
prefixes = ["10.20.0.0/16"]

[[gateway.instance]]
name = "in-0"
public-ip = "203.0.113.10"
bgp-ip = "10.20.255.4"

[[gateway.instance]]
name = "in-1"
public-ip = "203.0.113.11"
bgp-ip = "10.20.255.5"

[bgp]
families = ["ipv4", "ipv6"]
max-prefixes = 0
allow-as-sets = true
"#,
    );
    for (number, (asn, ..)) in peers.iter().enumerate() {
        let net = number + 1;
        write!(
            text,
            r#"
[[neighbor]]
name = "peer{number}"
address = "169.254.{net}.1"
local-address = "169.254.{net}.2"
interface = "tun{number}"
asn = {asn}
import = ["accept"]
export = ["reject"]
instances = ["in-0"]
"#
        )
        .unwrap();
    }
    text
}

/// What a replay came to, all peers together.
#[derive(Debug, Default)]
struct Tally {
    peers: usize,
    updates: usize,
    announced: usize,
    withdrawn: usize,
    unusable: usize,
    held: usize,
    withdrawn_faults: u64,
    discarded: u64,
}

/// Plays the UPDATEs of a stream, each over the session of its peer, and compares.
fn replay(mut records: Vec<Recorded>) -> Tally {
    records.retain(|(_, record)| record.octets[18] == 2);
    let mut peers: Vec<Peer> = records.iter().map(peer).collect();
    peers.sort_unstable();
    peers.dedup();
    let (config, _) = config::parse("replay.toml", &gateway(&peers)).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let fars = peers.iter().enumerate().map(|(number, (asn, _, as4))| {
        let interface: &'static str = Box::leak(format!("tun{number}").into_boxed_str());
        let mut far = Far::new(&format!("peer{number}"), interface, u8::try_from(number + 1).unwrap(), *asn);
        far.open.capabilities.0.push(Capability::ExtendedMessage);
        if !as4 {
            far.open.capabilities.0.retain(|one| !matches!(one, Capability::FourOctetAsn(_)));
        }
        far
    });
    let mut rig = Rig::with(&config, fars.collect());
    rig.begin();
    let conns: Vec<ConnId> = (0..peers.len())
        .map(|number| {
            assert!(rig.is_up(number), "{:?}: {:?}", peers[number], rig.neighbor(number).last_down);
            rig.conn(number).expect("it is up")
        })
        .collect();
    let mut naive: BTreeMap<Peer, Naive> = BTreeMap::new();
    for (count, recorded) in records.iter().enumerate() {
        let (key, record) = (peer(recorded), &recorded.1);
        naive.entry(key).or_default().read(&record.octets, record.as4);
        rig.hand_in(conns[peers.binary_search(&key).unwrap()], &record.octets);
        // Octets come faster than the work that they make is done.
        if count.is_multiple_of(100) {
            rig.settle();
        }
    }
    rig.settle();
    let down: Vec<&Event> = rig.events.iter().filter(|event| event.name().starts_with("session.down")).collect();
    assert!(down.is_empty(), "{}", down[0]);

    let mut tally = Tally { peers: peers.len(), ..Tally::default() };
    let naive: Vec<Naive> = peers.iter().map(|key| naive.remove(key).unwrap_or_default()).collect();
    compare(&mut rig, &naive);
    for (number, (key, expected)) in peers.iter().zip(&naive).enumerate() {
        let detail = rig.detail(number);
        assert_eq!((detail.neighbor.flaps, detail.messages.received.update), (0, expected.updates as u64), "{key:?}");
        let received: u64 = detail.neighbor.prefixes.iter().map(|family| family.received).sum();
        assert_eq!(received, expected.routes.len() as u64, "{key:?}");
        tally.updates += expected.updates;
        tally.announced += expected.announced;
        tally.withdrawn += expected.withdrawn;
        tally.unusable += expected.unusable;
        tally.held += expected.routes.len();
        tally.withdrawn_faults += detail.faults.withdrawn;
        tally.discarded += detail.faults.discarded;
    }
    tally
}

/// The whole RIB, page by page, against what each neighbor should have in it.
fn compare(rig: &mut Rig, expected: &[Naive]) {
    let names: BTreeMap<Name, usize> = rig.fars.iter().enumerate().map(|(at, far)| (far.name.clone(), at)).collect();
    let mut left: Vec<usize> = expected.iter().map(|naive| naive.routes.len()).collect();
    let mut after = None;
    loop {
        let query = RouteQuery { limit: 10_000, after, ..RouteQuery::default() };
        let Ok(Reply::Routes(page)) = rig.ask(&Request::Routes(query)) else { panic!("no answer") };
        for route in page.routes {
            for path in &route.paths {
                let Some(neighbor) = &path.neighbor else { continue };
                let at = names[neighbor];
                let wanted = expected[at].routes.get(&route.prefix.to_string());
                let wanted = wanted.unwrap_or_else(|| panic!("{neighbor} does not teach {}", route.prefix));
                assert_eq!(found(path, wanted), *wanted, "{neighbor} {}", route.prefix);
                left[at] -= 1;
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert!(left.iter().all(|left| *left == 0), "routes are lost: {left:?}");
}

/// A path of the RIB in the words of the naive reader.
fn found(path: &api::Path, wanted: &Route) -> Route {
    let words: Vec<String> = path.as_path.iter().map(ToString::to_string).collect();
    Route {
        path: wanted.path.as_ref().map(|_| words.join(" ")),
        origin: match path.origin {
            Origin::Igp => 0,
            Origin::Egp => 1,
            Origin::Incomplete => 2,
        },
        med: path.med,
        communities: path.communities.clone(),
        large: path.large_communities.clone(),
        next_hop: path.next_hop.unwrap(),
    }
}

/// A recording, or as many made-up messages.
fn stream(name: &str) -> Vec<Recorded> {
    recording(name).map_or_else(|| made_up(2_000), |file| mrt::by_peer(&file).collect())
}

fn played(name: &str) -> Tally {
    let tally = replay(stream(name));
    println!("{name}: {tally:?}");
    assert!(tally.updates > 0 && tally.peers > 0);
    tally
}

#[test]
fn the_stream_of_2019_with_all_its_peers_replays_with_no_reset_and_no_loss() {
    let tally = played("updates.20190101.0000.gz");
    if recording("updates.20190101.0000.gz").is_some() {
        // Of its 82 peers, 63 taught something in these five minutes.
        assert_eq!((tally.updates, tally.peers), (54_107, 63));
    }
}

#[test]
fn streams_of_2007_to_2016_with_two_and_four_octets_replay_with_no_reset_and_no_loss() {
    for name in [
        "updates.20071015.1505.gz",
        "rrc15-updates.20100227.1600.gz",
        "updates.20100722.2015.gz",
        "rrc06-updates.20150401.0000.gz",
        "routeviews-jinx-updates.20150401.0000.bz2",
        "ris-updates.20160811.1600.gz",
    ] {
        played(name);
    }
}

#[test]
fn a_made_up_stream_replays_with_no_reset_and_no_loss() {
    let tally = replay(made_up(3_000));
    assert_eq!((tally.withdrawn_faults, tally.discarded, tally.updates), (0, 0, 3_001), "{tally:?}");
    assert!(tally.held > 1_000, "{tally:?}");
}

#[test]
fn a_message_of_36_894_octets_is_refused_without_extended_messages_and_taken_with_them() {
    let records = match recording("updates.long_withdrawal.gz") {
        Some(file) => mrt::by_peer(&file).collect(),
        None => made_up(0),
    };
    let long = records.iter().find(|(_, record)| record.octets.len() > 4096).expect("one is long").1.clone();
    let length = u16::try_from(long.octets.len()).unwrap();

    let mut deframer = Deframer::new();
    deframer.push(&long.octets);
    assert_eq!(deframer.next(), Err(Error::Length(length)));

    // Before the OPENs say that both can: code 1, subcode 2, and the length.
    let config = rig::config();
    let mut rig = Rig::new(&config, |fars| fars[rig::SUBJECT].lively = false);
    rig.begin();
    let conn = rig.accept(rig::SUBJECT);
    rig.feed(conn, &long.octets);
    assert_eq!(rig.wires[&conn].notification, Some((1, 2, length.to_be_bytes().to_vec().into())));

    let tally = replay(records);
    assert_eq!(tally.peers, 1);
    println!("a message of {length} octets: {tally:?}");
}
