//! What each fault does to the pair, and how long.

use std::time::Duration;

use super::world::{HELLO, LATE, LEASE, Process, World};
use crate::role::machine::SETTLE;
use crate::role::{Input, Refusal, Stance, Why, Wish};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// As long as a hello and a turn take.
const MOMENT: Duration = Duration::from_millis(60);

#[test]
fn r1_of_two_that_start_together_one_is_active_and_only_one() {
    let mut world = World::new();
    world.pass(seconds(5));
    assert!(world.active(0) && !world.active(1), "{}", world.show());
    assert_eq!((world.both_think, world.nodes[0].takes, world.nodes[1].takes), (Duration::ZERO, 1, 0));
}

#[test]
fn the_higher_priority_is_active_of_two_that_start_together() {
    let mut world = World::with(&|me, settings| {
        (settings.priority, settings.twin_priority) = if me == 1 { (200, 100) } else { (100, 200) };
    });
    world.pass(seconds(5));
    assert!(world.active(1) && !world.active(0), "{}", world.show());
}

#[test]
fn an_instance_whose_twin_never_comes_up_serves_alone() {
    let mut world = World::new();
    world.lose(1);
    let after = world.until(|world| world.active(0));
    assert!(after < seconds(2), "{after:?}");
    assert!(matches!(world.nodes[0].machine.view().why, Why::Unanswered(_)));
}

#[test]
fn r2_the_standby_takes_over_when_the_host_of_the_active_is_gone() {
    let mut world = World::settled();
    world.lose(0);
    let after = world.until(|world| world.active(1));
    assert!(after <= HELLO * 3 + Duration::from_millis(550), "{after:?}");
}

#[test]
fn bfd_makes_a_takeover_faster() {
    let mut world = World::settled();
    world.lose(0);
    world.pass(Duration::from_millis(300));
    world.tell(1, Input::Bfd(Some(false)));
    let after = world.until(|world| world.active(1));
    assert!(after <= Duration::from_millis(450), "{after:?}");
    assert_eq!(world.both_hold, Duration::ZERO);
}

#[test]
fn r5_the_kernel_lets_the_address_of_a_killed_active_run_out_and_then_the_standby_takes_over() {
    let mut world = World::settled();
    world.kill(0);
    let after = world.until(|world| world.active(1));
    assert!(after <= LEASE + LATE + Duration::from_millis(550), "{after:?}");
    assert_eq!(world.both_hold, Duration::ZERO);
    assert_eq!(world.nodes[1].stays.len(), 1, "it says why it waits, once");
}

#[test]
fn a_stopped_active_loses_the_address_and_does_not_believe_in_itself_when_it_wakes_up() {
    let mut world = World::settled();
    world.nodes[0].process = Process::Paused;
    let after = world.until(|world| world.active(1));
    assert!(after <= LEASE + LATE + Duration::from_millis(550), "{after:?}");
    world.pass(seconds(30));
    world.nodes[0].process = Process::Runs;
    world.pass(seconds(10));
    assert_eq!((world.both_hold, world.both_think), (Duration::ZERO, Duration::ZERO), "{}", world.show());
    assert!(world.active(1) && world.nodes[0].gives == 1, "{}", world.show());
}

#[test]
fn an_active_that_was_stopped_for_less_than_its_lease_goes_on() {
    let mut world = World::settled();
    world.nodes[0].process = Process::Paused;
    world.pass(LEASE / 2 - Duration::from_millis(20));
    world.nodes[0].process = Process::Runs;
    world.pass(seconds(10));
    assert!(world.active(0) && world.nodes[0].gives == 0 && world.nodes[1].takes == 0, "{}", world.show());
}

