//! Packets walked through the model kernels of all hosts: where each of the ways of a packet ends.

use twinspan::fib::{Table, Target};
use twinspan::types::{LinkIndex, Prefix};

use crate::world::World;

/// Where one way of a packet ends.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum End {
    /// At a host that it was sent to.
    There(usize),
    /// A host has no route for it.
    NoRoute(usize),
    /// It leaves a host by an interface behind which nothing arrives.
    Lost(usize, LinkIndex),
    /// It comes to a host where it has been: the hosts on its way.
    Loop(Vec<usize>),
}

/// Every end that a packet to a prefix can come to from a host: it may take any member of a group. `at` says whether a
/// host is where it belongs, `dark` which hosts are without power.
pub fn ends(world: &World, from: usize, to: Prefix, at: &dyn Fn(usize, Prefix) -> bool) -> Vec<End> {
    let mut found = Vec::new();
    step(world, &mut vec![from], to, at, &mut found);
    found.sort();
    found.dedup();
    found
}

fn step(world: &World, path: &mut Vec<usize>, to: Prefix, at: &dyn Fn(usize, Prefix) -> bool, found: &mut Vec<End>) {
    let Some(host) = path.last().copied() else { return };
    if at(host, to) {
        return found.push(End::There(host));
    }
    let links = links(&world.hosts[host].kernel.table, to);
    if links.is_empty() {
        return found.push(End::NoRoute(host));
    }
    for link in links {
        let wire = world.wires.iter().position(|wire| wire.contains(&(host, link)));
        let Some(far) = wire.filter(|wire| world.carries(host, *wire)).and_then(|wire| {
            let far = world.wires[wire].iter().find(|end| **end != (host, link))?.0;
            (!world.hosts[far].dark && !world.hosts[far].frozen).then_some(far)
        }) else {
            found.push(End::Lost(host, link));
            continue;
        };
        if path.contains(&far) {
            let mut around = path.clone();
            around.push(far);
            found.push(End::Loop(around));
            continue;
        }
        path.push(far);
        step(world, path, to, at, found);
        path.pop();
    }
}

/// The interfaces by which a kernel sends what goes to a prefix.
pub fn links(table: &Table, to: Prefix) -> Vec<LinkIndex> {
    let mut links: Vec<LinkIndex> = match table.routes.get(&to) {
        Some(Target::Group(id)) => {
            let members = table.groups.get(id).map(|group| group.carrying()).unwrap_or_default();
            members.iter().filter_map(|(id, _)| table.next_hops.get(id)).map(|hop| hop.link).collect()
        }
        Some(Target::Link(link)) => vec![*link],
        Some(Target::Other) | None => Vec::new(),
    };
    links.sort_unstable();
    links.dedup();
    links
}
