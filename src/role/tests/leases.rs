//! The election by etcd, and the one by somebody outside.

use std::time::Duration;

use super::world::{HELLO, LEASE, Process, TTL, World};
use crate::role::{Election, Input, Refusal, Settings, Stance, Why, Wish};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn etcd(_: usize, settings: &mut Settings) {
    settings.election = Election::Etcd;
}

fn external(_: usize, settings: &mut Settings) {
    settings.election = Election::External;
}

#[test]
fn one_of_two_gets_the_lease_and_is_active() {
    let world = World::settled_with(&etcd);
    assert_eq!(world.nodes[0].machine.view().why, Why::Granted);
    assert_eq!(world.nodes[1].takes, 0);
}

#[test]
fn a_dead_holder_is_followed_when_its_lease_has_run_out() {
    let mut world = World::settled_with(&etcd);
    world.lose(0);
    let after = world.until(|world| world.active(1));
    assert!(after <= TTL + HELLO * 5, "{after:?}");
}

#[test]
fn a_stopped_holder_has_lost_the_address_before_the_lease_is_free() {
    let mut world = World::settled_with(&etcd);
    world.nodes[0].process = Process::Paused;
    world.until(|world| world.active(1));
    assert!(!world.holds(0));
    world.pass(seconds(5));
    world.nodes[0].process = Process::Runs;
    world.pass(seconds(10));
    assert_eq!((world.both_hold, world.both_think), (Duration::ZERO, Duration::ZERO), "{}", world.show());
}

#[test]
fn a_holder_that_etcd_is_cut_from_gives_up_before_the_lease_ends_and_the_other_takes_over() {
    let mut world = World::settled_with(&etcd);
    world.no_etcd[0] = true;
    let after = world.until(|world| !world.active(0));
    assert!(after < TTL, "{after:?}");
    assert!(matches!(world.nodes[0].machine.view().why, Why::LeaseLost(_)));
    world.until(|world| world.active(1));
    world.pass(seconds(10));
    assert_eq!((world.both_hold, world.both_think), (Duration::ZERO, Duration::ZERO), "{}", world.show());
}

#[test]
fn with_the_twin_link_cut_the_lease_alone_decides() {
    let mut world = World::settled_with(&etcd);
    world.cut_link(true);
    world.split = true;
    world.pass(seconds(60));
    assert!(world.active(0) && world.nodes[1].takes == 0, "{}", world.show());
    world.lose(0);
    world.until(|world| world.active(1));
    assert_eq!((world.both_hold, world.both_think), (Duration::ZERO, Duration::ZERO));
}

#[test]
fn without_etcd_nobody_is_active_and_with_it_again_somebody_is() {
    let mut world = World::settled_with(&etcd);
    world.no_etcd = [true; 2];
    world.pass(seconds(30));
    assert!(!world.active(0) && !world.active(1));
    world.no_etcd = [false; 2];
    let after = world.until(|world| world.active(0) || world.active(1));
    assert!(after <= seconds(2), "{after:?}");
    world.pass(seconds(10));
    assert_eq!((world.both_hold, world.both_think), (Duration::ZERO, Duration::ZERO));
}

#[test]
fn a_holder_that_is_told_to_lets_the_lease_go_and_the_twin_has_it_within_a_second() {
    let mut world = World::settled_with(&etcd);
    assert_eq!(world.wish(0, Wish::Standby), Ok(()));
    let after = world.until(|world| world.active(1));
    assert!(after <= seconds(1), "{after:?}");
    world.pass(seconds(30));
    assert!(world.active(1) && !world.active(0), "{}", world.show());
}

#[test]
fn an_unfit_holder_lets_the_lease_go_to_a_fit_twin() {
    let mut world = World::settled_with(&etcd);
    world.tell(0, Input::Fit(false));
    let after = world.until(|world| world.active(1));
    assert!(after <= seconds(1), "{after:?}");
}

#[test]
fn somebody_outside_decides_alone() {
    let mut world = World::with(&external);
    world.pass(seconds(10));
    assert!(!world.active(0) && !world.active(1), "nobody was told to");
    assert_eq!(world.wish(1, Wish::Active), Ok(()));
    world.pass(seconds(1));
    assert!(world.active(1));
    assert!(matches!(world.wish(0, Wish::Active), Err(Refusal::TwinActive(_))));
    world.lose(1);
    world.pass(seconds(60));
    assert!(!world.active(0), "silence alone decides nothing");
    assert_eq!(world.wish(0, Wish::Active), Ok(()));
    assert!(world.active(0));
    assert_eq!(world.wish(0, Wish::Standby), Ok(()));
    assert_eq!(world.nodes[0].machine.claim().stance, Stance::Standby);
}

#[test]
fn one_that_was_told_and_then_stopped_must_be_told_again() {
    let mut world = World::with(&external);
    assert_eq!(world.wish(0, Wish::Active), Ok(()));
    world.pass(seconds(1));
    world.nodes[0].process = Process::Paused;
    world.pass(LEASE * 2);
    assert!(!world.holds(0));
    world.nodes[0].process = Process::Runs;
    world.pass(seconds(10));
    assert!(!world.active(0) && !world.holds(0), "{}", world.show());
}
