//! The plan and the machine against a model kernel.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use crate::types::Family;
use crate::types::Hop;
use crate::types::LinkIndex;
use crate::types::Prefix;
use crate::types::Time;
use crate::types::Weight;

use super::model::Model;
use super::*;

mod detour;
mod random;

pub(super) fn link(number: u32) -> LinkIndex {
    LinkIndex::new(number).unwrap()
}

fn hop(number: u32) -> Hop {
    let gateway = IpAddr::V4(Ipv4Addr::from(0x0a63_0001 + (number << 8)));
    Hop { link: link(number), gateway: Some(gateway), weight: Weight::ONE }
}

pub(super) fn hops(set: &[u32]) -> Vec<Hop> {
    set.iter().map(|number| hop(*number)).collect()
}

pub(super) fn prefix(number: u8) -> Prefix {
    if number.is_multiple_of(2) {
        Prefix::new(Ipv4Addr::new(10, number, 0, 0).into(), 16).unwrap()
    } else {
        format!("2001:db8:{number:x}::/48").parse().unwrap()
    }
}

pub(super) fn settings() -> Settings {
    Settings { first_id: 1000, buckets: 8, ..Settings::default() }
}

pub(super) fn model() -> Model {
    Model { up: (1..=4).map(link).collect(), ..Model::default() }
}

/// Runs the machine against the model until it has nothing to do now.
pub(super) fn run(fib: &mut Fib, kernel: &mut Model, now: Time) -> Vec<Op> {
    let mut done = Vec::new();
    fib.settle();
    while let Some(batch) = fib.next_batch(now) {
        let failures = carry_out(kernel, &batch);
        done.extend(batch.ops.iter().cloned());
        fib.done(now, batch.id, failures);
    }
    assert_eq!(kernel.harm, Vec::<String>::new());
    assert!(fib.settled());
    done
}

fn carry_out(kernel: &mut Model, batch: &Batch) -> Vec<Failure> {
    let tried = batch.ops.iter().enumerate();
    tried.filter_map(|(index, op)| kernel.apply(op).err().map(|error| Failure { index, error })).collect()
}

/// Where the members of a group lead, in their order.
pub(super) fn links(kernel: &Model, group: u32) -> Vec<LinkIndex> {
    kernel.table.groups[&group].members.iter().map(|(hop, _)| kernel.table.next_hops[hop].link).collect()
}

#[test]
fn routes_over_the_same_hops_share_one_group_whatever_the_order() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    fib.want(prefix(0), &hops(&[1, 2]), &[]);
    fib.want(prefix(2), &hops(&[2, 1]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table.groups.len(), 1);
    assert_eq!(kernel.table.next_hops.len(), 2);
    assert_eq!(kernel.table.routes[&prefix(0)], kernel.table.routes[&prefix(2)]);
}

#[test]
fn a_group_keeps_its_id_and_its_routes_are_not_touched_when_a_link_goes_and_returns() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    fib.want(prefix(0), &hops(&[1, 2]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    let before = kernel.table.clone();
    kernel.link_down(link(1), false);
    fib.link_down(link(1));
    assert_eq!(fib.mirror(), kernel.table);
    let ops = run(&mut fib, &mut kernel, Time::START);
    let [Op::AddNextHop(_), Op::SetGroup(group)] = ops.as_slice() else { panic!("{ops:?}") };
    assert_eq!(links(&kernel, group.id), [link(2), link(2)], "one that carries, and a keeper");
    kernel.up.insert(link(1));
    fib.link_up(link(1));
    let ops = run(&mut fib, &mut kernel, Time::START);
    assert!(matches!(ops.as_slice(), [Op::AddNextHop(_), Op::SetGroup(_)]), "{ops:?}");
    assert_eq!((&kernel.table.groups, &kernel.table.routes), (&before.groups, &before.routes));
}

#[test]
fn when_the_last_tunnel_goes_the_kernel_falls_to_the_backup_by_itself_and_keeps_the_routes() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    for number in 0..6 {
        fib.want(prefix(number * 2), &hops(&[1]), &hops(&[3]));
    }
    run(&mut fib, &mut kernel, Time::START);
    let (before, writes) = (kernel.table.clone(), kernel.route_writes);
    kernel.link_down(link(1), false);
    assert_eq!(kernel.table.routes, before.routes);
    fib.link_down(link(1));
    assert_eq!(run(&mut fib, &mut kernel, Time::START), vec![], "there is nothing left to do");
    assert!(fib.groups()[0].on_backups && fib.mirror() == kernel.table);
    kernel.up.insert(link(1));
    fib.link_up(link(1));
    let ops = run(&mut fib, &mut kernel, Time::START);
    let [Op::AddNextHop(_), Op::SetGroup(home), Op::SetGroup(rest)] = ops.as_slice() else { panic!("{ops:?}") };
    assert_eq!((home.idle_timer, rest.idle_timer), (Duration::ZERO, settings().idle_timer), "busy flows too");
    assert_eq!((kernel.table, kernel.route_writes), (before, writes));
}

