//! What is chosen and told does not depend on the order in which routes arrive, nor on what was there in between.

use proptest::prelude::*;

use crate::policy::Scope;
use crate::rib::*;
use crate::types::PeerId;
use crate::wire::{Attributes, ClusterId, Community, NextHop, Origin};

use super::lab::*;
use super::model::{ASNS, net};

/// Who teaches what: later ones of the same neighbor and prefix count, so each is there once.
type Taught = ((u32, u8), Box<Attributes>);

/// All that the decision looks at, in small values, so that ties get far.
fn attributes() -> impl Strategy<Value = Attributes> {
    let asn = prop_oneof![3 => Just(65010_u32), 2 => Just(65020), 2 => Just(65030)];
    let first = (proptest::collection::vec(asn, 1..4), proptest::option::of(0..3_u32), 0..3_u8);
    let second = (proptest::option::of(99..102_u32), proptest::option::of(1..3_u32), 0..3_usize, any::<bool>());
    (first, second).prop_map(|((asns, med, origin), (local_pref, originator, clusters, community))| Attributes {
        med,
        origin: [Origin::Igp, Origin::Egp, Origin::Incomplete][usize::from(origin)],
        local_pref,
        originator_id: originator.map(Into::into),
        cluster_list: (0..clusters).map(|id| ClusterId((id as u32).into())).collect(),
        communities: community.then_some(Community::GRACEFUL_SHUTDOWN).into_iter().collect(),
        ..path(&asns)
    })
}

/// Each neighbor teaches a prefix at most once, in some order.
fn taught() -> impl Strategy<Value = (Vec<Taught>, Vec<Taught>)> {
    let routes = proptest::collection::btree_map((0..4_u32, 0..4_u8), attributes().prop_map(Box::new), 1..14);
    routes.prop_flat_map(|routes| {
        let routes: Vec<Taught> = routes.into_iter().collect();
        (Just(routes.clone()).prop_shuffle(), Just(routes).prop_shuffle())
    })
}

fn teach_all(rib: &mut Rib, taught: &[Taught], noise: &[(u32, u8)], often: usize) {
    let next_hop = |peer: u32, to: &Prefix| match to.family() {
        Family::Ipv4 => NextHop::V4(address(peer)),
        Family::Ipv6 => NextHop::V6 { global: address(peer).to_ipv6_compatible(), link_local: None },
    };
    // Routes that come first and go again, or are replaced.
    for (peer, number) in noise {
        let to = net(*number);
        rib.update(PeerId(*peer), reach(&[to], path(&[65020]), next_hop(*peer, &to)));
    }
    for (peer, number) in noise {
        if !taught.iter().any(|(key, _)| key == &(*peer, *number)) {
            rib.update(PeerId(*peer), Update { withdrawn: vec![net(*number)], ..Update::default() });
        }
    }
    for (count, ((peer, number), attributes)) in taught.iter().enumerate() {
        let to = net(*number);
        rib.update(PeerId(*peer), reach(&[to], (**attributes).clone(), next_hop(*peer, &to)));
        if count.is_multiple_of(often) {
            settle(rib);
            drop(rib.next_output(PeerId(3)));
        }
    }
}

/// What people are shown of every prefix, and what every neighbor was told.
fn outcome(rib: &mut Rib) -> Vec<String> {
    while rib.work(3) {}
    settle(rib);
    let mut lines = Vec::new();
    for peer in 0..4 {
        while rib.next_output(PeerId(peer)).is_some() {}
        lines.extend((0..4).map(|number| format!("{peer} {:?}", rib.advertised(PeerId(peer), &net(number)))));
    }
    lines.extend((0..4).map(|number| format!("{:?}", rib.entry(&net(number)))));
    lines
}

proptest! {
    #[test]
    fn what_is_chosen_and_told_does_not_depend_on_the_order_of_arrival(
        (one, other) in taught(),
        noise in proptest::collection::vec((0..4_u32, 0..4_u8), 0..8),
        relax in any::<bool>(),
    ) {
        let outcomes = [(one, &noise[..0], 1), (other, &noise[..], 3)].map(|(taught, noise, often)| {
            let mut rib = rib(3, relax);
            (0..4).for_each(|peer| join(&mut rib, peer, ASNS[peer as usize], Scope::Everything));
            teach_all(&mut rib, &taught, noise, often);
            outcome(&mut rib)
        });
        prop_assert_eq!(&outcomes[0], &outcomes[1]);
    }
}
