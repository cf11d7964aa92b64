//! From what a kernel holds to what it should hold, safe after each step.

use super::Op;
use super::Table;

/// The operations that turn `have` into `want`: next hops, groups and routes come first, then the deletions, routes
/// before groups before next hops. So nothing ever points at what is not there, and a prefix that is in both tables
/// has a route all the time.
///
/// A group keeps its number of buckets for life and a next hop its family: ids are counted, never given out twice.
#[must_use]
pub fn plan(have: &Table, want: &Table) -> Vec<Op> {
    let mut ops = Vec::new();
    let changed_hops = want.next_hops.iter().filter(|(id, hop)| have.next_hops.get(id) != Some(hop));
    ops.extend(changed_hops.map(|(_, hop)| Op::AddNextHop(*hop)));
    let changed_groups = want.groups.iter().filter(|(id, group)| have.groups.get(id) != Some(group));
    ops.extend(changed_groups.map(|(_, group)| Op::SetGroup(group.clone())));
    for (prefix, target) in &want.routes {
        match have.routes.get(prefix) {
            None => ops.push(Op::AddRoute(*prefix, *target)),
            Some(now) if now != target => ops.push(Op::ReplaceRoute(*prefix, *target)),
            Some(_) => {}
        }
    }
    let gone = have.routes.keys().filter(|prefix| !want.routes.contains_key(prefix));
    ops.extend(gone.map(|prefix| Op::DeleteRoute(*prefix)));
    let gone = have.groups.keys().filter(|id| !want.groups.contains_key(id));
    ops.extend(gone.map(|id| Op::DeleteGroup(*id)));
    let gone = have.next_hops.keys().filter(|id| !want.next_hops.contains_key(id));
    ops.extend(gone.map(|id| Op::DeleteNextHop(*id)));
    ops
}
