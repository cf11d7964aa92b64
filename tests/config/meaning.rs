//! What a right file means.

use std::time::Duration;

use twinspan::{
    config::{Config, Ecmp, Hash, KEYS, Kernel, OnStop, Weights, parse},
    gateway::{Auth, BfdKey, Desired, LimitAction, NeighborKind, Offer, PrefixLimit, Ttl, Watch, Word, Words, desired},
    types::{AoAlgorithm, Family},
};

use crate::{DUAL, EVERYTHING};

fn config(text: &str) -> Config {
    parse("gateway.toml", text).unwrap_or_else(|faults| panic!("{}", faults[0].render(text))).0
}

fn of(text: &str, instance: &str) -> Desired {
    desired(&config(text).model, &instance.parse().unwrap()).unwrap()
}

#[test]
fn dual_redundancy_is_two_tunnels_with_a_session_each_on_each_instance() {
    let names = |d: &Desired| d.neighbors.iter().map(|n| n.name.to_string()).collect::<Vec<_>>();
    let (first, second) = (of(DUAL, "in-0"), of(DUAL, "in-1"));
    assert_eq!(names(&first), ["hq-1/in-0", "hq-2/in-0"]);
    assert_eq!(names(&second), ["hq-1/in-1", "hq-2/in-1"]);
    let session = &first.neighbors[1];
    assert_eq!(session.asn.get(), 65011);
    assert_eq!(session.local_address.to_string(), "169.254.21.10");
    assert_eq!(session.remote_address.to_string(), "169.254.21.9");
    assert_eq!(session.interface.as_deref(), Some("tun-hq2"));
    assert_eq!((session.ttl, session.passive, session.offer), (Ttl::Security, false, Offer::Own));
    assert_eq!((&session.import, &session.export), (&Words::accept(), &Words::accept()));
    assert_eq!(session.families, [Family::Ipv4]);
    let routes: Vec<_> = first.host_routes.iter().map(|r| format!("{} {}", r.prefix, r.interface)).collect();
    assert_eq!(routes, ["169.254.21.1/32 tun-hq1", "169.254.21.9/32 tun-hq2"]);
    assert_eq!(first.router_id.to_string(), "10.20.255.4");
}

#[test]
fn the_nearest_table_has_the_last_word_about_a_session() {
    let (first, second) = (of(EVERYTHING, "in-0"), of(EVERYTHING, "in-1"));
    let find = |d: &Desired, name: &str| {
        d.neighbors.iter().find(|n| n.name.as_str() == name).unwrap_or_else(|| panic!("no {name}")).clone()
    };
    let hq = find(&first, "hq-1/in-0");
    assert_eq!((hq.timers.hold_time.as_secs(), hq.timers.keepalive), (30, Duration::from_secs(10)), "the device's");
    assert_eq!(hq.timers.connect_retry, Duration::from_secs(2), "the file's");
    let branch = find(&second, "branch/in-1:wg0");
    assert_eq!((branch.timers.hold_time.as_secs(), branch.timers.keepalive), (9, Duration::from_secs(3)));
    assert_eq!(branch.ttl, Ttl::Hops(3), "the tunnel's");
    assert!(branch.passive, "the device's");
    assert_eq!(branch.import, Words(vec![Word::Reject]), "the connection's");
    assert_eq!(branch.families, [Family::Ipv4, Family::Ipv6], "the connection's, IPv4 first");
    assert_eq!(find(&first, "branch-a").ttl, Ttl::Hops(1), "the connection's");
}

