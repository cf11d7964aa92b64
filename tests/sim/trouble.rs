//! What goes wrong with a whole gateway, and when: by chance alone, from a seed.

use std::time::Duration;

use crate::weather::Weather;
use crate::whole::{CORE, TWIN_LINK, WIRES};
use crate::{HQ_1, HQ_2, IN_0, IN_1};

/// Faults begin within this time.
const TROUBLE: Duration = Duration::from_secs(12);

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Nothing arrives over a wire.
    Cut(usize),
    /// What this host sends over a wire does not arrive.
    OneWay(usize, usize),
    /// The carrier is lost; the news of it may be too, at either end, when it goes and when it comes.
    Carrier(usize, [bool; 2], [bool; 2]),
    /// Packets are lost and late.
    Bad(usize, Weather),
    /// The daemon is killed, and started again.
    Kill(usize),
    /// The host loses its power, and starts with an empty kernel.
    Die(usize),
    /// The daemon is stopped, alone or with all of its host, and goes on.
    Pause(usize, bool),
    /// The clock of a host jumps.
    Jump(usize, Duration),
    /// Another program changes what is ours.
    Tamper(usize, u8, usize),
    /// The instances do not hear each other on the network side.
    Network,
    /// A person gives the role to the twin.
    HandOver(usize),
    /// A person drains an instance, without force, and takes it back later.
    Drain(usize),
}

impl Fault {
    /// The wire or the host that it is about: there is one fault at a time of each.
    pub fn about(&self) -> (bool, usize) {
        match self {
            Self::Cut(wire) | Self::OneWay(_, wire) | Self::Carrier(wire, ..) | Self::Bad(wire, _) => (true, *wire),
            Self::Kill(host)
            | Self::Die(host)
            | Self::Pause(host, _)
            | Self::Jump(host, _)
            | Self::Tamper(host, ..) => (false, *host),
            Self::Network => (true, usize::MAX),
            Self::HandOver(host) => (true, 200 + host),
            // Also of one that is killed or stopped meanwhile.
            Self::Drain(host) => (true, 100 + host),
        }
    }
}

/// A fault with its time.
#[derive(Clone, Debug)]
pub struct Planned {
    pub from: Duration,
    pub to: Duration,
    pub fault: Fault,
}

/// What is played, by chance alone.
pub fn plan(chance: &mut fastrand::Rng, standby: bool) -> Vec<Planned> {
    let mut plan: Vec<Planned> = Vec::new();
    for _ in 0..chance.usize(1..9) {
        let wire = chance.usize(..if standby { TWIN_LINK + 1 } else { WIRES.len() });
        let host = [IN_0, IN_0, IN_1, IN_1, HQ_1, HQ_2, CORE][chance.usize(..if standby { 6 } else { 7 })];
        let end = WIRES[wire].0[chance.usize(..2)];
        let mut lost = || [chance.u8(..4) == 0, chance.u8(..4) == 0];
        let (gone, back) = (lost(), lost());
        let fault = match chance.u32(..if standby { 22 } else { 20 }) {
            0..4 => Fault::Cut(wire),
            4..7 => Fault::OneWay(end, wire),
            7..9 => Fault::Carrier(wire, gone, back),
            9..12 => {
                let delay = Duration::from_millis(chance.u64(..60));
                Fault::Bad(wire, Weather { loss: chance.u32(..40), delay })
            }
            12..14 => Fault::Kill(host),
            14 => Fault::Die(host),
            15..17 => Fault::Pause(host, chance.bool()),
            17 => Fault::Jump(host, Duration::from_millis(chance.u64(..20_000))),
            18 => Fault::Drain([IN_0, IN_1][chance.usize(..2)]),
            20 => Fault::Network,
            21 => Fault::HandOver([IN_0, IN_1][chance.usize(..2)]),
            _ => Fault::Tamper([IN_0, IN_1][chance.usize(..2)], chance.u8(..6), chance.usize(..8)),
        };
        let from = Duration::from_micros(chance.u64(..TROUBLE.as_micros() as u64));
        let most = [5, 400, 3_000, 14_000][chance.usize(..4)];
        let lasts = Duration::from_micros(chance.u64(1..most * 1_000));
        let to =
            if matches!(fault, Fault::Jump(..) | Fault::Tamper(..) | Fault::HandOver(_)) { from } else { from + lasts };
        add(&mut plan, Planned { from, to, fault });
    }
    // Two people who know nothing of each other.
    if chance.u8(..8) == 0 {
        for host in [IN_0, IN_1] {
            let from = Duration::from_millis(chance.u64(..TROUBLE.as_millis() as u64));
            let to = from + Duration::from_millis(chance.u64(1_000..14_000));
            add(&mut plan, Planned { from, to, fault: Fault::Drain(host) });
        }
    }
    plan
}

/// Unless the same thing has that trouble already.
fn add(plan: &mut Vec<Planned>, new: Planned) {
    let meets =
        |known: &Planned| known.fault.about() == new.fault.about() && known.from <= new.to && new.from <= known.to;
    if !plan.iter().any(meets) {
        plan.push(new);
    }
}