#[test]
fn a_standby_that_was_stopped_asks_before_it_believes_that_the_twin_is_silent() {
    let mut world = World::settled_with(&|_, settings| settings.ask = false);
    world.nodes[1].process = Process::Paused;
    world.deaf[1] = true; // nothing waits for it when it wakes up
    world.pass(seconds(30));
    (world.nodes[1].process, world.deaf[1]) = (Process::Runs, false);
    world.pass(seconds(10));
    assert!(world.active(0) && world.nodes[1].takes == 0, "{}", world.show());
}

#[test]
fn while_the_twin_link_is_cut_the_standby_waits_as_long_as_somebody_answers_for_the_address() {
    let mut world = World::settled();
    world.cut_link(true);
    world.pass(seconds(60));
    assert!(world.active(0) && !world.active(1), "{}", world.show());
    assert_eq!(world.nodes[1].stays.len(), 1);
    assert!(world.nodes[1].machine.view().answers.is_some());
    // The active dies: the standby sees that on the network side.
    world.lose(0);
    let after = world.until(|world| world.active(1));
    assert!(after < seconds(1), "{after:?}");
    assert_eq!((world.both_hold, world.both_think), (Duration::ZERO, Duration::ZERO));
}

#[test]
fn with_both_ways_cut_both_are_active_and_it_ends_within_a_hello_when_they_meet_on_the_link() {
    let mut world = World::settled();
    world.cut_link(true);
    world.split = true;
    world.until(|world| world.active(1));
    assert!(world.active(0), "it cannot know");
    world.pass(seconds(10));
    world.cut_link(false);
    let after = world.until(|world| !world.active(0) || !world.active(1));
    assert!(after <= HELLO + MOMENT, "{after:?}");
    assert!(world.active(1), "the later claim is the stronger one");
    world.split = false;
    world.pass(seconds(5));
    assert!(world.active(1) && !world.active(0) && world.nodes[1].announces > 0, "{}", world.show());
}

#[test]
fn with_both_ways_cut_it_ends_when_they_meet_on_the_network_side_alone() {
    for first in [false, true] {
        let mut world = World::settled_with(&|me, settings| {
            if first {
                (settings.priority, settings.twin_priority) = if me == 0 { (200, 100) } else { (100, 200) };
            }
        });
        world.cut_link(true);
        world.split = true;
        world.until(|world| world.active(1));
        world.pass(seconds(10));
        world.split = false;
        let after = world.until(|world| !world.active(0) || !world.active(1));
        assert!(after <= LEASE / 2 + Duration::from_millis(350), "{after:?}");
        world.pass(seconds(20));
        assert!(world.active(0) && !world.active(1), "the earlier name or the higher priority: {}", world.show());
        assert!(world.nodes[0].announces > 0, "the network must believe the right one again");
    }
}

#[test]
fn an_active_whose_twin_is_silent_asks_twice_in_a_lease_whenever_the_network_side_comes_back() {
    for phase in 0..25 {
        let mut world = World::settled();
        world.cut_link(true);
        world.split = true;
        world.until(|world| world.active(1));
        world.pass(seconds(10) + Duration::from_millis(50) * phase);
        world.split = false;
        let after = world.until(|world| !world.active(0) || !world.active(1));
        assert!(after <= LEASE / 2 + MOMENT, "{after:?} in phase {phase}");
    }
}

#[test]
fn a_host_that_was_stopped_as_a_whole_gives_way_to_the_later_claim_with_the_first_hello() {
    for phase in 0..20 {
        let mut world = World::settled();
        // Its kernel counts no time and answers nobody, and nothing waits for it.
        let left = world.nodes[0].address.take().map(|until| until.since(world.now));
        (world.nodes[0].process, world.deaf[0]) = (Process::Paused, true);
        world.until(|world| world.active(1));
        world.pass(Duration::from_millis(10) * phase);
        world.nodes[0].address = left.map(|left| world.now + left);
        (world.nodes[0].process, world.deaf[0]) = (Process::Runs, false);
        world.pass(seconds(10));
        // Unless the other found its address on the network side before: then that one has given way.
        assert!(world.active(0) != world.active(1), "{}", world.show());
        assert!(world.longest <= HELLO + MOMENT, "{:?} in phase {phase}", world.longest);
    }
}