#[test]
fn when_the_last_far_end_is_silent_all_routes_fall_to_the_backup_with_one_message() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    for number in 0..6 {
        fib.want(prefix(number * 2), &hops(&[1, 2]), &hops(&[3, 4]));
    }
    run(&mut fib, &mut kernel, Time::START);
    let before = kernel.table.clone();
    fib.bar(Bar::Link(link(1)));
    run(&mut fib, &mut kernel, Time::START);
    fib.bar(Bar::Link(link(2)));
    let ops = run(&mut fib, &mut kernel, Time::START);
    let [Op::SetGroup(group)] = ops.as_slice() else { panic!("{ops:?}") };
    assert_eq!(links(&kernel, group.id), [link(3), link(4)]);
    assert_eq!(kernel.table.routes, before.routes);
    fib.unbar(Bar::Link(link(2)));
    fib.unbar(Bar::Link(link(1)));
    let ops = run(&mut fib, &mut kernel, Time::START);
    assert!(ops.iter().all(|op| matches!(op, Op::SetGroup(_))), "{ops:?}");
    assert_eq!(kernel.table, before);
}

#[test]
fn a_barred_hop_leaves_its_groups_with_one_message_each_and_comes_back_so() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    for number in 0..6 {
        fib.want(prefix(number * 2), &hops(&[1, 2]), &[]);
    }
    run(&mut fib, &mut kernel, Time::START);
    let before = kernel.table.clone();
    fib.bar(Bar::Gateway(hop(1).gateway.unwrap()));
    let ops = run(&mut fib, &mut kernel, Time::START);
    let [Op::AddNextHop(copy), Op::SetGroup(group)] = ops.as_slice() else { panic!("{ops:?}") };
    assert!(kernel.table.groups.values().eq([group]) && group.members[1] == (copy.id, Weight::ONE), "{ops:?}");
    assert!(links(&kernel, group.id) == [link(2), link(2)] && copy.link == link(2));
    fib.unbar(Bar::Gateway(hop(1).gateway.unwrap()));
    let ops = run(&mut fib, &mut kernel, Time::START);
    assert!(matches!(ops.as_slice(), [Op::SetGroup(_)]), "{ops:?}");
    assert_eq!((&kernel.table.groups, &kernel.table.routes), (&before.groups, &before.routes));
}

#[test]
fn a_group_of_barred_hops_alone_goes_with_its_routes_and_comes_back_with_them() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    for number in 0..6 {
        fib.want(prefix(number * 2), &hops(&[1, 2]), &[]);
    }
    run(&mut fib, &mut kernel, Time::START);
    let before = kernel.table.clone();
    fib.bar(Bar::Link(link(1)));
    fib.bar(Bar::Link(link(2)));
    let ops = run(&mut fib, &mut kernel, Time::START);
    assert!(matches!(ops.as_slice(), [Op::DeleteGroup(_)]), "{ops:?}");
    assert!(kernel.table.routes.is_empty() && fib.totals().routes == 0);
    fib.unbar(Bar::Link(link(2)));
    fib.unbar(Bar::Link(link(1)));
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table, before);
}

#[test]
fn a_barred_hop_of_an_earlier_run_leaves_its_groups_before_anybody_wants_them() {
    let (mut first, mut kernel) = (Fib::new(settings()), model());
    first.want(prefix(0), &hops(&[1, 2]), &[]);
    run(&mut first, &mut kernel, Time::START);
    let mut second = Fib::new(settings());
    second.adopt(kernel.table.clone());
    second.bar(Bar::Link(link(1)));
    let ops = run(&mut second, &mut kernel, Time::START);
    assert!(
        matches!(ops.as_slice(), [Op::AddNextHop(_), Op::SetGroup(group)] if links(&kernel, group.id) == [link(2), link(2)]),
        "{ops:?}"
    );
    assert_eq!(kernel.table.routes.len(), 1);
}