#[test]
fn limits_and_shutdowns_are_read_from_words_and_tables() {
    let first = of(EVERYTHING, "in-0");
    let find = |name: &str| first.neighbors.iter().find(|n| n.name.as_str() == name).unwrap();
    let limit = PrefixLimit {
        ipv4: 4000,
        ipv6: 1000,
        action: LimitAction::Drop,
        warn_at: 80,
        restart: Some(Duration::from_secs(900)),
    };
    let hq = find("hq-1/in-0");
    assert_eq!((hq.limit, &hq.shutdown), (limit, &None));
    assert_eq!(hq.timers.send_hold, Some(Duration::from_secs(600)));
    let rr = find("rr-1");
    assert_eq!((rr.limit, rr.shutdown.as_deref()), (PrefixLimit::NONE, Some("moved")), "the nearest table's");
    let plain = |bgp: &str| of(&format!("{DUAL}\n[bgp]\n{bgp}\n"), "in-0").neighbors[0].clone();
    let number = plain("max-prefixes = 7\nshutdown = true");
    let each = PrefixLimit { ipv4: 7, ipv6: 7, ..PrefixLimit::NONE };
    assert_eq!((number.limit, number.limit.action, number.shutdown.as_deref()), (each, LimitAction::Drop, Some("")));
    let trim = plain("max-prefixes = { ipv6 = 9, action = \"trim\" }\nshutdown = false");
    let caps = (trim.limit.family(Family::Ipv4), trim.limit.family(Family::Ipv6), trim.limit.action);
    assert_eq!((caps, trim.shutdown), ((None, Some(9), LimitAction::Trim), None));
}

#[test]
fn the_nearest_table_says_how_a_session_is_signed() {
    let (first, second) = (of(EVERYTHING, "in-0"), of(EVERYTHING, "in-1"));
    let auth = |d: &Desired, name: &str| {
        d.neighbors.iter().find(|n| n.name.as_str() == name).unwrap_or_else(|| panic!("no {name}")).auth.clone()
    };
    assert_eq!(auth(&first, "hq-1/in-0"), Auth::Md5("/etc/twinspan/hq-1.key".into()));
    assert_eq!(auth(&second, "branch/in-1:wg0"), Auth::None, "the tunnel has no password");
    let Auth::Ao(keys) = auth(&first, "branch-a") else { panic!("the device's keys") };
    let shown: Vec<_> = keys.iter().map(|k| (k.id, k.receive_id, k.algorithm, k.file.to_str().unwrap())).collect();
    let expected = [
        (1, 2, AoAlgorithm::AesCmac, "/etc/twinspan/branch.1"),
        (3, 3, AoAlgorithm::HmacSha1, "/etc/twinspan/branch.3"),
    ];
    assert_eq!(shown, expected);
    assert_eq!(auth(&first, "rr-1"), Auth::None);
}

#[test]
fn a_tunnel_without_a_pair_runs_between_the_bgp_addresses_over_a_host_route() {
    let second = of(EVERYTHING, "in-1");
    let hq = &second.neighbors[0];
    assert_eq!(
        (hq.local_address.to_string(), hq.remote_address.to_string()),
        ("10.20.255.20".into(), "10.52.0.253".into())
    );
    assert_eq!(second.host_routes[0].prefix.to_string(), "10.52.0.253/32");
    assert_eq!(second.host_routes[0].interface, "xfrm10");
}

#[test]
fn addresses_that_are_not_given_come_out_of_the_subnet_in_order() {
    let plain = DUAL.replace("bgp-ip = \"10.20.255.4\"\n", "").replace("bgp-ip = \"10.20.255.5\"\n", "");
    let given = |text: &str| config(text).model.instances.iter().map(|i| i.bgp_ip.to_string()).collect::<Vec<_>>();
    assert_eq!(given(&plain), ["10.20.255.4", "10.20.255.5"]);
    let taken = DUAL.replace("bgp-ip = \"10.20.255.4\"\n", "").replace("10.20.255.5", "10.20.255.4");
    assert_eq!(given(&taken), ["10.20.255.5", "10.20.255.4"]);
    assert_eq!(config(EVERYTHING).model.instances[1].router_id.to_string(), "10.0.0.2");
}

