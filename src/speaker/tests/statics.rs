//! Prefixes behind tunnels without BGP.

use super::*;
use crate::bfd;
use crate::control::api::{PathSource, PathState, Select, TunnelState};
use crate::fib::{Op, Target};
use crate::probe;

/// The gateway with a site that speaks no BGP.
const STATIC: &str = concat!(
    include_str!("../../../tests/gateway.toml"),
    r#"
[[device]]
name = "depot"
public-ip = "198.51.100.9"
prefixes = ["10.70.0.0/16", "2001:db8:70::/48"]

[[connection]]
device = "depot"
bgp = false
tunnels = [
  { instance = "in-0", interface = "tun1", local-ip = "169.254.21.2", remote-ip = "169.254.21.1" },
  { instance = "in-0", interface = "tun2" },
  { instance = "in-1", interface = "tun1" },
]
"#
);

impl Bench {
    /// An interface is there; what that makes the kernel do is done.
    fn tunnel(&mut self, index: u32, up: bool) -> Vec<Effect> {
        let name = format!("tun{}", index - 6);
        let link = Link { index: LinkIndex::new(index).unwrap(), name, up, addresses: Vec::new() };
        let effects = self.tell(Input::Link(link));
        let mut all = self.kernel(effects);
        all.extend(self.work());
        all
    }

    /// The interfaces that a prefix leaves by in the kernel.
    fn ways(&mut self, prefix: &str) -> Vec<u32> {
        let prefix: Prefix = prefix.parse().unwrap();
        let table = self.speaker.fib.mirror();
        let Some(Target::Group(group)) = table.routes.get(&prefix) else { return Vec::new() };
        let hops = table.groups[group].carrying().into_iter().map(|(hop, _)| table.next_hops[&hop].link.get());
        hops.collect()
    }

    fn paths(&mut self, prefix: &str) -> Vec<crate::control::api::Path> {
        let query = RouteQuery { select: Select::Prefix(prefix.parse().unwrap()), ..RouteQuery::default() };
        let (Ok(Reply::Routes(mut shown)), _) = self.ask(&Request::Routes(query)) else { panic!("no routes") };
        shown.routes.pop().map(|route| route.paths).unwrap_or_default()
    }
}

/// Changes to groups, and to routes, among what the kernel was told.
fn operations(effects: &[Effect]) -> (usize, usize) {
    let ops = effects.iter().flat_map(|effect| match effect {
        Effect::Kernel(batch) => batch.ops.to_vec(),
        _ => Vec::new(),
    });
    let (mut groups, mut routes) = (0, 0);
    for op in ops {
        match op {
            Op::SetGroup(_) | Op::DeleteGroup(_) => groups += 1,
            Op::AddRoute(..) | Op::ReplaceRoute(..) | Op::DeleteRoute(_) | Op::DeleteOld(_) => routes += 1,
            Op::AddNextHop(_) | Op::DeleteNextHop(_) => {}
        }
    }
    (groups, routes)
}

#[test]
fn r29_a_static_prefix_is_routed_into_each_of_its_tunnels_that_is_up_and_into_no_other() {
    let mut bench = Bench::of(STATIC);
    assert!(bench.paths("10.70.0.0/16").is_empty());
    bench.tunnel(7, true);
    assert_eq!(bench.ways("10.70.0.0/16"), [7]);
    bench.tunnel(8, true);
    assert_eq!(bench.ways("10.70.0.0/16"), [7, 8]);
    assert_eq!(bench.ways("2001:db8:70::/48"), [7, 8]);
    let shown = bench.paths("10.70.0.0/16");
    let said: Vec<_> = shown
        .iter()
        .map(|path| (path.neighbor.as_ref().unwrap().to_string(), path.next_hop.map(|next_hop| next_hop.to_string())))
        .collect();
    assert_eq!(
        said,
        [("depot/in-0:tun2".to_owned(), None), ("depot/in-0:tun1".to_owned(), Some("169.254.21.1".into()))]
    );
    assert!(shown.iter().all(|path| path.source == PathSource::Static && path.as_path.is_empty()), "{shown:?}");
    assert_eq!(shown[1].state, PathState::Multipath);
    bench.tunnel(7, false);
    assert_eq!(bench.ways("10.70.0.0/16"), [8]);
    bench.tunnel(8, false);
    assert!(bench.ways("10.70.0.0/16").is_empty() && bench.paths("10.70.0.0/16").is_empty());
}

#[test]
fn a_static_tunnel_that_a_hook_takes_down_leaves_its_groups_by_one_message_before_any_route_is_looked_at() {
    let mut bench = Bench::of(STATIC);
    bench.tunnel(7, true);
    bench.tunnel(8, true);
    let down = Request::TunnelDown("depot/in-0:tun1".parse().unwrap(), Some("line 2 is cut".to_owned()));
    let (said, effects) = bench.ask(&down);
    assert!(said.is_ok(), "{said:?}");
    // Both families are on one group each.
    assert_eq!(operations(&effects), (2, 0), "{effects:?}");
    bench.kernel(effects);
    bench.work();
    assert_eq!(bench.ways("10.70.0.0/16"), [8]);
    assert_eq!(bench.paths("10.70.0.0/16").len(), 1);
    let (said, effects) = bench.ask(&Request::TunnelUp("depot/in-0:tun1".parse().unwrap(), None));
    assert!(said.is_ok(), "{said:?}");
    bench.kernel(effects);
    bench.work();
    assert_eq!(bench.ways("10.70.0.0/16"), [7, 8]);
}

