//! Random faults: what never happens, and what always comes in the end.

use std::time::Duration;

use super::world::{HELLO, LEASE, Process, World};
use crate::role::{Input, Wish};

/// Whatever happened, two that can meet are one active within this: a question on the network side, and its answer.
const BOUND: Duration = Duration::from_millis(1_500);

#[test]
fn whatever_fails_two_that_can_meet_are_not_both_active_for_longer_than_the_bound_and_one_is_in_the_end() {
    for seed in 0..300 {
        let mut chance = fastrand::Rng::with_seed(seed);
        let mut world = World::with(&|me, settings| {
            (settings.priority, settings.twin_priority) = if me == 0 { (110, 100) } else { (100, 110) };
            settings.preempt = seed % 2 == 0;
        });
        let mut meeting = Duration::ZERO;
        for _ in 0..40 {
            let me = chance.usize(0..2);
            match chance.u8(0..12) {
                0 => world.cut_link(chance.bool()),
                1 => world.deaf[me] = chance.bool(),
                2 => world.split = chance.bool(),
                3 => world.loss = chance.u8(0..60),
                4 => world.delay[me] = Duration::from_millis(chance.u64(10..700)),
                5 if world.nodes[me].process == Process::Runs => world.nodes[me].process = Process::Paused,
                6 if world.nodes[me].process == Process::Paused => world.nodes[me].process = Process::Runs,
                7 => world.kill(me),
                8 => world.lose(me),
                9 if world.nodes[me].process == Process::Dead => world.start(me),
                10 if world.nodes[me].process == Process::Runs => world.tell(me, Input::Fit(chance.bool())),
                11 if world.nodes[me].process == Process::Runs => {
                    let wish = if chance.bool() { Wish::Active } else { Wish::Standby };
                    let _ = world.wish(me, wish);
                }
                _ => {}
            }
            for _ in 0..chance.u32(1..40) {
                world.pass(Duration::from_millis(100));
                // They meet on the network side, where both have the address and one of them can do something.
                let running = world.active(0) && world.active(1);
                let meets = running && !world.split;
                meeting = if meets { meeting + Duration::from_millis(100) } else { Duration::ZERO };
                let bound = BOUND + world.delay[0].max(world.delay[1]) * 2;
                assert!(meeting <= bound, "seed {seed}: {meeting:?}: {}", world.show());
            }
        }
        world.cut_link(false);
        (world.split, world.loss, world.delay) = (false, 0, [Duration::from_millis(10); 2]);
        for me in 0..2 {
            match world.nodes[me].process {
                Process::Runs => {}
                Process::Paused => world.nodes[me].process = Process::Runs,
                Process::Dead => world.start(me),
            }
            world.tell(me, Input::Fit(true));
        }
        world.pass(LEASE * 2 + HELLO * 20);
        assert!(world.active(0) != world.active(1), "seed {seed}: {}", world.show());
        assert!(world.holds(0) != world.holds(1), "seed {seed}: {}", world.show());
    }
}

#[test]
fn a_stopped_process_never_makes_two_holders_of_the_address_while_the_network_side_is_whole() {
    for seed in 0..200 {
        let mut chance = fastrand::Rng::with_seed(seed);
        let mut world = World::settled();
        for _ in 0..30 {
            let me = chance.usize(0..2);
            match chance.u8(0..3) {
                0 => world.cut_link(chance.bool()),
                1 => {
                    let process = &mut world.nodes[me].process;
                    *process = if *process == Process::Runs { Process::Paused } else { Process::Runs };
                }
                _ => world.deaf[me] = chance.bool(),
            }
            world.pass(Duration::from_millis(chance.u64(10..4_000)));
        }
        assert!(world.longest <= HELLO, "seed {seed}: {:?}: {}", world.longest, world.show());
    }
}
