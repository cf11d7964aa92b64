//! Whatever UPDATE is accepted, written again it means the same: to us, and to tshark, field by field. Hundreds at once,
//! made up and recorded.

use std::{fs, net::IpAddr, process::Command};

use bytes::BytesMut;
use twinspan::types::{Family, Prefix};
use twinspan::wire::{Context, Deframer, Message, NextHop, SegmentKind, Update};

use crate::generator;
use crate::mrt;
use crate::real::{data, meaning};
use crate::tshark::pcap;

/// Whole messages one by one, with what each says.
fn read(octets: &[u8], context: &Context) -> Vec<(BytesMut, Update)> {
    let mut deframer = Deframer::new();
    deframer.allow_extended();
    deframer.push(octets);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(frame) = deframer.next().unwrap() {
        let end = at + 19 + frame.body().len();
        let Message::Update(update) = Message::decode(&frame, context).unwrap() else { panic!("{octets:02x?}") };
        found.push((BytesMut::from(&octets[at..end]), update));
        at = end;
    }
    assert_eq!(deframer.pending(), 0);
    found
}

/// What the octets mean, written again: the messages, each of which means its part of the whole.
fn again(octets: &[u8], context: &Context) -> Vec<(BytesMut, Update)> {
    let [(_, update)] = read(octets, context).try_into().expect("one message");
    let mut out = BytesMut::new();
    Message::Update(update.clone()).encode(context, &mut out);
    let written = read(&out, context);
    for (octets, update) in &written {
        assert_eq!(update.faults, [], "{octets:02x?}");
    }
    let parts = written.iter().map(|(_, update)| Message::Update(update.clone())).collect();
    assert_eq!(meaning(parts), meaning(vec![Message::Update(update)]), "{octets:02x?}");
    written
}

const FIELDS: [&str; 20] = [
    "bgp.update.path_attribute.origin",
    "bgp.update.path_attribute.as_path_segment.type",
    "bgp.update.path_attribute.as_path_segment.as4",
    "bgp.update.path_attribute.next_hop",
    "bgp.update.path_attribute.multi_exit_disc",
    "bgp.update.path_attribute.local_pref",
    "bgp.update.path_attribute.aggregator_as",
    "bgp.update.path_attribute.aggregator_origin",
    "bgp.update.path_attribute.originator_id",
    "bgp.path_attribute.cluster_id",
    "bgp.large_communities.ga",
    "bgp.large_communities.ldp1",
    "bgp.large_communities.ldp2",
    "bgp.update.path_attribute.type_code",
    "bgp.withdrawn_prefix",
    "bgp.nlri_prefix",
    "bgp.mp_reach_nlri_ipv6_prefix",
    "bgp.mp_unreach_nlri_ipv6_prefix",
    "bgp.prefix_length",
    "_ws.malformed",
];

/// What tshark must say of a message, in the order of [`FIELDS`].
fn expected(update: &Update) -> Vec<String> {
    let join = |values: Vec<String>| values.join(",");
    let addresses = |prefixes: &[Prefix], family: Family| {
        let of = prefixes.iter().filter(|prefix| prefix.family() == family);
        of.map(|prefix| prefix.addr().to_string()).collect::<Vec<_>>().join(",")
    };
    let reach = update.reach.first();
    let a = &update.attributes;
    let told: Vec<Prefix> = update.reach.iter().flat_map(|reach| reach.prefixes.clone()).collect();
    let number = |value: Option<u32>| value.map_or_else(String::new, |value| value.to_string());
    let mut values = vec![String::new(); FIELDS.len()];
    if let Some(reach) = reach {
        values[0] = (a.origin as u8).to_string();
        values[1] = join(a.as_path.segments.iter().map(|s| kind(s.kind).to_string()).collect());
        values[2] = join(a.as_path.asns().map(|asn| asn.to_string()).collect());
        if let (Family::Ipv4, NextHop::V4(hop)) = (reach.family, reach.next_hop) {
            values[3] = hop.to_string();
        }
        values[4] = number(a.med);
        values[5] = number(a.local_pref);
        values[6] = a.aggregator.map_or_else(String::new, |one| one.asn.to_string());
        values[7] = a.aggregator.map_or_else(String::new, |one| one.router_id.to_string());
        values[8] = a.originator_id.map_or_else(String::new, |id| id.to_string());
        values[9] = join(a.cluster_list.iter().map(|id| id.0.to_string()).collect());
        values[10] = join(a.large_communities.iter().map(|one| one.global.to_string()).collect());
        values[11] = join(a.large_communities.iter().map(|one| one.local1.to_string()).collect());
        values[12] = join(a.large_communities.iter().map(|one| one.local2.to_string()).collect());
        values[15] = addresses(&told, Family::Ipv4);
        values[16] = addresses(&told, Family::Ipv6);
    }
    values[13] = join(codes(update).iter().map(u8::to_string).collect());
    values[14] = addresses(&update.withdrawn, Family::Ipv4);
    values[17] = addresses(&update.withdrawn, Family::Ipv6);
    values[18] = join(update.withdrawn.iter().chain(&told).map(|prefix| prefix.len().to_string()).collect());
    values
}

