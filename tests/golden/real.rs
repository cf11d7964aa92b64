//! Messages that collectors recorded, where the folder with them is.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bytes::BytesMut;
use twinspan::wire::{Context, Deframer, Error, FaultAction, Frame, Message, Update};

use crate::mrt;

/// `TWINSPAN_DATA`, else `../shared/data` beside the checkout.
pub fn data() -> Option<PathBuf> {
    let folder = match std::env::var_os("TWINSPAN_DATA") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
    };
    if folder.is_dir() {
        return Some(folder);
    }
    println!("NOT TESTED with real data: there is no folder {}; set TWINSPAN_DATA", folder.display());
    None
}

fn frames(deframer: &mut Deframer, octets: &[u8]) -> Result<Vec<Frame>, Error> {
    deframer.push(octets);
    let mut frames = Vec::new();
    while let Some(frame) = deframer.next()? {
        frames.push(frame);
    }
    Ok(frames)
}

fn read(octets: &[u8], context: &Context) -> Result<Vec<Message>, Error> {
    let mut deframer = Deframer::new();
    deframer.allow_extended();
    let frames = frames(&mut deframer, octets)?;
    assert_eq!(deframer.pending(), 0);
    frames.iter().map(|frame| Message::decode(frame, context)).collect()
}

/// What UPDATEs say together, in an order that does not depend on how they were cut.
pub fn meaning(updates: Vec<Message>) -> Update {
    let mut all = Update::default();
    for message in updates {
        let Message::Update(update) = message else { panic!("{message:?}") };
        all.withdrawn.extend(update.withdrawn);
        all.end_of_rib = update.end_of_rib.or(all.end_of_rib);
        for reach in update.reach {
            all.attributes = update.attributes.clone();
            match all.reach.iter_mut().find(|r| r.family == reach.family && r.next_hop == reach.next_hop) {
                Some(same) => same.prefixes.extend(reach.prefixes),
                None => all.reach.push(reach),
            }
        }
    }
    all.withdrawn.sort();
    all.reach.iter_mut().for_each(|reach| reach.prefixes.sort());
    all.reach.sort_by_key(|reach| (reach.family, reach.next_hop));
    all
}

#[derive(Debug, Default)]
struct Tally {
    updates: usize,
    told: usize,
    withdrawn: usize,
    softened: usize,
    discarded: usize,
    unknown: usize,
}

/// Reads every message of a file twice: as it came, and as it is written here.
fn check(file: &Path, internal: bool) -> Tally {
    let mut tally = Tally::default();
    for (number, record) in mrt::messages(file).enumerate() {
        let context = Context { four_octet_asn: record.as4, extended_message: true, ipv4_over_ipv6: true, internal };
        let at = || format!("{}: message {number}: {:02x?}", file.display(), record.octets);
        for message in read(&record.octets, &context).unwrap_or_else(|error| panic!("{error}: {}", at())) {
            let mut octets = BytesMut::new();
            message.encode(&context, &mut octets);
            let again = read(&octets, &context).unwrap_or_else(|error| panic!("written: {error}: {}", at()));
            let Message::Update(update) = message else {
                assert_eq!(again, [message], "{}", at());
                continue;
            };
            tally.updates += 1;
            tally.told += update.reach.iter().map(|reach| reach.prefixes.len()).sum::<usize>();
            tally.withdrawn += update.withdrawn.len();
            tally.unknown += update.attributes.unknown.len();
            for fault in &update.faults {
                println!("{}: message {number}: {fault:?}", file.display());
                match fault.action {
                    FaultAction::TreatAsWithdraw => tally.softened += 1,
                    FaultAction::AttributeDiscard => tally.discarded += 1,
                }
            }
            assert_eq!(meaning(again), meaning(vec![Message::Update(update)]), "{}", at());
        }
    }
    println!("{}: {tally:?}", file.display());
    tally
}

#[test]
fn the_full_table_of_2015_keeps_its_meaning() {
    let Some(data) = data() else { return };
    let tally = check(&data.join("ris-updates.et-header.2015.gz"), true);
    // One path ends with AS 0, so its four routes do not count (RFC 7607 §2); three AGGREGATORs hold AS 0.
    assert_eq!((tally.updates, tally.told), (89_679, 577_737 - 4));
    assert_eq!((tally.softened, tally.discarded, tally.unknown), (1, 3, 2));
}

#[test]
fn the_stream_of_2019_keeps_its_meaning() {
    let Some(data) = data() else { return };
    let tally = check(&data.join("updates.20190101.0000.gz"), false);
    assert_eq!(tally.updates, 54_107);
}

#[test]
fn streams_of_other_years_and_collectors_keep_their_meaning() {
    let Some(data) = data() else { return };
    for file in [
        "ris-updates.20160811.1600.gz",
        "rrc15-updates.20100227.1600.gz",
        "rrc06-updates.20150401.0000.gz",
        "routeviews-jinx-updates.20150401.0000.bz2",
        "updates.20071015.1505.gz",
        "updates.20100722.2015.gz",
        "updates.long_withdrawal.gz",
    ] {
        check(&data.join(file), false);
    }
}

#[test]
fn a_full_table_is_read_within_its_share_of_a_second() {
    let Some(data) = data() else { return };
    let context = Context { four_octet_asn: true, internal: true, ..Context::default() };
    let records = mrt::messages(&data.join("ris-updates.et-header.2015.gz"));
    let stream: Vec<u8> = records.filter(|record| record.octets[18] == 2).flat_map(|record| record.octets).collect();
    let start = Instant::now();
    let mut deframer = Deframer::new();
    let mut prefixes = 0;
    let mut updates = 0;
    for piece in stream.chunks(65_536) {
        for frame in frames(&mut deframer, piece).unwrap() {
            let Message::Update(update) = Message::decode(&frame, &context).unwrap() else { panic!() };
            updates += 1;
            prefixes += update.reach.iter().map(|reach| reach.prefixes.len()).sum::<usize>();
        }
    }
    let took = start.elapsed();
    println!("{updates} UPDATEs, {prefixes} prefixes, {} octets in {took:?}", stream.len());
    assert_eq!((updates, prefixes), (89_679, 577_733));
    // Well under 0.1 s when optimised; the limit leaves room for busy machines and for development builds.
    assert!(took < Duration::from_secs(5), "{took:?}");
}
