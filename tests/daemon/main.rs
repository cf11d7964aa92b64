//! The daemon as a process: what it says to wrong input, and how it leaves the kernel. Needs root: it makes network
//! namespaces.

#![allow(clippy::unwrap_used)] // a test may stop where it stands

mod peer;
mod place;

use std::net::TcpListener;

use nix::sys::signal::Signal;

use peer::{NOTIFICATION, Peer};
use place::{GATEWAY, Place, run, until};

const ROUTE: &str = "10.52.0.0/16";

/// Waits until the kernel has the taught route through a group.
fn routed(place: &Place) {
    let there = until(|| place.here("ip route show").contains(ROUTE).then_some(()));
    assert!(there.is_some(), "{}", place.kernel());
}

#[test]
fn a_bad_file_gets_all_its_faults_and_status_1() {
    let place = Place::new();
    place.file(&GATEWAY.replace("asn = 65010", "asn = 0").replace("10.20.255.5", "10.20.255.4"));
    let before = place.kernel();
    let (status, log) = place.start().ends();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("asn") && log.contains("10.20.255.4"), "{log}");
    assert!(log.contains("2 fault(s)"), "{log}");
    assert_eq!(place.kernel(), before);
}

#[test]
fn a_port_in_use_is_one_sentence_and_nothing_is_changed() {
    let place = Place::new();
    let _taken = place.within(&place.gateway, || TcpListener::bind("0.0.0.0:179").unwrap());
    let before = place.kernel();
    place.start().refused(&["179", "in use", "another BGP daemon"]);
    assert_eq!(place.kernel(), before);
}

#[test]
fn without_the_right_to_change_routes_it_says_which_right() {
    let place = Place::new();
    place.start_as(&["setpriv", "--bounding-set", "-net_admin"], &["--instance", "in-0"]).refused(&["CAP_NET_ADMIN"]);
}

#[test]
fn an_instance_that_the_file_does_not_have_is_told_with_those_that_it_has() {
    let place = Place::new();
    place.start_as(&[], &["--instance", "in-7"]).refused(&["in-7", "in-0 and in-1", "--instance"]);
    // Told nothing, it takes the host's name, which is no instance either.
    place.start_as(&[], &[]).refused(&["in-0 and in-1", "--instance"]);
}

#[test]
fn a_missing_interface_is_one_line_and_the_session_comes_with_the_interface() {
    let place = Place::new();
    let daemon = place.start();
    daemon.says(&["tun1", "does not exist"]);
    daemon.says(&["runs"]);
    assert_eq!(daemon.log().matches("does not exist").count(), 1, "{}", daemon.log());
    place.tunnel();
    let _peer = Peer::session(&place);
    daemon.says(&["hq-1", "Established"]);
    routed(&place);
}

#[test]
fn a_daemon_dials_as_soon_as_its_tunnel_has_an_address() {
    let place = Place::new();
    let daemon = place.start();
    daemon.says(&["tun1", "does not exist"]);
    place.tunnel();
    let listener = place.within(&place.peer, || TcpListener::bind("169.254.21.1:179").unwrap());
    listener.set_nonblocking(true).unwrap();
    let start = std::time::Instant::now();
    until(|| listener.accept().ok()).unwrap_or_else(|| panic!("{}", daemon.log()));
    assert!(start.elapsed().as_secs() < 15, "{}", daemon.log());
}

#[test]
fn a_live_daemons_socket_is_refused_and_a_dead_ones_is_taken() {
    let place = Place::new();
    let mut first = place.start();
    first.says(&["runs"]);
    // In a host of its own, so that only the socket is shared.
    let mut other = Place::new();
    other.socket = place.socket.clone();
    other.start().refused(&["another twinspan is running", "--socket"]);
    assert!(place.ask(&["show", "gateway"]).status.success(), "the first one is not disturbed");
    first.signal(Signal::SIGKILL);
    first.ends();
    assert!(place.socket.exists(), "a killed daemon leaves its socket");
    let second = place.start();
    second.says(&["runs"]);
    assert!(place.ask(&["show", "gateway"]).status.success());
}

