//! What must never be so for longer than stated, looked up in all kernels of a whole gateway at once. The bounds are
//! those of `docs/decisions/0027-simulated-gateway.md` and, about the role, of `docs/decisions/0022-election.md`.

use std::time::Duration;

use twinspan::types::{LinkIndex, Prefix, Time};

use crate::guard::Found;
use crate::walk;
use crate::walk::End;
use crate::whole::{CLOUD, SITES, TWIN_LINK, VM, WIRES, is_at, prefix};
use crate::world::World;
use crate::{IN_0, IN_1};

/// The hold time of all sessions, the restart time, and what a start waits for at most.
const HOLD: Duration = Duration::from_secs(9);
const RESTART: Duration = Duration::from_secs(10);
const START: Duration = Duration::from_secs(30);
/// What machines and kernels take beside the time that noticing takes.
pub const TURN: Duration = Duration::from_millis(50);
/// Between two hellos.
const HELLO: Duration = Duration::from_millis(200);
/// How long the kernel keeps the shared address of an instance that does not run. Twice in that time an active whose twin
/// is silent asks on the network side.
const LEASE: Duration = Duration::from_secs(2);
/// A wire that loses packets has let one through by then.
const LOSSY: Duration = Duration::from_secs(3);
/// A question on the network side is over by then.
const QUESTION: Duration = Duration::from_millis(350);

/// What a moment cannot tell by itself.
#[derive(Default)]
pub struct Memory {
    /// Since when the network side of the instances is whole.
    pub whole: Option<Time>,
    /// Both had the shared address at the last look.
    both: bool,
    /// One of them had handed it over.
    handed: bool,
    /// One of them did not run, and would have been heard on the network side.
    robbed: bool,
}

/// What must not be so for long, as it is now.
pub fn wrong(world: &World, since: &[Time; 5], bfd: bool, memory: &mut Memory) -> Found {
    let mut found = Found::new();
    loops(world, since, &mut found);
    both(world, memory, &mut found);
    dead(world, since, bfd, &mut found);
    found
}

/// An instance cannot do or say anything now.
fn is_deaf(world: &World, host: usize) -> bool {
    world.hosts[host].speaker.is_none() || world.hosts[host].asleep
}

/// The twin-link does not carry everything.
fn is_cut(world: &World) -> bool {
    !world.carries(IN_0, TWIN_LINK) || !world.carries(IN_1, TWIN_LINK)
}

fn loops(world: &World, since: &[Time; 5], found: &mut Found) {
    // Somebody who does not hear of it that a tunnel is gone says nothing of it.
    let deaf = [IN_0, IN_1].iter().any(|host| is_deaf(world, *host));
    let late = world
        .weather
        .get(&TWIN_LINK)
        .map_or(Duration::ZERO, |weather| weather.delay * 4 + if weather.loss > 0 { LOSSY } else { Duration::ZERO });
    for (text, _) in SITES {
        for from in [VM, IN_0, IN_1] {
            for end in walk::ends(world, from, prefix(text), &is_at) {
                let End::Loop(path) = end else { continue };
                let names: Vec<_> = path.iter().map(|host| world.hosts[*host].name).collect();
                // One that was started not long ago says nothing before it knows all, and what it said before is kept.
                let new =
                    [IN_0, IN_1].iter().any(|host| since[*host] > Time::START && world.now.since(since[*host]) < START);
                let bound = match (new, deaf || is_cut(world)) {
                    (true, _) => START + TURN,
                    (false, true) => HOLD + RESTART + TURN * 10,
                    (false, false) => TURN * 2 + late,
                };
                found.push((format!("loop for {text}: {}", names.join(" > ")), bound));
            }
        }
    }
}

/// The table of 0022, row by row.
fn both(world: &World, memory: &mut Memory, found: &mut Found) {
    let before = std::mem::replace(&mut memory.both, holds(world, IN_0) && holds(world, IN_1));
    if !memory.both {
        return;
    }
    let deaf = [IN_0, IN_1].iter().any(|host| is_deaf(world, *host));
    let down = !world.hosts[IN_0].interfaces.iter().any(|(_, name, _, up)| name == "eth1" && *up);
    let apart = is_cut(world) || down;
    if !before {
        let told = |host: &usize| {
            let mut events = world.hosts[*host].events.iter().rev().take(8);
            events.any(|event| event.contains("handed it over"))
        };
        memory.handed = [IN_0, IN_1].iter().any(told);
        let asked = !world.network_cut && memory.whole.is_none_or(|whole| world.now.since(whole) > QUESTION);
        memory.robbed = deaf && asked && !memory.handed;
    }
    if memory.robbed {
        found.push(("both: taken from one whose kernel answers for the shared address".to_owned(), Duration::ZERO));
    }
    let (what, bound) = match (deaf, apart) {
        // The kernel of one that does not run has the address until its lifetime is over.
        (true, _) => ("and one of them does not run", LEASE),
        // On purpose: neither can know.
        (false, true) if world.network_cut => return,
        (false, true) => ("and they meet on the network side only", LEASE / 2),
        (false, false) if memory.handed => ("and one has handed it over", Duration::ZERO),
        (false, false) => ("and they hear each other", HELLO),
    };
    let weather = world
        .weather
        .get(&TWIN_LINK)
        .map_or(Duration::ZERO, |weather| weather.delay + if weather.loss > 0 { LOSSY } else { Duration::ZERO });
    found.push((format!("both: in-0 and in-1 have the shared address {what}"), bound + weather + TURN));
}

/// Who sends packets to a wire that carries nothing.
fn dead(world: &World, since: &[Time; 5], bfd: bool, found: &mut Found) {
    let prefixes: Vec<Prefix> = SITES.iter().map(|(text, _)| prefix(text)).chain([prefix(CLOUD)]).collect();
    for (host, h) in world.hosts.iter().enumerate().take(since.len()) {
        if is_deaf(world, host) || h.dark {
            continue;
        }
        let used: Vec<LinkIndex> = prefixes.iter().flat_map(|prefix| walk::links(&h.kernel.table, *prefix)).collect();
        for (number, wire) in world.wires.iter().enumerate().take(WIRES.len()) {
            let (Some((_, link)), Some((far, _))) =
                (wire.iter().find(|(known, _)| *known == host), wire.iter().find(|(known, _)| *known != host))
            else {
                continue;
            };
            let gone = world.hosts[*far].dark || world.hosts[*far].frozen;
            let carried = world.carries(host, number) && world.carries(*far, number) && !gone;
            if carried || !used.contains(link) {
                continue;
            }
            let slow = world.weather.get(&number).map_or(Duration::ZERO, |weather| weather.delay);
            let bound = match world.detection(host, *link).filter(|_| bfd) {
                Some(detection) => detection * 2 + TURN + slow,
                // It has been started not long ago, and keeps what it found until it knows better.
                None if world.now.since(since[host]) < START => START + TURN,
                None => HOLD + RESTART + TURN * 10,
            };
            found.push((format!("dead: {} sends over {}, which carries nothing", h.name, WIRES[number].2), bound));
        }
    }
}

/// The kernel of that instance has the shared address, and answers for it.
pub fn holds(world: &World, host: usize) -> bool {
    let h = &world.hosts[host];
    h.address.is_some_and(|until| world.now < until) && !h.frozen && !h.dark
}