#[test]
fn other_neighbors_pass_nothing_unless_they_say_so_and_stand_where_they_are_named() {
    let (first, second) = (of(EVERYTHING, "in-0"), of(EVERYTHING, "in-1"));
    let collector = second.neighbors.iter().find(|n| n.name.as_str() == "collector").unwrap();
    assert_eq!((&collector.import, &collector.export), (&Words::none(), &Words::none()), "RFC 8212");
    assert_eq!((&collector.kind, collector.offer), (&NeighborKind::Other, Offer::All));
    let rr = first.neighbors.iter().find(|n| n.name.as_str() == "rr-1").unwrap();
    assert_eq!((&rr.import, &rr.export), (&Words::accept(), &Words(vec![Word::Reject, Word::Accept])));
    assert_eq!(rr.local_address.to_string(), "10.20.255.4");
    assert!(second.neighbors.iter().all(|n| n.name.as_str() != "rr-1"), "it is on in-0 only");
}

#[test]
fn a_range_is_like_its_neighbors_which_are_passive_and_named_by_their_addresses() {
    let (first, second) = (of(EVERYTHING, "in-0"), of(EVERYTHING, "in-1"));
    assert!(second.ranges.is_empty(), "it is on in-0 only");
    let [range] = first.ranges.as_slice() else { panic!("one range") };
    assert_eq!((range.prefix.to_string().as_str(), range.limit), ("10.9.0.0/24", 8));
    assert_eq!(range.asns.iter().map(|asn| asn.get()).collect::<Vec<_>>(), [65020, 65021]);
    let one = range.neighbor([10, 9, 0, 7].into()).unwrap();
    assert_eq!((one.name.as_str(), one.remote_address.to_string().as_str()), ("leaves:10.9.0.7", "10.9.0.7"));
    assert_eq!((one.passive, one.import == Words::none(), one.interface.as_deref()), (true, true, Some("eth2")));
    assert_eq!(one.range.as_ref().map(|name| name.as_str()), Some("leaves"));
    assert!(first.neighbors.iter().all(|n| n.range.is_none() && n.name.as_str() != "leaves"));
}

#[test]
fn network_routers_learn_what_others_teach_and_not_the_cloud_network_that_they_are_in() {
    let first = of(EVERYTHING, "in-0");
    let core = first.neighbors.iter().find(|n| n.name.as_str() == "core-1").unwrap();
    assert_eq!((&core.kind, core.offer), (&NeighborKind::NetworkRouter, Offer::Learned));
    assert_eq!((&core.import, &core.export), (&Words::accept(), &Words::accept()));
    assert_eq!(core.interface.as_deref(), Some("eth0"));
}

#[test]
fn the_rest_of_the_file_is_read_too() {
    let config = config(EVERYTHING);
    let ecmp = Ecmp {
        max_paths: 8,
        as_path_relax: false,
        weights: Weights::LinkBandwidth,
        hash: Hash::Leave,
        buckets: 128,
        idle_timer: Duration::from_secs(60),
    };
    assert_eq!(config.ecmp, ecmp);
    assert_eq!(config.kernel, Kernel { table: 1000, protocol: 180, metric: 10, on_stop: OnStop::Keep });
    assert_eq!(config.control.socket.to_str(), Some("/tmp/twinspan.sock"));
    let watch = desired(&config.model, &"in-0".parse().unwrap()).unwrap().neighbors[0].bfd.clone().unwrap();
    let key = BfdKey { id: 7, meticulous: false, file: "/etc/twinspan/bfd.key".into() };
    let interval = Duration::from_millis(250);
    assert_eq!(watch, Watch { interval, multiplier: 5, strict: true, multihop: Some(3), key: Some(key) });
    assert!(config.model.transit);
    assert_eq!(config.model.connections[1].name.as_str(), "branch-office");
}

