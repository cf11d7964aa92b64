//! Models made in code, and what they want of an instance.

use std::time::Duration;

use super::*;
use crate::types::HoldTime;
use crate::types::Name;
use crate::types::RouterId;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn tunnel(instance: &str, interface: &str) -> TunnelEnd {
    TunnelEnd {
        name: None,
        instance: name(instance),
        peer_instance: None,
        interface: interface.to_owned(),
        pair: None,
        bgp: Bgp::default(),
    }
}

/// One device, and one tunnel to it from each instance.
fn model() -> Model {
    let instance = |text: &str, ip: [u8; 4]| Instance {
        name: name(text),
        public_ip: None,
        bgp_ip: ip.into(),
        router_id: RouterId::new(ip.into()).unwrap(),
        network_interface: None,
        twin_link: None,
        priority: 100,
    };
    Model {
        name: name("hub"),
        mode: Mode::ActiveActive,
        profile: None,
        asn: 65515_u32.into(),
        subnet: "10.20.255.0/27".parse().unwrap(),
        shared_ip: Some([10, 20, 255, 30].into()),
        prefixes: vec!["10.20.0.0/16".parse().unwrap()],
        transit: false,
        max_tunnels: 30,
        instances: vec![instance("in-0", [10, 20, 255, 4]), instance("in-1", [10, 20, 255, 5])],
        devices: vec![Device {
            name: name("hq"),
            public_ip: None,
            asn: Some(65010_u32.into()),
            bgp_ip: Some([10, 52, 0, 1].into()),
            prefixes: Vec::new(),
            bgp: Bgp::default(),
        }],
        peer_gateways: Vec::new(),
        connections: vec![Connection {
            name: name("hq"),
            far: Far::Device(name("hq")),
            uses_bgp: true,
            tunnels: vec![tunnel("in-0", "tun0"), tunnel("in-1", "tun0")],
            bgp: Bgp::default(),
        }],
        network_routers: Vec::new(),
        neighbors: Vec::new(),
        ranges: Vec::new(),
        bgp: Bgp::default(),
        twin_words: TwinWords::default(),
        election: Election::default(),
        hooks: Hooks::default(),
    }
}

#[test]
fn an_instance_that_the_model_lacks_has_nothing_to_do() {
    assert_eq!(desired(&model(), &name("in-2")), None);
    assert_eq!(model().twin(&name("in-0")).map(|i| i.name.clone()), Some(name("in-1")));
}

#[test]
fn each_instance_has_its_own_end_of_a_connection() {
    for (instance, local) in [("in-0", "10.20.255.4"), ("in-1", "10.20.255.5")] {
        let desired = desired(&model(), &name(instance)).unwrap();
        let [session] = desired.neighbors.as_slice() else { panic!("one session") };
        assert_eq!(session.name.as_str(), format!("hq/{instance}"));
        assert_eq!(session.local_address.to_string(), local);
        assert_eq!(desired.host_routes[0].prefix.to_string(), "10.52.0.1/32");
        assert_eq!(desired.tunnels[0].name, session.name);
        assert_eq!(desired.prefixes, model().prefixes);
    }
}

#[test]
fn several_tunnels_of_one_instance_are_told_apart_by_their_interfaces() {
    let mut model = model();
    model.connections[0].tunnels.push(tunnel("in-0", "tun1"));
    let desired = desired(&model, &name("in-0")).unwrap();
    let names: Vec<_> = desired.tunnels.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["hq/in-0:tun0", "hq/in-0:tun1"]);
}

#[test]
fn r33_and_r34_in_active_standby_both_instances_speak_from_the_shared_address_but_for_pairs() {
    let mut model = model();
    model.mode = Mode::ActiveStandby;
    model.connections[0].tunnels[1].pair = Some(([169, 254, 21, 2].into(), [169, 254, 21, 1].into()));
    let local = |instance: &str| {
        let desired = desired(&model, &name(instance)).unwrap();
        (desired.neighbors[0].local_address.to_string(), desired.router_id.to_string())
    };
    assert_eq!(local("in-0"), ("10.20.255.30".to_owned(), "10.20.255.4".to_owned()));
    assert_eq!(local("in-1"), ("169.254.21.2".to_owned(), "10.20.255.5".to_owned()));
}