#[test]
fn a_group_that_vanished_comes_back_with_all_its_routes() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    for number in 0..6 {
        fib.want(prefix(number * 2), &hops(&[1]), &[]);
    }
    run(&mut fib, &mut kernel, Time::START);
    let before = kernel.table.clone();
    kernel.link_down(link(1), false);
    fib.link_down(link(1));
    assert_eq!((fib.mirror(), fib.totals().routes), (kernel.table.clone(), 0));
    kernel.up.insert(link(1));
    fib.link_up(link(1));
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table, before);
}

#[test]
fn late_news_of_a_link_leaves_no_stale_route() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    kernel.link_down(link(4), false);
    kernel.up.insert(link(4)); // it went and returned before we used it, and we hear of it only later
    fib.want(prefix(0), &hops(&[4]), &[]);
    fib.want(prefix(2), &hops(&[4]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    fib.want(prefix(2), &[], &[]);
    fib.link_down(link(4));
    fib.link_up(link(4));
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table.routes.keys().collect::<Vec<_>>(), [&prefix(0)]);
}

#[test]
fn a_route_given_up_while_its_group_is_put_back_after_late_news_goes_from_the_kernel() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    fib.want(prefix(0), &hops(&[1]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    fib.link_down(link(1)); // old news: the kernel has all of it
    fib.link_up(link(1));
    fib.want(prefix(2), &hops(&[1]), &[]);
    let back = fib.next_batch(Time::START).unwrap();
    fib.want(prefix(0), &[], &[]);
    let failures = carry_out(&mut kernel, &back);
    fib.done(Time::START, back.id, failures);
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table.routes.keys().collect::<Vec<_>>(), [&prefix(2)]);
}

#[test]
fn a_host_route_given_up_while_its_link_was_set_down_is_written_again_when_it_is_wanted_again() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    fib.want_link(prefix(0), link(1));
    run(&mut fib, &mut kernel, Time::START);
    kernel.link_down(link(1), true);
    kernel.up.insert(link(1));
    fib.unwant_link(&prefix(0));
    fib.link_down(link(1));
    fib.want_link(prefix(0), link(1));
    fib.link_up(link(1));
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table.routes[&prefix(0)], Target::Link(link(1)));
}

#[test]
fn a_route_on_its_way_while_its_group_vanishes_and_returns_is_written_again() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    fib.want(prefix(0), &hops(&[1]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    fib.want(prefix(2), &hops(&[1]), &[]);
    let route = fib.next_batch(Time::START).unwrap();
    let failures = carry_out(&mut kernel, &route);
    kernel.link_down(link(1), false);
    fib.link_down(link(1));
    kernel.up.insert(link(1));
    fib.link_up(link(1));
    let back = fib.next_batch(Time::START).unwrap();
    let later = carry_out(&mut kernel, &back);
    fib.done(Time::START, route.id, failures);
    fib.done(Time::START, back.id, later);
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table.routes.len(), 2);
}

#[test]
fn a_second_start_rewrites_nothing_and_sweeps_what_nobody_wants() {
    let (mut first, mut kernel) = (Fib::new(settings()), model());
    first.want(prefix(0), &hops(&[1, 2]), &[]);
    first.want(prefix(2), &hops(&[3]), &[]);
    first.want_link(prefix(4), link(1));
    run(&mut first, &mut kernel, Time::START);
    let (before, writes) = (kernel.table.clone(), kernel.route_writes);
    let mut second = Fib::new(settings());
    assert!(second.adopt(before.clone()));
    assert_eq!(run(&mut second, &mut kernel, Time::START), vec![]);
    second.want(prefix(0), &hops(&[2, 1]), &[]);
    second.want_link(prefix(4), link(1));
    assert_eq!(run(&mut second, &mut kernel, Time::START), vec![]);
    assert_eq!(second.route(&prefix(2)).unwrap().state, RouteState::Stale);
    second.sweep();
    run(&mut second, &mut kernel, Time::START);
    assert_eq!(kernel.route_writes, writes);
    assert!(!kernel.table.routes.contains_key(&prefix(2)));
    assert_eq!((kernel.table.groups.len(), kernel.table.next_hops.len()), (1, 2));
    second.want(prefix(6), &hops(&[4]), &[]);
    run(&mut second, &mut kernel, Time::START);
    assert!(kernel.table.groups.keys().max() > before.groups.keys().max(), "ids continue above what was found");
}

