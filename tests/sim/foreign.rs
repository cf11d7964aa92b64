//! Other programs change what is ours in the kernel of a gateway at rest.

use std::time::Duration;

use twinspan::fib::{Author, Change, Foreign, Target};
use twinspan::speaker::Input;

use crate::{IN_0, all_up, started, story};

fn by_ip(changes: Vec<Change>) -> Input {
    let by = Author { port: 4_711, program: Some("ip".to_owned()) };
    Input::Foreign(changes.into_iter().map(|change| Foreign { change, by: by.clone() }).collect())
}

#[test]
fn what_another_program_takes_away_is_back_within_a_second_and_told_of_with_its_name() {
    for seed in 0..10 {
        let mut world = started(seed);
        let before = world.hosts[IN_0].kernel.table.clone();
        let prefix = "10.52.0.0/16".parse().unwrap();
        world.hosts[IN_0].kernel.table.routes.remove(&prefix);
        world.tell(IN_0, by_ip(vec![Change::RouteDeleted { prefix, protocol: 179 }]));
        let group = *before.groups.keys().next().unwrap();
        let table = &mut world.hosts[IN_0].kernel.table;
        table.groups.remove(&group);
        table.routes.retain(|_, target| *target != Target::Group(group));
        world.tell(IN_0, by_ip(vec![Change::IdDeleted(group)]));
        let same = |world: &crate::World| world.hosts[IN_0].kernel.table == before;
        assert!(world.run_until(Duration::from_secs(1), same), "seed {seed}\n{}", story(&world));
        assert!(world.told(IN_0, "ip (process 4711) deleted route 10.52.0.0/16: put back"), "{}", story(&world));
    }
}

#[test]
fn changes_that_were_lost_are_found_by_reading_the_kernel() {
    for seed in 0..10 {
        let mut world = started(seed);
        let before = world.hosts[IN_0].kernel.table.clone();
        // They go on while the kernel is read, and after.
        for _ in 0..5 {
            world.hosts[IN_0].kernel.table.routes.clear();
            world.tell(IN_0, Input::ForeignMissed);
            world.run_until(Duration::from_millis(700), |_| false);
        }
        let same = |world: &crate::World| world.hosts[IN_0].kernel.table == before && all_up(world);
        assert!(world.run_until(Duration::from_secs(2), same), "seed {seed}\n{}", story(&world));
    }
}
