//! The file of an instance changed while it was down: what it left under the old table, metric or protocol number.

use std::{collections::BTreeSet, time::Duration};

use twinspan::fib::{NextHop, Op, Settings, Target};
use twinspan::types::{Family, LinkIndex};

use super::*;

/// The links that a prefix leads over, in each table and under each metric and protocol number.
fn ways(world: &World, prefix: &str) -> Vec<(u32, u8, u32, BTreeSet<LinkIndex>)> {
    let kernel = &world.hosts[IN_0].kernel;
    let prefix = prefix.parse().unwrap();
    let parts = [(&kernel.settings, &kernel.table)].into_iter();
    let parts: Vec<_> = parts.chain(kernel.others.iter().map(|(owner, table)| (owner, table))).collect();
    let group = |id: &u32| parts.iter().find_map(|(_, table)| table.groups.get(id));
    let hop = |id: &u32| parts.iter().find_map(|(_, table)| table.next_hops.get(id));
    let links = |id: &u32| -> BTreeSet<LinkIndex> {
        let members = group(id).map(|group| group.carrying()).unwrap_or_default();
        members.iter().filter_map(|(id, _)| hop(id)).map(|hop| hop.link).collect()
    };
    let route = |(owner, table): &(&Settings, &twinspan::fib::Table)| match table.routes.get(&prefix) {
        Some(Target::Group(id)) => Some((owner.table, owner.protocol, owner.metric, links(id))),
        _ => None,
    };
    parts.iter().filter_map(route).collect()
}

fn all_wide(world: &World) -> bool {
    let wide = |(_, _, _, links): &(u32, u8, u32, BTreeSet<LinkIndex>)| links.len() == 2;
    let found = ways(world, "10.52.0.0/16");
    !found.is_empty() && found.iter().all(wide)
}

#[test]
fn what_a_run_left_under_other_settings_leads_packets_until_what_is_wanted_is_there_and_then_goes() {
    let new = ["table = 100", "metric = 50", "metric = 7", "protocol = 180", "table = 100\nmetric = 7\nprotocol = 180"];
    for seed in 0..5 {
        for new in new {
            let mut world = started(seed);
            let stranger = Settings { protocol: 99, metric: 21, ..Settings::default() };
            let id = stranger.first_id + 900;
            let lan = LinkIndex::new(1).unwrap();
            let kernel = &mut world.hosts[IN_0].kernel;
            kernel.link_up(lan);
            let ops = [
                (&stranger, Op::AddNextHop(NextHop { id, family: Family::Ipv4, link: lan, gateway: None })),
                (&stranger, Op::AddRoute("10.60.0.0/16".parse().unwrap(), Target::Group(id))),
                // Our number on what we never make: a person's, with the wrong number.
                (
                    &Settings { table: 77, ..Settings::default() },
                    Op::AddRoute("10.61.0.0/16".parse().unwrap(), Target::Link(lan)),
                ),
            ];
            for (who, op) in ops {
                assert_eq!(kernel.apply_as(who, &op), Ok(()));
            }
            world.kill(IN_0);
            let away = Duration::from_millis(world.chance.u64(..5_000));
            world.run_until(away, |_| false);
            world.hosts[IN_0].file = format!("{GATEWAY}\n[kernel]\n{new}\n");
            world.start(IN_0);
            assert!(
                world.told(IN_0, "an earlier run has left 5 routes where none of ours go now"),
                "{}",
                story(&world)
            );
            // As many as can get lost now: the next hops themselves stay good all the time.
            let broken = |world: &World| !all_wide(world);
            let gone = |world: &World| world.told(IN_0, "had left elsewhere in the kernel is gone");
            world.run_until(Duration::from_secs(60), |world| broken(world) || gone(world));
            assert!(all_wide(&world) && gone(&world), "{new}\n{:?}\n{}", ways(&world, "10.52.0.0/16"), story(&world));
            let settings = world.hosts[IN_0].kernel.settings.clone();
            let found = ways(&world, "10.52.0.0/16");
            let [(table, protocol, metric, _)] = found.as_slice() else { panic!("{new}: {found:?}") };
            assert_eq!((*table, *protocol, *metric), (settings.table, settings.protocol, settings.metric));
            let left: Vec<_> =
                world.hosts[IN_0].kernel.others.iter().flat_map(|(_, table)| table.routes.keys()).collect();
            assert_eq!(left.len(), 2, "others' routes stay: {left:?}");
            assert!(
                world.hosts[IN_0].kernel.others.iter().all(|(_, table)| table.groups.is_empty()),
                "{}",
                story(&world)
            );
            assert_eq!(world.hosts[IN_0].kernel.harm, Vec::<String>::new());
            assert!(world.run_until(Duration::from_secs(5), all_up), "{}", story(&world));
        }
    }
}

#[test]
fn one_that_is_killed_before_the_leftovers_are_gone_still_sweeps_them_the_next_time() {
    for seed in 0..10 {
        let mut world = started(seed);
        world.kill(IN_0);
        world.hosts[IN_0].file = format!("{GATEWAY}\n[kernel]\nprotocol = 180\n");
        world.start(IN_0);
        let when = Duration::from_millis(world.chance.u64(..3_000));
        world.run_until(when, |_| false);
        world.kill(IN_0);
        world.start(IN_0);
        let clean = |world: &World| {
            world.hosts[IN_0].kernel.others.iter().all(|(_, table)| *table == twinspan::fib::Table::default())
        };
        assert!(world.run_until(Duration::from_secs(60), |world| clean(world) && all_up(world)), "{}", story(&world));
    }
}