const fn kind(kind: SegmentKind) -> u8 {
    match kind {
        SegmentKind::Set => 1,
        SegmentKind::Sequence => 2,
        SegmentKind::ConfedSequence => 3,
        SegmentKind::ConfedSet => 4,
    }
}

/// The codes of the attributes of a message, as it is written here.
fn codes(update: &Update) -> Vec<u8> {
    let a = &update.attributes;
    let Some(reach) = update.reach.first() else {
        let six = update.withdrawn.iter().any(|prefix| prefix.family() == Family::Ipv6);
        return if six { vec![15] } else { Vec::new() };
    };
    let plain = reach.family == Family::Ipv4 && matches!(reach.next_hop, NextHop::V4(_));
    let mut codes = vec![1, 2];
    codes.extend(plain.then_some(3));
    codes.extend(a.med.map(|_| 4));
    codes.extend(a.local_pref.map(|_| 5));
    codes.extend(a.atomic_aggregate.then_some(6));
    codes.extend(a.aggregator.map(|_| 7));
    codes.extend((!a.communities.is_empty()).then_some(8));
    codes.extend(a.originator_id.map(|_| 9));
    codes.extend((!a.cluster_list.is_empty()).then_some(10));
    codes.extend((!a.extended_communities.is_empty()).then_some(16));
    codes.extend((!a.large_communities.is_empty()).then_some(32));
    codes.extend(a.unknown.iter().map(|unknown| unknown.code));
    codes.sort_unstable();
    if plain { codes } else { [vec![14], codes].concat() }
}

/// One run of tshark for all of them, but those with ATTR_SET: tshark reads what is in it as if it was around it. There
/// is no skipping: without tshark this fails.
fn compare(mut messages: Vec<(BytesMut, Update)>) {
    messages.retain(|(_, update)| update.attributes.unknown.iter().all(|unknown| unknown.code != 128));
    let octets: Vec<BytesMut> = messages.iter().map(|(octets, _)| octets.clone()).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("messages.pcap");
    fs::write(&file, pcap(&octets)).unwrap();
    let mut command = Command::new("tshark");
    command.arg("-r").arg(&file).args(["-o", "bgp.asn_len:4 octet", "-T", "fields"]);
    command.args(["-E", "separator=|", "-E", "occurrence=a"]);
    FIELDS.iter().for_each(|field| {
        command.args(["-e", field]);
    });
    let output = command.output().expect("tshark must be installed for this test (Debian: apt-get install tshark)");
    assert!(output.status.success(), "tshark: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), messages.len());
    for (line, (octets, update)) in text.lines().zip(&messages) {
        let found: Vec<&str> = line.split('|').collect();
        for ((field, found), wanted) in FIELDS.iter().zip(found).zip(expected(update)) {
            // tshark writes some IPv6 addresses in another way.
            let found: Vec<String> = found.split(',').map(same).collect();
            let wanted: Vec<String> = wanted.split(',').map(same).collect();
            assert_eq!(found, wanted, "{field} of {update:?} in {octets:02x?}");
        }
    }
}

fn same(text: &str) -> String {
    text.parse::<IpAddr>().map_or_else(|_| text.to_owned(), |address| address.to_string())
}

#[test]
fn accepted_updates_of_all_kinds_written_again_mean_the_same_to_us_and_to_tshark() {
    let mut random = fastrand::Rng::with_seed(4271);
    let mut messages = Vec::new();
    for number in 0..400 {
        let internal = u32::is_multiple_of(number, 3);
        let context = Context { four_octet_asn: true, internal, ipv4_over_ipv6: true, ..Context::default() };
        let sender = generator::Sender { asn: 65010, as4: true, internal };
        messages.extend(again(&generator::update(&mut random, sender), &context));
    }
    assert!(messages.len() > 400);
    compare(messages);
}

#[test]
fn accepted_updates_of_two_octets_written_again_mean_the_same() {
    let mut random = fastrand::Rng::with_seed(6793);
    let context = Context { ipv4_over_ipv6: true, ..Context::default() };
    for _ in 0..2_000 {
        let sender = generator::Sender { asn: 65010, as4: false, internal: false };
        again(&generator::update(&mut random, sender), &context);
    }
}

#[test]
fn recorded_updates_of_many_shapes_written_again_mean_the_same_to_tshark() {
    let Some(data) = data() else { return };
    let context = Context { four_octet_asn: true, ipv4_over_ipv6: true, ..Context::default() };
    let records = mrt::messages(&data.join("updates.20190101.0000.gz"));
    // One of 60: some 900 messages.
    let updates = records.filter(|record| record.octets[18] == 2).step_by(60);
    let messages: Vec<_> = updates.flat_map(|record| again(&record.octets, &context)).collect();
    assert!(messages.len() > 800, "{}", messages.len());
    compare(messages);
}
