//! The machine against a model kernel that has no room.

use std::{net::Ipv4Addr, time::Duration};

use crate::types::Prefix;
use crate::types::Time;

use super::tests::*;
use super::*;

fn many(count: u32) -> impl Iterator<Item = Prefix> {
    (0..count).map(|number| Prefix::new(Ipv4Addr::from(0x0b00_0000 + (number << 8)).into(), 24).unwrap())
}

#[test]
fn a_full_kernel_is_asked_for_little_and_seldom_and_for_all_again_when_it_has_room() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    kernel.room = Some(1_000);
    many(10_000).for_each(|prefix| fib.want(prefix, &hops(&[1, 2]), &[]));
    let asked = run(&mut fib, &mut kernel, Time::START).len();
    let full = fib.no_room().expect("it says so");
    assert_eq!((kernel.table.routes.len(), full.waiting, fib.totals().failed), (1_000, 9_000, 9_000));
    assert!(asked < 6_000, "what is under way is refused, and no more is asked: {asked}");
    assert!(matches!(fib.route(&many(10_000).last().unwrap()).unwrap().state, RouteState::Failed { .. }));
    let (mut now, mut asked) = (Time::START, 0);
    for _ in 0..10 {
        now = fib.deadline().unwrap();
        asked += run(&mut fib, &mut kernel, now).len();
    }
    assert!(asked <= 640 && now.since(Time::START) >= Duration::from_secs(150), "{asked} by {now}");
    kernel.room = Some(4_000);
    now = fib.deadline().unwrap();
    run(&mut fib, &mut kernel, now);
    assert_eq!(
        (kernel.table.routes.len(), fib.no_room().unwrap().waiting),
        (4_000, 6_000),
        "all that there is room for"
    );
    kernel.room = None;
    now = fib.deadline().unwrap();
    run(&mut fib, &mut kernel, now);
    assert_eq!((kernel.table.routes.len(), fib.no_room(), fib.totals().failed), (10_000, None, 0));
}

#[test]
fn in_a_full_kernel_what_is_there_moves_and_goes_and_its_room_is_used_within_a_second() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    kernel.room = Some(100);
    many(300).for_each(|prefix| fib.want(prefix, &hops(&[1, 2]), &[]));
    run(&mut fib, &mut kernel, Time::START);
    let mut now = Time::START;
    for _ in 0..6 {
        now = fib.deadline().unwrap();
        run(&mut fib, &mut kernel, now); // the pauses are long by now
    }
    let held: Vec<Prefix> = kernel.table.routes.keys().copied().collect();
    held.iter().take(50).for_each(|prefix| fib.want(*prefix, &hops(&[3]), &[]));
    held.iter().skip(80).for_each(|prefix| fib.unwant(prefix));
    run(&mut fib, &mut kernel, now);
    assert_eq!(kernel.table.routes.len(), 80);
    let moved = *kernel.table.routes.get(&held[0]).unwrap();
    assert_ne!(Some(&moved), kernel.table.routes.get(&held[60]));
    // Host routes are never held back: sessions need them.
    fib.want_link(prefix(4), link(1));
    run(&mut fib, &mut kernel, now);
    assert!(kernel.table.routes.contains_key(&prefix(4)));
    run(&mut fib, &mut kernel, now + Duration::from_secs(1));
    assert_eq!(kernel.table.routes.len(), 100);
    fib.link_down(link(1));
    kernel.link_down(link(1), false);
    run(&mut fib, &mut kernel, now + Duration::from_secs(1));
    let group = kernel.table.routes.values().find(|target| matches!(target, Target::Group(_))).unwrap();
    assert!(matches!(group, Target::Group(id) if !links(&kernel, *id).contains(&link(1))));
    // Nobody wants what waits any more: then nothing is wrong.
    many(300).for_each(|prefix| fib.unwant(&prefix));
    fib.unwant_link(&prefix(4));
    run(&mut fib, &mut kernel, now + Duration::from_secs(40));
    assert_eq!((kernel.table.routes.len(), fib.totals().failed, fib.no_room()), (0, 0, None));
}

#[test]
fn a_group_that_there_is_no_memory_for_holds_up_nobody_else() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    fib.want(prefix(0), &hops(&[1, 2]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    kernel.memory = Some(kernel.table.next_hops.len() + kernel.table.groups.len());
    fib.want(prefix(2), &hops(&[3]), &[]);
    many(100).for_each(|prefix| fib.want(prefix, &hops(&[1, 2]), &[]));
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table.routes.len(), 101);
    let full = fib.no_room().unwrap();
    assert_eq!((full.waiting, full.objects > 0), (0, true));
    kernel.memory = None;
    let mut now = Time::START;
    for _ in 0..4 {
        now = fib.deadline().map_or(now, |due| due.max(now));
        run(&mut fib, &mut kernel, now);
    }
    assert_eq!((kernel.table.routes.len(), fib.no_room()), (102, None));
}