#[test]
fn one_way_cuts_of_the_twin_link_change_nothing() {
    for deaf in 0..2 {
        let mut world = World::settled();
        world.deaf[deaf] = true;
        world.pass(seconds(60));
        assert!(world.active(0) && !world.active(1) && world.nodes[1].takes == 0, "{}", world.show());
    }
}

#[test]
fn a_one_way_cut_with_the_network_side_cut_too_ends_the_old_claim_at_once() {
    let mut world = World::settled();
    world.deaf[1] = true;
    world.split = true;
    world.until(|world| world.active(1));
    world.pass(HELLO + MOMENT);
    assert!(!world.active(0) && world.longest <= HELLO + MOMENT, "{} {:?}", world.show(), world.longest);
}

#[test]
fn a_slow_twin_is_no_dead_one() {
    let mut world = World::settled();
    world.delay = [seconds(2), seconds(2)];
    world.pass(seconds(60));
    assert!(world.active(0) && world.nodes[1].takes == 0 && world.nodes[0].gives == 0, "{}", world.show());
    world.loss = 70;
    world.pass(seconds(60));
    assert!(world.active(0) && world.nodes[1].takes == 0 && world.nodes[0].gives == 0, "{}", world.show());
}

#[test]
fn nobody_is_preempted_unless_the_file_says_so() {
    let file = |preempt| {
        move |me: usize, settings: &mut crate::role::Settings| {
            (settings.priority, settings.twin_priority) = if me == 0 { (200, 100) } else { (100, 200) };
            settings.preempt = preempt;
        }
    };
    for preempt in [false, true] {
        let mut world = World::settled_with(&file(preempt));
        world.lose(0);
        world.until(|world| world.active(1));
        world.start(0);
        world.pass(seconds(60));
        assert_eq!((world.active(0), world.active(1)), (preempt, !preempt), "{}", world.show());
        assert!(world.both_think <= MOMENT, "{:?}", world.both_think);
    }
}

#[test]
fn a_planned_takeover_is_done_within_a_moment_and_never_leaves_nobody() {
    let mut world = World::settled();
    assert_eq!(world.wish(0, Wish::Standby), Ok(()));
    let after = world.until(|world| world.active(1) && !world.active(0));
    assert!(after <= MOMENT && world.nobody == Duration::ZERO, "{after:?}");
    assert!(world.both_hold <= MOMENT);
    world.pass(seconds(60));
    assert!(world.active(1) && !world.active(0), "it stays so: {}", world.show());
    // And back, asked for at the other end.
    assert_eq!(world.wish(0, Wish::Active), Ok(()));
    let after = world.until(|world| world.active(0) && !world.active(1));
    assert!(after <= MOMENT * 2, "{after:?}");
}

#[test]
fn a_person_cannot_give_the_role_to_nobody_unless_it_is_forced() {
    let mut world = World::settled();
    world.lose(1);
    world.pass(seconds(5));
    assert!(matches!(world.wish(0, Wish::Standby), Err(Refusal::TwinSilent(_))));
    assert!(world.active(0));
    assert_eq!(world.wish(0, Wish::GiveUp), Ok(()));
    world.pass(seconds(60));
    assert!(!world.active(0), "it stays given up");
    assert_eq!(world.wish(0, Wish::Active), Ok(()));
    world.until(|world| world.active(0));
}

#[test]
fn what_is_handed_over_to_a_twin_that_dies_just_then_is_kept() {
    let mut world = World::settled();
    assert_eq!(world.wish(0, Wish::Standby), Ok(()));
    world.lose(1);
    world.pass(seconds(60));
    assert!(world.active(0) && world.nodes[0].not_taken == 1, "{}", world.show());
    assert_eq!(world.nodes[0].machine.claim().stance, Stance::Active);
}

