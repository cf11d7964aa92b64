//! Neighbors that come and go while the instance runs.

use super::*;
use crate::fib::Op;
use crate::gateway;
use crate::types::PeerId;
use crate::wire::Cease;

const SECOND: &str = r#"
[[device]]
name = "hq-2"
public-ip = "198.51.100.2"
asn = 65011
bgp-ip = "FAR"

[[connection]]
device = "hq-2"
tunnels = [{ instance = "in-0", interface = "tun2" }]
"#;

impl Bench {
    /// The device of [`SECOND`] is added.
    fn add(&mut self, far: &str) -> (PeerId, Vec<Effect>) {
        self.speaker.config = config(&format!("{FILE}{}", SECOND.replace("FAR", far)));
        let instance = self.speaker.instance.clone();
        self.speaker.desired = gateway::desired(&self.speaker.config.model, &instance).unwrap();
        let plan =
            self.speaker.desired.neighbors.iter().find(|plan| plan.name.as_str() == "hq-2/in-0").unwrap().clone();
        let mut out = Vec::new();
        let id = self.speaker.add_neighbor(self.now, plan, &mut out);
        self.speaker.kernel(self.now, &mut out);
        (id, out)
    }

    fn remove(&mut self, id: PeerId) -> Vec<Effect> {
        let mut out = Vec::new();
        self.speaker.remove_neighbor(self.now, id, Notification::shutdown(Cease::PeerDeconfigured, "gone"), &mut out);
        self.speaker.kernel(self.now, &mut out);
        out
    }

    /// The interface of [`SECOND`].
    fn second_link(&mut self) -> Vec<Effect> {
        let addresses = Vec::new();
        self.tell(Input::Link(Link { index: LinkIndex::new(8).unwrap(), name: "tun2".to_owned(), up: true, addresses }))
    }

    pub(super) fn first(&self) -> PeerId {
        self.speaker.neighbors.named(&"hq-1/in-0".parse().unwrap()).unwrap().id
    }
}

fn operations(effects: &[Effect]) -> Vec<String> {
    let batches = effects.iter().filter_map(|effect| match effect {
        Effect::Kernel(batch) => Some(batch.ops.iter()),
        _ => None,
    });
    batches.flatten().map(Op::to_string).collect()
}

#[test]
fn a_neighbor_that_comes_later_gets_its_host_route_then_its_dial() {
    let mut bench = Bench::new();
    bench.second_link();
    let (_, effects) = bench.add("10.53.0.253");
    assert!(dial(&effects).is_none(), "{effects:?}");
    assert_eq!(operations(&effects).len(), 1, "{effects:?}");
    let effects = bench.kernel(effects);
    assert_eq!(dial(&effects).unwrap().1.to_string(), "10.53.0.253:179");
}

#[test]
fn a_neighbor_that_comes_before_its_interface_is_dialled_when_that_comes() {
    let mut bench = Bench::new();
    let (_, effects) = bench.add("10.53.0.253");
    assert!(tells(&effects, "does not exist"), "{effects:?}");
    let effects = bench.second_link();
    let effects = bench.kernel(effects);
    assert!(dial(&effects).is_some(), "{effects:?}");
}

#[test]
fn the_first_neighbor_of_an_address_family_makes_us_listen_for_it_once() {
    let mut bench = Bench::new();
    let listens = |effects: &[Effect]| effects.iter().filter(|e| matches!(e, Effect::Listen(Family::Ipv6))).count();
    let (id, effects) = bench.add("10.53.0.253");
    assert_eq!(listens(&effects), 0, "{effects:?}");
    bench.remove(id);
    let mut plan = bench.speaker.desired.neighbors[0].clone();
    (plan.remote_address, plan.local_address) = ("fe80::9".parse().unwrap(), "fe80::8".parse().unwrap());
    for (name, times) in [("a", 1), ("b", 0)] {
        plan.name = name.parse().unwrap();
        let mut out = Vec::new();
        bench.speaker.add_neighbor(bench.now, plan.clone(), &mut out);
        assert_eq!(listens(&out), times, "{out:?}");
    }
    // It was not to be had: the next one tries again.
    let effects = bench.tell(Input::NotListening { family: Family::Ipv6, reason: "Address in use".to_owned() });
    assert!(tells(&effects, "Address in use"), "{effects:?}");
    plan.name = "c".parse().unwrap();
    let mut out = Vec::new();
    bench.speaker.add_neighbor(bench.now, plan, &mut out);
    assert_eq!(listens(&out), 1, "{out:?}");
}

#[test]
fn a_neighbor_that_goes_is_told_why_and_its_paths_leave_the_kernel_before_its_host_route() {
    let mut bench = Bench::new();
    let conn = bench.established();
    bench.teach(conn, 2);
    let effects = bench.remove(bench.first());
    assert!(sends(&effects).iter().any(|octets| octets[18..21] == [3, 6, 3]), "{effects:?}");
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Close(known) if *known == conn)), "{effects:?}");
    assert!(operations(&effects).is_empty(), "the way to it is still needed: {effects:?}");
    let flush = flushes(&effects)[0];

    let mut out = Vec::new();
    while bench.speaker.busy() {
        bench.speaker.work(bench.now, &mut out);
    }
    assert!(operations(&out).iter().any(|op| op.contains("10.52.0.0/24")), "{out:?}");
    assert!(!operations(&out).iter().any(|op| op.contains("169.254.21.1/32")), "{out:?}");
    bench.kernel(out);

    let effects = bench.tell(Input::Flushed(flush));
    assert!(operations(&effects).iter().any(|op| op.contains("169.254.21.1/32")), "{effects:?}");
    bench.kernel(effects);
    assert_eq!(bench.speaker.fib.totals().routes, 0);
    assert_eq!(bench.speaker.fib.totals().wanted, 0);
    assert!(bench.speaker.conns.is_empty());
    assert_eq!(bench.accept("169.254.21.2:179", "169.254.21.1:40000").len(), 2, "it is a stranger now");
}

#[test]
fn a_neighbor_that_comes_back_at_the_same_address_keeps_the_host_route() {
    let mut bench = Bench::new();
    bench.second_link();
    let (id, effects) = bench.add("10.53.0.253");
    bench.kernel(effects);
    let effects = bench.remove(id);
    let flush = flushes(&effects)[0];
    let (again, effects) = bench.add("10.53.0.253");
    assert_ne!(again, id, "ids are never given twice");
    bench.kernel(effects);
    let effects = bench.tell(Input::Flushed(flush));
    assert!(operations(&effects).is_empty(), "{effects:?}");
}

#[test]
fn what_arrives_for_a_neighbor_that_is_gone_harms_nobody() {
    let mut bench = Bench::new();
    let conn = bench.established();
    let (second, _) = bench.add("10.53.0.253");
    bench.remove(bench.first());
    bench.teach(conn, 1);
    bench.tell(Input::Congested(conn));
    bench.tell(Input::Lost { conn, reason: "reset".to_owned() });
    bench.tell(Input::Reset("hq-1/in-0".parse().unwrap()));
    assert_eq!(bench.speaker.neighbors.iter().map(|neighbor| neighbor.id).collect::<Vec<_>>(), [second]);
    assert!(bench.speaker.neighbors.get(second).is_some());
    assert_eq!(bench.speaker.rib.counts(second).family(Family::Ipv4).received, 0);
}