#[test]
fn what_an_earlier_run_left_over_a_hop_that_counts_no_more_goes_before_the_sweep() {
    for wanted in [false, true] {
        let (mut first, mut kernel) = (Fib::new(settings()), model());
        first.want(prefix(0), &hops(&[1, 2]), &[]);
        first.want(prefix(2), &hops(&[1]), &[]);
        first.want(prefix(4), &hops(&[2]), &[]);
        run(&mut first, &mut kernel, Time::START);
        let mut second = Fib::new(settings());
        assert!(second.adopt(kernel.table.clone()));
        if wanted {
            second.want(prefix(0), &hops(&[1, 2]), &[]);
            second.want(prefix(2), &hops(&[1]), &[]);
        }
        let writes = kernel.route_writes;
        second.strip(Bar::Link(link(1)));
        run(&mut second, &mut kernel, Time::START);
        let Target::Group(id) = kernel.table.routes[&prefix(0)] else { panic!("no group") };
        assert!(links(&kernel, id).iter().all(|led| *led == link(2)));
        assert!(!kernel.table.routes.contains_key(&prefix(2)) && kernel.table.routes.contains_key(&prefix(4)));
        assert_eq!(kernel.route_writes, writes, "one message a group");
        // It comes back, and says one of them.
        second.unwant(&prefix(2));
        second.want(prefix(2), &hops(&[1]), &[]);
        run(&mut second, &mut kernel, Time::START);
        assert!(kernel.table.routes.contains_key(&prefix(2)), "what is missing is put there at once");
        second.want(prefix(0), &hops(&[1, 2]), &[]);
        second.sweep();
        run(&mut second, &mut kernel, Time::START);
        assert_eq!(links(&kernel, id), [link(1), link(2)]);
        assert_eq!(kernel.table.routes.keys().copied().collect::<Vec<_>>(), [prefix(0), prefix(2)]);
    }
}

#[test]
fn what_somebody_removed_is_put_back_after_a_dump() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    fib.want(prefix(0), &hops(&[1, 2]), &[]);
    fib.want(prefix(2), &hops(&[1]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    let good = kernel.table.clone();
    kernel.table.routes.remove(&prefix(0));
    let gone = *kernel.table.groups.keys().max().unwrap();
    kernel.table.groups.remove(&gone);
    kernel.table.routes.retain(|_, target| *target != Target::Group(gone));
    fib.adopt(kernel.table.clone());
    fib.sweep();
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table, good);
}

#[test]
fn a_host_route_stands_before_what_the_session_over_it_teaches() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    fib.want(prefix(0), &hops(&[1]), &[]);
    fib.want_link(prefix(0), link(2));
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table.routes[&prefix(0)], Target::Link(link(2)));
    fib.want(prefix(0), &hops(&[3]), &[]);
    fib.unwant_link(&prefix(0));
    run(&mut fib, &mut kernel, Time::START);
    let Target::Group(id) = kernel.table.routes[&prefix(0)] else { panic!("no group") };
    assert_eq!(kernel.table.next_hops[&kernel.table.groups[&id].members[0].0].link, link(3));
}

