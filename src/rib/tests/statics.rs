//! Ways without BGP beside what neighbors teach.

use super::lab::*;
use crate::policy::Scope;
use crate::rib::*;
use crate::types::{PeerId, Weight};

fn way(name: &str, remote: &str, prefixes: &[&str]) -> Way {
    Way {
        name: name.parse().unwrap(),
        remote: remote.parse().unwrap(),
        weight: Weight::ONE,
        prefixes: prefixes.iter().map(|text| prefix(text)).collect(),
    }
}

const FIRST: PeerId = PeerId(1 << 31);
const SECOND: PeerId = PeerId(1 << 31 | 1);

#[test]
fn every_way_to_a_prefix_is_used_and_what_others_teach_of_it_waits_behind() {
    let mut rib = rib(64, false);
    join(&mut rib, 0, 65010, Scope::LocalOnly);
    join(&mut rib, 1, 65515, Scope::Everything);
    teach(&mut rib, 0, "10.52.0.0/16", path(&[65010]));
    teach(&mut rib, 1, "10.52.0.0/16", path(&[]));
    rib.add_way(FIRST, &way("hq/in-0:a", "169.254.21.1", &["10.52.0.0/16", "2001:db8:52::/48"]));
    rib.add_way(SECOND, &way("hq/in-0:b", "0.0.0.0", &["10.52.0.0/16"]));
    let changed = settle(&mut rib);
    let v4 = changed.iter().find(|changed| changed.prefix == prefix("10.52.0.0/16")).unwrap();
    let mut used: Vec<_> = v4.paths.iter().map(|path| path.peer).collect();
    used.sort_unstable();
    assert_eq!(used, [FIRST, SECOND]);
    assert_eq!(v4.backups.iter().map(|path| path.peer.0).collect::<Vec<_>>(), [1], "an empty path is shorter");
    assert_eq!(changed.len(), 2, "{changed:?}");
    // The first goes: nothing of it counts from then on.
    rib.remove_way(FIRST);
    while rib.work(1) {}
    let changed = settle(&mut rib);
    let v4 = changed.iter().find(|changed| changed.prefix == prefix("10.52.0.0/16")).unwrap();
    assert_eq!(v4.paths.iter().map(|path| path.peer).collect::<Vec<_>>(), [SECOND]);
    assert_eq!(changed.len(), 2, "the other prefix has no path any more: {changed:?}");
    assert!(rib.entry(&prefix("2001:db8:52::/48")).is_none());
}

#[test]
fn a_way_that_changes_tells_only_what_changed() {
    let mut rib = rib(64, false);
    rib.add_way(FIRST, &way("hq/in-0", "169.254.21.1", &["10.52.0.0/16", "10.53.0.0/16"]));
    settle(&mut rib);
    rib.add_way(FIRST, &way("hq/in-0", "169.254.21.1", &["10.52.0.0/16", "10.54.0.0/16"]));
    while rib.work(1) {}
    let mut prefixes: Vec<_> = settle(&mut rib).iter().map(|changed| (changed.prefix, changed.paths.len())).collect();
    prefixes.sort_unstable();
    prefixes.retain(|(known, _)| *known != prefix("10.52.0.0/16"));
    assert_eq!(prefixes, [(prefix("10.53.0.0/16"), 0), (prefix("10.54.0.0/16"), 1)]);
}

#[test]
fn what_lies_behind_a_way_is_told_as_learned_and_to_a_device_in_transit_only() {
    let mut rib = rib(64, false);
    let context = session(0, 65001).context;
    join(&mut rib, 0, 65001, Scope::Learned);
    join(&mut rib, 1, 65010, Scope::LocalOnly);
    join(&mut rib, 2, 65020, Scope::Transit);
    rib.add_way(FIRST, &way("hq/in-0", "169.254.21.1", &["10.52.0.0/16"]));
    settle(&mut rib);
    let mut told = |peer| {
        let mut told = Told::new();
        replay(&mut told, &outputs(&mut rib, peer, &context));
        told.get(&prefix("10.52.0.0/16")).map(|(attributes, _)| attributes.as_path.to_string())
    };
    assert_eq!(told(0).as_deref(), Some("65515"));
    assert_eq!(told(1), None);
    assert_eq!(told(2).as_deref(), Some("65515"));
    rib.remove_way(FIRST);
    settle(&mut rib);
    let withdrawn: Vec<_> = outputs(&mut rib, 0, &context).into_iter().flat_map(|update| update.withdrawn).collect();
    assert_eq!(withdrawn, [], "its paths are found by the sweep");
    while rib.work(1) {}
    settle(&mut rib);
    let withdrawn: Vec<_> = outputs(&mut rib, 0, &context).into_iter().flat_map(|update| update.withdrawn).collect();
    assert_eq!(withdrawn, [prefix("10.52.0.0/16")]);
}
