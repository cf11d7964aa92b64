//! What is urgent is said in the first part of a turn: the kernel has it before anything else follows.

use super::*;
use crate::fib::{Lane, Op};

/// What the first part of a turn says, and then the second.
fn parts(bench: &mut Bench, input: Input) -> (Vec<Effect>, Vec<Effect>) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    bench.speaker.learn(bench.now, input, &mut first);
    bench.speaker.finish(bench.now, &mut second);
    (first, second)
}

/// What these effects do to next hops and groups.
fn groups(effects: &[Effect]) -> Vec<&Op> {
    let batches = effects.iter().filter_map(|effect| match effect {
        Effect::Kernel(batch) if batch.lane == Lane::Objects => Some(batch.ops.iter()),
        _ => None,
    });
    batches.flatten().collect()
}

#[test]
fn a_lost_session_is_out_of_its_groups_before_anything_follows_from_it() {
    let (mut bench, second) = settling::one_of_two(&[]);
    bench.also(second, 0..3);
    bench.linger(second, Duration::from_secs(8));
    assert!(matches!(&bench.groups()[..], [(_, links, 3)] if *links == [7, 8]), "{:?}", bench.groups());
    let device = bench.speaker.neighbors.get(bench.first()).and_then(|device| device.conn).unwrap();
    let (first, second) = parts(&mut bench, Input::Lost { conn: device, reason: "reset".to_owned() });
    let [.., Op::SetGroup(group)] = groups(&first)[..] else { panic!("{first:?}") };
    let most = group.members.iter().map(|(_, weight)| *weight).max();
    assert_eq!(group.members.iter().filter(|(_, weight)| Some(*weight) == most).count(), 1, "{group:?}");
    assert!(groups(&second).is_empty(), "{second:?}");
}

#[test]
fn what_bfd_finds_dead_is_too() {
    let (mut bench, _) = watch::established("{ enabled = true }");
    let (first, second) = parts(&mut bench, watch::dead());
    assert!(matches!(groups(&first)[..], [Op::DeleteGroup(_)]), "{first:?}");
    assert!(groups(&second).is_empty(), "{second:?}");
}

#[test]
fn two_parts_of_a_turn_say_what_the_whole_does() {
    let [mut whole, mut apart] = [Bench::new(), Bench::new()];
    let conns = [&mut whole, &mut apart].map(|bench| {
        let conn = bench.established();
        bench.teach(conn, 3);
        conn
    });
    let lost = |conn| Input::Lost { conn, reason: "reset".to_owned() };
    let said = whole.tell(lost(conns[0]));
    let (mut first, second) = parts(&mut apart, lost(conns[1]));
    first.extend(second);
    assert_eq!(format!("{first:?}"), format!("{said:?}"));
}
