//! A way that is lost by several groups at once.

use std::collections::BTreeSet;

use super::*;

/// Three groups over the same three ways, each with prefixes: they began with one way each.
fn equal_groups() -> (Fib, Model) {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    for number in [1, 2, 3] {
        fib.want(prefix(2 * number), &hops(&[u32::from(number)]), &[]);
    }
    run(&mut fib, &mut kernel, Time::START);
    for number in [1, 2, 3] {
        fib.want(prefix(2 * number), &hops(&[1, 2, 3]), &[]);
    }
    run(&mut fib, &mut kernel, Time::START);
    assert_eq!(kernel.table.groups.keys().filter(|id| links(&kernel, **id).len() == 3).count(), 3);
    (fib, kernel)
}

/// Where every group with a route leads now.
fn ways(kernel: &Model) -> Vec<Vec<LinkIndex>> {
    let groups = kernel.table.routes.values().filter_map(|target| match target {
        Target::Group(id) => Some(*id),
        Target::Link(_) | Target::Other => None,
    });
    groups.map(|id| links(kernel, id)).collect()
}

/// Carries out so many operations of the batch, from one on.
fn some(kernel: &mut Model, batch: &Batch, which: std::ops::Range<usize>) -> Vec<Failure> {
    let tried = which.map(|index| (index, kernel.apply(&batch.ops[index])));
    tried.filter_map(|(index, done)| done.err().map(|error| Failure { index, error })).collect()
}

type Loss = fn(&mut Fib);
const LOSSES: [Loss; 2] = [|fib| fib.strip(Bar::Link(link(1))), |fib| fib.bar(Bar::Link(link(1)))];

#[test]
fn a_way_is_out_of_all_groups_with_the_first_message_and_all_is_as_it_was_made_after_the_last() {
    for lose in LOSSES {
        let (mut fib, mut kernel) = equal_groups();
        let (hops, writes) = (kernel.table.next_hops.clone(), kernel.route_writes);
        lose(&mut fib);
        let batch = fib.next_objects(Time::START).unwrap();
        some(&mut kernel, &batch, 0..1);
        assert!(ways(&kernel).iter().all(|ways| ways.len() == 3 && !ways.contains(&link(1))), "{batch:?}");
        assert_eq!(some(&mut kernel, &batch, 1..batch.ops.len()), []);
        assert!(ways(&kernel).iter().all(|ways| *ways == [link(2), link(3)]));
        assert_eq!((&kernel.table.next_hops, kernel.route_writes), (&hops, writes));
        fib.done(Time::START, batch.id, Vec::new());
        assert_eq!(fib.mirror(), kernel.table);
    }
}

