//! tshark's reading of what is written here, field by field: a second opinion that knows nothing of this crate.

use std::{fs, process::Command, time::Duration};

use bytes::BytesMut;
use twinspan::{
    types::{Asn, Family, HoldTime, Prefix, RouterId},
    wire::{
        Aggregator, AsPath, AttributeFlags, Attributes, Capabilities, Capability, Cease, ClusterId, Context,
        ExtendedNextHop, GracefulFamily, GracefulRestart, LargeCommunity, Message, NextHop, Notification, Open, Origin,
        Partial, PathSegment, Reach, Refresh, RefreshKind, SegmentKind, UnknownAttribute, Update,
    },
};

/// A message and what tshark must say: fields and all their values, joined by commas.
type Expected = (Message, Vec<(&'static str, &'static str)>);

/// Packets of one TCP stream to port 179, one message each: link type 101 is bare IP.
pub fn pcap(messages: &[BytesMut]) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(0xa1b2_c3d4_u32.to_le_bytes());
    file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    file.extend(65_535_u32.to_le_bytes());
    file.extend(101_u32.to_le_bytes());
    let mut sequence = 1_u32;
    for (number, message) in messages.iter().enumerate() {
        let length = u16::try_from(40 + message.len()).unwrap();
        let mut packet = vec![0x45, 0];
        packet.extend(length.to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
        packet.extend(40_000_u16.to_be_bytes());
        packet.extend(179_u16.to_be_bytes());
        packet.extend(sequence.to_be_bytes());
        packet.extend([0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
        packet.extend_from_slice(message);
        sequence += u32::try_from(message.len()).unwrap();
        file.extend(u32::try_from(number).unwrap().to_le_bytes());
        file.extend(0_u32.to_le_bytes());
        file.extend([u32::from(length); 2].map(u32::to_le_bytes).concat());
        file.extend(packet);
    }
    file
}

/// Writes the messages, lets tshark read them, and compares. There is no skipping: without tshark this fails.
fn compare(context: &Context, asn_len: &str, expected: &[Expected]) {
    let octets: Vec<BytesMut> = expected
        .iter()
        .map(|(message, _)| {
            let mut out = BytesMut::new();
            message.encode(context, &mut out);
            out
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("messages.pcap");
    fs::write(&file, pcap(&octets)).unwrap();
    let mut fields: Vec<&str> = expected.iter().flat_map(|(_, fields)| fields.iter().map(|(name, _)| *name)).collect();
    fields.extend(["_ws.malformed", "_ws.expert.message"]);
    fields.sort_unstable();
    fields.dedup();
    let mut command = Command::new("tshark");
    command.arg("-r").arg(&file).args(["-o", asn_len, "-T", "fields", "-E", "separator=|", "-E", "occurrence=a"]);
    fields.iter().for_each(|field| {
        command.args(["-e", field]);
    });
    let output = command.output().expect("tshark must be installed for this test (Debian: apt-get install tshark)");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tshark: {error}");
    let lines: Vec<&str> = std::str::from_utf8(&output.stdout).unwrap().lines().collect();
    assert_eq!(lines.len(), expected.len(), "{lines:?} {error}");
    for (line, (message, wanted)) in lines.iter().zip(expected) {
        let found: Vec<&str> = line.split('|').collect();
        let value = |name: &str| found[fields.iter().position(|field| *field == name).unwrap()];
        for (name, text) in wanted {
            assert_eq!(value(name), *text, "{name} of {message:?}");
        }
        assert_eq!(value("_ws.malformed"), "", "{message:?}");
        assert_eq!(value("_ws.expert.message"), "", "{message:?}");
    }
}

fn prefixes(texts: &[&str]) -> Vec<Prefix> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn update(reach: Option<Reach>, attributes: Attributes) -> Message {
    Message::Update(Update { reach: reach.into_iter().collect(), attributes, ..Update::default() })
}

fn open() -> Expected {
    let ipv4 = Family::Ipv4.into();
    let graceful = GracefulRestart {
        restarting: true,
        notification: true,
        restart_time: Duration::from_secs(120),
        families: vec![GracefulFamily { family: ipv4, forwarding: true }],
    };
    let open = Open {
        asn: Asn::new(4_200_000_001),
        hold_time: HoldTime::DEFAULT,
        router_id: RouterId::new([10, 20, 255, 4].into()).unwrap(),
        capabilities: Capabilities(vec![
            Capability::Multiprotocol(ipv4),
            Capability::Multiprotocol(Family::Ipv6.into()),
            Capability::RouteRefresh,
            Capability::ExtendedNextHop(vec![ExtendedNextHop { family: ipv4, next_hop_afi: 2 }]),
            Capability::ExtendedMessage,
            Capability::GracefulRestart(graceful),
            Capability::FourOctetAsn(Asn::new(4_200_000_001)),
            Capability::EnhancedRouteRefresh,
        ]),
    };
    let fields = vec![
        ("bgp.type", "1"),
        ("bgp.length", "71"),
        ("bgp.open.version", "4"),
        ("bgp.open.myas", "23456"),
        ("bgp.open.holdtime", "90"),
        ("bgp.open.identifier", "10.20.255.4"),
        ("bgp.open.opt.param.type", "2"),
        ("bgp.cap.type", "1,1,2,5,6,64,65,70"),
        ("bgp.cap.mp.afi", "1,2"),
        ("bgp.cap.mp.safi", "1,1"),
        ("bgp.cap.enh.afi", "1"),
        ("bgp.cap.enh.safi", "1"),
        ("bgp.cap.enh.nhafi", "2"),
        ("bgp.cap.gr.timers.restart_flag", "1"),
        ("bgp.cap.gr.timers.notification_flag", "1"),
        ("bgp.cap.gr.timers.restart_time", "120"),
        ("bgp.cap.gr.afi", "1"),
        ("bgp.cap.gr.safi", "1"),
        ("bgp.cap.gr.flag.pfs", "1"),
        ("bgp.cap.4as", "4200000001"),
    ];
    (Message::Open(open), fields)
}

fn path() -> AsPath {
    let mut path = AsPath::sequence([Asn::new(65010), Asn::new(207_768)]);
    path.segments.push(PathSegment { kind: SegmentKind::Set, asns: [65011, 65012].map(Asn::new).as_slice().into() });
    path
}

fn every_attribute() -> Attributes {
    let flags = AttributeFlags::OPTIONAL.with(AttributeFlags::TRANSITIVE).with(AttributeFlags::PARTIAL);
    Attributes {
        origin: Origin::Incomplete,
        as_path: path(),
        med: Some(10),
        local_pref: Some(200),
        atomic_aggregate: true,
        aggregator: Some(Aggregator { asn: Asn::new(207_768), router_id: [192, 0, 2, 9].into() }),
        communities: ["65010:100", "no-export"].map(|text| text.parse().unwrap()).as_slice().into(),
        originator_id: Some([10, 0, 0, 9].into()),
        cluster_list: [ClusterId([10, 0, 0, 1].into())].as_slice().into(),
        extended_communities: ["rt:65010:100", "ro:192.0.2.1:200"].map(|text| text.parse().unwrap()).into(),
        large_communities: vec![LargeCommunity { global: 4_200_000_001, local1: 1, local2: 2 }],
        partial: Partial { large_communities: true, ..Partial::default() },
        unknown: vec![UnknownAttribute { flags, code: 200, value: vec![7; 300].into() }],
    }
}

#[test]
fn tshark_reads_every_field_that_is_written() {
    let context = Context { four_octet_asn: true, internal: true, ..Context::default() };
    let v4 = NextHop::V4([192, 0, 2, 1].into());
    let v6 = NextHop::V6 { global: "2001:db8::1".parse().unwrap(), link_local: Some("fe80::1".parse().unwrap()) };
    let path_alone = || Attributes { as_path: path(), ..Attributes::default() };
    let reach = |family, next_hop, texts: &[&str]| Some(Reach { family, next_hop, prefixes: prefixes(texts) });
    let withdrawn = |texts: &[&str]| Message::Update(Update { withdrawn: prefixes(texts), ..Update::default() });
    let end = |family| Message::Update(Update { end_of_rib: Some(family), ..Update::default() });
    let expected = [
        open(),
        (Message::Keepalive, vec![("bgp.type", "4"), ("bgp.length", "19")]),
        (
            update(reach(Family::Ipv4, v4, &["10.1.0.0/16", "10.2.128.0/17"]), every_attribute()),
            vec![
                ("bgp.type", "2"),
                ("bgp.update.withdrawn_routes.length", "0"),
                ("bgp.update.path_attribute.type_code", "1,2,3,4,5,6,7,8,9,10,16,32,200"),
                ("bgp.update.path_attribute.flags", "0x40,0x40,0x40,0x80,0x40,0x40,0xc0,0xc0,0x80,0x80,0xc0,0xe0,0xf0"),
                ("bgp.update.path_attribute.length", "1,20,4,4,4,0,8,8,4,4,16,12,300"),
                ("bgp.update.path_attribute.origin", "2"),
                ("bgp.update.path_attribute.as_path_segment.type", "2,1"),
                ("bgp.update.path_attribute.as_path_segment.length", "2,2"),
                ("bgp.update.path_attribute.as_path_segment.as4", "65010,207768,65011,65012"),
                ("bgp.update.path_attribute.next_hop", "192.0.2.1"),
                ("bgp.update.path_attribute.multi_exit_disc", "10"),
                ("bgp.update.path_attribute.local_pref", "200"),
                ("bgp.update.path_attribute.aggregator_as", "207768"),
                ("bgp.update.path_attribute.aggregator_origin", "192.0.2.9"),
                ("bgp.update.path_attribute.community_as", "65010"),
                ("bgp.update.path_attribute.community_value", "100"),
                ("bgp.update.path_attribute.community_wellknown", "0xffffff01"),
                ("bgp.update.path_attribute.originator_id", "10.0.0.9"),
                ("bgp.path_attribute.cluster_id", "10.0.0.1"),
                ("bgp.ext_com.value_as2", "65010"),
                ("bgp.ext_com.value_an4", "100"),
                ("bgp.ext_com.value_IP4", "192.0.2.1"),
                ("bgp.ext_com.value_an2", "200"),
                ("bgp.large_communities.ga", "4200000001"),
                ("bgp.large_communities.ldp1", "1"),
                ("bgp.large_communities.ldp2", "2"),
                ("bgp.prefix_length", "16,17"),
                ("bgp.nlri_prefix", "10.1.0.0,10.2.128.0"),
            ],
        ),
        (
            update(reach(Family::Ipv6, v6, &["2001:db8:1::/48", "::/0"]), path_alone()),
            vec![
                ("bgp.update.path_attribute.type_code", "14,1,2"),
                ("bgp.update.path_attribute.mp_reach_nlri.afi", "2"),
                ("bgp.update.path_attribute.mp_reach_nlri.safi", "1"),
                ("bgp.update.path_attribute.mp_reach_nlri.next_hop.ipv6", "2001:db8::1"),
                ("bgp.update.path_attribute.mp_reach_nlri.next_hop.ipv6.link_local", "fe80::1"),
                ("bgp.prefix_length", "48,0"),
                ("bgp.mp_reach_nlri_ipv6_prefix", "2001:db8:1::,::"),
            ],
        ),
        (
            update(reach(Family::Ipv4, v6, &["10.1.0.0/16"]), path_alone()),
            vec![
                ("bgp.update.path_attribute.type_code", "14,1,2"),
                ("bgp.update.path_attribute.mp_reach_nlri.afi", "1"),
                ("bgp.update.path_attribute.mp_reach_nlri.next_hop.ipv6", "2001:db8::1"),
                ("bgp.mp_reach_nlri_ipv4_prefix", "10.1.0.0"),
            ],
        ),
        (
            withdrawn(&["10.1.0.0/16", "192.0.2.1/32"]),
            vec![
                ("bgp.update.withdrawn_routes.length", "8"),
                ("bgp.withdrawn_prefix", "10.1.0.0,192.0.2.1"),
                ("bgp.update.path_attributes.length", "0"),
            ],
        ),
        (
            withdrawn(&["2001:db8:1::/48"]),
            vec![
                ("bgp.update.path_attribute.type_code", "15"),
                ("bgp.update.path_attribute.mp_unreach_nlri.afi", "2"),
                ("bgp.mp_unreach_nlri_ipv6_prefix", "2001:db8:1::"),
            ],
        ),
        (end(Family::Ipv4), vec![("bgp.length", "23"), ("bgp.update.path_attributes.length", "0")]),
        (
            end(Family::Ipv6),
            vec![("bgp.update.path_attribute.mp_unreach_nlri.afi", "2"), ("bgp.update.path_attribute.length", "3")],
        ),
        (
            Message::Refresh(Refresh { family: Family::Ipv6.into(), kind: RefreshKind::Begin }),
            vec![
                ("bgp.type", "5"),
                ("bgp.route_refresh.afi", "2"),
                ("bgp.route_refresh.subtype", "1"),
                ("bgp.route_refresh.safi", "1"),
            ],
        ),
        (
            Message::Notification(Notification::shutdown(Cease::AdministrativeShutdown, "back at four")),
            vec![
                ("bgp.type", "3"),
                ("bgp.notify.major_error", "6"),
                ("bgp.notify.minor_error_cease", "2"),
                ("bgp.notify.communication_length", "12"),
                ("bgp.notify.communication", "back at four"),
            ],
        ),
    ];
    compare(&context, "bgp.asn_len:4 octet", &expected);
}

#[test]
fn tshark_reads_what_two_octets_cannot_say() {
    let reach = Reach {
        family: Family::Ipv4,
        next_hop: NextHop::V4([192, 0, 2, 1].into()),
        prefixes: prefixes(&["0.0.0.0/0"]),
    };
    let aggregator = Some(Aggregator { asn: Asn::new(207_768), router_id: [192, 0, 2, 9].into() });
    let attributes = Attributes { as_path: path(), aggregator, ..Attributes::default() };
    let expected = [(
        update(Some(reach), attributes),
        vec![
            ("bgp.update.path_attribute.type_code", "1,2,3,7,17,18"),
            ("bgp.update.path_attribute.as_path_segment.type", "2,1,2,1"),
            ("bgp.update.path_attribute.as_path_segment.as2", "65010,23456,65011,65012"),
            ("bgp.update.path_attribute.as_path_segment.as4", "65010,207768,65011,65012"),
            ("bgp.update.path_attribute.aggregator_as", "23456,207768"),
            ("bgp.update.path_attribute.aggregator_origin", "192.0.2.9,192.0.2.9"),
        ],
    )];
    compare(&Context::default(), "bgp.asn_len:2 octet", &expected);
}