/// The model, joined to a peer gateway by four tunnels.
fn joined(uses_bgp: bool) -> Model {
    let mut model = model();
    let host = |text: &str, ip: [u8; 4]| PeerInstance { name: name(text), public_ip: None, bgp_ip: Some(ip.into()) };
    model.peer_gateways.push(PeerGateway {
        name: name("east"),
        asn: Some(65516_u32.into()),
        prefixes: vec!["10.30.0.0/16".parse().unwrap()],
        instances: vec![host("e0", [10, 30, 255, 4]), host("e1", [10, 30, 255, 5])],
        bgp: Bgp::default(),
    });
    let ends = [("in-0", "e0"), ("in-0", "e1"), ("in-1", "e0"), ("in-1", "e1")];
    let tunnels = ends.map(|(here, there)| TunnelEnd { peer_instance: Some(name(there)), ..tunnel(here, there) });
    model.connections = vec![Connection {
        name: name("east"),
        far: Far::PeerGateway(name("east")),
        uses_bgp,
        tunnels: tunnels.into(),
        bgp: Bgp::default(),
    }];
    model
}

#[test]
fn a_peer_gateway_is_two_neighbors_of_each_instance_in_four_tunnels_with_names_of_their_own() {
    let model = joined(true);
    for (instance, local) in [("in-0", "10.20.255.4"), ("in-1", "10.20.255.5")] {
        let desired = desired(&model, &name(instance)).unwrap();
        let found: Vec<_> =
            desired.neighbors.iter().map(|n| (n.name.to_string(), n.remote_address.to_string())).collect();
        let named = |there: &str| format!("east:{there}/{instance}");
        assert_eq!(found, [(named("e0"), "10.30.255.4".to_owned()), (named("e1"), "10.30.255.5".to_owned())]);
        assert!(desired.neighbors.iter().all(|n| n.local_address.to_string() == local && n.asn.get() == 65516));
        assert!(desired.tunnels.iter().all(|tunnel| tunnel.statics.is_empty()));
    }
}

#[test]
fn r29_a_connection_without_bgp_has_tunnels_with_prefixes_and_no_neighbors() {
    let desired = desired(&joined(false), &name("in-0")).unwrap();
    assert!(desired.neighbors.is_empty());
    let routed: Vec<_> = desired.host_routes.iter().map(|route| route.prefix.to_string()).collect();
    assert_eq!(routed, ["10.30.255.4/32", "10.30.255.5/32"], "for BFD, the probe and people");
    let statics: Vec<_> = desired.tunnels.iter().map(|tunnel| tunnel.statics.clone()).collect();
    assert_eq!(statics, vec![vec!["10.30.0.0/16".parse().unwrap()]; 2]);
}

#[test]
fn a_device_is_offered_what_others_teach_only_in_transit() {
    let mut model = model();
    assert_eq!(desired(&model, &name("in-0")).unwrap().neighbors[0].offer, Offer::Own);
    model.transit = true;
    assert_eq!(desired(&model, &name("in-0")).unwrap().neighbors[0].offer, Offer::Transit);
}

#[test]
fn the_far_end_of_an_ipv6_pair_gets_a_route_of_its_own_and_a_session_of_its_family() {
    let mut model = model();
    model.connections[0].tunnels[0].pair = Some(("fe80::2".parse().unwrap(), "fe80::1".parse().unwrap()));
    let desired = desired(&model, &name("in-0")).unwrap();
    assert_eq!(desired.host_routes[0].prefix.to_string(), "fe80::1/128");
    assert_eq!(desired.neighbors[0].families, [crate::types::Family::Ipv6]);
}

#[test]
fn a_hold_time_of_zero_sends_no_keepalives_and_another_one_a_third_of_it() {
    let timers = |secs| Bgp { hold_time: HoldTime::from_secs(secs), ..Bgp::default() }.timers();
    assert_eq!(timers(0).keepalive, Duration::ZERO);
    assert_eq!(timers(9).keepalive, Duration::from_secs(3));
    assert_eq!(Timers::default().keepalive, Duration::from_secs(30));
}
