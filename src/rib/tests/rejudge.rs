//! Settings that change while sessions are up come to the same as settings that were always so.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::policy::{Chain, Refusal, Scope};
use crate::rib::*;
use crate::types::PeerId;

use super::lab::*;
use super::model::{ASNS, Act, Naive, act, net, perform};

const SCOPES: [Scope; 4] = [Scope::LocalOnly, Scope::Transit, Scope::Learned, Scope::Everything];

/// What can change.
#[derive(Clone, Copy, Debug)]
struct Variant {
    import: bool,
    export: bool,
    own: u8,
    scope: usize,
}

fn variant() -> impl Strategy<Value = Variant> {
    (any::<bool>(), any::<bool>(), 0..9_u8, 0..4_usize).prop_map(|(import, export, own, scope)| Variant {
        import,
        export,
        own,
        scope,
    })
}

#[derive(Clone, Debug)]
enum Step {
    Act(Act),
    Peer(u32, Variant),
    All(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => act().prop_map(Step::Act),
        2 => (0..4_u32, variant()).prop_map(|(peer, variant)| Step::Peer(peer, variant)),
        1 => (1..4_usize).prop_map(Step::All),
    ]
}

fn made(peer: u32, variant: Variant) -> PeerSettings {
    let mut made = settings(peer, ASNS[peer as usize], SCOPES[variant.scope]);
    let chain = |passes| if passes { Chain::accept() } else { Chain::none() };
    (made.import.chain, made.export.chain) = (chain(variant.import), chain(variant.export));
    made.import.own_prefixes = (variant.own < 8).then(|| net(variant.own)).into_iter().collect();
    made
}

fn all(max_paths: usize) -> Settings {
    Settings { max_paths, ..rib(1, false).settings }
}

/// Its view of everything, without what is counted along the way.
fn view(rib: &Rib) -> Vec<String> {
    let entries = (0..8).map(|number| format!("{:?}", rib.entry(&net(number))));
    let told = (0..4).flat_map(|peer| (0..8).map(move |number| (peer, number)));
    let told = told.map(|(peer, number)| format!("{peer} {:?}", rib.advertised(PeerId(peer), &net(number))));
    let counts = (0..4).map(|peer| format!("{:?}", rib.counts(PeerId(peer)).ipv4));
    entries.chain(told).chain(counts).collect()
}

fn finish(rib: &mut Rib, told: &mut BTreeMap<u32, Told>) {
    while rib.work(3) {}
    settle(rib);
    for peer in 0..4 {
        let context = session(peer, ASNS[peer as usize]).context;
        let updates = outputs(rib, peer, &context);
        replay(told.entry(peer).or_default(), &updates);
    }
}

proptest! {
    #[test]
    fn settings_that_changed_on_the_way_come_to_what_they_would_have_been_from_the_start(
        steps in proptest::collection::vec(step(), 1..80),
        last in [variant(), variant(), variant(), variant()],
        width in 1..4_usize,
    ) {
        let mut changing = rib(3, false);
        let mut constant = rib(width, false);
        for (peer, variant) in (0..).zip(last) {
            changing.add_peer(PeerId(peer), settings(peer, ASNS[peer as usize], Scope::Transit));
            constant.add_peer(PeerId(peer), made(peer, variant));
        }
        let (mut told, mut told_constant) = (BTreeMap::<u32, Told>::new(), BTreeMap::<u32, Told>::new());
        for step in &steps {
            match step {
                Step::Act(act) => {
                    perform(&mut changing, &mut Naive::default(), act);
                    perform(&mut constant, &mut Naive::default(), act);
                    match act {
                        Act::Up(peer) => {
                            told.insert(*peer, Told::new());
                            told_constant.insert(*peer, Told::new());
                        }
                        Act::Down(peer) | Act::Lose(peer, _) => {
                            told.remove(peer);
                            told_constant.remove(peer);
                        }
                        Act::Take(limit) => changing.take_changed(*limit, &mut Vec::new()),
                        Act::Send(peer, count) => {
                            let context = session(*peer, ASNS[*peer as usize]).context;
                            for octets in (0..*count).map_while(|_| changing.next_output(PeerId(*peer))) {
                                replay(told.entry(*peer).or_default(), &[read(&octets, &context)]);
                            }
                        }
                        _ => {}
                    }
                }
                Step::Peer(peer, variant) => changing.set_peer(PeerId(*peer), made(*peer, *variant)),
                Step::All(max_paths) => changing.set(all(*max_paths)),
            }
        }
        for (peer, variant) in (0..).zip(last) {
            changing.set_peer(PeerId(peer), made(peer, variant));
        }
        changing.set(all(width));
        finish(&mut changing, &mut told);
        finish(&mut constant, &mut told_constant);
        prop_assert_eq!(view(&changing), view(&constant));
        prop_assert_eq!(&told, &told_constant);
        // The same settings again: nothing to do, nothing to say.
        for (peer, variant) in (0..).zip(last) {
            changing.set_peer(PeerId(peer), made(peer, variant));
        }
        changing.set(all(width));
        prop_assert!(!changing.has_work() && !changing.has_changed());
        prop_assert!((0..4).all(|peer| !changing.has_output(PeerId(peer))));
        for peer in 0..4 {
            changing.remove_peer(PeerId(peer));
        }
        (0..8).for_each(|number| changing.unoriginate(&net(number)));
        while changing.work(3) {}
        settle(&mut changing);
        prop_assert_eq!(changing.totals(), Totals::default());
    }
}

#[test]
fn a_new_import_policy_takes_routes_away_and_gives_them_back_without_a_word_from_the_neighbor() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    for net in 0..20 {
        teach(&mut rib, 0, &format!("10.{net}.0.0/16"), path(&[65010]));
    }
    assert_eq!(settle(&mut rib).len(), 20);
    let mut none = settings(0, 65010, Scope::LocalOnly);
    none.import.chain = Chain::none();
    rib.set_peer(PeerId(0), none);
    assert!(rib.has_work());
    let mut slices = 0;
    while rib.work(5) {
        slices += 1;
    }
    assert!(slices >= 4, "{slices} slices: a pass is done in pieces");
    let gone = settle(&mut rib);
    assert!(gone.len() == 20 && gone.iter().all(|changed| changed.paths.is_empty()), "{gone:?}");
    assert_eq!(rib.entry(&prefix("10.1.0.0/16")).unwrap().paths[0].state, PathState::Refused(Refusal::NoPolicy));
    rib.set_peer(PeerId(0), settings(0, 65010, Scope::LocalOnly));
    while rib.work(5) {}
    assert!(settle(&mut rib).iter().all(|changed| changed.paths.len() == 1));
}

#[test]
fn a_prefix_that_becomes_our_own_is_no_longer_believed_of_anybody() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    teach(&mut rib, 0, "10.20.5.0/24", path(&[65010]));
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    settle(&mut rib);
    let mut new = settings(0, 65010, Scope::LocalOnly);
    new.import.own_prefixes = vec![prefix("10.20.0.0/16")];
    rib.set_peer(PeerId(0), new);
    while rib.work(100) {}
    assert_eq!(chosen(&settle(&mut rib)), [("10.20.5.0/24".to_owned(), vec![])]);
}