#[test]
fn a_key_that_says_its_default_changes_nothing() {
    let plain = config(DUAL);
    for table in ["bgp", "ecmp", "kernel", "control", "bfd", "probe"] {
        let keys = KEYS.iter().filter(|k| k.table == table);
        let given = keys.filter(|k| {
            k.default.starts_with(|c: char| c == '"' || c == '[' || c.is_ascii_digit())
                || ["true", "false"].contains(&k.default)
        });
        let mut lines: Vec<String> = given.map(|k| format!("{} = {}\n", k.name, k.default)).collect();
        lines.sort();
        let text = format!("{DUAL}\n[{table}]\n{}", lines.concat());
        let mut full = config(&text);
        if ["bgp", "bfd", "probe"].contains(&table) {
            let (with, without) =
                (desired(&full.model, &"in-0".parse().unwrap()), desired(&plain.model, &"in-0".parse().unwrap()));
            assert_eq!(with, without);
            full.model.bgp = plain.model.bgp.clone();
        }
        full.written = plain.written.clone();
        assert_eq!(full, plain, "{table}");
    }
}

#[test]
fn every_example_that_is_given_as_a_way_out_is_toml() {
    for key in KEYS {
        assert!(key.example.parse::<toml::Table>().is_ok(), "{}", key.example);
    }
}

#[test]
fn a_bfd_table_is_completed_by_the_tables_around_it() {
    let text = DUAL.replace("asn = 65010\n", "asn = 65010\nbfd = { interval = \"50ms\" }\n");
    let text = format!("{text}\n[bfd]\nenabled = true\nmultiplier = 4\n");
    let model = config(&text).model;
    let neighbors = desired(&model, &"in-0".parse().unwrap()).unwrap().neighbors;
    let intervals: Vec<_> = neighbors.iter().map(|n| n.bfd.as_ref().map(|w| (w.interval, w.multiplier))).collect();
    assert!(intervals.contains(&Some((Duration::from_millis(50), 4))), "{intervals:?}");
    assert!(intervals.contains(&Some((Duration::from_millis(100), 4))), "{intervals:?}");
}

#[test]
fn the_instances_have_a_session_with_each_other_over_their_path() {
    for (own, twin, near, far) in
        [("in-0", "in-1", "192.168.255.1", "192.168.255.2"), ("in-1", "in-0", "192.168.255.2", "192.168.255.1")]
    {
        let desired = of(EVERYTHING, own);
        let session = desired.neighbors.iter().find(|n| n.name.as_str() == twin).unwrap();
        assert_eq!((&session.kind, session.offer, session.asn), (&NeighborKind::Twin, Offer::Learned, desired.asn));
        assert_eq!((session.local_address.to_string(), session.remote_address.to_string()), (near.into(), far.into()));
        assert_eq!(session.interface.as_deref(), Some("eth1"));
        assert_eq!((&session.import, &session.export), (&Words::accept(), &Words::accept()));
        assert_eq!((session.ttl, session.passive, session.limit), (Ttl::Security, false, PrefixLimit::NONE));
        assert_eq!(session.families, Family::ALL);
        assert_eq!(session.timers.hold_time.as_secs(), 9);
        // It has the key and the times of all others, and neither waits for BFD nor goes several hops.
        let watch = session.bfd.as_ref().unwrap();
        assert_eq!((watch.multiplier, watch.interval), (4, Duration::from_millis(250)));
        assert_eq!((watch.strict, watch.multihop), (false, None));
    }
    assert!(of(DUAL, "in-0").neighbors.iter().all(|n| n.kind != NeighborKind::Twin));
}

#[test]
fn files_that_say_the_same_have_the_same_digest_whatever_their_comments_and_order() {
    let digest = |text: &str| config(text).written.digest().unwrap();
    let moved = DUAL.replace("asn = 65515\n", "").replace("[gateway]\n", "# the pair\n[gateway]\nasn =   65515\n");
    assert_eq!(digest(&moved), digest(DUAL));
    assert_ne!(digest(&DUAL.replace("asn = 65010", "asn = 65013")), digest(DUAL));
    assert_ne!(digest(EVERYTHING), digest(DUAL));
}