#[test]
fn one_group_is_one_message_by_itself_and_groups_without_a_way_in_common_are_set_one_by_one() {
    let (mut fib, mut kernel) = (Fib::new(settings()), model());
    fib.want(prefix(2), &hops(&[1, 2]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    fib.bar(Bar::Link(link(1)));
    let ops = run(&mut fib, &mut kernel, Time::START);
    assert!(ops.iter().filter(|op| matches!(op, Op::SetGroup(_))).count() == 1, "{ops:?}");
    fib.unbar(Bar::Link(link(1)));
    fib.want(prefix(4), &hops(&[1, 3]), &[]);
    run(&mut fib, &mut kernel, Time::START);
    let before = kernel.table.next_hops.clone();
    fib.bar(Bar::Link(link(1)));
    let batch = fib.next_objects(Time::START).unwrap();
    let leads = |op: &Op| matches!(op, Op::AddNextHop(hop) if before.contains_key(&hop.id));
    assert!(!batch.ops.iter().any(leads), "the far end of 3 never said what goes over 2: {batch:?}");
}

#[test]
fn where_groups_that_have_the_way_are_with_the_kernel_they_are_waited_for() {
    let (mut fib, mut kernel) = equal_groups();
    fib.bar(Bar::Link(link(3)));
    run(&mut fib, &mut kernel, Time::START);
    fib.unbar(Bar::Link(link(3)));
    let first = fib.next_objects(Time::START).unwrap();
    fib.bar(Bar::Link(link(1)));
    assert!(fib.next_objects(Time::START).is_none(), "{first:?}");
    let failures = carry_out(&mut kernel, &first);
    assert!(ways(&kernel).iter().all(|ways| *ways == [link(1), link(2), link(3)]));
    fib.done(Time::START, first.id, failures);
    let second = fib.next_objects(Time::START).unwrap();
    some(&mut kernel, &second, 0..1);
    assert!(ways(&kernel).iter().all(|ways| ways.len() == 3 && !ways.contains(&link(1))), "{second:?}");
}

#[test]
fn a_way_that_is_lost_while_others_lead_over_it_takes_what_leads_over_it_along() {
    // The news of it comes before, within, or after the batch; the link that was lost at first goes too, or not.
    for lose in LOSSES {
        for (cut, heard, both) in (0..6).flat_map(|cut| [(cut, true, false), (cut, false, false), (cut, true, true)]) {
            let (mut fib, mut kernel) = equal_groups();
            lose(&mut fib);
            let batch = fib.next_objects(Time::START).unwrap();
            let cut = cut.min(batch.ops.len());
            let mut failures = some(&mut kernel, &batch, 0..cut);
            let down = |kernel: &mut Model| {
                kernel.link_down(link(2), true);
                if both {
                    kernel.link_down(link(1), true);
                }
            };
            let hear = |fib: &mut Fib| {
                fib.link_down(link(2));
                if both {
                    fib.link_down(link(1));
                }
            };
            down(&mut kernel);
            if heard {
                hear(&mut fib);
            }
            failures.extend(some(&mut kernel, &batch, cut..batch.ops.len()));
            fib.done(Time::START, batch.id, failures);
            if !heard {
                hear(&mut fib);
            }
            for number in [1, 2, 3] {
                fib.want(prefix(2 * number), &hops(&[2, 3]), &[]);
            }
            run(&mut fib, &mut kernel, Time::START);
            run(&mut fib, &mut kernel, Time::from_start(Duration::from_secs(100)));
            let now = ways(&kernel);
            assert!(now.len() == 3 && now.iter().flatten().all(|way| *way == link(3)), "{cut} {heard} {both}: {now:?}");
            kernel.up.extend([link(1), link(2)]);
            fib.link_up(link(2));
            if both {
                fib.link_up(link(1));
            }
            run(&mut fib, &mut kernel, Time::from_start(Duration::from_secs(200)));
            assert_eq!(fib.mirror(), kernel.table, "{cut} {heard} {both}");
            fib.clear();
            run(&mut fib, &mut kernel, Time::from_start(Duration::from_secs(300)));
            assert_eq!(kernel.table, Table::default(), "{cut} {heard} {both}");
        }
    }
}

#[test]
fn who_is_killed_meanwhile_leaves_what_the_next_run_makes_right_without_touching_a_route() {
    for (cut, returned) in (0..6).flat_map(|cut| [(cut, false), (cut, true)]) {
        let (mut fib, mut kernel) = equal_groups();
        let writes = kernel.route_writes;
        fib.strip(Bar::Link(link(1)));
        let batch = fib.next_objects(Time::START).unwrap();
        some(&mut kernel, &batch, 0..cut.min(batch.ops.len()));
        let mut next = Fib::new(settings());
        assert!(next.adopt(kernel.table.clone()));
        let wanted: &[u32] = if returned { &[1, 2, 3] } else { &[2, 3] };
        for number in [1, 2, 3] {
            next.want(prefix(2 * number), &hops(wanted), &[]);
        }
        run(&mut next, &mut kernel, Time::START);
        next.sweep();
        run(&mut next, &mut kernel, Time::START);
        let wanted: BTreeSet<LinkIndex> = wanted.iter().copied().map(link).collect();
        let now = ways(&kernel);
        assert!(now.iter().all(|ways| ways.iter().copied().collect::<BTreeSet<_>>() == wanted), "{cut}: {now:?}");
        assert!(now.iter().all(|ways| ways.len() == wanted.len()), "{cut}: {now:?}");
        assert_eq!(next.mirror(), kernel.table, "{cut} {returned}");
        assert_eq!(kernel.route_writes, writes, "{cut} {returned}");
        for way in [1, 2, 3].map(link) {
            let on = kernel.table.next_hops.values().filter(|hop| hop.link == way).count();
            assert!(on <= 2 && (on > 0) == wanted.contains(&way), "{cut} {returned}: {on} on {way:?}, with the copy");
        }
    }
}