#[test]
fn a_peer_that_speaks_and_never_reads_is_cut_off_while_a_table_goes_to_it() {
    let place = Place::with_tunnel();
    let deaf = r#"
[[neighbor]]
name = "deaf"
address = "169.254.21.13"
local-address = "169.254.21.2"
instances = ["in-0"]
asn = 65020
export = ["accept"]

[bgp]
send-hold-time = "2s"
"#;
    place.file(&format!("{GATEWAY}{deaf}"));
    run(&["ip", "-n", &place.peer, "addr", "add", "169.254.21.13/32", "dev", "far"]);
    place.here("ip route add 169.254.21.13/32 dev tun1");
    let daemon = place.start();
    let mut teacher = Peer::session(&place);
    let mut deaf = Peer::dial_from(&place, "169.254.21.13");
    deaf.open(65020);
    deaf.keepalive();
    daemon.says(&["deaf", "Established"]);
    teacher.teach_table(100_000);
    let began = std::time::Instant::now();
    let mut broken = None;
    let cut = || {
        teacher.keepalive();
        broken = broken.take().or(deaf.try_keepalive().err());
        daemon.log().contains("deaf is down: send hold timer expired").then(|| began.elapsed())
    };
    let after = until(cut).unwrap_or_else(|| panic!("{}", daemon.log()));
    assert!(after.as_secs() < 10, "{after:?}: {}", daemon.log());
    // The other session has lived through it, and its routes are in the kernel.
    assert!(!daemon.log().contains("hq-1/in-0 is down"), "{}", daemon.log());
    let all = || (place.here("ip route show proto 179").lines().count() > 100_000).then_some(());
    assert!(until(all).is_some(), "{}", place.here("ip route show proto 179").lines().count());
    let said = String::from_utf8(place.ask(&["show", "neighbors", "deaf"]).stdout).unwrap();
    assert!(said.contains("send hold timer expired"), "{said}");
    // What the kernel had of it is gone by a reset, and not waiting for the peer.
    let broken = broken.or_else(|| until(|| deaf.try_keepalive().err())).unwrap();
    assert_eq!(broken.kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn a_peer_that_teaches_too_much_is_dropped_and_a_reset_lets_it_back() {
    let place = Place::with_tunnel();
    place.file(&format!("{GATEWAY}\n[bgp]\nmax-prefixes = {{ ipv4 = 1000, restart = \"1h\" }}\n"));
    let daemon = place.start();
    let mut peer = Peer::session(&place);
    routed(&place);
    peer.teach_table(1000);
    let (_, told) = until(|| peer.next().filter(|(kind, _)| *kind == NOTIFICATION)).unwrap();
    // Cease / Maximum Number of Prefixes Reached: IPv4 unicast, 1000.
    assert_eq!(told, [6, 1, 0, 1, 1, 0, 0, 3, 0xe8]);
    daemon.says(&["teaches 1001 ipv4 prefixes, more than the 1000 that it may", "after 3600 s"]);
    let empty =
        || place.here("ip route show proto 179").lines().all(|line| line.contains("169.254.21.1")).then_some(());
    assert!(until(empty).is_some(), "its routes stay: {}", place.kernel());
    let shown = || String::from_utf8(place.ask(&["show", "neighbors", "hq-1/in-0"]).stdout).unwrap();
    let said = shown();
    assert!(said.contains("Maximum Number of Prefixes Reached: 1000 ipv4 prefixes [6/1]"), "{said}");
    assert!(said.contains("or by: twinspan reset neighbor hq-1/in-0"), "{said}");
    // Until then it is told the same whenever it dials.
    let mut again = Peer::dial_raw(&place);
    assert_eq!(again.next(), Some((NOTIFICATION, told)));
    let listener = place.within(&place.peer, || TcpListener::bind("169.254.21.1:179").unwrap());
    listener.set_nonblocking(true).unwrap();
    let done = place.ask(&["reset", "neighbor", "hq-1/in-0"]);
    assert!(done.status.success(), "{done:?}");
    assert!(until(|| listener.accept().ok()).is_some(), "{}", daemon.log());
    assert!(!shown().contains("may come back"), "{}", shown());
}

#[test]
fn a_clean_stop_leaves_the_kernel_as_it_was_found() {
    let place = Place::with_tunnel();
    place.here("ip link add other type veth peer name another");
    place.here("ip link set other addrgenmode none");
    place.here("ip link set another addrgenmode none");
    place.here("ip link set another up");
    place.here("ip link set other up");
    place.here("ip nexthop add id 7 dev other");
    place.here("ip route add 192.0.2.0/24 nhid 7");
    place.here("ip route add 10.52.0.0/16 dev other metric 50");
    place.here("sysctl -w net.ipv4.fib_multipath_hash_policy=2");
    let before = place.kernel();
    let mut daemon = place.start();
    let mut peer = Peer::session(&place);
    routed_through_group(&place);
    assert_ne!(place.kernel(), before);
    daemon.signal(Signal::SIGTERM);
    let told = until(|| peer.next().filter(|(kind, _)| *kind == NOTIFICATION)).unwrap();
    assert_eq!(&told.1[..2], [6, 2], "Cease / Administrative Shutdown");
    let (status, log) = daemon.ends();
    assert!(status.success(), "{log}");
    assert_eq!(place.kernel(), before);
    assert!(!place.socket.exists(), "the socket is left");
}

/// Waits until a group of ours leads to the taught prefix, whatever else does.
fn routed_through_group(place: &Place) {
    let ours = || place.here("ip route show proto 179").contains(ROUTE).then_some(());
    assert!(until(ours).is_some(), "{}", place.kernel());
}

#[test]
fn a_stop_told_twice_ends_at_once_and_says_that_it_is_not_complete() {
    let place = Place::with_tunnel();
    let mut daemon = place.start();
    let _silent = Peer::session(&place);
    routed(&place);
    daemon.signal(Signal::SIGTERM);
    daemon.says(&["stopping"]);
    daemon.signal(Signal::SIGTERM);
    let (status, log) = daemon.ends();
    assert!(status.code() == Some(1) && log.contains("told to stop a second time"), "{status}: {log}");
}

#[test]
fn told_to_keep_its_routes_a_stop_leaves_them_and_the_next_start_takes_them_over() {
    let place = Place::with_tunnel();
    place.file(&format!("{GATEWAY}\n[kernel]\non-stop = \"keep\"\n"));
    let mut daemon = place.start();
    let peer = Peer::session(&place);
    routed(&place);
    let running = place.kernel();
    daemon.signal(Signal::SIGTERM);
    assert!(daemon.ends().0.success());
    drop(peer);
    assert_eq!(place.kernel(), running);
    let next = place.start();
    next.says(&["found", "earlier run"]);
    assert_eq!(place.kernel(), running);
}

#[test]
fn after_a_kill_the_next_start_takes_over_what_is_there_and_a_stop_cleans_it() {
    let place = Place::with_tunnel();
    let before = place.kernel();
    let mut daemon = place.start();
    let peer = Peer::session(&place);
    routed(&place);
    let running = place.kernel();
    daemon.signal(Signal::SIGKILL);
    daemon.ends();
    drop(peer);
    assert_eq!(place.kernel(), running, "a killed daemon's routes stay");
    let mut next = place.start();
    next.says(&["found", "earlier run"]);
    let _peer = Peer::session(&place);
    next.says(&["follows the RIB"]);
    assert_eq!(place.kernel(), running, "ids and routes are kept");
    next.signal(Signal::SIGTERM);
    assert!(next.ends().0.success());
    assert_eq!(place.kernel(), before, "the settings too are as the first run had found them");
}

#[test]
fn a_file_that_names_another_table_and_number_after_a_kill_leaves_nothing_of_before_and_sysctls_are_watched() {
    let place = Place::with_tunnel();
    place.here("sysctl -w net.ipv4.ip_forward=0 net.ipv4.conf.all.rp_filter=1");
    let before = place.kernel();
    let mut daemon = place.start();
    let peer = Peer::session(&place);
    routed(&place);
    daemon.signal(Signal::SIGKILL);
    daemon.ends();
    drop(peer);
    place.file(&format!("{GATEWAY}\n[kernel]\ntable = 100\nprotocol = 180\n"));
    let mut next = place.start();
    next.says(&["an earlier run has left 2 routes", "table 254 under protocol 179"]);
    assert_eq!(place.here("ip route show proto 179").lines().count(), 2, "{}", place.kernel());
    let _peer = Peer::session(&place);
    next.says(&["had left elsewhere in the kernel is gone"]);
    assert_eq!(place.here("ip route show table all proto 179"), "", "{}", place.kernel());
    assert!(place.here("ip route show table 100 proto 180").contains(ROUTE), "{}", place.kernel());
    assert_eq!(place.here("ip nexthop show").matches("proto 179").count(), 0, "{}", place.kernel());
    // What the tunnels and the twin need of the host is set, and set again.
    assert_eq!(place.here("sysctl -n net.ipv4.ip_forward net.ipv4.conf.tun1.rp_filter"), "1\n2\n");
    place.here("sysctl -w net.ipv4.ip_forward=0");
    next.says(&["net.ipv4.ip_forward was 0: it is 1 again"]);
    let shown = String::from_utf8(place.ask(&["show", "fib", "--json"]).stdout).unwrap();
    assert!(shown.contains("net.ipv4.conf.tun1.rp_filter") && !shown.contains("\"ok\": false"), "{shown}");
    next.signal(Signal::SIGTERM);
    assert!(next.ends().0.success());
    assert_eq!(place.kernel(), before);
    assert_eq!(place.here("sysctl -n net.ipv4.ip_forward net.ipv4.conf.tun1.rp_filter"), "0\n0\n");
}

#[test]
fn garbage_ends_one_connection_and_nothing_else() {
    let place = Place::with_tunnel();
    let daemon = place.start();
    let mut peer = Peer::dial(&place);
    peer.write(b"GET / HTTP/1.1\r\nHost: twinspan\r\n\r\n");
    let (kind, body) = peer.next().unwrap();
    assert_eq!((kind, &body[..2]), (NOTIFICATION, &[1, 1][..]), "Message Header Error / Connection Not Synchronized");
    assert!(peer.next().is_none(), "the connection stays open");
    daemon.says(&["hq-1"]);
    assert!(place.ask(&["show", "neighbors"]).status.success());
    let _peer = Peer::session(&place);
    daemon.says(&["hq-1", "Established"]);
}

#[test]
fn a_wrong_as_is_told_to_the_peer_by_number_and_to_people_with_what_was_expected() {
    let place = Place::with_tunnel();
    let daemon = place.start();
    let mut peer = Peer::dial(&place);
    peer.open(64999);
    let (kind, body) = peer.next().unwrap();
    assert_eq!((kind, &body[..2]), (NOTIFICATION, &[2, 2][..]), "OPEN Message Error / Bad Peer AS");
    daemon.says(&["hq-1", "64999", "expected", "65010"]);
}

#[test]
fn sighup_reads_the_file_again_and_says_what_came_of_it() {
    let place = Place::new();
    let daemon = place.start();
    daemon.says(&["runs"]);
    daemon.signal(Signal::SIGHUP);
    daemon.says(&["config.reloaded", "nothing differs"]);
    assert!(place.ask(&["show", "gateway"]).status.success());
}