#[test]
fn a_refused_route_is_kept_with_the_kernels_words_and_tried_again_later() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    kernel.foreign.insert(prefix(0));
    fib.want(prefix(0), &hops(&[1]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    let view = fib.route(&prefix(0)).unwrap();
    assert!(matches!(view.state, RouteState::Failed { count: 1, .. }), "{view:?}");
    assert_eq!(fib.totals().failed, 1);
    let again = fib.deadline().unwrap();
    assert_eq!(run(&mut fib, &mut kernel, Time::START + Duration::from_millis(1)), vec![]);
    kernel.foreign.clear();
    run(&mut fib, &mut kernel, again);
    assert_eq!(fib.route(&prefix(0)).unwrap().state, RouteState::Installed);
    assert_eq!(fib.totals().failed, 0);
}

#[test]
fn a_route_that_was_in_the_way_and_went_unseen_holds_ours_up_no_longer_than_to_the_next_reading() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    kernel.foreign.insert(prefix(0));
    fib.want(prefix(0), &hops(&[1]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    assert!(kernel.table.routes.is_empty());
    kernel.foreign.clear();
    fib.adopt(kernel.table.clone());
    fib.sweep();
    run(&mut fib, &mut kernel, Time::START);
    assert!(kernel.table.routes.contains_key(&prefix(0)), "before the time of the next try");
}

#[test]
fn a_route_whose_deletion_was_not_answered_is_written_when_it_is_wanted_again() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    fib.want(prefix(0), &hops(&[1]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    fib.want(prefix(0), &[], &[]);
    let batch = fib.next_batch(Time::START).unwrap();
    assert_eq!(carry_out(&mut kernel, &batch), []);
    let lost = KernelError { errno: KernelError::ETIMEDOUT, text: "lost".to_owned() };
    fib.done(Time::START, batch.id, vec![Failure { index: 0, error: lost }]);
    fib.want(prefix(0), &hops(&[1]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    assert!(kernel.table.routes.contains_key(&prefix(0)));
}

#[test]
fn a_route_that_is_refused_for_what_has_gone_meanwhile_is_tried_again_at_once() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    kernel.foreign.insert(prefix(0));
    fib.want(prefix(2), &hops(&[1]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    fib.want(prefix(0), &hops(&[1]), &[]);
    let batch = fib.next_batch(Time::START).unwrap();
    let refused = carry_out(&mut kernel, &batch);
    kernel.foreign.clear();
    let by = Author { port: 4_711, program: None };
    fib.foreign(&Foreign { change: Change::RouteDeleted { prefix: prefix(0), protocol: 99 }, by });
    fib.done(Time::START, batch.id, refused);
    run(&mut fib, &mut kernel, Time::START);
    assert!(kernel.table.routes.contains_key(&prefix(0)));
}

#[test]
fn a_member_that_the_kernel_refuses_does_not_keep_the_others_out() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    kernel.up.remove(&link(1)); // nobody told the machine
    fib.want(prefix(0), &hops(&[1, 2]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    let group = *kernel.table.groups.keys().next().unwrap();
    assert_eq!(links(&kernel, group), [link(2), link(2)]);
    kernel.up.insert(link(1));
    let again = fib.deadline().unwrap();
    run(&mut fib, &mut kernel, again);
    assert_eq!(links(&kernel, group), [link(1), link(2)]);
}

#[test]
fn at_most_two_batches_of_routes_are_with_the_kernel_and_groups_still_pass() {
    let mut fib = Fib::new(settings());
    let mut kernel = model();
    fib.want("192.0.2.0/24".parse().unwrap(), &hops(&[1, 2]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    for number in 0..10_000_u32 {
        let prefix = Prefix::new(Ipv4Addr::from(0x0b00_0000 + (number << 8)).into(), 24).unwrap();
        fib.want(prefix, &hops(&[1, 2]), &[]);
    }
    let first = fib.next_batch(Time::START).unwrap();
    let second = fib.next_batch(Time::START).unwrap();
    assert_eq!([first.lane, second.lane], [Lane::Routes; 2]);
    assert!(fib.next_batch(Time::START).is_none());
    fib.link_down(link(1));
    fib.link_up(link(1));
    let urgent = fib.next_batch(Time::START).unwrap();
    assert!(matches!(urgent.ops.as_ref(), [Op::AddNextHop(_), Op::SetGroup(_)]), "{urgent:?}");
    assert_eq!(urgent.lane, Lane::Objects);
    assert!(fib.next_batch(Time::START).is_none());
    for batch in [urgent, first, second] {
        let failures = carry_out(&mut kernel, &batch);
        fib.done(Time::START, batch.id, failures);
    }
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table.routes.len(), 10_001);
}

#[test]
fn a_page_holds_the_smallest_prefixes_behind_the_last() {
    let mut fib = Fib::new(settings());
    for number in [8, 2, 6, 4, 0] {
        fib.want(prefix(number), &hops(&[1]), &[]);
    }
    let page = fib.page(Family::Ipv4, Some(prefix(0)), 2);
    assert_eq!(page.iter().map(|view| view.prefix).collect::<Vec<_>>(), [prefix(2), prefix(4)]);
}

#[test]
fn a_new_idle_timer_is_one_message_a_group_and_a_new_number_of_buckets_leaves_groups_alone() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    for number in 0..10 {
        fib.want(prefix(number), &hops(&[1, 2]), &[]);
    }
    run(&mut fib, &mut kernel, Time::START);
    let groups = kernel.table.groups.len();
    fib.set(&settings());
    assert!(fib.next_batch(Time::START).is_none(), "nothing has changed");
    fib.set(&Settings { buckets: 64, ..settings() });
    assert!(fib.next_batch(Time::START).is_none(), "a group keeps its buckets as long as it lives");
    fib.set(&Settings { idle_timer: Duration::from_secs(7), ..settings() });
    let done = run(&mut fib, &mut kernel, Time::START);
    assert!(done.len() == groups && done.iter().all(|op| matches!(op, Op::SetGroup(_))), "{done:?}");
    assert!(kernel.table.groups.values().all(|group| group.idle_timer == Duration::from_secs(7)));
}