#[test]
fn an_active_that_is_unfit_hands_over_to_a_twin_that_is_fit_and_not_to_another() {
    let mut world = World::settled();
    world.tell(1, Input::Fit(false));
    world.pass(seconds(1));
    world.tell(0, Input::Fit(false));
    world.pass(seconds(60));
    assert!(world.active(0), "neither is fit: {}", world.show());
    world.tell(1, Input::Fit(true));
    let after = world.until(|world| world.active(1) && !world.active(0));
    assert!(after <= HELLO + MOMENT, "{after:?}");
    assert_eq!(world.nodes[0].machine.view().why, Why::Yielded("it is not fit to serve".to_owned()));
}

#[test]
fn two_that_are_unfit_by_turns_do_not_hand_the_role_to_and_fro() {
    let mut world = World::settled();
    for turn in 0..240_usize {
        let active = usize::from(world.active(1));
        world.tell(active, Input::Fit(false));
        world.tell(1 - active, Input::Fit(true));
        world.pass(Duration::from_millis(500));
        let moves = world.nodes[0].takes + world.nodes[1].takes;
        assert!(moves <= 10, "{moves} after {turn} half seconds");
    }
    assert!(world.nodes[1].takes > 1, "it does move: {}", world.show());
    let _ = SETTLE;
}

#[test]
fn one_that_ends_cleanly_is_followed_at_once() {
    let mut world = World::settled();
    world.tell(0, Input::Willing(false));
    world.kill(0);
    let after = world.until(|world| world.active(1));
    assert!(after <= MOMENT, "{after:?}");
}

#[test]
fn one_that_is_drained_takes_over_from_nobody() {
    let mut world = World::settled();
    world.tell(1, Input::Willing(false));
    world.pass(seconds(1));
    assert!(matches!(world.wish(0, Wish::Standby), Err(Refusal::TwinAway(_))));
    world.lose(0);
    world.pass(seconds(60));
    assert!(!world.active(1), "{}", world.show());
    world.tell(1, Input::Willing(true));
    world.until(|world| world.active(1));
}

#[test]
fn an_active_that_is_killed_and_started_again_goes_on_if_its_claim_has_not_run_out() {
    let mut world = World::settled();
    world.kill(0);
    world.pass(seconds(1));
    world.start(0);
    assert!(world.active(0));
    world.pass(seconds(30));
    assert!(world.active(0) && world.nodes[1].takes == 0 && world.nobody == Duration::ZERO, "{}", world.show());
    assert!(world.nodes[0].machine.view().term > world.nodes[1].machine.settings().lease.as_secs() - 2);
    // Its claim is the last one again.
    let terms = [0, 1].map(|me| world.nodes[me].machine.view().term);
    assert_eq!(terms[0], terms[1]);
}

#[test]
fn an_active_that_is_killed_and_started_again_too_late_follows_the_twin() {
    let mut world = World::settled();
    world.kill(0);
    world.until(|world| world.active(1));
    world.start(0);
    world.pass(seconds(30));
    assert!(world.active(1) && !world.active(0) && world.both_hold == Duration::ZERO, "{}", world.show());
}

#[test]
fn without_a_network_side_to_ask_a_silent_twin_is_given_the_time_in_which_its_claim_runs_out() {
    let mut world = World::settled_with(&|_, settings| settings.ask = false);
    world.nodes[0].process = Process::Paused;
    let after = world.until(|world| world.active(1));
    assert!(after > LEASE + LATE && after <= LEASE + Duration::from_millis(1_400), "{after:?}");
    assert_eq!(world.both_hold, Duration::ZERO, "the kernel has let the address of the stopped one go");
    world.nodes[0].process = Process::Runs;
    world.pass(seconds(5));
    assert!(world.active(1) && !world.active(0) && world.both_think == Duration::ZERO, "{}", world.show());
}
