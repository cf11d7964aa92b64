//! What an earlier run left in the running kernel under another table, metric or protocol number.

use twinspan::fib::io::Kernel;
use twinspan::fib::{Fib, Settings};
use twinspan::types::{LinkIndex, Prefix, Time};

use super::space::{Space, within};
use super::{hop, settings, v4, v6};

/// Everything that the machine wants to be done now.
fn run(fib: &mut Fib, kernel: &mut Kernel, settings: &Settings) {
    while let Some(batch) = fib.next_batch(Time::START) {
        let failures = kernel.apply(settings, &batch.ops);
        assert_eq!(failures, []);
        fib.done(Time::START, batch.id, failures);
    }
    assert!(fib.settled());
}

fn want(fib: &mut Fib, links: &[LinkIndex], from: u32) {
    for prefix in (from..50).flat_map(|number| [v4(number), v6(number)]) {
        let hops: Vec<_> = links.iter().map(|link| hop(*link, prefix.family())).collect();
        fib.want(prefix, &hops, &[]);
    }
    let host: Prefix = "10.52.0.253/32".parse().unwrap();
    fib.want_link(host, links[0]);
}

/// How many routes there are in a table under a protocol number, of both families.
fn count(space: &Space, settings: &Settings) -> [usize; 2] {
    let Settings { table, protocol, metric, .. } = settings;
    ["-4", "-6"].map(|family| {
        let routes = space.ip(&format!("{family} route show table all proto {protocol}"));
        let table = if *table == 254 { String::new() } else { format!("table {table} ") };
        let there = |line: &&str| match table.as_str() {
            "" => !line.contains("table "),
            table => line.contains(table),
        };
        routes.lines().filter(there).filter(|line| line.contains(&format!("metric {metric} "))).count()
    })
}

#[test]
fn what_a_run_left_under_other_settings_goes_when_what_is_wanted_is_there_and_no_other_route_is_touched() {
    let old = settings();
    let others = [
        Settings { table: 100, ..old.clone() },
        Settings { metric: 50, ..old.clone() },
        Settings { protocol: 180, ..old.clone() },
        Settings { table: 100, protocol: 180, metric: 7, ..old.clone() },
    ];
    for new in others {
        let old = old.clone();
        within(move |space| {
            let links = [space.pair(1), space.pair(2)];
            let mut kernel = Kernel::open().unwrap();
            let mut first = Fib::new(old.clone());
            want(&mut first, &links, 0);
            run(&mut first, &mut kernel, &old);
            // A person's routes, one of them under our own number, and another program's in our range of ids.
            space.ip("route add 10.77.0.0/16 dev d1 table 77 proto 179");
            space.ip("nexthop add id 1946158000 dev d2 proto 99");
            space.ip("route add 10.78.0.0/16 nhid 1946158000 proto 99 metric 21");
            assert_eq!(count(space, &old), [51, 50]);

            let mut kernel = Kernel::open().unwrap();
            kernel.succeed(&[old.protocol]);
            let (found, left) = kernel.find(&new).unwrap();
            assert_eq!((found.routes.len(), left.routes.len()), (0, 101), "{left:?}");
            let mut second = Fib::new(new.clone());
            assert!(second.adopt(found));
            second.inherit(left);
            // Half of it is known: none of that may take the place of what leads better.
            want(&mut second, &links[..1], 0);
            run(&mut second, &mut kernel, &new);
            assert!(count(space, &old)[1] == 50 && count(space, &new)[1] == 0, "{}", space.ip("-6 route"));
            want(&mut second, &links, 10);
            (0..10).flat_map(|number| [v4(number), v6(number)]).for_each(|prefix| second.unwant(&prefix));
            second.sweep();
            run(&mut second, &mut kernel, &new);
            assert!(!second.has_past());
            assert_eq!(
                (count(space, &old), count(space, &new)),
                ([0, 0], [41, 40]),
                "{}",
                space.ip("route show table all")
            );
            assert_eq!(kernel.dump(&new).unwrap(), second.mirror());
            assert_eq!(
                space.ip("-d nexthop show").matches("type resilient").count(),
                2,
                "{}",
                space.ip("nexthop show")
            );
            assert_eq!(space.ip("route show table 77").lines().count(), 1);
            assert!(space.ip("route show 10.78.0.0/16").contains("nhid 1946158000"));
        });
    }
}