#[test]
fn an_instance_that_waits_behind_its_twin_sends_nothing_into_its_static_tunnels() {
    let mut bench = Bench::of(&STATIC.replace("active-active", "active-standby"));
    bench.tunnel(7, true);
    assert!(bench.ways("10.70.0.0/16").is_empty(), "it has not become active");
    let (Ok(Reply::Tunnels(shown)), _) = bench.ask(&Request::Tunnels) else { panic!("no tunnels") };
    assert_eq!(shown.tunnels[0].state, TunnelState::Up, "the tunnel itself could carry it");
}

#[test]
fn a_reload_that_changes_static_prefixes_touches_those_alone() {
    let mut bench = Bench::of(STATIC);
    bench.tunnel(7, true);
    bench.tunnel(8, true);
    let text = STATIC.replace("\"2001:db8:70::/48\"", "\"10.71.0.0/16\"");
    let mut out = Vec::new();
    bench.speaker.reload(bench.now, config(&text), None, &mut out).unwrap();
    let mut effects = bench.kernel(out);
    effects.extend(bench.work());
    assert_eq!(bench.ways("10.70.0.0/16"), [7, 8]);
    assert_eq!(bench.ways("10.71.0.0/16"), [7, 8]);
    assert!(bench.paths("2001:db8:70::/48").is_empty());
    // Without the tunnel nothing of it is left.
    let text = STATIC.replace("  { instance = \"in-0\", interface = \"tun2\" },\n", "");
    let mut out = Vec::new();
    bench.speaker.reload(bench.now, config(&text), None, &mut out).unwrap();
    bench.kernel(out);
    bench.work();
    assert_eq!(bench.ways("10.70.0.0/16"), [7]);
    let names: Vec<_> = bench.paths("10.70.0.0/16").iter().map(|path| path.neighbor.clone().unwrap()).collect();
    assert_eq!(names, ["depot/in-0".parse().unwrap()], "a tunnel that is alone is named without its interface");
}

#[test]
fn after_a_restart_static_routes_that_are_in_the_kernel_stay_there() {
    let mut bench = Bench::of(STATIC);
    bench.tunnel(7, true);
    bench.tunnel(8, true);
    let found = bench.speaker.fib.mirror();
    assert_eq!(found.routes.len(), 3, "two prefixes and a host route: {found:?}");
    let mut next = Bench::waiting(STATIC);
    for (index, name) in [(7, "tun1"), (8, "tun2")] {
        let index = LinkIndex::new(index).unwrap();
        next.tell(Input::Link(Link { index, name: name.to_owned(), up: true, addresses: Vec::new() }));
    }
    let mut out = next.tell(Input::Begin(found));
    while next.speaker.busy() {
        next.speaker.work(next.now, &mut out);
    }
    let changes = operations(&out);
    assert_eq!(changes, (0, 0), "nothing is rewritten");
}

#[test]
fn bfd_and_the_probe_watch_a_tunnel_without_a_session() {
    let mut bench = Bench::of(&format!("{STATIC}\n[bfd]\nenabled = true\n[probe]\nenabled = true\n"));
    bench.tunnel(7, true);
    bench.tunnel(8, true);
    let (local, remote) = ("169.254.21.2".parse().unwrap(), "169.254.21.1".parse().unwrap());
    let path = bfd::Path { local, remote, interface: Some("tun1".to_owned()), hops: 1 };
    let report = |state: bfd::State, flaps| {
        let diag = if state == bfd::State::Up { bfd::Diag::NONE } else { bfd::Diag::EXPIRED };
        let status = bfd::Status { state, remote_state: state, diag, ups: 1, flaps, ..bfd::Status::default() };
        Input::Bfd(bfd::Report { path: path.clone(), status, age: Duration::ZERO })
    };
    bench.tell(report(bfd::State::Up, 0));
    let effects = bench.tell(report(bfd::State::Down, 1));
    assert_eq!(operations(&effects), (2, 0), "one message a group: {effects:?}");
    bench.kernel(effects);
    bench.work();
    assert_eq!(bench.ways("10.70.0.0/16"), [8]);
    let effects = bench.tell(report(bfd::State::Up, 1));
    bench.kernel(effects);
    bench.work();
    assert_eq!(bench.ways("10.70.0.0/16"), [7, 8]);
    let interval = Duration::from_secs(1);
    let plan = probe::Plan { local, remote, interface: "tun1".to_owned(), interval, count: 5 };
    bench.tell(Input::Probe(probe::Report { plan: plan.clone(), state: probe::State::Alive }));
    let effects = bench.tell(Input::Probe(probe::Report { plan, state: probe::State::Dead }));
    bench.kernel(effects);
    bench.work();
    assert_eq!(bench.ways("10.70.0.0/16"), [8]);
    let (Ok(Reply::Tunnels(shown)), _) = bench.ask(&Request::Tunnels) else { panic!("no tunnels") };
    assert!(shown.tunnels[0].bfd.is_some() && shown.tunnels[0].neighbor.is_none(), "{:?}", shown.tunnels[0]);
    assert!(shown.tunnels[1].bfd.is_none(), "its far end has no address: {:?}", shown.tunnels[1]);
    let said = shown.tunnels[0].reason.clone().unwrap();
    assert_eq!(said, "169.254.21.1 has not answered 5 requests in a row");
}
